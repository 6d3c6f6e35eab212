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
    first: tuple[int, float] = (0, 0.0)  # ``step`` and ``seconds`` once all was compiled

    @property
    def seconds_left(self) -> float | None:
        """Time left if the rest goes as fast as what was done since compiling; None before that."""
        left = self.steps - self.before - self.step
        steps, seconds = self.step - self.first[0], self.seconds - self.first[1]
        if left and self.step and not steps:
            return None
        return seconds / max(steps, 1) * left


@dataclass
class Clock:
    """Turns what the loop has done into progress for people."""

    report: Callable[[Progress], None] | None
    epochs: int
    epochs_before: int
    steps_per_epoch: int
    began: float = field(default_factory=time.monotonic)
    validation: float | None = None
    first: tuple[int, float] | None = None

    def tell(self, epoch: int, step: int, losses: dict[str, float]) -> None:
        if self.report is None:
            return
        done = (epoch - 1 - self.epochs_before) * self.steps_per_epoch + step
        total = (self.epochs - self.epochs_before) * self.steps_per_epoch
        seconds = time.monotonic() - self.began
        self.first = self.first or (done, seconds)
        self.report(
            Progress(
                epoch,
                self.epochs,
                done,
                total,
                seconds,
                losses,
                self.validation,
                first=self.first,
            )
        )
