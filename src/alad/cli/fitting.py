"""The steps of ``alad fit``: check, read, hold out, train, calibrate, save, sum up."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.cli import calibrating
from alad.cli.pictures import Folder, OnBad
from alad.errors import InputError, LeftOutWarning, OutputError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from alad.estimators import AbstractDetector, PictureFiles, Stream
    from alad.preprocessing.columns import Column
    from alad.preprocessing.schema import Schema
    from alad.preprocessing.table import TableEncoder

MANY, MOST_OF = 100, 2 / 3  # features of one column, and of all
SIDE = 32  # pixels, where nothing else is said


@dataclass(frozen=True)
class Plan:
    """What the command was told beside the detector: what is read, and where the model goes."""

    table: Path
    out: Path
    drop: Sequence[str]
    schema: Path | None
    calibration: Path | None
    calibration_share: float | None
    side: int | None
    on_bad: OnBad | None
    memory: int
    checkpoint: Path | None
    seed: int

    @cached_property
    def folder(self) -> Folder | None:
        """The pictures, if it is no table that is read."""
        from alad.cli.tables import holds_pictures

        is_folder = holds_pictures(self.table)
        return Folder(self.table, self.on_bad or OnBad.skip) if is_folder else None

    @property
    def share(self) -> float:
        """The share of the rows that is to be held out."""
        if self.calibration is not None:
            return 0
        given = self.calibration_share
        return calibrating.SHARE if given is None else given


def fitted(model: AbstractDetector, plan: Plan) -> dict[str, Any]:
    """Fit a model as planned and save it; what was learned, as JSON.

    Raises
    ------
    InputError
        Options that do not go together, or a table that will not do.
    OutputError
        The model cannot be written; that is known before the training, if it can be.
    """
    from alad.cli.provenance import trained_on

    _check(model, plan)
    schema = _stated(plan)
    every, aside = _read(plan, schema)
    has_times = plan.folder is None and 0 < plan.share <= calibrating.MOST_IN_STRETCHES
    times = calibrating.times_of(every, schema) if has_times else None
    column, when = times or (None, None)
    parts = calibrating.held_out(every, plan.share, plan.seed, when)
    given = len(every)
    del every  # it may be most of the memory
    began = time.monotonic()
    with parts.placed(held=False):
        _train(model, parts.learned, schema, plan.checkpoint)
    with parts.placed(held=True):
        not_read = _calibrate(model, parts, plan, column)
    if plan.folder is not None and plan.folder.streamed is not None:
        given = plan.folder.streamed.count_sound()
    model.trained_on_ = trained_on(plan.table, given, plan.drop)
    _save(model, plan.out)
    return {
        **(_of_table if plan.folder is None else _of_pictures)(model, parts.learned),
        "calibration": {**calibrating.summary(model, given, plan.share), **not_read},
        "seconds": round(time.monotonic() - began, 3),
        "out": str(plan.out),
        **(aside if plan.folder is None else {"unreadable": plan.folder.summary()}),
    }


# ------------------------------------------------------------------------------- check


def _check(model: AbstractDetector, plan: Plan) -> None:
    """Find out before anything is read what can be known then."""
    from alad._files import check_not_read, rehearse
    from alad.cli.inputs import files_read
    from alad.io.folder import is_model

    model._check_settings()
    _check_kind(model, plan)
    calibrating.check_options(plan.calibration_share, plan.calibration)
    learned, separate = files_read(plan.table), files_read(plan.calibration)
    calibrating.check_apart(learned, separate)
    check_not_read(plan.checkpoint, *learned, *separate, plan.schema)
    rehearse(plan.out, replaceable=is_model)
    if plan.checkpoint is not None:
        rehearse(plan.checkpoint)


def _check_kind(model: AbstractDetector, plan: Plan) -> None:
    """Hold the detector and the options against what is to be learned from."""
    is_folder = plan.folder is not None
    if model.takes_pictures and not is_folder:
        raise InputError(
            f"Expected a folder of pictures for this --preset; got {plan.table}. Give a folder, or "
            "another preset."
        )
    if is_folder and not model.takes_pictures:
        raise InputError(
            f"Expected a table for this --detector and --preset; got the folder {plan.table}. For "
            "pictures there are alad, alice, bigan, autoencoder and dsebm, with --preset pictures, "
            "cifar10 or svhn."
        )
    for_tables = {"--drop": plan.drop, "--schema": plan.schema}
    for_pictures = {"--side": plan.side}
    foreign = [name for name, v in (for_tables if is_folder else for_pictures).items() if v]
    if foreign:
        raise InputError(
            f"Expected no {foreign[0]} with {'pictures' if is_folder else 'a table'}. Leave it out."
        )


# -------------------------------------------------------------------------------- read


def _stated(plan: Plan) -> Schema | None:
    """Read what the columns are said to be, without those to leave out."""
    from alad.preprocessing.schema import Schema

    return None if plan.schema is None else Schema.read(plan.schema).without(plan.drop)


def _read(plan: Plan, schema: Schema | None) -> tuple[Any, Mapping[str, Any]]:
    """Give all pictures or a frame of all rows; of too many, files or a stream.

    Beside them stands what of a table is not read. Times whose format is stated are read
    by it, not by what else they look like.
    """
    from alad.cli.streaming import rows_of

    if plan.folder is not None:
        calibrating.check_folder(plan.calibration)
        return plan.folder.rows(plan.side or SIDE, plan.memory), {}
    stated = [column.name for column in schema or () if column.is_text_of_times]
    folder, skips = plan.out.parent, plan.on_bad is OnBad.skip
    known = _kinds_of(schema) if schema and skips else ()
    rows, aside = rows_of(
        plan.table, plan.drop, plan.memory, folder, stated, skips=skips, stated=known
    )
    calibrating.check_table(plan.calibration, rows.columns, skips=skips)
    return rows, aside


def _kinds_of(schema: Schema) -> list[Column]:
    """The columns of which a schema says what values they have, for the odd ones to be missing."""
    from alad.preprocessing.columns import Column

    return [
        Column(column.name, column.kind, learned={"format": column.format})
        for column in schema
        if column.kind in ("numeric", "log-numeric", "boolean", "time")
    ]


# --------------------------------------------------------------------- train, calibrate


def _train(model: Any, rows: Any, schema: Schema | None, checkpoint: Path | None) -> None:
    """Fit, with a bar if there is something to wait for."""
    from alad.cli.progress import training_progress
    from alad.estimators import NetworkDetector

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOutWarning)  # the summary says it
        if not isinstance(model, NetworkDetector):
            model.fit(rows, schema=schema)
            return
        try:
            with training_progress("training") as report:
                model.fit(rows, schema=schema, checkpoint=checkpoint, report=report)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_how_to_go_on(checkpoint)) from None


def _how_to_go_on(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return "no model was written. With --checkpoint FILE a training can be gone on with."
    if not checkpoint.exists():
        return "no model and no checkpoint was written yet; the same command starts again."
    return f"the same command goes on from the checkpoint {checkpoint}."


def _calibrate(
    model: AbstractDetector, parts: calibrating.Parted, plan: Plan, time: str | None
) -> Mapping[str, Any]:
    """Calibrate on rows of their own, on those held out, or not at all.

    Says what was ``not_read`` of rows of their own.
    """
    if plan.calibration is not None:
        rows = calibrating.rows_of(model, plan.calibration, plan.on_bad, plan.memory, plan.seed)
        with rows.placed():
            calibrating.calibrate(model, rows.X, "given", of=rows.of)
        return {"not_read": rows.aside}
    if parts.held is not None:
        source, of = calibrating.HELD_OUT, parts.set_aside
        calibrating.calibrate(model, parts.held, source, of=of, stretches=time)
    return {}


# --------------------------------------------------------------------------------- save


def _save(model: AbstractDetector, out: Path) -> None:
    """Save what was trained; where there is no room for it by now, among what is temporary.

    There nobody else may look into the folder: a model holds rows.
    """
    try:
        model.save(out)
    except OutputError as error:
        try:
            elsewhere = Path(tempfile.mkdtemp(prefix="alad-"), out.name)
        except OSError:
            raise error from None
        try:
            model.save(elsewhere)
        except OutputError:
            elsewhere.parent.rmdir()
            raise error from None
        raise OutputError(
            f"{error} The model is not lost: it is at {elsewhere}, move it from there."
        ) from error


# ------------------------------------------------------------------------------ sum up


def _of_table(model: AbstractDetector, rows: pl.DataFrame | Stream) -> dict[str, Any]:
    """What was learned, as JSON; which share of a stream is flagged is not known."""
    from alad.estimators import Stream

    assert model.encoder_ is not None
    if isinstance(rows, Stream):
        missing: Mapping[str, int] = rows.missing
        share = None
    else:
        scores, notes = model.score_and_notes(rows)
        assert notes is not None
        missing, share = notes.missing, _share(model, scores)
    return {
        "detector": type(model).__name__,
        "rows": len(rows),
        "columns": model.n_features_in_,
        "features": len(model.encoder_.feature_names),
        "constant_columns": list(model.encoder_.constant_columns),
        "left_out_columns": {c.name: c.why_left_out for c in model.encoder_.left_out},
        "doubtful_columns": {c.name: c.doubt for c in model.encoder_.columns if c.doubt},
        "widest_column": _widest(model.encoder_),
        "unlearned_times": {c.name: c.unlearned for c in model.encoder_.schema if c.unlearned},
        "missing_values": missing,
        "missing_marks": {c.name: list(c.marks) for c in model.encoder_.schema if c.marks},
        **_learned(model, share),
    }


def _widest(encoder: TableEncoder) -> dict[str, int]:
    """The column that makes so many of the features that others hardly count, and how many."""
    column = max(encoder.schema, key=lambda column: len(column.features))
    n, of = len(column.features), len(encoder.feature_names)
    return {column.name: n} if n >= MANY and n > MOST_OF * of else {}


def _of_pictures(model: Any, pictures: NDArray[Any] | PictureFiles) -> dict[str, Any]:
    """What was learned of pictures, as JSON; which share is flagged is known if all are held."""
    from alad.estimators import PictureFiles

    streamed = isinstance(pictures, PictureFiles)
    share = None if streamed else _share(model, model.score_samples(pictures))
    return {
        "detector": type(model).__name__,
        "rows": model.rows_at_fit_,
        "picture": list(model.picture_shape_),
        **_learned(model, share),
    }


def _share(model: AbstractDetector, scores: NDArray[Any]) -> float:
    return float((scores < model.offset_).mean())


def _learned(model: AbstractDetector, share: float | None) -> dict[str, Any]:
    history = getattr(model, "history_", None)
    return {
        "epochs": history.epochs if history else None,
        "losses": {name: rows[-1][0] for name, rows in history.losses.items()} if history else None,
        "offset": model.offset_ + 0.0,  # -0 is 0
        "threshold": model._threshold,
        "share_flagged": share,
        "seed": model.seed_,
    }
