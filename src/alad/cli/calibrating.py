"""Normal rows that a model's fit does not see: held out of its table, or given in another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.errors import InputError, RowError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from alad.cli.drawing import Drawn
    from alad.cli.pictures import OnBad
    from alad.estimators import AbstractDetector
    from alad.preprocessing.columns import Column
    from alad.preprocessing.schema import Schema

SHARE = 0.1
MOST = 20_000  # rows: the smallest p-value is 5e-5 then, and more cost the fit more than they give
LEAST = 100  # rows in all: of fewer, the fit needs every one
FACTS = ("from", "drawn_from", "stretches_of")
HELD_OUT = "held out"  # where a calibration is from that surely is of rows not seen
HELD = 1 / 8  # of the memory, that rows to calibrate on may take, once they are numbers
STRETCHES = 50  # of time, of which some are held out
MOST_IN_STRETCHES = 0.5  # of the rows
LEAST_TIMES = 10  # different ones
CHOICES = 1000  # of stretches, that are compared
DAY = 86_400  # seconds
LOOKED_AT = 10_000  # rows, to find out which column says when


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


def check_table(separate: Path | None, columns: Sequence[str], *, skips: bool) -> None:
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
    with open_table(separate, skips=skips) as table:
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
    is_learned: NDArray[np.bool_] | None = None
    """(n,) which of all rows are learned from; None: all are."""
    is_held: NDArray[np.bool_] | None = None
    """(n,) which are held out. Of long stretches of time some rows are neither."""

    @property
    def set_aside(self) -> int:
        """How many rows are not learned from."""
        return 0 if self.is_learned is None else int((~self.is_learned).sum())

    @contextmanager
    def placed(self, *, held: bool) -> Iterator[None]:
        """Name the table's row in an error that names one of a part."""
        try:
            yield
        except RowError as error:
            chosen = self.is_held if held else self.is_learned
            if chosen is None:
                raise
            places = chosen.nonzero()[0]
            raise error.at(int(places[error.row])) from error


