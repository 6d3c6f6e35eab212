"""Groups of alerts by their reasons: the signature of a row, and which signatures join."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

from alad.report.likeness import (
    Crowd,
    Rule,
    as_it_stands,
    leading,
    merged,
    shares,
    told,
    told_of_all,
)
from alad.report.likeness import signatures as signatures_in
from tests.report.scored import Reasons

FLAG, COUNT, BYTES, LAND = ("flag", "= S0"), ("count", "higher"), ("bytes", "lower"), ("land", "=1")


def reasons(contributions, seen, expected) -> Reasons:
    seen, expected = pl.DataFrame(seen), pl.DataFrame(expected)
    matrix = np.asarray(contributions, float)
    nearest = np.zeros((seen.height, 1), np.int64)
    return Reasons(tuple(seen.columns), matrix, seen, expected, np.zeros(matrix.shape), nearest)


def signatures(found, **kinds):
    """Of alerts that stand for themselves."""
    ones = np.ones((len(found.contributions), len(found.columns)), int)
    return signatures_in(found, Crowd(ones[:, 0], ones, ones, kinds))


def test_a_signature_says_value_or_direction():
    found = signatures(
        reasons(
            [[5, 3, 0.1], [0, 2, 9]],
            {"flag": ["S0", "SF"], "count": [9.0, 1.0], "up": [True, None]},
            {"flag": ["SF", "SF"], "count": [4.0, 4.0], "up": [True, True]},
        )
    )
    assert found == [frozenset({FLAG, COUNT}), frozenset({("up", "= missing")})]


def test_missing_and_new_numbers_have_words_of_their_own():
    found = signatures(
        reasons(
            [[1.0], [1.0], [1.0]],
            {"n": [None, 2.0, 3.0]},
            {"n": [1.0, None, 3.0]},
        )
    )
    assert [dict(row)["n"] for row in found] == ["missing", "present", "as expected"]


def test_times_are_earlier_or_later_and_free_texts_only_unlike():
    n = 201
    noon, one = datetime.datetime(2026, 3, 2, 12), datetime.datetime(2026, 3, 2, 13)
    seen = {"at": [noon, one, noon] * 67, "text": [f"line {i}" for i in range(n)]}
    expected = {"at": [one, noon, noon] * 67, "text": ["line"] * n}
    found = signatures(reasons([[1, 0.9]] * n, seen, expected))
    words = [dict(row) for row in found[:3]]
    assert [row["at"] for row in words] == ["earlier", "later", "as expected"]
    assert {row["text"] for row in words} == {"of several values"}


def test_numbers_and_times_beside_expected_texts():
    seen = {"port": [22.0, 9316.0], "at": [datetime.datetime(2026, 3, 2, 12)] * 2}
    expected = {"port": ["443", "registered port"], "at": ["Mon ~03:30"] * 2}
    found = signatures(reasons([[1, 0.9]] * 2, seen, expected))
    words = [dict(row) for row in found]
    assert [row["port"] for row in words] == ["= 22", "= 9,316"]
    assert {row["at"] for row in words} == {"unlike others"}


def test_times_in_text_are_no_names_of_groups():
    """Each is another, so that every alert would be a group of its own."""
    at = ["21/Nov/2026:16:00:00 +0100", "21/Nov/2026:16:00:07 +0100"]
    found = reasons([[1.0], [1.0]], {"at": at}, {"at": ["Fri ~15:00", "Wed ~15:45"]})
    assert signatures(found, at="time") == [frozenset({("at", "unlike others")})] * 2


def test_ports_and_addresses_of_a_scan_are_told_by_range_and_network():
    n = 120
    seen = {
        "port": [float(i) for i in range(40)] + [50_000.0 + i for i in range(39)] + [None] * 1
        + [8080.0] * 40,
        "to": [f"10.0.7.{i}" for i in range(80)] + ["10.0.9.1"] * 39 + ["no address"],
        "who": [f"user {i}" for i in range(80)] + ["root"] * 40,
    }  # fmt: skip
    expected = {"port": ["443"] * n, "to": ["10.0.0.1"] * n, "who": ["bob"] * n}
    rows = reasons([[1, 0.9, 0.8]] * n, seen, expected)
    ones = np.ones((n, 3), int)
    found = signatures_in(
        rows,
        Crowd(ones[:, 0], ones, ones, {"port": "port", "to": "ip", "who": "text"}),
        Rule(share=1.0),
    )
    words = [dict(row) for row in found]
    assert words[3] == {
        "port": "among the well-known",
        "to": "in 10.0.7.0/24",
        "who": "of several values",
    }
    assert (words[50]["port"], words[79]["port"]) == ("among the ephemeral", "missing")
    assert words[90] == {"port": "= 8080", "to": "= 10.0.9.1", "who": "= root"}
    assert words[119]["to"] == "of several values"


def test_a_value_is_not_that_of_others_which_only_look_the_same():
    rows = reasons([[1.0]] * 2, {"flag": ["S0", "S1"]}, {"flag": ["SF", "SF"]})
    found = signatures_in(rows, Crowd(np.array([9, 9]), np.array([[4], [5]]), np.array([[4], [5]])))
    assert [dict(row)["flag"] for row in found] == ["of several values", "= S1"]


def test_a_network_or_range_is_not_that_of_others_which_only_look_the_same():
    seen = {"to": ["10.0.7.1", "10.0.8.1"], "port": [50_001.0, 7.0]}
    rows = reasons([[1.0, 0.9]] * 2, seen, {"to": ["10.0.0.1"] * 2, "port": ["443"] * 2})
    none, near = np.zeros((2, 2), int), np.array([[4, 9], [5, 4]])
    kinds = {"to": "ip", "port": "port"}
    crowd = Crowd(np.array([9, 9]), none, near, kinds)
    first, second = (dict(row) for row in signatures_in(rows, crowd, Rule(share=1.0)))
    assert first == {"to": "of several values", "port": "among the ephemeral"}
    assert second == {"to": "in 10.0.8.0/24", "port": "of several values"}


def test_what_is_said_of_a_group_holds_of_half_of_its_alerts():
    seen, beside = (
        pl.Series("to", ["10.0.7.1", "10.0.7.2", "10.0.9.1"]),
        pl.Series(["10.0.0.1"] * 3),
    )
    ones = np.ones((3, 1), int)
    several, network = "of several values", "in 10.0.7.0/24"
    for counts, words in (([3, 3, 5], network), ([3, 3, 7], several)):
        near = np.array([[3], [3], [counts[2]]])
        crowd = Crowd(np.array(counts), ones, near, {"to": "ip"})
        assert told_of_all(network, seen, beside, crowd, 0) == words
        assert told_of_all("= 10.0.7.1", seen, beside, crowd, 0) == several
    assert told_of_all(several, seen, beside, crowd, 0) == several
    flags = pl.Series("flag", ["S0", "S0", "SF"])
    crowd = Crowd(np.array([3, 3, 5]), np.array([[3], [3], [5]]), ones, {})
    assert told_of_all("= S0", flags, beside, crowd, 0) == "= S0"
    numbers, less = pl.Series("n", [1.0, 2.0, 3.0]), pl.Series([0.0, 0.0, 9.0])
    near = np.array([[3], [3], [5]])
    assert told_of_all("higher", numbers, less, Crowd(near[:, 0], ones, near), 0) == "higher"


def test_sides_and_words_unseen_at_fit_are_held_to_the_same_half():
    ones, counts = np.ones((3, 1), int), np.array([3, 3, 7])
    numbers, less = pl.Series("n", [1.0, 2.0, 3.0]), pl.Series([0.0, 0.0, 9.0])
    crowd = Crowd(counts, ones, counts[:, None])
    assert told_of_all("higher", numbers, less, crowd, 0) == "of several values"
    assert told_of_all("lower", numbers, less, crowd, 0) == "lower"
    hosts = pl.Series("host", ["new", "newer", "old"])
    crowd = Crowd(counts, ones, counts[:, None], {}, {"host": np.array([True, True, False])})
    assert told_of_all("unseen at fit", hosts, hosts, crowd, 0) == "of several values"
    rows = reasons([[1.0]] * 3, {"n": numbers}, {"n": less})
    crowd = Crowd(counts, ones, np.array([[1], [2], [7]]))
    said = [dict(row)["n"] for row in signatures_in(rows, crowd)]
    assert said == ["of several values", "higher", "lower"]


def test_a_value_that_half_of_a_group_have_is_not_several():
    paths = pl.Series("path", ["/a", "/a", "/b"])
    crowd = Crowd(np.array([3, 3, 5]), np.array([[3], [3], [5]]), np.ones((3, 1), int))
    assert told_of_all("of several values", paths, paths, crowd, 0) == "= /a"


def test_words_that_fit_did_not_see_are_alike_unless_many_alerts_have_the_same():
    n = 62
    agents = [f"agent {i}" for i in range(40)] + ["scanner"] * 12 + ["curl"] * 10
    ones = np.ones((n, 1), int)
    new = {"agent": np.arange(n) < 52}
    rows = reasons([[1.0]] * n, {"agent": agents}, {"agent": ["Firefox"] * n})
    for kind in ("categorical", "frequency"):
        found = signatures_in(rows, Crowd(ones[:, 0], ones, ones, {"agent": kind}, new))
        said = [dict(row)["agent"] for row in found]
        assert set(said[:40]) == {"unseen at fit"}
        assert (said[40], said[59]) == ("= scanner", "= curl")


def few(n, ports, agents=None):
    """Alerts that may differ in the port, the address, the text and the agent."""
    seen = {
        "agent": agents or ["curl"] * n,
        "port": ports,
        "from": [f"10.{i}.0.{i}" for i in range(n)],
        "text": [f"try {i}" for i in range(n)],
    }
    expected = {"agent": ["Firefox"], "port": ["443"], "from": ["10.0.0.1"], "text": ["done"]}
    rows = reasons([[1, 0.9, 0.8, 0.7]] * n, seen, {k: v * n for k, v in expected.items()})
    kinds = {"port": "port", "from": "ip", "text": "text", "agent": "frequency"}
    ones = np.ones((n, 4), int)
    return signatures_in(rows, Crowd(ones[:, 0], ones, ones, kinds), Rule(share=1.0, columns=4))


@pytest.mark.parametrize("n", [2, 3, 9, 10, 60, 100])
def test_few_alerts_that_differ_in_what_can_be_anything_are_one_group(n):
    ports = [float(p) for p in range(1, 65_000, 64_999 // n)][:n]  # two of each range at most
    found = few(n, ports)
    assert len(set(merged(found, [1] * n))) == 1
    assert {dict(one)["from"] for one in found} == {"of several values"}
    assert not any(dict(one)["port"].startswith("=") for one in found)
    assert {dict(one)["agent"] for one in found} == {"= curl"}


@pytest.mark.parametrize("n", [2, 3])
def test_alerts_that_are_alike_in_all_but_the_port_are_one_group(n):
    seen = {"port": [22.0, 8080.0, 50_000.0][:n]}
    rows = reasons([[1.0]] * n, seen, {"port": ["443"] * n})
    ones = np.ones((n, 1), int)
    found = signatures_in(rows, Crowd(ones[:, 0], ones, ones, {"port": "port"}))
    assert set(found) == {frozenset({("port", "of several values")})}


@pytest.mark.parametrize("each", [2, 3, 6, 20])
def test_attacks_on_two_ports_of_one_range_are_told_apart(each):
    ports = [22.0] * each + [80.0] * each
    said = [dict(one)["port"] for one in few(2 * each, ports)]
    assert said == ["= 22"] * each + ["= 80"] * each


def test_columns_that_lower_the_score_are_no_reason():
    assert shares(np.array([[-4.0, 1.0, 1.0]])).tolist() == [[0.0, 0.5, 0.5]]
    found = signatures(reasons([[-1.0, 0.0]], {"a": [1.0], "b": [2.0]}, {"a": [0.0], "b": [0.0]}))
    assert found == [frozenset()]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0.7, 0.2, 0.1], [0]),
        ([0.4, 0.29, 0.31], [0, 2]),
        ([0.26, 0.25, 0.25, 0.24], [0, 1, 2]),
        ([0.0, 0.0], []),
    ],
)
def test_leading_columns_bring_most_and_are_few(row, expected):
    assert leading(np.array(row), np.zeros(len(row))) == expected


@pytest.mark.parametrize(
    ("rarity", "expected"),
    [
        ([0.0, 0.0, 0.0], [0, 1]),
        ([0.5, 0.02, 0.01], [1]),
        ([0.5, 0.03, 0.03], [0, 1]),
        ([np.nan, 0.5, 0.01], [0]),
    ],
)
def test_what_is_usual_by_itself_leads_only_where_nothing_else_does(rarity, expected):
    assert leading(np.array([0.5, 0.3, 0.2]), np.array(rarity)) == expected


@pytest.mark.parametrize(
    ("row", "rarity", "expected"),
    [
        ([0.5, 0.3, 0.2], [0.5, 0.02, 0.0], [1, 2]),
        ([0.5, 0.3, 0.2], [0.5, 0.03, 0.0], [2]),
        ([0.5, 0.3, 0.2], [np.nan, 0.5, 0.0], [0, 2]),
        ([0.6, 0.4, 0.0], [0.5, 0.05, 0.0], [2]),
        ([0.6, 0.4, 0.0], [0.05, 0.05, 0.0], [0, 1]),
        ([0.0, 0.0, 0.0], [0.5, 0.0, 0.0], []),
    ],
)
def test_what_no_normal_row_has_leads_before_what_is_ordinary(row, rarity, expected):
    assert leading(np.array(row), np.array(rarity)) == expected


def test_half_of_the_items_joins_a_group_and_less_does_not():
    big, near, far = frozenset({FLAG, COUNT}), frozenset({FLAG}), frozenset({FLAG, BYTES, LAND})
    assert merged([big, near, far, big], [5, 1, 1, 5]) == [big, big, far, big]


def test_texts_that_merely_differ_do_not_join_attacks_from_two_places():
    text, tries = ("text", "of several values"), ("tries", "higher")
    here, there = frozenset({text, tries, ("from", "= 10.0.0.1")}), ("from", "in 10.7.7.0/24")
    denied = frozenset({text, there, ("status", "= denied")})
    found = [here, frozenset({text, tries, there}), denied]
    assert merged(found, [9, 8, 1]) == [here, found[1], found[1]]


def test_the_commonest_leads_whatever_the_order():
    small, big = frozenset({FLAG}), frozenset({FLAG, COUNT})
    assert merged([small, big], [1, 9]) == [big, big]
    assert merged([big, small], [9, 1]) == [big, big]
    assert merged([], []) == []


def test_rows_without_a_reason_are_a_group():
    assert merged([frozenset(), frozenset({FLAG}), frozenset()], [1, 1, 1]) == [
        frozenset(),
        frozenset({FLAG}),
        frozenset(),
    ]


def test_values_are_short():
    assert told("x" * 250 + "y" * 250) == "x" * 28 + "…" + "y" * 31
    assert told(float("nan")) == "missing"
    assert told(True) == "True"
    assert told(1e300) == "1e+300"


@pytest.mark.parametrize("value", [2_400_000_055.4, -5_000_050.25, 123_456_789.5])
def test_a_value_stands_in_the_report_as_in_the_table(value):
    assert as_it_stands(value) == f"{value:,}"


def test_a_word_that_fit_did_not_see_joins_no_group_without_it():
    """The tool of an attack is not hidden among slow pages."""
    new = ("user_agent", "unseen at fit")
    usual, strange = frozenset({COUNT, BYTES}), frozenset({COUNT, BYTES, new})
    assert merged([usual, strange, strange], [15, 1, 1]) == [usual, strange, strange]
    assert merged([frozenset({new, COUNT}), frozenset({new})], [5, 1])[1] == {new, COUNT}
