"""Learning one column of a table in a stream: what it is, unless it is stated, and its rules.

What a column is taken for, the first that holds for every value:

===================  ========================================  =================================
in the table         if                                        kind
===================  ========================================  =================================
true and false                                                 boolean
date, time                                                     time
duration                                                       numeric: its seconds
number               since 1970, of 2001 to 2099, and named    time
                     so: *time*, *ts*, *created_at*
number               whole, 0 to 65535, and named so: *port*,  port
                     *dpt*, *id.resp_p*
number               whole, and 1,000 or more grow from row    ignored, role identifier
                     to row, or hardly differ for their size
number                                                         numeric
text                 all are IPv4 or IPv6 addresses            ip
text                 all are scheme://host...                  url
text                 all are dates or times of one format      time
text                 all are numbers or ``-``                  time, port or numeric, as numbers
text                 all differ, 50 rows or more, not long     ignored, role identifier
text                 at most 200 values                        categorical
text                 long: 30 characters and 3 words           text
text                                                           frequency
no value at all                                                ignored
lists, objects, bytes                                          ignored
===================  ========================================  =================================

``-`` among addresses, URLs, times or numbers is a missing value; a note counts them. Among words,
it is a word. So are numbers that are written as such and lie far from all others
(:mod:`alad.preprocessing.kinds._ends`), unless the column's kind is stated.

Times are of one format if the first value is written in it
(:mod:`alad.preprocessing.kinds._formats`) and all others can be read so. If day and month may be
either way round in all rows, the column stays text, with a note of both formats; a schema settles
it.

Text that mostly looks like something else, such as addresses with ports, stays text with a note
(:mod:`alad.preprocessing.kinds._looks`). Never inferred: log-numeric. The default scaling takes the
logarithm of heavy tails by itself, so it would help other scalings only; a note names the columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from alad.errors import InputError, RowError
from alad.preprocessing.columns import DASHES, GAP, IN_SCHEMA, MARKS, READ, WRITTEN, Column
from alad.preprocessing.kinds import IGNORED, KINDS, Batch, Learned, Learner, Settings
from alad.preprocessing.kinds._base import ABSENT, TEXT, without_absent, written_numbers
from alad.preprocessing.kinds._ends import as_written, told, without_marks
from alad.preprocessing.kinds.addresses import IpLearner
from alad.preprocessing.kinds.numbers import NumberLearner
from alad.preprocessing.kinds.times import TimeLearner
from alad.preprocessing.kinds.urls import SURELY, UrlLearner
from alad.preprocessing.kinds.words import ALL_DIFFER, WordLearner
from alad.preprocessing.schema import Stated

# port, sport, src_port, dstPort, Port Number, ports, dpt, id.resp_p; not report or transport.
PORT = re.compile(
    r"(?:^|_)(?:(?:s|d|l|r|src|dst|source|dest|destination|local|remote)?ports?(?:no|num|number)?"
    r"|[sd]pt|(?:orig|resp)_p)(?:_|$)"
)
# ts, time, event_time, timestamp, created_at, StartTime, rt (of CEF); the values must agree.
TIME = re.compile(
    r"(?:^|_)(?:ts|rt|at|when|epoch|[a-z]*(?:time|date|stamp)|start|end|created|updated|seen)(?:_|$)"
)
WORDS = ("categorical", "frequency", "text")  # the kinds to which - is a word
DASHED = ("ip", "url")  # where - is missing too if it comes only after fit; as in times, numbers
GLANCE = 20
WITHOUT_VALUES = "all values are missing"  # why a column is ignored
NAMES_ROWS = "names rows, and measures nothing"  # likewise; a schema may say otherwise
OF_NO_KIND = "neither numbers nor text"  # likewise
# label, is_fraud, isMalicious, attack_cat, ground_truth; not labelled_by or class_size.
LABEL = re.compile(
    r"^(?:is_)?(?:y|label|class|target|outcome|verdict|ground_truth|attack|anomal(?:y|ous)|outlier"
    r"|fraud(?:ulent)?|malicious|malware|intrusion|incident)(?:s|_label|_class|_type|_cat|_category)?$"
)
# customer_id, sessionId, account_number, invoice_no; the numbers must be whole.
IDENTIFIER = re.compile(
    r"(?:^|_)(?:(?:[gpstu]|user|session|customer|client|account|device|event|order|process)?id"
    r"|no|nr|number|account|acct|serial)$"
)
# status, http_status, response_code, zip; likewise.
CODE = re.compile(r"(?:^|_)(?:status|code|type|category|zip|zipcode|postcode|plz|asn|vlan)$")


class ColumnLearner:
    """Looks at one column batch by batch, as all kinds that its values have not ruled out yet."""

    def __init__(self, name: str, stated: Stated | None, settings: Settings) -> None:
        self.name, self.stated, self.settings = name, stated, settings
        self.learners: list[Learner] = []
        self.settled: Learner | None = None
        """What the column is, once that is asked for."""
        self.rows = self.gaps = self.dashes = 0
        self.of_no_kind = ""
        """Why it is left out though nobody said so."""

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
        if self.is_left_out or self.of_no_kind:
            return
        before, whole = self.rows, Batch(series)
        self.rows += len(series)
        self.gaps += whole.gaps
        if whole.gaps == len(series):
            return
        present = self._without_dashes(whole)
        self.learners = self.learners or self._begin(present.series)
        if self.of_no_kind:
            return
        *doubtful, last = self.learners
        self.learners = [*(x for x in doubtful if _holds(x, present)), last]
        try:
            last.update(whole if self._are_words else present)
        except RowError as error:
            raise error.at(before + error.row) from error

    @property
    def _are_words(self) -> bool:
        """Whether the last learner is one of words."""
        return isinstance(self.learners[-1], WordLearner)

    def _without_dashes(self, batch: Batch) -> Batch:
        """The batch with missing values for ``-``, and those counted."""
        series = without_absent(batch.series) if batch.series.dtype in TEXT else batch.series
        if series is batch.series or (self.stated and self.stated.kind in WORDS):
            return batch
        self.dashes += series.null_count() - batch.gaps
        return Batch(series)

    def _begin(self, series: pl.Series) -> list[Learner]:
        """The learners to try, the least particular last."""
        if self.stated is not None:
            settings = replace(self.settings, form=self.stated.format, is_stated=True)
            kind = KINDS[self.stated.kind]
            learner = kind.learner(self.name, settings)
            return [WrittenNumbers(learner, self.stated.missing) if kind.is_number else learner]
        if series.dtype in TEXT:
            glance = Batch(series.drop_nulls().head(GLANCE))
            every = self._of_text(), self._of_text()
            likely = [x for x, tried in zip(*every, strict=True) if _holds(tried, glance)]
            return [*likely, WordLearner(None, self.name, self.settings)]
        return self._of_type(series)

    def _of_text(self) -> list[Learner]:
        """What text may be before it is words; a few values rule most of it out."""
        times = TimeLearner(numbers="of our days" if self._is_named(TIME) else "none")
        numbers = [WrittenNumbers(x) for x in self._of_numbers()]
        return [IpLearner(), UrlLearner(SURELY), times, *numbers]

    def _of_type(self, series: pl.Series) -> list[Learner]:
        """What a type of column allows."""
        dtype = series.dtype
        if dtype == pl.Boolean:
            return [KINDS["boolean"].learner(self.name, self.settings)]
        if dtype.is_temporal() and dtype != pl.Duration:
            return [TimeLearner()]
        if dtype == pl.Duration:
            return self._of_numbers()[-1:]
        if dtype.is_numeric():
            times = [TimeLearner(numbers="of our days")] if self._is_named(TIME) else []
            return [*times, *self._of_numbers()]
        if dtype == pl.Object:
            raise InputError(
                f"Expected numbers or text in column {self.name!r}; got "
                f"{type(series.drop_nulls()[0]).__name__}. Turn it into numbers or text, or leave "
                "it out: drop it, or give it the kind 'ignored' in a schema."
            )
        is_nested = dtype.is_nested()
        advice = "spread it over several columns" if is_nested else "turn it into numbers or text"
        self.of_no_kind = f"{OF_NO_KIND}, but {dtype!s:.60}: {advice}"
        return []

    def _of_numbers(self) -> list[Learner]:
        kinds = ["port", "numeric"] if self._is_named(PORT) else ["numeric"]
        return [KINDS[kind].learner(self.name, self.settings) for kind in kinds]

    def _is_named(self, pattern: re.Pattern[str]) -> bool:
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", self.name)
        return pattern.search(spaced.lower()) is not None

    def finish(self) -> Column:
        """What the column is, and what was learned of it.

        Raises
        ------
        InputError
            There is no value in a column whose kind was stated.
        """
        if self.is_left_out:
            return self._left_out()
        if self.of_no_kind:
            return Column(self.name, IGNORED, note=self.of_no_kind)
        stated = self.dashes + sum(sum(x.marks.values()) for x in self.learners)
        if self.gaps + stated * (self.stated is not None) == self.rows:
            return self._without_values()
        learner, doubts = self._settled()
        self.settled = learner
        dashes = 0 if isinstance(learner, WordLearner) else self.dashes
        marks = learner.marks
        has_missing = self.gaps + dashes + len(marks) > 0
        learned = self._learned(learner, has_missing)
        gap = [] if has_missing or learned.kind == IGNORED else learner.gap(learned)
        has_dashes = dashes > 0 or learned.kind in DASHED
        known = {**learned.learned, **({DASHES: True} if has_dashes else {})}
        if meant := self.stated.missing if self.stated else sorted(marks):
            known[MARKS] = [as_written(mark) for mark in meant]
        doubt = "; ".join(doubts) or learner.doubt or self._doubt_by_name(learner, learned)
        doubt = "" if self.stated or learned.kind == IGNORED else doubt
        notes = [learned.note, _taken(ABSENT, dashes), _taken(told(marks), sum(marks.values()))]
        return Column(
            name=self.name,
            kind=learned.kind,
            categories=learned.categories,
            fill=learned.fill,
            has_missing=has_missing and learned.kind != IGNORED,
            constant=learned.constant,
            role=self.stated.role if self.stated else learned.role,
            note="; ".join(filter(None, [*notes, doubt])),
            doubt=doubt,
            learned=known | ({GAP: gap} if gap else {}),
        )

    def _learned(self, learner: Learner, has_missing: bool) -> Learned:
        """What was learned; unless a schema says what they are, numbers that name rows are none."""
        why = learner.names_rows if isinstance(learner, NumberLearner) else ""
        if not why or self.stated:
            return learner.finish(has_missing)
        times = f"; {learner.doubt}" if learner.doubt.startswith("looks like") else ""
        note = f"{NAMES_ROWS}: {why}{times}"
        return Learned(IGNORED, role="identifier", note=note)

    @property
    def is_spoiled(self) -> bool:
        """Whether it is left out as words that never come twice, most of which look measured.

        Once it is finished, and no schema says what it is.
        """
        learner = self.settled
        if self.stated is not None or not isinstance(learner, WordLearner):
            return False
        return learner.is_left_out and learner.looks.are_measured

    @property
    def fingerprint(self) -> tuple[Any, ...] | None:
        """Equal for columns of the same numbers, in the same order; None for other columns."""
        learner = self.settled
        return (self.gaps, *learner.fingerprint) if isinstance(learner, NumberLearner) else None

    def _settled(self) -> tuple[Learner, list[str]]:
        """The first learner that holds, and what kept others from being sure."""
        *doubtful, last = self.learners
        for learner in self.learners:
            if self.gaps and isinstance(learner, NumberLearner):
                learner.increases = False  # whichever batch the gap was in
        doubts = []
        for learner in doubtful if self.gaps + self.dashes < self.rows else ():
            if learner.doubt:
                doubts.append(learner.doubt)
            elif self.dashes or not isinstance(learner, WrittenNumbers):
                return learner, doubts  # text of numbers alone may be codes
        return last, doubts

    def _left_out(self) -> Column:
        assert self.stated is not None
        said = {"format": self.stated.format, MARKS: list(self.stated.missing)}
        note = _why_ignored(self.stated) if self.stated.kind == IGNORED else self.stated.note
        learned = {key: value for key, value in said.items() if value}
        return Column(
            self.name, self.stated.kind, role=self.stated.role, note=note, learned=learned
        )

    def _doubt_by_name(self, learner: Learner, learned: Learned) -> str:
        """What the column is named like, where its kind is another."""
        if self._is_named(LABEL):
            others = ", since any other value may count as strange" if learned.constant else ""
            return f"named like a label: if it is one, give it the role label{others}"
        if not isinstance(learner, NumberLearner) or learned.kind != "numeric":
            return ""
        if learned.constant or not learner.ends.are_whole:
            return ""
        if self._is_named(IDENTIFIER):
            return "named like an identifier: if it names something, kind ignored, or frequency"
        if self._is_named(CODE):
            return "named like a code: if its numbers do not measure, kind categorical"
        return ""

    def _without_values(self) -> Column:
        if self.stated is not None:
            raise InputError(
                f"Expected at least one value in column {self.name!r}, whose kind is "
                f"{self.stated.kind!r}; all are missing. Give it the kind 'ignored' in the schema."
            )
        return Column(self.name, IGNORED, note=WITHOUT_VALUES)


def _taken(what: str, times: int) -> str:
    """A note on what counts as missing; empty if it never came."""
    verb = "count" if "," in what else "counts"
    return f"{what} {verb} as missing ({times:,} value{'s' * (times != 1)})" if times else ""


def _why_ignored(stated: Stated) -> str:
    """Who ignored a column: we, as its note says, or whoever edited the schema, whose note is old.

    >>> _why_ignored(Stated("n", "ignored", note="skewness 9"))
    'ignored in the schema, which notes: skewness 9'
    """
    if not stated.note or stated.note.startswith(
        (ALL_DIFFER, WITHOUT_VALUES, NAMES_ROWS, OF_NO_KIND, IN_SCHEMA)
    ):
        return stated.note
    return f"{IN_SCHEMA}, which notes: {stated.note}"


class WrittenNumbers(Learner):
    """Numbers that may be written as text, and some stand for a missing one, for their learner."""

    def __init__(self, learner: Learner, missing: Collection[float] = ()) -> None:
        self.learner, self.missing = learner, missing
        self.are_text = False
        self._marked: dict[float, int] = {}

    @property
    def marks(self) -> Mapping[float, int]:
        """Those that a schema states, or that the learner found."""
        return self._marked or self.learner.marks

    def update(self, batch: Batch) -> None:
        """Take in some numbers; other text is for the learner to refuse."""
        is_text = batch.series.dtype in TEXT
        self.are_text |= is_text
        read = self._without_marks(Batch(written_numbers(batch.series)) if is_text else batch)
        if read is batch or read.gaps < len(read.series):
            self.learner.update(read)

    def _without_marks(self, batch: Batch) -> Batch:
        for mark in self.missing:
            rest = Batch(without_marks(batch.series, [mark]))
            if rest.gaps > batch.gaps:
                self._marked[mark] = self._marked.get(mark, 0) + rest.gaps - batch.gaps
                batch = rest
        return batch

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned, and whether it was of text."""
        learned = self.learner.finish(has_missing)
        written = {WRITTEN: True} if self.are_text else {}
        return replace(learned, learned={**learned.learned, **written})

    def gap(self, learned: Learned) -> list[float]:
        """As the learner of numbers says."""
        return self.learner.gap(learned)


def _holds(learner: Learner, batch: Batch) -> bool:
    """Take in a batch, unless it rules the learner out."""
    try:
        learner.update(batch)
    except InputError:
        return False
    return True
