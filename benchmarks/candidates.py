"""Other ways to train the default: ``python -m benchmarks.candidates``.

Each is ``ALAD()`` with one thing changed in its training, on ADBench's ten tables, with clean
training rows and with anomalies among them, and judged by three scores of the same fit:

* cycle terms: E and G also minimise so many times the mean square of x - G(E(x)) over columns, as
  ALICE's explicit cycle does (Li et al., 2017);
* denoising: the same of x - G(E(y)), for y with exchanged columns;
* larger batches, at as many steps; a third of the steps, and three times as many;
* a learning rate that falls to 0 along a cosine;
* other forgeries for D_xz and D_xx: rows with noise, whose size is drawn anew for each and told to
  nobody, or points between two rows, beside the exchanged columns or in their place; exchanged
  columns without the paper's games;
* spectral normalisation in the discriminators, and dropout in D_xz;
* four trainings, which differ by their seeds, as one score, its mean;
* noise of a told size: D_xx must also tell (x, s) from (x + sigma e, s) for normal draws e and
  sigma from 0.03 to 1, with log sigma in every column of s, beside the exchanged columns or in
  their place. What D_xx says of a row is then the mean over four sizes of what it says of (x, s);
* reweighting: a first fit judges its own training rows, and a second is to rows drawn by weight, 1
  for three rows in four and falling with the score beyond (:func:`weights_of`).

The control beside them is the default with other draws of noise: how far it lies from the
default is chance, and so is as much of any other.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray
from rich.console import Console

from alad import ALAD
from alad.datasets import DATA_SETS
from alad.datasets.adbench import DIGESTS
from alad.estimators._choices import Choices
from alad.estimators._doubt import Belief, belief
from alad.estimators._given import Matrix
from alad.estimators._programs import Judge, in_blocks, program
from alad.experiments.quality import METRICS
from alad.experiments.record import commit, record
from alad.metrics import detection_metrics
from alad.networks.models import Architecture
from alad.networks.presets import TABULAR, tabular_architecture
from alad.objectives import alad as games_of_alad
from alad.objectives import neighbourhood
from alad.objectives.alad import autoencoder_loss
from alad.objectives.neighbourhood import exchanged
from alad.scores.memory import doubted, own_logits
from alad.training import Move, Settings
from benchmarks.run import RESULTS

SCORES = ("memory", "features", "l1")
GROUPS = ("one-class", "contaminated")
SEEDS = (0,)
DROPOUT = 0.5
SIZES = (0.03, 0.1, 0.3, 1.0)  # of noise, in columns whose standard deviation is about 1


@dataclass(frozen=True)
class Cosine:
    """A learning rate that falls from ``peak`` to 0 over all steps."""

    peak: float
    steps: int

    def __call__(self, step: Array) -> Array:
        """Give the rate of a step."""
        return self.peak / 2 * (1 + jnp.cos(jnp.pi * jnp.minimum(step / self.steps, 1)))


class Shorter(Choices):
    """Settings with fewer steps."""

    times = 1 / 3

    def settings(self, rows: int, windows: int = 1) -> Settings:
        """Give those of the default, but for how long it takes."""
        known = super().settings(rows, windows)
        return replace(known, epochs=max(1, round(self.times * known.epochs)))


class Longer(Shorter):
    """Settings with more steps."""

    times = 3


class Falling(Choices):
    """Settings whose learning rate falls."""

    def settings(self, rows: int, windows: int = 1) -> Settings:
        """Give those of the default, but for the rate."""
        known = super().settings(rows, windows)
        steps = known.epochs * max(1, rows // min(known.batch_size, rows))
        rate: Any = Cosine(known.learning_rate, steps)
        return replace(known, learning_rate=rate)


def with_cycle(weight: float, denoising: bool = False) -> ALAD:
    """Make a detector whose E and G also minimise the error of reconstruction."""

    def loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
        for_games, for_noise = jax.random.split(key)
        seen = exchanged(x, for_noise) if denoising else x
        A = networks["A"]
        apart = jnp.square(x - A.G(A.E(seen))).mean()
        return autoencoder_loss(networks, x, for_games) + weight * apart

    class WithCycle(ALAD):
        def _moves(self) -> tuple[Move, ...]:
            discriminators, _ = super()._moves()
            return discriminators, Move("A", loss)

    return WithCycle()


def with_settings(choices: type[Choices]) -> ALAD:
    """Make a detector whose training is told other settings."""

    class WithSettings(ALAD):
        def _with_defaults(self) -> Choices:
            return choices(**vars(super()._with_defaults()))

    return WithSettings()


def noisy(x: Array, key: Array) -> Array:
    """Rows with noise of a size that is drawn for each: (n, d) to (n, d)."""
    for_size, for_noise = jax.random.split(key)
    return x + sizes_of(x, for_size) * jax.random.normal(for_noise, x.shape)


def sizes_of(x: Array, key: Array) -> Array:
    """Draw the size of each row's noise, its logarithm evenly: (n, 1)."""
    low, high = jnp.log(SIZES[0]), jnp.log(SIZES[-1])
    return jnp.exp(jax.random.uniform(key, (len(x), 1), minval=low, maxval=high))


