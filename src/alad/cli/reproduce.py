"""``alad reproduce``: an experiment of the paper, our numbers beside the published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from alad.cli.one_class import command
from alad.cli.tabular import tabular

app = typer.Typer(help="Run an experiment of the paper and show our numbers beside its own.")


@app.callback()
def experiments() -> None:
    """Run an experiment of the paper and show our numbers beside its own."""


app.command()(tabular)
app.command("cifar10")(command("cifar10", "CIFAR-10"))
app.command("svhn")(command("svhn", "SVHN"))


@app.command()
def kdd99(
    full: Annotated[
        bool, typer.Option("--full", help="The paper's whole schedule: 100 epochs, 10 seeds.")
    ] = False,
    protocol: Annotated[
        str,
        typer.Option(help="paper, talk, released-code or corrected-labels."),
    ] = "paper",
    scaling: Annotated[
        str, typer.Option(help="none (as the released code), minmax, standard or log-standard.")
    ] = "minmax",
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds.")] = None,
    first_seed: Annotated[
        int, typer.Option(min=0, max=2**31, help="The first of them; the others follow it.")
    ] = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training rows.")
    ] = None,
    split_seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Settles which rows are tested on.")
    ] = 42,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for checkpoint, models and pictures.")
    ] = Path("runs"),
    results: Annotated[
        Path | None, typer.Option(help="Folder for the JSON result; default: with the pictures.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train ALAD on KDDCup99 and measure it by a protocol of the paper.

    Without --full the run is short, three to ten minutes on two cores, and says so. A run that
    was stopped goes on from its checkpoint when the same command is given again.
    """
    from alad._files import rehearse
    from alad.cli.progress import training_progress
    from alad.cli.show import check_choice, print_text
    from alad.datasets.kdd99 import PROTOCOLS
    from alad.experiments.kdd99 import FULL_EPOCHS, FULL_SEEDS, Plan, run
    from alad.experiments.record import record
    from alad.preprocessing.scaling import OF_TABLES
    from alad.report.plots import draw

    check_choice("--protocol", protocol, PROTOCOLS)
    check_choice("--scaling", scaling, OF_TABLES)
    short = Plan()
    count = (FULL_SEEDS if full else len(short.seeds)) if seeds is None else seeds
    plan = Plan(
        protocol=protocol,
        scaling=scaling,
        epochs=(FULL_EPOCHS if full else short.epochs) if epochs is None else epochs,
        seeds=tuple(range(first_seed, first_seed + count)),
        split_seed=split_seed,
    )
    folder = out / plan.name
    rehearse((results or folder) / f"{plan.name}.json")
    try:
        with training_progress(f"KDDCup99, {plan.name}") as report:
            payload = run(plan, folder, report)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"the same command goes on from the last checkpoint in {folder}, if there is one yet."
        ) from None
    path = record(
        plan.name,
        payload,
        command=_command(plan),
        seeds=plan.seeds,
        folder=results or folder,
    )
    stored = json.loads(path.read_text("utf-8"))
    draw(stored["payload"], folder)
    print_text(json.dumps(stored) if as_json else _summary(stored["payload"], folder, path))


def _command(plan: Any) -> str:
    split = "" if plan.split_seed == 42 else f" --split-seed {plan.split_seed}"
    size = "--full" if plan.is_full else f"--epochs {plan.epochs} --seeds {len(plan.seeds)}"
    first = f" --first-seed {plan.seeds[0]}" if plan.seeds[0] else ""
    given = f"--protocol {plan.protocol} --scaling {plan.scaling} {size}{first}{split}"
    return f"alad reproduce kdd99 {given}"


def _summary(payload: Mapping[str, Any], folder: Path, path: Path) -> str:
    """Give the result as text: the table, what to think of it, and where the files are."""
    from alad.report.words import counted

    rows, plan = payload["data"]["rows"], payload["plan"]
    flagged = payload["data"]["protocol"]["flagged"]
    cut = "the true share of anomalies" if flagged is None else f"the top {100 * flagged:g}%"
    lines = [
        "",
        f"KDDCup99, protocol {plan['protocol']}: {rows['train']:,} rows to train on, "
        f"{rows['test']:,} to test on, of which {payload['data']['anomaly_share_of_test']:.2%} "
        f"are anomalies; flagged: {cut}.",
        f"Scaling {plan['scaling']}, {counted(plan['epochs'], 'epoch')}, "
        f"{counted(len(plan['seeds']), 'seed')} (mean +- sd over seeds).",
        "",
        *_table(payload),
        "",
        *_verdict(payload),
        f"Written: {path}, and pictures in {folder}.",
    ]
    return "\n".join(lines)


def _table(payload: Mapping[str, Any]) -> list[str]:
    from alad.cli.show import METRICS, in_columns
    from alad.metrics import mean_and_sd_as_text

    head = ["method", *METRICS.values()]
    printed = ("precision", "recall", "f1")
    body = [[p["method"], *(f"{p[m]:.4f}" for m in printed), "", ""] for p in payload["published"]]
    for row in payload["rows"]:
        name = {"ALAD": "ALAD, this run"}.get(row["method"], row["method"])
        body.append(
            [name, *(mean_and_sd_as_text(row["at_cut"][metric], "+-") for metric in METRICS)]
        )
    return in_columns(head, body)


def _verdict(payload: Mapping[str, Any]) -> list[str]:
    """Say how far the run may be compared, and how it did against its controls."""
    lines = []
    if not payload["is_full"]:
        lines.append(
            "This run is short: the paper trains for 100 epochs and 10 seeds (--full does)."
        )
    f1 = {row["method"]: row["at_cut"]["f1"]["mean"] for row in payload["rows"]}
    for control in ("ALAD, untrained", "Mahalanobis distance"):
        word = "above" if f1["ALAD"] > f1[control] else "below"
        lines.append(f"Trained ALAD is {abs(f1['ALAD'] - f1[control]):.4f} F1 {word} {control}.")
    return lines
