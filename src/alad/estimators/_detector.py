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

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from alad.calibration import Calibration, benjamini_hochberg, offset_at_contamination
from alad.errors import InputError, LeftOutWarning, UnlikeFitWarning
from alad.estimators._given import (
    Columns,
    Matrix,
    Vector,
    calls_within,
    check_are_numbers,
    check_not_records,
    check_single,
    encoder_for,
    enough_rows,
    of_times,
    seed_of,
    times_in,
    with_advice,
)
from alad.estimators._picture_files import PictureFiles
from alad.estimators._programs import by_parts, by_windows, flat
from alad.estimators._saving import detector_of, listed_too, model_of, parameters_of
from alad.estimators._settings import Constraint, check_settings, real
from alad.estimators._stream import SAMPLE_ROWS, RowFile, Stream, check_not_stream, encoded
from alad.io import Model, write_model
from alad.preprocessing.columns import READ
from alad.preprocessing.frames import feature_names, is_frame
from alad.preprocessing.scaling import fit_scaler
from alad.preprocessing.table import TableEncoder, TableNotes

LARGEST = float(np.finfo(np.float32).max)
SEVERAL = 10  # rows: of fewer, one that is strange may be all there are
OF_A_SCHEMA = (
    "Drop these columns; or, to have one that holds something, write "
    "detector.encoder_.stated.write(path), give it a kind and the role 'feature' there, and fit "
    "with alad.preprocessing.schema.Schema.read(path)."
)
OF_MORE_DAYS = "Rows of more days would teach these; as they are, they say only when a row was."
NO_PART_IN_SCORES = ("contamination", "random_state", "verbose")
NO_PART_IN_VERDICTS = NO_PART_IN_SCORES[1:]


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
    trained_on_ : dict or None
        What is told of the table that ``fit`` saw: its name (``table``), how many ``rows`` it has
        and the ``date`` of the fit, in ISO 8601; and the columns that were ``dropped``, if any
        were. ``alad fit`` sets it; ``fit`` itself leaves None.
    """

    _constraints: ClassVar[dict[str, Constraint]] = {
        "contamination": real(0, 0.5, closed="right"),
    }

    contamination: float
    random_state: Any
    calibration_: Calibration | None
    encoder_: TableEncoder | None
    trained_on_: dict[str, Any] | None

    _settings_at_fit: Mapping[str, Any] = MappingProxyType({})
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
            Other columns than at fit, also where there are more, as in all of scikit-learn: take
            ``X[list(detector.feature_names_in_)]``, as ``alad score`` does by itself. Infinity, or
            a number beyond float32, which ends at 3.4e38. For arrays also NaN or text.
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
        """Give ``score_samples(X) - offset_``: negative for anomalies.

        Raises
        ------
        InputError
            As :meth:`score_samples`; or a setting was changed since ``fit``, which took
            ``offset_`` by the old one.
        """
        check_is_fitted(self)
        self._check_as_fitted("Fit again, or set it back.")
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
            As :meth:`decision_function` or, with ``fdr``, as :meth:`p_values`.
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
        InputError
            A setting was changed since ``fit``, or ``trained_on_`` was set to something else than
            is told of a table; or the class is not one of alad's.
        OutputError
            The folder cannot be written.
        """
        check_is_fitted(self)
        self._check_as_fitted("Set it back, or fit again.")
        write_model(path, model_of(self))

    @classmethod
    def _read(cls, model: Model) -> Self:
        """Invert :meth:`save`, for :func:`alad.load`."""
        return detector_of(cls, model)

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

    def _as_kept(self, scaled: Matrix) -> Matrix:
        """Give scaled rows to the digits that those have which the model holds."""
        return scaled

    # ------------------------------------------------------------------------- shared steps

    @property
    def _threshold(self) -> float:
        """Above which an anomaly score is flagged, as score_samples is below the offset; no -0."""
        return 0.0 - self.offset_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")  # the last thing that a fit sets

    def _forget(self) -> None:
        """Let go of an earlier fit: one that is broken off is not to leave halves of two."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    def _check_settings(self) -> None:
        check_settings(type(self).__name__, self.get_params(deep=False), self._constraints)

    def _prepare(
        self, X: Any, scaling: str, schema: Columns = None, *, seed: int | None = None
    ) -> Matrix:
        """Check the rows, fit encoder and scaler; returns scaled rows, of a stream a sample.

        ``seed`` is the one that was used before, if there is one.
        """
        self._forget()
        self.seed_ = seed_of(self.random_state) if seed is None else seed
        self.calibration_ = self.trained_on_ = None
        if isinstance(X, Stream):
            return self._prepare_stream(X, scaling, schema)
        held = X.sample(self.seed_) if isinstance(X, PictureFiles) else X
        x = self._matrix(held, fitting=True, schema=schema)
        self._say_what_is_left_out(schema)
        binary = None if self.encoder_ is None else self.encoder_.binary
        self.rows_at_fit_ = len(X) if isinstance(X, PictureFiles) else len(x)
        self.scaler_ = fit_scaler(scaling, flat(x), binary)
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
        self._say_what_is_left_out(schema)
        return self._scaled(found.sample)

    def _say_what_is_left_out(self, schema: Columns) -> None:
        """Warn of columns that the model is not given, unless that was stated."""
        left_out = () if self.encoder_ is None else self.encoder_.left_out
        unasked = [c for c in left_out if schema is None or (c.role in READ and c.unlearned)]
        if not unasked:
            return
        told = "; ".join(f"{c.name!r}: {c.why_left_out}" for c in unasked)
        are_short = all(c.unlearned for c in unasked)
        warnings.warn(
            f"Not given to the model: {told}. {OF_MORE_DAYS if are_short else OF_A_SCHEMA}",
            LeftOutWarning,
            stacklevel=calls_within(),
        )

    def _calibrated(self) -> Calibration:
        """The calibration, if it is one of rows as they are judged now."""
        if self.calibration_ is None:
            raise InputError(
                "Expected a detector that was calibrated; calibrate was not called since fit. Call "
                "calibrate(X) with normal rows that fit did not see."
            )
        then, now = self.calibration_.facts.get("parameters", {}), self._judging()
        if changed := _changed(then, now):
            raise InputError(
                f"Expected the settings of the calibration; {', '.join(changed)} was set since. "
                "Call calibrate(X) again."
            )
        return self.calibration_

    def _judging(self) -> dict[str, Any]:
        """The settings that a score may depend on, as JSON."""
        return self._settings_but(NO_PART_IN_SCORES)

    def _settings_but(self, names: Sequence[str]) -> dict[str, Any]:
        return {k: listed_too(v) for k, v in parameters_of(self).items() if k not in names}

    def _remember_settings(self) -> None:
        """Keep the settings that what was learned, and the offset, belong to."""
        self._settings_at_fit = self._settings_but(NO_PART_IN_VERDICTS)

    def _check_as_fitted(self, advice: str) -> None:
        then, now = self._settings_at_fit, self._settings_but(NO_PART_IN_VERDICTS)
        if changed := _changed(then, now):
            raise InputError(
                f"Expected the settings of the fit; {', '.join(changed)} was set since. {advice}"
            )

    def _features(self) -> int:
        """How many numbers a row becomes."""
        return len(self.scaler_.shift)

    def _rows_to_settle(self, x: Matrix) -> Matrix:
        """The scaled training rows that the offset is taken from: all, where that is cheap."""
        return x

    def _settle(self, x: Matrix) -> None:
        """Set the offset from the scaled training rows."""
        scores = -_bounded(by_windows(self._anomaly_scores, self._rows_to_settle(x)))
        self._remember_settings()
        self.offset_ = offset_at_contamination(scores, self.contamination)

    def _judged(self, x: NDArray[Any]) -> Vector:
        """A(x) of rows that are not scaled yet."""
        return _bounded(by_windows(self._scores_of_window, x))

    def _scores_of_window(self, x: NDArray[Any]) -> Vector:
        return self._anomaly_scores(by_parts(self._scaled, x))

    def _anomaly_scores(self, x: Matrix) -> Vector:
        """A(x) of a window of scaled rows, the cores side by side."""
        return by_parts(self._anomaly_score, x)

    def _scaled(self, x: NDArray[Any]) -> Matrix:
        scaled = np.ascontiguousarray(self.scaler_.transform(flat(x)), dtype=np.float32)
        return scaled.reshape(x.shape)

    def _matrix(self, X: Any, *, fitting: bool, schema: Columns = None) -> NDArray[Any]:
        """Give numbers for a frame or an array, and hold its columns against those of fit."""
        check_not_stream(X)
        if fitting:
            self.encoder_ = encoder_for(X, schema)
        if self.encoder_ is not None and is_frame(X):
            return self._from_frame(X, fitting=fitting)
        if self.encoder_ is not None and self.encoder_.needs_names:
            raise InputError(
                f"Expected a data frame with the {len(self.encoder_.columns)} columns of fit, some "
                f"of which are no plain numbers; got {_called(X)}. Pass a frame with the same "
                "column names."
            )
        return self._from_array(X, fitting=fitting)

    def _from_frame(self, X: Any, *, fitting: bool) -> NDArray[Any]:
        assert self.encoder_ is not None
        x, notes = self.encoder_.transform(X)
        if odd := self._otherwise(notes):
            told = "; ".join(f"{name!r}: {what}" for name, what in odd.items())
            warnings.warn(f"Otherwise than at fit: {told}.", UnlikeFitWarning, calls_within())
        if fitting:
            names = feature_names(X)
            assert names is not None
            self.n_features_in_ = len(names)
            self.feature_names_in_ = np.array(names, dtype=object)
            enough_rows(len(x))
        return x

    def _otherwise(self, notes: TableNotes) -> dict[str, str]:
        """What of the columns is otherwise than at fit; of rows that are several, of all values."""
        assert self.encoder_ is not None
        odd = {}
        for column in self.encoder_.schema if notes.rows >= SEVERAL else ():
            if notes.missing.get(column.name) == notes.rows and not column.has_missing:
                odd[column.name] = "every value is missing"
            elif notes.unseen.get(column.name) == notes.rows:
                odd[column.name] = "no value is one that fit saw"
        return odd | notes.remarks

    def _from_array(self, X: Any, *, fitting: bool) -> NDArray[Any]:
        check_not_records(X)
        check_are_numbers(X)
        try:
            x: NDArray[Any] = validate_data(
                self,
                X,
                reset=fitting,
                dtype=[np.float64, np.float32],  # lists and whole numbers become the first
                ensure_min_samples=2 if fitting else 1,
            )
        except ValueError as error:
            raise InputError(with_advice(str(error), is_named=is_frame(X))) from error
        except TypeError as error:
            if "Feature names are only supported" not in str(error):
                if found := times_in(X):
                    raise of_times(found) from error
                raise
            raise InputError(
                "Expected column names that are all text; got names of several types. Rename the "
                "columns, with X.columns = X.columns.map(str) say."
            ) from error
        check_single(x)
        if self.encoder_ is None:
            return x
        # What was fitted on a frame takes an array to the digits that a frame has.
        origins = self.encoder_.origins
        return (x - origins if origins.any() else x).astype(np.float32, copy=False)


def _bounded(score: Vector) -> Vector:
    """Scores, the largest number of float32 for that of a row so far out that it overflows."""
    bounded: Vector = np.nan_to_num(score, nan=LARGEST, posinf=LARGEST)
    return bounded


def _called(X: Any) -> str:
    is_array = isinstance(X, np.ndarray | list | tuple)
    return "an array" if is_array else type(X).__name__


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The settings that are others now; one that is younger is as it always was."""
    return sorted(name for name in now if name in then and now[name] != then[name])
