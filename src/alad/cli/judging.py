"""From what a model takes to rows of a result: scores, p-values, and what is copied beside them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from alad.errors import InputError, RowError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from alad.cli.decisions import Rule
    from alad.cli.inputs import Batch, Inputs
    from alad.estimators import AbstractDetector
    from alad.preprocessing.table import TableNotes
    from alad.reasons import Explainer

T = TypeVar("T")
R = TypeVar("R")

OURS = ("row", "anomaly_score", "p_value", "is_anomaly")
LOW = 0.05  # a p-value; of rows like those of calibration at most this share has it
IN_WORK = 2  # batches at a time: while one is scored, another is decoded and encoded


@dataclass(frozen=True)
class Scored:
    """A batch of results."""

    rows: pl.DataFrame
    groups: pl.Series | None
    """The group of each row, where the rule by which rows are flagged has groups."""
    notes: TableNotes | None


@dataclass
class Judging:
    """One model, what it is to judge, and the sums over that.

    Parameters
    ----------
    kept : columns of the table to copy; None: all.
    reasons : how many of an anomaly's columns are to be named.
    typed : whether what is copied gets the types that fit knows, or stays as it was read.

    Raises
    ------
    InputError
        Columns are asked for that the table has not, or that would take a name of ours; or
        anything about columns is asked of pictures.
    """

    detector: AbstractDetector
    inputs: Inputs
    rule: Rule
    kept: Sequence[str] | None = ()
    reasons: int | None = None
    typed: bool = False
    rows: int = field(default=0, init=False)
    low: int = field(default=0, init=False)
    """Rows whose p-value is at most :data:`LOW`."""

    def __post_init__(self) -> None:
        columns = self.inputs.columns
        if columns is None:
            self._check_pictures()
        self.copied = tuple(dict.fromkeys((columns or ()) if self.kept is None else self.kept))
        self.not_copied: tuple[str, ...] = ()
        if self.kept is None and self.inputs.skips:  # a line of a log may have any key
            self.not_copied = tuple(name for name in self.copied if name in self._ours())
            self.copied = tuple(name for name in self.copied if name not in self.not_copied)
        if columns is not None:
            self._check_columns(columns)
        grouped = tuple(filter(None, [self.rule.group_column]))
        self.named, self.beside = (*(self.kept or ()), *grouped), (*self.copied, *grouped)

    def scored(self) -> Iterator[Scored]:
        """Give results batch by batch."""
        for scored in _in_order(self._judge, self.inputs.batches(self.beside)):
            self.rows += scored.rows.height
            if "p_value" in scored.rows.columns:
                self.low += int((scored.rows["p_value"] <= LOW).sum())
            self.inputs.note(scored.notes)
            yield scored

    def summary(self) -> dict[str, Any]:
        """What was done, as JSON."""
        from alad.cli.decisions import noted

        decision = noted(self.rule.decision(), self.detector)
        calibration = self.detector.calibration_
        return {
            "rows": self.rows,
            "anomalies": self.rule.anomalies,
            "share": self.rule.anomalies / self.rows,
            "threshold": decision.threshold,
            "decision": decision.to_json(),
            "calibration_rows": None if calibration is None else len(calibration.scores),
            "low_p_values": None if calibration is None else self.low / self.rows,
            **self.inputs.summary(self.named),
            "not_copied": list(self.not_copied),
        }

    def _judge(self, batch: Batch) -> Scored:
        from alad.cli.explain import with_reasons

        try:
            X = self.inputs.taken(batch)
            scores, notes = self.detector.score_and_notes(X)
        except RowError as error:
            raise error.at(batch.start + error.row) from error
        except InputError as error:
            where = f" (It is among the rows from {batch.start} on.)"
            raise InputError(f"{error}{where if batch.start else ''}") from error
        column = self.rule.group_column
        groups = None if column is None else self.rule.groups(batch.content[column], batch.start)
        rows = batch.names.with_columns(**self._verdicts(scores))
        if self.copied:
            copied = batch.content.select(self.copied)
            rows = rows.hstack(self.inputs.copied(copied, typed=self.typed))
        if self.reasons is not None:
            asked = self.rule.may_flag(-scores, groups)
            rows = with_reasons(rows, asked, self._explainer, X, self.reasons)
        return Scored(rows, groups, notes)

    @cached_property
    def _explainer(self) -> Explainer:
        """For all batches."""
        from alad.reasons import Explainer

        return Explainer(self.detector)

    def _verdicts(self, scores: NDArray[Any]) -> dict[str, pl.Series]:
        """What every row of a result says, but whether it is flagged: that is the rule's."""
        import polars as pl

        said = {"anomaly_score": -scores}
        if self.detector.calibration_ is not None:
            said["p_value"] = self.detector._calibrated().p_values(-scores)
        return {name: pl.Series(values) for name, values in said.items()}

    def _check_pictures(self) -> None:
        if self.kept is None or self.kept:
            raise InputError("Expected no --keep and no --all-columns with pictures. Leave it out.")
        if self.rule.group_column is not None:
            raise InputError(
                "Expected no --alerts-per-day and no --alerts-per-entity with pictures, which have "
                "no columns. Leave it out."
            )
        if self.reasons is not None:
            raise InputError("Expected no --reasons with pictures. `alad look` draws what differs.")

    def _ours(self) -> tuple[str, ...]:
        """The columns that a result has itself."""
        from alad.cli.explain import names_of_reasons

        return (*OURS, *names_of_reasons(self.detector, self.reasons))

    def _check_columns(self, columns: Sequence[str]) -> None:
        from alad.preprocessing.frames import quoted

        column, place = self.rule.group_column, self.inputs.place
        ours = self._ours()
        if column is not None and column not in columns:
            raise InputError(
                f"Expected the column {column!r}, which the alerts are counted by, in {place}; it "
                f"has {quoted(columns)}. Name one of these."
            )
        if absent := [name for name in self.copied if name not in columns]:
            raise InputError(
                f"Expected columns of {place} after --keep; it has no {quoted(absent)}, but "
                f"{quoted(columns)}."
            )
        if taken := [name for name in self.copied if name in ours]:
            raise InputError(
                f"Expected columns to copy with other names than {', '.join(ours)}, which the "
                f"result has itself; got {quoted(taken)}. Rename it, or name the columns to copy "
                "by --keep."
            )


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
