"""A threshold from a table of which somebody has labelled rows: ``alad score --labelled``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
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
WHOLE = r"^(-?[0-9]+)\.0+$"  # pandas makes 1.0 of 1 in a column with gaps
SHOWN = 5  # words of one meaning that are counted by name
MOST = 2_000_000  # labelled rows: of each a score and a label are held


@dataclass(frozen=True)
class Sample:
    """Where labelled rows are, which column has the labels, and what is wanted of the threshold."""

    path: Path
    column: str
    anomaly: tuple[str, ...] = ()
    """Labels that mean an anomaly; others mean a normal row, unless ``normal`` says which do."""
    normal: tuple[str, ...] = ()
    """Labels that mean a normal row; others mean an anomaly, unless ``anomaly`` says which do."""
    precision: float | None = None
    recall: float | None = None

    def meaning(self, word: str) -> bool | None:
        """Whether a label means an anomaly; None where it means neither.

        Raises
        ------
        KeyError
            Nothing says what it means.
        """
        if word in self.anomaly or word in self.normal:
            return word in self.anomaly
        if self.anomaly and self.normal:
            return None
        return bool(self.normal) if self.anomaly or self.normal else MEANING[word.lower()]


@dataclass(frozen=True)
class _Read:
    """The rows that have a meaning, and what was said of all."""

    scores: NDArray[np.float64]
    is_anomaly: NDArray[np.bool_]
    words: Mapping[str, int]
    rows: int


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
    if precision is not None and recall is not None:
        raise InputError("Expected --precision or --recall; got both. Leave one out.")
    strange, usual = ([_as_number(word) for word in words or ()] for words in (anomaly, normal))
    if both := [word for word in strange if word in usual]:
        raise InputError(
            f"Expected a label to mean an anomaly or a normal row; got {both[0]!r} after --anomaly "
            "and after --normal. Leave one out."
        )
    return Sample(path, column, tuple(strange), tuple(usual), precision, recall)


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
        read = _read(detector, inputs, sample)
    y = read.is_anomaly
    if y.all() or not y.any():
        raise InputError(
            f"Expected labelled rows of both kinds in {inputs.place}; got {int(y.sum()):,} "
            f"anomalies and {int((~y).sum()):,} normal rows. Label some of each kind, or say by "
            "--anomaly or --normal what the labels mean."
        )
    found = at_labels(read.scores, y, precision=sample.precision, recall=sample.recall)
    aside = _aside(read.rows - sum(read.words.values()))
    told = [found.note, _taken(read.words, sample), _nowhere(read.words, sample), aside]
    return replace(found, note=" ".join(filter(None, told)) or None)


def _taken(words: Mapping[str, int], sample: Sample) -> str:
    """What the labels were taken for, if that was said by --anomaly or --normal."""
    if not (sample.anomaly or sample.normal):
        return ""
    told = {True: "anomalies", False: "normal", None: "left aside"}
    parts = []
    for meaning, of_rows in told.items():
        alike = Counter({w: n for w, n in words.items() if sample.meaning(w) is meaning})
        if alike:
            parts.append(f"{_counted(alike)} {of_rows}")
    return f"{'; '.join(parts)}."


def _nowhere(words: Mapping[str, int], sample: Sample) -> str:
    """Which labels were said to mean something and are those of no row: misspelt, perhaps."""
    absent = [word for word in (*sample.anomaly, *sample.normal) if word not in words]
    return f"No row has the label {quoted(absent)}." if absent else ""


def _counted(words: Counter[str]) -> str:
    """The commonest words with their counts.

    >>> _counted(Counter({"good": 45, "maybe": 5}))
    'good: 45, maybe: 5'
    """
    shown = [f"{word[:40]}: {n:,}" for word, n in words.most_common(SHOWN)]
    rest = len(words) - SHOWN
    others = sum(n for _, n in words.most_common()[SHOWN:])
    return ", ".join([*shown, *([f"{rest:,} others: {others:,}"] if rest > 0 else [])])


def _aside(n: int) -> str:
    told = "1 row without a label was" if n == 1 else f"{n:,} rows without a label were"
    return f"{told} left aside." if n else ""


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


def _read(detector: AbstractDetector, inputs: Inputs, sample: Sample) -> _Read:
    """Score the rows whose label has a meaning."""
    scores, meant, words, rows = [np.zeros(0)], [np.zeros(0, np.bool_)], Counter[str](), 0
    for batch in inputs.batches([sample.column]):
        text = _as_text(batch.content[sample.column])
        found = _meant(text, sample, batch.start)
        words.update(dict(text.drop_nulls().value_counts().iter_rows()))
        rows += len(text)
        if sum(map(len, meant)) + found.count() > MOST:
            raise InputError(
                f"Expected at most {MOST:,} labelled rows; {inputs.place} has more. Draw some of "
                "them."
            )
        if found.count():
            meant.append(found.drop_nulls().to_numpy())
            scores.append(_scores(detector, inputs, batch, found.is_not_null()))
    return _Read(np.concatenate(scores), np.concatenate(meant), words, rows)


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
    if labels.dtype.is_float():
        text = text.set(labels.is_nan(), None)
    return text.set(text == "", None).str.replace(WHOLE, "$1")


def _as_number(word: str) -> str:
    return re.sub(WHOLE, r"\1", word.strip())


def _meant(text: pl.Series, sample: Sample, start: int) -> pl.Series:
    """Say of every row whether its label means an anomaly; null where it has none or means none."""
    try:
        meaning = {word: sample.meaning(word) for word in text.drop_nulls().unique()}
    except KeyError:
        odd = next(word for word in text.drop_nulls() if word.lower() not in MEANING)
        raise InputError(
            f"Expected labels of 1 and 0, or true and false, in column {text.name!r}; got {odd!r} "
            f"in row {start + int((text == odd).arg_max() or 0)}. Say by --anomaly which labels "
            "mean an anomaly, or by --normal which mean a normal row."
        ) from None
    return text.replace_strict(meaning, default=None, return_dtype=pl.Boolean)
