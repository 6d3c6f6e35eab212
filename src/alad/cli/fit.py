"""``alad fit``: learn what the normal rows of a table look like, and save the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli import calibrating
from alad.cli.pictures import Folder, OnBad, tell_unreadable
from alad.cli.show import TABLES
from alad.cli.streaming import MEMORY
from alad.errors import InputError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from alad.estimators import AbstractDetector, Stream
    from alad.preprocessing.schema import Schema

SIDE = 32  # pixels, where nothing else is said

# The choices stand here again so that --help need not load what they choose between; a test
# holds them against the library.
Detector = StrEnum(
    "Detector",
    "alad alice bigan autoencoder gan anogan dagmm dsebm "
    "mahalanobis ocsvm isolationforest knn lof pca",
)
Preset = StrEnum("Preset", "tabular kdd99 arrhythmia pictures cifar10 svhn")
Score = StrEnum(
    "Score",
    "features logits l1 l2 joint-features joint-logits distance local-distance memory "
    "density feature-density discriminator inversion energy reconstruction",
)
Scaling = StrEnum(
    "Scaling",
    {
        "none": "none",
        "minmax": "minmax",
        "standard": "standard",
        "log_standard": "log-standard",
        "pixels": "pixels",
    },
)


def fit(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help=f"{TABLES}; or a folder of .png, .jpg, .webp.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The model folder to write; an older model is replaced."),
    ],
    detector: Annotated[Detector, typer.Option(help="What to fit.")] = Detector.alad,
    preset: Annotated[
        Preset | None,
        typer.Option(help="Networks and settings.", show_default="tabular, or pictures"),
    ] = None,
    anomaly_score: Annotated[
        Score | None,
        typer.Option(help="How a row is judged.", show_default="the detector's"),
    ] = None,
    scaling: Annotated[
        Scaling | None,
        typer.Option(help="What is done to columns first.", show_default="the preset's"),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the rows.", show_default="the preset's"),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows of one step.", show_default="the preset's")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Adam's.", show_default="the preset's")
    ] = None,
    leave_out_knots: Annotated[
        bool | None,
        typer.Option(
            "--leave-out-knots",
            help="alad: keep rows that are close to each other and far from the rest, as left-over "
            "attacks are, out of its memory.",
        ),
    ] = None,
    contamination: Annotated[
        float,
        typer.Option(help="Share of the table's rows that the threshold is to flag."),
    ] = 0.01,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            "--drop", metavar="COLUMN", help="Leave out this column, a label say (repeatable)."
        ),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            help="What the columns are: a file that alad schema wrote.", show_default="inferred"
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Normal rows to calibrate on, a table (or folder) like TABLE, in place of rows "
            "held out of it.",
        ),
    ] = None,
    calibration_share: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the rows, at most 20,000, that the training does not see and that the "
            "model is calibrated on; 0: none. Of fewer than 100 rows none is held out.",
            show_default="0.1",
        ),
    ] = None,
    side: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=128,
            help="Pictures: pixels a side that they are brought to.",
            show_default="32",
        ),
    ] = None,
    on_bad: Annotated[
        OnBad | None,
        typer.Option(
            help="Pictures: leave out a damaged file and go on, or stop.", show_default="skip"
        ),
    ] = None,
    memory: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="About how much memory to take. A table of more than a quarter of it is not held, "
            "but read twice or more, and trained on in windows.",
        ),
    ] = MEMORY,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A file to go on from if training is stopped; the same command does."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine: same model.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object.")
    ] = False,
) -> None:
    """Learn what the normal rows of a table look like.

    What each column is - number, category, time, address and so on - is inferred, and shown by
    alad info; alad schema writes it to a file, which --schema takes after it was edited. Numbers
    are scaled as the preset or --scaling says; text becomes one feature for each of its values, or
    how rare the value is if there are more than 200. Missing values are allowed: a missing number
    becomes the column's median and sets a feature of its own, and missing text is one more value.
    In CSV the empty cell, NA, N/A, NaN, null and ? are missing, and a column is one of numbers if
    all its values are.

    Text that never comes twice and columns without any value are not given to the model. Infinite
    numbers and nested values are refused, by name; --drop leaves such columns out.

    Some rows are held out of the training, and the model is calibrated on them: score then gives
    p-values, and can hold a false discovery rate. All rows are taken for normal.

    Of a folder every picture in it and below is read, turned as its camera said, cut to the square
    in its middle and brought to --side pixels. They are gray if the first hundred are, else RGB.
    """
    from alad.cli.show import print_json
    from alad.cli.streaming import memory_size, rows_of
    from alad.cli.tables.files import holds_pictures
    from alad.io.folder import is_model

    settings = {
        "preset": preset,
        "anomaly_score": anomaly_score,
        "scaling": scaling,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "leave_out_knots": leave_out_knots,
        "contamination": contamination,
        "random_state": seed,
    }
    size = memory_size(memory)
    is_folder = holds_pictures(table)
    model = _detector(detector, settings, checkpoint, of_pictures=is_folder)
    model._check_settings()
    for_tables = {"--drop": drop, "--schema": schema}
    _check_kind(model, table, is_folder, for_tables, {"--side": side, "--on-bad": on_bad})
    folder = Folder(table, on_bad or OnBad.skip) if is_folder else None
    _rehearse(out, is_model)
    if checkpoint is not None:
        _rehearse(checkpoint, Path.is_file)
    stated = _stated(schema, drop or ())
    calibrating.check_options(calibration_share, None, None)
    every: Any = (
        folder.read(side or SIDE) if folder else rows_of(table, drop or (), size, out.parent)
    )
    calibrating.check_options(calibration_share, calibration, None if folder else every.columns)
    share = calibrating.SHARE if calibration_share is None else calibration_share
    rows, held = calibrating.held_out(every, 0 if calibration else share, seed)
    in_all = len(every)
    del every  # it may be most of the memory
    began = time.monotonic()
    _train(model, rows, checkpoint, stated)
    if calibration is not None:
        calibrating.calibrate(model, calibrating.inputs_of(model, calibration, on_bad), "given")
    elif held is not None:
        calibrating.calibrate(model, held, "held out")
    model.save(out)
    summary = (_of_pictures if folder else _summary)(model, rows) | {
        "calibration": calibrating.summary(model, in_all, share),
        "seconds": round(time.monotonic() - began, 3),
        "out": str(out),
    }
    if folder:
        summary["unreadable"] = folder.summary()
    if as_json:
        print_json(summary)
    else:
        _tell(summary)


def _check_kind(
    model: AbstractDetector,
    path: Path,
    is_folder: bool,
    for_tables: Mapping[str, Any],
    for_pictures: Mapping[str, Any],
) -> None:
    """Hold the detector and the options against what is to be learned from."""
    if model.takes_pictures and not is_folder:
        raise InputError(
            f"Expected a folder of pictures for this --preset; got {path}. Give a folder, or "
            "another preset."
        )
    if is_folder and not model.takes_pictures:
        raise InputError(
            f"Expected a table for this --detector and --preset; got the folder {path}. For "
            "pictures there are alad, alice, bigan, autoencoder and dsebm, with --preset pictures."
        )
    foreign = [name for name, v in (for_tables if is_folder else for_pictures).items() if v]
    if foreign:
        raise InputError(
            f"Expected no {foreign[0]} with {'pictures' if is_folder else 'a table'}. Leave it out."
        )


def _detector(
    kind: Detector, settings: Mapping[str, Any], checkpoint: Path | None, *, of_pictures: bool
) -> AbstractDetector:
    """Make the detector with the settings that were given."""
    from alad.estimators import DETECTORS

    cls = {name.lower(): cls for name, cls in DETECTORS.items()}[kind.value]
    given = {
        name: value.value if isinstance(value, StrEnum) else value
        for name, value in settings.items()
        if value is not None
    }
    if of_pictures and Preset.pictures in getattr(cls, "presets", ()):
        given.setdefault("preset", Preset.pictures.value)
    known = cls().get_params()
    foreign = [name for name in given if name not in known]
    if checkpoint is not None and "epochs" not in known:
        foreign.append("checkpoint")
    if foreign:
        raise InputError(
            f"Expected no --{foreign[0].replace('_', '-')} with --detector {kind.value}, which "
            "does not use it. Leave it out."
        )
    return cls(**given)


def _stated(path: Path | None, drop: Sequence[str]) -> Schema | None:
    """Read what the columns are said to be, without those to leave out."""
    from alad.preprocessing.schema import Schema

    return None if path is None else Schema.read(path).without(drop)


class _Rehearsed(Exception):
    """Ends a rehearsal."""


def _rehearse(target: Path, replaceable: Callable[[Path], bool]) -> None:
    """Find out before the training, and not after it, whether a result can be written."""
    from alad._files import written_aside

    with suppress(_Rehearsed), written_aside(target, replaceable=replaceable):
        raise _Rehearsed


def _train(model: Any, rows: Any, checkpoint: Path | None, schema: Schema | None = None) -> None:
    """Fit, with a bar if there is something to wait for."""
    from alad.cli.progress import training_progress
    from alad.estimators import NetworkDetector

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


def _summary(model: AbstractDetector, rows: pl.DataFrame | Stream) -> dict[str, Any]:
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
        "left_out_columns": {c.name: c.note or c.role for c in model.encoder_.left_out},
        "missing_values": missing,
        **_learned(model, share),
    }


def _of_pictures(model: Any, pictures: NDArray[Any]) -> dict[str, Any]:
    """What was learned of pictures, as JSON."""
    return {
        "detector": type(model).__name__,
        "rows": len(pictures),
        "picture": list(model.picture_shape_),
        **_learned(model, _share(model, model.score_samples(pictures))),
    }


def _share(model: AbstractDetector, scores: NDArray[Any]) -> float:
    return float((scores < model.offset_).mean())


def _learned(model: AbstractDetector, share: float | None) -> dict[str, Any]:
    history = getattr(model, "history_", None)
    return {
        "epochs": history.epochs if history else None,
        "losses": {name: rows[-1][0] for name, rows in history.losses.items()} if history else None,
        "offset": model.offset_,
        "threshold": -model.offset_,
        "share_flagged": share,
        "seed": model.seed_,
    }


def _tell(done: Mapping[str, Any]) -> None:
    """Print the summary as text."""
    from alad.cli.show import by_column, note, print_text

    if size := done.get("picture"):
        what = f"pictures of {size[0]} x {size[1]} pixels, {'RGB' if size[2] == 3 else 'gray'}"
    else:
        what = f"rows, {done['columns']} columns -> {done['features']} features"
    lines = [f"Fitted {done['detector']} on {done['rows']:,} {what}, in {done['seconds']:.1f} s."]
    if done["losses"]:
        losses = ", ".join(f"{player} {loss:.4g}" for player, loss in done["losses"].items())
        lines.append(f"Epochs: {done['epochs']}; losses of the last one: {losses}.")
    share = done["share_flagged"]
    flags = "" if share is None else f": flags {share:.2%} of these rows"
    lines.append(f"Threshold {done['threshold']:.6g} (offset {done['offset']:.6g}){flags}.")
    lines.append(calibrating.told(done["calibration"]))
    print_text("\n".join([*lines, f"Saved: {done['out']}"]))
    note("constant columns, which tell nothing", done.get("constant_columns", ()))
    left_out = done.get("left_out_columns", {}).items()
    note("not given to the model", [f"{name} ({why})" for name, why in left_out])
    note("missing values", by_column(done.get("missing_values", {})))
    tell_unreadable(done.get("unreadable", ()))
