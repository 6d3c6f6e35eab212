"""The training step under another Python, which may have another JAX, in turn with the rest.

``python -m benchmarks.run step --beside PYTHON`` starts this module there. It says who it is, then
waits: each line that comes in is a number of seeds, each that goes out the seconds of a step.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from benchmarks import alad_peer


@dataclass
class Beside:
    """A process of another Python that measures when it is asked to."""

    python: str
    steps: int

    @cached_property
    def process(self) -> subprocess.Popen[str]:
        """The process, started when it is first needed and ended with its standard input."""
        command = (self.python, "-m", "benchmarks.beside", str(self.steps))
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    @cached_property
    def name(self) -> str:
        """Its Python and its JAX."""
        return self._line()

    def time_steps(self, seeds: int) -> float:
        """Seconds per step and seed, as :func:`benchmarks.alad_peer.time_steps` measures them."""
        _ = self.name  # said before anything else
        asked: IO[str] | None = self.process.stdin
        assert asked is not None
        print(seeds, file=asked, flush=True)
        return float(self._line())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()

    def _line(self) -> str:
        said: IO[str] | None = self.process.stdout
        assert said is not None
        line = said.readline()
        if not line:
            raise RuntimeError(f"Expected {self.python} to measure; it ended. See its error above.")
        return line.strip()


def answer(steps: int) -> None:
    """Say who this is, and measure whenever a line comes."""
    import jax

    from benchmarks.run import ROWS, normal_rows

    data = normal_rows(ROWS)[: steps * alad_peer.BATCH]
    print(f"Python {platform.python_version()}, JAX {jax.__version__}", flush=True)
    for line in sys.stdin:
        print(alad_peer.time_steps(steps, data, int(line)), flush=True)


if __name__ == "__main__":
    answer(int(sys.argv[1]))
