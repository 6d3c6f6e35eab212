"""Columns of a table into scaled features: the encoder and the scaler, as a graph."""

from __future__ import annotations

import numpy as np

from alad.errors import InputError
from alad.export.graph import Graph, Tensor, apply, joined, log, where
from alad.preprocessing.scaling import HALF, Scaler
from alad.preprocessing.table import Column, TableEncoder

LARGEST = float(np.finfo(np.float32).max)
NUMBERS = ("numeric", "boolean")


def encoded(graph: Graph, encoder: TableEncoder) -> Tensor:
    """One input a column, named as it, (n, 1); gives their features, (n, f), float32.

    A number that is missing is NaN, a text that is missing is ``<missing>``.

    Raises
    ------
    InputError
        A column is of a kind that is not translated.
    """
    return joined([feature for column in encoder.schema for feature in _features(graph, column)])


def _features(graph: Graph, column: Column) -> list[Tensor]:
    if column.kind in NUMBERS:
        return _of_numbers(graph, column)
    if column.kind == "categorical":
        return [_one_hot(graph, column)]
    raise InputError(
        f"Expected columns of numbers, booleans or text; {column.name!r} is of the kind "
        f"{column.kind!r}, which is not exported. Export with --inputs features, and encode the "
        "rows with detector.encoder_.transform."
    )


def _of_numbers(graph: Graph, column: Column) -> list[Tensor]:
    value = graph.input(column.name, np.float32, 1)
    gap = apply("IsNaN", value, dtype=np.bool_)
    filled = where(gap, column.fill, value)
    return [filled, gap.to(np.float32)] if column.has_missing else [filled]


def _one_hot(graph: Graph, column: Column) -> Tensor:
    """Zeros and a one; zeros alone for a category that fit did not see."""
    text = graph.input(column.name, np.object_, 1)
    places = range(len(column.categories))
    place = apply(
        "LabelEncoder",
        text,
        dtype=np.int64,
        keys_strings=list(column.categories),
        values_int64s=list(places),
        default_int64=-1,
    )
    return place.equals(np.array(places)).to(np.float32)


def scaled(x: Tensor, scaler: Scaler) -> Tensor:
    """(g(x) - shift) / scale in double precision, clipped, as float32: :class:`Scaler`."""
    if scaler.kind == "none" and x.dtype == np.float32:
        return x
    if scaler.kind == "pixels":
        return (x.to(np.float32) - HALF) / HALF
    limit = LARGEST if scaler.clip is None else scaler.clip
    y = (_logarithms(x.to(np.float64), scaler) - scaler.shift) / scaler.scale
    return _clipped(y, limit).to(np.float32)


def _logarithms(x: Tensor, scaler: Scaler) -> Tensor:
    if not scaler.log.any():
        return x
    return where(x.graph.constant(scaler.log), log(1 + apply("Max", x, x._alike(0))), x)


def _clipped(x: Tensor, limit: float) -> Tensor:
    return apply("Clip", x, x._alike(-limit), x._alike(limit))
