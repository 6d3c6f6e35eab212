"""``alad fit`` holds out rows to calibrate on; ``drift`` and ``recalibrate`` look back at them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from alad import KNN, Mahalanobis, load
from alad.cli import calibrating, drawing, drift, streaming
from alad.cli.tables import table as tables
from alad.estimators import PictureFiles
from alad.preprocessing.learning.tables import fit_encoder
from alad.preprocessing.pictures import files_in
from alad.preprocessing.schema import Schema
from tests.cli.conftest import tree
from tests.cli.test_pictures import write as write_pictures
from tests.estimators.pictures import stripes

FIT = ("fit", "train.csv", "-o", "new", "--detector", "knn")


def rows(n: int, seed: int, *, attack: int = 0, shift: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    far = np.arange(n) >= n - attack
    return pl.DataFrame(
        {
            "bytes": np.where(far, rng.normal(12, 1, n), rng.normal(shift, 1, n)),
            "count": rng.integers(0, 9, n),
            "proto": rng.choice(["tcp", "udp"], n),
        }
    )


@pytest.fixture
def calibrated(alad):
    """A model that learned from 300 rows and was calibrated on 600 others."""
    KNN(random_state=0).fit(rows(300, 0)).calibrate(rows(600, 1)).save("calibrated")
    return Path("calibrated")


# --------------------------------------------------------------------------------- fit


def walk(n: int, seed: int, start: datetime = datetime(2026, 11, 1)) -> pl.DataFrame:
    """A walk that comes back: a row is as those just before it, and unlike those of other days."""
    noise, level = np.random.default_rng(seed).normal(size=(n, 4)), np.zeros((n, 4))
    for i in range(1, n):
        level[i] = 0.995 * level[i - 1] + 0.1 * noise[i]
    times = [start + timedelta(minutes=10 * i) for i in range(n)]
    return pl.DataFrame(level, schema=list("abcd")).with_columns(pl.Series("at", times))


@pytest.mark.parametrize("is_small", [False, True])
def test_where_times_are_known_stretches_of_time_are_held_out(alad, monkeypatch, is_small):
    """What rows just before and after say of a row is not what the model knows of new ones."""
    walk(5000, 0).sample(fraction=1, shuffle=True, seed=0).write_parquet("old.parquet")
    walk(2000, 1, datetime(2027, 1, 1)).write_parquet("new.parquet")
    if is_small:
        monkeypatch.setattr(streaming, "WHOLE", 1e-9)
    done = alad.good("fit", "old.parquet", "-o", "m", "--detector", "knn", "--json")
    said = json.loads(done.out)
    assert said["calibration"]["stretches_of"] == "at"
    assert said["rows"] + said["calibration"]["rows"] == 5000
    assert said["calibration"]["rows"] == 500
    p = load("m").p_values(pl.read_parquet("new.parquet"))
    one_by_one = KNN(random_state=0).fit(walk(5000, 0)[::2]).calibrate(walk(5000, 0)[1::2])
    alike = one_by_one.p_values(pl.read_parquet("new.parquet"))
    assert (p <= 0.01).mean() < 0.5 * (alike <= 0.01).mean()


def test_stretches_are_spread_over_the_time():
    when = np.random.default_rng(0).permutation(10_000).astype(float)
    held = calibrating.in_stretches(when, 0.1, np.random.default_rng(0))
    places = np.sort(when[held])
    assert len(places) == 1000
    assert (np.diff(places) > 1).sum() in (3, 4)  # two may be beside each other
    assert np.array_equal(np.bincount(places.astype(int) // 2000), [200] * 5)
    assert (places.min() >= 200) & (places.max() < 9800)


@pytest.mark.parametrize(
    "at",
    [
        pl.lit(None, pl.Datetime),
        pl.lit(datetime(2026, 11, 1)),
        pl.datetime(2026, 11, 1 + pl.int_range(pl.len()) % 7),
    ],
)
def test_of_times_that_hardly_vary_there_are_no_stretches(at):
    assert calibrating.times_of(rows(300, 0).with_columns(at=at), None) is None


def test_stretches_have_as_many_nights_as_all_rows_have():
    """Every other stretch is a night: of five stretches two or three are, not none and not all."""
    when = np.linspace(0, 25 * 86_400, 5000, endpoint=False)
    is_night = when % 86_400 < 43_200
    for seed in range(20):
        held = calibrating.in_stretches(when, 0.1, np.random.default_rng(seed))
        assert 0.4 <= is_night[held].mean() <= 0.6


@pytest.mark.parametrize("at", [-1e308, 1e308, -5.0])
def test_any_time_is_in_a_stretch(at):
    when = np.r_[np.arange(1000.0), at]
    assert 80 <= calibrating.in_stretches(when, 0.1, np.random.default_rng(0)).sum() <= 120


def test_what_is_set_aside_and_not_held_is_told(alad, monkeypatch):
    monkeypatch.setattr(calibrating, "MOST", 100)
    walk(5000, 0).write_parquet("old.parquet")
    done = alad.good("fit", "old.parquet", "-o", "m", "--detector", "mahalanobis")
    assert "Fitted Mahalanobis on 4,500 rows" in done.out
    assert "(held out, drawn from 500, in stretches of at)" in done.out
    options = ("--detector", "mahalanobis", "--calibration-share", 0.6)
    done = alad.good("fit", "old.parquet", "-o", "m", *options)
    assert "Fitted Mahalanobis on 4,900 rows" in done.out
    assert "(held out)" in done.out


@pytest.mark.parametrize("gap", ["-", "", "NA"])
def test_marks_of_missing_times_are_gaps(alad, gap):
    rows = walk(1000, 0).select(pl.col("at").cast(pl.String), "a").rows()
    lines = [f"{gap if i == 777 else at},{a}" for i, (at, a) in enumerate(rows)]
    Path("t.csv").write_text("\n".join(["at,a", *lines]))
    done = alad.good("fit", "t.csv", "-o", "m", "--detector", "mahalanobis")
    assert "in stretches of at" in done.out


def test_gaps_among_times_are_near_the_rows_beside_them(train):
    at = pl.datetime(2026, 11, 1) + pl.duration(hours=pl.int_range(pl.len()))
    frame = train.with_columns(at=pl.when(pl.int_range(pl.len()) % 9 > 0).then(at))
    name, when = calibrating.times_of(frame, None)
    assert (name, np.isnan(when).any()) == ("at", False)
    stated = Schema.of(fit_encoder(frame).columns)
    assert np.array_equal(calibrating.times_of(frame, stated)[1], when)


def test_a_tenth_is_held_out_by_the_seed(alad, train):
    done = alad.good(*FIT)
    assert "Fitted KNN on 180 rows" in done.out
    assert (
        "Calibrated on 20 normal rows that the fit did not see (held out): the smallest p-value is "
        "0.0476."
    ) in done.out
    read = load("new")
    parts = calibrating.held_out(train, 0.1, 0)
    rest, held = parts.learned, parts.held
    ours = KNN(random_state=0).fit(rest).calibrate(held)
    assert read.offset_ == ours.offset_
    np.testing.assert_array_equal(read.calibration_.scores, ours.calibration_.scores)
    np.testing.assert_array_equal(read.p_values(train), ours.p_values(train))
    alad.good(*FIT, "--seed", 1, "-o", "other")
    assert load("other").offset_ != read.offset_


def test_what_is_held_out_is_not_trained_on(train):
    parts = calibrating.held_out(train.with_row_index("i"), 0.25, 3)
    rest, held = parts.learned, parts.held
    assert (len(rest), len(held)) == (150, 50)
    assert sorted([*rest["i"], *held["i"]]) == list(range(200))
    assert rest["i"].is_sorted()
    assert held["i"].is_sorted()


def test_no_more_than_most_are_held_out(monkeypatch):
    monkeypatch.setattr(calibrating, "MOST", 7)
    parts = calibrating.held_out(np.arange(500), 0.5, 0)
    rest, held = parts.learned, parts.held
    assert (len(rest), len(held)) == (493, 7)


def test_summary_and_info_say_it(alad):
    said = json.loads(alad.good(*FIT, "--calibration-share", 0.5, "--json").out)
    assert said["rows"] == 100
    assert said["calibration"] == {
        "rows": 100,
        "rows_kept": 100,
        "smallest_p": 1 / 101,
        "from": "held out",
    }
    facts = json.loads(alad.good("info", "new", "--json").out)["calibration"]
    assert facts == {"rows": 100, "rows_kept": 100, "from": "held out"}
    assert "calibration   100 rows, 100 of them kept: whoever has" in alad.good("info", "new").out


@pytest.mark.parametrize(
    ("table", "options", "why"),
    [
        ("few.csv", (), "99 rows in all are too few to hold some out"),
        ("train.csv", ("--calibration-share", 0), "it was switched off"),
    ],
)
def test_without_a_calibration_it_says_why(alad, train, table, options, why):
    train.head(99).write_csv("few.csv")
    done = alad.good("fit", table, *FIT[2:], *options)
    assert f"Not calibrated: {why}. --calibration FILE gives normal rows" in done.out
    assert load("new").calibration_ is None


def test_calibration_rows_of_their_own(alad, train):
    more = rows(150, 2).select("proto", "count", "bytes").with_columns(other=1)
    more.write_csv("more.csv")
    said = json.loads(alad.good(*FIT, "--calibration", "more.csv", "--json").out)
    assert (said["rows"], said["calibration"]["rows"]) == (200, 150)
    assert said["calibration"]["from"] == "given"
    ours = KNN(random_state=0).fit(train).calibrate(more.drop("other"))
    np.testing.assert_array_equal(load("new").calibration_.scores, ours.calibration_.scores)


@pytest.mark.parametrize("name", ["more.csv", "more.jsonl"])
def test_of_a_long_table_of_its_own_some_rows_are_drawn(alad, train, monkeypatch, name):
    """Batch by batch, whatever types a batch alone would have; the same rows each time."""
    monkeypatch.setattr(calibrating, "MOST", 40)
    monkeypatch.setattr(tables, "BYTES", 300)
    more = rows(150, 2).with_columns(bytes=pl.int_range(150) / 2)
    (more.write_csv if name.endswith("csv") else more.write_ndjson)(name)
    options = ("--calibration", name)
    done = alad.good(*FIT, *options)
    assert (
        "Calibrated on 40 normal rows, taken to be unseen by the fit (given, drawn from 150)"
        in done.out
    )
    scores = load("new").calibration_.scores
    every = -KNN(random_state=0).fit(train).score_samples(more)
    assert np.isin(scores, every).all()
    said = json.loads(alad.good(*FIT, *options, "--json").out)["calibration"]
    assert (said["rows"], said["drawn_from"]) == (40, 150)
    np.testing.assert_array_equal(load("new").calibration_.scores, scores)
    alad.good(*FIT, *options, "--seed", 1)
    assert not np.array_equal(load("new").calibration_.scores, scores)


@pytest.mark.parametrize("parts", [[], [1, 4, 5, 20], range(1, 30)])
def test_rows_with_the_smallest_lots_are_drawn_whatever_the_batches(parts):
    for seed in range(20):
        pot = drawing._Pot(6, seed)
        for part in np.split(np.arange(30), parts):
            pot.add(part, pl.DataFrame({"row": part}))
        lots = np.random.default_rng(seed).random(30)
        assert (
            pot.rows.tolist() == pot.names["row"].to_list() == sorted(lots.argsort()[:6].tolist())
        )
        assert pot.seen == 30


def test_a_drawn_row_is_named_by_its_number_in_the_table(alad, monkeypatch):
    monkeypatch.setattr(calibrating, "MOST", 149)  # all but one, which has a number below
    more = rows(150, 2)
    late = pl.int_range(pl.len()) == 149
    more.with_columns(bytes=pl.when(late).then(np.inf).otherwise("bytes")).write_csv("more.csv")
    message = r"Expected finite numbers in column 'bytes'; got inf in row 149 \(.*\)\. Correct .*"
    alad.refused(message, *FIT, "--calibration", "more.csv")


@pytest.mark.parametrize(
    ("table", "calibration"),
    [("in/t.csv", "in/t.csv"), ("in", "in/t.csv"), ("in/t.csv", "in"), ("in/*.csv", "in/../in")],
)
def test_rows_that_are_learned_from_calibrate_nothing(alad, table, calibration):
    Path("in").mkdir()
    Path("train.csv").rename("in/t.csv")
    message = r"Expected calibration rows that the fit does not see; in.*held out\."
    alad.refused(message, "fit", table, *FIT[2:], "--calibration", calibration)


def test_model_says_what_it_learned_from(alad, monkeypatch):
    saved = []
    monkeypatch.setattr(
        "alad.estimators.AbstractDetector.save",
        lambda self, path, save=KNN.save: saved.append(self.trained_on_) or save(self, path),
    )
    Path("in").mkdir()
    Path("train.csv").rename("in/t.csv")
    alad.good("fit", "in/t.csv", *FIT[2:])
    date = datetime.fromisoformat(saved[0].pop("date"))
    assert abs((datetime.now(UTC) - date).total_seconds()) < 600
    assert saved == [{"table": "t.csv", "rows": 200}]


def test_checkpoint_is_not_written_over_a_table(alad, train):
    message = r"Expected another place to write to than train\.csv, which is read\..*"
    for table in ("train.csv", "*.csv"):
        alad.refused(message, "fit", table, "-o", "new", "--checkpoint", "train.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--calibration-share", 1),
            r"Expected a --calibration-share of at least 0 and .*got 1\..*",
        ),
        (("--calibration-share", -0.1), r"Expected a --calibration-share .*got -0\.1\..*"),
        (("--calibration-share", "nan"), r"Expected a --calibration-share .*got nan\..*"),
        (
            ("--calibration", "train.csv", "--calibration-share", 0.1),
            r"Expected one source of calibration rows; .*Leave one out\.",
        ),
        (
            ("--calibration", "less.csv"),
            r"Expected the columns to be learned in less\.csv too; it has no 'proto'\. Give .*",
        ),
        (("--calibration", "absent.csv"), r"Expected a table at absent\.csv, but no such file.*"),
    ],
)
def test_calibration_that_will_not_do_is_known_before_the_training(
    alad, train, monkeypatch, options, message
):
    train.drop("proto").write_csv("less.csv")
    monkeypatch.setattr(KNN, "fit", lambda *_: pytest.fail("trained for nothing"))
    alad.refused(message, *FIT, *options)


def test_of_pictures_too_many_for_the_memory_a_part_of_it_is_held_out_at_most(tmp_path):
    write_pictures(tmp_path / "many", stripes(120))
    files = PictureFiles(files_in(tmp_path / "many"), 8, 1, memory=10 * 4 * 8 * 8 * 8)
    parts = calibrating.held_out(files, 0.5, 0)
    rest, held = parts.learned, parts.held
    assert (len(held), len(rest)) == (10, 110)


def test_pictures_are_held_out_too(alad, monkeypatch):
    """With a detector of arrays in its place: a training of networks is not what is looked at."""
    pictures = stripes(120)
    parts = calibrating.held_out(pictures, 0.1, 0)
    rest, held = parts.learned, parts.held
    assert (rest.shape, held.shape) == ((108, 8, 8), (12, 8, 8))
    write_pictures("few", pictures[:3])
    with Image.open("few/00.png") as picture:
        assert picture.size == (8, 8)
    message = r"Expected a folder of pictures after --calibration; got train\.csv\."
    alad.refused(message, "fit", "few", "-o", "m", "--side", 8, "--calibration", "train.csv")


# ------------------------------------------------------------------------------- drift


def test_no_drift(alad, calibrated):
    rows(400, 3).write_csv("new.csv")
    done = alad.good("drift", calibrated, "new.csv")
    assert "Looked at 400 of 400 rows, beside 600 calibration rows." in done.out
    assert "The calibration still holds, as far as " in done.out
    assert "Columns that moved: 0 of 3." in done.out
    assert not re.search("night|season", done.out)


def test_one_row_is_too_few_to_tell(alad, calibrated):
    KNN(random_state=0).fit(rows(200, 1)).calibrate(rows(300, 2)).save("few")
    rows(1, 3).write_csv("new.csv")
    done = alad.good("drift", "few", "new.csv")
    assert "Too few rows to tell whether the calibration still holds: of 1 row no diff" in done.out
    assert "as far as 1 row tells" in alad.good("drift", calibrated, "new.csv").out


def test_drift_names_the_column_and_the_verdict(alad, calibrated):
    rows(400, 3, shift=2.5).write_csv("new.csv")
    said = json.loads(alad.good("drift", calibrated, "new.csv", "-o", "d.json", "--json").out)
    assert json.loads(Path("d.json").read_text()) == said
    assert not said["calibration_holds"]
    first, *others = said["columns"]
    assert (first["column"], first["moved"]) == ("bytes", True)
    assert first["effect"] > 0.6
    assert not any(column["moved"] for column in others)
    assert said["scores"]["martingale_maximum"] > 5
    assert said["share_of_p_up_to"]["share"] > 0.1
    text = alad.good("drift", calibrated, "new.csv").out
    assert re.search(r"no longer holds, by row \d+ at the latest: fit again, or give new", text)
    assert "bytes   0." in text
    assert "that row may be no more than the first night's, and what is new came later" in text
    assert "Attacks among the new rows look the same as a new season" in text


def test_drift_says_where_scores_move_with_time_and_are_the_same_over_all(alad, calibrated):
    """As those of nights do that are followed by days."""
    new = rows(400, 3)
    scores = load(calibrated).score_samples(new)
    new[np.argsort(scores)].write_csv("new.csv")
    text = alad.good("drift", calibrated, "new.csv").out
    said = r"not hold at every time: the scores had moved, by row \d+ at the latest\. Over all rows"
    assert re.search(said, text)
    assert "no longer holds" not in text
    assert "If they have a daily cycle" in text
    assert "Attacks among the new rows look the same as a new season" in text


def test_drift_is_drawn(alad, calibrated):
    rows(400, 3, shift=2.5).with_columns(pl.col("proto")).write_csv("new.csv")
    alad.good("drift", calibrated, "new.csv", "-o", "d.png")
    with Image.open("d.png") as drawn:
        assert min(drawn.size) > 200
        assert np.asarray(drawn.convert("L")).std() > 5


def test_drift_of_a_long_table_looks_at_a_sample_of_it(alad, calibrated, monkeypatch):
    monkeypatch.setattr(drift, "MOST", 150)
    rows(900, 3).write_parquet("new.parquet")
    options = ("drift", calibrated, "new.parquet", "--json")
    said = json.loads(alad.good(*options).out)
    assert (said["rows"], said["rows_looked_at"]) == (900, 150)
    assert json.loads(alad.good(*options).out) == said
    assert json.loads(alad.good(*options, "--seed", 1).out) != said


def moving(n: int = 600) -> pl.DataFrame:
    """Rows of which the later ones have moved, shuffled; the first of those is at minute 300."""
    i = np.arange(n)
    at = [f"2026-03-01T{m // 60:02}:{m % 60:02}:00+00:00" for m in i]
    frame = rows(n, 3).with_columns(at=pl.Series(at), minute=i * 60)
    moved = pl.when(pl.Series(i >= 300)).then(pl.col("bytes") + 3).otherwise("bytes")
    order = np.random.default_rng(4).permutation(n)
    return frame.with_columns(bytes=moved)[order]


@pytest.mark.parametrize("name", ["new.csv", "new.parquet"])
@pytest.mark.parametrize("column", ["at", "minute"])
def test_drift_says_by_when_the_calibration_no_longer_held(alad, calibrated, name, column):
    frame = moving()
    (frame.write_csv if name.endswith("csv") else frame.write_parquet)(name)
    command = ("drift", calibrated, name)
    said = json.loads(alad.good(*command, "--time", column, "--json").out)
    assert said["time"] == column
    row, minute = said["stopped"]["row"], said["stopped"]["rows_before"]
    assert 300 < minute < 340
    assert frame["minute"][row] == minute * 60
    assert said["stopped"]["time"] == str(frame[column][row])
    text = alad.good(*command, "--time", column).out
    assert f"600 calibration rows. Their order: by '{column}'." in text
    assert f"no longer holds, by row {row} ({frame[column][row]}) at the latest: fit" in text
    unordered = json.loads(alad.good(*command, "--json").out)
    assert (unordered["time"], unordered["stopped"]["time"]) == (None, None)
    assert unordered["stopped"]["rows_before"] < 200
    assert "Their order: as in the table." in alad.good(*command).out


def test_where_the_calibration_holds_nothing_stopped(alad, calibrated):
    rows(400, 3).write_csv("new.csv")
    assert json.loads(alad.good("drift", calibrated, "new.csv", "--json").out)["stopped"] is None


def test_drift_takes_the_schemas_column_of_time(alad, calibrated, monkeypatch):
    frame = moving()
    frame.write_csv("new.csv")
    monkeypatch.setattr(type(load(calibrated).encoder_), "time_column", "at")
    command = ("drift", calibrated, "new.csv", "--json")
    said = json.loads(alad.good(*command).out)
    assert said == json.loads(alad.good(*command, "--time", "at").out)
    frame.drop("at").write_csv("new.csv")
    assert json.loads(alad.good(*command).out)["time"] is None
    frame.with_columns(at=pl.lit("soon")).write_csv("new.csv")
    done = alad.good(*command)
    assert json.loads(done.out)["time"] is None
    assert "note: rows are taken in the order of the table: Expected times in column" in done.err


def of_month(n: int, month: int) -> pl.DataFrame:
    """Rows of a month of 2026: when each was, as text, as seconds, and as a mere number."""
    minute = np.arange(n) * 28 * 1_440 // n
    at = pl.datetime(2026, month, 1, time_unit="us") + pl.duration(minutes=pl.Series(minute))
    when = [at.dt.strftime("%FT%TZ").alias("at"), at.dt.epoch("s").alias("epoch")]
    return rows(n, month).with_columns(*when, minute=44_640.0 * month + minute)


@pytest.fixture
def monthly(alad):
    """A model that was calibrated on another month than the new rows are of."""
    KNN(random_state=0).fit(of_month(300, 1)).calibrate(of_month(600, 1)).save("monthly")
    return Path("monthly")


def test_that_time_goes_on_is_no_drift(alad, monthly):
    of_month(400, 2).head(60).write_csv("new.csv")  # the first days of a month
    command = ("drift", monthly, "new.csv", "--time", "minute")
    said = json.loads(alad.good(*command, "--json").out)
    assert said["not_compared"] == ["at", "epoch", "minute"]
    assert {column["column"] for column in said["columns"]} == {"bytes", "count", "proto"}
    assert not any(column["moved"] for column in said["columns"])
    text = alad.good(*command, "-o", "d.png").out
    assert "Not compared: at, epoch, minute (time goes on)." in text
    assert "Columns that moved: 0 of 3." in text


def test_what_is_no_time_is_compared(alad, calibrated, monthly):
    of_month(400, 2).write_csv("new.csv")
    said = json.loads(alad.good("drift", monthly, "new.csv", "--json").out)
    assert said["not_compared"] == ["at", "epoch"]
    assert [column["column"] for column in said["columns"] if column["moved"]] == ["minute"]
    rows(400, 3).write_csv("new.csv")
    done = alad.good("drift", calibrated, "new.csv")
    assert "Not compared" not in done.out


def test_where_all_is_time_no_column_is_compared(alad):
    times = of_month(900, 1).select("at")
    KNN(random_state=0).fit(times[:300]).calibrate(times[300:]).save("times")
    times.write_csv("new.csv")
    done = alad.good("drift", "times", "new.csv")
    assert "Not compared: at (time goes on)." in done.out
    assert "Columns that moved" not in done.out


def test_drift_in_time_of_a_long_table(alad, calibrated, monkeypatch):
    monkeypatch.setattr(drift, "MOST", 200)
    frame = moving()
    frame.write_parquet("new.parquet")
    options = ("--time", "minute", "--json")
    said = json.loads(alad.good("drift", calibrated, "new.parquet", *options).out)
    stopped = said["stopped"]
    assert (said["rows_looked_at"], said["rows"]) == (200, 600)
    assert str(frame["minute"][stopped["row"]]) == stopped["time"]
    assert 300 < int(stopped["time"]) / 60 < 420


def test_drift_of_an_array_model(alad):
    x = rows(300, 0).select("bytes", "count").to_numpy()
    Mahalanobis(random_state=0).fit(x[:100]).calibrate(x[100:]).save("of-array")
    rows(200, 3, shift=3.0).select("bytes", "count").write_csv("new.csv")
    said = json.loads(alad.good("drift", "of-array", "new.csv", "--json").out)
    assert said["columns"][0]["column"] == "x0"
    assert said["columns"][0]["moved"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("-o", "d.txt"),
            r"Expected --out to end in \.json or \.png; got d\.txt\. Give another name\.",
        ),
        (("--level", 0), r"Expected --level between 0 and 1, .*; got 0\.0\..*"),
        (
            ("--time", "when"),
            r"Expected the column 'when' of --time in train\.csv; it has 'bytes', .*",
        ),
        (
            ("--time", "proto"),
            r"Expected times in column 'proto', such as .*; got '(tcp|udp)' in row 0\..*",
        ),
    ],
)
def test_drift_refuses(alad, calibrated, options, message):
    alad.refused(message, "drift", calibrated, "train.csv", *options)


def test_drift_needs_a_calibration(alad, model):
    alad.refused(r"Expected a calibrated model for drift; .*", "drift", model, "train.csv")


# ------------------------------------------------------------------------- recalibrate


def test_normal_rows_take_the_place_of_the_old_ones(alad, calibrated):
    rows(500, 4).write_csv("new.csv")
    done = alad.good("recalibrate", calibrated, "new.csv", "-o", "again")
    assert "Suspicious: 0." in done.out
    passing = re.search(r"^Up to (\d+) rows above all old .* attack of (.*)% of", done.out, re.M)
    assert float(passing[2]) == pytest.approx(int(passing[1]) / 5)
    assert "Calibrated on 500 normal rows, taken to be unseen by the fit (recalibrated)" in done.out
    assert done.err == ""
    old, new = load(calibrated), load("again")
    np.testing.assert_array_equal(new.score_samples(rows(9, 5)), old.score_samples(rows(9, 5)))
    expected = old.calibrate(rows(500, 4)).calibration_.scores
    np.testing.assert_array_equal(new.calibration_.scores, expected)
    assert new.calibration_.facts["absorbed"] == new.calibration_.facts["excluded"] == 0
    assert new.calibration_.facts["checked"]


def test_rows_that_the_fit_was_given_are_pointed_at(alad, train):
    """By the table's name and length, or because rows of calibration are among them."""
    alad.good(*FIT)
    said = "note: perhaps not unseen by the fit, so that p-values would be too small: "
    done = alad.good("recalibrate", "new", "train.csv", "-o", "again")
    name = "a table train.csv of 200 rows is what the fit was given"
    assert done.err == f"{said}{name}. Give other normal rows\n"
    train.sample(fraction=1, shuffle=True, seed=0).head(190).write_csv("part.csv")
    done = alad("recalibrate", "new", "part.csv", "-o", "again", "--json")
    assert re.fullmatch(
        r"(1\d|20) of 20 rows of the old calibration are among them",
        json.loads(done.out)["perhaps_seen"],
    )
    assert said in done.err


