"""The detectors, each with scikit-learn's face, and how to read a saved one."""

from __future__ import annotations

from os import PathLike

import polars as pl

from alad.errors import ModelFormatError
from alad.estimators._adversarial import AdversarialDetector
from alad.estimators._detector import AbstractDetector
from alad.estimators._fitting import fit_side_by_side
from alad.estimators._network import NetworkDetector, check_process
from alad.estimators._picture_files import PictureFiles
from alad.estimators._stream import Stream
from alad.estimators.alad import ALAD, ALICE, AutoEncoder, BiGAN
from alad.estimators.dagmm import DAGMM
from alad.estimators.dsebm import DSEBM
from alad.estimators.gan import GAN, AnoGAN
from alad.estimators.shallow import KNN, LOF, OCSVM, PCA, IsolationForest, Mahalanobis
from alad.io import read_model

DETECTORS: dict[str, type[AbstractDetector]] = {
    cls.__name__: cls
    for cls in (
        *(ALAD, ALICE, BiGAN, AutoEncoder, GAN, AnoGAN, DAGMM, DSEBM),
        *(Mahalanobis, OCSVM, IsolationForest, KNN, LOF, PCA),
    )
}


# What reading a damaged model can raise, wherever the damage is.
WRONG = (
    *(LookupError, TypeError, AttributeError, ValueError, ArithmeticError),
    pl.exceptions.PolarsError,
)


def load(path: str | PathLike[str]) -> AbstractDetector:
    """Read a detector that ``save`` wrote. Nothing in the folder is executed.

    Raises
    ------
    ModelFormatError
        The folder is missing, damaged, foreign, or of a newer format.
    InputError
        It is a model of networks, and JAX counts in float64 in this process, or the process was
        forked from one in which networks had computed.
    """
    model = read_model(path)
    name = model.facts["class"]
    if name not in list(DETECTORS):  # of a list, whatever the name is made of
        raise ModelFormatError(
            f"Expected a model of one of {', '.join(DETECTORS)}; got {name!r}. "
            "Upgrade alad, or load it with the program that wrote it."
        )
    if issubclass(DETECTORS[name], NetworkDetector):
        check_process()
    try:
        return DETECTORS[name]._read(model)
    except WRONG as error:
        if isinstance(error, ModelFormatError):
            raise
        raise ModelFormatError(
            f"Expected a whole {name} model at {path}; some of it is missing or wrong "
            f"({type(error).__name__}: {error}). Save the model again."
        ) from error


__all__ = [
    "ALAD",
    "ALICE",
    "DAGMM",
    "DETECTORS",
    "DSEBM",
    "GAN",
    "KNN",
    "LOF",
    "OCSVM",
    "PCA",
    "AbstractDetector",
    "AdversarialDetector",
    "AnoGAN",
    "AutoEncoder",
    "BiGAN",
    "IsolationForest",
    "Mahalanobis",
    "NetworkDetector",
    "PictureFiles",
    "Stream",
    "fit_side_by_side",
    "load",
]
