"""What a scored table says, gathered for a page to triage from: counts, groups, examples.

The first of two stages; :mod:`alad.report.sheet` makes the page of the dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError
from alad.estimators import AbstractDetector
from alad.preprocessing.frames import quoted
from alad.report import likeness
from alad.report.likeness import told
from alad.report.tally import (
    ALERT,
    BUCKETS,
    P_VALUE,
    ROW,
    SCORE,
    Axis,
    Entities,
    Extent,
    Moments,
    Scored,
    Tally,
    checked,
)

EXPLAINED = 2_000  # alerts at most
GROUPS = 60  # on the page at most: half of them by severity, the others by size
EXAMPLES = 5  # of a group
BARS = 6  # columns of an example
COMMON = 6  # columns of a group
TOP = 12  # entities
COMPARED = 256  # rows that are scored again, to see that the model is the one
FAR = 100.0  # a scaled feature: what is further out is as far
LEAST = 0.03  # of the score: a column that brings less is not shown

Explain = Callable[[AbstractDetector, Any], likeness.Reasons]


def summarise(
    detector: AbstractDetector,
    scored: Scored,
    explain: Explain,
    *,
    time: str | None = None,
    entity: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Gather what :func:`alad.report.sheet.triage` shows, reading the table twice.

    Parameters
    ----------
    detector : the model that scored the table.
    scored : the table, with the columns of fit.
    explain : :func:`alad.reasons.explain`.
    time, entity : columns of the table: when a row was, and whom it is of. Without a time the rows
        count in their order.
    seed : of the draw of alerts to explain, where they are too many.

    Returns
    -------
    dict of JSON values: ``model``, ``scored``, ``calibration``, ``scores``, ``over``, ``groups``,
    ``entities``.

    Raises
    ------
    InputError
        Columns are missing, or hold what score does not write, or another model's scores.
    """
    found = gather(detector, scored, explain, time=time, entity=entity, seed=seed)
    return {
        "model": _model(detector),
        "scored": _scored(detector, scored, found.extent),
        "calibration": _calibration(found.tally),
        "scores": _scores(found.tally, _line(found.extent)),
        "over": _over(found.tally),
        "groups": _groups(found.cases, found.tally, found.extent),
        "entities": _entities(found.tally),
    }


@dataclass(frozen=True)
class Gathered:
    """What two passes over a table gave."""

    extent: Extent
    cases: Cases
    tally: Tally


def gather(
    detector: AbstractDetector,
    scored: Scored,
    explain: Explain,
    *,
    time: str | None = None,
    entity: str | None = None,
    seed: int = 0,
) -> Gathered:
    """Read the table twice, and explain some alerts in between (see :func:`summarise`)."""
    time = time or _known_column(detector, scored, "time_column")
    entity = entity or _known_column(detector, scored, "entity_column")
    inputs = _inputs(detector, scored)
    columns = _columns(scored, inputs, time, entity)
    extent = Extent(
        threshold=-detector.offset_,
        moments=None if time is None else Moments(time),
        entities=None if entity is None else Entities(entity),
        rng=np.random.default_rng(seed),
    )
    _measure(detector, scored, columns, inputs, extent)
    cases = _cases(detector, extent.kept, inputs, explain)
    tally = _tally(detector, extent, cases, inputs)
    for frame in scored.batches(columns):
        tally.add(checked(frame, scored.place))
    return Gathered(extent, cases, tally)


def _measure(
    detector: AbstractDetector,
    scored: Scored,
    columns: Sequence[str],
    inputs: Sequence[str],
    extent: Extent,
) -> None:
    """The first pass."""
    for i, frame in enumerate(scored.batches(columns)):
        whole = checked(frame, scored.place)
        if i == 0:
            _check_model(detector, whole, inputs, scored.place)
        extent.add(whole)
    if extent.moments is not None and not np.isfinite(extent.first):
        raise InputError(
            f"Expected times or numbers in column {extent.moments.column!r} of {scored.place}; "
            "none can be read. Name another column by --time, or leave it out."
        )


# ---------------------------------------------------------------------------- what is read


