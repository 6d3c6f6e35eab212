"""A training run on disk: one file, replaced whole, from which the same run goes on exactly."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from alad._files import written_aside
from alad.errors import InputError, ModelFormatError

FORMAT = "alad-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """Where a run keeps its state between epochs.

    Parameters
    ----------
    path : Path
        The file; it need not exist yet.
    identity : str
        Whatever must be equal for a run to go on: data, settings, seeds, version.
    every : float
        Seconds between two writes, of a training that has run as long; of one that has not, as many
        as it had run before the last write. The first epoch is always written, and the last.
    """

    path: Path
    identity: str
    every: float = 60.0

    def is_due(self, began: float, saved: float) -> bool:
        """Whether to write, of a training that began at one time and was written at another."""
        return time.monotonic() - saved > min(self.every, saved - began)

    def save(self, arrays: Any, record: Mapping[str, Any]) -> None:
        """Write a tree of arrays, and what else there is as JSON, in one file."""
        header = {
            "format": FORMAT,
            "identity": self.identity,
            "record": json.dumps(record),
        }
        with written_aside(self.path) as aside:
            aside.write_bytes(save(_by_name(arrays), metadata=header))

    def load(self, like: Any) -> tuple[Any, dict[str, Any]] | None:
        """Fill a tree shaped ``like`` from the file; None if there is no file yet.

        Raises
        ------
        ModelFormatError
            The file is damaged or is no checkpoint.
        InputError
            The checkpoint belongs to another run.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="numpy") as file:
                header = file.metadata() or {}
                self._check(header)
                names = [name for name, _ in _leaves(like)]
                arrays = [file.get_tensor(name) for name in names]
        except (SafetensorError, OSError) as error:
            raise ModelFormatError(
                f"Expected a checkpoint at {self.path}, but it cannot be read ({error}). "
                "Delete it to start again from the first epoch."
            ) from error
        return jax.tree.unflatten(jax.tree.structure(like), arrays), json.loads(header["record"])

    def _check(self, header: Mapping[str, str]) -> None:
        if header.get("format") != FORMAT:
            raise ModelFormatError(
                f"Expected a checkpoint of format {FORMAT} at {self.path}; got "
                f"{header.get('format')!r}. Choose another path, or delete the file."
            )
        if header["identity"] != self.identity:
            raise InputError(
                f"The checkpoint {self.path} belongs to another run: other data, settings, "
                "seeds or version of alad. Choose another path, or delete it to start afresh."
            )


def _leaves(tree: Any) -> list[tuple[str, Any]]:
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree.leaves_with_path(tree)]


def _by_name(tree: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.ascontiguousarray(leaf) for name, leaf in _leaves(tree)}
