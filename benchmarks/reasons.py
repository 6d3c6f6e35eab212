"""Whether reasons name the column that was made strange: ``python -m benchmarks.reasons``.

Half of a set's normal rows, at most 10,000, are trained on; up to 2,000 others are the reference,
and up to 500 more are spoiled, each in one column, in several ways (:func:`spoiled`). A row
counts if it was quiet before and is an alert after: its score rises above that of 95 of 100
reference rows. Each method then ranks the columns of such rows; where several share a value, the
spoiled one comes last of them.

In other trainings one column of numbers has a twin, 1.2 times as large up to a little noise, and
both are spoiled together: rows count likewise, and either of the two may come first.

The method was chosen on the sets CHOOSING; HELD_OUT had no part in that.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import jax
import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console
from sklearn.neighbors import NearestNeighbors

from alad import ALAD, KNN, IsolationForest, Mahalanobis
from alad.datasets import adbench, kdd99
from alad.estimators import AbstractDetector
from alad.estimators._programs import in_blocks, program
from alad.experiments.record import record
from alad.preprocessing.scaling import fit_scaler
from alad.reasons import Explainer, explain
from alad.reasons.contributions import changed, contributions, one_by_one
from benchmarks.evidence import fingerprint
from benchmarks.permutation import shapley
from benchmarks.run import RESULTS

CHOOSING = ("40_vowels", "6_cardio", "2_annthyroid", "kdd99")
HELD_OUT = (
    *("kdd99-corrected", "12_fault", "20_letter", "23_mammography", "30_satellite", "32_shuttle"),
)
KDD99 = {"kdd99": kdd99.TEN_PERCENT, "kdd99-corrected": kdd99.CORRECTED}
TRAINED, REFERENCE, SPOILED = 10_000, 2_000, 500
QUIET = 0.95
MOST_ALERTS = 100  # of each way to spoil
BEYOND = {"beyond by 1/3": 1 / 3, "beyond by 1": 1.0}  # of the training values' range
LEGAL_DRAWS = 4  # such rows are seldom alerts
UNSEEN = "<never seen>"
TWIN, TIMES, NOISE = "twin", 1.2, 0.002  # of its deviation
VARIED = 10  # values, that a column with a twin has more of

DETECTORS = ("ALAD()", "ALAD, features", "KNN", "Isolation Forest", "Mahalanobis")
BACKGROUND, EVALUATIONS = 100, 500  # rows, and scores of each, of shap's permutations by default
SAMPLED = 20  # alerts that they are given
STEPS = 32  # of integrated gradients


@dataclass(frozen=True)
class Spoiled:
    """Rows with one column spoiled: which row it was, which column, and how."""

    rows: pl.DataFrame
    source: NDArray[np.int64]
    column: NDArray[np.int64]
    how: NDArray[np.str_]

    def __getitem__(self, places: NDArray[np.int64]) -> Spoiled:
        return Spoiled(
            self.rows[places], self.source[places], self.column[places], self.how[places]
        )

    def __len__(self) -> int:
        return len(self.column)


def normal_rows(name: str) -> pl.DataFrame:
    """The normal rows of a set, with its own columns."""
    if name in KDD99:
        frame = kdd99.load(KDD99[name])
        return frame.filter(frame[kdd99.LABEL] == "normal").drop(kdd99.LABEL)
    x, is_anomaly = adbench.read(adbench.find(adbench.FILES[name]))
    return pl.DataFrame(x[~is_anomaly], schema=[f"x{j}" for j in range(x.shape[1])])


def divided(frame: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, ...]:
    """Rows to train on, of reference, and to spoil; no row is in two of them."""
    order = rng.permutation(frame.height)
    trained = min(frame.height // 2, TRAINED)
    known = trained + min(frame.height // 4, REFERENCE)
    return frame[order[:trained]], frame[order[trained:known]], frame[order[known:][:SPOILED]]


def spoiled(train: pl.DataFrame, rows: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """Spoil one column of every row, in each of the ways, a column that varies in training.

    Beyond: a number outside the training values, by a third of their range or by all of it (the
    range of 98 of 100 values, and at least a tenth of the whole one). Unseen: a category that
    training has not. Legal: the value that another training row has there.
    """
    names = [name for name in train.columns if train[name].n_unique() > 1]
    made, facts = [], []
    for i, row in enumerate(rows.iter_rows(named=True)):
        for how in (*BEYOND, "unseen", *("legal",) * LEGAL_DRAWS):
            name = names[rng.integers(len(names))]
            value = _other(train[name], how, rng)
            if value is not None and value != row[name]:
                made.append({**row, name: value})
                facts.append((i, rows.columns.index(name), how))
    source, column, hows = zip(*facts, strict=True)
    frame = pl.DataFrame(made, schema=rows.schema)
    return Spoiled(frame, np.array(source), np.array(column), np.array(hows))


def with_twin(frame: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, str]:
    """Add a twin to a column of numbers, the last one then; beside it the other's name."""
    names = [x.name for x in frame if x.dtype.is_numeric() and x.n_unique() > VARIED]
    name = names[rng.integers(len(names))]
    values = frame[name].cast(pl.Float64)
    noise = pl.Series(rng.normal(0, NOISE * values.std(), frame.height))
    return frame.with_columns(values, (TIMES * values + noise).alias(TWIN)), name


