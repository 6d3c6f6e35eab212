"""``alad export``: a model as one ONNX file, for programs without Python."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from alad.estimators import AbstractDetector


Inputs = StrEnum("Inputs", "columns features")


def export(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model folder, as fit writes it.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The .onnx file to write; one there is replaced.")
    ],
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="Real rows to check the file with: a table, or a folder of pictures, as for "
            "score. Without it, rows that are made from the model itself.",
        ),
    ] = None,
    inputs: Annotated[
        Inputs | None,
        typer.Option(
            help="What the file takes: each column of the table by name, or x, their features "
            "encoded.",
            show_default="columns, where fit saw names",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done as one JSON object.")
    ] = False,
) -> None:
    """Write a model as one ONNX file, for programs without Python.

    The file holds everything from a table's columns to a decision: missing values, categories,
    scaling, networks, score and threshold. It gives anomaly_score, is_anomaly and, if the model is
    calibrated, p_value.

    It is checked before it is kept: rows are scored with the model and, in onnxruntime, with the
    file. If a score differs by more than a ten-thousandth of its size nothing is written.

    Needs the extra 'export': pip install '.[export]', in a checkout of alad.
    """
    from alad._files import check_ending, check_not_read, written_aside
    from alad.cli.show import print_json
    from alad.estimators import load
    from alad.export import compare, to_onnx

    check_not_read(out, model, check)
    check_ending(out, ".onnx")
    detector = load(model)
    with written_aside(out) as aside:
        written = to_onnx(
            detector, inputs=None if inputs is None else inputs.value, facts=_digest(model)
        )
        content = written.SerializeToString()
        rows, source = _rows(detector, check)
        agreement = compare(content, detector, rows)
        agreement.check()
        aside.write_bytes(content)
    done = {
        "inputs": [given.name for given in written.graph.input],
        "outputs": [given.name for given in written.graph.output],
        "checked_on": source,
        "rows": agreement.rows,
        "largest_relative_difference": agreement.largest,
        "rows_with_ties": agreement.ties,
        "different_verdicts": agreement.verdicts,
        "rows_per_second": agreement.rows_per_second,
        "rows_per_second_of_alad": agreement.rows_per_second_here,
        "bytes": len(content),
        "out": str(out),
    }
    if as_json:
        print_json(done)
    else:
        _tell(done)


def _digest(model: Path) -> dict[str, str]:
    """Name the model folder by its facts, which hold the digest of its arrays."""
    from alad.io.folder import FACTS

    return {"model_sha256": hashlib.sha256((model / FACTS).read_bytes()).hexdigest()}


def _rows(detector: AbstractDetector, path: Path | None) -> tuple[Iterator[Any], str]:
    """Rows to check with, part by part, and where they are from."""
    from alad.export.rows import own_rows

    if path is not None:
        return _given(detector, path), str(path)
    rows, kinds = own_rows(detector)
    return iter([rows]), ", ".join(f"{n} {kind}" for kind, n in kinds.items())


def _given(detector: AbstractDetector, path: Path) -> Iterator[Any]:
    """What ``alad score`` would give the detector of a table, or a folder of pictures."""
    from alad.cli.inputs import opened

    with opened(detector, path) as inputs:
        yield from inputs


def _tell(done: Mapping[str, Any]) -> None:
    """Print what was done as text."""
    from alad.cli.show import print_text
    from alad.preprocessing.frames import quoted

    print_text(
        f"Checked on {done['rows']:,} rows ({done['checked_on']}): largest relative difference "
        f"{done['largest_relative_difference']:.2g}; rows that differ more, for ties: "
        f"{done['rows_with_ties']}; other verdicts: {done['different_verdicts']}."
        f"\nonnxruntime {done['rows_per_second']:,.0f} rows a second, alad "
        f"{done['rows_per_second_of_alad']:,.0f}."
        f"\nTakes {quoted(done['inputs'])}; gives {', '.join(done['outputs'])}."
        f"\nWritten: {done['out']} ({done['bytes'] / 1e6:.2f} MB)"
    )
