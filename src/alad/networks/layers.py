"""The parts that networks are made of, and the values that describe them.

A network is described by a tuple of layer values and built by :class:`Stack`:

>>> from flax import nnx
>>> stack = Stack((DenseLayer(64, "leaky_relu"), DenseLayer(32)), inputs=121, rngs=nnx.Rngs(0))
>>> stack(jax.numpy.ones((5, 121))).shape
(5, 32)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

from alad.networks.convolution import Conv
from alad.networks.weights import (
    INITIALIZERS,
    Initializer,
    Precision,
    first_vector,
    operands,
    scaled,
    shifted,
    spectral_norm,
)

Activation = Literal["linear", "relu", "leaky_relu", "tanh", "softplus"]
Shape = tuple[int, ...]
Size = int | Shape  # of one row: so many columns, or a picture of (height, width, channels)

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.2),  # slope: paper, table of hyper-parameters
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
}


@dataclass(frozen=True)
class DenseLayer:
    """One fully connected layer, as a value: x W + b, then norm, activation and dropout.

    Parameters
    ----------
    units : int or None
        Output width; None means the width that the whole network must end in.
    activation : {"linear", "relu", "leaky_relu", "tanh", "softplus"}
    batch_norm : bool
        Batch normalisation before the activation (momentum 0.99, epsilon 1e-3).
    dropout : float
        Share of units that are silenced in training.
    spectral : bool
        Whether spectral normalisation, where it is switched on, covers this layer.
    """

    units: int | None
    activation: Activation = "linear"
    batch_norm: bool = False
    dropout: float = 0.0
    spectral: bool = False


@dataclass(frozen=True)
class ConvLayer:
    """One convolution, as a value: it halves height and width, then what a dense layer does.

    Parameters
    ----------
    units : int or None
        Channels of what comes out; None means those that the whole network must end in.
    activation, batch_norm, dropout, spectral
        As for :class:`DenseLayer`.
    kernel : int
        Side of the kernel.
    transposed : bool
        Whether it doubles height and width.
    whole : bool
        Whether the kernel covers the whole picture, which becomes a vector of ``units``; or, if it
        is transposed, the picture that a vector becomes.
    pooled : bool
        Whether of each square of 2 by 2 pixels the largest value stays, at the end.
    """

    units: int | None
    activation: Activation = "linear"
    batch_norm: bool = False
    dropout: float = 0.0
    spectral: bool = False
    kernel: int = 4
    transposed: bool = False
    whole: bool = False
    pooled: bool = False


Layer = DenseLayer | ConvLayer


class Dense(nnx.Module):
    """Affine map of the concatenation of its inputs, without concatenating them.

    With inputs a and b of widths m and n, ``[a, b] W + b0 = a W_a + b W_b + b0``: the rows of W
    are kept in one kernel for each input. When two calls share a first input, as D_xx's do in
    training, the compiler computes its product once.

    With ``spectral``, W is divided by an estimate of its largest singular value from one power
    step (Miyato et al., 2018); the stored vector moves in training and rests in scoring.

    With ``precision`` "bfloat16" the operands of its products are of that, and what these give;
    their sum with the bias is float32, and the weights and sigma are.

    >>> dense = Dense((3, 2), 4, rngs=nnx.Rngs(0))
    >>> dense(jnp.ones((5, 3)), jnp.ones((5, 2))).shape
    (5, 4)
    """

    def __init__(
        self,
        inputs: Sequence[int],
        units: int,
        *,
        rngs: nnx.Rngs,
        initializer: Initializer = "xavier",
        spectral: bool = False,
    ) -> None:
        W = INITIALIZERS[initializer](rngs.params(), (sum(inputs), units))
        parts = jnp.split(W, list(accumulate(inputs))[:-1])
        self.kernels = nnx.List([nnx.Param(part) for part in parts])
        self.bias = nnx.Param(jnp.zeros(units))
        self.deterministic = False
        self.precision: Precision = "float32"
        self.u = first_vector(rngs, units) if spectral else None

    def __call__(self, *inputs: Array) -> Array:
        parts = zip(inputs, self.normalised_kernels(), strict=True)
        products = [x @ W for x, W in (operands(self.precision, *part) for part in parts)]
        return sum(products[1:], shifted(products[0], self.bias[...]))

    def of_pairs(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The map of (x, x) and of (x, y), with two products in place of four.

        ``[x, x] W = x (W_a + W_b)`` and ``[x, y] W = [x, x] W - (x - y) W_b``.
        """
        W_a, W_b = self.normalised_kernels()
        of_both, difference, W_ab, W_b = operands(self.precision, x, x - y, W_a + W_b, W_b)
        of_xx = of_both @ W_ab + self.bias[...]
        return of_xx, of_xx - difference @ W_b

    def normalised_kernels(self) -> list[Array]:
        """W, or W / sigma(W) under spectral normalisation, in one piece for each input."""
        kernels = [kernel[...] for kernel in self.kernels]
        if self.u is None:
            return kernels
        W = jnp.concatenate(kernels)
        sigma = spectral_norm(W, self.u, moves=not self.deterministic)
        return [kernel / sigma for kernel in kernels]


