"""Every kind of column: what it is inferred from, what it becomes, and the way back."""

from __future__ import annotations

import datetime as dt
import json
from math import cos, log, log1p, pi, sin

import numpy as np
import polars as pl
import pytest

from alad.errors import InputError
from alad.preprocessing.kinds import IGNORED, KINDS
from alad.preprocessing.kinds.addresses import read
from alad.preprocessing.kinds.times import parts_of
from alad.preprocessing.schema import Schema, Stated
from alad.preprocessing.table import TableEncoder

MAKES = {
    "pandas": lambda frame: frame.to_pandas(),
    "pandas, pyarrow types": lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
    "pyarrow": lambda frame: frame.to_arrow(),
}
NOON = dt.datetime(2026, 11, 26, 12)  # a Thursday


def encoder_of(values: object, kind: str | None = None, name: str = "a") -> TableEncoder:
    """An encoder of one column, of the stated kind or the inferred one."""
    schema = None if kind is None else Schema((Stated(name, kind),))
    return TableEncoder.fit(pl.DataFrame({name: values}), schema)


def encoded(encoder: TableEncoder, *values: object) -> list[dict[str, float]]:
    """The features of rows, without the column's name."""
    (column,) = encoder.schema
    x, _ = encoder.transform(pl.DataFrame({column.name: list(values)}, strict=False))
    names = [name.removeprefix(f"{column.name} ") for name in encoder.feature_names]
    return [dict(zip(names, row, strict=True)) for row in x.tolist()]


def decoded(encoder: TableEncoder, *values: object) -> list[object]:
    (column,) = encoder.schema
    x, _ = encoder.transform(pl.DataFrame({column.name: list(values)}, strict=False))
    return encoder.decode(x)[column.name].to_list()


def unseen(encoder: TableEncoder, *values: object) -> int:
    (column,) = encoder.schema
    notes = encoder.transform(pl.DataFrame({column.name: list(values)}))[1]
    return notes.unseen.get(column.name, 0)


# ------------------------------------------------------------------------------ inference

INFERRED = {
    "numbers": ("a", [1.5, 2.0], "numeric"),
    "whole numbers": ("a", [1, 70_000], "numeric"),
    "durations": ("a", [dt.timedelta(1), dt.timedelta(2)], "numeric"),
    "booleans": ("a", [True, False], "boolean"),
    "dates": ("a", [dt.date(2026, 1, 1)], "time"),
    "date-times": ("a", [NOON], "time"),
    "times of day": ("a", [dt.time(3)], "time"),
    "ISO dates": ("a", ["2026-01-01", None], "time"),
    "ISO date-times": ("a", ["2026-01-01T10:00:00Z", "2026-01-01 10:00"], "time"),
    "dates of other styles": ("a", ["1.2.2026", "2.2.2026"], "categorical"),
    "whole numbers as text": ("a", ["12", "13"], "categorical"),
    "addresses": ("a", ["10.0.0.1", "fe80::1"], "ip"),
    "addresses and a name": ("a", ["10.0.0.1", "host"], "categorical"),
    "URLs": ("a", ["https://a.org/x", "ftp://b.org"], "url"),
    "paths": ("a", ["/etc/passwd", "/bin"], "categorical"),
    "few texts": ("a", ["x", "y"], "categorical"),
    "200 values": ("a", [str(i % 200) for i in range(400)], "categorical"),
    "201 values": ("a", [str(i % 201) for i in range(402)], "frequency"),
    "long texts": ("a", [f"login of user {i} from some host" for i in range(300)], "text"),
    "50 different texts": ("a", [f"u{i}" for i in range(50)], IGNORED),
    "49 different texts": ("a", [f"u{i}" for i in range(49)], "categorical"),
    "nothing": ("a", [None, None], IGNORED),
    **{
        f"ports: {name}": (name, [80, 443], "port")
        for name in ("port", "sport", "src_port", "dstPort", "Destination Port", "ports", "PORT")
    },
    **{
        f"no ports: {name}": (name, [80, 443], "numeric")
        for name in ("report", "transport", "supported", "export_count", "portfolio")
    },
    "ports that are none": ("port", [80, 65_536], "numeric"),
    "ports with fractions": ("port", [80.5, 443.0], "numeric"),
    "ports with gaps": ("port", [80.0, None, 443.0], "port"),
}


