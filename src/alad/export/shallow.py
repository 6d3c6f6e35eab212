"""The scores of detectors without networks as a graph: one function for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from alad.estimators.shallow import KNN, OCSVM, PCA, IsolationForest, Mahalanobis
from alad.estimators.shallow.isolation_forest import usual_path
from alad.export.graph import (
    Tensor,
    apply,
    largest,
    mean,
    part,
    root,
    smallest,
    square,
    taken,
    taken_along,
    total,
    where,
)

Score = Callable[[Any, Tensor], Tensor]


def mahalanobis(detector: Mahalanobis, x: Tensor) -> Tensor:
    """The length of the whitened difference from the mean."""
    return _length((x.to(np.float64) - detector.mean_) @ detector.whitening_)


def pca(detector: PCA, x: Tensor) -> Tensor:
    """The distance from the plane of the principal components."""
    V = detector.components_
    centred = x.to(np.float64) - detector.mean_
    return _length(centred - centred @ V.T @ V if len(V) else centred)


def knn(detector: KNN, x: Tensor) -> Tensor:
    """The distance to the k-th nearest row, or the mean of the first k."""
    rows, k, x = detector.rows_.astype(np.float64), detector.k_, x.to(np.float64)
    kept = x.graph.constant(detector.rows_).to(np.float64)
    closeness = (2 * x) @ apply("Transpose", kept, perm=[1, 0]) - np.square(rows).sum(axis=1)
    _, near = largest(closeness, k + 1)
    here = apply("Unsqueeze", x, x.graph.constant(np.array([1])))
    distances, _ = smallest(_length(here - taken(kept, near)), k + 1)
    is_itself = part(distances, 0, 1).equals(0)
    others = where(is_itself, part(distances, 1, k + 1), part(distances, 0, k))
    return total(part(others, k - 1, k)) if detector.method == "largest" else mean(others)


def ocsvm(detector: OCSVM, x: Tensor) -> Tensor:
    """The level, less the weighted kernels of the support vectors."""
    vectors, x = detector.support_vectors_.astype(np.float64), x.to(np.float64)
    far = total(square(x), keep=True) - 2 * (x @ vectors.T) + np.square(vectors).sum(axis=1)
    kernel = apply("Exp", -detector.gamma_ * apply("Max", far, x.graph.constant(np.zeros(1))))
    return detector.rho_ - total(kernel * detector.dual_coef_)


def isolation_forest(detector: IsolationForest, x: Tensor) -> Tensor:
    """2 to the power of the mean path over the usual one, with the sign turned round."""
    trees = detector.trees_
    node = (part(x, 0, 1) * 0).to(np.int64) + trees.roots
    for _ in range(math.ceil(math.log2(detector.samples_))):
        value = taken_along(x, taken(trees.feature, node))
        goes_right = value > taken(trees.threshold, node)
        node = taken(trees.child, node) + goes_right.to(np.int64)
    path = mean(taken(trees.path, node))
    usual = float(usual_path(detector.samples_))
    return apply("Exp", path * (-math.log(2) / usual))


def _length(x: Tensor) -> Tensor:
    return root(total(square(x)))


SCORES: dict[type, Score] = {
    Mahalanobis: mahalanobis,
    PCA: pca,
    KNN: knn,
    OCSVM: ocsvm,
    IsolationForest: isolation_forest,
}
