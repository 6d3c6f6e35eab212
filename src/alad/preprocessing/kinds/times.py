"""Columns of times: dates, date-times, times of day, ISO-8601 text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.preprocessing.kinds._base import (
    TEXT,
    Batch,
    Encoded,
    Kind,
    Learned,
    Learner,
    Settings,
    filled,
    wrong,
)

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LATEST = 1e11  # seconds: numbers beyond it are milliseconds
WANTED = "times (dates, ISO-8601 text, or seconds since 1970)"

# Date, time of day, or both; a zone only after a time of day.
ISO = (
    r"^(?P<date>\d{4}-\d{2}-\d{2})?"
    r"(?:(?:^|[T ])(?P<h>\d{2})(?::(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,]\d+)?)?)?"
    r" ?(?:Z|(?P<sign>[+-])(?P<zh>\d{2}):?(?P<zm>\d{2})?)?)?$"
)

VALUE = pl.col("value")
TURN = (
    VALUE.dt.hour().cast(pl.Int32) * 3600
    + VALUE.dt.minute().cast(pl.Int32) * 60
    + VALUE.dt.second().cast(pl.Int32)
) / 86_400
DAY = (VALUE.dt.weekday() - 1) / 7

# Of text: its seconds in UTC since midnight of its day, which may be below 0 or beyond a day.
SECONDS = (
    pl.col("h") * 3600
    + pl.col("m").fill_null(0) * 60
    + pl.col("s").fill_null(0)
    - (pl.col("zh").fill_null(0) * 3600 + pl.col("zm").fill_null(0) * 60)
    * pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
).fill_null(0)
CLOCK = SECONDS.mod(86_400) / 86_400
WEEKDAY = (pl.col("day").dt.weekday().cast(pl.Int32) - 1 + SECONDS.floordiv(86_400)).mod(7) / 7
SOUND = (
    (pl.col("day").is_not_null() | pl.col("date").is_null())
    & (pl.col("h").is_null() | ((pl.col("h") < 24) & (pl.col("m").fill_null(0) < 60)))
    & (pl.col("s").fill_null(0) <= 60)
    & (pl.col("date").is_not_null() | pl.col("m").is_not_null())
)


class Time(Kind):
    """Hour of day and day of the week, each as a point on a circle."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return TimeLearner()

    def features(self, column: Column) -> dict[str, bool]:
        """Sine and cosine of what the times hold: hour, weekday or both."""
        parts = column.learned["parts"]
        return {f"{column.name} {part} {f}": False for part in parts for f in ("sin", "cos")}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give sines and cosines; for a missing time the training means."""
        if series.dtype in TEXT and column.learned.get("numbers"):
            series = _as_numbers(series)
        parts = parts_of(series)
        made, gap = circles(parts.select(column.learned["parts"])), parts["gap"].to_numpy()
        return Encoded(filled(tuple(made), gap, column.learned["fill"]), gap)

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the day of the week and the time of day, as text."""
        told: list[str] = [""] * len(part)
        for i, name in reversed(list(enumerate(column.learned["parts"]))):
            turn = np.arctan2(part[:, 2 * i], part[:, 2 * i + 1]) / (2 * np.pi) % 1
            told = [f"{t} {_said(name, x)}".strip() for t, x in zip(told, turn, strict=True)]
        return pl.Series(column.name, told, pl.String)


def _said(part: str, turn: float) -> str:
    if part == "weekday":
        return DAYS[round(turn * 7) % 7]
    minutes = round(turn * 96) % 96 * 15  # to the quarter of an hour
    return f"~{minutes // 60:02d}:{minutes % 60:02d}"


