"""Ten of ADBench's classical tables: sets on which choices may be made, never judged alone.

Each is an archive of X, finite numbers in n rows, and y, 1 for an anomaly. :data:`PROTOCOLS` names
two ways to divide them, both one-class: half of the normal rows for training, the other half and
the anomalies for the test; with "contaminated", some anomalies are left among the training rows.

Source: Han, Hu, Huang, Jiang, Zhao. ADBench: Anomaly Detection Benchmark. NeurIPS 2022. Each table
keeps its own terms, so none is shipped.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alad.datasets import _protocols
from alad.datasets._files import RemoteFile, find
from alad.datasets._matrices import fault, table_of
from alad.datasets._protocols import Protocol, Split
from alad.errors import DataSetError

ADDRESS = "https://github.com/Minqi824/ADBench/raw/main/adbench/datasets/Classical/"
DIGESTS = {
    "12_fault": "ec27301f9a4cf7c5d8b22c360cf37ddb043b7fb062465723dfd8b34e2771e5dd",
    "20_letter": "f986d3da80cf1fa2aea83a5ebe73b7d4800e0d4c01fdd1ae074b58d20f10d039",
    "23_mammography": "a0308ac9712d78321073b1c2dc98dc37665c0f35c1cc33019416fe8f8d7de7ea",
    "25_musk": "2ed3f4392197b76a1e59116ff880c7720a4b026cf4842073a53b56fdea265017",
    "2_annthyroid": "e738f7c58a8740d2c4aac4c71ff49ce5e1d1aa16f44178135fc9c09df05fad1b",
    "30_satellite": "1f048f5686f1b8c16a227fdfa3c81a62cd9a92715714a6b24c69b1c5ad96b46e",
    "32_shuttle": "26900b0f6be45d9ddb7a402c9b2f956ceda42d23a8ca4cf4406b8bc1352823d1",
    "40_vowels": "4bfc4244d1c882773bbbc50d4a5db5e52276e53506e46b2d45e02d074cfcb1b6",
    "46_WPBC": "68a6d67242643855713bcdad07d89ecc472bd00000dccc17ba87916eb2693d19",
    "6_cardio": "bc5009bde6930b4d298b594f31b34485a9a17210cff0e8fb00a8c3068b885a2d",
}

FILES: dict[str, RemoteFile] = {
    name: RemoteFile("adbench", f"{name}.npz", digest, (f"{ADDRESS}{name}.npz",))
    for name, digest in DIGESTS.items()
}

ONE_CLASS = Protocol(
    name="one-class",
    test_size=0.50,
    valid_size=0.0,
    anomaly="anomaly",
    flagged=None,
    all_anomalies_to_test=True,
    source="ours, after the one-class protocol of the later literature",
)
CONTAMINATED = replace(
    ONE_CLASS,
    name="contaminated",
    left_in_train=0.05,
    source="ours: the same, with 5 % of anomalies in the training rows",
)
PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (ONE_CLASS, CONTAMINATED)}


def read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read an archive as ADBench writes it.

    Raises
    ------
    DataSetError
        It cannot be read, or does not hold what it should.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            x, y = archive["X"], archive["y"].ravel()
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error
    if found := fault(x, y):
        raise _unreadable(path, found)
    return x.astype(np.float64), y == 1


def _unreadable(path: Path, found: str) -> DataSetError:
    return DataSetError(
        f"Expected {path} to hold X, finite numbers in n rows, and y, a 0 or 1 for each row, as an "
        f"archive of NumPy; {found}. Put ADBench's own file there."
    )


def split(name: str, protocol: Protocol = ONE_CLASS, *, seed: int = 42) -> Split:
    """Load one table and divide its rows by ``protocol``.

    Raises
    ------
    InputError
        The protocol cannot be followed.
    DataSetError
        The file cannot be found, verified or read.
    """
    _protocols.check(protocol, ("anomaly",), PROTOCOLS)
    x, is_anomaly = read(find(FILES[name]))
    table = table_of(x, is_anomaly, "anomaly", FILES[name].sha256)
    return _protocols.apply(protocol, table, is_anomaly, seed)
