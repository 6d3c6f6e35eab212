"""Fits that stream: what they learn, how little they hold, and what they leave on the disk."""

from __future__ import annotations

import datetime as dt
import tempfile
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import ALAD, KNN, LOF, OCSVM, PCA, IsolationForest, Mahalanobis
from alad.errors import DivergedError, InputError, OutputError
from alad.estimators import Stream, _fitting, _stream, fit_side_by_side
from alad.estimators._stream import RowFile, Windows
from alad.preprocessing.learning.tables import fit_encoder
from alad.preprocessing.scaling import fit_scaler
from alad.training import Checkpoint, train
from tests.estimators.small import FRAME, NEW_FRAME, equal, fitted, new

MANY = pl.concat([FRAME.with_columns(pl.col("size") + i) for i in range(3)])
SHALLOW = (KNN, LOF, OCSVM, PCA, IsolationForest, Mahalanobis)
SMALL = int(64 * 4 * 5 / _stream.PART)  # memory for windows of 64 rows of five features


def stream(frame=MANY, folder=".", memory=SMALL, batch=50):
    return Stream(lambda: frame.iter_slices(batch), frame.height, folder=str(folder), memory=memory)


# ------------------------------------------------------------------------- what they learn


@pytest.mark.parametrize("cls", SHALLOW)
def test_where_the_sample_is_all_rows_a_stream_is_learned_as_a_frame(cls):
    streamed, whole = new(cls).fit(stream(memory=2**30)), new(cls).fit(MANY)
    assert streamed.encoder_ == whole.encoder_
    assert (streamed.rows_at_fit_, streamed.n_features_in_) == (192, 2)
    assert streamed.feature_names_in_.tolist() == whole.feature_names_in_.tolist()
    np.testing.assert_allclose(streamed.offset_, whole.offset_, rtol=1e-5)
    np.testing.assert_allclose(
        streamed.score_samples(NEW_FRAME), whole.score_samples(NEW_FRAME), rtol=1e-4
    )


def test_a_sample_stands_for_the_rows_but_columns_and_scaling_are_of_all():
    detector = new(Mahalanobis).fit(stream(memory=SMALL))
    assert detector.scaler_.shift[0] == pytest.approx(
        fit_scaler("standard", detector.encoder_.transform(MANY)[0]).shift[0]
    )
    assert detector.offset_ != new(Mahalanobis).fit(MANY).offset_
    assert detector.rows_at_fit_ == 192


def test_batches_do_not_matter():
    one, other = (new(KNN).fit(stream(batch=n)) for n in (7, 192))
    np.testing.assert_allclose(one.rows_, other.rows_, rtol=1e-6)


def test_missing_values_are_counted():
    rows = stream()
    new(Mahalanobis).fit(rows)
    assert rows.missing == {"size": 24, "proto": 48}


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """An ALAD of two rounds of three windows."""
    folder = tmp_path_factory.mktemp("streamed")
    return new(ALAD, epochs=2).fit(stream(folder=folder))


def test_an_epoch_is_a_window(streamed):
    assert streamed.history_.epochs == 6
    assert streamed.rows_at_fit_ == 192
    assert np.isfinite(streamed.score_samples(NEW_FRAME)).all()


def test_same_seed_same_model(streamed, tmp_path):
    again = new(ALAD, epochs=2).fit(stream(folder=tmp_path, batch=11))
    assert equal(again.weights_, streamed.weights_)
    assert again.offset_ == streamed.offset_
    other = new(ALAD, epochs=2).set_params(random_state=1).fit(stream(folder=tmp_path))
    assert not equal(other.weights_, streamed.weights_)


def test_a_saved_model_is_like_any(streamed, tmp_path):
    from alad import load

    streamed.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert np.array_equal(again.score_samples(NEW_FRAME), streamed.score_samples(NEW_FRAME))


class Stop(Exception):
    """What the tests interrupt a training with."""


