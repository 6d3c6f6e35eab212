"""What errors are beyond their messages."""

from __future__ import annotations

import copy

from alad.errors import RowError


def test_an_error_of_a_row_comes_whole_from_another_process():
    """Worker processes of scikit-learn's searches hand errors over as ``copy`` does."""
    again = copy.copy(RowError("Expected a number in row", 3, ". Correct it."))
    assert str(again.at(7)) == "Expected a number in row 7. Correct it."
    assert (str(again), again.row) == ("Expected a number in row 3. Correct it.", 3)
