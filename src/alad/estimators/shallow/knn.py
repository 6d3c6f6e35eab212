"""Distance to the nearest training rows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.neighbors import NearestNeighbors

from alad.estimators._given import Matrix, Vector, distinct
from alad.estimators._settings import Constraint, flag, one_of
from alad.estimators.shallow._kept import ONE_SEARCH, RowKeeper

BLOCK = 256  # rows whose neighbours are looked up at once
TREE_COLUMNS = 8  # with more columns comparing with every row was faster than a k-d tree


class KNN(RowKeeper):
    r"""Distance to the k-th nearest training row (Ramaswamy et al., 2000).

    .. math:: A(x) = \| x - r_{(k)} \|_2 \quad \text{or} \quad
              \frac{1}{k} \sum_{i=1}^{k} \| x - r_{(i)} \|_2

    with the training rows r in the order of their distance from x. A row that equals a training
    row is taken for that row and does not count it: one distance of 0 is left out. So training
    rows have the same scores at fit, where they set the offset, and later, if they come with the
    digits that they had.

    Parameters
    ----------
    k : int, default 5
        Which neighbour; at most all training rows but one, however large it is.
    method : {"largest", "mean"}, default "largest"
        The distance to the k-th neighbour, or the mean of the distances to the first k.
    max_rows : int or None, default None
        Keep at most so many training rows, drawn at random, to compare with. Without it, ``fit``
        takes time in the square of the number of rows, and the model holds them all.
    distinct : bool, default False
        Keep rows that are equal once. Logs repeat: ``max_rows`` then reaches further, and the
        neighbours are different rows.
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
    k_ : int
        ``k``, or the number of these rows less one.

    See also the attributes of every detector: ``n_features_in_``, ``feature_names_in_``,
    ``encoder_``, ``scaler_``, ``offset_``, ``seed_``.

    Notes
    -----
    Differs from the paper: there the n rows with the largest distances are the anomalies of one
    table; here new rows are judged, against an offset. Its ways to prune the search are not
    used. "mean" is the weight of Angiulli and Pizzuti over k.

    Neighbours are found by scikit-learn; the distances to them are computed here from the
    differences, in double precision. With more than eight columns the search itself may take
    another row for the k-th one if their distances are as good as equal: by about 1e-8 of the
    rows' own lengths. With the scaling "none", a column far from 0 can make that much.

    References
    ----------
    Ramaswamy, Rastogi, Shim. Efficient Algorithms for Mining Outliers from Large Data Sets.
    SIGMOD 2000.
    Angiulli, Pizzuti. Fast Outlier Detection in High Dimensional Spaces. PKDD 2002.

    Examples
    --------
    >>> from alad import KNN
    >>> detector = KNN(k=2, scaling="none").fit([[0.0], [1.0], [2.0], [4.0]])
    >>> (-detector.score_samples([[0.5], [9.0], [4.0]])).tolist()
    [0.5, 7.0, 3.0]
    """

    _constraints: ClassVar[dict[str, Constraint]] = {
        **RowKeeper._constraints,
        "method": one_of("largest", "mean"),
        "distinct": flag(),
    }

    def __init__(
        self,
        *,
        k: int = 5,
        method: str = "largest",
        max_rows: int | None = None,
        distinct: bool = False,
        scaling: str = "standard",
        contamination: float = 0.01,
        random_state: Any = None,
    ) -> None:
        self.k = k
        self.method = method
        self.max_rows = max_rows
        self.distinct = distinct
        self.scaling = scaling
        self.contamination = contamination
        self.random_state = random_state

    def _candidates(self, x: Matrix) -> Matrix:
        if not self.distinct:
            return x
        rows: Matrix = x[np.sort(distinct(x + np.float32(0))[0])]  # -0 is 0
        return rows if len(rows) > 1 else x

    def _keep(self, rows: Matrix) -> None:
        self.rows_ = rows
        self.k_ = min(int(self.k), len(rows) - 1)
        algorithm = "kd_tree" if rows.shape[1] <= TREE_COLUMNS else "brute"
        with config_context(assume_finite=True):  # its check of the largest numbers overflows
            self._search = NearestNeighbors(n_neighbors=self.k_ + 1, algorithm=algorithm).fit(rows)

    def _anomaly_score(self, x: Matrix) -> Vector:
        with ONE_SEARCH, config_context(assume_finite=True):
            near = self._search.kneighbors(x, return_distance=False)
        blocks = [slice(start, start + BLOCK) for start in range(0, len(x), BLOCK)]
        distances = np.concatenate([self._distances(x[rows], near[rows]) for rows in blocks])
        return distances[:, -1] if self.method == "largest" else distances.mean(axis=1)

    def _distances(self, x: Matrix, near: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the distances to the first k of k + 1 neighbours, shape (n, k)."""
        differences = self.rows_[near].astype(np.float64) - x[:, None]
        distances = np.sort(np.linalg.norm(differences, axis=2), axis=1)
        is_itself = distances[:, :1] == 0
        return np.where(is_itself, distances[:, 1:], distances[:, :-1])
