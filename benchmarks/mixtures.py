"""Where DAGMM's energy goes wrong on KDDCup99: ``python -m benchmarks.mixtures``.

DAGMM's estimation network shares rows out to the components of a mixture of Gaussians over the
latent vectors z. Each training is judged by its own energy, and by that of a mixture of as many
components that the EM algorithm fits to the same z of training rows (scikit-learn's): whether the
anomalies are lost in z, or in the mixture. By the paper's protocol, on its one split.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sklearn.mixture import GaussianMixture

from alad import DAGMM
from alad.datasets import DATA_SETS, Split
from alad.estimators._programs import by_parts, in_blocks, program
from alad.estimators.dagmm import latent_and_membership
from alad.experiments.record import record
from alad.metrics import detection_metrics
from benchmarks.run import RESULTS

SEEDS = 5
SPLIT_SEED = 42
EM_ROWS = 50_000
FLOOD = "neptune"  # the attack whose rows take the place of anomalies


def latent(detector: DAGMM, x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The latent vectors of rows, and the shares of the components in each."""
    run = program(detector.players_, latent_and_membership)
    found = by_parts(
        lambda part: in_blocks(run, detector.weights_, detector._scaled(part)),
        x.astype(np.float32),
    )
    k = detector.presets[detector.preset].architecture.components
    return found[:, :-k].astype(float), found[:, -k:].astype(float)


def em_energy(
    z_train: NDArray[np.float64], z: NDArray[np.float64], components: int, seed: int
) -> NDArray[np.float64]:
    """The energy of z under a mixture that EM fits to some of the training rows' z."""
    rng = np.random.default_rng(seed)
    some = rng.choice(len(z_train), min(EM_ROWS, len(z_train)), replace=False)
    mixture = GaussianMixture(components, random_state=seed).fit(z_train[some])
    energy: NDArray[np.float64] = -mixture.score_samples(z)
    return energy


def judged(split: Split, seed: int, epochs: int | None = None) -> dict[str, float]:
    """Train once, and judge both energies."""
    detector = DAGMM(preset="kdd99", epochs=epochs, random_state=seed).fit(split.x_train)
    energy = -detector.score_samples(split.x_test)
    z_train, membership = latent(detector, split.x_train)
    of_em = em_energy(z_train, latent(detector, split.x_test)[0], membership.shape[1], seed)
    flagged = energy >= np.quantile(energy, 1 - _share(split))
    own, em = (detection_metrics(split.y_test, s, split.protocol.flagged) for s in (energy, of_em))
    return {
        "largest_component": float(membership.mean(axis=0).max()),
        "f1": own["f1"],
        "auroc": own["auroc"],
        "em_f1": em["f1"],
        "em_auroc": em["auroc"],
        "flood_flagged": float(flagged[split.kind_test == FLOOD].mean()),
    }


def _share(split: Split) -> float:
    return split.protocol.flagged or float(split.y_test.mean())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mixtures", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="Trainings (default: %(default)s)")
    seeds = list(range(parser.parse_args().seeds))
    console, kdd99 = Console(), DATA_SETS["kdd99"]
    split = kdd99.split(kdd99.protocols["paper"], seed=SPLIT_SEED)

    def told(seed: int) -> dict[str, float]:
        found = judged(split, seed)
        console.print(seed, {name: f"{value:.4f}" for name, value in found.items()})
        return found

    with ThreadPoolExecutor(2) as pool:
        fits = dict(zip(map(str, seeds), pool.map(told, seeds), strict=True))
    command = f"python -m benchmarks.mixtures --seeds {len(seeds)}"
    record("mixtures", {"mixtures": fits}, command=command, seeds=seeds, folder=RESULTS)


if __name__ == "__main__":
    main()
