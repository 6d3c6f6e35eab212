"""What the quality of detectors is judged on, and which detectors are judged: values alone.

A :class:`Panel` is a list of problems by one protocol, a :class:`Contender` a method by its name in
print; controls are those that a claim for ALAD has to beat. Nothing here runs anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alad.datasets import adbench
from alad.experiments.registry import ONLY, Method
from alad.scores import ABLATION

TABLES, PICTURES = "tables", "pictures"


@dataclass(frozen=True)
class Panel:
    """Problems that are judged together, each a data set and a protocol.

    ``seeds`` is how many are usual. Of ``pictures`` the protocol is the class that is normal.
    """

    name: str
    title: str
    problems: tuple[tuple[str, str], ...]
    seeds: int
    pictures: bool = False

    @property
    def by_name(self) -> dict[str, tuple[str, str]]:
        """The problems, by the name of their table or class."""
        return {pair[self.pictures]: pair for pair in self.problems}

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the problems."""
        return tuple(self.by_name)


def _adbench(protocol: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, protocol) for name in adbench.FILES)


PANELS: dict[str, Panel] = {
    panel.name: panel
    for panel in (
        Panel("adbench", "Ten tables of ADBench", _adbench("one-class"), 3),
        Panel(
            "contaminated",
            "Ten tables of ADBench, 5 % of the training rows are anomalies",
            _adbench("contaminated"),
            3,
        ),
        Panel("kdd99", "KDDCup99, paper", (("kdd99", "paper"),), 10),
        Panel(  # the talk's split is the paper's, and F1 at the true number is what it flags
            "kdd99-released-code",
            "KDDCup99, released code",
            (("kdd99", "released-code"),),
            10,
        ),
        Panel(
            "kdd99-corrected",
            "KDDCup99, attacks are the anomaly",
            (("kdd99", "corrected-labels"),),
            10,
        ),
        Panel("arrhythmia", "Arrhythmia, one-class", (("arrhythmia", "one-class"),), 10),
        Panel(
            "cifar10",
            "CIFAR-10, airplanes and automobiles",
            (("cifar10", "airplane"), ("cifar10", "automobile")),
            3,
            pictures=True,
        ),
    )
}


@dataclass(frozen=True)
class Contender:
    """A method by its name in print. No data set's preset is added to its settings.

    ``takes`` says what it is judged on: tables, pictures, or both.
    """

    label: str
    method: Method
    control: bool = False
    takes: tuple[str, ...] = (TABLES,)

    @property
    def name(self) -> str:
        """The method's, part of file names."""
        return self.method.name

    @property
    def scores(self) -> tuple[str, ...]:
        """What one fit of it is judged by."""
        return self.method.scores or (ONLY,)

    def is_of(self, panel: Panel) -> bool:
        """Whether it takes what the panel has."""
        return (PICTURES if panel.pictures else TABLES) in self.takes


# Without scaling and at the paper's 1e-5 so few rows would leave it as it began.
PAPER = {"preset": "kdd99", "scaling": "standard", "learning_rate": 2e-4, "anomaly_score": "memory"}
BY_MEMORY = {"anomaly_score": "memory"}
BOUNDED = {"kdd99": {"max_rows": 20_000}}  # of KDDCup99, for those that compare with every row
OF_PICTURES = {"preset": "pictures"}


def _control(
    label: str, *method: Any, takes: tuple[str, ...] = (TABLES, PICTURES), **settings: Any
) -> Contender:
    return Contender(label, Method(*method, **settings), control=True, takes=takes)


CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        Contender(
            "ALAD()",
            Method(
                "alad",
                "ALAD",
                scores=("memory", "local-distance", "distance", "features", "logits", "l1"),
            ),
        ),
        Contender(
            "ALAD(leave_out_knots=True)",
            Method("alad-no-knots", "ALAD", {"leave_out_knots": True}, ("memory", "distance")),
        ),
        Contender(
            "ALAD() without exchanged columns",
            Method("alad-no-exchange", "ALAD", {"exchange": False}, ("memory", "features")),
        ),
        Contender(
            "ALAD() with standard scaling",
            Method("alad-standard", "ALAD", {"scaling": "standard"}, ("memory", "local-distance")),
        ),
        Contender("ALAD() without D_zz", Method("alice", "ALICE", BY_MEMORY, ("memory",))),
        Contender("ALAD() without D_zz and D_xx", Method("bigan", "BiGAN", BY_MEMORY, ("memory",))),
        Contender(
            "the paper's ALAD, scaled and at 2e-4",
            Method("alad-paper", "ALAD", PAPER, ("features", "memory")),
        ),
        Contender(
            "the paper's ALAD, scaled and at 2e-4, exchanged columns",
            Method(
                "alad-paper-exchange", "ALAD", {**PAPER, "exchange": True}, ("features", "memory")
            ),
        ),
        Contender(
            'ALAD(preset="pictures")',
            Method("alad-pictures", "ALAD", OF_PICTURES, ABLATION),
            takes=(PICTURES,),
        ),
        _control(
            "ALAD() untrained",
            "alad-untrained",
            "ALAD",
            {"epochs": 0},
            ("memory", "features"),
            takes=(TABLES,),
        ),
        _control(
            'ALAD(preset="pictures") untrained',
            "alad-pictures-untrained",
            "ALAD",
            {**OF_PICTURES, "epochs": 0},
            ABLATION,
            takes=(PICTURES,),
        ),
        _control("k nearest neighbours, the fifth", "knn", "KNN", of=BOUNDED),
        _control(
            "k nearest neighbours, mean of five", "knn-mean", "KNN", {"method": "mean"}, of=BOUNDED
        ),
        _control(
            "k nearest neighbours, the fifth distinct row, ALAD()'s scaling",
            "knn-distinct",
            "KNN",
            {"scaling": "log-standard", "distinct": True},
            takes=(TABLES,),
        ),
        _control("LOF", "lof", "LOF", of=BOUNDED),
        _control("Isolation Forest", "if", "IsolationForest"),
        _control("OC-SVM", "oc-svm", "OCSVM", {"nu": 0.05, "gamma": "scale"}, of=BOUNDED),
        _control("Mahalanobis distance", "mahalanobis", "Mahalanobis"),
        _control("PCA", "pca", "PCA"),
        _control(
            "Autoencoder", "autoencoder", "AutoEncoder", {}, ("l2",), of={"cifar10": OF_PICTURES}
        ),
    )
}
