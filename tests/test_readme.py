"""The README, the page of the commands and that of the benchmarks cannot drift: each command in them is run in a copy
of the checkout, and what it prints is compared.

A line ``…`` stands for any lines, ``…`` inside a line for any text. The set-up commands download libraries and the
whole benchmarks take minutes: here they run as the cheaper equivalents below; ``.ci/run`` runs the set-up as it is
written. The benchmarks have their own file, ``test_benchmarks.py``, which runs beside this one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.contracts import ROOT, SOURCE
from support.program import environment
from tabellion.contract.register import load_register
from tabellion.contract.workspace import find_workspace
from tabellion.measures import Accounts, walk

README = (ROOT / "README.md").read_text(encoding="utf-8")
#: The pages whose commands are run one after the other, in one copy.
PAGES = ["README.md", "scripts/tabellion/cli/README.md", "tests/benchmarks/README.md"]
#: No-break spaces look like spaces on a page.
SPACES = {0x00A0: " ", 0x202F: " "}
INSTALL = "python3 -m venv .venv && .venv/bin/pip install"
#: What a command runs as here.
CHEAPER = {
    f"{INSTALL} . && .venv/bin/tabellion generate": "tabellion generate",
    f"{INSTALL} -e '.[dev]' && .venv/bin/pytest": "python -m pytest --collect-only -q tests/test_readme.py",
    "python tests/benchmarks": "python tests/benchmarks --times 1 --rounds 1",
    "python tests/benchmarks/returns.py": "python tests/benchmarks/returns.py --returns 8 --sample 2 --rounds 1",
    "python tests/benchmarks/consolidation.py": "python tests/benchmarks/consolidation.py --quick",
    "python tests/benchmarks/watching.py": "python tests/benchmarks/watching.py --quick",
    "python tests/benchmarks/ensemble.py": "python tests/benchmarks/ensemble.py --quick",
    "python tests/benchmarks/compare.py main HEAD": "python tests/benchmarks/compare.py . . --quick",
}
BENCHMARKS = "python tests/benchmarks"
#: A file that is not a workbook, and a return with something that blocks.
EXIT_CODES = {
    "tabellion validate tabellion.toml": 2,
    "tabellion validate retour.xlsx --annoter annotes": 1,
    "tabellion consolidate": 1,
    "tabellion ensemble . 2>&1": 2,
    'tabellion diff workbooks/envois/2016/luce-2016.xlsx "workbooks/retours/luce (1).xlsx"': 1,
    "tabellion consolidate --silencieux --journal-texte workbooks/tabellion.log": 1,
}


#: Run by Python at its start: what only development installs is not there.
BARE = """import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


@dataclass(frozen=True)
class Step:
    """A command of the README, and the output that it prints under it."""

    command: str
    output: str


def blocks(language: str) -> list[str]:
    pages = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    return [
        text for page in pages for text in re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ]


def steps() -> list[Step]:
    """The commands in order: ``$ command`` and its output in a console block, or a line of a sh block."""
    steps = [Step(line, "…") for block in blocks("sh") for line in block.splitlines()]
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            steps.append(Step(command, output))
    return steps


