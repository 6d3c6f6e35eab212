"""Points between two rows as forgeries, on more tables: ``python -m benchmarks.forgeries FOLDER``.

Of :mod:`benchmarks.candidates`, what gained on the ten tables beside the exchanged columns, judged
on tables that had no part in it: those of KEEL's sets in FOLDER that :mod:`benchmarks.fresh` leaves
alone, KDDCup99, and ADBench's ten, one-class, with three seeds. Beside the default and the same
without training:

* D_xz and D_xx also learn to tell rows from points between two rows of a batch;
* and how far their doubt can be believed is settled on held-out rows against both kinds of
  forgeries, and not against exchanged columns alone.

Each by the default's own score, and the first three by the paper's, "features".
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from unittest import mock

import jax.numpy as jnp
import numpy as np
from jax import Array

from alad.datasets import Split
from alad.datasets.adbench import DIGESTS
from alad.objectives.neighbourhood import exchanged
from benchmarks.candidates import between, with_forgeries
from benchmarks.fresh import Problem
from benchmarks.memories import Refilled
from benchmarks.robust import KEEL, SEED, of_groups, of_keel, run
from benchmarks.tried import GROUPS, Groups, Vector

SEEDS = (0, 1, 2)
TABLES: Groups = {
    "one-class": [(name, "one-class", seed) for seed in SEEDS for name in DIGESTS],
    **{name: of for name, of in GROUPS.items() if name.startswith("kdd99")},
}
WithBoth = with_forgeries(exchanged, between, of=Refilled)


def of_three_fits(split: Split | Problem, seed: int) -> Iterator[tuple[str, Vector]]:
    """The default, the same with further forgeries, and without training."""
    forms = {
        "ALAD()": Refilled(random_state=seed),
        "points between rows": WithBoth(random_state=seed),
        "untrained": Refilled(random_state=seed, epochs=0),
    }
    for name, detector in forms.items():
        rows = detector.fit(split.x_train)._scaled(split.x_test)
        yield name, detector.by("memory", rows)
        yield f"{name}, features", detector.by("features", rows)
        if name == "points between rows":
            believed_anew(detector)
            yield f"{name}, believed by both", detector.by("memory", rows)


def believed_anew(detector: Refilled) -> None:
    """Settle how far doubt can be believed by both kinds of forgeries."""
    with mock.patch("alad.estimators._doubt.exchanged", either):
        believed = detector._belief(detector.weights_, detector.unseen_)
    detector.hold(detector.every_, believed)


def either(x: Array, key: Array) -> Array:
    """Forge every other row by exchange, and the others between rows: (n, d) to (n, d)."""
    by_exchange, by_place = (forge(x, key) for forge in (exchanged, between))
    return jnp.where(np.arange(len(x))[:, None] % 2 == 0, by_exchange, by_place)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forgeries", description=__doc__)
    parser.add_argument("folder", type=Path)
    keel = (t for t in of_keel(parser.parse_args().folder, SEED) if t[0] == KEEL)
    run("forgeries", of_three_fits, chain(keel, of_groups(TABLES)))


if __name__ == "__main__":
    main()
