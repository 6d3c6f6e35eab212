"""``alad reproduce tabular``: the tables of the paper and the talk, every method, every seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from alad.cli.show import METRICS

BESIDE = ("F1, 95 %", "published F1", "within 2 sd", "F1 against ALAD's")


def tabular(
    tables: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TABLE]...", help="Which tables; default: all. --list names them."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0; the paper: 10.")] = 10,
    epochs_scale: Annotated[
        float,
        typer.Option(min=0.001, max=1, help="Share of the source's epochs; 1 is its schedule."),
    ] = 1.0,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method", metavar="METHOD", help="Only this method (repeatable). --list names them."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for checkpoints and models.")
    ] = Path("runs"),
    results: Annotated[
        Path | None, typer.Option(help="Folder of the JSON results; default: OUT/tabular.")
    ] = None,
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
    names: Annotated[bool, typer.Option("--list", help="List tables and methods.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")] = False,
) -> None:
    """Run every method of the paper's tables for tabular data, and set ours beside its numbers.

    Results are kept, one file for each method, after every group of seeds. The same command goes
    on where it was stopped, skips what is stored, and adds seeds; it never mixes results of other
    code, settings or data. The whole of it takes days on two cores: choose tables and methods, or
    shorten the schedule with --epochs-scale, which is written into the results.
    """
    from alad.cli.show import check_choice, print_json, print_text
    from alad.experiments.compare import compared
    from alad.experiments.registry import TABLES
    from alad.experiments.results import jobs_of

    methods = {method.name: method for table in TABLES.values() for method in table.methods}
    if names:
        print_text(_names(TABLES, methods))
        return
    for name in tables or ():
        check_choice("table", name, TABLES)
    for name in method or ():
        check_choice("--method", name, methods)
    wanted, only = [TABLES[name] for name in tables or TABLES], method or list(methods)
    jobs = [job for job in jobs_of(wanted, epochs_scale) if job.method.name in only]
    _some(jobs, only)
    folder = results or out / "tabular"
    if stored:
        check_stored(folder)
    else:
        bench = {"refresh": refresh, "other_code": other_code}
        run_jobs(jobs, range(seeds), folder, out, bench)
    content = [compared(table, folder) for table in wanted]
    if as_json:
        print_json({"tables": content})
    else:
        print_text("\n\n".join(as_text(table) for table in content))


def run_jobs(
    jobs: Any, seeds: Sequence[int], folder: Path, out: Path, options: Mapping[str, bool]
) -> None:
    """Make what is not stored in ``folder`` yet; checkpoints and models go below ``out``."""
    from alad.cli.progress import tell, training_progress
    from alad.experiments.run import Bench

    try:
        with training_progress("training") as report:
            Bench(folder, out / "work", tell, report, **options).run(jobs, seeds)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"the same command goes on from what is stored in {folder}."
        ) from None


def check_stored(folder: Path) -> None:
    """Refuse a folder of results that is none.

    Raises
    ------
    InputError
        There is no such folder.
    """
    from alad.errors import InputError

    if not folder.is_dir():
        raise InputError(
            f"Expected a folder of results at {folder}; there is none. Give the one that --results "
            "or --out named, or leave --stored out."
        )


def _some(jobs: Sequence[Any], methods: Sequence[str]) -> None:
    from alad.errors import InputError

    if not jobs:
        raise InputError(
            f"Expected a method of these tables; they have no {', '.join(methods)}. Give other "
            "tables, or leave --method out."
        )


def _names(tables: Mapping[str, Any], methods: Mapping[str, Any]) -> str:
    from alad.cli.show import aligned

    shown = {name: table.title for name, table in tables.items()}
    data_sets = {table.data_set for table in tables.values()}
    detectors = {name: _detector(method, data_sets) for name, method in methods.items()}
    return f"Tables\n{aligned(shown)}\n\nMethods\n{aligned(detectors)}"


def _detector(method: Any, data_sets: Collection[str]) -> str:
    """A method's detector, with the settings that are not its defaults."""
    from alad.report.page import settings

    of = [f"{settings(own)} on {name}" for name, own in method.of.items() if name in data_sets]
    given = [settings(method.settings)] if method.settings else []
    return ", ".join([method.detector, *given, *of])


def as_text(table: Mapping[str, Any]) -> str:
    """Give one compared table as text."""
    from alad.cli.show import in_columns

    head = ["method", "seeds", "epochs", *METRICS.values(), *BESIDE]
    lines = in_columns(head, [_line(row) for row in table["rows"]])
    notes = [table["note"]] if table["note"] else []
    notes += [
        f"{number['method']} has {number['precision']:.4f}, {number['recall']:.4f} and "
        f"{number['f1']:.4f} (precision, recall, F1)."
        for number in table["also_published"]
    ]
    notes += [
        f"Made with other {what} than now: {'; '.join(rows)}."
        for what, rows in table["made_otherwise"].items()
    ]
    notes += [f"{mark} {note}." for mark, note in table["footnotes"].items()]
    if not any(row["ours"] for row in table["rows"]):
        notes.append("Nothing is stored yet.")
    return "\n".join([table["title"], "", *lines, *notes])


def _line(row: Mapping[str, Any]) -> list[str]:
    from alad.metrics import mean_and_sd_as_text

    ours, published, test = row["ours"], row["published"], row["test"]
    label = f"{row['label']} (control)" if row["control"] else row["label"]
    if ours is None:
        return [label, "0", "", *[""] * len(METRICS), "", _f1(published), "", ""]
    cells = [mean_and_sd_as_text(ours[metric], "+-") for metric in METRICS]
    inside = {None: "", True: "yes", False: "no"}[row["within"]]
    against = "" if test is None else f"{test['difference']:+.4f}, p = {test['p_holm']:.3f}"
    epochs = str(row["settings"].get("epochs", ""))
    if row["epochs_scale"] != 1:
        epochs += f" (x {row['epochs_scale']:g})"
    interval = ours["f1"]["interval"]
    between = "" if interval is None else f"{max(interval[0], 0):.4f} to {min(interval[1], 1):.4f}"
    seeds = str(len(row["seeds"]))
    return [label, seeds, epochs, *cells, between, _f1(published), inside, against]


def _f1(published: Mapping[str, Any] | None) -> str:
    return "" if published is None else f"{published['f1']:.4f}{published['mark']}"
