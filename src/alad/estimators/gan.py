"""GAN, and AnoGAN, which is a GAN that is inverted row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import softplus

from alad.estimators._given import Matrix, some_rows
from alad.estimators._network import NetworkDetector
from alad.estimators._programs import Judge
from alad.estimators._settings import Constraint, integer, optional, real
from alad.networks import Size
from alad.networks.gan import GAN_PRESETS, PROBES, GanPlayers
from alad.objectives.anogan import discriminator_loss, generator_loss, inversion_loss
from alad.scores import kernel_density, search
from alad.training import Move


def density(networks: Any, x: Array) -> Array:
    """-log of the density of G's rows at x."""
    G = networks["G"]
    return -kernel_density(x, G(G.probes[...]))


def feature_density(networks: Any, x: Array) -> Array:
    """-log of the density of f(G(z)) at f(x), with f the last hidden layer of D."""
    G, f = networks["G"], networks["D"]["x"].features
    return -kernel_density(f(x), f(G(G.probes[...])))


def discriminator(networks: Any, x: Array) -> Array:
    """-log of the probability that D takes x for real."""
    return softplus(-networks["D"]["x"](x))


@dataclass(frozen=True)
class Inversion:
    """AnoGAN's search with its settings: the lowest loss found, over all restarts."""

    steps: int
    step_size: float
    restarts: int
    feature_weight: float

    def __call__(self, networks: Any, x: Array) -> Array:
        """A(x), shape (n,)."""
        starts = jnp.clip(networks["G"].probes[: self.restarts], -2, 2)
        found: Array = lax.map(lambda start: self._from(start, networks, x), starts)
        return found.min(axis=0)

    def _from(self, start: Array, networks: Any, x: Array) -> Array:
        def loss(z: Array) -> Array:
            return inversion_loss(networks, x, z, self.feature_weight)

        begin = jnp.broadcast_to(start, (len(x), *start.shape))
        return search(loss, begin, steps=self.steps, step_size=self.step_size)[1]


SETTLED = 2000  # rows that the threshold of a search rests on: each costs hundreds of steps

AT_ONCE: dict[str, Callable[[Any, Array], Array]] = {
    "density": density,
    "feature-density": feature_density,
    "discriminator": discriminator,
}


