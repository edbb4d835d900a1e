"""scikit-learn's own checks of estimators, in full."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from thalweg.sklearn import DescentClassifier, DescentRegressor, PerceptronClassifier, PerceptronRegressor

ESTIMATORS = [DescentRegressor(), DescentClassifier(), PerceptronRegressor(), PerceptronClassifier()]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS)
def test_every_check(estimator: Any, check: Any) -> None:
    check(estimator)
