"""``alad info``: what is in a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column


def info(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model folder, as fit writes it.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the same as one JSON object.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write a model card instead: one self-contained .html."),
    ] = None,
) -> None:
    """Show what a model is, what it was fitted on, and what became of each column."""
    from alad._files import check_ending, check_not_read
    from alad.cli.card import write_card
    from alad.cli.show import print_json, print_text

    check_not_read(out, model)
    check_ending(out, ".html")
    facts = facts_of(model)
    if out is not None:
        write_card(model, facts, [_became(column) for column in facts["columns"] or ()], out)
    if as_json:
        print_json(facts)
    elif out is not None:
        print_text(f"Written: {out}")
    else:
        print_text(_as_text(facts))


FILLED = ("numeric", "log-numeric", "boolean")  # with a median
SHOWN = ("absorbed", "excluded")  # of a new calibration, where not none
KEPT = ("rows", "weights/M.rows")  # of nearest neighbours, and of ALAD's memory
BELIEF, BELIEVED = "weights/M.slopes", ("xz", "xx")  # how far a doubt in rows counts, and whose


def facts_of(folder: Path) -> dict[str, Any]:
    """Give the model's own statements, in our order, with its size on disk."""
    from alad.errors import ModelFormatError
    from alad.io import read_model

    saved = read_model(folder)
    stated = saved.facts
    try:
        history = stated.get("history")
        return {
            "detector": stated["class"],
            "parameters": stated["parameters"],
            "seed": stated["seed"],
            "scaling": stated["scaler"]["kind"],
            "trained_on": _trained_on(stated.get("trained_on")),
            "rows_at_fit": stated["rows_at_fit"],
            "rows_kept": next((len(saved.arrays[n]) for n in KEPT if n in saved.arrays), None),
            "belief": _belief(saved.arrays.get(BELIEF)),
            "columns": _columns(stated["encoder"]),
            "n_columns": stated["n_features_in"],
            "picture": size if isinstance(size := stated.get("data_dim"), list) else None,
            "n_features": len(saved.arrays["scaler/shift"]),
            "epochs": len(history["seconds"]) if history else None,
            "training_seconds": sum(history["seconds"]) if history else None,
            "losses": {p: v[-1][0] for p, v in history["losses"].items()} if history else None,
            "offset": float(stated["offset"]) + 0.0,  # -0 is 0
            "calibration": _calibration(stated.get("calibration"), saved.arrays),
            "format_version": stated["format_version"],
            "alad": stated["alad"],
            "bytes": sum(file.stat().st_size for file in folder.iterdir()),
        }
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ModelFormatError(
            f"Expected a whole model at {folder}; some of its facts are missing or wrong "
            f"({type(error).__name__}: {error}). Save the model again."
        ) from error


def _belief(slopes: Any) -> dict[str, float] | None:
    """How far each discriminator's doubt in a row counts, from 0 to 1, by its game."""
    return None if slopes is None else dict(zip(BELIEVED, map(float, slopes), strict=True))


def _counts(belief: Mapping[str, float]) -> str:
    return ", ".join(f"D_{game}'s counts to {share:.0%}" for game, share in belief.items())


