"""The one-class support vector machine."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import OneClassSVM

from alad.estimators._detector import AbstractDetector
from alad.estimators._given import Columns, Matrix, Vector, some_rows
from alad.estimators._saving import expect
from alad.estimators._settings import Constraint, check_settings, integer, one_of, optional, real
from alad.estimators.shallow._rows import BLOCK, in_blocks
from alad.estimators.shallow._stored import stored, width
from alad.io import Model
from alad.preprocessing.scaling import OF_TABLES

KERNEL = 2**23  # numbers of the largest kernel matrix that is made at once: 64 MB

_NUMBER = real(0, closed="neither")
_GAMMA = Constraint(
    f"'scale', 'auto' or {_NUMBER.words}",
    lambda v: v in ("scale", "auto") if isinstance(v, str) else _NUMBER.holds(v),
)


class OCSVM(AbstractDetector):
    r"""One-class support vector machine with Gaussian kernel (Schölkopf et al., 2001).

    .. math:: A(x) = \rho - \sum_i \alpha_i \exp(-\gamma \| x - s_i \|^2)

    with the support vectors s, their weights α and the level ρ. Training puts all but the
    share ν of the rows where A is not above 0, in a region that is as smooth as γ lets it be.

    Parameters
    ----------
    nu : float in (0, 1), default 0.1
        About the share of the training rows with A(x) > 0, and at least the share that becomes
        support vectors. The paper of ALAD takes the share of anomalies in its data. Scikit-learn's
        0.5 takes half of the training rows for strange; here they are meant to be normal.
    gamma : "scale", "auto" or float > 0, default "scale"
        "auto" is 1/m for m columns after scaling, as in the paper of ALAD; "scale" divides
        that by the variance of all values, taken together.
    max_rows : int or None, default 10_000
        Learn from at most so many rows, drawn at random: training takes time in the square of
        their number. None learns from all.
    scaling : {"none", "minmax", "standard", "log-standard"}, default "standard"
        What is done to columns first, fitted on the training rows.
    contamination : float in (0, 0.5], default 0.01
        Share of the training rows that ``predict`` is to flag, whatever ν is.
    random_state : int, RandomState or None
        Settles which rows are drawn; nothing else is random.

    Attributes
    ----------
    support_vectors_ : ndarray of shape (s, m), float32
        The scaled rows that A(x) is made of.
    dual_coef_ : ndarray of shape (s,)
        Their weights α, which sum to ν times the number of rows that were learned from.
    rho_, gamma_ : float
        The level ρ, and γ as a number.

    See also the attributes of every detector: ``n_features_in_``, ``feature_names_in_``,
    ``encoder_``, ``scaler_``, ``offset_``, ``seed_``.

    Notes
    -----
    Differs from the paper: there the sign of A decides, here the ``offset_`` that
    ``contamination`` sets; and the weights are not divided by ν times the number of rows,
    because scikit-learn's, which does the training, are not.

    References
    ----------
    Schölkopf, Platt, Shawe-Taylor, Smola, Williamson. Estimating the Support of a
    High-Dimensional Distribution. Neural Computation 13, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from alad import OCSVM
    >>> angle = np.linspace(0, 2 * np.pi, 40)
    >>> ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    >>> detector = OCSVM(gamma=2.0).fit(ring)
    >>> detector.predict([[0.8, 0.6], [0.0, 0.0], [3.0, 0.0]]).tolist()
    [1, -1, -1]
    """

    _sample_rows: ClassVar[int] = 2**16  # each is compared with the support vectors

    _constraints: ClassVar[dict[str, Constraint]] = {
        **AbstractDetector._constraints,
        "nu": real(0, 1, closed="neither"),  # at 1 the level is anything: no row is inside
        "gamma": _GAMMA,
        "max_rows": optional(integer(2)),
        "scaling": one_of(*OF_TABLES),
    }

    def __init__(
        self,
        *,
        nu: float = 0.1,
        gamma: str | float = "scale",
        max_rows: int | None = 10_000,
        scaling: str = "standard",
        contamination: float = 0.01,
        random_state: Any = None,
    ) -> None:
        self.nu = nu
        self.gamma = gamma
        self.max_rows = max_rows
        self.scaling = scaling
        self.contamination = contamination
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, schema: Columns = None) -> Self:
        """Find the support vectors among the rows of X; ``y`` is ignored.

        ``schema`` says what a frame's columns are; default: it is inferred.
        """
        self._check_settings()
        x = self._prepare(X, self.scaling, schema)
        rows = some_rows(x, self.max_rows, self.seed_)
        self.gamma_ = _as_number(self.gamma, rows)
        machine = OneClassSVM(kernel="rbf", gamma=self.gamma_, nu=self.nu).fit(rows)
        self.support_vectors_ = machine.support_vectors_.astype(np.float32)
        self.dual_coef_ = np.array(machine.dual_coef_[0])
        self.rho_ = -float(machine.intercept_[0])
        self._settle(x)
        return self

    def _anomaly_score(self, x: Matrix) -> Vector:
        kernel = partial(_kernel, self.support_vectors_.astype(np.float64), self.gamma_)
        size = min(BLOCK, max(1, KERNEL // len(self.support_vectors_)))
        return self.rho_ - in_blocks(lambda block: kernel(block) @ self.dual_coef_, x, size)

    def _to_disk(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        arrays = {"support_vectors": self.support_vectors_, "dual_coef": self.dual_coef_}
        return {"rho": self.rho_, "gamma": self.gamma_}, arrays

    def _from_disk(self, model: Model) -> None:
        expect(model.facts, "rho", "gamma")
        check_settings("a saved OCSVM", model.facts, {"rho": real(-np.inf), "gamma": _NUMBER})
        self.rho_, self.gamma_ = float(model.facts["rho"]), float(model.facts["gamma"])
        self.support_vectors_ = stored(model, "support_vectors", np.float32, None, width(model))
        count = len(self.support_vectors_)
        self.dual_coef_ = stored(model, "dual_coef", np.float64, count)


def _as_number(gamma: str | float, rows: Matrix) -> float:
    if not isinstance(gamma, str):
        return float(gamma)
    variance = float(rows.var(dtype=np.float64)) if gamma == "scale" else 1.0
    return float(1 / (rows.shape[1] * (variance or 1.0)))


def _kernel(vectors: NDArray[np.float64], gamma: float, x: Matrix) -> NDArray[np.float64]:
    """exp(-γ ‖x - s‖²) of n rows and s vectors, shape (n, s).

    x² - 2xs + s² loses digits where a column lies far from 0; the training does the same, and every
    scaling but "none" prevents it.
    """
    rows = x.astype(np.float64)
    k: NDArray[np.float64] = rows @ vectors.T  # and on in place: nothing else is as large
    k *= 2
    k -= np.square(rows).sum(axis=1, keepdims=True)
    k -= np.square(vectors).sum(axis=1)
    np.minimum(k, 0, out=k)  # rounding may make a squared distance negative
    with np.errstate(over="ignore"):  # an infinite exponent gives the right kernel: 0
        k *= gamma
    return np.exp(k, out=k)
