"""The parts that networks are made of, and the values that describe them.

A network is described by a tuple of layer values and built by :class:`Stack`:

>>> from flax import nnx
>>> stack = Stack((DenseLayer(64, "leaky_relu"), DenseLayer(32)), inputs=121, rngs=nnx.Rngs(0))
>>> stack(jax.numpy.ones((5, 121))).shape
(5, 32)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

Activation = Literal["linear", "relu", "leaky_relu", "tanh", "softplus"]
Initializer = Literal["xavier", "normal(0.01)"]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.2),  # slope: paper, table of hyper-parameters
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
}
INITIALIZERS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {
    "xavier": jax.nn.initializers.glorot_uniform(),
    "normal(0.01)": jax.nn.initializers.normal(0.01),
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


class SpectralVector(nnx.Variable):  # type: ignore[type-arg]
    """The stored left-over of the power iteration: an estimate of a singular vector of W."""


class Dense(nnx.Module):
    """Affine map of the concatenation of its inputs, without concatenating them.

    With inputs a and b of widths m and n, ``[a, b] W + b0 = a W_a + b W_b + b0``: the rows of W
    are kept in one kernel for each input. When two calls share a first input, as D_xx's do in
    training, the compiler computes its product once.

    With ``spectral``, W is divided by an estimate of its largest singular value from one power
    step (Miyato et al., 2018); the stored vector moves in training and rests in scoring.

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
        self.u = (
            SpectralVector(_unit(jax.random.normal(rngs.params(), (units,)))) if spectral else None
        )

    def __call__(self, *inputs: Array) -> Array:
        out = self.bias[...]
        for part, kernel in zip(inputs, self.normalised_kernels(), strict=True):
            out = out + product(part, kernel)
        return out

    def of_pairs(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The map of (x, x) and of (x, y), with two products in place of four.

        ``[x, x] W = x (W_a + W_b)`` and ``[x, y] W = [x, x] W - (x - y) W_b``.
        """
        W_a, W_b = self.normalised_kernels()
        of_xx = x @ (W_a + W_b) + self.bias[...]
        return of_xx, of_xx - (x - y) @ W_b

    def normalised_kernels(self) -> list[Array]:
        """W, or W / sigma(W) under spectral normalisation, in one piece for each input."""
        kernels = [kernel[...] for kernel in self.kernels]
        if self.u is None:
            return kernels
        u, W = self.u[...], jnp.concatenate(kernels)
        v = lax.stop_gradient(_unit(W @ u))
        if not self.deterministic:
            u = lax.stop_gradient(_unit(v @ W))
            self.u[...] = u
        sigma = v @ W @ u
        return [kernel / sigma for kernel in kernels]


@jax.custom_vjp
def product(x: Array, W: Array) -> Array:
    """x W, with a gradient of W that lies in memory as W does.

    JAX's own rule gives it transposed, to be turned round before it is used (docs/decisions.md
    has the measurement).
    """
    return x @ W


product.defvjp(lambda x, W: (x @ W, (x, W)), lambda xW, g: (g @ xW[1].T, xW[0].T @ g))


def _unit(vector: Array) -> Array:
    unit: Array = vector / (jnp.linalg.norm(vector) + 1e-12)
    return unit


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


class DenseBlock(nnx.Module):
    """A :class:`DenseLayer` come to life: affine map, batch norm, activation, dropout."""

    def __init__(
        self,
        layer: DenseLayer,
        inputs: Sequence[int],
        units: int,
        *,
        rngs: nnx.Rngs,
        initializer: Initializer,
        spectral_norm: bool,
    ) -> None:
        self.dense = Dense(
            inputs,
            units,
            rngs=rngs,
            initializer=initializer,
            spectral=spectral_norm and layer.spectral,
        )
        self.norm = batch_norm(units, rngs) if layer.batch_norm else None
        self.activation = layer.activation
        self.dropout = Dropout(layer.dropout, rngs=rngs) if layer.dropout else None

    def __call__(self, *inputs: Array) -> Array:
        return self.after_dense(self.dense(*inputs))

    def after_dense(self, h: Array) -> Array:
        """Batch norm, activation and dropout of what the affine map gave."""
        h = h if self.norm is None else self.norm(h)
        h = ACTIVATIONS[self.activation](h)
        return h if self.dropout is None else self.dropout(h)


def batch_norm(units: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    """Batch normalisation with the released code's constants, TensorFlow's defaults.

    The variance is taken in two passes: unscaled traffic reaches 1e9, where E[h^2] - E[h]^2
    has no digits left in float32.
    """
    return nnx.BatchNorm(units, momentum=0.99, epsilon=1e-3, use_fast_variance=False, rngs=rngs)


class Stack(nnx.Module):
    """Layers one after the other. The first may take several inputs, as if concatenated.

    Parameters
    ----------
    layers : sequence of DenseLayer
    inputs : int or sequence of int
        Width of what comes in; one for each where there are several.
    outputs : int, optional
        Width for layers whose ``units`` is None.
    """

    def __init__(
        self,
        layers: Sequence[DenseLayer],
        *,
        inputs: int | Sequence[int],
        outputs: int | None = None,
        rngs: nnx.Rngs,
        initializer: Initializer = "xavier",
        spectral_norm: bool = False,
    ) -> None:
        blocks = []
        widths = (inputs,) if isinstance(inputs, int) else tuple(inputs)
        self.width = sum(widths)
        for layer in layers:
            units = layer.units if layer.units is not None else outputs
            if units is None:
                raise ValueError("A layer with units=None needs a network with a stated output.")
            blocks.append(
                DenseBlock(
                    layer,
                    widths,
                    units,
                    rngs=rngs,
                    initializer=initializer,
                    spectral_norm=spectral_norm,
                )
            )
            self.width, widths = units, (units,)
        self.blocks = nnx.List(blocks)

    def __call__(self, *inputs: Array) -> Array:
        return self.after_first(self.blocks[0](*inputs))

    def after_first(self, h: Array) -> Array:
        """Pass on what the first layer gave."""
        for block in list(self.blocks)[1:]:
            h = block(h)
        return h
