"""A generator and one discriminator of rows: the networks of GAN and AnoGAN.

Sizes are those that the authors of ALAD compare it with, ``anogan/`` in their released code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
from flax import nnx
from jax import Array

from alad.networks.layers import Layer, Size, Stack
from alad.networks.models import Discriminator
from alad.networks.presets import KDD99, OUTPUT, Preset, hidden
from alad.networks.weights import Initializer

PROBES = 2048


class LatentSample(nnx.Variable):  # type: ignore[type-arg]
    """Latent vectors drawn once, which stay with the model."""


@dataclass(frozen=True)
class GanArchitecture:
    """G: z -> x and D: x -> logit, layer by layer; D's one logit is implied."""

    generator: tuple[Layer, ...]
    discriminator: tuple[Layer, ...]
    initializer: Initializer = "xavier"


class Generator(nnx.Module):
    """G: z -> x, with z ~ N(0, I).

    Attributes
    ----------
    probes : LatentSample of shape (2048, latent_dim)
        A fixed draw from the prior: where densities are estimated and searches begin, so that
        a score is a function of the model and the row alone.
    """

    def __init__(
        self, architecture: GanArchitecture, data_dim: Size, latent_dim: int, *, rngs: nnx.Rngs
    ) -> None:
        self.latent_dim = latent_dim
        self.of_z = Stack(
            architecture.generator,
            inputs=latent_dim,
            outputs=data_dim,
            rngs=rngs,
            initializer=architecture.initializer,
        )
        self.probes = LatentSample(jax.random.normal(rngs.params(), (PROBES, latent_dim)))

    def __call__(self, z: Array) -> Array:
        return self.of_z(z)

    def sample_z(self, key: Array, n: int) -> Array:
        """Draw n latent vectors from the prior, shape (n, latent_dim)."""
        return jax.random.normal(key, (n, self.latent_dim))


@dataclass(frozen=True)
class GanPlayers:
    """How to build {"G": generator, "D": {"x": discriminator}}: a value, as ``Players`` is."""

    architecture: GanArchitecture
    data_dim: Size
    latent_dim: int

    def __call__(self, key: Array) -> dict[str, nnx.Module]:
        """Build both players with weights drawn from ``key``."""
        rngs = nnx.Rngs(params=key, dropout=0)
        D = Discriminator(
            self.architecture.discriminator,
            inputs=(self.data_dim,),
            rngs=rngs,
            initializer=self.architecture.initializer,
        )
        G = Generator(self.architecture, self.data_dim, self.latent_dim, rngs=rngs)
        return {"D": nnx.Dict({"x": D}), "G": G}


GAN_KDD99 = Preset(
    source="anogan/kdd_utilities.py@1f1c310; settings as for ALAD",
    architecture=GanArchitecture(
        generator=KDD99.architecture.generator,
        discriminator=hidden(256, 128, 128, dropout=0.2),
    ),
    latent_dim=32,
    batch_size=50,
    learning_rate=1e-5,
    epochs=100,
    scaling="none",
)

GAN_ARRHYTHMIA = Preset(
    source="anogan/arrhythmia_utilities.py@1f1c310; settings as for ALAD",
    architecture=GanArchitecture(
        generator=hidden(128, 256, activation="relu") + OUTPUT,
        discriminator=hidden(256, dropout=0.2) + hidden(128, dropout=0.5),
    ),
    latent_dim=64,
    batch_size=32,
    learning_rate=1e-5,
    epochs=1000,
    scaling="none",
)

GAN_TABULAR = replace(
    GAN_KDD99,
    source="ours: the KDD99 networks, standardised columns, and as many steps as small data needs",
    learning_rate=2e-4,
    epochs=10,
    min_steps=4000,
    scaling="standard",
)

GAN_PRESETS = {"tabular": GAN_TABULAR, "kdd99": GAN_KDD99, "arrhythmia": GAN_ARRHYTHMIA}
