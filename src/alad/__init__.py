"""alad: adversarially learned anomaly detection."""

from alad.errors import (
    AladError,
    DataSetError,
    DivergedError,
    InputError,
    ModelFormatError,
    OutputError,
)
from alad.estimators import ALAD, ALICE, BiGAN, Mahalanobis, load

__version__ = "0.1.0"

__all__ = [
    "ALAD",
    "ALICE",
    "AladError",
    "BiGAN",
    "DataSetError",
    "DivergedError",
    "InputError",
    "Mahalanobis",
    "ModelFormatError",
    "OutputError",
    "__version__",
    "load",
]
