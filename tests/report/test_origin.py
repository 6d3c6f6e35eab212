"""How a table was scored, as its file tells: used where it is whole, noted where it is not."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from alad.calibration import Calibration, at_false_discovery_rate, at_false_positive_rate
from alad.report import origin
from alad.report.tally import Extent

CALIBRATION = Calibration.of(range(999))
BY_FDR = at_false_discovery_rate(
    CALIBRATION, np.bincount([0] * 50 + [500] * 950, minlength=1000), 0.05
)
BY_RATE = at_false_positive_rate(CALIBRATION, 0.01)
WITHOUT_LEVEL = {name: said for name, said in BY_FDR.to_json().items() if name != "level"}


def told(**changes: object) -> dict:
    """What ``alad score`` writes."""
    facts = {
        "format": 1,
        "model": "model",
        "detector": "KNN",
        "table": "new.csv",
        "rows": 1000,
        "anomalies": 50,
        "date": "2026-11-26T17:00:00+00:00",
        "decision": BY_FDR.to_json(),
    }
    return facts | changes


def extent(rows: int = 1000, alerts: int = 50) -> Extent:
    return Extent(1.0, None, None, np.random.default_rng(0), rows=rows, alerts=alerts)


def test_what_score_writes_is_read_back():
    found = origin.read(json.dumps(told()))
    assert found.note is None
    assert found.facts["decision"]["promise"] == BY_FDR.promise
    assert found.facts["decision"]["assumption"] == BY_FDR.assumption
    assert origin.disagreement(found, extent(), "KNN") is None


def test_alerts_alone_are_as_many_as_the_file_tells():
    found = origin.read(json.dumps(told(alerts_only=True)))
    assert found.facts["alerts_only"]
    assert origin.disagreement(found, extent(50, 50), "KNN") is None
    assert "The file tells of 50 rows and 50 al" in origin.disagreement(found, extent(), "KNN")
    assert "alerts_only is 1" in origin.read(json.dumps(told(alerts_only=1))).note


def test_a_line_that_nothing_is_above_is_none():
    decision = BY_FDR.to_json() | {"threshold": float("inf")}
    found = origin.read(json.dumps(told(decision=decision)))
    assert found.facts["decision"]["threshold"] is None


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (b"\xff\xfe", "is damaged"),
        ("", "is damaged"),
        ("[1, 2]", "is damaged"),
        ("null", "is damaged"),
        ("{}", r"is damaged \(KeyError: 'format'\)"),
        (json.dumps(told(format=2)), "in format 2, which is not known here"),
        (json.dumps(told(rows="many")), r"is damaged \(TypeError: rows is 'many'\)"),
        (json.dumps(told(rows=True)), "is damaged"),
        (json.dumps(told(decision=None)), "is damaged"),
        (json.dumps(told(decision=BY_FDR.to_json() | {"promise": 3})), "is damaged"),
        (json.dumps(told(decision=BY_FDR.to_json() | {"threshold": "high"})), "is damaged"),
        (json.dumps(told(decision=BY_FDR.to_json() | {"threshold": 10**400})), "is damaged"),
        (json.dumps(told(decision=BY_FDR.to_json() | {"note": 3})), "is damaged"),
        (json.dumps(told(decision=BY_FDR.to_json() | {"level": "x"})), "is damaged"),
        (json.dumps(told(decision=BY_FDR.to_json() | {"level": float("nan")})), "is damaged"),
        (json.dumps(told(decision=BY_FDR.to_json() | {"level": 7})), "is damaged"),
        (json.dumps(told(decision=WITHOUT_LEVEL)), r"is damaged \(KeyError: 'level'\)"),
        ("[" * 100_000, "is damaged"),
    ],
)
def test_what_is_damaged_is_left_out_with_a_note(text, note):
    found = origin.read(text)
    assert found.facts is None
    assert re.search(note, found.note)


def test_what_does_not_fit_the_table_is_told():
    found = origin.read(json.dumps(told()))
    assert "1,000 rows and 50 alerts; the table has 900 and 50" in origin.disagreement(
        found, extent(rows=900), "KNN"
    )
    assert "a KNN; the model given here is a LOF" in origin.disagreement(found, extent(), "LOF")
    assert origin.disagreement(origin.Origin(), extent(), "LOF") is None


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (BY_FDR, "At most 2.5 of the 50 alerts, on average"),
        (BY_RATE, "At most 10 of the 50 alerts, on average: that many if all 1,000 rows"),
    ],
)
def test_rules_are_known_as_the_calibration_calls_them(decision, expected):
    assert origin.false_alerts(decision.rule, decision.level, 1000, 50).startswith(expected)


def test_the_level_is_a_number_of_its_own():
    decision = BY_FDR.to_json() | {"rule": "false discovery rate 0.1"}
    found = origin.read(json.dumps(told(decision=decision)))
    assert found.facts["decision"]["level"] == 0.05
    decision |= {"rule": "the model's threshold", "level": None}
    assert origin.read(json.dumps(told(decision=decision))).facts["decision"]["level"] is None


def test_as_many_false_alerts_as_there_are_alerts():
    assert origin.false_alerts(BY_RATE.rule, 0.01, 1000, 4) == (
        "Perhaps all: of 1,000 normal rows 10 would be flagged on average, and 4 are."
    )
    assert origin.false_alerts(BY_RATE.rule, 0.01, 1000, 0) == "None: there is no alert."
    rule = "at most 2 alerts for each day in column 'at'"
    assert origin.false_alerts(rule, None, 1000, 50) is None
