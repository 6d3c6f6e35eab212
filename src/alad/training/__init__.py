"""Training of games between networks. Knows nothing of anomalies."""

from alad.training.checkpoint import Checkpoint
from alad.training.history import History
from alad.training.loop import Progress, Settings, Trained, Windows, seeds_at_once, train
from alad.training.state import Blueprint, alive, blueprints
from alad.training.step import Move

__all__ = [
    "Blueprint",
    "Checkpoint",
    "History",
    "Move",
    "Progress",
    "Settings",
    "Trained",
    "Windows",
    "alive",
    "blueprints",
    "seeds_at_once",
    "train",
]
