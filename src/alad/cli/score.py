"""``alad score``: judge every row of a table, however long, in bounded memory."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.pictures import OnBad, OnBadOption
from alad.cli.show import TABLES
from alad.errors import InputError

if TYPE_CHECKING:
    from alad.cli.flagging import Flagging
    from alad.cli.judging import Judging

ENOUGH = 100  # rows, of which a share says something


def score(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model folder, as fit writes it.")
    ],
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help=f"{TABLES}; or a folder of .png, .jpg, .webp.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="Where to write: .parquet, .csv, .tsv, .jsonl (also .gz), or - for CSV on "
            "standard output. A file there is replaced once all is written.",
        ),
    ],
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="COLUMN",
            help="Copy this column of the table too (repeatable). Into .parquet and .jsonl go "
            "numbers, and true and false, where fit knows the column as such; what else a CSV "
            "holds stays text.",
        ),
    ] = None,
    all_columns: Annotated[
        bool, typer.Option("--all-columns", help="Copy all columns of the table, as --keep does.")
    ] = False,
    alerts_only: Annotated[
        bool,
        typer.Option("--alerts-only", help="Write the flagged rows alone; all are judged."),
    ] = False,
    fdr: Annotated[
        float | None,
        typer.Option(
            "--fdr",
            metavar="SHARE",
            help="Flag so that, on average, at most this share of what is flagged is normal.",
        ),
    ] = None,
    stream: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --fdr, of tables that come one after the other: decide each row in its "
            "turn, and keep in FILE (.json, made if it is not there) what the next table needs.",
        ),
    ] = None,
    false_positive_rate: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Flag at most this share of normal rows, on average."),
    ] = None,
    alerts_per_day: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Flag the N highest scores of each day (see --time), in UTC if times have a zone.",
        ),
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option("--time", metavar="COLUMN", help="The column with the time of a row."),
    ] = None,
    alerts_per_entity: Annotated[
        int | None,
        typer.Option(metavar="N", help="Flag the N highest scores of each --entity."),
    ] = None,
    entity_column: Annotated[
        str | None,
        typer.Option(
            "--entity",
            metavar="COLUMN",
            help="The column that says what a row belongs to: a host, say.",
        ),
    ] = None,
    labelled: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A table like TABLE of which somebody has labelled rows: flag what is above the "
            "threshold that has the best F1 there.",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column of FILE with the labels: 1 or true for an anomaly, 0 or false for a "
            "normal row, empty for a row that nobody looked at, which is left aside.",
        ),
    ] = None,
    anomaly: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VALUE",
            help="A label that means an anomaly, where others mean a normal row, or with --normal "
            "nothing (repeatable).",
        ),
    ] = None,
    normal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VALUE",
            help="A label that means a normal row, where others mean an anomaly, or with --anomaly "
            "nothing (repeatable).",
        ),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Of FILE: the lowest threshold with this precision, not best F1."
        ),
    ] = None,
    recall: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Of FILE: the highest threshold with this recall, not best F1."
        ),
    ] = None,
    on_bad: OnBadOption = None,
    reasons: Annotated[
        int | None,
        typer.Option(
            "--reasons",
            metavar="K",
            min=1,
            help="Say of each anomaly which K columns made it one, in reason_1 to reason_K.",
        ),
    ] = None,
    spreadsheet_safe: Annotated[
        bool,
        typer.Option(
            "--spreadsheet-safe",
            help="CSV: put a ' before text that a spreadsheet would run as a formula. It is no "
            "longer the text of the table then.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done as one JSON object.")
    ] = False,
) -> None:
    """Judge every row of a table with a model.

    For each row: row (counted from 0), anomaly_score (higher = more anomalous), p_value (how rare
    such a score is among normal rows, if the model is calibrated) and is_anomaly (whether the score
    is above the model's threshold, or what one of --fdr, --false-positive-rate, --alerts-per-day,
    --alerts-per-entity and --labelled says instead). The table may be of any length: it is read,
    scored and written in batches.

    The table needs the columns that the model reads, in any order; labels and identifiers may be
    absent. Columns that fit did not see are left aside, and named at the end. Missing values are
    allowed: where fit saw some, a missing number counts as the training median and is flagged as
    missing; where fit saw none, a missing value counts as unlike all of those it saw, as does a
    category that fit did not see. They are counted, by column.

    With --reasons each anomaly is compared with the normal row nearest to it, which takes about as
    long as scoring one row for each column of the table (docs/reasons.md).

    Of a folder of pictures each one's row has its file instead of a number.
    """
    from alad._files import check_not_read
    from alad.cli.decisions import OnStream, rule_of
    from alad.cli.explain import names_of_reasons
    from alad.cli.flagging import Flagging
    from alad.cli.formulas import Formulas
    from alad.cli.inputs import check_outside, files_read, opened
    from alad.cli.judging import Judging
    from alad.cli.labelled import sample_of
    from alad.cli.provenance import scored_from
    from alad.cli.show import print_json
    from alad.cli.stream_state import check_stream, keep_state
    from alad.cli.tables import written_as
    from alad.estimators import load

    if as_json and out == Path("-"):
        raise InputError(
            "Expected one thing on standard output; got --json and -o -. Leave one out."
        )
    if all_columns and keep:
        raise InputError(
            "Expected --all-columns or --keep; got both. Leave one out: all columns are copied "
            "with the first."
        )
    if table == labelled == Path("-"):
        raise InputError("Expected one table on standard input; got two. Give one as a file.")
    is_csv = written_as(out) in ("csv", "tsv")
    if spreadsheet_safe and not is_csv:
        raise InputError(
            "Expected --spreadsheet-safe with CSV only: other formats know what is text. Leave it "
            "out."
        )
    sample = sample_of(
        labelled, label, anomaly=anomaly, normal=normal, precision=precision, recall=recall
    )
    read = (model, *files_read(table), *files_read(labelled))
    check_not_read(out, *read)
    check_outside(out, table, labelled)
    check_stream(stream, out, *read)
    detector = load(model)
    rule = rule_of(
        detector,
        fdr=fdr,
        stream=stream,
        false_positive_rate=false_positive_rate,
        alerts_per_day=alerts_per_day,
        time=time_column,
        alerts_per_entity=alerts_per_entity,
        entity=entity_column,
        labelled=sample,
        skips=on_bad is OnBad.skip,
    )
    with opened(detector, table, on_bad) as inputs:
        kept = None if all_columns else keep or ()
        judging = Judging(detector, inputs, rule, kept, reasons, typed=not is_csv)
        flagging = Flagging(
            rule,
            out,
            of_flagged=names_of_reasons(detector, reasons),
            formulas=Formulas(quoted=spreadsheet_safe) if is_csv else None,
            alerts_only=alerts_only,
            facts=lambda: scored_from(
                model, type(detector).__name__, table, judging.summary(), alerts_only=alerts_only
            ),
        )
        summary = _written(judging, flagging)
    if isinstance(rule, OnStream) and stream is not None:
        keep_state(rule.online, stream, rule.before)
    if as_json:
        print_json(summary)
    else:
        _tell(summary, out)


def _written(judging: Judging, flagging: Flagging) -> dict[str, Any]:
    """Score and write all rows; what was done, as JSON."""
    from alad.cli.progress import rows_progress

    began = time.monotonic()
    expected = judging.inputs.expected
    with flagging.open() as write, rows_progress("scoring", expected) as advance:
        for scored in judging.scored():
            write(scored.rows, scored.groups)
            advance(scored.rows.height)
    formulas = flagging.formulas
    return judging.summary() | {
        "formulas": {} if formulas is None else dict(formulas.found),
        "formulas_quoted": formulas is not None and formulas.quoted,
        "lost": dict(flagging.losses.found),
        "out": str(flagging.out),
        "alerts_only": flagging.alerts_only,
        "seconds": round(time.monotonic() - began, 3),
    }


def _where(decision: Mapping[str, Any]) -> str:
    if decision["threshold"] is None:
        return str(decision["rule"])
    if decision["threshold"] == math.inf:
        return "for no score is high enough"
    return f"above the threshold {decision['threshold']:.6g}"


def _tell_decision(decision: Mapping[str, Any]) -> None:
    """Say what a rule other than the model's threshold promises, and on which assumption."""
    from alad.cli.show import say

    if decision["assumption"] != "None.":
        say(f"Rule: {decision['rule']}. {decision['promise']}")
        say(f"Assumed: {decision['assumption']}")
    if decision["note"]:
        say(f"note: {decision['note']}")


