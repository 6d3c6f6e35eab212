"""The loop: how many steps on which rows, seeds side by side, patience, progress, divergence."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from alad.errors import AladError, DivergedError
from alad.training import Checkpoint, Move, Progress, of_seeds, train
from alad.training.programs import BLOCK, CHUNK
from alad.training.progress import Clock
from tests.training.toy import (
    MOVES,
    ROWS,
    SETTINGS,
    N,
    away_from_fate,
    build,
    equal,
    leaves,
    memory,
    play,
)


@pytest.fixture(scope="module")
def three_seeds():
    return play(seeds=(0, 1, 2), lanes=1)


def first_moves(weights):
    return {player: memory(weights, player, "seen") for player in "PQ"}


# ------------------------------------------------------------------------- steps and rows


@pytest.mark.parametrize(("batch_size", "steps"), [(12, 3), (40, 1), (1000, 1)])
def test_the_optimiser_makes_epochs_times_whole_batches_steps(tmp_path, batch_size, steps):
    file = tmp_path / "run"
    settings = replace(SETTINGS, epochs=2, batch_size=batch_size)
    weights = play(settings=settings, checkpoint=Checkpoint(file, "")).weights[0]
    counts = [a.item() for name, a in load_file(file).items() if name.endswith(".count")]
    assert counts == [2 * steps, 2 * steps]
    for player in "PQ":
        assert memory(weights, player, "moves") == 2 * steps
        assert memory(weights, player, "seen").sum() == 2 * steps * min(batch_size, N)


def test_an_epoch_uses_every_row_at_most_once_and_leaves_out_the_remainder(three_seeds):
    one = play(settings=replace(SETTINGS, epochs=1), seeds=(0, 1, 2), lanes=1)
    for weights in one.weights:
        for seen in first_moves(weights).values():
            assert sorted(set(seen)) == [0, 1]
            assert (seen == 0).sum() == N % SETTINGS.batch_size
    left_out = {
        tuple(np.flatnonzero(seen == 0)) for w in one.weights for seen in first_moves(w).values()
    }
    assert len(left_out) == 6  # other rows for each seed and each player
    three = [memory(w, "P", "seen") for w in three_seeds.weights]
    assert all((seen < 3).sum() > N % SETTINGS.batch_size for seen in three)  # and each epoch


def test_without_a_remainder_an_epoch_uses_every_row_once():
    weights = play(settings=replace(SETTINGS, epochs=2, batch_size=10)).weights[0]
    assert all((seen == 2).all() for seen in first_moves(weights).values())


def test_the_second_player_gets_rows_and_noise_of_its_own():
    settings = replace(SETTINGS, epochs=1, batch_size=21)  # one step of half of the rows
    weights = play(settings=settings).weights[0]
    dealt = first_moves(weights)
    assert not np.array_equal(dealt["P"], dealt["Q"])
    assert memory(weights, "P", "noise") != memory(weights, "Q", "noise")


def test_the_history_holds_the_mean_loss_over_the_steps():
    def rows_mean(networks, rows, key):
        return rows[:, 1].mean() + 0 * networks["P"].w[...].sum()

    settings = replace(SETTINGS, epochs=2, batch_size=10)
    history = train(build, [Move("P", rows_mean)], ROWS, seeds=[0], settings=settings).history
    np.testing.assert_allclose(history.losses["P"], [[ROWS[:, 1].mean()]] * 2, rtol=1e-5)
    assert (history.epochs, len(history.seconds), history.validation) == (2, 2, [])


# ------------------------------------------------------------------------- seeds


def test_the_same_seed_twice_is_equal_to_the_bit_and_other_seeds_differ(three_seeds):
    again = play(seeds=(0, 1, 2), lanes=1)
    assert equal(again.weights, three_seeds.weights)
    assert again.history.losses == three_seeds.history.losses
    a, b, c = (w["P"][0]["w"][...].tolist() for w in three_seeds.weights)
    assert a != b != c != a


def test_a_seed_trains_as_if_it_were_alone(three_seeds):
    for i, seed in enumerate((0, 1, 2)):
        alone = play(seeds=[seed])
        for a, b in zip(leaves(alone.weights[0]), leaves(three_seeds.weights[i]), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        for player in "PQ":
            of_seed = three_seeds.history.of_seed(i).losses[player]
            np.testing.assert_allclose(alone.history.losses[player], of_seed, rtol=1e-4)


def test_lanes_share_out_the_work_and_change_nothing(three_seeds):
    shared = play(seeds=(0, 1, 2), lanes=2)
    for a, b in zip(leaves(shared.weights), leaves(three_seeds.weights), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_no_epochs_give_the_newborn_weights():
    trained = play(settings=replace(SETTINGS, epochs=0))
    assert trained.history.epochs == 0
    assert memory(trained.weights[0], "P", "moves") == 0
    assert equal(trained.weights, play(settings=replace(SETTINGS, epochs=0)).weights)


# ------------------------------------------------------------------------- averaged weights


def test_without_memory_the_average_is_the_last_weights_else_it_trails_them():
    def after(epochs, decay):
        settings = replace(SETTINGS, epochs=epochs, batch_size=N, ema_decay=decay)
        return play(settings=settings).weights[0]["P"][0]["w"][...]

    newborn, *last = (after(epochs, 0.0) for epochs in range(5))
    by_hand = newborn
    for w in last:
        by_hand = 0.75 * by_hand + 0.25 * w
    np.testing.assert_allclose(after(4, 0.75), by_hand, rtol=1e-5)
    assert not np.allclose(by_hand, last[-1], rtol=1e-2)


# ------------------------------------------------------------------------- validation, patience


@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_validation_is_the_mean_over_all_rows(n):
    values = np.random.default_rng(1).normal(size=(n, 2)).astype(np.float32)

    def second(networks, rows):
        return rows[:, 1]

    settings = replace(SETTINGS, epochs=1)
    history = play(settings=settings, validation=values, validate=second).history
    np.testing.assert_allclose(history.validation, [[values[:, 1].mean()]], atol=1e-5)


SEEDS = (0, 1, 2, 3, 4)


def with_patience(patience, epochs=30, **others):
    settings = replace(SETTINGS, epochs=epochs, batch_size=N, patience=patience)
    return play(
        seeds=SEEDS, settings=settings, validation=ROWS, validate=away_from_fate, lanes=1, **others
    )


def fates(trained):
    return [int(memory(w, "P", "fate")) for w in trained.weights]


@pytest.mark.parametrize("patience", [0, 1])
def test_patience_restores_the_best_weights_of_each_seed(patience):
    trained = with_patience(patience)
    best = fates(trained)
    assert len(set(best)) >= 3  # seeds of different fates side by side
    assert [int(memory(w, "P", "moves")) for w in trained.weights] == best
    # The first to fail are out for good, even where they would do better than ever later on.
    assert max(best) - min(best) > 3
    assert trained.history.epochs == max(best) + patience + 1
    shorter = with_patience(None, epochs=best[0])
    assert equal(trained.weights[0], shorter.weights[0])


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_patience_does_not_give_newborn_networks_for_trained_ones(value):
    def endless(networks, rows):
        return jnp.full(len(rows), value)

    settings = replace(SETTINGS, epochs=9, patience=1)
    told = []
    with pytest.raises(DivergedError, match=r"finite mean over the validation rows.*for seed 0"):
        play(settings=settings, validation=ROWS, validate=endless, report=told.append)
    assert told[-1].epoch == 2


def test_with_enough_patience_a_late_best_is_found():
    trained = with_patience(2, epochs=12)  # it comes after two worse epochs, and stays
    assert [memory(w, "P", "moves") for w in trained.weights] == [f + 3 for f in fates(trained)]


def test_without_patience_or_without_rows_to_watch_the_last_weights_stay():
    for trained in (
        with_patience(None, epochs=12),
        play(seeds=SEEDS, settings=replace(SETTINGS, epochs=12, batch_size=N, patience=0)),
    ):
        assert trained.history.epochs == 12
        assert {int(memory(w, "P", "moves")) for w in trained.weights} == {12}


def test_epochs_are_the_most_even_with_patience():
    trained = with_patience(20, epochs=2)
    assert trained.history.epochs == 2
    assert {int(memory(w, "P", "moves")) for w in trained.weights} <= {1, 2}


# ------------------------------------------------------------------------- progress


def test_progress_is_told_every_thousand_steps_and_at_the_end_of_an_epoch():
    rows = np.tile(ROWS, (53, 1))
    told = []
    settings = replace(SETTINGS, epochs=2, batch_size=1)
    trained = play(rows=rows, settings=settings, report=told.append)
    steps = len(rows)
    assert [(p.epoch, p.step) for p in told] == [
        *((1, CHUNK), (1, 2 * CHUNK), (1, steps)),
        *((2, steps + CHUNK), (2, steps + 2 * CHUNK), (2, 2 * steps)),
    ]
    assert {(p.epochs, p.steps, p.validation) for p in told} == {(2, 2 * steps, None)}
    assert all(set(p.losses) == {"P", "Q"} for p in told)
    seconds = [p.seconds for p in told]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert memory(trained.weights[0], "P", "moves") == 2 * steps


def test_progress_carries_the_last_validation():
    told = []
    settings = replace(SETTINGS, epochs=2)
    trained = play(settings=settings, validation=ROWS, validate=away_from_fate, report=told.append)
    assert [p.validation for p in told] == [None, trained.history.validation[0][0]]


def test_time_left_counts_what_was_made_before():
    def left(**changes):
        values = {
            "epoch": 1,
            "epochs": 4,
            "step": 10,
            "steps": 40,
            "seconds": 5.0,
            "losses": {},
            "validation": None,
        }
        return Progress(**{**values, **changes}).seconds_left

    assert left() == 15
    assert left(before=20) == 5
    assert left(step=40) == 0
    assert left(step=0) == 200  # nothing to go by yet, but no division by nought


def test_a_group_of_seeds_is_told_as_a_part_of_all():
    one, told = Progress(3, 20, step=30, steps=100, seconds=10, losses={}, validation=None), []
    of_seeds(told.append, (2, 3, 4), done=2, seeds=5)(one)
    (found,) = told
    assert (found.of, found.before, found.steps, found.step) == ("seeds 2, 3, 4", 67, 167, 30)
    assert found.seconds_left == pytest.approx(10 / 30 * 70, rel=0.02)
    assert of_seeds(told.append, (0, 1), 0, 2) == told.append
    assert of_seeds(None, (0,), 0, 2) is None


def test_time_left_leaves_compiling_out():
    told = []
    clock = Clock(told.append, epochs=100, epochs_before=0, steps_per_epoch=10)
    clock.began -= 30  # to compile
    for epoch in (1, 2):
        clock.tell(epoch, 10, {})
    assert told[0].seconds_left is None
    assert told[1].seconds_left < 30
    clock.tell(100, 10, {})
    assert told[2].seconds_left == 0


# ------------------------------------------------------------------------- divergence


def test_divergence_names_epoch_step_player_seed_and_learning_rate():
    def fragile(networks, rows, key):
        q = networks["Q"]
        q.note(rows, key)
        fails = (q.fate[...] == 3) & (q.moves[...] == 5)
        return jnp.where(fails, jnp.nan, 1.0) * q.w[...].sum()

    fate = {seed: int(memory(w, "Q", "fate")) for seed, w in zip(SEEDS, _newborn(), strict=True)}
    doomed = next(seed for seed, of_q in fate.items() if of_q == 3)
    seeds = [seed for seed in SEEDS if seed == doomed or fate[seed] != 3]
    with pytest.raises(DivergedError) as caught:  # the fifth move, of three an epoch
        train(build, (MOVES[0], Move("Q", fragile)), ROWS, seeds=seeds, settings=SETTINGS)
    message = str(caught.value)
    for part in ("player 'Q'", "epoch 2", "step 2", f"seed {doomed},", "learning rate 0.1", "nan"):
        assert part in message
    assert isinstance(caught.value, AladError)
    assert isinstance(caught.value, FloatingPointError)


def _newborn():
    return play(seeds=SEEDS, settings=replace(SETTINGS, epochs=0)).weights