def pattern(output: str) -> str:
    """A regular expression for an output: ``…`` alone on a line is any lines, elsewhere any text."""
    lines = output.rstrip("\n").split("\n") if output else []
    return "".join(
        r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in lines
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with what stands beside it and with ``tabellion`` and ``python`` on the path."""
    home = tmp_path_factory.mktemp("readme")
    hidden = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")

    def left_out(folder: str, names: list[str]) -> set[str]:
        generated = set(names) - {"registre"} if Path(folder) == ROOT / "workbooks" else set()
        return hidden(folder, names) | generated

    shutil.copytree(ROOT, home / "main", ignore=left_out)
    if SOURCE.exists():
        (home / "shared").symlink_to(SOURCE.parents[1])
    (home / "env").mkdir()
    (home / "env" / "sitecustomize.py").write_text(BARE.format(names=sorted(development_only())), encoding="utf-8")
    (home / "bin").mkdir()
    for name, words in {"tabellion": "-m tabellion ", "python": ""}.items():
        (home / "bin" / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n', encoding="utf-8")
        (home / "bin" / name).chmod(0o755)
    return home / "main"


def development_only() -> set[str]:
    """The packages at hand that the README's first command would not have installed."""
    wanted, queue = set[str](), [Requirement("tabellion")]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (key := f"{name}[{extra}]") not in wanted:
                wanted.add(key)
                try:
                    needs = map(Requirement, metadata.requires(name) or [])
                except metadata.PackageNotFoundError:
                    continue
                queue += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    names = {key.partition("[")[0] for key in wanted}
    return {
        package
        for package, owners in metadata.packages_distributions().items()
        if not names & set(map(canonicalize_name, owners))
    }


def test_the_environment_of_the_first_command_has_no_tool_of_development() -> None:
    assert {"openpyxl", "pytest", "hypothesis"} <= development_only()
    assert not {"lxml", "pandas", "typer", "tabellion"} & development_only()


def run(command: str, checkout: Path) -> str:
    """What a command prints, in the environment of its page; its exit code is 0, or that of what is shown."""
    bare = [] if command.startswith((INSTALL + " -e", BENCHMARKS)) else [str(checkout.parent / "env")]
    path = f"{checkout.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", CHEAPER.get(command, command)],
        cwd=checkout,
        env=environment(PATH=path, PYTHONPATH=os.pathsep.join([*bare, str(checkout / "scripts")]), COLUMNS="80"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == EXIT_CODES.get(command, 0), done.stdout + done.stderr
    return done.stdout.translate(SPACES)


def wrong(step: Step, checkout: Path) -> list[str]:
    """Run a command of the README: what it printed, where that is not what the README says."""
    printed = run(step.command, checkout)
    if re.fullmatch(pattern(step.output), printed):
        return []
    return [f"$ {step.command}\n{printed[:400]}\n[…]\n{printed[-400:]}"]


@pytest.mark.slow
def test_every_command_prints_what_the_readme_says(checkout: Path) -> None:
    faults = []
    for step in steps():
        if step.command.startswith(BENCHMARKS) or ("../shared" in step.command and not SOURCE.exists()):
            continue
        faults += wrong(step, checkout)
    assert not faults, "\n".join(faults)


def test_the_readme_begins_with_the_two_commands_that_do_everything() -> None:
    assert [step.command for step in steps()][:2] == list(CHEAPER)[:2]


def test_the_commands_that_set_everything_up_run_in_full_in_the_ci() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [command for command in CHEAPER if command.startswith(INSTALL) and command not in script] == []


def test_every_file_that_the_readme_names_is_there() -> None:
    pages = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
    linked = [
        str(Path(page).parent / words)
        for page, text in pages.items()
        for words in re.findall(r"\]\((?!https?:)([^)]+)\)", text)
    ]
    named = re.findall(
        r"`((?:tests|scripts|schemas|templates|workbooks|\.ci)/[\w./-]*|[\w-]+\.toml)`", "".join(pages.values())
    )
    generated = {path for path in named if path.startswith("workbooks/") and path != "workbooks/registre/"}
    generated |= {"templates/textes/convention-NN.md", "ensemble.toml"}  # what people write themselves
    assert [path for path in {*linked, *named} - generated if not (ROOT / path).exists()] == []


def test_the_totals_and_the_walk_are_those_of_the_register() -> None:
    workspace = find_workspace(ROOT)
    tables = load_register(workspace.registre, workspace.schemas, workspace.settings).tables
    walked = walk(Accounts(tables, workspace.settings.exercice))
    section = README.partition("## Totals")[2].partition("\n## ")[0]
    totals, steps_table = (
        part.split("|---|---:|\n")[1].split("\n\n")[0] for part in re.split(r"\n\n(?=\| from)", section)
    )
    assert [_cents(row) for row in totals.splitlines()] == [
        walked.published,
        walked.recomputed,
        walked.net,
    ]
    expected = [walked.published, *(step.cents for step in walked.steps), walked.recomputed]
    assert [_cents(row) for row in steps_table.splitlines()] == expected
    assert f"{len(walked.doubles)} lines of convention 7 are also in convention 8" in section
    assert f"for {_euros(walked.recomputed - walked.net)} euros; without them, {_euros(walked.net)}" in section.replace(
        "\n", " "
    )
    counts = [(len(tables[name]), noun) for name, noun in _COUNTED.items()]
    assert all(f"{count} {noun}" in README.replace("\n", " ") for count, noun in counts), counts


_COUNTED = {
    "piliers": "piliers", "conventions": "conventions", "fiches": "fiches action",
    "lignes_budgetaires": "budget lines", "collectivites": "collectivités",
}  # fmt: skip


def _cents(row: str) -> int:
    amount = row.rstrip("|").rpartition("|")[2]
    return int(re.sub(r"[^\d−]", "", amount).replace("−", "-")) * 100


def _euros(cents: int) -> str:
    return f"{cents // 100:,}".replace(",", " ")


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=]", needed)[0] for needed in project["dependencies"]}
    declared |= {
        f"{re.split(r'[<>=]', needed)[0]} (extra `{extra}`)"
        for extra, more in project["optional-dependencies"].items()
        for needed in more
        if extra != "dev"
    }
    table = README.partition("## What it uses")[2].partition("\nFor development")[0]
    named = {name for row in table.splitlines()[4:] if row for name in re.split(r", ", row.split("|")[1].strip())}
    assert all(cell.strip() for row in table.splitlines()[4:] if row for cell in row.strip("|").split("|"))
    assert named == declared
