"""Layers: kernels in pieces, initial weights, normalisation, stacks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alad.networks.layers import (
    BatchNorm,
    Dense,
    DenseLayer,
    Dropout,
    Stack,
    shifted,
)

KEY = jax.random.key(0)


def normal(*shape):
    return jax.random.normal(jax.random.fold_in(KEY, sum(shape)), shape)


def test_dense_of_several_inputs_is_dense_of_their_concatenation():
    dense = Dense((2, 3, 1), 4, rngs=nnx.Rngs(0))
    assert [kernel[...].shape for kernel in dense.kernels] == [(2, 4), (3, 4), (1, 4)]
    dense.bias[...] = jnp.arange(4.0)
    a, b, c = normal(6, 2), normal(6, 3), normal(6, 1)
    W = np.concatenate([kernel[...] for kernel in dense.kernels])
    by_hand = np.concatenate([a, b, c], axis=1) @ W + np.arange(4)
    np.testing.assert_allclose(dense(a, b, c), by_hand, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="zip"):
        dense(a, b)


def test_the_map_of_pairs_is_the_map_of_each():
    dense = Dense((3, 3), 4, rngs=nnx.Rngs(0))
    dense.bias[...] = jnp.arange(4.0)
    x, y = normal(6, 3), 2 * normal(6, 3) + 1
    of_xx, of_xy = dense.of_pairs(x, y)
    np.testing.assert_allclose(of_xx, dense(x, x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(of_xy, dense(x, y), rtol=1e-5, atol=1e-5)


def test_xaviers_bound_counts_all_inputs():
    dense = Dense((300, 100), 200, rngs=nnx.Rngs(0))
    bound = np.sqrt(6 / (400 + 200))
    for kernel in dense.kernels:
        largest = np.abs(kernel[...]).max()
        assert 0.99 * bound < largest <= bound
        assert np.asarray(kernel[...]).std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    assert (np.asarray(dense.bias[...]) == 0).all()


def test_the_pieces_hold_the_weights_that_one_kernel_would():
    one, two = Dense((5,), 4, rngs=nnx.Rngs(0)), Dense((3, 2), 4, rngs=nnx.Rngs(0))
    pieces = np.concatenate([kernel[...] for kernel in two.kernels])
    assert np.array_equal(one.kernels[0][...], pieces)


def test_a_normal_initializer_has_its_deviation():
    dense = Dense((400,), 200, rngs=nnx.Rngs(0), initializer="normal(0.01)")
    kernel = np.asarray(dense.kernels[0][...])
    assert kernel.std() == pytest.approx(0.01, rel=0.02)
    assert abs(kernel.mean()) < 2e-4


# ------------------------------------------------------------------------- spectral norm


def singular(kernels):
    return np.linalg.svd(np.concatenate(kernels), compute_uv=False)[0]


def test_spectral_norm_brings_the_whole_kernel_to_one():
    dense = Dense((12, 8), 10, rngs=nnx.Rngs(0), spectral=True)
    for _ in range(200):
        kernels = dense.normalised_kernels()
    assert singular(kernels) == pytest.approx(1, abs=1e-3)
    for kernel, own in zip(kernels, dense.kernels, strict=True):
        ratio = np.asarray(own[...]) / np.asarray(kernel)
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


def test_the_power_iteration_moves_in_training_and_rests_in_scoring():
    dense = Dense((20,), 10, rngs=nnx.Rngs(0), spectral=True)
    before, W = np.asarray(dense.u[...]), np.asarray(dense.kernels[0][...])
    dense.eval()
    dense(normal(3, 20))
    assert np.array_equal(before, dense.u[...])
    dense.train()
    dense(normal(3, 20))
    v = W @ before / np.linalg.norm(W @ before)
    np.testing.assert_allclose(dense.u[...], v @ W / np.linalg.norm(v @ W), rtol=1e-4)


def test_the_singular_vectors_are_constants_to_the_gradient():
    dense = Dense((5,), 3, rngs=nnx.Rngs(0), spectral=True)
    dense.eval()
    u, W, weight = np.asarray(dense.u[...]), dense.kernels[0][...], normal(5, 3)
    v = np.asarray(W @ u) / np.linalg.norm(W @ u)

    def ours(dense):
        return (dense.normalised_kernels()[0] * weight).sum()

    gradient = nnx.grad(ours)(dense)["kernels"][0][...]
    wanted = jax.grad(lambda W: (W / (v @ W @ u) * weight).sum())(W)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-6)


# ------------------------------------------------------------------------- dropout


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_keeps_the_mean_and_is_off_in_scoring(rate):
    dropout = Dropout(rate, rngs=nnx.Rngs(dropout=0))
    x = jnp.ones((400, 250))
    out = np.asarray(dropout(x))
    assert (out == 0).mean() == pytest.approx(round(256 * rate) / 256, abs=0.005)
    assert out.mean() == pytest.approx(1, abs=0.01)
    assert len(np.unique(out)) == 2
    assert not np.array_equal(out, dropout(x))
    dropout.eval()
    assert np.array_equal(dropout(x), x)


def test_layers_draw_masks_of_their_own():
    rngs = nnx.Rngs(dropout=0)
    first, second = Dropout(0.5, rngs=rngs), Dropout(0.5, rngs=rngs)
    x = jnp.ones((20, 20))
    assert not np.array_equal(first(x), second(x))


# ------------------------------------------------------------------------- stacks


def test_a_stack_applies_its_layers_in_order():
    layers = (DenseLayer(6, "relu"), DenseLayer(5, "tanh"), DenseLayer(None, "leaky_relu"))
    stack = Stack(layers, inputs=(2, 1), outputs=4, rngs=nnx.Rngs(0))
    a, b = normal(7, 2), normal(7, 1)

    def affine(i, h):
        dense = stack.blocks[i].dense
        return h @ np.concatenate([k[...] for k in dense.kernels]) + np.asarray(dense.bias[...])

    h = np.maximum(affine(0, np.concatenate([a, b], axis=1)), 0)
    h = affine(2, np.tanh(affine(1, h)))
    np.testing.assert_allclose(stack(a, b), np.where(h > 0, h, 0.2 * h), rtol=1e-4, atol=1e-6)
    assert stack.width == 4


def test_a_width_that_is_left_open_must_be_stated():
    with pytest.raises(ValueError, match="units=None needs a network with a stated output"):
        Stack((DenseLayer(4), DenseLayer(None)), inputs=3, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("shape", [(50, 3), (4, 5, 6, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_and_its_gradients_are_flaxs_own(shape, training):
    h, weight = 5 + 3 * normal(*shape), normal(*shape)

    def through(norm):
        norm.scale[...], norm.bias[...] = jnp.arange(1.0, 4.0), jnp.arange(3.0)
        norm.train() if training else norm.eval()
        graph, params, rest = nnx.split(norm, nnx.Param, ...)

        def loss(params, h):
            norm = nnx.merge(graph, params, rest, copy=True)
            out = norm(h)
            return (jnp.sin(out) * weight).sum(), (out, norm.mean[...], norm.var[...])

        return jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(params, h)

    ours = through(BatchNorm(3, rngs=nnx.Rngs(0)))
    theirs = through(
        nnx.BatchNorm(3, momentum=0.99, epsilon=1e-3, use_fast_variance=False, rngs=nnx.Rngs(0))
    )
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4)


def test_batch_norm_has_tensorflows_constants():
    stack = Stack((DenseLayer(3, batch_norm=True),), inputs=2, rngs=nnx.Rngs(0))
    x = 5 + 3 * normal(50, 2)
    h = np.asarray(stack.blocks[0].dense(x), np.float64)
    mean, variance = h.mean(axis=0), h.var(axis=0)
    np.testing.assert_allclose(stack(x), (h - mean) / np.sqrt(variance + 1e-3), atol=1e-3)
    norm = stack.blocks[0].norm
    np.testing.assert_allclose(norm.mean[...], 0.01 * mean, rtol=1e-3)
    np.testing.assert_allclose(norm.var[...], 0.99 + 0.01 * variance, rtol=1e-3)
    stack.eval()
    by_hand = (h - 0.01 * mean) / np.sqrt(0.99 + 0.01 * variance + 1e-3)
    np.testing.assert_allclose(stack(x), by_hand, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [jnp.float32, jnp.bfloat16])
def test_the_gradient_of_a_bias_is_jaxs_own_whatever_is_added_to(kind):
    x, bias, weight = normal(2, 4, 3).astype(kind), normal(3), normal(2, 4, 3)

    def through(f):
        return jax.grad(lambda *both: (jnp.sin(f(*both)) * weight).sum(), argnums=(0, 1))(x, bias)

    for ours, theirs in zip(through(shifted), through(jnp.add), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