def _inputs(detector: AbstractDetector, scored: Scored) -> tuple[str, ...]:
    """The columns that the model takes, in its order."""
    if detector.takes_pictures:
        raise InputError(
            "Expected a model of tables; this one takes pictures. See them with 'alad look'."
        )
    added = (ROW, SCORE, ALERT)
    if absent := [name for name in added if name not in scored.names]:
        raise InputError(
            f"Expected a table that 'alad score' wrote at {scored.place}; it has no column "
            f"{quoted(absent)}. Give what 'alad score MODEL TABLE -o SCORED --all-columns' writes."
        )
    if detector.encoder_ is None:
        found = tuple(name for name in scored.names if not _is_added(name))
        if len(found) != detector.n_features_in_:
            raise InputError(
                f"Expected the {detector.n_features_in_} columns that the model was fitted on in "
                f"{scored.place}; got {len(found)} besides the scores. Score the table with "
                "--all-columns."
            )
        return found
    wanted = tuple(column.name for column in detector.encoder_.schema)
    if absent := [name for name in wanted if name not in scored.names]:
        raise InputError(
            f"Expected the columns of fit in {scored.place}; missing: {quoted(absent)}. Score the "
            "table with --all-columns, or with --keep for each."
        )
    return wanted


def _known_column(detector: AbstractDetector, scored: Scored, role: str) -> str | None:
    """The column that fit was told has this role, where the table has it."""
    name = getattr(detector.encoder_, role, None)
    return name if name in scored.names else None


def _is_added(name: str) -> bool:
    return name in (ROW, SCORE, ALERT, P_VALUE) or name.startswith("reason_")


def _columns(
    scored: Scored, inputs: Sequence[str], time: str | None, entity: str | None
) -> tuple[str, ...]:
    """Everything that is read."""
    for option, name in (("--time", time), ("--entity", entity)):
        if name is not None and name not in scored.names:
            raise InputError(
                f"Expected {option} to name a column of {scored.place}; it has no {name!r}, but "
                f"{quoted(scored.names)}. Score the table with --all-columns."
            )
    p_value = [P_VALUE] if P_VALUE in scored.names else []
    own = [name for name in (time, entity) if name is not None]
    return tuple(dict.fromkeys([ROW, SCORE, ALERT, *p_value, *inputs, *own]))


def _taken(detector: AbstractDetector, frame: pl.DataFrame, inputs: Sequence[str]) -> Any:
    """What the model takes: a frame, or an array as at fit."""
    rows = frame.select(inputs)
    return rows if detector.encoder_ is not None else rows.to_numpy()


def _check_model(
    detector: AbstractDetector, frame: pl.DataFrame, inputs: Sequence[str], place: str
) -> None:
    """Score a few rows again."""
    few = frame.head(COMPARED)
    again = -detector.score_samples(_taken(detector, few, inputs))
    there = few[SCORE].to_numpy()
    differ = ~np.isclose(again, there, rtol=1e-3, atol=1e-3 * float(np.abs(again).max()))
    if differ.mean() > 0.05:  # a few may differ: another machine adds in another order
        i = int(differ.argmax())
        raise InputError(
            f"Expected scores of this model in {place}; row {few[ROW][i]:.0f} has {there[i]:.6g}, "
            f"and the model gives it {again[i]:.6g}. Give the model that scored the table, or "
            "score it again."
        )


# ------------------------------------------------------------------- alerts that are explained


@dataclass(frozen=True)
class Cases:
    """The alerts that are explained: r of them, and why the model raised each."""

    rows: pl.DataFrame
    reasons: likeness.Reasons | None
    scaled: NDArray[np.float32]
    """(r, f) their features."""

    @property
    def shares(self) -> NDArray[np.float64]:
        """(r, c) what each column brings of what raises the score."""
        assert self.reasons is not None
        return likeness.shares(self.reasons.contributions)


def _cases(
    detector: AbstractDetector,
    kept: pl.DataFrame | None,
    inputs: Sequence[str],
    explain: Explain,
) -> Cases:
    """Explain the highest alert of each look; of too many, the highest and some of all heights."""
    if kept is None:
        return Cases(pl.DataFrame(), None, np.zeros((0, 1), np.float32))
    ordered = kept.sort(SCORE, descending=True, maintain_order=True)
    scaled = features(detector, ordered, inputs)
    _, first = np.unique(np.round(scaled, 1), axis=0, return_index=True)
    chosen = np.sort(first)[_spread(len(first), EXPLAINED)]
    rows = ordered[chosen]
    return Cases(rows, explain(detector, _taken(detector, rows, inputs)), scaled[chosen])


