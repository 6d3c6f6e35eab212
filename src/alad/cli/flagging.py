"""Writes scored rows with a flag each: at once, or after all of them where a rule needs that.

What is known only after all rows needs two passes, in memory that does not grow with them: the
scored rows wait in a hidden file beside the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from alad._files import explained, scratch_beside
from alad.cli.decisions import Rule
from alad.cli.formulas import Formulas
from alad.cli.losses import Losses
from alad.cli.sinks import Facts, open_sink, parquet, parts_of
from alad.cli.tables import written_as

Write = Callable[[pl.DataFrame, pl.Series | None], None]


@dataclass
class Flagging:
    """Writes scored rows with a flag each, in one pass or two."""

    rule: Rule
    out: Path
    of_flagged: tuple[str, ...] = ()
    """Columns that only flagged rows are to have."""
    formulas: Formulas | None = None
    """What looks through the rows of a CSV file before they are written."""
    alerts_only: bool = False
    """Whether rows that are not flagged are left out."""
    facts: Facts | None = None
    """What the result is to say of itself, once all is flagged."""
    losses: Losses = field(init=False)
    """What counts the cells that the result's format has no place for."""

    def __post_init__(self) -> None:
        self.losses = Losses(written_as(self.out))

    @contextmanager
    def open(self) -> Iterator[Write]:
        """Give a function that takes scored rows, and their groups, batch by batch.

        The rows get ``is_anomaly`` after ``anomaly_score`` and, where there is one, ``p_value``.

        Raises
        ------
        OutputError
            The result, or what waits beside it, cannot be written.
        """
        with open_sink(self.out, self.facts) as write:
            if self.rule.needs_all:
                with self._waiting(write) as watch:
                    yield watch
            else:
                yield lambda rows, groups: write(self._with_flags(rows, 0))

    @contextmanager
    def _waiting(self, write: Callable[[pl.DataFrame], None]) -> Iterator[Write]:
        """Let rows wait in a file until the rule has seen them all, then flag and write them."""
        with scratch_beside(None if self.out == Path("-") else self.out) as folder:
            waiting = folder / "scored.parquet"
            where = f"in {folder.parent}" if self.out == Path("-") else f"beside {self.out}"
            told = explained(
                f"keep rows {where} until all are judged",
                "Nothing was left half-written: free some space there.",
            )
            with told, parquet(waiting) as keep:

                def watch(rows: pl.DataFrame, groups: pl.Series | None) -> None:
                    self.rule.watch(rows["anomaly_score"].to_numpy(), groups)
                    keep(rows)

                yield watch
            start = 0
            for rows in parts_of(waiting):
                write(self._with_flags(rows, start))
                start += rows.height

    def _with_flags(self, rows: pl.DataFrame, start: int) -> pl.DataFrame:
        scores = rows["anomaly_score"].to_numpy()
        flags = self.rule.flags(scores, start)
        self.rule.count(scores[flags])
        after = "p_value" if "p_value" in rows.columns else "anomaly_score"
        place = rows.get_column_index(after) + 1
        told = rows.clone().insert_column(place, pl.Series("is_anomaly", flags))
        told = told.with_columns(pl.when("is_anomaly").then(pl.col(self.of_flagged)))
        told = told.filter("is_anomaly") if self.alerts_only else told
        self.losses(told)
        return told if self.formulas is None else self.formulas(told)
