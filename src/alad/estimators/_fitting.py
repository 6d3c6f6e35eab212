"""How networks are fitted: rows to watch held out, one seed or many trained, each settled."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Hashable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import polars as pl

from alad.errors import InputError
from alad.estimators._choices import Choices, Unseen
from alad.estimators._given import Columns, Matrix, drawn, rows_in, seed_of
from alad.estimators._picture_files import PictureFiles, PictureWindows
from alad.estimators._stream import Stream, Windows, most_rows
from alad.networks import Size
from alad.preprocessing.pictures import Pixels
from alad.training import Checkpoint, Progress, Report, train

if TYPE_CHECKING:
    from alad.estimators._network import NetworkDetector

TRAINING_VERSION = 5  # raise it with a change that moves the numbers: old checkpoints then end

Source = Matrix | Windows | PictureWindows  # what is trained on


def fit_side_by_side(
    detectors: Sequence[NetworkDetector],
    X: Any,
    *,
    schema: Columns = None,
    X_valid: Any = None,
    checkpoint: str | os.PathLike[str] | None = None,
    report: Report | None = None,
) -> list[NetworkDetector]:
    """Fit detectors that differ in their seed alone, in one run, on the same rows.

    On a CPU the cores share the seeds; on an accelerator all seeds of a table are one program.
    Each detector comes out as if it had been fitted alone, up to the rounding of sums; but rows
    that are held out are the same for all, drawn by the first one's seed.

    Parameters
    ----------
    detectors : sequence of one kind and one set of parameters but for ``random_state``
    X, schema, X_valid, checkpoint, report
        As in :meth:`NetworkDetector.fit`.

    Returns
    -------
    list of the detectors, fitted

    Raises
    ------
    InputError
        There is no detector, or they differ in more than their seed; and as
        :meth:`NetworkDetector.fit`.
    DivergedError
        A loss stopped being finite.

    >>> from alad import DSEBM
    >>> rows = np.random.default_rng(0).normal(size=(64, 3))
    >>> both = fit_side_by_side([DSEBM(epochs=0, random_state=seed) for seed in (0, 1)], rows)
    >>> [detector.seed_ for detector in both]
    [0, 1]
    """
    if not detectors:
        raise InputError("Expected at least one detector to fit; got none.")
    first = detectors[0]
    _check_alike(detectors)
    first._check_settings()
    choices = first._with_defaults()
    first._check_score(choices.anomaly_score)
    seed = seed_of(first.random_state)
    rest, held = X, None
    if isinstance(X, Stream) and first.takes_pictures:
        raise InputError(
            f"Expected pictures for the preset {first.preset!r}; got a stream of rows of a table. "
            "Pass an array of pictures, or take the preset 'tabular'."
        )
    if isinstance(X_valid, Stream):
        raise InputError(
            "Expected validation rows that are held in memory; got a stream. Pass a frame or an "
            "array, or leave X_valid out and set validation_fraction."
        )
    if isinstance(X, Stream | PictureFiles):
        rest, held = _hold_out_of_stream(X, X_valid, first, choices, seed)
    x = first._prepare(rest, choices.scaling, schema, seed=seed)
    if rest is not X:
        first.rows_at_fit_ = len(X)
    try:
        rows, unseen = _part(rest, x, held, X_valid, first, choices)
        fitted = _trained(detectors, rest, x, rows, unseen, choices, checkpoint, report)
    finally:
        first._let_go()
    if isinstance(X, PictureFiles):  # of those that are damaged nothing was learned
        sound = X.count_sound()
        for detector in fitted:
            detector.rows_at_fit_ = sound
    return fitted


def _trained(
    detectors: Sequence[NetworkDetector],
    X: Any,
    x: Matrix,
    rows: Matrix,
    unseen: Unseen,
    choices: Choices,
    checkpoint: str | os.PathLike[str] | None,
    report: Report | None,
) -> list[NetworkDetector]:
    """Train on some rows of x, or on the windows of a stream of which they are a sample."""
    first = detectors[0]
    for detector in detectors[1:]:
        detector._share_preparation(first)
    watched = unseen.watched if len(unseen.watched) else None
    if choices.patience is not None and watched is None:
        raise InputError(
            "Expected validation rows, because patience is set; got none. Pass X_valid, set "
            "validation_fraction (0.25, say), or leave patience at None."
        )
    source = _source(X, rows, first)
    settings = choices.settings(*_extent(source))
    players, seeds = first._players(_size(x)), [detector.seed_ for detector in detectors]
    losses = tuple((m.player, m.loss.__module__, m.loss.__qualname__) for m in first._moves())
    # With patience, what is watched and how decides which weights are kept.
    watch = first._watched(choices.anomaly_score)
    judged = () if settings.patience is None else (watch, _digest(watched))
    trained = train(
        players,
        first._moves(),
        source,
        seeds=seeds,
        settings=settings,
        validation=watched,
        validate=first._judge(watch),
        checkpoint=_checkpoint(
            checkpoint, source, players, settings, losses, tuple(seeds), *judged
        ),
        report=report,
    )
    for i, detector in enumerate(detectors):
        detector.players_ = players
        detector.weights_ = detector._finish(jax.device_put(trained.weights[i]), rows, unseen)
        detector.history_ = trained.history.of_seed(i)
        detector._settle(x)
    return list(detectors)


def _check_alike(detectors: Sequence[NetworkDetector]) -> None:
    def kind(detector: NetworkDetector) -> Any:
        return type(detector), {**detector.get_params(deep=False), "random_state": None}

    if any(kind(detector) != kind(detectors[0]) for detector in detectors):
        raise InputError(
            "Expected detectors that differ in random_state alone; got different kinds or "
            "settings. Fit those one after the other."
        )


def _part(
    X: Any, x: Matrix, held: Any, X_valid: Any, detector: NetworkDetector, choices: Choices
) -> tuple[Matrix, Unseen]:
    """Give the scaled rows to train on, and those unseen; ``held`` are those out of a stream."""

    def scaled(other: Any) -> Matrix:
        return x[:0] if other is None else detector._scaled(detector._matrix(other, fitting=False))

    given = scaled(X_valid)
    if isinstance(X, Stream | PictureFiles):
        rows, apart = x, scaled(held)
    else:
        rows, apart = _hold_out(x, choices.held_out(len(x), len(given)), detector.seed_)
    if len(given):
        return rows, Unseen(apart, given, watched=given)
    watched = drawn(len(apart), choices.watched(detector.rows_at_fit_), detector.seed_)
    return rows, Unseen(apart, given, watched=apart[watched])


def _hold_out(x: Matrix, count: int, seed: int) -> tuple[Matrix, Matrix]:
    """Part rows into those to train on and so many others."""
    if count == 0:
        return x, x[:0]
    order = np.random.default_rng(seed).permutation(len(x))
    return x[order[count:]], x[order[:count]]


def _hold_out_of_stream(
    stream: Stream | PictureFiles,
    X_valid: Any,
    detector: NetworkDetector,
    choices: Choices,
    seed: int,
) -> tuple[Stream | PictureFiles, pl.DataFrame | Pixels | None]:
    """The same of a stream: what is held out is read into memory, at most as much as a sample."""
    most = stream.most if isinstance(stream, PictureFiles) else detector._sample_rows
    held = min(choices.held_out(len(stream), rows_in(X_valid)), most)
    if held == 0:
        return stream, None
    is_held = np.zeros(len(stream), np.bool_)
    rng = np.random.default_rng(seed)
    is_held[rng.choice(len(stream), held, replace=False)] = True
    return stream.without(is_held), stream.only(is_held)


def _source(X: Any, rows: Matrix, detector: NetworkDetector) -> Source:
    """Give what is trained on: of a stream its windows, else the rows that are held."""
    if isinstance(X, PictureFiles):
        return PictureWindows(X, detector.scaler_, seed=detector.seed_)
    if isinstance(X, Stream):
        assert detector._file is not None
        most = most_rows(X, detector.scaler_.shift.size)
        return Windows(detector._file, detector.scaler_, seed=detector.seed_, most=most)
    return rows


def _extent(source: Source) -> tuple[int, int]:
    """The rows of an epoch, and how many epochs it takes to go through all rows."""
    if isinstance(source, np.ndarray):
        return len(source), 1
    return source.shape[0], source.in_round


def _size(x: Matrix) -> Size:
    """Of one row: its width, or the shape of a picture."""
    return x.shape[1] if x.ndim == 2 else x.shape[1:]


def _checkpoint(
    path: str | os.PathLike[str] | None, source: Source, *facts: Hashable
) -> Checkpoint | None:
    """Name the run by its rows and by everything that settles what training does."""
    if path is None:
        return None
    if isinstance(source, np.ndarray):
        shape, digest = source.shape, hashlib.sha256(np.ascontiguousarray(source).data)
    else:
        shape, digest = (), hashlib.sha256(repr(source.identity).encode())
    digest.update(repr((metadata.version("alad"), TRAINING_VERSION, shape, facts)).encode())
    return Checkpoint(Path(path), digest.hexdigest())


def _digest(rows: Matrix | None) -> str:
    return "" if rows is None else hashlib.sha256(rows.tobytes()).hexdigest()


def print_progress(progress: Progress) -> None:
    """Write one line about a training run to standard error."""
    losses = ", ".join(f"{player} {loss:.3f}" for player, loss in progress.losses.items())
    left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
    print(f"epoch {progress.epoch}/{progress.epochs}, losses {losses}{left}", file=sys.stderr)
