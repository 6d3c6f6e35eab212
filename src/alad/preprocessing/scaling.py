"""Scaling, as a stated choice: what is fitted on the training rows, and what it does to any.

Every kind of scaling is the same equation, with other constants for each column j:

    y_j = bent((g_j(x_j) - shift_j) / scale_j),   g_j(x) = sign(x) log1p(|x|) or the identity

======================  ==========================  ===========================  ==========
kind                    shift                       scale                        bent
======================  ==========================  ===========================  ==========
``none``                0; min of a narrow column   1                            no
``minmax``              min                         max - min                    no
``standard``            mean                        standard deviation           no
``log-standard``        mean of g(x)                sd of g(x), binary: root      from +-10
``pixels``              127.5                       127.5                        no
======================  ==========================  ===========================  ==========

A column is narrow if its values differ by less than a thousandth of their size, so that float32
would blur them.

A column that is constant in the training rows becomes 0 there; its scale is 1, but for a binary
column's under ``log-standard``.

Of a binary column ``log-standard`` takes the root of the standard deviation: the fewer rows have
a category the more it counts, but one that one row in ten thousand has lies ten away from the
others, not a hundred. Half a row is added to the zeros and to the ones:

    scale_j = (m_j (1 - m_j))^(1/4),   m_j = (ones_j + 1/2) / (n + 1)

so that what no training row has counts as well, a little more than what one has.

``log-standard`` takes the logarithm of a column that is not binary, has no negative training
value, and has a skewness above 2: byte counts and durations, whose few giants would otherwise press
the rest into one point. Far out a logarithm hardly grows, and would make little of a value fifty
times the usual one. So above the mean of such a column, where the plain column's own y,
(x_j - mean_j) / sd_j, is larger, that one counts: y_j grows with x_j without a step, since at the
mean the logarithm's is at least 0 (Jensen).

Beyond b = 10 deviations ``log-standard`` goes on as a logarithm, with w = 1/4:

    bent(y) = y for |y| <= b,  else +-(b + w log(1 + (|y| - b) / w))

so that no single column drowns the others, and yet a value far beyond all that fit saw is unlike
all of them: a thousand times as far is about two deviations more. A negative value in a column of
logarithms, where fit saw none, is below all of them.

``pixels`` takes bytes, 0 to 255, to [-1, 1], whatever is in the training rows: it is for pictures.

The paper says nothing of scaling and the authors' code does none for KDD Cup 1999, where
``src_bytes`` reaches 7e8; ``none`` is therefore a choice here like the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alad.errors import InputError, ModelFormatError
from alad.preprocessing.kinds._ends import CLOSE, WELL
from alad.preprocessing.moments import Moments, or_one

OF_TABLES: tuple[str, ...] = ("none", "minmax", "standard", "log-standard")
SCALINGS: tuple[str, ...] = (*OF_TABLES, "pixels")
LOG_SKEWNESS = 2.0  # an exponential distribution has skewness 2: beyond it, the tail is heavy
BEND = (10.0, 0.25)  # b and w, in standard deviations; only log-standard bends
HALF = 127.5  # of the largest byte

_BLOCK = 8192  # rows at a time in float64: a block of 121 columns stays within 8 MB
_LARGEST = float(np.finfo(np.float32).max)

Float64s = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Scaler:
    """The constants of one fitted scaling, for f columns: see the module's equation."""

    kind: str
    shift: Float64s
    scale: Float64s
    log: Bools
    bend: tuple[float, float] | None = None
    mean: Float64s | None = None
    """Of the plain columns, with ``sd``, for those that g takes the logarithm of."""
    sd: Float64s | None = None

    def transform(self, x: ArrayLike) -> NDArray[np.float32]:
        """Scale n rows of f columns, in float64 by blocks; returns float32 (n, f).

        Finite in, finite out: a result beyond float32's range is set to its largest number.
        ``x`` is never changed; for ``none`` and float32 input it is returned as it is, unless a
        column is far from 0.

        Raises
        ------
        InputError
            ``x`` does not have f columns.
        """
        values = self._of_its_columns(x)
        if self.kind == "none" and values.dtype == np.float32 and not self.shift.any():
            return values
        if self.kind == "pixels":
            return _centred(values)
        out = np.empty(values.shape, np.float32)
        for rows, block in _blocks(values, self.log):
            with np.errstate(over="ignore"):  # infinity is clipped below
                block -= self.shift
                block /= self.scale
            self._count_far_values(block, values[rows])
            if self.bend is not None:
                _bend(block, *self.bend)
            out[rows] = np.clip(block, -_LARGEST, _LARGEST, out=block)
        return out

    def _count_far_values(self, y: Float64s, x: NDArray[Any]) -> None:
        """Above the mean of a logarithm's column, let the plain column count where it is more."""
        if self.mean is None or self.sd is None:  # a model from before
            return
        for j in np.flatnonzero(self.log):
            plain = (x[:, j] - self.mean[j]) / self.sd[j]
            np.maximum(y[:, j], plain, out=y[:, j], where=plain > 0)

    def inverse(self, y: ArrayLike) -> Float64s:
        """Give the x that :meth:`transform` takes to y, in float64, no further than float32 goes.

        Raises
        ------
        InputError
            ``y`` does not have f columns.

        >>> scaler = fit_scaler("minmax", [[1.0, 5.0], [3.0, 5.0]])
        >>> scaler.inverse(scaler.transform([[2.0, 5.0]])).tolist()
        [[2.0, 5.0]]
        """
        scaled = self._of_its_columns(y).astype(np.float64)
        with np.errstate(over="ignore"):
            if self.bend is not None:
                _unbend(scaled, *self.bend)
            values = scaled * self.scale + self.shift
            x = np.where(self.log, np.sign(values) * np.expm1(np.abs(values)), values)
        x = np.clip(x, -_LARGEST, _LARGEST)
        if self.mean is None or self.sd is None:
            return x
        plain = scaled * self.sd + self.mean
        return np.where(self.log & (x > self.mean), np.minimum(x, plain), x)

    def meta(self) -> dict[str, Any]:
        """The part of the scaler that is JSON."""
        return {"kind": self.kind, "bend": self.bend}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The part of the scaler that is arrays, each of shape (f,)."""
        arrays = {"shift": self.shift, "scale": self.scale, "log": self.log}
        if self.mean is None or self.sd is None:
            return arrays
        return arrays | {"mean": self.mean, "sd": self.sd}

    def _of_its_columns(self, x: ArrayLike) -> NDArray[Any]:
        values = _matrix(x)
        if values.shape[1] != len(self.shift):
            raise InputError(
                f"Expected {len(self.shift)} columns, as at fit; got {values.shape[1]}. "
                "Pass the same columns, or refit."
            )
        return values

    @classmethod
    def from_arrays(cls, meta: Mapping[str, Any], arrays: Mapping[str, ArrayLike]) -> Scaler:
        """The scaler whose ``meta()`` and ``to_arrays()`` these are.

        Raises
        ------
        ModelFormatError
            An older alad made them, which scaled otherwise; or they are no constants of a scaling.
        """
        scaler = cls(
            kind=_checked(meta["kind"]),
            shift=np.asarray(arrays["shift"], np.float64),
            scale=np.asarray(arrays["scale"], np.float64),
            log=np.asarray(arrays["log"], np.bool_),
            bend=_pair(meta),
            mean=_vector(arrays.get("mean")),
            sd=_vector(arrays.get("sd")),
        )
        kept = scaler.to_arrays()
        alike = all(array.shape == (scaler.shift.size,) for array in kept.values())
        divisors = [kept[name] for name in ("scale", "sd") if name in kept]
        if not (
            alike
            and all(np.isfinite(array).all() for array in kept.values())
            and all((array > 0).all() for array in divisors)
        ):
            raise ModelFormatError(
                "Expected finite numbers for each column in the scaler, and scales above 0; got "
                "others. The folder is damaged: save the model again."
            )
        return scaler


class ScalerLearner:
    """Learns a scaling from a stream of rows of f columns, in float64 and in bounded memory.

    Parameters
    ----------
    kind : one of :data:`SCALINGS`.
    binary : (f,) bool, the columns of zeros and ones: ``log-standard`` has a scale of its own for
        them.

    Raises
    ------
    InputError
        Unknown kind.

    >>> learner = ScalerLearner("standard", [False])
    >>> for rows in ([[1.0], [2.0]], [[3.0]]):
    ...     learner.update(np.array(rows))
    >>> learner.finish().shift.tolist()
    [2.0]
    """

    def __init__(self, kind: str, binary: ArrayLike) -> None:
        self.kind = _checked(kind)
        self.binary = np.asarray(binary, np.bool_)
        self._rows = 0
        self._low, self._high = np.full((2, len(self.binary)), np.nan)
        self._ones = np.zeros(len(self.binary), np.int64)  # of what is not 0; binary columns only
        self._plain, self._logs = Moments(), Moments()
        self._measured = np.flatnonzero(~self.binary | (kind != "log-standard"))

    def update(self, x: ArrayLike) -> None:
        """Take in n rows of f columns."""
        values = _matrix(x)
        self._rows += len(values)
        if not len(values) or self.kind == "pixels":
            return
        self._low = np.fmin(self._low, values.min(axis=0))
        self._high = np.fmax(self._high, values.max(axis=0))
        if self.kind in ("none", "minmax"):
            return
        self._ones[self.binary] += np.count_nonzero(values[:, self.binary], axis=0)
        columns = np.flatnonzero(self._low[self._measured] >= 0)
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK, self._measured].astype(np.float64)
            self._plain.update(block)
            if self.kind == "log-standard":
                block[:, columns] = _logarithm(block[:, columns])
                self._logs.update(block)

    def finish(self) -> Scaler:
        """The scaling of all rows so far.

        Raises
        ------
        InputError
            There were none.
        """
        if not self._rows:
            raise InputError(
                f"Expected at least one row to fit the scaling {self.kind!r}; got 0 rows."
            )
        if self.kind == "log-standard":
            return self._log_standard()
        f = len(self.binary)
        shift, scale = np.zeros(f), np.ones(f)
        if self.kind == "none":
            size = np.maximum(np.abs(self._low), np.abs(self._high))
            width = self._high - self._low
            is_blurred = (width <= CLOSE * size) & ((width > 0) | (size >= WELL))
            shift = np.where(is_blurred, self._low, 0)
        elif self.kind == "pixels":
            shift, scale = np.full((2, f), HALF)
        elif self.kind == "minmax":
            shift, scale = self._low, or_one(self._high - self._low)
        elif self.kind == "standard":
            shift, scale, _ = self._plain.of(self._low == self._high, self._low)
        return Scaler(self.kind, shift, scale, np.zeros(f, np.bool_))

    def _log_standard(self) -> Scaler:
        of, f = self._measured, len(self.binary)
        low, constant = self._low[of], self._low[of] == self._high[of]
        mean, sd, skewness = self._plain.of(constant, low)
        log_mean, log_sd, _ = self._logs.of(constant, _logarithm(low))
        log = (low >= 0) & (skewness > LOG_SKEWNESS)
        shift, plain_mean = np.zeros((2, f))
        share = (self._ones + 0.5) / (self._rows + 1)
        scale, plain_sd = (share * (1 - share)) ** 0.25, np.ones(f)
        logs = np.zeros(f, np.bool_)
        shift[self.binary] = self._ones[self.binary] / self._rows
        shift[of], scale[of] = np.where(log, log_mean, mean), np.where(log, log_sd, sd)
        plain_mean[of], plain_sd[of], logs[of] = mean, sd, log
        return Scaler(self.kind, shift, scale, logs, BEND, plain_mean, plain_sd)


def fit_scaler(kind: str, x: ArrayLike, binary: ArrayLike | None = None) -> Scaler:
    """Fit a scaling on the training rows: :class:`ScalerLearner`, of all rows at once.

    Parameters
    ----------
    kind : one of :data:`SCALINGS`.
    x : (n, f) finite training rows, n >= 1.
    binary : (f,) bool, the columns of zeros and ones: ``log-standard`` has a scale of its own for
        them. Default: every column whose training values are all 0 or 1.

    Raises
    ------
    InputError
        Unknown kind, no rows, not a matrix, or ``binary`` of another length.

    >>> scaler = fit_scaler("minmax", [[1.0, 5.0], [3.0, 5.0]])
    >>> scaler.transform([[2.0, 5.0]]).tolist()
    [[0.5, 0.0]]
    """
    _checked(kind)
    values = _matrix(x)
    is_binary = _all_binary(values) if binary is None else _binary_mask(binary, values.shape[1])
    learner = ScalerLearner(kind, is_binary)
    learner.update(values)
    return learner.finish()


def _blocks(x: NDArray[Any], log: Bools) -> Iterator[tuple[slice, Float64s]]:
    """Fresh float64 copies of g(x), block by block, each with the rows it holds."""
    columns = np.flatnonzero(log)
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = np.array(x[rows], np.float64)
        if len(columns):
            block[:, columns] = _logarithm(block[:, columns])
        yield rows, block


def _logarithm(x: Float64s) -> Float64s:
    return np.copysign(np.log1p(np.abs(x)), x)


def _bend(y: Float64s, b: float, w: float) -> None:
    """Let what is beyond b grow as a logarithm, in place."""
    far = np.abs(y) > b
    y[far] = np.copysign(b + w * np.log1p((np.abs(y[far]) - b) / w), y[far])


def _unbend(y: Float64s, b: float, w: float) -> None:
    """Invert :func:`_bend`, in place."""
    far = np.abs(y) > b
    y[far] = np.copysign(b + w * np.expm1((np.abs(y[far]) - b) / w), y[far])


def _pair(meta: Mapping[str, Any]) -> tuple[float, float] | None:
    """Read b and w; an older alad had a limit in their place, or none."""
    if meta.get("clip") is not None:
        raise ModelFormatError(
            "Expected a model of this alad; this one is of an older alad, to which all values "
            "beyond 10 standard deviations were one. Fit it again."
        )
    if "clip" in meta or meta["bend"] is None:
        return None
    b, w = meta["bend"]
    return float(b), float(w)


def _centred(bytes_: NDArray[Any]) -> NDArray[np.float32]:
    """Pixels in float32, which holds them exactly: no copy in float64, for they are many."""
    with np.errstate(over="ignore"):  # infinity is clipped in the next line but one
        centred: NDArray[np.float32] = np.subtract(
            bytes_, HALF, dtype=np.float32, casting="same_kind"
        )
    centred /= np.float32(HALF)
    return np.clip(centred, -_LARGEST, _LARGEST, out=centred)


def _matrix(x: ArrayLike) -> NDArray[Any]:
    values = np.asarray(x)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise InputError(
            "Expected a matrix of numbers, rows by columns; got an array of shape "
            f"{values.shape} and type {values.dtype}. Encode the table first."
        )
    return values


def _binary_mask(binary: ArrayLike, f: int) -> Bools:
    mask = np.asarray(binary, np.bool_)
    if mask.shape != (f,):
        raise InputError(
            f"Expected one flag per column in binary, shape ({f},); got {mask.shape}. "
            "Leave binary out to have these columns found."
        )
    return mask


def _all_binary(x: NDArray[Any]) -> Bools:
    found = np.ones(x.shape[1], np.bool_)
    for start in range(0, len(x), _BLOCK):
        block = x[start : start + _BLOCK]
        found &= ((block == 0) | (block == 1)).all(axis=0)
    return found


def _vector(array: ArrayLike | None) -> Float64s | None:
    return None if array is None else np.asarray(array, np.float64)


def _checked(kind: str) -> str:
    if kind not in SCALINGS:
        raise InputError(f"Expected scaling to be one of {', '.join(SCALINGS)}; got {kind!r}.")
    return kind