def _tell_low(done: Mapping[str, Any]) -> None:
    """Say so where far more p-values are low than normal rows have, whoever is flagged."""
    from alad.cli.judging import LOW
    from alad.cli.show import say

    share = done["low_p_values"]
    if share is not None and done["rows"] >= ENOUGH and share > 2 * LOW:
        say(
            f"note: {share:.1%} of the rows have a p-value of at most {LOW:g}, where {LOW:.0%} of "
            "rows like those of calibration have: many are out of the ordinary, or normal rows are "
            "not as they were. `alad drift` says which columns moved."
        )


def _tell_missing(done: Mapping[str, Any]) -> None:
    """Say where values are missing, and first where that is news."""
    from alad.cli.show import by_column, note

    new, uncounted = done.get("newly_missing", {}), done.get("newly_missing_uncounted", ())
    for is_left_out, told in (
        (False, "missing where fit saw every value, so unlike all of them"),
        (
            True,
            "missing where fit saw every value, but taken for the training median, which is "
            "nothing odd: this model is from before that counted, fit it again",
        ),
    ):
        of_these = {name: n for name, n in new.items() if (name in uncounted) == is_left_out}
        note(told, by_column(of_these))
    others = {name: n for name, n in done.get("missing_values", {}).items() if name not in new}
    note("missing values", by_column(others))


