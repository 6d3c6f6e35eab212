"""From a fitted detector and rows to the reasons for their scores."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from alad.errors import InputError
from alad.estimators import AbstractDetector
from alad.estimators._detector import LARGEST
from alad.estimators._given import distinct, some_rows
from alad.preprocessing.features import are_gaps
from alad.preprocessing.frames import is_frame, to_polars
from alad.preprocessing.scaling import Scaler
from alad.preprocessing.table import TableEncoder
from alad.reasons.contributions import contributions
from alad.reasons.reference import Reference
from alad.reasons.result import Reasons

MOST_ROWS = 4096  # of a reference: what a row costs does not grow with what the model holds
NEAREST = 5


def explain(detector: AbstractDetector, X: Any, *, reference: Any = None) -> Reasons:
    r"""Say, column by column, why rows have the scores that they have.

    Each row is compared with a row e that was expected in its place: of the reference normal rows
    the one that it is nearest to when no column counts for much (:mod:`alad.reasons.reference`). A
    column contributes by how far the score falls when that column alone is as expected, and the
    whole adds up (:mod:`alad.reasons.contributions`):

    .. math:: \sum_j c_j = A(x) - A(e)

    That says what the detector looked at; it does not say what caused the row to be so.

    Parameters
    ----------
    detector : a fitted detector, for tables
    X : array or frame of shape (n, columns), the columns of ``fit``
    reference : array or frame, optional
        Normal rows to compare with. Default: the rows that ``calibrate`` kept, else those that the
        model holds for its own score (KNN, LOF, and ALAD with a memory). At most 4,096 are used.

    Returns
    -------
    Reasons
        Without any reference, networks that reconstruct expect G(E(x)) instead; there are no
        nearest rows then, and no rarity.

    Raises
    ------
    InputError
        A model of pictures; other columns than at fit; or there is nothing to compare with.
    sklearn.exceptions.NotFittedError
        ``fit`` was not called.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from alad import KNN
    >>> rng = np.random.default_rng(0)
    >>> frame = pl.DataFrame({"bytes": rng.normal(232, 9, 500), "proto": ["tcp", "udp"] * 250})
    >>> detector = KNN().fit(frame)
    >>> reasons = explain(detector, pl.DataFrame({"bytes": [540.0], "proto": ["tcp"]}))
    >>> reasons.text(0)
    'bytes 540 (expected 256.8; none of 500 normals is as extreme)'
    """
    return Explainer(detector, reference=reference).explain(X)


class Explainer:
    """Says why rows have the scores that they have, beside normal rows that are prepared once.

    For rows that come a few at a time: of twenty, the preparation is a quarter of the whole.

    Parameters
    ----------
    detector : a fitted detector, for tables; to be left as it is from now on
    reference : array or frame, optional
        Normal rows to compare with, as :func:`explain` takes them.

    Raises
    ------
    InputError
        A model of pictures, or there is nothing to compare with.
    sklearn.exceptions.NotFittedError
        ``fit`` was not called.

    Examples
    --------
    >>> import numpy as np
    >>> from alad import Mahalanobis
    >>> X = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    >>> explainer = Explainer(Mahalanobis().fit(X), reference=X)
    >>> explainer.explain([[0.5, 9.0]]).text(0)
    'x1 9 (expected 1.748; none of 500 normals is as extreme)'
    """

    def __init__(self, detector: AbstractDetector, *, reference: Any = None) -> None:
        check_is_fitted(detector)
        if detector.takes_pictures:
            raise InputError(
                f"Expected a detector of tables; this {type(detector).__name__} takes pictures. "
                "`alad look` draws what such a model expected."
            )
        self.detector = detector
        self._normal = _reference(detector, reference)

    @cached_property
    def _normals(self) -> pl.DataFrame:
        """The normal rows as a table; none where a reconstruction is expected."""
        none = np.empty((0, len(_column(self.detector))), np.float32)
        return _decoded(self.detector, none if self._normal is None else self._normal.rows)

    @cached_property
    def _single(self) -> Reference | None:
        """The normal rows for rows that are given in float32, where these have more digits."""
        return None if self._normal is None else self._normal.single()

    def explain(self, X: Any) -> Reasons:
        """Say of each row, column by column, why it has its score: see :func:`explain`."""
        detector = self.detector
        x = detector._matrix(X, fitting=False)
        normal = self._single if x.dtype == np.float32 else self._normal
        given = _given(detector, X)
        seen = _decoded(detector, x) if given is None else _seen(detector, X, given)
        first, same = distinct(x)
        if len(first) == len(x):
            first = same = np.arange(len(x))
        x, names = x[first], columns_of(detector)
        like, nearest = x, np.empty((len(x), 0), np.int64)
        rarity = np.full((len(x), len(names)), np.nan)
        if normal is None:
            expected = _legal(detector, detector.reconstruct(X))[first]
            expected = expected.astype(x.dtype, copy=False)
        else:
            like = x.astype(normal.rows.dtype)
            if normal.is_rounded:
                like = normal.known(like, _as_kept(detector, x).astype(like.dtype))
            nearest = normal.nearest(like, NEAREST)
            rarity = _rarity(detector, normal, like)
            expected = normal.rows[nearest[:, 0]]
        expected = np.where(like == expected, x, expected)
        rarity = rarity[same]
        _unclaimed(detector, X, rarity)
        never_seen = _never_seen(detector, given, rarity)
        decoded = _decoded(detector, expected)
        found = contributions(detector._judged, x, expected, _column(detector), len(names))
        return Reasons(
            columns=names,
            contributions=found[0][same],
            seen=seen,
            expected=decoded if first is same else decoded[same],
            rarity=rarity,
            nearest=nearest[same],
            normals=self._normals,
            anomaly_score=found[1][same],
            expected_score=found[2][same],
            never_seen=never_seen,
        )


def check_reference(detector: AbstractDetector) -> None:
    """Make sure that a detector can be asked for reasons without further rows.

    Raises
    ------
    InputError
        It holds no normal rows, and does not reconstruct.
    """
    _normal_rows(detector, None)


def columns_of(detector: AbstractDetector) -> tuple[str, ...]:
    """Give the names of the columns of fit; of an array they are x0, x1 and so on."""
    if detector.encoder_ is None:
        return tuple(f"x{j}" for j in range(detector.n_features_in_))
    return tuple(column.name for column in detector.encoder_.schema)


def _column(detector: AbstractDetector) -> NDArray[np.int64]:
    """The column that each feature was made from."""
    if detector.encoder_ is None:
        return np.arange(detector.n_features_in_)
    return detector.encoder_.column_of_feature


def _reference(detector: AbstractDetector, given: Any) -> Reference | None:
    """The normal rows to compare with; None where only a reconstruction is at hand."""
    rows = _normal_rows(detector, given)
    if rows is None:
        return None
    column, encoder = _column(detector), detector.encoder_
    binary = np.zeros(len(column), np.bool_) if encoder is None else encoder.binary
    rows = np.clip(rows, -LARGEST, LARGEST)
    is_rounded = given is None and _calibration(detector) is None
    return Reference(rows, column, binary, len(columns_of(detector)), is_rounded)


def _rarity(detector: AbstractDetector, normal: Reference, x: NDArray[Any]) -> NDArray[np.float64]:
    """How rare the values are, (n, columns); of some kinds not feature by feature."""
    rarity, start = normal.rarity(x), 0
    for j, column in enumerate(() if detector.encoder_ is None else detector.encoder_.schema):
        stop = start + len(column.features)
        part, usual = x[:, start:stop], normal.rows[:, start:stop]
        own = column.of_kind.rarity(part, usual, column)
        if own is not None:
            rarity[:, j] = own
        is_gap = are_gaps(part, column)
        if is_gap.any():
            rarity[is_gap, j] = are_gaps(usual, column).mean()
        start = stop
    return rarity


def _unclaimed(detector: AbstractDetector, X: Any, rarity: NDArray[np.float64]) -> None:
    """Say nothing of how rare a missing value is, where the features are those of another one."""
    if detector.encoder_ is not None and is_frame(X):
        rarity[detector.encoder_.untold(X)] = np.nan


def _given(detector: AbstractDetector, X: Any) -> pl.DataFrame | None:
    """The columns of a frame as fit took them; None of what is no frame, or was none at fit."""
    if detector.encoder_ is None or not is_frame(X):
        return None
    table = to_polars(X)
    return pl.DataFrame([c.given(table[c.name]) for c in detector.encoder_.schema])


def _never_seen(
    detector: AbstractDetector, given: pl.DataFrame | None, rarity: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Find the values that fit did not see; where such are news, none is as rare."""
    found = np.zeros(rarity.shape, np.bool_)
    if detector.encoder_ is None or given is None:
        return found
    for j, column in enumerate(detector.encoder_.schema):
        found[:, j] = column.of_kind.never_seen(given[column.name], column)
        if found[:, j].any() and not column.of_kind.is_open(column):
            rarity[found[:, j] & ~np.isnan(rarity[:, j]), j] = 0
    return found


