"""Data frames of any make (pandas, polars, pyarrow, ...), read column by column as polars."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.exceptions import DuplicateError

from alad.errors import InputError


def is_frame(x: Any) -> bool:
    """Whether ``x`` is a data frame (also a lazy one), rather than an array or a list.

    >>> is_frame(pl.DataFrame({"a": [1]})), is_frame([[1]])
    (True, False)
    """
    return isinstance(x, pl.DataFrame) or isinstance(_wrapped(x), nw.DataFrame | nw.LazyFrame)


def feature_names(x: Any) -> tuple[str, ...] | None:
    """The column names of a frame, or None for anything else and for names that are not text.

    The rule is scikit-learn's: ``pandas.DataFrame(array)``, whose columns are 0, 1, 2, has
    no feature names.
    """
    if not is_frame(x):
        return None
    names = tuple(_eager(x).columns)
    return names if all(isinstance(name, str) for name in names) else None


def to_polars(x: Any) -> pl.DataFrame:
    """Any eager frame as a polars one; names become text, missing values become null or NaN.

    Raises
    ------
    InputError
        Not a frame, a lazy one, two columns of one name, or a column of mixed types.
    """
    if isinstance(x, pl.DataFrame):
        return x
    frame = _eager(x)
    names = [str(name) for name in frame.columns]
    _check_unique(names)
    pairs = zip(names, frame.iter_columns(), strict=True)
    return pl.DataFrame({name: _in_unicode(series, name) for name, series in pairs})


def as_text(values: pl.Series) -> pl.Series:
    """Values as text, 1.0 as 1: a column of whole numbers may be of floats for its gaps alone.

    >>> as_text(pl.Series([443.0, 0.5, None])).to_list()
    ['443', '0.5', None]
    """
    text = values.cast(pl.String)
    if not values.dtype.is_float():
        return text
    whole = values.cast(pl.Int64, strict=False)
    shown = pl.when(whole == values).then(whole.cast(pl.String)).otherwise(text)
    return pl.select(shown).to_series().rename(values.name)


def _eager(x: Any) -> nw.DataFrame[Any]:
    frame = _wrapped(x)
    if isinstance(frame, nw.LazyFrame):
        raise InputError("Expected a table in memory; got a lazy one. Call .collect() first.")
    if not isinstance(frame, nw.DataFrame):
        raise InputError(
            "Expected a data frame with named columns, such as pandas, polars or pyarrow have; "
            f"got {type(x).__name__}."
        )
    return frame


def _wrapped(x: Any) -> Any:
    """``x`` as narwhals sees it: a frame in memory, a lazy one, or ``x`` itself."""
    arrow: Any = sys.modules.get("pyarrow")
    if arrow and isinstance(x, arrow.RecordBatch):  # no frame to narwhals
        x = arrow.Table.from_batches([x])
    try:
        return nw.from_native(x, pass_through=True)
    except DuplicateError as error:
        names: Any = getattr(x, "column_names", None) or getattr(x, "columns", ())
        _check_unique([str(name) for name in names])
        raise InputError(f"Expected a data frame that can be read; got {error}.") from error


def _check_unique(names: list[str]) -> None:
    if twice := repeated(names):
        raise InputError(
            f"Expected every column to have a name of its own; got {quoted(twice)} more than "
            "once. Rename one."
        )


def _in_unicode(series: nw.Series[Any], name: str) -> pl.Series:
    try:
        return _column(series, name)
    except UnicodeEncodeError as error:
        raise InputError(
            f"Expected text in Unicode in column {name!a}; got {error.object[:40]!a}. Decode the "
            "text anew, with errors='replace' say."
        ) from error


def _column(series: nw.Series[Any], name: str) -> pl.Series:
    series = _at_start(series)
    # pandas has categories that are numbers, or intervals; they are categories all the same.
    is_categorical = series.dtype in (nw.Categorical, nw.Enum)
    if series.dtype not in (nw.Object, nw.Unknown):
        try:
            found = series.to_polars().rename(name)
            return as_text(found) if is_categorical else found
        except ImportError:  # pandas text without pyarrow: through Python objects, slowly
            pass
        except (TypeError, ValueError, pl.exceptions.PolarsError):
            if not is_categorical:
                raise
    missing = series.is_null().to_list()
    values = [
        None if gone else value for value, gone in zip(series.to_list(), missing, strict=True)
    ]
    if is_categorical:
        values = [None if value is None else str(value) for value in values]
    return _from_objects(values, name)


def _at_start(series: nw.Series[Any]) -> nw.Series[Any]:
    """Periods of pandas as the times when they begin; any other column as it is."""
    pandas: Any = sys.modules.get("pandas")
    native = nw.to_native(series)
    if not pandas or not isinstance(getattr(native, "dtype", None), pandas.PeriodDtype):
        return series
    return nw.from_native(native.dt.to_timestamp(), series_only=True)


def _from_objects(values: list[Any], name: str) -> pl.Series:
    values = [_plain(value) for value in values]
    present = [value for value in values if value is not None]
    are_decimals = all(isinstance(value, Decimal) and value.is_finite() for value in present)
    are_numbers = all(isinstance(value, Real | Decimal) for value in present)
    if present and are_numbers and not are_decimals:
        return _numbers(values, name)
    of = [_type_of(value) for value in present]
    odd = next((i for i, one in enumerate(of) if one != of[0]), None)
    if odd is not None:
        raise InputError(
            f"Expected one type in column {name!r}; got {of[0]} (such as {present[0]!r}) and "
            f"{of[odd]} (such as {present[odd]!r}). Make the column all numbers, all text or all "
            "times of one type."
        )
    try:
        return pl.Series(name, values)
    except (TypeError, ValueError, RuntimeError, pl.exceptions.PolarsError) as error:
        if are_decimals:  # of more digits than polars has for them
            return _numbers(values, name)
        raise InputError(
            f"Expected numbers or text in column {name!r}; got {type(present[0]).__name__}. "
            "Convert the column, or drop it."
        ) from error


def _type_of(value: Any) -> str:
    """What a value is called in a message: numbers of any type go together."""
    if isinstance(value, str):
        return "text"
    return "numbers" if isinstance(value, Real | Decimal) else type(value).__name__


def _plain(value: Any) -> Any:
    """A scalar of NumPy as Python has it; its durations are whole numbers to ``Real``."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        value = value.astype(f"{value.dtype.kind}8[us]")
    return value.item() if isinstance(value, np.generic) else value


def _numbers(values: list[Any], name: str) -> pl.Series:
    if all(isinstance(value, bool | None) for value in values):
        return pl.Series(name, values, pl.Boolean)
    return pl.Series(name, [None if v is None else _float(v) for v in values], pl.Float64)


def _float(number: Any) -> float:
    """A number as a float, infinite beyond the range of those: it is to be refused, not lost."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def repeated(names: Iterable[str]) -> list[str]:
    """The names that come more than once, each once, in order."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def quoted(names: Iterable[str], limit: int = 10) -> str:
    """The names in quotation marks, the first ten of them if there are many."""
    every = [repr(name) for name in names]
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more
