"""Rows that are too many to be held: an epoch is a window, read while the one before is used."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from alad.errors import OutputError
from tests.training.toy import ROWS, SETTINGS, equal, leaves, memory, play


class Asked:
    """The same rows in every epoch, and a record of who asked for which window."""

    def __init__(self, rows=ROWS, fails_at=None):
        self.rows, self.fails_at, self.epochs, self.threads = rows, fails_at, [], []
        self.shape = rows.shape

    def window(self, epoch):
        self.epochs.append(epoch)
        self.threads.append(threading.current_thread())
        if epoch == self.fails_at:
            raise OutputError("Expected to read a window.")
        return self.rows


@pytest.mark.parametrize("epochs", [1, 4])
def test_every_epoch_has_one_window_and_none_is_read_in_vain(epochs):
    asked = Asked()
    play(rows=asked, settings=replace(SETTINGS, epochs=epochs))
    assert asked.epochs == list(range(1, epochs + 1))


def test_windows_are_read_in_a_thread_of_their_own_which_is_gone_in_the_end():
    asked = Asked()
    play(rows=asked, settings=replace(SETTINGS, epochs=3))
    assert threading.current_thread() not in asked.threads[1:]
    assert not any(thread.is_alive() for thread in asked.threads[1:])


def test_a_window_is_read_while_the_one_before_it_is_trained_on():
    """Training cannot tell that the first epoch is over before the second window is asked for."""
    asked, second = Asked(), threading.Event()

    def window(epoch):
        if epoch == 2:
            second.set()
        return ROWS

    asked.window = window
    seen = []
    play(
        rows=asked,
        settings=replace(SETTINGS, epochs=2),
        report=lambda p: (
            seen.append(p.epoch) if second.wait(5) else pytest.fail("nobody reads ahead")
        ),
    )
    assert set(seen) == {1, 2}


def test_windows_train_as_the_rows_that_they_hold():
    settings = replace(SETTINGS, epochs=3)
    one, other = play(rows=Asked(), settings=settings), play(rows=ROWS, settings=settings)
    assert equal(leaves(one.weights), leaves(other.weights))
    shifted = play(rows=Asked(ROWS + 1), settings=settings)
    assert not equal(leaves(one.weights), leaves(shifted.weights))
    assert memory(one.weights[0], "P", "moves") == memory(other.weights[0], "P", "moves")


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_what_goes_wrong_while_reading_ends_the_training(epoch):
    asked = Asked(fails_at=epoch)
    with pytest.raises(OutputError, match="read a window"):
        play(rows=asked, settings=replace(SETTINGS, epochs=3))
    assert asked.epochs[-1] == epoch
    assert not any(t.is_alive() for t in asked.threads if t is not threading.current_thread())
