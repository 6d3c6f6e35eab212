"""Data sets that come as a matrix X without column names and a vector y, 1 for an anomaly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alad.datasets._protocols import Table


def fault(x: NDArray[Any], y: NDArray[Any]) -> str | None:
    """What is wrong with the content of a file, if anything is."""
    numbers = x.ndim == 2 and x.size > 0 and x.dtype.kind in "iuf"
    if not numbers or y.size != len(x):
        return f"X is {x.dtype} {x.shape}, y is {y.dtype} {y.shape}"
    if not np.isfinite(x).all():
        return "X holds NaN or infinity"
    if not np.isin(y, (0, 1)).all():
        return f"y holds {', '.join(map(str, np.unique(y)[:5].tolist()))}"
    return None


def table_of(x: NDArray[Any], is_anomaly: NDArray[np.bool_], anomaly: str, sha256: str) -> Table:
    """The table of such a matrix: its columns are counted from ``x0``, and none is one-hot."""
    return Table(
        x=x,
        kind=np.where(is_anomaly, anomaly, "normal"),
        feature_names=tuple(f"x{column}" for column in range(x.shape[1])),
        is_categorical=np.zeros(x.shape[1], np.bool_),
        sha256=sha256,
    )
