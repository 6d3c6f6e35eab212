"""``alad drift``: do new rows still look like those that a model was calibrated on?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.pictures import OnBad, OnBadOption
from alad.cli.streaming import MEMORY, DrawnMemory, memory_size
from alad.errors import InputError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from alad.cli.drawing import Drawn
    from alad.cli.inputs import Inputs
    from alad.estimators import AbstractDetector

MOST, LEAST = 20_000, 100  # rows that are looked at, drawn from all
HELD = 1 / 32  # of the memory, that they may take, once they are numbers
SHOWN = 10  # columns, as text
COMMON = 0.01  # the p-value at which false alarms are counted


def drift(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A calibrated model, as fit writes it.")
    ],
    table: Annotated[
        Path,
        typer.Argument(
            metavar="NEW", help="New rows, in the order in which they came, or with --time."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write what was found as .json, or draw it as .png."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column that says when a row was: the rows are taken in that order.",
            show_default="the schema's column of time, else the order of the rows",
        ),
    ] = None,
    level: Annotated[
        float,
        typer.Option(help="Probability, at most, of saying that something moved if nothing did."),
    ] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Of the rows and lots drawn.")] = 0,
    on_bad: OnBadOption = None,
    memory: DrawnMemory = MEMORY,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
) -> None:
    """Compare new rows with those that a model was calibrated on, column by column and by score.

    Columns: Kolmogorov-Smirnov for numbers, chi-square for categories, Benjamini-Hochberg over
    them; the largest effect first. Columns of time are left out: time goes on. Scores: a conformal
    test martingale over the rows in the order of time, which also says by when the calibration no
    longer held, and Kolmogorov-Smirnov. If the scores moved, p-values and what rests on them no
    longer hold. At most 20,000 rows are looked at, drawn from all; of wide ones no more than a 32nd
    of --memory holds.
    """
    from alad._files import check_ending, check_not_read, written_aside
    from alad.calibration import _checks
    from alad.cli.decisions import calibration_of
    from alad.cli.inputs import check_outside, files_read
    from alad.cli.show import note_left_aside, print_json, print_text
    from alad.estimators import load

    _checks.share("--level", level, 0.01)
    check_ending(out, ".json", ".png")
    size = memory_size(memory)
    check_not_read(out, model, *files_read(table))
    check_outside(out, table)
    detector = load(model)
    calibration_of(detector, "drift")
    new = _rows(detector, table, time, seed, on_bad, size)
    found = _found(detector, new, level=level, seed=seed)
    note_left_aside(new.aside)
    if out is not None:
        with written_aside(out) as aside:
            _write(found, aside)
    if as_json:
        print_json(found)
    else:
        print_text(_as_text(found))
        if out is not None:
            print_text(f"Written: {out}")


@dataclass(frozen=True)
class _New:
    """The rows that are looked at, n of them, in the order in which they are taken."""

    x: NDArray[Any]
    """(n, f) their features."""
    names: pl.DataFrame
    """(n, 1) what each is called: its number in the table, or its file."""
    of: int
    """How many rows the table has."""
    aside: Mapping[str, Any]
    """What was not read."""
    time: str | None
    """The column that gave the order; None: they are as in the table."""
    moments: pl.Series | None
    """(n,) what that column says."""


def _rows(
    detector: AbstractDetector,
    path: Path,
    time: str | None,
    seed: int,
    on_bad: OnBad | None,
    memory: int,
) -> _New:
    """Draw rows of a table of any length, and put them in the order of time."""
    import numpy as np

    from alad.cli.drawing import drawn, most_within
    from alad.cli.inputs import opened

    with opened(detector, path, on_bad) as inputs:
        column = _time_column(detector, inputs, time)
        beside = [] if column is None else [column]
        most = most_within(int(memory * HELD), detector, most=MOST, least=LEAST)
        found = drawn(inputs, most, seed, beside)
    with found.placed():
        x = detector._matrix(found.X, fitting=False)
    moments = None if column is None else found.content[column]
    form = detector.encoder_.format_of(column) if detector.encoder_ and column else ""
    seconds = (
        None
        if moments is None
        else _seconds(found, moments, form, is_asked=time is not None, skips=on_bad is OnBad.skip)
    )
    if moments is None or seconds is None:
        return _New(x, found.names, found.of, found.aside, None, None)
    order = np.argsort(seconds, kind="stable")
    return _New(x[order], found.names[order], found.of, found.aside, column, moments[order])


def _time_column(detector: AbstractDetector, inputs: Inputs, given: str | None) -> str | None:
    """The column that was named, or else the one of the model's schema, where the table has it."""
    from alad.preprocessing.frames import quoted

    columns = inputs.columns or ()
    if given is None:
        known = detector.encoder_.time_column if detector.encoder_ else None
        return known if known in columns else None
    if given not in columns:
        has = f"{quoted(columns)}. Name one of these, or leave" if columns else "none. Leave"
        raise InputError(
            f"Expected the column {given!r} of --time in {inputs.place}; it has {has} --time out."
        )
    return given


