"""Columns of words: categorical, frequency, text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError
from alad.preprocessing.kinds._base import (
    NONE,
    Batch,
    Bools,
    Encoded,
    Kind,
    Learned,
    Learner,
    Settings,
    as_text,
    filled,
    nulls,
)
from alad.preprocessing.kinds._counts import Counts, Shares
from alad.preprocessing.kinds._known import Known
from alad.preprocessing.kinds._looks import Looks

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column

MISSING = "<missing>"
MAX_CATEGORIES = 200  # that a text is given unasked
MOST_CATEGORIES = 1000  # that a schema may ask for
SAME = 50  # rows: among so many, values that are all different are identifiers
ALL_DIFFER = "all values are different"  # why a column is ignored
LONG, WORDS = 30, 3  # characters and words, on average, from which on text is text

VALUE = pl.col("value")
LENGTH = VALUE.str.len_chars()
SHAPE: Mapping[str, pl.Expr] = {
    "length": LENGTH,
    "words": VALUE.str.count_matches(r"\S+"),
    "distinct characters": VALUE.str.split("").list.n_unique(),
    "digits": VALUE.str.count_matches(r"\d") / LENGTH.clip(1),
    "capitals": VALUE.str.count_matches(r"\p{Lu}") / LENGTH.clip(1),
    "punctuation": VALUE.str.count_matches(r"[^\w\s]") / LENGTH.clip(1),
}


def against(column: Column) -> tuple[int, ...]:
    """The features that are -1 for a category that fit did not see.

    Models from before have that of the commonest alone, and those from long before none.
    """
    return tuple(column.learned[of] for of in ("commonest", "rarest") if of in column.learned)


class Categorical(Kind):
    """One feature for each value that fit saw, 1 where the value is that.

    A value that fit did not see is -1 in the features of the commonest one and of the rarest: it is
    further from every row that fit saw than any other of those rows, also where a scaling has rare
    values lie further out. Zeros would lie nearer to all.
    """

    flags_missing = False

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return WordLearner("categorical", name, settings)

    def features(self, column: Column) -> dict[str, bool]:
        """One for each category."""
        return {f"{column.name}={category}": True for category in column.categories}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the place of each row's category."""
        text = as_text(series)
        gap = nulls(text)
        if MISSING in column.categories:
            text = text.fill_null(MISSING)
        found = text.cast(pl.Enum(column.categories), strict=False)
        unseen = found.null_count() - text.null_count()
        places = found.to_physical().cast(pl.Int64)
        codes = places.fill_null(NONE) if places.null_count() else places
        return Encoded((), gap, unseen, codes.to_numpy(), against(column))

    def unseen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where the category is none of those of fit."""
        return _others(as_text(series), column.categories)

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the category whose feature is the largest."""
        names = np.array(column.categories, dtype=object)
        found = pl.Series(column.name, names[part.argmax(axis=1)], pl.String)
        return found.replace(MISSING, None) if column.has_missing else found

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give a 1 for the largest, and zeros."""
        made = np.zeros_like(part)
        made[np.arange(len(part)), part.argmax(axis=1)] = 1
        return made


class Frequency(Kind):
    """-log of the share of the training rows with the same value."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return WordLearner("frequency", name, settings)

    def features(self, column: Column) -> dict[str, bool]:
        """One."""
        return {f"{column.name} rarity": False}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the rarity; a value that fit did not see is rarer, or as rare as the rarest."""
        text, shares = as_text(series), Shares.from_json(column.learned["values"])
        rarity, unseen = shares.rarity(text)
        gap = nulls(text)
        return Encoded(filled((rarity,), gap, (shares.least,)), gap, unseen)

    def unseen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where the value is none of those of fit, if the model holds them all."""
        return not_among(Shares.from_json(column.learned["values"]), as_text(series))

    def never_seen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where the value is none of those of fit, if the model holds them all."""
        return self.unseen(series, column)

    def is_open(self, column: Column) -> bool:
        """Whether new values are nothing new."""
        return Shares.from_json(column.learned["values"]).is_open

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the value of the nearest rarity, and say how many others have it."""
        return pl.Series(column.name, _known(column).said(part), pl.String)

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give the nearest rarity of a value."""
        return _known(column).nearest(part)


def _others(text: pl.Series, known: Sequence[str]) -> Bools:
    """(n,) where a text is there and is none of those that are known."""
    is_known = text.is_in(pl.Series(known, dtype=text.dtype).implode())
    found: Bools = (~is_known).fill_null(False).to_numpy()
    return found


def not_among(shares: Shares, text: pl.Series) -> Bools:
    """(n,) where a text is there and was not counted, if all that were counted are known."""
    return _others(text, shares.values) & shares.complete


def _known(column: Column) -> Known:
    """The values that the model names, by their rarity."""
    shares = Shares.from_json(column.learned["values"])
    return Known(shares.values, shares.rarities[:, None])


class Text(Kind):
    """The shape of a text, and how rare it is if texts come again."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return WordLearner("text", name, settings)

    def features(self, column: Column) -> dict[str, bool]:
        """Those of the shape, and the rarity."""
        rarity = ("rarity",) if "values" in column.learned else ()
        return {f"{column.name} {what}": False for what in (*SHAPE, *rarity)}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give lengths, shares of characters and the rarity."""
        text = as_text(series).rename("value")
        made = text.to_frame().select(shape_of(SHAPE))
        features, fill = [c.to_numpy() for c in made.iter_columns()], list(column.learned["fill"])
        unseen = 0
        if "values" in column.learned:
            shares = Shares.from_json(column.learned["values"])
            rarity, unseen = shares.rarity(text)
            features.append(rarity)
            fill.append(shares.least)
        gap = nulls(text)
        return Encoded(filled(tuple(features), gap, fill), gap, unseen)

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Say how long the text is."""
        length, words = part[:, 0].round().astype(int), part[:, 1].round().astype(int)
        told = [f"~{n} characters, ~{k} words" for n, k in zip(length, words, strict=True)]
        return pl.Series(column.name, told, pl.String)


