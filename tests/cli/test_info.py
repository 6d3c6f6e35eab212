"""``alad info``: what a model says of itself, as text and as JSON."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import polars as pl
import pytest

from alad import ALAD, KNN, Mahalanobis, load
from alad.io import FORMAT_VERSION


def edit(model, **changes: object) -> None:
    path = model / "model.json"
    facts = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps({k: v for k, v in facts.items() if v is not ...}), "utf-8")


def test_a_model_that_holds_training_rows_says_so(alad, train):
    KNN(max_rows=50).fit(train).save("keeper")
    assert "rows kept" in alad.good("info", "keeper").out
    assert json.loads(alad.good("info", "keeper", "--json").out)["rows_kept"] == 50


def test_how_far_a_discriminators_doubt_counts_is_told(alad, train):
    ALAD(epochs=1, random_state=0).fit(train).save("doubting")
    belief = json.loads(alad.good("info", "doubting", "--json").out)["belief"]
    assert set(belief) == {"xz", "xx"}
    assert all(0 <= share <= 1 for share in belief.values())
    assert f"D_xx's counts to {belief['xx']:.0%}" in alad.good("info", "doubting").out


def test_json_is_one_object_of_the_models_facts(alad, model, train):
    done = alad.good("info", model, "--json")
    assert done.err == ""
    facts = json.loads(done.out)
    assert facts.pop("columns")[1:] == [
        {
            "name": "count",
            "kind": "numeric",
            "role": "feature",
            "categories": 0,
            "missing_at_fit": False,
            "missing_unlike_all": True,
            "fill": None,
            "told_from": None,
            "missing_marks": [],
            "constant": False,
            "features": ["count"],
            "note": "",
        },
        {
            "name": "proto",
            "kind": "categorical",
            "role": "feature",
            "categories": 2,
            "missing_at_fit": False,
            "missing_unlike_all": True,
            "fill": None,
            "told_from": None,
            "missing_marks": [],
            "constant": False,
            "features": ["proto=tcp", "proto=udp"],
            "note": "",
        },
    ]
    detector = load(model)
    assert facts == {
        "detector": "Mahalanobis",
        "parameters": detector.get_params(),
        "seed": detector.seed_,
        "scaling": "standard",
        "trained_on": None,
        "rows_at_fit": 200,
        "rows_kept": None,
        "belief": None,
        "n_columns": 3,
        "picture": None,
        "n_features": 4,
        "epochs": None,
        "training_seconds": None,
        "losses": None,
        "offset": detector.offset_,
        "calibration": None,
        "format_version": FORMAT_VERSION,
        "alad": metadata.version("alad"),
        "bytes": sum(p.stat().st_size for p in model.iterdir()),
    }


def test_text_tells_settings_and_columns(alad, train):
    frame = train.with_columns(
        gaps=train["bytes"].set(train["bytes"] > 1, None), same=7, up=train["bytes"] > 0
    )
    Mahalanobis(random_state=5, scaling="minmax").fit(frame).save("m")
    lines = [line.split("  ", 1) for line in alad.good("info", "m").out.splitlines() if line]
    told = {name.strip(): value.strip() for name, value in lines}
    assert told["detector"] == "Mahalanobis"
    assert told["parameters"] == "contamination=0.01, random_state=5, scaling=minmax"
    assert told["rows at fit"] == "200"
    assert told["columns"] == "6 -> 8 features"
    assert told["offset"].startswith(f"{load('m').offset_:.6g} (threshold of anomaly_score: ")
    assert told["proto"] == "2 categories"
    assert told["gaps"].startswith("numeric, missing filled with ")
    assert told["gaps"].endswith(" and flagged")
    assert told["same"] == "numeric, a missing one counts as unlike all, constant at fit"
    assert told["up"].startswith("boolean, ")
    assert "epochs" not in told


def test_a_model_tells_the_table_that_it_learned_from(alad, model):
    told = {"table": "kdd.parquet", "rows": 97278, "date": "2026-11-26T17:00:00+00:00"}
    assert "trained on" not in alad.good("info", model).out
    edit(model, trained_on=told)
    assert "kdd.parquet, 97,278 rows, on 2026-11-26" in alad.good("info", model).out
    assert json.loads(alad.good("info", model, "--json").out)["trained_on"] == told
    alad.good("info", model, "-o", "card.html")
    assert "kdd.parquet, 97,278 rows" in Path("card.html").read_text("utf-8")


def test_columns_that_were_dropped_are_told_and_are_no_news_when_scoring(alad, model):
    fit = ("fit", "train.csv", "-o", "m", "--detector", "mahalanobis", "--drop", "count")
    alad.good(*fit, "--drop", "proto")
    assert "train.csv without count, proto; 200 rows" in alad.good("info", "m").out
    facts = json.loads(alad.good("info", "m", "--json").out)
    assert facts["trained_on"]["dropped"] == ["count", "proto"]
    done = alad.good("score", "m", "train.csv", "-o", "s.csv")
    assert "does not read" not in done.err
    edit(Path("m"), trained_on={**facts["trained_on"], "dropped": [1]})
    alad.refused(".*perhaps dropped, a list of texts.*", "score", "m", "train.csv", "-o", "t.csv")


def test_columns_that_the_model_is_not_given_are_not_counted(alad, train):
    train.with_columns(id=pl.Series([f"{i}-x" for i in range(200)])).write_csv("t.csv")
    done = alad.good("fit", "t.csv", "-o", "m", "--detector", "mahalanobis")
    assert " 3 of 4 columns -> 4 features, in " in done.out
    assert "3 of 4 -> 4 features" in alad.good("info", "m").out
    alad.good("info", "m", "-o", "card.html")
    assert "<b>3 of 4</b><span>columns, 4 features" in Path("card.html").read_text("utf-8")
    alad.good("score", "m", "t.csv", "-o", "s.csv", "--all-columns")
    alad.good("report", "m", "s.csv", "-o", "r.html")
    assert " by the model itself, 3 of 4 columns" in Path("r.html").read_text("utf-8")


def test_model_of_an_array_says_so(alad, array_model):
    assert "an array, without column names" in alad.good("info", array_model).out
    assert json.loads(alad.good("info", array_model, "--json").out)["columns"] is None


def test_facts_of_an_unknown_detector_are_shown(alad, model):
    """It is how one finds out which program wrote it; only loading needs the class."""
    edit(model, **{"class": "Oracle", "alad": "7.0"})
    facts = json.loads(alad.good("info", model, "--json").out)
    assert (facts["detector"], facts["alad"]) == ("Oracle", "7.0")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "onnx"}, r"Expected a model of alad at model; got the format 'onnx'\. Give .*"),
        ({"format_version": 4}, r"Expected a model of format 3 or older .*; got 4, .*Upgrade .*"),
        ({"trained_on": {"table": "a"}}, r"Expected a whole model at model; .*KeyError: 'rows'.*"),
        ({"scaler": ...}, r"Expected a whole model at model; .*KeyError: 'scaler'.*Save .*"),
        ({"offset": "low"}, r"Expected a whole model at model; .*ValueError: .*'low'.*Save .*"),
        ({"offset": None}, r"Expected a whole model at model; .*TypeError.*Save .*"),
        ({"history": {"seconds": [], "losses": {"D": []}}}, r"Expected a whole .*IndexError.*"),
        ({"encoder": {"columns": [{}]}}, r"Expected a whole .*KeyError: 'categories'.*"),
    ],
)
def test_model_that_will_not_do(alad, model, changes, message):
    edit(model, **changes)
    for options in ((), ("--json",)):
        alad.refused(message, "info", model, *options)


def test_what_is_no_model(alad, model):
    alad.refused(r"Expected a model folder at absent; there is none .*", "info", "absent")
    alad.refused(r"Expected a model folder at train\.csv; there .*", "info", "train.csv")
    (model / "model.json").unlink()
    alad.refused(r"Expected a whole model at model, but it has no model\.json\. .*", "info", model)


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        (("info", "model"), "html"),
        (("report", "model", "train.parquet"), "html"),
        (("report", "results"), "html"),
        (("export", "model"), "onnx"),
        (("schema", "train.parquet"), "json"),
    ],
)
def test_a_file_of_another_kind_is_not_written_over(alad, model, command, ending):
    Path("other.csv").write_text("precious")
    alad.refused(
        rf"Expected --out to end in \.{ending}; got other\.csv\. Give another name\.",
        *command,
        "-o",
        "other.csv",
    )
