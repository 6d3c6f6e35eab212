"""CIFAR-10: find the files, check their digests, and split them with one class as the normal one.

60,000 pictures of 32 by 32 pixels in ten classes. They are taken from the first of these that is
found, and each is proved by its digest:

1. ``cifar-10-binary.tar.gz`` or ``cifar-10-python.tar.gz``, the official releases, in ``cifar10/``
   of ``$ALAD_DATA``;
2. the sheets ``data_batch_1.webp`` to ``test_batch.webp`` and ``labels.npz`` there; 94 of their
   pictures, almost all of them ships, went through a JPEG file on their way and are left out;
3. the former release, fetched.

The release for Python is made of pickles, which are programs. They are not run: their instructions
are read one by one for the bytes and numbers that they carry.

:data:`PROTOCOLS` has one protocol for each class. Source: A. Krizhevsky, Learning Multiple Layers
of Features from Tiny Images, 2009.
"""

from __future__ import annotations

import pickletools
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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

FOR_PYTHON = RemoteFile(
    folder="cifar10",
    name="cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    urls=(),
)
"""The same pictures; read where it is at hand, and never fetched."""

UNPACKED = "cifar-10-batches-py"
"""What that one unpacks to: files without a digest that would prove them."""

UNREADABLE = (tarfile.TarError, KeyError, ValueError, OverflowError, EOFError, OSError)
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
    folder = data_dir(RELEASE.folder)
    if (folder / FOR_PYTHON.name).is_file() and not (folder / RELEASE.name).is_file():
        return read_release_for_python(find(FOR_PYTHON))
    sheets = sheets_instead_of(RELEASE, f"{SHEETS[0].name}.webp")
    return read_sheets(sheets) if sheets else read_release(_release())


def _release() -> Path:
    """The official release for C programs; where one is at hand unpacked, this is said."""
    try:
        return find(RELEASE)
    except DataSetError as error:
        folder = data_dir(RELEASE.folder)
        found = next((p for p in (folder, folder.parent) if (p / UNPACKED).exists()), None)
        if found is None:
            raise
        raise DataSetError(
            f"Expected {RELEASE.name} or {FOR_PYTHON.name} in {folder}; got {found / UNPACKED}, "
            "whose files nothing proves. Put the archive that they came from there. (Fetching "
            f"the former failed: {error})"
        ) from error


def read_release(path: Path) -> Pictures:
    """Read the official release for C programs."""
    names = [f"cifar-10-batches-bin/{sheet.name}.bin" for sheet in SHEETS]
    try:
        content = b"".join(_members(path, names))
        records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    except UNREADABLE as error:
        raise DataSetError(
            f"Expected {path} to be CIFAR-10's release for C programs; it cannot be read so: "
            f"{error}. Delete the file to have it fetched again."
        ) from error
    return _released(records[:, 1:], records[:, 0], RELEASE)


def read_release_for_python(path: Path) -> Pictures:
    """Read the official release for Python, and run nothing of it."""
    try:
        batches = [_batch(m) for m in _members(path, [f"{UNPACKED}/{s.name}" for s in SHEETS])]
        pixels = np.concatenate([of_batch for of_batch, _ in batches])
    except UNREADABLE as error:
        raise DataSetError(
            f"Expected {path} to be CIFAR-10's release for Python; it cannot be read so: {error}. "
            f"Put {RELEASE.name} in its place."
        ) from error
    return _released(pixels, np.concatenate([labels for _, labels in batches]), FOR_PYTHON)


def _members(path: Path, names: list[str]) -> list[bytes]:
    with tarfile.open(path) as archive:
        files = [archive.extractfile(name) for name in names]
        return [file.read() for file in files if file is not None]


def _batch(pickled: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What a pickled batch holds: pixels, (n, 3072), in its longest text, and n labels.

    The labels are the numbers between the text "labels" and the next one.
    """
    pixels, labels, of_labels = b"", [], False
    for instruction, argument, _ in pickletools.genops(pickled):
        if isinstance(argument, str | bytes):
            text = argument.encode("latin-1") if isinstance(argument, str) else argument
            pixels, of_labels = max(pixels, text, key=len), text == b"labels"
        elif of_labels and instruction.name.startswith("BININT"):
            labels.append(argument)
    rows = np.frombuffer(pixels, np.uint8).reshape(-1, RECORD - 1)
    if len(rows) != len(labels):
        raise ValueError(f"{len(rows)} pictures have {len(labels)} labels")
    return rows, np.array(labels, np.uint8)


def _released(pixels: NDArray[np.uint8], label: NDArray[np.uint8], of: RemoteFile) -> Pictures:
    """Pictures from rows of 3072 pixels, one channel after the other."""
    x = pixels.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)
    return Pictures(
        np.ascontiguousarray(x), label.astype(np.int64), of.sha256, "the official release"
    )


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