class Dropout(nnx.Module):
    """Dropout whose masks are random bytes.

    A unit is kept where its byte is at least ``round(256 rate)`` and is then divided by the share
    that is kept, so that the mean is exact: the rate is that of the nearest 1/256.
    ``jax.random.bernoulli`` enciphers and converts a word for each unit, where a mixed byte does
    (docs/decisions.md has the measurement).
    """

    def __init__(self, rate: float, *, rngs: nnx.Rngs) -> None:
        self.threshold = round(256 * rate)
        self.deterministic = False
        self.stream = rngs.dropout  # one stream for all layers, so that no two masks are alike

    def __call__(self, x: Array) -> Array:
        if self.deterministic or self.threshold == 0:
            return x
        kept = jax.random.bits(self.stream(), x.shape, jnp.uint8) >= self.threshold
        return jnp.where(kept, x * (256 / (256 - self.threshold)), 0.0)


class _Block(nnx.Module):
    """A layer come to life: its map, and what comes after it.

    Attributes
    ----------
    shape : tuple of int
        Of one row of what comes out.
    """

    shape: Shape

    def _follow(self, layer: Layer, units: int, rngs: nnx.Rngs) -> None:
        self.norm = BatchNorm(units, rngs=rngs) if layer.batch_norm else None
        self.activation = layer.activation
        self.dropout = Dropout(layer.dropout, rngs=rngs) if layer.dropout else None

    def after_map(self, h: Array) -> Array:
        """Batch norm, activation and dropout of what the layer's map gave."""
        h = h if self.norm is None else self.norm(h)
        h = ACTIVATIONS[self.activation](h)
        return h if self.dropout is None else self.dropout(h)


class DenseBlock(_Block):
    """A :class:`DenseLayer` come to life; a picture that comes in is a row of all its numbers."""

    def __init__(
        self,
        layer: DenseLayer,
        inputs: Sequence[Shape],
        outputs: Shape | None,
        *,
        rngs: nnx.Rngs,
        initializer: Initializer,
        spectral_norm: bool,
    ) -> None:
        units = layer.units or math.prod(_stated(outputs))
        self.dense = Dense(
            [math.prod(shape) for shape in inputs],
            units,
            rngs=rngs,
            initializer=initializer,
            spectral=spectral_norm and layer.spectral,
        )
        self.shape = (units,)
        self._follow(layer, units, rngs)

    def __call__(self, *inputs: Array) -> Array:
        return self.after_map(self.dense(*map(flat, inputs)))


class ConvBlock(_Block):
    """A :class:`ConvLayer` come to life; several inputs are one with the channels of all."""

    def __init__(
        self,
        layer: ConvLayer,
        inputs: Sequence[Shape],
        outputs: Shape | None,
        *,
        rngs: nnx.Rngs,
        initializer: Initializer,
        spectral_norm: bool,
    ) -> None:
        units = layer.units or _stated(outputs)[-1]
        self.conv = Conv(
            sum(shape[-1] for shape in inputs),
            units,
            kernel=layer.kernel,
            transposed=layer.transposed,
            whole=layer.whole,
            rngs=rngs,
            initializer=initializer,
            spectral=spectral_norm and layer.spectral,
        )
        self.pooled = layer.pooled
        self.shape = _shape_after(layer, inputs[0], units)
        self._follow(layer, units, rngs)

    def __call__(self, *inputs: Array) -> Array:
        h = self.after_map(self.conv(jnp.concatenate(inputs, axis=-1)))
        return largest_of_squares(h) if self.pooled else h


