"""What alerts on a stream promise, and what drift costs: ``python -m benchmarks.streams``.

``ALAD()`` is fitted once on each table, as for ``benchmarks.conformal``. Each of 200 draws takes
calibration rows and a stream of normal rows with anomalies among them, which come

- "scattered": one row in ten, at random places;
- "in bursts": as many, in five runs;
- "never": then all alerts are false, and the share of false ones is 1 where there is any.

Rules decide in the order of the stream: :class:`alad.calibration.OnlineFDR` row by row,
Benjamini-Hochberg on a hundred rows at a time (a file an hour), on the whole at its end, and a
rate of 0.01. All but the last at LEVEL. The rate's false alerts are counted among normal rows too.

Drift: normal rows of the stream are drawn with a probability that grows with one of their columns
(exp(2 u), u from 0 to 1 by the column's order), so that their weights are known. Of a column that
plays a part in the score such rows have other p-values; weighted ones are to have none too small.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import rankdata, spearmanr

from alad import ALAD
from alad.calibration import OnlineFDR, benjamini_hochberg, conformal_p_values
from alad.experiments.record import record
from benchmarks.conformal import MOST_SCORED, SPLITS, TABLES, Scores, rows, sizes
from benchmarks.evidence import fingerprint
from benchmarks.run import RESULTS

LEVEL, RATE, TOGETHER, BURSTS = 0.1, 0.01, 100, 5
ORDERS = ("scattered", "in bursts", "never")
STEEP = 2.0
RATES = (0.01, 0.05)

Marks = NDArray[np.bool_]


def in_order(order: str, normal: int, anomalous: int, rng: np.random.Generator) -> Marks:
    """Which rows of a stream are anomalies.

    >>> in_order("in bursts", 90, 10, np.random.default_rng(0)).sum()
    np.int64(10)
    """
    stream = np.zeros(normal + (anomalous if order != "never" else 0), bool)
    if order == "scattered":
        stream[rng.choice(len(stream), anomalous, replace=False)] = True
    if order == "in bursts":
        long = -(-anomalous // BURSTS)
        starts = (np.arange(BURSTS) + rng.random()) * (len(stream) // BURSTS - long)
        for i, start in enumerate(starts.astype(int) + long * np.arange(BURSTS)):
            stream[start : start + min(long, anomalous - i * long)] = True
    return stream


def decisions(p: Scores) -> dict[str, Marks]:
    """What each rule flags."""
    parts = np.split(p, range(TOGETHER, len(p), TOGETHER))
    return {
        "OnlineFDR, row by row": OnlineFDR(LEVEL).decide(p),
        "BH, a hundred rows at a time": np.concatenate(
            [benjamini_hochberg(part, LEVEL) for part in parts]
        ),
        "BH, the whole": benjamini_hochberg(p, LEVEL),
        f"p <= {RATE}": p <= RATE,
    }


def judged(flagged: Marks, is_anomaly: Marks) -> dict[str, float]:
    """The share of false alerts, of anomalies found, and of normal rows flagged."""
    false = int((flagged & ~is_anomaly).sum())
    return {
        "fdp": false / max(int(flagged.sum()), 1),
        "power": float(flagged[is_anomaly].mean()) if is_anomaly.any() else float("nan"),
        "rate": false / int((~is_anomaly).sum()),
    }


def streams(normal: Scores, anomalous: Scores, seed: int) -> dict[str, dict[str, Any]]:
    """One draw: by order and rule what comes of it."""
    rng = np.random.default_rng(seed)
    _, calibration, test, strange = sizes(2 * len(normal), len(anomalous))
    normal, anomalous = rng.permutation(normal), rng.permutation(anomalous)[:strange]
    known, new = normal[:calibration], normal[calibration : calibration + test]
    found = {}
    for order in ORDERS:
        is_anomaly = in_order(order, len(new), len(anomalous), rng)
        scores = np.empty(len(is_anomaly))
        scores[~is_anomaly], scores[is_anomaly] = new, anomalous[: is_anomaly.sum()]
        p = conformal_p_values(known, scores)
        found[order] = {rule: judged(mark, is_anomaly) for rule, mark in decisions(p).items()}
    return found


def drifted(normal: Scores, weights: Scores, seed: int) -> dict[str, dict[str, float]]:
    """One draw: shares of drifted normal rows with a p-value of at most each of RATES."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(normal))
    _, calibration, test, _ = sizes(2 * len(normal), 0)
    known, rest = order[:calibration], order[calibration:]
    drawn = rng.choice(rest, min(test, len(rest)), p=weights[rest] / weights[rest].sum())
    plain = conformal_p_values(normal[known], normal[drawn])
    weighted = conformal_p_values(normal[known], normal[drawn], weights[known], weights[drawn])
    return {
        name: {str(rate): float((p <= rate).mean()) for rate in RATES}
        for name, p in {"as if nothing had moved": plain, "weighted": weighted}.items()
    }


