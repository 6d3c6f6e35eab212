"""CIFAR-10 and SVHN: releases and sheets, made small, read and proved; protocols; digests."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import scipy.io
from PIL import Image

from alad.datasets import DATA_SETS, _pictures, cifar10, svhn
from alad.datasets._pictures import Pictures
from alad.errors import DataSetError, InputError

RNG = np.random.default_rng(0)
SHEET = RNG.integers(0, 256, (10_000, 32, 32, 3)).astype(np.uint8)


def sha256(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


def as_sheet(x):
    return x.reshape(100, 100, 32, 32, 3).transpose(0, 2, 1, 3, 4).reshape(3200, 3200, 3)


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    path = tmp_path_factory.mktemp("sheet") / "s.png"  # quicker to write than WebP
    Image.fromarray(as_sheet(SHEET)).save(path, compress_level=0)
    return path


def test_a_sheet_is_cut_row_by_row_and_proved(sheet):
    assert np.array_equal(_pictures.read_sheet(sheet, sha256(SHEET)), SHEET)
    with pytest.raises(DataSetError, match="to have SHA-256 00; got"):
        _pictures.read_sheet(sheet, "00")


def test_a_damaged_sheet_is_refused(tmp_path):
    (tmp_path / "s.webp").write_bytes(b"RIFF")
    with pytest.raises(DataSetError, match="it cannot be read so"):
        _pictures.read_sheet(tmp_path / "s.webp", "00")
    Image.new("RGB", (32, 32)).save(tmp_path / "small.png")
    with pytest.raises(DataSetError, match="to be a sheet of 100 x 100 pictures"):
        _pictures.read_sheet(tmp_path / "small.png", "00")


def test_labels_are_proved(tmp_path):
    label = np.arange(10, dtype=np.uint8)
    path = tmp_path / "labels.npz"
    np.savez(path, a=label)
    assert _pictures.read_labels(path, {"a": sha256(label)})["a"].tolist() == list(range(10))
    with pytest.raises(DataSetError, match="to have SHA-256 00"):
        _pictures.read_labels(path, {"a": "00"})
    with pytest.raises(DataSetError, match="to hold b; got a"):
        _pictures.read_labels(path, {"b": "00"})
    path.write_bytes(b"damaged")
    with pytest.raises(DataSetError, match="to hold the labels"):
        _pictures.read_labels(path, {})


def test_cifar10s_release_is_read_channel_by_channel(tmp_path):
    x, label = RNG.integers(0, 256, (12, 32, 32, 3)).astype(np.uint8), np.arange(12) % 10
    path = tmp_path / "release.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for i, sheet in enumerate(cifar10.SHEETS):
            rows = slice(2 * i, 2 * i + 2)
            records = np.column_stack(
                [label[rows], x[rows].transpose(0, 3, 1, 2).reshape(2, -1)]
            ).astype(np.uint8)
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{sheet.name}.bin")
            member.size = records.nbytes
            archive.addfile(member, io.BytesIO(records.tobytes()))
    found = cifar10.read_release(path)
    assert np.array_equal(found.x, x)
    assert np.array_equal(found.label, label)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataSetError, match="release for C programs; it cannot be read so"):
        cifar10.read_release(path)


def pickled(x, label):
    """A batch as Python 2 pickled it, instruction by instruction."""
    pixels = x.transpose(0, 3, 1, 2).tobytes()
    return b"".join(
        [
            b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x05testsq\x03U\x06labelsq\x04]q\x05(",
            *(b"K" + bytes([one]) for one in label),
            b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08",
            b"K\x00\x85U\x01b\x87Rq\x09(K\x01K" + bytes([len(x)]) + b"M\x00\x0c\x86",
            b"cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff",
            b"J\xff\xff\xff\xffK\x00tb\x89T" + len(pixels).to_bytes(4, "little") + pixels,
            b"tbU\x09filenamesq\x0b]q\x0c(U\x05a.pngU\x05b.pngeu.",
        ]
    )


def again_pickled(x, label):
    rows = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
    return pickle.dumps({b"data": rows, b"labels": label.tolist()}, protocol=2)


@pytest.mark.parametrize("written", [pickled, again_pickled])
def test_cifar10s_release_for_python_is_read_and_not_run(tmp_path, monkeypatch, written):
    def batches(of):
        with tarfile.open(path, "w:gz") as archive:
            for i, sheet in enumerate(cifar10.SHEETS):
                member = tarfile.TarInfo(f"cifar-10-batches-py/{sheet.name}")
                member.size = len(content := of(slice(2 * i, 2 * i + 2)))
                archive.addfile(member, io.BytesIO(content))

    monkeypatch.setenv("ALAD_DATA", str(tmp_path))
    x, label = RNG.integers(0, 256, (12, 32, 32, 3)).astype(np.uint8), np.arange(12) % 10
    path = tmp_path / "cifar10" / "cifar-10-python.tar.gz"
    path.parent.mkdir()
    batches(lambda rows: written(x[rows], label[rows]))
    cifar10.load.cache_clear()
    with pytest.raises(DataSetError, match="to have SHA-256 6d958be"):
        cifar10.load()
    proof = replace(cifar10.FOR_PYTHON, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(cifar10, "FOR_PYTHON", proof)
    with mock.patch("pickle.Unpickler", side_effect=AssertionError):
        found = cifar10.load()
    assert np.array_equal(found.x, x)
    assert np.array_equal(found.label, label)
    cifar10.load.cache_clear()
    for spoil, why in (
        (lambda rows: written(x[rows], label[rows][:1]), "2 pictures have 1 labels"),
        (lambda rows: written(x[rows], label[rows])[:-40], "cannot be read so"),
        (lambda rows: b"no pickle", "cannot be read so"),
    ):
        batches(spoil)
        with pytest.raises(DataSetError, match=why):
            cifar10.read_release_for_python(path)


def test_svhns_release_is_read_and_its_ten_is_a_zero(tmp_path):
    x = RNG.integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    path = tmp_path / "test_32x32.mat"
    scipy.io.savemat(path, {"X": x.transpose(1, 2, 3, 0), "y": np.array([[10], [1], [9]])})
    found = svhn.read_release(path)
    assert np.array_equal(found.x, x)
    assert found.label.tolist() == [0, 1, 9]
    scipy.io.savemat(path, {"X": x.transpose(1, 2, 3, 0), "y": np.array([[10], [1]])})
    with pytest.raises(DataSetError, match=r"X is uint8 \(3, 32, 32, 3\), y is of 2"):
        svhn.read_release(path)
    path.write_bytes(b"damaged")
    with pytest.raises(DataSetError, match="to hold X, pictures of 32 x 32 pixels"):
        svhn.read_release(path)


def test_sheets_are_read_without_what_came_by_way_of_jpeg(tmp_path, sheet, monkeypatch):
    label = (np.arange(10_000) % 10).astype(np.uint8)
    exact = np.arange(10_000) >= 4
    one = cifar10.Sheet("batch", sha256(SHEET), sha256(label), sha256(exact))
    monkeypatch.setattr(cifar10, "SHEETS", (one,))
    (tmp_path / "batch.webp").write_bytes(sheet.read_bytes())
    np.savez(tmp_path / "labels.npz", batch_labels=label, batch_pixel_exact=exact)
    found = cifar10.read_sheets(tmp_path)
    assert np.array_equal(found.x, SHEET[4:])
    assert np.array_equal(found.label, label[4:])
    assert "without the 4 pictures" in found.source


def test_each_class_is_the_normal_one_in_turn(monkeypatch):
    label = np.arange(200) % 10
    x = np.broadcast_to(label.astype(np.uint8)[:, None, None, None], (200, 32, 32, 3))
    monkeypatch.setattr(cifar10, "load", lambda: Pictures(x, label, "digest", "made up"))
    assert list(DATA_SETS["cifar10"].protocols) == list(cifar10.CLASSES)
    split = cifar10.split(cifar10.PROTOCOLS["cat"])
    assert (split.x_train == 3).all()
    assert (split.x_valid == 3).all()
    assert len(split.x_test) == 40
    assert np.array_equal(split.y_test, split.x_test[:, 0, 0, 0] != 3)
    assert np.array_equal(split.kind_test == "cat", ~split.y_test)
    assert len(split.x_train) + len(split.x_valid) + (~split.y_test).sum() == 20
    other = cifar10.split(cifar10.PROTOCOLS["dog"])
    assert other.fingerprint != split.fingerprint
    assert np.array_equal(other.rows_test, split.rows_test)
    with pytest.raises(InputError, match="Expected a protocol"):
        cifar10.split(svhn.PROTOCOLS["3"])


def test_nothing_is_fetched_where_the_sheets_are(tmp_path, monkeypatch):
    monkeypatch.setenv("ALAD_DATA", str(tmp_path))
    (tmp_path / "svhn").mkdir()
    (tmp_path / "svhn" / svhn.SHEET).write_bytes(b"")
    svhn.load.cache_clear()
    with pytest.raises(DataSetError, match=r"labels\.npz to hold the labels of the sheets"):
        svhn.load()


@pytest.mark.parametrize("place", ["cifar10/cifar-10-batches-py", "cifar-10-batches-py"])
def test_a_release_that_was_unpacked_is_not_read_and_the_archive_is_named(
    tmp_path, monkeypatch, place
):
    monkeypatch.setenv("ALAD_DATA", str(tmp_path))
    absent = replace(cifar10.RELEASE, urls=((tmp_path / "absent").as_uri(),))
    monkeypatch.setattr(cifar10, "RELEASE", absent)
    cifar10.load.cache_clear()
    with pytest.raises(DataSetError, match=r"Expected cifar-10-binary\.tar\.gz in .*; got file:"):
        cifar10.load()
    (tmp_path / place).mkdir(parents=True)
    message = (
        rf"Expected cifar-10-binary\.tar\.gz or cifar-10-python\.tar\.gz in .* got .*{place}, "
    )
    with pytest.raises(DataSetError, match=message):
        cifar10.load()
