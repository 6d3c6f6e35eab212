"""Other scalings for ``ALAD()``: ``python -m benchmarks.scalings``.

Each is a fit of its own, of the default without training: its memory is the trained one's, and its
doubt says nothing, so that scalings are compared by what they do to distances. Tried are

* the other scalings that ``ALAD(scaling=...)`` takes, and quantiles made normal draws;
* logarithms left out, and the bend: values beyond ten deviations as they are, bent less, or cut
  off there;
* columns of zeros and ones as they are, standardised, and a quarter of the way to it (by ratio),
  where the default goes half of it.

The groups are those of :mod:`benchmarks.tried`; only KDDCup99 has columns of zeros and ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
from sklearn.preprocessing import QuantileTransformer

from alad import ALAD
from alad.datasets import Split
from alad.preprocessing.scaling import BEND, Scaler, ScalerLearner
from benchmarks.tried import Vector, run

MODULE = "alad.preprocessing.scaling"
MOST_QUANTILES = 1000
SCALINGS = ("standard", "minmax", "none")
ALMOST_0, ALMOST_ALL = 1e-9, 1e9  # of what lies beyond the bend is left
AS_FAR = {"as they are": 0, "a quarter of the way": 0.5, "standardised": 2}  # the default: 1


def with_flags(power: float, factor: float = 1) -> AbstractContextManager[Any]:
    """Divide columns of zeros and ones by such a power of what the default divides them by."""
    learned = ScalerLearner._log_standard

    def otherwise(learner: ScalerLearner) -> Scaler:
        found = learned(learner)
        flags = np.where(learner.binary, factor * found.scale**power, found.scale)
        return replace(found, scale=flags)

    return mock.patch.object(ScalerLearner, "_log_standard", otherwise)


CHANGED: dict[str, AbstractContextManager[Any]] = {
    "ALAD() untrained": nullcontext(),
    "no logarithms": mock.patch(f"{MODULE}.LOG_SKEWNESS", np.inf),
    "no bend": mock.patch(f"{MODULE}.BEND", (BEND[0], ALMOST_ALL)),
    "bent with a w of 1": mock.patch(f"{MODULE}.BEND", (BEND[0], 1.0)),
    "cut off at ten deviations": mock.patch(f"{MODULE}.BEND", (BEND[0], ALMOST_0)),
    **{f"zeros and ones {name}": with_flags(power) for name, power in AS_FAR.items()},
}


def of_several_fits(split: Split, seed: int) -> Iterator[tuple[str, Vector]]:
    """What the memory says of rows that were scaled in each of these ways."""
    for name, change in CHANGED.items():
        with change:
            yield name, judged(split.x_train, split.x_test, seed)
    for scaling in SCALINGS:
        yield f"scaling={scaling!r}", judged(split.x_train, split.x_test, seed, scaling)
    some = min(MOST_QUANTILES, len(split.x_train))
    quantiles = QuantileTransformer(
        n_quantiles=some, output_distribution="normal", random_state=seed
    )
    known = quantiles.fit_transform(split.x_train)
    yield "quantiles", judged(known, quantiles.transform(split.x_test), seed, "none")


def judged(known: Any, new: Any, seed: int, scaling: str | None = None) -> Vector:
    """How strange a memory of the known finds the new."""
    detector = ALAD(epochs=0, scaling=scaling, random_state=seed).fit(known)
    score: Vector = -detector.score_samples(new)
    return score


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scalings", description=__doc__)
    parser.parse_args()
    run("scalings", of_several_fits)


if __name__ == "__main__":
    main()
