"""``alad report``: a page to read, print and pass on, of stored results or of a scored table."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from alad.cli.tables import Table
    from alad.estimators import AbstractDetector
    from alad.report.tally import Scored


def report(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS | MODEL",
            help="A folder of results of 'reproduce' tabular, cifar10 or svhn; or, before SCORED, "
            "a model folder.",
        ),
    ],
    scored: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SCORED]",
            help="What 'alad score MODEL TABLE -o SCORED --all-columns' wrote: a report to triage "
            "from. Of pictures: what 'alad score MODEL FOLDER -o SCORED' wrote.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .html to write.")] = Path(
        "report.html"
    ),
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Of results: a folder whose .png files the page is to show too. Of scored "
            "pictures: the folder that was scored.",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Of a scored table: when a row was."),
    ] = None,
    entity: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Of a scored table: what a row belongs to, such as a host."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what the page shows, in short, as JSON.")
    ] = False,
) -> None:
    """Make one self-contained HTML page of stored results, or of a scored table.

    Of results: tables with ours and the published numbers side by side, what is within tolerance
    and what is not, ROC and precision-recall curves, scores by kind of row, and training curves.

    Of a model and a table that it scored: how many alerts there are and by which rule, where the
    scores and p-values lie, and the alerts in groups of like reasons, each with examples.

    Of a model of pictures: the most normal and the most anomalous, as alad look draws them.
    """
    from alad._files import check_ending, check_not_read, written_aside
    from alad.cli.show import print_json, print_text

    check_not_read(out, scored, None if scored is None else results)
    check_ending(out, ".html")
    if scored is None:
        page, facts = _of_results(results, pictures, time, entity)
    else:
        page, facts = _of_scored(results, scored, pictures, time, entity)
    with written_aside(out) as aside:
        aside.write_text(page, encoding="utf-8")
    if as_json:
        print_json({"out": str(out), "bytes": len(page.encode()), **facts})
    else:
        print_text(f"Written: {out} ({len(page) / 1e6:.1f} MB)")


def _of_results(
    results: Path, pictures: Path | None, time: str | None, entity: str | None
) -> tuple[str, dict[str, Any]]:
    """The page of stored results, and what it shows in short."""
    from alad.cli.progress import rows_progress
    from alad.experiments.summary import summarise
    from alad.io.folder import FACTS
    from alad.report.page import figures_in, render, verdict

    if time is not None or entity is not None:
        raise InputError(
            "Expected --time and --entity with a model and a scored table; got one folder. Name "
            "the scored table too, or leave them out."
        )
    if (results / FACTS).is_file():
        raise InputError(
            f"Expected a scored table after the model {results}; got none. Give what 'alad score "
            "MODEL TABLE -o SCORED --all-columns' wrote."
        )
    summary = summarise(results)
    shown = [table["name"] for table in (*summary["tables"], *summary["one_class"])]
    answers = verdict(summary["tables"])
    facts = {
        "results": len(summary["sources"]),
        "tables": shown,
        "published": len(answers),
        "within_2_sd": sum(entry["within"] is True for entry in answers),
    }
    shown_too = _pictures(pictures)
    with rows_progress("drawing", figures_in(summary), "figures") as advance:
        return render(summary, shown_too, advance), facts


def _of_scored(
    model: Path, scored: Path, pictures: Path | None, time: str | None, entity: str | None
) -> tuple[str, dict[str, Any]]:
    """The page of a scored table, of rows or of pictures, and what it shows in short."""
    from alad.cli.looking import page_of_scored
    from alad.estimators import load

    detector = load(model)
    if not detector.takes_pictures:
        return _of_table(model, detector, scored, pictures, time, entity)
    if time is not None or entity is not None:
        raise InputError(
            "Expected no --time and no --entity with a model of pictures, which have no columns. "
            "Leave them out."
        )
    if pictures is None:
        raise InputError(
            "Expected --pictures with a model of pictures: the folder that was scored. Add it: "
            f"alad report {model} {scored} --pictures FOLDER ..."
        )
    if not pictures.is_dir():
        raise InputError(f"Expected a folder after --pictures; got {pictures}. Check the path.")
    return page_of_scored(model, detector, scored, pictures)


def _of_table(
    model: Path,
    detector: AbstractDetector,
    scored: Path,
    pictures: Path | None,
    time: str | None,
    entity: str | None,
) -> tuple[str, dict[str, Any]]:
    """The page of a scored table, and what it shows in short."""
    from alad.cli.provenance import name_of
    from alad.io.folder import FACTS
    from alad.reasons import explain
    from alad.report.sheet import quiet, triage
    from alad.report.triage import summarise

    if pictures is not None:
        raise InputError("Expected no --pictures with a scored table. Leave it out.")
    if _has_no_alert(scored):
        told = _told(scored)
        rows = None if told is None else told["rows"]
        shown = {"detector": type(detector).__name__, "rows": rows, "alerts": 0, "groups": 0}
        return quiet(name_of(scored), told), shown
    summary = summarise(detector, _opened(scored, detector), explain, time=time, entity=entity)
    changed = (model / FACTS).stat().st_mtime
    page = triage(summary, datetime.datetime.fromtimestamp(changed).date().isoformat())
    return page, _in_short(summary)


def _has_no_alert(path: Path) -> bool:
    """Whether a file is what ``alad score --alerts-only`` writes where no row is flagged."""
    from alad.cli.tables import open_table
    from alad.cli.tables.faults import NoRows
    from alad.cli.tables.files import format_of
    from alad.report.tally import ALERT, SCORE

    if not path.is_file():
        return False
    if format_of(path) == "parquet":
        told = _told(path)
        return told is not None and told["alerts_only"] and not told["anomalies"]
    try:
        with open_table(path):
            return False
    except NoRows as none:
        return format_of(path) == "jsonl" or {SCORE, ALERT} <= {*none.names}
    except InputError:  # which is told where it is read
        return False


def _told(path: Path) -> Mapping[str, Any] | None:
    """What a file tells of itself, if it is of Parquet and without rows."""
    import pyarrow as pa
    import pyarrow.parquet

    from alad.cli.tables.files import format_of
    from alad.report import origin

    if format_of(path) != "parquet":
        return None
    try:
        with path.open("rb") as stream:
            metadata = pyarrow.parquet.read_metadata(stream)
    except (pa.ArrowException, OSError):  # which is told where it is read
        return None
    found = (metadata.metadata or {}).get(origin.KEY.encode())
    return None if metadata.num_rows else origin.read(found).facts


def _in_short(summary: Mapping[str, Any]) -> dict[str, Any]:
    """How many rows, alerts and groups a report to triage from tells of."""
    groups, entities = summary["groups"], summary["entities"]
    of_group = ("number", "items", "count", "score", "p_value", "rows")
    return {
        "detector": summary["model"]["detector"],
        "rows": summary["scored"]["rows"],
        "alerts": summary["scored"]["alerts"],
        "lowest_alert": summary["scored"]["lowest_alert"],
        "groups": groups["total"],
        "shown": [{name: group[name] for name in of_group} for group in groups["shown"]],
        "entities_with_alerts": entities and len(entities["top"]) + entities["more"],
    }


def _opened(path: Path, detector: AbstractDetector) -> Scored:
    """Give a scored table that can be read twice, with the types of fit."""
    import polars.selectors as cs

    from alad.cli.progress import rows_progress
    from alad.cli.provenance import name_of
    from alad.cli.tables import as_at_fit, open_table, without_odd_values
    from alad.preprocessing.columns import Column
    from alad.report.tally import ALERT, P_VALUE, ROW, SCORE, Scored

    if path == Path("-"):
        raise InputError("Expected a file, which is read twice; got standard input. Give a file.")
    added = [Column(name, "numeric") for name in (ROW, SCORE, P_VALUE)] + [Column(ALERT, "boolean")]
    read = detector.encoder_.schema if detector.encoder_ else ()
    schema = [*read, *added]

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        with open_table(path) as table, rows_progress("reading", table.rows) as advance:
            for frame in table.batches(columns):
                durations = cs.duration().dt.total_microseconds() / 1e6  # seconds, as in reasons
                known, _ = without_odd_values(frame.with_columns(durations), read)
                yield as_at_fit(known, schema)
                advance(frame.height)

    with open_table(path) as table:
        return Scored(name_of(path), table.names, batches, _footer(table))


def _footer(table: Table) -> bytes | None:
    """What ``alad score`` wrote into a Parquet file beside its rows."""
    from alad.cli.tables.arrow import Parquet
    from alad.report.origin import KEY

    if not isinstance(table, Parquet):
        return None
    found: bytes | None = (table.file.metadata.metadata or {}).get(KEY.encode())
    return found


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
