"""Characters that steer what shows a text, or turn what stands beside them, shown as their codes.

One rule for terminals and pages: whoever writes to a log must not steer what its reader sees.
"""

from __future__ import annotations

import re

# Control characters but tabs and ends of lines, and marks of the direction of writing. As a pattern
# of JavaScript it means the same.
STEERING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
BREAKING = r"\t\n\u2028\u2029"
STEERS = re.compile(f"[{STEERING}]")
BREAKS = re.compile(f"[{BREAKING}]")
NAMES = {"\t": r"\t", "\n": r"\n"}


def visible(text: str) -> str:
    """Show what steers, but let tabs and lines end.

    >>> print(visible("bell" + chr(7) + chr(0x202E) + "gnp.exe"))
    bell\\x07\\u202egnp.exe
    """
    return STEERS.sub(_code, text)


def in_one_line(text: str) -> str:
    """Show what breaks lines, and tabs; names of columns may have such.

    >>> print(in_one_line("bytes" + chr(10) + "sent"))
    bytes\\nsent
    """
    return BREAKS.sub(_code, text)


def _code(found: re.Match[str]) -> str:
    code = ord(found[0])
    return NAMES.get(found[0]) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
