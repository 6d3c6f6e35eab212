"""What detectors share that keep training rows and compare with them."""

from __future__ import annotations

from abc import abstractmethod
from threading import Lock
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from alad.errors import ModelFormatError
from alad.estimators._detector import AbstractDetector
from alad.estimators._given import Columns, Matrix, some_rows
from alad.estimators._settings import Constraint, integer, one_of, optional
from alad.estimators.shallow._stored import stored, width
from alad.io import Model
from alad.preprocessing.scaling import OF_TABLES

# Comparing with every row spreads over the cores by itself. Several such calls side by side would
# crowd them, and scikit-learn, which stills BLAS's own threads meanwhile, could leave them stilled.
ONE_SEARCH = Lock()


class RowKeeper(AbstractDetector):
    """Keeps the scaled training rows, or some of them, as ``rows_``."""

    k: int
    max_rows: int | None
    scaling: str
    rows_: Matrix

    _sample_rows: ClassVar[int] = 2**14  # each is compared with all

    _constraints: ClassVar[dict[str, Constraint]] = {
        **AbstractDetector._constraints,
        "k": integer(1),
        "max_rows": optional(integer(2)),
        "scaling": one_of(*OF_TABLES),
    }

    def fit(self, X: Any, y: Any = None, *, schema: Columns = None) -> Self:
        """Keep the rows of X, or some of them, to compare with; ``y`` is ignored.

        ``schema`` says what a frame's columns are; default: it is inferred.
        """
        self._check_settings()
        x = self._prepare(X, self.scaling, schema)
        rows = some_rows(self._candidates(x), self.max_rows, self.seed_)
        may_be_callers = self.scaling == "none"  # which gives rows as they are
        self._keep(rows.copy() if may_be_callers else rows)
        self._settle(x)
        return self

    def _candidates(self, x: Matrix) -> Matrix:
        """The rows that may be kept."""
        return x

    @abstractmethod
    def _keep(self, rows: Matrix) -> None:
        """Take these rows as ``rows_``, and measure of them what scoring needs."""

    def _kept_rows(self) -> Matrix:
        return self.rows_

    def _to_disk(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return {}, {"rows": self.rows_}

    def _from_disk(self, model: Model) -> None:
        rows = stored(model, "rows", np.float32, None, width(model))
        if len(rows) < 2:
            raise ModelFormatError(
                "Expected array 'rows' of at least 2 rows; got 1. The folder is damaged: save the "
                "model again."
            )
        self._keep(rows)
