"""By which rule ``alad score`` flags rows, and how a rule that needs all rows first gets by.

===========================  ==================================================  ===============
option                       flags                                               known
===========================  ==================================================  ===============
none                         scores above the model's threshold                  at once
``--false-positive-rate r``  p-values of at most r                               at once
``--fdr q``                  what Benjamini and Hochberg discover                after all rows
``--alerts-per-day n``       the n highest of each day                           after all rows
``--alerts-per-entity n``    the n highest of each entity                        after all rows
===========================  ==================================================  ===============

What is known only after all rows needs two passes, in memory that does not grow with them: the
scored rows wait in a hidden file beside the result, and of all p-values the counts are enough.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.calibration import (
    Budget,
    Calibration,
    Decision,
    at_false_discovery_rate,
    at_false_positive_rate,
)
from alad.errors import InputError

if TYPE_CHECKING:
    from alad.estimators import AbstractDetector

Write = Callable[[pl.DataFrame, pl.Series | None], None]
Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Rule(ABC):
    """Which rows are flagged. Scores here are A(x), larger = more anomalous."""

    needs_all: ClassVar[bool]
    """Whether it is known only when all rows were seen which are flagged."""
    group_column: str | None = None
    """A column of the table that the rule looks at beside the scores."""

    @abstractmethod
    def decision(self) -> Decision:
        """What the rule came to; of one that needs all rows, after them."""

    def groups(self, column: pl.Series, start: int) -> pl.Series:
        """Give the group of each row from the rule's column; row numbers begin with ``start``."""
        raise NotImplementedError

    @abstractmethod
    def watch(self, scores: Scores, groups: pl.Series | None) -> None:
        """See the next rows, in their order."""

    @abstractmethod
    def may_flag(self, scores: Scores, groups: pl.Series | None) -> Flags:
        """Say which rows of a batch can still be flagged: all that will be, and perhaps more."""

    @abstractmethod
    def flags(self, scores: Scores, start: int) -> Flags:
        """Say which rows are flagged, once that is known."""


class AtThreshold(Rule):
    """A line that is known beforehand."""

    needs_all = False

    def __init__(self, decision: Decision, threshold: float) -> None:
        self._decision, self.threshold = decision, threshold

    def decision(self) -> Decision:
        """Give what it was made with."""
        return self._decision

    def watch(self, scores: Scores, groups: pl.Series | None) -> None:
        """Look away: the line is known."""

    def may_flag(self, scores: Scores, groups: pl.Series | None) -> Flags:
        """Say which are above the line."""
        return scores > self.threshold

    def flags(self, scores: Scores, start: int) -> Flags:
        """Say which are above the line."""
        return scores > self.threshold


class AtFalseDiscoveryRate(Rule):
    """Benjamini and Hochberg over all rows, from the counts of the m + 1 possible p-values."""

    needs_all = True

    def __init__(self, calibration: Calibration, level: float) -> None:
        self.calibration, self.level = calibration, level
        self.counts = np.zeros(len(calibration.scores) + 1, np.int64)
        self.decision()  # refuses a level out of range before any row is read

    def decision(self) -> Decision:
        """Give the line that the rows so far come to."""
        return at_false_discovery_rate(self.calibration, self.counts, self.level)

    def watch(self, scores: Scores, groups: pl.Series | None) -> None:
        """Count p-values."""
        self.counts += np.bincount(self.calibration.above(scores), minlength=len(self.counts))

    def may_flag(self, scores: Scores, groups: pl.Series | None) -> Flags:
        """Say which have a p-value of at most the level."""
        return self.calibration.p_values(scores) <= self.level

    def flags(self, scores: Scores, start: int) -> Flags:
        """Say which are above the line."""
        threshold = self.decision().threshold
        assert threshold is not None
        return scores > threshold


