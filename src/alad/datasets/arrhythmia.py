"""Arrhythmia: find the file, check its digest, and split it as published.

452 heart recordings of 274 numbers, of which 66 are anomalies. The file is that of the ODDS
library: UCI's Arrhythmia without its five columns that lack values, the eight smallest of its
classes together as the anomaly. So some "normal" rows are ill, in commoner ways.

:data:`PROTOCOLS` names the ways in which figures on this data set have been made, and
:func:`split` follows any of them.

>>> data = split(PROTOCOLS["paper"])
>>> data.x_train.shape, data.x_valid.shape, data.x_test.shape
((226, 274), (81, 274), (91, 274))

Sources: H. A. Guvenir, B. Acar and H. Muderrisoglu, Arrhythmia, UCI Machine Learning
Repository, 1998 (CC BY 4.0); S. Rayana, ODDS Library, Stony Brook University, 2016.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io
from numpy.typing import NDArray

from alad.datasets import _protocols
from alad.datasets._files import RemoteFile, find
from alad.datasets._matrices import fault, table_of
from alad.datasets._protocols import Protocol, Split
from alad.errors import DataSetError

FILE = RemoteFile(
    folder="arrhythmia",
    name="arrhythmia.mat",
    sha256="e4d47e499591ae31e5d7f0cd983367092353eac240f48e14c9b36457edb3460d",
    urls=(),
)
"""452 rows; shipped with alad."""

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="paper",
            test_size=0.20,
            valid_size=0.25,
            anomaly="arrhythmia",
            flagged=0.15,
            source="Zenati et al., ICDM 2018 (arXiv 1812.02288), section on experiments",
        ),
        Protocol(
            name="released-code",
            test_size=0.50,
            valid_size=0.0,
            anomaly="arrhythmia",
            flagged=0.15,
            keep_anomalies_in_train=True,
            source="houssamzenati/Adversarially-Learned-Anomaly-Detection@1f1c310, "
            "data/arrhythmia.py",
        ),
        Protocol(
            name="one-class",
            test_size=0.50,
            valid_size=0.0,
            anomaly="arrhythmia",
            flagged=None,
            all_anomalies_to_test=True,
            source="the later literature: GOAD (Bergman and Hoshen, ICLR 2020), NeuTraL AD (Qiu "
            "et al., ICML 2021), ICL (Shenkar and Wolf, ICLR 2022)",
        ),
    )
}


def load() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read the file; nothing is scaled, and the 17 columns that never change stay.

    Returns
    -------
    x : float32 (452, 274).
    is_arrhythmia : bool (452,), True for an anomaly.

    Raises
    ------
    DataSetError
        The file cannot be found, verified or read.

    >>> x, is_arrhythmia = load()
    >>> x.shape, int(is_arrhythmia.sum())
    ((452, 274), 66)
    """
    return read(find(FILE))


def read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read any file that is written as ODDS writes its own: X and y, y being 1 for an anomaly."""
    try:
        content = scipy.io.loadmat(str(path), appendmat=False)
    except Exception as error:  # anything at all, depending on which bytes are damaged
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error
    x, y = content.get("X"), content.get("y")
    if x is None or y is None:
        names = [name for name in content if not name.startswith("__")]
        raise _unreadable(path, f"it holds {', '.join(names) or 'nothing'}")
    if found := fault(x, y):
        raise _unreadable(path, found)
    return x.astype(np.float32), y.ravel() == 1


def _unreadable(path: Path, found: str) -> DataSetError:
    return DataSetError(
        f"Expected {path} to hold X, finite numbers in n rows, and y, a 0 or 1 for each row, in "
        f"MATLAB's format; {found}. Delete the file, and alad takes its own copy."
    )


def split(protocol: Protocol = PROTOCOLS["paper"], *, seed: int = 42) -> Split:
    """Load the file and divide its rows by ``protocol``.

    The test rows are drawn first, then the validation rows from the rest, both with ``seed``;
    then anomalies leave the training and validation sets, unless the protocol keeps them. The
    file has no names for its columns: ``x0`` to ``x273`` count them. None is one-hot.

    With seed 42, ``released-code`` has the very rows of the authors' code, which draws them with
    the same function.

    Raises
    ------
    InputError
        The protocol cannot be followed, or leaves no row for training or for the test.
    DataSetError
        The file cannot be found, verified or read.

    >>> data = split(PROTOCOLS["one-class"])
    >>> len(data.x_train), len(data.x_test), int(data.y_test.sum())
    (193, 259, 66)
    """
    _protocols.check(protocol, ("arrhythmia",), PROTOCOLS)
    x, is_arrhythmia = load()
    table = table_of(x, is_arrhythmia, "arrhythmia", FILE.sha256)
    return _protocols.apply(protocol, table, is_arrhythmia, seed)
