"""The model folder: ``model.json`` for the facts, ``weights.safetensors`` for the arrays.

``model.json`` holds the format's version, the version of alad and the digest of the arrays'
file, so that two halves of different models are not taken for one. An array that repeats itself, as
the kept rows of a log do, is packed: there in its place are the bytes of zlib, and ``packed`` says
of what type and shape they are, first column first.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from os import PathLike
from os.path import isdir
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from alad._files import written_aside
from alad.errors import ModelFormatError

FORMAT = "alad-model"
FORMAT_VERSION = 3  # 2: with packed arrays; 3: with numbers told from their lowest, and marks
FACTS, ARRAYS = "model.json", "weights.safetensors"
WORTH_PACKING, MOST_PACKED, MOST_UNPACKED = 2**16, 2**28, 2**29  # bytes; the last of all together
GAIN = 2  # times smaller, at least
MOMENT = 0.1  # seconds, which a model takes to be put in another's place


@dataclass(frozen=True)
class Model:
    """What a model folder holds."""

    facts: dict[str, Any]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def under(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Give the arrays named ``prefix/...``, without the prefix."""
        start = prefix + "/"
        return {k.removeprefix(start): v for k, v in self.arrays.items() if k.startswith(start)}


def write_model(path: str | PathLike[str], model: Model) -> None:
    """Write a model folder, whole or not at all.

    Raises
    ------
    OutputError
        It cannot be written, or what is there is not a model that may be replaced.
    """
    arrays, packed = _packed(model.arrays)
    weights = save_arrays({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    head = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "alad": metadata.version("alad"),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "packed": packed,
    }
    with written_aside(path, replaceable=is_model) as aside:
        aside.mkdir()
        (aside / ARRAYS).write_bytes(weights)
        (aside / FACTS).write_text(json.dumps(head | model.facts, indent=1) + "\n", "utf-8")


def is_model(path: Path) -> bool:
    """Whether nothing but a model is in this folder, so that another may take its place."""
    if not path.is_dir():
        return False
    names = {entry.name for entry in path.iterdir()}
    return not names or (FACTS in names and names <= {FACTS, ARRAYS})


def read_model(path: str | PathLike[str]) -> Model:
    """Read a model folder; a second time if it is none, for another may just take its place.

    Raises
    ------
    ModelFormatError
        No such folder, not a model, a half of one, or one of a newer format.
    """
    if not isinstance(path, str | PathLike):
        raise ModelFormatError(
            f"Expected the path of a model folder; got {type(path).__name__}. Pass what save was "
            "given."
        )
    try:
        return _read(Path(path))
    except ModelFormatError:
        time.sleep(MOMENT)
        return _read(Path(path))


def _read(folder: Path) -> Model:
    facts = _facts(folder)
    _check(folder, facts)
    try:
        weights = (folder / ARRAYS).read_bytes()
    except OSError as error:
        raise _damaged(folder, f"{ARRAYS} cannot be read: {error.strerror}") from error
    if hashlib.sha256(weights).hexdigest() != facts["weights_sha256"]:
        raise _damaged(folder, f"{ARRAYS} is not the file that {FACTS} was written with")
    try:
        return Model(facts, _unpacked(load_arrays(weights), facts.get("packed", {})))
    except SafetensorError as error:
        raise _damaged(folder, f"{ARRAYS}: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError, zlib.error) as error:
        raise _damaged(folder, f"an array cannot be unpacked: {error}") from error


def _packed(
    arrays: Mapping[str, NDArray[Any]],
) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, Any]]]:
    """Arrays, those that gain by it as bytes of zlib, and what these were."""
    stored, packed, room = dict(arrays), {}, MOST_UNPACKED
    for name, array in arrays.items():
        if not WORTH_PACKING <= array.nbytes <= min(room, MOST_PACKED):
            continue
        small = zlib.compress(array.tobytes("F"))
        if GAIN * len(small) <= array.nbytes:
            room -= array.nbytes
            stored[name] = np.frombuffer(small, np.uint8)
            packed[name] = {"dtype": array.dtype.name, "shape": list(array.shape)}
    return stored, packed


def _unpacked(
    arrays: Mapping[str, NDArray[Any]], packed: Mapping[str, Mapping[str, Any]]
) -> dict[str, NDArray[Any]]:
    """Invert :func:`_packed`; no more is unpacked than the shape asks for."""
    whole, room = dict(arrays), MOST_UNPACKED
    for name, was in packed.items():
        dtype, shape = np.dtype(was["dtype"]), tuple(was["shape"])
        if dtype.name != was["dtype"] or dtype.kind not in "biuf":
            raise ValueError(f"{name!r} is not of numbers")
        if any(type(n) is not int or not 0 <= n <= MOST_PACKED for n in shape):
            raise ValueError(f"{name!r} is of no shape that an array has")
        size = dtype.itemsize * math.prod(shape)
        if size > MOST_PACKED:
            raise ValueError(f"{name!r} is larger than any that is packed")
        room -= size
        if room < 0:
            raise ValueError(f"they would take more than {MOST_UNPACKED:,} bytes")
        data = zlib.decompressobj().decompress(arrays[name].tobytes(), size + 1)
        if len(data) != size:
            raise ValueError(f"{name!r} is not of the shape {shape}")
        whole[name] = np.frombuffer(data, dtype).reshape(shape, order="F").copy()
    return whole


def _facts(folder: Path) -> dict[str, Any]:
    if not isdir(folder):  # Path.is_dir raises where one may not look
        raise ModelFormatError(
            f"Expected a model folder at {folder}; there is none that may be read. "
            "Give the folder that 'save' or 'alad fit -o' wrote."
        )
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
    except FileNotFoundError as error:
        raise _damaged(folder, f"it has no {FACTS}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(folder, f"{FACTS} cannot be read: {error}") from error
    if not isinstance(facts, dict):
        raise _damaged(folder, f"{FACTS} holds no object")
    return facts


def _check(folder: Path, facts: Mapping[str, Any]) -> None:
    if facts.get("format") != FORMAT:
        raise ModelFormatError(
            f"Expected a model of alad at {folder}; got the format {facts.get('format')!r}. "
            "Give the folder that 'save' or 'alad fit -o' wrote."
        )
    version = facts.get("format_version")
    if type(version) is not int or version < 1:
        raise _damaged(folder, f"{FACTS} states the format {version!r:.80}")
    if version > FORMAT_VERSION:
        raise ModelFormatError(
            f"Expected a model of format {FORMAT_VERSION} or older at {folder}; got {version}, "
            f"written by alad {facts.get('alad')}. Upgrade alad to read it."
        )
    if "weights_sha256" not in facts or "class" not in facts:
        raise _damaged(folder, f"{FACTS} is incomplete")


def _damaged(folder: Path, what: str) -> ModelFormatError:
    return ModelFormatError(
        f"Expected a whole model at {folder}, but {what}. "
        "Copy the folder again, or save the model again."
    )
