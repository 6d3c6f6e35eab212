"""How far a score may move because several kept rows are equally near.

A memory's scores look at the k nearest rows. Among rows that are equally near, up to rounding, the
last bit of a product decides which are taken, and no two programs share it. The distances are the
same then, but each row has a radius of its own, and a least that its distance counts as, and with
these moves the score.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from alad.estimators import AbstractDetector, NetworkDetector
from alad.export.detectors import networks_of
from alad.networks.memory import rounded, squashed
from alad.scores.memory import LOCALITY, MEMORY_SCORES, NEIGHBOURS

ROUNDING = 1e-5  # of |x|²: what is nearer to each other than that is equally near
MOST = 1000  # rows that are looked at: if more differ it is not for ties


def leeway(
    detector: AbstractDetector, x: NDArray[Any], differ: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """For rows (n, ...) that are not scaled yet: how far A may move; 0 where they do not differ."""
    width = np.zeros(len(x))
    score = detector._with_defaults().anomaly_score if isinstance(detector, NetworkDetector) else ""
    if score not in MEMORY_SCORES:
        return width
    places = np.flatnonzero(differ)[:MOST]
    if len(places):
        memory = networks_of(detector)["M"]
        locality = 0.0 if score == "distance" else LOCALITY
        rows = squashed(jnp.asarray(detector._scaled(x[places])), memory.scale[...])
        width[places] = [
            _width(memory, np.asarray(row), half, locality) for row, half in _halved(rows)
        ]
    return width


def _halved(rows: Any) -> Any:
    return zip(rows, np.asarray(rounded(rows)), strict=True)


def _width(memory: Any, x: NDArray[Any], half: NDArray[Any], locality: float) -> float:
    """From the lowest to the highest A that a choice among equally near rows can give."""
    kept, unit = np.asarray(memory.rows[...]), float(memory.unit[...][0])
    k = min(NEIGHBOURS, len(kept) - 1)
    squares = np.square(x.astype(np.float64) - kept).sum(axis=1)
    squares[((kept == x) | (kept == half)).all(axis=1)] = np.inf  # the row itself
    edge = np.partition(squares, k - 1)[k - 1]
    room = ROUNDING * max(float(x @ x), edge)
    sure, tied = squares < edge - room, np.abs(squares - edge) <= room
    open_ = k - int(sure.sum())

    def means(of_rows: NDArray[Any]) -> NDArray[np.float64]:
        """Lowest and highest mean over k rows of what each has."""
        choice = np.sort(of_rows[tied])
        parts = choice[:open_], choice[-open_:]
        return np.array([(of_rows[sure].sum() + part.sum()) / k for part in parts])

    radius = np.log(means(np.asarray(memory.radius[...], np.float64)) + unit)
    raised = np.maximum(np.sqrt(edge), np.asarray(memory.least[...], np.float64))
    near = means(np.log(np.where(tied, raised, 1) + unit))
    return float(locality * np.ptp(radius) + np.ptp(near))
