"""``alad look``: what a model of pictures was shown, what it expected, and what it can make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.looking import COUNT, as_png, facts_of, page_of
from alad.cli.pictures import Folder, OnBad
from alad.errors import InputError

if TYPE_CHECKING:
    from alad.preprocessing.pictures import Pixels


def look(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model of pictures, as fit writes it.")
    ],
    pictures: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder of .png, .jpg, .webp.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .png or .html to write.")] = Path(
        "look.png"
    ),
    count: Annotated[
        int, typer.Option(min=1, max=20, help="How many of the most normal and most anomalous.")
    ] = COUNT,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples.")] = 0,
    on_bad: Annotated[
        OnBad, typer.Option(help="Leave out a damaged file and go on, or stop.")
    ] = OnBad.skip,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was drawn as one JSON object.")
    ] = False,
) -> None:
    """Draw the most normal and the most anomalous pictures of a folder as the model sees them.

    Each is shown above its reconstruction G(E(x)) and the difference of both, the brighter the
    larger, with its anomaly score. Below stand samples G(z), and walks between the latent vectors
    of a normal picture and an anomalous one. An .html file is a page of its own, with the names.
    A model of dsebm reconstructs, r(x), but makes no samples.
    """
    from alad._files import check_ending, written_aside
    from alad.cli.progress import rows_progress
    from alad.cli.show import note_left_aside, print_json, print_text
    from alad.estimators import load
    from alad.report.pictures import gather
    from alad.report.pictures import look as drawn

    detector: Any = load(model)
    if not (detector.takes_pictures and hasattr(detector, "reconstruct")):
        raise InputError(
            f"Expected a model of pictures that reconstructs them; {model} is "
            f"{type(detector).__name__} for {'pictures' if detector.takes_pictures else 'tables'}. "
            "Fit one with alad, alice, bigan, autoencoder or dsebm on a folder of pictures."
        )
    if not pictures.is_dir():
        raise InputError(f"Expected a folder of pictures; got {pictures}. Check the path.")
    check_ending(out, ".png", ".html")
    folder = Folder(pictures, on_bad)
    side, _, channels = detector.picture_shape_
    with rows_progress("scoring", len(folder.files)) as advance:
        extremes = gather(detector, _told(folder.batches(side, channels), advance), count)
    png = as_png(drawn(detector, extremes, seed))
    unreadable = folder.summary()
    facts = facts_of(extremes, len(folder.files) - len(unreadable), unreadable)
    with written_aside(out) as aside:
        if out.suffix.lower() == ".png":
            aside.write_bytes(png)
        else:
            aside.write_text(page_of(model, detector, extremes, facts, png), "utf-8")
    note_left_aside({"unreadable": unreadable})
    if as_json:
        print_json({"out": str(out), **facts})
    else:
        print_text(f"Written: {out}")


def _told(
    batches: Iterator[tuple[Pixels, list[str]]], advance: Callable[[int], None]
) -> Iterator[tuple[Pixels, list[str]]]:
    """Pass batches on, and say of each that it is done."""
    for pictures, names in batches:
        yield pictures, names
        advance(len(names))
