"""``alad look``: what a model of pictures was shown, what it expected, and what it can make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.pictures import Folder, OnBad, tell_unreadable
from alad.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from alad.preprocessing.pictures import Pixels
    from alad.report.pictures import Extremes


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
    ] = 8,
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
    from alad.cli.show import print_json, print_text
    from alad.estimators import load
    from alad.report.pictures import gather
    from alad.report.pictures import look as drawn
    from alad.report.sheet import looked

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
    png = _as_png(drawn(detector, extremes, seed))
    facts = _facts(extremes, folder)
    with written_aside(out) as aside:
        if out.suffix.lower() == ".png":
            aside.write_bytes(png)
        else:
            about = {
                "place": model.resolve().name,
                "detector": type(detector).__name__,
                "threshold": float(-detector.offset_),
                "above": extremes.above,
            }
            aside.write_text(looked({**facts, **about}, png), "utf-8")
    tell_unreadable(folder.summary())
    if as_json:
        print_json({"out": str(out), **facts})
    else:
        print_text(f"Written: {out}")


def _as_png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    return buffer.getvalue()


def _facts(extremes: Extremes, folder: Folder) -> dict[str, Any]:
    """What was drawn: the pictures with their scores, the most normal and the strangest first."""
    drawn = {
        name.replace(" ", "_"): [
            {"file": file, "anomaly_score": float(score)}
            for file, score in zip(extremes.names[which], extremes.scores[which], strict=True)
        ]
        for name, which in extremes.halves().items()
    }
    drawn["most_anomalous"].reverse()
    unreadable = folder.summary()
    pictures = len(folder.files) - len(unreadable)
    return {"pictures": pictures, "unreadable": unreadable, **drawn}


def _told(
    batches: Iterator[tuple[Pixels, list[str]]], advance: Callable[[int], None]
) -> Iterator[tuple[Pixels, list[str]]]:
    """Pass batches on, and say of each that it is done."""
    for pictures, names in batches:
        yield pictures, names
        advance(len(names))
