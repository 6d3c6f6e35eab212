"""The network of DSEBM: what stands in its energy beside the distance from a point b'."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax.numpy as jnp
from flax import nnx
from jax import Array

from alad.networks.layers import ConvLayer, Layer, Size, Stack, shape_of
from alad.networks.presets import Preset, hidden


@dataclass(frozen=True)
class EnergyArchitecture:
    """The hidden layers h; the energy sums what the last one puts out."""

    layers: tuple[Layer, ...]


class EnergyNetwork(nnx.Module):
    """h: x -> (n, units), and the point b' that the energy's bowl stands on."""

    def __init__(self, architecture: EnergyArchitecture, data_dim: Size, *, rngs: nnx.Rngs) -> None:
        self.h = Stack(architecture.layers, inputs=(data_dim,), rngs=rngs)
        self.b = nnx.Param(jnp.zeros(shape_of(data_dim)))


@dataclass(frozen=True)
class EnergyPlayers:
    """How to build {"N": energy network}: a value, as ``Players`` is."""

    architecture: EnergyArchitecture
    data_dim: Size

    def __call__(self, key: Array) -> dict[str, nnx.Module]:
        """Build the network with weights drawn from ``key``."""
        rngs = nnx.Rngs(params=key, dropout=0)
        return {"N": EnergyNetwork(self.architecture, self.data_dim, rngs=rngs)}


DSEBM_KDD99 = Preset(
    source="dsebm/kdd_utilities.py@1f1c310; columns scaled, for noise of one size suits no bytes",
    architecture=EnergyArchitecture(hidden(128, 512, activation="softplus")),
    batch_size=100,
    learning_rate=1e-4,
    epochs=100,
    scaling="minmax",
    ema_decay=0.999,
)

DSEBM_ARRHYTHMIA = Preset(
    source="dsebm/arrhythmia_utilities.py@1f1c310; columns scaled",
    architecture=EnergyArchitecture(hidden(10, 2, activation="softplus")),
    batch_size=26,
    learning_rate=1e-4,
    epochs=1000,
    scaling="standard",
)

DSEBM_TABULAR = replace(
    DSEBM_KDD99,
    source="ours: the KDD99 network, standardised columns, and as many steps as small data needs",
    learning_rate=1e-3,
    epochs=10,
    min_steps=4000,
    scaling="standard",
)

DSEBM_CIFAR10 = Preset(
    source="dsebm/cifar10_utilities.py@1f1c310",
    architecture=EnergyArchitecture(
        (ConvLayer(64, "softplus", kernel=3, pooled=True), *hidden(128, activation="softplus"))
    ),
    batch_size=32,
    learning_rate=3e-3,
    epochs=100,
    patience=25,
    validation_fraction=0.25,
    scaling="pixels",
    pictures=True,
)

DSEBM_PICTURES = replace(
    DSEBM_CIFAR10,
    source="ours: the CIFAR-10 network, and as many steps as few pictures need",
    learning_rate=1e-3,
    epochs=20,
    min_steps=2000,
    patience=None,
    validation_fraction=0.0,
)

DSEBM_PRESETS = {"tabular": DSEBM_TABULAR, "kdd99": DSEBM_KDD99, "arrhythmia": DSEBM_ARRHYTHMIA}

DSEBM_PICTURE_PRESETS = {
    "pictures": DSEBM_PICTURES,
    "cifar10": DSEBM_CIFAR10,
    "svhn": DSEBM_CIFAR10,
}
