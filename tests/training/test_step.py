"""One step: moves in turn, each with slots, randomness and an average of its own."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from alad.training.randomness import key
from alad.training.state import alive, blueprints, newborn
from alad.training.step import Move, Step, run_steps, shuffles
from tests.training.toy import MOVES, ROWS, build, equal

DECAY = 0.8
RULE = optax.adam(0.1, 0.5, 0.999)
PLANS = blueprints(build)


def step_of(*moves):
    return Step(PLANS, moves, RULE, DECAY)


def born(seed=0):
    return newborn(build, RULE, key(seed))


def w(tree):
    return np.asarray(tree["w"][...], np.float64)


def test_the_average_takes_in_each_steps_weights():
    step, learners = jax.jit(step_of(*MOVES).__call__), born()
    by_hand = {player: w(learners[player].params) for player in "PQ"}
    for t in range(5):
        learners, _ = step(learners, (ROWS[:10], ROWS[10:20]), key(t))
        for player in "PQ":
            by_hand[player] = DECAY * by_hand[player] + (1 - DECAY) * w(learners[player].params)
            np.testing.assert_allclose(w(learners[player].ema), by_hand[player], rtol=1e-5)
            assert learners[player].optimiser[0].count == t + 1


def test_only_the_mover_changes():
    before = born()
    after, _ = step_of(MOVES[0])(before, (ROWS,), key(1))
    assert equal(after["Q"], before["Q"])
    assert not np.allclose(w(after["P"].params), w(before["P"].params))


def test_the_second_player_faces_what_the_first_became():
    def watch(networks, rows, key):
        return networks["P"].w[...].sum() + 0 * networks["Q"].w[...].sum()

    before = born()
    after, losses = step_of(MOVES[0], Move("Q", watch))(before, (ROWS, ROWS), key(1))
    assert losses[1] == pytest.approx(w(after["P"].params).sum(), rel=1e-6)
    assert losses[1] != pytest.approx(w(before["P"].params).sum(), rel=1e-3)


def test_a_step_is_adam_on_the_gradient_of_the_loss():
    before = born()
    after, losses = step_of(MOVES[0])(before, (ROWS,), key(1))
    p, q, mean = w(before["P"].params), w(before["Q"].params), ROWS[:, 1].mean()
    assert losses[0] == pytest.approx(((p - mean) ** 2).sum() + ((p - q) ** 2).mean(), rel=1e-5)
    gradient = jnp.asarray(2 * (p - mean) + (p - q), jnp.float32)
    change, _ = RULE.update(gradient, RULE.init(gradient))
    np.testing.assert_allclose(w(after["P"].params), p + np.asarray(change), rtol=1e-5)


def test_steps_in_parts_are_the_steps_in_one_go():
    order = shuffles(key(3), rows=len(ROWS), batch_size=8, moves=2)
    run = jax.jit(partial(run_steps, step_of(*MOVES), 7))
    whole, losses = run(born(), order, key(4), ROWS, 0, 5)
    first, early = run(born(), order, key(4), ROWS, 0, 2)
    parts, late = run(first, order, key(4), ROWS, 2, 5)
    assert equal(whole, parts)
    assert losses.shape == (7, 2)
    assert np.array_equal(losses[:5], np.concatenate([early[:2], late[:3]]))
    assert (losses[5:] == 0).all()


def test_shuffles_deal_each_row_at_most_once_to_each_move():
    order = np.asarray(shuffles(key(0), rows=23, batch_size=5, moves=2))
    assert order.shape == (2, 4, 5)
    for dealt in order:
        assert len(set(dealt.ravel())) == 20
        assert set(dealt.ravel()) <= set(range(23))
    assert not np.array_equal(order[0], order[1])
    assert not np.array_equal(order, shuffles(key(1), rows=23, batch_size=5, moves=2))
    assert np.array_equal(order, shuffles(key(0), rows=23, batch_size=5, moves=2))


def test_a_network_comes_alive_without_touching_what_it_is_made_from():
    learner = born()["P"]
    before = np.asarray(learner.buffers["moves"][...])
    network = alive(PLANS["P"], learner.params, learner.buffers)
    network.note(ROWS, key(0))
    assert network.moves[...] == 1
    assert np.array_equal(learner.buffers["moves"][...], before)
    assert np.array_equal(network.w[...], learner.params["w"][...])
