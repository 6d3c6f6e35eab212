r"""Convolutions of stride 2, and their transposes, as products of matrices.

Pictures are (n, height, width, channels), kernels (k, k, channels, units). A convolution of stride
2 is one of stride 1 once each square of 2 by 2 pixels has become one pixel of four times the
channels (space to depth); its transpose is one of stride 1 whose every pixel of four times the
units becomes a square (depth to space). A convolution of stride 1 is a sum over the places t of
its kernel,

.. math:: y = \sum_t x_t W_t

with x_t the picture moved by t. So forwards and backwards all that is computed is products of large
matrices. XLA's own form of the gradients takes up to ten times as long on a CPU
(docs/decisions.md); an accelerator has programs of its own, which are used there.

Padding is TensorFlow's SAME: a side of s pixels becomes ceil(s / 2), or, transposed, 2 s.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

from alad.networks.weights import (
    INITIALIZERS,
    Initializer,
    Precision,
    first_vector,
    operands,
    spectral_norm,
)

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def halved(x: Array, W: Array) -> Array:
    """Convolve with stride 2: (n, h, w, c) to (n, ceil(h / 2), ceil(w / 2), units)."""
    if jax.default_backend() != "cpu":
        return lax.conv_general_dilated(x, W, (2, 2), "SAME", dimension_numbers=DIMENSIONS)
    return of_squares(x, W)


def doubled(x: Array, W: Array) -> Array:
    """Convolve, transposed, with stride 2 and k = 4: (n, h, w, c) to (n, 2 h, 2 w, units)."""
    if jax.default_backend() != "cpu":
        return lax.conv_transpose(x, W, (2, 2), "SAME", dimension_numbers=DIMENSIONS)
    return to_squares(x, W)


def of_squares(x: Array, W: Array) -> Array:
    """:func:`halved`, by space to depth; an odd kernel is filled up with zeros."""
    n, h, w, c = x.shape
    k, units = W.shape[0], W.shape[-1]
    even, odd = k + k % 2, k % 2
    (above, below), (left, right) = (_padding(side, k, even) for side in (h, w))
    x = jnp.pad(x, ((0, 0), (above, below), (left, right), (0, 0)))
    high, wide = x.shape[1] // 2, x.shape[2] // 2
    x = x.reshape(n, high, 2, wide, 2, c).transpose(0, 1, 3, 2, 4, 5)
    W = jnp.pad(W, ((0, odd), (0, odd), (0, 0), (0, 0)))
    W = W.reshape(even // 2, 2, even // 2, 2, c, units).transpose(0, 2, 1, 3, 4, 5)
    half = even // 2
    return _convolved(x.reshape(n, high, wide, 4 * c), W.reshape(half, half, 4 * c, units))


def to_squares(x: Array, W: Array) -> Array:
    """:func:`doubled`, by depth to space.

    Row 2 m of the result is of rows m - 1 and m of x, row 2 m + 1 of rows m and m + 1: both are a
    kernel of two rows on x with a frame of zeros, the second one row further down.
    """
    n, h, w, c = x.shape
    units = W.shape[-1]
    framed = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    W = W.reshape(2, 2, 2, 2, c, units).transpose(0, 2, 4, 1, 3, 5)
    y = _convolved(framed, W.reshape(2, 2, c, 4 * units)).reshape(n, h + 1, w + 1, 2, 2, units)
    rows = jnp.stack([y[:, :-1, :, 0], y[:, 1:, :, 1]], axis=2)
    both = jnp.stack([rows[:, :, :, :-1, 0], rows[:, :, :, 1:, 1]], axis=4)
    return both.reshape(n, 2 * h, 2 * w, units)


def _padding(side: int, k: int, even: int) -> tuple[int, int]:
    """How many zeros stand before and after a side: SAME's, and those of a kernel filled up."""
    halves = -(-side // 2)
    before = max(2 * (halves - 1) + k - side, 0) // 2
    return before, 2 * (halves - 1) + even - side - before


def _convolved(x: Array, W: Array) -> Array:
    """Convolve with stride 1 and no padding, one product for each place of the kernel."""
    k, c = W.shape[0], x.shape[-1]
    high, wide = x.shape[1] - k + 1, x.shape[2] - k + 1
    y = sum(
        x[:, i : i + high, j : j + wide].reshape(-1, c) @ W[i, j]
        for i in range(k)
        for j in range(k)
    )
    return jnp.reshape(y, (len(x), high, wide, W.shape[-1]))


class Conv(nnx.Module):
    """A convolution of stride 2, or its transpose, or one whose kernel covers the whole picture.

    Parameters
    ----------
    channels, units : int
        Of what comes in, and of what comes out.
    kernel : int
        Its side.
    transposed : bool
        Whether the picture grows.
    whole : bool
        Whether the kernel covers the picture: it becomes (units,) or, transposed, comes from that.

    Attributes
    ----------
    precision : {"float32", "bfloat16"}
        Of what goes into its products and what they give; with the bias added it is float32.
    """

    def __init__(
        self,
        channels: int,
        units: int,
        *,
        kernel: int,
        transposed: bool,
        whole: bool,
        rngs: nnx.Rngs,
        initializer: Initializer = "xavier",
        spectral: bool = False,
    ) -> None:
        W = INITIALIZERS[initializer](rngs.params(), (kernel, kernel, channels, units))
        self.kernel = nnx.Param(W)
        self.bias = nnx.Param(jnp.zeros(units))
        self.transposed, self.whole = transposed, whole
        self.deterministic = False
        self.precision: Precision = "float32"
        self.u = first_vector(rngs, units) if spectral else None

    def __call__(self, x: Array) -> Array:
        x, W = operands(self.precision, x, self.normalised_kernel())
        return self._mapped(x, W) + self.bias[...]

    def _mapped(self, x: Array, W: Array) -> Array:
        if not self.whole:
            return doubled(x, W) if self.transposed else halved(x, W)
        k, _, channels, units = W.shape
        if not self.transposed:
            return x.reshape(len(x), k * k * channels) @ W.reshape(-1, units)
        spread = W.transpose(2, 0, 1, 3).reshape(channels, k * k * units)
        return (x @ spread).reshape(len(x), k, k, units)

    def normalised_kernel(self) -> Array:
        """W, or W / sigma(W) under spectral normalisation, W as a matrix of units columns."""
        W = self.kernel[...]
        if self.u is None:
            return W
        return W / spectral_norm(W.reshape(-1, W.shape[-1]), self.u, moves=not self.deterministic)
