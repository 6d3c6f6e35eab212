"""The settings of a training run, with nothing left open."""

from __future__ import annotations

from dataclasses import dataclass

from alad.estimators._doubt import held_for_doubt
from alad.training import Settings


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
        """How many of n rows training is watched with."""
        return int(n * self.validation_fraction)

    def held_out(self, n: int) -> int:
        """How many of n rows training does not see: those watched, else those for a doubt."""
        return self.watched(n) or (held_for_doubt(n) if self.settles_doubt else 0)

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
