"""What is compiled: once for data sets of nearly one size, to the same weights as without room."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.training import programs as module
from tests.training.toy import MOVES, ROWS, SETTINGS, away_from_fate, build, equal, play

N = 37  # rows, which have room for 40


@pytest.fixture
def settings():
    return replace(SETTINGS, batch_size=6, learning_rate=0.0625)  # nobody else's programs


def compiled(settings):
    rate, beta1, beta2 = settings.learning_rate, settings.beta1, settings.beta2
    return module.programs(build, MOVES, rate, beta1, beta2, settings.ema_decay, "float32")


@pytest.mark.parametrize("validated", [False, True])
def test_room_changes_nothing_that_is_learned(monkeypatch, settings, validated):
    judged = {"validation": ROWS[:N], "validate": away_from_fate} if validated else {}
    roomy = play(settings=settings, rows=ROWS[:N], **judged)
    monkeypatch.setattr(module, "MOST_WITH_ROOM", 0)
    tight = play(settings=settings, rows=ROWS[:N], **judged)
    assert equal(roomy.weights, tight.weights)
    assert roomy.history.losses == tight.history.losses
    assert roomy.history.validation == tight.history.validation


def test_data_sets_of_nearly_one_size_share_what_is_compiled(settings):
    settings = replace(settings, learning_rate=0.03125)
    for n in (N, N + 1, N + 2):
        play(settings=settings, rows=ROWS[:n], validation=ROWS[:n], validate=away_from_fate)
    programs = compiled(settings)
    assert programs.chunk._cache_size() == 1
    assert programs.judge(away_from_fate)._cache_size() == 1


def test_the_mean_over_validation_rows_leaves_out_what_fills_the_last_block(settings):
    def number(networks, rows):
        return rows[:, 0] + 1.0 + 0 * networks["P"].w[...].sum()

    for n in (1, 15, N, 39):
        validation = play(
            settings=replace(settings, epochs=1), validation=ROWS[:n], validate=number
        ).history.validation
        np.testing.assert_allclose(validation, [[ROWS[:n, 0].mean() + 1]], rtol=1e-6)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 3_540, 3_585, 32_768, 32_769, 1_000_003])
def test_room_is_at_least_what_is_asked_for_and_at_most_an_eighth_more(n):
    assert n <= module.roomy(n) <= n + n / 8
    assert module.roomy(module.roomy(n)) == module.roomy(n)


def test_many_rows_are_not_copied_into_room(monkeypatch):
    monkeypatch.setattr(module, "MOST_WITH_ROOM", ROWS[:N].nbytes)
    assert module.room_for(ROWS[:N]) == module.roomy(N) == N + 3
    assert module.room_for(ROWS[: N + 1]) == N + 1


@pytest.mark.parametrize("seeds", [1, 2])
def test_seeds_side_by_side_are_each_what_the_function_gives(seeds):
    def function(state, x, offset):
        return {"sum": state["w"] @ x + offset}, x.sum()

    states = {"w": jnp.arange(6.0 * seeds).reshape(seeds, 2, 3)}
    x = jnp.arange(3.0 * seeds).reshape(seeds, 3)
    found = module.side_by_side(function, (0, 0, None))(states, x, 0.5)
    for i in range(seeds):
        own = function({"w": states["w"][i]}, x[i], 0.5)
        assert equal(jax.tree.map(lambda leaf, i=i: leaf[i], found), own)
    assert {len(leaf) for leaf in jax.tree.leaves(found)} == {seeds}


def test_an_option_that_this_release_of_xla_lacks_is_left_out(monkeypatch):
    assert module.known_options() == module.OPTIONS
    monkeypatch.setattr(module, "OPTIONS", {**module.OPTIONS, "xla_cpu_of_tomorrow": True})
    module.known_options.cache_clear()
    assert "xla_cpu_of_tomorrow" not in module.known_options()
    module.known_options.cache_clear()
