"""Where a training is, for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace


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
    of: str = ""  # which of several trainings, one after the other, this is

    @property
    def seconds_left(self) -> float | None:
        """Time left if the rest goes as fast as what was done since compiling; None before that."""
        left = self.steps - self.before - self.step
        steps, seconds = self.step - self.first[0], self.seconds - self.first[1]
        if left and self.step and not steps:
            return None
        return seconds / max(steps, 1) * left


Report = Callable[[Progress], None]


def of_seeds(report: Report | None, group: Sequence[int], done: int, seeds: int) -> Report | None:
    """Tell of a group's training as a part of that of all seeds, of which some were done before."""
    if report is None or len(group) == seeds:
        return report
    name = f"seed {group[0]}" if len(group) == 1 else f"seeds {', '.join(map(str, group))}"

    def of_group(progress: Progress) -> None:
        total = round(progress.steps / len(group) * seeds)
        before = round(done / seeds * total)
        report(replace(progress, before=before, steps=total, of=name))

    return of_group


@dataclass
class Clock:
    """Turns what the loop has done into progress for people."""

    report: Report | None
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