def test_equal_rows_of_few_values_are_nothing_odd(alad):
    few = rows(300, 0).with_columns(bytes=pl.int_range(pl.len()) % 3)
    few.write_csv("few.csv")
    alad.good("fit", "few.csv", "-o", "new", "--detector", "Mahalanobis")
    few.head(200).write_csv("more.csv")
    assert alad("recalibrate", "new", "more.csv", "-o", "again").err == ""


def test_a_model_that_is_replaced_is_named(alad, calibrated):
    rows(500, 4).write_csv("new.csv")
    command = ("recalibrate", calibrated, "new.csv")
    assert alad.good(*command, "-o", "again").out.endswith("\nSaved: again\n")
    for out, word in (("again", "older"), (calibrated, "given")):
        done = alad.good(*command, "-o", out)
        assert done.out.endswith(f"\nSaved: {out} (replaces the {word} model)\n")
    assert json.loads(alad.good(*command, "-o", "a", "--json").out)["replaces"] is None
    assert json.loads(alad.good(*command, "-o", "a", "--json").out)["replaces"] == "older"


def test_fewer_rows_than_fit_needs_are_refused(alad, calibrated, model):
    rows(99, 4).write_csv("new.csv")
    message = (
        r"Expected at least 100 new rows to calibrate on; got 99\. No p-value .* 0\.01 then\..*"
    )
    for name in (calibrated, model):
        alad.refused(message, "recalibrate", name, "new.csv", "-o", "again")
    rows(110, 4, attack=40).write_csv("new.csv")
    number = json.loads(alad("recalibrate", calibrated, "new.csv", "-o", "a", "--json").out)[
        "found"
    ]
    done = alad("recalibrate", calibrated, "new.csv", "-o", "a", "--exclude", number["suspicious"])
    assert done.code == 2
    assert re.search(r"got \d\d once those to exclude are left out\.", done.err)
    assert not Path("a").exists()


