"""``alad report``: stored results as a page to read, print and pass on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alad.errors import InputError


def report(
    results: Annotated[
        Path,
        typer.Argument(metavar="RESULTS", help="A folder of results of 'reproduce'."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write.")] = Path(
        "report.html"
    ),
    pictures: Annotated[
        Path | None,
        typer.Option(help="A folder whose .png files the page is to show too."),
    ] = None,
) -> None:
    """Make one self-contained HTML page of stored results.

    Tables with ours and the published numbers side by side, what is within tolerance and what is
    not, ROC and precision-recall curves, scores by kind of row, and training curves.
    """
    from alad._files import written_aside
    from alad.cli.show import print_text
    from alad.experiments.summary import summarise
    from alad.report.page import render

    page = render(summarise(results), _pictures(pictures))
    with written_aside(out) as aside:
        aside.write_text(page, encoding="utf-8")
    print_text(f"Written: {out} ({len(page) / 1e6:.1f} MB)")


def _pictures(folder: Path | None) -> dict[str, bytes]:
    """Read every PNG in a folder, by the file's name."""
    if folder is None:
        return {}
    found = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.png"))}
    if not found:
        raise InputError(
            f"Expected .png files in {folder}; there are none. Give the --out of 'reproduce "
            "cifar10', or leave --pictures out."
        )
    return found
