"""What a model takes, read batch by batch: the rows of a table, or the pictures of a folder."""

from __future__ import annotations

import glob
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from alad._files import is_shown
from alad.cli.pictures import Folder, OnBad
from alad.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from alad.cli.tables import Table
    from alad.estimators import AbstractDetector
    from alad.preprocessing.table import TableNotes


@dataclass(frozen=True)
class Batch:
    """Some rows in their order, as they were read."""

    start: int
    """The number of the first of them, counted from 0."""
    names: pl.DataFrame
    """What each is called in a result: a column ``row`` of numbers, or ``file``."""
    content: Any
    """A frame with the columns that were asked for, or pictures."""


class Inputs(ABC):
    """What a model is to judge. It can be read once."""

    place: str
    """What to call it in a message."""
    expected: int | None
    """How many rows there are, where that is known."""
    columns: tuple[str, ...] | None = None
    """The names of a table's columns."""
    skips: bool = False
    """Whether what cannot be read is left out."""

    @abstractmethod
    def batches(self, beside: Sequence[str] = ()) -> Iterator[Batch]:
        """Give all rows, with these columns of a table beside those that the model reads."""

    @abstractmethod
    def taken(self, batch: Batch) -> Any:
        """Give what the detector takes: a frame with the types of fit, or an array."""

    @abstractmethod
    def copied(self, frame: pl.DataFrame, *, typed: bool) -> pl.DataFrame:
        """Give columns as they are to be copied: as read, or in the types that fit knows."""

    @abstractmethod
    def note(self, notes: TableNotes | None) -> None:
        """Add what the model noted about a batch to the sums."""

    @abstractmethod
    def summary(self, named: Sequence[str]) -> dict[str, Any]:
        """What is to be said of all that was read, as JSON; of these columns somebody knows."""

    @abstractmethod
    def aside(self) -> dict[str, Any]:
        """What of it was not read, as JSON: a part of the summary."""

    def __iter__(self) -> Iterator[Any]:
        """Give what the detector takes, batch by batch."""
        return (self.taken(batch) for batch in self.batches())


class Pictures(Inputs):
    """The pictures of a folder."""

    def __init__(self, detector: AbstractDetector, folder: Folder) -> None:
        self.shape, self.folder = detector.picture_shape_, folder
        self.place, self.expected = str(folder.path), len(folder.files)

    def batches(self, beside: Sequence[str] = ()) -> Iterator[Batch]:
        """Give all pictures; they have no columns."""
        import polars as pl

        start, (side, _, channels) = 0, self.shape
        for pictures, names in self.folder.batches(side, channels):
            yield Batch(start, pl.DataFrame({"file": names}), pictures)
            start += len(names)

    def taken(self, batch: Batch) -> Any:
        """Give the pictures."""
        return batch.content

    def copied(self, frame: pl.DataFrame, *, typed: bool) -> pl.DataFrame:
        """Give them back: of pictures there are none."""
        return frame

    def note(self, notes: TableNotes | None) -> None:
        """Look away: of pictures nothing is noted."""

    def summary(self, named: Sequence[str]) -> dict[str, Any]:
        """Which files were left out."""
        return self.aside()

    def aside(self) -> dict[str, Any]:
        """Which files were left out."""
        return {"unreadable": self.folder.summary()}


class Rows(Inputs):
    """The rows of a table; with ``skips`` what cannot be read of a row counts as missing."""

    def __init__(self, detector: AbstractDetector, table: Table, *, skips: bool = False) -> None:
        self.table, self.encoder, self.skips = table, detector.encoder_, skips
        self.dropped = (detector.trained_on_ or {}).get("dropped", ())
        self.place, self.expected = table.place, table.rows
        self.wanted = _wanted(detector, table)
        # A key that no line has is a column all the same, where the model reads it.
        self.columns = tuple(dict.fromkeys((*table.names, *self.wanted)))
        self.unseen: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.odd: Counter[str] = Counter()
        self.counting = Lock()  # batches are taken side by side
        self.remarks: dict[str, str] = {}

    def batches(self, beside: Sequence[str] = ()) -> Iterator[Batch]:
        """Give all rows."""
        import polars as pl

        from alad.cli.tables import lists_as_text

        start = 0
        for frame in self.table.batches(tuple(dict.fromkeys((*self.wanted, *beside)))):
            if self.skips and not self.table.is_typed:
                frame = lists_as_text(frame)
            self._check_no_lists(frame)
            row = pl.int_range(start, start + frame.height, dtype=pl.Int64, eager=True)
            yield Batch(start, pl.DataFrame({"row": row}), frame)
            start += frame.height

    def _check_no_lists(self, frame: pl.DataFrame) -> None:
        """Refuse lists in what the model reads; in other columns they may be copied."""
        lists = [name for name in self.wanted if frame[name].dtype.is_nested()]
        if lists:
            raise InputError(
                f"Expected single values in column {lists[0]!r} of {self.place}, as at fit; got "
                "lists. Spread them over columns of their own, or fit a model without the column."
            )

    def taken(self, batch: Batch) -> Any:
        """Give a frame with the types of fit, or an array."""
        from alad.cli.tables import as_at_fit, as_numbers, without_odd_values

        frame = batch.content.select(self.wanted)
        if self.encoder is None:
            return as_numbers(frame)
        if self.skips:
            frame, odd = without_odd_values(frame, self.encoder.schema)
            with self.counting:
                self.odd.update(odd)
        return as_at_fit(frame, self.encoder.schema)

    def copied(self, frame: pl.DataFrame, *, typed: bool) -> pl.DataFrame:
        """Make text of JSON's lists, and numbers, and true and false, of those in CSV and JSON."""
        from alad.cli.tables import as_copied, as_copied_from_odd, lists_as_text
        from alad.preprocessing.columns import Column

        if self.table.is_typed:
            return frame
        frame = lists_as_text(frame)
        if not typed:
            return frame
        if self.encoder is None:
            return as_copied(frame, [Column(name, "numeric") for name in frame.columns])
        if self.skips:
            return as_copied_from_odd(frame, self.encoder.schema)
        return as_copied(frame, self.encoder.schema)

    def note(self, notes: TableNotes | None) -> None:
        """Add the rows with values that fit did not see, those without a value, and remarks."""
        if notes is not None:
            self.unseen.update(notes.unseen)
            self.missing.update(notes.missing)
            self.remarks.update(notes.remarks)

    def summary(self, named: Sequence[str]) -> dict[str, Any]:
        """What was noted, and which columns and files the model did not read."""
        left_out = [column.name for column in self.encoder.left_out] if self.encoder else []
        known = {*self.wanted, *named, *left_out, *self.dropped}
        given = dict.fromkeys((*self.table.names, *getattr(self.table, "late", ())))
        read = self.encoder.schema if self.encoder else ()
        new = [column for column in read if column.name in self.missing and not column.has_missing]
        return {
            "unseen_categories": dict(self.unseen),
            "missing_values": dict(self.missing),
            "newly_missing": {c.name: self.missing[c.name] for c in new},
            "newly_missing_uncounted": [c.name for c in new if not c.tells_missing],
            "otherwise": self.remarks,
            **self.aside(),
            "ignored_columns": [name for name in given if name not in known],
        }

    def aside(self) -> dict[str, Any]:
        """Which files, lines and values were left out."""
        from alad.cli.tables import left_aside

        return {**left_aside(self.table), "odd_values": dict(self.odd)}


