"""Running methods: what is stored is skipped, what was stopped goes on, nothing is mixed."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest

from alad import ALAD, Mahalanobis, load
from alad.datasets import DATA_SETS
from alad.datasets._protocols import Table, apply
from alad.errors import DivergedError, InputError, OutputError
from alad.estimators import _fitting
from alad.experiments import code, results
from alad.experiments import run as module
from alad.experiments.registry import METHODS, Method
from alad.experiments.results import Job
from alad.experiments.run import Bench
from alad.metrics import detection_metrics
from alad.training import Checkpoint, History, Progress

RNG = np.random.default_rng(2)
N = 200
STRANGE = np.arange(N) % 5 == 0
X = RNG.normal(size=(N, 3)) @ RNG.normal(size=(3, 6)) + 2 * STRANGE[:, None] * RNG.normal(size=6)
TABLE = Table(
    x=X.astype(np.float32),
    kind=np.where(STRANGE, "normal", "smurf"),  # as in KDDCup99, attacks are the majority
    feature_names=tuple("abcdef"),
    is_categorical=np.zeros(6, bool),
    sha256="toy",
)

# By chance, as far as the bench knows: one fit for each seed.
CHANCE = Job(Method("chance", "Mahalanobis"), "kdd99", "paper", fresh_splits=False)
FRESH = Job(METHODS["mahalanobis"], "kdd99", "paper", fresh_splits=True)
PLAIN = Job(METHODS["mahalanobis"], "kdd99", "paper", fresh_splits=False)
SHORT = Job(METHODS["alad"], "kdd99", "paper", fresh_splits=False, epochs_scale=0.02)  # 2 epochs


def patched(patch):
    """Put a table of 200 rows in the place of KDDCup99; gives the seeds of its splits."""

    def split(protocol, *, seed):
        asked.append(seed)
        return apply(protocol, TABLE, STRANGE, seed)

    asked = []
    patch.setitem(DATA_SETS, "kdd99", replace(DATA_SETS["kdd99"], split=split))
    patch.setattr(module, "seeds_at_once", lambda seeds, **_: min(seeds, 2))
    module._split.cache_clear()
    return asked


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    yield patched(monkeypatch)
    module._split.cache_clear()


@pytest.fixture
def fits(monkeypatch):
    """The seeds of the distances that are fitted."""
    seen, fit = [], Mahalanobis.fit

    def noted(detector, X, y=None):
        seen.append(detector.random_state)
        return fit(detector, X)

    monkeypatch.setattr(Mahalanobis, "fit", noted)
    return seen


def stop_at(monkeypatch, seed, error):
    """Let the fit of a seed fail."""
    fit = Mahalanobis.fit

    def stopped(detector, X, y=None):
        if detector.random_state == seed:
            raise error
        return fit(detector, X)

    monkeypatch.setattr(Mahalanobis, "fit", stopped)


def bench(folder, told=None, **others):
    def tell(what, left):
        assert left is None or left >= 0
        if told is not None:
            told(what)

    return Bench(folder / "results", folder / "work", tell, **others)


def test_time_left_is_told_once_a_job_is_made(tmp_path):
    left = []
    of_times = Bench(
        tmp_path / "results", tmp_path / "work", lambda _, seconds: left.append(seconds)
    )
    of_times.run([PLAIN, CHANCE], [0])
    of_times.run([PLAIN, CHANCE], [0])
    assert left[0] is None
    assert left[1] > 0
    assert left[2:] == [None, None]


def payload(folder, job=CHANCE):
    path = folder / "results" / f"{job.name}.json"
    return json.loads(path.read_text("utf-8"))["payload"]


def seeds(folder, job=CHANCE):
    return [run["seed"] for run in payload(folder, job)["runs"]]


def files(folder):
    return sorted(path.name for path in (folder / "results").iterdir())


# --------------------------------------------------------------------------- what is stored


def test_a_run_holds_what_the_detector_says_of_the_test_rows(tmp_path, asked):
    bench(tmp_path).run([CHANCE], [7])
    split = apply(DATA_SETS["kdd99"].protocols["paper"], TABLE, STRANGE, 42)
    scores = -Mahalanobis(random_state=7).fit(split.x_train).score_samples(split.x_test)
    (run,) = payload(tmp_path)["runs"]
    assert (run["seed"], run["split_seed"], run["fingerprint"]) == (7, 42, split.fingerprint)
    assert run["scores"]["default"]["at_cut"] == detection_metrics(split.y_test, scores, 0.2)
    assert run["scores"]["default"]["at_true_rate"] == detection_metrics(split.y_test, scores)
    assert run["scores"]["default"]["rows"] == len(split.x_test) == 40
    assert run["fit_seconds"] > 0
    assert run["training"] is None
    kinds = payload(tmp_path)["pictures"]["default"]["kinds"]
    assert {e["kind"]: e["rows"] for e in kinds} == {
        "normal": int(split.y_test.sum()),
        "smurf": int((~split.y_test).sum()),
    }


def test_of_some_scores_only_some_rows_are_judged(tmp_path, asked):
    split = module._split("kdd99", "paper", 42)
    rows = module._test_rows(split, 25)
    assert len(set(rows.tolist())) == 25
    assert rows.tolist() == sorted(rows) == module._test_rows(split, 25).tolist()
    for limit in (None, 40, 41):
        assert module._test_rows(split, limit).tolist() == list(range(40))
    method = replace(CHANCE.method, test_rows={"default": 25})
    bench(tmp_path).run([replace(CHANCE, method=method)], [0, 1])
    for run in payload(tmp_path)["runs"]:
        assert run["scores"]["default"]["rows"] == run["scores"]["default"]["at_cut"]["n"] == 25


def test_it_says_what_comes_next(tmp_path):
    told = []
    bench(tmp_path, told.append).run([CHANCE], [0, 1])
    bench(tmp_path, told.append).run([CHANCE, PLAIN], [0, 1, 2])
    assert told == [
        "[1/1] kdd99-paper-chance: seeds 0, 1",
        "[1/2] kdd99-paper-chance: seeds 2",
        "[2/2] kdd99-paper-mahalanobis: seeds 0",
    ]
    bench(tmp_path, told.append).run([CHANCE], [0, 1, 2])
    assert told[-1] == "[1/1] kdd99-paper-chance: stored"


def test_methods_share_a_split_that_is_made_once(tmp_path, asked):
    bench(tmp_path).run([CHANCE, PLAIN], [0, 1])
    assert asked == [42]


# --------------------------------------------------------------------- stopped, and gone on


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DivergedError("a loss")])
def test_a_stopped_run_leaves_what_is_done_and_goes_on_from_there(tmp_path, monkeypatch, error):
    with monkeypatch.context() as patch:
        stop_at(patch, 2, error)
        with pytest.raises(type(error)):
            bench(tmp_path).run([PLAIN, CHANCE], [0, 1, 2, 3])
    assert files(tmp_path) == ["kdd99-paper-chance.json", "kdd99-paper-mahalanobis.json"]
    done = payload(tmp_path)["runs"]
    assert [run["seed"] for run in done] == [0, 1]

    fitted, fit = [], Mahalanobis.fit
    monkeypatch.setattr(Mahalanobis, "fit", lambda d, X: fitted.append(d.random_state) or fit(d, X))
    bench(tmp_path).run([PLAIN, CHANCE], [0, 1, 2, 3])
    assert fitted == [2, 3]
    assert payload(tmp_path)["runs"][:2] == done
    assert seeds(tmp_path) == [0, 1, 2, 3]


def test_a_write_that_fails_leaves_the_file_from_before(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OutputError("no space")

    bench(tmp_path).run([CHANCE], [0])
    before = payload(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_text", full)
        with pytest.raises(OutputError, match="no space"):
            bench(tmp_path).run([CHANCE], [0, 1])
    assert payload(tmp_path) == before
    assert files(tmp_path) == ["kdd99-paper-chance.json"]


def test_more_seeds_leave_the_old_ones_as_they_are(tmp_path, fits):
    bench(tmp_path).run([CHANCE], [1, 2])
    before = payload(tmp_path)
    bench(tmp_path).run([CHANCE], [0, 1, 2, 3])
    after = payload(tmp_path)
    assert fits == [1, 2, 0, 3]
    assert [run["seed"] for run in after["runs"]] == [0, 1, 2, 3]
    assert after["runs"][1:3] == before["runs"]
    bench(tmp_path).run([CHANCE], [0])
    assert payload(tmp_path) == after


def test_pictures_are_those_of_the_first_run(tmp_path):
    bench(tmp_path).run([FRESH], [0])
    first = payload(tmp_path, FRESH)["pictures"]
    bench(tmp_path).run([FRESH], [0, 1])
    assert payload(tmp_path, FRESH)["pictures"] == first


def test_of_a_method_without_chance_one_run_is_made(tmp_path, fits):
    bench(tmp_path).run([PLAIN], range(5))
    bench(tmp_path).run([PLAIN], range(9))
    assert fits == seeds(tmp_path, PLAIN) == [0]


def test_fresh_splits_are_others_for_each_seed(tmp_path, asked):
    bench(tmp_path).run([FRESH], [0, 1, 2])
    runs = payload(tmp_path, FRESH)["runs"]
    assert (
        asked == [run["split_seed"] for run in runs] == [run["seed"] for run in runs] == [0, 1, 2]
    )
    assert len({run["fingerprint"] for run in runs}) == 3
    assert len({run["scores"]["default"]["at_cut"]["auroc"] for run in runs}) > 1


# ------------------------------------------------------------- other code, settings, formats


def other_settings(job):
    return replace(job, method=replace(job.method, settings={"scaling": "none"}))


def test_a_file_of_other_settings_is_refused(tmp_path, fits):
    bench(tmp_path).run([CHANCE], [0])
    before = payload(tmp_path)
    with pytest.raises(InputError) as told:
        bench(tmp_path).run([PLAIN, other_settings(CHANCE)], [0, 1])
    assert str(told.value) == (
        "Expected kdd99-paper-chance.json to come from the same settings as now; it does not. "
        "Give --refresh to make it anew, or another folder for results."
    )
    assert (fits, payload(tmp_path)) == ([0], before)  # nor has the other job begun


def test_a_file_of_other_code_is_refused(tmp_path, monkeypatch):
    bench(tmp_path).run([CHANCE], [0])
    monkeypatch.setattr(results, "code_digest", lambda detector: "other")
    with pytest.raises(InputError, match="come from the same code as now; it does not"):
        bench(tmp_path).run([CHANCE], [0])
    with pytest.raises(InputError, match="come from the same settings and code as now"):
        bench(tmp_path).run([other_settings(CHANCE)], [0])


def test_other_code_may_be_said_to_give_the_same_numbers(tmp_path, monkeypatch, fits):
    bench(tmp_path).run([CHANCE], [0])
    before = payload(tmp_path)["runs"][0]
    monkeypatch.setattr(results, "code_digest", lambda detector: "other")
    bench(tmp_path, other_code=True).run([CHANCE], [0, 1])
    assert fits == [0, 1]
    assert payload(tmp_path)["runs"][0] == before
    assert [run["code"] for run in payload(tmp_path)["runs"]] == [before["code"], "other"]
    with pytest.raises(InputError, match="come from the same settings as now"):
        bench(tmp_path, other_code=True).run([other_settings(CHANCE)], [0])


def test_refreshed_results_replace_the_old_ones(tmp_path, fits):
    bench(tmp_path).run([CHANCE, PLAIN], [0, 1, 2])
    kept = payload(tmp_path, PLAIN)
    changed = other_settings(CHANCE)
    bench(tmp_path, refresh=True).run([changed, PLAIN], [0, 1])
    assert fits == [0, 1, 2, 0, 0, 1]
    assert seeds(tmp_path) == [0, 1]
    assert payload(tmp_path)["identity"]["settings"] == {"scaling": "none"}
    assert payload(tmp_path, PLAIN) == kept
    bench(tmp_path, refresh=True).run([changed], [0, 1])
    assert fits == [0, 1, 2, 0, 0, 1]  # nothing is made anew that is as now


def test_the_old_file_stays_until_there_is_something_to_replace_it(tmp_path, monkeypatch):
    bench(tmp_path).run([CHANCE], [0, 1])
    before = payload(tmp_path)
    stop_at(monkeypatch, 0, DivergedError("a loss"))
    with pytest.raises(DivergedError):
        bench(tmp_path, refresh=True).run([other_settings(CHANCE)], [0, 1])
    assert payload(tmp_path) == before


def test_a_damaged_file_is_told_before_anything_runs(tmp_path, fits):
    bench(tmp_path).run([CHANCE], [0])
    path = tmp_path / "results" / f"{CHANCE.name}.json"
    path.write_bytes(path.read_bytes()[:500])
    for refresh in (False, True):
        with pytest.raises(InputError, match="cannot be read as one"):
            bench(tmp_path, refresh=refresh).run([PLAIN, CHANCE], [0, 1])
    assert fits == [0]


def test_a_folder_that_cannot_be_written_is_told(tmp_path, no_permission):
    with pytest.raises(OutputError, match=r"kdd99-paper-chance\.json, but permission denied"):
        bench(tmp_path).run([CHANCE], [0])


def test_the_code_is_that_of_the_beginning(tmp_path, monkeypatch):
    """A training may last for days, and its source may be edited meanwhile."""

    def edited(detector, X):
        monkeypatch.setattr(code, "_bare", lambda source: "edited")
        return fit(detector, X)

    fit = Mahalanobis.fit
    before = code.code_digest("Mahalanobis")
    monkeypatch.setattr(Mahalanobis, "fit", edited)
    code.code_digest.cache_clear()
    bench(tmp_path).run([CHANCE], [0])
    assert [run["code"] for run in payload(tmp_path)["runs"]] == [before]
    code.code_digest.cache_clear()
    assert code.code_digest("Mahalanobis") != before
    code.code_digest.cache_clear()


# --------------------------------------------------------------------------------- networks


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two epochs of ALAD, three seeds, two at once; the folder and what was told of training."""
    folder, told = tmp_path_factory.mktemp("trained"), []
    with pytest.MonkeyPatch.context() as patch:
        jax.config.update("jax_disable_most_optimizations", True)
        patched(patch)
        bench(folder, progress=told.append).run([SHORT], [0, 1, 2])
        module._split.cache_clear()
    return folder, told


