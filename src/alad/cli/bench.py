"""``alad bench``: detectors side by side over many tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Compare detectors over many tables.")

NAMES = {"auroc": "AUROC", "average_precision": "av. precision", "f1": "F1 at true rate"}


@app.callback()
def verbs() -> None:
    """Compare detectors over many tables."""


@app.command()
def quality(
    panels: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PANEL]...", help="Which panels; default: adbench."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds; default: the panel's own number.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", metavar="METHOD", help="Only this one (repeatable)."),
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder of the JSON results.")] = Path(
        "runs/quality"
    ),
    first_seed: Annotated[
        int, typer.Option(min=0, help="The first seed; others than 0, 1, ... are fresh splits.")
    ] = 0,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Make anew what other code or settings made.")
    ] = False,
    other_code: Annotated[
        bool,
        typer.Option(
            "--other-code", help="Add to results of other code: the numbers are the same."
        ),
    ] = False,
    stored: Annotated[
        bool, typer.Option("--stored", help="Run nothing: show what is stored.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw mean ranks and their critical difference, as PNG.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Fit every detector on every table of a panel, for several seeds, and compare them.

    Results are kept, one file for each detector, after each fit; the same command goes on where
    it was stopped. A seed is that of the split and of the detector. Panels: adbench, contaminated,
    kdd99 (the paper's and the talk's protocol), kdd99-released-code, kdd99-corrected, arrhythmia,
    cifar10.
    """
    from alad.cli.show import check_choice, print_json, print_text
    from alad.experiments.panels import CONTENDERS, PANELS
    from alad.experiments.quality import compared, run

    for name in panels or ():
        check_choice("panel", name, PANELS)
    for name in method or ():
        check_choice("--method", name, CONTENDERS)
    wanted = [PANELS[name] for name in panels or ("adbench",)]
    if not stored:
        options = {"refresh": refresh, "other_code": other_code}
        for panel in wanted:
            of = range(first_seed, first_seed + (seeds or panel.seeds))
            named = [CONTENDERS[name] for name in method or ()]
            chosen = named or [c for c in CONTENDERS.values() if c.is_of(panel)]
            _run(run, panel, chosen, of, results, options)
    content = [compared(panel, results) for panel in wanted]
    if picture is not None:
        _draw(content[0], picture)
    if as_json:
        print_json({"panels": content})
    else:
        print_text("\n\n".join(as_text(panel) for panel in content))


def _run(
    run: Any,
    panel: Any,
    contenders: Any,
    seeds: Any,
    results: Path,
    options: Mapping[str, bool],
) -> None:
    """Make what is not stored, and say where that is and how long it may take."""
    from alad.cli.progress import tell

    try:
        run(panel, contenders, seeds, results, tell, **options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"the same command goes on from what is stored in {results}."
        ) from None


def _draw(panel: Mapping[str, Any], path: Path) -> None:
    from alad._files import written_aside
    from alad.cli.show import say
    from alad.report.quality import ranks, ranks_in_words

    said = {"Description": ranks_in_words(panel)}
    with written_aside(path) as aside:
        ranks(panel).savefig(aside, dpi=130, format="png", metadata=said)
    say(f"Drawn: {path}")


def as_text(panel: Mapping[str, Any]) -> str:
    """Give a panel as text, the best mean AUROC first."""
    from alad.cli.show import in_columns
    from alad.experiments.quality import absent
    from alad.report.words import counted

    kinds = len(panel["kinds"])
    of_kinds = [f"AUROC of {kinds} kinds"] if kinds else []
    head = ["method", "score", *NAMES.values(), *of_kinds, "mean rank", "fit s", "us a row"]
    rows = sorted(panel["rows"], key=lambda row: -row["mean"]["auroc"])
    body = [
        [
            f"{row['label']} (control)" if row["control"] else row["label"],
            "" if row["score"] == "default" else row["score"],
            *(f"{row['mean'][metric]:.4f}" for metric in NAMES),
            *([f"{row['mean_of_kinds']:.4f}"] if kinds else []),
            "" if row["rank"] is None else f"{row['rank']:.2f}",
            f"{row['fit_seconds']:.1f}",
            f"{row['microseconds']:.1f}",
        ]
        for row in rows
    ]
    seeds = sorted(set(panel["seeds"].values()))
    of_each = f"{'-'.join(map(str, seeds)) or 'no'} seed{'s' * (seeds != [1])} each"
    over = f"{counted(len(panel['tables']), 'table')}, {of_each}"
    lines = in_columns(head, body) if body else ["Nothing is stored yet."]
    return "\n".join([f"{panel['title']}: {over}", "", *lines, *absent(panel)])