def stop_at(epoch):
    def report(progress):
        if progress.epoch == epoch:
            raise Stop

    return report


@pytest.mark.parametrize("epoch", [2, 5])  # in the first round of windows, and in the second
def test_a_training_goes_on_exactly(streamed, epoch, tmp_path, monkeypatch):
    monkeypatch.setattr(_fitting, "Checkpoint", partial(Checkpoint, every=0))
    file = tmp_path / "run"
    with pytest.raises(Stop):
        new(ALAD, epochs=2).fit(stream(folder=tmp_path), checkpoint=file, report=stop_at(epoch))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    told = []
    resumed = new(ALAD, epochs=2).fit(stream(folder=tmp_path), checkpoint=file, report=told.append)
    assert [p.epoch for p in told] == list(range(epoch, 7))
    assert equal(resumed.weights_, streamed.weights_)
    changed = MANY.with_columns(pl.col("size") * 1.5)
    with pytest.raises(InputError, match="belongs to another run"):
        new(ALAD, epochs=2).fit(stream(changed, folder=tmp_path), checkpoint=file)


def test_rows_to_watch_are_held_out_of_the_stream(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        RowFile,
        "append",
        lambda self, x, append=RowFile.append: (seen.append(len(x)), append(self, x)),
    )
    detector = new(ALAD, validation_fraction=1 / 3, patience=0)
    detector.fit(stream(folder=tmp_path))
    assert (sum(seen), detector.rows_at_fit_) == (128, 192)
    assert detector.history_.epochs <= 2
    assert len(detector.history_.validation) == detector.history_.epochs


@pytest.mark.parametrize(("fraction", "given", "watched"), [(0.05, None, 9), (None, 5, 5)])
def test_what_few_watched_rows_lack_for_the_doubt_is_held_out_of_the_stream(
    fraction, given, watched, tmp_path, monkeypatch
):
    files, seen = [], []
    monkeypatch.setattr(
        _fitting, "Windows", lambda file, *a, **k: files.append(file.rows) or Windows(file, *a, **k)
    )
    monkeypatch.setattr(
        _fitting, "train", lambda *a, **k: seen.append(len(k["validation"])) or train(*a, **k)
    )
    valid = None if given is None else MANY.head(given)
    detector = new(ALAD, epochs=0, validation_fraction=fraction)
    detector.fit(stream(folder=tmp_path), X_valid=valid)
    assert (files, seen) == ([192 - 38 + (given or 0)], [watched])
    assert detector.rows_at_fit_ == 192


def test_the_seed_that_was_drawn_is_that_of_the_rows_to_watch_too(tmp_path):
    settings = {"validation_fraction": 1 / 3, "patience": 0}
    drawn = new(ALAD, **settings).set_params(random_state=np.random.RandomState(3))
    drawn.fit(stream(folder=tmp_path))
    given = new(ALAD, **settings).set_params(random_state=drawn.seed_).fit(stream(folder=tmp_path))
    assert equal(given.weights_, drawn.weights_)


def test_several_seeds_share_the_file(tmp_path):
    detectors = [new(ALAD).set_params(random_state=seed) for seed in (0, 1)]
    fit_side_by_side(detectors, stream(folder=tmp_path))
    assert [d.seed_ for d in detectors] == [0, 1]
    assert all(d.history_.epochs == 3 for d in detectors)


# --------------------------------------------------------------------- how little they hold


class Counting:
    """A table made as it is read, that knows how many of its batches are alive at once."""

    rows, batches = 64 * 40, 40

    def __init__(self):
        self.alive, self.most = [], 0

    def __call__(self):
        for i in range(self.batches):
            frame = FRAME.with_columns(pl.col("size") + i)
            known = [ref for ref in self.alive if ref() is not None]
            self.alive = [*known, weakref.ref(frame)]
            self.most = max(self.most, len(self.alive))
            yield frame


