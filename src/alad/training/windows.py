"""Rows that are too many to be held at once: windows of them, read ahead of the training."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Windows(Protocol):
    """Rows that are too many to be held: an epoch sees a window of them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of every window."""

    def window(self, epoch: int) -> np.ndarray[Any, Any]:
        """Give the rows of an epoch, counted from 1; the same ones whenever it is asked for.

        It is asked for in a thread of its own, while the epoch before is trained on.
        """


class Ahead:
    """The windows of a run, each of which is read while the one before it is trained on."""

    def __init__(self, windows: Windows, epochs: int) -> None:
        self.windows, self.epochs = windows, epochs
        self.reader = ThreadPoolExecutor(1)
        self.coming: Future[np.ndarray[Any, Any]] | None = None

    def ask_for(self, epoch: int) -> None:
        """Begin to read the window of an epoch, if there is to be such a one."""
        if epoch <= self.epochs:
            self.coming = self.reader.submit(self.windows.window, epoch)

    def take(self, epoch: int) -> np.ndarray[Any, Any]:
        """Wait for the window of an epoch, which was asked for unless it is the run's first."""
        coming, self.coming = self.coming, None
        return self.windows.window(epoch) if coming is None else coming.result()

    def close(self) -> None:
        """Let go of a window that nobody will take, once nobody reads any more."""
        self.reader.shutdown(cancel_futures=True)
        self.coming = None
