"""How much columns of zeros and ones count: ``python -m benchmarks.flags FOLDER``.

``ALAD()`` divides a column of zeros and ones by the root of its standard deviation s (among n rows,
with half a row added to the zeros and to the ones). Rare ones so count more than frequent ones, but
not as much more as in standard scaling, which divides by s; and frequent ones count less than a
number does, whose deviation is 1 after scaling. Tried are other powers p, and, *as wide*, those
times such a factor that a column which half of the rows have has a deviation of 1:

    scale = s^p,    as wide: scale = s^p (1/2)^(1 - p)

Each is a fit without training, as in :mod:`benchmarks.scalings`, on tables that have such columns:
those of KEEL's sets in FOLDER that :mod:`benchmarks.fresh` leaves alone, Arrhythmia, and KDDCup99
by two protocols.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from alad.datasets import Split
from benchmarks.fresh import Problem
from benchmarks.robust import KEEL, SEED, Table, of_groups, of_keel, run
from benchmarks.scalings import judged, with_flags
from benchmarks.tried import GROUPS, Groups, Vector

POWERS = {"as they are": 0, "half of the way": 0.5, "three quarters": 0.75, "standardised": 1}
TABLES: Groups = {
    "arrhythmia": [("arrhythmia", "one-class", seed) for seed in (20, 21, 22, 23)],
    **{name: of for name, of in GROUPS.items() if name.startswith("kdd99")},
}


def of_several_fits(split: Split | Problem, seed: int) -> Iterator[tuple[str, Vector]]:
    """What the memory says of rows whose zeros and ones count so much."""
    for name, power in POWERS.items():
        for how, factor in {"": 1.0, ", as wide": 0.5 ** (1 - power)}.items():
            if power < 1 or not how:
                with with_flags(2 * power, factor):
                    yield f"{name}{how}", judged(split.x_train, split.x_test, seed)


def with_zeros_and_ones(tables: Iterator[Table]) -> Iterator[Table]:
    """Those tables that have such columns."""
    for group, name, of in tables:
        if any(((one.x_train == 0) | (one.x_train == 1)).all(axis=0).any() for one in of):
            yield group, name, of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flags", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    keel = (table for table in of_keel(folder, SEED) if table[0] == KEEL)
    run("flags", of_several_fits, chain(with_zeros_and_ones(keel), of_groups(TABLES)))


if __name__ == "__main__":
    main()
