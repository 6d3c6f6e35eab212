"""alad itself in the races: training steps, scoring a matrix, scoring a file, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from alad import ALAD
from alad.datasets.kdd99 import LABEL, load
from alad.networks import PRESETS, Players
from alad.training import Settings, train

FIT_ROWS = 10_000
PRESET = PRESETS["kdd99"]
X_DIM, Z_DIM, BATCH = 121, PRESET.latent_dim, PRESET.batch_size


def time_steps(n_steps: int, data: np.ndarray, seeds: int = 1) -> float:
    """Seconds per step and seed of the KDD99 preset, ``seeds`` side by side, in the second epoch.

    The epoch has ``n_steps`` steps, and its share of the shuffling; the first one compiles.
    """
    trained = train(
        Players(PRESET.architecture, X_DIM, Z_DIM, ("xz", "xx", "zz"), False),
        ALAD.moves,
        data[: n_steps * BATCH],
        seeds=range(seeds),
        settings=Settings(epochs=2, batch_size=BATCH, learning_rate=PRESET.learning_rate),
    )
    return trained.history.seconds[1] / n_steps / seeds


def time_scoring(X: np.ndarray) -> float:
    """Rows per second of ``score_samples``; the weights do not matter, so it is untrained."""
    detector = ALAD(preset="kdd99", epochs=0, random_state=0).fit(X[:FIT_ROWS])
    detector.score_samples(X)
    start = time.perf_counter()
    detector.score_samples(X)
    return len(X) / (time.perf_counter() - start)


class ScoringOfFiles:
    """``alad score`` from Parquet to Parquet, on KDDCup99's 41 columns of numbers and text.

    The networks and the score are the paper's, as for the matrix.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.frame = load().drop(LABEL)
        model = ALAD(preset="kdd99", epochs=0, random_state=0)
        model.fit(self.frame.head(FIT_ROWS)).save(folder / "model")

    def table(self, copies: int) -> Path:
        """Give a Parquet file of so many copies of the 10 % file."""
        path = self.folder / f"{copies}.parquet"
        if not path.exists():
            pl.concat([self.frame] * copies).write_parquet(path, row_group_size=131_072)
        return path

    def rows_per_second(self) -> float:
        """Speed within a warm process: decode, encode, scale, score, write."""
        from alad.cli.score import score

        path, out = self.table(1), self.folder / "scores.parquet"
        score(self.folder / "model", path, out)
        start = time.perf_counter()
        score(self.folder / "model", path, out)
        return self.frame.height / (time.perf_counter() - start)

    def peak_bytes(self, copies: int) -> float:
        """The most memory that a process of ``alad score`` held, on so many copies of the file."""
        out = self.folder / "scores.parquet"
        command = ("score", self.folder / "model", self.table(copies), "-o", out)
        process = subprocess.Popen(
            (sys.executable, "-m", "alad", *command), stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"Expected 'alad score' to end well; got the status {status}.")
        return float(usage.ru_maxrss * 1024)
