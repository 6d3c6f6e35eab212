"""E, G and the discriminators: small modules; architectures are values (presets.py)."""

from alad.networks.layers import Size
from alad.networks.models import Autoencoder, Discriminator, JointDiscriminator, Players
from alad.networks.pictures import PICTURE_PRESETS
from alad.networks.presets import PRESETS, Architecture, Preset

__all__ = [
    "PICTURE_PRESETS",
    "PRESETS",
    "Architecture",
    "Autoencoder",
    "Discriminator",
    "JointDiscriminator",
    "Players",
    "Preset",
    "Size",
]
