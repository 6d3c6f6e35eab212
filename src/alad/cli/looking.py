"""The page of a model of pictures: which pictures stand in it, and what is told of them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.cli.pictures import Folder, OnBad
from alad.errors import InputError

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

    from alad.report.pictures import Extremes

COUNT = 8  # of the most normal pictures, and of the most anomalous
ROUNDING = 0.01  # of a score, from one machine to another


def facts_of(extremes: Extremes, pictures: int, unreadable: list[dict[str, str]]) -> dict[str, Any]:
    """What was drawn: the pictures with their scores, the most normal and the strangest first."""
    drawn = {
        name.replace(" ", "_"): [
            {"file": file, "anomaly_score": float(score)}
            for file, score in zip(extremes.names[which], extremes.scores[which], strict=True)
        ]
        for name, which in extremes.halves().items()
    }
    drawn["most_anomalous"].reverse()
    return {"pictures": pictures, "unreadable": unreadable, **drawn}


def as_png(figure: Figure) -> bytes:
    """The bytes of a file."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    return buffer.getvalue()


def page_of(
    model: Path, detector: Any, extremes: Extremes, facts: dict[str, Any], png: bytes
) -> str:
    """The .html of what was drawn."""
    from alad.report.sheet import looked

    about = {
        "place": model.resolve().name,
        "detector": type(detector).__name__,
        "threshold": float(-detector.offset_),
        "above": extremes.above,
    }
    return looked({**facts, **about}, png)


def page_of_scored(
    model: Path, detector: Any, scored: Path, folder: Path
) -> tuple[str, dict[str, Any]]:
    """The same of pictures that were scored before, and what it shows in short.

    Raises
    ------
    InputError
        The table is none of scored pictures, or not by this model, or names one that the folder
        does not hold.
    """
    from alad.report.pictures import look

    frame = _scores(scored)
    extremes = _extremes(detector, frame, Folder(folder, OnBad.stop))
    _check_scored_by(detector, extremes, scored)
    facts = facts_of(extremes, frame.height, [])
    png = as_png(look(detector, extremes, 0))
    return page_of(model, detector, extremes, facts, png), facts


def _scores(scored: Path) -> pl.DataFrame:
    """The ``file`` of each picture and its ``anomaly_score``, the most normal first."""
    import polars as pl

    from alad.cli.tables import as_numbers, open_table

    wanted = ("file", "anomaly_score")
    with open_table(scored) as table:
        if absent := [name for name in wanted if name not in table.names]:
            raise InputError(
                f"Expected what 'alad score' wrote of pictures in {scored}; it has no column "
                f"{absent[0]!r}. Score the folder again."
            )
        frame = pl.concat(table.batches(wanted), how="vertical_relaxed")
    scores = as_numbers(frame.select("anomaly_score"))[:, 0]
    return frame.with_columns(anomaly_score=scores).sort("anomaly_score", maintain_order=True)


def _extremes(detector: Any, frame: pl.DataFrame, folder: Folder) -> Extremes:
    """Read the pictures at both ends of the scores."""
    import polars as pl

    from alad.report.pictures import Extremes

    ends = frame
    if frame.height > 2 * COUNT:
        ends = pl.concat([frame.head(COUNT), frame.tail(COUNT)])
    side, _, channels = detector.picture_shape_
    return Extremes(
        COUNT,
        ends["anomaly_score"].to_numpy(),
        folder.named(ends["file"].cast(pl.String).to_list(), side, channels),
        ends["file"].to_list(),
        int((frame["anomaly_score"] > -detector.offset_).sum()),
    )


def _check_scored_by(detector: Any, extremes: Extremes, scored: Path) -> None:
    """Hold the scores of the pictures that are shown against those that the model gives them."""
    import numpy as np

    own = -detector.score_samples(np.stack(extremes.pictures))
    gaps = np.abs(own - extremes.scores) > ROUNDING * np.maximum(np.abs(own), 1)
    if gaps.any():
        i = int(gaps.argmax())
        raise InputError(
            f"Expected scores of this model in {scored}; there {extremes.names[i]} has "
            f"{extremes.scores[i]:.6g}, and by the model {own[i]:.6g}. Score the folder again."
        )
