"""Architectures as values, each with its source. A new data set is a new value here.

``Architecture`` describes ALAD's E, G and three discriminators; ``Preset`` adds the settings that
the source trains it with. The other methods' values stand beside their networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from alad.networks.layers import Activation, DenseLayer, Layer, Size
from alad.networks.weights import Initializer

Joined = Literal["features", "height"]


@dataclass(frozen=True)
class Architecture:
    """The five networks of ALAD, layer by layer.

    The discriminators' last layer, one logit, is implied. ``xz_of_x`` and ``xz_of_z`` are the
    two arms of D_xz, which meet in ``xz_joint``. D_xx's features f are what its last layer here
    puts out. ``xx_joined`` says how D_xx sees a pair: side by side as columns or channels
    ("features"), or as one picture above the other ("height").
    """

    encoder: tuple[Layer, ...]
    generator: tuple[Layer, ...]
    xz_of_x: tuple[Layer, ...]
    xz_of_z: tuple[Layer, ...]
    xz_joint: tuple[Layer, ...]
    xx: tuple[Layer, ...]
    zz: tuple[Layer, ...]
    initializer: Initializer = "xavier"
    xx_joined: Joined = "features"


@dataclass(frozen=True)
class Preset:
    """An architecture with the settings that its source trains it with.

    Training lasts ``epochs``, or longer where that makes fewer than ``min_steps`` steps.
    ``latent_dim`` is the width of z for methods that draw it, ``spectral_norm`` is for ALAD's.
    ``architecture`` may be a rule that gives one for the size of a row. ``pictures`` says that rows
    are pictures. ``anomaly_score`` is ALAD's where it is not the paper's, and ``exchange`` adds
    forgeries with exchanged columns (:mod:`alad.objectives.neighbourhood`).
    """

    source: str
    architecture: Any
    batch_size: int
    learning_rate: float
    epochs: int
    scaling: str
    latent_dim: int = 1
    spectral_norm: bool = False
    beta1: float = 0.5
    ema_decay: float = 0.999  # alad/run.py@1f1c310, ema_decay
    patience: int | None = None
    validation_fraction: float = 0.0
    min_steps: int = 0
    pictures: bool = False
    anomaly_score: str | None = None
    exchange: bool = False

    def architecture_for(self, size: Size) -> Any:
        """The architecture for rows of this size."""
        return self.architecture(size) if callable(self.architecture) else self.architecture


def hidden(
    *units: int,
    activation: Activation = "leaky_relu",
    batch_norm: bool = False,
    dropout: float = 0.0,
    spectral: bool = False,
) -> tuple[DenseLayer, ...]:
    """Dense layers of the given widths that are alike in everything else."""
    return tuple(DenseLayer(u, activation, batch_norm, dropout, spectral) for u in units)


OUTPUT = (DenseLayer(None),)

KDD99_ARCHITECTURE = Architecture(
    encoder=hidden(64) + OUTPUT,
    generator=hidden(64, 128, activation="relu") + OUTPUT,
    xz_of_x=hidden(128, batch_norm=True, spectral=True),
    xz_of_z=hidden(128, dropout=0.5, spectral=True),
    xz_joint=hidden(128, dropout=0.5, spectral=True),
    xx=hidden(128, dropout=0.2, spectral=True),
    zz=hidden(32, dropout=0.2, spectral=True),
)

KDD99 = Preset(
    source="alad/kdd_utilities.py@1f1c310; epochs and settings: the paper's appendix",
    architecture=KDD99_ARCHITECTURE,
    latent_dim=32,
    batch_size=50,
    learning_rate=1e-5,
    epochs=100,
    scaling="none",  # the released loader has min-max scaling, switched off
    spectral_norm=False,  # the released tabular networks ignore the flag
)

ARRHYTHMIA = Preset(
    source="alad/arrhythmia_utilities.py@1f1c310; epochs: the paper's appendix",
    architecture=Architecture(
        encoder=hidden(256, 128) + OUTPUT,
        generator=hidden(128, 256, activation="relu") + OUTPUT,
        xz_of_x=hidden(128, batch_norm=True, spectral=True),
        xz_of_z=hidden(128, dropout=0.5, spectral=True),
        xz_joint=hidden(256, dropout=0.5, spectral=True),
        xx=hidden(256, 128, dropout=0.2, spectral=True),
        zz=hidden(64, 32, dropout=0.2, spectral=True),
    ),
    latent_dim=64,
    batch_size=32,
    learning_rate=1e-5,
    epochs=1000,
    scaling="none",
    spectral_norm=False,
)


def tabular_architecture(d: int) -> Architecture:
    """Networks for a table of d columns: as wide as the next power of two, from 64 to 256."""
    width = min(max(64, 1 << (d - 1).bit_length()), 256)
    return Architecture(
        encoder=hidden(width) + OUTPUT,
        generator=hidden(width, width, activation="relu") + OUTPUT,
        xz_of_x=hidden(width, spectral=True),
        xz_of_z=hidden(width, spectral=True),
        xz_joint=hidden(width, spectral=True),
        xx=hidden(width, width, spectral=True),
        zz=hidden(32, spectral=True),
    )


TABULAR = Preset(
    source="ours, for any table: docs/quality.md has what each part is worth",
    architecture=tabular_architecture,
    latent_dim=32,
    batch_size=64,
    learning_rate=1e-3,
    epochs=4,
    min_steps=2000,
    scaling="log-standard",
    ema_decay=0.995,
    anomaly_score="memory",
    exchange=True,
)

PRESETS = {"tabular": TABULAR, "kdd99": KDD99, "arrhythmia": ARRHYTHMIA}
