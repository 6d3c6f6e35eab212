"""Times that are not written as in ISO 8601: their formats, guessed from a value, and read.

A format is one of the units of time since 1970, or is written as for ``strptime``. Fractions of a
second may follow the seconds, brackets may stand around the whole, and ``Z``, ``UTC`` and ``GMT``
are zones as good as ``+0000``.
"""

from __future__ import annotations

import re

import polars as pl

UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
BOUND = 100_000_000_000  # seconds: a number beyond it is in a smaller unit
RECENT = (1_000_000_000, 4_102_444_800)  # seconds: 2001 to 2099, what logs are of

# What a date looks like, and the formats that it may have; more than one where only more rows, or a
# person, can say what is the day.
DATES: dict[str, tuple[str, ...]] = {
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}": ("%Y-%m-%d",),
    r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}": ("%Y/%m/%d",),
    r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}": ("%Y.%m.%d",),
    r"[0-9]{4}:[0-9]{2}:[0-9]{2}(?= )": ("%Y:%m:%d",),
    r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}": ("%d.%m.%Y",),
    r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}": ("%m/%d/%Y", "%d/%m/%Y"),
    r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2}(?= )": ("%d.%m.%y", "%y.%m.%d"),
    r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}": ("%m-%d-%Y", "%d-%m-%Y"),
    r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}": ("%m/%d/%y", "%d/%m/%y", "%y/%m/%d"),
    r"[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}": ("%d/%b/%Y",),
    r"[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}": ("%d-%b-%Y",),
    r"[0-9]{1,2}-[A-Za-z]{3}-[0-9]{2}": ("%d-%b-%y",),
    r"[0-9]{1,2}[A-Za-z]{3}[0-9]{4}": ("%d%b%Y",),
    r"[0-9]{1,2} [A-Za-z]{3} [0-9]{4}": ("%d %b %Y",),
    r"[A-Za-z]{3}, [0-9]{1,2} [A-Za-z]{3} [0-9]{4}": ("%a, %d %b %Y",),
    r"[A-Za-z]{3} [0-9]{1,2} [0-9]{4}": ("%b %d %Y",),
    r"[A-Za-z]{3} [0-9]{1,2}, [0-9]{4}": ("%b %d, %Y",),
    r"[A-Za-z]{3} [0-9]{1,2}(?= [0-9]{1,2}:)": ("%b %d",),
    r"[A-Za-z]{3} [A-Za-z]{3} [0-9]{1,2}(?= [0-9]{1,2}:)": ("%a %b %d",),
    r"[0-9]{8}(?=T)": ("%Y%m%d",),
}
CLOCK = (
    r"(?:(?P<gap>, | |T|:)(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2})(?P<s>:[0-9]{2})?(?P<half> ?[AaPp][Mm])?"
    r"|(?P<short>T)[0-9]{6})"
)
ZONE = r" ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})"
AFTER_DATE = rf"(?:{CLOCK}(?P<zone>{ZONE})?)?(?P<year> [0-9]{{4}})?"
PATTERNS = {re.compile(date + AFTER_DATE): formats for date, formats in DATES.items()}

YEAR, DIGITS = re.compile("%[YyFDcxs]"), re.compile("(?:%[YymdHMSj])+")
WIDTHS = {"Y": 4, "j": 3}  # of digits; 2 of the others
FRACTION = re.compile(r"(?<=%[STXs])[.,]?%[.0-9]*f")  # as polars and as Python write it
BRACKETS = "[] \t"


def guessed(value: str) -> tuple[str, ...]:
    """The formats that a text may have; none if it looks like no time.

    >>> guessed("26/Nov/2026:17:02:11 +0000"), guessed("11/10/2026 5:02 PM")
    (('%d/%b/%Y:%H:%M:%S %z',), ('%m/%d/%Y %I:%M %p', '%d/%m/%Y %I:%M %p'))
    """
    plain = _plain(pl.Series([value]))[0]
    for pattern, dates in PATTERNS.items():
        if found := pattern.fullmatch(plain):
            return tuple(date + _after(found) for date in dates)
    return ()


