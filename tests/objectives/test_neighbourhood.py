"""Forgeries with exchanged columns, and the games they are part of."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.networks import Players
from alad.networks.presets import tabular_architecture
from alad.objectives import alad
from alad.objectives.neighbourhood import discriminators_loss, exchanged, games

KEY = jax.random.key(3)
ROWS = jnp.asarray(np.random.default_rng(0).permutation(400).reshape(80, 5), jnp.float32)


def test_a_forged_value_is_one_of_its_column():
    forged = np.asarray(exchanged(ROWS, KEY))
    for column in range(5):
        assert np.isin(forged[:, column], ROWS[:, column]).all()


def test_shares_reach_from_few_columns_to_all():
    changed = (np.asarray(exchanged(ROWS, KEY)) != np.asarray(ROWS)).sum(axis=1)
    assert set(changed) == {0, 1, 2, 3, 4, 5}  # 0: drawn, but from the row itself or by no chance
    assert 1.5 < changed.mean() < 3.5  # a share of (1/5 + 1) / 2 on average, less those redrawn


def test_the_key_settles_them():
    assert (exchanged(ROWS, KEY) == exchanged(ROWS, KEY)).all()
    assert (exchanged(ROWS, KEY) != exchanged(ROWS, jax.random.key(4))).any()


def test_a_row_alone_stays_as_it_is():
    assert (exchanged(ROWS[:1], KEY) == ROWS[:1]).all()


@pytest.mark.parametrize("d", [3, 40, 200, 1000])
def test_networks_are_as_wide_as_the_rule_says(d):
    (first, _) = tabular_architecture(d).encoder
    assert first.units == {3: 64, 40: 64, 200: 256, 1000: 256}[d]


def test_the_loss_is_that_of_both_sets_of_games():
    players = Players(tabular_architecture(5), 5, 2, ("xz", "xx", "zz"), False)(jax.random.key(0))
    A, D = players["A"], players["D"]
    for_z, for_forgeries = jax.random.split(KEY)
    forged = games(A, ROWS, exchanged(ROWS, for_forgeries))
    expected = alad.discriminators_loss(players, ROWS, for_z) - alad.value(D, forged)
    assert discriminators_loss(players, ROWS, KEY) == pytest.approx(float(expected), rel=1e-5)
    assert set(forged) == {"xz", "xx"}
    (real, fake) = forged["xx"]
    assert (real[0] == real[1]).all()
    assert (fake[0] == fake[1]).all()
    assert (fake[0] != ROWS).any()


def test_a_game_that_is_left_out_is_left_out_here_too():
    players = Players(tabular_architecture(5), 5, 2, ("xz",), False)(jax.random.key(0))
    assert np.isfinite(discriminators_loss(players, ROWS, KEY))