def steepest(x: NDArray[np.float32], scores: Scores) -> tuple[int, Scores]:
    """The column whose order is most like that of the scores, and each row's place in it, 0 to 1.

    Columns of which most values are the same have no order to speak of.
    """
    orders = [rankdata(column) / len(column) for column in x.T]
    like = [spearmanr(order, scores).statistic if np.ptp(order) else 0.0 for order in orders]
    many = [len(np.unique(column)) > 20 for column in x.T]
    best = int(np.argmax(np.where(many, np.nan_to_num(like), -1)))
    return best, orders[best]


def measured(table: str) -> dict[str, Any]:
    """All draws of one table."""
    normal, anomalous = rows(table)
    train, *_ = sizes(len(normal), len(anomalous))
    rng = np.random.default_rng(0)
    order = rng.permutation(len(normal))
    unseen = normal[order[train : train + MOST_SCORED]]
    anomalous = anomalous[rng.permutation(len(anomalous))[:MOST_SCORED]]
    detector = ALAD(random_state=0).fit(normal[order[:train]])
    of_normal, of_anomalous = (-detector.score_samples(x) for x in (unseen, anomalous))
    column, places = steepest(unseen, of_normal)
    weights = np.exp(STEEP * places)
    draws = [streams(of_normal, of_anomalous, seed) for seed in range(SPLITS)]
    drift = [drifted(of_normal, weights, seed) for seed in range(SPLITS)]
    return {
        "streams": {
            order: {rule: _means([draw[order][rule] for draw in draws]) for rule in draws[0][order]}
            for order in ORDERS
        },
        "drift": {
            "column": column,
            "rates": {rule: _means([draw[rule] for draw in drift]) for rule in drift[0]},
        },
    }


def _means(draws: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "mean": float(np.mean([draw[name] for draw in draws])),
            "se": float(np.std([draw[name] for draw in draws], ddof=1) / np.sqrt(len(draws))),
        }
        for name in draws[0]
    }


def shown(tables: Mapping[str, Any]) -> Table:
    """All means as a table for the terminal."""
    view = Table("table", "rule", *(f"false, found: {order}" for order in ORDERS))
    for table, of in tables.items():
        for rule in of["streams"][ORDERS[0]]:
            cells = (of["streams"][order][rule] for order in ORDERS)
            text = (f"{c['fdp']['mean']:.3f} {c['power']['mean']:.3f}" for c in cells)
            view.add_row(table, rule, *text)
        for rule, rates in of["drift"]["rates"].items():
            text = (f"{rates[str(rate)]['mean']:.4f} at {rate}" for rate in RATES)
            view.add_row(table, f"column {of['drift']['column']} moved, {rule}", *text)
    return view


def main() -> None:
    console, tables = Console(), {}
    for table in TABLES:
        began = time.monotonic()
        tables[table] = measured(table)
        console.print(f"{table}: {time.monotonic() - began:.0f} s")
    console.print(shown(tables))
    payload = {
        "level": LEVEL,
        "rate": RATE,
        "rates": RATES,
        "streams": tables,
        "evidence": fingerprint(),
    }
    command = "python -m benchmarks.streams"
    record("streams", payload, command=command, seeds=list(range(SPLITS)), folder=RESULTS)


if __name__ == "__main__":
    main()