def between(x: Array, key: Array) -> Array:
    """Points anywhere between two rows of the batch: (n, d) to (n, d)."""
    for_row, for_place = jax.random.split(key)
    other = x[jax.random.randint(for_row, (len(x),), 0, len(x))]
    return x + jax.random.uniform(for_place, (len(x), 1)) * (other - x)


def with_forgeries(
    *forge: Callable[[Array, Array], Array], games: bool = True, of: type[Any] = ALAD
) -> type[Any]:
    """Make detectors whose D_xz and D_xx see these forgeries, beside the paper's games or not."""

    def loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
        A, D = networks["A"], networks["D"]
        for_z, *keys = jax.random.split(key, 1 + len(forge))
        total = games_of_alad.discriminators_loss(networks, x, for_z) if games else jnp.zeros(())
        for make, own in zip(forge, keys, strict=True):
            total -= games_of_alad.value(D, neighbourhood.games(A, x, make(x, own)))
        return total

    class WithForgeries(of):
        def _moves(self) -> tuple[Move, ...]:
            return Move("D", loss), *super()._moves()[1:]

    return WithForgeries


def with_dropout(d: int) -> Architecture:
    """The default's networks, with dropout in D_xz."""
    known = tabular_architecture(d)
    return replace(known, xz_joint=tuple(replace(b, dropout=DROPOUT) for b in known.xz_joint))


class WithDropout(ALAD):
    """The default, whose D_xz learns with dropout."""

    presets = ALAD.presets | {"tabular": replace(TABULAR, architecture=with_dropout)}


class FourSeeds(ALAD):
    """Four trainings of the default as one."""

    def fit(self, X: Any, y: Any = None, **how: Any) -> FourSeeds:
        """Fit each in turn."""
        super().fit(X, **how)
        seeds = [1000 * i + self.random_state for i in range(1, 4)]
        given = self.get_params()
        self.others_ = [ALAD(**given | {"random_state": seed}).fit(X) for seed in seeds]
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Mean of what they say."""
        found = super().score_samples(X)
        for other in self.others_:
            other.set_params(anomaly_score=self.anomaly_score)
            found = found + other.score_samples(X)
        return found / (1 + len(self.others_))


def told(x: Array, sizes: Array) -> Array:
    """Rows that say in every column how large the noise is."""
    return jnp.broadcast_to(jnp.log(sizes), x.shape)


def noise_loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """-V of the game that tells rows from rows with noise of a told size."""
    for_size, for_noise = jax.random.split(key)
    sizes = sizes_of(x, for_size)
    forged, size = x + sizes * jax.random.normal(for_noise, x.shape), told(x, sizes)
    return -games_of_alad.value(networks["D"], {"xx": ((x, size), (forged, size))})


def noise_logits(networks: Mapping[str, Any], x: Array) -> Array:
    """What D_xz says of (x, E(x)), and D_xx of x for noise of all sizes, (n, 2)."""
    of_xx = [networks["D"]["xx"](x, told(x, jnp.asarray(size))) for size in SIZES]
    return jnp.stack([own_logits(networks, x)[:, 0], jnp.stack(of_xx).mean(axis=0)], axis=1)


def memory_and_noise(networks: Mapping[str, Any], x: Array) -> Array:
    """The score of the default, with D_xx's doubt about noise of told sizes."""
    return doubted(networks, x, noise_logits(networks, x))


class WithNoise(ALAD):
    """The default whose D_xx is told the size of noise, and beside it of exchanged columns."""

    before = staticmethod(neighbourhood.discriminators_loss)

    def _moves(self) -> tuple[Move, ...]:
        def loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
            for_games, for_noise = jax.random.split(key)
            games: Array = self.before(networks, x, for_games)
            return games + noise_loss(networks, x, for_noise)

        return Move("D", loss), *super()._moves()[1:]

    def _judge(self, score: str) -> Judge:
        return memory_and_noise if score == "memory" else super()._judge(score)

    def _belief(self, weights: Any, held: Matrix) -> Belief:
        run = program(self.players_, noise_logits)
        return belief(lambda x: in_blocks(run, weights, x), held, self.seed_)


