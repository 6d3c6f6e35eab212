"""An exported model held against the detector that it was made from, row by row."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.calibration import Calibration
from alad.errors import InputError
from alad.estimators import AbstractDetector
from alad.export.detectors import COLUMNS, X
from alad.export.graph import needed
from alad.export.tables import DAY, FIRST_DAY, takes_doubles
from alad.export.ties import leeway
from alad.preprocessing.columns import Column
from alad.preprocessing.frames import is_frame, to_polars
from alad.preprocessing.kinds._base import as_text
from alad.preprocessing.kinds.numbers import as_at_fit, less, numbers
from alad.preprocessing.kinds.times import parts_at_fit
from alad.preprocessing.kinds.words import MISSING

TOLERANCE = 1e-4
ROUNDING = 2e-5  # of a score that counts as equal to one of the calibration; here and in the model
TINY = 1e-9
AT_ONCE = 1024  # rows at a time: comparing one with a memory takes 4 bytes a row
FEW = 257  # rows, for which the detector compiles what it needs for many

Rows = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Agreement:
    """What a comparison found."""

    rows: int
    largest: float
    """The largest of |A - A'| / max(|A|, median of |A|), of rows without ties."""
    ties: int
    """Rows that differ by more than rounding because several kept rows are equally near."""
    verdicts: int
    """Rows that only one of the two calls an anomaly: they lie at the threshold, up to rounding."""
    rows_per_second: float
    """Of the exported model, in onnxruntime."""
    rows_per_second_here: float
    """Of the detector's ``score_samples``."""
    p_values: int = 0
    """Rows whose p-value is another one, by more than the difference of the scores explains."""

    def check(self) -> None:
        """Refuse a model that says something else than its detector.

        Raises
        ------
        InputError
            The largest difference is above 1e-4, or a p-value is wrong.
        """
        if not self.largest <= TOLERANCE:
            raise InputError(
                f"Expected the exported model to give the detector's scores, up to {TOLERANCE:g} "
                f"of their size; got {self.largest:.3g} on {self.rows:,} rows. Score with alad "
                "itself."
            )
        if self.p_values:
            raise InputError(
                f"Expected the exported model to give the detector's p-values; got others on "
                f"{self.p_values:,} of {self.rows:,} rows. Score with alad itself."
            )


def compare(model: Any, detector: AbstractDetector, parts: Iterable[Any]) -> Agreement:
    """Score rows twice: with the detector, and in onnxruntime with the model made from it.

    Parameters
    ----------
    model : an ``onnx.ModelProto``, or its bytes
    parts : arrays or frames of rows, as the detector takes them; at least one

    Raises
    ------
    InputError
        The rows do not fit the detector, ``parts`` are no parts but rows, or onnxruntime is not
        installed.
    """
    if isinstance(parts, np.ndarray) or is_frame(parts):
        raise InputError("Expected parts, each an array or a frame; got one table. Pass [table].")
    running = session(model if isinstance(model, bytes) else model.SerializeToString())
    results: list[tuple[Any, ...]] = []
    for rows in parts:
        if not results:  # what is compiled on the first call is not to count
            _both(running, detector, rows[:FEW])
        results.append(_both(running, detector, rows))
    ours, theirs, flags, width, wrong, here, there = map(np.hstack, zip(*results, strict=True))
    apart = differences(ours, theirs)
    is_tie = (apart > TOLERANCE) & (np.abs(ours - theirs) <= width + TOLERANCE * np.abs(ours))
    return Agreement(
        rows=len(ours),
        largest=float(np.max(np.where(is_tie, 0, apart))),
        ties=int(is_tie.sum()),
        verdicts=int((flags != (ours > detector._threshold)).sum()),
        rows_per_second=float(len(ours) / there.sum()),
        rows_per_second_here=float(len(ours) / here.sum()),
        p_values=int(wrong.sum()),
    )


