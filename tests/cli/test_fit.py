"""``alad fit``: from a table to a model, and what is said about a table that will not do."""

from __future__ import annotations

import gzip
import json
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pyarrow.feather
import pyarrow.parquet
import pytest

from alad import ALAD, Mahalanobis, load
from alad.cli import streaming
from alad.cli.fit import Detector, Precision, Preset, Scaling, Score
from alad.errors import OutputError
from alad.estimators import DETECTORS, AbstractDetector, NetworkDetector
from alad.networks import PICTURE_PRESETS, PRESETS
from alad.networks.weights import Precision as OfProducts
from alad.preprocessing.scaling import SCALINGS

EVERY_ROW = ("--calibration-share", 0)  # what is held out is in test_calibrating.py
SHALLOW = ("--detector", "mahalanobis", *EVERY_ROW)
TO_NEW = ("-o", "new", *SHALLOW)


def give(content: str | bytes, name: str = "table.csv") -> str:
    """Write a table as it stands."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def values(choices: type[StrEnum]) -> list[str]:
    return [choice.value for choice in choices]


def test_choices_are_those_of_the_library():
    assert values(Detector) == [name.lower() for name in DETECTORS]
    networks = [cls for cls in DETECTORS.values() if issubclass(cls, NetworkDetector)]
    assert values(Preset) == list(PRESETS | PICTURE_PRESETS)
    assert all(list(cls.presets) in (list(PRESETS), values(Preset)) for cls in networks)
    assert values(Score) == list(dict.fromkeys(score for cls in networks for score in cls.scores))
    assert values(Scaling) == list(SCALINGS)
    assert values(Precision) == list(get_args(OfProducts))


# --------------------------------------------------------------------------- what it does


@pytest.mark.parametrize("table", ["train.csv", "train.parquet"])
def test_model_is_the_librarys(alad, train, table):
    alad.good("fit", table, *TO_NEW, "--contamination", "0.05", "--scaling", "minmax")
    ours = Mahalanobis(scaling="minmax", contamination=0.05, random_state=0).fit(train)
    read = load("new")
    assert read.get_params() == ours.get_params()
    assert read.offset_ == ours.offset_
    np.testing.assert_array_equal(read.score_samples(train), ours.score_samples(train))


def test_summary_as_text(alad):
    done = alad.good("fit", "train.csv", *TO_NEW)
    first, second, third, fourth = done.out.splitlines()
    assert first.startswith("Fitted Mahalanobis on 200 rows, 3 columns -> 4 features, in ")
    offset = load("new").offset_
    assert second == (f"Threshold {-offset:.6g} (offset {offset:.6g}): flags 1.00% of these rows.")
    assert third.startswith("Not calibrated: it was switched off. --calibration FILE gives")
    assert fourth == "Saved: new"
    assert done.err == ""


def test_summary_as_json_is_one_object(alad, train):
    done = alad.good("fit", "train.csv", *TO_NEW, "--json", "--seed", 3)
    said = json.loads(done.out)
    seconds, offset = said.pop("seconds"), load("new").offset_
    assert seconds >= 0
    assert said == {
        "detector": "Mahalanobis",
        "rows": 200,
        "columns": 3,
        "features": 4,
        "constant_columns": [],
        "left_out_columns": {},
        "doubtful_columns": {},
        "unlearned_times": {},
        "missing_values": {},
        "missing_marks": {},
        "epochs": None,
        "losses": None,
        "offset": offset,
        "threshold": -offset,
        "share_flagged": 0.01,
        "seed": 3,
        "calibration": {
            "rows": 0,
            "rows_kept": 0,
            "smallest_p": None,
            "from": None,
            "why_not": "it was switched off",
        },
        "empty_files": [],
        "keys_of_folders": [],
        "bad_lines": None,
        "late_keys": [],
        "widest_column": {},
        "odd_values": {},
        "out": "new",
    }


@pytest.mark.parametrize(
    ("name", "separator", "pack"),
    [("t.tsv", "\t", bytes), ("t.csv.gz", ",", gzip.compress), ("T.CSV", ",", bytes)],
)
def test_text_tables_of_every_name(alad, train, name, separator, pack):
    give(pack(train.write_csv(separator=separator).encode()), name)
    alad.good("fit", name, *TO_NEW)
    alad.good("fit", "train.csv", "-o", "plain", *SHALLOW)
    assert load("new").offset_ == load("plain").offset_


def test_standard_input_is_csv(alad):
    alad.good("fit", "-", *TO_NEW, stdin=Path("train.csv").read_bytes())
    alad.good("fit", "train.csv", "-o", "plain", *SHALLOW)
    assert load("new").offset_ == load("plain").offset_
    alad.refused(r"Expected a table in standard input; it is empty\..*", "fit", "-", "-o", "x")


def test_byte_order_mark_is_no_part_of_a_name(alad):
    alad.good("fit", give(b"\xef\xbb\xbfa,b\n1,2\n2,4\n3,3\n"), *TO_NEW)
    assert load("new").feature_names_in_.tolist() == ["a", "b"]


def test_a_column_that_makes_most_of_the_features_is_pointed_at(alad):
    names = [f"n{i % 150}" for i in range(900)]
    frame = pl.DataFrame({"who": names, "kind": ["a", "b", "c"] * 300})
    frame.with_columns(n=pl.int_range(900) % 7).write_csv("t.csv")
    done = alad.good("fit", "t.csv", *TO_NEW)
    assert "note: makes most of the features" in done.err
    assert "who (150 of 154)" in done.err
    assert "makes most" not in alad.good("fit", "t.csv", *TO_NEW, "--drop", "who").err


def test_dropped_column_is_not_learned(alad):
    alad.good("fit", "train.csv", *TO_NEW, "--drop", "proto", "--drop", "count")
    assert load("new").feature_names_in_.tolist() == ["bytes"]


def test_one_column_is_enough(alad):
    alad.good("fit", give("a\n1\n2\n3\n5\n"), *TO_NEW)
    assert load("new").n_features_in_ == 1


def test_no_threshold_is_below_nought_by_its_sign_alone(alad, train):
    pl.concat([train.head(20)] * 10).write_csv("t.csv")
    done = alad.good("fit", "t.csv", "-o", "m", "--detector", "knn", "--calibration-share", 0)
    assert "Threshold 0 (offset 0)" in done.out
    assert "(threshold of anomaly_score: 0)" in alad.good("info", "m").out


def test_labels_running_numbers_and_identifiers_are_pointed_at(alad, train):
    ids = 76561198000000001 + pl.int_range(200).shuffle(0)
    train.with_columns(n=pl.int_range(200), user=ids, label=pl.lit(0)).write_csv("t.csv")
    done = alad.good("fit", "t.csv", "-o", "m", "--detector", "mahalanobis")
    told = next(line for line in done.err.splitlines() if "perhaps" in line)
    assert "n (grows from row to row: a number of the row, or a time?)" in told
    assert "user (names rows, and measures nothing: whole numbers up to " in done.err
    assert "user" not in told
    of_label = "if it is one, give it the role label, since any other value may count as strange)"
    assert f"label (named like a label: {of_label}" in told
    assert (
        "note: constant columns, of which any other value may count as strange: label\n" in done.err
    )


def test_constant_columns_and_missing_values_are_allowed_and_named(alad):
    table = give("a,b,c,d\n1,7,x,\n2,7,,u\n,7,x,u\n3,7,y,\n")
    done = alad.good("fit", table, *TO_NEW)
    assert done.err == (
        "note: constant columns, of which any other value may count as strange: b\n"
        "note: missing values: d (2 rows), a (1 row), c (1 row)\n"
    )
    said = json.loads(alad.good("fit", table, *TO_NEW, "--json").out)
    assert said["constant_columns"] == ["b"]
    assert said["missing_values"] == {"a": 1, "c": 1, "d": 2}


def test_every_word_for_missing_is_missing(alad):
    words = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "?"]
    table = give("a,b\n" + "".join(f"{word},{i}\n" for i, word in enumerate(words)) + "5,9\n6,9\n")
    said = json.loads(alad.good("fit", table, *TO_NEW, "--json").out)
    assert said["missing_values"] == {"a": 8}


def test_stray_word_in_a_column_of_numbers_is_pointed_at(alad):
    rows = [*map(str, range(40)), "n.a.", "41"]
    done = alad.good("fit", give("\n".join(["a", *rows])), *TO_NEW)
    assert done.err == (
        "note: perhaps not what they are taken for: a (97.6% look like numbers, but not 'n.a.': "
        "kind numeric, if they count or measure and all are)\n"
    )


@pytest.mark.parametrize("kind", ["ocsvm", "isolationforest", "knn", "pca"])
def test_simple_detectors_are_fitted_too(alad, train, kind):
    options = ("-o", "new", "--detector", kind, *EVERY_ROW, "--json")
    said = json.loads(alad.good("fit", "train.csv", *options).out)
    read = load("new")
    assert type(read).__name__.lower() == said["detector"].lower() == kind
    assert (said["features"], said["epochs"]) == (4, None)
    assert said["share_flagged"] == (read.predict(train) == -1).mean() == 0.01


def test_older_model_is_replaced(alad, model):
    before = load(model).offset_
    alad.good("fit", "train.csv", "-o", model, *SHALLOW, "--contamination", "0.3")
    assert load(model).offset_ > before
    assert sorted(p.name for p in model.iterdir()) == ["model.json", "weights.safetensors"]


def test_alad_from_fit_to_scores(alad, train):
    """One training for all that needs a network; the later ones use its compiled programs."""
    settings = ("--leave-out-knots", "--epochs", 1, "--batch-size", 20, *EVERY_ROW)
    fit = ("fit", "train.csv", *settings, "--seed", 7)
    done = alad.good(*fit, "-o", "first", "--json", "--checkpoint", "runs/state")
    said = json.loads(done.out)
    assert (said["detector"], said["epochs"], said["seed"]) == ("ALAD", 1, 7)
    assert set(said["losses"]) == {"D", "A"}
    assert "training: epoch 1/1, losses D " in done.err
    assert Path("runs/state").is_file()

    text = alad.good(*fit, "-o", "again").out
    assert "Epochs: 1; losses of the last one: D " in text
    first = load("first")
    assert isinstance(first, ALAD)
    assert first.get_params()["batch_size"] == 20
    assert first.get_params()["leave_out_knots"]
    for name in ("first", "again"):
        alad.good("score", name, "train.parquet", "-o", f"{name}.parquet")
    scores = pl.read_parquet("first.parquet")
    assert scores.equals(pl.read_parquet("again.parquet"))
    np.testing.assert_array_equal(-scores["anomaly_score"].to_numpy(), first.score_samples(train))
    alad.good(*fit[:-1], 8, "-o", "other")
    assert load("other").offset_ != first.offset_

    facts = json.loads(alad.good("info", "first", "--json").out)
    assert (facts["detector"], facts["epochs"], facts["rows_at_fit"]) == ("ALAD", 1, 200)
    assert facts["losses"] == said["losses"]
    assert "last losses   D " in alad.good("info", "first").out

    other_run = r"The checkpoint runs.state belongs to another run: .*Choose another path, or .*"
    alad.refused(other_run, *fit[:-1], 8, "-o", "third", "--checkpoint", "runs/state")
    damaged = (
        r"Expected a checkpoint at train\.parquet, but it cannot be read .*Delete it to start .*"
    )
    alad.refused(damaged, *fit, "-o", "third", "--checkpoint", "train.parquet")
    none = json.loads(alad.good(*fit, "--epochs", 0, "-o", "none", "--json").out)
    assert (none["epochs"], none["losses"]) == (0, {})
    assert json.loads(alad.good("info", "none", "--json").out)["epochs"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "no model was written. With --checkpoint FILE a training can be gone on with."),
        (
            ("--checkpoint", "new-state"),
            "no model and no checkpoint was written yet; the same command starts again.",
        ),
        (("--checkpoint", "state"), "the same command goes on from the checkpoint state."),
    ],
)
def test_ctrl_c_in_a_training_says_how_to_go_on(alad, monkeypatch, options, said):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    Path("state").write_text("")
    monkeypatch.setattr(ALAD, "fit", stop)
    done = alad("fit", "train.csv", "-o", "new", *options)
    assert (done.code, done.out, done.err) == (130, "", f"stopped: {said}\n")
    assert not Path("new").exists()


# ------------------------------------------------------------------------ what it refuses

TABLES = {
    "empty": ("", r"Expected a table in table\.csv; it is empty\. Give a file with rows\."),
    "names only": (
        "a,b\n",
        r"Expected at least one row in table\.csv; got column names only\. Give a file with rows\.",
    ),
    "empty lines": ("a,b\n\n\n", r"Expected at least one row in table\.csv; .*"),
    "one row": (
        "a,b\n1,2\n",
        r"Expected at least 2 rows to learn from; got n_samples = 1\. Pass.*",
    ),
    "no names": (
        "1,2\n3,4\n",
        r"Expected column names in the first line of table\.csv; got numbers \('1', '2'\)\. Add .*",
    ),
    "a name missing": (
        ",b\n1,2\n3,4\n",
        r"Expected a name for every column of table\.csv; column 1 has none\. Name it; .*",
    ),
    "a name twice": (
        "a,a\n1,2\n3,4\n",
        r"Expected every column of table\.csv to have a name of its own; got 'a' more .*Rename .*",
    ),
    "nothing in any column": (
        "a,b\n,\n,NA\n",
        r"Expected at least one column to learn from; got none \('a': all values are missing; .*",
    ),
    "infinity": (
        "a,b\n1,2\n2,-inf\n",
        r"Expected finite numbers in column 'b'; got -inf in row 1 .*Correct the value, or .*",
    ),
    "beyond float32": ("a,b\n1,1e300\n2,3\n", r".* column 'b'; got 1e\+300 in row 0 .*Correct .*"),
    "a cell too many": (
        "a,b\n1,2\n3,4,5\n",
        r"Expected 2 values in every row of table\.csv, .*; got 3 in line 3, '3,4,5'\. Mend .*",
    ),
    "latin-1": (
        "a,b\n1,\xe9\n2,x\n".encode("latin-1"),
        r"Expected text in UTF-8 in column 'b' of table\.csv; got other bytes\. Save .* as UTF-8\.",
    ),
    "latin-1 name": (
        "a,\xe9\n1,2\n2,3\n".encode("latin-1"),
        r"Expected text in UTF-8 in table\.csv; got other bytes\. Save the file as UTF-8, or .*",
    ),
    "UTF-16": (
        "a,b\n1,2\n2,3\n".encode("utf-16"),
        r"Expected text in UTF-8 in table\.csv; got other bytes\. Save the file as UTF-8, or .*",
    ),
    "lines of an old Mac": ("a,b\r1,2\r3,4\r", r".*cannot be read: new-line character .*Check .*"),
    "a name without an end": ("a" * 140_000 + ",b\n1,2\n", r".*: field larger than field limit.*"),
}


@pytest.mark.parametrize("memory", ["2GiB", "64MiB"])
@pytest.mark.parametrize("row", [9, 27, 150, 299])
def test_row_of_an_error_is_that_of_the_table(alad, monkeypatch, row, memory):
    """A tenth is held out, so that the row has another number among those learned from."""
    monkeypatch.setattr(streaming, "WHOLE", 1 / 4 if memory == "2GiB" else 0)
    rows = [f"{i}.5,{i % 7}" for i in range(300)]
    rows[row] = "inf,1"
    message = rf"Expected finite numbers in column 'a'; got inf in row {row} [^)]*\)[^(]*"
    table = give("\n".join(["a,b", *rows]))
    for share in (0.1, 0.5, 0):
        options = ("--detector", "mahalanobis", "--calibration-share", share, "--memory", memory)
        alad.refused(message, "fit", table, "-o", "new", *options)


@pytest.mark.parametrize(("content", "message"), TABLES.values(), ids=TABLES.keys())
def test_table_that_will_not_do(alad, content, message):
    alad.refused(message, "fit", give(content), *TO_NEW)


FILES = {
    "absent": ("absent.csv", None, r"Expected a table at absent\.csv, but no such file.*Check .*"),
    "another ending": (
        "table.xlsx",
        b"",
        r"Expected a file named \.csv, \.tsv, .*or \.parquet; got table\.xlsx\. Convert .*",
    ),
    "no gzip": (
        "t.csv.gz",
        b"a,b\n1,2\n",
        r".*table in t\.csv\.gz; .*Not a gzipped file.*Check .*",
    ),
    "half a gzip": (
        "t.csv.gz",
        gzip.compress(b"a,b\n" + b"1,2\n" * 9999)[:-9],
        r".* t\.csv\.gz; it cannot be read: Compressed file ended before .*Check that .*complete.*",
    ),
    "empty parquet": ("t.parquet", b"", r".*in t\.parquet; it cannot be read: .*0 bytes.*Check .*"),
    "no parquet": ("t.parquet", b"a,b\n1,2\n" * 9, r".* t\.parquet; it cannot be read: .*magic.*"),
}


@pytest.mark.parametrize(("name", "content", "message"), FILES.values(), ids=FILES.keys())
def test_file_that_is_no_table(alad, name, content, message):
    if content is not None:
        give(content, name)
    alad.refused(message, "fit", name, *TO_NEW)


def test_half_a_parquet_file(alad):
    content = Path("train.parquet").read_bytes()
    give(content[: len(content) // 2], "half.parquet")
    alad.refused(r".*whole table in half\.parquet; .*Check that .*", "fit", "half.parquet", *TO_NEW)


def test_folder_in_the_place_of_a_table(alad):
    Path("t.csv").mkdir()
    Path("t.csv/a.png").touch()
    alad.refused(
        r"Expected a table for this --detector .* folder t\.csv\. .*", "fit", "t.csv", *TO_NEW
    )


@pytest.mark.parametrize("name", ["bytes.parquet", "bytes.arrow"])
def test_what_a_file_tells_beside_its_table_may_be_any_bytes(alad, train, name):
    told = train.to_arrow().replace_schema_metadata({b"alad": b"\xff\xfe"})
    if name.endswith("parquet"):
        pyarrow.parquet.write_table(told, name)
    else:
        pyarrow.feather.write_feather(told, name)
    alad.good("fit", name, *TO_NEW)
    alad.good("score", "new", name, "-o", "s.parquet")


def test_parquet_without_rows_or_with_nested_columns(alad):
    pl.DataFrame({"a": pl.Series([], dtype=pl.Float64)}).write_parquet("none.parquet")
    alad.refused(r"Expected at least one row in none\.parquet; .*", "fit", "none.parquet", *TO_NEW)
    pl.DataFrame({"a": [1, 2], "l": [[1], [2]]}).write_parquet("l.parquet")
    done = alad.good("fit", "l.parquet", *TO_NEW)
    assert "l (neither numbers nor text, but List(Int64): spread it" in done.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            (*SHALLOW, "--preset", "kdd99"),
            r"Expected no --preset with --detector mahalanobis, which does not use it\. Leave .*",
        ),
        ((*SHALLOW, "--anomaly-score", "l1"), r"Expected no --anomaly-score with .*"),
        ((*SHALLOW, "--leave-out-knots"), r"Expected no --leave-out-knots with .*"),
        ((*SHALLOW, "--precision", "bfloat16"), r"Expected no --precision with .*"),
        (
            ("--detector", "dagmm", "--precision", "bfloat16"),
            r"The 'precision' parameter of DAGMM must be one of 'float32'\. Got 'bfloat16' .*",
        ),
        ((*SHALLOW, "--epochs", 3), r"Expected no --epochs with --detector mahalanobis, .*"),
        ((*SHALLOW, "--checkpoint", "c"), r"Expected no --checkpoint with --detector mahal.*"),
        (
            (*SHALLOW, "--contamination", 0.7),
            r"The 'contamination' .* in \(0, 0\.5\]\. Got 0\.7 .*",
        ),
        ((*SHALLOW, "--contamination", "nan"), r"The 'contamination' .* Got nan instead\."),
        (("--seed", -1), r".*; invalid value for '--seed': .* greater than or equal to 0\."),
        (
            (*SHALLOW, "--seed", 2**32),
            r".*; invalid value for '--seed': .* less than or equal to 4294967295\.",
        ),
        (("--epochs", -1), r"The 'epochs' parameter of ALAD must be an int of at least 0 .* -1 .*"),
        (("--batch-size", 0), r"The 'batch_size' parameter of ALAD must be .* Got 0 instead\."),
        (("--learning-rate", 2), r"The 'learning_rate' parameter of ALAD must be .* Got 2\.0 .*"),
        (
            ("--detector", "bigan", "--anomaly-score", "features"),
            r"The score 'features' looks at D_xx, which BiGAN does not have\. .* 'distance', .*\.",
        ),
        (
            ("--detector", "gan", "--anomaly-score", "l1"),
            r"The 'anomaly_score' parameter of GAN must be one of 'density', .* Got 'l1' instead\.",
        ),
        (
            (*SHALLOW, "--drop", "label"),
            r"Expected columns of train\.csv after --drop; it has no 'label', but 'bytes', .*",
        ),
        (
            (*SHALLOW, *("--drop", "bytes"), *("--drop", "count"), *("--drop", "proto")),
            r"Expected at least one column to be left; got --drop for all of them\.",
        ),
    ],
)
def test_setting_that_will_not_do(alad, options, message):
    alad.refused(message, "fit", "train.csv", "-o", "new", *options)


# ------------------------------------------------------------------- where it cannot write


def never_trained(monkeypatch) -> None:
    """Fail if a training begins: what is known before it must be said before it."""

    def fit(*args, **kwargs):
        raise AssertionError("trained for nothing")

    monkeypatch.setattr(ALAD, "fit", fit)


@pytest.mark.parametrize("out", ["new", "a/b/new"])
def test_no_permission_is_said_before_the_training(alad, no_permission, monkeypatch, out):
    never_trained(monkeypatch)
    message = rf"Expected to write {out}, but permission denied\. Nothing was left .*choose .*"
    alad.refused(message, "fit", "train.csv", "-o", out, code=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "train.parquet"), r".* train\.parquet, but something else is there that is not .*"),
        (("-o", "."), r"Expected a path that ends in a name; got \., a folder in use\. Give .*"),
        (("-o", "train.csv/new"), r"Expected to write train\.csv/new, but .*"),
        (("-o", "n" * 300), r"Expected to write n*, but file name too long\. .*"),
        (
            ("-o", "new", "--checkpoint", "folder"),
            r"Expected to write folder, but something else.*",
        ),
        (("-o", "folder"), r"Expected to write folder, but something else .*Choose another .*"),
    ],
)
def test_place_that_cannot_be_written_is_named_before_the_training(
    alad, monkeypatch, options, message
):
    Path("folder").mkdir()
    give("", "folder/thesis.tex")
    never_trained(monkeypatch)
    alad.refused(message, "fit", "train.csv", *options, code=1)


@pytest.mark.parametrize("out", ["a/b/new", "model"])
def test_full_disk_leaves_nothing_half_written(alad, model, out):
    message = rf"Expected to write {out}, but file too large\. Nothing was left half-.*free some.*"
    alad.refused(message, "fit", "train.csv", "-o", out, *SHALLOW, code=1, disk_is_full=True)
    load(model)


def test_model_for_which_there_is_no_room_is_kept_among_what_is_temporary(
    alad, monkeypatch, tmp_path_factory
):
    room = tmp_path_factory.mktemp("room")
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    save = AbstractDetector.save

    def save_elsewhere(self, path):
        if room not in Path(path).parents:
            raise OutputError("Expected to write new, but no space left on device.")
        save(self, path)

    monkeypatch.setattr(AbstractDetector, "save", save_elsewhere)
    message = (
        rf".*no space left on device\. The model is not lost: it is at {room}/alad-\w+/new, .*"
    )
    alad.refused(message, "fit", "train.csv", "-o", "new", *SHALLOW, code=1)
    (folder,) = room.iterdir()
    assert load(folder / "new").n_features_in_ == 3
    assert folder.stat().st_mode & 0o077 == 0


def test_table_of_rows_that_are_all_alike_is_refused(alad):
    table = give("a,b\n" + "1,x\n" * 9)
    alad.refused(
        r"Expected a column whose values differ; .* of 'a', 'b'\. .*", "fit", table, *TO_NEW
    )


def test_numbers_among_which_is_a_word_are_not_left_out_in_silence(alad):
    table = give("a,b\noops,1\n" + "".join(f"{i}.5,{i % 7}\n" for i in range(60)))
    message = r"Expected numbers in column 'a', .*; 98\.4% look like numbers, but not 'oops': .*"
    alad.refused(message, "fit", table, *TO_NEW)
    alad.good("fit", table, *TO_NEW, "--drop", "a")


def test_numbers_that_count_as_missing_are_named_and_may_be_stated(alad, train):
    marked = train.with_columns(
        bytes=pl.when(pl.int_range(pl.len()) < 9).then(-999).otherwise("bytes")
    )
    marked.write_csv("marked.csv")
    done = alad.good("fit", "marked.csv", *TO_NEW)
    assert "note: numbers that count as missing: bytes (-999)" in done.err
    assert "note: missing values: bytes (9 rows)" in done.err
    assert "flagged, -999 counted as such" in alad.good("info", "new").out
    alad.good("schema", "marked.csv", "-o", "schema.json")
    schema = json.loads(Path("schema.json").read_text())
    (column,) = (column for column in schema["columns"] if column["name"] == "bytes")
    assert column.pop("missing") == [-999]
    Path("schema.json").write_text(json.dumps(schema))
    again = alad.good("fit", "marked.csv", "-o", "other", *TO_NEW[2:], "--schema", "schema.json")
    assert "count as missing" not in again.err
