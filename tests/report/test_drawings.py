"""Drawings of a page: scores have numbers beside them, whatever their range."""

from __future__ import annotations

import re

import numpy as np
import pytest

from alad.report import drawings
from alad.report.tally import BINS


def labels(svg: str, axis: str) -> list[float]:
    """The numbers along an axis."""
    start = svg.index(f'<g id="matplotlib.axis_{axis}">')
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg[start : svg.index("</g>\n   </g>", start)])
    return [float(t.replace("−", "-")) for t in texts if re.fullmatch(r"[−\d.e+]+", t)]


RANGES = [(380, 410), (0.3, 3.8), (0.011, 0.09), (2, 50), (1e-3, 1e4)]


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_calibration_scores_have_numbers_beside_them(low, high):
    found = labels(drawings.calibration_scores(np.geomspace(low, high, 24).tolist(), high), "1")
    assert len([x for x in found if low <= x <= high]) >= 2


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_binned_scores_have_numbers_beside_them(low, high):
    edges = np.geomspace(low, high, BINS + 1)
    counts = np.ones(BINS, int)
    found = {"edges": edges, "quiet": counts, "alerts": counts, "threshold": None}
    svg = drawings.scores({**found, "scale": "log", "unit": 1.0})
    assert len([x for x in labels(svg, "1") if low <= x <= high]) >= 2


def test_quantiles_have_numbers_beside_them():
    values = {q: [0.3, 1.1, 3.8] for q in ("0.5", "0.9", "0.99")}
    over = {"edges": [0, 1, 2, 3], "quantiles": values, "kind": "row", "span": [0.1, 9]}
    svg = drawings.quantiles_over({**over, "scale": "log", "unit": 1.0}, None)
    assert len([x for x in labels(svg, "2") if 0.3 <= x <= 3.8]) >= 2
