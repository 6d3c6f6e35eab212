"""What every kind of table can do, whatever its file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import polars as pl

ROWS = 131_072  # of a batch of a file that tells where its rows are
BYTES = 1 << 24  # of a batch of lines


class Table(Protocol):
    """A table that is open: its names are known, its rows are not read yet."""

    @property
    def is_typed(self) -> bool:
        """Whether the file itself settles what is a number and what is text."""

    @property
    def infers(self) -> Sequence[str]:
        """The columns whose text may turn out to be something else, as in CSV."""

    @property
    def place(self) -> str:
        """What to call it in a message."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""

    @property
    def rows(self) -> int | None:
        """How many there are, where the file tells."""

    @property
    def size(self) -> int:
        """About how many bytes its rows take in memory."""

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows, with the types that all rows together have."""

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows, some rows at a time, with the types of those alone."""


def frame_of(data: Any) -> pl.DataFrame:
    """Arrow's table or batch as a frame, without what is told beside it: it may be any bytes."""
    frame = pl.from_arrow(data.replace_schema_metadata(None))
    assert isinstance(frame, pl.DataFrame)
    return frame
