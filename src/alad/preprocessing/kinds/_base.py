"""What a kind of column must be able to do, and what it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column

TEXT = (pl.String, pl.Categorical, pl.Enum)
ABSENT = "-"
LARGEST = float(np.finfo(np.float32).max)

Float32s = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Settings:
    """How a table is learned."""

    max_categories: int
    """The most values that inference makes categories of."""
    sample: int | None
    """The most numbers of a column that its median is taken from; None: all."""
    seed: int
    """Of the draw of that sample."""
    form: str = ""
    """The format of a column of times, where a schema states it."""
    is_stated: bool = False
    """Whether a schema states what the column is, so that nothing is found out."""
    """Whether a column that is of no kind, of lists say, is left out rather than refused."""


def counted(series: pl.Series) -> pl.DataFrame:
    """The distinct values (``value``) and how often each came (``n``).

    In the order in which they came first: in another at each call, sums and notes would differ.
    """
    present = series.drop_nulls().rename("value").to_frame()
    return present.group_by("value", maintain_order=True).agg(pl.len().alias("n"))


@dataclass(frozen=True)
class Batch:
    """Some rows of one column at fit."""

    series: pl.Series

    @property
    def name(self) -> str:
        """Of the column."""
        return self.series.name

    @cached_property
    def gaps(self) -> int:
        """How many values are missing."""
        is_float = self.series.dtype.is_float()
        return self.series.null_count() + int(self.series.is_nan().sum() if is_float else 0)

    @cached_property
    def counted(self) -> pl.DataFrame:
        """The distinct texts (``value``) and how often each came (``n``), the first one first."""
        if not _has_text(self.series):
            raise wrong(self.name, "text or whole numbers", self.series.drop_nulls()[0])
        return counted(as_text(self.series))


@dataclass(frozen=True)
class Learned:
    """What a kind knows after fit; all of it is JSON."""

    kind: str
    categories: tuple[str, ...] = ()
    fill: float = 0.0
    constant: bool = False
    learned: Mapping[str, Any] = field(default_factory=dict)
    role: str = "feature"
    note: str = ""


class Learner(ABC):
    """Looks at a column batch by batch."""

    @property
    def marks(self) -> Mapping[float, int]:
        """The numbers that were taken for missing ones, and how often each came."""
        return {}

    @property
    def doubt(self) -> str:
        """What only a person can settle before the column is of this kind."""
        return ""

    @abstractmethod
    def update(self, batch: Batch) -> None:
        """Take in some rows.

        Raises
        ------
        InputError
            A value is not of this kind; the message names the first.
        """

    @abstractmethod
    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned; at least one value was there."""

    @abstractmethod
    def gap(self, learned: Learned) -> list[float]:
        """Give features that are unlike those of every value, for one that is missing.

        They are for columns of which fit saw every value: such a gap is news, as a category is
        that fit did not see.
        """


def beyond(low: float, high: float) -> float:
    """A number as far above the highest as that is above the lowest, or 1 where they are equal.

    At least the next one of float32, which is further than 1 from 17 million on.

    >>> beyond(2.0, 5.0), beyond(5.0, 5.0), beyond(2.0**30, 2.0**30) - 2.0**30
    (8.0, 6.0, 128.0)
    """
    following = float(np.nextafter(np.float32(high), np.float32(LARGEST)))
    return min(max(high + ((high - low) or 1.0), following), LARGEST)


NONE = -1  # the code of a row that has none of the categories


@dataclass(frozen=True)
class Encoded:
    """A column as features: numbers, or for categories codes, the place of the 1."""

    features: tuple[NDArray[Any], ...]
    gap: Bools
    unseen: int = 0
    codes: NDArray[np.int64] | None = None
    against: tuple[int, ...] = ()
    """The places that are -1 where the code is NONE."""
    remark: str = ""
    """What of these values is otherwise than at fit, though they can be read."""