def _shape_after(layer: ConvLayer, shape: Shape, units: int) -> Shape:
    if layer.whole:
        return (layer.kernel, layer.kernel, units) if layer.transposed else (units,)
    sides = [2 * side if layer.transposed else -(-side // 2) for side in shape[:2]]
    return (*(side // 2 if layer.pooled else side for side in sides), units)


def _stated(outputs: Shape | None) -> Shape:
    if outputs is None:
        raise ValueError("A layer with units=None needs a network with a stated output.")
    return outputs


def flat(x: Array) -> Array:
    """Rows of any shape as vectors, (n, width)."""
    return x.reshape(len(x), math.prod(x.shape[1:]))  # -1 would be undefined for no rows


def largest_of_squares(x: Array) -> Array:
    """Halve height and width: the largest of each 2 by 2 pixels; an odd one at the edge goes."""
    n, h, w, c = x.shape
    squares = x[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c)
    return squares.max(axis=(2, 4))


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation with the released code's constants, TensorFlow's defaults.

    In training ``(h - mean) / sqrt(var + epsilon) scale + bias`` by the batch's own mean and
    variance, which the running ones follow; in scoring by the running ones. The variance is taken
    in two passes: unscaled traffic reaches 1e9, where E[h^2] - E[h]^2 has no digits left in
    float32. The values are Flax's; how the gradient is summed is ours (:func:`scaled`).
    """

    def __init__(self, units: int, *, rngs: nnx.Rngs) -> None:
        super().__init__(units, momentum=0.99, epsilon=1e-3, use_fast_variance=False, rngs=rngs)

    def __call__(self, h: Array) -> Array:  # type: ignore[override]
        """Normalise the columns of rows, or the channels of pictures."""
        if self.use_running_average:
            resting: Array = super().__call__(h)
            return resting
        assert self.scale is not None
        assert self.bias is not None
        rows = tuple(range(h.ndim - 1))
        mean = h.mean(rows)
        centred = h - mean
        var = jnp.square(centred).mean(rows)
        for running, of_batch in ((self.mean, mean), (self.var, var)):
            running[...] = self.momentum * running[...] + (1 - self.momentum) * of_batch
        return scaled(centred, lax.rsqrt(var + self.epsilon) * self.scale[...]) + self.bias[...]


class Stack(nnx.Module):
    """Layers one after the other. The first may take several inputs, as if concatenated.

    Parameters
    ----------
    layers : sequence of DenseLayer and ConvLayer
    inputs : int or sequence of sizes
        What a row is that comes in: its width, or a size for each of several inputs; the size of a
        picture is (height, width, channels).
    outputs : size, optional
        Of what comes out, for layers whose ``units`` is None. A picture that has grown beyond it is
        cut to its middle.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        inputs: int | Sequence[Size],
        outputs: Size | None = None,
        rngs: nnx.Rngs,
        initializer: Initializer = "xavier",
        spectral_norm: bool = False,
    ) -> None:
        blocks: list[DenseBlock | ConvBlock] = []
        shapes = [shape_of(size) for size in ([inputs] if isinstance(inputs, int) else inputs)]
        self.outputs = None if outputs is None else shape_of(outputs)
        for layer in layers:
            kind = DenseBlock if isinstance(layer, DenseLayer) else ConvBlock
            blocks.append(
                kind(
                    layer,  # type: ignore[arg-type]
                    shapes,
                    self.outputs,
                    rngs=rngs,
                    initializer=initializer,
                    spectral_norm=spectral_norm,
                )
            )
            shapes = [blocks[-1].shape]
        self.shape = self.outputs or blocks[-1].shape
        self.blocks = nnx.List(blocks)

    @property
    def width(self) -> int:
        """How many numbers come out for each row."""
        return math.prod(self.shape)

    def __call__(self, *inputs: Array) -> Array:
        return self.after_first(self.blocks[0](*inputs))

    def after_first(self, h: Array) -> Array:
        """Pass on what the first layer gave."""
        for block in list(self.blocks)[1:]:
            h = block(h)
        return h if self.outputs is None else _cut(h, self.outputs)


def shape_of(size: Size) -> Shape:
    """The shape of one row."""
    return (size,) if isinstance(size, int) else size


def _cut(h: Array, shape: Shape) -> Array:
    """Give rows a shape: of a picture the middle, of a vector all numbers."""
    if h.ndim != 1 + len(shape):
        return h.reshape(-1, *shape)
    places = zip(h.shape[1:], shape, strict=True)
    starts = [((side - wanted) // 2, wanted) for side, wanted in places]
    return h[(slice(None), *(slice(start, start + wanted) for start, wanted in starts))]