def _seconds(
    found: Drawn, moments: pl.Series, form: str, *, is_asked: bool, skips: bool
) -> NDArray[Any] | None:
    """Read the times; if nobody asked for them, what cannot be read is no more than a note."""
    from alad.cli.show import note
    from alad.cli.times import instants

    try:
        with found.placed():
            return instants(moments, 0, form, skips=skips)
    except InputError as error:
        if is_asked:
            raise
        note("rows are taken in the order of the table", [str(error)])
        return None


def _found(detector: AbstractDetector, new: _New, *, level: float, seed: int) -> dict[str, Any]:
    """What moved, as JSON."""
    from alad.calibration import exchangeability

    calibration = detector._calibrated()
    scores = detector._judged(new.x)
    verdict = exchangeability(calibration.scores, scores, level=level, seed=seed)
    p = calibration.p_values(scores)
    return {
        "rows": new.of,
        "rows_looked_at": len(new.x),
        "calibration_rows": len(calibration.scores),
        "calibration_holds": verdict.holds,
        "holds_over_all_rows": verdict.holds_over_all_rows,
        "level": level,
        "time": new.time,
        "stopped": _stopped(new, verdict.martingale_stop),
        "scores": verdict.to_json(),
        "share_of_p_up_to": {"p": COMMON, "share": float((p <= COMMON).mean())},
        "columns": _columns(detector, new, level),
        "not_compared": [name for _, name in _of_time(detector, new.time)],
        "not_read": new.aside,
    }


def _stopped(new: _New, place: int | None) -> dict[str, Any] | None:
    """The row, and the time where it is known, by which the calibration no longer held."""
    if place is None:
        return None
    time = None if new.moments is None else str(new.moments[place])
    return {**new.names.row(place, named=True), "time": time, "rows_before": place}


def _columns(detector: AbstractDetector, new: _New, level: float) -> list[dict[str, Any]]:
    """What is to be said of each column that is compared; of pictures nothing."""
    import numpy as np

    from alad.calibration import moved
    from alad.estimators._given import as_fine

    kept, encoder = detector._calibrated().rows, detector.encoder_
    if not len(kept):
        return []
    reference, x = as_fine(kept, new.x)
    if encoder is None:
        f = reference.shape[1]
        names: Any = [f"x{i}" for i in range(f)]
        of_feature, binary = np.arange(f), np.zeros(f, np.bool_)
    else:
        names = [column.name for column in encoder.schema]
        of_feature, binary = encoder.column_of_feature, encoder.binary
    compared = np.setdiff1d(np.arange(len(names)), [i for i, _ in _of_time(detector, new.time)])
    own = np.isin(of_feature, compared)
    found = moved(
        reference[:, own],
        x[:, own],
        [names[i] for i in compared],
        np.searchsorted(compared, of_feature[own]),
        binary[own],
        level=level,
    )
    return [column.to_json() for column in found]