def test_a_trained_method_is_judged_by_each_of_its_scores(trained):
    folder, _ = trained
    assert seeds(folder, SHORT) == [0, 1, 2]
    for run in payload(folder, SHORT)["runs"]:
        assert list(run["scores"]) == ["features", "logits", "l1", "l2"]
        assert len({s["at_cut"]["threshold"] for s in run["scores"].values()}) == 4
        assert run["training"]["epochs"] == [1, 2]
        assert [len(curve) for curve in run["training"]["losses"].values()] == [2, 2]
        assert len(run["training"]["validation"]) == 2
    assert list(payload(folder, SHORT)["pictures"]) == ["features", "logits", "l1", "l2"]
    assert payload(folder, SHORT)["epochs_scale"] == 0.02
    assert payload(folder, SHORT)["identity"]["settings"]["epochs"] == 2


def test_models_are_kept_and_give_the_stored_numbers(trained):
    folder, _ = trained
    split = module._split("kdd99", "paper", 42)
    for run in payload(folder, SHORT)["runs"]:
        detector = load(folder / "work" / SHORT.name / f"seed-{run['seed']}")
        for score in ("features", "l1"):
            a = -detector.set_params(anomaly_score=score).score_samples(split.x_test)
            assert run["scores"][score]["at_cut"] == detection_metrics(split.y_test, a, 0.2)


