"""What ALAD, ALICE, BiGAN and their plain autoencoder share: E, G and the games they play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from jax import Array
from sklearn.utils.validation import check_is_fitted

from alad.errors import InputError
from alad.estimators._detector import Matrix, by_parts
from alad.estimators._network import NetworkDetector
from alad.estimators._programs import Judge, in_blocks, program
from alad.estimators._settings import Constraint, flag, integer, optional
from alad.networks import PRESETS, Players
from alad.objectives.alad import autoencoder_loss, discriminators_loss
from alad.scores import NEEDS, SCORES, reconstruct
from alad.training import Move


@dataclass(frozen=True)
class Of:
    """A score by name, in the form in which rows are judged."""

    score: str

    def __call__(self, networks: Any, x: Array) -> Array:
        """A(x), shape (n,)."""
        return SCORES[self.score](networks["A"], networks["D"], x)


def _reconstruct(networks: Any, x: Array) -> Array:
    return reconstruct(networks["A"], x)


class AdversarialDetector(NetworkDetector):
    """Encoder, generator and the discriminators of some games, trained against each other."""

    games: ClassVar[tuple[str, ...]]

    presets = PRESETS
    moves: ClassVar[tuple[Move, ...]] = (
        Move("D", discriminators_loss),
        Move("A", autoencoder_loss),
    )
    scores = SCORES

    _constraints: ClassVar[dict[str, Constraint]] = {
        **NetworkDetector._constraints,
        "spectral_norm": optional(flag()),
        "latent_dim": optional(integer(1)),
    }

    def __init__(
        self,
        *,
        preset: str = "tabular",
        anomaly_score: str | None = None,
        scaling: str | None = None,
        spectral_norm: bool | None = None,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        ema_decay: float | None = None,
        patience: int | None = None,
        validation_fraction: float | None = None,
        contamination: float = 0.01,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.preset = preset
        self.anomaly_score = anomaly_score
        self.scaling = scaling
        self.spectral_norm = spectral_norm
        self.latent_dim = latent_dim
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.ema_decay = ema_decay
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.contamination = contamination
        self.random_state = random_state
        self.verbose = verbose

    def reconstruct(self, X: Any) -> Matrix:
        """Give x' = G(E(x)) in scaled columns, shape (n, features): what the model expected."""
        check_is_fitted(self)
        run, x = program(self.players_, _reconstruct), self._matrix(X, fitting=False)
        return by_parts(lambda part: in_blocks(run, self.weights_, self._scaled(part)), x)

    def _players(self, data_dim: int) -> Players:
        return Players(
            PRESETS[self.preset].architecture,
            data_dim,
            self._or_preset("latent_dim"),
            self.games,
            self._or_preset("spectral_norm"),
        )

    def _judge(self, score: str) -> Judge:
        return Of(score)

    def _check_score(self, score: str) -> None:
        game = NEEDS.get(score)
        if game is not None and game not in self.games:
            possible = [s for s in SCORES if NEEDS.get(s) in (None, *self.games)]
            raise InputError(
                f"The score {score!r} looks at D_{game}, which {type(self).__name__} does not "
                f"have. Choose one of {', '.join(map(repr, possible))}."
            )
