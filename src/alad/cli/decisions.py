"""By which rule ``alad score`` flags rows.

===========================  ==================================================  ===============
option                       flags                                               known
===========================  ==================================================  ===============
none                         scores above the model's threshold                  at once
``--false-positive-rate r``  p-values of at most r                               at once
``--labelled file``          scores above the threshold that labelled rows give  at once
``--fdr q``                  what Benjamini and Hochberg discover                after all rows
``--fdr q --stream file``    what OnlineFDR discovers, row by row                at once
``--alerts-per-day n``       the n highest of each day                           after all rows
``--alerts-per-entity n``    the n highest of each entity                        after all rows
===========================  ==================================================  ===============

What is known only after all rows is found in memory that does not grow with them: of all p-values
the counts are enough, and of all groups their highest scores. See :mod:`alad.cli.flagging`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.calibration import (
    Budget,
    Calibration,
    Decision,
    OnlineFDR,
    at_false_discovery_rate,
    at_false_positive_rate,
    share_below_offset,
)
from alad.cli.labelled import Sample, at_sample
from alad.cli.stream_state import begun_or_continued
from alad.cli.times import days
from alad.errors import InputError

if TYPE_CHECKING:
    from alad.estimators import AbstractDetector

COMMON = 0.05  # p-values above it are nothing out of the ordinary

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Rule(ABC):
    """Which rows are flagged. Scores here are A(x), larger = more anomalous."""

    needs_all: ClassVar[bool]
    """Whether it is known only when all rows were seen which are flagged."""
    group_column: str | None = None
    """A column of the table that the rule looks at beside the scores."""
    anomalies: int = 0
    """How many rows were flagged."""

    @abstractmethod
    def decision(self) -> Decision:
        """What the rule came to; of one that needs all rows, after them."""

    def groups(self, column: pl.Series, start: int) -> pl.Series:
        """Give the group of each row from the rule's column; row numbers begin with ``start``."""
        raise NotImplementedError

    @abstractmethod
    def watch(self, scores: Scores, groups: pl.Series | None) -> None:
        """See the next rows, in their order, where all are to be known first."""

    @abstractmethod
    def may_flag(self, scores: Scores, groups: pl.Series | None) -> Flags:
        """Say which rows of a batch can still be flagged: all that will be, and perhaps more."""

    @abstractmethod
    def flags(self, scores: Scores, start: int) -> Flags:
        """Say which rows are flagged, once that is known."""

    def count(self, flagged: Scores) -> None:
        """See the scores of rows that were flagged."""
        self.anomalies += len(flagged)


class AtThreshold(Rule):
    """A line that is known beforehand."""

    needs_all = False

    def __init__(self, decision: Decision) -> None:
        assert decision.threshold is not None
        self._decision, self.threshold = decision, decision.threshold

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


class OnStream(Rule):
    """Each row decided in its turn, by what became of those before: of this table and of others."""

    needs_all = False

    def __init__(self, calibration: Calibration, online: OnlineFDR) -> None:
        self.calibration, self.online, self.before = calibration, online, online.seen

    def decision(self) -> Decision:
        """Say what holds of the stream."""
        return self.online.decision(self.before)

    def watch(self, scores: Scores, groups: pl.Series | None) -> None:
        """Look away: rows are decided when they are flagged."""

    def may_flag(self, scores: Scores, groups: pl.Series | None) -> Flags:
        """Say which have a p-value of at most what a level can come to."""
        return self.calibration.p_values(scores) <= self.online.highest

    def flags(self, scores: Scores, start: int) -> Flags:
        """Decide the rows that come next, for good."""
        return self.online.decide(self.calibration.p_values(scores))