def test_checkpoints_go_once_their_results_are_stored(trained):
    folder, _ = trained
    left = sorted(path.name for path in (folder / "work" / SHORT.name).iterdir())
    assert left == ["seed-0", "seed-1", "seed-2"]


def test_seeds_in_groups_are_told_as_one_training(trained):
    _, told = trained
    shares = [(p.before + p.step) / p.steps for p in told]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(1 / 3)  # an epoch of two, of two seeds of three
    assert shares[-1] == 1


def test_a_training_that_was_stopped_goes_on(tmp_path, monkeypatch, trained):
    """Stopped in the last epoch of the second group, of which the first one is on disk."""

    def spied(detectors, x, *, checkpoint, **others):
        found.append((tuple(d.random_state for d in detectors), checkpoint, checkpoint.exists()))
        return fit(detectors, x, checkpoint=checkpoint, **others)

    def stop(p):
        if p.before > 0 and p.epoch == 2:
            raise KeyboardInterrupt

    found, told, fit = [], [], module.fit_side_by_side
    monkeypatch.setattr(module, "fit_side_by_side", spied)
    monkeypatch.setattr(_fitting, "Checkpoint", partial(Checkpoint, every=0.0))
    with pytest.raises(KeyboardInterrupt):
        bench(tmp_path, progress=stop).run([SHORT], [0, 1, 2])
    assert seeds(tmp_path, SHORT) == [0, 1]
    bench(tmp_path, progress=told.append).run([SHORT], [0, 1, 2])
    assert [p.epoch for p in told] == [2]

    first, second, again = (path for _, path, _ in found)
    assert [(group, existed) for group, _, existed in found] == [
        ((0, 1), False),
        ((2,), False),
        ((2,), True),
    ]
    assert again == second != first
    assert not again.exists()
    gone_on, at_once = (payload(folder, SHORT)["runs"][2] for folder in (tmp_path, trained[0]))
    assert gone_on["training"]["losses"] == at_once["training"]["losses"]
    for score, metrics in at_once["scores"].items():
        assert gone_on["scores"][score]["at_cut"] == metrics["at_cut"]