class GAN(NetworkDetector):
    r"""A generator and one discriminator, and the ways to judge a row by them.

    .. math:: \min_G \max_D E_x[\log \sigma(D(x))] + E_z[\log \sigma(-D(G(z)))]

    A GAN has no encoder. The talk sets two ways of detecting with one beside ALAD: to estimate the
    likelihood of x from samples G(z), and to search the z whose G(z) is closest to x
    (:class:`AnoGAN`).

    =================  ==================================================================
    score              A(x), larger = more anomalous
    =================  ==================================================================
    density            -log of a kernel estimate of the density of 2,048 rows G(z) at x
    feature-density    the same of f(G(z)) at f(x), with f the last hidden layer of D
    discriminator      :math:`-\log \sigma(D(x))`
    inversion          the search of :class:`AnoGAN`
    =================  ==================================================================

    Parameters and attributes that are not listed are those of :class:`ALAD`; there is no
    ``spectral_norm``.

    Parameters
    ----------
    preset : {"tabular", "kdd99", "arrhythmia"}
        Networks and settings, as for :class:`ALAD`.
    anomaly_score : str, default "density"
        See the table.
    search_steps, search_step_size, search_restarts : int, float, int
        The search: Adam steps, their size, and how many starts.
    feature_weight : float in [0, 1], default 0.9
        The share of D's features in the search's loss.

    Notes
    -----
    The talk does not say how it estimates the density: the kernel's width by Scott's rule for each
    dimension is ours. Differs from the released code's AnoGAN: D is averaged over training too,
    where that code averages G only.

    References
    ----------
    Goodfellow et al. Generative Adversarial Nets. NeurIPS 2014, arXiv 1406.2661.
    Strangalies. Anomaly Detection II: Adversarially Learned Anomaly Detection. FU Berlin.

    Examples
    --------
    >>> import numpy as np
    >>> from alad import GAN
    >>> normal = np.random.default_rng(0).normal(size=(64, 3))
    >>> detector = GAN(epochs=2, batch_size=16, random_state=0).fit(normal)
    >>> detector.score_samples([[0, 0, 0], [40, -40, 40]]).argmin()
    np.int64(1)
    """

    presets = GAN_PRESETS
    moves = (Move("D", discriminator_loss), Move("G", generator_loss))
    scores = (*AT_ONCE, "inversion")
    default_score = "density"

    _constraints: ClassVar[dict[str, Constraint]] = {
        **NetworkDetector._constraints,
        "latent_dim": optional(integer(1)),
        "search_steps": integer(0),
        "search_step_size": real(0, closed="neither"),
        "search_restarts": integer(1, PROBES),
        "feature_weight": real(0, 1),
    }

    def __init__(
        self,
        *,
        preset: str = "tabular",
        anomaly_score: str | None = None,
        scaling: str | None = None,
        latent_dim: int | None = None,
        search_steps: int = 500,
        search_step_size: float = 1e-2,
        search_restarts: int = 1,
        feature_weight: float = 0.9,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        ema_decay: float | None = None,
        patience: int | None = None,
        validation_fraction: float | None = None,
        precision: str = "float32",
        contamination: float = 0.01,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.preset = preset
        self.anomaly_score = anomaly_score
        self.scaling = scaling
        self.latent_dim = latent_dim
        self.search_steps = search_steps
        self.search_step_size = search_step_size
        self.search_restarts = search_restarts
        self.feature_weight = feature_weight
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.ema_decay = ema_decay
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.precision = precision
        self.contamination = contamination
        self.random_state = random_state
        self.verbose = verbose

    def _players(self, data_dim: Size) -> GanPlayers:
        return GanPlayers(
            self.presets[self.preset].architecture, data_dim, self._or_preset("latent_dim")
        )

    def _judge(self, score: str) -> Judge:
        if score == "inversion":
            return Inversion(
                self.search_steps,
                self.search_step_size,
                self.search_restarts,
                self.feature_weight,
            )
        return AT_ONCE[score]

    def _rows_to_settle(self, x: Matrix) -> Matrix:
        is_slow = self._with_defaults().anomaly_score == "inversion"
        return some_rows(x, SETTLED if is_slow else None, self.seed_)

    def _watched(self, score: str) -> str:
        """Not the search: it would take longer than the epoch that it watches."""
        return "density" if score == "inversion" else score


class AnoGAN(GAN):
    r"""A GAN that is inverted: each row's z is searched by gradient (Schlegl et al., 2017).

    .. math:: A(x) = \min_z (1 - w) \| x - G(z) \|_1 + w \| f(x) - f(G(z)) \|_1

    with f the last hidden layer of D and w = ``feature_weight``. Rows are searched side by side in
    compiled blocks, each by itself: a row's score does not depend on the rows beside it. All
    begin at the same ``search_restarts`` points, drawn with the weights; the lowest loss met on
    the way counts. The threshold rests on at most 2,000 of the training rows.

    Parameters are those of :class:`GAN`, of which this is the score "inversion".

    Notes
    -----
    The paper searches 500 steps with w = 0.1; the released code of ALAD 500 steps of size 1e-3
    with w = 0.9, in which z cannot travel further than 0.5. Our default step is 1e-2. The paper
    draws a start for each row, and takes the last z, not the best one.

    References
    ----------
    Schlegl, Seeböck, Waldstein, Schmidt-Erfurth, Langs. Unsupervised Anomaly Detection with
    Generative Adversarial Networks to Guide Marker Discovery. IPMI 2017, arXiv 1703.05921.

    Examples
    --------
    >>> import numpy as np
    >>> from alad import AnoGAN
    >>> normal = np.random.default_rng(0).normal(size=(64, 3))
    >>> detector = AnoGAN(epochs=2, batch_size=16, search_steps=20, random_state=0).fit(normal)
    >>> detector.score_samples([[0, 0, 0], [40, -40, 40]]).argmin()
    np.int64(1)
    """

    default_score = "inversion"