def test_of_many_new_rows_some_are_drawn_and_only_those_taken_in(alad, calibrated, monkeypatch):
    monkeypatch.setattr(calibrating, "MOST", 300)
    rows(900, 4, attack=60).write_csv("new.csv")
    command = ("recalibrate", calibrated, "new.csv", "-o", "again")
    said = json.loads(alad(*command, "--json").out)
    assert (said["rows"], said["rows_looked_at"]) == (900, 300)
    assert all(row["row"] >= 840 for row in said["highest"])
    number = said["found"]["suspicious"]
    done = alad.good(*command, "--exclude", number)
    assert "300 rows, drawn from 900 new rows by the old calibration:" in done.out
    assert f"Calibrated on {300 - number} normal rows" in done.out
    assert "(recalibrated, drawn from 900)" in done.out


def attacked(alad, calibrated) -> int:
    """New rows with 40 attacks; the number that recalibrate shows."""
    rows(500, 4, attack=40).write_csv("new.csv")
    before = tree()
    done = alad("recalibrate", calibrated, "new.csv", "-o", "again", "--json")
    assert (done.code, tree()) == (2, before)
    said = json.loads(done.out)
    assert said["out"] is None
    assert len(said["highest"]) == 5
    assert all(row["row"] >= 460 for row in said["highest"])
    number = said["found"]["suspicious"]
    assert f"{number} of 500 lie above" in done.err
    assert "are expected and chance allows" in done.err
    assert f"--exclude {number} to leave them out, or with --accept {number}" in done.err
    return number


