"""Divide the rows of a data set into training, validation and test sets, as published.

A protocol is a value, not a branch: each data set names in its own ``PROTOCOLS`` the ways in
which figures on it have been made, and :func:`apply` follows any of them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from alad.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """How rows become train, validation and test sets, and which of them are anomalies."""

    name: str
    test_size: float
    """Share of all rows that is held out for the test."""
    valid_size: float
    """Share of the remaining rows that becomes the validation set; 0 for none."""
    anomaly: str
    """The class that is called the anomaly, in a word of the data set."""
    flagged: float | None
    """Share of test rows to flag; None flags the true number of anomalies."""
    test_anomaly_cap: float | None = None
    """The largest share of anomalies in the test set; surplus ones are dropped at random."""
    keep_anomalies_in_train: bool = False
    """Whether anomalies stay in the training and validation sets."""
    source: str = ""
    all_anomalies_to_test: bool = False
    """One-class: ``test_size`` is a share of the normal rows, and every anomaly is tested on."""
    left_in_train: float = 0.0
    """One-class: the share of training rows that are anomalies, of which half at most are taken."""


@dataclass(frozen=True)
class Table:
    """A whole data set as numbers, before it is divided: n rows of f features, or n pictures.

    ``kind`` says what each row is, in the words of the data set; ``is_categorical`` marks the
    one-hot features; ``sha256`` is the digest of the file that the rows came from.
    """

    x: NDArray[Any]
    kind: NDArray[np.str_]
    feature_names: tuple[str, ...]
    is_categorical: NDArray[np.bool_]
    sha256: str


@dataclass(frozen=True)
class Split:
    """One protocol applied to one file. n rows of f features, or n pictures.

    ``y_test`` is True for an anomaly; ``kind_test`` says what the row is, in the words of the
    data set (``normal``, ``smurf``, ...); ``is_categorical`` marks the one-hot features;
    ``rows_*`` are row numbers in the file; ``fingerprint`` is equal exactly when file, protocol
    and seed are.
    """

    protocol: Protocol
    seed: int
    x_train: NDArray[Any]
    x_valid: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[np.bool_]
    kind_test: NDArray[np.str_]
    feature_names: tuple[str, ...]
    is_categorical: NDArray[np.bool_]
    rows_train: NDArray[np.int64]
    rows_valid: NDArray[np.int64]
    rows_test: NDArray[np.int64]
    fingerprint: str
    source: str = ""
    """Which files the rows came from, in words, where there is a choice."""


def apply(protocol: Protocol, table: Table, anomalous: NDArray[np.bool_], seed: int) -> Split:
    """Divide ``table`` by ``protocol``.

    Parameters
    ----------
    protocol : one that :func:`check` lets pass.
    table : n rows.
    anomalous : bool (n,), True for what the protocol calls an anomaly.
    seed : settles which rows are drawn.

    Raises
    ------
    InputError
        The shares of the protocol leave no row for training or for the test.
    """
    train, valid, test = divide(anomalous, protocol, seed)
    return Split(
        protocol=protocol,
        seed=seed,
        x_train=table.x[train],
        x_valid=table.x[valid],
        x_test=table.x[test],
        y_test=anomalous[test],
        kind_test=table.kind[test],
        feature_names=table.feature_names,
        is_categorical=table.is_categorical,
        rows_train=train,
        rows_valid=valid,
        rows_test=test,
        fingerprint=fingerprint(table.sha256, protocol, seed),
    )


def divide(
    anomalous: NDArray[np.bool_], protocol: Protocol, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of the training, validation and test sets.

    The test rows are drawn first, then the validation rows from the rest, both with ``seed``;
    then anomalies leave the training and validation sets, unless the protocol keeps them.

    >>> strange = np.array([False] * 8 + [True] * 2)
    >>> halves = Protocol("halves", test_size=0.5, valid_size=0, anomaly="odd", flagged=None)
    >>> [sorted(rows.tolist()) for rows in divide(strange, halves, seed=0)]
    [[0, 3, 5, 6, 7], [], [1, 2, 4, 8, 9]]
    """
    rows = np.arange(len(anomalous))
    drawn_from = rows[~anomalous] if protocol.all_anomalies_to_test else rows
    rest, test = _draw(drawn_from, protocol.test_size, seed)
    train, valid = _draw(rest, protocol.valid_size, seed)
    if not protocol.keep_anomalies_in_train:
        train, valid = train[~anomalous[train]], valid[~anomalous[valid]]
    if protocol.all_anomalies_to_test:
        rng = np.random.default_rng(seed)
        strange = rows[anomalous]
        if protocol.left_in_train:
            strange, left = _leave(rng.permutation(strange), len(train), protocol.left_in_train)
            train = rng.permutation(np.append(train, left))
        test = rng.permutation(np.append(test, strange))
    if protocol.test_anomaly_cap is not None:
        test = _cap(test, anomalous, protocol.test_anomaly_cap, seed)
    if len(train) and len(test):
        return train, valid, test
    raise InputError(
        f"Expected the protocol {protocol.name!r} to leave rows for training and for the test; "
        f"of {len(rows)} rows it leaves {len(train)} and {len(test)}. "
        "Change its test_size or its valid_size."
    )


