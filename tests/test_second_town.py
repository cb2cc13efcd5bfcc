"""A second town, from its PDF to its first forms, as the page of the commands walks; nothing of the first one in it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from support.contracts import ROOT
from support.excel import Excel, edited
from support.program import tabellion

PAGE = (ROOT / "scripts" / "tabellion" / "cli" / "README.md").read_text(encoding="utf-8")
TITLE = "Contrat de ville de l'agglomération brestoise"
#: The names of the embedded contract: its agglomeration, its towns.
FIRST = re.compile(rb"chartr|luc\xc3\xa9\b|mainvilliers", re.IGNORECASE)
SETTINGS, KEY, VALUE = "Reglages", "Identifiant du réglage", "Valeur"


def walk() -> list[list[str]]:
    """The commands of the walk, in its order, each as its arguments."""
    part = PAGE[PAGE.index("## A second town") :]
    steps = re.findall(r"^(\d+)\. ", part, re.MULTILINE)
    assert 1 <= len(steps) <= 10
    return [line.split() for line in re.findall(r"^ *\$ tabellion (.+)$", part, re.MULTILINE)]


def confirm(book: Excel) -> None:
    """What a person looks at in « Réglages », and chooses there."""
    shown = {book.get(SETTINGS, row, KEY): book.get(SETTINGS, row, VALUE) for row in book.rows(SETTINGS)}
    assert shown["titre"] == TITLE
    assert (shown["debut"], shown["fin"], shown["exercice"], shown["priorites"]) == (2015, 2020, 2013, "1 = 2016")
    book.type(SETTINGS, book.find(SETTINGS, **{KEY: "exercice_courant"}), **{VALUE: 2018})
    book.type(SETTINGS, book.find(SETTINGS, **{KEY: "contact_nom"}), **{VALUE: "Service de la ville"})


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the second town, at the end of the walk."""
    home = tmp_path_factory.mktemp("walk")
    (home / "tests").symlink_to(ROOT / "tests")
    *before, forms = walk()
    for command in before:
        done = tabellion(*command, cwd=home)
        assert done.code == 0, done.err
    edited(home / "brest" / "workbooks" / "contrat.xlsx", confirm, saved=datetime(2018, 3, 1, 9))
    done = tabellion(*forms, cwd=home)
    assert done.code == 0, done.err
    return home / "brest"


def test_the_first_forms_bear_the_towns_own_name_and_what_was_typed(town: Path) -> None:
    written = sorted((town / "workbooks" / "envois" / "2018").glob("*.xlsx"))
    assert [path.name for path in written] == [
        "brest-2018.xlsx", "brest-metropole-2018.xlsx", "conseil-regional-bretagne-2018.xlsx", "etat-2018.xlsx",
        "guipavas-2018.xlsx",
    ]  # fmt: skip
    book = openpyxl.load_workbook(written[0], read_only=True)
    texts = " ".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell)
    assert TITLE in texts
    assert "Service de la ville" in texts
    assert "Cantine" in texts


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file; of a package, those of its parts, and of the packages in them."""
    data = path.read_bytes()
    yield data
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from map(archive.read, archive.namelist())


def test_nothing_of_the_first_town_is_in_what_the_second_one_sends_out(town: Path) -> None:
    for command in (["consolidate"], ["relances"], ["publish"], ["annexe", "--exercice", "2013"], ["export"]):
        done = tabellion(*command, cwd=town)
        assert done.code in (0, 1), done.err
    files = [path for path in sorted(town.rglob("*")) if path.is_file()]
    assert {"contrat.xlsx", "consolidation.xlsx", "rapport.html", "datapackage.json"} <= {path.name for path in files}
    assert [path.relative_to(town) for path in files if any(map(FIRST.search, contents(path)))] == []


def test_an_adapted_copy_is_called_after_its_folder(tmp_path: Path) -> None:
    assert tabellion("new", "ailleurs", cwd=tmp_path).code == 0
    settings = (tmp_path / "ailleurs" / "tabellion.toml").read_text(encoding="utf-8")
    assert 'id = "ailleurs"' in settings
    assert not FIRST.search(settings.encode())
