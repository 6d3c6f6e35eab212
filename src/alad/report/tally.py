"""Two passes over a scored table, in memory that does not grow with it.

The first finds the extent of everything and draws alerts to explain; the second counts, and puts
every alert beside the explained one that it is nearest to.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin

from alad.errors import InputError
from alad.preprocessing.frames import as_text
from alad.report.moments import Moments

SCORE, ALERT, P_VALUE, ROW = "anomaly_score", "is_anomaly", "p_value", "row"
KEPT = 10_000  # alerts of the first pass that representatives are drawn from
HIGHEST = 1_000  # of them by score, the others by chance
ENTITIES = 100_000  # counted at a time
LISTED = 10_000  # alerts whose rows the page can list
PLACE = "__place"  # of the explained one that an alert is nearest to
BUCKETS, BINS, P_BINS = 60, 120, 20
QUANTILES = (0.5, 0.9, 0.99)
LAST_ROW = 2**53  # of whole numbers a float holds all up to here
DECADES = 5  # of scores below and above the threshold, on a logarithmic axis
WIDE = 30  # times; scores that spread over less are drawn on a linear axis

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """A table that ``alad score`` wrote, which can be read more than once."""

    place: str
    names: tuple[str, ...]
    batches: Callable[[Sequence[str]], Iterable[pl.DataFrame]]
    """Gives some columns of all rows, batch by batch, typed as at fit."""
    told: str | bytes | None = None
    """What its file says of how it was scored (:mod:`alad.report.origin`)."""


@dataclass
class Entities:
    """Alerts by the value of one column: the commonest, were there ever so many values."""

    column: str
    counts: Counter[str] = field(default_factory=Counter)
    highest: dict[str, float] = field(default_factory=dict)
    distinct_is_exact: bool = True

    def add(self, alerts: pl.DataFrame) -> None:
        """Count alerts."""
        by = as_text(alerts[self.column]).fill_null("<missing>").alias("entity")
        found = alerts.group_by(by).agg(pl.len().alias("n"), pl.col(SCORE).max().alias("highest"))
        for entity, n, highest in found.select("entity", "n", "highest").iter_rows():
            self.counts[entity] += n
            self.highest[entity] = max(highest, self.highest.get(entity, highest))
        if len(self.counts) > ENTITIES:
            self._prune()

    def foremost(self, most: int) -> tuple[str, ...]:
        """Those with most alerts; of as many, those with the highest score."""
        order = ((n, self.highest[entity], entity) for entity, n in self.counts.items())
        return tuple(entity for *_, entity in heapq.nlargest(most, order))

    def _prune(self) -> None:
        self.distinct_is_exact = False
        self.counts = Counter(dict(self.counts.most_common(ENTITIES // 2)))
        self.highest = {entity: self.highest[entity] for entity in self.counts}


@dataclass
class Extent:
    """What the first pass finds."""

    threshold: float
    moments: Moments | None
    entities: Entities | None
    rng: np.random.Generator
    rows: int = 0
    alerts: int = 0
    low: float = np.inf
    high: float = -np.inf
    lowest_alert: float = np.inf
    highest_quiet: float = -np.inf
    otherwise: int = 0
    """Rows whose flag is not what the model's threshold says."""
    largest_p_alert: float | None = None
    first: float = np.inf
    last: float = -np.inf
    kept: pl.DataFrame | None = None

    def add(self, frame: pl.DataFrame) -> None:
        """Take a batch."""
        scores, flags = frame[SCORE].to_numpy(), frame[ALERT].to_numpy()
        self.rows += len(scores)
        self.alerts += int(flags.sum())
        self.low, self.high = min(self.low, scores.min()), max(self.high, scores.max())
        self.otherwise += int((flags != (scores > self.threshold)).sum())
        if self.moments is not None:
            moments = self.moments.of(frame)
            self.first = float(np.fmin.reduce(moments, initial=self.first))
            self.last = float(np.fmax.reduce(moments, initial=self.last))
        self.highest_quiet = max(self.highest_quiet, scores[~flags].max(initial=-np.inf))
        if flags.any():
            self._take(frame.filter(ALERT))

    @property
    def line(self) -> float | None:
        """The score where alerts begin; None where there is none: each day has its own, say."""
        if self.otherwise == 0:
            return self.threshold
        return self.lowest_alert if self.highest_quiet <= self.lowest_alert < np.inf else None

    def _take(self, alerts: pl.DataFrame) -> None:
        self.lowest_alert = min(self.lowest_alert, float(alerts[SCORE].min()))  # type: ignore[arg-type]
        if P_VALUE in alerts.columns:
            p = alerts[P_VALUE].max()
            self.largest_p_alert = max(self.largest_p_alert or 0.0, float(p))  # type: ignore[arg-type]
        if self.entities is not None:
            self.entities.add(alerts)
        drawn = alerts.with_columns(pl.Series("__chance", self.rng.random(alerts.height)))
        pool = drawn if self.kept is None else pl.concat([self.kept, drawn], how="vertical_relaxed")
        self.kept = _drawn(pool)