def both_spoiled(
    train: pl.DataFrame, rows: pl.DataFrame, name: str, rng: np.random.Generator
) -> Spoiled:
    """Spoil a column and its twin of every row, in the ways of one number."""
    made, facts = [], []
    for i, row in enumerate(rows.iter_rows(named=True)):
        for how in BEYOND:
            value = _other(train[name], how, rng)
            made.append({**row, name: value, TWIN: TIMES * value})
            facts.append((i, rows.columns.index(name), how))
    source, column, hows = zip(*facts, strict=True)
    frame = pl.DataFrame(made, schema=rows.schema)
    return Spoiled(frame, np.array(source), np.array(column), np.array(hows))


def _other(column: pl.Series, how: str, rng: np.random.Generator) -> Any:
    if how == "legal":
        return column[int(rng.integers(len(column)))]
    if column.dtype == pl.String or how == "unseen":
        return UNSEEN if column.dtype == pl.String and how == "unseen" else None
    low, high = float(column.min()), float(column.max())
    usual = column.quantile(0.99) - column.quantile(0.01)
    distance = BEYOND[how] * max(usual, 0.1 * (high - low))
    return high + distance if low >= 0 or rng.random() < 0.5 else low - distance


def alerts(
    detector: AbstractDetector,
    reference: pl.DataFrame,
    before: pl.DataFrame,
    after: Spoiled,
    rng: np.random.Generator,
) -> Spoiled:
    """Those rows that are alerts only since they were spoiled, of each way at most so many."""
    level = np.quantile(-detector.score_samples(reference), QUIET)
    quiet = (-detector.score_samples(before) <= level)[after.source]
    counts = quiet & (-detector.score_samples(after.rows) > level)
    ways = dict.fromkeys(after.how.tolist())
    places = [rng.permutation(np.flatnonzero(counts & (after.how == way))) for way in ways]
    return after[np.concatenate([found[:MOST_ALERTS] for found in places])]


# ---------------------------------------------------------------------------------- methods


