"""From A(x) to what is done with it: the threshold, and p-values where there is a calibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alad.export.graph import LARGEST, Graph, Tensor, absolute, apply, taken, where


def settled(score: Tensor) -> Tensor:
    """A(x) in double precision; the largest number of float32 where it overflowed."""
    score = score.to(np.float64)
    lost = apply("IsNaN", score, dtype=np.bool_)
    too_large = apply("IsInf", score, dtype=np.bool_, detect_negative=0)
    return where(lost | too_large, LARGEST, score)


def decide(
    graph: Graph,
    score: Tensor,
    threshold: float,
    kept: NDArray[np.float64] | None,
    slack: tuple[float, float],
) -> None:
    """Give the graph its outputs, with ``p_value`` if there are scores of a calibration.

    Rows that are equal share a score, so many may lie exactly at the threshold or at a kept score,
    and no program of ours and of others rounds alike. So what is within the rounding of a number
    counts as that number: the decision is made on A less ``slack``, relative to max(|A|, unit).
    """
    relative, unit = slack
    lowered = score - relative * apply("Max", absolute(score), score.graph.constant(np.array(unit)))
    graph.output("anomaly_score", score)
    graph.output("is_anomaly", lowered > threshold)
    if kept is not None:
        graph.output("p_value", p_values(lowered, kept))


def p_values(score: Tensor, kept: NDArray[np.float64]) -> Tensor:
    """(1 + the number of kept scores that are at least A(x)) / (m + 1), kept scores ascending."""
    m = len(kept)
    return (m + 1 - below(score, kept).to(np.float64)) / (m + 1)


def below(score: Tensor, ascending: NDArray[np.float64]) -> Tensor:
    """How many of the numbers are smaller than each score, by bisection, (n,)."""
    steps = len(ascending).bit_length()
    padded = np.full(2**steps, np.inf)  # what was filled in is below nothing
    padded[: len(ascending)] = ascending
    half = 2 ** (steps - 1)
    count: Tensor = half * (score > padded[half - 1]).to(np.int64)
    for step in (2**i for i in reversed(range(steps - 1))):
        more = count + step
        count = where(taken(padded, more - 1) < score, more, count)
    return count
