r"""How far the discriminators' doubt can be believed: settled on rows that training did not see.

With :math:`\ell(x) = a_1 D_{xz}(x, E(x)) + a_2 D_{xx}(x, x) + b`, n held-out rows x and the same
rows with exchanged columns :math:`\tilde x`, m in all (:mod:`alad.objectives.neighbourhood`),

.. math::

    \min_{0 \le a \le 1, \, b} \; \frac{1}{n} \sum_x \log(1 + e^{-\ell(x)})
    + \frac{1}{m} \sum_{\tilde x} \log(1 + e^{\ell(\tilde x)}) + \frac{30}{2 n} (|a|^2 + b^2)

A discriminator that has learned its rows by heart tells no others apart: its a is near 0 then. One
that is right of rows it has not seen keeps what it says, and is never taken at more than its word.
The last term is a prior that weighs as much as thirty rows: few rows prove little.

Source: Platt, Probabilities for SV machines, 1999; the prior and the bounds are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from alad.estimators._given import Matrix, some_rows
from alad.objectives.neighbourhood import exchanged

SHARE, MOST = 0.2, 4096  # of the rows, that training does not see
LEAST = 10  # of fewer rows nothing can be said
PRIOR = 30  # rows
FORGERIES = 2000  # at least, a whole number for each row
MOST_LOGIT = 1e3  # beyond which a logit says no more

Logits = NDArray[np.float32]


class Belief(NamedTuple):
    """The a of D_xz and of D_xx, and b."""

    slopes: tuple[float, ...]
    intercept: float


NONE = Belief((0.0, 0.0), 0.0)  # every row is doubted alike


def held_for_doubt(n: int) -> int:
    """How many of n rows training is not to see."""
    held = min(int(SHARE * n), MOST)
    return held if held >= LEAST else 0


def belief(logits: Callable[[Matrix], Logits], held: Matrix, seed: int) -> Belief:
    """Settle a and b by held-out rows, (n, d), of which ``logits`` gives (n, 2); none of few."""
    if len(held) < LEAST:
        return NONE
    rows = some_rows(held, MOST, seed)
    return fitted(logits(rows), logits(forged(rows, seed)))


def forged(held: Matrix, seed: int) -> Matrix:
    """Rows with exchanged columns, made of each row as often as it takes."""
    copies = -(-FORGERIES // len(held))
    keys = jax.random.split(jax.random.key(seed), copies)
    forge = jax.jit(exchanged)  # one program to compile, not one for each of its operations
    made = [np.asarray(forge(jnp.asarray(held), key)) for key in keys]
    return np.concatenate(made)


def fitted(real: Logits, forged: Logits) -> Belief:
    """Minimise the formula above for logits of rows of both kinds, (n, k) and (m, k)."""
    logits = np.nan_to_num(np.concatenate([real, forged]).astype(np.float64))
    logits = np.clip(logits, -MOST_LOGIT, MOST_LOGIT)
    sign = np.repeat([1.0, -1.0], [len(real), len(forged)])
    weight = np.repeat([1 / len(real), 1 / len(forged)], [len(real), len(forged)])
    prior, k = PRIOR / len(real), logits.shape[1]

    def loss(ab: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (logits @ ab[:k] + ab[k])
        slope = -weight * sign * expit(-margin)
        value = weight @ np.logaddexp(0, -margin) + prior / 2 * ab @ ab
        return float(value), np.append(slope @ logits, slope.sum()) + prior * ab

    bounds = [*[(0, 1)] * k, (None, None)]
    *slopes, intercept = minimize(loss, np.zeros(k + 1), jac=True, bounds=bounds).x
    return Belief(tuple(map(float, slopes)), float(intercept))
