"""Alerts that are explained: which of the many, why the model raised each, and their features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError
from alad.estimators import AbstractDetector
from alad.preprocessing.columns import Column
from alad.preprocessing.digits import as_needed
from alad.preprocessing.letters import LONGEST, tells_length, told_apart, with_length
from alad.report import likeness, quoted
from alad.report.tally import SCORE

EXPLAINED = 2_000  # alerts at most
FAR = 100.0  # a scaled feature: what is further out is as far

Explain = Callable[[AbstractDetector, Any], likeness.Reasons]
Finder = Callable[[pl.Series], NDArray[np.bool_]]


def _nowhere(values: pl.Series) -> NDArray[np.bool_]:
    return np.zeros(len(values), np.bool_)


@dataclass(frozen=True)
class Cases:
    """The alerts that are explained: r of them, and why the model raised each."""

    rows: pl.DataFrame
    reasons: likeness.Reasons | None
    scaled: NDArray[np.float32]
    """(r, f) their features."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Of the columns, where the model knows them."""
    unseen: Finder = _nowhere
    """(n,) where a value of a column is a word that fit did not see."""
    never_seen: Finder = _nowhere
    """(n,) where a value of a column is none of fit's, though its features may be like theirs."""
    why_quoted: str | None = None
    """Why the reasons are those that the table has, where they are."""
    long: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of columns, the long texts by what the reasons tell of each."""

    def wider(self, j: int, values: pl.Series, beside: NDArray[np.int64]) -> NDArray[np.str_]:
        """What is said of values (n,) of column j, held against what each is beside."""
        assert self.reasons is not None
        expected = self.reasons.expected[self.reasons.columns[j]].gather(beside)
        kind = self.kinds.get(values.name, "")
        return likeness.wider(values, expected, kind, self.unseen(values))

    @property
    def shares(self) -> NDArray[np.float64]:
        """(r, c) what each column brings of what raises the score."""
        assert self.reasons is not None
        return likeness.shares(self.reasons.contributions)

    def seen(self, column: str) -> pl.Series:
        """(r,) what is told of the values of a column."""
        if column not in self._told:
            self._told[column] = self._as_told(column)
        return self._told[column]

    @cached_property
    def _told(self) -> dict[str, pl.Series]:
        """Of columns that were asked for."""
        return {}

    def _as_told(self, column: str) -> pl.Series:
        """Numbers to the digits that are needed, texts with their length where one is expected.

        Ports are texts: no number has a median port.
        """
        assert self.reasons is not None
        values, expected = self.reasons.seen[column], self.reasons.expected[column]
        if self.kinds.get(column) == "port" and values.dtype.is_numeric():
            return values.cast(pl.Int64, strict=False).cast(pl.String)
        pairs, long = zip(values, expected, strict=True), self.long.get(column, {})
        if values.dtype.is_float():
            return pl.Series(column, [as_needed(*pair) for pair in pairs], values.dtype)
        if values.dtype != pl.String:
            return values
        told = [with_length(v, long.get(v, v)) if v and tells_length(e) else v for v, e in pairs]
        return pl.Series(column, told, pl.String)


def explained(
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
    schema = detector.encoder_.schema if detector.encoder_ is not None else ()
    kinds = {column.name: column.kind for column in schema}
    reasons: likeness.Reasons
    try:
        reasons, why = explain(detector, taken(detector, rows, inputs)), None
    except InputError as error:  # a model may hold no normal rows to compare with
        found = quoted.read(rows, inputs)
        if found is None:
            raise
        reasons, why = found, str(error)
    unseen, never_seen = _news(schema)
    reasons, long = _in_short(reasons)

    def never(values: pl.Series) -> NDArray[np.bool_]:
        return never_seen(values.replace(long[values.name]) if values.name in long else values)

    return Cases(rows, reasons, scaled[chosen], kinds, unseen, never, why, long)


@dataclass(frozen=True)
class _InShort:
    """Reasons with values as they are told."""

    columns: Sequence[str]
    contributions: NDArray[np.float64]
    seen: pl.DataFrame
    expected: pl.DataFrame
    rarity: NDArray[np.float64]
    nearest: NDArray[np.int64]


def _in_short(reasons: likeness.Reasons) -> tuple[likeness.Reasons, dict[str, dict[str, str]]]:
    """Leave the middle of long texts out, but not where they differ; and give these by the rest."""
    seen, expected = reasons.seen, reasons.expected
    long: dict[str, dict[str, str]] = {}
    for name in reasons.columns:
        texts = [frame[name] for frame in (seen, expected) if frame[name].dtype == pl.String]
        every = {text for values in texts for text in values.unique() if text is not None}
        if all(len(text) <= LONGEST for text in every):
            continue
        told = told_apart(every)
        long[name] = {short: text for text, short in told.items()}
        seen, expected = (_replaced(frame, name, told) for frame in (seen, expected))
    if not long:
        return reasons, long
    parts = reasons.columns, reasons.contributions, seen, expected, reasons.rarity, reasons.nearest
    return _InShort(*parts), long


def _replaced(frame: pl.DataFrame, name: str, told: Mapping[str, str]) -> pl.DataFrame:
    if frame[name].dtype != pl.String:
        return frame
    return frame.with_columns(frame[name].replace(told))


def _news(schema: Sequence[Column]) -> tuple[Finder, Finder]:
    """What finds the words, and the values, of a column that fit did not see."""
    by_name = {column.name: column for column in schema}

    def unseen(values: pl.Series) -> NDArray[np.bool_]:
        column = by_name[values.name]
        return column.of_kind.unseen(column.given(values), column)

    def never_seen(values: pl.Series) -> NDArray[np.bool_]:
        column = by_name[values.name]
        return column.of_kind.never_seen(column.given(values), column)

    return (unseen, never_seen) if schema else (_nowhere, _nowhere)


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
    rows = taken(detector, frame, inputs)
    x = rows if detector.encoder_ is None else detector.encoder_.transform(rows)[0]
    return np.clip(np.asarray(detector.scaler_.transform(x), np.float32), -FAR, FAR)


def taken(detector: AbstractDetector, frame: pl.DataFrame, inputs: Sequence[str]) -> Any:
    """What the model takes: a frame, or an array as at fit."""
    rows = frame.select(inputs)
    return rows if detector.encoder_ is not None else rows.to_numpy()
