"""How reasons read."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import polars as pl
import pytest

from alad.errors import InputError
from alad.preprocessing.digits import digits_beside
from alad.reasons import Reasons
from alad.reasons.result import as_seen, side_by_side

SEEN = pl.DataFrame({"bytes": [54540.0, 1.25], "kind": ["x", None], "is_new": [True, False]})
EXPECTED = pl.DataFrame({"bytes": [232.0, 1.0], "kind": ["y", "y"], "is_new": [False, False]})


def reasons(contributions, rarity):
    return Reasons(
        columns=("bytes", "kind", "is_new"),
        contributions=np.array(contributions, float),
        seen=SEEN,
        expected=EXPECTED,
        rarity=np.array(rarity, float),
        nearest=np.zeros((2, 1), int),
        normals=pl.concat([EXPECTED] * 2000),
        anomaly_score=np.ones(2),
        expected_score=np.zeros(2),
    )


EXAMPLE = reasons([[3, 1, 2], [-1, 2, 0]], [[1 / 4000, 0, 0.5], [1, 0.02, 1]])


def test_a_reason_is_a_line():
    assert EXAMPLE.text(0) == "bytes 54540 (expected 232; 1 in 4,000 normals is as extreme)"
    assert EXAMPLE.text(0, 1) == "kind x (expected y; none of 4,000 normals is as rare)"
    assert EXAMPLE.text(0, 2) == "is_new true (expected false; not unusual by itself)"
    assert EXAMPLE.text(1) == "kind missing (expected y; 1 in 50 normals is as rare)"


def test_what_is_seen_is_told_to_the_digit_and_what_is_expected_as_is_needed():
    exact = dataclasses.replace(
        EXAMPLE,
        seen=SEEN.with_columns(bytes=pl.Series([58824.4, 2.0**60 + 2**40])),
        expected=EXPECTED.with_columns(bytes=pl.Series([58824.4, 1.0])),
        contributions=np.array([[3.0, 1, 2], [3, 2, 0]]),
    )
    assert (exact.text(0) or "").startswith("bytes 58824.4 (expected 58824.4;")
    assert (exact.text(1) or "").startswith("bytes 1.1529226e+18 (expected 1;")


def test_what_is_expected_is_told_in_as_many_digits_as_tell_it_from_what_is_seen():
    close = dataclasses.replace(
        EXAMPLE,
        seen=SEEN.with_columns(bytes=pl.Series([300.0052, 2_400_000_040.0])),
        expected=EXPECTED.with_columns(bytes=pl.Series([300.00128, 2_399_999_999.748])),
        contributions=np.array([[3.0, 1, 2], [3, 2, 0]]),
    )
    assert (close.text(0) or "").startswith("bytes 300.0052 (expected 300.001;")
    assert (close.text(1) or "").startswith("bytes 2400000040 (expected 2400000000;")


def of_kind(seen, expected):
    """The first reason of a row with this in the column ``kind``."""
    only = dataclasses.replace(
        EXAMPLE,
        seen=SEEN.with_columns(kind=pl.Series([seen, None])),
        expected=EXPECTED.with_columns(kind=pl.Series([expected, None])),
        contributions=np.array([[0.0, 1, 0], [0, 1, 0]]),
    )
    return only.text(0) or ""


def test_of_a_long_text_a_part_is_told_and_its_length_where_one_is_expected():
    said = of_kind("A" * 3000, "~58 characters, ~6 words")
    assert re.match(r"kind A{28}…A{31} \(3,000 characters\) \(expected ~58 characters, ~6 w", said)
    assert of_kind("GET /", "~58 characters").startswith(
        "kind GET / (5 characters) (expected ~58 c"
    )


def test_long_texts_are_told_apart_where_they_begin_to_differ():
    common, end = (
        "Mozilla/5.0 (X11; Linux x86_64) " * 3,
        "; the same end of both of these texts" * 3,
    )
    said = of_kind(f"{common}sqlmap/1.5{end}", f"{common}Chrome/115{end}")
    assert re.match(
        r"kind Mozilla[^…]*…[^…]*sqlmap/1[^…]*….* \(expected Mozilla.*Chrome/11.*…", said
    )
    assert len(said) < 200


@pytest.mark.parametrize(
    ("seen", "expected", "told"),
    [
        (7243.988416762104, 9.524, "7243.99"),
        (1905.9999999999998, 12.0, "1906"),
        (4294967297.0, 80.0, "4294967297"),
        (1.2345678901234567e-7, 80.0, "1.23457e-07"),
        (1234567890.1234567, 80.0, "1234567890"),
        (-0.12345678901234567, -0.1234567654321, "-0.12345679"),
        (100.12345678901234, None, "100.123"),
    ],
)
def test_of_many_digits_so_many_are_told_as_tell_what_is_seen_apart(seen, expected, told):
    assert as_seen(seen, expected) == told


@pytest.mark.parametrize(
    ("value", "seen", "digits"),
    [
        (300.0, 299.0, 4),
        (300.0, 300.0, 4),
        (0.0, 1e-9, 4),
        (-300.0, -300.0002, 7),
        (1e300, -1e300, 4),
        (1.0, 1 + 2**-52, 15),
        (2.0**60, 2**60 + 1, 4),
        (1.0, None, 4),
        (1.0, float("inf"), 4),
        (True, 1.0000001, 4),
        ("x", 1.0, 4),
    ],
)
def test_four_digits_unless_more_are_needed(value, seen, digits):
    assert digits_beside(value, seen) == digits


@pytest.mark.parametrize("value", [2_400_000_055.4, -5_000_050.25, 123_456_789.5, 0.1])
def test_what_is_seen_is_told_to_the_last_digit(value):
    assert as_seen(value) == str(value)


def test_what_adds_nothing_is_no_reason():
    assert EXAMPLE.text(1, 1) is None
    assert EXAMPLE.text(1, 2) is None
    assert EXAMPLE.text(1, 3) is None


def test_without_a_reference_nothing_is_said_of_rarity():
    unknown = reasons(EXAMPLE.contributions, np.full((2, 3), np.nan))
    assert unknown.text(0) == "bytes 54540 (expected 232)"


def test_the_top_is_in_order_and_of_equals_the_first_comes_first():
    assert EXAMPLE.top(2).tolist() == [[0, 1], [1, 2]]
    assert reasons([[1, 1, 2], [0, 0, 0]], np.ones((2, 3))).top(9).tolist() == [
        [2, 0, 1],
        [0, 1, 2],
    ]


def test_what_no_normal_row_has_comes_before_what_is_not_unusual_by_itself():
    """Where two columns are extreme at once each alone hardly lowers the score."""
    saturated = reasons([[0.1, -0.01, 0.05], [0.1, 0.3, 0.2]], [[0.5, 0, 0.05], [0.5, 0, 0.5]])
    assert saturated.top().tolist() == [[2, 1, 0], [1, 2, 0]]
    assert saturated.text(0, 1) == "kind x (expected y; none of 4,000 normals is as rare)"
    lowers = reasons([[0.1, -0.01, -0.05], [0.1, 0.3, -0.2]], [[0.05, 0, 0.5], [0.5, np.nan, 0]])
    assert lowers.top().tolist() == [[0, 1, 2], [1, 2, 0]]
    assert lowers.text(0, 1) is None  # nothing after it adds anything


def test_a_frame_has_a_column_for_each_reason():
    frame = EXAMPLE.to_frame(4)
    assert frame.schema == {f"reason_{n}": pl.String for n in (1, 2, 3, 4)}
    assert frame["reason_1"].to_list() == [EXAMPLE.text(0), EXAMPLE.text(1)]
    assert frame["reason_3"].to_list() == [EXAMPLE.text(0, 2), None]
    assert frame["reason_4"].to_list() == [None, None]


@pytest.mark.parametrize("ask", [EXAMPLE.top, EXAMPLE.to_frame])
def test_no_reasons_cannot_be_asked_for(ask):
    with pytest.raises(InputError, match="at least 1 reason; got 0"):
        ask(0)


@pytest.mark.parametrize("value", [123456.7, 35.2157, 0.3, 1e-9])
def test_equal_numbers_are_told_alike(value):
    seen, expected = side_by_side(value, value)
    assert seen == expected
