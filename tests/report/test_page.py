"""The page of stored results: whole, self-contained, honest about what is missing."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from alad.errors import InputError
from alad.experiments import compare
from alad.experiments.compare import made_otherwise
from alad.experiments.published import PUBLISHED
from alad.experiments.summary import summarise
from alad.metrics import mean_and_sd_as_text
from alad.report import figures
from alad.report.page import figures_in, render, verdict
from tests.report import made_up
from tests.report.browser import needs_browser, shown_by_browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for method in ("alad", "dsebm", "mahalanobis"):
        made_up.write(folder, method)
    made_up.write(folder, "bigan", scale=0.1)
    return folder


@pytest.fixture(scope="module")
def summary(folder):
    return summarise(folder)


@pytest.fixture(scope="module")
def page(summary):
    return render(summary)


def test_every_table_that_has_a_result_is_there(summary):
    names = [table["name"] for table in summary["tables"]]
    parts = ("", "-ablation", "-scores")
    assert names == [f"kdd99{cut}{part}" for cut in ("", "-true-rate") for part in parts]
    assert [(p["data_set"], p["protocol"]) for p in summary["panels"]] == [("kdd99", "paper")]
    assert [s["name"] for s in summary["sources"]] == [
        "kdd99-paper-alad",
        "kdd99-paper-bigan-epochs-x0.1",
        "kdd99-paper-dsebm",
        "kdd99-paper-mahalanobis",
    ]


def test_a_training_is_drawn_once_though_many_rows_rest_on_it(summary):
    assert [t["label"] for t in summary["panels"][0]["training"]] == [
        "DSEBM-r; DSEBM-e",
        "BiGAN, joint features; BiGAN, joint logits; BiGAN, reconstruction",
        "ALAD",
    ]


@pytest.mark.parametrize("content", [None, "{}"])
def test_a_folder_without_results_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "other.json").write_text(content)
    with pytest.raises(InputError, match=r"there are none\. Give the folder that its --results"):
        summarise(tmp_path)


VOID = ("meta", "link", "br", "input")


class Links(HTMLParser):
    """Collects what a page would load or lead to, and which elements are open."""

    def __init__(self):
        super().__init__()
        self.loads, self.ids, self.targets, self.open = [], set(), set(), []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.loads += [attrs[a] for a in ("src", "href", "xlink:href") if a in attrs]
        self.ids.add(attrs.get("id"))
        self.targets |= {attrs["href"][1:]} if attrs.get("href", "").startswith("#") else set()
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(page):
    links = Links()
    links.feed(page)
    assert links.open == []
    assert [link for link in links.loads if not link.startswith(("#", "data:"))] == []
    assert links.targets <= links.ids
    assert "<script src" not in page
    assert "@import" not in page
    assert "url(http" not in page


def test_every_number_of_the_tables_is_on_the_page(summary, page):
    text = re.sub(r"</?span[^>]*>", "", page)
    for table in summary["tables"]:
        for row in table["rows"]:
            if row["ours"]:
                for metric in ("precision", "recall", "f1", "auroc", "average_precision"):
                    assert mean_and_sd_as_text(row["ours"][metric]) in text
            if row["published"]:
                assert f"{row['published']['f1']:.4f}" in page


def test_a_note_on_a_published_number_is_a_mark_and_a_footnote(tmp_path):
    made_up.write(tmp_path, "if-paper", data_set="arrhythmia")
    page = render(summarise(tmp_path))
    assert page.count("0.5303†") == 2  # in the table and in the verdict
    assert page.count("† from memory of the paper: check before quoting.") == 2


def test_what_is_missing_or_short_is_said(page):
    assert "not stored" in page
    assert "(× 0.1)" in page


def test_names_from_the_data_are_escaped(page):
    assert "smurf <b>" not in page
    assert "smurf &lt;b&gt;" in page


def test_it_tells_of_every_figure_that_it_draws(summary):
    drawn = []
    page = render(summary, None, drawn.append)
    assert drawn == [1] * figures_in(summary)
    assert page.count("<svg") == figures_in(summary)


def test_the_verdict_lists_the_furthest_first(summary):
    found = verdict(summary["tables"])
    gaps = [abs(entry["gap"]) for entry in found]
    assert gaps == sorted(gaps, reverse=True)
    assert len(found) == sum(
        bool(row["ours"] and row["published"]) for t in summary["tables"] for row in t["rows"]
    )


def test_other_code_is_named(summary):
    table = summary["tables"][0]
    row = next(row for row in table["rows"] if row["ours"])
    rows = [{**row, "differs": ["data"]} if other is row else other for other in table["rows"]]
    table = {**table, "rows": rows, "made_otherwise": made_otherwise(rows)}
    page = render({**summary, "tables": [table], "panels": []})
    assert f"Made with other data than this version of alad has: {row['label']}." in page


def test_a_second_published_number_stands_below_the_rows(summary, page):
    assert [t["name"] for t in summary["tables"] if t["also_published"]] == ["kdd99"]
    assert "<td>0.9481, 0.9417</td><td>0.9449</td>" in page
    assert "<td>0.9427, 0.9577</td>" in page  # the paper's own, beside our row


def test_a_wide_row_that_is_far_off_says_so(tmp_path):
    made_up.write(tmp_path, "alad")
    row = next(r for r in summarise(tmp_path)["tables"][0]["rows"] if r["is_reference"])
    ours = {**row["ours"]["f1"], "mean": 0.75, "sd": 0.15}
    said = list(compare._spread(ours, PUBLISHED["kdd99"]["DAGMM"]))
    assert said == [
        "Ours spreads by 0.150 between seeds: only so is a gap of 0.187 less than two deviations."
    ]
    assert list(compare._spread({**ours, "sd": 0.05}, PUBLISHED["kdd99"]["DAGMM"])) == []


def test_what_scoring_costs_is_shown_where_it_was_measured(tmp_path, summary, page):
    assert summary["costs"] is None
    assert "What scoring costs" not in page
    made_up.write(tmp_path / "tabular", "alad")
    of_race = {"median": 0.0014, "min": 0.001, "max": 0.002, "ratio": 1.0}
    payload = {"scale": 1000, "rounds": 3, "contestants": {"ALAD": of_race}}
    machine = {"cpu": "a processor", "cores": 2}
    costs = {"command": "a race", "machine": machine, "payload": payload}
    (tmp_path / "methods.json").write_text(json.dumps(costs))
    page = render(summarise(tmp_path / "tabular"))
    assert "<td>ALAD</td><td>1.40</td><td>1.00</td><td>2.00</td><td>1.00</td>" in page


def test_pictures_are_svgs_that_scale_and_have_a_name(summary):
    panel = summary["panels"][0]
    for svg in (
        figures.bars(summary["tables"][0]),
        figures.curves(panel),
        figures.histogram(panel["methods"][0]),
        figures.training(panel["training"][0]),
    ):
        head = re.match(r"<svg[^>]*>", svg)[0]
        assert 'role="img" aria-label="' in head
        assert "viewBox" in head
        assert ' width="' not in head
        assert "nan" not in svg.lower().replace("dominance", "")


def curve(label, score, is_reference=False):
    """A method whose ROC curve goes straight to ``score`` and then on to 1."""
    roc, pr = [[0.0, 0.0, 1.0], [0.0, score, 1.0]], [[0.0, 1.0], [1.0, 0.5]]
    return {"label": label, "is_reference": is_reference, "picture": {"roc": roc, "pr": pr}}


def test_the_reference_is_the_heavy_curve_on_top_and_only_the_best_others_are_named():
    methods = [curve("ALAD", 0.2, is_reference=True)]
    methods += [curve(f"M{i}", 0.1 * i) for i in range(6)]
    drawn = list(figures._lines(methods))
    assert [method["label"] for method, _ in drawn] == ["M0", "M1", "M2", "M3", "M4", "M5", "ALAD"]
    assert [line.get("label") for _, line in drawn] == [
        *("the others", None, None),
        *("M3, area 0.650", "M4, area 0.700", "M5, area 0.750", "ALAD, area 0.600"),
    ]
    *others, reference = (line["lw"] for _, line in drawn)
    assert reference > 1.5 * max(others)


def test_curves_that_share_a_corner_are_drawn_larger():
    far, near = ({"title": "t", "methods": [curve("M", score)]} for score in (0.8, 0.95))
    assert "logarithmic" not in figures.curves(far)
    assert "logarithmic" in figures.curves(near)


def test_a_deviation_beyond_one_is_drawn_whole():
    ours = {metric: {"mean": 0.75, "sd": 0.1} for metric in figures.METRICS}
    assert figures._reach([{"ours": ours}]) == 1.02
    ours["f1"] = {"mean": 0.75, "sd": 0.35}
    assert figures._reach([{"ours": ours}, {"ours": ours}]) == pytest.approx(1.12)


def test_the_same_results_give_the_same_picture(summary):
    panel = summary["panels"][0]
    assert figures.curves(panel) == figures.curves(panel)


def test_a_histogram_has_a_strip_for_each_kind(summary):
    method = summary["panels"][0]["methods"][0]
    svg = figures.histogram(method)
    assert [kind["kind"] for kind in method["picture"]["kinds"]] == [
        "neptune",
        "smurf <b>",
        "normal",
    ]
    assert np.sum([kind["rows"] for kind in method["picture"]["kinds"]]) == 300
    assert svg.count("rows,") == 3


@needs_browser
def test_a_browser_shows_it_without_complaint(page, tmp_path):
    shown = shown_by_browser(page, tmp_path)
    assert shown.count("<svg") == page.count("<svg")
    assert "Ours against the published" in shown


# Chromium's own window is never as narrow as a telephone's; a frame is.
FRAME = """<!DOCTYPE html><link rel="icon" href="data:,">
<iframe width="{width}" height="800" style="border: 0" srcdoc="{page}"
onload="document.title = this.contentDocument.documentElement.scrollWidth"></iframe>"""


@needs_browser
@pytest.mark.parametrize("width", [360, 390])
def test_on_a_telephone_nothing_makes_the_page_wider_than_the_window(width, page, tmp_path):
    shown = shown_by_browser(FRAME.format(width=width, page=html.escape(page)), tmp_path)
    assert f"<title>{width}</title>" in shown
