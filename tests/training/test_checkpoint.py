"""Checkpoints: a training that was killed goes on exactly; what does not belong is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from alad.errors import InputError, ModelFormatError, OutputError
from alad.training import Checkpoint
from tests.training.toy import ROWS, SETTINGS, N, away_from_fate, equal, play

ROOT = Path(__file__).resolve().parents[2]


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path):
    file, epochs = tmp_path / "run", 20
    command = [sys.executable, "-m", "tests.training.toy", str(file), str(epochs)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "JAX_PLATFORMS": "cpu"}) as child:
        deadline = time.monotonic() + 120
        while not file.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        child.kill()
        assert child.wait() == -signal.SIGKILL
    settings, told = replace(SETTINGS, epochs=epochs), []
    resumed = play(
        seeds=(0, 1), settings=settings, checkpoint=Checkpoint(file, "toy"), report=told.append
    )
    whole = play(seeds=(0, 1), settings=settings)
    assert told[0].epoch > 1
    assert (told[-1].epoch, resumed.history.epochs) == (epochs, epochs)
    assert told[-1].step == told[-1].steps == (epochs - told[0].epoch + 1) * 3
    assert equal(resumed.weights, whole.weights)
    assert resumed.history.losses == whole.history.losses


class Stop(Exception):
    """What the tests interrupt a training with."""


def interrupted(epoch, file, **others):
    """Play until an epoch has been trained but not written."""

    def stop(progress):
        if progress.epoch == epoch:
            raise Stop

    with pytest.raises(Stop):
        play(checkpoint=Checkpoint(file, "toy", every=0), report=stop, **others)


@pytest.mark.parametrize("epoch", [2, 4, 6])
def test_patience_and_best_weights_survive_an_interruption(tmp_path, epoch):
    game = {
        "seeds": (0, 1, 4),
        "settings": replace(SETTINGS, epochs=30, batch_size=N, patience=1),
        "validation": ROWS,
        "validate": away_from_fate,
    }
    interrupted(epoch, tmp_path / "run", **game)
    resumed = play(checkpoint=Checkpoint(tmp_path / "run", "toy"), **game)
    whole = play(**game)
    assert equal(resumed.weights, whole.weights)
    assert resumed.history.validation == whole.history.validation
    assert whole.history.epochs == 7  # seed 4 is at its best after 5 epochs


def test_a_finished_training_is_not_trained_again(tmp_path):
    file = Checkpoint(tmp_path / "run", "toy")
    first = play(checkpoint=file)
    again = play(checkpoint=file, report=lambda progress: pytest.fail("trained again"))
    assert equal(first.weights, again.weights)
    assert first.history == again.history


def test_the_first_epoch_is_written_and_the_last_though_they_come_too_soon(tmp_path):
    file = Checkpoint(tmp_path / "run", "toy", every=1e9)
    with pytest.raises(Stop):
        play(checkpoint=file, report=_stop_at_third)
    assert file.path.exists()
    play(checkpoint=file)
    play(checkpoint=file, report=lambda progress: pytest.fail("trained again"))


@pytest.mark.parametrize(
    ("ran", "since", "due"),
    [(0, 1, True), (4, 3, False), (4, 5, True), (900, 59, False), (900, 61, True)],
)
def test_a_young_training_is_written_more_often(tmp_path, monkeypatch, ran, since, due):
    """``ran``: seconds before the last write; ``since``: those after it."""
    monkeypatch.setattr(time, "monotonic", lambda: 100.0 + ran + since)
    assert Checkpoint(tmp_path / "run", "toy").is_due(100.0, 100.0 + ran) == due


def _stop_at_third(progress):
    if progress.epoch == 3:
        raise Stop


# ------------------------------------------------------------------------- what is refused


TREE = {"a": np.arange(3.0), "b": [np.ones((2, 2), np.float32)]}


@pytest.fixture
def saved(tmp_path):
    place = Checkpoint(tmp_path / "run", "this run")
    place.save(TREE, {"epochs": 3, "best": [float("inf")]})
    return place


def test_what_was_saved_is_loaded(saved):
    arrays, record = saved.load(TREE)
    assert equal(arrays, TREE)
    assert record == {"epochs": 3, "best": [float("inf")]}
    assert [file.name for file in saved.path.parent.iterdir()] == ["run"]
    assert Checkpoint(saved.path.parent / "none", "this run").load(TREE) is None


def test_a_checkpoint_of_another_run_is_refused(saved):
    other = replace(saved, identity="that run")
    with pytest.raises(InputError, match="belongs to another run: other data, settings, seeds"):
        other.load(TREE)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"half"])
def test_a_damaged_checkpoint_is_refused(saved, content):
    whole = saved.path.read_bytes()
    saved.path.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    with pytest.raises(ModelFormatError, match=r"cannot be read .* Delete it to start again"):
        saved.load(TREE)


def test_a_checkpoint_without_some_array_is_refused(saved):
    with pytest.raises(ModelFormatError, match="cannot be read"):
        saved.load({**TREE, "c": np.ones(1)})


@pytest.mark.parametrize("header", [None, {"format": "alad-checkpoint-0", "identity": "this run"}])
def test_another_file_of_arrays_is_refused(saved, header):
    save_file({"a": np.ones(3)}, saved.path, metadata=header)
    with pytest.raises(ModelFormatError, match="Expected a checkpoint of format alad-checkpoint-1"):
        saved.load(TREE)


def test_a_failed_write_leaves_the_old_checkpoint_whole(saved):
    resource = pytest.importorskip("resource")
    before, limits = saved.path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as on a full disk: half is written
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"Expected to write .*run, but file too large"):
            saved.save({"a": np.zeros(100_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert saved.path.read_bytes() == before
    assert [file.name for file in saved.path.parent.iterdir()] == ["run"]


def test_no_permission_is_told_as_such(saved, no_permission):
    with pytest.raises(OutputError, match="permission denied"):
        replace(saved, path=saved.path.parent / "new" / "run").save(TREE, {})
