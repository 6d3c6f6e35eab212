"""Whether a CSV ends within quotes: then lines since the last mark are no rows, and nobody knows.

A value is quoted if a mark stands at its beginning, and ends at the next mark that is not doubled.
Other marks are text (5" disks).
"""

from __future__ import annotations

import re
from typing import IO, Any

import numpy as np

MARK = b'"'
WITHIN = rb'(?:[^"]++|"")*+'  # quotes: all up to the mark that closes them


class Quotes:
    """A stream of bytes that watches what is read from it.

    >>> import io
    >>> stream = Quotes(io.BytesIO(b'1,5" disk\\n2,"x\\n3,y\\n'), ",")
    >>> len(stream.read(9)) + len(stream.read()), stream.left_open()
    (19, 1)
    """

    def __init__(self, stream: IO[bytes], separator: str) -> None:
        self.stream = stream
        before = b"\r\n" + separator.encode()  # a mark that opens a value
        self._opens = np.isin(np.arange(256), list(before))
        begin = rb"(?<=[%b])" % re.escape(before)
        self._within = re.compile(WITHIN)
        # All up to a mark that opens a value and has none that closes it.
        self._outside = re.compile(rb'(?:[^"]++|%b"%b"|(?!%b)")*+' % (begin, WITHIN, begin))
        self._held = b""  # marks at the end of a block, for the next may go on with another
        self._last = b"\n"  # what stands before the block
        self._is_open = False
        self._lines = self._line = 0  # so far, and before the mark that is open

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        block = self.stream.read(size)
        whole = self._held + block
        seen = whole.rstrip(MARK)
        self._held = whole[len(seen) :]
        self._watch(seen)
        return block

    def left_open(self) -> int | None:
        """After all was read: how many lines were before the one whose mark is not closed.

        None where every mark is.
        """
        self._watch(self._held)
        self._held = b""
        return self._line if self._is_open else None

    def _watch(self, block: bytes) -> None:
        if not block:
            return
        if MARK in block:
            text = self._last + block
            if not self._in_turns(text):
                self._one_by_one(text)
        self._lines += block.count(b"\n")
        self._last = block[-1:]

    def _in_turns(self, text: bytes) -> bool:
        """Take marks in turns to open and to close; False, and nothing is done, where they do not.

        A doubled mark closes and opens again.
        """
        codes = np.frombuffer(text, np.uint8)
        marks = np.flatnonzero(codes == ord(MARK))
        opening = marks[int(self._is_open) :: 2]
        before = codes[opening - 1]
        begins = self._opens[before]
        if not (begins | (before == ord(MARK))).all():
            return False
        if begins.any():
            last = int(opening[np.flatnonzero(begins)[-1]])
            self._line = self._lines + text.count(b"\n", 1, last)
        self._is_open ^= bool(len(marks) % 2)
        return True

    def _one_by_one(self, text: bytes) -> None:
        """Look for the mark that closes each value, where others are text."""
        place = 1
        while place < len(text):
            run = self._within if self._is_open else self._outside
            place = run.match(text, place).end()  # type: ignore[union-attr] # empty, if no more
            if place < len(text):
                self._is_open = not self._is_open
                if self._is_open:
                    self._line = self._lines + text.count(b"\n", 1, place)
                place += 1
