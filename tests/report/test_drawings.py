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


def bars(svg: str, colour: str) -> np.ndarray:
    """The heights of the corners of what is filled with a colour, in points."""
    found = re.findall(rf'<path d="([^"]*)"[^>]*style="fill: var\(--{colour}\)"', svg)
    return np.array([float(y) for path in found for y in re.findall(r"[ML] \S+ (\S+)", path)])


@pytest.mark.parametrize("kind", ["time", "number", "row"])
@pytest.mark.parametrize("most", [1, 5_000])
def test_one_alert_among_many_rows_is_seen(kind, most):
    alerts = [0, 1, 0, most]
    over = {"edges": [0, 1e6, 2e6, 3e6, 4e6], "rows": [10**6] * 4, "alerts": alerts, "kind": kind}
    svg = drawings.counts_over(over)
    heights = np.unique(bars(svg, "alarm"))
    lowest, bottom = heights[-2], heights[-1]
    assert bottom - lowest > 2
    assert bool(len(bars(svg, "calm"))) == (kind != "row")


def test_where_no_row_is_an_alert_rows_stand_alone():
    over = {"edges": [0, 1, 2], "rows": [3, 4], "alerts": [0, 0], "kind": "number"}
    svg = drawings.counts_over(over)
    assert "alerts</text>" not in svg
    assert "rows</text>" in svg
