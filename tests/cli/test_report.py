"""``alad report``: a page is written whole, or not at all."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from alad.cli.app import app
from tests.report import made_up


def call(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_a_page_is_written(tmp_path):
    made_up.write(tmp_path / "results", "mahalanobis")
    done = call(tmp_path / "results", "-o", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert "Written: " in done.stdout
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_page_of_results_is_told_in_short_as_json(tmp_path):
    made_up.write(tmp_path / "results", "if-paper")
    done = call(tmp_path / "results", "-o", tmp_path / "page.html", "--json")
    said = json.loads(done.stdout)
    assert said.pop("bytes") == (tmp_path / "page.html").stat().st_size
    assert said.pop("out") == str(tmp_path / "page.html")
    tables = ["kdd99", "kdd99-true-rate"]
    assert said == {"results": 1, "tables": tables, "published": 1, "within_2_sd": 1}


def test_without_results_nothing_is_written(tmp_path):
    done = call(tmp_path, "-o", tmp_path / "page.html")
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "error: Expected results of 'alad reproduce tabular', cifar10 or svhn in "
    )
    assert not (tmp_path / "page.html").exists()


def test_a_damaged_result_is_named(tmp_path):
    made_up.write(tmp_path, "mahalanobis").write_text('{"payload": ')
    done = call(tmp_path, "-o", tmp_path / "page.html")
    assert done.exit_code == 2
    assert "kdd99-paper-mahalanobis.json; it cannot be read" in done.stderr
    assert not (tmp_path / "page.html").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    made_up.write(tmp_path / "results", "mahalanobis")
    (tmp_path / "file").write_text("")
    done = call(tmp_path / "results", "-o", tmp_path / "file" / "page.html")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: Expected to write ")
