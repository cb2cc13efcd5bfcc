"""A document of another town makes another contract: its own name, and a register that every command takes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from support.contracts import ROOT
from support.documents import document, small_contract
from tabellion.commands.import_document import Import, import_document
from tabellion.commands.new import create_empty_workspace
from tabellion.contract.register import register_settings
from tabellion.contract.workspace import Settings, Workspace, find_workspace
from tabellion.schema import SETTING_TABLES

NOW = datetime(2026, 3, 2)
TEXT = document(small_contract()).decode()


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    """A contract that holds nothing yet, of 2026 to 2031."""
    create_empty_workspace(tmp_path / "brest", NOW)
    return find_workspace(tmp_path / "brest")


def imported(workspace: Workspace, text: str) -> tuple[Settings, Import]:
    """Import a text over the contract; the settings that it has then."""
    path = workspace.root / "document.txt"
    path.write_text(text, encoding="utf-8")
    done = import_document(workspace, [path], None, force=True, now=NOW)
    return register_settings(workspace), done


def test_the_document_names_its_contract_and_its_years(empty: Workspace) -> None:
    part = "Partie II - Conventions thématiques\n"
    settings, done = imported(empty, TEXT.replace(part, f"{part}4 mai 2016\n"))
    assert settings.titre == "Contrat de ville de l'agglomération brestoise"
    assert settings.source == "Partie II, Conventions thématiques, 4 mai 2016"
    assert (settings.debut, settings.fin, settings.exercice, settings.exercice_courant) == (2015, 2020, 2013, 2020)
    assert settings.priorites == {1: 2016}
    assert [each.code for each in done.findings] == ["reglages-du-document"]


@pytest.mark.parametrize("under", ["2024-2030", "Période 2024 – 2030", "du 12 mars 2024 – avenant n° 1\n2024 à 2030"])
def test_the_years_may_stand_under_the_title(empty: Workspace, under: str) -> None:
    settings, _ = imported(empty, TEXT.replace("brestoise 2015 – 2020", f"brestoise\n{under}"))
    assert (settings.debut, settings.fin, settings.exercice_courant) == (2024, 2030, 2026)
    assert settings.titre == "Contrat de ville de l'agglomération brestoise"


def test_what_staff_set_stays_and_what_the_document_says_instead_is_said(empty: Workspace) -> None:
    imported(empty, TEXT)
    path = empty.registre / f"{SETTING_TABLES[0]}.csv"
    text = path.read_text(encoding="utf-8").replace("l'agglomération brestoise", "Brest métropole")
    path.write_text(text, encoding="utf-8")
    settings, done = imported(empty, TEXT)
    assert settings.titre == "Contrat de ville de Brest métropole"
    (said,) = [each for each in done.findings if each.code == "reglage-dit-autrement"]
    assert (said.champ, said.attendu) == ("titre", settings.titre)


def test_the_contract_of_the_repository_needs_no_more_than_its_file_of_settings(tmp_path: Path) -> None:
    """What ``tabellion.toml`` says already is no table of the register."""
    source = ROOT.parent / "shared" / "source" / "conventions-thematiques-2015-2020.txt"
    if not source.exists():
        pytest.skip("sans le document publié")
    done = import_document(find_workspace(ROOT), [source], tmp_path / "registre", force=False, now=NOW)
    assert "reglages-du-document" not in [each.code for each in done.findings]
    names = {path.name for path in done.folder.iterdir()} - {"correspondance.xlsx"}
    assert not names & {f"{name}.csv" for name in SETTING_TABLES}
    kept = ROOT / "workbooks" / "registre"
    assert all((done.folder / name).read_bytes() == (kept / name).read_bytes() for name in names)
