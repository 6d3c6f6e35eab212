"""``alad example``: two tables of real data to try the other commands on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def example(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; made if new.")],
    seed: Annotated[int, typer.Option(min=0, help="Settles which rows are drawn.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was written as one JSON object.")
    ] = False,
) -> None:
    """Write normal.csv and new.csv: network connections of KDD Cup 1999 to try alad on.

    normal.csv holds 50,000 normal connections of 41 columns, numbers and text. new.csv holds
    20,000 others and up to 200 of each of 22 kinds of attack; its column label says which is
    which, and is for you alone: alad does not look at it.
    """
    from alad._files import written_aside
    from alad.cli.show import print_json, print_text
    from alad.datasets import kdd99

    written = []
    for name, rows in zip(("normal.csv", "new.csv"), kdd99.example(seed), strict=True):
        with written_aside(folder / name) as aside:
            rows.write_csv(aside)
        written.append({"out": str(folder / name), "rows": rows.height, "columns": rows.width})
    if as_json:
        print_json({"seed": seed, "files": written})
    else:
        for file in written:
            print_text(f"Written: {file['out']} ({file['rows']:,} rows, {file['columns']} columns)")
