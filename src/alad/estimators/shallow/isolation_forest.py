"""The isolation forest."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import IsolationForest as Forester

from alad.errors import ModelFormatError
from alad.estimators._detector import AbstractDetector
from alad.estimators._given import Columns, Matrix, Vector
from alad.estimators._saving import expect
from alad.estimators._settings import Constraint, check_settings, integer, one_of, real
from alad.estimators.shallow._stored import stored, width
from alad.io import Model
from alad.preprocessing.scaling import OF_TABLES

BLOCK = 256  # rows that go down the trees at once: their nodes stay in a core's cache
USUAL_SAMPLES = 256  # of the paper, and what "auto" means

_COUNT, _SHARE = integer(2), real(0, 1, closed="right")
_SAMPLES = Constraint(
    f"'auto', {_COUNT.words} or {_SHARE.words}",
    lambda v: v == "auto" if isinstance(v, str) else _samples_hold(v),
)

Indices = NDArray[np.int64]


def _samples_hold(value: Any) -> bool:
    # 1 would be one row and 1.0 all of them: only the second can be meant.
    return bool((_COUNT if isinstance(value, Integral) else _SHARE).holds(value))


class Trees(NamedTuple):
    """All nodes of all trees in one row, so that every row and tree goes down at once.

    From node i a row x goes on to ``child[i] + (x[feature[i]] > threshold[i])``: the right child
    stands behind the left one. A leaf is its own child, with the threshold infinity, so that
    what has arrived stays.
    """

    roots: Indices
    child: Indices
    feature: Indices
    threshold: NDArray[np.float32]
    path: Vector
    """At a leaf: its depth, and c(n) for the n training rows that it could not tell apart."""


class IsolationForest(AbstractDetector):
    r"""How few random cuts it takes to set a row apart (Liu et al., 2008).

    .. math:: A(x) = 2^{-E[h(x)] / c(\psi)}, \quad c(n) = 2 H(n - 1) - 2 (n - 1) / n

    with the path length h(x) in a tree that was grown on ψ training rows, its mean E over the
    trees, and c(n), the mean path length of a search in a binary tree of n rows. H(i), the
    harmonic number, is ln(i) + 0.5772, except that c(2) = 1 and c(1) = 0. A lies between 0
    and 1; rows that are like all others have about 0.5.

    A category that fit did not see is -1 in the features of two categories and 0 in the others, and
    trees cut between 0 and 1 only: to them it is a row of none of the categories, which is no more
    alone than others. For new categories take another detector.

    Parameters
    ----------
    n_estimators : int, default 100
        Trees.
    max_samples : "auto", int >= 2 or float in (0, 1], default "auto"
        ψ: the rows drawn for each tree, or their share of the training rows, at least 2 and at
        most all of them. "auto" is 256.
    scaling : {"none", "minmax", "standard", "log-standard"}, default "none"
        What is done to columns first. A tree cuts a column anywhere between its least and its
        largest value, so only "log-standard" changes more than the rounding. But trees take a
        column for constant whose values all lie within 1e-7, and float32 rounds what lies far from
        0: scale such columns.
    contamination : float in (0, 0.5], default 0.01
        Share of the training rows that ``predict`` is to flag.
    random_state : int, RandomState or None
        Settles the rows of each tree and its cuts.

    Attributes
    ----------
    trees_ : Trees
        The nodes of the forest.
    samples_ : int
        ψ.

    See also the attributes of every detector: ``n_features_in_``, ``feature_names_in_``,
    ``encoder_``, ``scaler_``, ``offset_``, ``seed_``.

    Notes
    -----
    Trees are grown by scikit-learn and walked here; the scores are scikit-learn's. Differs from
    the paper: a cut is drawn among the columns that still vary in a node, where the paper may
    draw a constant one and cut nothing.

    References
    ----------
    Liu, Ting, Zhou. Isolation Forest. ICDM 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from alad import IsolationForest
    >>> normal = np.random.default_rng(0).normal(size=(500, 3))
    >>> detector = IsolationForest(random_state=0).fit(normal)
    >>> (-detector.score_samples([[0.0, 0.0, 0.0], [5.0, 5.0, 5.0]])).round(1).tolist()
    [0.4, 0.7]
    """

    _constraints: ClassVar[dict[str, Constraint]] = {
        **AbstractDetector._constraints,
        "n_estimators": integer(1),
        "max_samples": _SAMPLES,
        "scaling": one_of(*OF_TABLES),
    }

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_samples: str | int | float = "auto",
        scaling: str = "none",
        contamination: float = 0.01,
        random_state: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.scaling = scaling
        self.contamination = contamination
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, schema: Columns = None) -> Self:
        """Grow the trees on the rows of X; ``y`` is ignored.

        ``schema`` says what a frame's columns are; default: it is inferred.
        """
        self._check_settings()
        x = self._prepare(X, self.scaling, schema)
        self.samples_ = _how_many(self.max_samples, len(x))
        forest = Forester(
            n_estimators=self.n_estimators, max_samples=self.samples_, random_state=self.seed_
        ).fit(x)
        self.trees_ = _side_by_side([_laid_out(e.tree_) for e in forest.estimators_])
        self._settle(x)
        return self

    def _anomaly_score(self, x: Matrix) -> Vector:
        blocks = [x[start : start + BLOCK] for start in range(0, len(x), BLOCK)]
        leaves = (_leaves(self.trees_, _deepest(self.samples_), block) for block in blocks)
        path = np.concatenate([self.trees_.path.take(leaf).mean(axis=1) for leaf in leaves])
        score: Vector = 2 ** (-path / usual_path(self.samples_))
        return score

    def _to_disk(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        arrays = {f"trees/{name}": array for name, array in self.trees_._asdict().items()}
        return {"samples": self.samples_}, arrays

    def _from_disk(self, model: Model) -> None:
        expect(model.facts, "samples")
        possible = {"samples": integer(2, self.rows_at_fit_)}
        check_settings("a saved IsolationForest", model.facts, possible)
        self.samples_ = model.facts["samples"]
        self.trees_ = _read(model)
        _check(self.trees_, width(model))


def _how_many(max_samples: str | int | float, n: int) -> int:
    if isinstance(max_samples, str):
        return min(USUAL_SAMPLES, n)
    wanted = max_samples if isinstance(max_samples, Integral) else max_samples * n
    return max(2, min(int(wanted), n))


def _deepest(samples: int) -> int:
    """Give the depth at which the paper stops to grow a tree."""
    return math.ceil(math.log2(samples))


def usual_path(n: ArrayLike) -> NDArray[np.float64]:
    """c(n), the mean path length of a search in a binary tree of n rows."""
    n = np.asarray(n, np.float64)
    many = np.maximum(n, 3)
    of_many = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, of_many))


def _leaves(trees: Trees, steps: int, x: Matrix) -> Indices:
    """Give the leaf of every row in every tree, shape (n, trees)."""
    values = x.ravel()
    first = x.shape[1] * np.arange(len(x))[:, None]  # where a row begins among the values
    node = np.broadcast_to(trees.roots, (len(x), len(trees.roots)))
    for _ in range(steps):
        value = values.take(first + trees.feature.take(node))
        node = trees.child.take(node) + (value > trees.threshold.take(node))
    return node


# --------------------------------------------------------------------- trees as flat arrays


def _laid_out(tree: Any) -> Trees:
    """Number the nodes of one of scikit-learn's trees level by level, siblings side by side."""
    left, right = tree.children_left, tree.children_right
    levels = [np.array([0])]
    while len(inner := levels[-1][left[levels[-1]] >= 0]):
        levels.append(np.stack([left[inner], right[inner]], axis=1).ravel())
    old, new = np.concatenate(levels), np.empty(tree.node_count, np.int64)
    new[old] = np.arange(len(old))
    depth = np.repeat(np.arange(len(levels)), [len(level) for level in levels])
    is_leaf = left[old] < 0
    return Trees(
        roots=np.zeros(1, np.int64),
        child=np.where(is_leaf, new[old], new[left[old]]),
        feature=np.where(is_leaf, 0, tree.feature[old]),
        threshold=_rounded_down(np.where(is_leaf, np.inf, tree.threshold[old])),
        path=np.where(is_leaf, depth + usual_path(tree.n_node_samples[old]), 0.0),
    )


