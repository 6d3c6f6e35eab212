"""Density beside that of the neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.neighbors import LocalOutlierFactor

from alad.estimators._given import Matrix, Vector
from alad.estimators.shallow._kept import ONE_SEARCH, RowKeeper
from alad.estimators.shallow._rows import in_blocks


class LOF(RowKeeper):
    r"""Local outlier factor (Breunig et al., 2000).

    .. math:: A(x) = \frac{1}{k} \sum_{i=1}^{k} \frac{\rho(r_i)}{\rho(x)}

    with :math:`r_1, \dots, r_k` the training rows nearest to x and :math:`\rho` the local
    reachability density, the inverse of the mean reachability distance to a row's neighbours. 1 is
    a row as dense as its neighbourhood; larger is sparser.

    Parameters
    ----------
    k : int, default 20
        Neighbours; at most all training rows but one, however large it is.
    max_rows : int or None, default None
        Keep at most so many training rows, drawn at random, to compare with.
    scaling : {"none", "minmax", "standard", "log-standard"}, default "standard"
        What is done to columns first, fitted on the training rows.
    contamination : float in (0, 0.5], default 0.01
        Share of the training rows that ``predict`` is to flag.
    random_state : int, RandomState or None
        Settles which rows are drawn for ``max_rows``; nothing else is random.

    Attributes
    ----------
    rows_ : ndarray of shape (r, m), float32
        The scaled training rows to compare with.

    See also the attributes of every detector: ``n_features_in_``, ``feature_names_in_``,
    ``encoder_``, ``scaler_``, ``offset_``, ``seed_``.

    Notes
    -----
    Differs from the paper: there the rows of one table are judged, here new rows. Computed by
    scikit-learn's LocalOutlierFactor with ``novelty``. A training row counts itself as a neighbour
    when it is scored again.

    References
    ----------
    Breunig, Kriegel, Ng, Sander. LOF: Identifying Density-Based Local Outliers. SIGMOD 2000.

    Examples
    --------
    >>> from alad import LOF
    >>> detector = LOF(k=2).fit([[0.0], [1.0], [2.0], [3.0]])
    >>> [round(score, 1) for score in (-detector.score_samples([[1.4], [9.0]])).tolist()]
    [0.7, 4.3]
    """

    def __init__(
        self,
        *,
        k: int = 20,
        max_rows: int | None = None,
        scaling: str = "standard",
        contamination: float = 0.01,
        random_state: Any = None,
    ) -> None:
        self.k = k
        self.max_rows = max_rows
        self.scaling = scaling
        self.contamination = contamination
        self.random_state = random_state

    def _keep(self, rows: Matrix) -> None:
        self.rows_ = rows
        k = min(int(self.k), len(rows) - 1)
        with ONE_SEARCH, config_context(assume_finite=True):
            self._factor = LocalOutlierFactor(n_neighbors=k, novelty=True)
            self._factor.fit(rows.astype(np.float64))

    def _anomaly_score(self, x: Matrix) -> Vector:
        with ONE_SEARCH, config_context(assume_finite=True):
            return in_blocks(lambda part: -self._factor.score_samples(part.astype(np.float64)), x)