def shape_of(features: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    """The features of ``value`` under their names, 0 where it is missing."""
    return [e.cast(pl.Float32).fill_null(0).alias(name) for name, e in features.items()]


class Means:
    """The means of features of a text, over a stream."""

    def __init__(self, features: Mapping[str, pl.Expr]) -> None:
        self.features = shape_of(features)
        self.sums, self.n = np.zeros(len(features)), 0

    def add(self, counted: pl.DataFrame) -> None:
        """Add the columns ``value`` and ``n``."""
        n = counted["n"].to_numpy()
        self.sums += n @ counted.select(self.features).to_numpy().astype(np.float64)
        self.n += int(n.sum())

    @property
    def of_all(self) -> list[float]:
        """One mean for each feature."""
        return [float(total / max(self.n, 1)) for total in self.sums]


class WordLearner(Learner):
    """Counts texts, and decides which of the kinds they are where ``kind`` leaves it open."""

    def __init__(self, kind: str | None, name: str, settings: Settings) -> None:
        self.name = name
        self.kind, self.most = kind, settings.max_categories
        self.counts = Counts()
        self.shape = Means(SHAPE)
        self.looks = Looks()

    def update(self, batch: Batch) -> None:
        """Take in some texts."""
        self.counts.add(batch.counted)
        if self.kind is None:
            self.looks.add(batch.counted)
        if self.kind in (None, "text"):
            self.shape.add(batch.counted)

    @property
    def is_left_out(self) -> bool:
        """Whether nothing of the texts is given to a model."""
        return (self.kind or self._kind(self.counts.table.height)[0]) == "ignored"

    @property
    def doubt(self) -> str:
        """What the texts look like, if not like words, or that they may be names of rows."""
        return self.looks.note or self._looks_like_names()

    def _looks_like_names(self) -> str:
        distinct, total = self.counts.table.height, self.counts.total
        if total < SAME or 2 * distinct <= total or self._kind(distinct)[0] in ("ignored", "text"):
            return ""
        return (
            f"more than half of {total:,} values are different: perhaps an identifier or entity, "
            "then give it that role"
        )

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        distinct = self.counts.table.height
        constant = distinct + has_missing == 1
        kind, why = (self.kind, "") if self.kind else self._kind(distinct)
        if kind == "ignored":
            note = "; ".join(filter(None, [why, self.looks.note]))
            return Learned("ignored", role="identifier", note=note)
        if kind == "categorical":
            self._check(distinct)
            seen = {*self.counts.table["value"], *((MISSING,) if has_missing else ())}
            names = tuple(sorted(seen))
            extremes = {"commonest": self.counts.commonest, "rarest": self.counts.rarest}
            learned: dict[str, Any] = {name: names.index(v) for name, v in extremes.items()}
            return Learned("categorical", names, constant=constant, learned=learned, note=why)
        learned = {"fill": self.shape.of_all} if kind == "text" else {}
        if kind == "frequency" or self.counts.repeated:
            learned["values"] = self.counts.shares(repeated=kind == "text").to_json()
        return Learned(kind, constant=constant, learned=learned, note=why)

    def gap(self, learned: Learned) -> list[float]:
        """The shape of no text at all, and rarer than the rarest; of categories nothing."""
        shape = [0.0] * len(SHAPE) if learned.kind == "text" else []
        shares = learned.learned.get("values")
        return [*shape, Shares.from_json(shares).gap] if shares else shape

    def _check(self, distinct: int) -> None:
        if distinct > MOST_CATEGORIES:
            raise InputError(
                f"Expected at most {MOST_CATEGORIES:,} distinct values in column {self.name!r}, "
                f"whose kind is 'categorical'; got {distinct:,}. Give it the kind 'frequency' in "
                "the schema."
            )

    def _kind(self, distinct: int) -> tuple[str, str]:
        """The rule for text that is no address, URL or time, and the reason."""
        found = f"{distinct:,}{'' if self.counts.complete else ' or more'} distinct values"
        length, words = self.shape.of_all[:2]
        is_long = length >= LONG and words >= WORDS
        if not (self.counts.repeated or is_long) and self.counts.total >= SAME:
            return "ignored", f"{ALL_DIFFER} ({self.counts.total:,} rows)"
        if distinct <= self.most and not (is_long and not self.counts.repeated and distinct > SAME):
            return "categorical", ""
        if is_long:
            return "text", f"{found}, {length:.0f} characters and {words:.0f} words on average"
        return "frequency", found
