"""Tables too large to be held: read several times, encoded into a file, drawn from that.

A fit reads a :class:`Stream` twice. The first reading settles what the columns are, the second
encodes all rows: it measures the scaling, draws a sample, and, for networks, writes the encoded
rows into a file without a name. Networks are then trained on windows of rows from that file, and
whatever else has to look at all rows at once looks at the sample.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from alad._files import explained
from alad.errors import InputError, RowError
from alad.estimators._given import Matrix, drawn
from alad.preprocessing.frames import to_polars
from alad.preprocessing.learning.tables import TableLearner
from alad.preprocessing.scaling import Scaler, ScalerLearner
from alad.preprocessing.table import TableEncoder

MEMORY = 2 * 2**30
PART = 1 / 16  # of the memory, for a window and for the sample; the rest is for copies of them
SAMPLE_ROWS = 2**18
BLOCK = 256  # neighbouring rows that stay together in a window
AT_ONCE = 8192  # rows that are unpacked and scaled at once

Bools = NDArray[np.bool_]


class Stream:
    """A table that is read batch by batch, each time from its beginning.

    Parameters
    ----------
    batches : callable
        Gives the frames of one reading, of any make, which all have the same columns.
    rows : int
        How many rows those have together.
    folder : path
        Where a temporary file may be: encoded, a row takes four bytes for each number and a bit
        for each feature that is 0 or 1.
    memory : int
        About how many bytes a fit may take in all.

    Attributes
    ----------
    missing : Counter
        Once it is encoded: rows without a value, by column.

    >>> frame = pl.DataFrame({"a": [1.0, 2.0, 4.0, 3.0]})
    >>> stream = Stream(lambda: frame.iter_slices(2), 4, folder=".")
    >>> len(stream), [batch.height for batch in stream]
    (4, [2, 2])
    >>> stream.only(np.array([True, False, False, True]))["a"].to_list()
    [1.0, 3.0]
    """

    def __init__(
        self,
        batches: Callable[[], Iterable[Any]],
        rows: int,
        *,
        folder: str | os.PathLike[str],
        memory: int = MEMORY,
    ) -> None:
        if not callable(batches):
            raise InputError(
                "Expected a function that reads the table from its beginning whenever it is "
                f"called, for a fit reads it more than once; got {type(batches).__name__}. Give "
                "lambda: ..., say."
            )
        if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or rows < 0:
            raise InputError(
                f"Expected rows as a whole number of at least 0; got {rows!r}. Give how many rows "
                "all batches have together: count them first, where that is not known."
            )
        self.batches, self.rows = batches, rows
        self.folder, self.memory = Path(folder), memory
        self.missing: Counter[str] = Counter()

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Give the frames of one reading, but for those without rows.

        Raises
        ------
        InputError
            There are more or fewer rows than were stated: the table changes while it is read.
        """
        read = 0
        for frame in map(to_polars, self.batches()):
            read += frame.height
            if read > self.rows:
                break
            if frame.height:
                yield frame
        if read != self.rows:
            got = "more" if read > self.rows else str(read)
            raise InputError(
                f"Expected {self.rows} rows in every reading of the table; got {got}. Fit a copy "
                "that nobody writes to."
            )

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        for frame in self.batches():
            return to_polars(frame).columns
        raise InputError("Expected a stream of frames; got none. Give one with rows.")

    def without(self, chosen: Bools) -> Stream:
        """The stream of the other rows."""
        count = int(len(chosen) - chosen.sum())
        rest = Stream(lambda: self._parts(~chosen), count, folder=self.folder, memory=self.memory)
        rest.missing = self.missing  # one count for both
        return rest

    def only(self, chosen: Bools) -> pl.DataFrame:
        """The chosen rows, read into memory."""
        return pl.concat(_joinable(list(self._parts(chosen))), how="vertical_relaxed")

    def _parts(self, chosen: Bools) -> Iterator[pl.DataFrame]:
        start, columns = 0, list[str]()
        for frame in self:
            columns = columns or frame.columns  # others may come in another order
            yield frame.select(columns).filter(chosen[start : start + frame.height])
            start += frame.height


