"""Learning the columns of a table, at once or in a stream; the rules are those of the encoder.

What each column is taken for is said in :mod:`alad.preprocessing.learning.columns`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from alad.errors import InputError
from alad.preprocessing.columns import Column
from alad.preprocessing.frames import quoted, to_polars
from alad.preprocessing.kinds import Settings
from alad.preprocessing.kinds.times import TimeLearner
from alad.preprocessing.kinds.words import MAX_CATEGORIES
from alad.preprocessing.learning.columns import ColumnLearner
from alad.preprocessing.schema import Schema
from alad.preprocessing.table import TableEncoder, no_rows

SAMPLE = 100_000  # numbers of a column that the median of a stream is taken from


def fit_encoder(
    frame: Any, schema: Schema | None = None, *, max_categories: int = MAX_CATEGORIES
) -> TableEncoder:
    """Learn the columns of a pandas, polars or pyarrow frame: a stream of one batch.

    Parameters
    ----------
    frame : n >= 1 rows of at least one column.
    schema : what the columns are; default: it is inferred.
    max_categories : the most values of a text that become categories unasked.

    Raises
    ------
    InputError
        See :mod:`alad.preprocessing.table`; the message names the column and says what to do.

    >>> import polars as pl
    >>> fit_encoder(pl.DataFrame({"bytes": [1.0, 3.0], "proto": ["tcp", "udp"]})).feature_names
    ('bytes', 'proto=tcp', 'proto=udp')
    """
    learner = TableLearner(schema, max_categories=max_categories, sample=None)
    return learner.update(frame).finish()


class TableLearner:
    """Learns the columns of a table in a stream, in bounded memory.

    Counts of values are exact up to 200,000 different ones in a column, and medians up to
    ``sample`` values; beyond that they come from the most frequent values and from a uniform draw.

    Parameters
    ----------
    schema : what the columns are; default: it is inferred from all rows together.
    max_categories : the most values of a text that become categories unasked.
    sample : the most numbers of a column that its median is taken from; None: all.
    seed : of that draw.

    Raises
    ------
    InputError
        See :mod:`alad.preprocessing.table`.

    >>> import polars as pl
    >>> learner = TableLearner()
    >>> for batch in (pl.DataFrame({"a": [1.0, 9.0]}), pl.DataFrame({"a": [None, 2.0]})):
    ...     _ = learner.update(batch)
    >>> learner.finish().schema[0].fill
    2.0
    """

    def __init__(
        self,
        schema: Schema | None = None,
        *,
        max_categories: int = MAX_CATEGORIES,
        sample: int | None = SAMPLE,
        seed: int = 0,
    ) -> None:
        if not isinstance(schema, Schema | None):
            raise InputError(
                f"Expected a Schema; got {type(schema).__name__}. Schema.read reads one from "
                "a file."
            )
        self.schema = schema
        self.settings = Settings(max_categories, sample, seed)
        self.rows = 0
        self._columns: dict[str, ColumnLearner] = {}

    def update(self, frame: Any) -> Self:
        """Take in some rows; every batch has the same columns, in any order."""
        table = to_polars(frame)
        if not self._columns:
            self._begin(table.columns)
        if set(table.columns) != set(self._columns):
            raise InputError(
                f"Expected the columns {quoted(self._columns)} in every batch; got "
                f"{quoted(table.columns)}."
            )
        self.rows += table.height
        for name, learner in self._columns.items():
            learner.update(table[name])
        return self

    def _begin(self, names: list[str]) -> None:
        if self.schema is not None:
            self.schema.check_names(names)
        for name in names:
            stated = None if self.schema is None else self.schema[name]
            self._columns[name] = ColumnLearner(name, stated, self.settings)

    def columns(self) -> tuple[Column, ...]:
        """What the columns are, and what was learned of them so far.

        Raises
        ------
        InputError
            There were no rows, or a column that was stated has no value.
        """
        if self.rows == 0 or not self._columns:
            raise no_rows(self.rows, len(self._columns))
        found = tuple(learner.finish() for learner in self._columns.values())
        return found if self.schema else self._with_time(self._with_copies(found))

    def _with_time(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Give a column of times the role of time, and point at the others.

        The first that tells day and clock, else the first that tells the day: dates alone say of
        whom rather than when, as dates of birth do. One without gaps comes before others, and one
        that is always the same last.
        """
        times = [column for column in columns if column.kind == "time"]
        chosen = max(times, key=self._tells_when, default=None)  # the first of equals
        others = ", ".join(column.name for column in times if column is not chosen)
        doubt = f"also times: {others}"
        return tuple(
            replace(c.with_doubt(doubt) if others else c, role="time") if c is chosen else c
            for c in columns
        )

    def _tells_when(self, column: Column) -> tuple[bool, int, bool]:
        learner = self._columns[column.name].settled
        tells = learner.tells_when if isinstance(learner, TimeLearner) else 0
        return not column.constant, tells, not column.has_missing

    def _with_copies(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Point at columns of numbers that are those of an earlier one."""
        firsts: dict[Any, str] = {}
        marked = []
        for column in columns:
            found = None if column.constant else self._columns[column.name].fingerprint
            first = column.name if found is None else firsts.setdefault(found, column.name)
            is_copy = first != column.name
            marked.append(column.with_doubt(f"same values as {first}") if is_copy else column)
        return tuple(marked)

    def finish(self) -> TableEncoder:
        """The rules for what was seen.

        Raises
        ------
        InputError
            There is nothing to give to a model; or a column of numbers would not be given to it,
            for the sake of a few values that are none.
        """
        columns = self.columns()
        for column in columns:
            if self._columns[column.name].is_spoiled:
                raise InputError(
                    f"Expected numbers in column {column.name!r}, or words that come again; got "
                    f"neither: {column.note}. Mend the column, leave it out, or state in a "
                    "schema what it is."
                )
        if not any(column.is_read for column in columns):
            told = "; ".join(f"{c.name!r}: {c.why_left_out}" for c in columns)
            raise InputError(
                f"Expected at least one column to learn from; got none ({told}). Add a column, or "
                "state kinds and roles in a schema."
            )
        return TableEncoder(columns)
