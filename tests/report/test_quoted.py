"""Reasons that a table has, where the model cannot be asked: read, grouped and shown."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from alad import KNN
from alad.errors import InputError
from alad.reasons import explain
from alad.report.quoted import read
from alad.report.sheet import triage
from alad.report.triage import summarise
from tests.report.scored import HOSTILE, detector, in_batches, new_rows, normal_rows, scored_rows
from tests.report.scored import explain as ours

NO_REFERENCE = "Expected normal rows to compare with; this one holds none."


def _cannot(*_):
    raise InputError(NO_REFERENCE)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """Scored by a model that cannot explain; the reasons are another's, which can."""
    model, rows = detector(), new_rows()
    able = KNN(random_state=0).fit(normal_rows())
    texts = explain(able, rows.select(model.feature_names_in_.tolist())).to_frame(3)
    return scored_rows(model, rows).hstack(texts)


def test_names_values_and_order_are_read():
    rows = pl.DataFrame(
        {
            "a": [1.0, 2.0],
            "a b": ["x", "y (z)"],
            "reason_1": ["a b y (expected q; 1 in 4,000 normals is as rare)", None],
            "reason_2": ["a 1 (expected 0.5; not unusual by itself)", "a b y (z) (expected ; or)"],
        }
    )
    found = read(rows, ("a", "a b"))
    assert found.contributions.tolist() == [[1, 2], [0, 1]]
    assert found.expected["a"].to_list() == [0.5, None]
    assert found.expected["a b"].to_list() == ["q", ""]
    assert np.isnan(found.rarity).all()


def test_what_was_seen_does_not_pass_for_what_was_expected_nor_takes_long():
    seen = "x (expected y)" * 20_000
    rows = pl.DataFrame(
        {"a": [seen], "reason_1": [f"a {seen} (expected q; not unusual by itself)"]}
    )
    assert read(rows, ("a",)).expected["a"].to_list() == ["q"]


def test_what_is_no_reason_is_none():
    rows = pl.DataFrame({"a": [1.0], "reason_1": ["something else"]})
    assert read(rows, ("a",)) is None
    assert read(rows.drop("reason_1"), ("a",)) is None
    assert read(rows.with_columns(reason_1=pl.lit([1]), reason_2=pl.lit(3)), ("a",)) is None


def test_what_a_table_writes_is_what_is_read_back():
    model, rows = KNN(random_state=0).fit(normal_rows()), normal_rows(40, seed=3)
    reasons = explain(model, rows)
    found = read(rows.hstack(reasons.to_frame(4)), reasons.columns)
    for i, j in np.argwhere(found.contributions > 0):
        name = reasons.columns[j]
        seen, wanted = found.expected[name][int(i)], reasons.expected[name][int(i)]
        assert seen == (pytest.approx(wanted, rel=1e-3) if isinstance(wanted, float) else wanted)
    first = found.contributions.argmax(axis=1)
    raised = reasons.contributions.max(axis=1) > 0
    assert (first[raised] == reasons.contributions.argmax(axis=1)[raised]).all()


def test_the_page_shows_the_reasons_of_the_table(table):
    summary = summarise(detector(), in_batches(table, place=HOSTILE), _cannot)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    groups = summary["groups"]
    assert groups["why_quoted"] == NO_REFERENCE
    assert ("count", "higher") in [
        tuple(item.values()) for group in groups["shown"] for item in group["items"]
    ]
    assert {c["share"] for group in groups["shown"] for c in group["columns"]} == {None}
    page = triage(summary)
    assert "The reasons are those that the table has" in page
    assert NO_REFERENCE in page


def test_without_any_reason_the_model_is_at_fault(table):
    bare = table.drop("reason_1", "reason_2", "reason_3")
    with pytest.raises(InputError, match="Expected normal rows to compare with"):
        summarise(detector(), in_batches(bare), _cannot)


def test_a_model_that_explains_itself_is_asked(table):
    assert summarise(detector(), in_batches(table), ours)["groups"]["why_quoted"] is None
