"""KDDCup99 by the protocols of the paper: ALAD, its untrained control and a simple distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alad.datasets import Split, kdd99
from alad.datasets.kdd99 import PROTOCOLS
from alad.estimators import ALAD, AbstractDetector, Mahalanobis, fit_side_by_side
from alad.experiments.measure import measured
from alad.experiments.published import KDD99
from alad.metrics import detection_metrics, mean_and_sd, pr_curve_points, roc_curve_points
from alad.scores import ABLATION
from alad.training import Report, of_seeds, seeds_at_once

BINS = 80


@dataclass(frozen=True)
class Plan:
    """One run of the experiment.

    Parameters
    ----------
    protocol : str
        A name in :data:`alad.datasets.kdd99.PROTOCOLS`.
    scaling : str
        "none", as the released code has it, or one of :data:`alad.preprocessing.scaling.OF_TABLES`.
    epochs : int
        The paper: 100.
    seeds : tuple of int
        One training each; the paper: 10. The split is the same for all.
    split_seed : int
        42 in the released code.
    """

    protocol: str = "paper"
    scaling: str = "minmax"
    epochs: int = 20
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    split_seed: int = 42

    @property
    def is_full(self) -> bool:
        """Whether this is the paper's whole schedule."""
        return (self.epochs, len(self.seeds)) == (FULL_EPOCHS, FULL_SEEDS)

    @property
    def name(self) -> str:
        """A name for files: what was run, and how much of it."""
        size = "full" if self.is_full else f"{self.epochs}epochs-{len(self.seeds)}seeds"
        first = f"-from{self.seeds[0]}" if self.seeds[0] else ""
        split = "" if self.split_seed == 42 else f"-split{self.split_seed}"
        return f"kdd99-{self.protocol}-{self.scaling}-{size}{first}{split}"


FULL_EPOCHS, FULL_SEEDS = 100, 10


def run(plan: Plan, folder: Path, report: Report | None = None) -> dict[str, Any]:
    """Train, score and measure; returns all there is to say, ready for JSON.

    ``folder`` keeps the checkpoint, from which a run that was stopped goes on, and the trained
    models. No label takes part before the last step, where the metrics are computed.
    """
    split = kdd99.split(PROTOCOLS[plan.protocol], seed=plan.split_seed)
    trained = _trained(plan, split, folder, report)
    methods = {
        "ALAD": trained,
        "ALAD, untrained": _fitted(_alads(plan, plan.seeds, epochs=0), split),
        "Mahalanobis distance": [Mahalanobis(scaling=plan.scaling).fit(split.x_train)],
    }
    anomaly_scores = {name: _scores(detectors, split) for name, detectors in methods.items()}
    return {
        "plan": asdict(plan),
        "is_full": plan.is_full,
        "data": _data(split),
        "rows": [_row(name, scores, split) for name, scores in anomaly_scores.items()],
        "scores": [_row(s, _scores(trained, split, s), split) for s in ABLATION],
        "published": [asdict(p) for p in KDD99] if split.protocol.anomaly == "normal" else [],
        "training": _training(trained),
        "pictures": {name: _picture(split, scores[0]) for name, scores in anomaly_scores.items()},
    }


def _trained(
    plan: Plan, split: Split, folder: Path, report: Report | None
) -> list[AbstractDetector]:
    """Train every seed, as many side by side as pay, and save each model when it is done."""
    detectors: list[AbstractDetector] = []
    size = seeds_at_once(len(plan.seeds))
    for start in range(0, len(plan.seeds), size):
        group = plan.seeds[start : start + size]
        checkpoint = folder / f"training-{'-'.join(map(str, group))}.safetensors"
        own = of_seeds(report, group, start, len(plan.seeds))
        fitted = _fitted(_alads(plan, group), split, checkpoint, own)
        for detector in fitted:
            detector.save(folder / "models" / f"seed-{detector.seed_}")
        detectors += fitted
    return detectors


def _alads(plan: Plan, seeds: Sequence[int], epochs: int | None = None) -> list[ALAD]:
    return [
        ALAD(
            preset="kdd99",
            scaling=plan.scaling,
            epochs=plan.epochs if epochs is None else epochs,
            random_state=seed,
        )
        for seed in seeds
    ]


def _fitted(
    detectors: Sequence[ALAD],
    split: Split,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> Sequence[AbstractDetector]:
    watched = split.x_valid if len(split.x_valid) else None
    return fit_side_by_side(
        detectors, split.x_train, X_valid=watched, checkpoint=checkpoint, report=report
    )


def _scores(
    detectors: Sequence[AbstractDetector], split: Split, score: str | None = None
) -> list[np.ndarray[Any, Any]]:
    """A(x) of the test rows, for each detector; ``score`` takes the place of its default."""
    found = []
    for detector in detectors:
        if score is not None:
            own = detector.get_params()["anomaly_score"]
            detector.set_params(anomaly_score=score)
        found.append(-detector.score_samples(split.x_test))
        if score is not None:
            detector.set_params(anomaly_score=own)
    return found


def _row(name: str, scores: Sequence[np.ndarray[Any, Any]], split: Split) -> dict[str, Any]:
    """Metrics over seeds: at the protocol's cut, and at the true share of anomalies."""
    found = [measured(split.y_test, s, split.protocol.flagged) for s in scores]
    return {
        "method": name,
        "at_cut": mean_and_sd(m["at_cut"] for m in found),
        "at_true_rate": mean_and_sd(m["at_true_rate"] for m in found),
        "f1_per_seed": [m["at_cut"]["f1"] for m in found],
        "auroc_per_seed": [m["at_cut"]["auroc"] for m in found],
    }


def _data(split: Split) -> dict[str, Any]:
    return {
        "protocol": asdict(split.protocol),
        "fingerprint": split.fingerprint,
        "rows": {
            "train": len(split.x_train),
            "validation": len(split.x_valid),
            "test": len(split.x_test),
        },
        "features": split.x_train.shape[1],
        "anomaly_share_of_test": float(split.y_test.mean()),
    }


def _training(detectors: Sequence[Any]) -> dict[str, Any]:
    histories = [d.history_ for d in detectors]
    return {
        "seconds": sum(sum(h.seconds) for h in histories[:: seeds_at_once(len(histories))]),
        "losses": {
            player: [[row[0] for row in h.losses[player]] for h in histories]
            for player in histories[0].losses
        },
        "validation": [[row[0] for row in h.validation] for h in histories],
    }


def _picture(split: Split, score: np.ndarray[Any, Any]) -> Mapping[str, Any]:
    """What plots need, of one seed: a histogram for each class, ROC and PR curves."""
    shown = np.log10(np.maximum(score, 1e-12))
    edges = np.histogram_bin_edges(shown, BINS)
    fpr, tpr = roc_curve_points(split.y_test, score)
    recall, precision = pr_curve_points(split.y_test, score)
    return {
        "edges": edges,
        "normal": np.histogram(shown[~split.y_test], edges)[0],
        "anomaly": np.histogram(shown[split.y_test], edges)[0],
        "roc": [fpr, tpr],
        "pr": [recall, precision],
        "threshold": detection_metrics(split.y_test, score, split.protocol.flagged)["threshold"],
    }
