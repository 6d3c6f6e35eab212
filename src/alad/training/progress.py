"""Where a training is, for people."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """Where a training run is, as told to the caller from time to time."""

    epoch: int
    epochs: int
    step: int
    steps: int
    seconds: float
    losses: dict[str, float]
    validation: float | None
    before: int = 0  # steps that were made before ``step`` counts, of ``steps`` in all

    @property
    def seconds_left(self) -> float:
        """Time left if the rest goes as fast as what was done in this call."""
        return self.seconds / max(self.step, 1) * (self.steps - self.before - self.step)


@dataclass
class Clock:
    """Turns what the loop has done into progress for people."""

    report: Callable[[Progress], None] | None
    epochs: int
    epochs_before: int
    steps_per_epoch: int
    began: float = field(default_factory=time.monotonic)
    validation: float | None = None

    def tell(self, epoch: int, step: int, losses: dict[str, float]) -> None:
        if self.report is None:
            return
        done = (epoch - 1 - self.epochs_before) * self.steps_per_epoch + step
        total = (self.epochs - self.epochs_before) * self.steps_per_epoch
        seconds = time.monotonic() - self.began
        self.report(Progress(epoch, self.epochs, done, total, seconds, losses, self.validation))
