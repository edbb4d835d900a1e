"""Imports go one way; nothing heavy is imported before it is needed; every public name is there and documented."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg

SOURCE = Path(thalweg.__file__).parent

ORDER = [
    "on_demand",
    "beside",
    "uncollected",
    "errors",
    "arguments",
    "pages",
    "graph",
    "storage",
    "ops",
    "trace",
    "autodiff",
    "rewrite",
    "compile",
    "descent",
    "transformations",
    "runs",
    "convexity_proof",
    "diagnosis",
    "cluster",
    "live",
    "pictures",
    "report",
    "judged",
    "hyperparameters",
    "models",
    "sklearn",
    "tables",
    "fitting",
    "laboratory",
    "cli",
    "__main__",
]


def imported(path: Path) -> set[str]:
    """The packages of thalweg that a file imports."""
    found = set()
    depth = len(path.relative_to(SOURCE).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            found.update(names)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("thalweg."):
            found.add(node.module.split(".")[1])
    return found & set(ORDER)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_package_imports_only_what_stands_before_it(path: Path) -> None:
    if path == SOURCE / "__init__.py":
        return
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    late = {name for name in imported(path) if ORDER.index(name) > ORDER.index(own)}
    assert not late, f"{own} imports {late}, which stand after it"


def test_private_names_stay_in_their_files() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("thalweg")):
                names = [
                    alias.name for alias in node.names if alias.name.startswith("_") and not alias.name.startswith("__")
                ]
                assert not names, f"{path}, line {node.lineno}: {names}"


def test_the_order_names_every_package() -> None:
    packages = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    modules = {path.stem for path in SOURCE.glob("*.py")} - {"__init__"}
    assert packages | modules == set(ORDER)


def test_importing_thalweg_imports_nothing_heavy() -> None:
    code = "import sys, thalweg; print(sorted(m for m in sys.modules if '.' not in m))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("llvmlite", "scipy", "pyarrow", "rich", "click", "optree", "jax"):
        assert f"'{heavy}'" not in found


def test_only_the_native_target_imports_llvmlite() -> None:
    for path in SOURCE.rglob("*.py"):
        if "llvmlite" in path.read_text().replace("llvmlite would", ""):
            assert "native" in path.parts, path


@pytest.mark.parametrize("name", [name for name in thalweg.__all__ if not name.startswith("_")])
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    value = getattr(thalweg, name)
    assert value.__doc__
    assert name in dir(thalweg)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        thalweg.nonsense  # noqa: B018  # the access is what is tested


def test_fitting_a_table_imports_no_special_functions() -> None:
    """They take as long as reading a hundred thousand rows; few losses need them."""
    code = "import sys, thalweg.fitting, thalweg.judged, thalweg.models; print('scipy.special' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "False"


def test_a_plain_fit_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    """Most of the time of a fit of a small table is that of loading modules."""
    table = tmp_path / "table.csv"
    table.write_text("x,word,day,y\n" + "\n".join(f"{i},{'ab'[i % 2]},2026-11-21,{'yn'[i % 3 > 0]}" for i in range(50)))
    command = ["fit", str(table), "--target", "y", "--output", str(tmp_path / "model")]
    unwanted = [
        "http.server",
        "concurrent.futures",
        "matplotlib",
        "numpy.ma",
        "pandas",
        "pyarrow.compute",
        "pyarrow.parquet",
        "ray",
    ]
    unwanted += ["scipy.special", "scipy.optimize", "sklearn", "jax", "onnx"]
    others = ["cluster", "hyperparameters", "laboratory", "live.page", "pages", "pictures"]
    others += ["descent.device.resident", "descent.gradient_check", "descent.starts", "descent.together"]
    others += ["diagnosis.explanation", "fitting.streaming", "tables.json_lines", "tables.survey"]
    unwanted += [f"thalweg.{name}" for name in others]
    code = f"import sys; from thalweg.cli.main import main; main({command!r}, standalone_mode=False)"
    code = (
        f"try:\n    {code}\nexcept SystemExit:\n    pass\nprint([name for name in {unwanted!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.splitlines()[-1] == "[]"
