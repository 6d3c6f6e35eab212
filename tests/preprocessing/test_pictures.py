"""Pictures: arrays that are none, files by the stated rules, and damaged ones."""

from __future__ import annotations

from threading import Barrier, Thread
from time import sleep

import numpy as np
import pytest
from PIL import Image, ImageOps

from alad.errors import InputError
from alad.preprocessing import pictures
from alad.preprocessing.pictures import (
    InFlight,
    Unreadable,
    as_pictures,
    files_in,
    has_colour,
    read,
    read_all,
)


def halves(width=60, height=40):
    """Left half red, right half blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


# ------------------------------------------------------------------------- arrays


def test_gray_pictures_get_a_channel():
    assert as_pictures(np.zeros((2, 9, 9), np.uint8)).shape == (2, 9, 9, 1)
    x = np.full((2, 9, 9, 3), 255.0)
    assert as_pictures(x) is x


def test_a_dark_picture_alone_is_one_once_the_model_is_fitted():
    x = np.zeros((1, 9, 9))
    x[0, 0, 0] = 1
    assert as_pictures(x, fitting=False).shape == (1, 9, 9, 1)
    beside = np.concatenate([x / 2, x * 200])
    for table, fitting in ((x, True), (x / 2, False), (beside, False)):
        with pytest.raises(InputError, match="Multiply them by 255"):
            as_pictures(table, fitting=fitting)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((4, 5)), r"shape \(4, 5\), float64. For rows of a table leave preset"),
        (np.zeros((4, 9, 9), str), "an array of numbers"),
        (np.zeros((0, 9, 9)), "at least one picture"),
        ([np.zeros((8, 8)), np.zeros((9, 9))], "Expected pictures of one size"),
        (np.zeros((1, 9, 10)), "square, of 8 to 128 pixels a side; got 1 of 9 x 10"),
        (np.zeros((1, 7, 7)), "got 1 of 7 x 7"),
        (np.zeros((1, 129, 129)), "got 1 of 129 x 129"),
        (np.zeros((1, 9, 9, 0)), "channels: 0"),
        (np.full((1, 9, 9), -1.0), "pixels from 0 to 255; got -1 to -1"),
        (np.full((1, 9, 9), 256), "got 256 to 256"),
        (np.full((1, 9, 9), np.nan), "got nan to nan"),
        (np.full((1, 9, 9), 0.5), "got 0.5 to 0.5. Multiply them by 255"),
    ],
)
def test_what_is_no_picture_is_refused(x, message):
    with pytest.raises(InputError, match=message):
        as_pictures(x)


# ------------------------------------------------------------------------- files


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_the_square_in_the_middle_is_cut_out(tmp_path, ending):
    path = tmp_path / f"p.{ending}"
    halves().save(path, **({"lossless": True} if ending == "webp" else {}))
    found = read(path, 20, 3)
    assert (found.shape, found.dtype) == ((20, 20, 3), np.uint8)
    near = 40 if ending == "jpg" else 2
    assert np.abs(found[10, 2].astype(int) - [255, 0, 0]).max() <= near
    assert np.abs(found[10, 17].astype(int) - [0, 0, 255]).max() <= near


def test_gray_is_asked_for_or_found(tmp_path):
    halves().save(tmp_path / "colour.png")
    halves().convert("L").save(tmp_path / "gray.png")
    assert has_colour(tmp_path / "colour.png")
    assert not has_colour(tmp_path / "gray.png")
    assert read(tmp_path / "colour.png", 16, 1).shape == (16, 16, 1)
    assert read(tmp_path / "gray.png", 16, 3).shape == (16, 16, 3)


def test_a_picture_is_turned_as_its_camera_said(tmp_path):
    exif = Image.Exif()
    exif[274] = 3  # orientation: upside down
    halves(40, 40).save(tmp_path / "p.png", exif=exif)
    found = read(tmp_path / "p.png", 20, 3)
    assert found[10, 2].tolist() == [0, 0, 255]


@pytest.mark.filterwarnings("ignore:.*EXIF")  # of Pillow
@pytest.mark.parametrize("ending", ["jpg", "webp", "png"])
@pytest.mark.parametrize("exif", [b"Exif\0\0no TIFF", b"Exif\0\0MM\0*\0\0\0\x08\0\x09"])
def test_what_a_camera_said_is_left_aside_where_it_is_damaged(tmp_path, ending, exif):
    halves().save(tmp_path / f"plain.{ending}")
    halves().save(tmp_path / f"p.{ending}", exif=exif)
    wanted = read(tmp_path / f"plain.{ending}", 20, 3)
    assert np.array_equal(read(tmp_path / f"p.{ending}", 20, 3), wanted)


def test_what_is_transparent_is_laid_over_white(tmp_path):
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    clear.save(tmp_path / "p.png")
    assert (read(tmp_path / "p.png", 8, 3) == 255).all()
    clear.convert("P").save(tmp_path / "q.png", transparency=0)
    assert (read(tmp_path / "q.png", 8, 3) == 255).all()


def test_of_sixteen_bits_the_upper_eight_stay(tmp_path):
    Image.fromarray(np.full((10, 10), 200 * 257, np.uint16)).save(tmp_path / "p.png")
    assert (read(tmp_path / "p.png", 8, 1) == 200).all()


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "p.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert read(tmp_path / "p.webp", 8, 3)[4, 4].tolist() == [255, 0, 0]


def test_the_square_is_cut_out_before_it_shrinks(tmp_path):
    """A white square between black ones: nothing of its neighbours comes in at its edges."""
    wide = Image.new("L", (192, 64))
    wide.paste(255, (64, 0, 128, 64))
    wide.save(tmp_path / "p.png")
    assert read(tmp_path / "p.png", 8, 1).min() == 255


@pytest.mark.parametrize("form", ["BMP", "GIF", "TIFF", "EPS"])
def test_what_only_calls_itself_a_picture_of_ours_is_not_opened(tmp_path, form):
    halves().save(tmp_path / "p", form)
    path = (tmp_path / "p").rename(tmp_path / "p.png")
    found = read(path, 8, 3)
    assert isinstance(found, Unreadable)
    assert found.reason == "no picture in PNG, JPEG or WebP"
    assert not has_colour(path)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "header"])
def test_a_damaged_file_says_what_is_wrong(tmp_path, kind, ending):
    path = tmp_path / f"p.{ending}"
    halves().save(path)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "truncated": whole[: len(whole) // 2],
            "empty": b"",
            "text": b"no picture",
            "header": b"\x00" * 8 + whole[8:],
        }[kind]
    )
    found = read(path, 8, 3)
    assert isinstance(found, Unreadable)
    assert found.path == path
    reasons = {"empty": "an empty file", "truncated": "truncated or damaged"}
    assert found.reason == reasons.get(kind, "no picture in PNG, JPEG or WebP")
    assert not has_colour(path) or kind == "truncated"


def test_a_file_that_cannot_be_opened_says_why(tmp_path):
    found = read(tmp_path / "nowhere.png", 8, 3)
    assert isinstance(found, Unreadable)
    assert found.reason == "No such file or directory"


@pytest.mark.filterwarnings("ignore:Image size")  # of Pillow
def test_a_picture_of_very_many_pixels_is_told_alike(tmp_path, monkeypatch):
    halves().save(tmp_path / "p.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    found = read(tmp_path / "p.png", 8, 3)
    assert isinstance(found, Unreadable)
    assert found.reason == "its pixels are too many"


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_wherever_a_file_is_cut_off_it_is_told_alike(tmp_path, ending):
    path = tmp_path / f"p.{ending}"
    halves().save(path)
    whole = path.read_bytes()
    for length in range(4, len(whole) // 2, 7):
        path.write_bytes(whole[:length])
        found = read(path, 8, 3)
        assert isinstance(found, Unreadable)
        assert found.reason == "truncated or damaged"


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path, monkeypatch):
    halves().save(tmp_path / "p.png")
    monkeypatch.setattr(pictures, "MOST_PIXELS", 60 * 40 - 1)
    found = read(tmp_path / "p.png", 8, 3)
    assert isinstance(found, Unreadable)
    assert found.reason == "60 x 40 pixels are too many"


# ------------------------------------------------------------------------- memory


def in_one_go(path, side, mode):
    """What the rules say of a picture without 16 bits, whatever memory that takes."""
    with Image.open(path) as opened:
        turned = ImageOps.exif_transpose(opened)
    if turned.has_transparency_data:
        white = Image.new("RGBA", turned.size, "white")
        turned = Image.alpha_composite(white, turned.convert("RGBA"))
    whole = turned.convert(mode)
    length = min(whole.size)
    left, top = (whole.width - length) // 2, (whole.height - length) // 2
    square = whole.crop((left, top, left + length, top + length))
    return np.asarray(square.resize((side, side), Image.Resampling.LANCZOS)).reshape(side, side, -1)


@pytest.fixture(params=["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def of_mode(request):
    """A picture of noise, of an odd size."""
    noise = np.random.default_rng(0).integers(0, 256, (43, 30, 4), dtype=np.uint8)
    return Image.fromarray(noise, "RGBA").convert(request.param)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_strips_give_the_pixels_that_the_whole_gives(of_mode, orientation, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "STRIP", 7)
    path = tmp_path / ("p.jpg" if of_mode.mode == "CMYK" else "p.png")
    exif = Image.Exif()
    exif[274] = orientation
    of_mode.save(path, exif=exif, **({"transparency": 3} if of_mode.mode == "P" else {}))
    for channels, mode in ((1, "L"), (3, "RGB")):
        assert np.array_equal(read(path, 11, channels), in_one_go(path, 11, mode))


def test_no_more_is_in_flight_than_may_be():
    """Many at once, of all sizes; one that is larger than all that may be is alone."""
    in_flight, seen = InFlight(10), []

    def take(count):
        with in_flight.taken(count):
            seen.append(in_flight.free)
            sleep(0.001)  # for the others to come in, if they could

    waiting = [Thread(target=take, args=(count,)) for count in [*range(1, 12)] * 20]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    assert (len(seen), min(seen), in_flight.free) == (220, 0, 10)


def test_what_fits_is_in_flight_side_by_side():
    in_flight, together = InFlight(10), Barrier(3)

    def take(count):
        with in_flight.taken(count):
            together.wait(timeout=60)  # the others hold theirs too

    waiting = [Thread(target=take, args=(count,)) for count in (5, 3)]
    for thread in waiting:
        thread.start()
    together.wait(timeout=60)
    for thread in waiting:
        thread.join()
    assert in_flight.free == 10


def test_what_is_in_flight_is_freed_by_an_error():
    in_flight = InFlight(10)
    with pytest.raises(ValueError, match="damaged"), in_flight.taken(7):
        raise ValueError("damaged")
    assert in_flight.free == 10


@pytest.mark.parametrize(("ending", "a_pixel"), [("png", 8), ("jpg", 8), ("webp", 20)])
def test_pictures_are_in_flight_by_the_size_in_their_headers(
    tmp_path, monkeypatch, ending, a_pixel
):
    """Four of 60 by 40 pixels, where two of them may be decoded at a time."""
    paths = [tmp_path / f"{i}.{ending}" for i in range(4)]
    for path in paths:
        halves().save(path)
    held, taken = [], InFlight.taken
    monkeypatch.setattr(InFlight, "taken", lambda self, n: held.append(n) or taken(self, n))
    read_some = read_all(paths, 8, 3, at_once=4, most=60 * 40 * a_pixel * 2)
    assert [len(found) for found, _, _ in read_some] == [4]
    assert held == [60 * 40 * a_pixel] * 4


# ------------------------------------------------------------------------- folders


def test_files_are_found_below_too_in_order(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.PNG", "a.jpeg", "sub/c.webp", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    found = [str(p.relative_to(tmp_path)) for p in files_in(tmp_path)]
    assert found == ["a.jpeg", "b.PNG", "sub/c.webp"]
    with pytest.raises(InputError, match=r"found none"):
        files_in(tmp_path / "nowhere")


def test_batches_keep_order_and_leave_out_what_is_damaged(tmp_path):
    paths = []
    for i in range(7):
        path = tmp_path / f"{i}.png"
        Image.new("L", (9, 9), 10 * i).save(path)
        paths.append(path)
    paths[3].write_bytes(b"damaged")
    batches = list(read_all(paths, 8, 1, at_once=3))
    assert [len(pictures) for pictures, _, _ in batches] == [3, 2, 1]
    shown = np.concatenate([pictures[:, 0, 0, 0] for pictures, _, _ in batches])
    assert shown.tolist() == [0, 10, 20, 40, 50, 60]
    assert [p for _, names, _ in batches for p in names] == paths[:3] + paths[4:]
    assert [bad.path for _, _, several in batches for bad in several] == [paths[3]]