def _spread(n: int, most: int) -> NDArray[np.int64]:
    """Places of n in order: all, or the first half of ``most`` and the others at even distances."""
    if n <= most:
        return np.arange(n)
    head = most // 2
    rest = np.linspace(head, n - 1, most - head).round().astype(np.int64)
    return np.concatenate([np.arange(head), rest])


def features(
    detector: AbstractDetector, frame: pl.DataFrame, inputs: Sequence[str]
) -> NDArray[np.float32]:
    """The scaled features (n, f); one that is far out does not drown the others."""
    taken = _taken(detector, frame, inputs)
    x = taken if detector.encoder_ is None else detector.encoder_.transform(taken)[0]
    return np.clip(np.asarray(detector.scaler_.transform(x), np.float32), -FAR, FAR)


def _tally(
    detector: AbstractDetector, extent: Extent, cases: Cases, inputs: Sequence[str]
) -> Tally:
    """Set the second pass up."""
    ends = (extent.first, extent.last) if extent.moments else (0.0, float(extent.rows))
    over = np.linspace(ends[0], ends[1] if ends[1] > ends[0] else ends[0] + 1, BUCKETS + 1)
    top = extent.entities.counts.most_common(TOP) if extent.entities else []
    return Tally(
        axis=Axis.spanning(extent.low, extent.high, extent.threshold),
        over=over,
        moments=extent.moments,
        representatives=cases.scaled,
        features=lambda frame: features(detector, frame, inputs),
        entities=extent.entities,
        top=tuple(name for name, _ in top),
    )


# ------------------------------------------------------------------------------ the dictionary


def _model(detector: AbstractDetector) -> dict[str, Any]:
    schema = detector.encoder_.schema if detector.encoder_ is not None else None
    settings = {k: v for k, v in detector.get_params().items() if v is not None}
    history = getattr(detector, "history_", None)
    calibration = getattr(detector, "calibration_", None)
    return {
        "detector": type(detector).__name__,
        "settings": settings,
        "seed": detector.seed_,
        "rows": detector.rows_at_fit_,
        "columns": detector.n_features_in_,
        "names": None if schema is None else [column.name for column in schema],
        "epochs": None if history is None else history.epochs,
        "threshold": -detector.offset_,
        "calibrated_on": None if calibration is None else len(calibration.scores),
    }


def _scored(detector: AbstractDetector, scored: Scored, extent: Extent) -> dict[str, Any]:
    by_threshold = extent.otherwise == 0
    return {
        "place": scored.place,
        "rows": extent.rows,
        "alerts": extent.alerts,
        "share": extent.alerts / extent.rows,
        "by_threshold": by_threshold,
        "contamination": detector.contamination,
        "lowest_alert": extent.lowest_alert if extent.alerts else None,
        "largest_p_alert": extent.largest_p_alert,
    }


