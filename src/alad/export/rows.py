"""Rows to check a model with where no table is at hand: made from the model itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.estimators import AbstractDetector
from alad.estimators._adversarial import AdversarialDetector
from alad.preprocessing.table import TableEncoder

EACH = 256  # rows of one kind, at most
PICTURES = 16
SPREAD = 2.0  # standard deviations of what is drawn
FURTHEST = 1e30  # far within float32
GAP, STRANGE = 17, 13  # every so many rows a value is missing, or a word is none of fit's
MARKED = 0.1  # share of the rows with a number that stands for a missing one
STRANGE_IN = ("categorical", "frequency")
DRAWN = {"port": 65_536, "time": 2_000_000_000}  # whole numbers below that


def own_rows(detector: AbstractDetector) -> tuple[Any, dict[str, int]]:
    """Rows as the detector takes them, and how many there are of each kind.

    Kept are normal rows that the model holds, generated is what its generator makes of noise, and
    drawn are features of N(0, 2²) after scaling. In a frame some values of each column are missing,
    and some categories are none that fit saw.

    >>> from alad import Mahalanobis
    >>> rows, kinds = own_rows(Mahalanobis().fit([[0.0, 1.0], [1.0, 3.0], [2.0, 0.0]]))
    >>> rows.shape, kinds
    ((256, 2), {'drawn': 256})
    """
    if detector.takes_pictures:
        return _pictures(detector)
    found = {
        "kept": _kept(detector),
        "generated": _generated(detector, EACH),
        "drawn": SPREAD * _normal((EACH, len(detector.scaler_.shift))),
    }
    kinds = {kind: len(rows) for kind, rows in found.items() if len(rows)}
    scaled = np.concatenate([rows for rows in found.values() if len(rows)])
    x = np.clip(detector.scaler_.inverse(scaled), -FURTHEST, FURTHEST)
    return (x if detector.encoder_ is None else _as_table(detector.encoder_, x)), kinds


def _kept(detector: AbstractDetector) -> NDArray[Any]:
    """Normal rows that the model holds, scaled; some of them, from all over."""
    calibration = detector.calibration_
    if calibration is not None and len(calibration.rows):
        rows = detector._scaled(calibration.rows)
    elif hasattr(detector, "rows_"):
        rows = detector.rows_
    else:
        rows = _memory(detector)
    return rows[:: max(1, len(rows) // EACH)][:EACH]


def _memory(detector: AbstractDetector) -> NDArray[Any]:
    """The rows of a memory that has not squashed them."""
    from alad.export.detectors import networks_of

    players = getattr(detector, "players_", None)
    memory = networks_of(detector).get("M") if players is not None else None
    if memory is None or np.isfinite(memory.scale[...]).all():
        return np.zeros((0, 0))
    return np.asarray(memory.rows[...])


def _generated(detector: AbstractDetector, n: int) -> NDArray[Any]:
    if not isinstance(detector, AdversarialDetector):
        return np.zeros((0, 0))
    return detector.generate(_normal((n, detector.players_.latent_dim)))


def _pictures(detector: AbstractDetector) -> tuple[NDArray[Any], dict[str, int]]:
    """Noise, and what the generator makes of noise, from 0 to 255."""
    drawn = np.random.default_rng(0).integers(0, 256, (PICTURES, *detector.picture_shape_))
    generated = _generated(detector, PICTURES)
    if not len(generated):
        return drawn.astype(np.float32), {"drawn": PICTURES}
    pixels = np.clip((generated + 1) * 127.5, 0, 255)
    both = np.concatenate([drawn, pixels]).astype(np.float32)
    return both, {"drawn": PICTURES, "generated": PICTURES}


def _normal(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=shape)


def _as_table(encoder: TableEncoder, x: NDArray[Any]) -> pl.DataFrame:
    """Values that features say; drawn ones, for kinds whose values cannot be read back."""
    frame, random = encoder.decode(x), np.random.default_rng(0)
    columns = []
    for place, column in enumerate(encoder.schema):
        series = frame[column.name]
        if column.kind in DRAWN:
            series = pl.Series(column.name, random.integers(0, DRAWN[column.kind], len(x)))
        if column.marks:
            series = series.scatter(np.flatnonzero(random.random(len(x)) < MARKED), column.marks[0])
        columns.append(_spoilt(series, place, has_strange=column.kind in STRANGE_IN))
    return pl.DataFrame(columns)


def _spoilt(series: pl.Series, first: int, *, has_strange: bool) -> pl.Series:
    """Take some values out, and put in some that fit did not see."""
    places = np.arange(first, first + len(series))
    if has_strange:
        series = series.scatter(np.flatnonzero(places % STRANGE == 0), "none of them")
    return series.scatter(np.flatnonzero(places % GAP == 0), None)
