"""What a caller gives, checked: a seed, rows, and what is said of a frame's columns."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_random_state

from alad.errors import InputError, RowError
from alad.preprocessing.frames import feature_names, is_frame
from alad.preprocessing.learning.tables import fit_encoder
from alad.preprocessing.schema import Schema
from alad.preprocessing.table import TableEncoder

Columns = Schema | TableEncoder | None  # what is said of a frame's columns before fit
Matrix = NDArray[np.float32]
Vector = NDArray[np.float64]

HASHED = 1024  # rows at a time: what becomes of them stays in a core's cache
LARGEST_SEED = 2**32 - 1  # as in scikit-learn; of a larger one JAX would use the last 32 bits


def seed_of(random_state: Any) -> int:
    """Give an int seed: the caller's own, or one drawn from the caller's generator."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if not 0 <= random_state <= LARGEST_SEED:
            raise InputError(
                f"Expected a random_state of at least 0 and at most {LARGEST_SEED}; got "
                f"{random_state}."
            )
        return int(random_state)
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise InputError(f"Expected random_state to be an int or None. {error}") from error


def enough_rows(n: int) -> None:
    """Refuse to learn from fewer than two rows."""
    if n < 2:
        raise InputError(
            f"Expected at least 2 rows to learn from; got n_samples = {n}. Pass more rows."
        )


def rows_in(X: Any) -> int:
    """How many rows a caller gives; 0 of what has no length, which is refused later."""
    try:
        return len(X)
    except TypeError:
        return 0


def some_rows(x: NDArray[Any], most: int | None, seed: int) -> NDArray[Any]:
    """Draw at most so many rows without replacement, in their old order."""
    return x if most is None or len(x) <= most else x[drawn(len(x), most, seed)]


