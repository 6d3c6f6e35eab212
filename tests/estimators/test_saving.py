"""Save and load: the same detector again, or a message that says what is wrong with the folder."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from threading import Event

import numpy as np
import polars as pl
import pytest

from alad import ALAD, KNN, BiGAN, Mahalanobis, load
from alad.errors import InputError, ModelFormatError, OutputError
from alad.estimators import DETECTORS
from alad.io import FORMAT_VERSION, Model, read_model, write_model
from tests.estimators.small import FRAME, NEW, NEW_FRAME, X, equal, fitted, new

CASES = [(cls, table) for cls in DETECTORS.values() for table in ("array", "frame")]
ROWS = {"array": NEW, "frame": NEW_FRAME}


@pytest.mark.parametrize(("cls", "table"), CASES)
def test_a_loaded_detector_is_the_saved_one(cls, table, tmp_path):
    saved = fitted(cls, table)
    saved.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert type(loaded) is cls
    assert loaded.get_params() == saved.get_params()
    assert np.array_equal(loaded.score_samples(ROWS[table]), saved.score_samples(ROWS[table]))
    assert np.array_equal(loaded.predict(ROWS[table]), saved.predict(ROWS[table]))
    ours, theirs = vars(saved), vars(loaded)
    assert set(ours) == set(theirs)
    for name in set(ours) - {"scaler_", "feature_names_in_", "_search", "_factor"}:
        assert equal(ours[name], theirs[name]), name
        assert type(ours[name]) is type(theirs[name]), name
    assert saved.scaler_.meta() == loaded.scaler_.meta()
    assert equal(saved.scaler_.to_arrays(), loaded.scaler_.to_arrays())
    if table == "frame":
        assert loaded.feature_names_in_.tolist() == saved.feature_names_in_.tolist()
        assert loaded.feature_names_in_.dtype == saved.feature_names_in_.dtype


def test_a_model_is_two_files_and_saves_again_to_the_same_bytes(tmp_path):
    fitted(BiGAN, "frame").save(tmp_path / "a")
    load(tmp_path / "a").save(tmp_path / "b")
    files = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert files == ["model.json", "weights.safetensors"]
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize(
    ("cls", "setting"),
    [
        (Mahalanobis, {"contamination": 0.2}),
        (KNN, {"k": 2}),
        (BiGAN, {"latent_dim": 8}),
        (ALAD, {"anomaly_score": "l1"}),
    ],
)
def test_what_was_set_after_the_fit_is_neither_saved_nor_judged_by(cls, setting, tmp_path):
    detector = copy(fitted(cls)).set_params(**setting)
    (name,) = setting
    with pytest.raises(InputError, match=f"settings of the fit; {name} was set since"):
        detector.save(tmp_path / "m")
    assert not (tmp_path / "m").exists()
    with pytest.raises(InputError, match=f"{name} was set since. Fit again"):
        detector.predict(NEW)
    detector.set_params(random_state=7, **{name: getattr(fitted(cls), name)})
    assert np.array_equal(detector.predict(NEW), fitted(cls).predict(NEW))
    detector.save(tmp_path / "m")
    read = load(tmp_path / "m").set_params(**setting)
    with pytest.raises(InputError, match=f"{name} was set since"):
        read.decision_function(NEW)


def changed(cls, folder, facts=(), arrays=()):
    """A model with other facts or arrays, as one that somebody wrote by hand."""
    fitted(cls).save(folder / "m")
    model = read_model(folder / "m")
    kept = {name: fact for name, fact in model.facts.items() if name != "weights_sha256"}
    write_model(folder / "n", Model(kept | dict(facts), model.arrays | dict(arrays)))
    return folder / "n"


@pytest.mark.parametrize("offset", [float("nan"), float("inf")])
def test_an_offset_that_flags_all_or_nothing_is_damage(offset, tmp_path):
    with pytest.raises(ModelFormatError, match="finite offset"):
        load(changed(Mahalanobis, tmp_path, {"offset": offset}))


@pytest.mark.parametrize("size", [[4], 0, "5", None, True])
def test_a_width_that_is_none_is_damage(size, tmp_path):
    with pytest.raises(ModelFormatError, match="a width of at least 1"):
        load(changed(BiGAN, tmp_path, {"data_dim": size}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scaler/scale", np.ones(1)),
        ("scaler/scale", np.zeros(5)),
        ("scaler/shift", np.full(5, np.nan)),
        ("scaler/log", np.zeros(7, np.bool_)),
    ],
)
def test_constants_of_no_scaling_are_damage(name, value, tmp_path):
    with pytest.raises(ModelFormatError, match="finite numbers for each column in the scaler"):
        load(changed(Mahalanobis, tmp_path, arrays={name: value}))


@pytest.mark.parametrize("parts", [["hour", "x"], [], {"hour": 1}, 3])
def test_parts_that_no_time_has_are_damage(parts, tmp_path):
    times = [f"2024-01-{1 + i % 28:02d}T{i % 24:02d}:00:00" for i in range(60)]
    frame = pl.DataFrame({"n": np.arange(60) * 1.5 % 7, "at": times})
    Mahalanobis().fit(frame).save(tmp_path / "m")
    facts = tmp_path / "m" / "model.json"
    told = json.loads(facts.read_text("utf-8"))
    told["encoder"]["columns"][1]["learned"]["parts"] = parts
    facts.write_text(json.dumps(told), "utf-8")
    with pytest.raises(ModelFormatError, match="Expected a whole Mahalanobis model"):
        load(tmp_path / "m")


def test_a_model_can_be_read_while_others_take_its_place(tmp_path):
    detector = Mahalanobis().fit(X)
    detector.save(tmp_path / "m")
    is_over = Event()

    def save_again():
        while not is_over.is_set():
            detector.save(tmp_path / "m")
            is_over.wait(0.02)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(save_again)
        try:
            scores = [load(tmp_path / "m").score_samples(NEW) for _ in range(100)]
        finally:
            is_over.set()
        done.result()
    assert len({score.tobytes() for score in scores}) == 1


def test_weights_that_are_no_numbers_are_damage(tmp_path):
    bias = "weights/A.E.blocks.0.dense.bias"
    with pytest.raises(ModelFormatError, match=r"Expected numbers in array 'A\.E\."):
        load(changed(BiGAN, tmp_path, arrays={bias: np.full(64, np.nan, np.float32)}))


def test_settings_that_are_numpys_are_saved(tmp_path):
    detector = Mahalanobis(contamination=np.float32(0.25), random_state=np.int64(3)).fit(X)
    detector.save(tmp_path / "m")
    assert load(tmp_path / "m").get_params() == {
        "contamination": 0.25,
        "random_state": 3,
        "scaling": "standard",
    }
    new(BiGAN, epochs=np.int64(1), batch_size=np.int32(16)).fit(X).save(tmp_path / "b")
    assert equal(load(tmp_path / "b").weights_, fitted(BiGAN).weights_)


def test_a_generator_is_saved_as_the_seed_it_gave(tmp_path):
    detector = Mahalanobis(random_state=np.random.RandomState(0)).fit(X)
    detector.save(tmp_path / "m")
    assert load(tmp_path / "m").random_state == detector.seed_


def test_a_class_that_is_not_read_is_not_saved(tmp_path):
    class Mine(Mahalanobis):
        pass

    with pytest.raises(InputError, match=r"alad's own to save; got the class Mine of tests\."):
        Mine().fit(X).save(tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_model_takes_the_place_of_a_model_and_of_nothing_else(tmp_path):
    fitted(Mahalanobis).save(tmp_path / "m")
    fitted(BiGAN).save(tmp_path / "m")
    assert type(load(tmp_path / "m")) is BiGAN
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("all of it")
    with pytest.raises(OutputError, match="not ours to replace"):
        fitted(Mahalanobis).save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter").read_text() == "all of it"


TABLE = {"table": "kdd.parquet", "rows": 97_278, "date": "2026-11-26T17:00:00Z"}


@pytest.mark.parametrize("cls", [BiGAN, Mahalanobis])
def test_what_is_told_of_the_table_is_saved_and_forgotten_with_another_fit(cls, tmp_path):
    detector = new(cls).fit(X)
    assert detector.trained_on_ is None
    detector.trained_on_ = TABLE
    detector.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert loaded.trained_on_ == TABLE
    assert loaded.fit(X).trained_on_ is None


def test_what_cannot_be_told_of_a_table_is_not_saved(tmp_path):
    detector = copy(fitted(Mahalanobis))
    detector.trained_on_ = {**TABLE, "rows": np.int64(3)}
    with pytest.raises(InputError, match=r"to hold table, rows and date.*Set it to None"):
        detector.save(tmp_path / "m")
    assert not (tmp_path / "m").exists()


# ------------------------------------------------------------------------- what is refused


@pytest.fixture
def model(tmp_path):
    """Save a detector with other facts or arrays; returns the folder."""

    def written(cls=BiGAN, *, change=lambda facts: None, arrays=lambda arrays: None):
        fitted(cls, "frame").save(tmp_path / "whole")
        whole = read_model(tmp_path / "whole")
        facts, named = whole.facts, dict(whole.arrays)
        del facts["weights_sha256"]  # so that it is that of the changed arrays
        change(facts)
        arrays(named)
        write_model(tmp_path / "model", replace(whole, facts=facts, arrays=named))
        return tmp_path / "model"

    return written


def test_an_older_model_tells_nothing_of_its_table(model):
    assert load(model(change=lambda facts: facts.pop("trained_on"))).trained_on_ is None


def test_an_unchanged_model_is_read(model):
    assert np.isfinite(load(model()).score_samples(FRAME)).all()


REFUSED_FACTS = {
    "newer": (
        lambda f: f.update(format_version=FORMAT_VERSION + 1, alad="9.9"),
        r"format 3 or older at .*; got 4, written by alad .*\. Upgrade alad",
    ),
    "foreign": (lambda f: f.update(format="pickle"), "Expected a model of alad at .*'pickle'"),
    "unknown": (
        lambda f: f.update({"class": "GANomaly"}),
        "one of ALAD, ALICE, BiGAN, .*, PCA; got 'GANomaly'",
    ),
    "no seed": (lambda f: f.pop("seed"), "whole BiGAN model at .*KeyError: 'seed'"),
    "no history": (lambda f: f.pop("history"), "to state history; it does not"),
    "a setting": (lambda f: f["parameters"].update(colour=1), "whole BiGAN model at .*colour"),
    "no encoder": (lambda f: f.update(encoder={"columns": [{}]}), "Expected a list of columns"),
    "scaling": (lambda f: f["scaler"].update(kind="huge"), "whole BiGAN model at .*'huge'"),
    "preset": (lambda f: f["parameters"].update(preset="huge"), "whole BiGAN model at .*'huge'"),
    "width": (lambda f: f.update(data_dim=6), r"Expected array 'A\..*' of shape .*; got"),
    "fill": (
        lambda f: f["encoder"]["columns"][0].update(fill="x"),
        "whole BiGAN model at .*could not convert",
    ),
    "categories": (
        lambda f: f["encoder"]["columns"][1].update(categories=[1]),
        "whole BiGAN model at .*Enum",
    ),
    "bend": (lambda f: f["scaler"].update(bend=3), "whole BiGAN model at .*TypeError"),
    "trained on": (
        lambda f: f.update(trained_on="kdd"),
        "rows and date.*got 'kdd'. The fol",
    ),
    "rows": (lambda f: f.update(trained_on={**TABLE, "rows": True}), "table, rows and date"),
    "table": (lambda f: f.update(trained_on={"rows": 3, "date": ""}), "table, rows and date"),
    "columns": (lambda f: f.update(n_features_in=9), "as many feature_names_in as .*; got 2"),
    "latent": (lambda f: f["parameters"].update(latent_dim=6), r"Expected array 'A\..*; got"),
    "games": (lambda f: f.update({"class": "ALICE"}), r"Expected an array 'D\.xx\..*there is none"),
}


@pytest.mark.parametrize("case", REFUSED_FACTS.values(), ids=REFUSED_FACTS.keys())
def test_wrong_facts_are_refused(model, case):
    change, message = case
    folder = model(change=change)
    with pytest.raises(ModelFormatError, match=message):
        load(folder)


BIAS = "weights/A.E.blocks.0.dense.bias"
REFUSED_ARRAYS = {
    "missing": (
        lambda a: a.pop(BIAS),
        r"Expected an array 'A\.E\.blocks\.0\.dense\.bias' of shape \(64,\) in the model; there is",
    ),
    "shape": (lambda a: a.update({BIAS: np.zeros(3, np.float32)}), r"shape \(64,\).*got \(3,\)"),
    "type": (lambda a: a.update({BIAS: np.zeros(64)}), r"float32; got \(64,\), float64"),
    "left over": (
        lambda a: a.update({"weights/A.more": np.zeros(3)}),
        r"Expected no array 'A\.more' in this model",
    ),
    "scaler": (lambda a: a.pop("scaler/shift"), "whole BiGAN model at .*KeyError: 'shift'"),
}


@pytest.mark.parametrize("case", REFUSED_ARRAYS.values(), ids=REFUSED_ARRAYS.keys())
def test_wrong_arrays_are_refused(model, case):
    change, message = case
    folder = model(arrays=change)
    with pytest.raises(ModelFormatError, match=message):
        load(folder)


@pytest.mark.parametrize(
    ("absent", "told"),
    [
        (("slopes", "intercept"), "slopes, intercept"),
        (("scale", "trust", "slopes", "intercept"), "scale, trust, slopes, intercept"),
        (("trust",), "trust"),
    ],
)
def test_a_model_whose_memory_is_of_an_older_alad_is_to_be_fitted_again(model, absent, told):
    folder = model(ALAD, arrays=lambda a: [a.pop(f"weights/M.{name}") for name in absent])
    message = (
        rf"this alad, whose memory has {told}; this one is of an older alad, .* Fit it again\."
    )
    with pytest.raises(ModelFormatError, match=message):
        load(folder)


def test_a_simple_detector_without_its_arrays_is_refused(model):
    folder = model(Mahalanobis, arrays=lambda a: a.pop("mean"))
    with pytest.raises(ModelFormatError, match=r"whole Mahalanobis model at .*KeyError: 'mean'"):
        load(folder)


def test_an_array_that_is_a_single_number_is_refused(model, monkeypatch):
    folder = model(Mahalanobis)
    whole = read_model(folder)
    half = replace(whole, arrays={**whole.arrays, "whitening": np.zeros(())})
    monkeypatch.setattr("alad.estimators.read_model", lambda path: half)
    with pytest.raises(ModelFormatError, match=r"whole Mahalanobis model at .*IndexError"):
        load(folder)


def test_halves_of_two_models_are_not_taken_for_one(tmp_path):
    fitted(BiGAN).save(tmp_path / "a")
    fitted(ALAD).save(tmp_path / "b")
    weights = (tmp_path / "b" / "weights.safetensors").read_bytes()
    (tmp_path / "a" / "weights.safetensors").write_bytes(weights)
    with pytest.raises(ModelFormatError, match=r"is not the file that .* was written with"):
        load(tmp_path / "a")


def test_no_folder_is_told(tmp_path):
    with pytest.raises(ModelFormatError, match="Expected a model folder"):
        load(tmp_path / "none")
