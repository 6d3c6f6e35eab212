"""How long work shows itself: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LINES_EVERY = 15.0  # seconds between two lines where there is no terminal

Report = Callable[[Any], None]


@contextmanager
def training_progress(title: str) -> Iterator[Report]:
    """Give a function that shows each :class:`alad.training.Progress` on standard error."""
    if sys.stderr.isatty():
        with _bar(title) as report:
            yield report
    else:
        yield _printer(title)


@contextmanager
def _bar(title: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, told="starting")

        def report(p: Any) -> None:
            bar.update(task, completed=p.before + p.step, total=p.steps, told=_told(p))

        yield report


def _printer(title: str) -> Report:
    from alad.cli.show import say

    last = [0.0]

    def report(p: Any) -> None:
        now = time.monotonic()
        if p.before + p.step == p.steps or now - last[0] > LINES_EVERY:
            last[0] = now
            say(f"{title}: {_told(p)}")

    return report


def _told(p: Any) -> str:
    losses = " ".join(f"{player} {loss:.3f}" for player, loss in p.losses.items())
    left = "" if p.seconds_left is None else f", {duration(p.seconds_left)} left"
    of = f"{p.of}, " if p.of else ""
    return f"{of}epoch {p.epoch}/{p.epochs}, losses {losses}{left}"


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def tell(what: str, left: float | None) -> None:
    """Say what begins, and how many seconds are left in all, if that is known."""
    from alad.cli.show import say

    say(what if left is None else f"{what}, {duration(left)} left")


@contextmanager
def rows_progress(
    title: str, total: int | None, unit: str = "rows"
) -> Iterator[Callable[[int], None]]:
    """Give a function that is told of each batch how many rows it had; silent off a terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} " + unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)
