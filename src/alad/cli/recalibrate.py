"""``alad recalibrate``: new normal rows for a model, after a look at what may be an attack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli import calibrating
from alad.cli.pictures import OnBadOption
from alad.cli.streaming import MEMORY, DrawnMemory, memory_size
from alad.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alad.calibration import Absorbed
    from alad.cli.drawing import Drawn
    from alad.estimators import AbstractDetector

SHOWN = 5  # rows, the highest
MOST_CUT = 0.02  # of normal rows, that may lie above what is left out
SEED = 0  # of the rows that are drawn: the same each time, for --accept repeats a number


def recalibrate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model folder, as fit writes it.")
    ],
    table: Annotated[
        Path, typer.Argument(metavar="NEW", help="New normal rows: what score takes.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="The model folder to write. MODEL itself, or an older one, is replaced, and that "
            "is said.",
        ),
    ],
    accept: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Take in so many suspicious rows: the number that this command showed before.",
        ),
    ] = None,
    exclude: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Leave out so many suspicious rows: the number that this command showed before. "
            "Refused where too many normal rows lie up there.",
        ),
    ] = None,
    level: Annotated[
        float,
        typer.Option(help="Probability, at most, of finding rows suspicious if nothing moved."),
    ] = 0.05,
    on_bad: OnBadOption = None,
    memory: DrawnMemory = MEMORY,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was found and done as one JSON object.")
    ] = False,
) -> None:
    """Calibrate a model anew on new normal rows; what it learned stays as it is.

    An attack among the new rows would become normal with that, and go unseen from then on. So the
    rows are judged by the old calibration first. If more of them lie among its highest scores than
    chance allows, nothing is written until --accept or --exclude repeats their number. A model
    keeps the number of what it took in or left out. Of an attack of few rows chance cannot be
    ruled out: the command says of how many.

    Of fewer than 100 rows none is taken in, as with fit; of more than 20,000, or than an eighth of
    --memory holds, so many are drawn, and only those are judged and taken in.
    """
    from alad.calibration import absorbed
    from alad.cli.familiar import familiar
    from alad.cli.show import note, note_left_aside, print_json, print_text
    from alad.estimators import load

    if accept is not None and exclude is not None:
        raise InputError("Expected --accept or --exclude; got both. Leave one out.")
    size = memory_size(memory)
    detector = load(model)
    new = calibrating.rows_of(detector, table, on_bad, size, SEED)
    note_left_aside(new.aside)
    _check_number(new.of, "")
    with new.placed():
        scores = -detector.score_samples(new.X)
    found = None
    if detector.calibration_ is not None:
        found = absorbed(detector._calibrated(), scores, level=level)
    shown = _shown(new, scores, found) | {"perhaps_seen": familiar(detector, table, new)}
    if not as_json:
        print_text(_as_text(shown))
    if shown["perhaps_seen"]:
        note(
            "perhaps not unseen by the fit, so that p-values would be too small",
            [f"{shown['perhaps_seen']}. Give other normal rows"],
        )
    try:
        _check(found, accept, exclude)
    except InputError:
        if as_json:
            print_json(shown | {"out": None})
        raise
    done = _calibrate(detector, new, scores, found, exclude)
    replaces = _replaces(model, out)
    detector.save(out)
    if as_json:
        print_json(shown | done | {"out": str(out), "replaces": replaces})
    else:
        told = f" (replaces the {replaces} model)" if replaces else ""
        print_text(f"{calibrating.told(done['calibration'])}\nSaved: {out}{told}")


def _check_number(rows: int, left: str) -> None:
    """Refuse a calibration on fewer rows than fit would hold some out of."""
    if rows < calibrating.LEAST:
        raise InputError(
            f"Expected at least {calibrating.LEAST} new rows to calibrate on; got {rows}{left}. No "
            f"p-value could be below {1 / (rows + 1):.2g} then. Give more rows."
        )


def _replaces(model: Path, out: Path) -> str | None:
    """Which model goes, in a word, when the new one is written."""
    from alad.io.folder import FACTS

    if not (out / FACTS).exists():
        return None
    return "given" if out.samefile(model) else "older"


def _shown(new: Drawn, scores: NDArray[Any], found: Absorbed | None) -> dict[str, Any]:
    """What would be taken in, as JSON: the tiers, and the rows that stand highest."""
    import numpy as np

    highest = np.argsort(-scores, kind="stable")[:SHOWN]
    return {
        "rows": new.of,
        "rows_looked_at": len(scores),
        "not_read": new.aside,
        "checked": found is not None,
        "found": None if found is None else found.to_json(),
        "highest": [
            {**new.names.row(int(i), named=True), "anomaly_score": float(scores[i])}
            for i in highest
        ],
    }


def _check(found: Absorbed | None, accept: int | None, exclude: int | None) -> None:
    """Refuse suspicious rows that nobody has answered for, and answers to another number."""
    suspicious = 0 if found is None else found.suspicious
    answer = accept if accept is not None else exclude
    name = "--accept" if accept is not None else "--exclude"
    if answer is not None and answer != suspicious:
        raise InputError(
            f"Expected {name} {suspicious}, the number of suspicious rows; got {answer}. Look at "
            "them, and give the number that they are."
        )
    if found is None or not suspicious:
        return
    if answer is None:
        assert found.tier is not None
        raise InputError(
            f"Expected new rows that are normal; {suspicious:,} of {found.rows:,} lie above "
            f"{found.threshold:.6g}, where by the old calibration {found.tier.expected:.1f} are "
            f"expected and chance allows {found.tier.allowed:,}. An attack "
            f"among them would become normal. Look at them (alad score). {_ways(found)}"
        )
    if exclude is not None and found.share_above > MOST_CUT:
        raise InputError(
            f"Expected --accept, or new rows without the attack; got --exclude {exclude}. "
            f"{found.share_above:.0%} of normal rows lie up there as well, and p-values would be "
            f"far too small without them. {_ways(found)}"
        )


def _ways(found: Absorbed) -> str:
    """What to do about suspicious rows."""
    n = found.suspicious
    if found.share_above > MOST_CUT:
        return (
            "If some are an attack, take its rows out of the table by what they are, such as an "
            "address or a time, and repeat the command with that; if the others are the new "
            f"normal, repeat it with --accept and their number, {n} of this table."
        )
    return (
        f"Then repeat the command with --exclude {n} to leave them out, or with --accept {n} to "
        "take them in; or, if some are an attack and others the new normal, with a table without "
        "the attack's rows."
    )


def _calibrate(
    detector: AbstractDetector,
    new: Drawn,
    scores: NDArray[Any],
    found: Absorbed | None,
    exclude: int | None,
) -> dict[str, Any]:
    """Calibrate anew, and write down what was taken in or left out."""
    import numpy as np

    rows, suspicious = new.X, 0 if found is None else found.suspicious
    if exclude and found is not None:
        rows = rows[np.flatnonzero(scores <= found.threshold)]
        _check_number(len(rows), " once those to exclude are left out")
    of = new.of if new.of > len(new.X) else len(rows)
    calibrating.calibrate(detector, rows, "recalibrated", of=of)
    facts = {
        "checked": found is not None,
        "level": None if found is None else found.level,
        "absorbed": 0 if exclude else suspicious,
        "excluded": suspicious if exclude else 0,
        "cut": found.share_above if exclude and found is not None else 0.0,
        "discoveries": None if found is None else found.discoveries,
    }
    calibration = detector.calibration_
    assert calibration is not None
    detector.calibration_ = replace(calibration, facts={**calibration.facts, **facts})
    return {"facts": facts, "calibration": calibrating.summary(detector, len(rows), 1.0)}


def _as_text(shown: Mapping[str, Any]) -> str:
    from alad.cli.show import called, in_columns

    found, rows = shown["found"], f"{shown['rows']:,} new rows"
    if shown["rows_looked_at"] < shown["rows"]:
        rows = f"{shown['rows_looked_at']:,} rows, drawn from {rows}"
    if found is None:
        return (
            f"{rows}. The model had no calibration: nothing to hold them "
            "against, and they are taken as normal unseen."
        )
    body = [
        [
            f"{tier['above']:.6g}",
            f"{tier['share']:.2%}",
            f"{tier['rows']:,}",
            f"{tier['expected']:.1f}",
            f"{tier['allowed']:,}",
        ]
        for tier in found["tiers"]
    ]
    highest = ", ".join(f"{called(row)} ({row['anomaly_score']:.4g})" for row in shown["highest"])
    return "\n".join(
        [
            f"{rows} by the old calibration:",
            "",
            *in_columns(["score above", "of normal rows", "rows", "expected", "allowed"], body),
            "",
            f"Discoveries at a false discovery rate of 0.05: {found['discoveries']:,}. "
            f"Suspicious: {found['suspicious']:,}.",
            f"Highest: {highest}.",
            *([] if found["suspicious"] else [_power(found)]),
        ]
    )


def _power(found: Mapping[str, Any]) -> str:
    """How large an attack may be that passes for chance."""
    top = found["tiers"][0]
    return (
        f"Up to {top['allowed']:,} rows above all old scores may be chance, and so pass: an attack "
        f"of {top['allowed'] / found['rows']:.2%} of the new rows. Look at the highest."
    )
