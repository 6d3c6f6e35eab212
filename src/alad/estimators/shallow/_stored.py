"""Arrays of a saved model, held against what they have to be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from alad.errors import ModelFormatError
from alad.io import Model


def stored(
    model: Model, name: str, dtype: DTypeLike, *shape: int | None, finite: bool = True
) -> NDArray[Any]:
    """Take an array of a model; a length of None may be any of at least 1.

    Raises
    ------
    KeyError
        There is none of this name.
    ModelFormatError
        It has another shape or type, or numbers that are not finite.
    """
    array = model.arrays[name]
    fits = array.ndim == len(shape) and all(
        have > 0 if want is None else have == want
        for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits or array.dtype != np.dtype(dtype):
        words = " x ".join("any" if n is None else str(n) for n in shape)
        raise ModelFormatError(
            f"Expected array {name!r} of {words} {np.dtype(dtype)}; got shape {array.shape}, "
            f"{array.dtype}. The folder is damaged: save the model again."
        )
    if finite and not np.isfinite(array).all():
        raise ModelFormatError(
            f"Expected finite numbers in array {name!r}; some are not. "
            "The folder is damaged: save the model again."
        )
    return np.array(array)


def width(model: Model) -> int:
    """Columns of the scaled rows."""
    return len(model.arrays["scaler/shift"])
