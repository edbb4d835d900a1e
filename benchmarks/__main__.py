"""`python -m benchmarks [CASE ...] [--repeats N] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console

from .harness import print_report

CASES = (
    "processes",
    "table",
    "rosenbrock",
    "least_squares",
    "logistic",
    "networks",
    "many_nodes",
    "loops",
    "populations",
    "second_order",
    "verdict",
    "live",
    "estimators",
    "streaming",
)


def _machine() -> str:
    parts = [f"{os.cpu_count()} processors", platform.machine(), f"Python {platform.python_version()}"]
    for name in ("thalweg", "numpy", "llvmlite", "jax", "torch", "scikit-learn"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"no {name}")
    return ", ".join(parts)


def main() -> None:
    """Runs the cases and prints a table for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], help="all, if none is named")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", help="a file for the results")
    arguments = parser.parse_args()
    console = Console(width=110, highlight=False)
    console.print(_machine() + "\n")
    reports = []
    for name in arguments.cases or CASES:
        for report in import_module(f".cases.{name}", __package__).measure(arguments.repeats):
            print_report(console, report)
            reports.append(report)
    if arguments.json:
        plain = [
            {"name": r.name, "seconds": dict(r.seconds), "goals": {g.text: [g.value, g.bound] for g in r.goals}}
            for r in reports
        ]
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"machine": _machine(), "reports": plain}, file, indent=2, ensure_ascii=False)


main()
