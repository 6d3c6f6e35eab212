"""How often values came, in bounded memory, and how rare that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from alad.preprocessing.kinds._base import Float32s, beyond

COUNTED = 200_000  # values at a time; beyond them the rarer half is let go
BYTES = 1 << 26  # that they may take
KEPT = 20_000  # values that a model names
CHARACTERS = 1_000_000  # that they may have
ONCE, OPEN = 10, 0.01  # values that came once, and their share: from both on new ones are expected
NEVER = 0.5  # the count of a value that fit did not see, where such are news


class Counts:
    """Counts of values, exact for up to :data:`COUNTED` different ones.

    >>> counts = Counts()
    >>> counts.add(pl.DataFrame({"value": ["a", "b"], "n": [3, 1]}))
    >>> counts.shares().values, counts.repeated
    (('a', 'b'), True)
    """

    def __init__(self) -> None:
        self.table = pl.DataFrame()
        self.total = 0
        self.complete = True
        self.repeated = False
        """Whether any value came twice."""

    def add(self, counted: pl.DataFrame) -> None:
        """Add the columns ``value`` and ``n``; a value may be there more than once."""
        self.total += int(counted["n"].sum())
        new = counted.select("value", pl.col("n").cast(pl.Int64))
        both = new if self.table.is_empty() else pl.concat([self.table, new])
        self.table = both.group_by("value", maintain_order=True).agg(pl.col("n").sum())
        self.repeated |= self.table.height > 0 and self.table["n"].max() != 1
        if self.table.height > COUNTED or self.table.estimated_size() > BYTES:
            self.table = self._sorted().head(self.table.height // 2)
            self.complete = False

    def _sorted(self) -> pl.DataFrame:
        return self.table.sort("n", "value", descending=[True, False])

    @property
    def commonest(self) -> Any:
        """The most frequent value; of several the first in order."""
        return self._sorted()["value"][0]

    @property
    def rarest(self) -> Any:
        """The least frequent value; of several the last in order."""
        return self._sorted()["value"][-1]

    def shares(self, *, repeated: bool = False) -> Shares:
        """The most frequent values with their counts; only those that came twice, if asked for."""
        ordered = self._sorted()
        kept = ordered.filter(pl.col("n") > 1) if repeated else ordered
        size = pl.col("value").cast(pl.String).str.len_chars().cum_sum()
        kept = kept.head(KEPT).filter((size <= CHARACTERS) | (pl.int_range(pl.len()) == 0))
        return Shares(
            values=tuple(kept["value"]),
            counts=tuple(kept["n"]),
            total=self.total,
            rarest=int(ordered["n"][-1]) if self.complete else 1,
            complete=self.complete and kept.height == ordered.height,
            new_is_rarer=True,
        )


@dataclass(frozen=True)
class Shares:
    """Values, the most frequent first, and how many of ``total`` rows had each."""

    values: tuple[Any, ...]
    counts: tuple[int, ...]
    total: int
    rarest: int
    """The smallest count."""
    complete: bool
    """Whether all values are here, so that it is known what fit did not see."""
    new_is_rarer: bool = False
    """Whether a value that fit did not see may be rarer than all of them; not in older models."""

    def rarity(self, series: pl.Series) -> tuple[Float32s, int]:
        """-log of the share of each row's value, and how many values fit did not see.

        >>> Shares(("a", "b"), (3, 1), 4, 1, True, True).rarity(pl.Series(["a", "z", None]))
        (array([0.2876821, 2.0794415, 2.0794415], dtype=float32), 1)
        """
        known = pl.Series(self.values, dtype=series.dtype)
        rarity = pl.Series(self.rarities)
        found = series.replace_strict(
            known, rarity, default=pl.lit(None, pl.Float32), return_dtype=pl.Float32
        )
        unseen = found.null_count() - series.null_count()
        return found.fill_null(self.of_new).to_numpy(), unseen if self.complete else 0

    @property
    def is_open(self) -> bool:
        """Whether values that fit did not see are nothing new: so many came only once at fit.

        By Good and Turing the share of rows with a new value is about that of the values that came
        once. Source: Good. The Population Frequencies of Species and the Estimation of Population
        Parameters. Biometrika 40, 1953.
        """
        once = self.counts.count(1)
        return once >= ONCE and once > OPEN * self.total

    @property
    def of_new(self) -> float:
        """The rarity of a value that fit did not see: as rare as the rarest, or, as news, rarer.

        It is news where all values of fit are known and new ones are not to be expected. Then it
        counts as half a row, however common the rarest is.

        >>> shares = Shares(("http", "dns"), (17_000, 1000), 18_000, 1000, True, True)
        >>> round(float(18_000 * np.exp(-shares.of_new)), 3)
        0.5
        """
        is_news = self.new_is_rarer and self.complete and not self.is_open
        return float(np.log(self.total / (NEVER if is_news else self.rarest)))

    @property
    def rarities(self) -> Float32s:
        """-log of the share of each of the values."""
        return np.log(self.total / np.array(self.counts)).astype(np.float32)

    @property
    def gap(self) -> float:
        """A rarity beyond the rarest, for a missing value where fit saw none."""
        return beyond(self.least, self.of_new)

    @property
    def least(self) -> float:
        """The rarity of the most frequent value."""
        return float(np.log(self.total / self.counts[0]))

    def to_json(self) -> dict[str, Any]:
        """The shares as JSON."""
        return {**asdict(self), "values": list(self.values), "counts": list(self.counts)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The shares whose :meth:`to_json` this is."""
        lists = {name: tuple(content[name]) for name in ("values", "counts")}
        return cls(**{**content, **lists})
