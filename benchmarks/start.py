"""What a command costs on a small table, its start included, every one in a process of its own.

The table is the first 1,000 rows of KDD Cup 1999's 10 % file, as CSV. A command runs as it comes,
and with a folder where JAX keeps what it has compiled, filled by a run before. Beside them, a
script that fits scikit-learn's Isolation Forest to the numbers of the table and scores them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROWS = 1000
FOREST = """
import sys
import polars as pl
from sklearn.ensemble import IsolationForest
x = pl.read_csv(sys.argv[1]).select(pl.selectors.numeric()).to_numpy()
scores = IsolationForest(random_state=0).fit(x).score_samples(x)
pl.DataFrame({"score": scores}).write_csv(sys.argv[2])
"""


@dataclass
class Start:
    """The table, a model, and the folder of what was compiled."""

    folder: Path

    def __post_init__(self) -> None:
        from alad.datasets.kdd99 import LABEL, load

        self.table, self.model = self.folder / "table.csv", self.folder / "model"
        load().drop(LABEL).head(ROWS).write_csv(self.table)
        self.fit(keep=True)
        self.score(keep=True)

    def fit(self, *, keep: bool) -> float:
        """Seconds of ``alad fit``, what was compiled being kept or not."""
        given = ("fit", self.table, "-o", self.model, "--seed", 0)
        return self._seconds("-m", "alad", *given, keep=keep)

    def score(self, *, keep: bool) -> float:
        """The same of ``alad score``."""
        out = self.folder / "scores.csv"
        return self._seconds("-m", "alad", "score", self.model, self.table, "-o", out, keep=keep)

    def forest(self) -> float:
        """The same of the script."""
        return self._seconds("-c", FOREST, self.table, self.folder / "forest.csv", keep=False)

    def _seconds(self, *command: object, keep: bool) -> float:
        """Seconds of a process of Python, from before it to after it."""
        kept = {
            "JAX_COMPILATION_CACHE_DIR": str(self.folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        }
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, *map(str, command)],
            env=os.environ | (kept if keep else {}),
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - began
