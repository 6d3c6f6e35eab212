"""What ALAD makes of pictures, to look at: ``python -m benchmarks.look FOLDER``.

Writes pictures of CIFAR-10 into the folder, as files: ``normal`` has 3,000 automobiles, ``mixed``
40 other automobiles and 40 of the other nine classes, all by the data set's own order. Then
``alad fit`` and ``alad look`` run on them as for anyone's pictures, with their defaults.
``docs/images/look.png`` is what the second drew.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alad.datasets import cifar10

NORMAL, MIXED = 3000, 40
CLASS = "automobile"


def folders(x: NDArray[np.uint8], is_normal: NDArray[np.bool_]) -> dict[str, NDArray[np.uint8]]:
    """Give the pictures of each folder."""
    own, others = x[is_normal], x[~is_normal]
    mixed = np.concatenate([own[NORMAL : NORMAL + MIXED], others[:MIXED]])
    return {"normal": own[:NORMAL], "mixed": mixed}


def write(pictures: NDArray[np.uint8], folder: Path) -> None:
    """Write each as a file named by its place."""
    folder.mkdir(parents=True)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{i:04d}.png")


def main() -> None:
    """Write the folders, learn from one, and draw the other."""
    place = Path(sys.argv[1])
    data = cifar10.load()
    for name, pictures in folders(data.x, data.label == cifar10.CLASSES.index(CLASS)).items():
        write(pictures, place / name)
    for command in (
        ("fit", place / "normal", "-o", place / "model"),
        ("look", place / "model", place / "mixed", "-o", place / "look.png"),
    ):
        subprocess.run([sys.executable, "-m", "alad", *map(str, command)], check=True)


if __name__ == "__main__":
    main()