@pytest.mark.parametrize(("name", "values", "kind"), INFERRED.values(), ids=INFERRED.keys())
def test_kind_is_inferred(name, values, kind):
    frame = pl.DataFrame({"more": np.arange(len(values)) % 3, name: values})
    assert TableEncoder.fit(frame).columns[1].kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_goes_through_json_and_back_to_a_table(kind):
    values = {
        "numeric": [1.0, 2.0, None],
        "log-numeric": [-1.0, 1e9, None],
        "boolean": [True, False, None],
        "categorical": ["x", "y", None],
        "frequency": ["x", "y", None],
        "time": [NOON, NOON, None],
        "text": ["some words", "some words", None],
        "ip": ["10.0.0.1", "::1", None],
        "port": [80, 443, None],
        "url": ["http://a.org/x", "http://b.org", None],
    }[kind]
    encoder = encoder_of(values, kind)
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    frame = pl.DataFrame({"a": values})
    x, notes = again.transform(frame)
    assert again == encoder
    np.testing.assert_array_equal(x, encoder.transform(frame)[0])
    assert np.isfinite(x).all()
    assert notes.missing == {"a": 1}
    assert notes.unseen == {}
    assert x.shape[1] == len(encoder.feature_names) == len(encoder.binary)
    assert set(encoder.column_of_feature) == {0}
    assert ((x == 0) | (x == 1))[:, encoder.binary].all()
    back = encoder.decode(x)["a"]
    assert back.null_count() == 1
    assert back[2] is None
    assert encoder.decode(np.full((2, x.shape[1]), 0.3)).height == 2
    assert encoder.transform(frame.clear(3).cast({"a": pl.Null}))[1].missing == {"a": 3}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES.keys())
def test_every_make_of_frame_gives_the_same_matrix(make):
    frame = pl.DataFrame(
        {
            "at": [NOON, None, NOON],
            "took": [dt.timedelta(1), None, dt.timedelta(2)],
            "src": ["::1", "10.0.0.1", None],
            "port": [80, None, 443],
            "page": ["http://a.org", None, "http://b.org/"],
            "up": [True, None, False],
        }
    )
    encoder = TableEncoder.fit(frame)
    assert encoder == TableEncoder.fit(make(frame))
    x, notes = encoder.transform(make(frame))
    np.testing.assert_array_equal(x, encoder.transform(frame)[0])
    assert notes.missing == dict.fromkeys(frame.columns, 1)


# -------------------------------------------------------------------------------- numbers


def test_durations_are_seconds():
    encoder = encoder_of([dt.timedelta(seconds=90), dt.timedelta(milliseconds=500)])
    assert encoded(encoder, dt.timedelta(minutes=2)) == [{"a": 120}]


def test_log_numeric_is_the_logarithm_on_both_sides():
    encoder = encoder_of([-99.0, 0.0, 1e6], "log-numeric")
    got = [row["log a"] for row in encoded(encoder, -99.0, 0.0, 1e6)]
    np.testing.assert_allclose(got, [-log1p(99), 0, log1p(1e6)], rtol=1e-6)
    np.testing.assert_allclose(decoded(encoder, -99.0, 0.0, 1e6), [-99, 0, 1e6], rtol=1e-4)


def test_heavy_tails_stay_numeric_and_are_pointed_at():
    values = np.exp(np.random.default_rng(0).normal(size=500) * 3)
    (column,) = encoder_of(values).schema
    assert column.kind == "numeric"
    assert "log-numeric suits scalings other than log-standard" in column.note
    assert encoder_of(np.random.default_rng(0).normal(size=500)).schema[0].note == ""


def test_a_row_number_and_a_label_are_pointed_at():
    frame = pl.DataFrame({"n": range(60), "label": ["x", "y"] * 30})
    notes = [column.note for column in TableEncoder.fit(frame).columns]
    assert notes[0].startswith("grows from row to row")
    assert notes[1].startswith("named like a label")


def test_zero_and_one_may_be_booleans():
    encoder = encoder_of([0, 1, 1], "boolean")
    assert encoder.binary.tolist() == [True]
    assert decoded(encoder, 1, 0) == [True, False]


# ---------------------------------------------------------------------------------- words


def test_frequency_is_the_rarity_of_the_value():
    encoder = encoder_of(["x", "x", "x", "y"], "frequency")
    got = [row["rarity"] for row in encoded(encoder, "x", "y", "never")]
    np.testing.assert_allclose(got, [log(4 / 3), log(4), log(4)], rtol=1e-6)
    assert unseen(encoder, "x", "never", "nor this") == 2
    assert decoded(encoder, "y") == ["x"]


