"""A matrix of numbers, as NumPy writes it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from alad.cli.tables import table
from alad.cli.tables.faults import first_line, no_rows
from alad.errors import InputError


class Npy:
    """A matrix of numbers, one row each, as NumPy writes it; its columns are x0, x1, x2, ..."""

    is_typed: ClassVar[bool] = True
    infers: ClassVar[Sequence[str]] = ()
    bad: ClassVar[None] = None

    def __init__(self, place: str, path: Path) -> None:
        self.place = place
        try:
            self.matrix = np.load(path, mmap_mode="r", allow_pickle=False)
            if not isinstance(self.matrix, np.ndarray):
                self.matrix.close()
                raise ValueError("it is an archive of arrays")
        except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise InputError(
                f"Expected an array of numbers in {place}; it cannot be read: "
                f"{first_line(error)}. Write it with numpy.save."
            ) from error
        if (
            self.matrix.ndim != 2
            or self.matrix.dtype.kind not in "fiub"
            or not self.matrix.shape[1]
        ):
            raise InputError(
                f"Expected a matrix of numbers in {place}, one row each; got shape "
                f"{self.matrix.shape}, {self.matrix.dtype}. Flatten it, or give pictures as a "
                "folder of files."
            )
        self.rows, width = self.matrix.shape
        self.size = self.matrix.nbytes
        self.names = tuple(f"x{i}" for i in range(width))
        if not self.rows:
            raise no_rows(place)

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows."""
        return self._rows(slice(None), columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows, some rows at a time."""
        for start in range(0, self.rows, table.ROWS):
            yield self._rows(slice(start, start + table.ROWS), columns)

    def _rows(self, rows: slice, columns: Sequence[str]) -> pl.DataFrame:
        part = np.asarray(self.matrix[rows])
        return pl.DataFrame({name: part[:, int(name[1:])] for name in columns})