class Kind(ABC):
    """One kind of column: stateless; what fit learned is in the :class:`Column`."""

    is_number: ClassVar[bool] = False
    """Whether text of a CSV file is turned into numbers first."""
    flags_missing: ClassVar[bool] = True
    """Whether a column with gaps gets the feature "is missing"."""

    @abstractmethod
    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""

    @abstractmethod
    def features(self, column: Column) -> dict[str, bool]:
        """The features' names, each with whether it can only be 0 or 1."""

    @abstractmethod
    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the features of n rows."""

    @abstractmethod
    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the values, or a text about them, that features (n, f) say."""

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give features (n, f) that a value may have, near to these; here all are."""
        return part

    def shown(self, series: pl.Series, column: Column) -> pl.Series:
        """Give values as reasons show them beside what decode says; here as they are."""
        return series

    def unseen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where a word, or a URL's host or path, is new since fit; else nowhere."""
        return np.zeros(len(series), np.bool_)

    def never_seen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where it is known that fit did not see a value whose features are those of others.

        Such a value is as rare as the rarest by its features, and may be nothing new.
        """
        return np.zeros(len(series), np.bool_)

    def is_open(self, column: Column) -> bool:
        """Whether so many values came once at fit that new ones are nothing new."""
        return False

    def rarity(
        self, part: NDArray[Any], normal: NDArray[Any], column: Column
    ) -> NDArray[np.float64] | None:
        """Give the share of normal rows (m, f) whose value is as rare as that of each row (n, f).

        None where that is to be told of every feature by itself.
        """
        return None


def wrong(name: str, wanted: str, got: Any) -> InputError:
    """The refusal of a value that is not of its column's kind."""
    return InputError(
        f"Expected {wanted} in column {name!r}; got {got!r}. Correct the value, or give the "
        "column another kind in the schema."
    )


def as_text(series: pl.Series) -> pl.Series:
    """Whole numbers, booleans and categories as text.

    Raises
    ------
    InputError
        It is something else.
    """
    if series.dtype == pl.String:
        return series
    if not _has_text(series):
        raise InputError(
            f"Expected text in column {series.name!r}, as at fit; got {series.dtype}. Cast the "
            "column to text, or refit."
        )
    whole = series.fill_nan(None).cast(pl.Int64) if series.dtype.is_float() else series
    return whole.cast(pl.String)


LARGEST_WHOLE = 2.0**63  # beyond it no whole number has a type that can be written


def _has_text(series: pl.Series) -> bool:
    """Whether it is text, or what stands for it; pandas makes floats of whole numbers with gaps."""
    if series.dtype.is_float():
        is_whole = (series.abs() < LARGEST_WHOLE) & (series.floor() == series)
        return bool((is_whole | series.is_nan()).all())
    return series.dtype in (*TEXT, pl.Boolean, pl.Null) or series.dtype.is_integer()


def without_absent(series: pl.Series) -> pl.Series:
    """The column with missing values for that sign.

    >>> without_absent(pl.Series(["10.0.0.1", "-"])).to_list()
    ['10.0.0.1', None]
    """
    text = series.cast(pl.String)
    absent = (text.str.strip_chars() == ABSENT).fill_null(False)
    return text.set(absent, None) if absent.any() else series


def written_numbers(text: pl.Series) -> pl.Series:
    """Numbers that are written as text; the text itself if any value is no number."""
    text = text.cast(pl.String)
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() > text.null_count():
        numbers = text.str.strip_chars().cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == text.null_count() else text


def nulls(series: pl.Series) -> Bools:
    """(n,) where a value is missing."""
    return series.is_null().to_numpy() if series.null_count() else np.zeros(len(series), np.bool_)


def filled(features: tuple[NDArray[Any], ...], gap: Bools, fill: Any) -> tuple[Float32s, ...]:
    """The features in float32, with the fill of each where the value is missing."""
    made = (np.asarray(feature, np.float32) for feature in features)
    if not gap.any():
        return tuple(made)
    return tuple(np.where(gap, np.float32(f), x) for x, f in zip(made, fill, strict=True))
