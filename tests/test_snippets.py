"""Every block of Python in the documents runs; blocks with ``>>>`` are doctests and run as those.

What a block takes from its reader, files and names, is made here, and small. Networks are not
trained, and those for pictures are narrow: that a snippet runs is tested, not what comes of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alad import ALAD, KNN, Mahalanobis
from alad.export import to_onnx
from tests.estimators.pictures import SMALL

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def connections(rows: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    proto = [None, *rng.choice(["tcp", "udp"], rows - 1)]
    return pl.DataFrame({"bytes": rng.normal(100, 10, rows), "proto": proto})


def for_readme() -> dict[str, Any]:
    Path("data").mkdir()
    connections(300).write_csv("data/normal.csv")
    connections(300, 1).with_columns(label=pl.lit("smurf")).write_csv("data/new.csv")
    return {}


def for_export() -> dict[str, Any]:
    detector = Mahalanobis().fit(connections(200))
    Path("model.onnx").write_bytes(to_onnx(detector).SerializeToString())
    return {}


def for_large_tables() -> dict[str, Any]:
    paths = [Path(f"{seed}.parquet") for seed in range(2)]
    for seed, path in enumerate(paths):
        connections(300, seed).write_parquet(path)
    Path("scratch").mkdir()
    return {"paths": paths, "rows": 600}


def for_pictures() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    for name in ("good-parts", "new-parts"):
        np.save(f"{name}.npy", rng.integers(0, 256, (24, 8, 8), np.uint8))
    return {}


def for_reasons() -> dict[str, Any]:
    return {"detector": KNN().fit(connections(200)), "X": connections(3, 1)}


GIVEN: dict[str, Callable[[], dict[str, Any]]] = {
    "README.md": for_readme,
    "docs/export.md": for_export,
    "docs/large-tables.md": for_large_tables,
    "docs/pictures.md": for_pictures,
    "docs/reasons.md": for_reasons,
}


def blocks(page: Path) -> list[str]:
    """The blocks of a page that are no doctests, in order."""
    found = BLOCK.findall(page.read_text("utf-8"))
    return [block for block in found if not block.startswith(">>>")]


@pytest.fixture
def untrained(monkeypatch):
    presets = ALAD.presets | {"pictures": SMALL}
    short = {name: replace(of, epochs=0, min_steps=0) for name, of in presets.items()}
    monkeypatch.setattr(ALAD, "presets", short)


def test_every_page_with_such_blocks_is_run():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    assert {p.relative_to(ROOT).as_posix() for p in pages if blocks(p)} == set(GIVEN)


@pytest.mark.parametrize("page", GIVEN)
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch, untrained):
    """One after the other, each with the names of those before it."""
    monkeypatch.chdir(tmp_path)
    names = GIVEN[page]()
    for block in blocks(ROOT / page):
        exec(compile(block, page, "exec"), names)
