"""How far a score may move because several kept rows are equally near.

A memory's scores look at the k nearest rows. Among rows that are equally near, up to rounding, the
last bit of a product decides which are taken, and no two programs share it. The distances are the
same then, but each row has a radius of its own, and with it moves the score.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from alad.estimators import AbstractDetector, NetworkDetector
from alad.export.detectors import networks_of
from alad.networks.memory import rounded, squashed
from alad.scores.memory import LOCALITY, NEIGHBOURS

ROUNDING = 1e-5  # of |x|²: what is nearer to each other than that is equally near
MOST = 1000  # rows that are looked at: if more differ it is not for ties


def leeway(
    detector: AbstractDetector, x: NDArray[Any], differ: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """For rows (n, ...) that are not scaled yet: how far A may move; 0 where they do not differ."""
    width = np.zeros(len(x))
    if not (isinstance(detector, NetworkDetector) and _looks_at_radii(detector)):
        return width
    places = np.flatnonzero(differ)[:MOST]
    if len(places):
        memory = networks_of(detector)["M"]
        rows = squashed(jnp.asarray(detector._scaled(x[places])), memory.scale[...])
        width[places] = [_width(memory, np.asarray(row), half) for row, half in _halved(rows)]
    return width


def _looks_at_radii(detector: NetworkDetector) -> bool:
    return detector._with_defaults().anomaly_score in ("memory", "local-distance")


def _halved(rows: Any) -> Any:
    return zip(rows, np.asarray(rounded(rows)), strict=True)


def _width(memory: Any, x: NDArray[Any], half: NDArray[Any]) -> float:
    """From the lowest to the highest A that a choice among equally near rows can give."""
    kept, radius = np.asarray(memory.rows[...]), np.asarray(memory.radius[...], np.float64)
    k, unit = min(NEIGHBOURS, len(kept) - 1), float(memory.unit[...][0])
    squares = np.square(x.astype(np.float64) - kept).sum(axis=1)
    squares[((kept == x) | (kept == half)).all(axis=1)] = np.inf  # the row itself
    edge = np.partition(squares, k - 1)[k - 1]
    room = ROUNDING * max(float(x @ x), edge)
    sure, tied = squares < edge - room, np.abs(squares - edge) <= room
    choice, open_ = np.sort(radius[tied]), k - int(sure.sum())
    low, high = (
        (radius[sure].sum() + part.sum()) / k for part in (choice[:open_], choice[-open_:])
    )
    return float(LOCALITY * np.log((high + unit) / (low + unit)))
