"""What is written down of where a result came from: names, not paths, and a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alad.report.origin import FORMAT


def trained_on(table: Path, rows: int, dropped: Sequence[str]) -> dict[str, Any]:
    """What a model says of the rows that fit was given, held out or not, and without what."""
    told = {"dropped": list(dropped)} if dropped else {}
    return {"table": name_of(table), "rows": rows, "date": _now(), **told}


def scored_from(
    model: Path, detector: str, table: Path, summary: Mapping[str, Any], *, alerts_only: bool
) -> dict[str, Any]:
    """What a table of scores says of the command that wrote it."""
    told = {name: summary[name] for name in ("rows", "anomalies", "decision")}
    return {
        "format": FORMAT,
        "model": name_of(model),
        "detector": detector,
        "table": name_of(table),
        "date": _now(),
        "alerts_only": alerts_only,
        **told,
    }


def name_of(path: Path) -> str:
    """The name of a file, a folder or a pattern, without what is above it.

    >>> name_of(Path("logs/2026-*.parquet")), name_of(Path("-"))
    ('2026-*.parquet', 'standard input')
    """
    if path == Path("-"):
        return "standard input"
    name = path.name if path.name not in ("", "..") else path.resolve().name
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
