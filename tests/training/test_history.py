"""Curves: added epoch by epoch, taken apart by seed, and back from JSON as they were."""

from __future__ import annotations

import json

import numpy as np

from alad.training import History


def curves():
    history = History((7, 9))
    history.add({"D": np.array([1.0, 2.0]), "A": np.array([3.0, 4.0])}, np.array([0.1, 0.2]), 0.5)
    history.add({"D": np.array([1.5, 2.5]), "A": np.array([3.5, 4.5])}, np.array([0.3, 0.4]), 0.25)
    return history


def test_json_and_back():
    history = curves()
    again = History.from_json(json.loads(json.dumps(history.to_json())))
    assert again == history
    assert again.seeds == (7, 9)
    assert History.from_json(json.loads(json.dumps(History((1,)).to_json()))) == History((1,))


def test_a_seed_has_curves_of_its_own():
    history = curves()
    assert history.of_seed(1) == History(
        (9,), {"D": [[2.0], [2.5]], "A": [[4.0], [4.5]]}, [[0.2], [0.4]], [0.5, 0.25]
    )
    history.of_seed(0).seconds.append(1.0)
    assert history.epochs == 2


def test_without_validation_there_is_no_curve_of_it():
    history = History((0,))
    history.add({"D": np.array([1.0])}, None, 1)
    assert (history.epochs, history.validation, history.of_seed(0).validation) == (1, [], [])