class TimeLearner(Learner):
    """What the times hold, and the means of their features."""

    def __init__(self) -> None:
        self.sums, self.n = np.zeros(4), 0
        self.has_hours = self.has_days = self.are_numbers = False

    def update(self, batch: Batch) -> None:
        """Take in some times."""
        parts = parts_of(batch.series).filter(~pl.col("gap"))
        self.are_numbers |= batch.series.dtype.is_numeric()
        self.has_hours |= bool((parts["hour"] != 0).any())
        self.has_days |= bool(parts["weekday"].is_not_null().any())
        made = circles(parts.select("hour", pl.col("weekday").fill_null(0)))
        self.sums += [feature.sum() for feature in made]
        self.n += parts.height

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        told = {"hour": self.has_hours or not self.has_days, "weekday": self.has_days}
        parts = [part for part, is_told in told.items() if is_told]
        means = [float(total / self.n) for total in self.sums]
        fill = [means[2 * i + j] for i, part in enumerate(told) if told[part] for j in (0, 1)]
        lengths = np.hypot(*np.reshape(fill, (-1, 2)).T)  # 1 if all times are the same
        learned = {"parts": parts, "fill": fill, "numbers": self.are_numbers}
        constant = bool(np.isclose(lengths, 1, atol=1e-12).all()) and not has_missing
        return Learned("time", constant=constant, learned=learned)


def circles(parts: pl.DataFrame) -> list[NDArray[Any]]:
    """Sine and cosine of each part, which is given in turns."""
    turns = [part.cast(pl.Float64).fill_null(0).to_numpy() * 2 * np.pi for part in parts]
    return [function(turn) for turn in turns for function in (np.sin, np.cos)]


def parts_of(series: pl.Series) -> pl.DataFrame:
    """The hour and the weekday (0 = Monday) in turns, and where the time is missing.

    Raises
    ------
    InputError
        A value is no time; the message gives the first.

    >>> parts_of(pl.Series("at", ["2026-11-26T12:00:00+01:00", "2026-11-27"])).rows()
    [(0.4583333333333333, 0.42857142857142855, False), (0.0, 0.5714285714285714, False)]
    """
    named = series.rename("value")
    if series.dtype in TEXT:
        return _of_text(named.cast(pl.String), series.name)
    if series.dtype.is_numeric():
        named = _of_numbers(named, series.name)
    elif not series.dtype.is_temporal() or series.dtype == pl.Duration:
        if present := series.drop_nulls().to_list():
            raise wrong(series.name, WANTED, present[0])
        named = pl.Series("value", [None] * len(series), pl.Datetime)
    hour = pl.lit(0.0) if named.dtype == pl.Date else TURN
    day = pl.lit(None) if named.dtype == pl.Time else DAY
    return named.to_frame().select(
        hour=pl.when(VALUE.is_not_null()).then(hour).cast(pl.Float64),
        weekday=pl.when(VALUE.is_not_null()).then(day).cast(pl.Float64),
        gap=VALUE.is_null(),
    )


def _of_numbers(seconds: pl.Series, name: str) -> pl.Series:
    """Seconds since 1970 as times, in UTC."""
    seconds = seconds.cast(pl.Float64).fill_nan(None)
    odd = seconds.filter(seconds.abs() >= LATEST)
    if len(odd):
        raise wrong(name, "seconds since 1970, not milliseconds,", odd[0])
    return (seconds * 1e6).cast(pl.Int64).cast(pl.Datetime("us"))


def _of_text(text: pl.Series, name: str) -> pl.DataFrame:
    found = text.to_frame().select(
        VALUE, VALUE.str.strip_chars().str.extract_groups(ISO).alias("t")
    )
    parts = found.unnest("t").with_columns(
        pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("day"),
        pl.col("h", "m", "s", "zh", "zm").cast(pl.Int32),
    )
    odd = parts.filter(VALUE.is_not_null() & ~SOUND.fill_null(False))
    if odd.height:
        raise wrong(name, WANTED, odd["value"][0])
    return parts.select(hour=CLOCK, weekday=WEEKDAY, gap=VALUE.is_null())


def _as_numbers(text: pl.Series) -> pl.Series:
    """Text of numbers, as CSV files hold them."""
    found = text.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    odd = text.filter(found.is_null() & text.is_not_null())
    if len(odd):
        raise wrong(text.name, "seconds since 1970, as at fit,", odd[0])
    return found