def test_the_training_of_other_code_or_settings_is_not_gone_on_with(monkeypatch, tmp_path):
    made = bench(tmp_path)
    path = made._checkpoint(SHORT, (0, 1))
    assert path.parent == tmp_path / "work" / SHORT.name
    assert path == made._checkpoint(replace(SHORT), (0, 1))
    assert path != made._checkpoint(SHORT, (0,))
    method = replace(SHORT.method, settings={"learning_rate": 0.5})
    assert path != made._checkpoint(replace(SHORT, method=method), (0, 1))
    monkeypatch.setattr(results, "code_digest", lambda detector: "other")
    assert path != made._checkpoint(SHORT, (0, 1))


def test_an_untrained_network_has_no_curves(tmp_path):
    job = Job(METHODS["alad-untrained"], "kdd99", "paper", fresh_splits=False)
    bench(tmp_path).run([job], [0])
    (run,) = payload(tmp_path, job)["runs"]
    assert run["training"] is None
    assert list(run["scores"]) == ["features"]


def test_seeds_are_fitted_together_only_where_that_pays():
    def groups(job, wanted):
        return [tuple(group) for group in module._groups(job, wanted)]

    assert groups(SHORT, (0, 1, 2, 3, 4)) == [(0, 1), (2, 3), (4,)]
    assert groups(CHANCE, (0, 1, 2)) == [(0,), (1,), (2,)]
    assert groups(replace(SHORT, fresh_splits=True), (0, 1, 2)) == [(0,), (1,), (2,)]