def _calibration(tally: Tally) -> dict[str, Any] | None:
    """Where p-values lie, and what share of rows looks like those of calibration.

    Storey's estimate: of rows like those of calibration half have a p-value above a half.
    """
    if not tally.has_p:
        return None
    bins, n = len(tally.p_values), tally.rows
    above = int(tally.p_values[bins // 2 :].sum())
    return {
        "counts": tally.p_values.tolist(),
        "uniform": n / bins,
        "small": 1 / bins,
        "share_small": float(tally.p_values[0]) / n,
        "alike": 2 * above / n,
    }


def _line(extent: Extent) -> float:
    """Where alerts begin."""
    by_rule = extent.otherwise > 0 and extent.alerts > 0
    return extent.lowest_alert if by_rule else extent.threshold


def _scores(tally: Tally, line: float) -> dict[str, Any]:
    return {
        "scale": tally.axis.scale,
        "unit": tally.axis.unit,
        "edges": tally.axis.edges.tolist(),
        "quiet": tally.scores[0].tolist(),
        "alerts": tally.scores[1].tolist(),
        "threshold": line,
    }


def _over(tally: Tally) -> dict[str, Any]:
    moments = tally.moments
    return {
        "column": None if moments is None else moments.column,
        "kind": "row" if moments is None else moments.kind,
        "edges": tally.over.tolist(),
        "rows": tally.grid.sum(axis=1).tolist(),
        "alerts": tally.over_alerts.tolist(),
        "quantiles": tally.quantiles(),
        "scale": tally.axis.scale,
        "unit": tally.axis.unit,
        "span": [float(tally.axis.edges[0]), float(tally.axis.edges[-1])],
        "without": tally.without_moment,
    }


def _entities(tally: Tally) -> dict[str, Any] | None:
    found = tally.entities
    if found is None:
        return None
    top: list[dict[str, Any]] = [
        {
            "entity": told(name),
            "alerts": found.counts[name],
            "rows": tally.entity_rows[name],
            "highest": found.highest[name],
        }
        for name in tally.top
    ]
    return {
        "column": found.column,
        "top": top,
        "more": len(found.counts) - len(top),
        "more_alerts": int(tally.count.sum()) - sum(entry["alerts"] for entry in top),
        "exact": found.distinct_is_exact,
    }


# ----------------------------------------------------------------------------------- groups


def _groups(cases: Cases, tally: Tally, extent: Extent) -> dict[str, Any]:
    """Group the explained alerts, each counted with those that are nearest to it."""
    groups = by_severity(cases, tally)
    shown = _shown(groups, tally.count)
    entries = [
        {"number": number, **_group(*groups[i], cases, tally)} for number, i in enumerate(shown, 1)
    ]
    return {
        "rule": likeness.RULE,
        "shown": entries,
        "total": len(groups),
        "more": len(groups) - len(entries),
        "more_alerts": extent.alerts - sum(entry["count"] for entry in entries),
        "explained": cases.rows.height,
        "alerts": extent.alerts,
        "columns": sorted({c["column"] for entry in entries for c in entry["columns"]}),
    }


def by_severity(cases: Cases, tally: Tally) -> list[tuple[likeness.Signature, list[int]]]:
    """Each group's leading signature and its explained alerts; the highest score first."""
    if cases.reasons is None:
        return []
    leads = likeness.merged(likeness.signatures(cases.reasons), tally.count.tolist())
    members: dict[likeness.Signature, list[int]] = {}
    for place, lead in enumerate(leads):
        if tally.count[place]:
            members.setdefault(lead, []).append(place)
    return sorted(
        members.items(),
        key=lambda group: (-tally.high[group[1]].max(), -tally.count[group[1]].sum()),
    )


def _shown(groups: Sequence[tuple[Any, list[int]]], count: NDArray[np.int64]) -> list[int]:
    """The places of the most severe groups, and of the largest of the others, in order."""
    severe = list(range(len(groups)))[: GROUPS // 2]
    others = sorted(range(len(severe), len(groups)), key=lambda i: -count[groups[i][1]].sum())
    return sorted(severe + others[: GROUPS - len(severe)])


def _group(
    lead: likeness.Signature, places: list[int], cases: Cases, tally: Tally
) -> dict[str, Any]:
    """One group: how many, when, how severe, what is common to its alerts, and some of them."""
    count, p = int(tally.count[places].sum()), float(tally.p[places].min())
    times = tally.times[places]
    common = _common(places, cases, tally)
    return {
        "items": _items(lead, common),
        "count": count,
        "share": count / int(tally.count.sum()),
        "rows": [int(tally.span[places, 0].min()), int(tally.span[places, 1].max())],
        "times": _span(float(times[:, 0].min()), float(times[:, 1].max()), tally.moments),
        "score": float(tally.high[places].max()),
        "p_value": p if np.isfinite(p) else None,
        "explained": len(places),
        "columns": common,
        "examples": [_example(i, cases, tally) for i in _examples(places, cases)],
    }


def _items(lead: likeness.Signature, common: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The items of a signature, the column that brings most first."""
    share = {column["column"]: column["share"] for column in common}
    ordered = sorted(lead, key=lambda item: (-share.get(item[0], 0.0), item))
    return [{"column": name, "text": text} for name, text in ordered]


def _span(first: float, last: float, moments: Moments | None) -> list[str] | None:
    if moments is None or not np.isfinite(first):
        return None
    return [_moment(first, moments), _moment(last, moments)]


def _moment(value: float, moments: Moments) -> str:
    """Give an instant or a number as text."""
    if moments.kind == "number":
        return told(value)
    return str(np.datetime64(int(value), "s")).replace("T", " ")


def _examples(places: list[int], cases: Cases) -> list[int]:
    """The highest score, and others at even distances down to the lowest."""
    scores = cases.rows[SCORE].to_numpy()[places]
    order = np.argsort(-scores, kind="stable")
    some = np.linspace(0, len(order) - 1, min(EXAMPLES, len(order))).round().astype(int)
    return [places[i] for i in order[some]]


def _common(places: list[int], cases: Cases, tally: Tally) -> list[dict[str, Any]]:
    """The columns that bring most to the scores of a group, with what is seen and expected."""
    reasons = cases.reasons
    assert reasons is not None
    weights = tally.count[places].astype(np.float64)
    share = np.average(cases.shares[places], axis=0, weights=weights)
    return [
        {
            "column": reasons.columns[j],
            "share": float(share[j]),
            "seen": _values(reasons.seen[reasons.columns[j]][places], weights),
            "expected": _values(reasons.expected[reasons.columns[j]][places], weights),
            "rarity": _known(np.average(reasons.rarity[places, j], weights=weights)),
        }
        for j in _most(share, COMMON)
    ]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _most(share: NDArray[np.float64], limit: int) -> list[int]:
    """The places of the columns that bring most; one at least, where any brings something."""
    order = [j for j in np.argsort(-share, kind="stable")[:limit].tolist() if share[j] > 0]
    return [j for j in order if share[j] >= LEAST] or order[:1]


def _values(values: pl.Series, weights: NDArray[np.float64]) -> str:
    """What a column holds: one value, a commonest with its share, or a range with its median."""
    present = ~values.is_null().to_numpy()
    if not present.any():
        return "missing"
    if values.dtype.is_numeric():
        numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
        low, high = float(numbers.min()), float(numbers.max())
        if low == high:
            return told(low)
        middle = np.quantile(numbers, 0.5, weights=weights[present], method="inverted_cdf")
        return f"{told(low)} to {told(high)}, median {told(float(middle))}"
    if values.dtype.is_temporal():
        return " to ".join(dict.fromkeys([told(values.min()), told(values.max())]))
    total: dict[str, float] = {}
    for value, weight in zip(values, weights, strict=True):
        total[told(value)] = total.get(told(value), 0.0) + weight
    first = max(total, key=lambda name: (total[name], name))
    if len(total) == 1:
        return first
    others = len(total) - 1
    return f"{first} ({total[first] / weights.sum():.0%}) and {others} other{'s' * (others > 1)}"


def _example(i: int, cases: Cases, tally: Tally) -> dict[str, Any]:
    """One alert with its reasons."""
    reasons = cases.reasons
    assert reasons is not None
    row = cases.rows.row(i, named=True)
    share = likeness.shares(reasons.contributions[i : i + 1])[0]
    moment = None if tally.moments is None else float(tally.moments.of(cases.rows[i : i + 1])[0])
    known = moment is not None and np.isfinite(moment)
    return {
        "row": int(row[ROW]),
        "score": row[SCORE],
        "p_value": row.get(P_VALUE),
        "time": _moment(moment, tally.moments) if known else None,  # type: ignore[arg-type]
        "entity": None if tally.entities is None else told(row[tally.entities.column]),
        "reasons": [
            {
                "column": reasons.columns[j],
                "share": float(share[j]),
                "contribution": float(reasons.contributions[i, j]),
                "seen": told(reasons.seen[reasons.columns[j]][i]),
                "expected": told(reasons.expected[reasons.columns[j]][i]),
                "rarity": _known(reasons.rarity[i, j]),
            }
            for j in _most(share, BARS)
        ],
    }
