"""Finding, checking and fetching a file: every place it may be at, and every way to fail."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from alad.datasets import arrhythmia, kdd99
from alad.datasets._files import RemoteFile, data_dir, find
from alad.errors import DataSetError

SHIPPED = [kdd99.TEN_PERCENT, arrhythmia.FILE]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of the user's data sets."""
    monkeypatch.setenv("ALAD_DATA", str(tmp_path))
    return tmp_path / "some-set"


def remote(content: bytes, *urls: str) -> RemoteFile:
    return RemoteFile("some-set", "some.gz", hashlib.sha256(content).hexdigest(), urls)


def published(folder: Path, content: bytes) -> str:
    path = folder / "published.gz"
    path.write_bytes(content)
    return path.as_uri()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_shipped_copy_is_found_without_a_cache(cache, file):
    assert find(file).name == file.name
    assert not data_dir(file.folder).exists()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_cache_goes_before_the_shipped_copy(cache, file):
    copy = cache.parent / file.folder / file.name
    copy.parent.mkdir()
    copy.write_bytes(find(file).read_bytes())
    assert find(file) == copy


def test_cache_defaults_to_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("ALAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data_dir("kdd99") == tmp_path / "alad" / "kdd99"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert data_dir("kdd99") == Path.home() / ".cache" / "alad" / "kdd99"


def test_wrong_digest_names_both_digests_and_the_remedy(cache):
    cache.mkdir()
    file = remote(b"the file")
    (cache / file.name).write_bytes(b"not the file")
    with pytest.raises(DataSetError) as caught:
        find(file)
    message = str(caught.value)
    assert file.sha256 in message
    assert hashlib.sha256(b"not the file").hexdigest() in message
    assert "delete it" in message


def test_fetched_file_lands_in_the_cache_and_nothing_else_does(cache, tmp_path):
    file = remote(b"right", (tmp_path / "absent").as_uri(), published(tmp_path, b"right"))
    assert find(file) == cache / "some.gz"
    assert [path.name for path in cache.iterdir()] == ["some.gz"]
    assert find(replace(file, urls=())).read_bytes() == b"right"


def test_damaged_download_is_refused_and_leaves_nothing(cache, tmp_path):
    file = replace(remote(b"right"), urls=(published(tmp_path, b"wrong"),))
    with pytest.raises(DataSetError, match=r"(?s)Expected some\.gz in .*got file:.*by hand"):
        find(file)
    assert list(cache.iterdir()) == []


def test_file_without_an_address_says_where_to_put_it(cache):
    with pytest.raises(DataSetError, match=r"got no address\. Put the file there.*holds some-set/"):
        find(remote(b"x"))
    assert not cache.exists()


def test_unwritable_cache_is_a_data_set_error(tmp_path, monkeypatch):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("ALAD_DATA", str(blocked))
    with pytest.raises(DataSetError, match="set ALAD_DATA"):
        find(remote(b"x", published(tmp_path, b"x")))
