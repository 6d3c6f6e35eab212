"""The search by cells, against that of all rows: it is to leave out work and nothing else."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.estimators._cells import cells_of, in_order
from alad.networks import cells
from alad.networks.cells import (
    CELL,
    FIRST,
    MANY_COLUMNS,
    PLACES,
    nearest_in_cells,
    place,
    sketch_of,
    sketched,
)
from alad.networks.nearest import nearest_in_blocks
from tests.networks.test_nearest import K, clustered, rows, whole
from tests.networks.test_nearest import found as among_all

LEAST = FIRST * CELL
WIDE = MANY_COLUMNS + 10


def ordered(others):
    return others[in_order(others)]


def found(x, others, k=K, search=nearest_in_cells):
    centres, reach = cells_of(others)
    compiled = jax.jit(search, static_argnums=4)
    return np.asarray(compiled(x, others, centres, reach, k, sketch_of(others, centres)))


def alike_but_for_few(n, d=WIDE):
    """Rows of many columns, most of which hardly differ."""
    return rows(n, d) * np.float32(0.5) ** (np.arange(d) // 4)


def one_far_out(others):
    others[77, 3] = 5e22
    return others


CASES = {
    "random": (rows(300), ordered(rows(2000))),
    "clustered": (clustered(300), ordered(clustered(6000))),
    "far": (rows(70, scale=100), ordered(clustered(2000))),
    "far and near": (np.vstack([rows(70, scale=100), clustered(70)]), ordered(clustered(6000))),
    "tied": (whole(200), ordered(whole(2000))),
    "in no order": (clustered(100), clustered(3000)),
    "all equal": (whole(5), np.ones((LEAST, 3), np.float32)),
    "a last cell of few": (clustered(100), ordered(clustered(LEAST + 3))),
    "no cell of few": (clustered(100), ordered(clustered(LEAST))),
    "many columns": (clustered(300, WIDE), ordered(clustered(6000, WIDE))),
    "many columns, far": (rows(70, WIDE, 100), ordered(clustered(2000, WIDE))),
    "many columns, random": (rows(70, WIDE), ordered(rows(2000, WIDE))),
    "many columns, tied": (whole(200, WIDE), ordered(whole(2000, WIDE))),
    "many columns, most of them alike": (alike_but_for_few(300), ordered(alike_but_for_few(6000))),
    "many columns, one far out": (
        clustered(128, WIDE),
        one_far_out(ordered(clustered(3000, WIDE))),
    ),
    "many columns, far from 0": (1000 + clustered(70, WIDE), ordered(1000 + clustered(2000, WIDE))),
}


@pytest.mark.parametrize("case", CASES)
def test_the_nearest_are_those_of_all_distances(case):
    x, others = CASES[case]
    assert np.array_equal(found(x, others), among_all(x, others, search=nearest_in_blocks))


@pytest.mark.parametrize("k", [1, 2, 40])
def test_as_many_as_are_asked_for(k):
    x, others = clustered(50), ordered(clustered(2000))
    assert np.array_equal(found(x, others, k), among_all(x, others, k))


def test_what_a_row_finds_does_not_depend_on_its_company():
    x, others = np.vstack([clustered(100), whole(30, 8)]), ordered(clustered(3000))
    alone = np.concatenate([found(row[None], others) for row in x[::10]])
    assert np.array_equal(found(x, others)[::10], alone)
    assert np.array_equal(found(x[::-1], others)[::-1], found(x, others))


@pytest.mark.parametrize("d", [1, 2, 3, 5, 8, 30, 121])
def test_nor_on_whether_its_company_needs_all_cells(d):
    """Rows in half precision are often equally near."""
    others = ordered(np.unique(np.float32(np.float16(clustered(4000, d))), axis=0)[:3000])
    x = np.float32(np.float16(clustered(63, d)))
    far = np.full((1, d), 1e8, np.float32)
    assert np.array_equal(
        found(np.vstack([x, far]), others)[:63], found(np.vstack([x, x[:1]]), others)[:63]
    )


def looked_into(x, others, monkeypatch):
    """How many cells blocks of rows are compared with, put in order of where they lie."""
    looked = []
    look = cells._looked

    def counted(found, block, others, lengths, cells, k):
        jax.debug.callback(lambda n: looked.append(int(n)), (cells < len(others) / CELL).sum())
        return look(found, block, others, lengths, cells, k)

    def anew(*given):
        return nearest_in_cells(*given)

    monkeypatch.setattr(cells, "_looked", counted)
    where = np.asarray(place(jnp.asarray(x), jnp.asarray(cells_of(others)[0])))
    found(x[np.argsort(where)], others, search=anew)
    jax.effects_barrier()
    return sum(looked)


def test_most_cells_are_left_out(monkeypatch):
    others = ordered(clustered(40_000))
    assert 0 < looked_into(clustered(640), others, monkeypatch) < 0.3 * 10 * len(others) / CELL


def test_sketches_leave_out_cells(monkeypatch):
    others = ordered(alike_but_for_few(6000))
    x = alike_but_for_few(640)
    with_them = looked_into(x, others, monkeypatch)
    monkeypatch.setattr(cells, "MANY_COLUMNS", WIDE + 1)
    assert 0 < with_them < 0.9 * looked_into(x, others, monkeypatch)


def test_sketches_are_no_farther_apart_than_rows():
    others = ordered(alike_but_for_few(LEAST))
    sketch = sketch_of(others, cells_of(others)[0])
    x = alike_but_for_few(50)
    short = sketched(jnp.asarray(x), sketch.middle, sketch.columns)
    apart = np.linalg.norm(np.float64(short)[:, None] - sketch.rows[:, :-2], axis=2)
    true = np.linalg.norm(np.float64(x)[:, None] - others, axis=2)
    assert (apart <= true + 1e-4).all()
    assert (apart > 0.8 * true).mean() > 0.9
    near = np.linalg.norm(np.float64(short)[:, None] - sketch.centres, axis=2)
    assert (near <= np.linalg.norm(x[:, None] - cells_of(others)[0], axis=2) + 1e-4).all()
    assert sketch_of(others[:, 1:MANY_COLUMNS], cells_of(others[:, 1:MANY_COLUMNS])[0]) is None


@pytest.mark.parametrize("d", [8, WIDE])
@pytest.mark.parametrize("value", [2e19, 3e38])
def test_nor_on_whether_one_is_too_large_to_square(value, d):
    others = ordered(clustered(2000, d))
    x = clustered(64, d)
    company = x.copy()
    company[5, 3] = value
    same = np.arange(64) != 5
    assert np.array_equal(found(company, others)[same], found(x, others)[same])


@pytest.mark.parametrize("d", [8, WIDE])
@pytest.mark.parametrize("value", [1e19, 3e38])
def test_values_too_large_to_square_have_some_nearest(value, d):
    others = ordered(clustered(2000, d))
    places = found(np.full((3, d), value, np.float32), others)
    assert ((places >= 0) & (places < len(others))).all()


def test_rows_that_lie_together_have_like_places():
    others = ordered(clustered(40 * PLACES * CELL))
    centres = jnp.asarray(cells_of(others)[0])
    x = jnp.asarray(others[:: 50 * CELL])
    where, moved = place(x, centres), place(x + 0.001, centres)
    assert np.array_equal(np.floor(where), np.floor(moved))
    assert (where >= 0).all()
    assert (np.floor(where) < len(centres) / PLACES).all()