def _both(running: Any, detector: AbstractDetector, rows: Any) -> tuple[Any, ...]:
    """Scores of both, the model's verdicts, what ties explain, wrong p-values, and seconds."""
    began = time.perf_counter()
    ours = -detector.score_samples(rows)
    between = time.perf_counter()
    found = run(running, feeds(detector, rows, is_by_column(running)))
    ended = time.perf_counter()
    theirs, flags = found["anomaly_score"], found["is_anomaly"]
    differ = np.abs(ours - theirs) > TOLERANCE * np.abs(ours)
    width = leeway(detector, detector._matrix(rows, fitting=False), differ)
    wrong = _wrong(found, ours, detector.calibration_)
    return ours, theirs, flags, width, wrong, between - began, ended - between


def _wrong(found: Rows, ours: NDArray[np.float64], known: Calibration | None) -> NDArray[np.bool_]:
    """Which p-values no score between the two, or within their rounding, has."""
    if known is None:
        return np.zeros(len(ours), np.bool_)
    room = np.abs(found["anomaly_score"] - ours) + ROUNDING * np.maximum(np.abs(ours), 1)
    low, high = known.p_values(ours + room), known.p_values(ours - room)
    p = found["p_value"]
    wrong: NDArray[np.bool_] = ~((p > low - TINY) & (p < high + TINY))
    return wrong


def differences(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """|A - A'| / max(|A|, median of |A|), row by row.

    >>> differences(np.array([1.0, 0.0, 4.0]), np.array([1.0, 0.1, 4.2])).round(3).tolist()
    [0.0, 0.1, 0.05]
    """
    size = np.maximum(np.abs(ours), np.median(np.abs(ours)))
    apart = np.abs(ours - theirs)
    return np.where(apart == 0, 0, apart / np.where(size == 0, 1, size))


def session(model: bytes) -> Any:
    """A model ready to run in onnxruntime, on the processor."""
    runtime = needed("onnxruntime")
    return runtime.InferenceSession(model, providers=["CPUExecutionProvider"])


def is_by_column(running: Any) -> bool:
    """Whether a model has one input for each column of a table."""
    return bool(running.get_modelmeta().custom_metadata_map["inputs"] == COLUMNS)


def run(running: Any, given: Rows) -> Rows:
    """The outputs of a model by name, some rows at a time."""
    names = [output.name for output in running.get_outputs()]
    n = len(next(iter(given.values())))
    parts = [
        running.run(names, {name: rows[start : start + AT_ONCE] for name, rows in given.items()})
        for start in range(0, n, AT_ONCE)
    ]
    return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))


def feeds(detector: AbstractDetector, rows: Any, by_column: bool) -> Rows:
    """Rows, as the detector takes them, as an exported model takes them.

    >>> from alad import Mahalanobis
    >>> frame = pl.DataFrame({"bytes": [1.0, None], "proto": ["tcp", None]})
    >>> given = feeds(Mahalanobis().fit(frame), frame, True)
    >>> given["bytes"].tolist(), given["proto"].tolist()
    ([[1.0], [nan]], [['tcp'], ['<missing>']])
    """
    encoder = detector.encoder_
    if not by_column:
        x = detector._matrix(rows, fitting=False)
        is_double = encoder is None and not detector.takes_pictures
        return {X: x.astype(np.float64 if is_double else np.float32, copy=False)}
    assert encoder is not None
    table = to_polars(rows)
    return {
        column.name: _fed(column.read(table[column.name]), column)[:, None]
        for column in encoder.schema
    }


def _fed(series: pl.Series, column: Column) -> NDArray[Any]:
    """A column's values as its input takes them."""
    if column.kind == "time":
        return _seconds(series, column)
    if column.of_kind.is_number:
        given = as_at_fit(series, column)
        return less(given, 0).to_numpy() if takes_doubles(column) else numbers(given)[0]
    return as_text(series).fill_null(MISSING).to_numpy().astype(np.object_)


def _seconds(series: pl.Series, column: Column) -> NDArray[np.float64]:
    """Seconds of a time in the first week of 1970, of the same weekday and time of day."""
    hour, weekday, gap = parts_at_fit(series, column.learned).fill_null(0).to_numpy().T
    days = (np.round(7 * weekday) - FIRST_DAY) % 7
    return np.where(gap, np.nan, np.round(DAY * (hour + days)))
