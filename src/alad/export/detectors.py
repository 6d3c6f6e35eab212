"""A fitted detector as one ONNX model: from the columns of a table to a decision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from alad.errors import InputError
from alad.estimators import DAGMM, DSEBM, AbstractDetector, NetworkDetector
from alad.estimators._adversarial import AdversarialDetector
from alad.export import scores, shallow
from alad.export.decisions import decide, settled
from alad.export.graph import Graph, Tensor
from alad.export.tables import encoded, scaled
from alad.preprocessing.kinds.words import MISSING
from alad.scores import MEMORY_SCORES
from alad.training import alive, blueprints

OUTPUTS = ("anomaly_score", "is_anomaly", "p_value")
COLUMNS, FEATURES = "columns", "features"
OF_NETWORKS: dict[type, Mapping[str, scores.Score]] = {
    AdversarialDetector: scores.SCORES,
    DAGMM: scores.SCORES_OF_DAGMM,
    DSEBM: scores.SCORES_OF_DSEBM,
}
X = "x"  # the input of a model that takes a matrix


def to_onnx(
    detector: AbstractDetector,
    *,
    inputs: str | None = None,
    facts: Mapping[str, str] | None = None,
) -> Any:
    """Write a fitted detector as an ONNX model: preprocessing, networks, score and threshold.

    ===================  ==============================================  =======================
    input                given as                                        when
    ===================  ==============================================  =======================
    each column by name  (n, 1), see :mod:`alad.export.tables`           ``inputs="columns"``
    ``x``                (n, f) float32: encoded, not yet scaled         ``inputs="features"``
    ``x``                (n, columns) float64                            fitted on an array
    ``x``                (n, side, side, channels) float32, 0 to 255     fitted on pictures
    ===================  ==============================================  =======================

    Outputs, (n,) each: ``anomaly_score`` float64, larger = more anomalous, which is
    ``-score_samples``; ``is_anomaly``, whether it is above the threshold by more than it may be off
    by rounding; and ``p_value`` if the detector is calibrated.

    Parameters
    ----------
    detector : a fitted ALAD, ALICE, BiGAN, AutoEncoder, DAGMM, DSEBM with the score "energy",
        Mahalanobis, PCA, KNN, OCSVM or IsolationForest
    inputs : {"columns", "features"}, optional
        Default: "columns" for a detector that was fitted on a frame.
    facts : mapping of str to str, optional
        To be added to the model's metadata.

    Returns
    -------
    onnx.ModelProto
        Its metadata hold ``alad`` (the version), ``detector``, ``anomaly_score``, ``threshold``,
        ``feature_names``, ``columns`` and ``missing_text``, the last three as JSON.

    Raises
    ------
    InputError
        The detector, or a kind of column, cannot be exported; or onnx is not installed.
    sklearn.exceptions.NotFittedError
        ``fit`` was not called.

    Examples
    --------
    >>> from alad import Mahalanobis
    >>> model = to_onnx(Mahalanobis().fit([[0.0, 1.0], [1.0, 3.0], [2.0, 0.0]]))
    >>> [result.name for result in model.graph.output]
    ['anomaly_score', 'is_anomaly']
    """
    check_is_fitted(detector)
    graph, by_column = Graph(), _is_by_column(detector, inputs)
    x = (columns_in if by_column else matrix_in)(graph, detector)
    score = _score(detector, scaled(x, detector.scaler_))
    kept = None if detector.calibration_ is None else detector._calibrated().scores
    decide(graph, settled(score), detector._threshold, kept, _rounding(detector, score.dtype))
    return graph.model(_facts(detector, by_column) | dict(facts or {}))


def _is_by_column(detector: AbstractDetector, inputs: str | None) -> bool:
    """Whether the model is to have an input for each column."""
    if inputs not in (None, COLUMNS, FEATURES):
        raise InputError(f"Expected inputs to be {COLUMNS!r} or {FEATURES!r}; got {inputs!r}.")
    if detector.encoder_ is not None:
        return inputs != FEATURES
    if inputs == COLUMNS:
        raise InputError(
            "Expected a detector that was fitted on a frame, for inputs by column; this one was "
            f"fitted on {'pictures' if detector.takes_pictures else 'an array'}. Leave inputs out."
        )
    return False


def columns_in(graph: Graph, detector: AbstractDetector) -> Tensor:
    """An input for each column, and the features that they become."""
    assert detector.encoder_ is not None
    names = [column.name for column in detector.encoder_.schema]
    if taken := [name for name in names if name in ("", *OUTPUTS)]:
        raise InputError(
            f"Expected columns with other names than {', '.join(OUTPUTS)}, which the model gives "
            f"itself; got {taken[0]!r}. Export with --inputs features, or rename it and refit."
        )
    return encoded(graph, detector.encoder_)


def matrix_in(graph: Graph, detector: AbstractDetector) -> Tensor:
    """The input ``x``: encoded rows, an array's rows, or pictures."""
    if detector.takes_pictures:
        return graph.input(X, np.float32, *detector.picture_shape_)
    if detector.encoder_ is None:
        return graph.input(X, np.float64, detector.n_features_in_)
    return graph.input(X, np.float32, len(detector.encoder_.feature_names))