def test_missing_counts_as_the_most_frequent_and_is_flagged():
    encoder = encoder_of(["x", "x", "y", None], "frequency")
    (row,) = encoded(encoder, None)
    assert row == {"rarity": pytest.approx(log(3 / 2)), "is missing": 1}


def test_whole_numbers_may_be_words():
    encoder = encoder_of([80, 443, 80], "frequency")
    assert encoded(encoder, 80.0) == encoded(encoder, "80")
    assert encoder_of([80, 443], "categorical").feature_names == ("a=443", "a=80")


def test_text_has_a_shape():
    encoder = encoder_of(["Ab1! cd", "xx"], "text")
    (row,) = encoded(encoder, "Ab1! cd")
    assert row == {
        "length": 7,
        "words": 2,
        "distinct characters": 7,
        "digits": pytest.approx(1 / 7),
        "capitals": pytest.approx(1 / 7),
        "punctuation": pytest.approx(1 / 7),
    }
    assert encoded(encoder, "")[0]["length"] == 0
    assert decoded(encoder, "xx") == ["~2 characters, ~1 words"]


def test_text_that_comes_again_has_a_rarity_too():
    encoder = encoder_of(["same text", "same text", "other"], "text")
    got = [row["rarity"] for row in encoded(encoder, "same text", "other", "new")]
    np.testing.assert_allclose(got, [log(3 / 2), log(3), log(3)], rtol=1e-6)
    assert unseen(encoder, "new") == 0  # new texts are what such a column is made of


# ---------------------------------------------------------------------------------- times


def test_time_is_two_circles():
    encoder = encoder_of([NOON, NOON + dt.timedelta(hours=6)])
    (row,) = encoded(encoder, NOON + dt.timedelta(hours=6))
    day = 2 * pi * 3 / 7  # Thursday, from Monday
    expected = {"hour sin": -1, "hour cos": 0, "weekday sin": sin(day), "weekday cos": cos(day)}
    assert row == pytest.approx(expected, abs=1e-6)
    assert decoded(encoder, NOON + dt.timedelta(hours=6)) == ["Thu ~18:00"]
    assert encoder.columns[0].role == "time"


@pytest.mark.parametrize(
    ("value", "hour", "weekday"),
    [
        ("2026-11-26", 0, 3),
        ("2026-11-26T12:30:00", 12.5, 3),
        ("2026-11-26 12:30", 12.5, 3),
        ("2026-11-26 12", 12, 3),
        ("2026-11-26T12:30:36.5Z", 12.51, 3),
        ("2026-11-26T00:30:00+02:00", 22.5, 2),
        ("2026-11-26T23:30:00-0130", 1, 4),
        (" 2026-11-26T12:00:00+05 ", 7, 3),
        ("03:45", 3.75, None),
        (NOON.date(), 0, 3),
        (NOON, 12, 3),
        (dt.time(12), 12, None),
        (NOON.replace(tzinfo=dt.UTC), 12, 3),
        (1795694400, 12, 3),
    ],
)
def test_times_are_read(value, hour, weekday):
    (found,) = parts_of(pl.Series([value])).rows(named=True)
    assert found["hour"] * 24 == pytest.approx(hour)
    day = None if weekday is None else pytest.approx(weekday / 7)
    assert found["weekday"] == day
    assert not found["gap"]


@pytest.mark.parametrize(
    "value", ["2026-13-01", "2026-11-26T25:00", "26.11.2026", "", "12", "2026-11-26T", "soon"]
)
def test_no_time_is_refused(value):
    with pytest.raises(InputError, match=rf"times .* in column 'a'; got '{value}'"):
        encoder_of(["2026-11-26", value], "time")


def test_days_alone_have_no_hour_and_hours_alone_no_day():
    assert encoder_of([NOON.date()]).feature_names == ("a weekday sin", "a weekday cos")
    assert encoder_of([dt.time(1)]).feature_names == ("a hour sin", "a hour cos")


def test_seconds_since_1970_are_times_if_it_is_said():
    encoder = encoder_of([1795694400, 1795694400 + 3600], "time")
    assert decoded(encoder, 1795694400) == ["Thu ~12:00"]
    assert decoded(encoder, "1795694400") == ["Thu ~12:00"]  # as CSV gives it
    with pytest.raises(InputError, match="seconds since 1970, not milliseconds, in column 'a'"):
        encoder_of([1795694400000], "time")


