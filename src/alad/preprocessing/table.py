"""A table of mixed columns as a float32 matrix, by rules that are learned once and kept.

==============================  =========================================================
in the table                    in the matrix
==============================  =========================================================
number, boolean                 itself, as one feature; of a duration the seconds
text, categorical, enum         one-hot: one feature per category seen at fit, sorted
category not seen at fit        -1 in the features of the commonest and the rarest; counted
missing category                its own category ``<missing>`` if fit saw one, else as not seen
missing number (null, NaN)      where fit saw gaps: the median of the training values, and a
                                second feature, 1 where the value is missing
number that stands for one      likewise: -999 far from all others, or what a schema states
... where fit saw none          as far above the highest as that is above the lowest: unlike all
                                others; so are missing values of other kinds (``Column.gap``)
whole numbers, text at fit      read as text: ``1`` is the category ``"1"``
text of more than 200 values    -log of the share of the training rows with that value
... that is long                lengths, shares of kinds of characters, and the same
dates, times, text of a format  sine and cosine of hour and weekday, where fit saw enough days
addresses, ports, URLs          see :mod:`alad.preprocessing.kinds`
text that never comes twice     nothing: an identifier
column without any value        nothing
lists, objects within, bytes    nothing
==============================  =========================================================

The rules are learned by :func:`alad.preprocessing.learning.tables.fit_encoder`. What a column is
taken for is said in :mod:`alad.preprocessing.learning.columns`, and stated otherwise by a
:class:`alad.preprocessing.schema.Schema`. A column without any value, or of lists, is left out
rather than refused: it can teach nothing as it is, and whoever has many columns would otherwise
drop them one error at a time. If the schema states a kind for it, it is refused.

Refused, with a message that names the column: infinity, what is not of the kind that is stated,
text where fit saw numbers, columns that fit did not see, and the lack of ones that the model reads.
Their order does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError, ModelFormatError
from alad.preprocessing.columns import Column
from alad.preprocessing.features import decoded, legal, written
from alad.preprocessing.frames import quoted, to_polars
from alad.preprocessing.kinds._base import filled
from alad.preprocessing.kinds.numbers import origin_of
from alad.preprocessing.schema import Schema

Float32s = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class TableNotes:
    """What transform met that fit did not promise: rows by column, only where there are any."""

    rows: int
    unseen: dict[str, int] = field(default_factory=dict)
    """Rows with a category, address, port or host that fit did not see, or another number where it
    saw one; of addresses and ports, only where new ones are news: not where so many came once at
    fit that more are to come."""
    missing: dict[str, int] = field(default_factory=dict)
    """Rows without a value."""
    remarks: dict[str, str] = field(default_factory=dict)
    """What of a column's values is otherwise than at fit: times that have a zone, say."""


