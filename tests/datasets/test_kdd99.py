"""KDD Cup 1999: known counts, the four protocols, and every way a file can be wrong."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from alad.datasets import Split, kdd99
from alad.datasets._files import data_dir
from alad.errors import DataSetError, InputError

LINE = b",".join([b"0", b"tcp", b"http", b"SF", *[b"0"] * 37, b"normal."]) + b"\n"


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return kdd99.load()


@pytest.fixture(scope="module")
def paper() -> Split:
    return kdd99.split(kdd99.PROTOCOLS["paper"])


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
    if not (data_dir("kdd99") / kdd99.CORRECTED.name).is_file():
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
    assert paper.kind_test[:1000].tolist() == frame["label"].gather(picked).to_list()
    assert paper.feature_names == names
    np.testing.assert_array_equal(paper.is_categorical, is_categorical)


def test_talk_is_the_paper_with_its_own_share_flagged(paper):
    talk = kdd99.PROTOCOLS["talk"]
    assert talk.flagged == 0.1982
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
    assert set(data.kind_test[~data.y_test]) == {"normal"}
    assert "normal" not in data.kind_test[data.y_test]
    assert data.y_test.sum() == 98_805 - 19_353


def test_the_rows_are_those_of_the_stored_results(paper):
    """The digest is of the rows that the stored results were made with."""
    rows = np.concatenate([paper.rows_train, paper.rows_valid, paper.rows_test]).astype("<i8")
    digest = hashlib.sha256(rows.tobytes()).hexdigest()
    assert digest == "b00a946462dee768cb353a31f2079946b1c7ad780e24448adb542e092577e1e4"


@pytest.mark.parametrize(
    "change", [{"test_size": 0.0}, {"valid_size": 1.0}, {"test_anomaly_cap": 1.0}, {"anomaly": "x"}]
)
def test_impossible_protocol_is_refused(change):
    expected = r"Expected a protocol with 0 < test_size < 1.*'normal' or 'attack'.*paper"
    with pytest.raises(InputError, match=expected):
        kdd99.split(replace(kdd99.PROTOCOLS["paper"], **change))


# -------------------------------------------------------------------------------- file


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