def check_not_stream(X: Any) -> None:
    """Refuse a stream where rows are to be held in memory.

    Raises
    ------
    InputError
        It is one.
    """
    if isinstance(X, Stream):
        raise InputError(
            "Expected rows that are held in memory; got a stream. Give its frames one after the "
            "other, for frame in stream: ..., or a sample of them."
        )


@dataclass(frozen=True)
class Encoded:
    """What the two readings of a stream give."""

    encoder: TableEncoder
    names: tuple[str, ...]
    scaler: Scaler
    sample: Matrix
    """Rows drawn without replacement, in their old order, not scaled."""
    file: RowFile | None


def encoded(
    stream: Stream,
    scaling: str,
    schema: Any,
    *,
    seed: int,
    sample_rows: int,
    keep: bool,
) -> Encoded:
    """Read a stream twice: learn its columns, then encode them.

    Parameters
    ----------
    schema : Schema, TableEncoder or None
        What the columns are; of an encoder all is known, and the first reading is left out.
    sample_rows : the most rows of the sample.
    keep : whether to write the encoded rows into a file.

    Raises
    ------
    InputError
        The table will not do; see :class:`alad.preprocessing.learning.tables.TableLearner`.
    OutputError
        The file cannot be written.
    """
    encoder = schema if isinstance(schema, TableEncoder) else _learned(stream, schema, seed)
    binary, f = encoder.binary, len(encoder.feature_names)
    most = min(sample_rows, most_rows(stream, f))
    places = drawn(len(stream), max(2, most), seed)
    scaler, sample = ScalerLearner(scaling, binary), []
    file = RowFile(stream.folder, binary) if keep else None
    start, names = 0, tuple[str, ...]()
    stream.missing.clear()
    try:
        for frame in stream:
            try:
                x, notes = encoder.transform(frame)
            except RowError as error:
                raise error.at(start + error.row) from error
            stream.missing.update(notes.missing)
            scaler.update(x)
            first, end = np.searchsorted(places, (start, start + len(x)))
            sample.append(x[places[first:end] - start])
            if file is not None:
                file.append(x)
            start, names = start + len(x), tuple(frame.columns)
        return Encoded(encoder, names, scaler.finish(), np.concatenate(sample), file)
    except BaseException:
        if file is not None:
            file.close()
        raise


def _learned(stream: Stream, schema: Any, seed: int) -> TableEncoder:
    learner = TableLearner(schema, seed=seed)
    for frame in stream:
        learner.update(frame)
    encoder = learner.finish()
    encoder.check_varies(learner.rows)
    return encoder


