"""What ``alad score --stream FILE`` keeps of a stream between two tables of it."""

from __future__ import annotations

import json
from pathlib import Path

from alad._files import rehearse, written_aside
from alad.calibration import Calibration, OnlineFDR
from alad.errors import InputError, OutputError

MOST_BYTES = 10_000  # a state has six fields
BEGIN = "Give the name of a file that is not there to begin another stream."


def check_stream(place: Path | None, out: Path, *read: Path | None) -> None:
    """Find out before long work whether the state can be kept there.

    Raises
    ------
    InputError
        It is no place for it: a file that is read or written besides, or one of another kind.
    OutputError
        It cannot be written.
    """
    if place is None:
        return
    if place.suffix.lower() != ".json":
        raise InputError(f"Expected --stream to end in .json; got {place}. Give another name.")
    if out == Path("-"):
        raise InputError(
            "Expected a file for --out with --stream: what is decided is kept once the result is "
            "whole, and who reads a pipe may stop. Give a file."
        )
    target = _target(place).resolve()
    if target == out.resolve():
        raise InputError(f"Expected --stream and --out to be two files; got {place} for both.")
    for source in filter(None, read):
        if source.resolve() in (target, *target.parents):
            raise InputError(
                f"Expected another place for --stream than {place}, which is in {source}, and that "
                "is read. Give another name."
            )
    rehearse(_target(place))


def begun_or_continued(place: Path, calibration: Calibration, fdr: float) -> OnlineFDR:
    """Give the decisions so far from a file, or none yet where there is no file.

    Raises
    ------
    InputError
        The file is none of ours, is of another rate, or of a model with more calibration rows.
    """
    m = len(calibration.scores)
    new = OnlineFDR(fdr, m)
    if not place.exists():
        return new
    online = _read(place)
    if online.fdr != fdr:
        raise InputError(
            f"Expected --fdr {online.fdr:g}, by which the stream of {place} is decided; got "
            f"{fdr:g}. {BEGIN}"
        )
    if online.memory > new.memory * (1 + 1e-9):
        raise InputError(
            "Expected a model with at least as many calibration rows as when the stream of "
            f"{place} was begun, {round(online.memory / fdr) - 1:,}; this one has {m:,}, "
            f"and finds nothing there while nothing happens. {BEGIN}"
        )
    return online


def keep_state(online: OnlineFDR, place: Path, before: int) -> None:
    """Write the decisions so far, whole or not at all; ``before`` rows had been seen at the start.

    Raises
    ------
    OutputError
        The place cannot be written, or another run went on with the stream meanwhile; what stands
        there is as it was.
    """
    if (_read(place).seen if place.exists() else 0) != before:
        raise OutputError(
            f"Expected the stream of {place} as it was when this began; another run went on with "
            "it meanwhile. The result was decided without knowing of that: score the table again, "
            "one after the other."
        )
    with written_aside(_target(place)) as aside:
        aside.write_text(json.dumps(online.to_json(), indent=2) + "\n", encoding="utf-8")


def _target(place: Path) -> Path:
    """The file itself, where the name is a link to it: others may go on by its own name."""
    try:
        return place.resolve() if place.is_symlink() else place
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"Expected a file for --stream; {place} is a link that leads nowhere. Give another "
            "name."
        ) from error


def _read(place: Path) -> OnlineFDR:
    told = f"Expected the state of a stream in {place}, as alad score --stream writes it; got"
    try:
        with place.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{told} no file that can be read: {reason}. {BEGIN}") from error
    try:
        return OnlineFDR.from_json(json.loads(text if len(text) <= MOST_BYTES else ""))
    except (InputError, ValueError, RecursionError) as error:
        raise InputError(f"{told} something else: {error!s:.120}. {BEGIN}") from error
