"""Columns of URLs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.preprocessing.kinds._base import (
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
    wrong,
)
from alad.preprocessing.kinds._counts import Counts, Shares
from alad.preprocessing.kinds._known import Known
from alad.preprocessing.kinds.words import Means, not_among, shape_of

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column

URL = r"^\s*(?:[A-Za-z][A-Za-z0-9+.-]*://|/)\S*\s*$"
ABSOLUTE = r"^\s*[A-Za-z][A-Za-z0-9+.-]*://"
SURELY = rf"{ABSOLUTE}[^\s/]\S*\s*$"  # what is taken for a URL unasked

VALUE = pl.col("value")
AFTER_HOST = VALUE.str.replace(rf"{ABSOLUTE}[^/?#]*", "")
SHAPE = {
    "length": VALUE.str.len_chars(),
    "depth": AFTER_HOST.str.extract(r"^([^?#]*)").str.count_matches(r"[^/]+"),
    "query length": AFTER_HOST.str.extract(r"\?([^#]*)").str.len_chars(),
    "digits": VALUE.str.count_matches(r"\d") / VALUE.str.len_chars().clip(1),
}
HEX, DIGITS, GROUPS = r"[0-9a-fA-F]{8,}", r"[0-9]+", r"(?:[a-fA-F-]*#){3}[a-fA-F#-]*"
PATH = (
    AFTER_HOST.str.strip_chars()
    .str.extract(r"^([^?#]*)")
    .str.replace_all(HEX, "#")
    .str.replace_all(DIGITS, "#")
    .str.replace_all(GROUPS, "#")
    .replace("", "/")
)
"""With # for numbers, dates and hexadecimal names, so that /item/17 and /item/18 are one path."""


def host_by(name: str) -> pl.Expr:
    """What stands between scheme and port or path, if it is written so; of a bare path nothing."""
    found = VALUE.str.extract(rf"{ABSOLUTE}(?:[^/?#@]*@)?({name})")
    return found.str.to_lowercase().fill_null("")


def section_of(path: pl.Expr) -> pl.Expr:
    """What a path begins with, up to the second slash."""
    return path.str.extract(r"^/?([^/]*)")


def extension_of(path: pl.Expr) -> pl.Expr:
    """What a path ends with, after the last dot, if that is no number."""
    return path.str.extract(r"\.(#?[A-Za-z][A-Za-z#]{0,7})$").str.to_lowercase().fill_null("")


def one_or_like(paths: Sequence[str]) -> str:
    """A path; of several that features cannot tell apart, what they begin and end with.

    >>> one_or_like(["/a/x.js"]), one_or_like(["/a/x.js", "/a/y.js"]), one_or_like(["/x", "/y.js"])
    ('/a/x.js', '/a/*.js', 'one of 2 paths')
    """
    if len(paths) == 1:
        return paths[0]
    path = pl.col("path")
    found = pl.DataFrame({"path": paths}).select(
        begin=pl.lit("/") + section_of(path) + pl.lit("/"),
        end=pl.lit(".") + extension_of(path),
    )
    begins, ends = (found[name].unique().to_list() for name in ("begin", "end"))
    begin = begins[0] if len(begins) == 1 else ""
    end = ends[0] if len(ends) == 1 and ends[0] != "." else ""
    return f"{begin}*{end}" if begin or end else f"one of {len(paths):,} paths"


OF_PATH = ("section", "path", "extension")
PLACES = {
    "host": host_by(r"\[[^/?#\]]*\]|[^/?#:]*"),
    "section": section_of(PATH),
    "path": PATH,
    "extension": extension_of(PATH),
}
PLACES_BEFORE = {"host": host_by("[^/?#:]*")}
"""Of models of earlier versions, which know hosts alone, and of IPv6 addresses the beginning."""


