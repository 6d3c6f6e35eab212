"""E, G and the discriminators: small modules; architectures are values (presets.py)."""

from alad.networks.models import Autoencoder, JointDiscriminator, PairDiscriminator, Players
from alad.networks.presets import PRESETS, Architecture, Preset

__all__ = [
    "PRESETS",
    "Architecture",
    "Autoencoder",
    "JointDiscriminator",
    "PairDiscriminator",
    "Players",
    "Preset",
]
