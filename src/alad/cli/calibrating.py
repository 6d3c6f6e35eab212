"""Normal rows that a model's fit does not see: held out of its table, or given in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.errors import InputError, RowError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alad.cli.drawing import Drawn
    from alad.cli.pictures import OnBad
    from alad.estimators import AbstractDetector

SHARE = 0.1
MOST = 20_000  # rows: the smallest p-value is 5e-5 then, and more cost the fit more than they give
LEAST = 100  # rows in all: of fewer, the fit needs every one
HELD_OUT = "held out"  # where a calibration is from that surely is of rows not seen
HELD = 1 / 8  # of the memory, that rows to calibrate on may take, once they are numbers


def check_options(share: float | None, separate: Path | None) -> None:
    """Hold the options against each other.

    Raises
    ------
    InputError
        They do not fit.
    """
    if share is not None and not 0 <= share < 1:
        raise InputError(
            f"Expected a --calibration-share of at least 0 and below 1; got {share:g}. Give 0.1, "
            "say, or 0 for no calibration."
        )
    if share and separate is not None:
        raise InputError(
            "Expected one source of calibration rows; got --calibration and --calibration-share. "
            "Leave one out."
        )


def check_apart(learned: Sequence[Path], separate: Sequence[Path]) -> None:
    """Refuse to calibrate on files that are learned from: their rows are nearer than new ones.

    Raises
    ------
    InputError
        Names the first such file.
    """
    for path in separate:
        for other in learned:
            one, two = path.resolve(), other.resolve()
            if one == two or one in two.parents or two in one.parents:
                raise InputError(
                    f"Expected calibration rows that the fit does not see; {path} is learned from. "
                    "Give other normal rows, or leave --calibration out: some are then held out."
                )


def check_folder(separate: Path | None) -> None:
    """Refuse calibration rows, if there are any, that are no folder of pictures.

    Raises
    ------
    InputError
        They are none.
    """
    from alad.cli.tables import holds_pictures

    if separate is not None and not holds_pictures(separate):
        raise InputError(f"Expected a folder of pictures after --calibration; got {separate}.")


def check_table(separate: Path | None, columns: Sequence[str]) -> None:
    """Refuse calibration rows, if there are any, that lack columns to be learned.

    Raises
    ------
    InputError
        Names the columns; or it is no table.
    """
    from alad.cli.tables import open_table
    from alad.preprocessing.frames import quoted

    if separate is None:
        return
    with open_table(separate) as table:
        if absent := [name for name in columns if name not in table.names]:
            raise InputError(
                f"Expected the columns to be learned in {table.place} too; it has no "
                f"{quoted(absent)}. Give normal rows of the same columns."
            )


@dataclass(frozen=True)
class Parted:
    """Rows, held or streamed, in two parts, each in the old order."""

    learned: Any
    """To learn from."""
    held: Any | None
    """To calibrate on."""
    is_held: NDArray[np.bool_] | None = None
    """(n,) which of all rows are held out; None: none is."""

    @contextmanager
    def placed(self, *, held: bool) -> Iterator[None]:
        """Name the table's row in an error that names one of a part."""
        try:
            yield
        except RowError as error:
            if self.is_held is None:
                raise
            places = (self.is_held == held).nonzero()[0]
            raise error.at(int(places[error.row])) from error


def held_out(rows: Any, share: float, seed: int) -> Parted:
    """Part rows into those to learn from and those to calibrate on.

    Of fewer than 100 rows none is held out, and 50 are always left; of pictures too many for the
    memory no more are held out than an eighth of it holds.
    """
    import numpy as np

    from alad.estimators import PictureFiles, Stream

    most = MOST
    if isinstance(rows, PictureFiles):
        most = min(most, int(rows.memory * HELD / rows.size * len(rows)))
    count = min(round(share * len(rows)), most, len(rows) - LEAST // 2)
    if len(rows) < LEAST or count == 0:
        return Parted(rows, None)
    is_held = np.zeros(len(rows), np.bool_)
    is_held[np.random.default_rng(seed).choice(len(rows), count, replace=False)] = True
    if isinstance(rows, Stream | PictureFiles):
        return Parted(rows.without(is_held), rows.only(is_held), is_held)
    if isinstance(rows, np.ndarray):
        return Parted(rows[~is_held], rows[is_held], is_held)
    return Parted(rows.filter(~is_held), rows.filter(is_held), is_held)


def rows_of(
    detector: AbstractDetector, path: Path, on_bad: OnBad | None, memory: int, seed: int
) -> Drawn:
    """Read rows of a table, or pictures of a folder; of very many some are drawn.

    At most 20,000, and no more than an eighth of the memory holds; but always up to 100.

    Raises
    ------
    InputError
        The table cannot be read, or is not as at fit.
    """
    from alad.cli.drawing import drawn, most_within
    from alad.cli.inputs import opened

    with opened(detector, path, on_bad) as inputs:
        most = most_within(int(memory * HELD), detector, most=MOST, least=LEAST)
        return drawn(inputs, most, seed)


def calibrate(model: AbstractDetector, rows: Any, source: str, *, of: int) -> None:
    """Calibrate, and write down where the rows came from, and of how many they were drawn."""
    kept = model.calibrate(rows).calibration_
    assert kept is not None
    drawn = {"drawn_from": of} if of > len(rows) else {}
    model.calibration_ = replace(kept, facts={**kept.facts, "from": source, **drawn})


def summary(model: AbstractDetector, rows: int, share: float) -> dict[str, Any]:
    """What became of the calibration, as JSON; ``rows`` and ``share`` say why there is none."""
    kept = model.calibration_
    if kept is not None:
        return {
            "rows": len(kept.scores),
            "rows_kept": len(kept.rows),
            "smallest_p": kept.smallest_p,
            **{name: kept.facts[name] for name in ("from", "drawn_from") if name in kept.facts},
        }
    few = f"{rows:,} rows in all are too few to hold some out" if share else "it was switched off"
    return {"rows": 0, "rows_kept": 0, "smallest_p": None, "from": None, "why_not": few}


def told(done: Mapping[str, Any]) -> str:
    """The summary as a line of text."""
    if not done["rows"]:
        return (
            f"Not calibrated: {done['why_not']}. --calibration FILE gives normal rows of their own."
        )
    drawn = f", drawn from {done['drawn_from']:,}" if "drawn_from" in done else ""
    is_held_out = done["from"] == HELD_OUT
    unseen = " that the fit did not see" if is_held_out else ", taken to be unseen by the fit"
    return (
        f"Calibrated on {done['rows']:,} normal rows{unseen} ({done['from']}"
        f"{drawn}): the smallest p-value is {done['smallest_p']:.3g}."
    )