def _rounding(detector: AbstractDetector, dtype: np.dtype[Any]) -> tuple[float, float]:
    """How far a score may be off, relative to max(|A|, unit); logarithms of distances have 1."""
    relative = 1e-5 if dtype == np.float32 else 1e-9
    is_logarithm = isinstance(detector, AdversarialDetector) and (
        detector._with_defaults().anomaly_score in MEMORY_SCORES
    )
    return relative, float(is_logarithm)


def _score(detector: AbstractDetector, x: Tensor) -> Tensor:
    """A(x) of scaled rows."""
    if isinstance(detector, NetworkDetector):
        name = detector._with_defaults().anomaly_score
        detector._check_can_score(name)  # it may have been set since fit
        if name in (known := _of_networks(detector)):
            return known[name](networks_of(detector), x)
        raise _unsupported(f"{type(detector).__name__} with the score {name!r}")
    if type(detector) in shallow.SCORES:
        return shallow.SCORES[type(detector)](detector, x)
    raise _unsupported(type(detector).__name__)


def _of_networks(detector: NetworkDetector) -> Mapping[str, scores.Score]:
    """The scores that are exported, by name."""
    for cls, known in OF_NETWORKS.items():
        if isinstance(detector, cls):
            return known
    return {}


def _unsupported(what: str) -> InputError:
    others = ", ".join(cls.__name__ for cls in shallow.SCORES)
    return InputError(
        "Expected a detector that can be exported: ALAD, ALICE, BiGAN, AutoEncoder, DAGMM, DSEBM "
        f"with the score 'energy', {others}; got {what}. Fit one of these, or score with alad "
        "itself."
    )


def networks_of(detector: NetworkDetector) -> dict[str, Any]:
    """The networks of a detector, in evaluation mode."""
    plans = blueprints(detector.players_)
    return {name: alive(plans[name], *own) for name, own in detector.weights_.items()}


def _facts(detector: AbstractDetector, by_column: bool) -> dict[str, str]:
    """What a consumer may ask of the model, as text."""
    encoder = detector.encoder_
    names = (
        [f"x{i}" for i in range(detector.n_features_in_)]
        if encoder is None
        else list(encoder.feature_names)
    )
    own = detector._with_defaults() if isinstance(detector, NetworkDetector) else None
    return {
        "alad": metadata.version("alad"),
        "detector": type(detector).__name__,
        "anomaly_score": "" if own is None else own.anomaly_score,
        "inputs": COLUMNS if by_column else FEATURES,
        "threshold": repr(-float(detector.offset_)),
        "columns": _json([] if encoder is None else [column.name for column in encoder.schema]),
        "feature_names": _json([] if detector.takes_pictures else names),
        "missing_text": MISSING,
    }


def _json(names: list[str]) -> str:
    return json.dumps(names, ensure_ascii=False)
