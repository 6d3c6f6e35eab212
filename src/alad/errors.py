"""What can go wrong, as a tree: one class for each party who can put it right.

    AladError
    ├── InputError        (ValueError)          the caller's data or settings
    ├── DataSetError      (OSError)             a benchmark file is missing or damaged
    ├── ModelFormatError  (ValueError)          a model is damaged, foreign or too new
    ├── OutputError       (OSError)             a result cannot be written
    └── DivergedError     (FloatingPointError)  a loss of training is not finite

Every message says what was expected, what came, and what to do. An estimator that is not
fitted raises scikit-learn's own ``NotFittedError``, which its users already catch.
"""

from __future__ import annotations


class AladError(Exception):
    """Base of every error that alad raises on purpose."""


class InputError(AladError, ValueError):
    """The data or the settings do not fit; the caller can correct them."""


class DataSetError(AladError, OSError):
    """A benchmark data set could not be found, fetched or verified."""


class ModelFormatError(AladError, ValueError):
    """A model folder could not be read: damaged, foreign, or of a newer format."""


class OutputError(AladError, OSError):
    """A result could not be written; nothing half-written was left behind."""


class DivergedError(AladError, FloatingPointError):
    """A loss stopped being finite during training."""
