"""Pictures: arrays of them, and files of any size made into squares of one size.

A file becomes a picture of ``side`` by ``side`` pixels by these rules, in this order:

1. It is turned as its camera said (EXIF), unless that is damaged. Of an animation the first frame
   counts.
2. It becomes gray or RGB, 8 bits a channel: gray of 16 bits is rounded to them, of colours the
   upper byte counts. What is transparent is laid over white.
3. The largest square in its middle is cut out, whole pixels; an odd one goes on the right or below.
4. The square is resized by Lanczos's filter, which averages where it shrinks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Condition
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from alad._files import is_shown
from alad.errors import InputError

SMALLEST, LARGEST = 8, 128  # pixels a side
MOST_PIXELS = 80_000_000  # of a file: below the number at which Pillow warns of an attack
IN_FLIGHT = 2**27  # bytes that files may take that are decoded at the same time
BYTES, BYTES_OF_WEBP = 8, 20  # that a pixel takes until its picture is small, as measured
STRIP = 256  # rows of pixels that are converted at once
ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
FORMATS = ("PNG", "JPEG", "WEBP")
"""The formats whose programs may see a file, whatever it is called."""
STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")  # of files of these formats

Pixels = NDArray[np.uint8]


def as_pictures(X: Any, *, fitting: bool = True) -> NDArray[Any]:
    """Check an array of square pictures; give it as (n, side, side, channels).

    Parameters
    ----------
    X : array of shape (n, side, side) or (n, side, side, channels)
        Numbers from 0 to 255.
    fitting : bool
        Whether numbers that all lie between 0 and 1 are refused: of one dark picture they may.

    Raises
    ------
    InputError
        Another shape, no picture, or other numbers.

    >>> as_pictures(np.zeros((2, 28, 28), np.uint8)).shape
    (2, 28, 28, 1)
    """
    if np.ma.is_masked(X):
        raise InputError("Expected pictures without gaps; got masked values. Fill them.")
    try:
        x = np.asarray(X)
    except ValueError as error:
        raise InputError(
            f"Expected pictures of one size; got {error}. Bring them to one size first."
        ) from error
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.dtype.kind not in "uif":
        raise InputError(
            "Expected pictures: an array of numbers of shape (n, side, side, channels) or (n, "
            f"side, side); got shape {x.shape}, {x.dtype}. For rows of a table leave preset at "
            "'tabular'."
        )
    n, height, width, channels = x.shape
    if n == 0 or height != width or not SMALLEST <= height <= LARGEST or channels == 0:
        raise InputError(
            f"Expected at least one picture, square, of {SMALLEST} to {LARGEST} pixels a side; got "
            f"{n} of {height} x {width}, channels: {channels}. Cut and resize them first "
            "(alad.preprocessing.pictures.read does, from files); a single picture is X[None]."
        )
    _check_range(x, fitting=fitting)
    return x


def _check_range(x: NDArray[Any], *, fitting: bool) -> None:
    if x.dtype == np.uint8:
        return
    low, high = x.min(), x.max()
    if not (low >= 0 and high <= 255):  # NaN is neither
        raise InputError(
            f"Expected pixels from 0 to 255; got {low:g} to {high:g}. Scale them to that range."
        )
    if x.dtype.kind == "f" and (0 < high <= 1 if fitting else _are_shares(x).any()):
        raise InputError(
            f"Expected pixels from 0 to 255; got {low:g} to {high:g}. Multiply them by 255."
        )


def _are_shares(x: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) which pictures are of shares of 1; of a dark one whole numbers may be as low."""
    pixels = x.reshape(len(x), -1)
    found: NDArray[np.bool_] = pixels.max(axis=1) <= 1
    found[found] = (pixels[found] != np.floor(pixels[found])).any(axis=1)
    return found


class InFlight:
    """How many bytes decoding may take at the same time, whoever decodes.

    A picture that takes more than that waits until it is alone.

    >>> in_flight = InFlight(100)
    >>> with in_flight.taken(60):
    ...     in_flight.free
    40
    >>> in_flight.free
    100
    """

    def __init__(self, most: int = IN_FLIGHT) -> None:
        self.most = self.free = max(1, most)
        self._changed = Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Wait until so many are free, and hold them."""
        held = min(count, self.most)
        with self._changed:
            self._changed.wait_for(lambda: held <= self.free)
            self.free -= held
        try:
            yield
        finally:
            with self._changed:
                self.free += held
                self._changed.notify_all()


@dataclass(frozen=True)
class Unreadable:
    """A file that is no sound picture, and why."""

    path: Path
    reason: str


def files_in(folder: Path) -> list[Path]:
    """Every picture file in a folder and the folders below it, in the order of their names.

    Hidden ones are left out, and what is in hidden folders.

    Raises
    ------
    InputError
        There is none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS and path.is_file() and is_shown(path, folder)
    )
    if not found:
        raise InputError(
            f"Expected pictures in {folder}, files named {', '.join(ENDINGS)}; found none. "
            "Check the path."
        )
    return found


