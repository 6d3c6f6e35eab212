"""``alad drift``: do new rows still look like those that a model was calibrated on?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.pictures import OnBad
from alad.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alad.estimators import AbstractDetector

MOST_ROWS, MOST_BYTES = 20_000, 1 << 26  # that are looked at, drawn from all
SHOWN = 10  # columns, as text
COMMON = 0.01  # the p-value at which false alarms are counted


def drift(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A calibrated model, as fit writes it.")
    ],
    table: Annotated[
        Path,
        typer.Argument(
            metavar="NEW", help="New rows, in the order in which they came: what score takes."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write what was found as .json, or draw it as .png."),
    ] = None,
    level: Annotated[
        float,
        typer.Option(help="Probability, at most, of saying that something moved if nothing did."),
    ] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Of the rows and lots drawn.")] = 0,
    on_bad: Annotated[
        OnBad | None,
        typer.Option(
            help="Pictures: leave out a damaged file and go on, or stop.", show_default="skip"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
) -> None:
    """Compare new rows with those that a model was calibrated on, column by column and by score.

    Columns: Kolmogorov-Smirnov for numbers, chi-square for categories, Benjamini-Hochberg over
    them; the largest effect first. Scores: a conformal test martingale over the rows in their
    order, and Kolmogorov-Smirnov. If the scores moved, p-values and what rests on them no longer
    hold. At most 20,000 rows are looked at, drawn from all.
    """
    from alad._files import written_aside
    from alad.cli.decisions import calibration_of
    from alad.cli.show import print_json, print_text
    from alad.estimators import load

    if out is not None and out.suffix.lower() not in (".json", ".png"):
        raise InputError(f"Expected --out to end in .json or .png; got {out}.")
    detector = load(model)
    calibration_of(detector, "drift")
    found = _found(detector, table, level=level, seed=seed, on_bad=on_bad)
    if out is not None:
        with written_aside(out) as aside:
            _write(found, aside)
    if as_json:
        print_json(found)
    else:
        print_text(_as_text(found))
        if out is not None:
            print_text(f"Written: {out}")


def _found(
    detector: AbstractDetector, path: Path, *, level: float, seed: int, on_bad: OnBad | None
) -> dict[str, Any]:
    """What moved, as JSON."""
    from alad.calibration import exchangeability

    calibration = detector._calibrated()
    x, rows = _sample(detector, path, seed, on_bad)
    scores = detector._judged(x)
    verdict = exchangeability(calibration.scores, scores, level=level, seed=seed)
    p = calibration.p_values(scores)
    return {
        "rows": rows,
        "rows_looked_at": len(x),
        "calibration_rows": len(calibration.scores),
        "calibration_holds": verdict.holds,
        "level": level,
        "scores": verdict.to_json(),
        "share_of_p_up_to": {"p": COMMON, "share": float((p <= COMMON).mean())},
        "columns": _columns(detector, x, level),
    }


def _columns(detector: AbstractDetector, x: NDArray[Any], level: float) -> list[dict[str, Any]]:
    """What is to be said of each column; of pictures nothing."""
    import numpy as np

    from alad.calibration import moved

    reference, encoder = detector._calibrated().rows, detector.encoder_
    if not len(reference):
        return []
    if encoder is None:
        f = reference.shape[1]
        names: Any = [f"x{i}" for i in range(f)]
        of_feature, binary = np.arange(f), np.zeros(f, np.bool_)
    else:
        names = [column.name for column in encoder.schema]
        of_feature, binary = encoder.column_of_feature, encoder.binary
    found = moved(reference, x, names, of_feature, binary, level=level)
    return [column.to_json() for column in found]


def _sample(
    detector: AbstractDetector, path: Path, seed: int, on_bad: OnBad | None
) -> tuple[NDArray[Any], int]:
    """Draw rows of a table of any length, all alike, in their order; and count them all."""
    import numpy as np

    from alad.cli.inputs import opened

    rng, seen = np.random.default_rng(seed), 0
    kept: Any = None
    lots = np.zeros(0)
    with opened(detector, path, on_bad) as inputs:
        for batch in inputs:
            x = detector._matrix(batch, fitting=False)
            seen += len(x)
            kept = x if kept is None else np.concatenate([kept, x])
            lots = np.append(lots, rng.random(len(x)))
            most = min(MOST_ROWS, max(1, MOST_BYTES // kept[0].nbytes))
            if len(kept) > most:
                chosen = np.sort(np.argpartition(lots, most)[:most])
                kept, lots = kept[chosen], lots[chosen]
    return kept, seen


def _write(found: Mapping[str, Any], path: Path) -> None:
    import json

    from alad.experiments.record import plain
    from alad.report.drift import drawn

    if path.suffix.lower() == ".png":
        drawn(found).savefig(path, dpi=130, format="png")
    else:
        path.write_text(json.dumps(plain(found), indent=1) + "\n", "utf-8")


def _as_text(found: Mapping[str, Any]) -> str:
    from alad.cli.show import in_columns

    scores, common = found["scores"], found["share_of_p_up_to"]
    lines = [
        f"Looked at {found['rows_looked_at']:,} of {found['rows']:,} rows, beside "
        f"{found['calibration_rows']:,} calibration rows.",
        f"Scores: {scores['statement']}",
        f"  martingale at most 10^{scores['martingale_maximum']:.1f} "
        f"(p {scores['martingale_p']:.2g}); Kolmogorov-Smirnov {scores['ks_statistic']:.3f} "
        f"(p {scores['ks_p']:.2g})",
        f"  p-values of at most {common['p']:g}: {common['share']:.2%} of the rows",
        "The calibration still holds."
        if found["calibration_holds"]
        else "The calibration no longer holds: fit again, or give new normal rows to alad "
        "recalibrate.",
    ]
    if not found["columns"]:
        return "\n".join(lines)
    moved = [column for column in found["columns"] if column["moved"]]
    body = [
        [c["column"], f"{c['effect']:.3f}", f"{c['p_adjusted']:.2g}", c["test"]]
        for c in moved[:SHOWN]
    ]
    lines.append(f"Columns that moved: {len(moved)} of {len(found['columns'])}.")
    if body:
        lines += ["", *in_columns(["column", "effect", "p (adjusted)", "test"], body)]
    return "\n".join(lines)