def _drawn(pool: pl.DataFrame) -> pl.DataFrame:
    """The highest scores, and of the others those that chance prefers; in the order of the file."""
    if pool.height <= KEPT:
        return pool
    by_score = pl.col(SCORE).rank("ordinal", descending=True) <= HIGHEST
    by_chance = pl.col("__chance").rank("ordinal") <= KEPT - HIGHEST
    return pool.filter(by_score | by_chance)


@dataclass(frozen=True)
class Axis:
    """Bins of scores, equally wide on a scale that leaves no part of them too small to see."""

    scale: Literal["linear", "log", "asinh"]
    unit: float
    edges: Floats

    @classmethod
    def spanning(cls, low: float, high: float, threshold: float) -> Axis:
        """Span the scores; far beyond the threshold the last bin takes the rest.

        Positive scores of several sizes are drawn by log A, others by A where they stay within a
        few distances of the lowest from the threshold, else by asinh(A / unit).
        """
        unit = abs(threshold - low) or max(abs(low), abs(high)) or 1.0
        if low > 0 and high > WIDE * low:
            start = max(low, threshold / 10**DECADES)
            high = min(high, max(threshold, start) * 10**DECADES)
            return cls("log", unit, np.exp(_grid(np.log(start), np.log(high))))
        if high - low <= WIDE * unit:
            return cls("linear", unit, _grid(low, high))
        far = unit * 10**DECADES
        ends = np.arcsinh(max(low, -far) / unit), np.arcsinh(min(high, far) / unit)
        return cls("asinh", unit, np.sinh(_grid(*ends)) * unit)

    def bins(self, scores: Floats) -> Counts:
        """Give each score's bin, 0 to BINS - 1."""
        found = np.searchsorted(self.edges, scores, side="right") - 1
        return np.clip(found, 0, BINS - 1).astype(np.int64)


def _grid(low: float, high: float) -> Floats:
    return np.linspace(low, high if high > low else low + 1.0, BINS + 1)


