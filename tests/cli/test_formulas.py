"""Names of columns that a spreadsheet would run."""

from __future__ import annotations

import polars as pl

from alad.cli.formulas import Formulas


def test_a_quoted_name_is_no_other_columns_name():
    table = pl.DataFrame({"=a": [1], "'=a": [2], "b": [3]})
    quoted = Formulas(quoted=True)(table)
    assert quoted.rows() == table.rows()
    assert quoted.columns == ["''=a", "'=a", "b"]
