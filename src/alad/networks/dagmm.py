"""The networks of DAGMM: compression (E, G), estimation, and the mixture that they lead to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from alad.networks.layers import DenseLayer, Size, Stack
from alad.networks.presets import OUTPUT, Preset, hidden

ERRORS = 2  # relative distance and cosine: what z has beside E's own outputs


class MixtureStatistic(nnx.Variable):  # type: ignore[type-arg]
    """A parameter of the mixture that is not learned by gradient, but counted from rows."""


@dataclass(frozen=True)
class MixtureArchitecture:
    """E and G, the estimation network without its last layer, and the number of components."""

    encoder: tuple[DenseLayer, ...]
    generator: tuple[DenseLayer, ...]
    estimator: tuple[DenseLayer, ...]
    components: int


class MixtureNetwork(nnx.Module):
    """E: x -> z_c, G: z_c -> x', and the share of each component in a latent vector z.

    Attributes
    ----------
    weights, means, covariances : MixtureStatistic of shape (k,), (k, d), (k, d, d)
        The mixture of all training rows, which scoring uses; standard normals before that.
    """

    def __init__(
        self, architecture: MixtureArchitecture, data_dim: Size, *, rngs: nnx.Rngs
    ) -> None:
        self.E = Stack(architecture.encoder, inputs=(data_dim,), rngs=rngs)
        self.G = Stack(architecture.generator, inputs=self.E.width, outputs=data_dim, rngs=rngs)
        d, k = self.E.width + ERRORS, architecture.components
        self.estimator = Stack((*architecture.estimator, DenseLayer(k)), inputs=d, rngs=rngs)
        self.weights = MixtureStatistic(jnp.full(k, 1 / k))
        self.means = MixtureStatistic(jnp.zeros((k, d)))
        self.covariances = MixtureStatistic(jnp.tile(jnp.eye(d), (k, 1, 1)))

    def membership(self, z: Array) -> Array:
        """The share of each component in each latent vector, (n, k); rows sum to one."""
        return jax.nn.softmax(self.estimator(z))


@dataclass(frozen=True)
class MixturePlayers:
    """How to build {"N": mixture network}: a value, as ``Players`` is."""

    architecture: MixtureArchitecture
    data_dim: Size

    def __call__(self, key: Array) -> dict[str, nnx.Module]:
        """Build the network with weights drawn from ``key``."""
        rngs = nnx.Rngs(params=key, dropout=0)
        return {"N": MixtureNetwork(self.architecture, self.data_dim, rngs=rngs)}


DAGMM_KDD99 = Preset(
    source="Zong et al., ICLR 2018, section 4.3; dagmm/kdd_utilities.py@1f1c310",
    architecture=MixtureArchitecture(
        encoder=(*hidden(60, 30, 10, activation="tanh"), DenseLayer(1)),
        generator=hidden(10, 30, 60, activation="tanh") + OUTPUT,
        estimator=hidden(10, activation="tanh", dropout=0.5),
        components=4,
    ),
    batch_size=1024,
    learning_rate=1e-4,
    epochs=200,
    scaling="minmax",
    ema_decay=0.0,
)

DAGMM_ARRHYTHMIA = Preset(
    source="Zong et al., ICLR 2018, section 4.3; dagmm/arrhythmia_utilities.py@1f1c310",
    architecture=MixtureArchitecture(
        encoder=(*hidden(10, activation="tanh"), DenseLayer(2)),
        generator=hidden(10, activation="tanh") + OUTPUT,
        estimator=hidden(10, activation="tanh", dropout=0.5),
        components=2,
    ),
    batch_size=128,
    learning_rate=1e-4,
    epochs=10_000,
    scaling="minmax",
    ema_decay=0.0,
)

DAGMM_TABULAR = replace(
    DAGMM_KDD99,
    source="ours: the KDD99 networks, standardised columns, and as many steps as small data needs",
    batch_size=256,
    learning_rate=1e-3,
    epochs=10,
    min_steps=4000,
    scaling="standard",
)

DAGMM_PRESETS = {"tabular": DAGMM_TABULAR, "kdd99": DAGMM_KDD99, "arrhythmia": DAGMM_ARRHYTHMIA}
