"""Folders of pictures on the command line: fit, score, info and look."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from alad import ALAD, AutoEncoder, load
from alad.cli import calibrating, drift, pictures
from alad.report.pictures import as_bytes, gather
from alad.report.pictures import look as drawn
from tests.estimators.pictures import SMALL, dots, stripes

FIT = ("fit", "pictures", "-o", "model", "--side", "8")
ENCODER = ("--detector", "autoencoder")  # one program of networks that are quick to compile


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(ALAD.presets, "pictures", SMALL)


def write(folder, pictures, ending="png"):
    Path(folder).mkdir(exist_ok=True)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(f"{folder}/{i:02}.{ending}")


@pytest.fixture
def fitted(alad):
    """A folder of stripes and a model of it."""
    write("pictures", stripes(16))
    alad.good(*FIT, "--seed", "3")
    return Path("model")


def test_a_folder_becomes_a_model(alad):
    write("pictures", stripes(16))
    Path("pictures/bad.png").write_bytes(b"no picture")
    done = json.loads(alad.good(*FIT, "--json").out)
    assert (done["rows"], done["picture"], done["epochs"]) == (16, [8, 8, 1], 1)
    assert [bad["file"] for bad in done["unreadable"]] == ["pictures/bad.png"]
    ours = ALAD(preset="pictures", random_state=0).fit(stripes(16))
    assert load("model").offset_ == ours.offset_
    info = json.loads(alad.good("info", "model", "--json").out)
    assert info["picture"] == [8, 8, 1]
    assert "pictures         8 x 8 x 1\n" in alad.good("info", "model").out


def test_what_was_left_out_is_told(alad):
    write("pictures", stripes(16))
    for i in range(7):
        Path(f"pictures/bad{i}.png").write_bytes(b"no picture")
    done = alad.good(*FIT)
    assert "Fitted ALAD on 16 pictures of 8 x 8 pixels, gray, in" in done.out
    assert "left out: pictures/bad0.png" in done.err
    assert ", 2 more\n" in done.err


@pytest.fixture
def too_many(monkeypatch):
    """Whatever a folder holds is too much for the memory, and a window holds five pictures."""
    monkeypatch.setattr("alad.cli.pictures.WHOLE", 0)
    monkeypatch.setattr("alad.estimators._picture_files.PART", 5 * 4 * 64 / 2**26)


def test_a_folder_too_large_to_be_held_is_learned_in_windows(alad, too_many):
    write("pictures", stripes(120))
    for i in range(0, 120, 20):
        Path(f"pictures/{i:02}.png").write_bytes(b"no picture")
    fit = (*FIT, *ENCODER, "--memory", "64MiB")
    done = json.loads(alad.good(*fit, "--json").out)
    assert (done["epochs"], done["share_flagged"], len(done["unreadable"])) == (22, None, 6)
    assert 120 - 6 == done["rows"] + done["calibration"]["rows"]
    model = load("model")
    assert (model.rows_at_fit_, model.trained_on_["rows"]) == (done["rows"], 114)
    told = alad.good(*fit)
    assert f"Fitted AutoEncoder on {done['rows']} pictures of 8 x 8 pixels, gray, in" in told.out
    alad.refused(r"Expected sound.*00\.png.*--on-bad skip\.", *FIT, "--on-bad", "stop")


def test_one_bad_file_stops_the_run_if_it_is_to(alad):
    write("pictures", stripes(16))
    Path("pictures/bad.png").write_bytes(b"no picture")
    alad.refused(r"Expected sound pictures.*bad\.png.*--on-bad skip\.", *FIT, "--on-bad", "stop")


def test_colour_is_found(alad):
    write("pictures", np.repeat(stripes(16)[..., None], 3, axis=-1))
    assert json.loads(alad.good(*FIT, *ENCODER, "--json").out)["picture"] == [8, 8, 3]


def test_every_picture_gets_its_row(alad, fitted):
    write("new", dots(5))
    Path("new/sub").mkdir()
    Image.fromarray(stripes(1)[0]).save("new/sub/one.png")
    Path("new/04.png").write_bytes(b"no picture")
    done = json.loads(alad.good("score", "model", "new", "-o", "s.csv", "--json").out)
    assert (done["rows"], len(done["unreadable"])) == (5, 1)
    table = pl.read_csv("s.csv")
    assert table["file"].to_list() == ["00.png", "01.png", "02.png", "03.png", "sub/one.png"]
    model = load("model")
    wanted = -model.score_samples(np.concatenate([dots(5)[:4], stripes(1)]))
    assert np.array_equal(table["anomaly_score"].to_numpy(), wanted)
    assert np.array_equal(table["is_anomaly"].to_numpy(), wanted > -model.offset_)


def test_a_damaged_exif_block_is_no_matter(alad, fitted):
    Path("new").mkdir()
    for ending in ("jpg", "webp"):
        exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x09"
        Image.fromarray(stripes(1)[0]).save(f"new/p.{ending}", exif=exif)
    done = alad.good("score", "model", "new", "-o", "s.csv")
    assert "Scored 2 pictures" in done.err
    assert "EXIF" not in done.err


def test_look_draws_them(alad, fitted):
    write("new", np.concatenate([stripes(4), dots(4)]))
    alad.good("look", "model", "new", "-o", "look.png", "--count", "3")
    with Image.open("look.png") as drawn:
        assert min(drawn.size) > 300
        assert np.asarray(drawn.convert("L")).std() > 10


def test_the_card_of_a_model_of_pictures_tells_what_works(alad, fitted):
    write("folder", stripes(4))
    alad.good("info", "model", "-o", "card.html")
    page = Path("card.html").read_text("utf-8")
    commands = [line.split("<pre>")[-1].split("</pre>")[0] for line in page.splitlines()]
    typed = [line.split()[1:] for line in commands if line.startswith("alad ")]
    assert [words[0] for words in typed] == ["score", "report"]
    for words in typed:
        alad.good(*words)
    assert "score_samples(pictures)" in page
    assert "shape (n, 8, 8, 1), from 0 to 255" in page


def test_a_model_of_pictures_speaks_of_pictures(alad):
    """Also where it was fitted on a folder whose name has another word for them."""
    write("rows", stripes(120))
    done = alad.good("fit", "rows", "-o", "model", "--side", "8", *ENCODER)
    assert "Calibrated on 12 normal pictures that" in done.out
    told = alad.good("info", "model").out
    assert "rows, 120 pictures, on 20" in told
    assert "pictures at fit 108 " in " ".join(told.split())
    assert "1.00% of the training pictures" in told
    assert "12 pictures, none kept" in told
    alad.good("info", "model", "-o", "card.html")
    page = Path("card.html").read_text("utf-8")
    assert "a picture is an anomaly above" in page
    text = re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert re.findall(r"[^.]*\brows?\b(?!, 120)[^.]*", text) == []


def test_look_says_how_large_a_difference_is(fitted):
    model = load("model")
    shown = np.concatenate([stripes(4), dots(4)]).reshape(8, 8, 8, 1)
    names = [f"{i}.png" for i in range(len(shown))]
    extremes = gather(model, [(shown, names)], 3)
    figure = drawn(model, extremes, 0)
    scales = [axes for axes in figure.axes if axes.get_title("left") == "of 255"]
    apart = np.abs(as_bytes(model.reconstruct(shown)).astype(float) - shown).mean(axis=-1)
    largest = max(apart[names.index(name)].max() for name in extremes.names)
    assert [axes.get_ylim() for axes in scales] == [(0, pytest.approx(largest))] * 2


def test_look_draws_what_an_energy_expects(alad):
    write("pictures", stripes(16))
    alad.good(*FIT, "--detector", "dsebm", "--epochs", "1")
    alad.good("look", "model", "pictures", "-o", "look.html", "--count", "2")
    page = Path("look.html").read_text("utf-8")
    assert "expected in its place, r(x)," in page
    assert "walks" not in page
    model, shown = load("model"), stripes(16)[..., None]
    figure = drawn(model, gather(model, [(shown, ["a.png"] * 16)], 2), 0)
    assert len([axes for axes in figure.axes if axes.images]) == 3 * 2 * 2
    assert "expected, r(x)" in {text.get_text() for axes in figure.axes for text in axes.texts}
    alad.good("info", "model", "-o", "card.html")
    assert "alad report model" in Path("card.html").read_text("utf-8")


def test_look_shows_names_that_the_font_lacks_and_long_ones(alad, fitted):
    """A warning, of glyphs or of mathematics, would be an error here."""
    Path("new").mkdir()
    names = ["\u4e1c\u4eac.png", "a$x_$^b.png", f"{'long' * 20}.png", "plain.png"]
    for name, picture in zip(names, stripes(4), strict=True):
        Image.fromarray(picture).save(f"new/{name}")
    alad.good("look", "model", "new")
    extremes = gather(load("model"), [(stripes(4)[..., None], names)], 2)
    titles = {ax.get_title().split("\n")[0] for ax in drawn(load("model"), extremes, 0).axes}
    assert titles - {""} == {r"\u4e1c\u4eac.png", "a$x_$^b.png", "…glonglonglong.png", "plain.png"}


def test_look_writes_a_page_of_its_own_with_the_names(alad, fitted):
    write("new", np.concatenate([stripes(4), dots(4)]))
    Path("new/<bad>.png").write_bytes(b"no picture")
    alad.good("look", "model", "new", "-o", "look.html", "--count", "3")
    page = Path("look.html").read_text()
    drawn = page.split("data:image/png;base64,")[1].split('"')[0]
    with Image.open(BytesIO(b64decode(drawn))) as picture:
        assert min(picture.size) > 300
    assert page.count("<tr>") == 1 + 3 + 1 + 1
    assert "&lt;bad&gt;.png" in page
    assert "<bad>" not in page


def test_a_report_of_scored_pictures_is_the_page_that_look_writes(alad, fitted):
    write("new", np.concatenate([stripes(14), dots(4)]))
    alad.good("look", "model", "new", "-o", "look.html")
    for scored in ("s.csv", "s.parquet"):
        alad.good("score", "model", "new", "-o", scored)
        done = alad.good("report", "model", scored, "--pictures", "new", "--json")
        assert Path("report.html").read_text("utf-8") == Path("look.html").read_text("utf-8")
        assert len(json.loads(done.out)["most_anomalous"]) == 8


def test_a_report_of_other_pictures_is_refused(alad, fitted):
    write("new", dots(4))
    write("other", dots(3))
    alad.good("score", "model", "new", "-o", "s.csv")
    report = ("report", "model", "s.csv")
    message = r"Expected --pictures .* Add it: alad report model s\.csv --pictures FOLDER \.\.\."
    alad.refused(message, *report)
    alad.refused("Expected a folder after --pictures; got nowhere.*", *report, "--pictures=nowhere")
    message = r"Expected the scored pictures in other; cannot read 03\.png \(it is not there\).*"
    alad.refused(message, *report, "--pictures", "other")
    head, first, *rest = Path("s.csv").read_text().splitlines()
    changed = [*first.split(",")[:1], "1234.5", *first.split(",")[2:]]
    Path("t.csv").write_text("\n".join([head, ",".join(changed), *rest]))
    message = r"Expected scores of this model in t\.csv; there 00\.png has 1234\.5, and by the .*"
    alad.refused(message, "report", "model", "t.csv", "--pictures", "new")
    Path("new/02.png").write_bytes(b"")
    alad.refused(r"Expected .* 02\.png \(an empty file\).*", *report, "--pictures", "new")
    alad.refused("Expected no --time .*", *report, "--pictures", "new", "--time", "file")
    message = "Expected what 'alad score' wrote of pictures in train.csv; it has no column 'file'.*"
    alad.refused(message, "report", "model", "train.csv", "--pictures", "new")


def test_look_says_what_it_drew_as_json(alad, fitted):
    write("new", np.concatenate([stripes(4), dots(4)]))
    Path("new/bad.png").write_bytes(b"no picture")
    done = alad.good("look", "model", "new", "-o", "look.png", "--count", "2", "--json")
    said = json.loads(done.out)
    assert (said["out"], said["pictures"], len(said["unreadable"])) == ("look.png", 8, 1)
    scores = [
        shown["anomaly_score"] for shown in said["most_anomalous"] + said["most_normal"][::-1]
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("score", "model", "train.csv", "-o", "s.csv"),
            "Expected a folder of pictures, as at fit, at train.csv; got the file",
        ),
        (
            ("score", "model", "nowhere", "-o", "s.csv"),
            "Expected a folder of pictures, as at fit, at nowhere; got no such path",
        ),
        (("fit", "nowhere", "-o", "m"), "Expected a table, or a folder of pictures, at nowhere"),
        (
            ("fit", "pictures/00.png", "-o", "m"),
            r"Expected a table or a folder of pictures; got one picture, pictures/00\.png",
        ),
        (("score", "model", "pictures", "-o", "s.csv", "--all-columns"), "Expected no --keep"),
        (("look", "model", "train.csv"), "Expected a folder of pictures; got train.csv"),
        (("look", "model", "pictures", "-o", "l.jpg"), r"Expected --out to end in \.png"),
        (("score", "model", "empty", "-o", "s.csv"), "Expected tables or pictures in the"),
    ],
)
def test_other_input_is_refused(alad, fitted, arguments, message):
    Path("empty").mkdir()
    alad.refused(f"{message}.*", *arguments)


def test_a_model_of_other_channels_takes_no_files(alad):
    of_two = AutoEncoder(preset="pictures", epochs=0, random_state=0)
    of_two.fit(np.zeros((8, 8, 8, 2), np.uint8)).save("two")
    write("pictures", stripes(3))
    alad.refused("Expected a model of gray or RGB.*", *"score two pictures -o s.csv".split())


def test_a_preset_that_a_detector_lacks_is_named(alad):
    write("pictures", stripes(3))
    for path in ("train.csv", "pictures"):
        command = f"fit {path} -o m --detector gan --preset cifar10"
        alad.refused("The 'preset' parameter of GAN must be one of.*", *command.split())


def test_a_model_of_tables_takes_no_folder(alad, model):
    write("pictures", stripes(3))
    alad.refused("Expected a table, as at fit.*", "score", "model", "pictures", "-o", "s.csv")
    alad.refused("Expected a model of pictures.*", "look", "model", "pictures")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ("--detector", "pca"),
            "Expected a table for this --detector and --preset; got the folder",
        ),
        (("--preset", "tabular"), "Expected a table for this"),
        (("--preset", "kdd99"), ".*with --preset pictures, cifar10 or svhn"),
        (("--drop", "x"), "Expected no --drop with pictures"),
    ],
)
def test_what_is_for_tables_is_refused(alad, more, message):
    write("pictures", stripes(3))
    alad.refused(f"{message}.*", *FIT, *more)


def test_every_preset_for_pictures_is_told():
    """The refusal above names all that there are."""
    of_pictures = {name for name, preset in ALAD.presets.items() if preset.pictures}
    assert of_pictures == {"pictures", "cifar10", "svhn"}


def test_what_is_for_pictures_is_refused_for_tables(alad):
    alad.refused("Expected no --side with a table.*", *"fit train.csv -o m --side 32".split())
    alad.refused("Expected a folder of pictures.*", *"fit train.csv -o m --preset pictures".split())


# ------------------------------------------------------------------ vectors from elsewhere


def test_an_archive_of_arrays_is_refused(alad):
    with Path("a.npy").open("wb") as out:
        np.savez(out, a=np.zeros(3))
    alad.refused("Expected an array of numbers in a.npy.*", *"fit a.npy -o m".split())


def test_a_matrix_of_features_is_a_table(alad):
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    np.save("features.npy", X)
    alad.good("fit", "features.npy", "-o", "m", "--detector", "pca")
    alad.good("score", "m", "features.npy", "-o", "s.parquet")
    names = load("m").feature_names_in_
    assert names.tolist() == ["x0", "x1", "x2"]
    wanted = -load("m").score_samples(pl.DataFrame(X, schema=names.tolist()))
    assert np.array_equal(pl.read_parquet("s.parquet")["anomaly_score"].to_numpy(), wanted)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(5), r"Expected a matrix of numbers in a\.npy, one row each; got shape \(5,\)"),
        (np.zeros((2, 8, 8)), r".*got shape \(2, 8, 8\)"),
        (np.array([["a", "b"]]), ".*<U1"),
        (np.array([[{}, {}]]), r"Expected an array of numbers in a\.npy; it cannot be read"),
        (np.zeros((0, 3)), "Expected at least one row in a"),
        (np.zeros((3, 0)), r".*got shape \(3, 0\)"),
    ],
)
def test_another_array_is_refused(alad, array, message):
    np.save("a.npy", array, allow_pickle=True)
    alad.refused(f"{message}.*", "fit", "a.npy", "-o", "m", "--detector", "pca")


def test_pictures_are_drawn_to_calibrate_and_to_look_for_drift(alad, fitted, monkeypatch):
    """Of many files some, in batches; then everything as with tables."""
    monkeypatch.setattr(pictures, "AT_ONCE", 5)
    monkeypatch.setattr(calibrating, "MOST", 12)
    monkeypatch.setattr(calibrating, "LEAST", 10)
    monkeypatch.setattr(drift, "MOST", 9)
    write("more", stripes(16))
    done = alad.good("recalibrate", fitted, "more", "-o", "again", "--json")
    said = json.loads(done.out)
    assert (said["rows"], said["rows_looked_at"], said["calibration"]["rows"]) == (16, 12, 12)
    every = load("again").score_samples(stripes(16))
    assert np.isin(-load("again").calibration_.scores, every).all()
    said = json.loads(alad.good("drift", "again", "more", "--json").out)
    assert (said["rows"], said["rows_looked_at"], said["columns"]) == (16, 9, [])
    message = r"Expected the column 'at' of --time in more; it has none\. Leave --time out\."
    alad.refused(message, "drift", "again", "more", "--time", "at")
    message = r"Expected no --labelled with pictures, which have no columns\. Leave it out\."
    options = ("--labelled", "train.csv", "--label", "proto")
    alad.refused(message, "score", "again", "more", "-o", "s.csv", *options)


def test_no_more_pictures_are_drawn_than_the_memory_holds_and_files_are_named(
    alad, fitted, monkeypatch
):
    write("more", [*stripes(15), dots(1)[0]])
    load(fitted).calibrate(stripes(16)).save(fitted)
    few = 64 * 2**20 // (4 * 64)  # pictures of 8 by 8 that the memory holds
    for command, where in ((("recalibrate", "-o", "again"), calibrating), (("drift",), drift)):
        monkeypatch.setattr(where, "LEAST", 5)
        monkeypatch.setattr(where, "HELD", 11 / few)
        verb, *more = command
        done = json.loads(alad(verb, fitted, "more", *more, "--json", "--memory", "64MiB").out)
        assert (done["rows"], done["rows_looked_at"]) == (16, 11)
        monkeypatch.setattr(where, "HELD", 1.0)
    done = alad("recalibrate", fitted, "more", "-o", "again", "--level", "0.9")
    assert re.search(r"\nHighest: \d\d\.png \(", done.out)
    highest = stripes(16)[load(fitted).score_samples(stripes(16)).argmin()]
    write("other", [highest] * 64)
    stopped = json.loads(alad.good("drift", fitted, "other", "--json").out)
    assert stopped["stopped"]["file"].endswith(".png")
    assert "row" not in stopped["stopped"]
    for verb in ("recalibrate", "drift"):
        options = ("-o", "again") if verb == "recalibrate" else ()
        message = "Expected --memory to be a size of at least 64MiB, such as 2GiB; got '1k'."
        alad.refused(message, verb, fitted, "more", *options, "--memory", "1k")
