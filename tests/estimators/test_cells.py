"""The order of a memory's rows, and what a search gains by it."""

from __future__ import annotations

import numpy as np
import pytest

from alad import ALAD, load
from alad.errors import ModelFormatError
from alad.estimators import _memory
from alad.estimators._cells import LEAST_ROWS, among_all, arranged, cells_of, in_order
from alad.estimators._memory import BYTES, affordable, covering_rows, kept_rows
from alad.estimators._programs import weights_by_name
from alad.io import Model, read_model, write_model
from alad.networks.cells import CELL, MANY_COLUMNS

RNG = np.random.default_rng(3)
D = 8
WRITTEN = ("weights_sha256", "packed")  # anew with a model


def loose(n):
    return RNG.normal(size=(n, 40)).astype(np.float32)


def kinds(n, d=D):
    """Rows of 200 kinds, each of its own place."""
    of = np.random.default_rng(0).normal(size=(200, d)) * 3
    return (of[RNG.integers(0, 200, n)] + 0.05 * RNG.normal(size=(n, d))).astype(np.float32)


@pytest.mark.parametrize("n", [1, CELL, CELL + 1, 1000])
def test_every_row_has_one_place(n):
    assert np.array_equal(np.sort(in_order(kinds(n))), np.arange(n))
    assert np.array_equal(in_order(np.ones((n, 3), np.float32)).sum(), n * (n - 1) // 2)


def test_rows_of_a_cell_are_alike():
    x = kinds(16_000)
    apart = [np.ptp(cell, axis=0).max() for cell in np.split(x[in_order(x)], 1000)]
    assert np.median(apart) < 0.5 < np.ptp(x, axis=0).max() / 10


def test_every_row_is_within_its_cells_reach():
    for x in (kinds(1003), 1e6 * kinds(500)):  # too large for half precision, too
        centres, reach = cells_of(x)
        cells = np.split(x, range(CELL, len(x), CELL))
        for cell, centre, far in zip(cells, centres, reach, strict=True):
            assert np.linalg.norm(np.float64(cell) - centre, axis=1).max() <= far


def test_cells_are_for_many_rows_of_few_kinds():
    assert len(arranged(kinds(LEAST_ROWS - 1), 11).reach) == 0
    many = arranged(kinds(2 * LEAST_ROWS), 11)
    assert len(many.reach) == 2 * LEAST_ROWS / CELL
    assert many.share < 0.2
    none = arranged(loose(LEAST_ROWS), 11)
    assert (len(none.reach), none.share) == (0, 1)


def test_distances_are_those_among_all():
    rows, x = kinds(LEAST_ROWS + 5), kinds(300)
    kept = arranged(rows, 11)
    assert len(kept.reach)
    # Among rows that are nearly as near, single precision may choose another.
    np.testing.assert_allclose(kept.distances(x, 3), among_all(rows, x, 3), rtol=0.02)
    others = among_all(rows[in_order(rows)], None, 4)
    np.testing.assert_allclose(kept.to_others(4), others, rtol=0.02)


def test_more_is_kept_of_what_a_search_leaves_out(monkeypatch):
    monkeypatch.setattr(_memory, "MOST_ROWS", LEAST_ROWS)
    many = kinds(6 * LEAST_ROWS)
    assert affordable(many, LEAST_ROWS, 0) == 4 * LEAST_ROWS
    assert len(kept_rows(many, 0, leave_out_knots=False).rows) == 4 * LEAST_ROWS
    assert len(kept_rows(many, 0, leave_out_knots=True).rows) <= LEAST_ROWS
    assert affordable(loose(3 * LEAST_ROWS), LEAST_ROWS, 0) == LEAST_ROWS
    assert affordable(many[:100], LEAST_ROWS, 0) == LEAST_ROWS


def test_no_more_is_kept_than_is_to_be_stored(monkeypatch):
    monkeypatch.setattr(_memory, "BYTES", BYTES // 50)
    kept = affordable(kinds(6 * LEAST_ROWS), LEAST_ROWS, 0)
    assert LEAST_ROWS <= kept < 2 * LEAST_ROWS


def test_the_rows_that_cover_are_the_same_whichever_way_they_are_found():
    many, far = kinds(3 * LEAST_ROWS), 200 + kinds(40)
    kept = covering_rows(np.vstack([many, far]), 2 * LEAST_ROWS, 0)
    assert {tuple(row) for row in far} <= {tuple(row) for row in kept}


@pytest.fixture(scope="module")
def detector():
    return ALAD(epochs=0, random_state=0).fit(kinds(LEAST_ROWS + 100, 4))


def test_a_model_of_many_rows_has_cells_and_judges_each_row_alone(detector):
    assert detector.players_.cells
    new = np.vstack([kinds(200, 4), 30 * RNG.normal(size=(50, 4))]).astype(np.float32)
    scores = detector.score_samples(new)
    order = RNG.permutation(len(new))
    assert np.array_equal(detector.score_samples(new[order]), scores[order])
    assert np.array_equal(detector.score_samples(new[7:8]), scores[7:8])
    assert np.median(scores[200:]) < scores[:200].min()


def test_a_model_with_cells_comes_back(detector, tmp_path):
    detector.save(tmp_path / "model")
    new = kinds(300, 4)
    assert np.array_equal(load(tmp_path / "model").score_samples(new), detector.score_samples(new))


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_model_with_sketches_comes_back(tmp_path):
    x, new = kinds(LEAST_ROWS + 100, MANY_COLUMNS), kinds(300, MANY_COLUMNS)
    for largest in (1.0, 1e25):  # the latter is too large to square
        x[7] = largest
        wide = ALAD(epochs=0, scaling="none", anomaly_score="local-distance", random_state=0).fit(x)
        assert wide.players_.cells
        wide.save(tmp_path / "model")
        arrays = read_model(tmp_path / "model").arrays
        assert not [name for name in arrays if "short" in name]
        again = load(tmp_path / "model")
        assert np.array_equal(again.score_samples(new), wide.score_samples(new))
        assert weights_by_name(again.weights_).keys() == weights_by_name(wide.weights_).keys()
    facts = {k: v for k, v in read_model(tmp_path / "model").facts.items() if k not in WRITTEN}
    write_model(tmp_path / "model", Model(facts, arrays | {"weights/M.reach": np.float32(1)}))
    with pytest.raises(ModelFormatError, match="cells that hold the rows"):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    "change",
    [
        lambda centres, reach: (centres[::2], reach[::2]),
        lambda centres, reach: (centres[:10], reach[:10]),
        lambda centres, reach: (centres, -reach),
        lambda centres, reach: (centres, reach * np.nan),
        lambda centres, reach: (centres * 0, reach),
        lambda centres, reach: (centres[::-1], reach),
        lambda centres, reach: (centres[:, :3], reach),
        lambda centres, reach: (centres, reach[:-1]),
    ],
)
def test_cells_of_other_rows_are_refused(detector, tmp_path, change):
    detector.save(tmp_path / "model")
    model = read_model(tmp_path / "model")
    of = ("weights/M.centres", "weights/M.reach")
    changed = dict(zip(of, change(*(model.arrays[name] for name in of)), strict=True))
    facts = {name: fact for name, fact in model.facts.items() if name not in WRITTEN}
    write_model(tmp_path / "model", Model(facts, {**model.arrays, **changed}))
    with pytest.raises(ModelFormatError, match="cells that hold the rows"):
        load(tmp_path / "model")


def test_rows_too_large_to_square_are_kept_as_ever(monkeypatch):
    monkeypatch.setattr(_memory, "MOST_ROWS", LEAST_ROWS)
    many = kinds(2 * LEAST_ROWS) * np.float32(1e25)
    assert LEAST_ROWS <= affordable(many, LEAST_ROWS, 0) <= 4 * LEAST_ROWS


def test_a_row_far_from_0_is_not_its_own_neighbour():
    rows = kinds(LEAST_ROWS, 4)
    rows[::2, 0] += 3000
    kept = arranged(rows, 11)
    assert (kept.to_others(3) > 0).all()