def _normal_rows(detector: AbstractDetector, given: Any) -> NDArray[Any] | None:
    if given is not None:
        return some_rows(detector._matrix(given, fitting=False), MOST_ROWS, detector.seed_)
    if (calibration := _calibration(detector)) is not None:
        return some_rows(calibration.rows, MOST_ROWS, detector.seed_)
    if (kept := detector._kept_rows()) is not None:
        return _legal(detector, some_rows(kept, MOST_ROWS, detector.seed_))
    if hasattr(detector, "reconstruct"):
        return None
    raise InputError(
        f"Expected normal rows to compare with; this {type(detector).__name__} holds none. Call "
        "detector.calibrate with normal rows after fit, or pass reference."
    )


def _calibration(detector: AbstractDetector) -> Any:
    return getattr(detector, "calibration_", None)


def _legal(detector: AbstractDetector, scaled: NDArray[Any]) -> NDArray[Any]:
    """Bring scaled rows back, with categories that are one each and flags that are 0 or 1."""
    x = _rounded(detector.scaler_.inverse(scaled), detector.scaler_)
    if detector.encoder_ is None:
        return x
    return detector.encoder_.legal(x.astype(np.float32))


def _as_kept(detector: AbstractDetector, x: NDArray[Any]) -> NDArray[Any]:
    """Give rows to the digits of those that the model holds, but what is no number as it is."""
    kept = _legal(detector, detector._as_kept(detector.scaler_.transform(x)))
    if detector.encoder_ is None:
        return kept
    return np.where(detector.encoder_.binary | _gaps(detector.encoder_, x), x, kept)


