"""alad: adversarially learned anomaly detection.

Detectors are imported when they are first asked for: JAX takes seconds, and ``alad --help`` needs
none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alad.errors import (
    AladError,
    DataSetError,
    DivergedError,
    InputError,
    LeftOutWarning,
    ModelFormatError,
    OutputError,
    UnlikeFitWarning,
)

if TYPE_CHECKING:
    from alad.estimators import (
        ALAD,
        ALICE,
        DAGMM,
        DSEBM,
        GAN,
        KNN,
        LOF,
        OCSVM,
        PCA,
        AnoGAN,
        AutoEncoder,
        BiGAN,
        IsolationForest,
        Mahalanobis,
        load,
    )

__version__ = "0.1.0"

__all__ = [
    "ALAD",
    "ALICE",
    "AladError",
    "AnoGAN",
    "AutoEncoder",
    "BiGAN",
    "DAGMM",
    "DSEBM",
    "DataSetError",
    "DivergedError",
    "GAN",
    "InputError",
    "IsolationForest",
    "KNN",
    "LOF",
    "LeftOutWarning",
    "Mahalanobis",
    "ModelFormatError",
    "OCSVM",
    "OutputError",
    "PCA",
    "UnlikeFitWarning",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from alad import estimators

    return getattr(estimators, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