class WithinBudget(Rule):
    """The highest scores of each group."""

    needs_all = True

    def __init__(
        self, most: int, group_column: str, what: str, groups: Callable[[pl.Series, int], pl.Series]
    ) -> None:
        self.budget, self.group_column, self.what = Budget(most), group_column, what
        self._groups = groups

    def groups(self, column: pl.Series, start: int) -> pl.Series:
        """Give the group of each row."""
        return self._groups(column, start)

    def decision(self) -> Decision:
        """Say how many there are for each group."""
        most = self.budget.most
        return Decision(
            f"at most {most:,} alert{'s' * (most != 1)} for each {self.what} in column "
            f"{self.group_column!r}",
            None,
            f"No {self.what} has more than {most:,}. How many of them are false is not known.",
            "None.",
        )

    def watch(self, scores: Scores, groups: pl.Series | None) -> None:
        """Keep the highest of each group."""
        assert groups is not None
        self.budget.add(groups, scores)

    def may_flag(self, scores: Scores, groups: pl.Series | None) -> Flags:
        """Say which are among the highest of their group in this batch."""
        assert groups is not None
        batch = Budget(self.budget.most)
        batch.add(groups, scores)
        return _marked(batch.rows(), 0, len(scores))

    def flags(self, scores: Scores, start: int) -> Flags:
        """Say which are among the highest of their group."""
        return _marked(self.budget.rows(), start, len(scores))


def _marked(rows: NDArray[np.int64], start: int, n: int) -> Flags:
    first, last = np.searchsorted(rows, [start, start + n])
    marks = np.zeros(n, np.bool_)
    marks[rows[first:last] - start] = True
    return marks


# ----------------------------------------------------------------------- from the options


def rule_of(
    detector: AbstractDetector,
    *,
    fdr: float | None = None,
    false_positive_rate: float | None = None,
    alerts_per_day: int | None = None,
    time: str | None = None,
    alerts_per_entity: int | None = None,
    entity: str | None = None,
) -> Rule:
    """Choose the rule that the options ask for; at most one may be.

    Raises
    ------
    InputError
        Two rules at once, a column without its rule or a rule without its column, a level out of
        range, or a model without a calibration for a rule that needs one.
    """
    asked = {
        "--fdr": fdr,
        "--false-positive-rate": false_positive_rate,
        "--alerts-per-day": alerts_per_day,
        "--alerts-per-entity": alerts_per_entity,
    }
    given = [name for name, value in asked.items() if value is not None]
    if len(given) > 1:
        raise InputError(
            f"Expected one rule by which rows are flagged; got {' and '.join(given)}. Leave all "
            "but one out."
        )
    for name, column, rule in (("time", time, "day"), ("entity", entity, "entity")):
        if column is not None and f"--alerts-per-{rule}" not in given:
            raise InputError(
                f"Expected no --{name} without --alerts-per-{rule}. Leave it out, or say how many "
                "alerts there may be."
            )
    if alerts_per_day is not None:
        column = _column(detector, "time", time, "--alerts-per-day")
        return WithinBudget(alerts_per_day, column, "day", days)
    if alerts_per_entity is not None:
        column = _column(detector, "entity", entity, "--alerts-per-entity")
        return WithinBudget(alerts_per_entity, column, "entity", _as_text)
    if fdr is not None:
        return AtFalseDiscoveryRate(calibration_of(detector, "--fdr"), fdr)
    if false_positive_rate is not None:
        calibration = calibration_of(detector, "--false-positive-rate")
        decision = at_false_positive_rate(calibration, false_positive_rate)
        assert decision.threshold is not None
        return AtThreshold(decision, decision.threshold)
    return AtThreshold(_default(detector), -detector.offset_)


def _default(detector: AbstractDetector) -> Decision:
    return Decision(
        "the model's threshold",
        -detector.offset_,
        f"It flagged the share {detector.contamination:g} of the training rows. Nothing about "
        "other rows.",
        "None.",
    )


def calibration_of(detector: AbstractDetector, wish: str) -> Calibration:
    """Give the model's calibration.

    Raises
    ------
    InputError
        It has none.
    """
    if detector.calibration_ is None:
        raise InputError(
            f"Expected a calibrated model for {wish}; this one is not. Fit it again with a "
            "--calibration-share above 0 or with --calibration FILE, or give it normal rows that "
            "its fit did not see: alad recalibrate."
        )
    return detector._calibrated()


def _column(detector: AbstractDetector, name: str, given: str | None, rule: str) -> str:
    """The column that was named, or else the one that the model's schema names."""
    found = given or getattr(detector.encoder_, f"{name}_column", None)
    if found is None:
        raise InputError(f"Expected --{name} COLUMN with {rule}: which column says that? Name it.")
    return str(found)


# ------------------------------------------------------------------------------- groups


