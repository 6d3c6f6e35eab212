"""What commands say: JSON and results on standard output, notes on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from typing import Any


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object; a number that is not finite becomes null."""
    from alad.experiments.record import plain

    print(json.dumps(plain(content), allow_nan=False, ensure_ascii=False))


def say(text: str) -> None:
    """Write a line to standard error."""
    print(text, file=sys.stderr)


def note(what: str, items: Collection[str]) -> None:
    """Write a line of notes, if there are any."""
    if items:
        say(f"note: {what}: {', '.join(items)}")


def by_column(counts: Mapping[str, int]) -> list[str]:
    """Give counts of rows as text, the largest first.

    >>> by_column({"flag": 1, "service": 1200})
    ['service (1,200 rows)', 'flag (1 row)']
    """
    largest = sorted(counts.items(), key=lambda item: -item[1])
    return [f"{name} ({n:,} row{'s' * (n != 1)})" for name, n in largest]


def aligned(pairs: Mapping[str, Any]) -> str:
    """Give names and values in two columns.

    >>> print(aligned({"rows": 5, "offset": -1.5}))
    rows    5
    offset  -1.5
    """
    width = max(map(len, pairs), default=0)
    return "\n".join(f"{name:{width}}  {value}" for name, value in pairs.items())
