"""Groups of like alerts as the page shows them: what each has in common, and some of its alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.preprocessing.frames import as_text
from alad.report import likeness
from alad.report.cases import Cases
from alad.report.likeness import as_it_stands, told, told_beside
from alad.report.moments import Moments
from alad.report.tally import P_VALUE, PLACE, ROW, SCORE, Extent, Tally

GROUPS = 60  # on the page at most: half of them by severity, the others by size
EXAMPLES = 5  # of a group
BARS = 6  # columns of an example
COMMON = 6  # columns of a group
FEW = 0.05  # of a group: a value that fewer have is only an example
LEAST = 0.03  # of the score: a column that brings less is not shown
LONGEST = 200  # letters of a value that is saved
BESIDE = 60  # columns of an example that are shown beside the nearest normal row


def grouped(cases: Cases, tally: Tally, extent: Extent) -> dict[str, Any]:
    """Group the explained alerts, each counted with those that are nearest to it."""
    groups = by_severity(cases, tally)
    shown = _shown(groups, tally.count)
    entries = [
        {"number": number, **_group(*groups[i], cases, tally)} for number, i in enumerate(shown, 1)
    ]
    return {
        "rule": likeness.RULE.told(),
        "why_quoted": cases.why_quoted,
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
    found = likeness.signatures(cases.reasons, crowd(cases, tally))
    leads = likeness.merged(found, tally.count.tolist())
    members: dict[likeness.Signature, list[int]] = {}
    for place, lead in enumerate(leads):
        if tally.count[place]:
            members.setdefault(lead, []).append(place)
    return sorted(
        members.items(),
        key=lambda group: (-tally.high[group[1]].max(), -tally.count[group[1]].sum()),
    )


def crowd(cases: Cases, tally: Tally) -> likeness.Crowd:
    """The alerts beside each explained one."""
    return _beside(np.arange(len(tally.count)), cases, tally)


def _beside(
    places: Sequence[int] | NDArray[np.int64], cases: Cases, tally: Tally
) -> likeness.Crowd:
    """The alerts beside some of the explained ones."""
    seen = cases.rows[places]
    unseen = {name: cases.unseen(seen[name]) for name in cases.kinds}
    return likeness.Crowd(
        tally.count[places], tally.same[places], tally.near[places], cases.kinds, unseen
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
    items = _items(_of_all(lead, places, cases, tally), common)
    leading = [column["column"] for column in [*items, *common]]
    return {
        "items": items,
        "first": _first(items, common),
        "count": count,
        "share": count / int(tally.count.sum()),
        "rows": [int(tally.span[places, 0].min()), int(tally.span[places, 1].max())],
        "times": _span(float(times[:, 0].min()), float(times[:, 1].max()), tally.moments),
        "score": float(tally.high[places].max()),
        "p_value": p if np.isfinite(p) else None,
        "explained": len(places),
        "columns": common,
        "listed": (listed := _listed(places, [*tally.known, *leading], tally)),
        "listed_as": list(listed),
        "examples": [_example(i, cases, tally) for i in _examples(places, cases)],
    }


def _of_all(
    lead: likeness.Signature, places: list[int], cases: Cases, tally: Tally
) -> likeness.Signature:
    """A leading signature in words that hold of the whole group, not of its own alerts alone."""
    assert cases.reasons is not None
    own = _beside(places, cases, tally)
    seen, expected = cases.reasons.seen[places], cases.reasons.expected[places]
    place = {name: j for j, name in enumerate(cases.reasons.columns)}
    return frozenset(
        (name, likeness.told_of_all(text, seen[name], expected[name], own, place[name]))
        for name, text in lead
    )


def _listed(places: list[int], columns: Sequence[str], tally: Tally) -> dict[str, list[Any]]:
    """Row, score and p-value of the alerts of a group, in the order of the table, and columns."""
    alerts = pl.concat(tally.listed).filter(pl.col(PLACE).is_in(places))
    scores = [name for name in (SCORE, P_VALUE) if name in alerts.columns]
    listed: dict[str, list[Any]] = {ROW: alerts[ROW].cast(pl.Int64).to_list()}
    listed |= {name: [_short(value) for value in alerts[name]] for name in scores}
    return listed | {name: _as_text(alerts[name]) for name in columns if name in alerts.columns}


def _as_text(values: pl.Series) -> list[str | None]:
    """The values as they stand in the table, texts cut where they are long."""
    return as_text(values).str.head(LONGEST).to_list()


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _items(lead: likeness.Signature, common: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The items of a signature, the column that brings most first."""
    place = {column["column"]: i for i, column in enumerate(common)}
    ordered = sorted(lead, key=lambda item: (place.get(item[0], len(place)), item))
    return [{"column": name, "text": text} for name, text in ordered]


