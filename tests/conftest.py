"""What every test runs under, and the workspace that many of them start from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from support import libreoffice
from support.contracts import ROOT, SOURCE
from tabellion.commands.new import KIT

# Durations depend on the machine, and two cores are shared: a slow example is not a wrong one. In CI the examples are
# the same at every run, so that a red run is about the change; developers' runs go on looking for new ones.
settings.register_profile("tabellion", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tabellion")

# The session's LibreOffice: see its module.
_office_box, office = libreoffice._office_box, libreoffice.office


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, by name and with the reason, what this machine cannot run."""
    for item in items:
        if item.get_closest_marker("source") and not SOURCE.exists():
            item.add_marker(pytest.mark.skip(reason=f"the published document is not at {SOURCE}"))
        if item.get_closest_marker("libreoffice") and (lack := libreoffice.missing()) is not None:
            item.add_marker(pytest.mark.skip(reason=f"LibreOffice cannot be driven: {lack}"))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the repository's own workspace, with no generated file in it."""
    folder = tmp_path / "contrat"
    for name in KIT:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target)
        else:
            shutil.copy(ROOT / name, target)
    return folder
