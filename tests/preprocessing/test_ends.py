"""Numbers that stand for a missing one."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from alad import Mahalanobis, load
from alad.errors import InputError
from alad.preprocessing.kinds._ends import FORMS, MARKS, PERHAPS, forms, without_marks
from alad.preprocessing.learning.tables import TableLearner, fit_encoder
from alad.preprocessing.schema import Schema, Stated
from alad.preprocessing.table import TableEncoder

SHARES = np.random.default_rng(0).uniform(0.1, 0.9, 60)


def column_of(values, dtype=None):
    series = pl.Series("a", values, dtype=dtype)
    return fit_encoder(series.to_frame()).columns[0]


def stated(missing, kind="numeric"):
    return Schema((Stated("a", kind, missing=missing),))


@pytest.mark.parametrize("mark", sorted(MARKS))
@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
def test_a_mark_counts_as_missing(mark, dtype):
    if dtype == pl.Float32 and mark == 2**31 - 1:
        pytest.skip("float32 has no such number")
    values = pl.Series("a", [*SHARES, mark, mark], dtype=dtype).to_frame()
    encoder = fit_encoder(values)
    (column,) = encoder.columns
    assert column.marks == (mark,)
    assert column.fill == pytest.approx(np.median(SHARES), rel=1e-6)
    assert "counts as missing (2 values)" in column.note
    x, notes = encoder.transform(values)
    gap = fit_encoder(pl.DataFrame({"a": [*SHARES, None, None]}))
    assert np.array_equal(x, gap.transform(pl.DataFrame({"a": [*SHARES, None, None]}))[0])
    assert notes.missing == {"a": 2}
    assert encoder.feature_names == ("a", "a is missing")
    is_exact = float(np.float32(mark)) == mark or not mark.is_integer()
    other = pl.Float32 if dtype == pl.Float64 and is_exact else pl.Float64
    (row,), _ = encoder.transform(pl.DataFrame({"a": pl.Series([mark], dtype=other)}))
    assert row.tolist() == x[-1].tolist()


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Int32, pl.Int16, pl.UInt32, pl.String])
def test_marks_of_whole_numbers(dtype):
    values = [*range(5, 20), 9999, 9999]
    assert column_of(values if dtype != pl.String else [*map(str, values), "-"], dtype).marks == (
        9999,
    )


@pytest.mark.parametrize(
    "values",
    [
        [*range(-400, 400), -999],  # not three widths outside
        [5, 5, 5, -999],  # the others are one number
        [-999, -999],
        [5e9, 5e9, -999],
        [1, 2, 3, -998],  # not written as one
        [1, 2, 3, 99, 99],  # may be per cent
        [5, 19, 49, 199, 999],  # once: a price
        [0] * 9 + [520, 530, 559, 999, 999],  # 0 is a number, too
        [64 << 20, 128 << 20, 2 << 30, 2 << 30],  # 2^31, not 2^31 - 1
        [-2000, 1, 2, 3, -999],  # within
        [0, 0, -999],
        [True, False],
    ],
)
def test_what_is_no_mark(values):
    column = column_of(values)
    assert (column.marks, column.has_missing) == ((), False)


def test_of_several_each_is_one():
    assert column_of([*SHARES, -999, -9999, 9999.9, 9999.9]).marks == (-9999, -999, 9999.9)
    note = column_of([*SHARES, -999, -9999]).note
    assert note == "-999, -9999 count as missing (2 values)"


@pytest.mark.parametrize("cuts", [[1], [30], [61], [1, 2, 40, 60], []])
@pytest.mark.parametrize("low", [0.0, 5e9])
def test_where_a_stream_is_cut_does_not_matter(cuts, low):
    values = np.concatenate([[-999], low + SHARES, [-999]])
    learner = TableLearner(sample=None)
    for part in np.split(values, cuts):
        learner.update(pl.DataFrame({"a": part}))
    (found,), whole = learner.finish().columns, column_of(values)
    assert found.fill == pytest.approx(low + np.median(SHARES), abs=1e-5)
    assert (found.marks, found.learned, found.note) == (whole.marks, whole.learned, whole.note)
    assert found.marks == (-999,)


def test_numbers_that_come_later_may_show_that_there_is_none():
    learner = TableLearner()
    for part in ([*SHARES, -999], [-500.0]):
        learner.update(pl.DataFrame({"a": part}))
    (column,) = learner.finish().columns
    assert (column.marks, column.has_missing) == ((), False)
    assert column.fill == pytest.approx(np.median([*SHARES, -999, -500.0]), rel=1e-6)


@pytest.mark.parametrize("number", sorted(PERHAPS))
def test_what_only_a_person_can_tell_is_pointed_at(number):
    column = column_of([*(230 + SHARES), number, number])
    assert column.marks == ()
    assert column.doubt == (
        f"{number:.0f} (2 values) is far from the others: if nothing was measured there, "
        f'"missing": [{number:.0f}]'
    )
    assert not column_of([*(2 + 10 * SHARES), number]).doubt
    assert not column_of([number, number, 1]).doubt


def test_a_single_positive_one_is_pointed_at():
    doubt = '999 (1 value) is far from the others: if nothing was measured there, "missing": [999]'
    assert column_of([5, 19, 49, 199, 999]).doubt == doubt
    assert column_of([5, 19, 49, 199, 999, 999]).marks == (999,)


@pytest.mark.parametrize("flags", [[0, 1], [-1, 0, 1], [0, 1, 2]])
def test_flags_and_a_mark(flags):
    column = column_of([*flags * 9, -999])
    assert (column.marks, column.doubt) == ((-999,), "")


@pytest.mark.parametrize("rows", [[0, 499, 500, 999, 999], [499, 500, 999, 999, 0]])
@pytest.mark.parametrize("cut", range(1, 5))
def test_the_order_of_rows_does_not_matter(rows, cut):
    learner = TableLearner()
    for part in (rows[:cut], rows[cut:]):
        learner.update(pl.DataFrame({"a": part}))
    assert learner.finish().columns[0].marks == ()


def test_whole_numbers_are_compared_to_the_digit():
    series = pl.Series([-(2**63), -(2**63) + 100, 123456789, 123456792])
    assert without_marks(series, [-(2.0**63), 123456789]).to_list() == [
        *(None, -(2**63) + 100),
        *(None, 123456792),
    ]
    assert without_marks(pl.Series([1, 2], dtype=pl.UInt8), [-999, 1, 999]).to_list() == [None, 2]
    assert without_marks(pl.Series([1, 2]), [1.5]).to_list() == [1, 2]


def test_every_form_of_a_mark_is_known():
    assert {FORMS[form] for mark in MARKS | PERHAPS for form in forms(mark)} == MARKS | PERHAPS
    assert FORMS[float(np.float32(-99.9))] == -99.9


# -------------------------------------------------------------------------------- schema


@pytest.mark.parametrize("kind", ["numeric", "log-numeric", "boolean", "port"])
def test_a_schema_may_state_them(kind):
    values = [0, 1, 1, -1, 7] if kind == "port" else [0, 1, 1, -1]
    encoder = fit_encoder(pl.DataFrame({"a": values}), stated((-1,), kind))
    (column,) = encoder.columns
    assert (column.marks, column.note) == ((-1,), "-1 counts as missing (1 value)")
    assert encoder.transform(pl.DataFrame({"a": [-1, 1]}))[1].missing == {"a": 1}
    text = fit_encoder(pl.DataFrame({"a": [*map(str, values)]}), stated((-1,), kind))
    x, _ = text.transform(pl.DataFrame({"a": [*map(str, values)]}))
    assert np.array_equal(x, encoder.transform(pl.DataFrame({"a": values}))[0])


def test_a_schema_that_states_none_means_none():
    (column,) = fit_encoder(pl.DataFrame({"a": [*SHARES, -999]}), stated(())).columns
    assert (column.marks, column.has_missing) == ((), False)


def test_one_that_fit_did_not_see_is_missing_all_the_same():
    encoder = fit_encoder(pl.DataFrame({"a": SHARES}), stated((-7,)))
    x, notes = encoder.transform(pl.DataFrame({"a": [-7.0, None]}))
    assert notes.missing == {"a": 2}
    assert x[0].tolist() == x[1].tolist()


def test_what_was_found_is_stated_and_gives_the_same(tmp_path):
    frame = pl.DataFrame({"a": [*SHARES, -999, -999]})
    encoder = fit_encoder(frame)
    path = tmp_path / "schema.json"
    encoder.stated.write(path)
    assert '"missing": [-999]' in path.read_text()
    again = fit_encoder(frame, Schema.read(path))
    assert (again.columns, again.columns[0].note) == (encoder.columns, encoder.columns[0].note)
    read = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert np.array_equal(read.transform(frame)[0], encoder.transform(frame)[0])


def test_a_column_that_is_left_out_keeps_what_was_stated():
    schema = Schema((Stated("a", "numeric"), Stated("b", "ignored", missing=(-1,))))
    assert fit_encoder(pl.DataFrame({"a": SHARES, "b": SHARES}), schema).stated == schema


def test_a_column_of_nothing_else_has_no_value():
    for values in ([-1, -1], ["-1", "-"]):
        with pytest.raises(InputError, match=r"at least one value in column 'a', whose kind"):
            fit_encoder(pl.DataFrame({"a": values}), stated((-1,)))


@pytest.mark.parametrize("missing", [0, [10**400], "-999", ["-999"], [True], [None], {"a": 1}])
def test_what_is_no_list_of_numbers_is_refused(missing):
    entry = {"name": "a", "kind": "numeric", "role": "feature", "missing": missing}
    with pytest.raises(InputError, match=r'list of numbers, such as \[-999\], as "missing" of'):
        Schema.from_json({"columns": [entry]})


def test_they_are_refused_where_there_are_no_numbers():
    with pytest.raises(InputError, match=r'"missing" for kinds of numbers only; got \(-1,\)'):
        stated((-1,), "categorical")


# -------------------------------------------------------------------------------- models


def test_a_model_keeps_them(tmp_path):
    frame = pl.DataFrame({"a": [*SHARES, -999, -999], "b": [*SHARES[::-1], 0.2, 0.4]})
    detector = Mahalanobis().fit(frame)
    detector.save(tmp_path / "model")
    new = pl.DataFrame({"a": [-999.0, None, 0.4], "b": [0.3, 0.3, 0.3]})
    scores = load(tmp_path / "model").score_samples(new)
    assert np.array_equal(scores, detector.score_samples(new))
    assert scores[0] == scores[1] != scores[2]
