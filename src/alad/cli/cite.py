"""``alad cite``: what to cite, as BibTeX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def cite(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MODEL]",
            help="A model folder, for what its detector rests on; without one: the paper of ALAD.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the entries as one JSON object, by key.")
    ] = False,
) -> None:
    """Print BibTeX of the papers behind a model and of this software."""
    from alad.cli.citations import bibtex, entries
    from alad.cli.info import facts_of
    from alad.cli.show import print_json, print_text

    found = entries("ALAD" if model is None else facts_of(model)["detector"])
    if as_json:
        print_json(found)
    else:
        print_text(bibtex(found))