def _of_time(detector: AbstractDetector, given: str | None) -> list[tuple[int, str]]:
    """The columns that say when a row was, with their places: time goes on, whatever else does."""
    schema = detector.encoder_.schema if detector.encoder_ else ()
    return [
        (i, column.name)
        for i, column in enumerate(schema)
        if column.kind == "time" or column.name == given
    ]


def _write(found: Mapping[str, Any], path: Path) -> None:
    import json

    from alad.experiments.record import plain
    from alad.report.drift import drawn

    if path.suffix.lower() == ".png":
        drawn(found).savefig(path, dpi=130, format="png")
    else:
        path.write_text(json.dumps(plain(found), indent=1) + "\n", "utf-8")


def _as_text(found: Mapping[str, Any]) -> str:
    from alad.cli.show import in_columns
    from alad.report.words import not_compared

    scores, common = found["scores"], found["share_of_p_up_to"]
    order = f"by {found['time']!r}" if found["time"] else "as in the table"
    lines = [
        f"Looked at {found['rows_looked_at']:,} of {found['rows']:,} rows, beside "
        f"{found['calibration_rows']:,} calibration rows. Their order: {order}.",
        f"Scores: {scores['statement']}",
        f"  martingale at most 10^{scores['martingale_maximum']:.1f} "
        f"(p {scores['martingale_p']:.2g}); Kolmogorov-Smirnov {scores['ks_statistic']:.3f} "
        f"(p {scores['ks_p']:.2g})",
        f"  p-values of at most {common['p']:g}: {common['share']:.2%} of the rows",
        _verdict(found),
    ]
    if found["not_compared"]:
        lines.append(f"{not_compared(found['not_compared'])}.")
    if not found["columns"]:
        return "\n".join(lines)
    moved = [column for column in found["columns"] if column["moved"]]
    body = [
        [c["column"], f"{c['effect']:.3f}", f"{c['p_adjusted']:.2g}", c["test"]]
        for c in moved[:SHOWN]
    ]
    lines.append(f"Columns that moved: {len(moved)} of {len(found['columns'])}.")
    if body:
        lines += ["", *in_columns(["column", "effect", "p (adjusted)", "test"], body)]
    if more := len(moved) - len(body):
        lines.append(f"  and {more} more, which --json lists")
    return "\n".join(lines)


def _verdict(found: Mapping[str, Any]) -> str:
    if found["calibration_holds"]:
        return _still_holds(found["rows_looked_at"], found["scores"]["ks_needed"])
    return (
        f"{_what_moved(found)} Attacks among the new rows look the same as a new season: see what "
        "the alerts are before such rows are taken for normal."
    )


def _still_holds(rows: int, needed: float | None) -> str:
    """Say so, and how much could have moved all the same.

    >>> _still_holds(1, None)
    'Too few rows to tell whether the calibration still holds: of 1 row no difference is too large.'
    """
    told = f"{rows:,} row{'s' * (rows != 1)}"
    if needed is None:
        return (
            "Too few rows to tell whether the calibration still holds: of "
            f"{told} no difference is too large."
        )
    return (
        f"The calibration still holds, as far as {told} tell{'s' * (rows == 1)}: a "
        f"Kolmogorov-Smirnov difference below {needed:.2g} would hardly be seen."
    )


def _what_moved(found: Mapping[str, Any]) -> str:
    from alad.cli.show import called

    stopped, do = found["stopped"], "fit again, or give new normal rows to alad recalibrate."
    if stopped is None:
        return f"The calibration no longer holds: {do}"
    at = f" ({stopped['time']})" if stopped["time"] else ""
    by = f", by {called(stopped)}{at} at the latest"
    if found["holds_over_all_rows"]:
        return (
            f"The calibration does not hold at every time: the scores had moved{by}. Over all "
            "rows they are as those of calibration. If they have a daily cycle, rates hold "
            f"over the whole period and not for every hour; else {do}"
        )
    return (
        f"The calibration no longer holds{by}: {do} Where scores have a daily cycle, that row "
        "may be no more than the first night's, and what is new came later."
    )