class WithNoiseAlone(WithNoise):
    """The same without exchanged columns."""

    before = staticmethod(games_of_alad.discriminators_loss)


def weights_of(scores: np.ndarray) -> np.ndarray:
    """1 up to the upper quartile, then exp(-(score - quartile) / (quartile - median))."""
    median, quartile = np.quantile(scores, [0.5, 0.75])
    return np.exp(-np.maximum(scores - quartile, 0) / max(quartile - median, 1e-9))


class Reweighted(ALAD):
    """The default, fitted to rows that a first fit does not find strange."""

    def fit(self, X: Any, y: Any = None, **how: Any) -> Reweighted:
        """Fit twice."""
        weights = weights_of(-ALAD(**self.get_params()).fit(X).score_samples(X))
        drawn = np.random.default_rng(self.random_state).uniform(size=len(X)) < weights
        super().fit(X[drawn], **how)
        return self


VARIATIONS = {
    "ALAD()": ALAD,
    "other draws": lambda: with_cycle(0),
    "cycle terms by 10": lambda: with_cycle(10),
    "cycle terms by 100": lambda: with_cycle(100),
    "denoising by 10": lambda: with_cycle(10, denoising=True),
    "batches of 256": lambda: ALAD(batch_size=256),
    "a third of the steps": lambda: with_settings(Shorter),
    "three times the steps": lambda: with_settings(Longer),
    "cosine schedule": lambda: with_settings(Falling),
    "spectral normalisation": lambda: ALAD(spectral_norm=True),
    "dropout in D_xz": WithDropout,
    "four seeds as one": FourSeeds,
    "exchanged columns without the games": with_forgeries(exchanged, games=False),
    "noise in place of exchange": with_forgeries(noisy),
    "noise and exchange": with_forgeries(exchanged, noisy),
    "points between rows in place of exchange": with_forgeries(between),
    "points between rows and exchange": with_forgeries(exchanged, between),
    "noise of a told size": WithNoise,
    "the same in place of exchange": WithNoiseAlone,
    "reweighting": Reweighted,
}


def judged(
    name: str, protocol: str, seed: int, which: Collection[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Fit some variations on a table, and judge each by every score."""
    data_set = DATA_SETS[name]
    split = data_set.split(data_set.protocols[protocol], seed=seed)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for variation in which:
        detector = VARIATIONS[variation]().set_params(random_state=seed).fit(split.x_train)
        found[variation] = {}
        for score in SCORES:
            detector.set_params(anomaly_score=score)
            metrics = detection_metrics(split.y_test, -detector.score_samples(split.x_test))
            found[variation][score] = {metric: metrics[metric] for metric in METRICS}
    return found


def summary(fits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the fits of one protocol, by variation, score and metric."""

    def mean(variation: str, score: str, metric: str) -> float:
        return float(np.mean([fit[variation][score][metric] for fit in fits.values()]))

    return {
        variation: {score: {m: mean(variation, score, m) for m in METRICS} for score in SCORES}
        for variation in VARIATIONS
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.candidates", description=__doc__)
    parser.add_argument(
        "--missing", action="store_true", help="keep the variations that are stored"
    )
    known, commits = stored() if parser.parse_args().missing else ({}, {})
    missing = [variation for variation in VARIATIONS if variation not in commits]
    commits |= dict.fromkeys(missing, (commit() or {"commit": "unknown"})["commit"])
    console = Console()
    fits: dict[str, dict[str, Any]] = {protocol: {} for protocol in GROUPS}
    for protocol, name, seed in product(GROUPS, DIGESTS, SEEDS):
        place = f"{name}, {seed}"
        found = known.get(protocol, {}).get(place, {}) | judged(name, protocol, seed, missing)
        fits[protocol][place] = found
        shown = {k: f"{v['memory']['auroc']:.4f}" for k, v in found.items()}
        console.print(protocol, name, seed, shown)
    payload = {"candidates": {p: summary(of) for p, of in fits.items()}, "fits": fits}
    command = "python -m benchmarks.candidates"
    payload["commits"] = commits
    record("candidates", payload, command=command, seeds=list(SEEDS), folder=RESULTS)


def stored() -> tuple[dict[str, Any], dict[str, str]]:
    """The fits of the stored result, and of each variation in it the commit that it is of."""
    result = json.loads((RESULTS / "candidates.json").read_text("utf-8"))
    fits = result["payload"]["fits"]
    whole = dict.fromkeys(next(iter(fits[GROUPS[0]].values())), result["git"]["commit"])
    return fits, whole | result["payload"].get("commits", {})


if __name__ == "__main__":
    main()
