"""Alerts grouped by the likeness of their reasons, so that a scan of 3,000 rows is a few lines.

The rule was chosen on one sample of KDD99 and measured on another: see docs/triage.md.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.preprocessing.digits import digits_beside
from alad.preprocessing.kinds import addresses
from alad.preprocessing.kinds.times import to_the_second
from alad.preprocessing.letters import shortened

MANY = 200  # values of a text, above which they say nothing of likeness
PLACES = ("port", "ip")  # kinds whose values lie in ranges and networks
MANIFOLD = (*PLACES, "text", "url", "frequency")  # kinds whose values can be ever so many
NAMED = 0.01  # of all alerts, that have such a value, from which on it is an item by its name
TEN = 10  # alerts at least, for that
QUARTER = 0.25  # of few alerts, that are enough where ten are more, ...
TWO = 2  # ... but what one alert alone has is nothing that it shares
HALF = 0.5  # of some alerts: what is said of them holds of at least so many
ORDINARY = 0.1  # a value as rare as that says little by itself
SEVERAL = "of several values"
WIDE = 90  # letters of a value: what :func:`alad.preprocessing.letters.told_apart` gives fits in
NAMING = ("= ", "in ")  # what begins so is of one value, or of one network
UNSEEN = "unseen at fit"

Item = tuple[str, str]
Signature = frozenset[Item]


@dataclass(frozen=True)
class Rule:
    """When two alerts are alike."""

    columns: int = 3
    """Of a signature, at most."""
    share: float = 0.7
    """Of what raises the score, that the columns of a signature bring together."""
    unusual: float = 0.02
    """The share of normal rows with such a value up to which a column counts."""
    like: float = 0.5
    """Of the items of two signatures, that they share."""

    def told(self) -> str:
        """The rule in words."""
        return (
            f"Of each alert the columns count that bring {self.share:.0%} of what raises its "
            f"score, at most {self.columns}, and of these the ones whose value is as rare as 1 in "
            f"{1 / self.unusual:,.0f} normal rows, if any is; a value that no normal row has is "
            f"before those that {ORDINARY:.0%} of them match: a text or a flag with its value "
            f"(unless it has more than {MANY}), a number with whether it is higher or lower than "
            "expected. Of a port its range counts, of an address its network (unless no other "
            "alert is in it), of a free text only that it differs, and of a word that fit did not "
            f"see only that, unless {NAMED:.0%} of the alerts and at least {TEN} of them have the "
            f"same one; of fewer than {TEN / QUARTER:.0f} alerts {QUARTER:.0%} are enough, but not "
            "one alone. The commonest such signature opens a group; each further one joins "
            f"the group with which it shares at least {self.like:.0%} of the items of both (that a "
            "column is of several values counts as none where another's value or network is named "
            "and differs; a word that fit did not see is in all signatures of a group or in none), "
            "or opens its own. What is said of a group holds of at least half of its "
            "alerts."
        )


RULE = Rule()


class Reasons(Protocol):
    """What is taken from :class:`alad.reasons.Reasons`."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the c columns."""

    @property
    def contributions(self) -> NDArray[np.float64]:
        """(n, c) what each column adds to the score."""

    @property
    def seen(self) -> pl.DataFrame:
        """(n, c) the values of the rows."""

    @property
    def expected(self) -> pl.DataFrame:
        """(n, c) the values of the normal rows that they are held against."""

    @property
    def rarity(self) -> NDArray[np.float64]:
        """(n, c) the share of normal rows with a value as extreme or as rare."""

    @property
    def nearest(self) -> NDArray[np.int64]:
        """(n, k) the nearest normal rows; k is 0 where what is expected is none of them."""


def shares(contributions: NDArray[Any]) -> NDArray[np.float64]:
    """The share (n, c) of each column in what raises the score; zeros where nothing does.

    >>> shares(np.array([[3.0, -2.0, 1.0], [0.0, -1.0, 0.0]])).tolist()
    [[0.75, 0.0, 0.25], [0.0, 0.0, 0.0]]
    """
    raised = np.maximum(contributions, 0)
    total = raised.sum(axis=1, keepdims=True)
    found: NDArray[np.float64] = np.zeros(raised.shape)
    np.divide(raised, total, out=found, where=total > 0)
    return found


