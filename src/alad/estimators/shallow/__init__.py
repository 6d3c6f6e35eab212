"""Simple detectors that stand beside every claim as controls."""

from alad.estimators.shallow.isolation_forest import IsolationForest
from alad.estimators.shallow.knn import KNN
from alad.estimators.shallow.lof import LOF
from alad.estimators.shallow.mahalanobis import Mahalanobis
from alad.estimators.shallow.ocsvm import OCSVM
from alad.estimators.shallow.pca import PCA

__all__ = ["KNN", "LOF", "OCSVM", "PCA", "IsolationForest", "Mahalanobis"]
