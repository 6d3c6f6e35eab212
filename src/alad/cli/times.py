"""A column that says when: the day of each row, or its instant."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError, RowError
from alad.preprocessing.kinds._formats import has_date, has_day
from alad.preprocessing.kinds._instants import check_years, date_times, seconds_of_iso
from alad.preprocessing.kinds.numbers import FIRST_DAY, LAST_DAY, is_date

LAST = 253_402_300_799  # the end of 9999, in seconds since 1970


def days(column: pl.Series, start: int, form: str = "", *, skips: bool = False) -> pl.Series:
    """Give the day of each time: in UTC if it has a zone, else as it is written.

    Times are dates, datetimes, or text and numbers of the format that the model knows. Without one:
    text that begins with a date as in 2026-01-31 or 2026-01-31T23:59:59, or numbers: seconds since
    1970 in UTC. Of a format without a year they are days of any year. With ``skips`` a row without
    such a time has none.

    Raises
    ------
    InputError
        One is none of these, or missing; the message has its row, the first being ``start``.

    >>> days(pl.Series("at", ["2026-01-31", "2026-01-31T00:30:00+02:00", "0"]), 0).to_list()
    ['2026-01-31', '2026-01-30', '1970-01-01']
    """
    check_years(column, start)
    if column.dtype in (pl.Date, pl.Datetime):
        found = column.cast(pl.Datetime("us")).dt.date()
    elif form:
        _check_format(column, has_date(form), form, "a day")
        found = date_times(column, form).dt.date()
    elif column.dtype.is_numeric():
        _check_no_dates(column)
        found = _since_1970(column.cast(pl.Float64))
    elif column.dtype == pl.String:
        text = column.str.strip_chars()
        dates = _days_of_text(text)
        numbers = text.cast(pl.Float64, strict=False)
        if skips:
            numbers = numbers.set(numbers.is_between(FIRST_DAY, LAST_DAY).fill_null(False), None)
        _check_no_dates(numbers.filter(dates.is_null()))
        found = dates.fill_null(_since_1970(numbers))
    else:
        raise _no_time(column, str(column.dtype), start)
    if found.null_count() and not skips:
        row = int(found.is_null().arg_max() or 0)
        raise _no_time(column, repr(column[row]), start + row, form)
    return found.dt.to_string("%Y-%m-%d" if has_day(form or "%Y") else "%m-%d")


def instants(
    column: pl.Series, start: int, form: str = "", *, skips: bool = False
) -> NDArray[np.float64]:
    """Give the seconds since 1970 of each time; a time without a zone is taken for UTC.

    Times are what :func:`days` takes, of text with its zone, and any finite number. With ``skips``
    a row without one has that of the row before it, or else of the next.

    Raises
    ------
    InputError
        One is none of these, or missing; the message has its row, the first being ``start``.

    >>> instants(pl.Series("at", ["1970-01-02", "1970-01-01T01:00:00.5+01:00", "7"]), 0).tolist()
    [86400.0, 0.5, 7.0]
    """
    check_years(column, start)
    if column.dtype in (pl.Date, pl.Datetime):
        found = column.cast(pl.Datetime("us")).dt.epoch("us") / 1e6
    elif form:
        _check_format(column, has_day(form), form, "a year")
        found = date_times(column, form).dt.epoch("us") / 1e6
    elif column.dtype.is_numeric():
        found = column.cast(pl.Float64)
    elif column.dtype == pl.String:
        text = column.str.strip_chars()
        found = seconds_of_iso(text).fill_null(text.cast(pl.Float64, strict=False))
    else:
        raise _no_time(column, str(column.dtype), start)
    sound = found.is_finite().fill_null(False)
    if skips and sound.any():
        found = found.set(~sound, None).fill_null(strategy="forward").fill_null(strategy="backward")
        sound = found.is_not_null()
    if not sound.all():
        row = int((~sound).arg_max() or 0)
        raise _no_time(column, repr(column[row]), start + row, form)
    return found.to_numpy()


def _check_no_dates(numbers: pl.Series) -> None:
    """Refuse numbers that all look like 20261126: as seconds they are one day of 1970."""
    given = numbers.drop_nulls().unique(maintain_order=True)
    if len(given) and all(is_date(float(x)) for x in given):
        raise InputError(
            f"Expected seconds since 1970 in column {numbers.name!r}; got {float(given[0]):.0f}, "
            "which looks like a date. Write dates as 2026-01-31, or name another column."
        )


def _check_format(column: pl.Series, holds: bool, form: str, what: str) -> None:
    """Refuse a format that does not tell enough."""
    if not holds:
        raise InputError(
            f"Expected times with {what} in column {column.name!r}; got times written as {form}. "
            "Name another column."
        )


def _no_time(column: pl.Series, got: str, row: int, form: str = "") -> InputError:
    iso = "such as 2026-01-31T23:59:59 or seconds since 1970"
    wanted = f"written as {form}, as at fit" if form else iso
    return RowError(
        f"Expected times in column {column.name!r}, {wanted}; got {got} in row",
        row,
        ". Correct the value, or name another column.",
    )


def _days_of_text(text: pl.Series) -> pl.Series:
    """Days of text that begins with a date, as written where what follows is not of ISO 8601."""
    written = text.str.extract(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:$|[T ][0-9]{2}(?:$|[:Z+ -]))", 1)
    dates = written.str.to_date("%Y-%m-%d", strict=False)
    in_utc = (seconds_of_iso(text) / 86_400).floor().cast(pl.Int32).cast(pl.Date)
    return in_utc.fill_null(dates)


def _since_1970(seconds: pl.Series) -> pl.Series:
    """Days of seconds since 1970; null where that is no year of four digits."""
    sound = seconds.is_finite() & seconds.is_between(0, LAST)
    days = (seconds / 86_400).floor().cast(pl.Int32, strict=False)
    kept = pl.DataFrame({"day": days, "sound": sound})
    return kept.select(pl.when("sound").then("day").cast(pl.Date))["day"]
