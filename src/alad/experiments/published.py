"""Numbers that others have published, each with its source. Facts to stand beside ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Precision, recall and F1 of the anomaly class, as printed."""

    method: str
    precision: float
    recall: float
    f1: float
    source: str


KDD99 = (
    Published("ALAD, the paper", 0.9427, 0.9577, 0.9501, "Zenati et al., ICDM 2018, table II"),
    Published("ALAD, the talk", 0.9481, 0.9417, 0.9449, "Strangalies, FU Berlin, reproduction"),
)
