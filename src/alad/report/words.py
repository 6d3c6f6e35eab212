"""What a detector is, how it was set and what it learned from, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alad.report.visible import in_one_line

METHODS = {
    "ALAD": "networks that learned to carry normal rows to a code and back, against each other",
    "ALICE": "ALAD without the network that judges codes",
    "BiGAN": "networks that learned normal rows and their codes, against one judge",
    "AutoEncoder": "networks that learned to reconstruct normal rows",
    "GAN": "networks that learned to make rows like the normal ones",
    "AnoGAN": "networks that learned to make normal rows, and a search for the one most alike",
    "DAGMM": "networks that learned how densely normal rows lie",
    "DSEBM": "networks that learned an energy which is low for normal rows",
    "Mahalanobis": "distance from the mean of the normal rows, in units of their spread",
    "OCSVM": "the region that holds most of the normal rows, by a support vector machine",
    "IsolationForest": "how few random cuts set a row apart from the normal ones",
    "KNN": "distance to the nearest normal rows",
    "LOF": "how much thinner rows lie around a row than around its neighbours",
    "PCA": "distance from the plane in which the normal rows mostly lie",
}
UNSAID = ("random_state", "verbose")  # the seed that was used stands elsewhere


def _either(yes: str, no: str = "") -> Callable[[Any], str]:
    return lambda value: yes if value else no


def _as(form: str) -> Callable[[Any], str]:
    return form.format


def _many(noun: str, form: str = "{}") -> Callable[[Any], str]:
    return lambda n: form.format(counted(n, noun))


def _number_or_name(form: str) -> Callable[[Any], str]:
    return lambda value: form.format(value if isinstance(value, str) else f"{value:g}")


SETTINGS: Mapping[str, Callable[[Any], str]] = {
    "preset": _as("networks and training of the preset “{}”"),
    "anomaly_score": _as("the score “{}”"),
    "scaling": lambda kind: (
        "columns as they are" if kind == "none" else f"columns scaled by “{kind}”"
    ),
    "contamination": _as("a threshold for {:.2%} of the training rows"),
    "epochs": _many("epoch"),
    "batch_size": _as("batches of {:,}"),
    "learning_rate": _as("learning rate {:g}"),
    "latent_dim": _many("number", "codes of {}"),
    "ema_decay": _as("weights averaged with decay {:g}"),
    "patience": _many("epoch", "an end after {} without progress"),
    "validation_fraction": _as("{:.0%} of the rows held out to watch training"),
    "precision": lambda kind: "" if kind == "float32" else f"products of training in {kind}",
    "spectral_norm": _either("spectral norm", "no spectral norm"),
    "exchange": _either("trained on exchanged columns too", "no exchanged columns"),
    "leave_out_knots": _either("rows in knots left out of the memory"),
    "k": _many("neighbour"),
    "method": _as("the {} of their distances"),
    "max_rows": _many("row", "at most {} kept"),
    "distinct": _either("equal rows kept once"),
    "n_components": _number_or_name("{} components, or that share of the variance"),
    "n_estimators": _many("tree"),
    "max_samples": _number_or_name("{} rows for each tree"),
    "nu": _as("{:.0%} of the rows allowed outside"),
    "gamma": _number_or_name("kernel width “{}”"),
    "feature_weight": _as("features weigh {:.0%}"),
    "search_steps": _many("step", "{} of search"),
    "search_step_size": _as("steps of {:g}"),
    "search_restarts": _many("start"),
}


def counted(n: int, noun: str) -> str:
    """Say how many there are of something.

    >>> counted(1, "seed"), counted(1000, "seed")
    ('1 seed', '1,000 seeds')
    """
    return f"{n:,} {noun}{'s' * (n != 1)}"


def out_of(part: int, whole: int) -> str:
    """Say how many of all it is, if it is not all.

    >>> out_of(12, 15), out_of(15, 15)
    ('12 of 15', '15')
    """
    return f"{whole:,}" if part == whole else f"{part:,} of {whole:,}"


def method(detector: str) -> str:
    """Say what a detector does; one that is not known is not described.

    >>> method("KNN"), method("Oracle")
    ('KNN: distance to the nearest normal rows', 'Oracle')
    """
    return f"{detector}: {METHODS[detector]}" if detector in METHODS else detector


def settings_in_words(parameters: Mapping[str, Any]) -> str:
    """Say how a detector was set; what was left to it is not said.

    >>> settings_in_words({"k": 5, "max_rows": None, "contamination": 0.01, "random_state": 1})
    'a threshold for 1.00% of the training rows, 5 neighbours'
    """
    names = [
        *(n for n in SETTINGS if n in parameters),
        *(n for n in parameters if n not in SETTINGS),
    ]
    given = {n: parameters[n] for n in names if parameters[n] is not None and n not in UNSAID}
    said = [_in_words(name, value) for name, value in given.items()]
    return ", ".join(text for text in said if text) or "all as they are by default"


def _in_words(name: str, value: Any) -> str:
    """Say one setting; one that is not known, or of a damaged model, as it stands there."""
    try:
        return SETTINGS[name](value)
    except (KeyError, TypeError, ValueError):
        return f"{name} {value}"


def of_pictures(text: str) -> str:
    """Say of pictures what is said of rows.

    >>> of_pictures("a row is an anomaly, of 1,000 rows")
    'a picture is an anomaly, of 1,000 pictures'
    """
    return re.sub(r"\brow(s?)\b", r"picture\1", text)


def trained_on(told: Mapping[str, Any] | None, rows: str = "rows") -> str | None:
    """Say what a model learned from, as it tells itself; None where it does not.

    >>> trained_on({"table": "kdd.parquet", "rows": 97278, "date": "2026-11-26T17:00:00+00:00"})
    'kdd.parquet, 97,278 rows, on 2026-11-26'
    >>> trained_on({"table": "a.csv", "rows": 9, "date": "2026-11-26", "dropped": ["id", "label"]})
    'a.csv without id, label; 9 rows, on 2026-11-26'
    """
    if told is None:
        return None
    dropped = ", ".join(map(in_one_line, told.get("dropped", ())))
    table = f"{told['table']} without {dropped};" if dropped else f"{told['table']},"
    return f"{table} {told['rows']:,} {rows}, on {told['date'][:10]}"


def not_compared(columns: Sequence[str]) -> str:
    """Say of which columns nobody asks whether they moved.

    >>> not_compared(["epoch", "at"])
    'Not compared: epoch, at (time goes on)'
    """
    return f"Not compared: {', '.join(map(in_one_line, columns))} (time goes on)"


def recalibrated(told: Mapping[str, Any] | None) -> str:
    """Say, after how many rows a calibration has, what of suspicious ones was taken in or left out.

    >>> recalibrated({"absorbed": 805, "excluded": 0})
    '; 805 of them looked anomalous and were taken in'
    >>> recalibrated({"absorbed": 0, "excluded": 1})
    '; 1 more looked anomalous and was left out'
    """
    forms = {"absorbed": "of them {} taken in", "excluded": "more {} left out"}
    numbers = {name: (told or {}).get(name) or 0 for name in forms}
    said = (f"; {n:,} {forms[name].format(_looked(n))}" for name, n in numbers.items() if n)
    return "".join(said)


def _looked(n: int) -> str:
    return f"looked anomalous and {'was' if n == 1 else 'were'}"
