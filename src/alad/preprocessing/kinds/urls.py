"""Columns of URLs."""

from __future__ import annotations

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
HOST = VALUE.str.extract(rf"{ABSOLUTE}(?:[^/?#@]*@)?([^/?#:]*)").str.to_lowercase().fill_null("")


class Url(Kind):
    """The shape of a URL, and how rare its host is."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return UrlLearner()

    def features(self, column: Column) -> dict[str, bool]:
        """Those of the shape, and the host's rarity."""
        return {f"{column.name} {what}": False for what in (*SHAPE, "host rarity")}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the features; what is no URL has no host, and is counted as unseen."""
        text = as_text(series).rename("value")
        made = text.to_frame().select(*shape_of(SHAPE), host=HOST)
        hosts = Shares.from_json(column.learned["host"])
        rarity, unseen = hosts.rarity(made["host"])
        gap = nulls(text)
        unseen -= int(gap.sum()) * ("" not in hosts.values) * hosts.complete
        features = (*(made[name].to_numpy() for name in SHAPE), rarity)
        fill = [*column.learned["fill"], hosts.least]
        return Encoded(filled(features, gap, fill), gap, unseen)

    def unseen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where the host is none of those of fit, if the model holds them all."""
        return self.never_seen(series, column)

    def never_seen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where the host is none of those of fit, if the model holds them all."""
        text = as_text(series).rename("value")
        hosts = text.to_frame().select(pl.when(VALUE.is_not_null()).then(HOST)).to_series()
        return not_among(Shares.from_json(column.learned["host"]), hosts)

    def is_open(self, column: Column) -> bool:
        """Whether new hosts are nothing new."""
        return Shares.from_json(column.learned["host"]).is_open

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the host of the nearest rarity, and say how long and how deep the URL is."""
        hosts = _known(column).said(part[:, -1:])
        told = [
            f"{host}, ~{length:.0f} characters, depth ~{depth:.0f}".removeprefix(", ")
            for host, (length, depth) in zip(hosts, part[:, :2], strict=True)
        ]
        return pl.Series(column.name, told, pl.String)

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give the nearest rarity of a host."""
        return np.hstack([part[:, :-1], _known(column).nearest(part[:, -1:])])


def _known(column: Column) -> Known:
    """The hosts that the model names, by their rarity."""
    hosts = Shares.from_json(column.learned["host"])
    return Known(hosts.values, hosts.rarities[:, None])


class UrlLearner(Learner):
    """Counts hosts, and takes the means of the shape."""

    def __init__(self, pattern: str = URL) -> None:
        self.pattern = pattern
        self.hosts, self.shape = Counts(), Means(SHAPE)
        self.last: str | None = None
        self.differ = False

    def update(self, batch: Batch) -> None:
        """Take in some URLs."""
        counted = batch.counted
        text = as_text(batch.series)
        odd = text.filter(~text.str.contains(self.pattern))
        if len(odd):
            raise wrong(batch.name, "URLs (scheme://host/path, or /path)", odd[0])
        self.hosts.add(counted.select(HOST.alias("value"), "n"))
        self.shape.add(counted)
        self._compare(counted["value"])

    def _compare(self, values: pl.Series) -> None:
        """Find out whether there is more than one URL."""
        if len(values):
            self.differ |= len(values) > 1 or self.last not in (None, values[0])
            self.last = values[0]

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        learned = {"host": self.hosts.shares().to_json(), "fill": self.shape.of_all}
        return Learned("url", constant=not (self.differ or has_missing), learned=learned)

    def gap(self, learned: Learned) -> list[float]:
        """The shape of no URL at all, and a host rarer than the rarest."""
        return [0.0] * len(SHAPE) + [Shares.from_json(learned.learned["host"]).gap]
