"""SVHN, house numbers: find the files, check their digests, one digit as the normal class.

Pictures of 32 by 32 pixels with a digit in the middle. They are taken from the first of these that
is found, and each is proved by its digest:

1. ``train_32x32.mat`` and ``test_32x32.mat``, the official release (99,289 pictures), in ``svhn/``
   of ``$ALAD_DATA``;
2. the sheet ``test_first10000.webp`` and ``labels.npz`` there: the first 10,000 pictures of the
   official test file. Figures on them are not those of the whole data set;
3. the official release, fetched.

:data:`PROTOCOLS` has one protocol for each digit.

Source: Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu and A. Y. Ng, Reading Digits in Natural
Images with Unsupervised Feature Learning, 2011.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy.io

from alad.datasets._files import RemoteFile, find
from alad.datasets._pictures import (
    CHANNELS,
    SIDE,
    Pictures,
    joined_digest,
    one_class_protocols,
    read_labels,
    read_sheet,
    sheets_instead_of,
    split_pictures,
)
from alad.datasets._protocols import Protocol, Split
from alad.errors import DataSetError

CLASSES = tuple(map(str, range(10)))

_PLACE = "http://ufldl.stanford.edu/housenumbers/"
TRAIN = RemoteFile(
    folder="svhn",
    name="train_32x32.mat",
    sha256="435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    urls=(_PLACE + "train_32x32.mat",),
)
"""73,257 pictures, 182 MB; not shipped with alad."""

TEST = RemoteFile(
    folder="svhn",
    name="test_32x32.mat",
    sha256="cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
    urls=(_PLACE + "test_32x32.mat",),
)
"""26,032 pictures, 64 MB; not shipped with alad."""

SHEET = "test_first10000.webp"
SHEET_PIXELS = "8158838bf8df734f0d02585aa5edb2c38ed95f96ee012486015b47716777f9b3"
SHEET_LABELS = {"labels_0_to_9": "7fe9bcc87dca833901548fff86f3af5d1dccf069e726ecef367b4a1476542ddf"}

PROTOCOLS = one_class_protocols(
    CLASSES, "Zenati et al., ICDM 2018 (arXiv 1812.02288); alad/data/svhn.py@1f1c310"
)


@lru_cache(maxsize=1)
def load() -> Pictures:
    """Read the pictures.

    Raises
    ------
    DataSetError
        They cannot be found, verified or read.
    """
    if folder := sheets_instead_of(TEST, SHEET):
        label = read_labels(folder / "labels.npz", SHEET_LABELS)["labels_0_to_9"].astype(np.int64)
        x = read_sheet(folder / SHEET, SHEET_PIXELS)
        return Pictures(x, label, SHEET_PIXELS, "the first 10,000 pictures of the test file")
    parts = [read_release(find(file)) for file in (TRAIN, TEST)]
    return Pictures(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.label for part in parts]),
        joined_digest([TRAIN.sha256, TEST.sha256]),
        "the official release",
    )


def read_release(path: Path) -> Pictures:
    """Read one file of the official release, in MATLAB's format; there the digit 0 is a 10."""
    try:
        content = scipy.io.loadmat(str(path), appendmat=False)
        x = content["X"].transpose(3, 0, 1, 2)
        label = content["y"].ravel().astype(np.int64) % 10
    except Exception as error:  # anything at all, depending on which bytes are damaged
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error
    if x.shape[1:] != (SIDE, SIDE, CHANNELS) or x.dtype != np.uint8 or len(label) != len(x):
        raise _unreadable(path, f"X is {x.dtype} {x.shape}, y is of {len(label)}")
    return Pictures(np.ascontiguousarray(x), label, "", path.name)


def _unreadable(path: Path, found: str) -> DataSetError:
    return DataSetError(
        f"Expected {path} to hold X, pictures of {SIDE} x {SIDE} pixels, and y, their digits, in "
        f"MATLAB's format; {found}. Delete the file to have it fetched again."
    )


def split(protocol: Protocol = PROTOCOLS["0"], *, seed: int = 42) -> Split:
    """Divide the pictures by ``protocol``: its digit is normal, the other nine are anomalies.

    As :func:`alad.datasets.cifar10.split`, with the same errors.
    """
    return split_pictures(load(), CLASSES, protocol, PROTOCOLS, seed)