def test_an_attack_is_not_taken_in_unseen(alad, calibrated):
    number = attacked(alad, calibrated)
    assert 40 <= number <= 50
    done = alad("recalibrate", calibrated, "new.csv", "-o", "again")
    assert done.code == 2
    assert "score above" in done.out
    assert f"Suspicious: {number}." in done.out


def test_accepted_rows_are_taken_in_and_kept_in_mind(alad, calibrated):
    number = attacked(alad, calibrated)
    alad.good("recalibrate", calibrated, "new.csv", "-o", "again", "--accept", number)
    facts = load("again").calibration_.facts
    assert (facts["absorbed"], facts["excluded"], facts["rows"]) == (number, 0, 500)
    assert f"absorbed {number}" in alad.good("info", "again").out


def test_excluded_rows_are_left_out_and_kept_in_mind(alad, calibrated):
    number = attacked(alad, calibrated)
    options = ("--exclude", number, "--json")
    done = alad.good("recalibrate", calibrated, "new.csv", "-o", calibrated, *options)
    said = json.loads(done.out)
    assert said["calibration"]["rows"] == 500 - number
    read = load(calibrated)
    assert (read.calibration_.facts["absorbed"], read.calibration_.facts["excluded"]) == (0, number)
    assert read.calibration_.scores[-1] <= said["found"]["threshold"]
    rule = ("--false-positive-rate", 0.01, "--json")
    note = json.loads(alad.good("score", calibrated, "new.csv", "-o", "s.csv", *rule).out)[
        "decision"
    ]
    cut = read.calibration_.facts["cut"]
    assert f"The calibration left out {number} rows" in note["note"]
    assert f"p-values up to about {cut:.2g} are too small" in note["note"]
    own = json.loads(alad.good("score", calibrated, "new.csv", "-o", "s.csv", "--json").out)
    assert own["decision"]["note"] is None  # the model's threshold needs no p-values


