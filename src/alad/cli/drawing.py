"""Some rows of a table of any length, all alike likely, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from alad.errors import RowError

if TYPE_CHECKING:
    from alad.cli.inputs import Inputs
    from alad.estimators import AbstractDetector

BYTES = 4  # of a feature, or of a number of a picture


@dataclass(frozen=True)
class Drawn:
    """At most so many rows, drawn without replacement, in their order."""

    X: Any
    """What the detector takes."""
    content: Any
    """The same rows as they were read, with the columns that were asked for beside."""
    names: pl.DataFrame
    """(r, 1) what each is called: its number in the whole as ``row``, or its ``file``."""
    of: int
    """How many rows there are in all."""
    aside: Mapping[str, Any]
    """What was not read; of rows that were not drawn, odd values are not counted."""

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Name the table's row in an error that names one of these."""
        try:
            yield
        except RowError as error:
            raise error.at(self.names["row"][error.row]) from error


def drawn(inputs: Inputs, most: int, seed: int, beside: Sequence[str] = ()) -> Drawn:
    """Draw rows of a table or pictures of a folder; all of them, if they are no more than ``most``.

    Raises
    ------
    InputError
        The table cannot be read, or a model of an array is given no numbers.
    """
    pot = _Pot(most, seed)
    for batch in inputs.batches(beside):
        pot.add(batch.content, batch.names)
    X = inputs.taken(replace(batch, content=pot.rows))
    return Drawn(X, pot.rows, pot.names, pot.seen, inputs.aside())


def most_within(bytes_: int, detector: AbstractDetector, *, most: int, least: int) -> int:
    """How many rows of a model's width, once they are numbers, so many bytes hold."""
    return min(most, max(least, bytes_ // (BYTES * len(detector.scaler_.shift))))


class _Pot:
    """Draws a lot for each row, and keeps the rows with the smallest."""

    def __init__(self, most: int, seed: int) -> None:
        self.most, self.rng, self.seen = most, np.random.default_rng(seed), 0
        self.rows: Any = None
        self.names: Any = None
        self.lots = np.zeros(0)

    def add(self, rows: Any, names: pl.DataFrame) -> None:
        """See the next rows, an array or a frame, and what they are called."""
        lots = self.rng.random(len(rows))
        few = np.flatnonzero(lots < (self.lots.max() if len(self.lots) >= self.most else 1))
        self.rows = rows[few] if self.rows is None else _joined(self.rows, rows[few])
        self.lots = np.append(self.lots, lots[few])
        self.names = names[few] if self.names is None else _joined(self.names, names[few])
        self.seen += len(rows)
        if len(self.lots) > self.most:
            kept = np.sort(np.argpartition(self.lots, self.most)[: self.most])
            self.rows, self.lots, self.names = self.rows[kept], self.lots[kept], self.names[kept]


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    return pl.concat([first, second], how="vertical_relaxed")
