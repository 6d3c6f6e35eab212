"""Other ways to train the default: ``python -m benchmarks.candidates``.

Each is ``ALAD()`` with one thing changed in its training, on ADBench's ten tables, and judged by
three scores of the same fit:

* cycle terms: E and G also minimise so many times the mean square of x - G(E(x)) over columns, as
  ALICE's explicit cycle does (Li et al., 2017);
* denoising: the same of x - G(E(y)), for y with exchanged columns;
* larger batches, at as many steps;
* a learning rate that falls to 0 along a cosine.

The control beside them is the default with other draws of noise: how far it lies from the
default is chance, and so is as much of any other.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from rich.console import Console

from alad import ALAD
from alad.datasets import DATA_SETS
from alad.datasets.adbench import DIGESTS
from alad.estimators._choices import Choices
from alad.experiments.quality import METRICS
from alad.experiments.record import record
from alad.metrics import detection_metrics
from alad.objectives.alad import autoencoder_loss
from alad.objectives.neighbourhood import exchanged
from alad.training import Move, Settings
from benchmarks.run import RESULTS

SCORES = ("memory", "features", "l1")
SEEDS = (0,)


@dataclass(frozen=True)
class Cosine:
    """A learning rate that falls from ``peak`` to 0 over all steps."""

    peak: float
    steps: int

    def __call__(self, step: Array) -> Array:
        """Give the rate of a step."""
        return self.peak / 2 * (1 + jnp.cos(jnp.pi * jnp.minimum(step / self.steps, 1)))


class Falling(Choices):
    """Settings whose learning rate falls."""

    def settings(self, rows: int, windows: int = 1) -> Settings:
        """Give those of the default, but for the rate."""
        known = super().settings(rows, windows)
        steps = known.epochs * max(1, rows // min(known.batch_size, rows))
        rate: Any = Cosine(known.learning_rate, steps)
        return replace(known, learning_rate=rate)


def with_cycle(weight: float, noisy: bool = False) -> ALAD:
    """Make a detector whose E and G also minimise the error of reconstruction."""

    def loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
        for_games, for_noise = jax.random.split(key)
        seen = exchanged(x, for_noise) if noisy else x
        A = networks["A"]
        apart = jnp.square(x - A.G(A.E(seen))).mean()
        return autoencoder_loss(networks, x, for_games) + weight * apart

    class WithCycle(ALAD):
        def _moves(self) -> tuple[Move, ...]:
            discriminators, _ = super()._moves()
            return discriminators, Move("A", loss)

    return WithCycle()


class WithCosine(ALAD):
    """The default with a rate that falls."""

    def _with_defaults(self) -> Choices:
        return Falling(**vars(super()._with_defaults()))


VARIATIONS = {
    "ALAD()": ALAD,
    "other draws": lambda: with_cycle(0),
    "cycle terms by 10": lambda: with_cycle(10),
    "cycle terms by 100": lambda: with_cycle(100),
    "denoising by 10": lambda: with_cycle(10, noisy=True),
    "batches of 256": lambda: ALAD(batch_size=256),
    "cosine schedule": WithCosine,
}


def judged(name: str, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Fit every variation on a table, and judge it by each score."""
    data_set = DATA_SETS[name]
    split = data_set.split(data_set.protocols["one-class"], seed=seed)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for variation, make in VARIATIONS.items():
        detector = make().set_params(random_state=seed).fit(split.x_train)
        found[variation] = {}
        for score in SCORES:
            detector.set_params(anomaly_score=score)
            metrics = detection_metrics(split.y_test, -detector.score_samples(split.x_test))
            found[variation][score] = {metric: metrics[metric] for metric in METRICS}
    return found


def summary(fits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the fits, by variation, score and metric."""
    return {
        variation: {
            score: {
                m: float(np.mean([f[variation][score][m] for f in fits.values()])) for m in METRICS
            }
            for score in SCORES
        }
        for variation in VARIATIONS
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.candidates", description=__doc__)
    parser.parse_args()
    console, fits = Console(), {}
    for name in DIGESTS:
        for seed in SEEDS:
            fits[f"{name}, {seed}"] = found = judged(name, seed)
            console.print(name, seed, {k: f"{v['memory']['auroc']:.4f}" for k, v in found.items()})
    payload = {"candidates": summary(fits), "fits": fits}
    command = "python -m benchmarks.candidates"
    record("candidates", payload, command=command, seeds=list(SEEDS), folder=RESULTS)


if __name__ == "__main__":
    main()
