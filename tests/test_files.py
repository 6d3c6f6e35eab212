"""Files are whole or not there: what stands at the target, and what is left beside it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from alad._files import scratch_beside, written_aside
from alad.errors import InputError, OutputError


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def write(target: Path, text: str) -> None:
    with written_aside(target) as aside:
        aside.write_text(text)


def write_folder(target: Path, text: str) -> None:
    with written_aside(target, replaceable=Path.is_dir) as aside:
        aside.mkdir()
        (aside / "content").write_text(text)


def test_file_appears_when_the_body_ends_and_not_before(tmp_path):
    with written_aside(tmp_path / "file") as aside:
        aside.write_text("new")
        assert not (tmp_path / "file").exists()
        assert aside.name == "file"
    assert (tmp_path / "file").read_text() == "new"
    assert names(tmp_path) == ["file"]


def test_older_file_and_folder_are_replaced(tmp_path):
    for text in ("old", "new"):
        write(tmp_path / "file", text)
        write_folder(tmp_path / "folder", text)
    assert (tmp_path / "file").read_text() == "new"
    assert (tmp_path / "folder" / "content").read_text() == "new"
    assert names(tmp_path) == ["file", "folder", "folder/content"]


@pytest.mark.parametrize("name", ["replaced", "folder~", "old"])
def test_any_name_can_be_replaced(tmp_path, name):
    for text in ("old", "new"):
        write_folder(tmp_path / name, text)
    assert (tmp_path / name / "content").read_text() == "new"


@pytest.mark.parametrize("mode", [0o600, 0o440, 0o666])
def test_what_replaces_something_has_its_access_rights(tmp_path, mode):
    file = tmp_path / "a.csv"
    write(file, "old")
    file.chmod(mode)
    write(file, "new")
    assert (stat.S_IMODE(file.stat().st_mode), file.read_text()) == (mode, "new")


def test_so_have_a_folder_and_the_files_in_it(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir(0o700)
    (folder / "old.json").write_text("old")
    (folder / "old.json").chmod(0o600)
    folder.chmod(0o500)
    with written_aside(folder, replaceable=Path.is_dir) as aside:
        aside.mkdir()
        for name in ("old.json", "new.json"):
            (aside / name).write_text("new")
    modes = [stat.S_IMODE(x.stat().st_mode) for x in (folder, folder / "old.json")]
    assert modes == [0o700, 0o600]
    assert (folder / "new.json").read_text() == "new"


def test_link_to_a_folder_is_replaced_and_what_it_pointed_at_stays(tmp_path):
    write_folder(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    write_folder(tmp_path / "link", "new")
    assert (tmp_path / "link" / "content").read_text() == "new"
    assert (tmp_path / "real" / "content").read_text() == "old"


def test_missing_folders_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "file", "new")
    assert names(tmp_path) == ["a", "a/b", "a/b/file"]


def fill_the_disk(aside: Path) -> None:
    aside.write_text("half of")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def give_up(aside: Path) -> None:
    aside.write_text("half of")
    raise InputError("the caller's fault")


def interrupt(aside: Path) -> None:
    aside.write_text("half of")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (fill_the_disk, OutputError, r"Expected to write .*, but no space left on device\. .*free"),
        (give_up, InputError, r"^the caller's fault$"),
        (interrupt, KeyboardInterrupt, r"^$"),
        (lambda aside: None, OutputError, r"but no such file or directory"),
    ],
)
@pytest.mark.parametrize("target", ["file", "a/b/file"])
def test_body_that_fails_leaves_nothing(tmp_path, target, body, error, message):
    with pytest.raises(error, match=message), written_aside(tmp_path / target) as aside:
        body(aside)
    assert names(tmp_path) == []


def test_body_that_fails_leaves_the_older_file_as_it_was(tmp_path):
    write(tmp_path / "file", "old")
    with pytest.raises(OutputError), written_aside(tmp_path / "file") as aside:
        fill_the_disk(aside)
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("error", "told", "message"),
    [
        (OSError(errno.EIO, os.strerror(errno.EIO)), OutputError, "input/output error"),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
    ],
)
def test_folder_that_cannot_be_put_in_place_gives_the_older_one_back(
    tmp_path, monkeypatch, error, told, message
):
    write_folder(tmp_path / "folder", "old")
    rename = Path.rename

    def only_away(path, target):
        if path.name == "folder" and path.parent != tmp_path:
            raise error
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", only_away)
    with pytest.raises(told, match=message):
        write_folder(tmp_path / "folder", "new")
    assert (tmp_path / "folder" / "content").read_text() == "old"
    assert names(tmp_path) == ["folder", "folder/content"]


def test_folder_made_by_others_meanwhile_stays(tmp_path):
    def work(aside):
        (tmp_path / "a" / "of-others").write_text("")
        give_up(aside)

    with pytest.raises(InputError), written_aside(tmp_path / "a" / "file") as aside:
        work(aside)
    assert names(tmp_path) == ["a", "a/of-others"]


def test_no_permission_is_an_output_error(tmp_path, no_permission):
    for target in ("file", "a/b/file"):
        with pytest.raises(OutputError, match=r"but permission denied\. .*you may write to"):
            write(tmp_path / target, "new")
    assert names(tmp_path) == []


def test_place_that_may_not_be_looked_at_is_an_output_error(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(OutputError, match="but permission denied"):
        write(tmp_path / "file", "new")


def test_name_that_is_too_long_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="but file name too long"):
        write(tmp_path / ("n" * 300), "new")


def test_file_in_the_place_of_a_folder_is_an_output_error(tmp_path):
    write(tmp_path / "file", "old")
    with pytest.raises(OutputError, match=r"Expected to write .*file.x, but"):
        write(tmp_path / "file" / "x", "new")
    assert (tmp_path / "file").read_text() == "old"


def test_something_else_at_the_target_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"not ours to replace\. Choose another place, or move"):
        write(tmp_path / "folder", "new")
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("target", [".", ".."])
def test_folder_in_use_is_no_target(tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=r"ends in a name; got \.+, a folder in use\. Give"):
        write_folder(Path(target), "new")
    assert names(tmp_path) == []


@pytest.mark.parametrize("place", ["file", "a/b/file", None])
def test_scratch_is_gone_in_the_end_come_what_may(tmp_path, place):
    target = None if place is None else tmp_path / place
    with scratch_beside(target) as folder:
        (folder / "part").write_text("half")
        assert place is None or folder.parent == target.parent
    assert not folder.exists()
    with pytest.raises(OutputError, match="no space left"), scratch_beside(target) as folder:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not folder.exists()
    assert names(tmp_path) == []
