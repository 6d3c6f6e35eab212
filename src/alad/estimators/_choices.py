"""The settings of a training run, with nothing left open, and the rows that it does not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alad.estimators._doubt import held_for_doubt
from alad.estimators._given import Matrix
from alad.training import Settings


@dataclass(frozen=True)
class Unseen:
    """Scaled normal rows that training does not learn from; there may be none of a kind."""

    held: Matrix
    """Held out of those that fit was given to learn from."""
    given: Matrix
    """Given to watch training with."""
    watched: Matrix
    """What training is watched with: those given, else some of those held out."""

    @property
    def every(self) -> Matrix:
        """What can settle a doubt."""
        return np.concatenate([self.given, self.held])


@dataclass(frozen=True)
class Choices:
    """Every setting of a run, with nothing left open."""

    anomaly_score: str
    scaling: str
    epochs: int
    min_steps: int
    batch_size: int
    learning_rate: float
    beta1: float
    ema_decay: float
    patience: int | None
    validation_fraction: float
    precision: str
    settles_doubt: bool
    """Whether some rows are held out to say how far a discriminator's doubt can be believed."""

    def watched(self, n: int) -> int:
        """How many of n rows training is watched with, where no others are given for that."""
        return int(n * self.validation_fraction)

    def held_out(self, n: int, given: int = 0) -> int:
        """How many of n rows training does not see: those watched, and what a doubt lacks then.

        ``given`` is how many others are given to watch training with: they settle a doubt too.
        """
        needed = held_for_doubt(n) if self.settles_doubt else 0
        return max(0 if given else self.watched(n), needed - given, 0)

    def settings(self, rows: int, windows: int = 1) -> Settings:
        """What training needs to know of them, for this many rows in each of so many windows."""
        steps = max(1, rows // min(self.batch_size, rows))
        return Settings(
            epochs=max(self.epochs * windows, -(-self.min_steps // steps)),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            beta1=self.beta1,
            ema_decay=self.ema_decay,
            patience=None if self.patience is None else self.patience * windows,
            precision=self.precision,
        )


FROM_PRESET = (  # what a setting is that was left at None
    "scaling",
    "epochs",
    "batch_size",
    "learning_rate",
    "ema_decay",
    "patience",
    "validation_fraction",
)
