"""DSEBM: an energy learned by denoising, and its two scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jax import Array

from alad.estimators._given import Matrix
from alad.estimators._network import NetworkDetector
from alad.estimators._programs import Judge
from alad.networks import Size
from alad.networks.dsebm import DSEBM_PICTURE_PRESETS, DSEBM_PRESETS, EnergyPlayers
from alad.objectives import dsebm
from alad.training import Move


def energy(networks: Any, x: Array) -> Array:
    """E(x): the score of DSEBM-e."""
    return dsebm.energy(networks["N"], x)


def reconstruction(networks: Any, x: Array) -> Array:
    """The norm of x - r(x): the score of DSEBM-r."""
    return dsebm.reconstruction_error(networks["N"], x)


def expected(networks: Any, x: Array) -> Array:
    """r(x): what the model expected."""
    return dsebm.reconstruction(networks["N"], x)


SCORES: dict[str, Callable[[Any, Array], Array]] = {
    "energy": energy,
    "reconstruction": reconstruction,
}


class DSEBM(NetworkDetector):
    r"""Deep structured energy based model (Zhai et al., 2016).

    A network h shapes an energy that is low where rows are; it learns to undo noise:

    .. math::

        E(x) = \tfrac12 \| x - b' \|^2 - \sum_j h_j(x), \qquad r(x) = x - \nabla E(x), \qquad
        \min E \| x - r(x + \sigma \epsilon) \|^2

    =================  ============================================  ========
    score              A(x), larger = more anomalous                 known as
    =================  ============================================  ========
    energy             :math:`E(x)`                                  DSEBM-e
    reconstruction     :math:`\| x - r(x) \|_2`                      DSEBM-r
    =================  ============================================  ========

    Parameters and attributes that are not listed are those of :class:`ALAD`; there is no
    ``spectral_norm`` and no ``latent_dim``.

    Parameters
    ----------
    preset : {"tabular", "kdd99", "arrhythmia", "pictures", "cifar10", "svhn"}
        Networks and settings, as for :class:`ALAD`.
    anomaly_score : {"energy", "reconstruction"}, default "energy"

    Notes
    -----
    The noise has sigma = 1 (the released code of ALAD), so columns have to be of a like size: the
    presets scale them, which that code does not. The gradient of the energy is taken by automatic
    differentiation, which is the paper's tied decoder. Scoring uses averaged weights.

    References
    ----------
    Zhai, Cheng, Lu, Zhang. Deep Structured Energy Based Models for Anomaly Detection. ICML 2016,
    arXiv 1605.07717.

    Examples
    --------
    >>> import numpy as np
    >>> from alad import DSEBM
    >>> normal = np.random.default_rng(0).normal(size=(64, 3))
    >>> detector = DSEBM(epochs=2, batch_size=16, random_state=0).fit(normal)
    >>> detector.score_samples([[0, 0, 0], [40, -40, 40]]).argmin()
    np.int64(1)
    """

    presets = DSEBM_PRESETS | DSEBM_PICTURE_PRESETS
    moves = (Move("N", dsebm.denoising_loss),)
    scores = SCORES
    default_score = "energy"

    def reconstruct(self, X: Any) -> Matrix:
        """Give r(x) in scaled columns, shape (n, features): what the model expected.

        Of pictures the shape is theirs; pixels may lie outside of -1 to 1.
        """
        return self._mapped(expected, X)

    def _players(self, data_dim: Size) -> EnergyPlayers:
        return EnergyPlayers(self.presets[self.preset].architecture_for(data_dim), data_dim)

    def _judge(self, score: str) -> Judge:
        return SCORES[score]
