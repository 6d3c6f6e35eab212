r"""Anomaly scores of a trained ALAD, larger = more anomalous, with x' = G(E(x)).

========  ============================================  =====================================
name      A(x)                                          source
========  ============================================  =====================================
features  :math:`\| f_{xx}(x, x) - f_{xx}(x, x') \|_1`  the paper's score, equation 6
logits    :math:`-\log \sigma(D_{xx}(x, x'))`           the paper's ablation, table IX
l1        :math:`\| x - x' \|_1`                        the paper's ablation
l2        :math:`\| x - x' \|_2`                        the paper's ablation
========  ============================================  =====================================

f_xx are the activations of the layer before D_xx's logit. Norms are sums over features, not
means. The networks come in evaluation mode: no dropout, no power iteration, stored batch
statistics; so a row's score depends on that row alone. D is the dictionary of discriminators.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn import softplus

Score = Callable[[Any, Mapping[str, Any], Array], Array]


def reconstruct(A: Any, x: Array) -> Array:
    """x' = G(E(x))."""
    reconstruction: Array = A.G(A.E(x))
    return reconstruction


def features(A: Any, D: Mapping[str, Any], x: Array) -> Array:
    """L1 distance that D_xx's features move when x is replaced by its reconstruction."""
    f_of_xx, f_of_xy = D["xx"].features_of_pairs(x, reconstruct(A, x))
    return jnp.abs(f_of_xx - f_of_xy).sum(axis=-1)


def logits(A: Any, D: Mapping[str, Any], x: Array) -> Array:
    """-log of the probability that D_xx takes (x, x') for a real pair."""
    return softplus(-D["xx"](x, reconstruct(A, x)))


def l1(A: Any, D: Mapping[str, Any], x: Array) -> Array:
    """Sum of absolute reconstruction errors."""
    return _flat(jnp.abs(x - reconstruct(A, x))).sum(axis=-1)


def l2(A: Any, D: Mapping[str, Any], x: Array) -> Array:
    """Euclidean norm of the reconstruction error."""
    return jnp.sqrt(_flat(jnp.square(x - reconstruct(A, x))).sum(axis=-1))


def _flat(x: Array) -> Array:
    return x.reshape(len(x), math.prod(x.shape[1:]))  # -1 would be undefined for no rows


SCORES: dict[str, Score] = {"features": features, "logits": logits, "l1": l1, "l2": l2}
NEEDS = {"features": "xx", "logits": "xx"}  # the game whose discriminator a score looks at
