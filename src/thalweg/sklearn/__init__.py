"""Estimators for scikit-learn: its conventions outside, thalweg's descents inside. Needs `pip install 'thalweg[sklearn]'`."""

try:
    import sklearn.utils.validation as _validation
except ImportError as error:
    raise ImportError("thalweg.sklearn needs scikit-learn: pip install 'thalweg[sklearn]'") from error
if not hasattr(_validation, "validate_data"):
    raise ImportError("thalweg.sklearn needs scikit-learn 1.6 or later: pip install -U 'thalweg[sklearn]'")

from .linear import DescentClassifier, DescentRegressor
from .perceptron import PerceptronClassifier, PerceptronRegressor

__all__ = ["DescentClassifier", "DescentRegressor", "PerceptronClassifier", "PerceptronRegressor"]