def held_out(rows: Any, share: float, seed: int, when: NDArray[np.float64] | None = None) -> Parted:
    """Part rows into those to learn from and those to calibrate on.

    Where times are given, stretches of time are set aside (:func:`in_stretches`), of which at most
    20,000 rows are held; else rows are drawn one by one. Of fewer than 100 rows none is held out,
    and 50 are always left; of pictures too many for the memory no more are held out than an eighth
    of it holds.
    """
    import numpy as np

    from alad.estimators import PictureFiles, Stream

    most = MOST
    if isinstance(rows, PictureFiles):
        most = min(most, int(rows.memory * HELD / rows.size * len(rows)))
    count = min(round(share * len(rows)), most, len(rows) - LEAST // 2)
    if len(rows) < LEAST or count == 0:
        return Parted(rows, None)
    rng = np.random.default_rng(seed)
    is_held = np.zeros(len(rows), np.bool_)
    if when is None:
        is_held[rng.choice(len(rows), count, replace=False)] = True
        is_learned = ~is_held
    else:
        is_learned = ~in_stretches(when, share, rng)
        aside = np.flatnonzero(~is_learned)
        is_held[rng.choice(aside, min(len(aside), most), replace=False)] = True
    if isinstance(rows, Stream | PictureFiles):
        return Parted(rows.without(~is_learned), rows.only(is_held), is_learned, is_held)
    if isinstance(rows, np.ndarray):
        return Parted(rows[is_learned], rows[is_held], is_learned, is_held)
    return Parted(rows.filter(is_learned), rows.filter(is_held), is_learned, is_held)


def in_stretches(
    when: NDArray[np.float64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose about a share of the rows, at most half, in stretches spread over all of the time.

    Rows beside each other in time are alike, so that one whose neighbours were learned from is
    nearer to them than any new row: its score would be too low to calibrate on. The first stretch
    and the last are learned from, so that what is learned spans all of the time. Of many choices
    that one is taken whose rows are spread over the hours and weekdays most like all rows: where
    there are nights and days, both count as much as they do in all.
    """
    import numpy as np

    sizes = np.diff(np.linspace(0, len(when), STRETCHES + 1).astype(int))
    stretch = np.empty(len(when), np.uint8)
    stretch[np.argsort(when, kind="stable")] = np.repeat(np.arange(STRETCHES), sizes)
    count = max(1, round(share * STRETCHES))
    edges = np.linspace(0, STRETCHES, count + 1).astype(int)
    edges[[0, -1]] = 1, STRETCHES - 1
    choices = rng.integers(edges[:-1], edges[1:], size=(CHOICES, count))  # one of each part
    unlike = np.zeros(CHOICES)
    for period, parts in ((DAY, 24), (7 * DAY, 7)):
        part = np.minimum(when % period * (parts / period), parts - 1).astype(np.uint16)
        rows = np.bincount(stretch * np.uint16(parts) + part, minlength=STRETCHES * parts)
        rows = rows.reshape(STRETCHES, parts)
        chosen = rows[choices].sum(axis=1)
        shares = chosen / chosen.sum(axis=1, keepdims=True)
        unlike += np.abs(shares - rows.sum(axis=0) / len(when)).sum(axis=1)
    found: NDArray[np.bool_] = np.isin(stretch, choices[unlike.argmin()])
    return found


def times_of(rows: Any, schema: Schema | None) -> tuple[str, NDArray[np.float64]] | None:
    """The column of a table that says when, and the times of all rows.

    A row without a time has that of the row before it. None where there is no such column, where a
    time of it cannot be read, or where there are fewer than ten different ones.
    """
    import numpy as np

    from alad.estimators import Stream

    parts = rows if isinstance(rows, Stream) else [rows]
    column = _time_column(parts, schema, len(rows))
    if column is None:
        return None
    try:
        found = np.concatenate([_seconds(part[column.name], column.format) for part in parts])
    except InputError:
        return None
    known = np.flatnonzero(~np.isnan(found))
    if len(np.unique(found[known])) < LEAST_TIMES:
        return None
    before = np.searchsorted(known, np.arange(len(found)), side="right") - 1
    return column.name, found[known[np.maximum(before, 0)]]


def _time_column(parts: Iterable[pl.DataFrame], schema: Schema | None, rows: int) -> Column | None:
    """The column with the role of time: what is inferred is taken from some of the rows."""
    from alad.preprocessing.learning.tables import TableLearner

    learner = TableLearner(schema)
    try:
        for part in parts:
            learner.update(part.gather_every(max(1, rows // LOOKED_AT)))
        return next((column for column in learner.columns() if column.role == "time"), None)
    except InputError:  # that the fit will say, of all rows
        return None


def _seconds(times: pl.Series, form: str) -> NDArray[np.float64]:
    """Times as seconds, NaN where one is missing."""
    import numpy as np

    from alad.cli.times import instants
    from alad.preprocessing.kinds._base import TEXT, without_absent

    times = without_absent(times) if times.dtype in TEXT else times
    times = times.fill_nan(None) if times.dtype.is_float() else times
    found = np.full(len(times), np.nan)
    found[times.is_not_null().to_numpy()] = instants(times.drop_nulls(), 0, form)
    return found


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


def calibrate(
    model: AbstractDetector, rows: Any, source: str, *, of: int, stretches: str | None = None
) -> None:
    """Calibrate, and write down where the rows came from, and of how many they were drawn.

    ``stretches`` is the column of time of which they are stretches.
    """
    kept = model.calibrate(rows).calibration_
    assert kept is not None
    drawn: dict[str, Any] = {"drawn_from": of} if of > len(rows) else {}
    drawn |= {"stretches_of": stretches} if stretches else {}
    model.calibration_ = replace(kept, facts={**kept.facts, "from": source, **drawn})


def summary(model: AbstractDetector, rows: int, share: float) -> dict[str, Any]:
    """What became of the calibration, as JSON; ``rows`` and ``share`` say why there is none."""
    kept = model.calibration_
    if kept is not None:
        return {
            "rows": len(kept.scores),
            "rows_kept": len(kept.rows),
            "smallest_p": kept.smallest_p,
            **{name: kept.facts[name] for name in FACTS if name in kept.facts},
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
    drawn += f", in stretches of {done['stretches_of']}" if "stretches_of" in done else ""
    is_held_out = done["from"] == HELD_OUT
    unseen = " that the fit did not see" if is_held_out else ", taken to be unseen by the fit"
    return (
        f"Calibrated on {done['rows']:,} normal rows{unseen} ({done['from']}"
        f"{drawn}): the smallest p-value is {done['smallest_p']:.3g}."
    )
