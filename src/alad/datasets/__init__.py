"""Benchmark data sets: find the file, check its digest, make the published split.

:data:`DATA_SETS` has every one of them by its name. No file is read before a split is asked for.

>>> arrhythmia = DATA_SETS["arrhythmia"]
>>> data = arrhythmia.split(arrhythmia.protocols["released-code"], seed=42)
>>> f"{arrhythmia.title}: {len(data.x_train)} rows to train on, {len(data.x_test)} to test on"
'Arrhythmia: 226 rows to train on, 226 to test on'
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from alad.datasets import adbench, arrhythmia, cifar10, kdd99, svhn
from alad.datasets._protocols import Protocol, Split

__all__ = ["DATA_SETS", "DataSet", "Protocol", "Split"]


class Splitting(typing.Protocol):
    """The function of a data set that divides its rows by a protocol."""

    def __call__(self, protocol: Protocol, *, seed: int) -> Split: ...


@dataclass(frozen=True)
class DataSet:
    """A data set by name, the protocols that figures on it follow, and how it is split."""

    name: str
    title: str
    """How the data set is called in print."""
    protocols: Mapping[str, Protocol]
    split: Splitting
    pictures: bool = False


DATA_SETS: dict[str, DataSet] = {
    data_set.name: data_set
    for data_set in (
        DataSet("kdd99", "KDDCup99", kdd99.PROTOCOLS, kdd99.split),
        DataSet("arrhythmia", "Arrhythmia", arrhythmia.PROTOCOLS, arrhythmia.split),
        DataSet("cifar10", "CIFAR-10", cifar10.PROTOCOLS, cifar10.split, pictures=True),
        DataSet("svhn", "SVHN", svhn.PROTOCOLS, svhn.split, pictures=True),
        *(
            DataSet(name, f"ADBench {name}", adbench.PROTOCOLS, partial(adbench.split, name))
            for name in adbench.FILES
        ),
    )
}
"""Every data set, by its name."""
