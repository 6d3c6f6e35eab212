"""Train players of a game: epochs, validation, patience, checkpoints, seeds side by side.

Nothing here knows what an anomaly is. ``train`` is given how to build the players, who moves
with which loss, and rows; it gives back weights for every seed, and the history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from alad.errors import DivergedError
from alad.training.checkpoint import Checkpoint
from alad.training.history import History
from alad.training.lanes import cores, default_lanes
from alad.training.programs import (
    CHUNK,
    CHUNK_OF_PICTURES,
    Learners,
    Validate,
    as_blocks,
    programs,
    room_for,
    with_room,
)
from alad.training.progress import Clock, Progress
from alad.training.randomness import key
from alad.training.settings import Settings
from alad.training.state import Build
from alad.training.step import Move
from alad.training.windows import Ahead, Windows

LESS = "Lower the learning rate, or scale the columns of a table (scaling='standard')."


@dataclass
class Standing:
    """Who has done how well on the validation rows, seed by seed."""

    best: np.ndarray[Any, Any]
    waited: np.ndarray[Any, Any]

    def update(self, value: np.ndarray[Any, Any], patience: int) -> np.ndarray[Any, Any]:
        """Take in an epoch; returns which seeds are at their best now and still in the race."""
        better = (value < self.best) & (self.waited <= patience)
        self.best = np.where(better, value, self.best)
        self.waited = np.where(better, 0, self.waited + 1)
        return better


@dataclass
class Run:
    """The state of all seeds between two epochs."""

    learners: list[Learners]  # one for each lane, every array with a leading axis of seeds
    best: list[Any]
    standing: Standing
    history: History


@dataclass(frozen=True)
class Trained:
    """The outcome: for every seed the weights to use, by player, and the curves.

    ``weights[i]`` maps a player to (params, buffers), NumPy trees of the moving average.
    """

    weights: list[dict[str, Any]]
    history: History


def train(
    build: Build,
    moves: Sequence[Move],
    rows: np.ndarray[Any, Any] | Windows,
    *,
    seeds: Sequence[int],
    settings: Settings,
    validation: np.ndarray[Any, Any] | None = None,
    validate: Validate | None = None,
    checkpoint: Checkpoint | None = None,
    report: Callable[[Progress], None] | None = None,
    lanes: int | None = None,
) -> Trained:
    """Train every seed for the same number of epochs, side by side.

    Parameters
    ----------
    build : callable
        ``build(key)`` gives the players, by name, with fresh weights.
    moves : sequence of Move
        Made in turn in every step.
    rows, validation : arrays of shape (n, ...), float32
        Of :class:`Windows` the n rows of a window are an epoch.
    seeds : sequence of int
        A seed settles its weights, its batches, its noise, whoever trains beside it.
    validate : callable
        ``validate(networks, rows)`` gives one value for each row; its mean over the validation
        rows is to be small.
    checkpoint : Checkpoint, optional
        Written between epochs. If its file is there already, training goes on from it.
    report : callable, optional
        Called with a :class:`Progress` every now and then.
    lanes : int, optional
        How many programs take an equal share of the seeds; within one the seeds are side by
        side under ``vmap``, and on a CPU each core runs one. Default: one for each seed, but one
        in all for tables on an accelerator.

    Raises
    ------
    DivergedError
        A loss stopped being finite; names the epoch, the step, the player and the seed.
    """
    workshop = _Workshop(build, moves, rows, seeds=tuple(seeds), settings=settings, lanes=lanes)
    if validation is not None and validate is not None and len(validation):
        workshop.use_validation(validation, validate)
    run = workshop.start_or_resume(checkpoint)
    clock = Clock(report, settings.epochs, run.history.epochs, workshop.steps)
    began = saved = time.monotonic()
    with workshop:
        while run.history.epochs < settings.epochs and workshop.someone_goes_on(run):
            workshop.epoch(run, clock)
            over = run.history.epochs == settings.epochs or not workshop.someone_goes_on(run)
            if checkpoint and (over or checkpoint.is_due(began, saved)):
                checkpoint.save(*workshop.to_disk(run))
                saved = time.monotonic()
    return Trained(workshop.weights(run), run.history)


class _Workshop:
    """One run: its programs, its rows, and the lanes that the seeds are shared out to."""

    def __init__(
        self,
        build: Build,
        moves: Sequence[Move],
        rows: np.ndarray[Any, Any] | Windows,
        *,
        seeds: tuple[int, ...],
        settings: Settings,
        lanes: int | None,
    ) -> None:
        self.seeds, self.settings, self.moves = seeds, settings, tuple(moves)
        self.windows = Ahead(rows, settings.epochs) if isinstance(rows, Windows) else None
        self.row_count = rows.shape[0]
        room = self.row_count if isinstance(rows, Windows) else room_for(rows)
        self.rows = None if isinstance(rows, Windows) else with_room(rows, room)
        self.programs = programs(
            build,
            self.moves,
            settings.learning_rate,
            settings.beta1,
            settings.beta2,
            settings.ema_decay,
            settings.precision,
        )
        self.batch_size = min(settings.batch_size, self.row_count)
        self.steps, self.room = self.row_count // self.batch_size, room // self.batch_size
        of_pictures = len(rows.shape) > 2
        self.stride = CHUNK_OF_PICTURES if of_pictures else CHUNK
        keys = jnp.stack([jax.random.split(key(s)) for s in seeds])
        shares = np.array_split(
            np.arange(len(seeds)), lanes or default_lanes(len(seeds), of_pictures)
        )
        self.shares = [share for share in shares if len(share)]
        self.birth_keys = [keys[share, 0] for share in self.shares]
        self.keys = [keys[share, 1] for share in self.shares]
        self.pool = ThreadPoolExecutor(min(len(self.shares), cores()))
        self.judge: Callable[[Learners], Array] | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self.pool.shutdown()
        if self.windows is not None:
            self.windows.close()

    def use_validation(self, rows: np.ndarray[Any, Any], validate: Validate) -> None:
        """Judge every epoch by the mean of ``validate`` over these rows."""
        program, blocks, count = self.programs.judge(validate), as_blocks(rows), len(rows)
        self.judge = lambda learners: program(learners, blocks, count)

    def start_or_resume(self, checkpoint: Checkpoint | None) -> Run:
        """Give newborn learners, or those of the checkpoint if there is one."""
        learners = [self.programs.born(keys) for keys in self.birth_keys]
        n = len(self.seeds)
        standing = Standing(np.full(n, np.inf), np.zeros(n, int))
        best = [self._worth_keeping(lane) for lane in learners]
        run = Run(learners, best, standing, History(self.seeds))
        found = checkpoint.load(self._on_host(run)) if checkpoint else None
        if found is not None:
            arrays, record = found
            run.learners, run.best = (self._to_lanes(tree) for tree in arrays)
            run.history = History.from_json(record["history"])
            run.standing = Standing(np.array(record["best"]), np.array(record["waited"]))
        return run

    def to_disk(self, run: Run) -> tuple[Any, dict[str, Any]]:
        """Give a run as arrays and JSON."""
        return self._on_host(run), {
            "history": run.history.to_json(),
            "best": run.standing.best.tolist(),
            "waited": run.standing.waited.tolist(),
        }

    @property
    def keeps_best(self) -> bool:
        """Whether the best weights are remembered, and not the last ones used."""
        return self.settings.patience is not None and self.judge is not None

    def _worth_keeping(self, learners: Learners) -> dict[str, Any]:
        # A copy: a training step takes over the memory of the learners that it is given.
        return jax.tree.map(jnp.copy, _usable(learners)) if self.keeps_best else {}

    def someone_goes_on(self, run: Run) -> bool:
        """Whether a seed has patience left."""
        patience = self.settings.patience
        return patience is None or bool((run.standing.waited <= patience).any())

    def epoch(self, run: Run, clock: Clock) -> None:
        """Run one epoch of all lanes, judge it and write it into the history."""
        began, number = time.monotonic(), run.history.epochs + 1
        if self.windows is not None:
            self.rows = None  # before there is another one
            self.rows = jnp.asarray(self.windows.take(number))
            self.windows.ask_for(number + 1)
        dealt = [self._deal(lane, number) for lane in self.keys]
        sums = np.zeros((len(self.seeds), len(self.moves)))
        for start in range(0, self.steps, self.stride):
            stop = min(start + self.stride, self.steps)
            losses = self._chunk(run, dealt, start, stop)
            self._check_finite(losses, number, start)
            sums += losses.sum(axis=1)
            clock.tell(number, stop, self._named(losses.mean(axis=(0, 1))))
        value = self._judge(run)
        clock.validation = None if value is None else float(value.mean())
        run.history.add(self._named((sums / self.steps).T), value, time.monotonic() - began)

    def _deal(self, lane: Array, epoch: int) -> tuple[Array, Array]:
        return self.programs.deal(lane, epoch, self.row_count, self.batch_size, self.room)

    def _chunk(
        self, run: Run, dealt: list[tuple[Array, Array]], start: int, stop: int
    ) -> np.ndarray[Any, Any]:
        def of_lane(i: int) -> np.ndarray[Any, Any]:
            keys, orders = dealt[i]
            run.learners[i], losses = self.programs.chunk(
                run.learners[i], orders, keys, self.rows, start, stop
            )
            return np.asarray(losses)[:, : stop - start]

        return np.concatenate(list(self.pool.map(of_lane, range(len(self.shares)))))

    def _judge(self, run: Run) -> np.ndarray[Any, Any] | None:
        """Validate all seeds, and remember the weights of those that never did better."""
        if self.judge is None:
            return None
        value = np.concatenate([np.asarray(v) for v in self.pool.map(self.judge, run.learners)])
        if self.keeps_best and self.settings.patience is not None:
            better = run.standing.update(value, self.settings.patience)
            for i, share in enumerate(self.shares):
                run.best[i] = _where(better[share], _usable(run.learners[i]), run.best[i])
        return value

    def _check_finite(self, losses: np.ndarray[Any, Any], epoch: int, start: int) -> None:
        wrong = ~np.isfinite(losses)
        if not wrong.any():
            return
        # Within a step the moves follow each other: the first in order of time is the culprit.
        step, move, seed = (int(i) for i in np.argwhere(wrong.transpose(1, 2, 0))[0])
        raise DivergedError(
            f"Expected finite losses; that of player {self.moves[move].player!r} is "
            f"{losses[seed, step, move]} in epoch {epoch}, step {start + step + 1}, seed "
            f"{self.seeds[seed]}, at learning rate {self.settings.learning_rate:g}. "
            f"{LESS}"
        )

    def weights(self, run: Run) -> list[dict[str, Any]]:
        """Give the weights to use for each seed: the best ones under patience, else the last."""
        if self.keeps_best and run.history.epochs:
            self._check_someone_was_best(run.standing.best)
        lanes = run.best if self.keeps_best else [_usable(lane) for lane in run.learners]
        stacked = _stack_lanes(lanes)
        each = [jax.tree.map(lambda a, i=i: a[i], stacked) for i in range(len(self.seeds))]
        for seed, weights in zip(self.seeds, each, strict=True):
            self._check_weights(seed, weights, run.history.epochs)
        return each

    def _check_someone_was_best(self, best: np.ndarray[Any, Any]) -> None:
        """Refuse to give newborn networks for trained ones."""
        for seed, value in zip(self.seeds, best, strict=True):
            if not np.isfinite(value):
                raise DivergedError(
                    "Expected a finite mean over the validation rows in some epoch; there was none "
                    f"for seed {seed}, so none is the best. A row may lie far beyond all others: "
                    "look at the validation rows, or leave patience at None."
                )

    def _check_weights(self, seed: int, weights: dict[str, Any], epoch: int) -> None:
        """Find what the last step did, whose outcome no loss has seen."""
        for player, trees in weights.items():
            if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(trees)):
                raise DivergedError(
                    f"Expected finite weights; some of player {player!r} are not, after epoch "
                    f"{epoch}, seed {seed}, at learning rate {self.settings.learning_rate:g}. "
                    f"{LESS}"
                )

    def _named(self, per_move: Any) -> dict[str, Any]:
        return {move.player: v for move, v in zip(self.moves, per_move, strict=True)}

    def _on_host(self, run: Run) -> tuple[Any, Any]:
        return _stack_lanes(run.learners), _stack_lanes(run.best)

    def _to_lanes(self, stacked: Any) -> list[Any]:
        return [jax.tree.map(lambda a, s=s: jnp.asarray(a[s]), stacked) for s in self.shares]


def _usable(learners: Learners) -> dict[str, Any]:
    """What scoring needs of each player: averaged weights and buffers."""
    return {name: (learner.ema, learner.buffers) for name, learner in learners.items()}


def _where(mask: np.ndarray[Any, Any], new: Any, old: Any) -> Any:
    def pick(a: Array, b: Array) -> Array:
        return jnp.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(pick, new, old)


def _stack_lanes(lanes: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *parts: np.concatenate([np.asarray(p) for p in parts]), *lanes)
