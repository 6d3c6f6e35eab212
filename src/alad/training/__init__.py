"""Training of games between networks. Knows nothing of anomalies."""

from alad.training.checkpoint import Checkpoint
from alad.training.history import History
from alad.training.lanes import cores, seeds_at_once
from alad.training.loop import Trained, train
from alad.training.progress import Progress, Report, of_seeds
from alad.training.settings import Settings
from alad.training.state import Blueprint, alive, blueprints
from alad.training.step import Move
from alad.training.windows import Windows

__all__ = [
    "Blueprint",
    "Checkpoint",
    "History",
    "Move",
    "Progress",
    "Report",
    "Settings",
    "Trained",
    "Windows",
    "alive",
    "blueprints",
    "cores",
    "of_seeds",
    "seeds_at_once",
    "train",
]
