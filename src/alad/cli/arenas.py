"""How a command's process keeps the memory that it has freed."""

from __future__ import annotations

import ctypes
import os
import sys

ARENA_MAX, FEW = -8, 2  # the parameter's number in glibc's malloc.h, and how many are enough


def keep_few_arenas() -> None:
    """Have glibc's allocator hold freed memory in two places, not in up to eight a core.

    Each thread that reads, judges or writes would have one of its own, and what is free in one is
    of no use in another. To be called before there are threads. Other systems, and whoever has
    set ``MALLOC_ARENA_MAX``, are left alone.
    """
    if not sys.platform.startswith("linux") or "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not there in musl
    if mallopt is not None:
        mallopt(ARENA_MAX, FEW)
