"""What alerts on a stream promise, and what drift costs: ``python -m benchmarks.streams``.

``ALAD()`` is fitted once on each table, as for ``benchmarks.conformal``. Each of 200 draws takes
calibration rows and a stream of normal rows with anomalies among them, which come

- "one in ten", at random places, or "one in a hundred";
- "in bursts": as many as in the first, in five runs;
- "never": then all alerts are false.

Rules decide in the order of the stream: :class:`alad.calibration.OnlineFDR` and LORD++ row by
row, Benjamini-Hochberg on a hundred rows at a time (a file an hour) and on the whole at its end,
all at LEVEL; and a rate of 0.01. Counted are the share of false ones among all alerts of the
stream; among those of about the last M rows, M the memory of OnlineFDR, averaged over all rows
(:func:`recent`); and the share of anomalies found.

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
from scipy.signal import lfilter
from scipy.stats import rankdata, spearmanr

from alad import ALAD
from alad.calibration import OnlineFDR, benjamini_hochberg, conformal_p_values
from alad.experiments.record import record
from benchmarks.conformal import SPLITS, TABLES, Scores, parted, rows, sizes
from benchmarks.evidence import fingerprint
from benchmarks.run import RESULTS

LEVEL, RATE, TOGETHER, BURSTS = 0.1, 0.01, 100, 5
ORDERS = {"one in ten": 1.0, "one in a hundred": 0.09, "in bursts": 1.0, "never": 0.0}
"""Of the anomalies of a test the share that comes."""
STEEP = 2.0
RATES = (0.01, 0.05)

Marks = NDArray[np.bool_]


def in_order(order: str, normal: int, anomalous: int, rng: np.random.Generator) -> Marks:
    """Which rows of a stream are anomalies.

    >>> in_order("in bursts", 90, 10, np.random.default_rng(0)).sum()
    np.int64(10)
    """
    stream = np.zeros(normal + anomalous, bool)
    if order == "in bursts":
        long, part = -(-anomalous // BURSTS), len(stream) // BURSTS
        for i in range(BURSTS):
            start = i * part + int(rng.integers(part - long + 1))
            stream[start : start + min(long, anomalous - i * long)] = True
    else:
        stream[rng.choice(len(stream), anomalous, replace=False)] = True
    return stream


def decisions(p: Scores, m: int) -> dict[str, Marks]:
    """What each rule flags, by p-values of m calibration rows."""
    parts = np.split(p, range(TOGETHER, len(p), TOGETHER))
    return {
        "OnlineFDR": OnlineFDR(LEVEL, m).decide(p),
        "LORD++": lord(p),
        "a hundred rows at a time": np.concatenate(
            [benjamini_hochberg(part, LEVEL) for part in parts]
        ),
        "the whole": benjamini_hochberg(p, LEVEL),
        f"p <= {RATE}": p <= RATE,
    }


def lord(p: Scores) -> Marks:
    """LORD++ (Ramdas et al. 2017) with w_0 = α / 2 and the γ of Javanmard and Montanari (2018).

    α_t = w_0 γ_t + (α - w_0) γ_{t - τ_1} + α Σ_{j > 1} γ_{t - τ_j}
    """
    t = np.arange(1, len(p) + 1)
    gamma = 0.0722 * np.log(np.maximum(t, 2)) / (t * np.exp(np.sqrt(np.log(t))))
    level, found = LEVEL / 2 * gamma, np.zeros(len(p), bool)
    for i, one in enumerate(p):
        if one <= level[i]:
            share = LEVEL if found.any() else LEVEL / 2
            level[i + 1 :] += share * gamma[: len(p) - i - 1]
            found[i] = True
    return found


def judged(flagged: Marks, is_anomaly: Marks, memory: float) -> dict[str, float]:
    """The share of false alerts, of all and of the recent ones, and of anomalies found."""
    false = flagged & ~is_anomaly
    return {
        "false": int(false.sum()) / max(int(flagged.sum()), 1),
        "recent": recent(false, flagged, memory),
        "power": float(flagged[is_anomaly].mean()) if is_anomaly.any() else 0.0,
    }


def recent(false: Marks, flagged: Marks, memory: float) -> float:
    """The mean over t of Σ δ^{t-i} V_i / (1 + Σ δ^{t-i} R_i), δ = 1 - 1 / memory."""
    of_false, of_all = (
        lfilter([1], [1, 1 / memory - 1], x.astype(float)) for x in (false, flagged)
    )
    return float(np.mean(of_false / (1 + of_all)))


def streams(normal: Scores, anomalous: Scores, seed: int) -> dict[str, dict[str, Any]]:
    """One draw: by order and rule what comes of it."""
    rng = np.random.default_rng(seed)
    _, calibration, test, strange = sizes(2 * len(normal), len(anomalous))
    normal, anomalous = rng.permutation(normal), rng.permutation(anomalous)[:strange]
    known, new = normal[:calibration], normal[calibration : calibration + test]
    memory, found = OnlineFDR(LEVEL, calibration).memory, {}
    for order, share in ORDERS.items():
        some = anomalous[: round(share * len(anomalous))]
        is_anomaly = in_order(order, len(new), len(some), rng)
        scores = np.empty(len(is_anomaly))
        scores[~is_anomaly], scores[is_anomaly] = new, some
        flagged = decisions(conformal_p_values(known, scores), calibration)
        found[order] = {rule: judged(one, is_anomaly, memory) for rule, one in flagged.items()}
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
    seen, unseen, anomalous = parted(*rows(table), np.random.default_rng(0))
    detector = ALAD(random_state=0).fit(seen)
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
        "rows": [sizes(2 * len(of_normal), len(of_anomalous))[i] for i in (1, 2, 3)],
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
    view = Table("table", "rule", *(f"false, recent, found: {order}" for order in ORDERS))
    for table, of in tables.items():
        for rule in next(iter(of["streams"].values())):
            cells = (of["streams"][order][rule] for order in ORDERS)
            text = (" ".join(f"{x['mean']:.3f}" for x in cell.values()) for cell in cells)
            view.add_row(table, rule, *text)
        for rule, rates in of["drift"]["rates"].items():
            at = (f"{rates[str(rate)]['mean']:.4f} at {rate}" for rate in RATES)
            view.add_row(table, f"column {of['drift']['column']} moved, {rule}", *at)
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
