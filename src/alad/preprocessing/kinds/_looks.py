"""What text that is taken for words looks like, to be pointed at: only a person can know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from alad.preprocessing.kinds._base import ABSENT

MOSTLY = 0.9  # with this share of such values, a column was perhaps meant to be of them
NEARLY_ALL = 0.9995  # would be written 100.0%
LOOKED_AT = 20_000  # distinct values

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_FRACTION = r"^[+-]?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?$"
# With a mark for thousands, or a comma for the point.
_MARKED = r"[+-]?(?:[0-9]+(?:,[0-9]+)*\.?[0-9]*|\.[0-9]+)"
_MONEY = "[$€£¥]"
_UNIT = (
    r"%|°?[CFK]|[kKMGT]?i?[Bb](?:/s|ps|it/s)?|[mµun]?s|min|h|[kMm]?(?:W|V|A|Pa|m|g)|hPa|bar|rpm"
    r"|[kMG]?Hz"
)
_V4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_GROUPS = r"[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4})"
_V6 = rf"(?:{_GROUPS}{{7}}|(?:{_GROUPS}{{0,6}})?::(?:{_GROUPS}{{0,6}})?)"
_CLOCK = (
    r"[T :,]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,:][0-9]+)?)?(?: ?[AaPp]\.?[Mm]\.?)?"
    r"(?: ?(?:Z|[A-Z]{3,4}|[+-][0-9]{2}:?[0-9]{2}))?(?: [0-9]{4})?"
)


@dataclass(frozen=True)
class Look:
    """Values of one appearance, and what to do so that they are taken for what they are."""

    pattern: str
    advice: str
    least: float = MOSTLY
    """The share of the values that look so, from which on it is told."""


LOOKS: Mapping[str, Look] = {
    "addresses": Look(rf"^(?:{_V4}|{_V6})$", "kind ip, once all are", least=0.5),
    "addresses with a port": Look(
        rf"^(?:{_V4}|\[{_V6}\]):[0-9]{{1,5}}$", "split them into two columns, for kinds ip and port"
    ),
    "networks": Look(rf"^(?:{_V4}|{_V6})/[0-9]{{1,3}}$", "cut the / off for kind ip"),
    "URLs": Look(r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s/]\S*$", "kind url, once all are"),
    "paths": Look(r"^/\S*$", "if these are request paths, state kind url"),
    "times": Look(
        r"^\[?(?:[A-Za-z]{3},? )?(?:[0-9]{1,4}[-/.](?:[0-9]{1,2}|[A-Za-z]{3})[-/.][0-9]{1,4}"
        rf"|[A-Za-z]{{3}} +[0-9]{{1,2}}|[0-9]{{1,2}} [A-Za-z]{{3}} [0-9]{{4}})(?:{_CLOCK})?\]?$",
        "kind time, once all are of one format: state that too",
    ),
    "seconds since 1970": Look(r"^[12][0-9]{9}(?:\.[0-9]+|[0-9]{3})?$", "kind time, if they are"),
    "numbers": Look(
        rf"^{_NUMBER}(?:[eE][+-]?[0-9]+)?$", "kind numeric, if they count or measure and all are"
    ),
    "numbers with commas": Look(
        rf"^{_MARKED}$", "write them with a point, and with no mark for thousands"
    ),
    "numbers with a unit": Look(
        rf"^(?:[+-]?{_MONEY} ?{_MARKED}|{_MARKED} ?(?:{_UNIT}|{_MONEY}))$", "write them without it"
    ),
}
VALUE = pl.col("value")


class Looks:
    """Counts, over a stream, how many values look like what.

    >>> looks = Looks()
    >>> looks.add(pl.DataFrame({"value": ["10.0.0.1:80", "10.0.0.2:443"], "n": [3, 1]}))
    >>> looks.note
    'all look like addresses with a port: split them into two columns, for kinds ip and port'
    """

    def __init__(self) -> None:
        self.seen, self.distinct = 0, 0
        self.alike = dict.fromkeys(LOOKS, 0)
        self.odd: dict[str, str] = {}
        self.fractions = 0

    def add(self, counted: pl.DataFrame) -> None:
        """Add the columns ``value`` and ``n``; only the first values are looked at."""
        some = counted.select(VALUE.str.strip_chars(), "n").filter(VALUE != ABSENT)
        some = some.head(LOOKED_AT - self.distinct)
        self.distinct += some.height
        self.seen += int(some["n"].sum())
        for name, look in LOOKS.items():
            self._count(some, name, look.pattern)
        self.fractions += int(some["n"].filter(some["value"].str.contains(_FRACTION)).sum())

    def _count(self, some: pl.DataFrame, name: str, pattern: str) -> None:
        matches = some["value"].str.contains(pattern)
        self.alike[name] += int(some["n"].filter(matches).sum())
        if name not in self.odd and not matches.all():
            self.odd[name] = some["value"].filter(~matches)[0]

    @property
    def note(self) -> str:
        """What most of the values look like, and what to do; empty if they look like words."""
        name = self._name
        if not name:
            return ""
        if self.alike[name] == self.seen:
            return f"all look like {name}: {LOOKS[name].advice}"
        share, odd = self.alike[name] / self.seen, self.odd[name]
        most = "nearly all" if share > NEARLY_ALL else f"{share:.1%}"
        return f"{most} look like {name}, but not {odd!r}: {LOOKS[name].advice}"

    @property
    def are_measured(self) -> bool:
        """Whether most of the values look like numbers that measure something.

        Plain ones have fractions: whole numbers may be names.
        """
        if self._name == "numbers":
            return self.fractions >= MOSTLY * self.seen / 2
        return self._name.startswith("numbers")

    @property
    def _name(self) -> str:
        """The first of the looks that most of the values have."""
        seen = max(self.seen, 1)
        likely = (name for name, look in LOOKS.items() if self.alike[name] >= look.least * seen)
        return next(likely, "")