def _trained_on(stated: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The table that fit was given; older models do not tell."""
    if stated is None:
        return None
    return {
        "table": str(stated["table"]),
        "rows": int(stated["rows"]),
        "date": str(stated["date"]),
        **({"dropped": list(map(str, stated["dropped"]))} if "dropped" in stated else {}),
    }


def _calibration(
    stated: Mapping[str, Any] | None, arrays: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What is known of the calibration rows; None where there are none."""
    if stated is None:
        return None
    told = {name: value for name, value in stated.items() if name != "parameters"}
    kept = {
        "rows": len(arrays["calibration/scores"]),
        "rows_kept": len(arrays["calibration/rows"]),
    }
    return {**told, **kept}


def _columns(encoder: Mapping[str, Any] | None) -> list[dict[str, Any]] | None:
    """What became of each column; None if the model was fitted on an array."""
    from alad.preprocessing.columns import Column

    if encoder is None:
        return None
    return [_column(Column.from_json(column)) for column in encoder["columns"]]


def _column(column: Column) -> dict[str, Any]:
    from alad.preprocessing.kinds.numbers import ORIGIN

    unlike = column.is_read and column.tells_missing and not column.has_missing
    return {
        "name": column.name,
        "kind": column.kind,
        "role": column.role,
        "categories": len(column.categories),
        "missing_at_fit": column.has_missing,
        "missing_unlike_all": unlike,
        "fill": column.fill if column.kind in FILLED and not unlike else None,
        "told_from": column.learned.get(ORIGIN),
        "missing_marks": list(column.marks),
        "constant": column.constant,
        "features": list(column.features),
        "note": column.note,
    }


def _as_text(facts: Mapping[str, Any]) -> str:
    from alad.cli.show import aligned
    from alad.report.words import of_pictures, settings_in_words, trained_on

    what, told = ("pictures", of_pictures) if facts["picture"] else ("rows", str)
    given = {k: v for k, v in facts["parameters"].items() if v is not None}
    losses = facts["losses"] or {}
    rows = {
        "detector": facts["detector"],
        "parameters": ", ".join(f"{name}={value}" for name, value in given.items()),
        "in words": told(settings_in_words(given)),
        "trained on": trained_on(facts["trained_on"], what),
        "seed": facts["seed"],
        "scaling": facts["scaling"],
        f"{what} at fit": f"{facts['rows_at_fit']:,}",
        f"{what} kept": facts["rows_kept"]
        and f"{facts['rows_kept']:,}, scaled: whoever has the model has them",
        "doubt": facts["belief"]
        and f"{_counts(facts['belief'])}: as far as {what} not trained on bore it out",
        "columns": None
        if facts["picture"]
        else f"{_read(facts)} -> {facts['n_features']} features",
        "pictures": facts["picture"] and " x ".join(map(str, facts["picture"])),
        "epochs": facts["epochs"],
        "training": None if losses == {} else f"{facts['training_seconds']:.1f} s",
        "last losses": ", ".join(f"{player} {loss:.4g}" for player, loss in losses.items()),
        "offset": f"{facts['offset']:.6g} (threshold of anomaly_score: {0 - facts['offset']:.6g})",
        "calibration": facts["calibration"] and told(_calibrated(facts["calibration"])),
        "written by": f"alad {facts['alad']}, format {facts['format_version']}",
        "size on disk": f"{facts['bytes']:,} bytes",
    }
    shown = {name: value for name, value in rows.items() if value not in (None, "")}
    if facts["picture"]:
        return aligned(shown)
    if facts["columns"] is None:
        return aligned(shown | {"fitted on": "an array, without column names"})
    became = {column["name"]: _became(column) for column in facts["columns"]}
    return aligned(shown) + "\n\n" + aligned(became)


def _read(facts: Mapping[str, Any]) -> str:
    """How many columns the model is given, and of how many."""
    from alad.report.words import out_of

    read = sum(bool(column["features"]) for column in facts["columns"] or ())
    return out_of(read or facts["n_columns"], facts["n_columns"])


def _calibrated(facts: Mapping[str, Any]) -> str:
    more = [f"{name} {value:,}" for name, value in facts.items() if name in SHOWN and value]
    kept = f"{facts['rows_kept']:,} of them kept: whoever has the model has them"
    return "; ".join(
        [f"{facts['rows']:,} rows, {kept if facts['rows_kept'] else 'none kept'}", *more]
    )


def _became(column: Mapping[str, Any]) -> str:
    from alad.preprocessing.columns import IN_SCHEMA
    from alad.preprocessing.kinds import IGNORED

    if not column["features"]:
        of_schema = IN_SCHEMA if (column["kind"], column["role"]) == (IGNORED, "feature") else ""
        told = column["note"] or of_schema
        why = f" ({told})" if told else ""
        return f"{column['kind']}, {column['role']}: not given to the model{why}"
    text = column["kind"]
    if column["kind"] == "categorical":
        text = f"{column['categories']} categories"
        gaps = ", missing among them" if column["missing_at_fit"] else ""
    elif column["fill"] is not None:
        text += f", missing filled with {column['fill']:.{12 if column['told_from'] else 6}g}"
        gaps = " and flagged" if column["missing_at_fit"] else ""
    else:
        features = len(column["features"])
        text += f", {features} features" if features > 1 else ""
        gaps = ", missing flagged" if column["missing_at_fit"] else ""
    if column["missing_unlike_all"] and column["kind"] in FILLED:
        gaps = ", a missing one counts as unlike all"
    if marks := column["missing_marks"]:
        gaps += f", {', '.join(map(str, marks))} counted as such"
    role = "" if column["role"] == "feature" else f", role {column['role']}"
    note = f" ({column['note']})" if column["kind"] == "time" and column["note"] else ""
    return f"{text}{gaps}{role}{', constant at fit' if column['constant'] else ''}{note}"
