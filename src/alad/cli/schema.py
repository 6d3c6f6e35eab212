"""``alad schema``: say what the columns of a table are, in a file that can be edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.pictures import OnBad, OnBadOption
from alad.cli.show import TABLES

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column


def schema(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help=f"{TABLES}.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .json to write the schema to.", show_default="no"),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="COLUMN", help="Leave out this column (repeatable)."),
    ] = None,
    on_bad: OnBadOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the schema as one JSON object.")
    ] = False,
) -> None:
    """Say what each column of a table is taken for, and what it becomes.

    Correct the kinds and roles in the written file, then give it to alad fit --schema.

    Kinds: numeric, log-numeric, boolean, categorical, frequency (how rare the value is), time, text
    (its shape), ip, port, url, ignored. Roles: feature, time (when; at most one), entity (who; at
    most one), identifier, label. Only features and the time are given to the model. Times that are
    not written as in ISO 8601 have a format: seconds or milliseconds (since 1970), or as %d/%m/%Y.
    Lists and other nested values, of which fit learns nothing, are stated as ignored.
    """
    from alad._files import check_ending, check_not_read
    from alad.cli.show import note_left_aside, print_json, print_text, say
    from alad.preprocessing.schema import Schema

    check_not_read(out, table)
    check_ending(out, ".json")
    columns, aside = _columns(table, drop or (), skips=on_bad is OnBad.skip)
    stated = Schema.of(columns)
    if out is not None:
        stated.write(out)
    if as_json:
        print_json(stated.to_json())
    else:
        print_text(_as_text(columns))
    note_left_aside(aside)
    if out is not None:
        say(f"Written: {out}")


def _columns(
    path: Path, drop: Sequence[str], *, skips: bool
) -> tuple[tuple[Column, ...], Mapping[str, Any]]:
    """Look through a table, batch by batch if it is large; beside it what of it is not read."""
    from alad.cli.streaming import MEMORY, memory_size, rows_of
    from alad.estimators import Stream
    from alad.preprocessing.learning.tables import TableLearner

    rows, aside = rows_of(path, drop, memory_size(MEMORY), Path(), skips=skips)
    learner = TableLearner()
    for frame in rows if isinstance(rows, Stream) else [rows]:
        learner.update(frame)
    return learner.columns(), aside


def _as_text(columns: Sequence[Column]) -> str:
    from alad.cli.show import in_columns, width_of_terminal

    head = ["column", "kind", "role", "features", "note"]
    body = [[c.name, c.kind, c.role, str(len(c.features)), _note(c)] for c in columns]
    return "\n".join(in_columns(head, body, width_of_terminal()))


def _note(column: Column) -> str:
    notes = [column.note] if column.note else []
    notes += ["values are missing"] if column.has_missing else []
    notes += ["constant"] if column.constant else []
    return "; ".join(notes)
