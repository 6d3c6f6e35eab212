"""When a row was: a column that puts the rows in order, read as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError, RowError
from alad.preprocessing.kinds._formats import has_day
from alad.preprocessing.kinds._instants import check_years, date_times, seconds_of_iso

# A time of day with its zone.
ZONED = r":[0-9]{2}(?:[.,][0-9]+)? ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})\]?\s*$"

DRAWN = (-62_104_060_800, 253_370_764_800)  # the years 2 to 9998: no axis goes beyond these

Floats = NDArray[np.float64]


@dataclass
class Moments:
    """A column that orders the rows: instants, numbers, or texts of either."""

    column: str
    form: str = ""
    """How the times are written, where the model knows that they are not as in ISO 8601."""
    kind: str | None = None
    """``time`` (seconds since 1970) or ``number``; settled by the first batch."""
    is_utc: bool = False
    """Whether times told their zone, so that what is shown may not be what is written."""

    def of(self, frame: pl.DataFrame) -> Floats:
        """Give (n,) seconds or numbers, NaN where there is none."""
        series = frame[self.column]
        self.is_utc |= _has_zone(series)
        if self.kind is None:
            self.kind = "number" if not self.form and _is_number(series) else "time"
        numbers = series if self.kind == "number" else self._instants(series)
        found: Floats = numbers.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        if self.kind == "number":
            return found
        seconds = found / 1e6
        return np.where((DRAWN[0] <= seconds) & (seconds < DRAWN[1]), seconds, np.nan)

    def _instants(self, series: pl.Series) -> pl.Series:
        """Microseconds since 1970."""
        try:
            if self.form and not series.dtype.is_temporal():
                series = _of_format(series, self.form)
            elif series.dtype == pl.String:
                seconds = seconds_of_iso(series)
                if seconds.count():
                    return seconds * 1e6
                series = series.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
            elif series.dtype == pl.Time:
                return series.cast(pl.Int64) / 1000
            check_years(series)
            return series.cast(pl.Datetime("us")).cast(pl.Int64)
        except RowError as error:
            raise InputError(
                f"Expected times of the years 1 to 9999 in column {self.column!r}; got one beyond. "
                "Correct it, or leave it empty; or name another column by --time."
            ) from error
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"Expected times or numbers in column {self.column!r}; got {series.dtype}, such as "
                f"{series.drop_nulls().first()!r}. Name another column by --time, or leave it out."
            ) from error


def _of_format(series: pl.Series, form: str) -> pl.Series:
    """Date-times; none of a format without a year, whose order nobody knows."""
    times = date_times(series, form)
    return times if has_day(form) else times.clear(len(times))


def _has_zone(series: pl.Series) -> bool:
    if isinstance(series.dtype, pl.Datetime):
        return series.dtype.time_zone is not None
    return series.dtype == pl.String and bool(series.str.contains(ZONED).any())


def _is_number(series: pl.Series) -> bool:
    if series.dtype == pl.String:
        return series.cast(pl.Float64, strict=False).null_count() == series.null_count()
    return series.dtype.is_numeric()
