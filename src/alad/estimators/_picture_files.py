"""Pictures too many to be held: their files are decoded again for each window of a training.

What fits into memory is read once. What does not is trained on in windows, as tables are: the next
window is decoded while the one before is trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alad.errors import InputError
from alad.estimators._given import drawn
from alad.estimators._stream import MEMORY, PART
from alad.preprocessing.pictures import Pixels, Unreadable, read_all
from alad.preprocessing.scaling import Scaler

AT_ONCE = 256  # files that are decoded side by side
BYTES = 4  # of a pixel, once it is a number between -1 and 1

Bools = NDArray[np.bool_]


class PictureFiles:
    """Files of pictures that are decoded whenever they are needed.

    Parameters
    ----------
    paths : sequence of Path
    side, channels : int
        What every file becomes (:mod:`alad.preprocessing.pictures`).
    memory : int
        About how many bytes a fit may take in all.

    Attributes
    ----------
    unreadable : dict of Path to Unreadable
        What was found to be no sound picture so far. Others take its place in a training.
    looked_at : set of Path
        What was decoded so far, or found to be none.

    >>> files = PictureFiles([Path("a.png"), Path("b.png")], side=32, channels=3)
    >>> len(files), files.shape, files.size
    (2, (32, 32, 3), 24576)
    """

    def __init__(
        self,
        paths: Sequence[Path],
        side: int,
        channels: int,
        *,
        memory: int = MEMORY,
    ) -> None:
        self.paths, self.side, self.channels = list(paths), side, channels
        self.memory = memory
        self.unreadable: dict[Path, Unreadable] = {}
        self.looked_at: set[Path] = set()

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one picture."""
        return self.side, self.side, self.channels

    @property
    def size(self) -> int:
        """The bytes of all pictures, once they are numbers."""
        return BYTES * len(self) * self.side**2 * self.channels

    @property
    def most(self) -> int:
        """How many pictures a window holds."""
        return max(2, int(self.memory * PART) // (BYTES * self.side**2 * self.channels))

    @property
    def in_flight(self) -> int:
        """How many bytes decoding may take at the same time."""
        return int(self.memory * PART)

    @property
    def identity(self) -> str:
        """A digest that changes with the names, sizes and dates of the files."""
        facts = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in self.paths]
        return hashlib.sha256(repr((facts, self.shape)).encode("utf-8", "replace")).hexdigest()

    def without(self, chosen: Bools) -> PictureFiles:
        """The other files."""
        rest = [path for path, out in zip(self.paths, chosen, strict=True) if not out]
        files = PictureFiles(rest, self.side, self.channels, memory=self.memory)
        files.unreadable, files.looked_at = self.unreadable, self.looked_at  # one account for both
        return files

    def only(self, chosen: Bools) -> Pixels:
        """The chosen pictures, without those that cannot be read."""
        return self.read(np.flatnonzero(chosen))

    def sample(self, seed: int) -> Pixels:
        """Decode as many as a window holds, drawn without replacement, in the files' order."""
        return self.read(drawn(len(self), self.most, seed))

    def read(self, places: NDArray[np.integer[Any]]) -> Pixels:
        """Decode the sound ones of some files, in that order: (n, side, side, channels).

        Raises
        ------
        InputError
            None of them is sound.
        """
        parts = [pictures for pictures in self._batches(places) if len(pictures)]
        if not parts:
            raise InputError(
                f"Expected sound pictures; none of {len(places)} files could be read. The first: "
                f"{_told(next(iter(self.unreadable.values())))}."
            )
        return np.concatenate(parts)

    def count_sound(self) -> int:
        """How many files are sound pictures; decodes those that were not looked at yet.

        A training that went on from a checkpoint has not seen all of them itself.
        """
        new = [i for i, path in enumerate(self.paths) if path not in self.looked_at]
        for _ in self._batches(np.array(new, np.intp)):
            pass
        return sum(path not in self.unreadable for path in self.paths)

    def _batches(self, places: NDArray[np.integer[Any]]) -> Iterator[Pixels]:
        paths = [self.paths[i] for i in places]
        size = self.side, self.channels
        for pictures, sound, bad in read_all(paths, *size, at_once=AT_ONCE, most=self.in_flight):
            self.unreadable.update({one.path: one for one in bad})
            self.looked_at.update(sound, (one.path for one in bad))
            yield pictures


class PictureWindows:
    """Scaled pictures for training, as many for each epoch as the memory holds.

    Windows follow each other until all files have had their turn, a few of them twice where that
    fills the last one; then they are dealt anew. What is in a window follows from the seed and its
    number alone.
    """

    def __init__(self, files: PictureFiles, scaler: Scaler, *, seed: int) -> None:
        self.files, self.scaler, self.seed = files, scaler, seed
        self.in_round = -(-len(files) // files.most)
        self.shape = (-(-len(files) // self.in_round), *files.shape)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What settles the windows, for a checkpoint."""
        return (self.files.identity, self.scaler.kind, self.seed, self.shape)

    def window(self, epoch: int) -> NDArray[np.float32]:
        """Give the pictures of an epoch, counted from 1; repeated ones stand for damaged files."""
        turn, place = divmod(epoch - 1, self.in_round)
        order = np.random.default_rng((self.seed, turn)).permutation(len(self.files))
        count = self.shape[0]
        dealt = np.resize(order, self.in_round * count)
        sound = self.files.read(dealt[place * count : (place + 1) * count])
        whole = sound[np.arange(count) % len(sound)]
        scaled = self.scaler.transform(whole.reshape(count, -1))
        return scaled.reshape(self.shape)


def _told(bad: Unreadable) -> str:
    name = str(bad.path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f"{name} ({bad.reason})"
