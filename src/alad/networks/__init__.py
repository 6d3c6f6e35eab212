"""E, G and the discriminators: small modules; architectures are values (presets.py)."""

from alad.networks.models import Autoencoder, Discriminator, JointDiscriminator, Players
from alad.networks.presets import PRESETS, Architecture, Preset

__all__ = [
    "PRESETS",
    "Architecture",
    "Autoencoder",
    "Discriminator",
    "JointDiscriminator",
    "Players",
    "Preset",
]