@dataclass
class Tally:
    """What the second pass counts."""

    axis: Axis
    over: Floats
    """(BUCKETS + 1,) edges of time, of a number, or of places in the table."""
    moments: Moments | None
    representatives: NDArray[np.float32]
    """(r, f) scaled features of the explained alerts."""
    values: pl.DataFrame
    """(r, c) their columns."""
    features: Callable[[pl.DataFrame], NDArray[np.float32]]
    entities: Entities | None
    top: tuple[str, ...]
    """The entities of which all rows are counted."""
    wider: Callable[[int, pl.Series, Counts], NDArray[np.str_]]
    """What is said of values of column j beside these explained ones, where they are not named."""
    rows: int = 0
    without_moment: int = 0

    def __post_init__(self) -> None:
        """Start from zero."""
        r = len(self.representatives)
        self.scores: Counts = np.zeros((2, BINS), np.int64)
        self.grid: Counts = np.zeros((BUCKETS, BINS), np.int64)
        self.over_alerts: Counts = np.zeros(BUCKETS, np.int64)
        self.p_values: Counts = np.zeros(P_BINS, np.int64)
        self.has_p = False
        self.entity_rows: Counter[str] = Counter()
        self.count: Counts = np.zeros(r, np.int64)
        self.same: Counts = np.zeros((r, self.values.width), np.int64)
        self.near: Counts = self.same.copy()
        self.said = [self.wider(j, v, np.arange(r)) for j, v in enumerate(self.values)]
        self.high: Floats = np.full(r, -np.inf)
        self.p: Floats = np.full(r, np.inf)
        self.span: Floats = np.stack([np.full(r, np.inf), np.full(r, -np.inf)], axis=1)
        self.times: Floats = self.span.copy()
        self.listed: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Count a batch."""
        scores, flags = frame[SCORE].to_numpy(), frame[ALERT].to_numpy()
        bins = self.axis.bins(scores)
        for kind in (0, 1):
            self.scores[kind] += np.bincount(bins[flags == kind], minlength=BINS)
        places = np.arange(self.rows, self.rows + frame.height, dtype=np.float64)
        moments = places if self.moments is None else self.moments.of(frame)
        self._spread(moments, bins, flags)
        self.rows += frame.height
        if P_VALUE in frame.columns:
            self._p_values(frame[P_VALUE].to_numpy())
        if self.entities is not None and self.top:
            self._entity_rows(frame[self.entities.column])
        if flags.any():
            self._assign(frame.filter(ALERT), moments[flags])

    def _spread(self, moments: Floats, bins: Counts, flags: NDArray[np.bool_]) -> None:
        """Count rows by bucket and score."""
        known = ~np.isnan(moments)
        self.without_moment += int((~known).sum())
        found = np.searchsorted(self.over, moments[known], side="right") - 1
        bucket = np.clip(found, 0, BUCKETS - 1)
        np.add.at(self.grid, (bucket, bins[known]), 1)
        self.over_alerts += np.bincount(bucket[flags[known]], minlength=BUCKETS)

    def _p_values(self, p: Floats) -> None:
        self.has_p = True
        self.p_values += np.histogram(p, P_BINS, (0.0, 1.0))[0]

    def _entity_rows(self, column: pl.Series) -> None:
        named = as_text(column).fill_null("<missing>").alias("entity")
        counts = named.filter(named.is_in(self.top)).value_counts()
        self.entity_rows.update(dict(counts.iter_rows()))

    def _assign(self, alerts: pl.DataFrame, moments: Floats) -> None:
        """Put alerts beside the nearest representative, and keep what is said of each."""
        nearest = pairwise_distances_argmin(self.features(alerts), self.representatives)
        self._list(alerts, nearest)
        rows = alerts[ROW].cast(pl.Float64).to_numpy()
        self.count += np.bincount(nearest, minlength=len(self.count))
        for j, value in enumerate(self.values):
            same = alerts[value.name].eq_missing(value.gather(nearest)).to_numpy()
            self.same[:, j] += np.bincount(nearest[same], minlength=len(self.count))
            like = self.said[j][nearest] == self.wider(j, alerts[value.name], nearest)
            self.near[:, j] += np.bincount(nearest[like], minlength=len(self.count))
        np.maximum.at(self.high, nearest, alerts[SCORE].to_numpy())
        np.minimum.at(self.span[:, 0], nearest, rows)
        np.maximum.at(self.span[:, 1], nearest, rows)
        if P_VALUE in alerts.columns:
            np.minimum.at(self.p, nearest, alerts[P_VALUE].to_numpy())
        if self.moments is not None:
            known = ~np.isnan(moments)
            np.minimum.at(self.times[:, 0], nearest[known], moments[known])
            np.maximum.at(self.times[:, 1], nearest[known], moments[known])

    def _list(self, alerts: pl.DataFrame, nearest: Counts) -> None:
        """Keep which row an alert is and what it holds, of the first so many."""
        room = LISTED - sum(part.height for part in self.listed)
        if room > 0:
            place = pl.Series(PLACE, nearest[:room])
            self.listed.append(alerts.head(room).with_columns(place))

    @property
    def known(self) -> list[str]:
        """The columns that tell of every alert which one it is: time and entity, where they are."""
        columns = (self.moments, self.entities)
        return [one.column for one in columns if one is not None]

    @property
    def held(self) -> Floats:
        """(r, c) the share of the alerts beside each explained one that have its value."""
        return self.same / np.maximum(self.count, 1)[:, None]

    def quantiles(self) -> dict[str, list[float | None]]:
        """Quantiles of the scores in each bucket, to the width of a bin; None where no row is."""
        total = self.grid.sum(axis=1)
        share = np.cumsum(self.grid, axis=1) / np.maximum(total, 1)[:, None]
        middles = (self.axis.edges[:-1] + self.axis.edges[1:]) / 2
        return {
            f"{q:g}": [
                float(middles[int(np.searchsorted(row, q))]) if n else None
                for row, n in zip(share, total, strict=True)
            ]
            for q in QUANTILES
        }


def checked(frame: pl.DataFrame, place: str) -> pl.DataFrame:
    """Give the columns that score adds their types.

    Raises
    ------
    InputError
        They hold something else than score writes.
    """
    try:
        typed = frame.with_columns(
            pl.col(ALERT).cast(pl.Boolean), pl.col(SCORE, "^p_value$", "^row$").cast(pl.Float64)
        )
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"Expected numbers in {SCORE} and truth values in {ALERT} of {place}, as 'alad score' "
            f"writes them; got something else ({str(error).splitlines()[0]}). Score it again."
        ) from error
    for name in (SCORE, ALERT, P_VALUE):
        if name in typed.columns and (typed[name].is_null() | ~_finite(typed[name])).any():
            raise InputError(
                f"Expected a finite value in every row of column {name!r} of {place}; some have "
                "none. Score the table again."
            )
    if not typed[ROW].is_between(0, LAST_ROW).fill_null(False).all():
        raise InputError(
            f"Expected numbers of rows in column {ROW!r} of {place}; got something else. Score the "
            "table again."
        )
    if P_VALUE in typed.columns:
        _check_p_values(typed, place)
    return typed


def _check_p_values(typed: pl.DataFrame, place: str) -> None:
    odd = typed.filter(~pl.col(P_VALUE).is_between(0, 1))
    if odd.height:
        raise InputError(
            f"Expected probabilities from 0 to 1 in column {P_VALUE!r} of {place}; got "
            f"{odd[P_VALUE][0]:g} in row {odd[ROW][0]:.0f}. Score the table again."
        )


def _finite(series: pl.Series) -> pl.Series:
    return series.cast(pl.Float64).is_finite()
