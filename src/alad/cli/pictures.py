"""Folders of pictures, for the commands that take a table otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.streaming import WHOLE
from alad.errors import InputError

if TYPE_CHECKING:
    from alad.estimators import PictureFiles
    from alad.preprocessing.pictures import Pixels, Unreadable

AT_ONCE = 256  # pictures that are read while others are worked on
LOOKED_AT = 100  # files that are asked for colour


class OnBad(StrEnum):
    """What a file that is no sound picture does, a line that is no row, and what is no number."""

    skip = "skip"
    stop = "stop"


OnBadOption = Annotated[
    OnBad | None,
    typer.Option(
        help="Go on without what cannot be read, and say what that was, or stop. Pictures: a "
        "damaged file is left out. Tables: a line that is no row is left out, and, but at fit, "
        "what is no number or no time where the model reads such is a missing value.",
        show_default="pictures: skip, tables: stop",
    ),
]


class Folder:
    """The pictures of a folder, read batch by batch, and what could not be read."""

    def __init__(self, path: Path, on_bad: OnBad) -> None:
        from alad.preprocessing.pictures import IN_FLIGHT, files_in

        warnings.filterwarnings("ignore", module=r"PIL\.")  # of what stands beside the pixels
        self.path, self.on_bad = path, on_bad
        self.files = files_in(path)
        self.unreadable: list[Unreadable] = []
        self.in_flight = IN_FLIGHT  # bytes that decoding may take at the same time
        self.streamed: PictureFiles | None = None  # where not all were read at once

    def batches(self, side: int, channels: int) -> Iterator[tuple[Pixels, list[str]]]:
        """Give pictures of one size, and the name of each within the folder.

        Raises
        ------
        InputError
            A file is no picture, and that is to stop the run; or none of them is one.
        """
        from alad.preprocessing.pictures import read_all

        if channels not in (1, 3):
            raise InputError(
                f"Expected a model of gray or RGB pictures for files; this one is of {channels} "
                "channels. Score arrays with it, in Python."
            )
        found, how = 0, {"at_once": AT_ONCE, "most": self.in_flight}
        for pictures, paths, bad in read_all(self.files, side, channels, **how):
            self._note(bad)
            found += len(paths)
            if paths:
                yield pictures, [_name(path.relative_to(self.path)) for path in paths]
        if not found:
            raise InputError(
                f"Expected sound pictures in {self.path}; none of {len(self.files)} files could be "
                f"read. The first: {_told(self.unreadable[0])}."
            )

    def named(self, names: Sequence[str], side: int, channels: int) -> list[Pixels]:
        """Give the pictures of these names within the folder.

        Raises
        ------
        InputError
            One of them is not there, or is no sound picture.
        """
        from alad.preprocessing.pictures import Unreadable, read

        files = {_name(path.relative_to(self.path)): path for path in self.files}
        found = []
        for name in names:
            picture = read(files[name], side, channels) if name in files else "it is not there"
            if isinstance(picture, str | Unreadable):
                why = picture if isinstance(picture, str) else picture.reason
                raise InputError(
                    f"Expected the scored pictures in {self.path}; cannot read {name} ({why}). "
                    "Give the folder that was scored."
                )
            found.append(picture)
        return found

    def rows(self, side: int, memory: int) -> Pixels | PictureFiles:
        """Give all pictures, in RGB if any of the first files has colour, else gray.

        Those that would take more than a quarter of the memory are decoded as they are needed.
        """
        from alad.estimators import PictureFiles
        from alad.preprocessing.pictures import has_colour

        channels = 3 if any(map(has_colour, self.files[:LOOKED_AT])) else 1
        files = PictureFiles(self.files, side, channels, memory=memory)
        self.in_flight = files.in_flight
        if files.size <= memory * WHOLE:
            return self._read(side, channels)
        if self.on_bad is OnBad.stop:
            self._check(side, channels)
        self.streamed = files
        return files

    def _check(self, side: int, channels: int) -> None:
        """Decode every picture, so that a damaged one stops the run before the training."""
        from alad.cli.progress import rows_progress

        with rows_progress("checking", len(self.files)) as advance:
            for pictures, _ in self.batches(side, channels):
                advance(len(pictures))

    def _read(self, side: int, channels: int) -> Pixels:
        import numpy as np

        from alad.cli.progress import rows_progress

        every = np.empty((len(self.files), side, side, channels), np.uint8)
        found = 0
        with rows_progress("reading", len(self.files)) as advance:
            for pictures, _ in self.batches(side, channels):
                every[found : found + len(pictures)] = pictures
                found += len(pictures)
                advance(len(pictures))
        return every[:found]

    def _note(self, bad: Sequence[Unreadable]) -> None:
        if bad and self.on_bad is OnBad.stop:
            raise InputError(
                f"Expected sound pictures in {self.path}; cannot read {_told(bad[0])}. Remove the "
                "file, or give --on-bad skip."
            )
        self.unreadable += bad

    def summary(self) -> list[dict[str, str]]:
        """Which files were left out, as JSON."""
        later = self.streamed.unreadable.values() if self.streamed else ()
        return [
            {"file": _name(bad.path), "reason": bad.reason} for bad in (*self.unreadable, *later)
        ]


def _name(path: Path) -> str:
    """The path as text, also where its bytes are none."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _told(bad: Any) -> str:
    return f"{_name(bad.path)} ({bad.reason})"
