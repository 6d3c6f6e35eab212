"""``alad export``: what it writes, what it prints, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from PIL import Image

from alad import ALAD, LOF, Mahalanobis, load
from alad.export import shallow
from tests.estimators.pictures import SMALL, stripes


def facts(path: str) -> dict[str, str]:
    return {fact.key: fact.value for fact in onnx.load(path).metadata_props}


def test_writes_a_file_that_needs_no_python(alad, model, train):
    done = alad.good("export", model, "-o", "model.onnx", "--check", "train.csv")
    assert done.err == ""
    first, speed, names, last = done.out.splitlines()
    assert first.startswith("Checked on 200 rows (train.csv): largest relative difference ")
    assert speed.startswith("onnxruntime ")
    assert names == "Takes 'bytes', 'count', 'proto'; gives anomaly_score, is_anomaly."
    assert last.startswith("Written: model.onnx (")
    onnx.checker.check_model("model.onnx", full_check=True)
    given = {
        "bytes": train["bytes"].to_numpy().astype(np.float32)[:, None],
        "count": train["count"].to_numpy().astype(np.float32)[:, None],
        "proto": np.array(train["proto"].to_list(), object)[:, None],
    }
    score, flag = onnxruntime.InferenceSession("model.onnx").run(None, given)
    detector = load(model)
    np.testing.assert_allclose(score, -detector.score_samples(train), rtol=1e-12)
    assert np.array_equal(flag, detector.predict(train) < 0)


def test_the_file_names_the_model_that_it_came_from(alad, model):
    alad.good("export", model, "-o", "model.onnx")
    digest = hashlib.sha256((model / "model.json").read_bytes()).hexdigest()
    assert facts("model.onnx")["model_sha256"] == digest


def test_json_is_one_object(alad, model):
    done = json.loads(alad.good("export", model, "-o", "m.onnx", "--json").out)
    assert done["inputs"] == ["bytes", "count", "proto"]
    assert done["outputs"] == ["anomaly_score", "is_anomaly"]
    assert (done["checked_on"], done["rows"]) == ("256 drawn", 256)
    assert 0 <= done["largest_relative_difference"] < 1e-9
    assert done["different_verdicts"] == 0
    assert done["bytes"] == Path(done["out"]).stat().st_size


@pytest.mark.parametrize("table", ["train.csv", "train.parquet", "more.csv"])
def test_checks_on_tables_as_score_reads_them(alad, model, train, table):
    gaps = train["count"].cast(pl.String).set(train["count"] > 6, None)
    train.with_columns(count=gaps, proto=pl.lit("icmp"), label=1).write_csv("more.csv")
    done = alad.good("export", model, "-o", "m.onnx", "--check", table, "--json")
    assert json.loads(done.out)["rows"] == 200


def test_features_as_one_input(alad, model):
    alad.good("export", model, "-o", "m.onnx", "--inputs", "features", "--check", "train.csv")
    (given,) = onnxruntime.InferenceSession("m.onnx").get_inputs()
    assert (given.name, given.shape, given.type) == ("x", ["rows", 4], "tensor(float)")
    assert len(json.loads(facts("m.onnx")["feature_names"])) == 4


def test_a_model_of_an_array(alad, array_model, train):
    np.save("x.npy", train.select("bytes", "count").to_numpy())
    done = alad.good("export", array_model, "-o", "m.onnx", "--check", "x.npy")
    assert "Takes 'x'; gives" in done.out


def test_pictures(alad, monkeypatch):
    monkeypatch.setitem(ALAD.presets, "pictures", SMALL)
    ALAD(preset="pictures", epochs=0, random_state=0).fit(stripes(16)).save("m")
    Path("parts").mkdir()
    Image.fromarray(stripes(1)[0]).save("parts/a.png")
    of_its_own = json.loads(alad.good("export", "m", "-o", "m.onnx", "--json").out)
    assert of_its_own["checked_on"] == "16 drawn, 16 generated"
    real = json.loads(alad.good("export", "m", "-o", "m.onnx", "--check", "parts", "--json").out)
    assert real["rows"] == 1
    alad.refused(
        "Expected a folder of pictures.*", "export", "m", "-o", "n.onnx", "--check", "x.csv"
    )


def test_a_file_that_says_something_else_is_not_kept(alad, model, monkeypatch):
    Path("m.onnx").write_bytes(b"an older one")
    right = shallow.SCORES[Mahalanobis]
    monkeypatch.setitem(shallow.SCORES, Mahalanobis, lambda d, x: right(d, x) * 1.001)
    alad.refused(
        r"Expected the exported model to give the detector's scores, up to 0\.0001 of their size; "
        r"got 0\.001 on 200 rows\. Score with alad itself\.",
        *("export", model, "-o", "m.onnx", "--check", "train.csv"),
    )


@pytest.mark.parametrize("absent", ["onnx", "onnxruntime"])
def test_without_the_extra(alad, model, monkeypatch, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    alad.refused(
        r"Expected the packages onnx and onnxruntime.* pip install '\.\[export\]', in a .*",
        *("export", model, "-o", "m.onnx"),
    )


def test_what_cannot_be_checked(alad, model, train):
    train.drop("proto").write_csv("narrow.csv")
    train.with_columns(count=pl.lit("many")).write_csv("text.csv")
    Path("folder").mkdir()
    command = ("export", model, "-o", "m.onnx", "--check")
    alad.refused(
        "Expected the 3 columns at fit in narrow.csv; missing: 'proto'.*", *command, "narrow.csv"
    )
    alad.refused("Expected numbers in column 'count'.*", *command, "text.csv")
    alad.refused("Expected .* folder.*", *command, "folder")
    alad.refused("Expected a table at none.csv, but no such file.*", *command, "none.csv")


def test_what_cannot_be_exported(alad, model, array_model, train):
    alad.refused("Expected a model folder at none.*", "export", "none", "-o", "m.onnx")
    LOF().fit(train).save("lof")
    alad.refused("Expected a detector that can be exported.*LOF.*", "export", "lof", "-o", "m.onnx")
    alad.refused(
        "Expected a detector that was fitted on a frame.*",
        *("export", array_model, "-o", "m.onnx", "--inputs", "columns"),
    )


def test_where_it_cannot_be_written(alad, model):
    Path("folder.onnx").mkdir()
    alad.refused("Expected to write .*", "export", model, "-o", "folder.onnx", code=1)
    alad.refused("Expected to write .*", "export", model, "-o", "train.csv/m.onnx", code=1)
    alad.refused("Expected to write .*", "export", model, "-o", "m.onnx", code=1, disk_is_full=True)
