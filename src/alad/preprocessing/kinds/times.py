"""Columns of times: dates, date-times, times of day, text of any format, time since 1970."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError
from alad.preprocessing.kinds import _formats
from alad.preprocessing.kinds._base import (
    TEXT,
    Batch,
    Encoded,
    Kind,
    Learned,
    Learner,
    Settings,
    filled,
    without_absent,
    wrong,
)
from alad.preprocessing.kinds._formats import UNITS
from alad.preprocessing.kinds._instants import (
    ISO_8601,
    SECONDS_SINCE_1970,
    WANTED,
    WITH_ZONE,
    are_all_numbers,
    check_years,
    date_times,
    is_iso,
    least_unit,
    parts_and_days,
    parts_of,
    seconds_of_iso,
    tells_zones,
    zone_of,
)

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NEAR = {"hour": 1 / 48, "weekday": 1 / 14}  # of a turn: half an hour, half a day
OFF_CIRCLE = 0.01  # what is filled in for a gap is farther from it
IN_UTC, ZONED = "in_utc", "zoned"  # whether columns with a zone are taken to it, and fit saw one
UNLEARNED = "unlearned"  # why hour or weekday are not learned though the times hold them
DAY_LONG = 86_400  # seconds
CLOCKED = r"[T ][0-9]{2}|[0-9]:[0-9]"
OUTSIDE = 3.0  # the radius of the circle of missing times, where those of times are of radius 1


class Time(Kind):
    """Hour of day and day of the week, each as a point on a circle, if fit saw enough of them."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return TimeLearner(settings.form)

    def features(self, column: Column) -> dict[str, bool]:
        """Sine and cosine of what fit learned: of hour, weekday, both or neither."""
        parts = column.learned["parts"]
        if not isinstance(parts, list) or not {"hour", "weekday"}.issuperset(parts):
            raise ValueError(f"{parts!r:.40} are no parts of a time")  # of a damaged model
        return {f"{column.name} {part} {f}": False for part in parts for f in ("sin", "cos")}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give sines and cosines; for a missing time the training means."""
        parts = parts_at_fit(series, column.learned)
        made, gap = circles(parts.select(column.learned["parts"])), parts["gap"].to_numpy()
        features = filled(tuple(made), gap, column.learned["fill"])
        return Encoded(features, gap, remark=_remark(series, column.learned))

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the day of the week and the time of day, as text."""
        if not column.learned["parts"]:
            return pl.Series(column.name, ["any time"] * len(part), pl.String)
        told: list[str] = [""] * len(part)
        for i, name in reversed(list(enumerate(column.learned["parts"]))):
            turn = _turns(part[:, 2 * i : 2 * i + 2])
            told = [f"{t} {_said(name, x)}".strip() for t, x in zip(told, turn, strict=True)]
        zone = " UTC" if column.learned.get(ZONED) and "hour" in column.learned["parts"] else ""
        return pl.Series(column.name, told, pl.String) + zone

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give points on the circles."""
        pairs = part.reshape(len(part), part.shape[1] // 2, 2)
        lengths = np.linalg.norm(pairs, axis=2, keepdims=True)
        return (pairs / np.where(lengths > 0, lengths, 1)).reshape(part.shape)

    def rarity(
        self, part: NDArray[Any], normal: NDArray[Any], column: Column
    ) -> NDArray[np.float64] | None:
        """Give the share of normal rows at an hour, or on a weekday, with as few rows near it.

        Sine and cosine by themselves would not tell the hours after midnight from those before.
        """
        found = np.ones(len(part))
        for i, name in enumerate(column.learned["parts"]):
            pair = slice(2 * i, 2 * i + 2)
            usual = normal[:, pair]
            usual = usual[np.abs(np.linalg.norm(usual, axis=1) - 1) < OFF_CIRCLE]  # no gaps
            if len(usual):
                turns, others = _turns(part[:, pair]), np.sort(_turns(usual))
                having = np.sort(_near(others, others, NEAR[name]))
                as_rare = np.searchsorted(having, _near(turns, others, NEAR[name]), side="right")
                found = np.minimum(found, as_rare / len(usual))
        return found

    def shown(self, series: pl.Series, column: Column) -> pl.Series:
        """Give the times to the second, and in UTC if they tell a zone: on the clock of decode."""
        if series.dtype in TEXT:
            return _text_shown(series.cast(pl.String), form_of(column.learned))
        if zone_of(series.dtype) and IN_UTC in column.learned:
            series = series.dt.convert_time_zone("UTC")
        if series.dtype == pl.Time:
            return (series.cast(pl.Int64) // 10**9 * 10**9).cast(pl.Time)
        return series.dt.truncate("1s") if isinstance(series.dtype, pl.Datetime) else series


def _turns(pairs: NDArray[Any]) -> NDArray[np.float64]:
    """Sines and cosines (n, 2) as parts of a turn, from 0 to 1."""
    turns: NDArray[np.float64] = np.arctan2(pairs[:, 0], pairs[:, 1]) / (2 * np.pi) % 1
    return turns


def _near(
    turns: NDArray[np.float64], others: NDArray[np.float64], half: float
) -> NDArray[np.int64]:
    """How many of the others, which are sorted, are no farther than that, around the circle.

    >>> _near(np.array([0.01, 0.5]), np.array([0.02, 0.99]), 0.05).tolist()
    [2, 0]
    """
    around = np.concatenate([others - 1, others, others + 1])
    last = np.searchsorted(around, turns + half, side="right")
    return last - np.searchsorted(around, turns - half, side="left")


def _text_shown(text: pl.Series, form: str) -> pl.Series:
    """Text of times to the second, in UTC where it tells a zone and can be read."""
    if form in UNITS:
        return text
    if form == ISO_8601:
        seconds = seconds_of_iso(text).floor().cast(pl.Int64)
        times = (seconds * 1000).cast(pl.Datetime("ms"))
        is_zoned = text.str.contains(WITH_ZONE).fill_null(False)
    else:
        times = date_times(text, form)
        is_zoned = pl.Series(["%z" in form] * len(text), dtype=pl.Boolean)
    in_utc = times.dt.strftime("%Y-%m-%d %H:%M:%S UTC")
    whole = text.str.replace(r"([0-9]:[0-9]{2}:[0-9]{2})[.,][0-9]+", "$1")
    return in_utc.zip_with(is_zoned & in_utc.is_not_null(), whole).alias(text.name)


def to_the_second(value: dt.datetime | dt.time) -> str:
    """Give a time as text, to the second.

    >>> to_the_second(dt.datetime(2026, 10, 1, 8, 46, 47, 123, dt.UTC))
    '2026-10-01 08:46:47 UTC'
    """
    of_day = {} if isinstance(value, dt.time) else {"sep": " "}
    return value.isoformat(timespec="seconds", **of_day).replace("+00:00", " UTC")


def _remark(series: pl.Series, learned: Mapping[str, Any]) -> str:
    """Whether clocks of another kind come than fit saw; text of a format is as at fit."""
    is_text = series.dtype in TEXT
    if is_text and (form_of(learned) != ISO_8601 or are_all_numbers(without_absent(series))):
        return ""
    if not (is_text or series.dtype.is_temporal()) or series.null_count() == len(series):
        return ""
    text = series.cast(pl.String) if is_text else None
    if series.dtype == pl.Time:
        return "times of day alone, where fit saw dates" if "weekday" in learned["parts"] else ""
    has_clock = series.dtype != pl.Date if text is None else text.str.contains(CLOCKED).any()
    if not has_clock:
        return "dates alone, where fit saw times of day" if "hour" in learned["parts"] else ""
    is_zoned, was_zoned = tells_zones(series), learned.get(ZONED)
    if series.dtype == pl.Time or was_zoned is None or is_zoned == was_zoned:
        return ""
    if is_zoned:
        return "times with a zone, taken to UTC, where those of fit had none"
    return "times without a zone, taken for UTC, where those of fit had one"


def _said(part: str, turn: float) -> str:
    if part == "weekday":
        return DAYS[round(turn * 7) % 7]
    minutes = round(turn * 96) % 96 * 15  # to the quarter of an hour
    return f"~{minutes // 60:02d}:{minutes % 60:02d}"


def form_of(learned: Mapping[str, Any]) -> str:
    """The format of a column; models from before have two, and no name for them."""
    old = SECONDS_SINCE_1970 if learned.get("numbers") else ISO_8601
    return str(learned.get("format", old))


def _form_for(series: pl.Series, learned: Mapping[str, Any]) -> str:
    """The format of fit; but numbers, also those of CSV files, may come where text was."""
    form = form_of(learned)
    if form == ISO_8601 and series.dtype in TEXT and are_all_numbers(series):
        return SECONDS_SINCE_1970
    return form


def parts_at_fit(series: pl.Series, learned: Mapping[str, Any]) -> pl.DataFrame:
    """What :func:`parts_of` gives of values of a column that fit learned."""
    if series.dtype in TEXT:
        series = without_absent(series)
    if IN_UTC not in learned and zone_of(
        series.dtype
    ):  # a model from before: the clock as it stands
        series = series.dt.replace_time_zone(None)
    return parts_of(series, _form_for(series, learned))


Numbers = Literal["any", "of our days", "none"]


class TimeLearner(Learner):
    """What the times hold, and the means of their features.

    Parameters
    ----------
    form : the format; default: all those that the first value may have are tried.
    numbers : which numbers are times, as units since 1970.
    """

    def __init__(self, form: str = ISO_8601, numbers: Numbers = "any") -> None:
        self.form, self.numbers = form, numbers
        self.first: Any = None
        self.readings: dict[str, Reading] = {}
        self.zoned = False

    def update(self, batch: Batch) -> None:
        """Take in some times."""
        series = batch.series
        if self.first is None:
            self._begin(series)
        readings = {}
        for form, reading in self.readings.items():
            try:
                self._check_days(series, form)
                reading.add(parts_and_days(series, form))
            except InputError as error:
                refusal = error
            else:
                readings[form] = reading
        if self.readings and not readings:
            raise refusal
        self.readings = readings
        self.zoned = self.zoned or tells_zones(series)

    def _begin(self, series: pl.Series) -> None:
        present = series.drop_nulls()
        if len(present):
            check_years(series)
            self.first = present[0]
            forms = (self.form,) if self.form else self._forms(present)
            self.readings = {form: Reading() for form in forms}
            if not forms:
                raise wrong(series.name, WANTED, self.first)

    def _forms(self, present: pl.Series) -> tuple[str, ...]:
        """The formats to try."""
        if present.dtype.is_numeric() or are_all_numbers(present):
            return () if self.numbers == "none" else (least_unit(present),)
        if present.dtype not in TEXT or is_iso(present[:1]):
            return (ISO_8601,)
        return _formats.guessed(str(self.first))

    def _check_days(self, series: pl.Series, form: str) -> None:
        """Hold numbers against the days that logs are of, if only such are times."""
        if self.numbers == "of our days" and form in UNITS:
            number = series.cast(pl.Float64, strict=False).fill_nan(None).drop_nulls()
            if len(number) and _formats.unit_of(number.min(), number.max()) != form:  # type: ignore[arg-type]
                raise wrong(series.name, f"{form} since 1970", number[0])

    @property
    def doubt(self) -> str:
        """Why the times cannot be read, if their day and month may be either."""
        if len(self.readings) < 2:
            return ""
        forms = " or ".join(self.readings)
        return f"day and month of {self.first!r} may be either: kind time needs the format {forms}"

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        (form, reading), *others = self.readings.items()
        if others:
            raise InputError(f"Expected times of one format; {self.doubt}. State it in the schema.")
        learned = {**reading.learned, "numbers": form in UNITS, IN_UTC: True}
        learned[ZONED] = self.zoned or "%z" in form
        if form != ISO_8601:
            learned["format"] = form
        constant = reading.is_constant and not has_missing
        note = "; ".join(filter(None, [_note(form), reading.unlearned]))
        return Learned("time", constant=constant, learned=learned, note=note)

    @property
    def tells_when(self) -> int:
        """How well the times put rows in order: 2 by day and clock, 1 by day, 0 by neither."""
        reading = next(iter(self.readings.values()))
        return reading.has_days + (reading.has_days and reading.has_hours)

    def gap(self, learned: Learned) -> list[float]:
        """Points far outside of the circles, across from the mean."""
        (sines, cosines) = np.reshape(learned.learned["fill"], (-1, 2)).T
        across = np.arctan2(sines, cosines) + np.pi
        points = np.stack([np.sin(across), np.cos(across)], axis=1)
        return [float(x) for x in OUTSIDE * points.ravel()]


def _note(form: str) -> str:
    if form in UNITS:
        return f"read as {form} since 1970"
    return f"read as {form}" if form else ""


@dataclass(frozen=True)
class Enough:
    """How much fit has to see of a part to learn it: a cycle twice, else all else is new.

    Dates as well as a span, for one time that is far off (a 0, which is of 1970) makes any span.
    Fewer are enough where they are all that it has: two whole days fall on two.
    """

    seconds: int
    dates: int


ENOUGH = {"hour": Enough(2 * DAY_LONG, 3), "weekday": Enough(14 * DAY_LONG, 7)}
MOST_DATES = max(enough.dates for enough in ENOUGH.values())
SLACK = 3600  # seconds: so much may whole days or weeks lack at their ends
LENGTHS = {"day": DAY_LONG, "hour": 3600, "minute": 60}


class Reading:
    """What times hold if they are of one format."""

    def __init__(self) -> None:
        self.sums, self.n = np.zeros(4), 0
        self.has_hours = self.has_days = False
        self.dates: set[int] = set()
        """The first few, in days since 1970; of times of day alone there are none."""
        self.first, self.last = np.inf, -np.inf
        """In seconds since 1970."""

    def add(self, every: pl.DataFrame) -> None:
        """Take in the parts of some times."""
        parts = every.filter(~pl.col("gap"))
        self.has_hours |= bool((parts["hour"] != 0).any())
        self.has_days |= bool(parts["weekday"].is_not_null().any())
        made = circles(parts.select("hour", pl.col("weekday").fill_null(0)))
        self.sums += [feature.sum() for feature in made]
        self.n += parts.height
        self._add_dates(parts.drop_nulls("date"))

    def _add_dates(self, parts: pl.DataFrame) -> None:
        if not parts.height:
            return
        dates = parts["date"].unique().sort().head(MOST_DATES)
        self.dates = set(sorted(self.dates.union(dates))[:MOST_DATES])
        seconds = (parts["hour"] * DAY_LONG).round() + parts["date"] * DAY_LONG
        self.first = min(self.first, float(seconds.min()))  # type: ignore[arg-type]
        self.last = max(self.last, float(seconds.max()))  # type: ignore[arg-type]

    @property
    def learned(self) -> dict[str, Any]:
        """The parts, the means of their sines and cosines, and why there are no others."""
        told = {part: part in self._held and self._is_enough(part) for part in ENOUGH}
        means = [float(total / self.n) for total in self.sums]
        fill = [means[2 * i + j] for i, part in enumerate(told) if told[part] for j in (0, 1)]
        parts = [part for part, is_told in told.items() if is_told]
        why = {UNLEARNED: self.unlearned} if self.unlearned else {}
        return {"parts": parts, "fill": fill, **why}

    @property
    def _held(self) -> list[str]:
        """The parts that the times hold, whether or not there is enough of them."""
        held = {"hour": self.has_hours or not self.has_days, "weekday": self.has_days}
        return [part for part, is_held in held.items() if is_held]

    def _is_enough(self, part: str) -> bool:
        """Whether a part is to be learned; of times of day alone nobody knows the days."""
        if not self.dates:
            return True
        enough = ENOUGH[part]
        are_all = len(self.dates) * DAY_LONG >= self._span
        return self._span + SLACK >= enough.seconds and (are_all or len(self.dates) >= enough.dates)

    @property
    def _span(self) -> float:
        """Seconds from the first time to the last; of dates alone with the whole of the last."""
        return self.last - self.first + (0 if self.has_hours else DAY_LONG)

    @property
    def unlearned(self) -> str:
        """Why parts that the times hold are not learned; empty where all are."""
        lacking = [part for part in self._held if not self._is_enough(part)]
        if not lacking:
            return ""
        parts = " nor ".join(lacking)
        is_are = f"neither {parts} is" if len(lacking) > 1 else f"the {parts} is not"
        return f"rows {self._how_many(lacking[-1])}: {is_are} learned"

    def _how_many(self, part: str) -> str:
        """What is too little: the span, or how many dates there are."""
        if self._span + SLACK >= ENOUGH[part].seconds:
            return f"on {_several(len(self.dates), 'date')} alone"
        return f"of {_length(self._span)}" if self._span else "of one time"

    @property
    def is_constant(self) -> bool:
        """Whether all times are the same, so that the means are of length 1."""
        fill = self.learned["fill"]
        lengths = np.hypot(*np.reshape(fill, (-1, 2)).T)
        return bool(fill) and bool(np.isclose(lengths, 1, atol=1e-12).all())


def _length(seconds: float) -> str:
    """A span in words.

    >>> _length(5.98 * 3600), _length(4.5 * 86_400), _length(90)
    ('6 hours', '4.5 days', '90 seconds')
    """
    of_two = ((unit, size) for unit, size in LENGTHS.items() if seconds >= 2 * size)
    unit, size = next(of_two, ("second", 1))
    return _several(round(seconds / size, 1), unit)


def _several(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'s' * (number != 1)}"


def circles(parts: pl.DataFrame) -> list[NDArray[Any]]:
    """Sine and cosine of each part, which is given in turns."""
    turns = [part.cast(pl.Float64).fill_null(0).to_numpy() * 2 * np.pi for part in parts]
    return [function(turn) for turn in turns for function in (np.sin, np.cos)]
