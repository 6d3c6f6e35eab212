"""CIFAR-10: find the files, check their digests, and split them with one class as the normal one.

60,000 pictures of 32 by 32 pixels in ten classes. They are taken from the first of these that is
found, and each is proved by its digest:

1. ``cifar-10-binary.tar.gz``, the official release, in ``cifar10/`` of ``$ALAD_DATA``;
2. the sheets ``data_batch_1.webp`` to ``test_batch.webp`` and ``labels.npz`` there; 94 of their
   pictures, almost all of them ships, went through a JPEG file on their way and are left out;
3. the official release, fetched.

(The official release for Python holds the same pixels as pickles, which are programs; alad does
not run any.)

:data:`PROTOCOLS` has one protocol for each class. Source: A. Krizhevsky, Learning Multiple Layers
of Features from Tiny Images, 2009.
"""

from __future__ import annotations

import tarfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alad.datasets._files import RemoteFile, data_dir, find
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

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

RELEASE = RemoteFile(
    folder="cifar10",
    name="cifar-10-binary.tar.gz",
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)
"""170 MB; not shipped with alad."""

PICKLED = ("cifar-10-python.tar.gz", "cifar-10-batches-py")
"""The official release for Python, packed and unpacked."""

RECORD = 1 + SIDE * SIDE * CHANNELS  # bytes of one picture in the release: its class, its pixels


class Sheet(NamedTuple):
    """One batch of the release as a sheet, and the digests of what is known of its pictures.

    ``exact`` is that of the mask of those whose pixels are exactly the release's.
    """

    name: str
    pixels: str
    labels: str
    exact: str


SHEETS = (
    Sheet(
        "data_batch_1",
        "19b47e59220c2f1fb1eabbd4fa8efe1a6e1914f7ea4b06ab754fd972ed91e3ef",
        "d829dbdf32167c9d7b3687cee66d92d80d46c441308b5aca0d11e8b69e27dac9",
        "5cb3d309d1a44ad0e3421f7146b20d60e7e7208648a4b62090cd42fff6f39984",
    ),
    Sheet(
        "data_batch_2",
        "36bdd97f8b41eae9bcb10f743402d59d0d468485ed4c98337f4e2171773d9eb0",
        "5d18f7371ed35ea9ade77952fe958b0660a45cd6c8b8a8970030f21612cfd7e3",
        "f9e67a61472fcb02c90603b1a4c34f7899bf0c397b555a3f745bb8182faca465",
    ),
    Sheet(
        "data_batch_3",
        "8f1533469cc0eac44aba5488193808e328683720bf02f6cf4b06a94aed6f6c1e",
        "32cf77b0ee2e790b1c4384d2d82e42dc1571b87e67f6da8f444b2725b2973f65",
        "325b261e88b6beb8746a104717fa932b3d0394c4885334343c3a65f964deab10",
    ),
    Sheet(
        "data_batch_4",
        "4f829f4a0230ce208f6bf38329602b2bf54bf059fa50c69a739d13db5a8e0864",
        "d2815e3f8f656272864920fc0edde56b04ec9cf81bf397c0dd3069f4aea51aeb",
        "8da749c1d58f0b84a4998d9fc76e21ed2d2f9732317ae6c0f6f81280060159f4",
    ),
    Sheet(
        "data_batch_5",
        "bb9b432ff95315a1f8ba0332efc1acaa358a9ade993d21e3fe643e1fdf7be87e",
        "2ddf3ab27d5d04409c94ce7b56849c243129c10de1058ae0bfe14c77e934800c",
        "89d183dc26f4b8be0c2eaed7a566647fa4a05956aa41ed754fbc39ba08215f89",
    ),
    Sheet(
        "test_batch",
        "1249626010949d8f448e0faf792debbc3da0c50ed31bfff3678c99c37fbc7e48",
        "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        "a797f4c3c8b21d63f36ba7115b033c0980d5a7310ec5faa0664e9f55e408d0a4",
    ),
)

PROTOCOLS = one_class_protocols(
    CLASSES, "Zenati et al., ICDM 2018 (arXiv 1812.02288); alad/data/cifar10.py@1f1c310"
)


@lru_cache(maxsize=1)
def load() -> Pictures:
    """Read the pictures, those of the test batch last.

    Raises
    ------
    DataSetError
        They cannot be found, verified or read.
    """
    sheets = sheets_instead_of(RELEASE, f"{SHEETS[0].name}.webp")
    return read_sheets(sheets) if sheets else read_release(_release())


def _release() -> Path:
    """The official release for C programs; where only that for Python is at hand, this is said."""
    try:
        return find(RELEASE)
    except DataSetError as error:
        folder = data_dir(RELEASE.folder)
        places = (place / name for place in (folder, folder.parent) for name in PICKLED)
        found = next((path for path in places if path.exists()), None)
        if found is None:
            raise
        raise DataSetError(
            f"Expected {RELEASE.name}, the release for C programs, in {folder}; got {found}, that "
            "for Python. It is made of pickles, which are programs, and alad runs none. Get "
            f"{RELEASE.urls[0]} (170 MB, the same pictures) and put it into {folder}. (Fetching "
            f"it failed: {error})"
        ) from error


def read_release(path: Path) -> Pictures:
    """Read the official release for C programs."""
    names = [f"cifar-10-batches-bin/{sheet.name}.bin" for sheet in SHEETS]
    try:
        with tarfile.open(path) as archive:
            members = [archive.extractfile(name) for name in names]
            content = b"".join(member.read() for member in members if member is not None)
        records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    except (tarfile.TarError, KeyError, ValueError, EOFError, OSError) as error:
        raise DataSetError(
            f"Expected {path} to be CIFAR-10's release for C programs; it cannot be read so: "
            f"{error}. Delete the file to have it fetched again."
        ) from error
    x = records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)
    label = records[:, 0].astype(np.int64)
    return Pictures(np.ascontiguousarray(x), label, RELEASE.sha256, "the official release")


def read_sheets(folder: Path) -> Pictures:
    """Read the sheets, without the pictures that are not exactly those of the release."""
    proofs = {f"{sheet.name}_labels": sheet.labels for sheet in SHEETS}
    proofs |= {f"{sheet.name}_pixel_exact": sheet.exact for sheet in SHEETS}
    labels = read_labels(folder / "labels.npz", proofs)
    x = [read_sheet(folder / f"{sheet.name}.webp", sheet.pixels) for sheet in SHEETS]
    exact = np.concatenate([labels[f"{sheet.name}_pixel_exact"] for sheet in SHEETS])
    label = np.concatenate([labels[f"{sheet.name}_labels"] for sheet in SHEETS])
    return Pictures(
        np.concatenate(x)[exact],
        label[exact].astype(np.int64),
        joined_digest([sheet.pixels for sheet in SHEETS]),
        f"sheets, without the {int((~exact).sum())} pictures that came by way of JPEG",
    )


def split(protocol: Protocol = PROTOCOLS["airplane"], *, seed: int = 42) -> Split:
    """Divide the pictures by ``protocol``: its class is normal, the other nine are anomalies.

    The test rows are drawn first, then the validation rows from the rest, both with ``seed``;
    then anomalies leave the training and validation sets.

    Raises
    ------
    InputError
        The protocol cannot be followed.
    DataSetError
        The pictures cannot be found, verified or read.
    """
    return split_pictures(load(), CLASSES, protocol, PROTOCOLS, seed)