@pytest.mark.parametrize("dtype", [pl.Null, pl.String, pl.Time, pl.Date, pl.Int64, pl.Boolean])
def test_no_time_at_all_is_missing_whatever_the_type(dtype):
    encoder = encoder_of([NOON, NOON + dt.timedelta(days=1)])
    x, notes = encoder.transform(pl.DataFrame({"a": pl.Series([None, None], dtype=dtype)}))
    assert notes.missing == {"a": 2}
    np.testing.assert_allclose(x[:, 1], -1)


def test_a_missing_time_is_the_mean_of_all():
    encoder = encoder_of([NOON, NOON, None])
    (row,) = encoded(encoder, None)
    assert row["hour cos"] == pytest.approx(-1)
    assert row["is missing"] == 1


def test_only_the_first_time_has_the_role():
    frame = pl.DataFrame({"n": [1, 2], "a": [NOON, NOON], "b": [NOON, NOON]})
    assert [c.role for c in TableEncoder.fit(frame).columns] == ["feature", "time", "feature"]


# -------------------------------------------------------------------------------- addresses

ADDRESSES = {
    "10.1.2.3": ("10.1.2.0/24", "private"),
    "172.16.0.1": ("172.16.0.0/24", "private"),
    "172.32.0.1": ("172.32.0.0/24", ""),
    "192.168.1.1": ("192.168.1.0/24", "private"),
    "169.254.1.1": ("169.254.1.0/24", "private"),
    "8.8.8.8": ("8.8.8.0/24", ""),
    "127.0.0.1": ("127.0.0.0/24", "loopback"),
    "224.0.0.251": ("224.0.0.0/24", "multicast"),
    "::FFFF:10.0.0.1": ("10.0.0.0/24", "private"),
    "::1": ("0:0:0:0::/64", "loopback IPv6"),
    "::": ("0:0:0:0::/64", "IPv6"),
    "fe80::1%eth0": ("fe80:0:0:0::/64", "private IPv6"),
    "fd12:3456::1": ("fd12:3456:0:0::/64", "private IPv6"),
    "ff02::fb": ("ff02:0:0:0::/64", "multicast IPv6"),
    "2001:0DB8:0:1:2:3:4:5": ("2001:db8:0:1::/64", "IPv6"),
    "2001:db8::": ("2001:db8:0:0::/64", "IPv6"),
    "1::2:3:4:5:6:7": ("1:0:2:3::/64", "IPv6"),
    "1:2:3:4:5:6:7::": ("1:2:3:4::/64", "IPv6"),
}


def test_addresses_are_read():
    found = read(pl.Series(list(ADDRESSES)))
    flags = found.select(pl.col("^is .*$")).rows(named=True)
    told = [" ".join(f.removeprefix("is ") for f, on in row.items() if on) for row in flags]
    assert list(zip(found["network"], told, strict=True)) == list(ADDRESSES.values())


@pytest.mark.parametrize(
    "value", ["10.0.0", "10.0.0.256", "10.0.0.0/8", "host", "", "1:2:3", ":::", "1::2::3", "g::1"]
)
def test_no_address_is_none(value):
    assert read(pl.Series([value])).row(0) == (None, None, False, False, False, False)


def test_addresses_and_their_networks_have_rarities():
    encoder = encoder_of(["10.0.0.1", "10.0.0.1", "10.0.0.2", "8.8.8.8"])
    rows = encoded(encoder, "10.0.0.1", "10.0.0.9", "no address")
    assert [row["is private"] for row in rows] == [1, 1, 0]
    got = [(row["network rarity"], row["address rarity"]) for row in rows]
    expected = [(log(4 / 3), log(2)), (log(4 / 3), log(4)), (log(4), log(4))]
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert unseen(encoder, "10.0.0.1", "10.0.0.9", "no address", None) == 2
    assert decoded(encoder, "8.8.8.8") == ["10.0.0.1"]


def test_an_address_written_otherwise_is_the_same():
    encoder = encoder_of(["2001:db8::1", "::1"])
    assert encoded(encoder, "2001:DB8:0:0:0:0:0:01") == encoded(encoder, "2001:db8::1")


# ------------------------------------------------------------------------------------ ports


