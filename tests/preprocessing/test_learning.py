"""Learning in a stream: the same as at once, in bounded memory."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from alad.errors import InputError
from alad.preprocessing.kinds import _counts
from alad.preprocessing.kinds._counts import Counts
from alad.preprocessing.kinds.numbers import Sample
from alad.preprocessing.learning.tables import TableLearner, fit_encoder
from alad.preprocessing.schema import Schema, Stated
from alad.preprocessing.table import TableEncoder

N = 600


def mixed() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    number = rng.integers(0, 900, N)
    start = dt.datetime(2026, 1, 1)
    return pl.DataFrame(
        {
            "size": [None if i % 50 == 0 else float(x) for i, x in enumerate(number)],
            "up": rng.random(N) < 0.7,
            "proto": rng.choice(["tcp", "udp", "icmp"], N),
            "user": [f"u{x}" for x in number],
            "at": [start + dt.timedelta(minutes=int(x)) for x in number],
            "src": [f"10.{x % 3}.0.{x % 200}" for x in number],
            "port": number,
            "url": [f"http://h{x % 7}.org/{x}" for x in number],
            "text": [f"user {x} did something that takes a line" for x in number],
            "id": [f"id{i}" for i in range(N)],
        }
    )


def in_batches(frame: pl.DataFrame, rows: int, **options: object) -> TableEncoder:
    learner = TableLearner(**options)
    for start in range(0, frame.height, rows):
        learner.update(frame[start : start + rows])
    return learner.finish()


@pytest.mark.parametrize("rows", [41, 599])
def test_batches_teach_what_the_whole_teaches(rows):
    frame = mixed()
    whole, parts = fit_encoder(frame), in_batches(frame, rows)
    assert [c.kind for c in whole.columns] == [
        *("numeric", "boolean", "categorical", "frequency", "time", "ip", "port", "url", "text"),
        "ignored",
    ]
    assert parts.stated == whole.stated
    np.testing.assert_allclose(parts.transform(frame)[0], whole.transform(frame)[0], rtol=1e-6)


def test_columns_may_change_their_order_and_begin_without_values():
    learner = TableLearner()
    learner.update(pl.DataFrame({"a": [None], "b": [1]}))
    learner.update(pl.DataFrame({"b": [2], "a": ["10.0.0.1"]}))
    encoder = learner.update(pl.DataFrame({"b": [2], "a": ["10.0.0.2"]})).finish()
    assert [(c.kind, c.has_missing) for c in encoder.columns] == [("ip", True), ("numeric", False)]


def test_a_later_value_may_rule_a_kind_out():
    frame = pl.DataFrame({"a": ["10.0.0.1", "10.0.0.2", "host"], "port": [80, 443, 99_999]})
    assert [c.kind for c in in_batches(frame, 1).columns] == ["categorical", "numeric"]


def test_columns_may_begin_with_dashes():
    frame = pl.DataFrame({"a": ["-", "-", "10.0.0.1"], "b": ["-", "-", "x"], "c": ["-"] * 3})
    for rows in (1, 2, 3):
        a, b, c = in_batches(frame, rows).columns
        assert (a.kind, a.has_missing, a.note) == ("ip", True, "- counts as missing (2 values)")
        assert (b.categories, c.categories) == (("-", "x"), ("-",))


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_formats_are_those_of_all_batches(rows):
    at = ["11/10/2026", "10/11/2026", "13/11/2026"]
    frame = pl.DataFrame({"at": at, "ts": [1_795_694_400, 1_795_694_400, 3], "n": [1, 2, 3]})
    found = in_batches(frame, rows).columns
    assert [(c.kind, c.format) for c in found] == [("time", "%d/%m/%Y"), *[("numeric", "")] * 2]


def test_empty_batches_are_fine_and_no_rows_at_all_are_not():
    frame = pl.DataFrame({"a": [1.0, 2.0]})
    learner = TableLearner().update(frame.clear())
    with pytest.raises(InputError, match="got 0 rows and 1 columns"):
        learner.finish()
    assert learner.update(frame).finish() == fit_encoder(frame)
    with pytest.raises(InputError, match="got 0 rows and 0 columns"):
        TableLearner().finish()


def test_other_columns_or_types_in_a_later_batch_are_refused():
    learner = TableLearner().update(pl.DataFrame({"a": [1.0], "b": ["x"]}))
    with pytest.raises(InputError, match="the columns 'a', 'b' in every batch; got 'a', 'c'"):
        learner.update(pl.DataFrame({"a": [1.0], "c": ["x"]}))
    with pytest.raises(InputError, match="numbers in column 'a'; got 'x'"):
        learner.update(pl.DataFrame({"a": ["x"], "b": ["x"]}))


def test_a_stated_kind_is_held_against_every_batch():
    learner = TableLearner(Schema((Stated("a", "ip"),)))
    learner.update(pl.DataFrame({"a": ["::1"]}))
    with pytest.raises(InputError, match="addresses in column 'a'; got 'host'"):
        learner.update(pl.DataFrame({"a": ["::2", "host"]}))


# ----------------------------------------------------------------------------- the median


def test_the_median_is_exact_while_all_numbers_fit():
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    sample = Sample(1000, seed=0)
    for part in np.split(values, 8):
        sample.add(part)
    assert sample.median() == np.median(values.astype(np.float64))


def test_the_sample_is_uniform_seeded_and_independent_of_the_batches():
    values = np.arange(20_000, dtype=np.float32)

    def drawn(seed, parts):
        sample = Sample(2000, seed)
        for part in np.split(values, parts):
            sample.add(part)
        return sample._whole

    assert np.array_equal(drawn(0, 1), drawn(0, 100))
    assert not np.array_equal(drawn(0, 1), drawn(1, 1))
    assert len(set(drawn(0, 4))) == 2000
    shares = np.histogram(drawn(0, 4), bins=4)[0] / 2000
    np.testing.assert_allclose(shares, 0.25, atol=0.04)  # four standard deviations
    assert values[0] == 0
    assert np.array_equal(values, np.arange(20_000))


def test_a_table_beyond_the_sample_has_a_median_near_the_true_one():
    frame = pl.DataFrame({"a": np.arange(5000.0)})
    assert in_batches(frame, 700, sample=5000).schema[0].fill == 2499.5
    assert abs(in_batches(frame, 700, sample=500).schema[0].fill - 2499.5) < 300
    assert fit_encoder(frame).schema[0].fill == 2499.5


# ------------------------------------------------------------------------------ the counts


def counted(values: list[str]) -> pl.DataFrame:
    return pl.Series("value", values).value_counts(name="n")


def test_counts_are_bounded_and_keep_what_is_frequent(monkeypatch):
    monkeypatch.setattr(_counts, "COUNTED", 100)
    counts = Counts()
    for start in range(0, 1000, 50):
        counts.add(counted(["often"] * 5 + [f"v{i}" for i in range(start, start + 50)]))
        assert counts.table.height <= 100
    shares = counts.shares()
    assert (shares.values[0], shares.counts[0], shares.total) == ("often", 100, 1100)
    assert (shares.rarest, shares.complete) == (1, False)
    assert shares.rarity(pl.Series(["never"]))[1] == 0  # it may have been let go


def test_a_model_names_a_bounded_number_of_values(monkeypatch):
    counts = Counts()
    counts.add(counted(["a", "a", "bbb", "cc"]))
    monkeypatch.setattr(_counts, "KEPT", 2)
    assert counts.shares().values == ("a", "bbb")
    assert not counts.shares().complete
    monkeypatch.setattr(_counts, "CHARACTERS", 3)
    assert counts.shares().values == ("a",)
    monkeypatch.setattr(_counts, "CHARACTERS", 0)
    assert counts.shares().values == ("a",)
    assert counts.shares(repeated=True).values == ("a",)


@pytest.mark.parametrize("cut", [999, 1000, 1001, 1500])
def test_a_gap_in_a_batch_of_its_own_is_one_all_the_same(cut):
    values = pl.Series("a", [*range(1000), None, *range(2000, 3000)])
    learner = TableLearner()
    for part in (values[:cut], values[cut : cut + 1], values[cut + 1 :]):
        learner.update(part.to_frame())
    assert learner.finish().columns[0].kind == "numeric"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1j, "got complex. Turn it into numbers or text"),
        (pd.Period("2026-01"), "got Period. Turn it into numbers or text"),
    ],
)
def test_what_is_neither_number_nor_text_is_named(value, message):
    frame = pd.DataFrame({"a": pd.Series([value] * 3, dtype=object), "b": [1.0, 2.0, 3.0]})
    with pytest.raises(InputError, match=message):
        fit_encoder(frame)
