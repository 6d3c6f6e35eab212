"""Learning one column of a table in a stream: what it is, unless it is stated, and its rules.

What a column is taken for, the first that holds for every value:

===================  ========================================  =================================
in the table         if                                        kind
===================  ========================================  =================================
true and false                                                 boolean
date, time                                                     time
duration                                                       numeric: its seconds
number               whole, 0 to 65535, and named so: *port*   port
number                                                         numeric
text                 all are IPv4 or IPv6 addresses            ip
text                 all are scheme://host...                  url
text                 all are dates or times of ISO 8601        time
text                 all differ, 50 rows or more, not long     ignored, role identifier
text                 at most 200 values                        categorical
text                 long: 30 characters and 3 words           text
text                                                           frequency
no value at all                                                ignored
===================  ========================================  =================================

Never inferred: log-numeric. The default scaling takes the logarithm of heavy tails by itself, so
it would help other scalings only; a note names the columns where it would.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import polars as pl

from alad.errors import InputError
from alad.preprocessing.columns import READ, Column
from alad.preprocessing.kinds import IGNORED, KINDS, Batch, Learner, Settings
from alad.preprocessing.kinds._base import TEXT
from alad.preprocessing.kinds.addresses import IpLearner
from alad.preprocessing.kinds.times import TimeLearner
from alad.preprocessing.kinds.urls import SURELY, UrlLearner
from alad.preprocessing.kinds.words import WordLearner
from alad.preprocessing.schema import Stated

# port, sport, src_port, dstPort, Port Number, ports; not report, support or transport.
PORT = re.compile(r"(?:^|_)(?:s|d|src|dst|source|dest|destination)?ports?(?:no|num|number)?(?:_|$)")

# What text may be before it is words; a few values rule most of it out.
OF_TEXT: tuple[Callable[[], Learner], ...] = (IpLearner, partial(UrlLearner, SURELY), TimeLearner)
GLANCE = 20
LABELS = {"label", "labels", "class", "target", "attack", "anomaly", "is_anomaly", "is_attack"}


class ColumnLearner:
    """Looks at one column batch by batch, as all kinds that its values have not ruled out yet."""

    def __init__(self, name: str, stated: Stated | None, settings: Settings) -> None:
        self.name, self.stated, self.settings = name, stated, settings
        self.learners: list[Learner] = []
        self.rows = self.gaps = 0

    @property
    def is_left_out(self) -> bool:
        """Whether the schema says that the model is not given the column."""
        return self.stated is not None and (
            self.stated.kind == IGNORED or self.stated.role not in READ
        )

    def update(self, series: pl.Series) -> None:
        """Take in some rows.

        Raises
        ------
        InputError
            A value is not of the kind that was stated, or not of any.
        """
        if self.is_left_out:
            return
        batch = Batch(series)
        self.rows += len(series)
        self.gaps += batch.gaps
        if batch.gaps == len(series):
            return
        self.learners = self.learners or self._begin(series)
        *doubtful, last = self.learners
        self.learners = [*(x for x in doubtful if _holds(x, batch)), last]
        last.update(batch)

    def _begin(self, series: pl.Series) -> list[Learner]:
        """The learners to try, the least particular last."""
        if self.stated is not None:
            return [KINDS[self.stated.kind].learner(self.name, self.settings)]
        if series.dtype in TEXT:
            glance = Batch(series.drop_nulls().head(GLANCE))
            likely = (begin() for begin in OF_TEXT if _holds(begin(), glance))
            return [*likely, WordLearner(None, self.name, self.settings)]
        return [KINDS[kind].learner(self.name, self.settings) for kind in _kinds(series)]

    def finish(self) -> Column:
        """What the column is, and what was learned of it.

        Raises
        ------
        InputError
            There is no value in a column whose kind was stated.
        """
        if self.is_left_out:
            assert self.stated is not None
            return Column(self.name, self.stated.kind, role=self.stated.role, note=self.stated.note)
        if self.gaps == self.rows:
            return self._without_values()
        learned = self.learners[0].finish(self.gaps > 0)
        return Column(
            name=self.name,
            kind=learned.kind,
            categories=learned.categories,
            fill=learned.fill,
            has_missing=self.gaps > 0 and learned.kind != IGNORED,
            constant=learned.constant,
            role=self.stated.role if self.stated else learned.role,
            note=learned.note or self._looks_like_a_label(),
            learned=learned.learned,
        )

    def _looks_like_a_label(self) -> str:
        is_one = self.stated is None and self.name.lower() in LABELS
        return "named like a label: if it is one, give it the role label" if is_one else ""

    def _without_values(self) -> Column:
        if self.stated is not None:
            raise InputError(
                f"Expected at least one value in column {self.name!r}, whose kind is "
                f"{self.stated.kind!r}; all are missing. Give it the kind 'ignored' in the schema."
            )
        return Column(self.name, IGNORED, note="all values are missing")


def _kinds(series: pl.Series) -> list[str]:
    """The kinds that a type of column allows, the least particular last."""
    dtype = series.dtype
    if dtype == pl.Boolean:
        return ["boolean"]
    if dtype == pl.Duration:
        return ["numeric"]
    if dtype.is_temporal():
        return ["time"]
    if dtype.is_numeric():
        return ["port", "numeric"] if _is_port(series) else ["numeric"]
    raise InputError(
        f"Expected numbers or text in column {series.name!r}; got {dtype}. Spread it over several "
        "columns, or leave it out: drop it, or give it the kind 'ignored' in a schema."
    )


def _is_port(series: pl.Series) -> bool:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", series.name)
    return bool(PORT.search(spaced.lower()))


def _holds(learner: Learner, batch: Batch) -> bool:
    """Take in a batch, unless it rules the learner out."""
    try:
        learner.update(batch)
    except InputError:
        return False
    return True
