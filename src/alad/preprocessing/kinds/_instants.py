"""Times as they are written or stored, read: instants, and the parts of a day and a week."""

from __future__ import annotations

import polars as pl

from alad.errors import RowError
from alad.preprocessing.kinds import _formats
from alad.preprocessing.kinds._base import TEXT, without_absent, written_numbers, wrong
from alad.preprocessing.kinds._formats import UNITS

ISO_8601, SECONDS_SINCE_1970 = "", "seconds"  # formats
WITH_ZONE = r"[0-9]:?[0-9]{2}(?:[.,][0-9]+)? ?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)\s*$"
YEAR_1, YEAR_10000 = -719_162, 2_932_897  # their first days, since 1970
A_DAY = {unit: 86_400 * 10**digits for unit, digits in (("ms", 3), ("us", 6), ("ns", 9))}
WANTED = "times (dates, ISO-8601 text, or seconds since 1970)"

# Date, time of day, or both; a zone only after a time of day.
ISO = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})?"
    r"(?:(?:^|[T ])(?P<h>[0-9]{2})(?::(?P<m>[0-9]{2})(?::(?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]+))?)?)?"
    r" ?(?:Z|(?P<sign>[+-])(?P<zh>[0-9]{2}):?(?P<zm>[0-9]{2})?)?)?$"
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
DATE = pl.col("day").cast(pl.Int64) + SECONDS.floordiv(86_400)
WEEKDAY = (pl.col("day").dt.weekday().cast(pl.Int32) - 1 + SECONDS.floordiv(86_400)).mod(7) / 7
SOUND = (
    (pl.col("day").is_not_null() | pl.col("date").is_null())
    & (pl.col("h").is_null() | ((pl.col("h") < 24) & (pl.col("m").fill_null(0) < 60)))
    & (pl.col("s").fill_null(0) <= 60)
    & (pl.col("date").is_not_null() | pl.col("m").is_not_null())
)


def parts_of(series: pl.Series, form: str = ISO_8601) -> pl.DataFrame:
    """The hour and the weekday (0 = Monday) in turns, and where the time is missing.

    Numbers are seconds since 1970 unless the format is another unit; columns of times are what
    they are, whatever the format, those with a zone in UTC.

    Raises
    ------
    InputError
        A value is no time of the format; the message gives the first.

    >>> parts_of(pl.Series("at", ["2026-11-26T12:00:00+01:00", "2026-11-27"])).rows()
    [(0.4583333333333333, 0.42857142857142855, False), (0.0, 0.5714285714285714, False)]
    """
    return parts_and_days(series, form).drop("date")


def parts_and_days(series: pl.Series, form: str) -> pl.DataFrame:
    """The parts, and the date of each time, in days since 1970; none of a time of day alone."""
    if series.dtype in TEXT and form == ISO_8601:
        return _of_text(series.cast(pl.String).rename("value"), series.name)
    form = _of_numbers(series, form)
    times = _times(series, form).rename("value")
    is_temporal = series.dtype.is_temporal()
    has_day = times.dtype != pl.Time and (is_temporal or _formats.has_day(form))
    hour = pl.lit(0.0) if times.dtype == pl.Date else TURN
    day = DAY if has_day else pl.lit(None)
    has_date = times.dtype != pl.Time and (is_temporal or _formats.has_date(form))
    date = VALUE.cast(pl.Date).cast(pl.Int64) if has_date else pl.lit(None, pl.Int64)
    return times.to_frame().select(
        hour=pl.when(VALUE.is_not_null()).then(hour).cast(pl.Float64),
        weekday=pl.when(VALUE.is_not_null()).then(day).cast(pl.Float64),
        gap=VALUE.is_null(),
        date=date,
    )


def _times(series: pl.Series, form: str) -> pl.Series:
    """Dates, date-times or times of day, null where none is given."""
    dtype, given = series.dtype, series.fill_nan(None) if series.dtype.is_float() else series
    check_years(series)
    if zone_of(dtype):
        return series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if dtype.is_temporal() and dtype != pl.Duration:
        return series
    nothing = pl.Series([None] * len(series), dtype=pl.Datetime)
    times = date_times(given, form) if dtype in TEXT or dtype.is_numeric() else nothing
    odd = given.filter(times.is_null() & given.is_not_null())
    if len(odd):
        raise wrong(series.name, _wanted(form), odd[0])
    return times


def date_times(series: pl.Series, form: str) -> pl.Series:
    """Date-times of text or numbers, null where a value is not of the format.

    In UTC where they have a zone. Numbers are seconds since 1970 unless the format is one of
    numbers, as in :func:`parts_of`.

    >>> date_times(pl.Series(["26/11/2026 23:30 -0800"]), "%d/%m/%Y %H:%M %z").dt.day().to_list()
    [27]
    """
    form, is_text = _of_numbers(series, form), series.dtype in TEXT
    if form in UNITS:
        return _formats.since_1970(written_numbers(series) if is_text else series, form)
    text = series.cast(pl.String) if is_text else _formats.as_digits(series, form)
    return _formats.read(text, form)