class WithinBudget(Rule):
    """The highest scores of each group, be they ever so ordinary: those are counted."""

    needs_all = True

    def __init__(
        self,
        most: int,
        group_column: str,
        what: str,
        groups: Callable[[pl.Series, int], pl.Series],
        ordinary: Ordinary,
    ) -> None:
        self.budget, self.group_column, self.what = Budget(most), group_column, what
        self._groups, self._ordinary, self.ordinary = groups, ordinary, 0

    def groups(self, column: pl.Series, start: int) -> pl.Series:
        """Give the group of each row."""
        return self._groups(column, start)

    def decision(self) -> Decision:
        """Say how many there are for each group."""
        most = self.budget.most
        return Decision(
            f"at most {most:,} alert{'s' * (most != 1)} for each {self.what} in column "
            f"{self.group_column!r}{self._seen()}",
            None,
            f"No {self.what} has more than {most:,}. How many of them are false is not known.",
            "None.",
            note=self._note(),
        )

    def _seen(self) -> str:
        """Which days there were: a column of something else gives itself away."""
        ends = self.budget.ends
        if self.what != "day" or ends is None:
            return ""
        n = self.budget.groups
        return f" (1 day, {ends[0]})" if n == 1 else f" ({n:,} days, {ends[0]} to {ends[1]})"

    def _note(self) -> str | None:
        if not self.ordinary:
            return None
        has = "has" if self.ordinary == 1 else "have"
        return (
            f"{self.ordinary:,} of the {self.anomalies:,} flagged rows {has} "
            f"{self._ordinary.told}. A budget is spent on a quiet {self.what} too."
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

    def count(self, flagged: Scores) -> None:
        """Count those that only their group makes an alert."""
        super().count(flagged)
        self.ordinary += int(self._ordinary.among(flagged).sum())


@dataclass(frozen=True)
class Ordinary:
    """Scores that are nothing out of the ordinary, whatever a budget says of them."""

    told: str
    """What such rows have."""
    among: Callable[[Scores], Flags]

    @classmethod
    def of(cls, detector: AbstractDetector) -> Self:
        """By p-values if there are any, else by the model's threshold."""
        if detector.calibration_ is None:
            threshold = detector._threshold
            told = f"a score that is not above the model's threshold, {threshold:.6g}"
            return cls(told, lambda scores: scores <= threshold)
        calibration = detector._calibrated()
        told = f"a p-value above {COMMON:g}: of normal rows more than {COMMON:.0%} score as high"
        return cls(told, lambda scores: calibration.p_values(scores) > COMMON)


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
    stream: Path | None = None,
    false_positive_rate: float | None = None,
    alerts_per_day: int | None = None,
    time: str | None = None,
    alerts_per_entity: int | None = None,
    entity: str | None = None,
    labelled: Sample | None = None,
    skips: bool = False,
) -> Rule:
    """Choose the rule that the options ask for; at most one may be.

    ``skips`` says whether a row may lack the time that a rule by days asks for.

    Raises
    ------
    InputError
        Two rules at once, a column without its rule or a rule without its column, a level out of
        range, labelled rows or a stream that will not do, or a model without a calibration for a
        rule that needs one.
    """
    if stream is not None and fdr is None:
        raise InputError(
            "Expected no --stream without --fdr. Leave it out, or say which share of the alerts "
            "may be false."
        )
    asked = {
        "--fdr": fdr,
        "--false-positive-rate": false_positive_rate,
        "--alerts-per-day": alerts_per_day,
        "--alerts-per-entity": alerts_per_entity,
        "--labelled": labelled,
    }
    _check_one([name for name, value in asked.items() if value is not None], time, entity)
    if alerts_per_day is not None:
        return _per_day(detector, alerts_per_day, time, skips=skips)
    if alerts_per_entity is not None:
        return _per_entity(detector, alerts_per_entity, entity)
    if fdr is not None and stream is not None:
        calibration = calibration_of(detector, "--fdr")
        return OnStream(calibration, begun_or_continued(stream, calibration, fdr))
    if fdr is not None:
        return AtFalseDiscoveryRate(calibration_of(detector, "--fdr"), fdr)
    if false_positive_rate is not None:
        calibration = calibration_of(detector, "--false-positive-rate")
        return AtThreshold(at_false_positive_rate(calibration, false_positive_rate))
    if labelled is not None:
        return AtThreshold(at_sample(detector, labelled))
    return AtThreshold(_default(detector))


def _check_one(given: Sequence[str], time: str | None, entity: str | None) -> None:
    """Refuse two rules at once, and columns of a rule that is not among those given."""
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


def _per_day(
    detector: AbstractDetector, most: int, time: str | None, *, skips: bool
) -> WithinBudget:
    column = _column(detector, "time", time, "--alerts-per-day")
    form = detector.encoder_.format_of(column) if detector.encoder_ else ""
    of_day = partial(days, form=form, skips=skips)
    return WithinBudget(most, column, "day", of_day, Ordinary.of(detector))


def _per_entity(detector: AbstractDetector, most: int, entity: str | None) -> WithinBudget:
    column = _column(detector, "entity", entity, "--alerts-per-entity")
    return WithinBudget(most, column, "entity", _entities, Ordinary.of(detector))


def _default(detector: AbstractDetector) -> Decision:
    share = share_below_offset(detector.contamination, detector.rows_at_fit_)
    return Decision(
        "the model's threshold",
        detector._threshold,
        f"It flagged the share {share:.4g} of the training rows. Nothing about other rows.",
        "None.",
    )


def noted(decision: Decision, detector: AbstractDetector) -> Decision:
    """Say of a rule of p-values that normal rows are missing from its calibration, if they are."""
    facts = {} if detector.calibration_ is None else detector.calibration_.facts
    cut = facts.get("cut", 0.0)
    if decision.level is None or not cut:
        return decision
    told = (
        f"The calibration left out {facts['excluded']:,} rows, and normal ones with them (alad "
        f"recalibrate --exclude): p-values up to about {cut:.2g} are too small."
    )
    return replace(decision, note=" ".join(filter(None, [decision.note, told])))


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


def _entities(column: pl.Series, start: int) -> pl.Series:
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise InputError(
            f"Expected text or numbers in column {column.name!r} to tell entities apart; got "
            f"{column.dtype}. Name another column."
        )
    if column.dtype == pl.Duration:
        column = column.dt.total_microseconds() / 1e6
    return column.cast(pl.String)
