"""Pictures that are decoded window by window: which, when, and what takes a damaged one's place."""

from __future__ import annotations

from functools import partial
from itertools import chain

import numpy as np
import pytest
from PIL import Image

from alad.errors import InputError
from alad.estimators import KNN, AutoEncoder, _fitting
from alad.estimators._picture_files import PictureFiles, PictureWindows
from alad.preprocessing.pictures import files_in
from alad.preprocessing.scaling import fit_scaler
from alad.training import Checkpoint

SIDE, COUNT = 8, 12
OF_WINDOW = 5 * 4 * SIDE**2 * 16  # bytes of memory for which a window holds five pictures
SCALER = fit_scaler("pixels", np.zeros((2, SIDE**2), np.uint8))


@pytest.fixture
def files(tmp_path):
    """Twelve gray pictures, each of one level: 10, 20, ..."""
    for i in range(COUNT):
        Image.new("L", (SIDE, SIDE), 10 * (i + 1)).save(tmp_path / f"{i:02}.png")
    return PictureFiles(files_in(tmp_path), SIDE, 1, memory=OF_WINDOW)


def levels(pictures):
    """Which pictures these are."""
    flat = pictures.reshape(len(pictures), -1)
    assert (flat == flat[:, :1]).all()
    return flat[:, 0].tolist()


def windows_of(files, seed=0):
    return PictureWindows(files, SCALER, seed=seed)


def seen(windows, epoch):
    rows = windows.window(epoch)
    assert (rows.dtype, rows.shape) == (np.float32, windows.shape)
    return levels(np.round((rows + 1) * 127.5))


def test_the_parts_of_a_folder_are_all_of_it(files):
    chosen = np.arange(COUNT) % 3 == 0
    assert levels(files.only(chosen)) == [10, 40, 70, 100]
    rest = files.without(chosen)
    assert len(rest) == 8
    assert levels(rest.read(np.arange(8))) == [20, 30, 50, 60, 80, 90, 110, 120]
    assert rest.unreadable is files.unreadable


def test_a_sample_is_drawn_without_replacement(files):
    drawn = levels(files.sample(0))
    assert (len(drawn), len(set(drawn)), drawn) == (5, 5, sorted(drawn))
    assert drawn == levels(files.sample(0)) != levels(files.sample(1))
    files.memory = 3 * OF_WINDOW
    assert levels(files.sample(0)) == [10 * (i + 1) for i in range(COUNT)]


def test_windows_deal_every_picture_once_a_round(files):
    windows = windows_of(files)
    assert (windows.in_round, windows.shape) == (3, (4, SIDE, SIDE, 1))
    first = [seen(windows, epoch) for epoch in (1, 2, 3)]
    assert sorted(chain(*first)) == [10 * (i + 1) for i in range(COUNT)]
    second = [seen(windows, epoch) for epoch in (4, 5, 6)]
    assert sorted(chain(*second)) == sorted(chain(*first))
    assert first != second
    assert seen(windows, 2) == first[1]
    assert seen(windows_of(files, seed=1), 1) != first[0]


def test_a_last_window_is_filled_with_pictures_of_the_first(files):
    windows = windows_of(files.without(np.arange(COUNT) == 0))
    assert (windows.in_round, windows.shape[0]) == (3, 4)
    every = [seen(windows, epoch) for epoch in (1, 2, 3)]
    assert set(chain(*every)) == {10 * (i + 1) for i in range(1, COUNT)}
    assert every[2][3] == every[0][0]


def test_a_damaged_file_is_noted_and_others_take_its_place(files):
    files.paths[4].write_bytes(b"no picture")
    windows = windows_of(files)
    every = [seen(windows, epoch) for epoch in (1, 2, 3)]
    assert sorted(set(chain(*every))) == [10 * (i + 1) for i in range(COUNT) if i != 4]
    assert [len(window) for window in every] == [4, 4, 4]
    assert list(files.unreadable) == [files.paths[4]]
    chosen = np.isin(np.arange(COUNT), (3, 4))
    assert levels(files.only(chosen)) == [40]


def test_a_file_that_no_training_saw_is_looked_at_to_be_counted(files, small):
    files.paths[4].write_bytes(b"no picture")
    rest = files.without(np.arange(COUNT) == 0)
    assert (rest.count_sound(), files.count_sound(), len(files)) == (10, 11, COUNT)
    assert files.looked_at == set(files.paths)
    assert AutoEncoder(**small | {"epochs": 0}).fit(files).rows_at_fit_ == 11


def test_nothing_but_damaged_files_is_an_error(files):
    for path in files.paths:
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"none of 12 files could be read. The first: .*00\.png"):
        files.read(np.arange(COUNT))


def test_a_checkpoint_knows_other_files(files):
    before = windows_of(files).identity
    assert before == windows_of(files).identity != windows_of(files, seed=1).identity
    Image.new("L", (SIDE, SIDE), 99).resize((9, 9)).save(files.paths[0])
    assert before != windows_of(files).identity


@pytest.fixture
def small():
    return {"preset": "pictures", "epochs": 2, "batch_size": 2, "random_state": 0}


def test_a_fit_goes_through_windows_and_gives_the_same_model_again(files, small):
    one, other = AutoEncoder(**small).fit(files), AutoEncoder(**small).fit(files)
    assert (one.history_.epochs, one.rows_at_fit_, one.picture_shape_) == (6, 12, (8, 8, 1))
    pictures = files.read(np.arange(COUNT))
    np.testing.assert_array_equal(one.score_samples(pictures), other.score_samples(pictures))
    files.memory = 3 * OF_WINDOW
    assert AutoEncoder(**small).fit(files).history_.epochs == 2


def test_pictures_to_watch_are_held_out_of_the_windows(files, small):
    model = AutoEncoder(**small | {"validation_fraction": 0.25, "patience": 9}).fit(files)
    assert len(model.history_.validation) == model.history_.epochs == 4  # two windows a reading


def test_a_training_that_was_stopped_goes_on_from_its_checkpoint(
    files, small, tmp_path, monkeypatch
):
    whole = AutoEncoder(**small).fit(files)
    monkeypatch.setattr(_fitting, "Checkpoint", partial(Checkpoint, every=0))

    def stop(progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt

    file = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        AutoEncoder(**small).fit(files, checkpoint=file, report=stop)
    assert file.exists()
    again = AutoEncoder(**small).fit(files, checkpoint=file)
    pictures = files.read(np.arange(COUNT))
    np.testing.assert_array_equal(whole.score_samples(pictures), again.score_samples(pictures))


def test_a_detector_of_tables_refuses_them(files):
    with pytest.raises((InputError, ValueError), match="pictures go to networks"):
        KNN().fit(files)
