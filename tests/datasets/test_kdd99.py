"""KDD Cup 1999: known counts, the four protocols, and every way a file can be wrong."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad.datasets import kdd99
from alad.errors import DataSetError, InputError

LINE = b",".join([b"0", b"tcp", b"http", b"SF", *[b"0"] * 37, b"normal."]) + b"\n"


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return kdd99.load()


@pytest.fixture(scope="module")
def paper() -> kdd99.Split:
    return kdd99.split(kdd99.PROTOCOLS["paper"])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of the user's data sets."""
    monkeypatch.setenv("ALAD_DATA", str(tmp_path))
    return tmp_path / "kdd99"


def remote(content: bytes, *urls: str) -> kdd99.RemoteFile:
    return kdd99.RemoteFile("some.gz", hashlib.sha256(content).hexdigest(), urls)


def published(folder: Path, content: bytes) -> str:
    path = folder / "published.gz"
    path.write_bytes(content)
    return path.as_uri()


# ----------------------------------------------------------------------------- content


def test_ten_percent_file_has_the_known_counts(frame):
    assert frame.shape == (494_021, 42)
    counts = dict(frame["label"].value_counts().iter_rows())
    assert len(counts) == 23
    assert (counts["normal"], counts["smurf"], counts["neptune"]) == (97_278, 280_790, 107_201)


def test_numbers_are_float_and_categories_are_text(frame):
    assert frame.columns == [*kdd99.COLUMNS, "label"]
    assert (len(kdd99.NUMERIC), len(kdd99.CATEGORICAL)) == (34, 7)
    assert {frame[name].dtype for name in kdd99.NUMERIC} == {pl.Float64()}
    assert {frame[name].dtype for name in (*kdd99.CATEGORICAL, "label")} == {pl.String()}
    assert frame["src_bytes"].max() == 693_375_640


def test_encoding_has_121_features_numbers_first(frame):
    x, names, is_categorical = kdd99.encode(frame)
    assert x.shape == (494_021, 121)
    assert x.dtype == np.float32
    assert len(set(names)) == 121
    assert is_categorical.tolist() == [False] * 34 + [True] * 87
    assert set(np.unique(x[:, is_categorical])) == {0.0, 1.0}
    assert (x[:, is_categorical].sum(axis=1) == 7).all()
    np.testing.assert_array_equal(x[:, names.index("dst_bytes")], frame["dst_bytes"].to_numpy())
    http = (frame["service"] == "http").to_numpy()
    np.testing.assert_array_equal(x[:, names.index("service=http")] == 1, http)


def test_corrected_file_has_the_known_counts():
    if not (kdd99._data_dir() / kdd99.CORRECTED.name).is_file():
        pytest.skip("corrected.gz is not in ALAD_DATA")
    frame = kdd99.load(kdd99.CORRECTED)
    assert frame.height == 311_029
    assert (frame["label"] == "normal").sum() == 60_593


# --------------------------------------------------------------------------- protocols


def test_paper_split_has_80_20_rows_and_no_anomaly_outside_the_test(paper, frame):
    normal = (frame["label"] == "normal").to_numpy()
    assert len(paper.x_test) == 98_805
    assert (len(paper.x_train), len(paper.x_valid)) == (237_907, 79_384)
    assert not normal[paper.rows_train].any()
    assert not normal[paper.rows_valid].any()
    np.testing.assert_array_equal(paper.y_test, normal[paper.rows_test])
    assert paper.y_test.sum() == 19_353


def test_paper_split_is_disjoint_and_loses_only_normal_rows(paper):
    rows = np.concatenate([paper.rows_train, paper.rows_valid, paper.rows_test])
    assert len(np.unique(rows)) == len(rows)
    dropped = 494_021 - len(rows)
    assert dropped == 97_278 - paper.y_test.sum()


def test_split_rows_hold_the_encoded_rows_and_labels(paper, frame):
    picked = paper.rows_test[:1000]
    x, names, is_categorical = kdd99.encode(frame)
    np.testing.assert_array_equal(paper.x_test[:1000], x[picked])
    np.testing.assert_array_equal(paper.x_train[:1000], x[paper.rows_train[:1000]])
    assert paper.attack_test[:1000].tolist() == frame["label"].gather(picked).to_list()
    assert paper.feature_names == names
    np.testing.assert_array_equal(paper.is_categorical, is_categorical)


def test_talk_is_the_paper_with_the_true_share_flagged(paper):
    talk = kdd99.PROTOCOLS["talk"]
    assert talk.flagged is None
    assert paper.protocol.flagged == 0.20
    assert replace(talk, name="", source="", flagged=0.20) == replace(
        paper.protocol, name="", source=""
    )


def test_released_code_halves_the_rows_and_drops_no_anomaly_from_the_test():
    data = kdd99.split(kdd99.PROTOCOLS["released-code"])
    assert (len(data.x_valid), len(data.x_test)) == (0, 247_011)
    assert data.x_valid.shape[1] == 121
    assert len(data.x_train) == 198_382
    assert data.y_test.mean() == pytest.approx(0.197, abs=5e-4)


