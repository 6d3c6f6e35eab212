"""What can go wrong, as a tree: one class for each party who can put it right.

    AladError
    ├── InputError        (ValueError)          the caller's data or settings
    │   └── RowError                            a value of one row, which is named
    ├── DataSetError      (OSError)             a benchmark file is missing or damaged
    ├── ModelFormatError  (ValueError)          a model is damaged, foreign or too new
    ├── OutputError       (OSError)             a result cannot be written
    └── DivergedError     (FloatingPointError)  a loss of training is not finite

and two warnings (UserWarning): LeftOutWarning, of columns that fit does not give to the model, and
UnlikeFitWarning, of columns that come otherwise than at fit.

Every message says what was expected, what came, and what to do. An estimator that is not
fitted raises scikit-learn's own ``NotFittedError``, which its users already catch.
"""

from __future__ import annotations

from typing import Any


class AladError(Exception):
    """Base of every error that alad raises on purpose."""


class InputError(AladError, ValueError):
    """The data or the settings do not fit; the caller can correct them."""


class RowError(InputError):
    """A value of one row will not do; the message names the row.

    >>> error = RowError("Expected finite numbers; got inf in row", 3, ". Correct the value.")
    >>> str(error), str(error.at(120))
    ('Expected finite numbers; got inf in row 3. Correct the value.', \
'Expected finite numbers; got inf in row 120. Correct the value.')
    """

    def __init__(self, before: str, row: int, after: str) -> None:
        super().__init__(f"{before} {row}{after}")
        self.before, self.row, self.after = before, row, after

    def at(self, row: int) -> RowError:
        """The same of the row's number in the whole table, where it was counted in a part of it."""
        return RowError(self.before, row, self.after)

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how to make it again: worker processes hand their errors over so."""
        return RowError, (self.before, self.row, self.after)


class LeftOutWarning(UserWarning):
    """Columns of a frame are not given to the model, and nobody had said so."""


class UnlikeFitWarning(UserWarning):
    """Columns of a frame come otherwise than at fit.

    Times without a zone where they had one, say, or a column in which every value is missing, or is
    one that fit did not see.
    """


class DataSetError(AladError, OSError):
    """A benchmark data set could not be found, fetched or verified."""


class ModelFormatError(AladError, ValueError):
    """A model folder could not be read: damaged, foreign, of a newer format, or too old."""


class OutputError(AladError, OSError):
    """A result could not be written; nothing half-written was left behind."""


class DivergedError(AladError, FloatingPointError):
    """A loss stopped being finite during training."""
