"""Reasons of tables with times, addresses and ports: values whose features are rarities."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import polars as pl
import pytest

from alad import KNN
from alad.preprocessing.columns import Column
from alad.preprocessing.kinds import KINDS
from alad.preprocessing.schema import Schema, Stated
from alad.reasons import explain
from alad.report.likeness import told

FIRST = dt.datetime(2026, 10, 8)
THURSDAYS = [f"{FIRST + dt.timedelta(weeks=i):%d/%b/%Y}" for i in range(8)]


@pytest.fixture(scope="module")
def flows() -> pl.DataFrame:
    """Two services, each with hosts and a time of its own, and client ports of all kinds."""
    random = np.random.default_rng(0)
    is_web = random.random(600) < 0.7
    return pl.DataFrame(
        {
            "at": [
                f"{THURSDAYS[i % 8]}:{9 if web else 22}:{i % 50:02d}:00 +0000"
                for i, web in enumerate(is_web)
            ],
            "dst": [
                f"10.0.0.{i % 2}" if web else f"192.168.7.{i % 9}" for i, web in enumerate(is_web)
            ],
            "src_port": random.integers(50_000, 50_300, 600),
            "dst_port": np.where(is_web, 443, 22),
            "bytes": np.where(is_web, 5000, 100) + random.normal(size=600),
        }
    )


def test_durations_and_decimals_are_told_as_they_are_expected():
    random = np.random.default_rng(0)
    table = pl.DataFrame(
        {"a": random.integers(1, 100, 300) / 4, "d": random.integers(1, 100, 300)}
    ).select(pl.col("a").cast(pl.Decimal(20, 2)), pl.duration(seconds="d").alias("d"))
    detector = KNN(k=1).fit(table)
    long = table[:1].with_columns(d=pl.duration(hours=2))
    large = table[:1].with_columns(a=pl.lit(7000.5).cast(pl.Decimal(20, 2)))
    told = r"{} \(expected \d+(\.\d+)?; none of 300 normals is as extreme\)"
    assert re.search(told.format("d 7200"), explain(detector, long).text(0))
    assert re.search(told.format("a 7000.5"), explain(detector, large).text(0))


def test_an_hour_that_no_normal_row_has_is_rare_though_hours_around_midnight_are_usual():
    random = np.random.default_rng(0)
    hours = random.uniform(3, 23, 3000)
    days = random.integers(0, 30, 3000) * 24
    at = [FIRST + dt.timedelta(hours=float(h)) for h in hours + days]
    table = pl.DataFrame({"at": at, "n": random.normal(size=3000)})
    new = [FIRST + dt.timedelta(hours=h) for h in (1, 25, 13, 3.1, 22.9)]
    detector = KNN(random_state=0).fit(table, schema=Schema((Stated("at", "time", "time"),
                                                             Stated("n", "numeric"))))  # fmt: skip
    found = explain(detector, pl.DataFrame({"at": new, "n": [0.0] * 5}), reference=table)
    rarity = found.rarity[:, 0]
    assert rarity[:2].tolist() == [0, 0]
    assert rarity[2] > 0.05
    assert (rarity[3:] > 0).all()
    assert (rarity[3:] < 0.05).all()


def test_a_number_where_fit_saw_true_and_false_is_rare():
    random = np.random.default_rng(0)
    table = pl.DataFrame({"a": random.normal(size=300), "b": random.random(300) < 0.5})
    odd = pl.DataFrame({"a": [0.0], "b": [1_000_000]})
    text = explain(KNN(k=1).fit(table), odd).text(0)
    assert "b 1000000 (expected true; none of 300 normals is as rare)" in text


@pytest.fixture(scope="module")
def detector(flows) -> KNN:
    return KNN(random_state=0).fit(flows)


def test_what_is_expected_is_the_neighbours(detector, flows):
    """Not the commonest value of each column, whatever the row is like."""
    expected = explain(detector, flows).expected
    is_web = flows["dst_port"] == 443
    for of, at, network, port in (
        (is_web, "Thu ~09", "10.0.0.", "443"),
        (~is_web, "Thu ~2", "192", "22"),
    ):
        rows = expected.filter(of)
        assert rows["at"].str.starts_with(at).all()
        assert rows["dst"].str.starts_with(network).all()
        assert (rows["dst_port"] == port).all()


def test_a_port_is_rare_and_not_extreme(detector, flows):
    row = flows[:1].with_columns(dst_port=pl.lit(4444), src_port=pl.lit(59_999))
    reasons = explain(detector, row)
    text = " ".join(filter(None, (reasons.text(0, k) for k in range(5))))
    assert re.search(r"dst_port 4444 \(expected (443|22); never seen at fit\)", text)
    assert not re.search(r"_port \d+ \([^)]*extreme", text)


def test_a_client_port_is_like_all_others_of_its_range(detector, flows):
    place = flows.columns.index("src_port")
    assert (explain(detector, flows).rarity[:, place] == 1).all()  # however often each came


def visits(n: int = 600) -> pl.DataFrame:
    """Twelve users, each as often; many paths that came once; hosts of links."""
    return pl.DataFrame(
        {
            "user": [f"u{i % 12}" for i in range(n)],
            "path": [f"/item/{i}" if i % 3 == 0 else f"/{i % 5}" for i in range(n)],
            "from": [f"10.0.0.{i % 12}" for i in range(n)],
            "link": [f"https://h{i % 4}.example/{i % 9}" for i in range(n)],
        }
    )


def test_a_value_that_fit_did_not_see_is_said_to_be_so_however_like_others_it_is():
    kinds = {"user": "frequency", "path": "frequency", "from": "ip", "link": "url"}
    schema = Schema(tuple(Stated(name, kind) for name, kind in kinds.items()))
    detector = KNN(random_state=0).fit(visits(), schema=schema)
    new = {"user": "u99", "path": "/etc/passwd", "from": "10.0.0.77", "link": "https://evil/0"}
    rows = pl.concat([visits(3), pl.DataFrame([new]), pl.DataFrame([dict.fromkeys(new)])])
    reasons = explain(detector, rows.cast(pl.String))
    assert reasons.never_seen.tolist() == [[False] * 4] * 3 + [[True] * 4] + [[False] * 4]
    assert reasons.rarity[3, [0, 2, 3]].tolist() == [0, 0, 0]
    assert reasons.rarity[3, 1] > 0  # a new path is nothing new
    said = [reasons._said(3, j) for j in range(4)]
    assert all(text.endswith("; never seen at fit)") for text in said)
    assert "never" not in " ".join(reasons._said(0, j) for j in range(4))


ZONED = {
    "text": lambda at: at.dt.strftime("%Y-%m-%dT%H:%M:%S.%9f%:z"),
    "a format": lambda at: at.dt.strftime("%d/%b/%Y:%H:%M:%S %z"),
    "nanoseconds": lambda at: at.dt.cast_time_unit("ns"),
    "microseconds": lambda at: at,
}


@pytest.mark.parametrize("make", ZONED.values(), ids=ZONED.keys())
def test_what_is_seen_is_told_on_the_clock_of_what_is_expected(make):
    """Here 8:46 of a summer in Berlin, which is 6:46 in UTC, to the second."""
    night = dt.datetime(2026, 8, 1, 22)
    at = pl.Series("at", [night + dt.timedelta(days=i, minutes=i % 9) for i in range(60)])
    odd = pl.Series("at", [dt.datetime(2026, 10, 1, 6, 46, 47, 123_456)])
    normal, new = (
        pl.DataFrame(make(s.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")))
        for s in (at, odd)
    )
    reasons = explain(KNN(k=1).fit(normal), new)
    assert re.match(r"at 2026-10-01 06:46:47 UTC \(expected ... ~22:\d\d UTC; ", reasons.text(0))
    assert told(reasons.seen["at"][0]) == "2026-10-01 06:46:47 UTC"


def test_a_clock_without_a_zone_is_told_as_it_is_written_to_the_second():
    at = pl.Series(
        "at", [dt.datetime(2026, 8, 1) + dt.timedelta(hours=24.2 * i) for i in range(60)]
    )
    odd = pl.Series("at", [dt.datetime(2026, 10, 1, 6, 46, 47, 123_456)])
    for make in (
        lambda s: s,
        lambda s: s.dt.cast_time_unit("ns"),
        lambda s: s.dt.strftime("%Y-%m-%d %H:%M:%S%.9f"),
    ):
        text = explain(KNN(k=1).fit(pl.DataFrame(make(at))), pl.DataFrame(make(odd))).text(0)
        assert re.match(r"at 2026-10-01 06:46:47 \(expected ... ~", text)


def test_what_is_no_time_is_seen_as_it_stands():
    shown = KINDS["time"].shown
    column = Column("at", "time", learned={"parts": ["hour"], "in_utc": True})
    text = pl.Series(
        "at", [None, "-", "soon", "10:00:00.5", "2026-01-01", "2026-01-01T10:00+02:00"]
    )
    assert shown(text, column).to_list() == [
        *(None, "-", "soon", "10:00:00", "2026-01-01", "2026-01-01 08:00:00 UTC")
    ]
    clocks = pl.Series("at", [dt.time(10, 0, 0, 5), None])
    assert shown(clocks, column).to_list() == [dt.time(10), None]
    assert shown(pl.Series("at", [1.5e9]), column).to_list() == [1.5e9]


def test_a_model_from_before_tells_the_clock_of_the_column():
    column = Column("at", "time", learned={"parts": ["hour"]})
    at = pl.Series("at", [dt.datetime(2026, 8, 1, 10, tzinfo=dt.UTC)])
    there = at.dt.convert_time_zone("Europe/Berlin")
    assert told(KINDS["time"].shown(there, column)[0]) == "2026-08-01 12:00:00+02:00"
