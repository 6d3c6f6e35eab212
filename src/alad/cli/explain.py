"""``alad explain``: why single rows of a table have the scores that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.pictures import OnBad, OnBadOption
from alad.cli.show import TABLES
from alad.errors import InputError, RowError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from alad.estimators import AbstractDetector
    from alad.reasons import Explainer, Reasons

REASON = "reason_"
MOST = 5  # normal rows: as many as alad.reasons finds
WIDE = 50  # characters of a column's name


def explain(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model folder, as fit writes it.")
    ],
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help=f"{TABLES}.",
        ),
    ],
    row: Annotated[
        list[int],
        typer.Option("--row", metavar="N", min=0, help="A row, counted from 0 (repeatable)."),
    ],
    top: Annotated[int, typer.Option(min=1, help="How many columns to show of each.")] = 10,
    nearest: Annotated[
        int, typer.Option(min=0, max=MOST, help="How many of the nearest normal rows to show.")
    ] = 3,
    on_bad: OnBadOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the same, of all columns, as one JSON object.")
    ] = False,
) -> None:
    """Show why rows have the scores that they have, column by column.

    Each row is compared with the normal row that it is nearest to in most of its columns. For each
    column: what it adds to the score, the value seen, the value of that normal row, and which share
    of the normal rows has a value as extreme or as rare. What the columns add makes up the
    difference of the two rows' scores. It says what the model looked at, not what caused it.
    Below stand the nearest normal rows, in the same columns.
    """
    from alad.cli.show import print_json, print_text
    from alad.estimators import load
    from alad.reasons import explain as explained

    detector = load(model)
    if detector.takes_pictures:
        raise InputError(
            f"Expected a model of tables at {model}; it takes pictures. `alad look` draws what "
            "such a model expected."
        )
    try:
        reasons = explained(detector, _rows(detector, table, row, on_bad))
    except RowError as error:
        raise error.at(row[error.row]) from error
    facts = [
        _facts(reasons, i, n, detector._threshold) | _nearest(reasons, i, nearest)
        for i, n in enumerate(row)
    ]
    if as_json:
        print_json({"rows": facts})
    else:
        print_text("\n\n".join(_as_text(fact, top) for fact in facts))


def names_of_reasons(detector: AbstractDetector, k: int | None) -> tuple[str, ...]:
    """Give the names of the columns that k reasons are written to, one for each column at most.

    Raises
    ------
    InputError
        The model holds nothing to compare rows with.
    """
    from alad.reasons import check_reference
    from alad.reasons.explanation import columns_of

    if k is None:
        return ()
    check_reference(detector)
    return tuple(f"{REASON}{n + 1}" for n in range(min(k, len(columns_of(detector)))))


def with_reasons(
    rows: pl.DataFrame, asked: NDArray[Any], explainer: Explainer, X: Any, k: int
) -> pl.DataFrame:
    """Add k columns of reasons to a result: text for the rows asked for, null for others."""
    import numpy as np
    import polars as pl

    names, places = names_of_reasons(explainer.detector, k), np.flatnonzero(asked)
    text = {name: np.full(rows.height, None, dtype=object) for name in names}
    if len(places):
        found = explainer.explain(X[places]).to_frame(len(names))
        for name, said in found.to_dict(as_series=False).items():
            text[name][places] = said
    return rows.hstack([pl.Series(name, said.tolist(), pl.String) for name, said in text.items()])


def _rows(detector: AbstractDetector, path: Path, wanted: list[int], on_bad: OnBad | None) -> Any:
    """Read these rows of a table as the model expects them, in that order."""
    import numpy as np
    import polars as pl

    from alad.cli.inputs import opened
    from alad.cli.show import note_left_aside

    found: dict[int, Any] = {}
    with opened(detector, path, on_bad) as inputs:
        height = 0
        for batch in inputs.batches():
            start, height = batch.start, batch.start + batch.names.height
            here = [n for n in dict.fromkeys(wanted) if start <= n < height]
            if here:
                few = replace(batch, content=batch.content[[n - start for n in here]])
                X = inputs.taken(few)
                found |= {n: X[i : i + 1] for i, n in enumerate(here)}
            if max(wanted) < height:
                break
        note_left_aside(inputs.aside())
    if absent := [n for n in wanted if n not in found]:
        raise InputError(
            f"Expected rows of {path} after --row; it has {height:,}, counted from 0, and no row "
            f"{absent[0]}. Give the numbers that the column row of its scores has."
        )
    parts = [found[n] for n in wanted]
    return pl.concat(parts) if detector.encoder_ is not None else np.concatenate(parts)


def _facts(reasons: Reasons, i: int, row: int, threshold: float) -> dict[str, Any]:
    """Everything about one row, as JSON, what contributes most first."""
    columns = []
    for place in reasons.top(len(reasons.columns))[i].tolist():
        name = reasons.columns[place]
        columns.append(
            {
                "column": name,
                "contribution": reasons.contributions[i, place],
                "seen": reasons.seen[name][i],
                "expected": reasons.expected[name][i],
                "rarity": reasons.rarity[i, place],
                "never_seen": reasons.never_seen is not None and bool(reasons.never_seen[i, place]),
            }
        )
    return {
        "row": row,
        "anomaly_score": reasons.anomaly_score[i],
        "threshold": threshold,
        "expected_score": reasons.expected_score[i],
        "columns": columns,
    }


def _nearest(reasons: Reasons, i: int, k: int) -> dict[str, Any]:
    """The values of the k nearest normal rows, the nearest first; none where there is none."""
    places = reasons.nearest[i, :k].tolist()
    return {
        "normal_rows": reasons.normals.height,
        "nearest": [reasons.normals.row(place, named=True) for place in places],
    }


def _as_text(fact: dict[str, Any], top: int) -> str:
    from alad.cli.show import in_columns
    from alad.reasons.result import side_by_side

    sign = ">" if fact["anomaly_score"] > fact["threshold"] else "<="
    head = (
        f"row {fact['row']}: anomaly_score {fact['anomaly_score']:.6g} {sign} threshold "
        f"{fact['threshold']:.6g}; the normal row beside it has {fact['expected_score']:.6g}"
    )
    body = [
        (
            column["column"],
            f"{column['contribution']:+.4g}",
            *side_by_side(column["seen"], column["expected"]),
            _how_rare(column),
        )
        for column in fact["columns"][:top]
    ]
    names = ("column", "adds", "seen", "expected", "normals as rare")
    why = _why_not_by_size(fact["columns"][:top])
    return "\n".join([head, *in_columns(names, body), *why, *_nearest_as_text(fact, top)])


def _why_not_by_size(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why columns stand before others that add more, where some do: see :class:`Reasons`."""
    from alad.reasons.result import ORDINARY

    adds = [column["contribution"] for column in columns]
    if adds == sorted(adds, reverse=True):
        return []
    return [
        "not all by what they add: a value that no normal row has stands before those that more "
        f"than {ORDINARY:.0%} of them match"
    ]


def _how_rare(column: dict[str, Any]) -> str:
    """The share of normal rows with such a value, where that is known."""
    from alad.reasons.result import NEVER

    if column["never_seen"]:
        return NEVER
    return "" if column["rarity"] != column["rarity"] else f"{column['rarity']:.2%}"


def _nearest_as_text(fact: dict[str, Any], top: int) -> list[str]:
    """The nearest normal rows beside the row, a line for each column."""
    from alad.cli.show import in_columns
    from alad.reasons.result import side_by_side

    rows = fact["nearest"]
    if not rows:
        return []
    body = [
        [_short(name), *side_by_side(seen, *(row[name] for row in rows))]
        for name, seen in ((c["column"], c["seen"]) for c in fact["columns"][:top])
    ]
    which = "row is" if len(rows) == 1 else f"{len(rows)} rows are"
    head = f"of {fact['normal_rows']:,} normal rows the nearest {which}"
    places = [f"normal {k + 1}" for k in range(len(rows))]
    return [head, *in_columns(["column", "seen", *places], body)]


def _short(name: str) -> str:
    """No longer than a line can hold beside values: --json has the whole."""
    return name if len(name) <= WIDE else f"{name[: WIDE - 1]}…"
