"""Networks for pictures: the sizes of the released code, and of the same rule for other sides."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.networks import PICTURE_PRESETS, Players
from alad.networks.dsebm import DSEBM_PICTURE_PRESETS, EnergyPlayers
from alad.networks.layers import ConvLayer
from alad.networks.pictures import PictureNetworks

GAMES = ("xz", "xx", "zz")


def described(layers):
    """Each layer in a word: c128 b s is a convolution to 128 channels with batch norm and SN."""
    words = []
    for layer in layers:
        kind = "c" if isinstance(layer, ConvLayer) else "d"
        kind = f"{kind}{layer.kernel}" if kind == "c" else kind
        marks = {
            "b": layer.batch_norm,
            "s": layer.spectral,
            "t": getattr(layer, "transposed", False),
            "w": getattr(layer, "whole", False),
            "o": layer.dropout > 0,
        }
        name = "".join(mark for mark, on in marks.items() if on)
        words.append(f"{kind}:{layer.units or ''}:{name}:{layer.activation}")
    return " ".join(words)


def test_the_networks_for_cifar10_are_those_of_the_released_code():
    a = PICTURE_PRESETS["cifar10"].architecture_for((32, 32, 3))
    assert described(a.encoder) == (
        "c4:128:bs:leaky_relu c4:256:bs:leaky_relu c4:512:bs:leaky_relu c4::w:linear"
    )
    assert described(a.generator) == ("c4:512:btw:relu c4:256:bt:relu c4:128:bt:relu c4::t:tanh")
    assert described(a.xz_of_x) == "c4:128:s:leaky_relu c4:256:bs:leaky_relu c4:512:bs:leaky_relu"
    assert described(a.xz_of_z) == "d:512:so:leaky_relu d:512:so:leaky_relu"
    assert described(a.xz_joint) == "d:1024:so:leaky_relu"
    assert described(a.xx) == "c5:64:so:leaky_relu c5:128:so:leaky_relu"
    assert described(a.zz) == "d:64:so:leaky_relu d:32:so:leaky_relu"
    assert {layer.dropout for layer in (*a.xz_of_z, *a.xz_joint, *a.xx, *a.zz)} == {0.2}
    assert (a.initializer, a.xx_joined) == ("normal(0.01)", "height")


def test_the_features_that_meet_are_as_wide_as_in_the_released_code():
    players = Players(PictureNetworks(512)((32, 32, 3)), (32, 32, 3), 100, GAMES, True)
    D = jax.eval_shape(players, jax.random.key(0))["D"]
    assert D["xx"].logit.kernels[0].shape == (16_384, 1)
    assert [k.shape for k in D["xz"].joint.blocks[0].dense.kernels] == [
        (8192, 1024),
        (512, 1024),
    ]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 28, 32, 33, 64, 100, 128])
def test_every_side_goes_down_to_z_and_comes_back(side, channels):
    size = (side, side, channels)
    players = Players(PictureNetworks(32)(size), size, 5, GAMES, True)

    def through(key):
        networks = players(key)
        A, D = networks["A"], networks["D"]
        x = jnp.zeros((2, *size))
        z = A.E(x)
        y = A.G(z)
        of_xx, of_xy = D["xx"].features_of_pairs(x, y)
        return z, y, D["xz"](x, z), D["xx"](x, y), D["zz"](z, z), of_xx, of_xy

    z, y, xz, xx, zz, of_xx, of_xy = jax.eval_shape(through, jax.random.key(0))
    assert (z.shape, y.shape) == ((2, 5), (2, *size))
    assert {logit.shape for logit in (xz, xx, zz)} == {(2,)}
    assert of_xx.shape == of_xy.shape
    assert of_xx.ndim == 2


def test_pairs_stand_above_each_other_for_d_xx():
    size = (8, 8, 1)
    D = Players(PictureNetworks(32)(size), size, 5, GAMES, False)(jax.random.key(0))["D"]["xx"]
    D.eval()
    x, y = (jax.random.normal(jax.random.key(i), (3, *size)) for i in (1, 2))
    one_picture = jnp.concatenate([x, y], axis=1)
    by_hand = D.hidden(one_picture).reshape(3, -1)
    np.testing.assert_array_equal(D.features(x, y), by_hand)
    assert not np.allclose(D(x, y), D(y, x))


def test_weights_begin_as_in_the_paper():
    size = (32, 32, 3)
    A = Players(PictureNetworks(64)(size), size, 5, GAMES, False)(jax.random.key(0))["A"]
    kernel = np.asarray(A.E.blocks[2].conv.kernel[...])
    assert kernel.std() == pytest.approx(0.01, rel=0.03)
    assert (np.asarray(A.E.blocks[2].conv.bias[...]) == 0).all()


def test_the_energy_of_pictures_has_the_released_sizes():
    architecture = DSEBM_PICTURE_PRESETS["cifar10"].architecture_for((32, 32, 3))
    N = jax.eval_shape(EnergyPlayers(architecture, (32, 32, 3)), jax.random.key(0))["N"]
    assert N.b.shape == (32, 32, 3)
    assert [block.shape for block in N.h.blocks] == [(8, 8, 64), (128,)]
