"""How many digits a value is told with."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

DIGITS, MOST_DIGITS = 4, 15  # the latter are what a float holds
SHORT = 12  # digits of a number that is told as it was written, ...
ROUNDED = 6  # ... and of one that has more, at least
SINGLE_MOST = float(np.finfo(np.float32).max)


def digits_beside(value: Any, seen: Any) -> int:
    """How many digits tell a number from another one that it stands beside; at least four.

    >>> digits_beside(300.00128, 295.0), digits_beside(300.00128, 300.0052)
    (4, 6)
    """
    if not (_is_finite(value) and _is_finite(seen)):
        return DIGITS
    size, apart = abs(float(value)), min(abs(float(value) - float(seen)), sys.float_info.max)
    if not size or not apart:
        return DIGITS
    needed = math.floor(math.log10(size)) - math.floor(math.log10(apart)) + 1
    return min(max(needed, DIGITS), MOST_DIGITS)


def as_needed(value: Any, beside: Any) -> Any:
    """Round a number of many digits to those that tell it from another one.

    None is lost before the point. A whole number, one of few digits, and what is no number are left
    as they are.

    >>> as_needed(7243.988416762104, 9.524), as_needed(1905.9999999999998, 12.0)
    (7243.99, 1906.0)
    >>> as_needed(4294967297.0, 9.5), as_needed(2400000055.4, 0.1)
    (4294967297.0, 2400000055.4)
    >>> as_needed(100.12345678901, 100.1234)
    100.12346
    """
    if not isinstance(value, float) or not math.isfinite(value) or value.is_integer():
        return value
    if is_single(value) or _digits(value) <= SHORT:
        return value
    whole = len(f"{abs(value):.0f}") if abs(value) >= 1 else 0
    return float(f"{value:.{max(ROUNDED, whole, digits_beside(value, beside))}g}")


def is_single(value: float) -> bool:
    """Whether single precision holds a number, which has few digits then."""
    return abs(value) <= SINGLE_MOST and float(np.float32(value)) == value


def _digits(value: float) -> int:
    """How many digits a number is written with, without zeros before the first of them."""
    return len(repr(value).partition("e")[0].replace(".", "").lstrip("-0"))


def _is_finite(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)


def is_number(value: Any) -> bool:
    """Whether a value is a number, and no flag."""
    return isinstance(value, int | float) and not isinstance(value, bool)
