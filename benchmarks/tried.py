"""Other ways to score with what ``ALAD()`` has learned: ``python -m benchmarks.tried``.

What changes in the score and leaves the fit alone. Two are to help where anomalies are left among
the training rows, which the memory then knows:

* the floor, which is part of the default: the distance to a kept row counts as at least a share of
  how far that row lies from its crowd (:mod:`alad.scores.memory`). Here it has other shares.
* the reconstruction, which is not: so many times log |x - G(E(x))|, the score "l1", is added.

The others are about the discriminators' doubt, which costs a little where distances say all:

* its end, 8 nats in the default, and its weight; the logit itself in its place;
* how far it is believed: at its word, D_xz's alone, by a prior that weighs as much as other numbers
  of rows, and as much where rows are few;
* the doubt fading where a row lies farther out than 19 in 20 of the rows that training did not see,
  in proportion to the distance;
* distance and doubt joined by their p-values among these rows, -log p - log p, in place of the sum;
* the likelihood of E(x), so many times |E(x)|^2 / 2, added.

They are judged on ADBench's ten tables with clean training rows and with anomalies among them, and
on KDDCup99 by the paper's protocol, whose rare kinds of normal rows are close groups too, and with
attacks as the anomaly: on two splits that no figure of the default rests on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import numpy as np
from jax import Array
from numpy.typing import NDArray
from rich.console import Console

from alad import ALAD
from alad.calibration import conformal_p_values
from alad.datasets import DATA_SETS, Split
from alad.datasets.adbench import DIGESTS
from alad.estimators._choices import Unseen
from alad.estimators._doubt import Belief, belief
from alad.estimators._given import Matrix
from alad.estimators._memory import FLOOR
from alad.estimators._programs import in_blocks, program
from alad.experiments.quality import METRICS
from alad.experiments.record import record
from alad.metrics import detection_metrics
from alad.scores.memory import DOUBT, MOST_DOUBT, own_logits
from benchmarks.run import RESULTS

SHARES = (0, 0.01, 0.03, 0.05, 0.1, 0.2)
WEIGHTS = (0.05, 0.1, 0.2, 0.5)
ENDS = (1, 2, 3, 4)  # nats
TIMES = (0.5, 2)
PRIORS = (0, 10, 100)  # rows
BEYOND = 0.05
LIKELIHOODS = (0.001, 0.01)
TIES = 1e-3  # of the distance, where p-values are equal
SEEDS = (0,)
Groups = Mapping[str, list[tuple[str, str, int]]]
GROUPS: Groups = {
    "one-class": [(name, "one-class", seed) for name in DIGESTS for seed in SEEDS],
    "contaminated": [(name, "contaminated", seed) for name in DIGESTS for seed in SEEDS],
    "kdd99": [("kdd99", "paper", seed) for seed in (20, 21)],
    "kdd99-corrected": [("kdd99", "corrected-labels", seed) for seed in (20, 21)],
}

Vector = NDArray[np.float64]
Vary = Callable[[Split, int], Iterator[tuple[str, Vector]]]


class Remembering(ALAD):
    """The default, which also knows the scaled rows that it was not trained on: ``unseen_``."""

    def _finish(self, weights: Any, x: Matrix, unseen: Unseen) -> Any:
        self.unseen_ = unseen.every
        return super()._finish(weights, x, unseen)

    def by(self, score: str, scaled: Matrix) -> Vector:
        """Score scaled rows, larger = more anomalous."""
        self.set_params(anomaly_score=score)
        found: Vector = self._anomaly_scores(scaled)
        self.set_params(anomaly_score=None)
        return found

    def judged_by(self, judge: Callable[[Any, Array], Array], scaled: Matrix) -> NDArray[Any]:
        """What any judge says of scaled rows."""
        return in_blocks(program(self.players_, judge), self.weights_, scaled)


def of_one_fit(split: Split, seed: int) -> Iterator[tuple[str, Vector]]:
    """Fit the default once, and vary what it scores by."""
    yield from variations(Remembering(random_state=seed).fit(split.x_train), split.x_test)


def variations(detector: Remembering, x: NDArray[Any]) -> Iterator[tuple[str, Vector]]:
    """What the default gives rows, and what each variation does."""
    rows = detector._scaled(x)
    score = detector.by("memory", rows)
    yield f"ALAD(), a floor of {FLOOR:g}", score
    reconstruction = np.log(np.maximum(detector.by("l1", rows), np.finfo(np.float32).tiny))
    for weight in WEIGHTS:
        yield f"and reconstruction by {weight:g}", score + weight * reconstruction
    length = np.square(detector.encode(x).astype(np.float64)).sum(axis=1)
    for weight in LIKELIHOODS:
        yield f"and likelihood of E(x) by {weight:g}", score + weight * length / 2
    yield from doubting(detector, rows)
    yield from believing(detector, rows)
    yield from flooring(detector, rows)


def doubting(detector: Remembering, rows: Matrix) -> Iterator[tuple[str, Vector]]:
    """Other ways to bring in the doubt."""
    _, buffers = detector.weights_["M"]
    weight, unseen = DOUBT * float(buffers["trust"][...][0]), detector.unseen_
    local, far = detector.by("local-distance", rows), detector.by("distance", rows)
    doubt = detector.by("memory", rows) - local
    yield "no doubt", local
    for end in ENDS:
        yield (
            f"a doubt of {end} at most, not {MOST_DOUBT:g}",
            local + np.minimum(doubt, weight * end),
        )
    yield "a doubt that fades far out", local + doubt * fading(detector, far)
    if not len(unseen):
        yield "joined by p-values", local + doubt
        return
    own = detector.by("local-distance", unseen)
    own_doubt = detector.by("memory", unseen) - own
    joined = -np.log(conformal_p_values(own, local) * conformal_p_values(own_doubt, doubt))
    yield "joined by p-values", joined + TIES * local


def fading(detector: Remembering, far: Vector) -> Vector:
    """How much of the doubt is left at log distances (n,): all, up to that of most unseen rows."""
    unseen = detector.unseen_
    if not len(unseen):
        return np.ones(len(far))
    edge = np.quantile(detector.by("distance", unseen), 1 - BEYOND)
    left: Vector = np.exp(np.minimum(edge - far, 0))
    return left


def believing(detector: Remembering, rows: Matrix) -> Iterator[tuple[str, Vector]]:
    """Other ways to say how far the doubt can be believed, and what it weighs."""
    _, buffers = detector.weights_["M"]
    slopes, intercept, trust = (
        np.asarray(buffers[k][...]) for k in ("slopes", "intercept", "trust")
    )
    own = Belief(tuple(map(float, slopes)), float(intercept[0]))
    local, logits = detector.by("local-distance", rows), detector.judged_by(own_logits, rows)

    def believed(by: Belief, weight: float = float(trust[0])) -> Vector:
        doubt = np.logaddexp(0, -(logits @ np.array(by.slopes) + by.intercept))
        return local + DOUBT * weight * np.minimum(doubt, MOST_DOUBT)

    def settled(says: tuple[float, float] = (1, 1)) -> Belief:
        run = program(detector.players_, own_logits)
        weights, unseen = detector.weights_, detector.unseen_
        return belief(lambda x: in_blocks(run, weights, x) * says, unseen, detector.seed_)

    for times in TIMES:
        yield f"a doubt {times:g} times as heavy", believed(own, times * float(trust[0]))
    yield "a doubt that is the logit itself", local - DOUBT * (logits @ slopes + intercept)
    yield "a doubt as heavy where rows are few", believed(own, 1)
    yield "a doubt taken at its word", believed(Belief((1, 1), 0))
    yield "a doubt of D_xz's alone", believed(settled((1, 0)))
    for prior in PRIORS:
        with mock.patch("alad.estimators._doubt.PRIOR", prior):
            yield f"a doubt with a prior of {prior} rows", believed(settled())


def flooring(detector: Remembering, rows: Matrix) -> Iterator[tuple[str, Vector]]:
    """Other floors of the distance to a kept row."""
    weights = detector.weights_
    params, buffers = weights["M"]
    for share in SHARES:
        least = buffers["least"].replace(share / FLOOR * buffers["least"][...])
        detector.weights_ = {**weights, "M": (params, type(buffers)({**buffers, "least": least}))}
        yield f"a floor of {share:g}" if share else "no floor", detector.by("memory", rows)
    detector.weights_ = weights


def judged(vary: Vary, name: str, protocol: str, seed: int) -> dict[str, dict[str, float]]:
    """Judge every variation on one division of a table."""
    data_set = DATA_SETS[name]
    split = data_set.split(data_set.protocols[protocol], seed=seed)
    found = {}
    for variation, score in vary(split, seed):
        metrics = detection_metrics(split.y_test, score)
        found[variation] = {metric: metrics[metric] for metric in METRICS}
    return found


def summary(fits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the fits of a group, by variation, group and metric."""
    first = next(iter(next(iter(fits.values())).values()))
    return {
        variation: {
            group: {m: float(np.mean([fit[variation][m] for fit in of.values()])) for m in METRICS}
            for group, of in fits.items()
        }
        for variation in first
    }


def run(name: str, vary: Vary, groups: Groups = GROUPS) -> None:
    """Judge variations over groups of tables, and store what they give as ``name``."""
    console, fits = Console(), {}
    for group, problems in groups.items():
        for table, protocol, seed in problems:
            found = judged(vary, table, protocol, seed)
            fits.setdefault(group, {})[f"{table}, {seed}"] = found
            console.print(group, table, seed, {k: f"{v['auroc']:.4f}" for k, v in found.items()})
    payload = {"tried": summary(fits), "fits": fits}
    seeds = sorted({seed for problems in groups.values() for *_, seed in problems})
    record(name, payload, command=f"python -m benchmarks.{name}", seeds=seeds, folder=RESULTS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tried", description=__doc__)
    parser.parse_args()
    run("tried", of_one_fit)


if __name__ == "__main__":
    main()