@pytest.mark.parametrize("option", ["--accept", "--exclude"])
def test_another_number_is_refused(alad, calibrated, option):
    number = attacked(alad, calibrated)
    done = alad("recalibrate", calibrated, "new.csv", "-o", "again", option, number - 1)
    assert done.code == 2
    assert f"Expected {option} {number}, the number of suspicious rows; got {number - 1}." in (
        done.err
    )
    assert not Path("again").exists()


def test_a_drift_is_not_cut_off(alad, calibrated):
    drifted = rows(500, 4).with_columns(pl.col("bytes") + 1.3 * pl.col("bytes").std())
    drifted.write_csv("new.csv")
    command = ("recalibrate", calibrated, "new.csv", "-o", "again")
    done = alad(*command, "--json")
    found = json.loads(done.out)["found"]
    assert found["threshold"] == found["tiers"][-1]["above"]
    number = found["suspicious"]
    assert "take its rows out of the table by what they are" in done.err
    assert "--exclude" not in done.err
    refused = alad(*command, "--exclude", number)
    assert refused.code == 2
    assert "10% of normal rows lie up there as well" in refused.err
    assert not Path("again").exists()
    alad.good(*command, "--accept", number)


def test_a_model_that_had_none_says_that_nothing_was_checked(alad, model):
    done = alad.good("recalibrate", model, "train.csv", "-o", "again")
    assert "The model had no calibration: nothing to hold them against" in done.out
    assert not load("again").calibration_.facts["checked"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--accept", 1, "--exclude", 1), r"Expected --accept or --exclude; got both\..*"),
        (("--level", 2), r"Expected a level between 0 and 1, .*; got 2\.0\..*"),
    ],
)
def test_recalibrate_refuses(alad, calibrated, options, message):
    alad.refused(message, "recalibrate", calibrated, "train.csv", "-o", "again", *options)


