"""The scores of :mod:`alad.scores` as a graph: one function for each, under the same name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from alad.export.graph import (
    Tensor,
    absolute,
    apply,
    column,
    every,
    flat,
    integers,
    joined,
    largest,
    log,
    mean,
    part,
    root,
    smallest,
    softplus,
    some,
    square,
    taken,
    taken_along,
    total,
    where,
)
from alad.export.layers import features as features_of
from alad.export.layers import features_of_pairs, logit, stack
from alad.networks.memory import Memory
from alad.objectives.dagmm import FLOOR, RAISED, TINY
from alad.scores.alad import JOINT_WEIGHT
from alad.scores.memory import DOUBT, LOCALITY, MOST_DOUBT, NEIGHBOURS

LAST_BITS = 2.0**-22  # of a float32, whose fraction has 23

Networks = Mapping[str, Any]
Score = Callable[[Networks, Tensor], Tensor]
Vector = NDArray[np.float64]


def encode(networks: Networks, x: Tensor) -> Tensor:
    """z = E(x)."""
    return stack(networks["A"].E, x)


def reconstruct(networks: Networks, x: Tensor) -> Tensor:
    """x' = G(E(x))."""
    return stack(networks["A"].G, encode(networks, x))


def features(networks: Networks, x: Tensor) -> Tensor:
    """L1 distance that D_xx's features move when x is replaced by its reconstruction."""
    of_xx, of_xy = features_of_pairs(networks["D"]["xx"], x, reconstruct(networks, x))
    return total(absolute(of_xx - of_xy))


def logits(networks: Networks, x: Tensor) -> Tensor:
    """-log of the probability that D_xx takes (x, x') for a real pair."""
    return softplus(-logit(networks["D"]["xx"], x, reconstruct(networks, x)))


def l1(networks: Networks, x: Tensor) -> Tensor:
    """Sum of absolute reconstruction errors."""
    return total(absolute(flat(x - reconstruct(networks, x))))


def l2(networks: Networks, x: Tensor) -> Tensor:
    """Euclidean norm of the reconstruction error."""
    return root(total(square(flat(x - reconstruct(networks, x)))))


def joint_features(networks: Networks, x: Tensor) -> Tensor:
    """Reconstruction error, and how far D_xz's features move when x is replaced by x'."""
    D, z = networks["D"]["xz"], encode(networks, x)
    x_ = stack(networks["A"].G, z)
    moved = total(absolute(features_of(D, x, z) - features_of(D, x_, z)))
    return (1 - JOINT_WEIGHT) * total(absolute(flat(x - x_))) + JOINT_WEIGHT * moved


def joint_logits(networks: Networks, x: Tensor) -> Tensor:
    """Reconstruction error, and -log of the probability that D_xz takes (x, E(x)) for real."""
    doubt = softplus(-logit(networks["D"]["xz"], x, encode(networks, x)))
    return (1 - JOINT_WEIGHT) * l1(networks, x) + JOINT_WEIGHT * doubt


def distance(networks: Networks, x: Tensor) -> Tensor:
    """Logarithm of the geometric mean distance to the nearest rows of the memory."""
    M = networks["M"]
    distances, _ = nearest(M, x, NEIGHBOURS)
    return mean(log(distances + np.asarray(M.unit[...])))


def local_distance(networks: Networks, x: Tensor) -> Tensor:
    """The same, in part relative to how far apart the rows of the memory lie there."""
    M = networks["M"]
    unit = np.asarray(M.unit[...])
    distances, radii = nearest(M, x, NEIGHBOURS)
    return mean(log(distances + unit)) - LOCALITY * log(mean(radii) + unit)


def memory(networks: Networks, x: Tensor) -> Tensor:
    """The same, and the doubt of D_xz in (x, E(x)) and of D_xx in (x, x)."""
    D, M = networks["D"], networks["M"]
    a, b = np.asarray(M.slopes[...]), np.asarray(M.intercept[...])
    own = a[0] * logit(D["xz"], x, encode(networks, x))
    own = own + a[1] * logit(D["xx"], x, x) if "xx" in D else own
    doubt = softplus(-(own + b))
    doubt = where(doubt > MOST_DOUBT, MOST_DOUBT, doubt)
    return local_distance(networks, x) + DOUBT * np.asarray(M.trust[...]) * doubt


def energy(networks: Networks, x: Tensor) -> Tensor:
    """DSEBM's E(x): half the squared distance from b', less what h puts out."""
    N = networks["N"]
    bowl = total(square(flat(x - np.asarray(N.b[...])))) * 0.5
    return bowl - total(flat(stack(N.h, x)))


SCORES: dict[str, Score] = {
    "features": features,
    "logits": logits,
    "l1": l1,
    "l2": l2,
    "joint-features": joint_features,
    "joint-logits": joint_logits,
    "distance": distance,
    "local-distance": local_distance,
    "memory": memory,
}
SCORES_OF_DSEBM: dict[str, Score] = {"energy": energy}