def _rounded_down(thresholds: Vector) -> NDArray[np.float32]:
    """Give the largest float32 below: a value of that type is above both or above neither."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _side_by_side(trees: list[Trees]) -> Trees:
    """Join trees, or forests, into one forest."""
    sizes = [len(tree.child) for tree in trees]
    starts = np.cumsum([0, *sizes[:-1]])
    moved = [
        tree._replace(roots=tree.roots + start, child=tree.child + start)
        for tree, start in zip(trees, starts, strict=True)
    ]
    return Trees(*(np.concatenate(arrays) for arrays in zip(*moved, strict=True)))


def _read(model: Model) -> Trees:
    child = stored(model, "trees/child", np.int64, None)
    n = len(child)
    return Trees(
        roots=stored(model, "trees/roots", np.int64, None),
        child=child,
        feature=stored(model, "trees/feature", np.int64, n),
        threshold=stored(model, "trees/threshold", np.float32, n, finite=False),
        path=stored(model, "trees/path", np.float64, n),
    )


def _check(trees: Trees, columns: int) -> None:
    """Make sure that a walk stays inside the arrays and ends.

    Raises
    ------
    ModelFormatError
        A node or column does not exist, or a child does not stand behind its parent.
    """
    n, own = len(trees.child), np.arange(len(trees.child))
    is_leaf = trees.child == own
    sound = {
        "roots": (trees.roots >= 0) & (trees.roots < n),
        "child": is_leaf | ((trees.child > own) & (trees.child < n - 1)),
        "feature": (trees.feature >= 0) & (trees.feature < columns),
        "threshold": np.where(is_leaf, trees.threshold == np.inf, np.isfinite(trees.threshold)),
    }
    for name, holds in sound.items():
        if not holds.all():
            raise ModelFormatError(
                f"Expected array 'trees/{name}' to describe trees; at {int(np.argmin(holds))} it "
                f"holds {getattr(trees, name)[np.argmin(holds)]}, which leads out of them. "
                "The folder is damaged: save the model again."
            )
