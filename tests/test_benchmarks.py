"""The benchmarks of the README run, small: whole, they take minutes, and what they measure is for who runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

import test_readme
from test_readme import BENCHMARKS, Step, steps, wrong

checkout = test_readme.checkout
FOUND = [step for step in steps() if step.command.startswith(BENCHMARKS)]


@pytest.mark.parametrize("step", FOUND, ids=[step.command.removeprefix("python tests/") for step in FOUND])
def test_a_benchmark_runs_as_the_readme_says(step: Step, checkout: Path) -> None:
    assert not (message := wrong(step, checkout)), message


def test_the_readme_has_every_benchmark() -> None:
    folder = Path(test_readme.ROOT) / "tests" / "benchmarks"
    whole = {path.name for path in folder.glob("*.py") if "argparse" in path.read_text(encoding="utf-8")}
    scripts = {step.command.removeprefix(BENCHMARKS).lstrip("/").partition(" ")[0] for step in FOUND}
    assert {script or "__main__.py" for script in scripts} == whole
