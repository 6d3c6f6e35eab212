r"""Anomaly scores of ALAD and its ancestors, larger = more anomalous, with z = E(x), x' = G(z).

==============  ==============================================  ================================
name            A(x)                                            source
==============  ==============================================  ================================
features        :math:`\| f_{xx}(x, x) - f_{xx}(x, x') \|_1`    the paper's score
logits          :math:`-\log \sigma(D_{xx}(x, x'))`             the paper's ablation
l1              :math:`\| x - x' \|_1`                          the paper's ablation
l2              :math:`\| x - x' \|_2`                          the paper's ablation
joint-features  :math:`(1 - w) \| x - x' \|_1`                  BiGAN's in EGBAD, with w = 0.1
                :math:`+ w \| f_{xz}(x, z) - f_{xz}(x', z)\|_1`
joint-logits    :math:`(1 - w) \| x - x' \|_1`                  the same, its other form
                :math:`- w \log \sigma(D_{xz}(x, z))`
==============  ==============================================  ================================

EGBAD: Zenati et al., Efficient GAN-Based Anomaly Detection, 2018, arXiv 1802.06222. f are the
activations of the layer before a discriminator's logit. Norms are sums over features, not
means. The networks come in evaluation mode: no dropout, no power iteration, stored batch
statistics; so a row's score depends on that row alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn import softplus

from alad.scores.memory import MEMORY_SCORES

JOINT_WEIGHT = 0.1  # EGBAD: 0.9 for the reconstruction

Networks = Mapping[str, Any]  # the autoencoder "A", and the discriminators "D" by their games
Score = Callable[[Networks, Array], Array]


def reconstruct(networks: Networks, x: Array) -> Array:
    """x' = G(E(x))."""
    A = networks["A"]
    reconstruction: Array = A.G(A.E(x))
    return reconstruction


def features(networks: Networks, x: Array) -> Array:
    """L1 distance that D_xx's features move when x is replaced by its reconstruction."""
    D = networks["D"]
    f_of_xx, f_of_xy = D["xx"].features_of_pairs(x, reconstruct(networks, x))
    return jnp.abs(f_of_xx - f_of_xy).sum(axis=-1)


def logits(networks: Networks, x: Array) -> Array:
    """-log of the probability that D_xx takes (x, x') for a real pair."""
    return softplus(-networks["D"]["xx"](x, reconstruct(networks, x)))


def l1(networks: Networks, x: Array) -> Array:
    """Sum of absolute reconstruction errors."""
    return _flat(jnp.abs(x - reconstruct(networks, x))).sum(axis=-1)


def l2(networks: Networks, x: Array) -> Array:
    """Euclidean norm of the reconstruction error."""
    return jnp.sqrt(_flat(jnp.square(x - reconstruct(networks, x))).sum(axis=-1))


def joint_features(networks: Networks, x: Array) -> Array:
    """Reconstruction error, and how far D_xz's features move when x is replaced by x'."""
    A, D = networks["A"], networks["D"]
    z = A.E(x)
    moved = jnp.abs(D["xz"].features(x, z) - D["xz"].features(A.G(z), z)).sum(axis=-1)
    return (1 - JOINT_WEIGHT) * l1(networks, x) + JOINT_WEIGHT * moved


def joint_logits(networks: Networks, x: Array) -> Array:
    """Reconstruction error, and -log of the probability that D_xz takes (x, E(x)) for real."""
    A, D = networks["A"], networks["D"]
    doubt = softplus(-D["xz"](x, A.E(x)))
    return (1 - JOINT_WEIGHT) * l1(networks, x) + JOINT_WEIGHT * doubt


def _flat(x: Array) -> Array:
    return x.reshape(len(x), math.prod(x.shape[1:]))  # -1 would be undefined for no rows


SCORES: dict[str, Score] = {
    "features": features,
    "logits": logits,
    "l1": l1,
    "l2": l2,
    "joint-features": joint_features,
    "joint-logits": joint_logits,
    **MEMORY_SCORES,
}
NEEDS = {  # the game whose discriminator a score looks at
    "features": "xx",
    "logits": "xx",
    "joint-features": "xz",
    "joint-logits": "xz",
    "memory": "xz",
}
ABLATION = ("features", "logits", "l1", "l2")  # the four that the paper compares


@dataclass(frozen=True)
class Several:
    """Several scores of the same rows, (n, k): what they share, as G(E(x)), is computed once."""

    names: tuple[str, ...]

    def __call__(self, networks: Networks, x: Array) -> Array:
        """A(x) by each score."""
        return jnp.stack([SCORES[name](networks, x) for name in self.names], axis=-1)