@dataclass(frozen=True)
class Crowd:
    """The alerts that n explained ones stand for: what looks the same to a model can differ.

    Ports that no normal row has do, so that one of them stands for a whole scan.
    """

    count: NDArray[np.int64]
    """(n,) how many there are beside each."""
    same: NDArray[np.int64]
    """(n, c) how many of them have its value in each column."""
    near: NDArray[np.int64]
    """(n, c) of how many is said the same where they are not named: see :func:`wider`."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Of columns, where the model knows them."""
    unseen: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Of columns, (n,) where the value is a word that fit did not see."""


def signatures(reasons: Reasons, crowd: Crowd, rule: Rule = RULE) -> list[Signature]:
    """Give each row's leading columns, with the value or the direction (see :class:`Rule`)."""
    part = shares(reasons.contributions)
    words = [
        _words(reasons.seen[name], reasons.expected[name], crowd, j)
        for j, name in enumerate(reasons.columns)
    ]
    return [
        frozenset((reasons.columns[j], words[j][i]) for j in leading(row, rarity, rule))
        for i, (row, rarity) in enumerate(zip(part, reasons.rarity, strict=True))
    ]


def leading(row: NDArray[np.float64], rarity: NDArray[np.float64], rule: Rule = RULE) -> list[int]:
    """The places of the columns that bring most, the largest first; of them the unusual, if any.

    A value that no normal row has comes before all that are ordinary, also where it brings nothing
    by itself: of columns that are extreme together, each alone may hardly raise the score.

    >>> leading(np.array([0.1, 0.65, 0.25]), np.array([0.0, 0.01, np.nan]))
    [1, 2]
    >>> leading(np.array([0.1, 0.65, 0.25]), np.array([0.5, 0.01, 0.3]))
    [1]
    >>> leading(np.array([0.75, 0.25, 0.0]), np.array([0.5, 0.01, 0.0]))
    [1, 2]
    """
    order = _in_order(row, rarity)[: rule.columns]
    before = np.cumsum(row[order]) - row[order]
    found = [int(j) for j, n in zip(order, before, strict=True) if n < rule.share]
    return [j for j in found if not rarity[j] > rule.unusual] or found


