"""How networks judge rows: pure functions (networks, x) -> (n,), larger = more anomalous."""

from alad.scores.alad import ABLATION, NEEDS, SCORES, Several, reconstruct
from alad.scores.density import kernel_density
from alad.scores.inversion import search
from alad.scores.memory import MEMORY_SCORES

__all__ = [
    "ABLATION",
    "MEMORY_SCORES",
    "NEEDS",
    "SCORES",
    "Several",
    "kernel_density",
    "reconstruct",
    "search",
]
