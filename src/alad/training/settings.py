"""How long and how fast to train."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How long and how fast to train.

    Parameters
    ----------
    epochs : int
        Passes over the rows; with ``patience``, at most this many.
    batch_size : int
        Rows of one step; more than there are rows means all of them.
    learning_rate, beta1, beta2 : float
        Adam's.
    ema_decay : float
        Of the moving average of the weights; 0 switches it off.
    patience : int or None
        Stop after more than this many epochs without a better validation value, and give back
        the weights that had the best one. None: train to the end and keep the last weights.
    precision : {"float32", "bfloat16"}
        Of the products in a training step; validation is float32.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    beta1: float = 0.5
    beta2: float = 0.999
    ema_decay: float = 0.999
    patience: int | None = None
    precision: str = "float32"