@pytest.mark.parametrize("cls", [Mahalanobis, KNN])
def test_batches_are_let_go(cls):
    table = Counting()
    detector = new(cls).fit(Stream(table, table.rows, folder=".", memory=SMALL))
    assert detector.rows_at_fit_ == table.rows
    assert table.most <= 3


def test_a_window_and_the_sample_are_all_that_is_held(tmp_path, monkeypatch):
    held = []

    def noted(self, epoch, window=Windows.window):
        held.append(window(self, epoch))
        return held[-1]

    monkeypatch.setattr(Windows, "window", noted)
    table = Counting()
    new(ALAD).fit(Stream(table, table.rows, folder=tmp_path, memory=SMALL))
    assert table.most <= 3
    assert len(held) == 32  # a fifth of the rows settles the doubt
    assert {window.shape for window in held} == {(64, 5)}
    assert held[0].nbytes <= SMALL * _stream.PART


# ------------------------------------------------------------------ what they leave behind


def test_nothing_is_left(streamed, tmp_path):
    new(ALAD).fit(stream(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert streamed._file is None


@pytest.mark.parametrize("fault", [KeyboardInterrupt, MemoryError, DivergedError])
@pytest.mark.parametrize("place", ["_stream.RowFile.read", "_fitting.train"])
def test_nothing_is_left_of_a_fit_that_fails(fault, place, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise fault

    opened = []
    monkeypatch.setattr(_stream, "TemporaryFile", partial(_noted, opened))
    monkeypatch.setattr(f"alad.estimators.{place}", fail)
    with pytest.raises(fault):
        new(ALAD).fit(stream(folder=tmp_path))
    assert [file.closed for file in opened] == [True]
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_reading_that_fails(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(_stream, "TemporaryFile", partial(_noted, opened))
    bad = stream(folder=tmp_path)
    bad.rows += 1
    with pytest.raises(InputError, match=r"Expected 193 rows in every reading .*; got 192"):
        new(ALAD).fit(bad)
    encoder = fit_encoder(MANY)
    with pytest.raises(InputError, match="193 rows"):
        _stream.encoded(bad, "none", encoder, seed=0, sample_rows=9, keep=True)
    assert [file.closed for file in opened] == [True]


def _noted(opened, **how):
    opened.append(tempfile.TemporaryFile(**how))
    return opened[-1]


def test_full_disk_is_told(tmp_path, monkeypatch):
    from tests.cli.conftest import full_disk

    message = r"encoded rows in a temporary file in .*, but file too large\. Free some space, .*"
    with full_disk(), pytest.raises(OutputError, match=message):
        new(ALAD).fit(stream(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="but no such file or directory"):
        new(ALAD).fit(stream(folder=tmp_path / "absent"))


# ------------------------------------------------------------------------- rows on the disk


@pytest.fixture
def table_file(tmp_path):
    """Make files of rows, and the rows; the files are closed in the end."""
    made = []

    def make(n=1000):
        file, x = _table_file(tmp_path, n)
        made.append(file)
        return file, x

    yield make
    for file in made:
        file.close()


def _table_file(tmp_path, n):
    rng = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "a": rng.normal(size=n) * 1e30,
            "b": [None if i % 7 == 0 else i % 3 for i in range(n)],
            "c": rng.choice(list("abcdefghijk"), n),
            "d": rng.choice([True, False], n),
            "e": np.arange(n, dtype=np.float64),
        }
    )
    encoder = fit_encoder(frame)
    x, _ = encoder.transform(frame)
    return RowFile(tmp_path, encoder.binary), x


def test_rows_come_back_to_the_bit_in_less_space(table_file, tmp_path):
    file, x = table_file()
    for start in range(0, 1000, 77):
        file.append(x[start : start + 77])
    assert np.array_equal(file.unpacked(file.read(0, 1000)), x)
    assert np.array_equal(file.unpacked(file.read(990, 10)), x[990:])
    assert file.width < x.shape[1] * 4 / 3
    whole, _ = table_file()
    whole.append(x)
    assert whole.digest == file.digest
    assert list(tmp_path.iterdir()) == []


def test_rows_are_put_behind_the_others_whatever_was_read_meanwhile(table_file):
    file, x = table_file()
    file.append(x[:500])
    file.read(3, 4)
    file.append(x[500:])
    assert np.array_equal(file.unpacked(file.read(0, 1000)), x)


def test_rows_are_read_by_several_at_once(table_file):
    file, x = table_file()
    file.append(x)
    starts = [7 * i % 990 for i in range(4000)]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda start: file.unpacked(file.read(start, 10)), starts)
        assert all(
            np.array_equal(rows, x[start : start + 10])
            for start, rows in zip(starts, found, strict=True)
        )


@pytest.fixture
def windows(table_file):
    """Make windows, and the rows that they are of."""

    def make(n=1000, most=300, seed=0):
        file, x = table_file(n)
        file.append(x)
        return Windows(file, fit_scaler("none", x), seed=seed, most=most), x

    return make


def test_windows_of_a_round_are_alike_and_share_no_row(windows):
    drawn, x = windows()
    places = [drawn.window(epoch)[:, -1].astype(int) for epoch in range(1, drawn.in_round + 1)]
    assert drawn.in_round == 4
    assert {len(p) for p in places} == {drawn.shape[0]}
    once = np.concatenate(places)
    assert len(np.unique(once)) == len(once) >= 0.95 * len(x)
    for p, epoch in zip(places, range(1, 5), strict=True):
        assert np.array_equal(drawn.window(epoch), x[p])
        assert p.min() < 200 < 800 < p.max()  # from all over the file


def test_windows_follow_from_seed_and_number(windows):
    drawn, _ = windows()
    again, _ = windows()
    other, _ = windows(seed=1)
    assert np.array_equal(drawn.window(7), again.window(7))
    assert not np.array_equal(drawn.window(7), drawn.window(3))
    assert not np.array_equal(drawn.window(7), other.window(7))
    assert drawn.identity == again.identity != other.identity


def test_every_row_has_its_turn(windows):
    drawn, x = windows()
    seen = {int(p) for epoch in range(1, 400) for p in drawn.window(epoch)[:, -1]}
    assert len(seen) == len(x)


@pytest.mark.parametrize(("n", "most"), [(2, 1), (3, 300), (65, 1), (1000, 1000)])
def test_few_rows_make_windows_too(windows, n, most):
    drawn, _ = windows(n, most)
    assert 1 <= drawn.shape[0] <= max(most, 1)
    assert drawn.window(1).shape == drawn.shape


def test_parts_of_a_stream():
    chosen = np.arange(192) % 5 == 0
    rest = stream(batch=7).without(chosen)
    assert len(rest) == 153
    assert pl.concat(rest).equals(MANY.filter(~chosen))
    assert stream(batch=7).only(chosen).equals(MANY.filter(chosen))


def test_batches_of_which_all_rows_are_held_out_are_none(tmp_path):
    few = MANY.head(100)
    one_by_one = stream(few, folder=tmp_path, batch=1)
    assert [part.height for part in one_by_one.without(np.arange(100) % 5 == 0)] == [1] * 80
    detector = new(ALAD, epochs=0).fit(one_by_one)
    assert equal(detector.weights_, new(ALAD, epochs=0).fit(stream(few, tmp_path)).weights_)


def test_a_batch_without_rows_is_none():
    batches = [MANY.head(0), MANY.head(40), MANY.head(0)]
    detector = new(Mahalanobis).fit(Stream(lambda: batches, 40, folder="."))
    assert detector.rows_at_fit_ == 40


def test_batches_may_be_frames_of_any_make():
    few = MANY.head(100)
    ours = new(Mahalanobis).fit(stream(few)).score_samples(few)
    for make in (pl.DataFrame.to_pandas, pl.DataFrame.to_arrow):
        batches = [make(few[:50]), make(few[50:])]
        detector = new(Mahalanobis).fit(Stream(lambda b=batches: b, 100, folder=".", memory=SMALL))
        assert np.array_equal(detector.score_samples(few), ours)


def test_batches_that_can_be_read_once_are_refused():
    with pytest.raises(InputError, match=r"Expected a function that reads .*; got generator\."):
        Stream((frame for frame in [MANY]), len(MANY), folder=".")


def test_a_stream_of_one_row_is_refused():
    with pytest.raises(InputError, match="Expected at least 2 rows to learn from"):
        new(KNN).fit(stream(MANY.head(1)))


@pytest.mark.parametrize("known", [False, True])
def test_an_error_counts_the_rows_of_all_batches(known):
    schema = fit_encoder(MANY) if known else None
    odd = MANY.with_columns(size=MANY["size"].scatter(170, np.inf))
    with pytest.raises(InputError, match=r"got inf in row 170 "):
        new(KNN).fit(stream(odd), schema=schema)


@pytest.mark.parametrize("folder", [Path("."), "."])
def test_a_folder_may_be_text(folder):
    assert stream(folder=folder).folder == Path(".")


def test_frames_of_a_stream_may_have_their_columns_in_another_order():
    first, second = MANY.head(100), MANY.tail(MANY.height - 100)
    parts = [first, second.select(reversed(second.columns))]
    mixed = Stream(lambda: iter(parts), MANY.height, folder=".", memory=SMALL)
    settings = {"preset": "kdd99", "epochs": 0, "validation_fraction": 0.2, "random_state": 0}
    found, same = (ALAD(**settings).fit(given) for given in (mixed, stream()))
    assert np.array_equal(found.score_samples(NEW_FRAME), same.score_samples(NEW_FRAME))


AT = pl.datetime_range(
    dt.datetime(2026, 1, 1), interval="1h", eager=True, end=dt.datetime(2026, 1, 3)
)
WORDS = pl.Series(["u", "v"] * 20)


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (WORDS.cast(pl.Enum(["u", "v"])), WORDS.cast(pl.Enum(["v", "w", "u"])), WORDS),
        (
            AT[:40].dt.replace_time_zone("UTC"),
            AT[:40].dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin"),
            AT[:40].dt.replace_time_zone("UTC"),
        ),
        (AT[:40].dt.replace_time_zone("UTC"), AT[:40], AT[:40].dt.replace_time_zone("UTC")),
    ],
)
def test_rows_are_held_out_of_frames_whose_types_are_none_together(first, second, both, tmp_path):
    x = np.random.default_rng(0).normal(size=40)
    parts = [pl.DataFrame({"a": values, "x": x}) for values in (first, second)]
    given = Stream(lambda: parts, 80, folder=tmp_path)
    assert given.only(np.ones(80, bool))["a"].equals(pl.concat([both, both]))
    assert new(ALAD, epochs=0).fit(given).rows_at_fit_ == 80


@pytest.mark.parametrize("ask", ["score_samples", "predict", "calibrate"])
def test_a_stream_is_scored_frame_by_frame(ask):
    with pytest.raises(InputError, match=r"held in memory; got a stream\. Give its frames one"):
        getattr(fitted(Mahalanobis, "frame"), ask)(stream())


@pytest.mark.parametrize("rows", [1e3, None, -1, True])
def test_a_stream_is_told_its_rows_as_a_whole_number(rows):
    with pytest.raises(InputError, match=r"Expected rows as a whole number of at least 0; got"):
        Stream(lambda: [MANY], rows, folder=".")


def test_a_stream_without_frames_is_refused():
    with pytest.raises(InputError, match="Expected a stream of frames; got none"):
        _ = Stream(lambda: iter([]), 5, folder=".").columns
