"""``alad score``: judge every row of a table, however long, in bounded memory."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from alad.cli.pictures import Folder, OnBad, tell_unreadable
from alad.cli.show import TABLES
from alad.errors import InputError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from alad.cli.decisions import Rule
    from alad.cli.tables import Table
    from alad.estimators import AbstractDetector
    from alad.preprocessing.pictures import Pixels

T = TypeVar("T")
R = TypeVar("R")

OURS = ("row", "anomaly_score", "p_value", "is_anomaly")
IN_WORK = 2  # batches at a time: while one is scored, another is decoded and encoded


def score(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model folder, as fit writes it.")
    ],
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help=f"{TABLES}; or a folder of .png, .jpg, .webp.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="Where to write: .parquet, .csv, .tsv (also .gz), or - for CSV on standard "
            "output. A file there is replaced once all is written.",
        ),
    ],
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", metavar="COLUMN", help="Copy this column of the table too (repeatable)."
        ),
    ] = None,
    all_columns: Annotated[
        bool, typer.Option("--all-columns", help="Copy all columns of the table.")
    ] = False,
    fdr: Annotated[
        float | None,
        typer.Option(
            "--fdr",
            metavar="SHARE",
            help="Flag so that, on average, at most this share of what is flagged is normal.",
        ),
    ] = None,
    false_positive_rate: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Flag at most this share of normal rows, on average."),
    ] = None,
    alerts_per_day: Annotated[
        int | None,
        typer.Option(metavar="N", help="Flag the N highest scores of each day (see --time)."),
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option("--time", metavar="COLUMN", help="The column that says when a row was."),
    ] = None,
    alerts_per_entity: Annotated[
        int | None,
        typer.Option(metavar="N", help="Flag the N highest scores of each --entity."),
    ] = None,
    entity_column: Annotated[
        str | None,
        typer.Option(
            "--entity", metavar="COLUMN", help="The column that says whose row it is: a host, say."
        ),
    ] = None,
    on_bad: Annotated[
        OnBad | None,
        typer.Option(
            help="Pictures: leave out a damaged file and go on, or stop.", show_default="skip"
        ),
    ] = None,
    reasons: Annotated[
        int | None,
        typer.Option(
            "--reasons",
            metavar="K",
            min=1,
            help="Say of each anomaly which K columns made it one, in reason_1 to reason_K.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done as one JSON object.")
    ] = False,
) -> None:
    """Judge every row of a table with a model.

    For each row: row (counted from 0), anomaly_score (higher = more anomalous), p_value (how rare
    such a score is among normal rows, if the model is calibrated) and is_anomaly (whether the score
    is above the model's threshold, or what one of --fdr, --false-positive-rate, --alerts-per-day
    and --alerts-per-entity says instead). The table may be of any length: it is read, scored and
    written in batches.

    The table needs the columns that the model reads, in any order; labels and identifiers may be
    absent. Columns that fit did not see are left aside, and named at the end. Missing values are
    allowed: a missing number counts as the training median, and a category that fit did not see
    counts as unlike all of those it saw. Both are counted, by column.

    With --reasons each anomaly is compared with the normal row nearest to it, which takes about as
    long as scoring one row for each column of the table (docs/reasons.md).

    Of a folder of pictures each one's row has its file instead of a number.
    """
    from alad.cli.decisions import Flagging, rule_of
    from alad.cli.explain import names_of_reasons
    from alad.cli.progress import rows_progress
    from alad.cli.show import print_json
    from alad.estimators import load

    if as_json and out == Path("-"):
        raise InputError(
            "Expected one thing on standard output; got --json and -o -. Leave one out."
        )
    detector = load(model)
    rule = rule_of(
        detector,
        fdr=fdr,
        false_positive_rate=false_positive_rate,
        alerts_per_day=alerts_per_day,
        time=time_column,
        alerts_per_entity=alerts_per_entity,
        entity=entity_column,
    )
    flagging = Flagging(rule, out, names_of_reasons(detector, reasons))
    with _job(detector, table, keep or (), all_columns, on_bad, rule, reasons) as job:
        began = time.monotonic()
        with flagging.open() as write, rows_progress("scoring", job.expected) as advance:
            for scored in _in_order(job.judge, job.batches()):
                write(job.tally(scored), scored.groups)
                advance(scored.rows.height)
    summary = job.summary(flagging.anomalies) | {
        "out": str(out),
        "seconds": round(time.monotonic() - began, 3),
    }
    if as_json:
        print_json(summary)
    else:
        _tell(summary, out)


@dataclass(frozen=True)
class _Scored:
    """A batch of results, and what was noted about its input."""

    rows: pl.DataFrame
    notes: Any = None
    groups: pl.Series | None = None
    """The group of each row, where the rule by which rows are flagged has groups."""


@dataclass
class _Job:
    """One model, what it is to judge, and the sums over the batches of that."""

    detector: AbstractDetector
    rule: Rule
    rows: int = field(default=0, init=False)

    def verdicts(self, scores: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """What every row of a result says, but whether it is flagged: that is the rule's."""
        if self.detector.calibration_ is None:
            return {"anomaly_score": -scores}
        p = self.detector._calibrated().p_values(-scores)
        return {"anomaly_score": -scores, "p_value": p}

    def tally(self, scored: _Scored) -> pl.DataFrame:
        """Add a batch to the sums, and give its rows."""
        self.rows += scored.rows.height
        return scored.rows

    def summary(self, anomalies: int) -> dict[str, Any]:
        """What was done, as JSON."""
        decision, calibration = self.rule.decision(), self.detector.calibration_
        return {
            "rows": self.rows,
            "anomalies": anomalies,
            "share": anomalies / self.rows,
            "threshold": decision.threshold,
            "decision": decision.to_json(),
            "calibration_rows": None if calibration is None else len(calibration.scores),
        }


