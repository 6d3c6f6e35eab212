"""Reconstruction from the leading principal components."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA as PrincipalComponents

from alad.estimators._detector import AbstractDetector
from alad.estimators._given import Columns, Matrix, Vector
from alad.estimators._settings import Constraint, integer, one_of, real
from alad.estimators.shallow._rows import in_blocks
from alad.estimators.shallow._stored import stored, width
from alad.io import Model
from alad.preprocessing.scaling import OF_TABLES

NONE = 1e-10  # of the largest variance: no more than rounding
_COUNT, _SHARE = integer(1), real(0, 1, closed="neither")
_COMPONENTS = Constraint(
    f"{_COUNT.words} or {_SHARE.words}", lambda v: _COUNT.holds(v) or _SHARE.holds(v)
)


class PCA(AbstractDetector):
    r"""Distance from the plane of the leading principal components (Shyu et al., 2003).

    .. math:: A(x) = \| x - x' \|_2, \quad x' = \mu + V^T V (x - \mu)

    with the mean μ of the training rows and, as the rows of V, the orthogonal directions in
    which they vary most. It is what a linear autoencoder could do at best.

    Parameters
    ----------
    n_components : int >= 1 or float in (0, 1), default 0.95
        How many directions, or the share of the variance that they are to exceed. At least one
        direction is left outside, and one in which the training rows vary (to 1e-10 of the
        largest variance) if they do in more than one: else there would be nothing to measure.
    scaling : {"none", "minmax", "standard", "log-standard"}, default "standard"
        What is done to columns first, fitted on the training rows.
    contamination : float in (0, 0.5], default 0.01
        Share of the training rows that ``predict`` is to flag.
    random_state : ignored
        There for the sake of one face.

    Attributes
    ----------
    mean_ : ndarray of shape (m,)
        The mean μ of the scaled training rows.
    components_ : ndarray of shape (k, m)
        V; a table of one column has k = 0, so that A(x) is the distance from the mean.

    See also the attributes of every detector: ``n_features_in_``, ``feature_names_in_``,
    ``encoder_``, ``scaler_``, ``offset_``, ``seed_``.

    Notes
    -----
    Differs from the paper: it weighs each direction, the last and the leading ones, by its
    variance (with all of them that is :class:`Mahalanobis`), and trims the training rows first.

    References
    ----------
    Shyu, Chen, Sarinnapakorn, Chang. A Novel Anomaly Detection Scheme Based on Principal
    Component Classifier. ICDM Foundations and New Directions of Data Mining, 2003.

    Examples
    --------
    >>> from alad import PCA
    >>> line = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    >>> detector = PCA(n_components=1, scaling="none").fit(line)
    >>> (-detector.score_samples([[9.0, 9.0], [2.0, 0.0]])).round(3).tolist()
    [0.0, 1.414]
    """

    _constraints: ClassVar[dict[str, Constraint]] = {
        **AbstractDetector._constraints,
        "n_components": _COMPONENTS,
        "scaling": one_of(*OF_TABLES),
    }

    def __init__(
        self,
        *,
        n_components: int | float = 0.95,
        scaling: str = "standard",
        contamination: float = 0.01,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.scaling = scaling
        self.contamination = contamination
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, schema: Columns = None) -> Self:
        """Find the principal components of the rows of X; ``y`` is ignored.

        ``schema`` says what a frame's columns are; default: it is inferred.
        """
        self._check_settings()
        x = self._prepare(X, self.scaling, schema)
        self.mean_ = x.mean(axis=0, dtype=np.float64)
        directions, variances = _principal(x - self.mean_)
        self.components_ = directions[: _how_many(self.n_components, variances)]
        self._settle(x)
        return self

    def _anomaly_score(self, x: Matrix) -> Vector:
        return in_blocks(self._distance, x)

    def _distance(self, x: Matrix) -> Vector:
        centred = x - self.mean_
        rest = centred - centred @ self.components_.T @ self.components_
        distance: Vector = np.linalg.norm(rest, axis=1)
        return distance

    def _to_disk(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return {}, {"mean": self.mean_, "components": self.components_}

    def _from_disk(self, model: Model) -> None:
        columns, count = width(model), len(model.arrays["components"])
        self.mean_ = stored(model, "mean", np.float64, columns)
        self.components_ = stored(model, "components", np.float64, count, columns)


def _principal(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], Vector]:
    """Give the directions and their variances, largest first.

    The eigenvectors of the covariance take a fraction of the time of a singular value
    decomposition, unless there are more columns than rows. They lose no digits that matter,
    because the rows come centred.
    """
    n, columns = centred.shape
    solver = "covariance_eigh" if n >= columns else "full"
    with np.errstate(invalid="ignore"):  # constant rows: shares of no variance, unused here
        found = PrincipalComponents(svd_solver=solver).fit(centred)
    return found.components_, found.explained_variance_


def _how_many(n_components: int | float, variances: Vector) -> int:
    varying = int((variances > NONE * variances[0]).sum())
    most = min(max(varying - 1, 1), len(variances) - 1)
    if isinstance(n_components, Integral):
        return min(int(n_components), most)
    so_far = np.cumsum(variances)
    needed = int(np.searchsorted(so_far, n_components * so_far[-1], side="right")) + 1
    return min(needed, most)