def drawn(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """The places of at most so many of n rows, drawn without replacement, ascending."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False, shuffle=False))


def distinct(x: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give where each different row is first, and which of them every row is: logs repeat.

    Rows are told apart by a number made of their bits, and held against each other afterwards.
    """
    bits = np.ascontiguousarray(x).view(np.uint32)
    odd = np.random.default_rng(0).integers(2**63, size=bits.shape[1], dtype=np.uint64) * 2 + 1
    parts = [slice(start, start + HASHED) for start in range(0, len(bits), HASHED)]
    hashes = np.empty(len(bits), np.uint64)
    for part in parts:
        hashes[part] = bits[part].astype(np.uint64) @ odd
    _, first, same = np.unique(hashes, return_index=True, return_inverse=True)
    if all(np.array_equal(bits[part], bits[first[same[part]]]) for part in parts):
        return first, same
    rows = bits.view(np.dtype((np.void, 4 * bits.shape[1]))).ravel()
    _, first, same = np.unique(rows, return_index=True, return_inverse=True)
    return first, same


def as_fine(x: NDArray[Any], other: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give two arrays with as many digits as the coarser has, so that equal numbers are equal."""
    dtype = np.float64 if x.dtype == other.dtype == np.float64 else np.float32
    return x.astype(dtype, copy=False), other.astype(dtype, copy=False)


def check_single(x: NDArray[Any]) -> None:
    """Refuse finite numbers (n, d) that float32 does not hold, as they are refused in a frame."""
    if max(x.max(), -x.min()) <= np.finfo(np.float32).max:
        return
    with np.errstate(over="ignore"):
        beyond = np.isinf(x.astype(np.float32))
    if beyond.any():
        row, column = divmod(int(beyond.argmax()), x.shape[1])
        raise RowError(
            f"Expected finite numbers in column {column}; got {float(x[row, column])!r} in row",
            row,
            " (float32 ends at 3.4e38). Correct the value, or drop the row.",
        )


def encoder_for(X: Any, schema: Columns) -> TableEncoder | None:
    """How a frame's columns become numbers; None for what has no names of columns."""
    if is_frame(X) and feature_names(X) is not None:
        encoder = schema if isinstance(schema, TableEncoder) else fit_encoder(X, schema)
        encoder.check_varies(len(X))
        return encoder
    if schema is not None:
        raise InputError(
            f"Expected a data frame with named columns, because a schema is given; got "
            f"{type(X).__name__}. Pass a frame, or leave the schema out."
        )
    return None


def check_not_records(X: Any) -> None:
    """Refuse records and dictionaries, of which a data frame would have the names.

    Raises
    ------
    InputError
        It is a list of them, a dictionary, a structured array, or an iterator.
    """
    if issparse(X):  # some are dictionaries; validation has words of its own for them
        return
    first = X[0] if isinstance(X, list | tuple) and X else X
    names = getattr(getattr(X, "dtype", None), "names", None)
    what = "records" if names or first is not X else "a dictionary"
    if isinstance(first, Mapping) or names:
        raise InputError(
            f"Expected an array of numbers or a data frame; got {what}. Make it a frame, "
            "pd.DataFrame(X) or pl.DataFrame(X) say."
        )
    if isinstance(X, Iterator):
        raise InputError(
            f"Expected an array of numbers or a data frame; got {type(X).__name__}, which comes in "
            "parts. Put them together in one frame, or fit to a Stream."
        )


def check_are_numbers(X: Any) -> None:
    """Refuse an array of times, which would count as ticks of any unit, or with masked values.

    Raises
    ------
    InputError
        It is one.
    """
    given = X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(given, list | tuple):
        given = np.array([*given[:1]], dtype=object)
    if isinstance(given, np.ndarray) and (found := times_in(given[:1])):
        raise of_times(found)
    if np.ma.is_masked(X):
        raise InputError(
            "Expected an array without gaps; got one with masked values. Fill them, or pass a data "
            "frame with missing values: there gaps are allowed."
        )


def of_times(found: str) -> InputError:
    """The refusal of an array with times."""
    return InputError(
        f"Expected an array of numbers; got {found}. Pass a data frame whose columns are named "
        "with text: there times and durations are read, and gaps are allowed."
    )


def times_in(X: Any) -> str:
    """The type of an array's times, or of the first among its objects; empty if there are none."""
    x = np.asarray(X)
    if x.dtype.kind in "mM":
        return str(x.dtype)
    values = x.ravel().tolist() if x.dtype == object else []
    times = (dt.date, dt.time, dt.timedelta, np.datetime64, np.timedelta64)
    return next((type(value).__name__ for value in values if isinstance(value, times)), "")


def calls_within() -> int:
    """The stacklevel of a warning that is to point at whoever called the package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("alad."):
        frame, level = frame.f_back, level + 1
    return level


def with_advice(message: str, *, is_named: bool = False) -> str:
    """Add what to do to those of scikit-learn's messages that only say what is wrong.

    Of gaps it has advice itself, to take one of its own classifiers; ours stands in its place. A
    frame that comes here has names that are no text, so that it was taken for an array.
    """
    if is_named and ("NaN" in message or "could not convert" in message):
        return (
            f"{message.splitlines()[0]}\nName the columns with text, X.columns = "
            "X.columns.map(str) say: of such a frame text becomes one-hot, and gaps are allowed."
        )
    if "NaN" in message:
        wrong = message.splitlines()[0]
        return (
            f"{wrong}\nFill the gaps, drop the rows, or pass a data frame (pandas, polars): there "
            "gaps are allowed."
        )
    if "infinity" in message:
        return f"{message}\nReplace or drop such values first."
    if "with dim" in message:
        return f"{message}\nPass rows and columns; pictures go to networks with preset='pictures'."
    if "could not convert" in message:
        return (
            f"{message}\nPass a data frame: its text columns become one-hot. (A file is to be read "
            "first, with pl.read_csv say; `alad fit` takes its path.)"
        )
    return message
