"""What every detector made of networks shares: settings, training, scoring, one seed or many.

A method's file says how its networks are built, who moves with which loss, and by which scores
rows can be judged; it may add settings of its own.
"""

from __future__ import annotations

import math
import os
from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self, get_args

import jax
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from alad.errors import InputError, ModelFormatError
from alad.estimators._choices import FROM_PRESET, Choices, Unseen
from alad.estimators._detector import AbstractDetector
from alad.estimators._fitting import fit_side_by_side, print_progress
from alad.estimators._given import Columns, Matrix, Vector, enough_rows, seed_of
from alad.estimators._programs import (
    Judge,
    Players,
    by_parts,
    in_blocks,
    program,
    weights_by_name,
    weights_like,
)
from alad.estimators._saving import expect
from alad.estimators._settings import (
    Constraint,
    check_settings,
    flag,
    integer,
    one_of,
    optional,
    real,
)
from alad.io import Model
from alad.networks import Preset, Size
from alad.networks.weights import Precision
from alad.preprocessing.pictures import as_pictures
from alad.preprocessing.scaling import OF_TABLES
from alad.training import History, Move, Report

_computes_in: int | None = None  # the process in which networks were first asked for


class NetworkDetector(AbstractDetector):
    """Networks that learn from batches of normal rows, step by step.

    A method supplies the class variables and ``_players``.
    """

    presets: ClassVar[Mapping[str, Preset]]
    moves: ClassVar[tuple[Move, ...]]
    scores: ClassVar[Collection[str]]  # what ``anomaly_score`` may be
    default_score: ClassVar[str]
    _keeps_file: ClassVar[bool] = True

    _constraints: ClassVar[dict[str, Constraint]] = {
        **AbstractDetector._constraints,
        "epochs": optional(integer(0)),
        "batch_size": optional(integer(1)),
        "learning_rate": optional(real(0, 1, closed="right")),
        "ema_decay": optional(real(0, 1, closed="left")),
        "patience": optional(integer(0)),
        "validation_fraction": optional(real(0, 1, closed="left")),
        "precision": one_of(*get_args(Precision)),
        "verbose": flag(),
    }

    def __init__(
        self,
        *,
        preset: str = "tabular",
        anomaly_score: str | None = None,
        scaling: str | None = None,
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

    @property
    def takes_pictures(self) -> bool:
        """Whether the preset is one for pictures."""
        # It may not have been checked yet.
        preset = self.presets.get(self.preset) if isinstance(self.preset, str) else None
        return preset is not None and preset.pictures

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        schema: Columns = None,
        X_valid: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        report: Report | None = None,
    ) -> Self:
        """Learn what normal rows look like.

        Parameters
        ----------
        X : array or frame of shape (n, columns)
            Normal rows, as far as that is known; no label is used. Of an
            :class:`alad.estimators.Stream`, which is too large for memory, an epoch is a window of
            rows drawn from all over it, and ``epochs`` times as many windows are trained on as
            cover it; what looks at all rows at once sees a sample.
        y : ignored
        schema : Schema or TableEncoder, optional
            What the columns of a frame are, or how they become numbers. Default: inferred.
        X_valid : array or frame, optional
            Normal rows to watch training with. Default: the share ``validation_fraction`` of X.
            They settle the doubt of :class:`alad.ALAD` too, in the place of as many rows of X. A
            model that keeps rows to compare with keeps rows of X alone.
        checkpoint : path, optional
            Written between epochs, about once a minute, and sooner at first; a training that was
            killed goes on from it exactly.
        report : callable, optional
            Called with :class:`alad.training.Progress` every thousand steps, or twenty of pictures.

        Raises
        ------
        InputError
            The data or a setting does not fit; the message says which and why.
        DivergedError
            A loss stopped being finite.
        """
        fit_side_by_side(
            [self],
            X,
            schema=schema,
            X_valid=X_valid,
            checkpoint=checkpoint,
            report=report or self._printer(),
        )
        return self

    # ------------------------------------------------------------------ a method's own share

    @abstractmethod
    def _players(self, data_dim: Size) -> Players:
        """How to build the networks for rows of this width: a value that can be called."""

    @abstractmethod
    def _judge(self, score: str) -> Judge:
        """The function (networks, x) -> (n,) that a score's name stands for: a value."""

    def _moves(self) -> tuple[Move, ...]:
        """Who learns in a step, and from which loss."""
        return self.moves

    def _watched(self, score: str) -> str:
        """The score by which rows are watched in training."""
        return score

    def _finish(self, weights: Any, x: Matrix, unseen: Unseen) -> Any:
        """Add what is to be learned at the end, from the rows trained on and those unseen."""
        return weights

    def _settles_doubt(self) -> bool:
        """Whether rows are to be held out for :meth:`_finish`."""
        return False

    def _own_score(self) -> str:
        """What ``anomaly_score`` is where it is left at None."""
        return self.default_score

    # ---------------------------------------------------------------------------- the face's

    def _check_settings(self) -> None:
        super()._check_settings()
        check_process()
        scalings = ("pixels",) if self.takes_pictures else OF_TABLES  # G's lie between -1 and 1
        own = {
            "preset": one_of(*self.presets),
            "anomaly_score": optional(one_of(*self.scores)),
            "scaling": optional(one_of(*scalings)),
        }
        check_settings(type(self).__name__, self.get_params(deep=False), own)

    def _anomaly_score(self, x: Matrix) -> Vector:
        self._check_settings()  # some may have been set since
        score = self._with_defaults().anomaly_score
        self._check_can_score(score)
        return in_blocks(program(self.players_, self._judge(score)), self.weights_, x).astype(
            np.float64
        )

    def _judged(self, x: NDArray[Any]) -> Vector:
        if self.preset != self._settings_at_fit["preset"]:
            raise InputError(
                f"Expected the preset of the fit, {self._settings_at_fit['preset']!r}; it was set "
                f"to {self.preset!r} since. Set it back, or fit again."
            )
        return super()._judged(x)

    def _mapped(self, judge: Judge, X: Any) -> Matrix:
        """Give what a judge says of rows as they come, a number or more for each."""
        check_is_fitted(self)
        run, x = program(self.players_, judge), self._matrix(X, fitting=False)
        return by_parts(lambda part: in_blocks(run, self.weights_, self._scaled(part)), x)

    def _to_disk(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        facts = {"data_dim": self.players_.data_dim, "history": self.history_.to_json()}
        arrays = weights_by_name(self.weights_)
        return facts, {f"weights/{name}": array for name, array in arrays.items()}

    def _from_disk(self, model: Model) -> None:
        expect(model.facts, "data_dim", "history")
        size = _size_on_disk(model.facts["data_dim"], self.takes_pictures)
        if isinstance(size, tuple):
            self.picture_shape_ = size
        self.players_ = self._players_on_disk(model, size)
        self.history_ = History.from_json(model.facts["history"])
        self.weights_ = jax.device_put(weights_like(self.players_, model.under("weights")))

    def _players_on_disk(self, model: Model, size: Size) -> Players:
        """The players whose weights a model holds."""
        return self._players(size)

    def _matrix(self, X: Any, *, fitting: bool, schema: Columns = None) -> NDArray[Any]:
        if not self.takes_pictures:
            return super()._matrix(X, fitting=fitting, schema=schema)
        if schema is not None:
            raise InputError("Expected no schema with pictures. Leave it out.")
        x = as_pictures(X, fitting=fitting)
        if fitting:
            self.encoder_ = None
            self.picture_shape_ = x.shape[1:]
            self.n_features_in_ = math.prod(x.shape[1:])
            enough_rows(len(x))
        elif x.shape[1:] != self.picture_shape_:
            raise InputError(
                f"Expected pictures of (height, width, channels) = {self.picture_shape_}, as at "
                f"fit; got {x.shape[1:]}. Bring them to that size."
            )
        return x

    # ------------------------------------------------------------------------ settings resolved

    def _with_defaults(self) -> Choices:
        """Give every setting that was left at None its preset's value."""
        preset = self.presets[self.preset]
        return Choices(
            anomaly_score=self.anomaly_score or self._own_score(),
            min_steps=preset.min_steps if self.epochs is None else 0,
            beta1=preset.beta1,
            precision=self.precision,
            settles_doubt=self._settles_doubt(),
            **{name: self._or_preset(name) for name in FROM_PRESET},
        )

    def _or_preset(self, name: str) -> Any:
        own = getattr(self, name)
        return getattr(self.presets[self.preset], name) if own is None else own

    def _check_score(self, score: str) -> None:
        """Refuse a score that networks of these settings never give."""

    def _check_can_score(self, score: str) -> None:
        """Refuse a score that the fitted networks cannot give."""
        self._check_score(score)

    def _share_preparation(self, other: NetworkDetector) -> None:
        """Take over what ``other`` has learned of the same table, under a seed of one's own."""
        learned = {name: value for name, value in vars(other).items() if name.endswith("_")}
        self._forget()
        for name, value in learned.items():
            setattr(self, name, value)
        self.seed_ = seed_of(self.random_state)

    def _let_go(self) -> None:
        """Close the file of a stream's rows."""
        if self._file is not None:
            self._file.close()
            del self._file

    def _printer(self) -> Report | None:
        return print_progress if self.verbose else None


def check_process() -> None:
    """Refuse a process in which JAX does not work as it has to here.

    Raises
    ------
    InputError
        JAX counts in float64, but the programs here are made for float32; or the process is a
        forked child of one in which networks computed, where JAX would wait for ever.
    """
    global _computes_in
    if _computes_in not in (None, os.getpid()):
        raise InputError(
            "Expected a process of its own for networks; this one was forked from one in which "
            "they had computed already, and JAX would wait for ever. Start processes by spawn, "
            'multiprocessing.get_context("spawn") say, or load the model in the child alone.'
        )
    _computes_in = os.getpid()
    if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise InputError(
            "Expected JAX to count in float32, as these networks do; jax_enable_x64 is on. "
            'Call jax.config.update("jax_enable_x64", False), or use a process of its own.'
        )


def _size_on_disk(found: Any, of_pictures: bool) -> Size:
    """The size of a row as a model states it: a width, or the shape of a picture."""
    numbers, what = (found, "three sizes") if of_pictures else ([found], "a width")
    fits = isinstance(numbers, list) and len(numbers) == (3 if of_pictures else 1)
    if not fits or any(type(n) is not int or n < 1 for n in numbers):
        raise ModelFormatError(
            f"Expected the model to state {what} of at least 1; got {found!r:.80}. The folder is "
            "damaged: save the model again."
        )
    return tuple(numbers) if of_pictures else found
