"""Tables made from stored results: ours beside the published, intervals, tests between methods."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from alad.datasets import DATA_SETS
from alad.experiments import results
from alad.experiments.published import Published, as_printed, footnotes
from alad.experiments.registry import ONLY, Row, Table
from alad.experiments.results import Job, Stored

METRICS = ("precision", "recall", "f1", "auroc", "average_precision")
TOLERANCE = 2.0  # standard deviations of ours between our mean and the published number
NO_SPREAD = 1e-6  # of F1: that of a whole row is some thousands of that
A_POINT = 0.01  # a gap that is larger has other reasons
FAR = 0.05  # a gap that asks for a reason, whatever our deviation
REFERENCE = ("alad", "features")
DATA = "data"
MANY_TIES = 0.01  # of all rows, flagged beyond what was asked for
MOST_GAPS = 13  # whose signs scipy 1.17 tries in all combinations, where gaps are alike


def compared(table: Table, folder: Path) -> dict[str, Any]:
    """Give a table as a dictionary that JSON can hold; rows without a result are empty.

    For each row: mean, standard deviation and 95 % interval over seeds (Student's t), the
    published number with whether ours is within two of our standard deviations of it, and a paired
    test of F1 against ALAD over the seeds. Of several schedules the longest that is stored counts.
    A row of other data than most rows is told apart, and not tested.
    """
    found = [(row, _found(table, row, folder)) for row in table.rows]
    usual = _usual_data(stored for _, stored in found if stored)
    of_alad = ((row, s) for row, s in found if s and is_reference(row) and _is_of(usual, s))
    reference = next((_per_seed(table, row, s)["f1"] for row, s in of_alad), None)
    rows = [_row(table, row, stored, reference, usual) for row, stored in found]
    _holm([row["test"] for row in rows if row["test"]])
    return {
        "name": table.name,
        "title": table.title,
        "data_set": table.data_set,
        "protocol": table.protocol,
        "cut": table.cut,
        "note": " ".join(filter(None, (table.note, _flagged_together(rows)))),
        "footnotes": footnotes(rows),
        "rows": rows,
        "also_published": [as_printed(number) for number in table.also_published],
        "made_otherwise": made_otherwise(rows),
    }


def made_otherwise(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By what differs from what a row would be made with now: the rows.

    >>> made_otherwise([{"label": "ALAD", "ours": {}, "differs": ["code"]}, {"ours": None}])
    {'code': ['ALAD']}
    """
    stored = (row for row in rows if row["ours"] is not None)
    return results.by_difference((row["label"], row["differs"]) for row in stored)


def _job(table: Table, row: Row) -> Job:
    (method,) = (m for m in table.methods if m.name == row.method)
    return Job(method, table.data_set, table.protocol, table.fresh_splits)


def _found(table: Table, row: Row, folder: Path) -> Stored | None:
    """Give what a row rests on; a result from before the row's score was asked for is none."""
    stored = results.longest(folder, _job(table, row))
    judged = stored is not None and all((row.score or ONLY) in r["scores"] for r in stored.runs)
    return stored if judged else None


def _usual_data(found: Iterable[Stored]) -> dict[int, str]:
    """By the seed of a split: the fingerprint of its data in most results."""
    seen: dict[int, Counter[str]] = {}
    for stored in found:
        for seed, fingerprint in {(run["split_seed"], run["fingerprint"]) for run in stored.runs}:
            seen.setdefault(seed, Counter())[fingerprint] += 1
    return {seed: counts.most_common(1)[0][0] for seed, counts in seen.items()}


def _is_of(data: Mapping[int, str], stored: Stored) -> bool:
    return all(run["fingerprint"] == data[run["split_seed"]] for run in stored.runs)


def is_reference(row: Row) -> bool:
    """Whether a row is the one that the others are compared with."""
    return (row.method, row.score) == REFERENCE


def _per_seed(table: Table, row: Row, stored: Stored) -> dict[str, dict[int, float]]:
    """Each metric by seed."""
    score = row.score or ONLY
    return {
        metric: {run["seed"]: run["scores"][score][table.cut][metric] for run in stored.runs}
        for metric in METRICS
    }


def _flagged(table: Table, row: Row, stored: Stored) -> dict[str, float]:
    """The share of the test rows that was to be flagged, and the mean share that was."""
    found = [run["scores"][row.score or ONLY][table.cut] for run in stored.runs]
    asked = DATA_SETS[table.data_set].protocols[table.protocol].flagged
    if table.cut == "at_true_rate" or asked is None:
        asked = found[0]["n_anomalies"] / found[0]["n"]
    return {"asked": asked, "mean": float(np.mean([f["n_flagged"] / f["n"] for f in found]))}


def _flagged_together(rows: Sequence[Mapping[str, Any]]) -> str:
    """Name the rows of a table that flag more than was asked for."""
    more = [row for row in rows if row["ours"] and _excess(row) > MANY_TIES]
    if not more:
        return ""
    named = ", ".join(f"{row['label']} ({100 * row['flagged']['mean']:.0f} %)" for row in more)
    return (
        "Rows whose score is that of the cut are all flagged. Where many are alike, more are than "
        f"the {100 * more[0]['flagged']['asked']:.3g} % asked for, and F1 says less: {named}."
    )


def _excess(row: Mapping[str, Any]) -> float:
    return float(row["flagged"]["mean"] - row["flagged"]["asked"])


def _row(
    table: Table,
    row: Row,
    stored: Stored | None,
    reference: Mapping[int, float] | None,
    usual: Mapping[int, str],
) -> dict[str, Any]:
    published = table.published(row)
    about = {
        "label": row.label,
        "control": row.control,
        "is_reference": is_reference(row),
        "score": row.score or ONLY,
        "why": row.why,
        "published": as_printed(published),
    }
    if stored is None:
        return about | {"ours": None, "within": None, "test": None}
    numbers = _per_seed(table, row, stored)
    ours = {metric: summary(list(of_seed.values())) for metric, of_seed in numbers.items()}
    differs = results.differences(_job(table, row), stored)
    test = None
    if reference is not None and not is_reference(row) and _is_of(usual, stored):
        test = _paired(numbers["f1"], reference, _job(table, row).is_random)
    return about | {
        "ours": ours,
        "within": None if published is None else within(ours["f1"], published.f1),
        "far": published is not None and abs(ours["f1"]["mean"] - published.f1) > FAR,
        "why": " ".join(filter(None, (row.why, *_spread(ours["f1"], published)))),
        "test": test,
        "seeds": list(stored.seeds),
        "f1_per_seed": {str(seed): f1 for seed, f1 in numbers["f1"].items()},
        "rows": stored.runs[0]["scores"][row.score or ONLY]["rows"],
        "epochs_scale": stored.content["payload"]["epochs_scale"],
        "job": stored.content["payload"]["job"],
        "settings": stored.identity["settings"],
        "codes": stored.codes,
        "differs": differs if _is_of(usual, stored) else [*differs, DATA],
        "flagged": _flagged(table, row, stored),
        "commits": stored.commits,
        "seconds": sum(run["fit_seconds"] for run in stored.runs),
    }


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Mean, sample standard deviation, and the 95 % interval of the mean by Student's t.

    >>> found = summary([0.8, 0.9, 1.0])
    >>> round(found["mean"], 3), round(found["sd"], 3), [round(v, 3) for v in found["interval"]]
    (0.9, 0.1, [0.652, 1.148])
    """
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return {"mean": mean, "sd": None, "interval": None, "n": n}
    sd = float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.975, n - 1)) * sd / math.sqrt(n)
    return {"mean": mean, "sd": sd, "interval": [mean - half, mean + half], "n": n}


def within(ours: Mapping[str, Any], published: float) -> bool | None:
    """Whether a published number is at most two of our standard deviations away; None: no sd."""
    if ours["sd"] is None:
        return None
    return bool(abs(ours["mean"] - published) <= TOLERANCE * ours["sd"])


def _spread(ours: Mapping[str, Any], published: Published | None) -> Iterator[str]:
    """Say where ours do not spread, and where our mean is one that the published could have had."""
    if published is None:
        return
    gap = abs(ours["mean"] - published.f1)
    if within(ours, published.f1) and gap > FAR:
        yield (
            f"Ours spreads by {ours['sd']:.3f} between seeds: only so is a gap of {gap:.3f} less "
            "than two deviations."
        )
    if ours["sd"] is not None and ours["sd"] < NO_SPREAD and gap < A_POINT:
        yield f"Ours is the same for every seed, so that any gap counts; this one is {gap:.4f}."
    if published.sd is not None and gap <= TOLERANCE * published.sd:
        yield (
            f"The published runs spread by {published.sd:g} themselves: ours is "
            f"{gap / published.sd:.1f} of their deviations away."
        )


def _paired(
    values: Mapping[int, float], reference: Mapping[int, float], is_random: bool
) -> dict[str, Any] | None:
    """Wilcoxon's signed-rank test over the seeds that both have.

    Of a method without chance, the one run stands for all seeds.
    """
    if not is_random:
        values = dict.fromkeys(reference, next(iter(values.values())))
    seeds = sorted(set(values) & set(reference))
    gaps: NDArray[np.float64] = np.array([values[s] - reference[s] for s in seeds])
    if len(seeds) < 2 or not gaps.any():
        return None
    return {"difference": float(gaps.mean()), "seeds": len(seeds), "p": signed_rank(gaps)}


def signed_rank(gaps: NDArray[np.float64]) -> float:
    """Give the p-value of Wilcoxon's signed-rank test, two-sided: that of scipy, in less time.

    Where gaps are 0 or alike scipy ranks anew for each choice of signs, which changes no rank.

    >>> gaps = np.array([0.0, 1.0, 1.0, 2.0, -1.0, 3.0])
    >>> bool(np.isclose(signed_rank(gaps), stats.wilcoxon(gaps).pvalue))
    True
    """
    apart = len(np.unique(np.abs(gaps))) == len(gaps) and gaps.all()
    if apart or len(gaps) > MOST_GAPS:
        return float(stats.wilcoxon(gaps).pvalue)
    ranks = np.zeros(len(gaps))
    ranks[gaps != 0] = stats.rankdata(np.abs(gaps[gaps != 0]))

    def positive(signed: NDArray[np.float64], axis: int) -> Any:
        return np.sum((signed > 0) * ranks, axis=axis)

    found = stats.permutation_test((gaps,), positive, permutation_type="samples", vectorized=True)
    return float(found.pvalue)


def _holm(tests: Sequence[dict[str, Any]]) -> None:
    """Correct the p-values of one table for their number (Holm, 1979), in place."""
    worst = 0.0
    for rank, test in enumerate(sorted(tests, key=lambda t: float(t["p"]))):
        worst = max(worst, min(1.0, (len(tests) - rank) * test["p"]))
        test["p_holm"] = worst