def test_recalibrate_needs_the_columns_of_fit(alad, calibrated, train):
    train.drop("proto").write_csv("less.csv")
    message = r"Expected the 3 columns at fit in less\.csv; missing: 'proto'\..*"
    alad.refused(message, "recalibrate", calibrated, "less.csv", "-o", "again")


def draw_array(n: int, seed: int) -> np.ndarray:
    """Numbers that float32 does not hold, and numbers that it merges."""
    rng = np.random.default_rng(seed)
    far = 1.7e9 + rng.integers(0, 100, n)
    return np.column_stack([rng.choice([0.1, 0.7], n), rng.normal(size=n), far])


def test_columns_of_arrays_move_only_if_they_do(alad):
    Mahalanobis().fit(draw_array(500, 0)).calibrate(draw_array(500, 1)).save("model")
    new = draw_array(500, 2)
    np.save("new.npy", new)
    assert "Columns that moved: 0 of 3." in alad.good("drift", "model", "new.npy").out
    np.save("new.npy", new + np.array([0, 0, 30]))
    assert "Columns that moved: 1 of 3." in alad.good("drift", "model", "new.npy").out


def test_rows_of_an_array_that_the_fit_was_given_are_pointed_at(alad):
    kept = draw_array(200, 1)
    Mahalanobis().fit(draw_array(500, 0)).calibrate(kept).save("model")
    np.save("new.npy", kept[:190])
    done = alad("recalibrate", "model", "new.npy", "-o", "again")
    assert "190 of 200 rows of the old calibration are among them" in done.err