def _gaps(encoder: TableEncoder, x: NDArray[Any]) -> NDArray[np.bool_]:
    """(n, f) where features are those of a missing value, if fit saw none."""
    found, start = np.zeros(x.shape, np.bool_), 0
    for column in encoder.schema:
        stop = start + len(column.features)
        found[:, start:stop] = are_gaps(x[:, start:stop], column)[:, None]
        start = stop
    return found


def _rounded(x: NDArray[Any], scaler: Scaler) -> NDArray[Any]:
    """Round to a power of ten below a thousandth of a deviation: half precision ends there."""
    if scaler.kind in ("none", "pixels"):
        return x
    unit = 10.0 ** np.floor(np.log10(scaler.scale / 1000))
    rounded: NDArray[Any] = np.round(x / unit) * unit
    return rounded


def _decoded(detector: AbstractDetector, x: NDArray[Any]) -> pl.DataFrame:
    if detector.encoder_ is not None:
        return detector.encoder_.decode(x)
    return pl.DataFrame(
        {name: x[:, j].astype(np.float64) for j, name in enumerate(columns_of(detector))}
    )


def _seen(detector: AbstractDetector, X: Any, given: pl.DataFrame) -> pl.DataFrame:
    """The rows as they were given, categories that fit did not see as well; times as expected."""
    assert detector.encoder_ is not None
    table = to_polars(X)
    seen = [
        given[c.name] if c.of_kind.is_number else c.of_kind.shown(table[c.name], c)
        for c in detector.encoder_.schema
    ]
    return pl.DataFrame(seen).with_columns(  # as they are expected: seconds, and numbers
        cs.duration().dt.total_microseconds() / 1e6, cs.decimal().cast(pl.Float64)
    )
