"""Are groups of alerts of one kind? ``python -m benchmarks.triage``.

On KDD99 the default detector learns from 20,000 normal connections. Two further tables, "a" and
"b", hold 20,000 normal connections each, no row in both, and half of the rows of each attack, at
most 3,000, in the order of the file. Rules of grouping are compared on "a"; the one of the report,
:data:`alad.report.likeness.RULE`, is then measured on "b" beside the one that it took the place
of. Labels are used for nothing else.

Purity is the share of alerts that are of their group's commonest kind; "together" is the share
that are in the group where most alerts of their kind are. Completeness (Rosenberg and Hirschberg,
2007) is 1 where every kind is in one group.

``--tables FOLDER`` does no more than write ``normal.parquet`` and, table "b", ``new.parquet``.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import completeness_score, pairwise_distances_argmin

from alad import ALAD
from alad.datasets import kdd99
from alad.experiments.record import record
from alad.reasons import explain
from alad.report import likeness
from alad.report.cases import features
from alad.report.gathering import Gathered, gather
from alad.report.groups import crowd
from alad.report.likeness import Rule
from alad.report.tally import Scored
from benchmarks.evidence import fingerprint
from benchmarks.run import RESULTS

NORMAL, MOST = 20_000, 3_000
REPORT, BEFORE = "of the report", "however usual"
RULES = {
    "one column": Rule(columns=1, share=1, unusual=1, like=1),
    "two columns": Rule(columns=2, unusual=1),
    BEFORE: Rule(unusual=1),
    "1 in 10 and rarer": Rule(unusual=0.1),
    "1 in 20 and rarer": Rule(unusual=0.05),
    REPORT: likeness.RULE,
    "1 in 100 and rarer": Rule(unusual=0.01),
    "not merged": Rule(like=1),
    "merged at 60 %": Rule(like=0.6),
    "less of the score": Rule(share=0.5),
    "more of the score": Rule(share=0.8),
    "five columns": Rule(columns=5, share=0.8),
}


def tables() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Rows to learn from, and the two tables."""
    frame, rng = kdd99.load().with_row_index("place"), np.random.default_rng(0)
    parts: list[list[pl.DataFrame]] = [[], [], []]
    for (kind,), rows in sorted(frame.group_by(kdd99.LABEL), key=lambda group: group[0]):
        drawn = rows.sort("place")[rng.permutation(rows.height)]
        if kind == "normal":
            for i in range(3):
                parts[i].append(drawn[i * NORMAL : (i + 1) * NORMAL])
        else:
            half = (drawn.height + 1) // 2
            parts[1].append(drawn[:half][:MOST])
            parts[2].append(drawn[half:][:MOST])
    train, a, b = (pl.concat(part).sort("place").drop("place") for part in parts)
    return train, a, b


def scored(detector: ALAD, rows: pl.DataFrame) -> pl.DataFrame:
    """What ``alad score --all-columns`` writes."""
    scores = detector.score_samples(rows.drop(kdd99.LABEL))
    ours = {"row": np.arange(rows.height), "anomaly_score": -scores}
    return pl.DataFrame({**ours, "is_anomaly": scores < detector.offset_}).hstack(rows)


def as_read(table: pl.DataFrame, place: str) -> Scored:
    """The table as the report reads it."""
    return Scored(place, tuple(table.columns), lambda columns: [table.select(columns)])


def kinds_of(
    detector: ALAD, table: pl.DataFrame, found: Gathered
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """For each alert the explained one that it is counted with, and its label."""
    alerts = table.filter("is_anomaly")
    rows = features(detector, alerts, tuple(detector.feature_names_in_))
    nearest = pairwise_distances_argmin(rows, found.cases.scaled)
    return nearest.astype(np.int64), alerts[kdd99.LABEL].to_numpy()


def measured(
    found: Gathered,
    nearest: NDArray[np.int64],
    kinds: NDArray[Any],
    rule: Rule,
) -> dict[str, Any]:
    """How pure the groups of a rule are, and how many."""
    assert found.cases.reasons is not None
    signatures = likeness.signatures(found.cases.reasons, crowd(found.cases, found.tally), rule)
    leads = likeness.merged(signatures, found.tally.count.tolist(), rule)
    number = {lead: i for i, lead in enumerate(dict.fromkeys(leads))}
    groups = np.array([number[lead] for lead in leads])[nearest]
    sizes = Counter(groups.tolist())
    pure = sum(_commonest(kinds[groups == g]) for g in sizes)
    together = sum(_commonest(groups[kinds == kind]) for kind in set(kinds))
    return {
        "groups": len(sizes),
        "of_one": sum(size == 1 for size in sizes.values()),
        "purity": pure / len(kinds),
        "together": together / len(kinds),
        "completeness": float(completeness_score(kinds, groups)),
        "in_the_20_largest": sum(size for _, size in sizes.most_common(20)) / len(kinds),
    }


def _commonest(values: NDArray[Any]) -> int:
    return Counter(values.tolist()).most_common(1)[0][1]


def about(kinds: NDArray[Any], found: Gathered, seconds: float) -> dict[str, Any]:
    """What the groups are held against."""
    return {
        "rows": found.extent.rows,
        "alerts": len(kinds),
        "kinds": len(set(kinds)),
        "commonest_kind": _commonest(kinds) / len(kinds),
        "explained": found.cases.rows.height,
        "seconds": seconds,
    }


def judged(
    detector: ALAD, rows: pl.DataFrame, rules: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Score a table, group its alerts, and measure each rule."""
    table = scored(detector, rows)
    began = time.monotonic()
    found = gather(detector, as_read(table, "scored"), explain)
    seconds = time.monotonic() - began
    nearest, kinds = kinds_of(detector, table, found)
    lines = [{"rule": name, **measured(found, nearest, kinds, RULES[name])} for name in rules]
    return lines, about(kinds, found, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.triage", description=__doc__)
    parser.add_argument("--tables", type=Path, metavar="FOLDER", help="write the tables only")
    options = parser.parse_args()
    train, a, b = tables()
    if options.tables:
        options.tables.mkdir(parents=True, exist_ok=True)
        train.write_parquet(options.tables / "normal.parquet")
        b.write_parquet(options.tables / "new.parquet")
        return
    detector = ALAD(random_state=0).fit(train.drop(kdd99.LABEL))
    on_a, about_a = judged(detector, a, list(RULES))
    on_b, about_b = judged(detector, b, [BEFORE, REPORT])
    lines = [{"table": "a", **line} for line in on_a] + [{"table": "b", **line} for line in on_b]
    shown = Table(*lines[0])
    for line in lines:
        shown.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in line.values()))
    Console().print(shown)
    about = {"a": about_a, "b": about_b}
    payload = {"triage": lines, "tables": about, "evidence": fingerprint()}
    record("triage", payload, command="python -m benchmarks.triage", seeds=[0], folder=RESULTS)


if __name__ == "__main__":
    main()
