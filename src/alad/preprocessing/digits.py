"""How many digits a value is told with."""

from __future__ import annotations

from typing import Any

import numpy as np

DIGITS, MOST_DIGITS = 4, 15  # the latter are what a float holds


def digits_beside(value: Any, seen: Any) -> int:
    """How many digits tell a number from another one that it stands beside; at least four.

    >>> digits_beside(300.00128, 295.0), digits_beside(300.00128, 300.0052)
    (4, 6)
    """
    are_numbers = is_number(value) and is_number(seen)
    if not are_numbers or not np.isfinite([float(value), float(seen)]).all():
        return DIGITS
    size, apart = abs(float(value)), abs(float(value) - float(seen))
    if not size or not apart:
        return DIGITS
    value_begins, difference_begins = np.floor(np.log10([size, apart]))
    return int(np.clip(value_begins - difference_begins + 1, DIGITS, MOST_DIGITS))


def is_number(value: Any) -> bool:
    """Whether a value is a number, and no flag."""
    return isinstance(value, int | float) and not isinstance(value, bool)
