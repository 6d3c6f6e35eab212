"""``alad score``: judge every row of a table, however long, in bounded memory."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from alad.cli.pictures import Folder, OnBad, tell_unreadable
from alad.errors import InputError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from alad.cli.tables import Table
    from alad.estimators import AbstractDetector
    from alad.preprocessing.pictures import Pixels

T = TypeVar("T")
R = TypeVar("R")

OURS = ("row", "anomaly_score", "is_anomaly")
IN_WORK = 2  # batches at a time: while one is scored, another is decoded and encoded


def score(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model folder, as fit writes it.")
    ],
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help=".csv, .tsv, .jsonl (also .gz), .parquet, .arrow, .feather, .npy, - for CSV on "
            "standard input; a folder of such files, or a pattern in quotes; or a folder of "
            ".png, .jpg, .webp.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="Where to write: .parquet, .csv, .tsv (also .gz), or - for CSV on standard "
            "output. A file there is replaced once all is written.",
        ),
    ],
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", metavar="COLUMN", help="Copy this column of the table too (repeatable)."
        ),
    ] = None,
    all_columns: Annotated[
        bool, typer.Option("--all-columns", help="Copy all columns of the table.")
    ] = False,
    on_bad: Annotated[
        OnBad | None,
        typer.Option(
            help="Pictures: leave out a damaged file and go on, or stop.", show_default="skip"
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done as one JSON object.")
    ] = False,
) -> None:
    """Judge every row of a table with a model.

    For each row: row (counted from 0), anomaly_score (higher = more anomalous) and is_anomaly
    (whether the score is above the model's threshold). The table may be of any length: it is
    read, scored and written in batches.

    The table needs the columns that the model reads, in any order; labels and identifiers may be
    absent. Columns that fit did not see are left aside, and named at the end. Missing values are
    allowed: a missing number counts as the training median, and a category that fit did not see
    counts as none of those it saw. Both are counted, by column.

    Of a folder of pictures each one's row has its file instead of a number.
    """
    from alad.cli.progress import rows_progress
    from alad.cli.show import print_json
    from alad.cli.sinks import open_sink
    from alad.estimators import load

    if as_json and out == Path("-"):
        raise InputError(
            "Expected one thing on standard output; got --json and -o -. Leave one out."
        )
    detector = load(model)
    with _job(detector, table, keep or (), all_columns, on_bad) as job:
        began = time.monotonic()
        with open_sink(out) as write, rows_progress("scoring", job.expected) as advance:
            for scored in _in_order(job.judge, job.batches()):
                write(job.tally(scored))
                advance(scored.rows.height)
    summary = job.summary() | {"out": str(out), "seconds": round(time.monotonic() - began, 3)}
    if as_json:
        print_json(summary)
    else:
        _tell(summary, out)


@dataclass(frozen=True)
class _Scored:
    """A batch of results, and what was noted about its input."""

    rows: pl.DataFrame
    notes: Any = None


@dataclass
class _Job:
    """One model, what it is to judge, and the sums over the batches of that."""

    detector: AbstractDetector
    rows: int = field(default=0, init=False)
    anomalies: int = field(default=0, init=False)

    def verdicts(self, scores: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """What every row of a result says."""
        return {"anomaly_score": -scores, "is_anomaly": scores < self.detector.offset_}

    def tally(self, scored: _Scored) -> pl.DataFrame:
        """Add a batch to the sums, and give its rows."""
        self.rows += scored.rows.height
        self.anomalies += int(scored.rows["is_anomaly"].sum())
        return scored.rows

    def summary(self) -> dict[str, Any]:
        """What was done, as JSON."""
        return {
            "rows": self.rows,
            "anomalies": self.anomalies,
            "share": self.anomalies / self.rows,
            "threshold": -self.detector.offset_,
        }


@dataclass
class _FolderJob(_Job):
    """The pictures of a folder."""

    folder: Folder

    @property
    def expected(self) -> int:
        """How many files there are."""
        return len(self.folder.files)

    def batches(self) -> Iterator[tuple[Pixels, list[str]]]:
        """Give pictures and their names."""
        side, _, channels = self.detector.picture_shape_
        return self.folder.batches(side, channels)

    def judge(self, batch: tuple[Pixels, list[str]]) -> _Scored:
        """Score one batch."""
        import polars as pl

        pictures, names = batch
        scores = self.detector.score_samples(pictures)
        return _Scored(pl.DataFrame({"file": names, **self.verdicts(scores)}))

    def summary(self) -> dict[str, Any]:
        """What was done, as JSON."""
        return super().summary() | {"unreadable": self.folder.summary()}


@dataclass
class _TableJob(_Job):
    """The rows of a table."""

    table: Table
    wanted: tuple[str, ...]
    kept: tuple[str, ...]
    unseen: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    @property
    def expected(self) -> int | None:
        """How many rows there are, where the file tells."""
        return self.table.rows

    def batches(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Give the number of the first row, and the rows."""
        start = 0
        for frame in self.table.batches(tuple(dict.fromkeys(self.wanted + self.kept))):
            yield start, frame
            start += frame.height

    def judge(self, batch: tuple[int, pl.DataFrame]) -> _Scored:
        """Score one batch."""
        import numpy as np
        import polars as pl

        start, frame = batch
        try:
            scores, notes = self.detector.score_and_notes(self._input(frame))
        except InputError as error:
            where = f" (Rows are counted from row {start} of the table.)" if start else ""
            raise InputError(f"{error}{where}") from error
        ours = {"row": np.arange(start, start + len(scores)), **self.verdicts(scores)}
        return _Scored(pl.DataFrame(ours).hstack(frame.select(self.kept)), notes)

    def tally(self, scored: _Scored) -> pl.DataFrame:
        """Add a batch to the sums, and give its rows."""
        if scored.notes is not None:
            self.unseen.update(scored.notes.unseen)
            self.missing.update(scored.notes.missing)
        return super().tally(scored)

    def summary(self) -> dict[str, Any]:
        """What was done, as JSON."""
        return super().summary() | {
            "unseen_categories": dict(self.unseen),
            "missing_values": dict(self.missing),
            "ignored_columns": [
                name
                for name in self.table.names
                if name not in {*self.wanted, *self.kept, *self._left_out}
            ],
        }

    @property
    def _left_out(self) -> list[str]:
        """The columns that fit saw and does not give to the model."""
        encoder = self.detector.encoder_
        return [column.name for column in encoder.left_out] if encoder else []

    def _input(self, frame: pl.DataFrame) -> Any:
        """Give what the model expects: a frame with the types of fit, or an array."""
        from alad.cli.tables import as_at_fit, as_numbers

        frame, encoder = frame.select(self.wanted), self.detector.encoder_
        if encoder is None:
            return as_numbers(frame)
        return as_at_fit(frame, encoder.schema)


@contextmanager
def _job(
    detector: AbstractDetector,
    path: Path,
    keep: Sequence[str],
    all_columns: bool,
    on_bad: OnBad | None,
) -> Iterator[Any]:
    """Open what is to be judged, and hold the options against what that is."""
    from alad.cli.tables import holds_pictures, open_table

    is_folder = holds_pictures(path)
    if is_folder != detector.takes_pictures:
        wanted = "a table" if is_folder else "a folder of pictures"
        got = f"the {'folder' if is_folder else 'file'} {path}" if path.exists() else "no such path"
        raise InputError(
            f"Expected {wanted}, as at fit, at {path}; got {got}. Check the path, or take another "
            "model."
        )
    if is_folder:
        if keep or all_columns:
            raise InputError("Expected no --keep and no --all-columns with pictures. Leave it out.")
        yield _FolderJob(detector, Folder(path, on_bad or OnBad.skip))
        return
    if on_bad is not None:
        raise InputError("Expected no --on-bad with a table. Leave it out.")
    with open_table(path) as table:
        yield _table_job(detector, table, table.names if all_columns else keep)


def _table_job(detector: AbstractDetector, table: Table, kept: Sequence[str]) -> _TableJob:
    """Settle which columns are read, before anything is."""
    from alad.preprocessing.frames import quoted

    if absent := [name for name in kept if name not in table.names]:
        raise InputError(
            f"Expected columns of {table.place} after --keep; it has no {quoted(absent)}, but "
            f"{quoted(table.names)}."
        )
    if taken := [name for name in kept if name in OURS]:
        raise InputError(
            f"Expected columns to copy with other names than {', '.join(OURS)}, which the result "
            f"has itself; got {quoted(taken)}. Rename it, or name the columns to copy by --keep."
        )
    return _TableJob(detector, table, _wanted(detector, table), tuple(dict.fromkeys(kept)))


def _wanted(detector: AbstractDetector, table: Table) -> tuple[str, ...]:
    """The columns of fit; a model that was fitted on an array takes them all, in their order."""
    from alad.preprocessing.frames import quoted

    if detector.encoder_ is None:
        if len(table.names) != detector.n_features_in_:
            raise InputError(
                f"Expected {detector.n_features_in_} columns, as in the array at fit; "
                f"{table.place} has {len(table.names)}. Give the same columns."
            )
        return table.names
    wanted = tuple(column.name for column in detector.encoder_.schema)
    if absent := [name for name in wanted if name not in table.names]:
        known = {column.name for column in detector.encoder_.columns}
        others = [name for name in table.names if name not in known]
        unseen = f"; not seen at fit: {quoted(others)}" if others else ""
        raise InputError(
            f"Expected the {len(wanted)} columns at fit in {table.place}; missing: "
            f"{quoted(absent)}{unseen}. Give the same columns, or refit."
        )
    return wanted


def _in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Map with two items in work at a time, and few more of them in memory."""
    running: deque[Future[R]] = deque()
    with ThreadPoolExecutor(IN_WORK) as pool:
        for item in items:
            running.append(pool.submit(work, item))
            if len(running) > IN_WORK:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _tell(done: dict[str, Any], out: Path) -> None:
    """Write the summary to standard error; standard output may hold the scores."""
    from alad.cli.show import by_column, note, say

    speed = done["rows"] / max(done["seconds"], 1e-9)
    what = "pictures" if "unreadable" in done else "rows"
    say(
        f"Scored {done['rows']:,} {what} in {done['seconds']:.1f} s ({speed:,.0f} a second); "
        f"{done['anomalies']:,} anomalies ({done['share']:.2%}), above the threshold "
        f"{done['threshold']:.6g}."
    )
    note("categories that fit did not see", by_column(done.get("unseen_categories", {})))
    note("missing values", by_column(done.get("missing_values", {})))
    note("columns left aside, because fit did not see them", done.get("ignored_columns", ()))
    tell_unreadable(done.get("unreadable", ()))
    if out != Path("-"):
        say(f"Written: {out}")
