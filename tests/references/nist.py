"""NIST's certified problems of nonlinear regression (StRD): the models, and a reader of the data files.

problem = load("Misra1a")
problem.loss(problem.starts[0])   # Σ (y − model(b, x))², plain NumPy, to be traced
problem.certified                 # its minimum, to 11 digits
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Model = Callable[[Any, Array], Any]

FOLDER = Path(__file__).parent / "nist"


@dataclass(frozen=True)
class Problem:
    """One data set with its model, two starts, and the certified minimum of the residual sum of squares."""

    name: str
    difficulty: str  # "lower", "average" or "higher", as NIST judges it
    model: Model
    x: Array  # (examples,), or (examples, predictors) where there are several
    y: Array
    starts: tuple[Array, Array]  # far and near
    certified: Array
    standard_deviations: Array
    residual_sum_of_squares: float
    residual_standard_deviation: float

    def residuals(self, b: Any) -> Any:
        """y − model(b, x)."""
        return self.y - self.model(b, self.x)

    def loss(self, b: Any) -> Any:
        """The residual sum of squares at b."""
        return np.sum(self.residuals(b) ** 2)


def _bennett(b: Any, x: Array) -> Any:
    return b[0] * (b[1] + x) ** (-1 / b[2])


def _saturation(b: Any, x: Array) -> Any:
    return b[0] * (1 - np.exp(-b[1] * x))


def _chwirut(b: Any, x: Array) -> Any:
    return np.exp(-b[0] * x) / (b[1] + b[2] * x)


def _power(b: Any, x: Array) -> Any:
    return b[0] * x ** b[1]


def _eckerle(b: Any, x: Array) -> Any:
    return b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2)


def _enso(b: Any, x: Array) -> Any:
    """A year, and two periods to be found (b4 and b7, in months)."""
    year, first, second = 2 * np.pi * x / 12, 2 * np.pi * x / b[3], 2 * np.pi * x / b[6]
    waves = b[4] * np.cos(first) + b[5] * np.sin(first) + b[7] * np.cos(second) + b[8] * np.sin(second)
    return b[0] + b[1] * np.cos(year) + b[2] * np.sin(year) + waves


def _gauss(b: Any, x: Array) -> Any:
    """Two bells on a decaying baseline."""
    bells = b[2] * np.exp(-((x - b[3]) ** 2) / b[4] ** 2) + b[5] * np.exp(-((x - b[6]) ** 2) / b[7] ** 2)
    return b[0] * np.exp(-b[1] * x) + bells


def _hahn(b: Any, x: Array) -> Any:
    """Hahn1 and Thurber: a cubic over a cubic."""
    return (b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3) / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3)


def _kirby(b: Any, x: Array) -> Any:
    return (b[0] + b[1] * x + b[2] * x**2) / (1 + b[3] * x + b[4] * x**2)


def _lanczos(b: Any, x: Array) -> Any:
    return b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x)


def _kowalik_osborne(b: Any, x: Array) -> Any:
    return b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3])


def _meyer(b: Any, x: Array) -> Any:
    return b[0] * np.exp(b[1] / (x + b[2]))


def _osborne(b: Any, x: Array) -> Any:
    return b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4])


def _misra_b(b: Any, x: Array) -> Any:
    return b[0] * (1 - (1 + b[1] * x / 2) ** -2)


def _misra_c(b: Any, x: Array) -> Any:
    return b[0] * (1 - (1 + 2 * b[1] * x) ** -0.5)


def _misra_d(b: Any, x: Array) -> Any:
    return b[0] * b[1] * x / (1 + b[1] * x)


def _nelson(b: Any, x: Array) -> Any:
    """The response is log y; the predictors are time and temperature."""
    return b[0] - b[1] * x[:, 0] * np.exp(-b[2] * x[:, 1])


def _pasture(b: Any, x: Array) -> Any:
    return b[0] / (1 + np.exp(b[1] - b[2] * x))


def _onions(b: Any, x: Array) -> Any:
    return b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3])


def _roszman(b: Any, x: Array) -> Any:
    return b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi


MODELS: dict[str, Model] = {
    "Bennett5": _bennett,
    "BoxBOD": _saturation,
    "Chwirut1": _chwirut,
    "Chwirut2": _chwirut,
    "DanWood": _power,
    "ENSO": _enso,
    "Eckerle4": _eckerle,
    "Gauss1": _gauss,
    "Gauss2": _gauss,
    "Gauss3": _gauss,
    "Hahn1": _hahn,
    "Kirby2": _kirby,
    "Lanczos1": _lanczos,
    "Lanczos2": _lanczos,
    "Lanczos3": _lanczos,
    "MGH09": _kowalik_osborne,
    "MGH10": _meyer,
    "MGH17": _osborne,
    "Misra1a": _saturation,
    "Misra1b": _misra_b,
    "Misra1c": _misra_c,
    "Misra1d": _misra_d,
    "Nelson": _nelson,
    "Rat42": _pasture,
    "Rat43": _onions,
    "Roszman1": _roszman,
    "Thurber": _hahn,
}
"""The models of all 27 problems, whether or not their data file is here."""

PARAMETER = re.compile(r"^\s*b\d+\s*=\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$", re.MULTILINE)
TITLE_OF_DATA = re.compile(r"^Data:\s+y\s+x.*\n", re.MULTILINE)


def _after(title: str, text: str, path: Path) -> str:
    """What stands after a title, on its line."""
    found = re.search(rf"^{title}:\s*(\S+)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{path.name} has no line '{title}: ...'; take the file as NIST publishes it")
    return found.group(1)


def read(path: Path) -> Problem:
    """The problem in a file of NIST's format; its name must be one of `MODELS`."""
    text = path.read_text(encoding="ascii")
    parameters = PARAMETER.findall(text)
    titles = list(TITLE_OF_DATA.finditer(text))
    difficulty = re.search(r"(Lower|Average|Higher) Level of Difficulty", text)
    if not parameters or len(titles) != 1 or difficulty is None:
        wanted = "lines 'b1 = start1 start2 certified deviation', one line 'Data: y x', and a level of difficulty"
        raise ValueError(f"{path.name} is not in NIST's format: it needs {wanted}")
    table = np.array([[float(number) for number in line.split()] for line in text[titles[0].end() :].splitlines()])
    if len(table) != int(_after("Number of Observations", text, path)):
        raise ValueError(f"{path.name} has {len(table)} rows of data, and its header tells another number")
    far, near, certified, deviations = np.array(parameters, dtype=np.float64).T
    y, x = table[:, 0], table[:, 1:]
    return Problem(
        name=path.stem,
        difficulty=difficulty.group(1).lower(),
        model=MODELS[path.stem],
        x=x if x.shape[1] > 1 else x[:, 0],
        y=np.log(y) if path.stem == "Nelson" else y,
        starts=(far, near),
        certified=certified,
        standard_deviations=deviations,
        residual_sum_of_squares=float(_after("Residual Sum of Squares", text, path)),
        residual_standard_deviation=float(_after("Residual Standard Deviation", text, path)),
    )


@cache
def load(name: str) -> Problem:
    """The problem of that name."""
    if name not in MODELS:
        raise KeyError(f"NIST has no problem {name!r}; it has {', '.join(MODELS)}")
    path = FOLDER / f"{name}.dat"
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not in {FOLDER.name}; its README.md says where it is published")
    return read(path)


NAMES = tuple(name for name in MODELS if (FOLDER / f"{name}.dat").exists())
"""The problems whose data file is here."""

PROBLEMS = tuple(load(name) for name in NAMES)
