"""What ALAD, ALICE, BiGAN and their plain autoencoder share: E, G and the games they play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import jax
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from alad.errors import InputError, ModelFormatError
from alad.estimators._cells import hold
from alad.estimators._choices import Unseen
from alad.estimators._detector import LARGEST
from alad.estimators._doubt import NONE, Belief, belief
from alad.estimators._given import Matrix, Vector
from alad.estimators._memory import as_kept, memory_of, scaled_rows, shorts
from alad.estimators._network import NetworkDetector
from alad.estimators._programs import Judge, by_parts, each_once, in_blocks, program
from alad.estimators._settings import (
    Constraint,
    check_settings,
    flag,
    integer,
    one_of,
    optional,
)
from alad.io import Model
from alad.networks import PICTURE_PRESETS, PRESETS, Players, Size
from alad.objectives import neighbourhood
from alad.objectives.alad import autoencoder_loss, discriminators_loss
from alad.scores import MEMORY_SCORES, NEEDS, SCORES, Several, reconstruct
from alad.scores.memory import OF_ROWS, own_logits, place
from alad.training import Move

MEMORY = "weights/M."  # of a model on disk that has one
KEPT_ROWS, CENTRES, REACH = (f"{MEMORY}{name}" for name in ("rows", "centres", "reach"))
LATER = ("scale", "trust", "slopes", "intercept")  # what not every memory had
LEAST = f"{MEMORY}least"  # likewise, and 0 does as well


def _encode(networks: Any, x: Array) -> Array:
    z: Array = networks["A"].E(x)
    return z


def _generate(networks: Any, z: Array) -> Array:
    x: Array = networks["A"].G(z)
    return x


class AdversarialDetector(NetworkDetector):
    """Encoder, generator and the discriminators of some games, trained against each other."""

    games: ClassVar[tuple[str, ...]]
    players_: Players

    presets = PRESETS | PICTURE_PRESETS
    moves: ClassVar[tuple[Move, ...]] = (
        Move("D", discriminators_loss),
        Move("A", autoencoder_loss),
    )
    scores = SCORES

    _constraints: ClassVar[dict[str, Constraint]] = {
        **NetworkDetector._constraints,
        "spectral_norm": optional(flag()),
        "exchange": optional(flag()),
        "leave_out_knots": flag(),
        "latent_dim": optional(integer(1)),
    }

    def __init__(
        self,
        *,
        preset: str = "tabular",
        anomaly_score: str | None = None,
        scaling: str | None = None,
        spectral_norm: bool | None = None,
        exchange: bool | None = None,
        leave_out_knots: bool = False,
        latent_dim: int | None = None,
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
        self.spectral_norm = spectral_norm
        self.exchange = exchange
        self.leave_out_knots = leave_out_knots
        self.latent_dim = latent_dim
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

    def reconstruct(self, X: Any) -> Matrix:
        """Give x' = G(E(x)) in scaled columns, shape (n, features): what the model expected.

        Of pictures the shape is theirs, and pixels lie between -1 and 1.
        """
        return self._mapped(reconstruct, X)

    def encode(self, X: Any) -> Matrix:
        """Give z = E(x), shape (n, latent_dim)."""
        return self._mapped(_encode, X)

    def generate(self, z: ArrayLike) -> Matrix:
        """Give G(z) in scaled columns: what the model makes of latent vectors.

        Parameters
        ----------
        z : array of shape (n, latent_dim)
            Of :meth:`encode`, or drawn from the prior N(0, I).

        Raises
        ------
        InputError
            ``z`` has another width, or holds what is no finite number.
        """
        check_is_fitted(self)
        width = self.players_.latent_dim
        try:
            latent = np.asarray(z, np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"Expected latent vectors of shape (n, {width}), numbers; got {error}. Pass those "
                "that encode gives, or normal draws."
            ) from error
        if latent.ndim != 2 or latent.shape[1] != width or not len(latent):
            raise InputError(
                f"Expected latent vectors of shape (n, {width}), at least one; got {latent.shape}."
            )
        if not np.isfinite(latent).all():
            raise InputError(
                "Expected latent vectors of finite numbers; some are NaN or infinite. Drop these."
            )
        return in_blocks(program(self.players_, _generate), self.weights_, latent)

    def several_scores(self, X: Any, names: Sequence[str]) -> dict[str, Vector]:
        """Give A(x) by several scores at once, larger = more anomalous: E and G run once for all.

        Parameters
        ----------
        X : array or frame of shape (n, columns), or pictures, as at fit
        names : of the scores, as ``anomaly_score`` takes them

        Returns
        -------
        dict of ndarray of shape (n,), float64
            As ``-score_samples(X)`` with each score, up to rounding.

        Raises
        ------
        InputError
            A score that there is not, or that needs what was not learned.

        Examples
        --------
        >>> import numpy as np
        >>> from alad import ALAD
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = ALAD(preset="arrhythmia", epochs=1, random_state=0).fit(X)
        >>> {name: a.shape for name, a in detector.several_scores(X, ["features", "l1"]).items()}
        {'features': (200,), 'l1': (200,)}
        """
        check_is_fitted(self)
        names = (names,) if isinstance(names, str) else tuple(names)
        if not names:
            raise InputError(f"Expected at least one score of {', '.join(self.scores)}; got none.")
        for name in names:
            check_settings(type(self).__name__, {"score": name}, {"score": one_of(*self.scores)})
            self._check_can_score(name)
        found = self._mapped(Several(names), X).astype(np.float64)
        finite = np.nan_to_num(found, nan=LARGEST, posinf=LARGEST)
        return dict(zip(names, finite.T, strict=True))

    def _players(self, data_dim: Size) -> Players:
        return Players(
            self.presets[self.preset].architecture_for(data_dim),
            data_dim,
            self._or_preset("latent_dim"),
            self.games,
            self._or_preset("spectral_norm"),
        )

    def _moves(self) -> tuple[Move, ...]:
        if "xz" not in self.games or not self._or_preset("exchange"):
            return self.moves
        return Move("D", neighbourhood.discriminators_loss), *self.moves[1:]

    def _judge(self, score: str) -> Judge:
        return SCORES[score]

    def _watched(self, score: str) -> str:
        """Not what looks at the memory: there is none before training ends."""
        if score not in MEMORY_SCORES:
            return score
        return "features" if "xx" in self.games else "l1"

    def _finish(self, weights: Any, x: Matrix, unseen: Unseen) -> Any:
        """Keep normal rows beside the networks, if they are to be compared with."""
        if not self._compares():
            return weights
        every = np.concatenate([x, unseen.held])
        settled = self._belief(weights, unseen.every) if self._settles_doubt() else NONE
        (rows, cells), memory = memory_of(every, self.seed_, self.leave_out_knots, settled)
        self.players_ = replace(self.players_, memory=rows, cells=cells)
        return {**weights, "M": jax.device_put(memory)}

    def _belief(self, weights: Any, held: Matrix) -> Belief:
        run = program(self.players_, own_logits)
        return belief(lambda x: in_blocks(run, weights, x), held, self.seed_)

    def _settles_doubt(self) -> bool:
        return self._compares() and not set(OF_ROWS).isdisjoint(self.games)

    def _compares(self) -> bool:
        """Whether rows are compared with normal rows that are kept."""
        return (self.anomaly_score or self._own_score()) in MEMORY_SCORES

    def _scores_of_window(self, x: NDArray[Any]) -> Vector:
        """Judge equal rows once, and scale them once."""
        if not self._compares():
            return super()._scores_of_window(x)
        return each_once(lambda rows: self._scores_in_order(by_parts(self._scaled, rows)), x)

    def _anomaly_scores(self, x: Matrix) -> Vector:
        if not self._compares():
            return super()._anomaly_scores(x)
        return each_once(self._scores_in_order, x)

    def _scores_in_order(self, x: Matrix) -> Vector:
        """Judge rows that lie near each other together, where the memory is searched by cells."""
        if not self.players_.cells:
            return super()._anomaly_scores(x)
        run = program(self.players_, place)
        where = by_parts(lambda part: in_blocks(run, self.weights_, part), x)
        order = np.argsort(where, kind="stable")
        scores = np.empty(len(x))
        scores[order] = super()._anomaly_scores(x[order])
        return scores

    def _kept_rows(self) -> Matrix | None:
        return scaled_rows(self.weights_["M"]) if "M" in self.weights_ else None

    def _as_kept(self, scaled: Matrix) -> Matrix:
        return as_kept(self.weights_["M"], scaled) if "M" in self.weights_ else scaled

    def _from_disk(self, model: Model) -> None:
        rows = model.arrays.get(KEPT_ROWS)
        if rows is not None:
            beside = {LEAST: np.zeros(len(rows), np.float32)}  # where the model has none
            derived = {f"{MEMORY}{k}": v for k, v in _shorts_of(rows, model.arrays).items()}
            model = replace(model, arrays={**beside, **model.arrays, **derived})
        super()._from_disk(model)

    def _players_on_disk(self, model: Model, size: Size) -> Players:
        rows = model.arrays.get(KEPT_ROWS)
        if rows is None:
            return self._players(size)
        if absent := [name for name in LATER if f"{MEMORY}{name}" not in model.arrays]:
            raise ModelFormatError(
                f"Expected a model of this alad, whose memory has {', '.join(absent)}; this one is "
                "of an older alad, which kept rows without. Fit it again."
            )
        cells = model.arrays.get(REACH, ()) if CENTRES in model.arrays else ()
        return replace(self._players(size), memory=len(rows), cells=len(cells))

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.exchange and self.takes_pictures:
            raise InputError(
                "Expected no exchange with pictures: columns of a table are exchanged. Leave "
                "exchange out."
            )

    def _check_score(self, score: str) -> None:
        game = NEEDS.get(score)
        if game is not None and game not in self.games:
            possible = [s for s in self.scores if NEEDS.get(s) in (None, *self.games)]
            raise InputError(
                f"The score {score!r} looks at D_{game}, which {type(self).__name__} does not "
                f"have. Choose one of {', '.join(map(repr, possible))}."
            )
        if score in MEMORY_SCORES and self.takes_pictures:
            others = [s for s in SCORES if s not in MEMORY_SCORES]
            raise InputError(
                f"The score {score!r} compares rows of a table; the preset {self.preset!r} is for "
                f"pictures. Choose one of {', '.join(map(repr, others))}."
            )

    def _check_can_score(self, score: str) -> None:
        super()._check_can_score(score)
        if score in MEMORY_SCORES and not self.players_.memory:
            raise InputError(
                f"The score {score!r} looks at rows that are kept at fit; this model has kept "
                "none. Fit it again with this score."
            )


def _shorts_of(rows: NDArray[Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What a memory on disk derives from its rows and cells, once these are known to belong."""
    if CENTRES not in arrays or REACH not in arrays:
        return {}
    centres, reach = arrays[CENTRES], arrays[REACH]
    shaped = rows.ndim == 2 and centres.shape[1:] == rows.shape[1:] and reach.ndim == 1
    if not shaped or not hold(rows, centres, reach):
        raise ModelFormatError(
            "Expected cells that hold the rows of the memory; got others. The folder is "
            "damaged: save the model again."
        )
    return shorts(rows.astype(np.float32), centres.astype(np.float32))
