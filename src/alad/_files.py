"""Writing files so that what is there is always whole: write aside, then rename."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alad.errors import OutputError


@contextmanager
def written_aside(
    target: str | os.PathLike[str], *, replaceable: Callable[[Path], bool] = Path.is_file
) -> Iterator[Path]:
    """Give a path beside ``target`` to write a file or a folder at, then rename it into place.

    If the body raises, whatever was written aside is removed and ``target`` is as it was. What
    stands at ``target`` already is replaced only if it is ``replaceable``.

    Raises
    ------
    OutputError
        The place cannot be written: no permission, no space, no such folder.
    """
    target = Path(target)
    if target.exists() and not replaceable(target):
        raise OutputError(
            f"Expected to write {target}, but something else is there that is not ours to "
            "replace. Choose another place, or move it away."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        yield workshop / target.name
        _put_in_place(workshop, target)
    except OutputError:
        raise
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _put_in_place(workshop: Path, target: Path) -> None:
    """Rename the finished work; a folder that stood there before goes only once it is replaced."""
    new = workshop / target.name
    if target.is_dir() and new.is_dir():
        old = workshop / "replaced"
        target.rename(old)
        try:
            new.rename(target)
        except OSError:
            old.rename(target)
            raise
    else:
        new.replace(target)


def _cannot_write(target: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(
        f"Expected to write {target}, but {reason.lower()}. Nothing was left half-written: "
        "free some space, or choose a place that you may write to."
    )
