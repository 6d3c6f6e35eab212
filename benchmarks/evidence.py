"""Which scores a result rests on: those of a small made table, kept beside the result.

A result that was measured with other scores than those of today says nothing of today's. A commit
does not tell, for most change no score. So what a benchmark of decisions or reasons records holds
:func:`fingerprint`, and a test compares it with that of the code.

Trainings of many steps drift apart between machines, by rounding: the detector here makes few. A
change that only shows in long ones, or in large tables, is not seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from alad import ALAD
from alad.estimators import DETECTORS
from alad.reasons import explain

ROWS, SHOWN = 600, 12
PLAIN = ("KNN", "IsolationForest", "Mahalanobis")


def fingerprint() -> dict[str, Any]:
    """Scores of a few rows by each detector, and what ALAD's is made of, column by column.

    And the settings that ``ALAD()`` has by itself.
    """
    table = made()
    train, new = table[:-SHOWN], table[-SHOWN:]
    fitted: dict[str, Any] = {"ALAD": ALAD(epochs=1, random_state=0).fit(train)}
    fitted |= {name: DETECTORS[name](random_state=0).fit(train) for name in PLAIN}
    reasons = explain(fitted["ALAD"], new[-3:], reference=train[:200]).contributions
    return {
        "settings": ALAD().get_params(),
        "scores": {name: (-one.score_samples(new)).tolist() for name, one in fitted.items()},
        "reasons": np.asarray(reasons).tolist(),
    }


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
