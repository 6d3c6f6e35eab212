"""Signs that rows, taken to be unseen by a model's fit, are those that it was given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.cli.provenance import name_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alad.cli.drawing import Drawn
    from alad.estimators import AbstractDetector

VARIED = 0.9  # of the new rows are different ones: else equal rows are nothing odd
MANY = 0.5  # of the kept rows are among the new ones


def familiar(detector: AbstractDetector, table: Path, new: Drawn) -> str | None:
    """Say what speaks for it, if anything does.

    Rows of calibration are kept in the model. Those that were held out of the fitted table come up
    again in it, each of them, and hardly anywhere else.
    """
    from alad.estimators._given import as_fine

    fitted = detector.trained_on_
    if fitted is not None and (fitted["table"], fitted["rows"]) == (name_of(table), new.of):
        return f"a table {fitted['table']} of {new.of:,} rows is what the fit was given"
    calibration = detector.calibration_
    if calibration is None or not calibration.rows.size:
        return None
    both = as_fine(calibration.rows, detector._matrix(new.X, fitting=False))
    kept, given = map(_distinct, both)
    again = len(kept & given)
    if len(given) < VARIED * len(new.names) or again <= MANY * len(kept):
        return None
    return f"{again:,} of {len(kept):,} rows of the old calibration are among them"


def _distinct(rows: NDArray[Any]) -> set[bytes]:
    return {row.tobytes() for row in rows}
