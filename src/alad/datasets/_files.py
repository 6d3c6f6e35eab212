"""Find a data set's file, prove it by its digest, and fetch it if it is nowhere yet.

A file is found at the first of these places, and its SHA-256 digest is checked every time:

1. the data set's folder in ``$ALAD_DATA`` (which defaults to ``alad`` in the user's cache
   directory);
2. the copies that are shipped with alad;
3. the file's public addresses, from which it is fetched into the first place.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from alad.errors import DataSetError

_TIMEOUT = 60.0  # seconds without an answer before the next address is tried


@dataclass(frozen=True)
class RemoteFile:
    """A file by name, the digest that proves it, and where the public copies are."""

    folder: str
    """The folder of the data set within ``$ALAD_DATA``."""
    name: str
    sha256: str
    urls: tuple[str, ...]
    """Public addresses, tried in turn; none for a file that only alad itself or you bring."""


def data_dir(folder: str) -> Path:
    """The place of one data set's files: ``folder`` within ``$ALAD_DATA``."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    root = os.environ.get("ALAD_DATA") or Path(cache) / "alad"
    return Path(root).expanduser() / folder


def find(file: RemoteFile) -> Path:
    """The path of a checked copy of ``file``: in ``$ALAD_DATA``, shipped, or fetched now.

    Raises
    ------
    DataSetError
        The copy's digest is wrong, or no address delivered the file.

    >>> from alad.datasets.arrhythmia import FILE
    >>> find(FILE).name
    'arrhythmia.mat'
    """
    cached = data_dir(file.folder) / file.name
    shipped = Path(str(resources.files("alad.datasets"))) / "files" / file.name
    for path in (cached, shipped):
        if path.is_file():
            _check_digest(path, file)
            return path
    return _fetch(file, cached)


def _check_digest(path: Path, file: RemoteFile) -> None:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataSetError(
            f"Expected to read {path}; got {error}. Give yourself permission to read it, or "
            "point ALAD_DATA at another folder."
        ) from error
    if found != file.sha256:
        raise DataSetError(
            f"Expected {path} to have SHA-256 {file.sha256}; got {found}. "
            "The file is damaged or another one: delete it, and alad looks for a sound copy of "
            f"{file.name} elsewhere; if it is alad's own copy, install alad again."
        )


def _fetch(file: RemoteFile, target: Path) -> Path:
    """Try the addresses in turn; write aside and rename, so no half file is ever found."""
    failures = []
    for url in file.urls:
        try:
            _download(url, file, target)
            return target
        except OSError as error:  # URLError and DataSetError are OSErrors too
            failures.append(f"{url}: {error}")
    raise DataSetError(
        f"Expected {file.name} in {target.parent} or at one of its public addresses; got "
        f"{'; '.join(failures) or 'no address'}. Put the file there by hand, or set ALAD_DATA "
        f"to the folder that holds {file.folder}/."
    )


def _download(url: str, file: RemoteFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=file.name, suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, urllib.request.urlopen(url, timeout=_TIMEOUT) as src:
            while block := src.read(1 << 20):
                out.write(block)
        _check_digest(part, file)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
