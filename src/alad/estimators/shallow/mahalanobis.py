"""Distance from the mean, as the covariance measures it."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from alad.estimators._detector import AbstractDetector
from alad.estimators._given import Columns, Matrix, Vector
from alad.estimators._settings import Constraint, one_of
from alad.estimators.shallow._rows import in_blocks
from alad.estimators.shallow._stored import stored, width
from alad.io import Model
from alad.preprocessing.scaling import OF_TABLES


class Mahalanobis(AbstractDetector):
    r"""Distance from the mean of the training rows, in units of their spread.

    .. math:: A(x) = \sqrt{(x - \mu)^T \Sigma^+ (x - \mu)}

    with the mean and the covariance of the training rows, and Σ⁺ its pseudo-inverse: directions
    in which the training rows do not vary at all (to 1e-10 of the largest variance) take no
    part.

    Parameters
    ----------
    scaling : {"none", "minmax", "standard", "log-standard"}, default "standard"
        What is done to columns first, fitted on the training rows.
    contamination : float in (0, 0.5], default 0.01
        Share of the training rows that ``predict`` is to flag.
    random_state : ignored
        There for the sake of one face.

    References
    ----------
    Mahalanobis. On the Generalised Distance in Statistics. 1936.

    Examples
    --------
    >>> from alad import Mahalanobis
    >>> detector = Mahalanobis().fit([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])
    >>> detector.predict([[1.5, 0.5], [9.0, 9.0]]).tolist()
    [1, -1]
    """

    _constraints: ClassVar[dict[str, Constraint]] = {
        **AbstractDetector._constraints,
        "scaling": one_of(*OF_TABLES),
    }

    def __init__(
        self, *, scaling: str = "standard", contamination: float = 0.01, random_state: Any = None
    ) -> None:
        self.scaling = scaling
        self.contamination = contamination
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, schema: Columns = None) -> Self:
        """Take mean and covariance of the rows of X; ``y`` is ignored.

        ``schema`` says what a frame's columns are; default: it is inferred.
        """
        self._check_settings()
        x = self._prepare(X, self.scaling, schema)
        self.mean_ = x.mean(axis=0, dtype=np.float64)
        self.whitening_ = _whitening(np.atleast_2d(np.cov(x, rowvar=False, dtype=np.float64)))
        self._settle(x)
        return self

    def _anomaly_score(self, x: Matrix) -> Vector:
        return in_blocks(self._distance, x)

    def _distance(self, x: Matrix) -> Vector:
        distance: Vector = np.linalg.norm((x - self.mean_) @ self.whitening_, axis=1)
        return distance

    def _to_disk(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return {}, {"mean": self.mean_, "whitening": self.whitening_}

    def _from_disk(self, model: Model) -> None:
        columns, directions = width(model), model.arrays["whitening"].shape[-1]
        self.mean_ = stored(model, "mean", np.float64, columns)
        self.whitening_ = stored(model, "whitening", np.float64, columns, directions)


def _whitening(covariance: NDArray[Any]) -> NDArray[Any]:
    """Give W with W W^T = Σ⁺: eigenvectors over the roots of their variances."""
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > 1e-10 * max(variances[-1], 0)
    whitening: NDArray[Any] = directions[:, kept] / np.sqrt(variances[kept])
    return whitening
