"""``alad fit``: learn what the normal rows of a table look like, and save the model."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli import calibrating
from alad.cli.pictures import OnBadOption
from alad.cli.show import TABLES
from alad.cli.streaming import MEMORY, memory_size
from alad.errors import InputError

if TYPE_CHECKING:
    from alad.estimators import AbstractDetector

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
Precision = StrEnum("Precision", "float32 bfloat16")


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
    detector: Annotated[Detector, typer.Option(help="What to fit.", case_sensitive=False)] = (
        Detector.alad
    ),
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
        int | None, typer.Option(help="Rows of a training step.", show_default="the preset's")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Adam's.", show_default="the preset's")
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="Of the products in training: bfloat16 is for pictures on a GPU.",
            show_default="float32",
        ),
    ] = None,
    leave_out_knots: Annotated[
        bool | None,
        typer.Option(
            "--leave-out-knots",
            help="alad: keep small dense clusters far from the rest out of its memory: left-over "
            "attacks form such, and so do rare kinds of normal rows.",
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
            "held out of it; of more than 20,000 so many are drawn.",
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
    on_bad: OnBadOption = None,
    memory: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="About how much memory to take for rows (Python and networks take up to a GiB "
            "beside it). A table of more than a quarter of it is not held, "
            "but read twice or more, and trained on in windows.",
        ),
    ] = MEMORY,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A file to go on from if training is stopped; the same command does."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Same seed, same machine: same model.")
    ] = 0,
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
    Where there are none, a value that is missing when scoring is unlike all others.
    In CSV the empty cell, NA, N/A, NaN, null and ? are missing, and a column is one of numbers if
    all its values are.

    Text that never comes twice, lists, and columns without any value are not given to the model.
    Infinite numbers are refused, by name; --drop leaves such columns out.

    Some rows are held out of the training, and the model is calibrated on them: score then gives
    p-values, and can hold a false discovery rate. Where a column says when, they are stretches of
    time, since rows that follow each other are alike. All rows are taken for normal.

    Of a folder every picture in it and below is read, turned as its camera said, cut to the square
    in its middle and brought to --side pixels. They are gray if the first hundred are, else RGB.
    """
    from alad.cli.fitting import Plan, fitted
    from alad.cli.show import print_json

    settings = {
        "preset": preset,
        "anomaly_score": anomaly_score,
        "scaling": scaling,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "precision": precision,
        "leave_out_knots": leave_out_knots,
        "contamination": contamination,
        "random_state": seed,
    }
    plan = Plan(
        table=table,
        out=out,
        drop=drop or (),
        schema=schema,
        calibration=calibration,
        calibration_share=calibration_share,
        side=side,
        on_bad=on_bad,
        memory=memory_size(memory),
        checkpoint=checkpoint,
        seed=seed,
    )
    model = _detector(detector, settings, checkpoint, of_pictures=plan.folder is not None)
    summary = fitted(model, plan)
    if as_json:
        print_json(summary)
    else:
        _tell(summary)


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


def _tell(done: Mapping[str, Any]) -> None:
    """Print the summary as text."""
    from alad.cli.show import by_column, note, note_left_aside, print_text
    from alad.preprocessing.kinds._ends import told
    from alad.report.words import of_pictures, out_of

    if size := done.get("picture"):
        what = f"pictures of {size[0]} x {size[1]} pixels, {'RGB' if size[2] == 3 else 'gray'}"
    else:
        read = out_of(done["columns"] - len(done["left_out_columns"]), done["columns"])
        what = f"rows, {read} columns -> {done['features']} features"
    lines = [f"Fitted {done['detector']} on {done['rows']:,} {what}, in {done['seconds']:.1f} s."]
    if done["losses"]:
        losses = ", ".join(f"{player} {loss:.4g}" for player, loss in done["losses"].items())
        lines.append(f"Epochs: {done['epochs']}; losses of the last one: {losses}.")
    share = done["share_flagged"]
    flags = "" if share is None else f": flags {share:.2%} of these rows"
    lines.append(f"Threshold {done['threshold']:.6g} (offset {done['offset']:.6g}){flags}.")
    lines.append(calibrating.told(done["calibration"]))
    if "picture" in done:
        lines = [of_pictures(line) for line in lines]
    print_text("\n".join([*lines, f"Saved: {done['out']}"]))
    note(
        "constant columns, of which any other value may count as strange",
        done.get("constant_columns", ()),
    )
    left_out = done.get("left_out_columns", {}).items()
    note("not given to the model", [f"{name} ({why})" for name, why in left_out])
    doubts = done.get("doubtful_columns", {}).items()
    note("perhaps not what they are taken for", [f"{name} ({why})" for name, why in doubts])
    note(
        "makes most of the features, beside which the other columns count for little; if it names "
        "whom or what a row is about, state its role as entity or its kind as ignored (--schema)",
        [
            f"{name} ({n} of {done['features']})"
            for name, n in done.get("widest_column", {}).items()
        ],
    )
    times = done.get("unlearned_times", {}).items()
    note("not learned of times", [f"{name} ({why})" for name, why in times])
    note("missing values", by_column(done.get("missing_values", {})))
    marks = done.get("missing_marks", {}).items()
    note("numbers that count as missing", [f"{name} ({told(mark)})" for name, mark in marks])
    note_left_aside(done)
    note_left_aside(done["calibration"].get("not_read", {}), "of --calibration, ")
