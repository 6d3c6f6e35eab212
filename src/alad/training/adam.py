r"""Adam as the released code has it.

.. math::

    m &\leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
    v \leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
    w &\leftarrow w - \alpha_t \frac{m}{\sqrt v + \epsilon}, \qquad
    \alpha_t = \alpha \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}

Both bias corrections stand in the step size, which is one number for all weights: the form at the
end of Kingma and Ba's section 2, and TensorFlow's, in which the released code is written.
``optax.adam`` divides each weight's m and v by their corrections instead, which is equal but for
where :math:`\epsilon` enters; it is as fast (docs/decisions.md).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array


class Moments(NamedTuple):
    """Steps made so far, and the moving averages of the gradient and of its square."""

    steps: Array
    m: Any
    v: Any


def adam(
    learning_rate: float, beta1: float, beta2: float, epsilon: float = 1e-8
) -> optax.GradientTransformation:
    """Give Adam as an optax transformation; 1e-8 is TensorFlow's default.

    >>> params = jnp.zeros(2)
    >>> rule = adam(0.1, 0.5, 0.999)
    >>> change, _ = rule.update(jnp.array([3.0, -5.0]), rule.init(params))
    >>> [round(c, 4) for c in change.tolist()]  # a first step is as long as the learning rate
    [-0.1, 0.1]
    """

    def init(params: Any) -> Moments:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return Moments(jnp.zeros((), jnp.int32), zeros, jax.tree.map(jnp.copy, zeros))

    def update(gradient: Any, state: Moments, params: Any = None) -> tuple[Any, Moments]:
        steps = state.steps + 1
        m = optax.incremental_update(gradient, state.m, 1 - beta1)
        squares = jax.tree.map(jnp.square, gradient)
        v = optax.incremental_update(squares, state.v, 1 - beta2)
        length = learning_rate * jnp.sqrt(1 - beta2**steps) / (1 - beta1**steps)
        change = jax.tree.map(lambda m, v: -length * m / (jnp.sqrt(v) + epsilon), m, v)
        return change, Moments(steps, m, v)

    return optax.GradientTransformation(init, update)
