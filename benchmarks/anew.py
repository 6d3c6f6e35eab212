"""Networks trained anew on what a first fit trusts: ``python -m benchmarks.anew``.

Against anomalies that were left among the training rows, ``leave_out_knots=True`` has the memory
keep fewer of them, but the networks have learned from all. Here they learn again, from the rows
that are left:

* without knots: those that the memory of such a fit may keep;
* and less a tenth of these: the rows that this fit finds strangest, by its own score.

Beside the default and the setting, each by its memory and by its distance alone, on ADBench's ten
tables with clean training rows and with 5 % of anomalies among them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from alad.datasets import Split
from alad.estimators._memory import _halved, distinct_rows, without_knots
from benchmarks.fresh import Problem
from benchmarks.memories import Refilled
from benchmarks.robust import of_groups, run
from benchmarks.tried import GROUPS, Vector

SHARE = 0.1
SHOWN = {"memory": "", "distance": ", by distance"}


def of_four_fits(split: Split | Problem, seed: int) -> Iterator[tuple[str, Vector]]:
    """Fit the default and the setting, and the latter anew to fewer rows."""
    x = split.x_train
    yield from judged("ALAD()", Refilled(random_state=seed).fit(x), split.x_test)
    trusting = Refilled(leave_out_knots=True, random_state=seed)
    yield from judged("without knots", trusting.fit(x), split.x_test)
    rest = x[is_left(trusting, x)]
    anew = Refilled(leave_out_knots=True, random_state=seed)
    yield from judged("trained anew without knots", anew.fit(rest), split.x_test)
    strange = -trusting.score_samples(rest)
    fewer = rest[strange <= np.quantile(strange, 1 - SHARE)]
    name = "trained anew on a tenth less of these"
    yield from judged(name, anew.fit(fewer), split.x_test)


def judged(name: str, detector: Refilled, x: NDArray[np.float32]) -> Iterator[tuple[str, Vector]]:
    """What a fit says of rows by its memory, and by the distance alone."""
    rows = detector._scaled(x)
    for score, told in SHOWN.items():
        yield f"{name}{told}", detector.by(score, rows)


def is_left(detector: Refilled, x: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether a memory without knots may keep each row."""
    halves = _halved(detector._scaled(x)) + np.float32(0)  # as the memory has them
    kept = {row.tobytes() for row in without_knots(distinct_rows(halves))}
    return np.array([row.tobytes() in kept for row in halves])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anew", description=__doc__)
    parser.parse_args()
    groups = {name: of for name, of in GROUPS.items() if not name.startswith("kdd99")}
    run("anew", of_four_fits, of_groups(groups), given="")


if __name__ == "__main__":
    main()
