"""Training in bfloat16: what is rounded, what is not, and that it still learns."""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from alad import ALAD, DAGMM, DSEBM, GAN, AutoEncoder, BiGAN, load
from alad.io import read_model, write_model
from alad.metrics import detection_metrics
from alad.networks.weights import SpectralVector
from alad.training.randomness import key
from alad.training.state import blueprints, newborn
from alad.training.step import Step
from tests.estimators.pictures import SMALL, dots, stripes
from tests.estimators.small import NETWORKS, NEW, X, equal, fitted, new

RULE = optax.adam(1e-3, 0.5, 0.999)
PICTURES = stripes(8)[..., None].astype(np.float32) / 127.5 - 1
ROWS = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)[:16]
PART = "ALAD of pictures, in part"  # which compiles in a third of the time of the whole
CASES = {
    "ALAD": (ALAD(), ROWS),
    "ALAD, the paper's": (ALAD(preset="kdd99", spectral_norm=True), ROWS),
    "GAN": (GAN(), ROWS),
    "DSEBM": (DSEBM(), ROWS),
    "AutoEncoder": (AutoEncoder(), ROWS),
    "ALAD of pictures": (ALAD(preset="pictures"), PICTURES),
    PART: (BiGAN(preset="pictures"), PICTURES),
    "DSEBM of pictures": (DSEBM(preset="pictures"), PICTURES),
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(ALAD.presets, "pictures", SMALL)


@lru_cache
def steps_of(case):
    """A step in either precision, the learners it begins with, and its batches."""
    detector, rows = CASES[case]
    build = detector._players(rows.shape[1] if rows.ndim == 2 else rows.shape[1:])
    plans, moves = blueprints(build), detector._moves()
    steps = {p: Step(plans, moves, RULE, 0.5, p) for p in ("float32", "bfloat16")}
    return steps, newborn(build, RULE, key(0)), [rows] * len(moves)


def products(jaxpr):
    """The products of matrices, and convolutions, of a program: name and types of operands."""
    for equation in jaxpr.eqns:
        operands = [v.aval for v in equation.invars]
        name = equation.primitive.name
        matrices = name == "dot_general" and min(a.ndim for a in operands) > 1
        if matrices or name == "conv_general_dilated":
            yield name, {a.dtype.name for a in operands}
        for value in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_program):
            if _is_program(value):
                yield from products(getattr(value, "jaxpr", value))


def _is_program(value):
    return hasattr(getattr(value, "jaxpr", value), "eqns")


def traced(case, precision):
    steps, learners, batches = steps_of(case)
    return list(products(jax.make_jaxpr(steps[precision])(learners, batches, key(1)).jaxpr))


@pytest.mark.parametrize("case", [case for case in CASES if case != PART])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_product_is_of_the_precision_that_was_asked_for(case, precision):
    found = traced(case, precision)
    assert len(found) > 3
    assert all(types == {precision} for _, types in found)


def test_an_accelerators_own_convolutions_are_too(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    found = traced("ALAD of pictures", "bfloat16")
    assert sum(name == "conv_general_dilated" for name, _ in found) > 10
    assert all(types == {"bfloat16"} for _, types in found)


@lru_cache
def after_a_step(case):
    """Learners and losses after a step in float32, and after one in bfloat16."""
    steps, learners, batches = steps_of(case)
    return [jax.jit(step.__call__)(learners, batches, key(1)) for step in steps.values()]


@pytest.mark.parametrize("case", ["ALAD", PART, "DSEBM", "AutoEncoder"])
def test_what_lasts_beyond_a_step_is_float32_and_near_that_of_float32(case):
    (exact, of_exact), (rounded, of_rounded) = after_a_step(case)
    for leaf in jax.tree.leaves((rounded, of_rounded)):
        assert leaf.dtype in (jnp.float32, jnp.int32)
        assert np.isfinite(leaf).all()
    np.testing.assert_allclose(of_rounded, of_exact, rtol=0.02, atol=0.02)
    for move in CASES[case][0].moves:
        a, b = (_gradient(found[move.player]) for found in (exact, rounded))
        assert not np.array_equal(a, b)
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.99


def _gradient(learner):
    """All of a player's: Adam's first moments after one step, but for a factor."""
    return np.concatenate([np.ravel(m) for m in jax.tree.leaves(learner.optimiser[0].mu)])


@pytest.mark.slow
def test_the_power_iteration_is_of_the_float32_weights():
    exact, rounded = (
        _spectral_vectors(found["D"]) for found, _ in after_a_step("ALAD of pictures")
    )
    assert len(exact) > 3
    for path, vector in exact.items():
        np.testing.assert_array_equal(vector[...], rounded[path][...])


def _spectral_vectors(learner):
    found = dict(nnx.to_flat_state(learner.buffers))
    return {path: v for path, v in found.items() if isinstance(v, SpectralVector)}


@pytest.mark.parametrize("cls", [cls for cls in NETWORKS if cls is not DAGMM])
def test_the_setting_reaches_training(cls):
    assert cls()._with_defaults().settings(64).precision == "float32"
    chosen = cls(precision="bfloat16")
    chosen._check_settings()
    assert chosen._with_defaults().settings(64).precision == "bfloat16"


def test_it_survives_the_disk_and_an_older_model_is_of_float32(tmp_path):
    detector = new(BiGAN, precision="bfloat16").fit(X)
    assert not equal(detector.weights_, fitted(BiGAN).weights_)
    detector.save(tmp_path / "m")
    read = load(tmp_path / "m")
    assert read.get_params() == detector.get_params()
    assert np.array_equal(read.score_samples(NEW), detector.score_samples(NEW))
    whole = read_model(tmp_path / "m")
    del whole.facts["parameters"]["precision"]
    write_model(tmp_path / "older", whole)
    older = load(tmp_path / "older")
    assert older.precision == "float32"
    assert np.array_equal(older.score_samples(NEW), detector.score_samples(NEW))


@pytest.mark.slow  # a processor has no bfloat16 of its own
def test_stripes_are_told_from_dots_after_a_training_in_bfloat16(optimised):
    settings = {"epochs": 40, "learning_rate": 1e-3, "batch_size": 32, "random_state": 0}
    detector = ALAD(preset="pictures", precision="bfloat16", **settings).fit(stripes(640))
    test, y = np.concatenate([stripes(60, 1), dots(60, 2)]), np.arange(120) >= 60
    for score in ("features", "l1"):
        a = -detector.set_params(anomaly_score=score).score_samples(test)
        assert detection_metrics(y, a)["auroc"] > 0.9