@dataclass
class _FolderJob(_Job):
    """The pictures of a folder."""

    folder: Folder

    @property
    def expected(self) -> int:
        """How many files there are."""
        return len(self.folder.files)

    def batches(self) -> Iterator[tuple[Pixels, list[str]]]:
        """Give pictures and their names."""
        side, _, channels = self.detector.picture_shape_
        return self.folder.batches(side, channels)

    def judge(self, batch: tuple[Pixels, list[str]]) -> _Scored:
        """Score one batch."""
        import polars as pl

        pictures, names = batch
        scores = self.detector.score_samples(pictures)
        return _Scored(pl.DataFrame({"file": names, **self.verdicts(scores)}))

    def inputs(self) -> Iterator[Any]:
        """Give what the detector takes, batch by batch."""
        yield from (pictures for pictures, _ in self.batches())

    def summary(self, anomalies: int) -> dict[str, Any]:
        """What was done, as JSON."""
        return super().summary(anomalies) | {"unreadable": self.folder.summary()}


@dataclass
class _TableJob(_Job):
    """The rows of a table."""

    table: Table
    wanted: tuple[str, ...]
    kept: tuple[str, ...]
    reasons: int | None = None
    unseen: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    @property
    def expected(self) -> int | None:
        """How many rows there are, where the file tells."""
        return self.table.rows

    def batches(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Give the number of the first row, and the rows."""
        start = 0
        of_rule = (self.rule.group_column,) if self.rule.group_column else ()
        for frame in self.table.batches(tuple(dict.fromkeys(self.wanted + self.kept + of_rule))):
            yield start, frame
            start += frame.height

    def judge(self, batch: tuple[int, pl.DataFrame]) -> _Scored:
        """Score one batch."""
        import numpy as np
        import polars as pl

        from alad.cli.explain import with_reasons

        start, frame = batch
        try:
            X = self._input(frame)
            scores, notes = self.detector.score_and_notes(X)
        except InputError as error:
            where = f" (Rows are counted from row {start} of the table.)" if start else ""
            raise InputError(f"{error}{where}") from error
        ours = {"row": np.arange(start, start + len(scores)), **self.verdicts(scores)}
        column = self.rule.group_column
        groups = None if column is None else self.rule.groups(frame[column], start)
        rows = pl.DataFrame(ours).hstack(frame.select(self.kept))
        rows = with_reasons(
            rows, self.rule.may_flag(-scores, groups), self.detector, X, self.reasons
        )
        return _Scored(rows, notes, groups)

    def inputs(self) -> Iterator[Any]:
        """Give what the detector takes, batch by batch."""
        yield from (self._input(frame) for _, frame in self.batches())

    def tally(self, scored: _Scored) -> pl.DataFrame:
        """Add a batch to the sums, and give its rows."""
        if scored.notes is not None:
            self.unseen.update(scored.notes.unseen)
            self.missing.update(scored.notes.missing)
        return super().tally(scored)

    def summary(self, anomalies: int) -> dict[str, Any]:
        """What was done, as JSON."""
        read = {*self.wanted, *self.kept, self.rule.group_column}
        return super().summary(anomalies) | {
            "unseen_categories": dict(self.unseen),
            "missing_values": dict(self.missing),
            "ignored_columns": [
                name for name in self.table.names if name not in read.union(self._left_out)
            ],
        }

    @property
    def _left_out(self) -> list[str]:
        """The columns that fit saw and does not give to the model."""
        encoder = self.detector.encoder_
        return [column.name for column in encoder.left_out] if encoder else []

    def _input(self, frame: pl.DataFrame) -> Any:
        """Give what the model expects: a frame with the types of fit, or an array."""
        from alad.cli.tables import as_at_fit, as_numbers

        frame, encoder = frame.select(self.wanted), self.detector.encoder_
        if encoder is None:
            return as_numbers(frame)
        return as_at_fit(frame, encoder.schema)


@contextmanager
def _job(
    detector: AbstractDetector,
    path: Path,
    keep: Sequence[str],
    all_columns: bool,
    on_bad: OnBad | None,
    rule: Rule,
    reasons: int | None = None,
) -> Iterator[Any]:
    """Open what is to be judged, and hold the options against what that is."""
    from alad.cli.tables import holds_pictures, open_table

    is_folder = holds_pictures(path)
    if is_folder != detector.takes_pictures:
        wanted = "a table" if is_folder else "a folder of pictures"
        got = f"the {'folder' if is_folder else 'file'} {path}" if path.exists() else "no such path"
        raise InputError(
            f"Expected {wanted}, as at fit, at {path}; got {got}. Check the path, or take another "
            "model."
        )
    if is_folder:
        if keep or all_columns:
            raise InputError("Expected no --keep and no --all-columns with pictures. Leave it out.")
        if rule.group_column is not None:
            raise InputError(
                "Expected no --alerts-per-day and no --alerts-per-entity with pictures, which have "
                "no columns. Leave it out."
            )
        if reasons is not None:
            raise InputError("Expected no --reasons with pictures. `alad look` draws what differs.")
        yield _FolderJob(detector, rule, Folder(path, on_bad or OnBad.skip))
        return
    if on_bad is not None:
        raise InputError("Expected no --on-bad with a table. Leave it out.")
    with open_table(path) as table:
        yield _table_job(detector, table, table.names if all_columns else keep, rule, reasons)


def _table_job(
    detector: AbstractDetector,
    table: Table,
    kept: Sequence[str],
    rule: Rule,
    reasons: int | None = None,
) -> _TableJob:
    """Settle which columns are read, before anything is."""
    from alad.cli.explain import names_of_reasons
    from alad.preprocessing.frames import quoted

    ours = (*OURS, *names_of_reasons(detector, reasons))
    if rule.group_column is not None and rule.group_column not in table.names:
        raise InputError(
            f"Expected the column {rule.group_column!r}, which the alerts are counted by, in "
            f"{table.place}; it has {quoted(table.names)}. Name one of these."
        )
    if absent := [name for name in kept if name not in table.names]:
        raise InputError(
            f"Expected columns of {table.place} after --keep; it has no {quoted(absent)}, but "
            f"{quoted(table.names)}."
        )
    if taken := [name for name in kept if name in ours]:
        raise InputError(
            f"Expected columns to copy with other names than {', '.join(ours)}, which the result "
            f"has itself; got {quoted(taken)}. Rename it, or name the columns to copy by --keep."
        )
    wanted = _wanted(detector, table)
    return _TableJob(detector, rule, table, wanted, tuple(dict.fromkeys(kept)), reasons)


def _wanted(detector: AbstractDetector, table: Table) -> tuple[str, ...]:
    """The columns of fit; a model that was fitted on an array takes them all, in their order."""
    from alad.preprocessing.frames import quoted

    if detector.encoder_ is None:
        if len(table.names) != detector.n_features_in_:
            raise InputError(
                f"Expected {detector.n_features_in_} columns, as in the array at fit; "
                f"{table.place} has {len(table.names)}. Give the same columns."
            )
        return table.names
    wanted = tuple(column.name for column in detector.encoder_.schema)
    if absent := [name for name in wanted if name not in table.names]:
        known = {column.name for column in detector.encoder_.columns}
        others = [name for name in table.names if name not in known]
        unseen = f"; not seen at fit: {quoted(others)}" if others else ""
        raise InputError(
            f"Expected the {len(wanted)} columns at fit in {table.place}; missing: "
            f"{quoted(absent)}{unseen}. Give the same columns, or refit."
        )
    return wanted


def _in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Map with two items in work at a time, and few more of them in memory."""
    running: deque[Future[R]] = deque()
    with ThreadPoolExecutor(IN_WORK) as pool:
        for item in items:
            running.append(pool.submit(work, item))
            if len(running) > IN_WORK:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _where(decision: Mapping[str, Any]) -> str:
    if decision["threshold"] is None:
        return str(decision["rule"])
    if decision["threshold"] == math.inf:
        return "for no score is high enough"
    return f"above the threshold {decision['threshold']:.6g}"


def tell_decision(decision: Mapping[str, Any]) -> None:
    """Say what a rule other than the model's threshold promises, and on which assumption."""
    from alad.cli.show import say

    if decision["assumption"] != "None.":
        say(f"Rule: {decision['rule']}. {decision['promise']}")
        say(f"Assumed: {decision['assumption']}")
    if decision["note"]:
        say(f"note: {decision['note']}")


def _tell(done: dict[str, Any], out: Path) -> None:
    """Write the summary to standard error; standard output may hold the scores."""
    from alad.cli.show import by_column, note, say

    speed = done["rows"] / max(done["seconds"], 1e-9)
    what = "pictures" if "unreadable" in done else "rows"
    say(
        f"Scored {done['rows']:,} {what} in {done['seconds']:.1f} s ({speed:,.0f} a second); "
        f"{done['anomalies']:,} anomalies ({done['share']:.2%}), {_where(done['decision'])}."
    )
    tell_decision(done["decision"])
    note("categories that fit did not see", by_column(done.get("unseen_categories", {})))
    note("missing values", by_column(done.get("missing_values", {})))
    note("columns left aside, because fit did not see them", done.get("ignored_columns", ()))
    tell_unreadable(done.get("unreadable", ()))
    if out != Path("-"):
        say(f"Written: {out}")
