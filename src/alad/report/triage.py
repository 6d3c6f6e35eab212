"""What a scored table says, gathered for a page to triage from: counts, groups, examples.

The first of two stages; :mod:`alad.report.sheet` makes the page of the dictionary.
"""

from __future__ import annotations

from typing import Any

from alad.calibration import share_below_offset
from alad.estimators import AbstractDetector
from alad.preprocessing.letters import told_apart
from alad.report import groups, origin, words
from alad.report.cases import Explain
from alad.report.gathering import gather
from alad.report.tally import Extent, Scored, Tally


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
    about = _scored(detector, scored, found.extent)
    return {
        "model": _model(detector),
        "scored": about,
        "calibration": None if about["alerts_only"] else _calibration(found.tally),
        "scores": _scores(found.tally, found.extent.line),
        "over": _over(found.tally),
        "groups": groups.grouped(found.cases, found.tally, found.extent),
        "entities": _entities(found.tally, about["alerts_only"]),
    }


def _model(detector: AbstractDetector) -> dict[str, Any]:
    schema = detector.encoder_.schema if detector.encoder_ is not None else None
    n_columns = detector.n_features_in_
    settings = {k: v for k, v in detector.get_params().items() if v is not None}
    history = getattr(detector, "history_", None)
    calibration = getattr(detector, "calibration_", None)
    return {
        "detector": type(detector).__name__,
        "settings": settings,
        "trained_on": getattr(detector, "trained_on_", None),
        "seed": detector.seed_,
        "rows": detector.rows_at_fit_,
        "columns": words.out_of(len(schema or ()) or n_columns, n_columns),
        "names": None if schema is None else [column.name for column in schema],
        "epochs": None if history is None else history.epochs,
        "threshold": detector._threshold,
        "calibrated_on": None if calibration is None else len(calibration.scores),
        "calibration": None if calibration is None else dict(calibration.facts),
    }


def _scored(detector: AbstractDetector, scored: Scored, extent: Extent) -> dict[str, Any]:
    told = origin.read(scored.told)
    alerts_only = extent.alerts == extent.rows
    # Of alerts alone all may be above the threshold, by whatever rule.
    by_threshold = extent.otherwise == 0 and not (alerts_only and told.facts is None)
    note = told.note or origin.disagreement(told, extent, type(detector).__name__)
    rows = extent.rows if told.facts is None or note else told.facts["rows"]
    return {
        "place": scored.place,
        "rows": rows,
        "alerts": extent.alerts,
        "share": extent.alerts / rows,
        "alerts_only": alerts_only,
        "by_threshold": by_threshold,
        "flagged_at_fit": share_below_offset(detector.contamination, detector.rows_at_fit_),
        "lowest_alert": extent.lowest_alert if extent.alerts else None,
        "largest_p_alert": extent.largest_p_alert,
        "origin": told.facts,
        "origin_note": note,
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


def _scores(tally: Tally, line: float | None) -> dict[str, Any]:
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
        "is_utc": moments is not None and moments.is_utc,
        "edges": tally.over.tolist(),
        "rows": tally.grid.sum(axis=1).tolist(),
        "alerts": tally.over_alerts.tolist(),
        "quantiles": tally.quantiles(),
        "scale": tally.axis.scale,
        "unit": tally.axis.unit,
        "span": [float(tally.axis.edges[0]), float(tally.axis.edges[-1])],
        "without": tally.without_moment,
    }


def _entities(tally: Tally, alerts_only: bool) -> dict[str, Any] | None:
    """Alerts by entity; how many rows each has is known of a whole table alone."""
    found = tally.entities
    if found is None:
        return None
    names = told_apart(tally.top)
    top: list[dict[str, Any]] = [
        {
            "entity": names[name],
            "alerts": found.counts[name],
            "rows": None if alerts_only else tally.entity_rows[name],
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
