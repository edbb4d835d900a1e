"""Whole processes: importing thalweg, and fitting a table from the shell."""

from __future__ import annotations

from pathlib import Path

from ..harness import Goal, Report, interleaved, missing, process_seconds

TABLE = Path(__file__).parents[2] / "examples" / "california-housing.csv"
THALWEG = f"""
from thalweg.cli.main import main
main(["fit", {str(TABLE)!r}, "--target", "median_house_value", "--output", "/dev/null/x"], standalone_mode=False)
"""
SKLEARN = f"""
import pandas as pd
from sklearn.compose import make_column_transformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
table = pd.read_csv({str(TABLE)!r})
X, y = table.drop(columns="median_house_value"), table["median_house_value"]
a, b, c, d = train_test_split(X, y, test_size=0.2, random_state=0)
numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
encode = make_column_transformer((numbers, make_column_selector(dtype_include="number")),
                                 (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")))
print(make_pipeline(encode, SGDRegressor(random_state=0)).fit(a, c).score(b, d))
"""


def measure(repeats: int) -> list[Report]:
    """One report for the import, one for the fit."""
    imports = interleaved(
        {
            "import numpy": lambda: process_seconds("import numpy"),
            "import thalweg": lambda: process_seconds("import thalweg"),
            "import numpy, thalweg": lambda: process_seconds("import numpy, thalweg"),
        },
        max(7, repeats),
    )
    bound = 2 * imports["import numpy"] + 0.05
    goal = Goal("≤ 2 × import numpy + 50 ms", imports["import numpy, thalweg"] / bound, 1.0)
    fit = THALWEG.replace('"--output", "/dev/null/x"', '"--output", __import__("tempfile").mktemp()')
    runs = {"thalweg fit": lambda: process_seconds(fit)}
    if not missing("sklearn", "pandas"):
        runs["pandas + scikit-learn SGDRegressor"] = lambda: process_seconds(SKLEARN)
    fits = interleaved(runs, max(3, repeats // 2))
    fits["thalweg fit, cache filled"] = interleaved({"x": lambda: process_seconds(fit, is_cold=False)}, 3)["x"]
    return [
        Report("Import", "process", imports, [goal]),
        Report("california-housing.csv, from the file to a model", "process", fits),
    ]