@contextmanager
def opened(detector: AbstractDetector, path: Path, on_bad: OnBad | None = None) -> Iterator[Inputs]:
    """Open a table or a folder of pictures for a model, before any row of it is read.

    Raises
    ------
    InputError
        It is the other one of the two, or cannot be read, or lacks columns of fit.
    """
    from alad.cli.tables import holds_pictures, open_table

    is_folder = holds_pictures(path)
    if is_folder != detector.takes_pictures:
        wanted = "a table" if is_folder else "a folder of pictures"
        got = f"the {'folder' if is_folder else 'file'} {path}" if path.exists() else "no such path"
        raise InputError(
            f"Expected {wanted}, as at fit, at {path}; got {got}. Check the path, or take another "
            "model."
        )
    if is_folder:
        yield Pictures(detector, Folder(path, on_bad or OnBad.skip))
        return
    skips = on_bad is OnBad.skip
    with open_table(path, skips=skips) as table:
        yield Rows(detector, table, skips=skips)


def files_read(path: Path | None) -> list[Path]:
    """Give what a path names for :func:`alad._files.check_not_read`: itself, or what it matches."""
    if path is None:
        return []
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    return [Path(name) for name in glob.glob(str(path), recursive=True)]


def check_outside(out: Path | None, *paths: Path | None) -> None:
    """Refuse a result that, from then on, would be one of the files that a path means.

    Raises
    ------
    InputError
        Names the folder or the pattern.
    """
    from alad.cli.tables.files import format_of
    from alad.preprocessing.pictures import ENDINGS

    if out in (None, Path("-")) or not (format_of(out) or out.suffix.lower() in ENDINGS):
        return
    for path in filter(None, paths):
        if _means(path, out):
            raise InputError(
                f"Expected another place to write to than {out}: {path} is read, and the next time "
                "this file would be a part of it. Give a name outside of it."
            )


def _means(path: Path, file: Path) -> bool:
    """Whether a path, a folder or a pattern, would mean a file that need not be there yet."""
    whole = file.resolve()
    if path.is_dir():
        folder = path.resolve()
        return folder in whole.parents and is_shown(whole, folder, "._")
    if path.exists() or not glob.has_magic(str(path)):
        return False
    parts = path.absolute().parts
    plain = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return _matches(whole.parts, (*Path(*parts[:plain]).resolve().parts, *parts[plain:]))


def _matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """As :func:`glob.glob` matches, name by name.

    >>> _matches(("a", "b", "c.csv"), ("**", "*.csv")), _matches(("a", "b.csv"), ("*.csv",))
    (True, False)
    """
    if not pattern:
        return not names
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        return any(_matches(names[i:], rest) for i in range(len(names) + 1))
    if not names or names[0].startswith(".") > first.startswith("."):  # which a pattern must name
        return False
    return fnmatchcase(names[0], first) and _matches(names[1:], rest)


def _wanted(detector: AbstractDetector, table: Table) -> tuple[str, ...]:
    """The columns of fit; a model that was fitted on an array takes them all, in their order."""
    from alad.cli.show import note
    from alad.preprocessing.frames import quoted

    if detector.encoder_ is None:
        if len(table.names) != detector.n_features_in_:
            raise InputError(
                f"Expected {detector.n_features_in_} columns, as in the array at fit; "
                f"{table.place} has {len(table.names)}. Give the same columns."
            )
        return table.names
    wanted = tuple(column.name for column in detector.encoder_.schema)
    absent = [name for name in wanted if name not in table.names]
    if absent and getattr(table, "lacks", False) and len(absent) < len(wanted):
        where = f"the first lines of {table.place}"
        note(f"keys that {where} do not have, missing unless they come later", absent)
    elif absent:
        known = {column.name for column in detector.encoder_.columns}
        others = [name for name in table.names if name not in known]
        unseen = f"; not seen at fit: {quoted(others)}" if others else ""
        raise InputError(
            f"Expected the {len(wanted)} columns at fit in {table.place}; missing: "
            f"{quoted(absent)}{unseen}. Give the same columns, or refit."
        )
    return wanted