def test_ports_have_a_range_and_a_rarity():
    encoder = encoder_of([443, 443, 8080, 50_000], name="port")
    rows = encoded(encoder, 443, 8080, 50_000, 22, 70_000)
    ranges = [[row[f"is {r}"] for r in ("well-known", "registered", "ephemeral")] for row in rows]
    assert ranges == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]]
    got = [row["rarity"] for row in rows]
    np.testing.assert_allclose(got, [log(2), log(4), log(4), log(4), log(4)], rtol=1e-6)
    assert unseen(encoder, 443, 22, 70_000, None) == 2
    assert decoded(encoder, 443, 8080) == ["443", "registered port"]


# ------------------------------------------------------------------------------------- URLs


def test_urls_have_a_shape_and_the_rarity_of_their_host():
    url = "https://me:pw@Shop.example.org:8443/a/b2/?q=1&r=2#top"
    encoder = encoder_of([url, "https://shop.example.org/", "http://other.org"])
    first, new, bare = encoded(encoder, url, "http://new.org/x", "http://other.org")
    assert first == {
        "length": len(url),
        "depth": 2,
        "query length": 7,
        "digits": pytest.approx(7 / len(url)),
        "host rarity": pytest.approx(log(3 / 2)),
    }
    assert (new["depth"], new["query length"]) == (1, 0)
    assert (bare["depth"], bare["host rarity"]) == (0, pytest.approx(log(3)))
    assert unseen(encoder, url, "http://new.org/x", None) == 1
    assert decoded(encoder, url)[0].startswith(f"shop.example.org, ~{len(url)} characters, depth")


def test_paths_may_be_urls():
    encoder = encoder_of(["/a/b?x=1", "/c"], "url")
    (row,) = encoded(encoder, "/a/b?x=1")
    assert (row["depth"], row["query length"], row["host rarity"]) == (2, 3, 0)
    assert decoded(encoder, "/c") == ["~2 characters, depth ~1"]


# --------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("numeric", ["1", "x"], "numbers in column 'a'; got 'x'"),
        ("numeric", [NOON], "numbers in column 'a'; got datetime"),
        ("numeric", [1.0, float("inf")], "finite numbers in column 'a'; got inf in row 1"),
        ("log-numeric", ["y"], "numbers in column 'a'; got 'y'"),
        ("boolean", [0, 1, 2], "true and false, or 0 and 1, in column 'a'; got 2"),
        ("boolean", ["yes"], "numbers in column 'a'; got 'yes'"),
        ("categorical", [1.5], "text or whole numbers in column 'a'; got 1.5"),
        ("categorical", [str(i) for i in range(1001)], "at most 1,000 distinct .*; got 1,001"),
        ("frequency", [NOON], "text or whole numbers in column 'a'; got datetime"),
        ("text", [0.5], "text or whole numbers in column 'a'; got 0.5"),
        ("time", ["2026-01-01", "later"], "times .* in column 'a'; got 'later'"),
        ("time", [True], "times .* in column 'a'; got True"),
        ("time", [dt.timedelta(1)], "times .* in column 'a'; got datetime.timedelta"),
        ("ip", ["10.0.0.1", "-", "x"], "addresses in column 'a'; got '-'"),
        ("ip", [17], "addresses in column 'a'; got '17'"),
        ("port", [80, 65536], "ports .* in column 'a'; got 65536"),
        ("port", [80.0, 1.5], "ports .* in column 'a'; got 1.5"),
        ("port", ["http"], "ports .* in column 'a'; got 'http'"),
        ("url", ["http://a.org", "a b"], "URLs .* in column 'a'; got 'a b'"),
        *(
            (kind, [None], f"at least one value in column 'a', whose kind is '{kind}'")
            for kind in KINDS
        ),
        *((kind, [[1]], "in column 'a'; got") for kind in KINDS),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(kind, values, message):
    with pytest.raises(InputError, match=message):
        encoder_of(values, kind)


@pytest.mark.parametrize(
    ("kind", "values", "new", "message"),
    [
        ("time", [NOON], "later", "times .* in column 'a'; got 'later'"),
        ("port", [80], "http", "numbers in column 'a', as at fit; got String, first 'http'"),
        ("ip", ["::1"], NOON, "text in column 'a', as at fit; got Datetime"),
        ("url", ["http://a.org"], 1.5, "text in column 'a', as at fit; got Float64"),
        ("log-numeric", [1.0], "x", "numbers in column 'a', as at fit; got String, first 'x'"),
    ],
)
def test_new_rows_of_another_type_are_refused(kind, values, new, message):
    with pytest.raises(InputError, match=message):
        encoded(encoder_of(values, kind), new)