# ------------------------------------------------------------------------------- mixtures


def latent(N: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """DAGMM's z, (n, d), and the length of the reconstruction error, (n, 1)."""
    z = stack(N.E, x)
    y = stack(N.G, z)
    error, length = _norm(x - y), _norm(x)
    cosine = total(x * y, keep=True) / (length * _norm(y) + TINY)
    return joined([z, error / (length + TINY), cosine]), error


def _norm(x: Tensor) -> Tensor:
    return root(total(square(x), keep=True) + TINY)


def row_energy(networks: Networks, x: Tensor) -> Tensor:
    """-log of the density of z under the mixture that N keeps."""
    N = networks["N"]
    z, _ = latent(N, x)
    kept = (np.asarray(part[...], np.float64) for part in (N.weights, N.means, N.covariances))
    terms = [_log_density(z, *component) for component in zip(*kept, strict=True)]
    return -apply("ReduceLogSumExp", joined(terms), integers(z, 1), keepdims=0)


def _log_density(z: Tensor, weight: float, centre: Vector, covariance: Vector) -> Tensor:
    """Of a weighted Gaussian, (n, 1), whose variances are raised as in training."""
    raised = covariance + np.diag(FLOOR + RAISED * np.diagonal(covariance))
    factor = np.linalg.cholesky(raised)
    whitened = (z - centre) @ np.linalg.inv(factor).T
    constant = len(centre) / 2 * math.log(2 * math.pi) + np.log(np.diagonal(factor)).sum()
    return float(math.log(weight + TINY) - constant) - 0.5 * total(square(whitened), keep=True)


def reconstruction_error(networks: Networks, x: Tensor) -> Tensor:
    """DAGMM's norm of x - x'."""
    return column(latent(networks["N"], x)[1])


SCORES_OF_DAGMM: dict[str, Score] = {"energy": row_energy, "reconstruction": reconstruction_error}


# ----------------------------------------------------------------------------- the memory


def nearest(M: Memory, x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Distances of squashed x to the k nearest rows, nearest first, and their radii: (n, k)."""
    rows = np.asarray(M.rows[...])
    kept, k = _halved(x, rows), min(k, len(rows) - 1)
    x = squashed(x, float(M.scale[...][0]))
    lengths = np.asarray(jnp.square(M.rows[...]).sum(axis=1))
    _, near = largest((2 * x) @ apply("Transpose", kept, perm=[1, 0]) - lengths, k + 1)
    candidates, here = taken(kept, near), apply("Unsqueeze", x, x.graph.constant(np.array([1])))
    is_itself = every(_alike(candidates, here, is_squashed=bool(np.isfinite(M.scale[...][0]))))
    squares = total(square(here - candidates))
    _, order = smallest(where(is_itself, -1, squares), k + 1)
    near = taken_along(near, order)
    distance, least = root(taken_along(squares, order)), taken(np.asarray(M.least[...]), near)
    distance = where(least > distance, least, distance)
    radius = taken(np.asarray(M.radius[...]), near)
    has_itself = some(is_itself, keep=True)
    return _without_itself(has_itself, distance, k), _without_itself(has_itself, radius, k)


def _alike(kept: Tensor, x: Tensor, *, is_squashed: bool) -> Tensor:
    """Where x is the kept number, or rounds to it.

    Squashing rounds otherwise here than in XLA, in the last bits of a float32. So a squashed number
    between two of half precision may round to either.
    """
    either = kept.equals(x) | kept.equals(rounded(x))
    if not is_squashed:
        return either
    return (
        either
        | kept.equals(rounded(x * (1 - LAST_BITS)))
        | kept.equals(rounded(x * (1 + LAST_BITS)))
    )


def _without_itself(has_itself: Tensor, x: Tensor, k: int) -> Tensor:
    """Of k + 1 neighbours leave out the first, which is the row, or else the last."""
    return where(has_itself, part(x, 1, k + 1), part(x, 0, k))


def _halved(x: Tensor, rows: np.ndarray[Any, Any]) -> Tensor:
    """Rows as a constant, stored in half precision where that is exact."""
    with np.errstate(over="ignore"):
        half = rows.astype(np.float16)
    exact = np.array_equal(half.astype(rows.dtype), rows)
    return x.graph.constant(half if exact else rows).to(np.float32)


def rounded(x: Tensor) -> Tensor:
    """Round to half precision."""
    return x.to(np.float16).to(np.float32)


def squashed(x: Tensor, scale: float) -> Tensor:
    """±c log(1 + |x| / c), in double precision; x itself where c is infinite."""
    if not np.isfinite(scale):
        return x
    y = scale * log(1 + absolute(x).to(np.float64) / scale)
    return apply("Sign", x) * y.to(np.float32)