@pytest.mark.parametrize("at_once", [1, 2, 3, 5])
def test_progress_of_groups_adds_up(tmp_path, monkeypatch, at_once):
    """Five seeds; two epochs of ten steps each."""

    def fit_side_by_side(detectors, x, *, report, **others):
        for detector in detectors:
            detector.seed_ = detector.random_state
            monkeypatch.setattr(detector, "save", lambda path: None)
        for step in (10, 20):
            report(Progress(step // 10, 2, step, 20, float(step), {}, None))

    told = []
    monkeypatch.setattr(module, "fit_side_by_side", fit_side_by_side)
    monkeypatch.setattr(module, "seeds_at_once", lambda seeds, **_: at_once)
    monkeypatch.setattr(module, "_judged", lambda job, d, split: ({"seed": d.seed_}, {}))
    bench(tmp_path, progress=told.append).run([SHORT], range(5))
    shares = [(p.before + p.step) / p.steps for p in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert all(p.seconds_left >= 0 for p in told)


def test_long_curves_are_thinned_but_keep_both_ends():
    detector = ALAD()
    detector.history_ = History((0,))
    for epoch in range(1000):
        losses = {"D": np.array([-float(epoch)]), "A": np.array([1.0])}
        detector.history_.add(losses, np.array([float(epoch)]), 0.5)
    found = module._curves(detector)
    assert len(found["epochs"]) == module.CURVE
    assert (found["epochs"][0], found["epochs"][-1]) == (1, 1000)
    assert found["validation"] == [epoch - 1 for epoch in found["epochs"]]
    assert found["losses"]["D"] == [1 - epoch for epoch in found["epochs"]]
    assert found["seconds"] == 500