@dataclass(frozen=True)
class Case:
    """A detector and rows to explain, as frames and as the encoder gives them."""

    detector: Any
    reference: pl.DataFrame
    rows: pl.DataFrame
    seed: int

    @cached_property
    def explainer(self) -> Explainer:
        """The package's, with the reference rows prepared."""
        return Explainer(self.detector, reference=self.reference)

    @property
    def column(self) -> NDArray[np.int64]:
        """The column that each feature was made from."""
        found: NDArray[np.int64] = self.detector.encoder_.column_of_feature
        return found

    def encoded(self, frame: pl.DataFrame) -> NDArray[np.float32]:
        """A frame as numbers, not scaled."""
        x: NDArray[np.float32] = self.detector.encoder_.transform(frame)[0]
        return x

    def summed(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """What belongs to features, summed by column."""
        total = np.zeros((len(features), len(self.rows.columns)))
        np.add.at(total.T, self.column, features.T)
        return total


def ours(case: Case) -> NDArray[np.float64]:
    """What the package does, its reference rows prepared once."""
    return case.explainer.explain(case.rows).contributions


def ours_at_once(case: Case) -> NDArray[np.float64]:
    """What the package does, and the preparation each time."""
    return explain(case.detector, case.rows, reference=case.reference).contributions


def z_score(case: Case) -> NDArray[np.float64]:
    """How many deviations each feature is from its mean; of a column the largest."""
    x, normal = case.encoded(case.rows), case.encoded(case.reference).astype(np.float64)
    z = np.abs(x - normal.mean(axis=0)) / np.maximum(normal.std(axis=0), 1e-9)
    largest = np.zeros((len(x), len(case.rows.columns)))
    np.maximum.at(largest.T, case.column, z.T)
    return largest


def permutation(case: Case) -> NDArray[np.float64]:
    """Shapley values, estimated."""
    rng = np.random.default_rng(case.seed)
    normal = case.encoded(case.reference)
    background = normal[rng.choice(len(normal), min(BACKGROUND, len(normal)), replace=False)]
    x, judge = case.encoded(case.rows), case.detector._judged
    pairs = EVALUATIONS // (2 * len(case.rows.columns) + 1)
    return shapley(judge, x, background, case.column, pairs=pairs, seed=case.seed)


def plainly_nearest(case: Case) -> NDArray[np.float64]:
    """Ours, beside the nearest row by the usual distance, that one wild column may decide."""
    x, normal = case.encoded(case.rows), case.encoded(case.reference)
    binary = case.detector.encoder_.binary
    scaler = fit_scaler("log-standard", normal, binary)
    search = NearestNeighbors(n_neighbors=1).fit(scaler.transform(normal))
    nearest = search.kneighbors(scaler.transform(x), return_distance=False)[:, 0]
    return _beside(case, normal[nearest])


def beside_reconstruction(case: Case) -> NDArray[np.float64]:
    """Ours, beside G(E(x))."""
    scaled = case.detector.reconstruct(case.rows)
    whole = case.detector.encoder_.decode(case.detector.scaler_.inverse(scaled))
    return _beside(case, case.encoded(whole))


def from_expected(case: Case) -> NDArray[np.float64]:
    """How far the score of the expected row rises with one column of x, and the rest as ours."""
    return _one_sided(case)[0]


def from_row(case: Case) -> NDArray[np.float64]:
    """How far the score of x falls with one column as expected, and the rest as ours."""
    return _one_sided(case)[1]


def _one_sided(case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, expected = case.encoded(case.rows), _expected(case)
    n, columns = len(x), len(case.rows.columns)
    row, place = changed(x, expected, case.column, columns)
    first, last = one_by_one(case.detector._judged, x, expected, case.column, row, place)
    rise, among = last[:n] - first[:n], np.maximum(np.bincount(row, minlength=n), 1)
    sides = []
    for effect in (first[n:] - first[row], last[row] - last[n:]):
        values = np.zeros((n, columns))
        values[row, place] = effect
        values[row, place] += ((rise - values.sum(axis=1)) / among)[row]
        sides.append(values)
    return sides[0], sides[1]


def integrated_gradients(case: Case) -> NDArray[np.float64]:
    """Gradients along the line from the expected row, times the way; networks only."""
    detector = case.detector
    x, e = (detector._scaled(part) for part in (case.encoded(case.rows), _expected(case)))
    run = program(
        detector.players_, _gradient_of(detector._judge(detector._with_defaults().anomaly_score))
    )
    middles = (np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS
    slopes = [in_blocks(run, detector.weights_, e + t * (x - e)) for t in middles]
    return case.summed(np.nan_to_num(np.mean(slopes, axis=0)) * (x - e))


@cache
def _gradient_of(judge: Any) -> Any:
    return lambda networks, x: jax.grad(lambda y: judge(networks, y).sum())(x)


def _expected(case: Case) -> NDArray[np.float32]:
    found = case.explainer.explain(case.rows)
    return case.encoded(case.reference)[found.nearest[:, 0]]


def _beside(case: Case, expected: NDArray[np.float32]) -> NDArray[np.float64]:
    x, columns = case.encoded(case.rows), len(case.rows.columns)
    return contributions(case.detector._judged, x, expected, case.column, columns)[0]


def fitted(train: pl.DataFrame, seed: int) -> dict[str, AbstractDetector]:
    """Every detector; the two of ALAD are one training, judged by two of its scores."""
    alad = ALAD(random_state=seed).fit(train)
    others = [cls(random_state=seed).fit(train) for cls in (KNN, IsolationForest, Mahalanobis)]
    by_features = copy(alad).set_params(anomaly_score="features")
    return dict(zip(DETECTORS, (alad, by_features, *others), strict=True))


Method = Callable[[Case], NDArray[np.float64]]
METHODS: dict[str, Method] = {
    "ours": ours,
    "plainly nearest row": plainly_nearest,
    "beside G(E(x))": beside_reconstruction,
    "from the expected row alone": from_expected,
    "from the row alone": from_row,
    "integrated gradients": integrated_gradients,
    "z-score": z_score,
}
OF_PAIRS = ("ours", "from the expected row alone", "from the row alone", "z-score")
NEEDS = {"beside G(E(x))": "reconstruct", "integrated gradients": "players_"}
PARTS = {"methods": ("first", "rank"), "sampled": ("first", "rank"), "pairs": ("first", "both")}


# ------------------------------------------------------------------------------ measurement


def ranks(values: NDArray[np.float64], column: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of these columns, 1 for the largest value; of equal ones they come last."""
    own = np.take_along_axis(values, column[:, None], axis=1)
    return (values >= own).sum(axis=1)


def measured(method: Method, case: Case, found: Spoiled) -> dict[str, Any]:
    """How often the spoiled column is first, its mean rank, and milliseconds a row."""
    method(replace(case, rows=found.rows[:1]))  # compiles what few rows need, and what many do
    if method is not permutation:
        method(case)  # and prepares ours
    began = time.perf_counter()
    values = method(case)
    seconds = time.perf_counter() - began
    rank = ranks(values, found.column)
    by_way = {way: float((rank[found.how == way] == 1).mean()) for way in np.unique(found.how)}
    return {
        "first": float((rank == 1).mean()),
        "rank": float(rank.mean()),
        "ms": 1e3 * seconds / len(rank),
        "by_way": by_way,
    }


def paired(method: Method, case: Case, found: Spoiled) -> dict[str, Any]:
    """How often one of the two spoiled columns is first, and how often both before all others."""
    values = method(case)
    twin = np.full(len(found), len(case.rows.columns) - 1)
    of_either = np.stack([ranks(values, column) for column in (found.column, twin)])
    return {
        "first": float((of_either.min(axis=0) == 1).mean()),
        "both": float((of_either.max(axis=0) == 2).mean()),
    }


def judged_pairs(name: str, seed: int) -> dict[str, dict[str, Any]]:
    """Every detector on one set with a twin of one column."""
    rng = np.random.default_rng(seed)
    frame, original = with_twin(normal_rows(name), rng)
    train, reference, rest = divided(frame, rng)
    every, made = both_spoiled(train, rest, original, rng), {}
    for label, detector in fitted(train, seed).items():
        found = alerts(detector, reference, rest, every, rng)
        case = Case(detector, reference, found.rows, seed)
        if len(found):
            made[label] = {
                "pair_alerts": len(found),
                "pairs": {m: paired(METHODS[m], case, found) for m in OF_PAIRS},
            }
    return made


def judged(name: str, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every detector on one set, with every method that it allows."""
    rng = np.random.default_rng(seed)
    train, reference, rest = divided(normal_rows(name), rng)
    every = spoiled(train, rest, rng)
    for label, detector in fitted(train, seed).items():
        found = alerts(detector, reference, rest, every, rng)
        case = Case(detector, reference, found.rows, seed)
        methods = {m: f for m, f in METHODS.items() if hasattr(detector, NEEDS.get(m, "offset_"))}
        some = found[np.sort(rng.permutation(len(found))[:SAMPLED])]
        few = replace(case, rows=some.rows)
        yield (
            label,
            {
                "alerts": len(found),
                "by_way": {way: int((found.how == way).sum()) for way in np.unique(found.how)},
                "methods": {m: measured(f, case, found) for m, f in methods.items()},
                "sampled": {
                    "ours": measured(ours, few, some),
                    "ours, unprepared": measured(ours_at_once, few, some),
                    "permutation": measured(permutation, few, some),
                },
            },
        )


def summary(sets: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Means over sets, for each detector and method, those of choosing and the others apart."""
    rows = []
    for label in DETECTORS:
        of = {name: found[label] for name, found in sets.items() if label in found}
        for part, measures in PARTS.items():
            for method in next(iter(of.values()))[part] if of else ():
                cells = {name: one[part][method] for name, one in of.items() if part in one}
                told = {"detector": label, "part": part, "method": method}
                rows.append(told | _means(cells, measures))
    return rows


def _means(cells: Mapping[str, Mapping[str, Any]], measures: tuple[str, ...]) -> dict[str, Any]:
    def mean(of: str, names: tuple[str, ...]) -> float | None:
        found = [cells[name][of] for name in names if name in cells]
        return float(np.mean(found)) if found else None

    return {
        **({"ms": mean("ms", CHOOSING + HELD_OUT)} if "rank" in measures else {}),
        **{f"{of}_choosing": mean(of, CHOOSING) for of in measures},
        **{f"{of}_held_out": mean(of, HELD_OUT) for of in measures},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reasons", description=__doc__)
    parser.add_argument("--sets", nargs="+", default=[*CHOOSING, *HELD_OUT], metavar="SET")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    console, sets, evidence = Console(), {}, fingerprint()
    for name in options.sets:
        sets[name] = {}
        for label, found in judged(name, options.seed):
            sets[name][label] = found
            both = found["methods"] | {f"{m}, sampled": v for m, v in found["sampled"].items()}
            told = {m: f"{v['first']:.2f} {v['rank']:.1f} {v['ms']:.2f}" for m, v in both.items()}
            console.print(name, label, found["by_way"], told)
            console.file.flush()
        for label, found in judged_pairs(name, options.seed).items():
            sets[name][label] |= found
            console.print(name, label, "pairs", found)
            console.file.flush()
        if options.sets == [*CHOOSING, *HELD_OUT]:
            payload = {"reasons": summary(sets), "sets": sets, "evidence": evidence}
            command = f"python -m benchmarks.reasons --seed {options.seed}"
            record("reasons", payload, command=command, seeds=[options.seed], folder=RESULTS)


if __name__ == "__main__":
    main()
