"""Values of a table that are missing to whoever reads the result, for its format has no place."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import polars.selectors as cs

from alad.cli.tables import written_as
from alad.cli.tables.csv import MISSING
from alad.preprocessing.kinds._base import TEXT


class Losses:
    """Counts such cells: text in CSV that is read as a missing value, and infinities in JSON.

    >>> losses = Losses("csv")
    >>> losses(pl.DataFrame({"unit": ["NA", "", "kg", None], "n": [float("inf"), 1, 2, 3]}))
    >>> dict(losses.found)
    {'unit': 2}
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.found: Counter[str] = Counter()
        """Such cells by column."""

    def __call__(self, rows: pl.DataFrame) -> None:
        """Look through some rows."""
        if self.kind in ("csv", "tsv"):
            lost = rows.select(pl.col(TEXT).cast(pl.String).is_in(MISSING))
        elif self.kind == "jsonl":
            lost = rows.select(cs.float().is_infinite() | cs.float().is_nan())
        else:
            return
        self.found.update({c.name: int(c.sum()) for c in lost.iter_columns() if c.any()})


def told_of_lost(out: Path) -> str:
    """What became of such cells in a file of this name.

    >>> told_of_lost(Path("s.jsonl"))
    'no finite number, for which JSON has no word: written as null'
    """
    if written_as(out) == "jsonl":
        return "no finite number, for which JSON has no word: written as null"
    return "text that CSV readers take for a missing value (Parquet keeps it)"
