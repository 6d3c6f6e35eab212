"""Two readings of a scored table, what they have to find in it, and explanations in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from alad.errors import InputError
from alad.estimators import AbstractDetector
from alad.preprocessing.frames import quoted
from alad.report.cases import Cases, Explain, explained, features, taken
from alad.report.moments import Moments
from alad.report.quoted import columns_of_reasons
from alad.report.tally import (
    ALERT,
    BUCKETS,
    P_VALUE,
    ROW,
    SCORE,
    Axis,
    Entities,
    Extent,
    Scored,
    Tally,
    checked,
)

TOP = 12  # entities
COMPARED = 256  # rows that are scored again, to see that the model is the one


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
    """Read the table twice, and explain some alerts in between.

    See :func:`alad.report.triage.summarise`.
    """
    known = _known_column(detector, scored, "time_column")
    is_asked, time = time is not None, time or known
    entity = entity or _known_column(detector, scored, "entity_column")
    inputs = _inputs(detector, scored)
    columns = _columns(scored, inputs, time, entity)
    extent = Extent(
        threshold=detector._threshold,
        moments=None if time is None else Moments(time, _format_of(detector, time)),
        entities=None if entity is None else Entities(entity),
        rng=np.random.default_rng(seed),
    )
    _measure(detector, scored, columns, inputs, extent)
    if extent.moments is not None and not np.isfinite(extent.first):
        _check_asked(extent.moments.column, scored.place, is_asked)
        extent.moments = None
    cases = explained(detector, extent.kept, inputs, explain)
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


def _check_asked(column: str, place: str, is_asked: bool) -> None:
    """Refuse a column without a time that can be read, if somebody asked for it."""
    if is_asked:
        raise InputError(
            f"Expected times or numbers in column {column!r} of {place}; none can be read. Name "
            "another column by --time, or leave it out."
        )


def _tally(
    detector: AbstractDetector, extent: Extent, cases: Cases, inputs: Sequence[str]
) -> Tally:
    """Set the second pass up."""
    ends = (extent.first, extent.last) if extent.moments else (0.0, float(extent.rows))
    over = np.linspace(ends[0], ends[1] if ends[1] > ends[0] else ends[0] + 1, BUCKETS + 1)
    found = extent.entities
    top = found.foremost(TOP) if found else ()
    return Tally(
        axis=Axis.spanning(extent.low, extent.high, extent.threshold),
        over=over,
        moments=extent.moments,
        representatives=cases.scaled,
        values=cases.rows.select(inputs) if cases.reasons else cases.rows,
        features=lambda frame: features(detector, frame, inputs),
        entities=extent.entities,
        top=top,
        wider=cases.wider,
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
    if taken_names := [name for name in wanted if name in (ROW, SCORE, ALERT, P_VALUE)]:
        raise InputError(
            f"Expected a model whose columns have other names than those that 'alad score' adds; "
            f"it has {quoted(taken_names)}. Rename that column of the table, and fit again."
        )
    if absent := [name for name in wanted if name not in scored.names]:
        raise InputError(
            f"Expected the columns of fit in {scored.place}; missing: {quoted(absent)}. Score the "
            "table with --all-columns, or with --keep for each; one it lacks, give it empty."
        )
    return wanted


def _known_column(detector: AbstractDetector, scored: Scored, role: str) -> str | None:
    """The column that fit was told has this role, where the table has it."""
    name = getattr(detector.encoder_, role, None)
    return name if name in scored.names else None


def _format_of(detector: AbstractDetector, column: str) -> str:
    return detector.encoder_.format_of(column) if detector.encoder_ is not None else ""


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
                f"{quoted(scored.names)}. Score the table with --all-columns; the keys of folders "
                "are no columns."
            )
    p_value = [P_VALUE] if P_VALUE in scored.names else []
    own = [name for name in (time, entity) if name is not None]
    reasons = columns_of_reasons(scored.names)
    return tuple(dict.fromkeys([ROW, SCORE, ALERT, *p_value, *inputs, *own, *reasons]))


def _check_model(
    detector: AbstractDetector, frame: pl.DataFrame, inputs: Sequence[str], place: str
) -> None:
    """Score a few rows again."""
    few = frame.head(COMPARED)
    again = -detector.score_samples(taken(detector, few, inputs))
    there = few[SCORE].to_numpy()
    differ = ~np.isclose(again, there, rtol=1e-3, atol=1e-3 * float(np.abs(again).max()))
    if differ.mean() > 0.05:  # a few may differ: another machine adds in another order
        i = int(differ.argmax())
        raise InputError(
            f"Expected scores of this model in {place}; row {few[ROW][i]:.0f} has {there[i]:.6g}, "
            f"and the model gives it {again[i]:.6g}. Give the model that scored the table, or "
            "score it again."
        )
