"""Text that a spreadsheet would run as a formula, where a table is written as CSV.

A log holds what others chose: ``=HYPERLINK(...)`` as a user agent, say. CSV has no types, so that
Excel and its kin take text which begins with ``=``, ``+``, ``-``, ``@`` or a tab for a formula. To
other programs it is data, and a result must give it back as it came; so it is left as it is and
told, and changed only if that is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from alad.preprocessing.kinds._base import TEXT

BEGINS = r"^(?:\s*[=+\-@]|[\t\r\n])"
HARMLESS = r"^\s*-*\s*$"  # a sign for a missing value
QUOTE = "'"  # before it a spreadsheet takes all for text, as OWASP has it ("CSV Injection")


class Formulas:
    """Looks for such text in the rows of a CSV file, and quotes it if that is asked for.

    >>> formulas = Formulas(quoted=True)
    >>> formulas(pl.DataFrame({"agent": ["=1+1", "-1", "-", "curl"]}))["agent"].to_list()
    ["'=1+1", '-1', '-', 'curl']
    >>> dict(formulas.found)
    {'agent': 1}
    """

    def __init__(self, *, quoted: bool) -> None:
        self.quoted = quoted
        self.found: Counter[str] = Counter()
        """Such cells by column."""

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Look through some rows; give them as they are to be written."""
        marks = rows.select(_is_formula(pl.col(TEXT).cast(pl.String)))
        self.found.update({c.name: int(c.sum()) for c in marks.iter_columns() if c.any()})
        return self._quoted(rows, marks) if self.quoted else rows

    def _quoted(self, rows: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
        """Put the sign before cells that are marked, and before such names of columns."""
        cells = rows
        for mark in marks.iter_columns():
            text = pl.col(mark.name).cast(pl.String)
            quoted = pl.when(mark).then(pl.lit(QUOTE) + text).otherwise(text)
            cells = cells.with_columns(quoted.alias(mark.name))
        names = pl.DataFrame({"name": rows.columns}).filter(_is_formula(pl.col("name")))
        return cells.rename({name: _new_name(name, rows.columns) for name in names["name"]})


def _new_name(name: str, others: Sequence[str]) -> str:
    """Quote the name of a column, and once more if another column has that name."""
    quoted = QUOTE + name
    return _new_name(quoted, others) if quoted in others else quoted


def _is_formula(text: pl.Expr) -> pl.Expr:
    is_number = text.str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
    begins = text.str.contains(BEGINS) & ~text.str.contains(HARMLESS)
    return (begins & ~is_number).fill_null(value=False)
