"""What a detector's settings may be, as a table, and the one sentence that a wrong one gets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

from alad.errors import InputError


@dataclass(frozen=True)
class Constraint:
    """A condition and how to say it: "must be <words>"."""

    words: str
    holds: Callable[[Any], bool]


def integer(least: int, most: int | None = None) -> Constraint:
    """An int, not a bool, of at least this and at most that."""

    def holds(v: Any) -> bool:
        return (
            isinstance(v, Integral)
            and not isinstance(v, bool)
            and int(v) >= least
            and (most is None or int(v) <= most)
        )

    return Constraint(f"an int of at least {least}{f' and at most {most}' if most else ''}", holds)


def real(low: float, high: float = math.inf, *, closed: str = "both") -> Constraint:
    """A finite number in an interval; ``closed`` is "both", "left", "right" or "neither"."""
    left, right = closed in ("both", "left"), closed in ("both", "right")
    ends = f"{'[' if left else '('}{low:g}, {high:g}{']' if right else ')'}"

    def holds(v: Any) -> bool:
        return (
            isinstance(v, Real)
            and not isinstance(v, bool | Fraction)  # NumPy does not reckon with the latter
            and math.isfinite(v)
            and (float(v) > low or (left and v == low))
            and (float(v) < high or (right and v == high))
        )

    return Constraint(f"a number in {ends}", holds)


def one_of(*choices: str) -> Constraint:
    """One of a few words."""
    return Constraint(
        "one of " + ", ".join(map(repr, choices)), lambda v: isinstance(v, str) and v in choices
    )


def flag() -> Constraint:
    """True or False."""
    return Constraint("True or False", lambda v: isinstance(v, bool))


def optional(constraint: Constraint) -> Constraint:
    """None, or what the constraint says."""
    return Constraint(
        f"{constraint.words} or None", lambda v: v is None or bool(constraint.holds(v))
    )


def check_settings(
    owner: str, settings: Mapping[str, Any], table: Mapping[str, Constraint]
) -> None:
    """Hold settings against a table.

    Raises
    ------
    InputError
        ``The 'epochs' parameter of ALAD must be an int of at least 0. Got -1 instead.``
    """
    for name, constraint in table.items():
        if not constraint.holds(settings[name]):
            raise InputError(
                f"The '{name}' parameter of {owner} must be {constraint.words}. "
                f"Got {settings[name]!r} instead."
            )
