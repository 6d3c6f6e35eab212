"""Numbers that others have published, each with its source. Facts to stand beside ours.

A mean alone has sd None. Rows are looked up by a short name, which the registry's rows refer to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

PAPER = "Zenati et al., ICDM 2018"
TALK = "Strangalies, FU Berlin"
DAGMM_PAPER = "Zong et al., ICLR 2018, quoted by Zenati et al., ICDM 2018"


@dataclass(frozen=True)
class Published:
    """Precision, recall and F1 of the anomaly class, as printed; sd is that of F1."""

    method: str
    precision: float
    recall: float
    f1: float
    source: str
    sd: float | None = None
    note: str = ""


MEMORY = "from memory of the paper: check before quoting"
UNFITTING = "its F1 does not follow from P and R"
MARKS = {MEMORY: "†", UNFITTING: "‡"}
"""What stands beside a number that has such a note."""

PUBLISHED: dict[str, dict[str, Published]] = {
    "kdd99": {
        "OC-SVM": Published("OC-SVM", 0.7457, 0.8523, 0.7954, DAGMM_PAPER),
        "IF": Published("IF", 0.9216, 0.9373, 0.9294, PAPER),
        "DSEBM-r": Published("DSEBM-r", 0.8521, 0.6472, 0.7328, DAGMM_PAPER),
        "DSEBM-e": Published("DSEBM-e", 0.8619, 0.6446, 0.7399, DAGMM_PAPER),
        "DAGMM": Published("DAGMM", 0.9297, 0.9442, 0.9369, DAGMM_PAPER),
        "AnoGAN": Published("AnoGAN", 0.8786, 0.8297, 0.8865, PAPER, note=UNFITTING),
        "ALAD": Published("ALAD", 0.9427, 0.9577, 0.9501, PAPER, sd=0.0018),
        "ALAD, the talk": Published("ALAD, the talk", 0.9481, 0.9417, 0.9449, TALK),
        "Baseline": Published("Baseline", 0.948, 0.963, 0.955, PAPER, sd=0.007),
        "Baseline + DL": Published("Baseline + DL", 0.944, 0.959, 0.951, PAPER, sd=0.008),
        "Baseline + SN": Published("Baseline + SN", 0.942, 0.957, 0.949, PAPER, sd=0.004),
        "Baseline + SN + DL": Published("Baseline + SN + DL", 0.943, 0.958, 0.950, PAPER, sd=0.002),
        "L1": Published("L1", 0.9113, 0.9258, 0.9185, PAPER, sd=0.0632),
        "L2": Published("L2", 0.9316, 0.9464, 0.9389, PAPER, sd=0.0156),
        "Logits": Published("Logits", 0.9221, 0.9368, 0.9294, PAPER, sd=0.0173),
        "Features": Published("Features", 0.9427, 0.9577, 0.9501, PAPER, sd=0.0018),
    },
    "arrhythmia": {
        "OC-SVM": Published("OC-SVM", 0.5397, 0.4082, 0.4581, DAGMM_PAPER),
        "IF": Published("IF", 0.5147, 0.5469, 0.5303, PAPER, note=MEMORY),
        "DSEBM-r": Published("DSEBM-r", 0.1515, 0.1513, 0.1510, DAGMM_PAPER),
        "DSEBM-e": Published("DSEBM-e", 0.4667, 0.4565, 0.4601, DAGMM_PAPER),
        "DAGMM": Published("DAGMM", 0.4909, 0.5078, 0.4983, DAGMM_PAPER),
        "AnoGAN": Published("AnoGAN", 0.4118, 0.4375, 0.4242, PAPER, note=MEMORY),
        "ALAD": Published("ALAD", 0.5000, 0.5313, 0.5152, PAPER, note=MEMORY),
    },
}


@dataclass(frozen=True)
class Auroc:
    """Area under the ROC curve, one class normal: the mean over the classes, and each of them.

    ``sd`` is the deviation between the classes; ``classes`` has two digits, as printed.
    """

    method: str
    mean: float
    source: str
    sd: float | None = None
    classes: tuple[float, ...] | None = None
    note: str = ""


# Airplane to truck, as a reproduction's README prints the paper's, and its own.
_PER_CLASS = (0.68, 0.46, 0.63, 0.62, 0.67, 0.53, 0.78, 0.52, 0.77, 0.42)
_REPRODUCED = (0.69, 0.50, 0.67, 0.55, 0.69, 0.55, 0.75, 0.52, 0.78, 0.44)

AUROCS: dict[str, dict[str, Auroc]] = {
    "cifar10": {
        "OC-SVM": Auroc("OC-SVM", 0.5843, PAPER, note=MEMORY),
        "IF": Auroc("IF", 0.6025, PAPER, note=MEMORY),
        "DSEBM-e": Auroc("DSEBM-e", 0.5956, PAPER, note=MEMORY),
        "ALAD": Auroc("ALAD", 0.6072, PAPER, sd=0.1201, classes=_PER_CLASS),
        "Baseline": Auroc("Baseline", 0.5701, PAPER, sd=0.1282),
        "Baseline + DL": Auroc("Baseline + DL", 0.5361, PAPER, sd=0.1348),
        "Baseline + SN": Auroc("Baseline + SN", 0.5991, PAPER, sd=0.1308),
        "Baseline + SN + DL": Auroc("Baseline + SN + DL", 0.6072, PAPER, sd=0.1201),
        "L1": Auroc("L1", 0.6066, PAPER, sd=0.1006),
        "L2": Auroc("L2", 0.6012, PAPER, sd=0.1088),
        "Logits": Auroc("Logits", 0.5396, PAPER, sd=0.0783),
        "Features": Auroc("Features", 0.6072, PAPER, sd=0.1201),
    },
    "svhn": {
        "OC-SVM": Auroc("OC-SVM", 0.5027, PAPER, note=MEMORY),
        "DSEBM-r": Auroc("DSEBM-r", 0.5290, PAPER, note=MEMORY),
        "DSEBM-e": Auroc("DSEBM-e", 0.5240, PAPER, note=MEMORY),
        "IF": Auroc("IF", 0.5163, PAPER, note=MEMORY),
        "ALAD": Auroc("ALAD", 0.5753, PAPER, sd=0.0268, note=MEMORY),
    },
}

README = "the README of a reproduction of the released code"

BY_CLASS: dict[str, tuple[Auroc, ...]] = {
    "cifar10": (
        Auroc("ALAD, the paper", 0.6072, README, classes=_PER_CLASS),
        Auroc(
            "ALAD, a reproduction",
            sum(_REPRODUCED) / len(_REPRODUCED),
            README,
            classes=_REPRODUCED,
        ),
    ),
}
"""By table: AUROC of each class as printed there, two digits."""

KDD99 = (
    replace(PUBLISHED["kdd99"]["ALAD"], method="ALAD, the paper"),
    PUBLISHED["kdd99"]["ALAD, the talk"],
)


def as_printed(published: Published | Auroc | None) -> dict[str, Any] | None:
    """Give a number with the mark of its note, as a dictionary that JSON can hold."""
    return (
        None if published is None else asdict(published) | {"mark": MARKS.get(published.note, "")}
    )


def footnotes(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Say what the marks of a table's published numbers mean, those that are there.

    >>> footnotes([{"published": as_printed(PUBLISHED["arrhythmia"]["IF"])}, {"published": None}])
    {'†': 'from memory of the paper: check before quoting'}
    """
    notes = {row["published"]["note"] for row in rows if row["published"]}
    return {mark: note for note, mark in MARKS.items() if note in notes}