def test_corrected_labels_trains_on_normal_rows():
    data = kdd99.split(kdd99.PROTOCOLS["corrected-labels"])
    assert (len(data.x_train), len(data.x_valid)) == (58_505, 19_420)
    assert set(data.attack_test[~data.y_test]) == {"normal"}
    assert "normal" not in data.attack_test[data.y_test]
    assert data.y_test.sum() == 98_805 - 19_353


def test_anomalies_can_be_capped_or_kept():
    anomalous = np.arange(1000) % 2 == 0
    capped = replace(kdd99.PROTOCOLS["released-code"], test_anomaly_cap=0.20)
    _, _, test = kdd99._divide(anomalous, capped, 0)
    share = anomalous[test].mean()
    assert 0.19 < share <= 0.20
    whole = 1000 - len(kdd99._divide(anomalous, replace(capped, test_anomaly_cap=None), 0)[2])
    assert whole == 500
    kept = replace(capped, keep_anomalies_in_train=True)
    assert anomalous[kdd99._divide(anomalous, kept, 0)[0]].any()
    assert not anomalous[kdd99._divide(anomalous, capped, 0)[0]].any()


def test_seed_and_protocol_decide_the_split_and_its_fingerprint(paper):
    anomalous = np.arange(1000) % 5 == 0
    first, again = (kdd99._divide(anomalous, paper.protocol, 1)[2] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(kdd99._divide(anomalous, paper.protocol, 2)[2])
    made = kdd99._fingerprint
    marks = {made(kdd99.TEN_PERCENT, p, s) for p in kdd99.PROTOCOLS.values() for s in (42, 43)}
    assert len(marks) == 8
    assert paper.fingerprint == made(kdd99.TEN_PERCENT, paper.protocol, 42)


@pytest.mark.parametrize(
    "change", [{"test_size": 0.0}, {"valid_size": 1.0}, {"test_anomaly_cap": 1.0}, {"anomaly": "x"}]
)
def test_impossible_protocol_is_refused(change):
    with pytest.raises(InputError, match=r"Expected a protocol with 0 < test_size < 1.*paper"):
        kdd99.split(replace(kdd99.PROTOCOLS["paper"], **change))


# -------------------------------------------------------------------------------- file


def test_shipped_copy_is_found_without_a_cache(cache):
    path = kdd99.find()
    assert path.name == "kddcup.data_10_percent.gz"
    assert not cache.exists()


def test_cache_goes_before_the_shipped_copy(cache):
    cache.mkdir()
    copy = cache / kdd99.TEN_PERCENT.name
    copy.write_bytes(kdd99.find().read_bytes())
    assert kdd99.find() == copy


def test_cache_defaults_to_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("ALAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kdd99._data_dir() == tmp_path / "alad" / "kdd99"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert kdd99._data_dir() == Path.home() / ".cache" / "alad" / "kdd99"


def test_wrong_digest_names_both_digests_and_the_remedy(cache):
    cache.mkdir()
    (cache / kdd99.TEN_PERCENT.name).write_bytes(b"not the file")
    with pytest.raises(DataSetError) as caught:
        kdd99.load()
    message = str(caught.value)
    assert kdd99.TEN_PERCENT.sha256 in message
    assert hashlib.sha256(b"not the file").hexdigest() in message
    assert "delete it" in message


def test_fetched_file_lands_in_the_cache_and_nothing_else_does(cache, tmp_path):
    content = gzip.compress(LINE * 3)
    file = remote(content, (tmp_path / "absent").as_uri(), published(tmp_path, content))
    assert kdd99.find(file) == cache / "some.gz"
    assert [path.name for path in cache.iterdir()] == ["some.gz"]
    assert kdd99.load(file).height == 3


def test_damaged_download_is_refused_and_leaves_nothing(cache, tmp_path):
    file = replace(remote(b"right"), urls=(published(tmp_path, b"wrong"),))
    with pytest.raises(DataSetError, match=r"(?s)Expected some\.gz in .*got file:.*by hand"):
        kdd99.find(file)
    assert list(cache.iterdir()) == []


def test_unwritable_cache_is_a_data_set_error(tmp_path, monkeypatch):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("ALAD_DATA", str(blocked))
    with pytest.raises(DataSetError, match="set ALAD_DATA"):
        kdd99.find(remote(b"x", published(tmp_path, b"x")))


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(LINE * 1000)[:-20],
        gzip.compress(b"1,2,3\n"),
        gzip.compress(b""),
        gzip.compress(LINE.replace(b"SF,0", b"SF,many")),
        b"\x1f\x8b but not gzip",
    ],
    ids=["truncated", "three fields", "empty", "text for a number", "no gzip"],
)
def test_damaged_content_is_a_data_set_error(tmp_path, content):
    path = tmp_path / "damaged.gz"
    path.write_bytes(content)
    with pytest.raises(DataSetError, match=r"damaged\.gz.*fetched again"):
        kdd99.read(path)


def test_line_that_lacks_fields_is_named(tmp_path):
    path = tmp_path / "short.csv"
    path.write_bytes(LINE + LINE.replace(b"tcp", b"") + LINE)
    with pytest.raises(DataSetError, match="line 2"):
        kdd99.read(path)
