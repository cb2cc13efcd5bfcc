"""The walls of the house: imports go one way, modules stay small, and the program knows no contract in particular."""

from __future__ import annotations

import ast
import csv
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from support.contracts import ROOT
from tabellion.findings import CATALOGUE
from tabellion.schema import SETTING_TABLES, load_schemas
from tabellion.wording import fold

PACKAGE = ROOT / "scripts" / "tabellion"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE_LINES = 350
#: Lines that say ``Any``, their imports among them: what no type tells.
MOST_ANY = 150
#: From the ground floor up: a room imports its own modules and those of the rooms before it.
ROOMS = (
    "addresses", "wording", "program", "findings", "processes", "transaction", "schema", "layout", "measures",
    "contract", "reading", "xlsx", "checks", "campaign", "importing", "outputs", "mail", "watching", "machine",
    "portfolio",
    "commands", "cli",
)  # fmt: skip


def name(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def room(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def imports(module: Path) -> Iterator[tuple[int, str]]:
    """Every import of the package in a module, wherever it stands: its line and the room it leads to."""
    for node in ast.walk(tree(module)):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(module)}:{node.lineno}: imports are written whole"
            whole = node.module or ""
            names = [f"{whole}.{imported.name}" for imported in node.names] if whole == "tabellion" else [whole]
        elif isinstance(node, ast.Import):
            names = [imported.name for imported in node.names]
        for imported in names:
            package, _, inside = imported.partition(".")
            if package == "tabellion" and inside and inside != "__version__":
                yield node.lineno, inside.partition(".")[0]


#: Names that say nothing of what they hold.
VAGUE = {"each", "found", "gone", "it", "rest", "said", "thing", "what"}


def names_given(module: Path) -> Iterator[tuple[str, int]]:
    """Every variable and parameter of a module, with its line."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


#: A class, or a name of a type (``CellKey = …``), at the left edge of a module.
_TYPE_NAME = re.compile(r"^(?:class (\w+)|([A-Z]\w*[a-z]\w*)(?:: TypeAlias)? = )", re.MULTILINE)


def test_every_module_is_in_a_known_room() -> None:
    assert {room(module) for module in MODULES} == {*ROOMS, "__init__", "__main__"}


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_imports_go_one_way(module: Path) -> None:
    allowed = ROOMS if room(module).startswith("__") else ROOMS[: ROOMS.index(room(module)) + 1]
    assert [(line, to) for line, to in imports(module) if to not in allowed] == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_modules_stay_small(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE_LINES


def test_few_values_have_no_type() -> None:
    assert (
        sum(len(re.findall(r"^.*\bAny\b", module.read_text(encoding="utf-8"), re.M)) for module in MODULES) <= MOST_ANY
    )


def test_a_type_has_one_name_and_a_name_one_type() -> None:
    """A class or a type alias that two modules define would mean two things."""
    homes: dict[str, list[str]] = {}
    for module in MODULES:
        for match in _TYPE_NAME.finditer(module.read_text(encoding="utf-8")):
            homes.setdefault(match[1] or match[2], []).append(name(module))
    assert {type_name: modules for type_name, modules in homes.items() if len(modules) > 1} == {}


def test_a_variable_is_named_by_what_it_holds() -> None:
    modules = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]
    vague = [(str(module), line, given) for module in modules for given, line in names_given(module) if given in VAGUE]
    assert vague == []


def test_the_importer_has_one_door() -> None:
    """What reads the published text is reached through its package: its modules are nobody else's."""
    inside = "tabellion.importing."
    outside = [module for module in MODULES if not name(module).startswith("importing/")]
    assert [name(module) for module in outside if inside in module.read_text(encoding="utf-8")] == []


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    raised = {
        (name(module), node.args[0].value)
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("finding", "refusal")
        and isinstance(node.args[0], ast.Constant)
    }
    assert [pair for pair in sorted(raised) if pair[1] not in CATALOGUE] == []


def places() -> set[str]:
    """The names of the register's towns, and the words that only its partners' names have."""
    registre = ROOT / "workbooks" / "registre"
    with (registre / "collectivites.csv").open(encoding="utf-8", newline="") as stream:
        return {word for row in csv.DictReader(stream) for word in re.findall(r"\w{4,}", fold(row["nom"]))} - {
            "metropole"
        }


def test_the_program_names_no_place_of_the_embedded_contract() -> None:
    known = places() | {"chartrain", "eure-et-loir", "beaulieu"}
    assert "chartres" in known
    word = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(known)))})\b")
    place_words = [(name(module), word.findall(fold(module.read_text(encoding="utf-8")))) for module in MODULES]
    assert [pair for pair in place_words if pair[1]] == []


def test_the_root_holds_only_what_the_design_says() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this checkout is not a git repository")
    tops = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    files = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "tabellion.toml"}
    folders = {"schemas", "templates", "workbooks", "scripts", "tests"}
    assert {top for top in tops if not top.startswith(".")} <= files | folders


def test_the_schemas_of_the_starter_are_those_of_the_register() -> None:
    tables = {path.stem for path in (ROOT / "workbooks" / "registre").glob("*.csv")} - {"lignes_source"}
    settings = set(SETTING_TABLES)  # tabellion.toml has their first values
    assert tables == set(load_schemas(ROOT / "schemas")) - settings
