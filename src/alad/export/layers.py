"""The modules of :mod:`alad.networks` as a graph: one function for each, under the same name.

Networks come in evaluation mode: no dropout, stored batch statistics, W already divided by its
spectral norm. Pictures are (n, height, width, channels) between the layers, as there; a runtime
takes the transpositions before and after a convolution out where it can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jax import lax

from alad.export.graph import Tensor, apply, column, flat, joined, part, softplus
from alad.networks.convolution import Conv
from alad.networks.layers import ConvBlock, Dense, DenseBlock, Stack
from alad.networks.models import Discriminator, JointDiscriminator

SLOPE = 0.2  # of the leaky ReLU

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": lambda x: apply("Relu", x),
    "leaky_relu": lambda x: apply("LeakyRelu", x, alpha=SLOPE),
    "tanh": lambda x: apply("Tanh", x),
    "softplus": softplus,
}


def stack(module: Stack, *inputs: Tensor) -> Tensor:
    """All layers, one after the other."""
    return after_first(module, block(module.blocks[0], *inputs))


def after_first(module: Stack, h: Tensor) -> Tensor:
    """Pass on what the first layer gave."""
    for own in list(module.blocks)[1:]:
        h = block(own, h)
    return h if module.outputs is None else _cut(h, module.blocks[-1].shape, module.outputs)


def block(module: DenseBlock | ConvBlock, *inputs: Tensor) -> Tensor:
    """One layer: its map, and what comes after it."""
    if isinstance(module, DenseBlock):
        return after_map(module, dense(module.dense, *map(flat, inputs)))
    h = after_map(module, conv(module.conv, joined(inputs, axis=3)))
    return _largest_of_squares(h) if module.pooled else h


def after_map(module: DenseBlock | ConvBlock, h: Tensor) -> Tensor:
    """Batch norm and activation."""
    h = h if module.norm is None else batch_norm(module.norm, h)
    return ACTIVATIONS[module.activation](h)


def dense(module: Dense, *inputs: Tensor) -> Tensor:
    """Affine map of several inputs, as if concatenated."""
    products = [x @ np.asarray(W) for x, W in zip(inputs, module.normalised_kernels(), strict=True)]
    return sum(products[1:], products[0]) + np.asarray(module.bias[...])


def dense_of_pairs(module: Dense, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The map of (x, x) and of (x, y)."""
    W_a, W_b = map(np.asarray, module.normalised_kernels())
    of_xx = x @ (W_a + W_b) + np.asarray(module.bias[...])
    return of_xx, of_xx - (x - y) @ W_b


def batch_norm(module: Any, h: Tensor) -> Tensor:
    """(h - mean) / sqrt(variance + epsilon), scaled and moved."""
    factor = np.asarray(lax.rsqrt(module.var[...] + module.epsilon) * module.scale[...])
    return (h - np.asarray(module.mean[...])) * factor + np.asarray(module.bias[...])


def conv(module: Conv, x: Tensor) -> Tensor:
    """A convolution of stride 2, its transpose, or one that covers the whole picture."""
    W, bias = np.asarray(module.normalised_kernel()), np.asarray(module.bias[...])
    if module.whole:
        return _whole(x, W, transposed=module.transposed) + bias
    return (doubled(x, W) if module.transposed else halved(x, W)) + bias


def halved(x: Tensor, W: np.ndarray[Any, Any]) -> Tensor:
    """Convolve with stride 2, padded as TensorFlow's SAME."""
    kernel = x.graph.constant(W.transpose(3, 2, 0, 1))
    y = apply("Conv", _channels_first(x), kernel, strides=[2, 2], auto_pad="SAME_UPPER")
    return _channels_last(y)


def doubled(x: Tensor, W: np.ndarray[Any, Any]) -> Tensor:
    """Convolve, transposed, with stride 2 and k = 4. ONNX's kernel stands the other way round."""
    kernel = x.graph.constant(W[::-1, ::-1].transpose(2, 3, 0, 1))
    y = apply("ConvTranspose", _channels_first(x), kernel, strides=[2, 2], pads=[1, 1, 1, 1])
    return _channels_last(y)


def _whole(x: Tensor, W: np.ndarray[Any, Any], *, transposed: bool) -> Tensor:
    k, _, channels, units = W.shape
    if not transposed:
        return flat(x) @ W.reshape(k * k * channels, units)
    spread = W.transpose(2, 0, 1, 3).reshape(channels, k * k * units)
    return _reshaped(x @ spread, k, k, units)


def _largest_of_squares(x: Tensor) -> Tensor:
    y = apply("MaxPool", _channels_first(x), kernel_shape=[2, 2], strides=[2, 2])
    return _channels_last(y)


def _cut(h: Tensor, shape: tuple[int, ...], wanted: tuple[int, ...]) -> Tensor:
    """Give rows a shape: of a picture the middle, of a vector all numbers."""
    if len(shape) != len(wanted):
        return _reshaped(h, *wanted)
    for axis, (side, new) in enumerate(zip(shape, wanted, strict=True), start=1):
        start = (side - new) // 2
        h = h if side == new else part(h, start, start + new, axis)
    return h


def _reshaped(x: Tensor, *shape: int) -> Tensor:
    return apply("Reshape", x, x.graph.constant(np.array((0, *shape), np.int64)))


def _channels_first(x: Tensor) -> Tensor:
    return apply("Transpose", x, perm=[0, 3, 1, 2])


def _channels_last(x: Tensor) -> Tensor:
    return apply("Transpose", x, perm=[0, 2, 3, 1])


# ------------------------------------------------------------------------- discriminators


def features(D: Discriminator | JointDiscriminator, a: Tensor, b: Tensor) -> Tensor:
    """f(a, b): activations of the last hidden layer, (n, width)."""
    if isinstance(D, JointDiscriminator):
        return stack(D.joint, stack(D.of_x, a), stack(D.of_z, b))
    inputs = (joined((a, b), axis=1),) if D.joined == "height" else (a, b)
    return flat(stack(D.hidden, *inputs))


def features_of_pairs(D: Discriminator, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """f(x, x) and f(x, y)."""
    first = D.hidden.blocks[0]
    if not isinstance(first, DenseBlock):
        return features(D, x, x), features(D, x, y)
    of_xx, of_xy = (after_map(first, h) for h in dense_of_pairs(first.dense, flat(x), flat(y)))
    return after_first(D.hidden, of_xx), after_first(D.hidden, of_xy)


def logit(D: Discriminator | JointDiscriminator, a: Tensor, b: Tensor) -> Tensor:
    """D(a, b), (n,)."""
    return column(dense(D.logit, features(D, a, b)))