def _draw(
    rows: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw a share of the rows, rounded up: those that stay, and those that are drawn."""
    count = math.ceil(share * len(rows))
    if count == 0:
        return rows, rows[:0]
    if count == len(rows):
        return rows[:0], rows
    stay, drawn = train_test_split(rows, test_size=count, random_state=seed)
    return stay, drawn


def _leave(
    anomalies: NDArray[np.int64], normal: int, share: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part anomalies into those to test on and those left among so many normal training rows."""
    count = min(round(share * normal / (1 - share)), len(anomalies) // 2)
    return anomalies[count:], anomalies[:count]


def _cap(
    test: NDArray[np.int64], anomalous: NDArray[np.bool_], cap: float, seed: int
) -> NDArray[np.int64]:
    """Drop anomalies at random until their share of the test set is at most ``cap``."""
    strange = np.flatnonzero(anomalous[test])
    allowed = int((len(test) - len(strange)) * cap / (1 - cap))
    if len(strange) <= allowed:
        return test
    surplus = np.random.default_rng(seed).permutation(strange)[allowed:]
    return np.delete(test, surplus)


def check(protocol: Protocol, anomalies: Sequence[str], examples: Mapping[str, Protocol]) -> None:
    """Refuse a protocol that cannot be followed.

    ``anomalies`` are the words that the data set knows; ``examples`` are its own protocols.

    Raises
    ------
    InputError
        A share is out of range, the anomaly is unknown, or anomalies are to be in two places.
    """
    cap = protocol.test_anomaly_cap
    if (
        0 < protocol.test_size < 1
        and 0 <= protocol.valid_size < 1
        and (cap is None or 0 < cap < 1)
        and protocol.anomaly in anomalies
        and not (protocol.keep_anomalies_in_train and protocol.all_anomalies_to_test)
        and 0 <= protocol.left_in_train < 1
        and (protocol.all_anomalies_to_test or not protocol.left_in_train)
    ):
        return
    raise InputError(
        "Expected a protocol with 0 < test_size < 1, 0 <= valid_size < 1, test_anomaly_cap "
        f"None or between 0 and 1, anomaly {' or '.join(map(repr, anomalies))}, not both "
        "keep_anomalies_in_train and all_anomalies_to_test, and 0 <= left_in_train < 1, which is 0 "
        f"without all_anomalies_to_test; got {protocol}. "
        f"Start from one of PROTOCOLS: {', '.join(examples)}."
    )


# Fields of a protocol that are younger than stored fingerprints. At its default such a field
# is left out of what is hashed, so that a fingerprint stays what it was.
_YOUNGER = {"all_anomalies_to_test": False, "left_in_train": 0.0}


def fingerprint(sha256: str, protocol: Protocol, seed: int) -> str:
    """A digest that is equal exactly when the file (its digest), the protocol and the seed are."""
    fields = asdict(protocol)
    hashed = {k: v for k, v in fields.items() if k not in _YOUNGER or v != _YOUNGER[k]}
    content = json.dumps([sha256, hashed, seed], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
