"""alad: adversarially learned anomaly detection."""

from alad.errors import (
    AladError,
    DataSetError,
    DivergedError,
    InputError,
    ModelFormatError,
    OutputError,
)
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
    "Mahalanobis",
    "ModelFormatError",
    "OCSVM",
    "OutputError",
    "PCA",
    "__version__",
    "load",
]
