"""A register that a French Excel saved is read; all its mistakes are said at once, and their remedies work."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from support.contracts import SETTINGS, followed, save_register, schemas, small_rows, tables_of
from tabellion.checks.contract import check_integrity
from tabellion.contract.register import load_register
from tabellion.findings import Finding, TabellionError
from tabellion.schema import SETTING_TABLES
from tabellion.schema.tables import Tables

Grid = list[list[str]]


def tables() -> Tables:
    rows = small_rows()
    rows["suivis"] = [followed("I-1.1./1", 2016, pourcentage=40, date_bilan=date(2016, 12, 31), montant_engage=12_50)]
    rows["lignes_budgetaires"][0]["montant_realise"] = 1_234_567_89
    rows["fiches"][0]["cpo"] = True
    return tables_of(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_register(tmp_path / "registre", tables(), schemas(), identifiant="essai", titre="Contrat d'essai")
    return tmp_path / "registre"


def grid_of(path: Path) -> Grid:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def as_excel(folder: Path, change: Callable[[str, Grid], None], encoding: str = "cp1252") -> None:
    """Save every table as a French Excel does: semicolons, its signs and line ends, blank columns and rows."""
    for path in folder.glob("*.csv"):
        grid = grid_of(path)
        change(path.stem, grid)
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=";", lineterminator="\r\n").writerows(grid)
        path.write_bytes(stream.getvalue().encode(encoding))


def french(text: str) -> str:
    """A cell as a French Excel shows it, and saves it."""
    if match := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text):
        return f"{match[3]}/{match[2]}/{match[1]}"
    if re.fullmatch(r"\d+\.\d\d", text):
        return f"{int(text[:-3]):,}".replace(",", "\u00a0") + f",{text[-2:]}"
    return {"oui": "VRAI", "non": "FAUX"}.get(text, text)


def reload(folder: Path) -> Tables:
    return load_register(folder, schemas(), SETTINGS, check=check_integrity).tables


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig"])
def test_what_a_french_excel_saved_is_read(folder: Path, encoding: str) -> None:
    def change(name: str, grid: Grid) -> None:
        grid[:] = [[french(text) for text in row][::-1] for row in grid]  # its columns in another order
        if name == "lignes_budgetaires":  # a column that a table can do without
            removed_column = grid[0].index("commentaire")
            grid[:] = [[*row[:removed_column], *row[removed_column + 1 :]] for row in grid]
        grid[:] = [["", *row, ""] for row in grid]
        grid.insert(1, [""] * len(grid[0]))
        grid.append([" "] * len(grid[0]))

    as_excel(folder, change, encoding)
    read, expected = reload(folder), tables()
    for name in set(expected) - set(SETTING_TABLES):
        assert read[name] == expected[name], name


def spoilt(name: str, grid: Grid) -> None:
    """Mistakes of every kind, several in a file."""
    columns = {column: place for place, column in enumerate(grid[0])}

    def put(row: int, column: str, text: str) -> None:
        grid[row][columns[column]] = text

    if name == "lignes_budgetaires":
        put(1, "montant_realise", "deux cents")
        put(2, "montant_realise", "250,505")
        put(2, "exercice", "l'an passé")
        put(3, "convention_id", "9")
        put(4, "collectivite_id", "lucé")
    elif name == "suivis":
        put(1, "pourcentage", "presque tout")
        put(1, "date_bilan", "31/02/2016")
    elif name == "fiches":
        put(1, "cpo", "peut-être")
        put(2, "axe_id", "I-1.")
        put(4, "fiche_id", "II 3.1./1")
    elif name == "axes":
        put(2, "axe_id", grid[1][columns["axe_id"]])


def mistakes(folder: Path) -> list[Finding]:
    with pytest.raises(TabellionError) as caught:
        reload(folder)
    return list(caught.value.findings)


def test_all_mistakes_of_all_columns_are_said_in_one_round(folder: Path) -> None:
    as_excel(folder, spoilt)
    places = {
        (Path(str(mistake.place.fichier)).stem, mistake.place.ligne, mistake.champ) for mistake in mistakes(folder)
    }
    assert places == {
        ("lignes_budgetaires", 2, "montant_realise"), ("lignes_budgetaires", 3, "montant_realise"),
        ("lignes_budgetaires", 3, "exercice"), ("lignes_budgetaires", 4, "convention_id"),
        ("lignes_budgetaires", 5, "collectivite_id"), ("suivis", 2, "pourcentage"), ("suivis", 2, "date_bilan"),
        ("fiches", 2, "cpo"), ("fiches", 3, "axe_id"), ("fiches", 5, "fiche_id"), ("axes", 3, "axe_id"),
        ("fiches", 4, "axe_id"),
    }  # fmt: skip


def remedied(finding: Finding) -> str:
    """What a remedy says to write, to the letter."""
    for pattern in (r"comme ([\w.-]+?),? ", r"(?:Choisissez|Ressaisissez) « ([^»]+) »", r"Écrivez (oui) ou non"):
        if match := re.search(pattern, finding.suggestion + " "):
            return match[1]
    return "1" if finding.champ == "convention_id" else "I-2"  # another identifier; one of the table


def test_each_remedy_followed_to_the_letter_makes_the_register_right(folder: Path) -> None:
    as_excel(folder, spoilt)
    for finding in mistakes(folder):
        path = folder / Path(str(finding.place.fichier)).name
        grid = list(csv.reader(io.StringIO(path.read_bytes().decode("cp1252"), newline=""), delimiter=";"))
        assert finding.place.ligne is not None
        grid[finding.place.ligne - 1][grid[0].index(str(finding.champ))] = remedied(finding)
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=";", lineterminator="\r\n").writerows(grid)
        path.write_bytes(stream.getvalue().encode("cp1252"))
    assert check_integrity(load_register(folder, schemas(), SETTINGS)) == []
