"""Convolutions as products of matrices: equal to XLA's own, forwards and backwards."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

from alad.networks.convolution import DIMENSIONS, Conv, of_squares, to_squares
from alad.networks.layers import ConvLayer, DenseLayer, Stack, largest_of_squares


@pytest.fixture
def in_double():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def own(x, W):
    return lax.conv_general_dilated(x, W, (2, 2), "SAME", dimension_numbers=DIMENSIONS)


def own_transposed(x, W):
    return lax.conv_transpose(x, W, (2, 2), "SAME", dimension_numbers=DIMENSIONS)


def equal_with_gradients(ours, theirs, x, W):
    def of(f):
        return jax.value_and_grad(lambda x, W: jnp.sin(f(x, W)).sum(), argnums=(0, 1))(x, W)

    assert ours(x, W).shape == theirs(x, W).shape
    for a, b in zip(jax.tree.leaves(of(ours)), jax.tree.leaves(of(theirs)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kernel", [3, 4, 5])
@pytest.mark.parametrize("sides", [(7, 8), (8, 6), (9, 5)])
def test_a_convolution_of_stride_2_is_xlas(kernel, sides, in_double):
    x, W = normal(1, 2, *sides, 3), normal(2, kernel, kernel, 3, 4)
    equal_with_gradients(of_squares, own, x, W)


@pytest.mark.parametrize("sides", [(4, 4), (5, 3)])
def test_a_transposed_convolution_is_xlas(sides, in_double):
    x, W = normal(1, 2, *sides, 3), normal(2, 4, 4, 3, 5)
    equal_with_gradients(to_squares, own_transposed, x, W)


def test_a_kernel_that_covers_the_picture_is_a_convolution_without_padding(in_double):
    x = normal(1, 2, 4, 4, 3)
    conv = Conv(3, 5, kernel=4, transposed=False, whole=True, rngs=nnx.Rngs(0))
    conv.bias[...] = jnp.arange(5.0)
    W = conv.kernel[...]
    valid = lax.conv_general_dilated(x, W, (1, 1), "VALID", dimension_numbers=DIMENSIONS)
    np.testing.assert_allclose(conv(x), valid[:, 0, 0] + jnp.arange(5.0), rtol=1e-6)


def test_a_vector_becomes_a_picture_as_a_map_of_one_pixel_does(in_double):
    z = normal(1, 2, 3)
    conv = Conv(3, 5, kernel=4, transposed=True, whole=True, rngs=nnx.Rngs(0))
    W = conv.kernel[...][::-1, ::-1]  # JAX counts the places of a transposed kernel backwards
    valid = lax.conv_transpose(z[:, None, None], W, (1, 1), "VALID", dimension_numbers=DIMENSIONS)
    np.testing.assert_allclose(conv(z), valid, rtol=1e-6, atol=1e-9)


def test_spectral_norm_brings_the_kernel_as_a_matrix_to_one():
    conv = Conv(3, 6, kernel=4, transposed=False, whole=False, spectral=True, rngs=nnx.Rngs(0))
    for _ in range(200):
        W = conv.normalised_kernel()
    singular = np.linalg.svd(np.asarray(W).reshape(-1, 6), compute_uv=False)
    assert singular[0] == pytest.approx(1, abs=1e-3)
    before = np.asarray(conv.u[...])
    conv.eval()
    conv(normal(1, 2, 8, 8, 3))
    assert np.array_equal(before, conv.u[...])


def test_the_largest_of_each_square_stays():
    x = jnp.arange(2 * 5 * 4.0).reshape(2, 5, 4, 1)
    by_hand = [[[5, 7], [13, 15]], [[25, 27], [33, 35]]]
    assert largest_of_squares(x)[..., 0].tolist() == by_hand


def test_a_stack_goes_from_pictures_to_vectors_and_back():
    down = Stack(
        (ConvLayer(4, "relu"), ConvLayer(8), DenseLayer(6)), inputs=((9, 9, 2),), rngs=nnx.Rngs(0)
    )
    assert [block.shape for block in down.blocks] == [(5, 5, 4), (3, 3, 8), (6,)]
    assert down(jnp.ones((2, 9, 9, 2))).shape == (2, 6)
    up = Stack(
        (ConvLayer(4, kernel=3, whole=True, transposed=True), ConvLayer(None, transposed=True)),
        inputs=6,
        outputs=(5, 5, 2),
        rngs=nnx.Rngs(0),
    )
    assert up(jnp.ones((2, 6))).shape == (2, 5, 5, 2)
    assert up.width == 50


def test_a_picture_that_grew_too_large_is_cut_to_its_middle():
    layers = (ConvLayer(1, kernel=4, whole=True, transposed=True),)
    rngs = nnx.Rngs(0)
    whole = Stack(layers, inputs=3, rngs=rngs)
    cut = Stack(layers, inputs=3, outputs=(2, 2, 1), rngs=nnx.Rngs(0))
    z = normal(1, 2, 3)
    assert np.array_equal(cut(z), whole(z)[:, 1:3, 1:3])


def test_several_pictures_come_in_as_one_with_the_channels_of_all():
    stack = Stack((ConvLayer(3),), inputs=((4, 4, 1), (4, 4, 2)), rngs=nnx.Rngs(0))
    a, b = normal(1, 2, 4, 4, 1), normal(2, 2, 4, 4, 2)
    one = Stack((ConvLayer(3),), inputs=((4, 4, 3),), rngs=nnx.Rngs(0))
    np.testing.assert_allclose(stack(a, b), one(jnp.concatenate([a, b], axis=-1)))
