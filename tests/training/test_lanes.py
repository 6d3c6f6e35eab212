"""How seeds share a machine, on a CPU and on an accelerator."""

from __future__ import annotations

import jax
import pytest

from alad.training import lanes


@pytest.mark.parametrize(
    ("backend", "pictures", "at_once", "programs"),
    [("cpu", False, 4, 10), ("cpu", True, 4, 10), ("gpu", False, 10, 1), ("gpu", True, 1, 10)],
)
def test_ten_seeds_on_four_cores_or_a_card(monkeypatch, backend, pictures, at_once, programs):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(lanes, "cores", lambda: 4)
    assert lanes.seeds_at_once(10, pictures=pictures) == at_once
    assert lanes.seeds_at_once(1, pictures=pictures) == 1
    assert lanes.default_lanes(10, pictures) == programs
