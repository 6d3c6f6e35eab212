"""Writing files so that what is there is always whole: write aside, then rename."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from alad.errors import AladError, InputError, OutputError


class _Rehearsed(Exception):
    """Ends a rehearsal before anything is put in place."""


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
    with _explained(target):
        _check(target, replaceable)
        with _folder(target.parent), _workshop(target) as workshop:
            yield workshop / target.name
            _put_in_place(workshop, target)


def rehearse(
    target: str | os.PathLike[str], *, replaceable: Callable[[Path], bool] = Path.is_file
) -> None:
    """Find out before long work, and not after it, whether its result can be written.

    Raises
    ------
    OutputError
        It cannot.
    """
    with suppress(_Rehearsed), written_aside(target, replaceable=replaceable):
        raise _Rehearsed


def check_not_read(target: Path | None, *sources: Path | None) -> None:
    """Refuse to write over a file that is read, or over one in a folder that is read.

    Raises
    ------
    InputError
        Names the file.
    """
    if target is None or not target.is_file():
        return
    for source in filter(None, sources):
        if source.exists() and (target.samefile(source) or source.resolve() in _above(target)):
            raise InputError(
                f"Expected another place to write to than {target}, which is read. Give another "
                "name."
            )


def check_ending(target: Path | None, *endings: str) -> None:
    """Refuse to write to a name of another kind: what stands there is hardly meant to go.

    Raises
    ------
    InputError
        Names the endings.
    """
    if target is not None and target.suffix.lower() not in endings:
        raise InputError(
            f"Expected --out to end in {' or '.join(endings)}; got {target}. Give another name."
        )


def _above(path: Path) -> Sequence[Path]:
    return path.resolve().parents


@contextmanager
def explained(task: str, advice: str) -> Iterator[None]:
    """Turn what the system says of a file into our own error.

    Raises
    ------
    OutputError
        ``Expected to <task>, but no space left on device. <advice>``
    """
    try:
        yield
    except AladError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"Expected to {task}, but {reason}. {advice}") from error


@contextmanager
def scratch_beside(target: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Give an empty hidden folder beside ``target``, which is gone in the end, come what may.

    With None it lies where the system keeps what is temporary.

    Raises
    ------
    OutputError
        The place cannot be written.
    """
    beside = Path(tempfile.gettempdir(), "alad") if target is None else Path(target)
    with _explained(beside), _folder(beside.parent), _workshop(beside) as workshop:
        yield workshop


def _check(target: Path, replaceable: Callable[[Path], bool]) -> None:
    if target.name in ("", ".."):
        raise OutputError(
            f"Expected a path that ends in a name; got {target}, a folder in use. Give the name "
            "of what is to be written."
        )
    if target.exists() and not replaceable(target):
        raise OutputError(
            f"Expected to write {target}, but something else is there that is not ours to "
            "replace. Choose another place, or move it away."
        )


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Make a folder; of what had to be made, nothing stays that is empty in the end."""
    absent = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for folder in absent:
            with suppress(OSError):  # something is in it, or it was never made
                folder.rmdir()


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """A hidden folder beside ``target``, on the same disk, so that renaming is all it takes."""
    path = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _put_in_place(workshop: Path, target: Path) -> None:
    """Rename the finished work; a folder that stood there before goes only once it is replaced."""
    new = workshop / target.name
    _open_to_the_same(new, target)
    if target.is_dir() and new.is_dir():
        old = workshop / f"{target.name}~"  # another name than the new one has
        target.rename(old)
        try:
            new.rename(target)
        except BaseException:  # an interrupt too: the workshop, and what is in it, goes
            old.rename(target)
            raise
    else:
        new.replace(target)


def _open_to_the_same(new: Path, old: Path) -> None:
    """Let those read what is new who may read what it replaces, and nobody else."""
    for path in (new, *new.rglob("*")):
        before = old / path.relative_to(new)
        if before.exists():
            found = before.stat()
            mode = found.st_mode & stat.S_IRWXU | found.st_mode & stat.S_IRWXO
            mode |= found.st_mode & stat.S_IRWXG if _is_of_group(path, found.st_gid) else 0
            path.chmod(mode | stat.S_IRWXU if path.is_dir() else mode)  # else it cannot be moved


def _is_of_group(path: Path, group: int) -> bool:
    """Give a file to a group, if that may be; whether it belongs to it then."""
    with suppress(OSError):
        os.chown(path, -1, group)
    return path.stat().st_gid == group


def _explained(target: Path) -> AbstractContextManager[None]:
    return explained(
        f"write {target}",
        "Nothing was left half-written: free some space, or choose a place that you may write to.",
    )


def is_shown(path: Path, folder: Path, marks: str = ".") -> bool:
    """Whether neither the file nor a folder of it below ``folder`` has a name that hides it.

    Names of partitions, ``_year=2026``, hide nothing.

    >>> is_shown(Path("t/.git/a.csv"), Path("t")), is_shown(Path("t/_SUCCESS"), Path("t"), "._")
    (False, False)
    """
    parts = path.relative_to(folder).parts
    return not any(part[0] in marks and (part[0] == "." or "=" not in part) for part in parts)
