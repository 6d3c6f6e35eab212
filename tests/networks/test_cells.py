"""The search by cells, against that of all rows: it is to leave out work and nothing else."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.estimators._cells import cells_of, in_order
from alad.networks import cells
from alad.networks.cells import AT_ONCE, CELL, PLACES, nearest_in_cells, place
from alad.networks.nearest import nearest_in_blocks
from tests.networks.test_nearest import K, clustered, rows, whole
from tests.networks.test_nearest import found as among_all

LEAST = AT_ONCE * CELL


def ordered(others):
    return others[in_order(others)]


def found(x, others, k=K):
    centres, reach = cells_of(others)
    search = jax.jit(lambda *given: nearest_in_cells(*given, k))
    return np.asarray(search(*map(jnp.asarray, (x, others, centres, reach))))


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


def test_most_cells_are_left_out(monkeypatch):
    looked = []
    look = cells._looked

    def counted(found, block, others, lengths, cells, k):
        jax.debug.callback(lambda n: looked.append(int(n)), (cells < len(others) / CELL).sum())
        return look(found, block, others, lengths, cells, k)

    monkeypatch.setattr(cells, "_looked", counted)
    others = ordered(clustered(40_000))
    x = clustered(640)
    where = np.asarray(place(jnp.asarray(x), jnp.asarray(cells_of(others)[0])))
    found(x[np.argsort(where)], others)
    jax.effects_barrier()
    assert 0 < sum(looked) < 0.3 * 10 * len(others) / CELL


@pytest.mark.parametrize("value", [1e19, 3e38])
def test_values_too_large_to_square_have_some_nearest(value):
    others = ordered(clustered(2000))
    places = found(np.full((3, 8), value, np.float32), others)
    assert ((places >= 0) & (places < len(others))).all()


def test_rows_that_lie_together_have_like_places():
    others = ordered(clustered(40 * PLACES * CELL))
    centres = jnp.asarray(cells_of(others)[0])
    x = jnp.asarray(others[:: 50 * CELL])
    where, moved = place(x, centres), place(x + 0.001, centres)
    assert np.array_equal(np.floor(where), np.floor(moved))
    assert (where >= 0).all()
    assert (np.floor(where) < len(centres) / PLACES).all()
