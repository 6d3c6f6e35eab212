"""How seeds share a machine: which of them train in one program, and how many programs run."""

from __future__ import annotations

import os

import jax


def seeds_at_once(seeds: int, *, pictures: bool = False) -> int:
    """How many seeds pay to train side by side.

    On an accelerator all, whose small products cost the time of a launch; but of pictures one, for
    a single one keeps the card busy and ends when its own patience does. On a CPU one a core: more
    are no faster there, and a run that ends early has then finished none.
    """
    if jax.default_backend() == "cpu":
        return min(seeds, cores())
    return 1 if pictures else seeds


def default_lanes(seeds: int, pictures: bool) -> int:
    """One lane on an accelerator, where ten seeds of a table take little more time than one.

    Else a lane for each seed. On a CPU products of batches of matrices are no faster than one after
    the other, on an accelerator convolutions of batches are slower and take minutes to compile; and
    a lane of one seed is the same program whoever trains beside it.
    """
    return seeds if pictures or jax.default_backend() == "cpu" else 1


def cores() -> int:
    """How many cores this process may use; on a shared machine fewer than there are."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1
