"""What functions of this package ask of their numbers, in one phrasing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alad.errors import InputError

Vector = NDArray[np.float64]


def finite(what: str, values: ArrayLike) -> Vector:
    """Give a vector of at least one finite number.

    Raises
    ------
    InputError
        It is none.
    """
    vector = numbers(what, values)
    if vector.ndim != 1 or len(vector) == 0 or not np.isfinite(vector).all():
        raise InputError(
            f"Expected {what} as at least one finite number, shape (n,); got shape "
            f"{vector.shape} with {int((~np.isfinite(vector)).sum())} that are NaN or infinite."
        )
    return vector


def numbers(what: str, values: ArrayLike) -> Vector:
    """Give an array of numbers, infinite ones and NaN too.

    Raises
    ------
    InputError
        One is no number.
    """
    try:
        array = np.asarray(np.ma.filled(values, np.nan), np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Expected {what} as numbers; got something else ({error}). Pass an array of numbers."
        ) from error
    return array


def comparable(what: str, values: ArrayLike) -> Vector:
    """Give an array of numbers of which none is NaN.

    Raises
    ------
    InputError
        One is, or is no number.
    """
    array = numbers(what, values)
    if lost := int(np.isnan(array).sum()):
        raise InputError(
            f"Expected {what} that are numbers; got {lost} that are NaN. Leave those rows out."
        )
    return array


def share(what: str, value: Any, such_as: float) -> float:
    """Give a number between 0 and 1, both excluded.

    Raises
    ------
    InputError
        It is none.
    """
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not 0 < value < 1:
        raise InputError(
            f"Expected {what} between 0 and 1, both excluded; got {value!r}. Give a share such "
            f"as {such_as}."
        )
    return float(value)


def p_values(values: ArrayLike) -> Vector:
    """Give a vector of at least one number in [0, 1].

    Raises
    ------
    InputError
        It is none.
    """
    p = finite("p-values", values)
    if p.min() < 0 or p.max() > 1:
        raise InputError(f"Expected p-values in [0, 1]; got {p.min():g} to {p.max():g}.")
    return p
