"""``alad reproduce cifar10`` and ``svhn``: one class is normal, nine are anomalies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from alad.cli.tabular import check_stored, run_jobs

SHORT_CLASSES = 2
SHORT_EPOCHS = 0.02  # of 100
SHORT_METHODS = (
    *("oc-svm-pca", "if-paper", "dsebm", "alad-sn"),
    *("alad-untrained", "mahalanobis-pca", "pca", "knn"),
)
LOOKED_AT = 2000  # test pictures, of which the most normal and most anomalous are drawn
COUNT = 10

Full = Annotated[
    bool,
    typer.Option("--full", help="The paper's whole schedule: every class, at most 100 epochs."),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--class", metavar="CLASS", help="Only this class as the normal one (repeatable)."
    ),
]
Methods = Annotated[
    list[str] | None, typer.Option("--method", metavar="METHOD", help="Only this one (repeatable).")
]
Seeds = Annotated[int, typer.Option(min=1, help="How many seeds, from 0.")]
EpochsScale = Annotated[
    float | None,
    typer.Option(min=0.001, max=1, help="Share of the source's epochs; --full: 1."),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoints, models, pictures.")]
Results = Annotated[
    Path | None, typer.Option(help="Folder of the JSON results; default: OUT/one-class.")
]
Refresh = Annotated[bool, typer.Option("--refresh", help="Make anew what other code made.")]
OtherCode = Annotated[
    bool,
    typer.Option("--other-code", help="Add to results of other code: the numbers are the same."),
]
Stored = Annotated[bool, typer.Option("--stored", help="Run nothing: show what is stored.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")]


def command(data_set: str, title: str) -> Callable[..., None]:
    """Make the command of a data set."""

    def reproduce(
        full: Full = False,
        classes: Classes = None,
        method: Methods = None,
        seeds: Seeds = 1,
        epochs_scale: EpochsScale = None,
        out: Out = Path("runs"),
        results: Results = None,
        refresh: Refresh = False,
        other_code: OtherCode = False,
        stored: Stored = False,
        as_json: AsJson = False,
    ) -> None:
        from alad.cli.show import check_choice, print_json, print_text
        from alad.experiments.one_class import ONE_CLASS, jobs_of, one_class

        tables = [table for table in ONE_CLASS.values() if table.data_set == data_set]
        known = tables[0].classes
        methods = list(dict.fromkeys(row.method for table in tables for row in table.rows))
        for name in classes or ():
            check_choice("--class", name, known)
        for name in method or ():
            check_choice("--method", name, methods)
        folder = results or out / "one-class"
        if stored:
            check_stored(folder)
        else:
            wanted = tuple(classes or (known if full else known[:SHORT_CLASSES]))
            whole = {row.method for table in tables if table.of_paper for row in table.rows}
            chosen = tuple(method or (whole if full else SHORT_METHODS))
            scale = epochs_scale or (1.0 if full else SHORT_EPOCHS)
            jobs = jobs_of(tables, wanted, chosen, scale)
            run_jobs(
                jobs, range(seeds), folder, out, {"refresh": refresh, "other_code": other_code}
            )
        content = [one_class(table, folder) for table in tables]
        if not stored:
            _draw(content, out, jobs)
        if as_json:
            print_json({"tables": content})
        else:
            print_text("\n\n".join(as_text(table) for table in content))

    reproduce.__doc__ = f"""Train on one class of {title} at a time; the other nine are anomalies.

    Without --full the run is short, ten to twenty-five minutes on two cores, and says so: two
    classes and two epochs. Results are kept class by class and method by method; a run that was
    stopped goes on when the same command is given again.
    """
    return reproduce


def _draw(tables: Sequence[Mapping[str, Any]], out: Path, jobs: Sequence[Any]) -> None:
    """Draw AUROCs as bars, and what each model of ALAD that was trained now sees."""
    from alad._files import written_aside
    from alad.cli.show import say
    from alad.experiments.one_class import has_results
    from alad.report.one_class import bars

    for table in tables:
        if has_results(table):
            path = out / f"{table['name']}.png"
            with written_aside(path) as aside:
                bars(table).savefig(aside, dpi=130, format="png")
            say(f"Drawn: {path}")
    for job in jobs:
        if job.method.name == "alad-sn":
            _look(job, out)


def _look(job: Any, out: Path) -> None:
    """Draw the most normal and the most anomalous test pictures of a class."""
    from alad._files import written_aside
    from alad.cli.show import say
    from alad.datasets import DATA_SETS
    from alad.estimators import load
    from alad.experiments.run import SPLIT_SEED
    from alad.report.pictures import gather, look

    folder = out / "work" / job.name / "seed-0"
    if not folder.is_dir():  # the result was stored elsewhere
        return
    known = DATA_SETS[job.data_set]
    split = known.split(known.protocols[job.protocol], seed=SPLIT_SEED)
    shown, kinds = split.x_test[:LOOKED_AT], split.kind_test[:LOOKED_AT].tolist()
    model = load(folder)
    figure = look(model, gather(model, [(shown, kinds)], COUNT), seed=0)
    path = out / f"{job.name}.png"
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=110, format="png")
    say(f"Drawn: {path}")


def as_text(table: Mapping[str, Any]) -> str:
    """Give one table as text: AUROC by class, and the mean beside the published one."""
    from alad.cli.show import in_columns

    head = ["method", "mean", "published", "classes", "epochs", *table["classes"]]
    body = [_line(row, table["classes"]) for row in table["rows"]]
    lines = in_columns(head, body + [_published(row) for row in table["by_class"]])
    notes = [f"{mark} {note}." for mark, note in table["footnotes"].items()]
    notes += [f"Pictures: {source}." for source in table["sources"]]
    notes += [f"{row['method']}, class by class: {row['source']}." for row in table["by_class"]]
    if any(row["mean"] is not None and not row["is_whole"] for row in table["rows"]):
        notes.append(
            "Short: some rows stand for fewer classes or epochs than the paper's, so their means "
            "are not its means (--full makes them whole)."
        )
    notes += [
        f"Made with other {what} than now: {'; '.join(rows)}."
        for what, rows in table["made_otherwise"].items()
    ]
    return "\n".join([f"{table['title']}: AUROC", "", *lines, *notes])


def _published(row: Mapping[str, Any]) -> list[str]:
    cells = (f"{auroc:.2f}" for auroc in row["classes"])
    return [f"{row['method']} (published)", "", f"{row['mean']:.4f}", "10", "", *cells]


def _line(row: Mapping[str, Any], classes: Sequence[str]) -> list[str]:
    from alad.metrics import mean_and_sd_as_text

    label = f"{row['label']} (control)" if row["control"] else row["label"]
    ours = {"mean": row["mean"], "sd": row["sd"]}
    mean = "" if row["mean"] is None else mean_and_sd_as_text(ours, "+-")
    published = row["published"]
    theirs = mean_and_sd_as_text(published, "+-") + published["mark"] if published else ""
    cells = [row["cells"][name] for name in classes]
    return [
        label,
        mean,
        theirs,
        str(row["classes"]),
        row["epochs"],
        *("" if cell is None else f"{cell['auroc']['mean']:.3f}" for cell in cells),
    ]
