"""Scoring a table of many rows, Parquet to Parquet, every contestant in a process of its own.

The table is KDD Cup 1999's 10 % file again and again, 41 columns of numbers and text, with byte
counts and durations varied row by row, so that no two copies are alike. Run as a program, this is
one of the contestants that alad is compared with.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet

ROWS = 10_000_000
FIT_ROWS = 50_000
CALIBRATED = 20_000  # further rows, for a rule that needs p-values
GROUP = 131_072  # rows of a group of the file
VARIED = ("duration", "src_bytes", "dst_bytes")
TREES = 100
BATCH = 1024  # of a fit of millions of rows
HERE = "benchmarks.scale"

# A process counts as its own the memory of the one that started it, so a small one starts it.
STARTER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""


@dataclass
class Scale:
    """The table, the models, and what was measured of each process."""

    folder: Path
    rows: int = ROWS
    peak: dict[str, list[float]] = field(default_factory=dict)

    @property
    def table(self) -> Path:
        """The Parquet file, made when it is asked for first."""
        path = self.folder / f"{self.rows}.parquet"
        if not path.exists():
            write_table(path, self.rows)
        return path

    def model(self, preset: str) -> Path:
        """A model, fitted when it is asked for first."""
        from alad import ALAD
        from alad.datasets.kdd99 import LABEL, load

        path = self.folder / preset
        if not path.exists():
            settings = {"epochs": 0} if preset == "kdd99" else {}  # weights do not matter
            frame = load().drop(LABEL).head(FIT_ROWS)
            ALAD(preset=preset, random_state=0, **settings).fit(frame).save(path)
        return path

    @property
    def calibrated(self) -> Path:
        """The default's model with a calibration."""
        from alad import load as load_model
        from alad.datasets.kdd99 import LABEL, load

        path = self.folder / "calibrated"
        if not path.exists():
            rows = load().drop(LABEL).slice(FIT_ROWS, CALIBRATED)
            load_model(self.model("tabular")).calibrate(rows).save(path)
        return path

    def alad(self, name: str, preset: str) -> float:
        """Rows a second of ``alad score``, its start included."""
        return self._scored(name, self.model(preset))

    def with_promise(self, name: str, rule: Sequence[object]) -> float:
        """Rows a second of ``alad score`` by a rule that needs p-values."""
        return self._scored(name, self.calibrated, *rule)

    def _scored(self, name: str, model: Path, *rule: object) -> float:
        command = ("-m", "alad", "score", model, self.table, "-o", self._out, *rule)
        return self._measured(name, command)

    def fit(self, name: str) -> float:
        """Rows a second of ``alad fit`` that streams and trains on each row once."""
        once = ("--epochs", 1, "--batch-size", BATCH)
        command = ("-m", "alad", "fit", self.table, "-o", self.folder / "fitted", *once)
        return self._measured(name, command)

    def polars(self, name: str) -> float:
        """Rows a second of reading and writing alone."""
        return self._measured(name, ("-m", HERE, "polars", self.table, self._out))

    def forest(self, name: str) -> float:
        """Rows a second of scikit-learn's forest on the features that alad makes."""
        command = ("-m", HERE, "forest", self.table, self._out, self.model("kdd99"))
        return self._measured(name, command)

    @property
    def _out(self) -> Path:
        return self.folder / "out.parquet"

    def _measured(self, name: str, command: Sequence[object]) -> float:
        arguments = (sys.executable, "-c", STARTER, sys.executable, *map(str, command))
        began = time.perf_counter()
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"Expected {name} to end well; it did not.")
        self.peak.setdefault(name, []).append(int(done.stdout.split()[-1]) / 1024)
        return self.rows / seconds


def write_table(path: Path, rows: int) -> None:
    """Write so many rows, a copy of the 10 % file at a time."""
    from alad.datasets.kdd99 import LABEL, load

    frame, rng, writer, left = load().drop(LABEL), np.random.default_rng(0), None, rows
    while left > 0:
        part = frame.head(left)
        factors = {name: 1 + 0.1 * rng.random(part.height) for name in VARIED}
        part = part.with_columns((pl.col(n) * f).floor().alias(n) for n, f in factors.items())
        data = part.to_arrow()
        writer = writer or pyarrow.parquet.ParquetWriter(path, data.schema)
        writer.write_table(data, row_group_size=GROUP)
        left -= part.height
    assert writer is not None
    writer.close()


def copy(table: str, out: str) -> None:
    """Read and write with polars, which streams."""
    pl.scan_parquet(table).sink_parquet(out)


def forest(table: str, out: str, model: str) -> None:
    """Score with scikit-learn's forest, batch by batch, all cores."""
    from sklearn.ensemble import IsolationForest

    from alad import load

    encoder = load(model).encoder_
    assert encoder is not None
    file = pyarrow.parquet.ParquetFile(table)
    batches = (pl.from_arrow(batch) for batch in file.iter_batches(GROUP))
    first, _ = encoder.transform(next(batches))
    fitted = IsolationForest(n_estimators=TREES, random_state=0, n_jobs=-1).fit(first[:FIT_ROWS])
    schema = pyarrow.schema([("score", pyarrow.float64())])
    with pyarrow.parquet.ParquetWriter(out, schema) as writer:
        writer.write_table(pyarrow.table({"score": fitted.score_samples(first)}))
        for batch in batches:
            scores = fitted.score_samples(encoder.transform(batch)[0])
            writer.write_table(pyarrow.table({"score": scores}))


if __name__ == "__main__":
    {"polars": copy, "forest": forest}[sys.argv[1]](*sys.argv[2:])
