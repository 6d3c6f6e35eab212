"""What training looked like, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class History:
    """Curves of one or more seeds that were trained side by side.

    Attributes
    ----------
    seeds : tuple of int
    losses : dict of str to list
        For each player, one row for each epoch: the mean loss over its steps, one per seed.
    validation : list
        For each epoch the mean anomaly score of the validation rows, one per seed; empty
        where there are none. Normal rows only: no label takes part.
    seconds : list of float
        Wall time of each epoch, all seeds together.
    """

    seeds: tuple[int, ...]
    losses: dict[str, list[list[float]]] = field(default_factory=dict)
    validation: list[list[float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Number of epochs that were run."""
        return len(self.seconds)

    def add(
        self,
        losses: dict[str, np.ndarray[Any, Any]],
        validation: np.ndarray[Any, Any] | None,
        seconds: float,
    ) -> None:
        """Append one epoch."""
        for player, per_seed in losses.items():
            self.losses.setdefault(player, []).append([float(v) for v in per_seed])
        if validation is not None:
            self.validation.append([float(v) for v in validation])
        self.seconds.append(float(seconds))

    def of_seed(self, index: int) -> History:
        """Give the curves of one seed, by its place in ``seeds``."""
        return History(
            seeds=(self.seeds[index],),
            losses={p: [[row[index]] for row in rows] for p, rows in self.losses.items()},
            validation=[[row[index]] for row in self.validation],
            seconds=list(self.seconds),
        )

    def to_json(self) -> dict[str, Any]:
        """Give a dictionary that JSON can hold."""
        return {
            "seeds": list(self.seeds),
            "losses": self.losses,
            "validation": self.validation,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> History:
        """Invert :meth:`to_json`."""
        return cls(tuple(data["seeds"]), data["losses"], data["validation"], data["seconds"])
