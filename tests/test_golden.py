"""Models that were written once: they are still read, and still give the scores of that day.

``python -m tests.test_golden`` writes a model of the present format anew. Do so only with a change
that is meant to move the numbers, or with a new format beside the old one (CONTRIBUTING.md).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import ALAD, load
from alad.io import FORMAT_VERSION

GOLDEN = Path(__file__).parent / "golden"
MODELS = sorted(path.parent for path in GOLDEN.glob("*/model.json"))


def table() -> pl.DataFrame:
    """Rows that lie well apart from each other, with text and a gap."""
    i = np.arange(40)
    return pl.DataFrame(
        {
            "bytes": 100.0 * i + 3.0 * (i % 7),
            "rate": [None if n == 5 else float(n % 4) for n in i],
            "service": [("http", "dns", "ssh")[n % 3] for n in i],
        }
    )


def write() -> None:
    folder = GOLDEN / f"alad-format-{FORMAT_VERSION}"
    detector = ALAD(epochs=3, batch_size=8, learning_rate=1e-3, random_state=0).fit(table())
    detector.save(folder)
    scores = detector.score_samples(table()).tolist()
    (GOLDEN / f"{folder.name}.scores.json").write_text(json.dumps(scores) + "\n", "utf-8")


def test_there_is_one_of_the_present_format():
    assert [model for model in MODELS if model.name.endswith(f"format-{FORMAT_VERSION}")]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_stored_model_gives_its_stored_scores(model):
    expected = json.loads((GOLDEN / f"{model.name}.scores.json").read_text("utf-8"))
    # Machines differ in the last digits of float32 sums, and in nothing else.
    np.testing.assert_allclose(load(model).score_samples(table()), expected, rtol=1e-4)


if __name__ == "__main__":
    write()
