"""A small model, tables that it scored, and a stand-in for the reasons of alerts."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from alad import Mahalanobis
from alad.estimators import AbstractDetector
from alad.report.tally import Scored

HOSTILE = "<script>alert('x')</script> & \"more\" $x_1$"


def normal_rows(n: int = 300, seed: int = 0) -> pl.DataFrame:
    """Rows as at fit; the name of one column and a value of another would do harm if they could."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "bytes": rng.normal(100, 10, n),
            "count": rng.integers(0, 9, n).astype(float),
            "proto": rng.choice(["tcp", "udp", HOSTILE], n, p=[0.7, 0.2, 0.1]),
            "<b>flag</b>": rng.choice(["S0", "SF"], n, p=[0.1, 0.9]),
        }
    )


def detector() -> Mahalanobis:
    """A model of these rows."""
    return Mahalanobis(contamination=0.01, random_state=0).fit(normal_rows())


def new_rows(scan: int = 40, large: int = 7, n: int = 200) -> pl.DataFrame:
    """Normal rows, then a scan (many of ``count``), then large ones (many ``bytes``)."""
    normal = normal_rows(n, seed=1)
    strange = normal_rows(scan + large, seed=2)
    is_scan = pl.int_range(pl.len()) < scan
    strange = strange.with_columns(
        pl.when(is_scan).then(90.0).otherwise(4.0).alias("count"),
        pl.when(is_scan).then(100.0).otherwise(2000.0).alias("bytes"),
    )
    rows = pl.concat([normal, strange])
    start = datetime.datetime(2026, 3, 2)
    return rows.with_columns(
        pl.Series("when", [start + datetime.timedelta(minutes=i) for i in range(rows.height)]),
        pl.Series("host", ["a"] * n + [HOSTILE] * scan + ["c"] * large),
    )


def scored_rows(model: AbstractDetector, rows: pl.DataFrame, p: bool = False) -> pl.DataFrame:
    """What ``alad score --all-columns`` writes."""
    scores = -model.score_samples(rows.select(model.feature_names_in_.tolist()))
    ours: dict[str, Any] = {"row": np.arange(rows.height), "anomaly_score": scores}
    if p:
        order = np.sort(-model.score_samples(normal_rows(100, seed=9)))
        above = len(order) - np.searchsorted(order, scores)
        ours["p_value"] = (1 + above) / (len(order) + 1)
    ours["is_anomaly"] = scores > -model.offset_
    return pl.DataFrame(ours).hstack(rows)


def in_batches(frame: pl.DataFrame, size: int = 64, place: str = "scored.parquet") -> Scored:
    """A table that is read in small parts."""

    def batches(columns: Sequence[str]) -> list[pl.DataFrame]:
        return list(frame.select(columns).iter_slices(size))

    return Scored(place, tuple(frame.columns), batches)


@dataclass(frozen=True)
class Reasons:
    """What a page takes of reasons."""

    columns: tuple[str, ...]
    contributions: Any
    seen: pl.DataFrame
    expected: pl.DataFrame
    rarity: Any
    nearest: Any


def explain(model: AbstractDetector, X: pl.DataFrame) -> Reasons:
    """Stand-in for :func:`alad.reasons.explain`: what each column does to the score, held against
    one normal row."""
    usual = pl.DataFrame({"bytes": 100.0, "count": 4.0, "proto": "tcp", "<b>flag</b>": "SF"})
    expected = pl.concat([usual.select(X.columns)] * X.height)
    whole = -model.score_samples(X)
    changed = [whole + model.score_samples(X.with_columns(expected[c])) for c in X.columns]
    rarity = np.full((X.height, X.width), 0.25)
    nearest = np.zeros((X.height, 1), np.int64)
    return Reasons(tuple(X.columns), np.stack(changed, axis=1), X, expected, rarity, nearest)
