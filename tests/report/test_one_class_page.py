"""Tables for pictures on the page and in the documents, and pictures that are shown beside them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from alad.cli.one_class import as_text
from alad.errors import InputError
from alad.experiments.one_class import ONE_CLASS, one_class
from alad.experiments.published import BY_CLASS, MEMORY
from alad.experiments.summary import summarise
from alad.metrics import mean_and_sd_as_text
from alad.report.one_class import bars
from alad.report.page import render
from benchmarks.tables import pictures
from tests.cli.test_report import call
from tests.report import made_up

CLASSES = [row.classes for row in BY_CLASS["cifar10"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for name in ("airplane", "cat"):
        made_up.write(folder, "alad-sn", data_set="cifar10", protocol=name, scale=0.1)
    made_up.write(folder, "if-paper", data_set="cifar10", protocol="cat")
    return folder


def test_every_auroc_is_on_the_page_beside_the_published(folder):
    summary = summarise(folder)
    assert [table["name"] for table in summary["one_class"]] == [
        "cifar10",
        "cifar10-ablation",
        "cifar10-scores",
        "cifar10-bfloat16",
    ]
    assert summary["tables"] == []
    assert [source["name"] for source in summary["sources"]] == [
        "cifar10-airplane-alad-sn-epochs-x0.1",
        "cifar10-cat-alad-sn-epochs-x0.1",
        "cifar10-cat-if-paper",
    ]
    page = render(summary)
    text = re.sub(r"</?span[^>]*>", "", page)
    for table in summary["one_class"]:
        for row in table["rows"]:
            for cell in filter(None, row["cells"].values()):
                assert mean_and_sd_as_text(cell["auroc"]) in text
            if row["published"]:
                assert mean_and_sd_as_text(row["published"]) in text
    assert "ALAD, a reproduction" in page
    assert "Some rows stand for fewer classes or epochs" in page
    assert "Made with other code than this version of alad has: Isolation Forest" in page
    assert 'aria-label="AUROC by class, CIFAR-10, ablation"' in page


def test_the_documents_table_has_the_classes_that_are_stored(folder):
    text = pictures(one_class(ONE_CLASS["cifar10"], folder))
    head, _, *lines = text.splitlines()
    titles = [title.strip() for title in head.strip("|").split("|")]
    asked = ["method", "seeds", "epochs"]
    assert titles == [*asked, "airplane", "cat", "mean", "published mean of ten"]
    assert len({line.count("|") for line in [head, *lines] if line.startswith("|")}) == 1
    assert any(line.startswith("| ALAD | 3 | 2 of 10 | ") for line in lines)
    assert any(
        line.startswith("| ALAD, the paper |  |  | 0.68 | 0.62 |  | 0.6072 |") for line in lines
    )
    assert "Short: fewer classes or epochs." in text


def test_a_number_from_memory_is_marked_wherever_it_is_shown(folder):
    table = one_class(ONE_CLASS["cifar10"], folder)
    assert table["footnotes"] == {"†": MEMORY}
    whole = [pictures(table), as_text(table), render(summarise(folder))]
    assert all("0.6025†" in text for text in whole)
    assert all(f"† {MEMORY}." in text for text in whole)
    assert not any("0.1201†" in text for text in whole)  # of ALAD's row nobody says so
    without = one_class(ONE_CLASS["cifar10-scores"], folder)
    assert without["footnotes"] == {}
    assert "†" not in pictures(without) + as_text(without)


def test_what_was_published_class_by_class_stands_as_bars_beside_ours(folder):
    figure = bars(one_class(ONE_CLASS["cifar10"], folder))
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes}
    alad, forest = panels["ALAD, 2 epochs"], panels["Isolation Forest, the paper's settings"]
    legend = [text.get_text() for text in alad.get_legend().get_texts()]
    assert legend == ["ALAD, ours", "ALAD, the paper", "ALAD, a reproduction"]
    ours = 2 + 1  # classes that are stored, the mean
    heights = [bar.get_height() for bar in alad.patches]
    published = [*CLASSES[0], np.nan, *CLASSES[1], np.nan]  # means of ten are not beside one of two
    assert heights[ours:] == pytest.approx(published, nan_ok=True)
    assert len(forest.patches) == 1 + 1
    assert forest.get_legend() is None
    assert not [line for line in forest.lines if line.get_marker() == "D"]


def test_published_means_stand_beside_those_of_all_classes(tmp_path):
    for name in ONE_CLASS["cifar10"].classes:
        for method in ("alad-sn", "if-paper"):
            made_up.write(tmp_path, method, data_set="cifar10", protocol=name)
    figure = bars(one_class(ONE_CLASS["cifar10"], tmp_path))
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes}
    alad, forest = panels["ALAD, 2 epochs"], panels["Isolation Forest, the paper's settings"]
    heights = [bar.get_height() for bar in alad.patches]
    of_two = [*CLASSES[0], 0.6072, *CLASSES[1], np.mean(CLASSES[1])]
    assert heights[11:] == pytest.approx(of_two)
    assert [line for line in forest.lines if line.get_marker() == "D"]


def test_pictures_of_a_folder_are_shown(folder, tmp_path):
    Image.new("RGB", (5, 5), "red").save(tmp_path / "cifar10-cat.png")
    done = call(folder, "-o", tmp_path / "page.html", "--pictures", tmp_path)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page.html").read_text("utf-8")
    assert '<img src="data:image/png;base64,iVBOR' in page
    assert 'alt="cifar10-cat"' in page


def test_a_folder_without_pictures_is_refused(folder, tmp_path):
    done = call(folder, "-o", tmp_path / "page.html", "--pictures", tmp_path)
    assert done.exit_code == 2
    assert "Expected .png files in" in done.stderr
    with pytest.raises(InputError, match="cifar10 or svhn in"):
        summarise(tmp_path)