def check_years(series: pl.Series, start: int = 0) -> None:
    """Refuse dates and date-times of no year from 1 to 9999, as the infinity of databases is.

    Raises
    ------
    RowError
        One is; the message has its row, the first being ``start``.
    """
    beyond = _beyond(series)
    if beyond.any():
        raise RowError(
            f"Expected times of the years 1 to 9999 in column {series.name!r}; got one beyond in "
            "row",
            start + int(beyond.fill_null(False).arg_max() or 0),
            ". Correct the value, leave it out as missing, or leave out the column.",
        )


def _beyond(series: pl.Series) -> pl.Series:
    """Where dates and date-times are of no year from 1 to 9999."""
    unit = series.dtype.time_unit if isinstance(series.dtype, pl.Datetime) else None
    if series.dtype not in (pl.Date, pl.Datetime) or unit == "ns":  # which end in 2262
        return pl.repeat(False, len(series), eager=True)
    a_day = A_DAY[unit] if unit else 1
    return ~series.to_physical().is_between(YEAR_1 * a_day, YEAR_10000 * a_day - 1)


def no_times(series: pl.Series, form: str) -> pl.Series:
    """Where a value is there that is no time of a format, row by row.

    >>> no_times(pl.Series(["2026-11-26", "soon", None]), ISO_8601).to_list()
    [False, True, False]
    """
    if series.dtype == pl.Boolean:
        return series.is_not_null()
    if series.dtype not in TEXT:
        given = series.fill_nan(None) if series.dtype.is_float() else series
        is_number = given.dtype.is_numeric()
        return (
            given.is_not_null() & date_times(given, form).is_null() if is_number else _beyond(given)
        )
    text = without_absent(series).cast(pl.String)
    numbers = _formats.since_1970(text.str.strip_chars(), form if form in UNITS else "seconds")
    sound = numbers.is_not_null()
    if form == ISO_8601:  # or numbers, where that is what most are
        iso = _split(text.rename("value")).select(SOUND.fill_null(False)).to_series()
        sound = iso if iso.sum() >= sound.sum() else sound
    elif form not in UNITS:
        sound = _formats.read(text, form).is_not_null()
    return text.is_not_null() & ~sound


def zone_of(dtype: pl.DataType) -> str | None:
    return dtype.time_zone if isinstance(dtype, pl.Datetime) else None


def tells_zones(series: pl.Series) -> bool:
    """Whether times are of a zone, so that they are taken to UTC."""
    if series.dtype in TEXT:
        return bool(series.cast(pl.String).str.contains(WITH_ZONE).any())
    return zone_of(series.dtype) is not None


def _of_numbers(series: pl.Series, form: str) -> str:
    """The format; of numbers one of numbers."""
    if series.dtype.is_numeric() and not _formats.is_of_numbers(form):
        return SECONDS_SINCE_1970
    return form


def _wanted(form: str) -> str:
    if form in UNITS:
        return f"{form} since 1970"
    return f"times written as {form}" if form else WANTED


def seconds_of_iso(text: pl.Series) -> pl.Series:
    """Seconds since 1970 of dates and date-times in ISO 8601, null where it is none of them.

    >>> seconds_of_iso(pl.Series(["1970-01-02", "1970-01-01 01:00:00,5 +0100", "01:00"])).to_list()
    [86400.0, 0.5, None]
    """
    fraction = pl.format("0.{}", "f").cast(pl.Float64).fill_null(0)
    since = pl.col("day").dt.epoch("d").cast(pl.Int64) * 86_400 + SECONDS + fraction
    return _split(text.rename("value")).select(pl.when(SOUND).then(since)).to_series()


def _split(text: pl.Series) -> pl.DataFrame:
    """The text (``value``) and what ISO 8601 finds in it."""
    found = text.to_frame().select(
        VALUE, VALUE.str.strip_chars().str.extract_groups(ISO).alias("t")
    )
    return found.unnest("t").with_columns(
        pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("day"),
        pl.col("h", "m", "s", "zh", "zm").cast(pl.Int32),
    )


def _of_text(text: pl.Series, name: str) -> pl.DataFrame:
    parts = _split(text)
    odd = parts.filter(VALUE.is_not_null() & ~SOUND.fill_null(False))
    if odd.height:
        raise wrong(name, WANTED, odd["value"][0])
    return parts.select(hour=CLOCK, weekday=WEEKDAY, gap=VALUE.is_null(), date=DATE)


def least_unit(numbers: pl.Series) -> str:
    """The unit in which the least of some numbers is a time: in a larger one it is too large."""
    size = numbers.cast(pl.Float64, strict=False).fill_nan(None).abs()
    least = size.filter(size > 0).min()
    return SECONDS_SINCE_1970 if least is None else _formats.unit_by_size(least)  # type: ignore[arg-type]


def is_iso(text: pl.Series) -> bool:
    return bool(text.cast(pl.String).str.strip_chars().str.contains(ISO)[0])


def are_all_numbers(text: pl.Series) -> bool:
    return text.dtype in TEXT and written_numbers(text).dtype != pl.String
