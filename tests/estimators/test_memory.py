"""Which rows ALAD keeps, and what a model with a memory does."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import jax
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file

from alad import ALAD, ALICE, BiGAN, load
from alad.errors import InputError
from alad.estimators import _memory, _network
from alad.estimators._memory import distinct_rows, kept_rows, memory_of, to_crowd, without_knots
from alad.io.folder import read_model, write_model
from alad.networks.memory import Kept, Memory
from tests.estimators.small import NEW, N, X, fitted, new

RNG = np.random.default_rng(2)


def rows(n, d=4):
    return RNG.normal(size=(n, d)).astype(np.float32)


def test_equal_rows_are_kept_once():
    size, (_, buffers) = memory_of(np.repeat(rows(30), 5, axis=0), 0, leave_out_knots=False)
    assert size[0] <= 30
    assert buffers["trust"][...] == pytest.approx(30 / (10 * 4))
    assert buffers["scale"][...] == pytest.approx(2 / (1 - 30 / (10 * 4)))


def test_from_ten_rows_a_column_on_networks_are_believed_and_nothing_is_squashed():
    _, (_, buffers) = memory_of(rows(50), 0, leave_out_knots=False)
    assert buffers["trust"][...] == 1
    assert np.isinf(buffers["scale"][...])


def test_of_few_rows_what_is_far_from_0_counts_for_less():
    few = np.float32(100) * rows(30)
    _, (_, buffers) = memory_of(few, 0, leave_out_knots=False)
    scale = 2 / (1 - 30 / 40)
    expected = np.sign(few) * scale * np.log1p(np.abs(few) / scale)
    found = np.asarray(buffers["rows"][...])
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("n", [30, 300])  # with and without enough rows
def test_a_training_row_does_not_count_itself(n):
    x = 5 * rows(n)
    size, (_, buffers) = memory_of(x, 0, leave_out_knots=False)
    memory = Memory(size[0], 4)
    nnx.update(memory, buffers)
    nearest, _ = jax.jit(lambda memory, x: memory.nearest(x, 1))(memory, x)
    held = np.asarray(memory.rows[...])
    apart = np.linalg.norm(held[:, None] - held, axis=2) + np.where(np.eye(len(held)), np.inf, 0)
    np.testing.assert_allclose(nearest[:, 0], apart.min(axis=1), rtol=0.02, atol=0.01)


def test_one_distinct_row_is_enough():
    size, _ = memory_of(np.ones((9, 3), np.float32), 0, leave_out_knots=False)
    assert size[0] == 2


def test_a_large_table_is_drawn_from(monkeypatch):
    monkeypatch.setattr(_memory, "MOST_ROWS", 100)
    many = rows(1000)
    kept = kept_rows(many, 0, leave_out_knots=False).rows
    assert len(kept) == 100
    assert {tuple(row) for row in kept} <= {tuple(row) for row in many}
    assert np.array_equal(kept, kept_rows(many, 0, leave_out_knots=False).rows)
    assert not np.array_equal(kept, kept_rows(many, 1, leave_out_knots=False).rows)


def test_rows_far_from_those_that_are_drawn_are_kept_too(monkeypatch):
    monkeypatch.setattr(_memory, "MOST_ROWS", 100)
    rare = np.float32([[9, 9, 9, 9], [-9, 9, 9, 9], [9, 9, -9, -9]])
    many = np.vstack([rows(1000), rare])
    for seed in range(3):
        kept = kept_rows(many, seed, leave_out_knots=False).rows
        assert {tuple(row) for row in rare} <= {tuple(row) for row in kept}


def test_of_a_wide_table_fewer_rows_are_kept(monkeypatch):
    monkeypatch.setattr(_memory, "LEAST_ROWS", 50)
    monkeypatch.setattr(_memory, "BYTES", 2 * 4 * 80)
    assert len(kept_rows(rows(1000), 0, leave_out_knots=False).rows) == 80
    assert len(kept_rows(rows(1000, d=40), 0, leave_out_knots=False).rows) == 50


def test_rows_are_rounded_to_half_precision_but_for_what_is_too_large():
    x = np.float32([[0.1, 1e6], [0.1 + 1e-7, 1e6], [-0.0, 70_001.5], [0.0, 70_001.5]])
    found = distinct_rows(np.asfortranarray(x))
    assert np.array_equal(found, np.float32([[np.float16(0.1), 1e6], [0, 70_001.5]]))


@pytest.mark.parametrize("scaling", ["log-standard", "none"])
def test_a_saved_memory_takes_two_bytes_a_number_where_that_is_exact(tmp_path, scaling):
    detector = new(ALAD, scaling=scaling, epochs=0).fit(X * (1 if scaling != "none" else 1e5))
    detector.save(tmp_path / "model")
    [file] = (tmp_path / "model").glob("*.safetensors")
    rows = next(a for name, a in load_file(file).items() if name.endswith("M.rows"))
    assert rows.dtype == (np.float16 if scaling != "none" else np.float32)
    again = load(tmp_path / "model")
    assert np.array_equal(again.score_samples(NEW), detector.score_samples(NEW))


def test_a_knot_apart_from_the_rest_is_left_out():
    normal, knot = rows(1000), 9 + 0.05 * rows(40)
    kept = {tuple(row) for row in without_knots(np.vstack([normal, knot]))}
    assert not kept & {tuple(row) for row in knot}
    assert len(kept) > 980
    both = np.vstack([normal, knot])
    assert len(kept_rows(both, 0, leave_out_knots=True).rows) == len(kept)
    assert len(kept_rows(both, 0, leave_out_knots=False).rows) == len(both)


def test_a_crowd_is_the_nearest_twentieth_of_the_rows():
    line = np.arange(100, dtype=np.float32)[:, None]
    assert to_crowd(line, 0)[[0, 50, 99]].tolist() == [5, 3, 5]  # two on one side, three on one
    noise = np.random.default_rng(1).normal(size=(5000, 1)).astype(np.float32)
    many = np.tile(line, (50, 1)) + 0.001 * noise
    ends_and_middle = to_crowd(many, 0)[[0, 50, 99]]
    np.testing.assert_allclose(ends_and_middle, [5, 2.5, 5], atol=1 + 0.01)  # a step, and noise


def test_a_knot_vouches_for_less_and_other_rows_as_before():
    knot = 9 + 0.01 * rows(40)
    everything = np.vstack([rows(1000), knot, 6 * rows(15)])
    size, (_, buffers) = memory_of(everything, 0, leave_out_knots=False)
    memory = Memory(size[0], 4, cells=size[1])
    nnx.update(memory, buffers)
    asked = np.vstack([rows(200), knot[:20] + 0.01, 6 * rows(20)]).astype(np.float32)
    found = np.asarray(jax.jit(lambda memory, x: memory.nearest(x, 10)[0])(memory, asked))
    memory.least = Kept(0 * memory.least[...])
    before = np.asarray(jax.jit(lambda memory, x: memory.nearest(x, 10)[0])(memory, asked))
    raised = found.mean(axis=1) / before.mean(axis=1)
    assert raised[200:220].min() > 3
    assert raised[:200].max() < 1.2
    assert raised[220:].max() < 1.05


def test_a_model_from_before_scores_as_it_did(tmp_path):
    detector = new(ALAD).fit(np.vstack([X, X[:1] + 50 + 0.01 * RNG.normal(size=(2, X.shape[1]))]))
    asked = np.vstack([NEW, X[:1] + 50])  # one row in the knot
    detector.save(tmp_path / "model")
    model = read_model(tmp_path / "model")
    without = {name: array for name, array in model.arrays.items() if not name.endswith("M.least")}
    facts = {k: v for k, v in model.facts.items() if k not in ("weights_sha256", "packed")}
    write_model(tmp_path / "before", replace(model, facts=facts, arrays=without))
    params, buffers = detector.weights_["M"]
    least = buffers["least"].replace(0 * buffers["least"][...])
    now = detector.score_samples(asked)
    detector.weights_["M"] = params, type(buffers)({**buffers, "least": least})
    assert np.array_equal(
        load(tmp_path / "before").score_samples(asked), detector.score_samples(asked)
    )
    assert np.array_equal(load(tmp_path / "model").score_samples(asked), now)
    assert not np.array_equal(detector.score_samples(asked), now)


def test_rows_that_are_merely_alone_stay():
    alone = 6 * rows(15)
    kept = {tuple(row) for row in without_knots(np.vstack([rows(1000), alone]))}
    assert {tuple(row) for row in alone} <= kept


def test_alad_keeps_rows_and_the_papers_does_not():
    assert fitted(ALAD).players_.memory > N // 2
    assert fitted(ALAD, preset="kdd99").players_.memory == 0
    assert fitted(ALICE).players_.memory == 0


def test_a_saved_memory_gives_equal_scores(tmp_path):
    fitted(ALAD).save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert np.array_equal(again.score_samples(NEW), fitted(ALAD).score_samples(NEW))


def test_the_memory_is_there_for_any_of_the_family():
    detector = fitted(BiGAN, anomaly_score="memory")
    assert np.isfinite(detector.score_samples(NEW)).all()


def test_without_a_memory_its_scores_are_refused():
    detector = new(ALAD, preset="kdd99").fit(X).set_params(anomaly_score="memory")
    with pytest.raises(InputError, match=r"kept none\. Fit it again with this score"):
        detector.score_samples(NEW)


@pytest.mark.parametrize("settings", [{"preset": "tabular"}, {"anomaly_score": "distance"}])
def test_another_fit_with_a_memory_may_follow_one_without(settings):
    detector = new(ALAD, preset="kdd99").fit(X)
    assert detector.set_params(**settings).fit(X).players_.memory
    assert np.isfinite(detector.score_samples(X)).all()


def test_pictures_have_no_memory():
    with pytest.raises(InputError, match="compares rows of a table"):
        ALAD(preset="pictures", anomaly_score="memory").fit(np.zeros((4, 8, 8, 3), np.uint8))


def test_far_rows_rank_above_near_ones():
    detector = fitted(ALAD)
    near, far = detector.score_samples(X[:20] + 0.01), detector.score_samples(X[:20] + 100)
    assert near.min() > far.max()


def test_equal_rows_are_judged_once_and_alike(monkeypatch):
    detector, scores, judged = fitted(ALAD), fitted(ALAD).score_samples(NEW), []
    in_blocks = _network.in_blocks
    monkeypatch.setattr(
        _network, "in_blocks", lambda *given: judged.append(len(given[2])) or in_blocks(*given)
    )
    order = RNG.permutation(np.repeat(np.arange(len(NEW)), 3))
    assert np.array_equal(detector.score_samples(NEW[order]), scores[order])
    assert judged == [len(NEW)]


def test_a_row_too_far_out_to_measure_is_the_strangest():
    detector = new(ALAD, scaling="none", epochs=0).fit(X)
    far = np.vstack([NEW[:1], np.full_like(NEW[:1], 1e30), np.full_like(NEW[:1], -3e38)])
    scores = detector.score_samples(far)
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1] == scores[2]


def test_how_far_a_crowd_is_takes_the_room_of_one_part():
    rows = np.random.default_rng(0).normal(size=(8 * _memory.AGAINST, 3)).astype(np.float32)
    tracemalloc.start()
    found = to_crowd(rows, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape == (len(rows),)
    assert peak < 4 * 8 * _memory.AGAINST**2  # a part's distances, and what partitions them
