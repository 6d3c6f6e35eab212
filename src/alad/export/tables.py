"""Columns of a table into scaled features: the encoder and the scaler, as a graph.

===========================  ========================================  ==============
kind                         is given as                               missing
===========================  ========================================  ==============
numeric, log-numeric, port   float32; where the model tells numbers    NaN
                             from the lowest of fit, float64
boolean                      float32, 0 or 1                           NaN
time                         float64, seconds since 1970               NaN
categorical, frequency       text                                      ``<missing>``
===========================  ========================================  ==============

each (n, 1), under the column's name. The other kinds look at characters, for which ONNX has no
operators: such a table's features have to be given instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from alad.errors import InputError
from alad.export.graph import LARGEST, Graph, Tensor, apply, joined, log, where
from alad.preprocessing.columns import Column
from alad.preprocessing.kinds._counts import Shares
from alad.preprocessing.kinds._ends import forms
from alad.preprocessing.kinds.addresses import HIGHEST, PORTS
from alad.preprocessing.kinds.numbers import EXACT, origin_of
from alad.preprocessing.kinds.words import MISSING, against
from alad.preprocessing.scaling import HALF, Scaler
from alad.preprocessing.table import TableEncoder

DAY = 86_400  # seconds
FIRST_DAY = 3  # 1970 began on a Thursday; Monday is 0

Features = list[Tensor]


def encoded(graph: Graph, encoder: TableEncoder) -> Tensor:
    """One input for each column; gives their features, (n, f), float32.

    Raises
    ------
    InputError
        A column is of a kind that is not translated.
    """
    return joined([x for column in encoder.schema for x in _features(graph, column)])


def _features(graph: Graph, column: Column) -> Features:
    if column.kind not in KINDS:
        raise InputError(
            f"Expected columns of the kinds {', '.join(KINDS)}; {column.name!r} is of the kind "
            f"{column.kind!r}, which is not exported. Export with --inputs features, and encode "
            "rows with detector.encoder_.transform; or fit without the column."
        )
    return KINDS[column.kind](graph, column)


def numeric(graph: Graph, column: Column) -> Features:
    """The number, or the training median."""
    origin = origin_of(column.learned)
    if isinstance(origin, int) and abs(origin) >= EXACT:
        raise InputError(
            f"Expected numbers that float64 holds, which the file takes; {column.name!r} has whole "
            f"ones from {origin:,} on. Export with --inputs features, and encode rows with "
            "detector.encoder_.transform; or fit without the column."
        )
    x, gap = _number(graph, column)
    return _filled([x - origin if origin else x], gap, [column.fill - origin], column)


def log_numeric(graph: Graph, column: Column) -> Features:
    """sign(x) log(1 + |x|) of the number, or of the training median."""
    x, gap = _number(graph, column)
    x = where(gap, column.fill, x).to(np.float64)
    y = apply("Sign", x) * log(1 + apply("Abs", x))
    return _filled([y], gap, None, column)


def port(graph: Graph, column: Column) -> Features:
    """A flag for each range, and the rarity; none of them for what is no port."""
    x, gap = _number(graph, column)
    shares = Shares.from_json(column.learned["values"])
    whole = apply("Floor", x)
    is_port = x.equals(whole) & (x > -1) & (x < HIGHEST + 1)
    number = where(is_port, whole, -1).to(np.int64)
    edges = [-1, *PORTS.values()]
    flags = [(number > low) & (number < high + 1) for low, high in pairwise(edges)]
    rarity = _looked_up(number, shares.values, _rarities(shares), shares.of_new)
    typical = [float(low < shares.values[0] <= high) for low, high in pairwise(edges)]
    return _filled([*flags, rarity], gap, [*typical, shares.least], column)


def time(graph: Graph, column: Column) -> Features:
    """Sine and cosine of the hour of day, the weekday, or both."""
    x = graph.input(column.name, np.float64, 1)
    gap = apply("IsNaN", x, dtype=np.bool_)
    seconds = apply("Floor", where(gap, 0, x))
    day = apply("Floor", seconds / DAY)
    turns = {"hour": (seconds - day * DAY) / DAY, "weekday": _rest(day + FIRST_DAY, 7) / 7}
    angles = [2 * math.pi * turns[part] for part in column.learned["parts"]]
    made = [apply(function, angle) for angle in angles for function in ("Sin", "Cos")]
    return _filled(made, gap, column.learned["fill"], column)


def categorical(graph: Graph, column: Column) -> Features:
    """Zeros and a one; for a category that fit did not see -1 for the commonest and the rarest."""
    places = np.arange(len(column.categories))
    place = _looked_up(_text(graph, column), column.categories, places.tolist(), -1)
    found, marked = place.equals(places).to(np.float32), np.isin(places, against(column))
    if not marked.any():  # a model from before
        return [found]
    return [found - place.equals(-1).to(np.float32) * marked.astype(np.float32)]


def frequency(graph: Graph, column: Column) -> Features:
    """How rare the text is; one that fit did not see is rarer, or as rare as the rarest."""
    text, shares = _text(graph, column), Shares.from_json(column.learned["values"])
    rarity = _looked_up(text, shares.values, _rarities(shares), shares.of_new)
    gap = _looked_up(text, [MISSING], [1], 0).to(np.bool_)
    return _filled([rarity], gap, [shares.least], column)


KINDS: dict[str, Callable[[Graph, Column], Features]] = {
    "numeric": numeric,
    "log-numeric": log_numeric,
    "boolean": numeric,
    "port": port,
    "time": time,
    "categorical": categorical,
    "frequency": frequency,
}


def takes_doubles(column: Column) -> bool:
    """Whether float32 would make one of numbers that the column tells apart."""
    wholes = (mark for mark in column.marks if float(mark).is_integer())
    return bool(origin_of(column.learned)) or any(float(np.float32(m)) != m for m in wholes)


def _number(graph: Graph, column: Column) -> tuple[Tensor, Tensor]:
    x = graph.input(column.name, np.float64 if takes_doubles(column) else np.float32, 1)
    gap = apply("IsNaN", x, dtype=np.bool_)
    for form in (form for mark in column.marks for form in forms(mark)):
        gap = gap | x.equals(form)
    return x, gap


def _text(graph: Graph, column: Column) -> Tensor:
    return graph.input(column.name, np.object_, 1)


def _filled(
    features: Sequence[Tensor], gap: Tensor, fill: Sequence[float] | None, column: Column
) -> Features:
    """Features in float32, each with its fill where the value is missing; and that flag."""
    made, fill = [feature.to(np.float32) for feature in features], column.gap or fill
    if fill is not None:
        made = [where(gap, value, feature) for value, feature in zip(fill, made, strict=True)]
    return [*made, gap.to(np.float32)] if column.flags_missing else made


def _looked_up(
    x: Tensor, keys: Sequence[str | int], values: Sequence[int | float], otherwise: int | float
) -> Tensor:
    """The value of each key, text or whole number."""
    of = "strings" if x.dtype.kind == "O" else "int64s"
    is_float = isinstance(otherwise, float)
    what = {
        f"keys_{of}": list(keys),
        "values_floats" if is_float else "values_int64s": list(values),
        "default_float" if is_float else "default_int64": otherwise,
    }
    return apply("LabelEncoder", x, dtype=np.float32 if is_float else np.int64, **what)


def _rarities(shares: Shares) -> list[float]:
    return [math.log(shares.total / count) for count in shares.counts]


def _rest(x: Tensor, n: int) -> Tensor:
    return x - n * apply("Floor", x / n)


# -------------------------------------------------------------------------------- scaling


def scaled(x: Tensor, scaler: Scaler) -> Tensor:
    """(g(x) - shift) / scale in double precision, bent, as float32: :class:`Scaler`."""
    if scaler.kind == "none" and x.dtype == np.float32 and not scaler.shift.any():
        return x
    if scaler.kind == "pixels":
        return (x.to(np.float32) - HALF) / HALF
    x = x.to(np.float64)
    y = (_logarithms(x, scaler) - scaler.shift) / scaler.scale
    y = _far_values(y, x, scaler)
    bent = y if scaler.bend is None else _bent(y, *scaler.bend)
    return _clipped(bent, LARGEST).to(np.float32)


def _bent(y: Tensor, b: float, w: float) -> Tensor:
    """Beyond b a logarithm's growth."""
    size = apply("Abs", y)
    beyond = apply("Max", size - b, y._alike(0))
    return where(size > b, apply("Sign", y) * (b + w * log(1 + beyond / w)), y)


def _far_values(y: Tensor, x: Tensor, scaler: Scaler) -> Tensor:
    """Above the mean of a logarithm's column the plain column, where it is more."""
    if scaler.mean is None or scaler.sd is None or not scaler.log.any():
        return y
    plain = (x - scaler.mean) / scaler.sd
    counts = y.graph.constant(scaler.log) & (plain > 0)
    return where(counts, apply("Max", y, plain), y)


def _logarithms(x: Tensor, scaler: Scaler) -> Tensor:
    if not scaler.log.any():
        return x
    logs = apply("Sign", x) * log(1 + apply("Abs", x))
    return where(x.graph.constant(scaler.log), logs, x)


def _clipped(x: Tensor, limit: float) -> Tensor:
    return apply("Clip", x, x._alike(-limit), x._alike(limit))
