"""What ``alad info`` tells of a model, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alad._files import written_aside
from alad.cli.provenance import name_of
from alad.io import read_model
from alad.report.sheet import card


def write_card(folder: Path, facts: Mapping[str, Any], became: Sequence[str], out: Path) -> None:
    """Write the page; ``became`` says of each column what it became."""
    saved = read_model(folder)
    columns = [(column["name"], column["kind"]) for column in facts["columns"] or ()]
    about = {
        "place": name_of(folder.resolve()),
        "calibration_rows": len(saved.arrays.get("calibration/rows", ())),
        "became": [(*column, text) for column, text in zip(columns, became, strict=True)],
    }
    scores = [float(score) for score in saved.arrays.get("calibration/scores", ())]
    page = card({**facts, **about}, saved.facts.get("history"), scores)
    with written_aside(out) as aside:
        aside.write_text(page, encoding="utf-8")
