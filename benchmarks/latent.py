"""What networks make of a row, beside its columns: ``python -m benchmarks.latent FOLDER``.

Of :mod:`benchmarks.features`, what gained on the ten tables, judged on tables that had no part in
it, and beside untrained networks. The memory of ``ALAD()`` holds E(x), or what D_xx or D_xz makes
of a row before its logit, beside the columns; what is beside them has as much room as they.

The tables are ADBench's ten, one-class, and those of KEEL's sets in FOLDER that
:mod:`benchmarks.fresh` leaves alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from alad.datasets import Split
from alad.estimators._given import Matrix
from alad.estimators._memory import MOST_ROWS, covering_rows, distinct_rows
from benchmarks.features import beside, of_e, of_xx, of_xz, relative, sized
from benchmarks.fresh import Problem
from benchmarks.memories import Refilled
from benchmarks.robust import KEEL, SEED, of_groups, of_keel, run
from benchmarks.tried import GROUPS, Vector

CLEAN = "one-class"
BESIDE = {"E(x)": of_e, "f_xx": of_xx, "f_xz": of_xz}
FITS = {"": {}, ", untrained": {"epochs": 0}}


def of_two_fits(split: Split | Problem, seed: int) -> Iterator[tuple[str, Vector]]:
    """Fit the default, and the same without training, and compare what they make of rows."""
    for how, settings in FITS.items():
        detector = Refilled(random_state=seed, **settings).fit(split.x_train)
        for name, score in variations(detector, split.x_test):
            yield f"{name}{how}", score


def variations(detector: Refilled, x: Matrix) -> Iterator[tuple[str, Vector]]:
    """What the memory gives rows, and what it does that holds something beside columns."""
    rows, seed = detector._scaled(x), detector.seed_
    kept = covering_rows(distinct_rows(detector.every_), MOST_ROWS, seed)
    score = detector.by("memory", rows)
    doubt = score - detector.by("local-distance", rows)
    yield "ALAD()", score
    for name, features in BESIDE.items():
        known, new = (detector.judged_by(features, of) for of in (kept, rows))
        both = beside(sized(kept, rows), sized(known, new))
        yield f"{name} beside columns", relative(*both, seed) + doubt


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latent", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    keel = (table for table in of_keel(folder, SEED) if table[0] == KEEL)
    run("latent", of_two_fits, chain(keel, of_groups({CLEAN: GROUPS[CLEAN]})))


if __name__ == "__main__":
    main()
