"""Networks for pictures: the paper's for CIFAR-10 and SVHN, and the same rule for other sides.

The released code has them for pictures of 32 by 32 pixels: E, and the arm of D_xz that looks at x,
halve the picture until 4 by 4 are left, G doubles 4 by 4 until it is whole. For other sides there
are as many halvings as it takes, and the channels double from the first layer to the last, which
has 512 as in the paper (or another ``width``). A side that is odd on the way down is rounded up, to
3 by 3 at the end where 4 by 4 is not met, and the picture that G makes is cut to its middle.

What the talk's table of networks prints and the released code contradicts, we take from the code:
E's last layer and D_xx have no batch normalisation, z is what E's last convolution gives, and D_xz
ends in one logit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from alad.networks.layers import ConvLayer, Size
from alad.networks.presets import Architecture, Preset, hidden

SMALLEST = 8  # pixels a side; below it no halving is left to learn from
MAP = 4  # pixels a side of the smallest map
NARROWEST = 16  # channels


@dataclass(frozen=True)
class PictureNetworks:
    """The five networks for square pictures of a size, as a rule.

    Parameters
    ----------
    width : int
        Channels of the map of 4 by 4; all else is in proportion. The paper's: 512.

    >>> of_cifar10 = PictureNetworks(512)((32, 32, 3))
    >>> [layer.units for layer in of_cifar10.encoder]
    [128, 256, 512, None]
    """

    width: int = 512

    def __call__(self, size: Size) -> Architecture:
        """The networks for pictures of (side, side, channels)."""
        assert not isinstance(size, int)
        halvings, smallest = _halvings(size[0])
        down = self._channels(halvings, self.width)
        first, *others = down
        d_xx = self._channels(max(halvings - 1, 1), self.width // 4)
        return Architecture(
            encoder=(
                *(ConvLayer(c, "leaky_relu", batch_norm=True, spectral=True) for c in down),
                ConvLayer(None, kernel=smallest, whole=True),
            ),
            generator=(
                ConvLayer(
                    self.width,
                    "relu",
                    batch_norm=True,
                    kernel=smallest,
                    transposed=True,
                    whole=True,
                ),
                *(
                    ConvLayer(c, "relu", batch_norm=True, transposed=True)
                    for c in reversed(down[:-1])
                ),
                ConvLayer(None, "tanh", transposed=True),
            ),
            xz_of_x=(
                ConvLayer(first, "leaky_relu", spectral=True),
                *(ConvLayer(c, "leaky_relu", batch_norm=True, spectral=True) for c in others),
            ),
            xz_of_z=hidden(self.width, self.width, dropout=0.2, spectral=True),
            xz_joint=hidden(2 * self.width, dropout=0.2, spectral=True),
            xx=tuple(
                ConvLayer(c, "leaky_relu", kernel=5, dropout=0.2, spectral=True) for c in d_xx
            ),
            zz=hidden(64, 32, dropout=0.2, spectral=True),
            initializer="normal(0.01)",
            xx_joined="height",
        )

    @staticmethod
    def _channels(layers: int, last: int) -> list[int]:
        return [max(last >> i, NARROWEST) for i in reversed(range(layers))]


def _halvings(side: int) -> tuple[int, int]:
    """How often a side is halved, rounding up, until at most MAP pixels are left; and how many."""
    halvings = (-(-side // MAP) - 1).bit_length()
    return halvings, -(-side // 2**halvings)


CIFAR10 = Preset(
    source="alad/cifar10_utilities.py@1f1c310; settings: the paper's appendix",
    architecture=PictureNetworks(512),
    latent_dim=100,
    batch_size=32,
    learning_rate=2e-4,
    epochs=100,
    patience=10,
    validation_fraction=0.25,
    scaling="pixels",
    spectral_norm=True,
    pictures=True,
)

SVHN = replace(CIFAR10, source="alad/svhn_utilities.py@1f1c310, the same networks as for CIFAR-10")

PICTURES = replace(
    CIFAR10,
    source="ours: the CIFAR-10 networks at a quarter of the width, and as many steps as few "
    "pictures need",
    architecture=PictureNetworks(128),
    epochs=20,
    min_steps=2000,
    patience=None,
    validation_fraction=0.0,
)

PICTURE_PRESETS = {"pictures": PICTURES, "cifar10": CIFAR10, "svhn": SVHN}