def _in_order(row: NDArray[np.float64], rarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """The columns that bring anything, or that no normal row is like before such that do."""
    never = rarity == 0
    order = np.argsort(-row, kind="stable")
    last = np.flatnonzero(never[order]).max(initial=-1) + 1
    head = order[:last]
    is_ordinary = rarity[head] > ORDINARY
    order = np.concatenate([head[~is_ordinary], head[is_ordinary], order[last:]])
    order = order[: np.flatnonzero(row[order] > 0).max(initial=-1) + 1]
    found: NDArray[np.int64] = order[(row[order] > 0) | never[order]]
    return found


def _words(seen: pl.Series, expected: pl.Series, crowd: Crowd, j: int) -> list[str]:
    """What an item says of each value of column j: as much as holds of half of those beside it."""
    kind = crowd.kinds.get(seen.name, "")
    new = crowd.unseen.get(seen.name, np.zeros(len(seen), np.bool_))
    wide = wider(seen, expected, kind, new).tolist()
    if is_wide(seen, expected, kind):
        named = np.zeros(len(seen), np.bool_)
    else:
        named = _named(seen, kind, new, crowd.count, crowd.same[:, j])
    holds = crowd.near[:, j] >= HALF * crowd.count
    if kind in PLACES:
        is_shared = _alike(pl.Series(wide), crowd.near[:, j]) >= TWO
        holds &= is_shared | seen.is_null().to_numpy()
    return [
        name if by_name else word if is_true else SEVERAL
        for name, by_name, word, is_true in zip(_names(seen, kind), named, wide, holds, strict=True)
    ]


def _names(seen: pl.Series, kind: str) -> list[str]:
    """What is said of a value that is named."""
    return [
        f"= {value:.0f}" if kind == "port" and value is not None else f"= {told(value)}"
        for value in seen
    ]


def _named(
    seen: pl.Series,
    kind: str,
    new: NDArray[np.bool_],
    count: NDArray[np.int64],
    same: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether each value is one that alerts can have in common."""
    are_many = _alike(seen, same) >= enough(int(count.sum()))
    of_kind = are_many if kind in MANIFOLD else np.full(len(seen), seen.n_unique() <= MANY)
    named: NDArray[np.bool_] = np.where(new, are_many, of_kind)
    return named & (same >= HALF * count)


def _alike(values: pl.Series, having: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many alerts have each value (n,), of which ``having`` are beside it."""
    summed = pl.col("having").sum().over("value")
    frame = pl.DataFrame({"value": values, "having": having})
    return frame.select(summed)["having"].to_numpy()


def enough(alerts: int) -> float:
    """So many of the alerts have to have a value, of which there can be ever so many, to name it.

    Of few alerts one is already a hundredth, and each would be named.

    >>> [enough(n) for n in (3, 20, 60, 5_000)]
    [2, 5.0, 10, 50.0]
    """
    return max(NAMED * alerts, min(TEN, max(TWO, QUARTER * alerts)))


def is_wide(seen: pl.Series, expected: pl.Series, kind: str) -> bool:
    """Whether no value of a column is named: of numbers and times beside such, and of all times."""
    return _directions(seen, expected) is not None or seen.dtype.is_temporal() or kind == "time"


def wider(
    seen: pl.Series, expected: pl.Series, kind: str, new: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """What is said of values (n,) that are not named, where ``new`` is which fit did not see.

    Of numbers and times on which side of what is expected they are, of a port its range, of an
    address its network.
    """
    words = _directions(seen, expected)
    if words is not None:
        return _sides(seen, expected, words)
    if is_wide(seen, expected, kind):  # of ports and times a text may be expected: "Mon ~03:30"
        return np.full(len(seen), "unlike others")
    found = [SEVERAL] * len(seen)
    if kind == "port":
        found = [_range(value) for value in seen]
    elif kind == "ip":
        networks = addresses.read(seen.cast(pl.String))["network"]
        found = [SEVERAL if network is None else f"in {network}" for network in networks]
    return np.where(new, UNSEEN, found)


def told_of_all(text: str, seen: pl.Series, expected: pl.Series, crowd: Crowd, j: int) -> str:
    """What an item says of column j of n alerts and of all beside them: less if few have it."""
    kind, half = crowd.kinds.get(seen.name, ""), HALF * crowd.count.sum()
    new = crowd.unseen.get(seen.name, np.zeros(len(seen), np.bool_))
    names = np.array(_names(seen, kind))
    if text == SEVERAL:
        distinct, which = np.unique(names, return_inverse=True)
        having = np.bincount(which, crowd.same[:, j])
        is_one = having.max() >= half and not is_wide(seen, expected, kind)
        return str(distinct[having.argmax()]) if is_one else text
    has_name, is_so = names == text, wider(seen, expected, kind, new) == text
    having = crowd.same[has_name, j].sum() + crowd.near[is_so, j].sum()
    return text if having >= half else SEVERAL


def _range(port: float | None) -> str:
    if port is None:
        return "missing"
    found = next((name for name, last in addresses.PORTS.items() if port <= last), None)
    return SEVERAL if found is None else f"among the {found}"


def _directions(seen: pl.Series, expected: pl.Series) -> tuple[str, str] | None:
    """What lies below and above what is expected is called; None where there is no such."""
    types = seen.dtype, expected.dtype
    if all(of.is_numeric() for of in types):
        return "lower", "higher"
    return ("earlier", "later") if all(of.is_temporal() for of in types) else None


def _sides(seen: pl.Series, expected: pl.Series, words: tuple[str, str]) -> NDArray[np.str_]:
    """On which side of what is expected each value is."""
    pairs = pl.DataFrame({"seen": seen, "expected": expected})
    one, other = pl.col("seen"), pl.col("expected")
    said = (
        pl.when(one.is_null())
        .then(pl.lit("missing"))
        .when(other.is_null())
        .then(pl.lit("present"))
        .when(one > other)
        .then(pl.lit(words[1]))
        .when(one < other)
        .then(pl.lit(words[0]))
        .otherwise(pl.lit("as expected"))
    )
    return pairs.select(said.alias("said"))["said"].to_numpy().astype(np.str_)


def told(value: Any) -> str:
    """Give a value in few letters.

    >>> told(0.1 + 0.2), told(None), told("tcp"), told(1234567.0)
    ('0.3', 'missing', 'tcp', '1,234,567')
    """
    if value is None or value != value:
        return "missing"
    if isinstance(value, float):
        value += 0.0  # no zero with a sign
        whole = value.is_integer() and abs(value) < 1e15
        return f"{value:,.0f}" if whole or 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
    if isinstance(value, dt.datetime | dt.time):
        return to_the_second(value)
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) <= WIDE else shortened(text)


def told_beside(value: Any, seen: Any) -> str:
    """Give a value in few letters, a number in as many as tell it from the one that was seen.

    >>> told_beside(101325.21, 101325.43), told_beside(101325.21, 99000.0)
    ('101,325.2', '101,325')
    """
    digits = digits_beside(value, seen)
    is_short = not isinstance(value, float) or digits <= len(f"{abs(value):.0f}")
    return told(value) if is_short else f"{value:,.{digits}g}"


def as_it_stands(value: Any) -> str:
    """Give a value to the digit, so that it is found in its table.

    >>> as_it_stands(2400000055.4), as_it_stands(float(np.float32(0.1))), as_it_stands(None)
    ('2,400,000,055.4', '0.1', 'missing')
    """
    if not isinstance(value, float) or value.is_integer() or not np.isfinite(value):
        return told(value)
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return f"{float(str(single)) if float(single) == value else value:,}"


def merged(
    found: Sequence[Signature], weights: Sequence[int], rule: Rule = RULE
) -> list[Signature]:
    """Give each row the signature that leads its group (see :class:`Rule`).

    Parameters
    ----------
    found : n signatures.
    weights : how many alerts each stands for; the commonest signature leads.

    >>> a, b, c = ("flag", "= S0"), ("count", "higher"), ("land", "= 1")
    >>> groups = merged([frozenset({a, b}), frozenset({a}), frozenset({c})], [5, 3, 1])
    >>> [sorted(group) for group in groups]
    [[('count', 'higher'), ('flag', '= S0')], [('count', 'higher'), ('flag', '= S0')], \
[('land', '= 1')]]
    """
    counts: Counter[Signature] = Counter()
    for signature, weight in zip(found, weights, strict=True):
        counts[signature] += weight
    leads: dict[Signature, Signature] = {}
    leaders: list[Signature] = []
    for signature in sorted(counts, key=lambda s: (-counts[s], sorted(s))):
        likest = max(leaders, key=lambda leader: _likeness(signature, leader), default=None)
        if likest is None or _likeness(signature, likest) < rule.like:
            likest = signature
            leaders.append(signature)
        leads[signature] = likest
    return [leads[signature] for signature in found]


def _likeness(a: Signature, b: Signature) -> float:
    """Jaccard's: the items that both have, of those that either has.

    That a column is of several values is nothing in common where something that is named differs.
    None are alike where one has a word that fit did not see, and the other not in that column.
    """
    if any(text == UNSEEN for _, text in a ^ b):
        return 0.0
    shared = a & b
    if any(text == SEVERAL for _, text in shared) and _differ(a, b):
        shared = frozenset(item for item in shared if item[1] != SEVERAL)
    return len(shared) / len(a | b) if a | b else 1.0


def _differ(a: Signature, b: Signature) -> bool:
    """Whether two signatures name different values, or networks, of a column."""
    named = dict(item for item in a if item[1].startswith(NAMING))
    return any(named.get(column, text) != text for column, text in b if text.startswith(NAMING))
