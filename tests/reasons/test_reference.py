"""Which normal rows are near, and how rare a value is among them: all worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from alad.reasons import reference as module
from alad.reasons.reference import Reference


def reference(rows, column=None, binary=None):
    rows = np.asarray(rows, np.float32)
    column = np.arange(rows.shape[1]) if column is None else np.asarray(column)
    binary = np.zeros(rows.shape[1], bool) if binary is None else np.asarray(binary)
    return Reference(rows, column, binary, int(column.max()) + 1)


def one(*values):
    return np.asarray([values], np.float32)


@pytest.mark.parametrize(
    ("value", "share"),
    [(5.5, 1), (1, 0.2), (10, 0.2), (0.9, 0), (10.1, 0), (2, 0.4), (3, 0.6)],
)
def test_a_number_is_as_rare_as_its_tails(value, share):
    normal = reference(np.arange(1, 11)[:, None])
    assert normal.rarity(one(value)) == pytest.approx(share)


def test_the_usual_value_of_a_column_of_few_values_is_ordinary():
    normal = reference([[0]] * 95 + [[1]] * 5)
    assert normal.rarity(one(0)) == 1
    assert normal.rarity(one(1)) == pytest.approx(0.05)
    assert normal.rarity(one(2)) == 0


def test_any_other_value_of_a_constant_column_was_never_seen():
    normal = reference([[7]] * 10)
    assert normal.rarity(one(7)) == 1
    assert normal.rarity(one(7.5)) == 0


def test_a_category_is_as_rare_as_it_is_seldom():
    tcp, udp, icmp, none = [*np.eye(3).tolist(), [0, 0, 0]]
    normal = reference([tcp] * 7 + [udp] * 2 + [icmp], [0, 0, 0], [True] * 3)
    found = [normal.rarity(one(*x))[0, 0] for x in (tcp, udp, icmp, none)]
    assert found == pytest.approx([1, 0.3, 0.1, 0])


def test_a_missing_value_is_as_rare_as_the_flag():
    normal = reference([[3, 0]] * 6 + [[4, 0]] * 3 + [[3, 1]], [0, 0], [False, True])
    assert normal.rarity(one(3, 1)) == pytest.approx(0.1)
    assert normal.rarity(one(3, 0)) == 1


def test_a_wild_column_does_not_decide_which_row_is_near():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4)).astype(np.float32)
    rows[7, 0] = 5
    x = rows[3:4] + np.float32(0.01)
    x[0, 0] = 60
    assert reference(rows).nearest(x, 1)[0, 0] == 3
    plain = np.linalg.norm(rows - x, axis=1).argmin()
    assert plain == 7


def test_a_category_counts_for_a_standard_deviation():
    normal = reference([[0, 1, 0], [0, 0, 1], [2, 1, 0]] * 2, [0, 1, 1], [False, True, True])
    sd = normal.rows[:, 0].std()
    assert normal.nearest(one(1.1 * sd, 0, 1), 6)[0, 0] == 1
    distances = next(normal._distances(one(sd, 0, 1)))
    assert distances[0, :2] == pytest.approx([0.5 + 0.5, 0.5])


def test_what_all_normal_rows_share_does_not_move_the_nearest():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 2)).astype(np.float32)
    shared = np.column_stack([rows, np.full(50, 7), np.ones(50), np.zeros(50)])
    both = reference(shared, [0, 1, 2, 3, 3], [False, False, False, True, True])
    x = np.array([[0.1, 0.2, 9, 0, 1]], np.float32)
    assert np.array_equal(both.nearest(x, 50), reference(rows).nearest(x[:, :2], 50))
    assert both.rarity(x)[0, 2:].tolist() == [0, 0]


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    normal, x = (rng.normal(size=(n, 3)).astype(np.float32) for n in (40, 25))
    whole = reference(normal).nearest(x, 5)
    monkeypatch.setattr(module, "BLOCK", 90)
    assert np.array_equal(reference(normal).nearest(x, 5), whole)


def test_of_equally_near_rows_the_first_is_first():
    normal = reference([[1], [0], [1], [1]])
    assert normal.nearest(one(1), 3).tolist() == [[0, 2, 3]]
    assert normal.nearest(one(1), 9).tolist() == [[0, 2, 3, 1]]
