"""What is shipped: the wheel and the source archive hold the starter kit, and the program finds it in a wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import tabellion
from support.contracts import ROOT
from support.program import contents, environment
from tabellion.commands.new import KIT
from tabellion.contract.folders import SETTINGS_FILE
from tabellion.outputs.guides import GUIDES, guide_name


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, built from the source archive as a package index would, and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, env=environment(), capture_output=True, check=True)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


def test_every_python_that_is_supported_is_tested_on_every_system() -> None:
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    systems, pythons = (re.findall(r"[\w.-]+", text) for text in re.findall(r"^        \w+: \[(.*)\]$", workflow, re.M))
    assert systems == ["ubuntu-latest", "windows-latest", "macos-latest"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f">={pythons[0]}" == project["requires-python"]
    named = [
        classifier.rpartition(" ")[2] for classifier in project["classifiers"] if re.search(r":: 3\.\d+$", classifier)
    ]
    assert pythons == named


def kit_files() -> set[str]:
    paths = set()
    for name in KIT:
        path = ROOT / name
        paths |= {name} if path.is_file() else {f"{name}/{content}" for content in contents(path)}
    return paths


def test_the_wheel_holds_the_program_and_the_starter_kit_and_nothing_else(archives: tuple[Path, Path]) -> None:
    names = {name for name in zipfile.ZipFile(archives[0]).namelist() if ".dist-info/" not in name}
    program = {
        f"tabellion/{content}" for content in contents(ROOT / "scripts" / "tabellion") if "__pycache__" not in content
    }
    assert names == program | {f"tabellion/starter/{file}" for file in kit_files()}


def test_an_index_would_take_both(archives: tuple[Path, Path]) -> None:
    version = tabellion.__version__
    assert [path.name for path in archives] == [f"tabellion-{version}-py3-none-any.whl", f"tabellion-{version}.tar.gz"]
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, archives)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"tabellion-{version}-py3" in (ROOT / "templates" / "guides" / "installateur.md").read_text(encoding="utf-8")


def test_the_source_archive_is_enough_to_work_on(archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[1]) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers()}
    assert kit_files() <= names
    more = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".ci/run", "tests/test_packaging.py"}
    assert more <= names
    assert not [
        name for name in names if name.endswith(".pyc") or (name.startswith("workbooks/") and name.endswith(".xlsx"))
    ]


def test_new_from_the_wheel_is_the_repository_s_own_workspace(archives: tuple[Path, Path], tmp_path: Path) -> None:
    """Unpacked beside the libraries of this environment; ``.ci/run`` installs it in an environment of its own."""
    zipfile.ZipFile(archives[0]).extractall(tmp_path / "site")
    command = [sys.executable, "-m", "tabellion", "new", "contrat"]
    subprocess.run(command, cwd=tmp_path, env=environment(PYTHONPATH=str(tmp_path / "site")), check=True)
    made = contents(tmp_path / "contrat")
    own = {f"workbooks/guides/{guide_name(guide)}" for guide in GUIDES} | {SETTINGS_FILE}  # which has its own name
    assert {name: made[name] for name in made.keys() - own} == {
        name: (ROOT / name).read_bytes() for name in kit_files() - own
    }
    assert own <= made.keys()