class RowFile:
    """Encoded rows on disk, exactly; a feature that is 0 or 1 takes a bit.

    The file has no name. It is gone once it is closed, or its process has ended, however.

    >>> file = RowFile(Path("."), np.array([False, True, True]))
    >>> file.append(np.array([[2.5, 0, 1], [3.5, 1, 1]], np.float32))
    >>> file.unpacked(file.read(1, 1)).tolist()
    [[3.5, 1.0, 1.0]]
    >>> file.close()
    """

    def __init__(self, folder: Path, binary: Bools) -> None:
        self.folder, self.binary, self.rows = folder, binary, 0
        self.numbers = 4 * int((~binary).sum())  # bytes of a row
        self.width = self.numbers + -(-int(binary.sum()) // 8)
        self._sum = hashlib.sha256()
        self._one = Lock()  # who looks for a place in the file and then reads or writes there
        with _explained(folder):
            self._file = TemporaryFile(dir=folder, buffering=0)

    @property
    def digest(self) -> str:
        """Of all rows."""
        return self._sum.hexdigest()

    def append(self, x: Matrix) -> None:
        """Write rows (n, f).

        Raises
        ------
        OutputError
            They cannot be written.
        """
        packed = np.empty((len(x), self.width), np.uint8)
        packed[:, : self.numbers] = np.ascontiguousarray(x[:, ~self.binary]).view(np.uint8)
        packed[:, self.numbers :] = np.packbits(x[:, self.binary] != 0, axis=1)
        left = packed.reshape(-1).data
        self._sum.update(left)
        with self._one, _explained(self.folder):
            self._file.seek(self.rows * self.width)
            while left:
                left = left[self._file.write(left) :]
            self.rows += len(x)

    def read(self, start: int, count: int) -> NDArray[np.uint8]:
        """Give rows as they lie in the file, (count, width)."""
        packed = np.empty((count, self.width), np.uint8)
        left = packed.reshape(-1).data
        with self._one, _explained(self.folder):
            self._file.seek(start * self.width)
            while left:
                got = self._file.readinto(left)
                if not got:
                    raise OSError(errno.EIO, "the file ends too early")
                left = left[got:]
        return packed

    def unpacked(self, packed: NDArray[np.uint8]) -> Matrix:
        """Give rows as they were, (count, f)."""
        x = np.empty((len(packed), len(self.binary)), np.float32)
        numbers = np.ascontiguousarray(packed[:, : self.numbers])
        x[:, ~self.binary] = numbers.view(np.float32)
        bits = np.unpackbits(packed[:, self.numbers :], axis=1, count=int(self.binary.sum()))
        x[:, self.binary] = bits
        return x

    def close(self) -> None:
        """Let go of the file, and with it of the space on the disk."""
        with suppress(OSError):
            self._file.close()


class Windows:
    """Scaled rows of a file for training, as many for each epoch as the memory holds.

    Windows follow each other until all rows have had their turn, but for a few that fill none.
    Then comes another round, with other windows. The rows of a window lie in blocks of neighbours
    from all over the file. What is in a window follows from the seed and its number alone.

    Parameters
    ----------
    file : RowFile
    scaler : Scaler
    seed : int
    most : int
        Rows of a window at most.
    """

    def __init__(self, file: RowFile, scaler: Scaler, *, seed: int, most: int) -> None:
        self.file, self.scaler, self.seed = file, scaler, seed
        self.block = max(1, min(BLOCK, file.rows // 64, most // 16))
        blocks = file.rows // self.block
        self.in_round = min(-(-file.rows // most), blocks)
        self.blocks = blocks // self.in_round
        self.shape = (self.blocks * self.block, len(file.binary))

    @property
    def identity(self) -> tuple[Any, ...]:
        """What settles the windows, for a checkpoint."""
        scaler = [array.tobytes() for array in self.scaler.to_arrays().values()]
        return (self.file.digest, self.scaler.kind, *scaler, self.seed, self.shape)

    def window(self, epoch: int) -> Matrix:
        """Give the rows of an epoch, counted from 1."""
        turn, place = divmod(epoch - 1, self.in_round)
        rng = np.random.default_rng((self.seed, turn))
        first = int(rng.integers(self.file.rows % self.block + 1))
        order = rng.permutation(self.file.rows // self.block)
        chosen = np.sort(order[place * self.blocks : (place + 1) * self.blocks])
        rows = np.empty(self.shape, np.float32)
        at_once = max(1, AT_ONCE // self.block)
        for i in range(0, self.blocks, at_once):
            some = chosen[i : i + at_once]
            packed = [self.file.read(first + int(b) * self.block, self.block) for b in some]
            part = self.scaler.transform(self.file.unpacked(np.concatenate(packed)))
            rows[i * self.block : i * self.block + len(part)] = part
        return rows


def most_rows(stream: Stream, features: int) -> int:
    """The rows of a window."""
    return max(1, int(stream.memory * PART) // (4 * features))


def _joinable(parts: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The same values, where types differ that polars puts under none: as text, and in UTC."""
    enums, zoned = list[str](), list[str]()
    for name in parts[0].columns:
        types = {part.schema[name] for part in parts}
        if len([kind for kind in types if isinstance(kind, pl.Enum)]) > 1:
            enums.append(name)
        if len({kind.time_zone for kind in types if isinstance(kind, pl.Datetime)}) > 1:
            zoned.append(name)
    with_zone = cs.by_name(zoned) & cs.datetime(time_zone="*")
    without = cs.by_name(zoned) & cs.datetime(time_zone=None)
    return [
        part.with_columns(
            pl.col(enums).cast(pl.String),
            with_zone.dt.convert_time_zone("UTC"),
            without.dt.replace_time_zone("UTC"),
        )
        for part in parts
    ]


def _explained(folder: Path) -> AbstractContextManager[None]:
    return explained(
        f"keep encoded rows in a temporary file in {folder}",
        "Free some space, choose another place for the result, or allow more memory.",
    )
