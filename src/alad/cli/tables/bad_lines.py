"""What of a table of lines cannot be read, where it is left out rather than end the work."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import IO, Any

KEPT = 100  # lines that are told, of any number
TOLD = 200  # characters of what is wrong with one
WHOLE = 4  # bytes that a character has at most
# Text in UTF-8, as far as it goes: without surrogates, and each character in its shortest form.
SOUND = re.compile(
    rb"(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2})*+"
)
BUFFER = 1 << 17


class BadLines:
    """Lines that were left out: how many, and where and why the first of them.

    >>> bad = BadLines()
    >>> bad.add("line 7", "it is a list")
    >>> bad.to_json()
    {'count': 1, 'first': [{'where': 'line 7', 'why': 'it is a list'}], 'bytes_mended': 0}
    """

    def __init__(self) -> None:
        self.count, self.bytes_mended = 0, 0
        self.first: list[dict[str, str]] = []

    def add(self, where: str, why: str, lines: int = 1) -> None:
        """Note one more, or one that holds several."""
        self.count += lines
        if len(self.first) < KEPT:
            self.first.append({"where": where, "why": why[:TOLD]})

    def extend(self, others: BadLines, place: str) -> None:
        """Note those of a file of a set."""
        self.count += others.count
        self.bytes_mended += others.bytes_mended
        told = ({**one, "where": f"{one['where']} of {place}"} for one in others.first)
        self.first = [*self.first, *told][:KEPT]

    def to_json(self) -> dict[str, Any]:
        """As JSON: the number, the first of them, and how many bytes were no UTF-8."""
        return {"count": self.count, "first": self.first, "bytes_mended": self.bytes_mended}


def mended(stream: IO[bytes], bad: BadLines, substitute: bytes) -> IO[bytes]:
    """Give a stream of UTF-8: one byte stands for each one that is none, and they are counted.

    Places in it are those in what is read, so that it can be read again where that can be.

    >>> bad = BadLines()
    >>> mended(io.BytesIO(b"a\\xffb,\\xc3\\xa9"), bad, b"?").read(), bad.bytes_mended
    (b'a?b,\\xc3\\xa9', 1)
    """
    return io.BufferedReader(_Mended(stream, bad, substitute), BUFFER)


class _Mended(io.RawIOBase):
    """As :func:`mended` says, without a buffer."""

    def __init__(self, stream: IO[bytes], bad: BadLines, substitute: bytes) -> None:
        self.stream, self.bad, self.substitute = stream, bad, substitute
        self.held = b""  # the beginning of a character
        self.ready = memoryview(b"")  # to be given
        self.place = self.furthest = 0  # of what was given, and of what was looked at

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Whether what is read is."""
        return self.stream.seekable()

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place that was given before, between two characters."""
        if whence == io.SEEK_CUR and place == 0:
            return self.place
        self.held, self.ready = b"", memoryview(b"")
        self.place = self.stream.seek(place, whence)
        return self.place

    def readinto(self, buffer: Any) -> int:
        """Give what follows, at least a byte unless there is none."""
        if not self.ready:
            self.ready = memoryview(self._next())
        given = self.ready[: len(buffer)]
        self.ready = self.ready[len(given) :]
        buffer[: len(given)] = given
        self.place += len(given)
        return len(given)

    def _next(self) -> bytes:
        """Read on, to the end of a character."""
        given, more = b"", b"more"
        while not given and more:
            more = self.stream.read(BUFFER)
            whole = self.held + more
            kept = _begun(whole) if more else 0
            given = self._clean(whole[: len(whole) - kept])
            self.held = whole[len(whole) - kept :]
        self.furthest = max(self.furthest, self.place + len(given))
        return given

    def _clean(self, part: bytes) -> bytes:
        places = [] if _is_sound(part) else list(_not_utf_8(part))
        if not places:
            return part
        found = bytearray(part)
        for place in places:
            found[place] = self.substitute[0]
            self.bad.bytes_mended += self.place + place >= self.furthest
        return bytes(found)


def _begun(part: bytes) -> int:
    """How many bytes at the end begin a character that may go on."""
    for n in range(1, min(WHOLE, len(part) + 1)):
        byte = part[-n]
        if byte >= 0xC0:  # it begins one, of so many
            return n if n < 2 + (byte >= 0xE0) + (byte >= 0xF0) else 0
        if byte < 0x80:
            return 0
    return 0


def _is_sound(part: bytes) -> bool:
    try:
        part.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_utf_8(part: bytes) -> Iterator[int]:
    """Where bytes stand that are none."""
    place = 0
    while (found := SOUND.match(part, place)) and found.end() < len(part):
        yield found.end()
        place = found.end() + 1