def _as_text(column: pl.Series, start: int) -> pl.Series:
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise InputError(
            f"Expected text or numbers in column {column.name!r} to tell entities apart; got "
            f"{column.dtype}. Name another column."
        )
    return column.cast(pl.String)


def days(column: pl.Series, start: int) -> pl.Series:
    """Give the day of each time, as it is written: no time zone is turned into another.

    Times are dates, datetimes, text that begins with a date as in 2026-01-31 or
    2026-01-31T23:59:59, or numbers: seconds since 1970 in UTC.

    Raises
    ------
    InputError
        One is none of these, or missing; the message has its row, the first being ``start``.

    >>> days(pl.Series("at", ["2026-01-31", "2026-01-31T23:59:59+02:00", "0"]), 0).to_list()
    ['2026-01-31', '2026-01-31', '1970-01-01']
    """
    if column.dtype in (pl.Date, pl.Datetime):
        found = column.dt.date()
    elif column.dtype.is_numeric():
        found = _since_1970(column.cast(pl.Float64))
    elif column.dtype == pl.String:
        text = column.str.strip_chars()
        written = text.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:$|[T ]\d{2}:\d{2})", 1)
        dates = written.str.to_date("%Y-%m-%d", strict=False)
        found = dates.fill_null(_since_1970(text.cast(pl.Float64, strict=False)))
    else:
        raise _no_time(column, str(column.dtype), start)
    if found.null_count():
        row = int(found.is_null().arg_max() or 0)
        raise _no_time(column, repr(column[row]), start + row)
    return found.cast(pl.String)


def _no_time(column: pl.Series, got: str, row: int) -> InputError:
    return InputError(
        f"Expected times in column {column.name!r}, such as 2026-01-31T23:59:59 or seconds since "
        f"1970; got {got} in row {row}. Correct the value, or name another column."
    )


def _since_1970(seconds: pl.Series) -> pl.Series:
    """Days of seconds since 1970; null where that is no year of four digits."""
    sound = seconds.is_finite() & seconds.is_between(0, 253_402_300_799)
    days = (seconds / 86_400).floor().cast(pl.Int32, strict=False)
    kept = pl.DataFrame({"day": days, "sound": sound})
    return kept.select(pl.when("sound").then("day").cast(pl.Date))["day"]


# --------------------------------------------------------------------------- two passes


@dataclass
class Flagging:
    """Writes scored rows with a flag each, in one pass or two, and counts the flags."""

    rule: Rule
    out: Path
    of_flagged: tuple[str, ...] = ()
    """Columns that only flagged rows are to have."""
    anomalies: int = field(default=0, init=False)

    @contextmanager
    def open(self) -> Iterator[Write]:
        """Give a function that takes scored rows, and their groups, batch by batch.

        The rows get ``is_anomaly`` after ``anomaly_score`` and, where there is one, ``p_value``.

        Raises
        ------
        OutputError
            The result, or what waits beside it, cannot be written.
        """
        from alad.cli.sinks import open_sink

        with open_sink(self.out) as write:
            if self.rule.needs_all:
                with self._waiting(write) as watch:
                    yield watch
            else:
                yield lambda rows, groups: write(self._with_flags(rows, 0))

    @contextmanager
    def _waiting(self, write: Callable[[pl.DataFrame], None]) -> Iterator[Write]:
        """Let rows wait in a file until the rule has seen them all, then flag and write them."""
        from alad._files import scratch_beside
        from alad.cli.sinks import open_sink, parts_of

        with scratch_beside(None if self.out == Path("-") else self.out) as folder:
            waiting = folder / "scored.parquet"
            with open_sink(waiting) as keep:

                def watch(rows: pl.DataFrame, groups: pl.Series | None) -> None:
                    self.rule.watch(rows["anomaly_score"].to_numpy(), groups)
                    keep(rows)

                yield watch
            start = 0
            for rows in parts_of(waiting):
                write(self._with_flags(rows, start))
                start += rows.height

    def _with_flags(self, rows: pl.DataFrame, start: int) -> pl.DataFrame:
        flags = self.rule.flags(rows["anomaly_score"].to_numpy(), start)
        self.anomalies += int(flags.sum())
        after = "p_value" if "p_value" in rows.columns else "anomaly_score"
        place = rows.get_column_index(after) + 1
        told = rows.clone().insert_column(place, pl.Series("is_anomaly", flags))
        return told.with_columns(pl.when("is_anomaly").then(pl.col(self.of_flagged)))
