"""Tables for pictures: what they ask for, how their cells are made, and what their means are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alad import ALAD, InputError, load
from alad.datasets import cifar10
from alad.datasets._pictures import Pictures
from alad.experiments import run as run_module
from alad.experiments.one_class import ONE_CLASS, jobs_of, one_class
from alad.experiments.published import AUROCS
from alad.experiments.registry import METHODS
from alad.experiments.run import Bench
from alad.networks.pictures import CIFAR10
from tests.estimators.pictures import SMALL, dots, stripes

TABLE = ONE_CLASS["cifar10"]
SMALL_CIFAR10 = replace(
    CIFAR10, architecture=SMALL.architecture, latent_dim=4, batch_size=8, epochs=1
)


@pytest.fixture
def made_up(monkeypatch):
    """Ten classes of eight-pixel pictures: the first is striped, the others dotted."""
    classes = [stripes(40)] + [dots(20, seed=i) for i in range(1, 10)]
    label = np.repeat(np.arange(10), [len(c) for c in classes])
    pictures = Pictures(np.concatenate(classes)[..., None], label, "digest", "made up")
    monkeypatch.setattr(cifar10, "load", lambda: pictures)
    run_module._split.cache_clear()
    monkeypatch.setitem(ALAD.presets, "cifar10", SMALL_CIFAR10)
    yield
    run_module._split.cache_clear()


def bench(folder):
    return Bench(folder / "results", folder / "work", lambda text, left: None)


def test_rows_answer_to_published_numbers():
    for table in ONE_CLASS.values():
        assert len(table.classes) == 10
        for row in table.rows:
            method = METHODS[row.method]
            assert row.score in (method.scores or (None,))
            if row.control:
                assert table.published(row) is None
    used = {(t.data_set, row.published) for t in ONE_CLASS.values() for row in t.rows}
    assert {(d, name) for d, rows in AUROCS.items() for name in rows} <= used
    assert np.mean(AUROCS["cifar10"]["ALAD"].classes) == pytest.approx(0.6072, abs=0.003)


def test_each_job_is_asked_for_once_class_by_class():
    tables = [ONE_CLASS["cifar10"], ONE_CLASS["cifar10-scores"]]
    jobs = jobs_of(tables, ("cat", "dog"), ("alad-sn", "if-paper"), 1.0)
    assert [job.name for job in jobs] == [
        "cifar10-cat-if-paper",
        "cifar10-cat-alad-sn",
        "cifar10-dog-if-paper",
        "cifar10-dog-alad-sn",
    ]
    assert jobs[1].command == "cifar10 --full --class cat --method alad-sn"


def test_nothing_stored_is_an_empty_table(tmp_path):
    table = one_class(TABLE, tmp_path)
    assert {row["mean"] for row in table["rows"]} == {None}
    assert not any(row["is_whole"] for row in table["rows"])


def test_cells_are_made_kept_and_averaged(made_up, tmp_path):
    methods = ("if-paper", "oc-svm-pca", "alad-sn")
    jobs = jobs_of([TABLE], ("airplane", "bird"), methods[:1], 1.0)
    jobs += jobs_of([TABLE], ("airplane",), methods[1:], 1.0)
    small = [
        replace(job, method=replace(job.method, components=5)) if job.method.components else job
        for job in jobs
    ]
    bench(tmp_path).run(small, range(2))
    table = one_class(TABLE, tmp_path / "results")
    assert table["sources"] == ["made up"]
    rows = {row["method"]: row for row in table["rows"]}
    forest = rows["if-paper"]
    means = [forest["cells"][name]["auroc"]["mean"] for name in ("airplane", "bird")]
    assert forest["mean"] == pytest.approx(np.mean(means))
    assert forest["sd"] == pytest.approx(np.std(means, ddof=1))
    assert (forest["classes"], forest["is_whole"]) == (2, False)
    assert forest["cells"]["cat"] is None
    cell = rows["alad-sn"]["cells"]["airplane"]
    assert (cell["seeds"], cell["epochs"]) == ([0, 1], [1, 1])
    assert rows["oc-svm-pca"]["cells"]["airplane"]["differs"] == ["components"]
    models = tmp_path / "work" / "cifar10-airplane-alad-sn"
    assert [path.name for path in models.iterdir()] == ["seed-0"]
    assert load(models / "seed-0").seed_ == 0


def test_runs_on_other_pictures_are_not_mixed(made_up, tmp_path, monkeypatch):
    (job,) = jobs_of([TABLE], ("airplane",), ("if-paper",), 1.0)
    bench(tmp_path).run([job], range(1))
    other = replace(cifar10.load(), sha256="another", source="elsewhere")
    monkeypatch.setattr(cifar10, "load", lambda: other)
    run_module._split.cache_clear()
    with pytest.raises(InputError, match=r"\(made up\); found other data \(elsewhere\)"):
        bench(tmp_path).run([job], range(2))


def test_a_detector_of_tables_is_shown_rows(made_up, tmp_path):
    (job,) = jobs_of([TABLE], ("airplane",), ("pca",), 1.0)
    bench(tmp_path).run([job], range(1))
    row = next(r for r in one_class(TABLE, tmp_path / "results")["rows"] if r["method"] == "pca")
    assert row["cells"]["airplane"]["auroc"]["mean"] > 0.8