def _first(
    items: Sequence[Mapping[str, str]], common: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The column of the first item, with its values; else that which brings most."""
    by_column = {column["column"]: column for column in common}
    named = [by_column[item["column"]] for item in items if item["column"] in by_column]
    return next(iter([*named, *common]), None)


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
    weights = tally.count[places].astype(np.float64)
    share = np.average(cases.shares[places], axis=0, weights=weights)
    return [_column(j, float(share[j]), places, cases, tally) for j in _most(share, COMMON)]


def _column(j: int, share: float, places: list[int], cases: Cases, tally: Tally) -> dict[str, Any]:
    """What one column has in a group; of quoted reasons, in the alerts that name it."""
    reasons = cases.reasons
    assert reasons is not None
    named = [i for i in places if cases.why_quoted is None or reasons.contributions[i, j] > 0]
    weights, name = tally.count[named].astype(np.float64), reasons.columns[j]
    return {
        "column": name,
        "share": None if cases.why_quoted else share,
        "seen": _values(cases.seen(name)[named], weights, tally.held[named, j]),
        "expected": _values(reasons.expected[name][named], weights),
        "rarity": _known(np.average(reasons.rarity[named, j], weights=weights)),
        "never_seen": bool(cases.never_seen(reasons.seen[name][named]).all()),
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _most(share: NDArray[np.float64], limit: int) -> list[int]:
    """The places of the columns that bring most; one at least, where any brings something."""
    order = [j for j in np.argsort(-share, kind="stable")[:limit].tolist() if share[j] > 0]
    return [j for j in order if share[j] >= LEAST] or order[:1]


def _values(
    values: pl.Series, weights: NDArray[np.float64], held: NDArray[np.float64] | None = None
) -> str:
    """What a column holds: one value, a commonest with its share, or a range with its median.

    ``held`` (n,) is the share of each weight that has the value itself, of those that were seen.
    """
    tell = told if held is None else as_it_stands
    present = ~values.is_null().to_numpy()
    if not present.any():
        return "missing"
    if values.dtype.is_numeric():
        numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
        low, high = float(numbers.min()), float(numbers.max())
        if low == high:
            return tell(low)
        middle = np.quantile(numbers, 0.5, weights=weights[present], method="inverted_cdf")
        return f"{tell(low)} to {tell(high)}, median {tell(float(middle))}"
    if values.dtype.is_temporal():
        return " to ".join(dict.fromkeys([told(values.min()), told(values.max())]))
    return _texts(values, weights if held is None else weights * held, float(weights.sum()))


def _texts(values: pl.Series, weights: NDArray[np.float64], whole: float) -> str:
    """The commonest text, its share of ``whole``, and how many others there are."""
    total: dict[str, float] = {}
    for value, weight in zip(values, weights, strict=True):
        total[told(value)] = total.get(told(value), 0.0) + weight
    first = max(total, key=lambda name: (total[name], name))
    others = len(total) - 1
    if sum(total.values()) < whole - 0.5:  # some have values that are not those of explained ones
        share = total[first] / whole
        return f"{first} ({share:.0%}) and others" if share >= FEW else f"{first} and others"
    if not others:
        return first
    return f"{first} ({total[first] / whole:.0%}) and {others} other{'s' * (others > 1)}"


def _example(i: int, cases: Cases, tally: Tally) -> dict[str, Any]:
    """One alert with its reasons."""
    reasons = cases.reasons
    assert reasons is not None
    one = cases.rows[i : i + 1]
    p_value = one[P_VALUE].item() if P_VALUE in one.columns else None
    whom = None if tally.entities is None else as_text(one[tally.entities.column]).item()
    share = likeness.shares(reasons.contributions[i : i + 1])[0]
    moment = None if tally.moments is None else float(tally.moments.of(one)[0])
    known = moment is not None and np.isfinite(moment)
    return {
        "row": int(one[ROW].item()),
        "score": one[SCORE].item(),
        "p_value": p_value,
        "time": _moment(moment, tally.moments) if known else None,  # type: ignore[arg-type]
        "entity": None if tally.entities is None else told(whom),
        "reasons": [
            {
                "column": name,
                "share": None if cases.why_quoted else float(share[j]),
                "contribution": float(reasons.contributions[i, j]),
                "seen": as_it_stands(cases.seen(name)[i]),
                "expected": told_beside(reasons.expected[name][i], cases.seen(name)[i]),
                "rarity": _known(reasons.rarity[i, j]),
            }
            for j in _most(share, BARS)
            for name in [reasons.columns[j]]
        ],
        "beside": _pairs(i, cases),
    }


def _pairs(i: int, cases: Cases) -> dict[str, Any] | None:
    """An alert beside its nearest normal row: where they differ, and what they have in common.

    Of more than BESIDE columns those that bring most; None where there is no such row.
    """
    reasons = cases.reasons
    assert reasons is not None
    if not reasons.nearest.shape[1]:
        return None
    order = np.argsort(-reasons.contributions[i], kind="stable").tolist()
    pairs = [_pair(i, j, cases) for j in order[:BESIDE]]
    return {
        "differs": [pair for pair, is_alike in pairs if not is_alike],
        "alike": [pair for pair, is_alike in pairs if is_alike],
        "more": len(order) - len(pairs),
    }


def _pair(i: int, j: int, cases: Cases) -> tuple[dict[str, str], bool]:
    """What an alert and its nearest normal row have in a column, and whether they read the same.

    What is unusual is told to as many digits as tell the two apart.
    """
    reasons = cases.reasons
    assert reasons is not None
    name = reasons.columns[j]
    seen, expected = cases.seen(name)[i], reasons.expected[name][i]
    is_unusual = reasons.rarity[i, j] <= likeness.ORDINARY
    normal = told_beside(expected, seen) if is_unusual else told(expected)
    is_alike = (told_beside(seen, expected) if is_unusual else told(seen)) == normal
    return {"column": name, "seen": as_it_stands(seen), "normal": normal}, is_alike
