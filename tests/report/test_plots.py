"""Pictures are drawn from what a result file holds, and nothing else."""

from __future__ import annotations

import json
import warnings

import pytest

from alad.errors import OutputError
from alad.report.plots import detection_curves, draw, score_histograms, training_curves

PNG = b"\x89PNG\r\n\x1a\n"
MEANS = {name: {"mean": 0.9, "sd": None} for name in ("auroc", "average_precision")}
PICTURE = {
    "edges": [-1.0, 0.0, 1.0, 2.0],
    "normal": [5, 3, 0],
    "anomaly": [0, 1, 2],
    "roc": [[0.0, 0.5, 1.0], [0.0, 1.0, 1.0]],
    "pr": [[0.0, 1.0], [1.0, 0.3]],
    "threshold": 2.5,
}
PAYLOAD = {
    "data": {"protocol": {"anomaly": "normal"}},
    "plan": {"protocol": "paper", "scaling": "minmax", "epochs": 3, "seeds": [0, 7]},
    "rows": [{"method": "ALAD", "at_cut": MEANS}, {"method": "Distance", "at_cut": MEANS}],
    "training": {
        "losses": {"D": [[3.0, 2.0, 1.0], [3.0, 2.5, 2.0]], "A": [[1.0, 2.0, 3.0]] * 2},
        "validation": [[0.5, 0.4, 0.3], [0.5, 0.45, 0.4]],
    },
    "pictures": {"ALAD": PICTURE, "Distance": PICTURE},
}


def changed(**training):
    return {**PAYLOAD, "training": {**PAYLOAD["training"], **training}}


def test_every_picture_is_written_as_png(tmp_path):
    paths = draw(json.loads(json.dumps(PAYLOAD)), tmp_path / "pictures")
    assert [path.name for path in paths] == ["training.png", "scores.png", "curves.png"]
    assert sorted(paths) == sorted((tmp_path / "pictures").iterdir())
    for path in paths:
        content = path.read_bytes()
        assert content.startswith(PNG)
        assert len(content) > 5000


def test_the_same_payload_gives_the_same_bytes(tmp_path):
    first, second = (draw(PAYLOAD, tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_training_curves_show_each_seed():
    losses_D, losses_A, validation = training_curves(PAYLOAD).axes
    assert [line.get_label() for line in validation.lines] == ["seed 0", "seed 7"]
    assert losses_D.lines[0].get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert losses_A.lines[1].get_ydata().tolist() == [1, 2, 3]
    assert losses_D.get_yscale() == "log"


def test_without_validation_there_is_no_panel_of_it_and_negative_losses_are_drawn_as_they_are():
    axes = training_curves(changed(validation=[[], []])).axes
    assert len(axes) == 2
    losses = {"D": [[1.0, -1.0]] * 2, "A": [[1.0, 1.0]] * 2}
    of_D, of_A = training_curves(changed(losses=losses, validation=[[], []])).axes
    assert (of_D.get_yscale(), of_A.get_yscale()) == ("linear", "log")


def test_histograms_show_each_method_with_its_cut():
    axes = score_histograms(PAYLOAD).axes
    assert [ax.get_title(loc="left") or ax.get_title() for ax in axes] == ["ALAD", "Distance"]
    for ax in axes:
        (cut,) = ax.lines
        assert [t.get_label() for t in ax.patches] == [
            "attacks, ordinary here",
            "normal traffic, the anomaly",
        ]
        assert cut.get_xdata()[0] == pytest.approx(0.39794, abs=1e-5)  # log10 of 2.5


def test_detection_curves_name_the_methods_and_their_means():
    roc, pr = detection_curves(PAYLOAD).axes
    assert [t.get_text() for t in roc.get_legend().get_texts()] == ["ALAD 0.900", "Distance 0.900"]
    assert pr.lines[0].get_xydata().tolist() == [[0, 1], [1, 0.3]]


def test_drawing_warns_of_nothing_and_leaves_no_settings_behind(tmp_path):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(PAYLOAD, tmp_path)
    assert dict(mpl.rcParams) == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path, no_permission):
    with pytest.raises(OutputError, match="permission denied"):
        draw(PAYLOAD, tmp_path / "new")
