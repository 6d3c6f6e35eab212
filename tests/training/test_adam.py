"""Adam against the formulas in NumPy's double precision, and against optax's other form of it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from alad.training.adam import adam

RATE, BETA1, BETA2 = 0.01, 0.5, 0.999
GRADIENTS = np.random.default_rng(0).normal(size=(25, 3, 4)) * 10.0 ** np.arange(-2, 2)
START = np.random.default_rng(1).normal(size=(3, 4))


def walked(rule):
    """Weights after each step, in a tree of two leaves."""
    w = {"a": jnp.asarray(START[0], jnp.float32), "b": jnp.asarray(START[1:], jnp.float32)}
    state, path = rule.init(w), []
    for g in GRADIENTS.astype(np.float32):
        change, state = rule.update({"a": g[0], "b": g[1:]}, state, w)
        w = optax.apply_updates(w, change)
        path.append(np.vstack([w["a"][None], w["b"]]))
    return np.stack(path), state


@pytest.mark.parametrize("epsilon", [1e-8, 1e-2])
def test_it_follows_the_formulas(epsilon):
    w, m, v, by_hand = START, 0.0, 0.0, []
    for t, g in enumerate(GRADIENTS, 1):
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g**2
        w = w - RATE * np.sqrt(1 - BETA2**t) / (1 - BETA1**t) * m / (np.sqrt(v) + epsilon)
        by_hand.append(w)
    path, state = walked(adam(RATE, BETA1, BETA2, epsilon))
    np.testing.assert_allclose(path, by_hand, rtol=2e-5, atol=1e-5)
    assert state.steps == len(GRADIENTS)
    np.testing.assert_allclose(np.vstack([state.m["a"][None], state.m["b"]]), m, rtol=1e-4)
    np.testing.assert_allclose(np.vstack([state.v["a"][None], state.v["b"]]), v, rtol=1e-4)


def test_it_is_optax_adam_but_for_where_epsilon_enters():
    ours, _ = walked(adam(RATE, BETA1, BETA2, 1e-12))
    theirs, _ = walked(optax.adam(RATE, BETA1, BETA2, 1e-12))
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)
    far, _ = walked(adam(RATE, BETA1, BETA2, 1e-1))
    other, _ = walked(optax.adam(RATE, BETA1, BETA2, 1e-1))
    assert not np.allclose(far, other, rtol=1e-3, atol=1e-3)


def test_tensorflows_epsilon_is_the_default():
    g = jnp.array([1e-8])
    rule = adam(1.0, BETA1, BETA2)
    change, _ = rule.update(g, rule.init(g))
    # m = g / 2, v = g² / 1000: g √(1 - β₂) / (√(1 - β₂) g + ε), by hand
    root = np.sqrt(1 - BETA2)
    np.testing.assert_allclose(change, [-root * 1e-8 / (root * 1e-8 + 1e-8)], rtol=1e-3)


def test_moments_share_no_memory_and_no_gradient_means_no_change():
    rule = adam(RATE, BETA1, BETA2)
    state = rule.init(jnp.ones(3))
    assert state.m.unsafe_buffer_pointer() != state.v.unsafe_buffer_pointer()
    change, _ = jax.jit(rule.update)(jnp.zeros(3), state)
    assert (np.asarray(change) == 0).all()
