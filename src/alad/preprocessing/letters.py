"""How much of a long text is told, and which part of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

LONGEST = 60  # letters of a text that is told whole
HEAD, TAIL = 28, 31  # that are left of a longer one, ...
START, END = 18, 18  # ... or these, and between them ...
BEFORE, FROM = 10, 12  # ... the ones around the letter from which on it differs from another
OTHERS = re.compile(r" or [\d,]+ others? as frequent$")  # what is said after an expected value
IN_LETTERS = re.compile(r"~\d+ characters\b")  # as text of many lengths is expected


def shortened(text: str, at: int = 0) -> str:
    """Leave the middle of a long text out, but not what stands around one of its letters.

    >>> url = "http://shop.example/catalogue/" + 40 * "a" + "?page=2" + 50 * "b"
    >>> print(shortened(url), shortened(url, url.index("2")), sep=chr(10))
    http://shop.example/catalogu…bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    http://shop.exampl…aaaa?page=2bbbbbbbbbbb…bbbbbbbbbbbbbbbbbb
    """
    text, others = _split(text)
    n = len(text)
    if n <= LONGEST:
        return text + others
    if at < HEAD or at >= n - TAIL:
        return f"{text[:HEAD]}…{text[-TAIL:]}{others}"
    first, last = max(at - BEFORE, START), min(at + FROM, n - END)
    parts = text[:START], text[START:first], text[first:last], text[last:-END], text[-END:]
    told = ("…" if part and i in (1, 3) else part for i, part in enumerate(parts))
    return "".join(told) + others


def _split(text: str) -> tuple[str, str]:
    """A value, and what is said after it of others that are as frequent."""
    others = OTHERS.search(text)
    return (text[: others.start()], others[0]) if others else (text, "")


def told_apart(texts: Iterable[str]) -> dict[str, str]:
    """Give each text what is told of it, where it differs from the one that is most like it.

    Texts that are told alike for all that are numbered: no two are the same.

    >>> urls = [f"http://shop.example/catalogue/{40 * 'a'}?page={n}{50 * 'b'}" for n in (1, 2)]
    >>> print(*told_apart(urls).values(), sep=chr(10))
    http://shop.exampl…aaaa?page=1bbbbbbbbbbb…bbbbbbbbbbbbbbbbbb
    http://shop.exampl…aaaa?page=2bbbbbbbbbbb…bbbbbbbbbbbbbbbbbb
    """
    parts = {text: _split(text) for text in texts}
    ordered = sorted({value for value, _ in parts.values()})
    common = [0, *(_in_common(a, b) for a, b in pairwise(ordered)), 0]
    found = {
        value: shortened(value, max(around))
        for value, around in zip(ordered, pairwise(common), strict=False)
    }
    times = Counter(found.values())
    clear = {v: told if times[told] == 1 else with_length(told, v) for v, told in found.items()}
    times, seen = Counter(clear.values()), Counter[str]()
    for value, told in found.items():
        if times[clear[value]] > 1:  # they differ in several places, of which one is shown
            seen[told] += 1
            clear[value] = f"{told} #{seen[told]}"
    return {text: clear[value] + others for text, (value, others) in parts.items()}


def _in_common(a: str, b: str) -> int:
    """How many letters two texts begin with alike."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def with_length(told: str, text: str) -> str:
    """Say after what is told of a text how long it is, once.

    >>> with_length("GET /…", "GET /" + 1995 * "a")
    'GET /… (2,000 characters)'
    """
    note = f" ({len(text):,} character{'s' * (len(text) != 1)})"
    return told if told.endswith(note) else told + note


def tells_length(expected: object) -> bool:
    """Whether a length is expected in the place of a text, so that its own is of interest."""
    return isinstance(expected, str) and IN_LETTERS.search(expected) is not None
