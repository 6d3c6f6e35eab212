"""Whether a quotation mark of a CSV is not closed: lines after it are no rows then, unnoticed.

A value is quoted if a mark stands at its beginning, and ends at the next mark that is not doubled.
Other marks are text (5" disks). A mark is not closed if the file ends within its value; and if the
value holds lines, and what closes it is followed by more text: that mark was to open another.
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
        self._value = re.compile(
            rb'(?<=[%b])"%b("?)' % (re.escape(before), WITHIN)  # with the mark that closes it
        )
        self._within = re.compile(WITHIN)
        self._held = b""  # marks at the end of a block, for the next may go on with another
        self._last = b"\n"  # what stands before the block
        self._is_open = False
        self._lines = self._line = 0  # so far, and before the mark that is open
        self.spoiled: int | None = None
        """How many lines were before a value of lines that text follows, if there is one."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        return self._seen(self.stream.read(size))

    def readline(self) -> bytes:
        """Read on to the end of the line."""
        return self._seen(self.stream.readline())

    def _seen(self, block: bytes) -> bytes:
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

    def ends_in(self, line: int) -> bool:
        """Whether nothing follows that line, so that a value left open swallows none."""
        return line >= self._lines - (self._last == b"\n")

    def _watch(self, block: bytes) -> None:
        if not block:
            return
        if MARK in block:
            text = self._last + block
            text += b"\n" if block.endswith(MARK) else b""  # the end of all
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
        opening, closing = marks[int(self._is_open) :: 2], marks[1 - int(self._is_open) :: 2]
        before, after = codes[opening - 1], codes[closing + 1]
        begins = self._opens[before]
        if not (begins | (before == ord(MARK))).all():
            return False
        opening = opening[begins]
        for end in closing[~(self._opens[after] | (after == ord(MARK)))]:
            own = int(np.searchsorted(opening, end)) - 1
            self._check(text, int(opening[own]) if own >= 0 else None, int(end))
        if len(opening):
            self._line = self._lines + text.count(b"\n", 1, int(opening[-1]))
        self._is_open ^= bool(len(marks) % 2)
        return True

    def _one_by_one(self, text: bytes) -> None:
        """Look for the mark that closes each value, where others are text."""
        place = 1
        if self._is_open:
            place = self._within.match(text, place).end()  # type: ignore[union-attr] # or empty
            if place == len(text):
                return
            self._is_open = False
            self._closed(text, None, place)
            place += 1
        for value in self._value.finditer(text, place):
            if value[1]:
                self._closed(text, value.start(), value.end() - 1)
            else:
                self._is_open = True
                self._line = self._lines + text.count(b"\n", 1, value.start())

    def _closed(self, text: bytes, start: int | None, end: int) -> None:
        if not self._opens[text[end + 1]]:
            self._check(text, start, end)

    def _check(self, text: bytes, start: int | None, end: int) -> None:
        """See a value that text follows; None: it began in an earlier block."""
        if self.spoiled is not None:
            return
        if start is None:
            if self._lines > self._line or text.find(b"\n", 1, end) >= 0:
                self.spoiled = self._line
        elif text.find(b"\n", start, end) >= 0:
            self.spoiled = self._lines + text.count(b"\n", 1, start)
