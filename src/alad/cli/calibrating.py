"""Normal rows that a model's fit does not see: held out of its table, or given in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.errors import InputError

if TYPE_CHECKING:
    from alad.cli.pictures import OnBad
    from alad.estimators import AbstractDetector

SHARE = 0.1
MOST = 20_000  # rows: the smallest p-value is 5e-5 then, and more cost the fit more than they give
LEAST = 100  # rows in all: of fewer, the fit needs every one


def check_options(
    share: float | None, separate: Path | None, columns: Sequence[str] | None
) -> None:
    """Hold the options against each other, and a table of calibration rows against ``columns``.

    Raises
    ------
    InputError
        They do not fit, or the table lacks a column.
    """
    from alad.cli.tables import holds_pictures, open_table
    from alad.preprocessing.frames import quoted

    if share is not None and not 0 <= share < 1:
        raise InputError(
            f"Expected a --calibration-share of at least 0 and below 1; got {share:g}. Give 0.1, "
            "say, or 0 for no calibration."
        )
    if separate is None:
        return
    if share:
        raise InputError(
            "Expected one source of calibration rows; got --calibration and --calibration-share. "
            "Leave one out."
        )
    if columns is None:
        if not holds_pictures(separate):
            raise InputError(f"Expected a folder of pictures after --calibration; got {separate}.")
        return
    with open_table(separate) as table:
        if absent := [name for name in columns if name not in table.names]:
            raise InputError(
                f"Expected the columns to be learned in {table.place} too; it has no "
                f"{quoted(absent)}. Give normal rows of the same columns."
            )


def held_out(rows: Any, share: float, seed: int) -> tuple[Any, Any | None]:
    """Part rows, a frame, a stream or an array, into those to learn from and those to calibrate on.

    Both keep their order. Of fewer than 100 rows none is held out, and 50 are always left.
    """
    import numpy as np

    from alad.estimators import Stream

    count = min(round(share * len(rows)), MOST, len(rows) - LEAST // 2)
    if len(rows) < LEAST or count == 0:
        return rows, None
    is_held = np.zeros(len(rows), np.bool_)
    is_held[np.random.default_rng(seed).choice(len(rows), count, replace=False)] = True
    if isinstance(rows, Stream):
        return rows.without(is_held), rows.only(is_held)
    if isinstance(rows, np.ndarray):
        return rows[~is_held], rows[is_held]
    return rows.filter(~is_held), rows.filter(is_held)


def inputs_of(detector: AbstractDetector, path: Path, on_bad: OnBad | None = None) -> Any:
    """Read all rows of a table, or pictures of a folder, as the detector takes them."""
    import numpy as np
    import polars as pl

    from alad.cli.inputs import opened

    with opened(detector, path, on_bad) as inputs:
        parts = list(inputs)
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else pl.concat(parts)


def calibrate(model: AbstractDetector, rows: Any, source: str) -> None:
    """Calibrate, and write down where the rows came from."""
    kept = model.calibrate(rows).calibration_
    assert kept is not None
    model.calibration_ = replace(kept, facts={**kept.facts, "from": source})


def summary(model: AbstractDetector, rows: int, share: float) -> dict[str, Any]:
    """What became of the calibration, as JSON; ``rows`` and ``share`` say why there is none."""
    kept = model.calibration_
    if kept is not None:
        return {
            "rows": len(kept.scores),
            "rows_kept": len(kept.rows),
            "smallest_p": kept.smallest_p,
            "from": kept.facts["from"],
        }
    few = f"{rows:,} rows in all are too few to hold some out" if share else "it was switched off"
    return {"rows": 0, "rows_kept": 0, "smallest_p": None, "from": None, "why_not": few}


def told(done: Mapping[str, Any]) -> str:
    """The summary as a line of text."""
    if not done["rows"]:
        return (
            f"Not calibrated: {done['why_not']}. --calibration FILE gives normal rows of their own."
        )
    return (
        f"Calibrated on {done['rows']:,} normal rows that the fit did not see ({done['from']}): "
        f"the smallest p-value is {done['smallest_p']:.3g}."
    )
