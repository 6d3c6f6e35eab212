"""Tables: each rule of the module's docstring, for each make of frame, and each refusal."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from alad.errors import InputError, ModelFormatError
from alad.preprocessing.frames import feature_names, is_frame, to_polars
from alad.preprocessing.kinds.words import MISSING
from alad.preprocessing.learning.tables import fit_encoder
from alad.preprocessing.scaling import fit_scaler
from alad.preprocessing.schema import Schema, Stated
from alad.preprocessing.table import TableEncoder

TRAIN = pl.DataFrame(
    {
        "bytes": [1.0, None, 3.0, 8.0],
        "count": [4, 5, 6, 7],
        "proto": ["udp", "tcp", "tcp", None],
        "up": [True, False, True, True],
        "flag": ["S0", "SF", "SF", "SF"],
    }
)
NAMES = (
    *("bytes", "bytes is missing", "count"),
    *("proto=<missing>", "proto=tcp", "proto=udp", "up", "flag=S0", "flag=SF"),
)
MATRIX = [
    [1, 0, 4, 0, 0, 1, 1, 1, 0],
    [3, 1, 5, 0, 1, 0, 0, 0, 1],
    [3, 0, 6, 0, 1, 0, 1, 0, 1],
    [8, 0, 7, 1, 0, 0, 1, 0, 1],
]


def row(**changes: object) -> pl.DataFrame:
    """One row as at fit, but for the changes."""
    values = {"bytes": 1.0, "count": 4, "proto": "udp", "up": True, "flag": "S0"}
    return pl.DataFrame({name: [value] for name, value in (values | changes).items()})


def encoded(frame: object) -> dict[str, float]:
    encoder = fit_encoder(TRAIN)
    return dict(zip(encoder.feature_names, encoder.transform(frame)[0][0].tolist(), strict=True))


def as_objects(frame: pl.DataFrame) -> pd.DataFrame:
    columns = {s.name: np.array(s.to_list(), dtype=object) for s in frame.iter_columns()}
    return pd.DataFrame({name: pd.Series(v, dtype=object) for name, v in columns.items()})


MAKES = {
    "polars": lambda frame: frame,
    "pandas": lambda frame: frame.to_pandas(),
    "pandas, pyarrow types": lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
    "pandas, objects": as_objects,
    "pandas, categorical": lambda frame: frame.to_pandas().astype({"proto": "category"}),
    "pyarrow": lambda frame: frame.to_arrow(),
    "polars, enum": lambda frame: frame.with_columns(pl.col("flag").cast(pl.Enum(["SF", "S0"]))),
    "polars, categorical": lambda frame: frame.with_columns(pl.col("proto").cast(pl.Categorical)),
}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES.keys())
def test_every_make_of_frame_gives_the_same_matrix(make):
    encoder = fit_encoder(make(TRAIN))
    x, notes = encoder.transform(make(TRAIN))
    assert encoder.feature_names == NAMES
    assert x.dtype == np.float32
    assert x.flags.c_contiguous
    assert x.tolist() == MATRIX
    assert notes.unseen == {}
    assert notes.missing == {"bytes": 1, "proto": 1}
    assert encoder == fit_encoder(TRAIN)


def test_binary_marks_one_hot_boolean_and_gap_features():
    assert fit_encoder(TRAIN).binary.tolist() == [False, True, False] + [True] * 6


def test_rows_beyond_one_block_land_where_they_belong():
    n = 10_000
    codes = np.arange(n) % 7
    frame = pl.DataFrame({"n": np.arange(n) / 1, "c": [f"k{code}" for code in codes]})
    x, _ = fit_encoder(frame).transform(frame)
    np.testing.assert_array_equal(x[:, 0], np.arange(n))
    np.testing.assert_array_equal(x[:, 1:].argmax(axis=1), codes)
    np.testing.assert_array_equal(x[:, 1:].sum(axis=1), 1)


def test_order_of_columns_does_not_matter():
    encoder = fit_encoder(TRAIN)
    x, _ = encoder.transform(TRAIN.select(reversed(TRAIN.columns)))
    assert x.tolist() == MATRIX


def test_unseen_category_is_against_the_commonest_and_the_rarest_and_counted():
    frame = pl.concat([row(proto="icmp"), row(proto="gre"), row(flag="REJ")])
    x, notes = fit_encoder(TRAIN).transform(frame)
    assert x[:2, 3:6].tolist() == [[0, -1, -1]] * 2
    assert x[2, 7:].tolist() == [-1, -1]
    assert notes.unseen == {"proto": 2, "flag": 1}
    assert notes.rows == 3


def test_unseen_category_is_further_from_all_rows_than_they_are_from_each_other():
    encoder = fit_encoder(TRAIN)
    of_proto = slice(3, 6)
    known, new = encoder.transform(TRAIN)[0], encoder.transform(row(proto="icmp"))[0]
    apart = np.linalg.norm(known[:, None, of_proto] - known[None, :, of_proto], axis=2)
    assert np.linalg.norm(known[:, of_proto] - new[:, of_proto], axis=1).min() >= apart.max()


@pytest.mark.parametrize("kind", ["standard", "log-standard"])
def test_unseen_category_is_furthest_where_rare_ones_lie_far_out(kind):
    values = ["a"] * 900 + ["b"] * 95 + ["c"] * 4 + ["d"]
    encoder = fit_encoder(pl.DataFrame({"v": values}))
    x, new = (encoder.transform(pl.DataFrame({"v": v}))[0] for v in (values, ["e"]))
    scaler = fit_scaler(kind, x, encoder.binary)
    known, new = np.unique(scaler.transform(x), axis=0), scaler.transform(new)
    apart = np.linalg.norm(known[:, None] - known[None], axis=2)
    furthest_of_each = apart.max(axis=1)
    assert (np.linalg.norm(known - new, axis=1) > furthest_of_each).all()


def test_encoder_from_before_is_against_the_commonest_alone():
    content = fit_encoder(TRAIN).to_json()
    for column in content["columns"]:
        column.get("learned", {}).pop("rarest", None)
    x, _ = TableEncoder.from_json(content).transform(row(proto="icmp"))
    assert x[0, 3:6].tolist() == [0, -1, 0]


def test_encoder_from_long_before_has_zeros_for_unseen_categories():
    content = fit_encoder(TRAIN).to_json()
    for column in content["columns"]:
        column.pop("learned", None)
    x, _ = TableEncoder.from_json(content).transform(row(proto="icmp"))
    assert x[0, 3:6].tolist() == [0, 0, 0]


def test_missing_category_is_a_level_if_seen_at_fit_else_as_unseen():
    assert encoded(row(proto=None))[f"proto={MISSING}"] == 1
    got = encoded(row(flag=None))
    assert (got["flag=S0"], got["flag=SF"]) == (-1, -1)
    notes = fit_encoder(TRAIN).transform(row(flag=None))[1]
    assert (notes.missing, notes.unseen) == ({"flag": 1}, {})


@pytest.mark.parametrize("gap", [None, float("nan")])
def test_missing_number_is_the_training_median_and_far_from_all_where_fit_saw_none(gap):
    got = encoded(row(bytes=gap, count=gap))
    assert (got["bytes"], got["bytes is missing"], got["count"]) == (3.0, 1.0, 7 + (7 - 4))
    assert "count is missing" not in got


def test_transform_changes_nothing():
    encoder = fit_encoder(TRAIN)
    before, frame = encoder.to_json(), row(proto="icmp", bytes=None)
    first, second = encoder.transform(frame), encoder.transform(frame)
    assert first[0].tolist() == second[0].tolist()
    assert first[1] == second[1]
    assert encoder.to_json() == before
    assert frame.equals(row(proto="icmp", bytes=None))


def test_whole_numbers_in_a_text_column_are_read_as_text():
    encoder = fit_encoder(pl.DataFrame({"land": ["0", "1"]}))
    x, notes = encoder.transform(pl.DataFrame({"land": [1, 0, 2]}))
    assert x.tolist() == [[0, 1], [1, 0], [-1, -1]]
    assert notes.unseen == {"land": 1}


def test_pandas_categories_that_are_numbers_stay_categories():
    frame = pd.DataFrame({"port": pd.Categorical([443, 80, 443])})
    encoder = fit_encoder(frame)
    assert encoder.feature_names == ("port=443", "port=80")
    assert encoder.transform(frame)[0].tolist() == [[1, 0], [0, 1], [1, 0]]


@pytest.mark.parametrize(
    "known", [pd.Categorical([443, 80, 443]), pd.Categorical([443.0, 80, 443])]
)
def test_pandas_categories_of_whole_numbers_are_the_same_beside_a_gap(known):
    x, notes = fit_encoder(pd.DataFrame({"port": known})).transform(
        pd.DataFrame({"port": pd.Categorical([443, None, 80])})
    )
    assert x[[0, 2]].tolist() == [[1, 0], [0, 1]]
    assert (notes.unseen, notes.missing) == ({}, {"port": 1})


def test_pandas_categories_of_any_type_are_their_text():
    values = pd.Series([0.5, 1.5, 0.5, None])
    bins, mixed = pd.cut(values, [0.0, 1.0, 2.0]), pd.Categorical(["x", 1, "x", None])
    periods = pd.PeriodIndex(["2026-01", "2026-02"], freq="M").astype("category")[[0, 1, 0, 1]]
    frame = pd.DataFrame({"bins": bins, "mixed": mixed, "month": periods})
    names = ("bins=(0.0, 1.0]", "bins=(1.0, 2.0]", f"bins={MISSING}", "mixed=1", f"mixed={MISSING}")
    assert fit_encoder(frame).feature_names == (*names, "mixed=x", "month=2026-01", "month=2026-02")


def test_pandas_periods_are_the_times_when_they_begin():
    hours = pd.period_range("2026-03-01", periods=60, freq="h")
    frame, times = pd.DataFrame({"at": hours}), pd.DataFrame({"at": hours.to_timestamp()})
    encoder = fit_encoder(frame)
    assert encoder.columns[0].kind == "time"
    assert encoder == fit_encoder(times)
    assert encoder.transform(frame)[0].tolist() == encoder.transform(times)[0].tolist()
    gap = pd.DataFrame({"at": pd.PeriodIndex([None, "2026-03-01 00:00"], freq="h")})
    assert encoder.transform(gap)[1].missing == {"at": 1}


def test_all_missing_column_is_fine_at_transform():
    assert encoded(pl.concat([row(count=None)]))["count"] == 10
    assert encoded(row(proto=float("nan")))[f"proto={MISSING}"] == 1
    assert encoded(row(proto=None))[f"proto={MISSING}"] == 1


def test_booleans_fill_with_the_more_frequent_value():
    train = pl.DataFrame({"up": [True, False, False, None]})
    encoder = fit_encoder(train)
    assert encoder.transform(train)[0].tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
    assert encoder.binary.all()


def test_constant_columns_are_allowed_and_named():
    frame = pl.DataFrame({"a": [1, 1], "b": ["x", "x"], "c": [1, 2]})
    encoder = fit_encoder(frame)
    assert encoder.constant_columns == ("a", "b")
    x, notes = encoder.transform(frame)
    assert x.tolist() == [[1, 1, 1], [1, 1, 2]]
    assert notes.unseen == {}


def test_other_numbers_are_counted_where_fit_saw_one():
    frame = pl.DataFrame({"root": [False] * 3, "su": [0.1] * 3, "n": [1, 2, 3]})
    stated = [("root", "boolean"), ("su", "log-numeric"), ("n", "numeric")]
    for schema in (None, Schema(tuple(Stated(*column) for column in stated))):
        encoder = fit_encoder(frame, schema)
        new = pl.DataFrame({"root": [True, False, None], "su": [0.1, 7, 8], "n": [4, 5, 6]})
        assert encoder.transform(new)[1].unseen == {"root": 1, "su": 2}
        assert encoder.transform(frame)[1].unseen == {}


def test_json_round_trip_is_exact():
    encoder = fit_encoder(TRAIN)
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert again == encoder


@pytest.mark.parametrize("content", [{}, {"columns": [{"name": "a"}]}, {"columns": 3}])
def test_foreign_json_is_refused(content):
    with pytest.raises(ModelFormatError, match="Expected a list of columns"):
        TableEncoder.from_json(content)


# ---------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"a": [1.0, float("inf")]}, r"finite numbers in column 'a'; got inf in row 1"),
        ({"a": [1e300]}, r"finite numbers in column 'a'; got 1e\+300 in row 0"),
        ({"a": [[1], [2]]}, r"got none \('a': neither numbers nor text, but List.*: spread it"),
        ({"a": [b"x"]}, r"got none \('a': neither .*, but Binary: turn it into numbers or text\)"),
        ({"a": [["x"]], "b": [[1]]}, r"but List\(String\): spread it .*; 'b': .* List\(Int64\)"),
        (
            {"a": [None, None]},
            r"one column to learn from; got none \('a': all values are missing\)",
        ),
        ({"a": pl.Series([None], dtype=pl.Float64)}, r"'a': all values are missing"),
        ({"a": pl.Series([None], dtype=pl.String)}, r"'a': all values are missing"),
        ({"a": [str(i) for i in range(50)]}, r"'a': all values are different \(50 rows\)"),
        ({"a": []}, r"got 0 rows and 1 columns"),
        ({}, r"got 0 rows and 0 columns"),
    ],
)
def test_fit_refuses(frame, message):
    with pytest.raises(InputError, match=message):
        fit_encoder(pl.DataFrame(frame))


def test_max_categories_is_a_parameter():
    frame = pl.DataFrame({"a": ["x", "y", None]})
    assert len(fit_encoder(frame, max_categories=2).feature_names) == 3
    assert fit_encoder(frame, max_categories=1).schema[0].kind == "frequency"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (row(bytes="many"), r"column 'bytes', as at fit; got String, first 'many' in row 0\."),
        (row(bytes="12x"), r"first '12x'"),
        (row(bytes=float("-inf")), r"finite numbers in column 'bytes'; got -inf in row 0"),
        (row(bytes=dt.date(2020, 1, 1)), r"numbers in column 'bytes', as at fit; got Date"),
        (row(proto=1.5), r"text in column 'proto', as at fit; got Float64"),
        (row().drop("flag", "up"), r"columns at fit; missing: 'up', 'flag'\. Pass the same"),
        (row(extra=1), r"columns at fit; not seen at fit: 'extra'\. Pass the same"),
        (row(extra=1).drop("up"), r"missing: 'up'; not seen at fit: 'extra'"),
        (row().clear(), r"got 0 rows and 5 columns"),
    ],
)
def test_transform_refuses(frame, message):
    with pytest.raises(InputError, match=message):
        fit_encoder(TRAIN).transform(frame)


def test_first_text_among_numbers_is_the_one_named():
    frame = pl.concat([row(bytes="12"), row(bytes="n/a"), row(bytes="x")])
    with pytest.raises(InputError, match="first 'n/a'"):
        fit_encoder(TRAIN).transform(frame)


@pytest.mark.parametrize("values", [[1, 2.5, "1"], [1, "1", 2.5], [Decimal("0.5"), 2, "1"]])
def test_text_among_numbers_is_at_fault_and_not_their_types(values):
    said = r"one type in column 'a'; got numbers \(such as .*\) and text \(such as '1'\)\."
    with pytest.raises(InputError, match=said):
        to_polars(pd.DataFrame({"a": pd.Series(values, dtype=object)}))


def test_mixed_objects_are_refused_with_both_types():
    frame = pd.DataFrame({"a": pd.Series([1, "x", None], dtype=object)})
    with pytest.raises(
        InputError, match=r"one type in column 'a'; got numbers .*1.* and text .*'x'"
    ):
        fit_encoder(frame)


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ([Decimal("0.5"), 2, 0.25, None], [0.5, 2.0, 0.25, None]),
        ([Decimal("1e40"), Decimal(1), None], [1e40, 1.0, None]),
        ([Decimal("Infinity"), Decimal(1)], [float("inf"), 1.0]),
        ([10**400, -(10**400), 1, None], [float("inf"), float("-inf"), 1.0, None]),
        ([np.True_, False, None], [True, False, None]),
        ([np.timedelta64(90, "s"), None], [dt.timedelta(seconds=90), None]),
        ([np.datetime64("2026-11-26T10:00", "ns")], [dt.datetime(2026, 11, 26, 10)]),
    ],
)
def test_objects_are_read_as_what_they_are(values, read):
    frame = pd.DataFrame({"a": pd.Series(values, dtype=object)})
    assert to_polars(frame)["a"].to_list() == read


def test_a_whole_number_beyond_floats_is_infinite_and_not_missing():
    frame = pd.DataFrame({"a": pd.Series([10**400, 1, 2], dtype=object)})
    with pytest.raises(InputError, match=r"finite numbers in column 'a'; got inf in row 0"):
        fit_encoder(frame).transform(frame)


# ------------------------------------------------------------------------------ frames


def test_frames_are_told_from_arrays():
    assert is_frame(TRAIN)
    assert is_frame(TRAIN.lazy())
    assert is_frame(TRAIN.to_pandas())
    assert is_frame(TRAIN.to_arrow())
    assert not is_frame(np.zeros((2, 2)))
    assert not is_frame([[1, 2]])
    assert not is_frame(TRAIN["count"])


def test_feature_names_follow_scikit_learns_rule():
    assert feature_names(TRAIN.to_pandas()) == tuple(TRAIN.columns)
    assert feature_names(pd.DataFrame(np.zeros((1, 2)))) is None
    assert feature_names(np.zeros((1, 2))) is None


def test_numbered_columns_get_names_as_text():
    assert to_polars(pd.DataFrame(np.zeros((1, 2)))).columns == ["0", "1"]


def test_what_is_no_frame_in_memory_is_refused():
    with pytest.raises(InputError, match=r"lazy one\. Call \.collect\(\)"):
        fit_encoder(TRAIN.lazy())
    with pytest.raises(InputError, match=r"Expected a data frame .*; got ndarray"):
        fit_encoder(np.zeros((2, 2)))


@pytest.mark.parametrize("names", [["a", "a"], ["1", 1]])
def test_two_columns_of_one_name_are_refused(names):
    with pytest.raises(InputError, match="a name of its own"):
        fit_encoder(pd.DataFrame([[1, 2]], columns=names))


def test_two_columns_of_one_name_in_arrow_are_named():
    with pytest.raises(InputError, match="a name of its own; got 'a' more than once"):
        fit_encoder(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))


def test_a_batch_of_arrow_is_a_frame():
    (batch,) = TRAIN.to_arrow().to_batches()
    assert is_frame(batch)
    assert to_polars(batch.select(TRAIN.columns[::-1])).columns == TRAIN.columns[::-1]
    x, _ = fit_encoder(TRAIN).transform(batch.select(TRAIN.columns[::-1]))
    assert np.array_equal(x, fit_encoder(TRAIN).transform(TRAIN)[0])


def test_pandas_text_needs_no_pyarrow(monkeypatch):
    import narwhals as nw

    def absent(_: object) -> pl.Series:
        raise ModuleNotFoundError("pyarrow")

    monkeypatch.setattr(nw.Series, "to_polars", absent)
    assert fit_encoder(TRAIN.to_pandas()).feature_names == NAMES
    assert fit_encoder(TRAIN).transform(TRAIN.to_pandas())[0].tolist() == MATRIX


def test_decode_gives_back_what_was_encoded():
    encoder = fit_encoder(TRAIN)
    back = encoder.decode(encoder.transform(TRAIN)[0])
    assert back.equals(TRAIN.with_columns(pl.col("count").cast(pl.Float64)))


def test_decode_takes_the_largest_of_a_block():
    encoder = fit_encoder(TRAIN)
    x = np.array([[2.5, 0.4, 5.2, 0.3, -1.0, 0.1, 0.7, 0.2, 0.1]])
    assert encoder.decode(x).row(0) == (2.5, 5.2, None, True, "S0")


def test_features_know_their_columns():
    encoder = fit_encoder(TRAIN)
    columns = [TRAIN.columns[i] for i in encoder.column_of_feature]
    assert all(name.startswith(c) for name, c in zip(encoder.feature_names, columns, strict=True))
