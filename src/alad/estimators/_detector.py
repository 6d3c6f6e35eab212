"""The face that every detector shows: scikit-learn's outlier detector, written once.

A method's file supplies ``fit``, ``_anomaly_score``, ``_to_disk`` and ``_from_disk``, and
overrides nothing else.

====================  ==========================================================================
``score_samples``     -A(x): the higher, the more normal. The minus sign stands here only.
``decision_function``  ``score_samples - offset_``: negative means anomaly
``predict``           -1 for an anomaly, +1 for a normal row
``p_values``          of rows, among normal rows given to ``calibrate``
====================  ==========================================================================
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from alad.calibration import Calibration, benjamini_hochberg, offset_at_contamination
from alad.errors import InputError, ModelFormatError
from alad.estimators._programs import blocks_for, cores
from alad.estimators._settings import Constraint, check_settings, real
from alad.estimators._stream import SAMPLE_ROWS, RowFile, Stream, encoded
from alad.io import Model, write_model
from alad.preprocessing.frames import feature_names, is_frame
from alad.preprocessing.scaling import Scaler, fit_scaler
from alad.preprocessing.schema import Schema
from alad.preprocessing.table import TableEncoder, TableNotes

LARGEST = float(np.finfo(np.float32).max)

Columns = Schema | TableEncoder | None  # what is said of a frame's columns before fit
Matrix = NDArray[np.float32]
Vector = NDArray[np.float64]

NO_PART_IN_SCORES = ("contamination", "random_state", "verbose")

LARGEST_SEED = 2**32 - 1  # as in scikit-learn; of a larger one JAX would use the last 32 bits


class AbstractDetector(OutlierMixin, BaseEstimator):
    """What all detectors do in the same way.

    Attributes
    ----------
    n_features_in_ : int
        Columns of the table that ``fit`` saw.
    feature_names_in_ : ndarray of str
        Their names, if it was a frame with names.
    encoder_ : TableEncoder or None
        How a frame's columns become numbers; None for plain arrays.
    scaler_ : Scaler
        The scaling, fitted on the training rows.
    offset_ : float
        Rows that score below it are anomalies; it flags the share ``contamination`` of the
        training rows.
    seed_ : int
        The seed that was used.
    calibration_ : alad.calibration.Calibration or None
        What :meth:`calibrate` keeps; None before, and after another ``fit``.
    """

    _constraints: ClassVar[dict[str, Constraint]] = {
        "contamination": real(0, 0.5, closed="right"),
    }

    contamination: float
    random_state: Any
    calibration_: Calibration | None
    encoder_: TableEncoder | None
    trained_on_: dict[str, Any] | None

    _file: RowFile | None = None  # during a fit
    _keeps_file: ClassVar[bool] = False  # of a stream: whether training goes through all its rows
    _sample_rows: ClassVar[int] = SAMPLE_ROWS  # of a stream: what looks at all rows at once sees

    @property
    def takes_pictures(self) -> bool:
        """Whether rows are pictures rather than rows of a table."""
        return False

    def score_samples(self, X: Any) -> Vector:
        """Say how normal each row is: -A(x), higher = more normal.

        Parameters
        ----------
        X : array or frame of shape (n, columns), the columns of ``fit``

        Returns
        -------
        ndarray of shape (n,), float64

        Raises
        ------
        InputError
            Other columns than at fit; for arrays also NaN, infinity or text.
        sklearn.exceptions.NotFittedError
            ``fit`` was not called.
        """
        check_is_fitted(self)
        return -self._judged(self._matrix(X, fitting=False))

    def score_and_notes(self, X: Any) -> tuple[Vector, TableNotes | None]:
        """Give :meth:`score_samples` and :meth:`notes`, for one reading of the table."""
        check_is_fitted(self)
        if self.encoder_ is None or not is_frame(X):
            return self.score_samples(X), None
        x, notes = self.encoder_.transform(X)
        return -self._judged(x), notes

    def decision_function(self, X: Any) -> Vector:
        """Give ``score_samples(X) - offset_``: negative for anomalies."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any, fdr: float | None = None) -> NDArray[np.int64]:
        """Give -1 for anomalies and +1 for normal rows.

        Parameters
        ----------
        X : array or frame of shape (n, columns), the columns of ``fit``
        fdr : float in (0, 1), optional
            Flag what Benjamini and Hochberg discover at this false discovery rate, rather than
            what lies below ``offset_``. It judges the n rows together: give a whole table. Where
            :func:`alad.calibration.fewest_discoveries` of the calibration rows, n and ``fdr`` is
            None, they are too few and no row is ever flagged.

        Raises
        ------
        InputError
            As :meth:`score_samples` and, with ``fdr``, as :meth:`p_values`.
        """
        if fdr is not None:
            return np.where(benjamini_hochberg(self.p_values(X), fdr), -1, 1)
        return np.where(self.decision_function(X) < 0, -1, 1)

    def calibrate(self, X: Any) -> Self:
        """Keep the scores of normal rows that ``fit`` did not see, for :meth:`p_values`.

        Parameters
        ----------
        X : array or frame of shape (m, columns), the columns of ``fit``
            Normal rows, drawn as the rows to be judged will be. With m of them the smallest
            p-value is 1 / (m + 1).

        Raises
        ------
        InputError
            As :meth:`score_samples`.

        >>> from alad import Mahalanobis
        >>> rows = np.random.default_rng(0).normal(size=(200, 2))
        >>> detector = Mahalanobis().fit(rows[:101]).calibrate(rows[101:])
        >>> detector.p_values([[9.0, 9.0]]).tolist()
        [0.01]
        """
        check_is_fitted(self)
        x = self._matrix(X, fitting=False)
        facts = {"rows": len(x), "parameters": self._judging()}
        rows = np.zeros((0, self._features()), np.float32) if self.takes_pictures else x
        self.calibration_ = Calibration.of(self._judged(x), rows, seed=self.seed_, facts=facts)
        return self

    def p_values(self, X: Any) -> Vector:
        """Say how rare a score as large as each row's is among normal ones: split-conformal.

        ``(1 + calibration rows with A at least as large) / (m + 1)``: of normal rows that are
        exchangeable with the m calibration rows at most the share t has a p-value of at most t.

        Raises
        ------
        InputError
            As :meth:`score_samples`; or :meth:`calibrate` was not called since the last ``fit``
            or the last change of how rows are judged.
        """
        check_is_fitted(self)
        return self._calibrated().p_values(-self.score_samples(X))

    def notes(self, X: Any) -> TableNotes | None:
        """Count, column by column, the values of a frame that were missing or not seen at fit."""
        check_is_fitted(self)
        return None if self.encoder_ is None else self.encoder_.transform(X)[1]

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted detector as a folder of JSON and safetensors, whole or not at all.

        Read it with :func:`alad.load`. Nothing in it is executed when it is read.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        check_is_fitted(self)
        facts, arrays = self._to_disk()
        facts |= {
            "class": type(self).__name__,
            "parameters": self._parameters(),
            "seed": self.seed_,
            "offset": self.offset_,
            "n_features_in": self.n_features_in_,
            "feature_names_in": _listed(getattr(self, "feature_names_in_", None)),
            "encoder": None if self.encoder_ is None else self.encoder_.to_json(),
            "scaler": self.scaler_.meta(),
            "rows_at_fit": self.rows_at_fit_,
            "calibration": None if self.calibration_ is None else self.calibration_.facts,
        }
        if self.calibration_ is not None:
            kept = self.calibration_.to_arrays()
            arrays |= {f"calibration/{name}": array for name, array in kept.items()}
        arrays |= {f"scaler/{name}": a for name, a in self.scaler_.to_arrays().items()}
        write_model(path, Model(facts, arrays))

    @classmethod
    def _read(cls, model: Model) -> Self:
        """Invert :meth:`save`, for :func:`alad.load`."""
        facts = model.facts
        detector = cls(**{k: _tupled(v) for k, v in facts["parameters"].items()})
        detector._check_settings()
        detector.seed_ = facts["seed"]
        detector.offset_ = float(facts["offset"])
        detector.n_features_in_ = facts["n_features_in"]
        if facts["feature_names_in"] is not None:
            detector.feature_names_in_ = np.array(facts["feature_names_in"], dtype=object)
        encoder = facts["encoder"]
        detector.encoder_ = None if encoder is None else TableEncoder.from_json(encoder)
        detector.scaler_ = Scaler.from_arrays(facts["scaler"], model.under("scaler"))
        detector.rows_at_fit_ = facts["rows_at_fit"]
        detector.calibration_ = detector._calibration_of(model)
        detector._from_disk(model)
        return detector

    # ------------------------------------------------------------------ a method's own share

    @abstractmethod
    def _anomaly_score(self, x: Matrix) -> Vector:
        """A(x) of scaled rows, shape (n,), larger = more anomalous."""

    @abstractmethod
    def _to_disk(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Give what else was learned, as JSON and as named arrays."""

    @abstractmethod
    def _from_disk(self, model: Model) -> None:
        """Take back what :meth:`_to_disk` gave."""

    def _kept_rows(self) -> Matrix | None:
        """Give the scaled normal rows that the model holds to compare with, if it holds any."""
        return None

    # ------------------------------------------------------------------------- shared steps

    def _check_settings(self) -> None:
        check_settings(type(self).__name__, self.get_params(deep=False), self._constraints)

    def _prepare(self, X: Any, scaling: str, schema: Columns = None) -> Matrix:
        """Check the rows, fit encoder and scaler; returns scaled rows, of a stream a sample."""
        self.seed_ = seed_of(self.random_state)
        self.calibration_ = None
        if isinstance(X, Stream):
            return self._prepare_stream(X, scaling, schema)
        x = self._matrix(X, fitting=True, schema=schema)
        binary = None if self.encoder_ is None else self.encoder_.binary
        self.rows_at_fit_ = len(x)
        self.scaler_ = fit_scaler(scaling, _flat(x), binary)
        return self._scaled(x)

    def _prepare_stream(self, stream: Stream, scaling: str, schema: Columns) -> Matrix:
        enough_rows(len(stream))
        found = encoded(
            stream,
            scaling,
            schema,
            seed=self.seed_,
            sample_rows=self._sample_rows,
            keep=self._keeps_file,
        )
        self.encoder_, self.scaler_ = found.encoder, found.scaler
        self.rows_at_fit_, self.n_features_in_ = len(stream), len(found.names)
        self.feature_names_in_ = np.array(found.names, dtype=object)
        if found.file is not None:
            self._file = found.file
        return self._scaled(found.sample)

    def _calibrated(self) -> Calibration:
        """The calibration, if it is one of rows as they are judged now."""
        if self.calibration_ is None:
            raise InputError(
                "Expected a detector that was calibrated; calibrate was not called since fit. Call "
                "calibrate(X) with normal rows that fit did not see."
            )
        then, now = self.calibration_.facts.get("parameters"), self._judging()
        if then is not None and then != now:
            changed = sorted(name for name in now if now[name] != then.get(name))
            raise InputError(
                f"Expected the settings of the calibration; {', '.join(changed)} was set since. "
                "Call calibrate(X) again."
            )
        return self.calibration_

    def _judging(self) -> dict[str, Any]:
        """The settings that a score may depend on, as JSON."""
        parameters = self._parameters()
        return {k: _listed_too(v) for k, v in parameters.items() if k not in NO_PART_IN_SCORES}

    def _calibration_of(self, model: Model) -> Calibration | None:
        """Read the calibration of a model that has one."""
        facts = model.facts.get("calibration")  # models from before have none
        if facts is None:
            return None
        return Calibration.from_arrays(facts, model.under("calibration"), self._features())

    def _features(self) -> int:
        """How many numbers a row becomes."""
        return len(self.scaler_.shift)

    def _rows_to_settle(self, x: Matrix) -> Matrix:
        """The scaled training rows that the offset is taken from: all, where that is cheap."""
        return x

    def _settle(self, x: Matrix) -> None:
        """Set the offset from the scaled training rows."""
        scores = -by_parts(self._anomaly_score, self._rows_to_settle(x))
        self.offset_ = offset_at_contamination(scores, self.contamination)

    def _judged(self, x: NDArray[Any]) -> Vector:
        """A(x) of rows that are not scaled yet.

        A row so far out that its score overflows gets the largest number of float32.
        """
        score = by_parts(lambda part: self._anomaly_score(self._scaled(part)), x)
        judged: Vector = np.nan_to_num(score, nan=LARGEST, posinf=LARGEST)
        return judged

    def _scaled(self, x: NDArray[Any]) -> Matrix:
        scaled = np.ascontiguousarray(self.scaler_.transform(_flat(x)), dtype=np.float32)
        return scaled.reshape(x.shape)

    def _matrix(self, X: Any, *, fitting: bool, schema: Columns = None) -> NDArray[Any]:
        """Give numbers for a frame or an array, and hold its columns against those of fit."""
        if fitting:
            self.encoder_ = _encoder(X, schema)
        if self.encoder_ is not None and is_frame(X):
            return self._from_frame(X, fitting=fitting)
        if self.encoder_ is not None and self.encoder_.needs_names:
            raise InputError(
                f"Expected a data frame with the {self.n_features_in_} columns of fit, some of "
                "which are no plain numbers; got an array. Pass a frame with the same column names."
            )
        return self._from_array(X, fitting=fitting)

    def _from_frame(self, X: Any, *, fitting: bool) -> NDArray[Any]:
        assert self.encoder_ is not None
        x, _ = self.encoder_.transform(X)
        if fitting:
            names = feature_names(X)
            assert names is not None
            self.n_features_in_ = len(names)
            self.feature_names_in_ = np.array(names, dtype=object)
            enough_rows(len(x))
        return x

    def _from_array(self, X: Any, *, fitting: bool) -> NDArray[Any]:
        try:
            x: NDArray[Any] = validate_data(
                self,
                X,
                reset=fitting,
                dtype=[np.float64, np.float32],  # lists and whole numbers become the first
                ensure_min_samples=2 if fitting else 1,
            )
        except ValueError as error:
            raise InputError(f"{error}{_what_to_do(str(error))}") from error
        return x

    def _parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self.get_params(deep=False).items()
        }
        if not isinstance(parameters["random_state"], int | None):
            parameters["random_state"] = self.seed_
        return parameters


def by_parts(function: Callable[[NDArray[Any]], NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
    """Map rows in parts, the cores side by side, in memory that does not grow with the rows."""
    size = math.prod(blocks_for(x))
    parts = [x[start : start + size] for start in range(0, len(x), size)]
    with ThreadPoolExecutor(cores()) as pool:
        return np.concatenate(list(pool.map(function, parts)))


def _flat(x: NDArray[Any]) -> NDArray[Any]:
    """Rows as vectors, pictures too."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def some_rows(x: Matrix, most: int | None, seed: int) -> Matrix:
    """Draw at most so many rows without replacement, in their old order."""
    if most is None or len(x) <= most:
        return x
    drawn = np.random.default_rng(seed).choice(len(x), most, replace=False, shuffle=False)
    return x[np.sort(drawn)]


def _encoder(X: Any, schema: Columns) -> TableEncoder | None:
    """How a frame's columns become numbers; None for what has no names of columns."""
    if isinstance(schema, TableEncoder):
        return schema
    if is_frame(X) and feature_names(X) is not None:
        return TableEncoder.fit(X, schema)
    if schema is not None:
        raise InputError(
            f"Expected a data frame with named columns, because a schema is given; got "
            f"{type(X).__name__}. Pass a frame, or leave the schema out."
        )
    return None


def seed_of(random_state: Any) -> int:
    """Give an int seed: the caller's own, or one drawn from the caller's generator."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if not 0 <= random_state <= LARGEST_SEED:
            raise InputError(
                f"Expected a random_state of at least 0 and at most {LARGEST_SEED}; got "
                f"{random_state}."
            )
        return int(random_state)
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise InputError(f"Expected random_state to be an int or None. {error}") from error


def enough_rows(n: int) -> None:
    """Refuse to learn from fewer than two rows."""
    if n < 2:
        raise InputError(
            f"Expected at least 2 rows to learn from; got n_samples = {n}. Pass more rows."
        )


def _what_to_do(message: str) -> str:
    """Add advice to those of scikit-learn's messages that only say what is wrong."""
    if "NaN" in message:
        return "\nFill the gaps, drop the rows, or pass a data frame: it may have gaps."
    if "infinity" in message:
        return "\nReplace or drop such values first."
    if "with dim" in message:
        return "\nPass rows and columns; pictures go to networks with preset='pictures'."
    if "could not convert" in message:
        return "\nPass a data frame: its text columns become one-hot."
    return ""


def _listed(names: NDArray[Any] | None) -> list[str] | None:
    return None if names is None else [str(name) for name in names]


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _listed_too(value: Any) -> Any:
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