class Url(Kind):
    """The shape of a URL, and how rare are its host, its path, and how that begins and ends."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return UrlLearner()

    def features(self, column: Column) -> dict[str, bool]:
        """Those of the shape, and the rarities."""
        rarities = [f"{place} rarity" for place in _shares(column)]
        return {f"{column.name} {what}": False for what in (*SHAPE, *rarities)}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the features; what is no URL has no host, and is counted as unseen."""
        shares, table = _shares(column), _read(series)
        features = [table.select(one).to_series().to_numpy() for one in shape_of(SHAPE)]
        fill, others = list(column.learned["fill"]), 0
        for place, share in shares.items():
            rarity, unseen = share.rarity(_part(table, place, column))
            features.append(rarity)
            fill.append(share.least)
            others += unseen
        gap = nulls(table["value"])
        unseen = int(self.never_seen(series, column).sum()) if others else 0
        return Encoded(filled(tuple(features), gap, fill), gap, unseen)

    def unseen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where something is new, as in :meth:`never_seen`."""
        return self.never_seen(series, column)

    def never_seen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where the host is none of those of fit, if the model holds them all.

        Or something of the path, if it does, and new ones are not to be expected.
        """
        table, found = _read(series), np.zeros(len(series), np.bool_)
        for place, share in _shares(column).items():
            if place == "host" or not share.is_open:
                found |= not_among(share, _part(table, place, column))
        return found

    def is_open(self, column: Column) -> bool:
        """Whether new hosts are nothing new."""
        return Shares.from_json(column.learned["host"]).is_open

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give host and path of the nearest rarities, and say how long and deep the URL is."""
        shares, at = _shares(column), len(SHAPE)
        told = [_hosts(shares).said(part[:, at : at + 1])]
        if "path" in shares:
            told.append(_paths(shares).said(part[:, at + 1 :], one_or_like))
        told.append([f"~{x:.0f} characters, depth ~{y:.0f}" for x, y in part[:, :2]])
        said = [", ".join(filter(None, of_row)) for of_row in zip(*told, strict=True)]
        return pl.Series(column.name, said, pl.String)

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give the nearest rarities of a host and of a path."""
        shares, at = _shares(column), len(SHAPE)
        made = [part[:, :at], _hosts(shares).nearest(part[:, at : at + 1])]
        if "path" in shares:
            made.append(_paths(shares).nearest(part[:, at + 1 :]))
        return np.hstack(made)


def _read(series: pl.Series) -> pl.DataFrame:
    return as_text(series).rename("value").to_frame()


def _part(table: pl.DataFrame, place: str, column: Column) -> pl.Series:
    """The host, say, of each URL; missing where that is."""
    places = PLACES if "path" in column.learned else PLACES_BEFORE
    return table.select(pl.when(VALUE.is_not_null()).then(places[place])).to_series()


def _shares(column: Column) -> dict[str, Shares]:
    """How rare the values of each place are that the model knows of."""
    known = column.learned
    return {place: Shares.from_json(known[place]) for place in PLACES if place in known}


def _hosts(shares: Mapping[str, Shares]) -> Known:
    """The hosts that the model names, by their rarity."""
    return Known(shares["host"].values, shares["host"].rarities[:, None])


def _paths(shares: Mapping[str, Shares]) -> Known:
    """The paths that the model names, by their rarities."""
    path = pl.col("path")
    named = pl.DataFrame({"path": shares["path"].values}, {"path": pl.String})
    named = named.with_columns(section=section_of(path), extension=extension_of(path))
    rarities = [shares[place].rarity(named[place])[0] for place in OF_PATH]
    return Known(shares["path"].values, np.column_stack(rarities))


class UrlLearner(Learner):
    """Counts hosts and paths, and takes the means of the shape."""

    def __init__(self, pattern: str = URL) -> None:
        self.pattern = pattern
        self.shape = Means(SHAPE)
        self.counts = {place: Counts() for place in PLACES}
        self.last: str | None = None
        self.differ = False

    def update(self, batch: Batch) -> None:
        """Take in some URLs."""
        counted = batch.counted
        text = as_text(batch.series)
        odd = text.filter(~text.str.contains(self.pattern))
        if len(odd):
            raise wrong(batch.name, "URLs (scheme://host/path, or /path)", odd[0])
        for place, counts in self.counts.items():
            counts.add(counted.select(PLACES[place].alias("value"), "n"))
        self.shape.add(counted)
        self._compare(counted["value"])

    def _compare(self, values: pl.Series) -> None:
        """Find out whether there is more than one URL."""
        if len(values):
            self.differ |= len(values) > 1 or self.last not in (None, values[0])
            self.last = values[0]

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        known = {place: counts.shares().to_json() for place, counts in self.counts.items()}
        learned = {**known, "fill": self.shape.of_all}
        return Learned("url", constant=not (self.differ or has_missing), learned=learned)

    def gap(self, learned: Learned) -> list[float]:
        """The shape of no URL at all, and places rarer than the rarest."""
        gaps = [Shares.from_json(learned.learned[place]).gap for place in PLACES]
        return [0.0] * len(SHAPE) + gaps
