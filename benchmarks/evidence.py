"""Which scores a result rests on: those of a small made table, kept beside the result.

A result that was measured with other scores than those of today says nothing of today's. A commit
does not tell, for most change no score. So what a benchmark of decisions or reasons records holds
:func:`fingerprint`, and a test compares it with that of the code.

Trainings of many steps drift apart between machines, by rounding, so the networks here make some
seventy: by AVX2 and AVX-512 scores then differ by some ten thousandths, and by another learning
rate, average or seed by some hundredths at least. What only shows in large tables is not seen.
"""

from __future__ import annotations

from copy import copy
from dataclasses import fields
from typing import Any

import numpy as np
import polars as pl

from alad import ALAD
from alad.estimators import DETECTORS
from alad.networks.presets import TABULAR, tabular_architecture
from alad.reasons import explain

ROWS, SHOWN = 600, 12
EPOCHS = 10
PLAIN = ("KNN", "IsolationForest", "Mahalanobis")
AS_ROUNDED = {"ALAD": 1e-3, "ALAD, features": 5e-3, "reasons": 5e-3} | dict.fromkeys(PLAIN, 1e-5)
"""How far scores may lie apart, relative to a score or to a tenth, whatever is larger."""


def fingerprint() -> dict[str, Any]:
    """Scores of a few rows by each detector, and what ALAD's is made of, column by column.

    And the settings of ``ALAD()``.
    """
    table = made()
    train, new = table[:-SHOWN], table[-SHOWN:]
    alad = ALAD(epochs=EPOCHS, random_state=0).fit(train)
    fitted: dict[str, Any] = {"ALAD": alad}
    fitted["ALAD, features"] = copy(alad).set_params(anomaly_score="features")
    fitted |= {name: DETECTORS[name](random_state=0).fit(train) for name in PLAIN}
    reasons = explain(alad, new[-3:], reference=train[:200]).contributions
    preset = {field.name: getattr(TABULAR, field.name) for field in fields(TABULAR)}
    return {
        "settings": {
            **{name: str(value) for name, value in preset.items()},
            **{
                name: str(value) for name, value in ALAD().get_params().items() if value is not None
            },
            "architecture": str(tabular_architecture(len(table.columns))),
        },
        "scores": {name: (-one.score_samples(new)).tolist() for name, one in fitted.items()},
        "reasons": np.asarray(reasons).ravel().tolist(),
    }


def differs(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """In what two fingerprints differ by more than rounding.

    >>> one = {"settings": {}, "reasons": [1.0], "scores": {"KNN": [2.0, 3.0]}}
    >>> differs(one, one), differs(one, {**one, "reasons": [1.1]})
    ([], ['reasons'])
    """
    found = [] if then["settings"] == now["settings"] else ["settings"]
    parts = ({"reasons": one["reasons"], **one["scores"]} for one in (then, now))
    before, after = parts
    if before.keys() != after.keys():
        return [*found, "scores"]
    return found + [x for x in before if not _alike(before[x], after[x], AS_ROUNDED[x])]


def _alike(one: list[float], other: list[float], within: float) -> bool:
    return len(one) == len(other) and np.allclose(one, other, rtol=within, atol=0.1 * within)


def made() -> pl.DataFrame:
    """Numbers, heavy tails, zeros and ones, a rare category and gaps; the last rows are odd."""
    rng = np.random.default_rng(0)
    level = rng.normal(size=ROWS)
    noise = 0.1 * rng.normal(size=ROWS)
    size = np.exp(3 * level + noise)
    level[-3], size[-2] = 9, 1e9
    kind = np.where(rng.random(ROWS) < 0.02, "rare", np.where(level > 0, "up", "down"))
    kind[-1] = "new"
    return pl.DataFrame(
        {
            "level": level,
            "twice": 2 * level + noise,
            "size": size,
            "flag": (rng.random(ROWS) < 0.05).astype(np.int64),
            "kind": kind,
            "gap": [None if gone else x for gone, x in zip(level > 1.5, noise, strict=True)],
        }
    )