def read(
    path: Path, side: int, channels: int, in_flight: InFlight | None = None
) -> Pixels | Unreadable:
    """Read one file by the rules above: (side, side, channels), or what is wrong with it."""
    try:
        with Image.open(path, formats=FORMATS) as opened:  # the header alone
            if opened.width * opened.height > MOST_PIXELS:
                return Unreadable(path, f"{opened.width} x {opened.height} pixels are too many")
            with (in_flight or InFlight()).taken(_bytes_of(opened)):
                square = _resized(opened, side, "RGB" if channels == 3 else "L")
    except Exception as error:  # anything at all, depending on which bytes are damaged
        return Unreadable(path, _why(path, error))
    return np.asarray(square, np.uint8).reshape(side, side, channels)


def _why(path: Path, error: Exception) -> str:
    """What is wrong with a file, in words: Pillow's are of its decoders."""
    if isinstance(error, OSError) and error.strerror:  # it cannot be opened
        return error.strerror
    if isinstance(error, Image.DecompressionBombError):
        return "its pixels are too many"
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        return "an empty file"
    if not start.startswith(STARTS):
        return "no picture in PNG, JPEG or WebP"
    return "truncated or damaged"


def has_colour(path: Path) -> bool:
    """Whether a file's pixels have colour, by its header; a damaged one has none."""
    try:
        with Image.open(path, formats=FORMATS) as opened:
            return opened.mode not in ("1", "L", "LA", "I", "I;16", "F")
    except Exception:  # it is reported when it is read
        return False


def _bytes_of(picture: Image.Image) -> int:
    """What decoding and converting a picture takes, by its header."""
    a_pixel = BYTES_OF_WEBP if picture.format == "WEBP" else BYTES
    return picture.width * picture.height * a_pixel


def _resized(picture: Image.Image, side: int, mode: str) -> Image.Image:
    """Decode and turn a picture, in place, and make a small square of its middle."""
    picture.load()  # damaged pixels are an error; what a camera said of them is none
    _turn(picture)
    return _middle(picture, mode).resize((side, side), Image.Resampling.LANCZOS)


def _turn(picture: Image.Image) -> None:
    """Turn a picture as its camera said; it stays as it is if that cannot be read."""
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except MemoryError:
        raise
    except Exception:  # anything at all, depending on which bytes are damaged
        return


def _middle(picture: Image.Image, mode: str) -> Image.Image:
    """The largest square in the middle, made gray or RGB a strip at a time to save memory."""
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    square = Image.new(mode, (side, side))
    for y in range(0, side, STRIP):
        box = (left, top + y, left + side, top + min(y + STRIP, side))
        square.paste(_in_mode(picture.crop(box), mode), (0, y))
    return square


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    """Gray or RGB, 8 bits; what is transparent is laid over white."""
    if picture.mode in ("I;16", "I", "F"):  # 16 bits, rounded to eight
        return Image.fromarray(_as_bytes(np.asarray(picture, np.float64))).convert(mode)
    if picture.has_transparency_data:
        over = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(over, picture.convert("RGBA"))
    return picture.convert(mode)


def _as_bytes(values: NDArray[np.float64]) -> Pixels:
    return np.clip(values / 257, 0, 255).round().astype(np.uint8)


def read_all(
    paths: Iterable[Path], side: int, channels: int, *, at_once: int, most: int = IN_FLIGHT
) -> Iterator[tuple[Pixels, list[Path], list[Unreadable]]]:
    """Read files a batch at a time, the next batch while the last one is worked on.

    Parameters
    ----------
    paths, side, channels
        As of :func:`read`.
    at_once : int
        Files of a batch.
    most : int
        Bytes that decoding may take at the same time, by the files' headers: small pictures are
        decoded side by side, a larger one than that alone.

    Yields
    ------
    pictures, paths, unreadable
        (n, side, side, channels), the file of each, and the files that are none.
    """
    in_flight = InFlight(most)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = None
        files = iter(paths)
        while batch := list(islice(files, at_once)):  # decoding leaves the interpreter's lock
            coming = [pool.submit(read, path, side, channels, in_flight) for path in batch]
            if waiting is not None:
                yield _sorted(waiting, side, channels)
            waiting = list(zip(batch, coming, strict=True))
        if waiting is not None:
            yield _sorted(waiting, side, channels)


def _sorted(
    waiting: Sequence[tuple[Path, Any]], side: int, channels: int
) -> tuple[Pixels, list[Path], list[Unreadable]]:
    results = [(path, coming.result()) for path, coming in waiting]
    sound = [(path, found) for path, found in results if not isinstance(found, Unreadable)]
    bad = [found for _, found in results if isinstance(found, Unreadable)]
    pictures = np.empty((len(sound), side, side, channels), np.uint8)
    for i, (_, found) in enumerate(sound):
        pictures[i] = found
    return pictures, [path for path, _ in sound], bad