def _after(found: re.Match[str]) -> str:
    """The format of what follows the date."""
    zone, year = found["zone"], " %Y" if found["year"] else ""
    said = "" if zone is None else " %z" if zone.startswith(" ") else "%z"
    if found["short"]:
        return f"T%H%M%S{said}"
    if not found["h"]:
        return year
    half = found["half"]
    ends = (":%S" if found["s"] else "") + ("" if half is None else half[:-2] + "%p")
    return f"{found['gap']}{'%H' if half is None else '%I'}:%M{ends}{said}{year}"


def has_day(form: str) -> bool:
    """Whether times of this format are of a day of a year, so that their weekday is known."""
    return form in UNITS or YEAR.search(form) is not None


def has_date(form: str) -> bool:
    """Whether times of this format are of a day, though perhaps of any year."""
    return has_day(form) or re.search("%-?[dejD]", form) is not None


def is_of_numbers(form: str) -> bool:
    """Whether whole numbers may be of this format: a unit, or digits alone, as in 20261126."""
    return form in UNITS or DIGITS.fullmatch(form) is not None


def as_digits(numbers: pl.Series, form: str) -> pl.Series:
    """Whole numbers as the text that such a format reads, with the zeros in front.

    >>> as_digits(pl.Series([90_512, None]), "%H%M%S").to_list()
    ['090512', None]
    """
    width = sum(WIDTHS.get(letter, 2) for letter in form.replace("%", ""))
    return numbers.cast(pl.Int64, strict=False).cast(pl.String).str.zfill(width)


def read(text: pl.Series, form: str) -> pl.Series:
    """Date-times of text, in UTC where it has a zone; null where it is not of the format.

    >>> read(pl.Series(["[26/Nov/2026:17:02:11 +0100]", "soon"]), "%d/%b/%Y:%H:%M:%S %z").to_list()
    [datetime.datetime(2026, 11, 26, 16, 2, 11), None]
    """
    plain = _plain(text.rename("value"))
    form = FRACTION.sub("", form.strip(BRACKETS))
    if "%z" in form:
        plain, form = _zoned(plain), form.replace(" %z", "%z")
    if not has_day(form):
        plain, form = "2000 " + plain, f"%Y {form}"  # a leap year
    try:
        found = plain.str.to_datetime(form, strict=False)
    except pl.exceptions.PolarsError:  # the format is none
        found = pl.Series([None] * len(text), dtype=pl.Datetime("us"))
    return found.dt.replace_time_zone(None).alias(text.name)


def _zoned(plain: pl.Series) -> pl.Series:
    """Text with its zone in digits, right after the time."""
    zoned = plain.str.replace(r" ?(?:Z|UTC|GMT)( [0-9]{4})?$", "+0000$1")
    return zoned.str.replace(r" ?([+-][0-9]{2}:?[0-9]{2})( [0-9]{4})?$", "$1$2")


def _plain(text: pl.Series) -> pl.Series:
    """Without brackets, repeated spaces and fractions of a second."""
    one_spaced = text.str.strip_chars(BRACKETS).str.replace_all(r"\s+", " ")
    return one_spaced.str.replace(r"([0-9]:[0-9]{2})[.,][0-9]+", "$1")


def since_1970(series: pl.Series, unit: str) -> pl.Series:
    """Times of numbers; null where there is none, or one so large that its unit is smaller."""
    seconds = series.cast(pl.Float64, strict=False).fill_nan(None) / UNITS[unit]
    is_sound = (seconds.abs() < BOUND).fill_null(False)
    sound = seconds.zip_with(is_sound, pl.Series([None], dtype=pl.Float64))
    return (sound * 1e6).cast(pl.Int64).cast(pl.Datetime("us"))


def unit_by_size(largest: float) -> str:
    """The largest unit in which a number is not too large to be a time.

    >>> unit_by_size(1_764_000_000), unit_by_size(1_764_000_000_000)
    ('seconds', 'milliseconds')
    """
    return next((unit for unit, n in UNITS.items() if largest / n < BOUND), "nanoseconds")


def unit_of(low: float, high: float) -> str | None:
    """The unit in which both numbers are times of 2001 to 2099, if there is one.

    >>> unit_of(1_764_000_000, 1_764_000_900), unit_of(1_764_000_000_000, 1_764_000_900_000)
    ('seconds', 'milliseconds')
    """
    first, last = RECENT
    return next((u for u, n in UNITS.items() if first * n <= low <= high <= last * n), None)
