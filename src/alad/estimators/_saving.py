"""A fitted detector as JSON and arrays, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.calibration import Calibration
from alad.errors import AladError, InputError, ModelFormatError
from alad.io import Model
from alad.preprocessing.scaling import Scaler
from alad.preprocessing.table import TableEncoder

if TYPE_CHECKING:
    from alad.estimators._detector import AbstractDetector

Detector = TypeVar("Detector", bound="AbstractDetector")


def model_of(detector: AbstractDetector) -> Model:
    """All that a fitted detector has learned, as facts that are JSON and as arrays.

    Raises
    ------
    InputError
        ``trained_on_`` was set to something else than is told of a table; or its class is not one
        of alad's, which are all that is read.
    """
    if not type(detector).__module__.startswith("alad."):
        raise InputError(
            f"Expected a detector of alad's own to save; got the class {type(detector).__name__} "
            f"of {type(detector).__module__}, which alad.load would not read. Fit the class "
            "that it was made from."
        )
    _check_told(detector.trained_on_, InputError, "Set it to None.")
    facts, arrays = detector._to_disk()
    facts |= {
        "class": type(detector).__name__,
        "parameters": parameters_of(detector),
        "seed": detector.seed_,
        "offset": detector.offset_,
        "n_features_in": detector.n_features_in_,
        "feature_names_in": _listed(getattr(detector, "feature_names_in_", None)),
        "encoder": None if detector.encoder_ is None else detector.encoder_.to_json(),
        "scaler": detector.scaler_.meta(),
        "rows_at_fit": detector.rows_at_fit_,
        "calibration": None if detector.calibration_ is None else detector.calibration_.facts,
        "trained_on": detector.trained_on_,
    }
    if detector.calibration_ is not None:
        kept = detector.calibration_.to_arrays()
        arrays |= {f"calibration/{name}": array for name, array in kept.items()}
    arrays |= {f"scaler/{name}": a for name, a in detector.scaler_.to_arrays().items()}
    return Model(facts, arrays)


def detector_of(cls: type[Detector], model: Model) -> Detector:
    """Invert :func:`model_of`.

    Raises
    ------
    ModelFormatError
        The model is damaged; where no check says so, whatever Python raises: see :func:`alad.load`.
    """
    facts = model.facts
    detector = cls(**{k: _tupled(v) for k, v in facts["parameters"].items()})
    detector._check_settings()
    detector.seed_ = _whole(facts, "seed", 0)
    detector.offset_ = _finite(facts["offset"])
    detector.n_features_in_ = _whole(facts, "n_features_in", 1)
    if (names := facts["feature_names_in"]) is not None:
        detector.feature_names_in_ = np.array(names, dtype=object)
        if len(names) != detector.n_features_in_:
            raise _wrong("as many feature_names_in as n_features_in", len(names))
    encoder = facts["encoder"]
    detector.encoder_ = None if encoder is None else TableEncoder.from_json(encoder)
    detector.scaler_ = Scaler.from_arrays(facts["scaler"], model.under("scaler"))
    _try_out(detector)
    detector.rows_at_fit_ = _whole(facts, "rows_at_fit", 1)
    detector.calibration_ = _calibration_of(detector, model)
    detector.trained_on_ = told = facts.get("trained_on")  # older models do not say
    _check_told(told, ModelFormatError, "The folder is damaged: save the model again.")
    detector._from_disk(model)
    detector._remember_settings()
    return detector


def _try_out(detector: AbstractDetector) -> None:
    """Let encoder and scaler have a row without values: what is damaged is to fail now."""
    encoder = detector.encoder_
    if encoder is not None:
        x, _ = encoder.transform(pl.DataFrame({column.name: [None] for column in encoder.schema}))
        detector._scaled(x)


def _calibration_of(detector: AbstractDetector, model: Model) -> Calibration | None:
    """Read the calibration of a model that has one."""
    facts = model.facts.get("calibration")  # models from before have none
    if facts is None:
        return None
    return Calibration.from_arrays(facts, model.under("calibration"), detector._features())


def parameters_of(detector: AbstractDetector) -> dict[str, Any]:
    """The settings as JSON; of a generator the seed that it gave."""
    parameters: dict[str, Any] = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in detector.get_params(deep=False).items()
    }
    if not isinstance(parameters["random_state"], int | None):
        parameters["random_state"] = detector.seed_
    return parameters


def _check_told(told: Any, error: type[AladError], advice: str) -> None:
    """Hold what is said of the table that a model learned from against what can be said."""
    if told is None:
        return
    kinds = {"table": str, "rows": int, "date": str}
    is_told = isinstance(told, dict) and all(type(told.get(k)) is t for k, t in kinds.items())
    dropped = told.get("dropped", []) if is_told else None
    if not isinstance(dropped, list) or any(type(name) is not str for name in dropped):
        raise error(
            "Expected trained_on to be None or to hold table, rows and date, which are text, an "
            "int and text, and perhaps dropped, a list of texts; got "
            f"{told!r:.80}. {advice}"
        )


def _finite(offset: Any) -> float:
    """The offset as it may be: of one that is not finite all rows or none would be flagged."""
    number = float(offset)
    if not math.isfinite(number):
        raise _wrong("a finite offset", offset)
    return number


def _whole(facts: Mapping[str, Any], name: str, least: int) -> int:
    """A whole number of the facts, of at least so much."""
    value = facts[name]
    if type(value) is not int or value < least:
        raise _wrong(f"{name} to be an int of at least {least}", value)
    return value


def _wrong(expected: str, got: Any) -> ModelFormatError:
    return ModelFormatError(
        f"Expected {expected} in the model; got {got!r:.80}. The folder is damaged: save the model "
        "again."
    )


def _listed(names: NDArray[Any] | None) -> list[str] | None:
    return None if names is None else [str(name) for name in names]


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def listed_too(value: Any) -> Any:
    """A tuple as the list that JSON makes of it."""
    return list(value) if isinstance(value, tuple) else value


def expect(facts: Mapping[str, Any], *names: str) -> None:
    """Check that a model's facts are complete.

    Raises
    ------
    ModelFormatError
        Some are missing.
    """
    missing = [name for name in names if name not in facts]
    if missing:
        raise ModelFormatError(
            f"Expected the model to state {', '.join(missing)}; it does not. "
            "The folder is damaged or not one of ours: save the model again."
        )
