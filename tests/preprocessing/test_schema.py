"""Schemas: what may be stated, how it is read and written, and what is refused."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

from alad import Mahalanobis, load
from alad.errors import InputError, OutputError
from alad.preprocessing.learning.tables import fit_encoder
from alad.preprocessing.schema import Schema, Stated

FRAME = pl.DataFrame(
    {
        "at": [dt.datetime(2026, 11, i + 1, i) for i in range(24)],
        "host": [f"10.0.0.{i % 3}" for i in range(24)],
        "id": [f"id-{i}" for i in range(24)],
        "size": [float(i % 5) for i in range(24)],
        "bad": [i % 7 == 0 for i in range(24)],
    }
)
SCHEMA = Schema(
    (
        Stated("at", "time", "time"),
        Stated("host", "ip", "entity"),
        Stated("id", "ignored", "identifier"),
        Stated("size", "numeric"),
        Stated("bad", "boolean", "label"),
    )
)


def stating(**changes: tuple[str, str]) -> Schema:
    """The schema but for the kind and role of some columns."""
    return Schema(tuple(Stated(c.name, *changes.get(c.name, (c.kind, c.role))) for c in SCHEMA))


def test_only_features_and_the_time_are_given_to_the_model():
    encoder = fit_encoder(FRAME, SCHEMA)
    assert [column.name for column in encoder.schema] == ["at", "size"]
    assert [column.name for column in encoder.left_out] == ["host", "id", "bad"]
    assert encoder.feature_names == (
        "at hour sin",
        "at hour cos",
        "at weekday sin",
        "at weekday cos",
        "size",
    )
    assert encoder.column_of_feature.tolist() == [0, 0, 0, 0, 1]
    assert (encoder.time_column, encoder.entity_column) == ("at", "host")
    assert encoder.stated == SCHEMA
    assert encoder.decode(encoder.transform(FRAME)[0]).columns == ["at", "size"]


def test_columns_that_are_not_given_may_be_absent_or_hold_anything():
    encoder = fit_encoder(FRAME, SCHEMA)
    x = encoder.transform(FRAME)[0]
    assert (encoder.transform(FRAME.select("size", "at"))[0] == x).all()
    other = FRAME.with_columns(host=pl.lit(None), id=pl.lit([1]))
    assert (encoder.transform(other)[0] == x).all()
    with pytest.raises(InputError, match=r"missing: 'size'; not seen at fit: 'more'\. Pass"):
        encoder.transform(FRAME.select("at", more="size"))


def test_what_is_inferred_is_stated_and_gives_the_same_when_it_is_read():
    first = fit_encoder(FRAME)
    assert first.columns[0].role == "time"
    assert fit_encoder(FRAME, first.stated) == first


def test_a_time_may_be_told_and_not_learned_from():
    encoder = fit_encoder(FRAME, stating(at=("ignored", "time")))
    assert encoder.feature_names == ("size",)
    assert encoder.time_column == "at"


def test_a_detector_takes_a_schema_and_keeps_it(tmp_path):
    detector = Mahalanobis().fit(FRAME, schema=SCHEMA)
    assert detector.n_features_in_ == 5
    detector.save(tmp_path / "model")
    read = load(tmp_path / "model")
    assert read.encoder_.stated == SCHEMA
    assert (read.encoder_.time_column, read.encoder_.entity_column) == ("at", "host")
    new = FRAME.select("size", "at")
    assert (read.score_samples(new) == detector.score_samples(FRAME)).all()


def test_a_detector_takes_an_encoder_that_was_learned_elsewhere():
    encoder = fit_encoder(FRAME, SCHEMA)
    detector = Mahalanobis().fit(FRAME[:12], schema=encoder)
    assert detector.encoder_ is encoder


def test_the_path_of_a_schema_is_no_schema():
    with pytest.raises(InputError, match=r"Expected a Schema; got str\. Schema\.read reads one"):
        Mahalanobis().fit(pl.DataFrame({"a": [1.0, 2.0, 4.0]}), schema="schema.json")


def test_a_schema_needs_a_frame():
    with pytest.raises(InputError, match="data frame with named columns, because a schema"):
        Mahalanobis().fit([[1.0], [2.0]], schema=SCHEMA)
    detector = Mahalanobis().fit(FRAME, schema=SCHEMA)
    with pytest.raises(InputError, match="some of which are no plain numbers; got an array"):
        detector.score_samples([[1.0, 2.0]])


# ---------------------------------------------------------------------------------- files


def test_a_file_has_a_line_for_each_column(tmp_path):
    path = tmp_path / "schema.json"
    SCHEMA.write(path)
    lines = path.read_text().splitlines()
    assert lines[3] == '    {"name": "at", "kind": "time", "role": "time"},'
    assert json.loads(path.read_text()) == SCHEMA.to_json()
    assert Schema.read(path) == SCHEMA


def test_a_note_is_written_and_changes_nothing(tmp_path):
    noted = Schema((Stated("é", "ignored", "identifier", "all differ"),))
    noted.write(tmp_path / "s.json")
    assert '"é"' in (tmp_path / "s.json").read_text("utf-8")
    assert Schema.read(tmp_path / "s.json") == noted


def test_an_empty_note_or_format_is_none():
    entry = {"name": "at", "kind": "time", "role": "time", "note": None, "format": None}
    assert Schema.from_json({"columns": [entry]}) == Schema((Stated("at", "time", "time"),))


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(OutputError, match="something else is there"):
        SCHEMA.write(tmp_path)


COLUMN = {"name": "a", "kind": "numeric", "role": "feature"}
AT = {"kind": "time", "format": "day"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], 'Expected a schema, {"columns": .*got other JSON. Write one with: alad schema'),
        ({"columns": 3}, "got other JSON"),
        ({"columns": ["a"]}, r'column 1 of the schema; got "a"\. Correct'),
        ({"columns": [COLUMN, {"kind": "numeric"}]}, r"column 2 of the schema; got {\"kind\""),
        (
            {"columns": [COLUMN | {"knd": 1}]},
            "name, kind, role, format, missing, note for .* got 'knd'",
        ),
        ({"columns": [COLUMN | {"format": "%Y"}]}, "for the kind 'time' only; got '%Y' for .* 'a'"),
        ({"columns": [COLUMN | AT]}, "column 'a' .* be one of seconds, .*%d/%m/%Y.*; got 'day'"),
        ({"columns": [{"name": "a", "role": "label"}]}, "Expected a kind for column 'a' .*numeric"),
        ({"columns": [{"name": "a", "kind": "ip"}]}, "Expected a role for column 'a' .*feature"),
        ({"columns": [COLUMN | {"kind": "date"}]}, "kind of column 'a' .* numeric, .*; got 'date'"),
        ({"columns": [COLUMN | {"kind": ["ip"]}]}, r"kind of column 'a' .*; got \['ip'\]"),
        ({"columns": [COLUMN | {"role": "key"}]}, "role of column 'a' .* feature, .*; got 'key'"),
        ({"columns": [COLUMN, COLUMN]}, "every column once; got 'a' more than once"),
    ],
)
def test_what_is_no_schema_is_refused(tmp_path, content, message):
    (tmp_path / "s.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        Schema.read(tmp_path / "s.json")


def test_broken_files_are_refused(tmp_path):
    (tmp_path / "s.json").write_text('{"columns": [')
    with pytest.raises(InputError, match=r"Expected JSON in .*s\.json; it cannot be read: .*line"):
        Schema.read(tmp_path / "s.json")
    (tmp_path / "s.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"Expected JSON in .*s\.json; it cannot be read"):
        Schema.read(tmp_path / "s.json")
    with pytest.raises(InputError, match="but no such file or directory"):
        Schema.read(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": ("time", "time")}, "at most one column with the role 'time'; got 'at', 'size'"),
        ({"id": ("ip", "entity")}, "at most one column with the role 'entity'; got 'host', 'id'"),
        ({"at": ("numeric", "time")}, "Expected the kind 'time' for column 'at'.*got 'numeric'"),
    ],
)
def test_what_contradicts_itself_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        stating(**change)


def test_schema_and_table_have_the_same_columns():
    unknown = r"also states 'bad'\. The table has 'at', 'host', 'id', 'size'"
    with pytest.raises(InputError, match=unknown):
        fit_encoder(FRAME.drop("bad"), SCHEMA)
    with pytest.raises(InputError, match="state every column of the table; it lacks 'more'"):
        fit_encoder(FRAME.with_columns(more=1), SCHEMA)
    assert fit_encoder(FRAME.drop("bad"), SCHEMA.without(["bad"])).feature_names[-1] == "size"


def test_a_schema_that_leaves_nothing_is_refused():
    with pytest.raises(InputError, match=r"one column to learn from; got none \('at': ignored"):
        fit_encoder(FRAME, stating(at=("ignored", "feature"), size=("numeric", "label")))


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("", "ignored in the schema"),
        ("skewness 9.1", "ignored in the schema, which notes: skewness 9.1"),
        ("all values are different (60 rows)", "all values are different (60 rows)"),
        ("all values are missing", "all values are missing"),
    ],
)
def test_a_column_that_somebody_ignored_says_so_and_keeps_saying_it(note, why):
    frame = pl.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    schema = Schema((Stated("a", "ignored", note=note), Stated("b", "numeric")))
    for _ in range(2):  # the note of a model may be that of the next schema
        encoder = fit_encoder(frame, schema)
        assert encoder.left_out[0].why_left_out == why
        schema = encoder.stated


def test_a_column_that_is_not_stated_is_told():
    schema = Schema((Stated("a", "ignored"), Stated("b", "numeric")))
    assert schema["b"].kind == "numeric"
    with pytest.raises(InputError, match=r"a column of the schema; got 'c'\. It states 'a', 'b'\."):
        schema["c"]
