"""Figures in the documents are those of the stored results."""

import json

import pytest
from PIL import Image

from alad.experiments import quality
from alad.experiments.compare import compared
from alad.experiments.panels import PANELS
from alad.experiments.registry import TABLES
from alad.report.quality import ranks_in_words
from benchmarks import report_picture
from benchmarks.tables import BLOCK, PAGES, RESULTS, ROOT, renewed, table


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_says_what_its_result_says(page):
    text = page.read_text("utf-8")
    assert BLOCK.search(text)
    assert renewed(text) == text


def test_the_picture_of_ranks_is_of_the_stored_results():
    with Image.open(ROOT / "docs" / "images" / "ranks.png") as picture:
        said = picture.text["Description"]
    assert said == ranks_in_words(quality.compared(PANELS["adbench"], RESULTS / "quality"))


def test_the_picture_of_the_report_is_of_the_stored_results():
    with Image.open(report_picture.PICTURE) as picture:
        said = picture.text["Description"]
    table = compared(next(iter(TABLES.values())), RESULTS / "tabular")
    assert said == report_picture.in_words(table)


@pytest.mark.parametrize("name", TABLES)
def test_a_row_that_is_away_from_its_published_number_says_why(name):
    rows = compared(TABLES[name], RESULTS / "tabular")["rows"]
    away = [row for row in rows if row["within"] is False]
    text = table(f"tabular/{name}")
    assert all(row["why"] and f"{row['label']}" in text.split("away from")[1] for row in away)
    assert ("away from" in text) == bool(away)


def test_a_figure_changed_by_hand_is_seen():
    name = "kdd99-paper-none-full"
    text = f"<!-- table: {name} -->\n{table(name)}<!-- end -->"
    assert renewed(text) == text
    rows = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))["payload"]["rows"]
    ours = next(f"{row['at_cut']['f1']['mean']:.4f}" for row in rows if row["method"] == "ALAD")
    assert renewed(text.replace(ours, "0.9999")) == text != text.replace(ours, "0.9999")
