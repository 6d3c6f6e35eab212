"""What CIFAR-10 and SVHN share: pictures of 32 by 32 pixels, sheets of them, one class as normal.

A sheet is one lossless picture of 100 by 100 tiles; picture i stands in row i // 100 and column
i % 100. Its digest is that of the pixels in it, so it does not matter how they were packed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alad.datasets import _protocols
from alad.datasets._files import RemoteFile, data_dir
from alad.datasets._protocols import Protocol, Split, Table
from alad.errors import DataSetError

SIDE, CHANNELS = 32, 3
TILES = 100  # in a row and in a column of a sheet


@dataclass(frozen=True)
class Pictures:
    """A data set of pictures.

    ``x`` is uint8 (n, 32, 32, 3), ``label`` the number of each one's class; ``sha256`` names the
    files that they came from, ``source`` says in words which those were.
    """

    x: NDArray[np.uint8]
    label: NDArray[np.int64]
    sha256: str
    source: str


def read_sheet(path: Path, sha256: str) -> NDArray[np.uint8]:
    """Cut a sheet into its 10,000 pictures, and prove them.

    Raises
    ------
    DataSetError
        The file cannot be read, or its pixels are others.
    """
    try:
        with Image.open(path) as opened:
            pixels = np.asarray(opened.convert("RGB"))
        tiles = pixels.reshape(TILES, SIDE, TILES, SIDE, CHANNELS).transpose(0, 2, 1, 3, 4)
    except Exception as error:  # anything at all, depending on which bytes are damaged
        raise DataSetError(
            f"Expected {path} to be a sheet of {TILES} x {TILES} pictures of {SIDE} x {SIDE} "
            f"pixels; it cannot be read so: {error}. Take another copy of the file, or remove it."
        ) from error
    x = np.ascontiguousarray(tiles.reshape(-1, SIDE, SIDE, CHANNELS))
    prove(x, sha256, path)
    return x


def prove(array: NDArray[Any], sha256: str, path: Path) -> None:
    """Check the digest of an array that was read from a file."""
    found = hashlib.sha256(array.tobytes()).hexdigest()
    if found != sha256:
        raise DataSetError(
            f"Expected the content of {path} to have SHA-256 {sha256}; got {found}. The file is "
            "damaged or another one: take another copy of it, or remove it."
        )


def read_labels(path: Path, digests: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Read arrays of a ``.npz`` and prove those that have a digest."""
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content}
    except Exception as error:  # as above
        raise DataSetError(
            f"Expected {path} to hold the labels of the sheets beside it; it cannot be read so: "
            f"{error}. Take another copy of the file, or remove the sheets."
        ) from error
    for name, digest in digests.items():
        if name not in arrays:
            raise DataSetError(
                f"Expected {path} to hold {name}; got {', '.join(arrays) or 'nothing'}. Take "
                "another copy of the file, or remove the sheets."
            )
        prove(arrays[name], digest, path)
    return arrays


def sheets_instead_of(release: RemoteFile, sheet: str) -> Path | None:
    """The folder with the sheets, where they are at hand and the official release is not."""
    folder = data_dir(release.folder)
    if (folder / release.name).is_file() or not (folder / sheet).is_file():
        return None
    return folder


def joined_digest(digests: Sequence[str]) -> str:
    """One digest for several files."""
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def one_class_protocols(classes: Sequence[str], source: str) -> dict[str, Protocol]:
    """The paper's protocol for pictures, once for each class that can be the normal one."""
    return {
        name: Protocol(
            name=name,
            test_size=0.20,
            valid_size=0.25,
            anomaly=f"not {name}",
            flagged=0.90,
            source=source,
        )
        for name in classes
    }


def split_pictures(
    pictures: Pictures,
    classes: Sequence[str],
    protocol: Protocol,
    protocols: Mapping[str, Protocol],
    seed: int,
) -> Split:
    """Divide pictures by a protocol of :func:`one_class_protocols`."""
    _protocols.check(protocol, [f"not {name}" for name in classes], protocols)
    normal = list(classes).index(protocol.anomaly.removeprefix("not "))
    table = Table(
        x=pictures.x,
        kind=np.array(classes)[pictures.label],
        feature_names=(),
        is_categorical=np.zeros(0, np.bool_),
        sha256=pictures.sha256,
    )
    divided = _protocols.apply(protocol, table, pictures.label != normal, seed)
    return replace(divided, source=pictures.source)
