"""The pages of one model: whole, self-contained, and safe whatever the data say."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import Mahalanobis
from alad.calibration import Calibration, at_false_discovery_rate
from alad.report import origin
from alad.report.sheet import card, looked, rule, triage
from alad.report.triage import summarise
from tests.report.browser import needs_browser, shown_by_browser
from tests.report.scored import (
    HOSTILE,
    detector,
    explain,
    in_batches,
    new_rows,
    normal_rows,
    scored_rows,
)
from tests.report.test_page import Links


def summary_of(table, told=None, trained_on=None, **columns):
    model = detector()
    model.trained_on_ = trained_on
    scored = in_batches(table, place=f"{HOSTILE}.csv")
    if told is not None:
        scored = dataclasses.replace(scored, told=json.dumps(told))
    return summarise(model, scored, explain, **columns)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return scored_rows(detector(), new_rows(), p=True)


@pytest.fixture(scope="module")
def page(table) -> str:
    return triage(summary_of(table, time="when", entity="host"), "2026-03-01")


FACTS = {
    "detector": "ALAD",
    "parameters": {"contamination": 0.01, "random_state": None},
    "seed": 0,
    "scaling": "standard",
    "trained_on": {"table": HOSTILE, "rows": 340, "date": "2026-11-26T17:00:00+00:00"},
    "rows_at_fit": 300,
    "rows_kept": 200,
    "columns": [{"features": ["a", "b"]}],
    "n_columns": 1,
    "picture": None,
    "n_features": 2,
    "epochs": 2,
    "training_seconds": 1.5,
    "losses": {"D": 1.0},
    "offset": -1.5,
    "format_version": 1,
    "alad": "0.1.0",
    "bytes": 1000,
    "place": HOSTILE,
    "calibration": {"from": "recalibrated", "absorbed": 805, "excluded": 0},
    "calibration_rows": 40,
    "became": [(HOSTILE, "numeric", "itself")],
}
HISTORY = {"losses": {"D": [[2.0], [1.0]], "A": [[1.0], [3.0]]}, "seconds": [1, 1]}


@pytest.fixture(scope="module")
def model_card() -> str:
    return card(FACTS, HISTORY, [0.1, 0.2, 0.4, 2.0])


@pytest.mark.parametrize("name", ["page", "model_card"])
def test_a_page_is_whole_and_loads_nothing(name, request):
    page = request.getfixturevalue(name)
    links = Links()
    links.feed(page)
    assert links.open == []
    assert [link for link in links.loads if not link.startswith(("#", "data:"))] == []
    for outside in ("<script src", "@import", "url(http", "https:", "fetch("):
        assert outside not in page
    assert "default-src 'none'" in page


def test_that_bars_of_few_alerts_are_drawn_higher_is_said(table):
    found = summary_of(table, time="when", entity="host")
    alerts = [0] * (len(found["over"]["alerts"]) - 2)
    for most, is_said in ((1, False), (1000, True)):
        over = found["over"] | {"alerts": [*alerts, 1, most]}
        assert ("Bars of few alerts are drawn higher" in triage(found | {"over": over})) == is_said


@pytest.mark.parametrize("name", ["page", "model_card"])
def test_hostile_text_is_only_text(name, request):
    page = request.getfixturevalue(name)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;more&#34; $x_1$" in page


def test_names_of_columns_are_only_text(page):
    assert "<b>flag</b>" not in page


def test_the_page_says_what_and_how_many(page):
    assert "40</b> alerts" in page
    assert "model folder of 2026-03-01" in page
    assert "A row is an alert above the threshold" in page
    assert "rows like those of calibration would be 5.0%" in page
    assert "The commonest such signature opens a group" in page
    assert page.count('<article class="group"') == page.count("<details open>")
    assert re.search(r"beside the nearest normal row: \d of 4 columns differ", page)


def test_one_alert_is_not_one_alerts(table):
    one = table.with_columns(is_anomaly=pl.int_range(pl.len()) == table["anomaly_score"].arg_max())
    text = re.sub(r"<script>.*</script>|<[^>]+>", "", triage(summary_of(one)), flags=re.S)
    assert not re.search(r"\b1 (alerts|groups|rows)\b", text)
    assert "1 of 1 alert was explained" in text
    assert "about 1 normal one would be flagged; 1 is." in origin.unpromised(1 / 40, 40, 1)


def test_of_few_rows_more_are_flagged_than_the_share_that_was_asked_for():
    model = Mahalanobis(contamination=0.01).fit(normal_rows(40))
    share = (model.score_samples(normal_rows(40)) < model.offset_).mean()
    found = summarise(model, in_batches(scored_rows(model, new_rows())), explain)
    assert found["scored"]["flagged_at_fit"] == share == 1 / 40
    assert "which flags 2.50% of the training rows" in triage(found)


def test_without_anything_optional(table):
    bare = table.drop("p_value", "when", "host").with_columns(is_anomaly=False)
    page = triage(summary_of(bare))
    assert "No row of the table is an alert." in page
    assert "flags no row" in page
    assert "p-value" not in page.split("<body>")[1].replace("p-values on", "")
    assert 'class="filters' not in page


def test_what_is_cut_is_said(table, monkeypatch):
    monkeypatch.setattr("alad.report.groups.GROUPS", 1)
    flagged = table.with_columns(is_anomaly=True)
    assert " more groups, " in triage(summary_of(flagged))


def test_another_rule_is_told_from_the_threshold():
    other = {"by_threshold": False, "lowest_alert": 2.0, "largest_p_alert": 0.01}
    other |= {"alerts_only": False}
    assert rule(other, {"threshold": 1.5}) == (
        "The rule that was given to 'alad score', not the threshold 1.5. The lowest score of an "
        "alert is 2, the largest p 0.01."
    )
    alone = rule({**other, "alerts_only": True}, {"threshold": 1.5})
    assert alone == "Which rule made these rows alerts, the table does not tell."


def test_the_rule_of_the_file_stands_with_its_promise(table):
    decision = at_false_discovery_rate(
        Calibration.of(range(99)), np.bincount([0], minlength=100), 0.1
    )
    alerts = int(table["is_anomaly"].sum())
    told = {
        "format": 1,
        "model": "<i>m</i>",
        "detector": "Mahalanobis",
        "table": HOSTILE,
        "rows": table.height,
        "anomalies": alerts,
        "date": "2026-11-26T17:00:00+00:00",
        "decision": decision.to_json() | {"note": "Few rows."},
    }
    page = triage(summary_of(table, told=told))
    assert "False discovery rate 0.1" in page
    assert decision.promise in page
    assert decision.assumption in page
    assert "Few rows." in page
    assert f"At most {0.1 * alerts:.2g} of the {alerts} alerts" in page
    assert "<i>m</i>" not in page
    changed = triage(summary_of(table, told=told | {"rows": 7}))
    assert "Rows were changed after scoring" in changed
    assert "At most" not in changed.split("<h2")[0]


def test_what_a_file_tells_wrongly_is_noted_and_the_rule_is_guessed(table):
    page = triage(summary_of(table, told={"format": 1}))
    assert "What the file tells of how it was scored is damaged" in page
    assert "A row is an alert above the threshold" in page


def test_without_a_line_none_is_drawn(table):
    """As of a budget for each day: quiet rows lie above alerts."""
    usual = pl.col("anomaly_score").rank("ordinal")
    summary = summary_of(table.with_columns(is_anomaly=usual == 3))
    assert summary["scores"]["threshold"] is None
    page = triage(summary)
    assert "no line: quiet rows lie above alerts" in page
    assert "dashed: where alerts begin" not in page


def test_where_nothing_is_flagged_no_line_is_missing(table):
    """As of a false discovery rate that flags nothing, though the threshold would."""
    page = triage(summary_of(table.with_columns(is_anomaly=False)))
    assert "no line: no row is an alert" in page
    assert "quiet rows lie above" not in page


def test_counts_that_are_lower_bounds_say_so(table, monkeypatch):
    monkeypatch.setattr("alad.report.tally.ENTITIES", 4)
    hosts = pl.concat_str(pl.lit("h"), pl.int_range(pl.len()).cast(pl.String))
    many = table.with_columns(hosts.alias("host"), is_anomaly=True)
    page = triage(summary_of(many, entity="host"))
    assert "of each are lower bounds" in page
    assert re.search(r"<b>[\d,]+\+</b><span>values of host", page)
    assert "of each are lower bounds" not in triage(summary_of(table, entity="host"))


def test_a_page_says_what_the_model_learned_from(table):
    told = {"table": "old.parquet", "rows": 340, "date": "2026-11-26T17:00:00+00:00"}
    page = triage(summary_of(table, trained_on=told))
    assert "old.parquet, 340 rows, on 2026-11-26; 300 of them by the model itself" in page
    assert "distance from the mean of the normal rows" in page


def test_a_card_says_what_the_model_learned_from(model_card):
    assert "340 rows, on 2026-11-26" in model_card
    assert "a threshold for 1.00% of the training rows" in model_card
    assert "flags 25 % of the calibration rows" in model_card  # 2.0 of four is above 1.5
    without = card({**FACTS, "trained_on": None})
    assert "of which table the model does not tell" in without


def test_both_pages_say_what_a_new_calibration_took_in(table, model_card):
    said = "normal rows that training did not see; 805 of them looked anomalous and were taken in"
    assert f"4 {said}" in model_card
    model = detector()
    model.calibration_ = Calibration.of(range(99), facts={"absorbed": 805, "excluded": 0})
    assert f"99 {said}" in triage(summarise(model, in_batches(table), explain))
    model.calibration_ = Calibration.of(range(99), facts={"absorbed": 0, "excluded": 0})
    assert "looked anomalous" not in triage(summarise(model, in_batches(table), explain))


def test_a_card_says_whether_the_model_holds_rows(model_card):
    assert "The model holds rows of its data" in model_card
    assert "200 of training" in model_card
    assert "40 of calibration" in model_card
    without = card({**FACTS, "rows_kept": None, "calibration_rows": 0})
    assert "The model holds no single row" in without
    assert "<svg" not in without


TURNED = "\u202egnp.exe\u202c\u2066\u200f\x00\x07\u2028\n"
SEEN = r"\u202egnp.exe\u202c\u2066\u200f\x00\x07\u2028\n"


def turned_rows(table):
    return table.with_columns(
        pl.when(pl.col("host") == HOSTILE).then(pl.lit(TURNED)).otherwise("host").alias("host")
    )


def test_what_turns_text_round_and_control_characters_are_shown_as_codes(table):
    triaged = triage(summary_of(turned_rows(table), time="when", entity="host"))
    facts = {"place": TURNED, "detector": "ALAD", "threshold": 1.0, "above": 0, "pictures": 1}
    lists = {"unreadable": [], "most_anomalous": [{"file": TURNED, "anomaly_score": 1.0}]}
    named = card({**FACTS, "place": TURNED, "became": [(TURNED, "numeric", "itself")]})
    for page in (triaged, named, looked({**facts, **lists}, b"")):
        assert page.count(SEEN) >= 2
        assert not re.search("[\0\x07\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028]", page)


@needs_browser
@pytest.mark.parametrize("name", ["page", "model_card"])
def test_a_browser_shows_it_without_complaint(name, request, tmp_path):
    page = request.getfixturevalue(name)
    assert shown_by_browser(page, tmp_path).count("<svg") == page.count("<svg")


FILTER = """<script>
document.getElementById("text").value = "HIGHER count";
document.getElementById("least").value = "10";
document.getElementById("text").dispatchEvent(new Event("input", {bubbles: true}));
</script></body>"""


SAVE = """<script>
URL.createObjectURL = file => {
  file.text().then(text => { document.title = text.replaceAll("\\n", ";"); });
  return "#";
};
document.querySelector("[data-group='GROUP']").click();
</script></body>"""


@needs_browser
def test_a_group_is_saved_as_csv(table, page, tmp_path):
    shown = summary_of(table, time="when", entity="host")["groups"]["shown"]
    scan = next(group for group in shown if group["count"] == 40)
    script = SAVE.replace("GROUP", str(scan["number"]))
    dom = shown_by_browser(page.replace("</body>", script), tmp_path)
    (title,) = re.findall(r"<title>([^<]*)</title>", dom.split("</head>")[0])
    lines = html.unescape(title).rstrip(";").split(";")
    assert lines[0] == "row,anomaly_score,p_value,when,host,count"
    assert lines[1].endswith(',"{}",90'.format(HOSTILE.replace('"', '""')))
    assert [int(line.split(",")[0]) for line in lines[1:]] == list(range(200, 240))
    assert f'data-group="{scan["number"]}"' in dom
    assert 'class="download" hidden' not in dom


@needs_browser
def test_what_a_spreadsheet_would_run_is_saved_as_text(table, tmp_path):
    odd = pl.Series("host", ["=1+1", "-", "-7", "a,b"] * table.height).head(table.height)
    hostile = table.with_columns(odd)
    shown = summary_of(hostile, time="when", entity="host")
    scan = next(group for group in shown["groups"]["shown"] if group["count"] == 40)
    script = SAVE.replace("GROUP", str(scan["number"]))
    dom = shown_by_browser(triage(shown).replace("</body>", script), tmp_path)
    (title,) = re.findall(r"<title>([^<]*)</title>", dom.split("</head>")[0])
    hosts = [re.search(r"Z?,([^,]*|\"a,b\"),90$", line) for line in title.split(";")[1:5]]
    assert [found and found[1] for found in hosts] == ["'=1+1", "-", "-7", '"a,b"']


@needs_browser
def test_the_filters_leave_what_is_asked_for_and_say_how_much(page, tmp_path):
    total = page.count('<article class="group"')
    shown = shown_by_browser(page.replace("</body>", FILTER), tmp_path)
    assert shown.count('<article class="group"') == total > 1
    assert len(re.findall(r'<article class="group"[^>]* hidden', shown)) == total - 1
    assert f"1 of {total} groups, 40 alerts" in shown
    assert shown.count("<details open") == 1  # the first; the script closed the others


def searched(page: str, text: str, folder: Path) -> tuple[str, list[str]]:
    """What the page says of a search, and of which alerts in the groups that are left."""
    script = FILTER.replace("HIGHER count", text.replace("\\", "\\\\")).replace('"10"', '""')
    dom = shown_by_browser(page.replace("</body>", script), folder)
    (said,) = re.findall(r"<output[^>]*>([^<]*)</output>", dom)
    return said, re.findall(r'<span class="found">([^<]*)</span>', dom)


@needs_browser
def test_a_search_finds_all_alerts_that_are_listed_and_counts_them(table, tmp_path):
    hosts = pl.when(pl.col("row").is_in([230, 237])).then(pl.lit("alice")).otherwise("host")
    found = summary_of(table.with_columns(hosts.alias("host")), time="when", entity="host")
    scan = next(group for group in found["groups"]["shown"] if group["count"] == 40)
    assert not {230, 237} & {example["row"] for example in scan["examples"]}
    page, total = triage(found), len(found["groups"]["shown"])
    said = searched(page, "ALICE count", tmp_path)
    assert said == (f"1 of {total} groups, 2 alerts", ["2 of them found: rows 230, 237"])
    assert searched(page, "alice nowhere", tmp_path) == (f"0 of {total} groups, 0 alerts", [])
    assert searched(page, "HIGHER count", tmp_path) == (f"1 of {total} groups, 40 alerts", [])


@needs_browser
def test_a_search_finds_what_is_shown_for_what_is_not_seen(table, tmp_path):
    page = triage(summary_of(turned_rows(table), time="when", entity="host"))
    assert "1 of" in searched(page, r"\u202EGNP.exe\u202c", tmp_path)[0]
    assert ", 40 alerts" in searched(page, r"\x07\u2028\n", tmp_path)[0]


@needs_browser
def test_a_search_says_so_where_not_all_alerts_are_listed(table, tmp_path, monkeypatch):
    monkeypatch.setattr("alad.report.tally.LISTED", 20)
    found = summary_of(table, time="when", entity="host")
    scan = next(group for group in found["groups"]["shown"] if group["count"] == 40)
    known = {*scan["listed"]["row"], *(example["row"] for example in scan["examples"])}
    said, marks = searched(triage(found), "90 host", tmp_path)
    assert re.search(r" groups, at least \d+ alerts", said)
    expected = f"at least {len(known)} of them found: rows 200, 201, "
    assert any(mark.startswith(expected) for mark in marks)


@needs_browser
def test_a_long_value_leaves_room_for_the_numbers(table, tmp_path):
    long = table.with_columns(host=pl.lit("x" * 80))
    script = """<script>
    const wide = document.querySelector("#entities + .wide");
    document.title = `${wide.scrollWidth - wide.clientWidth} too wide`;
    </script></body>"""
    page = triage(summary_of(long, entity="host")).replace("</body>", script)
    assert "<title>0 too wide</title>" in shown_by_browser(page, tmp_path)