@dataclass(frozen=True)
class TableEncoder:
    """The rules for the columns of one table; never changed once they are made.

    >>> from alad.preprocessing.learning.tables import fit_encoder
    >>> train = pl.DataFrame({"bytes": [1.0, None, 3.0], "proto": ["tcp", "udp", "tcp"]})
    >>> encoder = fit_encoder(train)
    >>> encoder.feature_names
    ('bytes', 'bytes is missing', 'proto=tcp', 'proto=udp')
    >>> x, notes = encoder.transform(pl.DataFrame({"proto": ["icmp"], "bytes": [9]}))
    >>> x.tolist(), notes.unseen
    ([[9.0, 0.0, -1.0, -1.0]], {'proto': 1})
    """

    columns: tuple[Column, ...]
    """All columns of the table, also those that the model is not given."""

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns that the model is given, in the order of their features."""
        return tuple(column for column in self.columns if column.is_read)

    @property
    def left_out(self) -> tuple[Column, ...]:
        """The columns that the model is not given; they may be absent in new tables."""
        return tuple(column for column in self.columns if not column.is_read)

    @property
    def stated(self) -> Schema:
        """What the columns are, in the form that a person can edit."""
        return Schema.of(self.columns)

    @property
    def time_column(self) -> str | None:
        """The column that says when."""
        return self._of_role("time")

    @property
    def entity_column(self) -> str | None:
        """The column that says who or what a row is about."""
        return self._of_role("entity")

    def _of_role(self, role: str) -> str | None:
        return next((column.name for column in self.columns if column.role == role), None)

    def format_of(self, name: str) -> str:
        """How the times of a column are written, where it has such and they are not as ISO 8601."""
        return next((column.format for column in self.columns if column.name == name), "")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The f names of the matrix's columns."""
        return tuple(name for column in self.schema for name in column.features)

    @property
    def binary(self) -> Bools:
        """(f,) True for the features that can only be 0 or 1: one-hot, boolean, is-missing."""
        return np.array([flag for column in self.schema for flag in column.binary], np.bool_)

    @property
    def column_of_feature(self) -> NDArray[np.int64]:
        """(f,) the place in :attr:`schema` of the column that each feature was made from."""
        return np.repeat(np.arange(len(self.schema)), [len(c.features) for c in self.schema])

    @property
    def needs_names(self) -> bool:
        """Whether some column is no plain number, or not read: no array can stand for a frame."""
        plain = ("numeric", "boolean")
        return any(
            column.kind not in plain or column.has_missing or column.marks or not column.is_read
            for column in self.columns
        )

    @property
    def origins(self) -> NDArray[np.float64]:
        """(columns read,) what the numbers of each are told from; 0 for most."""
        return np.array([origin_of(column.learned) for column in self.schema], np.float64)

    @property
    def constant_columns(self) -> tuple[str, ...]:
        """The columns that had a single value at fit."""
        return tuple(column.name for column in self.schema if column.constant)

    def check_varies(self, rows: int) -> None:
        """Refuse to learn from so many rows if all are alike; one has a refusal of its own.

        Raises
        ------
        InputError
            Every column had a single value.
        """
        if rows > 1 and all(column.constant for column in self.schema):
            raise InputError(
                "Expected a column whose values differ; got one and the same in every row of "
                f"{quoted([c.name for c in self.schema])}. From these nothing can be learned: add "
                "rows, or columns."
            )

    def transform(self, frame: Any) -> tuple[Float32s, TableNotes]:
        """Encode n >= 1 rows as float32 (n, f), with notes on what fit had not seen.

        Raises
        ------
        InputError
            See the module; the message names the column and says what to do.
        """
        table = self._aligned(_rows(frame))
        dense: list[tuple[int, NDArray[Any]]] = []
        coded: list[tuple[int, NDArray[np.int64], tuple[int, ...]]] = []
        unseen, missing = {}, {}
        remarks: dict[str, str] = {}
        position = 0
        for column in self.schema:
            found = column.of_kind.encode(column.given(table[column.name]), column)
            if found.codes is not None:
                coded.append((position, found.codes, found.against))
            features = found.features
            if column.gap:
                features = filled(features, found.gap, column.gap)
            flag = (found.gap,) if column.flags_missing else ()
            dense.extend(enumerate((*features, *flag), position))
            unseen[column.name], missing[column.name] = found.unseen, int(found.gap.sum())
            remarks |= {column.name: found.remark} if found.remark else {}
            position += len(column.features)
        x = written(table.height, position, dense, coded)
        return x, TableNotes(table.height, _nonzero(unseen), _nonzero(missing), remarks)

    def untold(self, frame: Any) -> Bools:
        """(n, columns read) where a value is missing and its features are those of another."""
        table = to_polars(frame)
        told = np.zeros((table.height, len(self.schema)), np.bool_)
        for j, column in enumerate(self.schema):
            if not column.tells_missing:
                series = column.given(table[column.name])
                told[:, j] = column.of_kind.encode(series, column).gap
        return told

    def _aligned(self, table: pl.DataFrame) -> pl.DataFrame:
        """Hold the table's columns against those of fit."""
        needed, known = [c.name for c in self.schema], {c.name for c in self.columns}
        given = dict.fromkeys(table.columns)  # in order, and as fast as a set
        absent = [name for name in needed if name not in given]
        unknown = [name for name in given if name not in known]
        if not absent and not unknown:
            return table
        parts = [f"missing: {quoted(absent)}"] if absent else []
        parts += [f"not seen at fit: {quoted(unknown)}"] if unknown else []
        raise InputError(
            f"Expected the columns at fit; {'; '.join(parts)}. Pass the same columns, or refit."
        )

    def decode(self, x: NDArray[Any]) -> pl.DataFrame:
        """Give the table whose rows features (n, f) say, also ones that are no 0 and no 1.

        Of a category's features the largest decides, of a flag whether it passes a half; a value
        is null where its flag "is missing" does. Of rarities, the value of fit that is nearest; of
        several that are as near, one and how many others, or a text that says what they share.

        >>> from alad.preprocessing.learning.tables import fit_encoder
        >>> encoder = fit_encoder(pl.DataFrame({"bytes": [1.0, 3.0], "proto": ["tcp", "udp"]}))
        >>> encoder.decode(np.array([[2.5, 0.3, 0.4]])).row(0)
        (2.5, 'udp')
        """
        start, series = 0, []
        for column in self.schema:
            part = x[:, start : start + len(column.features)]
            series.append(decoded(part, column))
            start += len(column.features)
        return pl.DataFrame(series)

    def legal(self, x: NDArray[Any]) -> Float32s:
        """Give features (n, f) that a row may have, near to these.

        A category is the largest of its features, flags are 0 or 1, times lie on their circles,
        and what says how rare a value is belongs to a value of fit; the rest stays as it is.

        >>> from alad.preprocessing.learning.tables import fit_encoder
        >>> encoder = fit_encoder(pl.DataFrame({"bytes": [1.0, 3.0], "proto": ["tcp", "udp"]}))
        >>> encoder.legal(np.array([[2.5, 0.3, 0.4]])).tolist()
        [[2.5, 0.0, 1.0]]
        """
        start, made = 0, []
        for column in self.schema:
            made.append(legal(x[:, start : start + len(column.features)], column))
            start += len(column.features)
        return np.hstack(made).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """The rules as JSON: dicts, lists, text, numbers and booleans only."""
        return {"columns": [column.to_json() for column in self.columns]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> TableEncoder:
        """The encoder whose :meth:`to_json` this is.

        Raises
        ------
        ModelFormatError
            The content is not what :meth:`to_json` writes.
        """
        try:
            return cls(tuple(Column.from_json(column) for column in content["columns"]))
        except (KeyError, TypeError) as error:
            raise ModelFormatError(
                "Expected a list of columns with name, kind, categories, fill, has_missing and "
                f"constant; got something else ({error!r}). Save the model again."
            ) from error


def _rows(frame: Any) -> pl.DataFrame:
    table = to_polars(frame)
    if table.height == 0 or table.width == 0:
        raise no_rows(table.height, table.width)
    return table


def no_rows(rows: int, columns: int) -> InputError:
    """The error for a table with nothing in it."""
    return InputError(
        f"Expected at least one row and one column; got {rows} rows and {columns} columns."
    )


def _nonzero(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
