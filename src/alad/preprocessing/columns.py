"""One column of a table: what it is, and what fit learned of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

import polars as pl

from alad.preprocessing.kinds import IGNORED, KINDS, Kind
from alad.preprocessing.kinds._base import TEXT, without_absent, written_numbers
from alad.preprocessing.kinds._ends import without_marks
from alad.preprocessing.kinds.times import UNLEARNED

ROLES = ("feature", "time", "entity", "identifier", "label")
READ = ("feature", "time")  # the roles that are given to the model

IN_SCHEMA = "ignored in the schema"  # why a column is not given to the model
DASHES, WRITTEN = "dashes", "written"  # what text of a column is, in ``learned``
GAP = "gap"  # there too: the features of a missing value, where fit saw none
MARKS = "marks"  # and the numbers that stand for a missing one

OPTIONAL = ("role", "note", "doubt", "learned")  # in a saved model


@dataclass(frozen=True)
class Column:
    """What fit learned of one column; all of it is JSON."""

    name: str
    kind: str
    """One of the kinds of :data:`alad.preprocessing.kinds.KINDS`, or ``ignored``."""
    categories: tuple[str, ...] = ()
    """The categories seen at fit, sorted; ``<missing>`` among them if values were missing."""
    fill: float = 0.0
    """The training median, which stands in for a missing number."""
    has_missing: bool = False
    """Whether values were missing at fit."""
    constant: bool = False
    """Whether fit saw a single value: allowed, though the column tells nothing then."""
    role: str = "feature"
    """One of :data:`ROLES`."""
    note: str = field(default="", compare=False)
    """Why it is of this kind, where that is not plain."""
    doubt: str = field(default="", compare=False)
    """Why it may be of another kind; said at fit, and kept as a note only."""
    learned: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else its kind knows."""

    @property
    def is_read(self) -> bool:
        """Whether the model is given the column: not if nothing of it was learned."""
        return bool(self.features)

    @property
    def why_left_out(self) -> str:
        """Why a column is not given to the model: its role, or else what is said of its values."""
        if self.role in READ and self.unlearned:
            return self.unlearned
        if self.kind != IGNORED:
            return f"its role is {self.role}, not feature"
        return self.note or (IN_SCHEMA if self.role in READ else f"{self.kind}, {self.role}")

    @property
    def of_kind(self) -> Kind:
        """What its kind can do."""
        return KINDS[self.kind]

    @property
    def flags_missing(self) -> bool:
        """Whether its last feature is "is missing"."""
        return self.has_missing and self.of_kind.flags_missing

    @property
    def gap(self) -> tuple[float, ...]:
        """The features of a missing value where fit saw none: unlike those of every value.

        Empty where they are others: values were missing at fit, a category is unlike the others
        anyway, or the model is from before and takes a typical value.
        """
        return tuple(self.learned.get(GAP, ()))

    @property
    def tells_missing(self) -> bool:
        """Whether a missing value has features that no other value has."""
        return self.has_missing or bool(self.gap) or not self.of_kind.flags_missing

    @property
    def format(self) -> str:
        """How its times are written, if they are and not as in ISO 8601."""
        return str(self.learned.get("format", ""))

    @property
    def unlearned(self) -> str:
        """Why something of its times is not learned; empty where all is."""
        return str(self.learned.get(UNLEARNED, ""))

    @property
    def marks(self) -> tuple[float, ...]:
        """The numbers that stand for a missing one."""
        return tuple(self.learned.get(MARKS, ()))

    def given(self, series: pl.Series) -> pl.Series:
        """Values as fit took them: read, and missing where a number stands for a missing one."""
        return without_marks(self.read(series), self.marks)

    def read(self, series: pl.Series) -> pl.Series:
        """Of text the numbers, with ``-`` as missing; other text with that if fit saw it."""
        if series.dtype not in TEXT:
            return series
        is_written = self.learned.get(WRITTEN) or self.of_kind.is_number
        if is_written or self.learned.get(DASHES):
            series = without_absent(series)
        return written_numbers(series) if is_written else series

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The names of the features that the column becomes."""
        return tuple(self._features)

    @property
    def binary(self) -> tuple[bool, ...]:
        """For each feature, whether it can only be 0 or 1."""
        return tuple(self._features.values())

    @cached_property
    def _features(self) -> dict[str, bool]:
        if self.kind == IGNORED or self.role not in READ:
            return {}
        flag = {f"{self.name} is missing": True} if self.flags_missing else {}
        return self.of_kind.features(self) | flag

    def with_doubt(self, doubt: str) -> Self:
        """The column with one more thing to be pointed at."""
        note, doubts = ("; ".join(filter(None, [old, doubt])) for old in (self.note, self.doubt))
        return replace(self, note=note, doubt=doubts)

    def to_json(self) -> dict[str, Any]:
        """The column as JSON; what the first models did not state is left out where it is empty."""
        plain = {f.name: getattr(Column(self.name, self.kind), f.name) for f in fields(Column)}
        content = asdict(self) | {"categories": list(self.categories), "doubt": ""}
        return {
            name: value
            for name, value in content.items()
            if name not in OPTIONAL or value != plain[name]
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The column whose :meth:`to_json` this is; raises KeyError or TypeError for others."""
        column = cls(**{**content, "categories": tuple(content["categories"])})
        if column.kind != IGNORED:
            column.of_kind  # noqa: B018  raises KeyError for an unknown one
        return column