def _tell(done: dict[str, Any], out: Path) -> None:
    """Write the summary to standard error; standard output may hold the scores."""
    from alad.cli.losses import told_of_lost
    from alad.cli.show import by_column, note, note_left_aside, say, some

    speed = done["rows"] / max(done["seconds"], 1e-9)
    what = "pictures" if "unreadable" in done else "rows"
    flagged = "anomaly" if done["anomalies"] == 1 else "anomalies"
    say(
        f"Scored {done['rows']:,} {what} in {done['seconds']:.1f} s ({speed:,.0f} a second); "
        f"{done['anomalies']:,} {flagged} ({done['share']:.2%}), {_where(done['decision'])}."
    )
    _tell_decision(done["decision"])
    _tell_low(done)
    note("values that fit did not see", by_column(done.get("unseen_categories", {})))
    odd = done.get("otherwise", {}).items()
    note("otherwise than at fit", [f"{name} ({remark})" for name, remark in odd])
    _tell_missing(done)
    told = "columns that the model does not read, because fit did not see them"
    note(told, some(done.get("ignored_columns", ())))
    note("columns that are not copied, for the result has such itself", done["not_copied"])
    note_left_aside(done)
    told = (
        "text with a ' put before it, which a spreadsheet would run as a formula"
        if done["formulas_quoted"]
        else "text that a spreadsheet would run as a formula (--spreadsheet-safe quotes it)"
    )
    note(told, by_column(done["formulas"]))
    note(told_of_lost(out), by_column(done["lost"]))
    if out != Path("-"):
        alone = f" (the {done['anomalies']:,} flagged rows)" if done["alerts_only"] else ""
        say(f"Written: {out}{alone}")
