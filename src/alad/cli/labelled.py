"""A threshold from a table of which somebody has labelled rows: ``alad score --labelled``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.calibration import Decision, at_labels
from alad.cli.inputs import Batch, Inputs, opened
from alad.errors import InputError, RowError
from alad.preprocessing.frames import quoted

if TYPE_CHECKING:
    from alad.estimators import AbstractDetector

MEANING = {"1": True, "true": True, "0": False, "false": False}  # where nothing else is said
MOST = 2_000_000  # labelled rows: of each a score and a label are held


@dataclass(frozen=True)
class Sample:
    """Where labelled rows are, which column has the labels, and what is wanted of the threshold."""

    path: Path
    column: str
    anomaly: tuple[str, ...] = ()
    """Labels that mean an anomaly; all others mean a normal row."""
    normal: tuple[str, ...] = ()
    """Or labels that mean a normal row; all others mean an anomaly."""
    precision: float | None = None
    recall: float | None = None


def sample_of(
    path: Path | None,
    column: str | None,
    *,
    anomaly: Sequence[str] | None = None,
    normal: Sequence[str] | None = None,
    precision: float | None = None,
    recall: float | None = None,
) -> Sample | None:
    """Put the options together; None where none of them is given.

    Raises
    ------
    InputError
        One is lacking, or two do not go together.
    """
    beside = {
        "--label": column,
        "--anomaly": anomaly,
        "--normal": normal,
        "--precision": precision,
        "--recall": recall,
    }
    given = [name for name, value in beside.items() if value not in (None, [], ())]
    if path is None:
        if given:
            raise InputError(
                f"Expected no {given[0]} without --labelled. Leave it out, or give labelled rows."
            )
        return None
    if column is None:
        raise InputError(
            "Expected --label COLUMN with --labelled: which column says what a row is? Name it."
        )
    for pair in (["--anomaly", "--normal"], ["--precision", "--recall"]):
        if set(pair) <= set(given):
            raise InputError(f"Expected {' or '.join(pair)}; got both. Leave one out.")
    return Sample(path, column, tuple(anomaly or ()), tuple(normal or ()), precision, recall)


def at_sample(detector: AbstractDetector, sample: Sample) -> Decision:
    """Take the threshold from the labelled rows; those without a label are left aside.

    Raises
    ------
    InputError
        Pictures, a table that is not as at fit, a label that means nothing, too many rows with
        labels or only one kind of them, or a wish that no threshold fulfils.
    """
    if detector.takes_pictures:
        raise InputError(
            "Expected no --labelled with pictures, which have no columns. Leave it out."
        )
    with opened(detector, sample.path) as inputs:
        _check_column(detector, inputs, sample.column)
        scores, y, rows = _read(detector, inputs, sample)
    if y.all() or not y.any():
        raise InputError(
            f"Expected labelled rows of both kinds in {inputs.place}; got {int(y.sum()):,} "
            f"anomalies and {int((~y).sum()):,} normal rows. Label some of each kind, or say by "
            "--anomaly or --normal what the labels mean."
        )
    found = at_labels(scores, y, precision=sample.precision, recall=sample.recall)
    return replace(found, note=_aside(rows - len(y)))


def _aside(n: int) -> str | None:
    told = "1 row without a label was" if n == 1 else f"{n:,} rows without a label were"
    return f"{told} left aside." if n else None


def _check_column(detector: AbstractDetector, inputs: Inputs, column: str) -> None:
    assert inputs.columns is not None
    if column not in inputs.columns:
        raise InputError(
            f"Expected the column {column!r} of the labels in {inputs.place}; it has "
            f"{quoted(inputs.columns)}. Name one of these by --label."
        )
    if detector.encoder_ is None or column in [read.name for read in detector.encoder_.schema]:
        raise InputError(
            f"Expected labels in a column that the model does not read; it reads {column!r}. Fit "
            f"with --drop {column}, or name another column by --label."
        )


def _read(
    detector: AbstractDetector, inputs: Inputs, sample: Sample
) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Give the scores and labels of the rows that have a label, and how many rows there are."""
    scores, labels, rows, labelled = [np.zeros(0)], [np.zeros(0, np.bool_)], 0, 0
    for batch in inputs.batches([sample.column]):
        text = _as_text(batch.content[sample.column])
        rows, labelled = rows + len(text), labelled + text.count()
        if labelled > MOST:
            raise InputError(
                f"Expected at most {MOST:,} labelled rows; {inputs.place} has more. Draw some of "
                "them."
            )
        if text.count():
            labels.append(_meant(text, sample, batch.start))
            scores.append(_scores(detector, inputs, batch, text.is_not_null()))
    return np.concatenate(scores), np.concatenate(labels), rows


def _scores(
    detector: AbstractDetector, inputs: Inputs, batch: Batch, chosen: pl.Series
) -> NDArray[np.float64]:
    try:
        X = inputs.taken(replace(batch, content=batch.content.filter(chosen)))
        return -detector.score_samples(X)
    except RowError as error:
        raise error.at(batch.start + int(chosen.arg_true()[error.row])) from error


def _as_text(labels: pl.Series) -> pl.Series:
    if labels.dtype.is_nested() or labels.dtype == pl.Binary:
        raise InputError(
            f"Expected text, numbers or true and false in column {labels.name!r} of the labels; "
            f"got {labels.dtype}. Name another column by --label."
        )
    text = labels.cast(pl.String).str.strip_chars()
    if labels.dtype.is_float():  # 1.0 is the label 1, whatever stands beside it
        text = text.set(labels.is_nan(), None).str.replace(r"^(-?\d+)\.0$", "$1")
    return text.set(text == "", None)


def _meant(text: pl.Series, sample: Sample, start: int) -> NDArray[np.bool_]:
    """Say of every row with a label whether it means an anomaly."""
    present = text.drop_nulls()
    if sample.anomaly or sample.normal:
        named = present.is_in(sample.anomaly or sample.normal).to_numpy()
        return named if sample.anomaly else ~named
    meant = present.str.to_lowercase().replace_strict(
        MEANING, default=None, return_dtype=pl.Boolean
    )
    if meant.null_count():
        odd = present.filter(meant.is_null())[0]
        raise InputError(
            f"Expected labels of 1 and 0, or true and false, in column {text.name!r}; got {odd!r} "
            f"in row {start + int((text == odd).arg_max() or 0)}. Say by --anomaly which labels "
            "mean an anomaly, or by --normal which mean a normal row."
        )
    return meant.to_numpy()
