"""Changes made in a workbook that LibreOffice saved: its formulas, its notes, its filters, own columns and sheets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.libreoffice import LibreOffice
from support.masters import Package, master
from support.office_files import Editor
from tabellion.addresses import parse_cell
from tabellion.layout.names import table_name
from tabellion.reading import parse_bytes
from tabellion.reading.master import ParsedMaster, read_master
from tabellion.xlsx.inplace.patch import AddedRows, CellEdit, Changes, Patched, RowToRemove, patch_tables

PLAN, MASTER = master("Chartres")
LINES = PLAN.data[table_name("lignes_budgetaires", 1)]
SHEET = PLAN.sheets[LINES.sheet]
COUNT = len(LINES.indexes)
#: The zero-based place of an own column.
OWN = 2
OWN_SHEET = "Nos calculs"


@pytest.fixture
def edited(editor: Editor, tmp_path: Path) -> bytes:
    """The master as a coordinator leaves it."""
    first, last = LINES.row + 1, LINES.last_row
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(MASTER)
    editor.open(path)
    editor.call("insert_columns", sheet=SHEET, column=OWN, count=1)
    editor.set(SHEET, LINES.row, OWN, "Notre avis")
    editor.set(SHEET, first + 1, OWN, "à revoir")
    for row in range(first, last + 1):
        editor.call("set_formula", sheet=SHEET, row=row, column=12, formula=f"=F{row + 1}*2")
    editor.set(SHEET, last + 3, 13, "Notre total")
    editor.call("set_formula", sheet=SHEET, row=last + 3, column=14, formula=f"=SUM(F{first + 1}:F{last + 1})")
    editor.call("annotate", sheet=SHEET, row=first + 5, column=1, text="vu avec la mairie")
    editor.call("annotate", sheet=SHEET, row=first + 3, column=1, text="à supprimer")
    editor.call("colour", sheet=SHEET, row=last, column=1, colour=0xFFFF00)
    editor.call("filter", sheet=SHEET, area=[LINES.row, 0, last, 11], column=0, text="Lucé")
    editor.call("add_sheet", name=OWN_SHEET)
    cells = (f"SUM($'{SHEET}'.F{first + 1}:F{last + 1})", f"$'{SHEET}'.F{first + 6}", "A1-A2")
    for row, text in enumerate(cells):
        editor.call("set_formula", sheet=OWN_SHEET, row=row, column=0, formula=f"={text}")
    editor.recalculate()
    return editor.save(tmp_path / "modifie.xlsx").read_bytes()


def read(content: bytes) -> ParsedMaster:
    contract = PLAN.contract
    return read_master(parse_bytes(content, "contrat.xlsx"), contract.schemas, contract.settings.identifiant)


def changed(content: bytes) -> Patched:
    """The second line's amount, the fourth line removed, two lines added: at the addresses that reading gives."""
    reading = read(content)
    area = reading.row_sources["lignes_budgetaires"][0].area
    row, column = parse_cell(reading.locate("lignes_budgetaires", 1, "montant_realise").cellule or "")
    removed_row, _ = parse_cell(reading.locate("lignes_budgetaires", 3).cellule or "")
    titles = {name: area.columns[PLAN.contract.schemas["lignes_budgetaires"].by_name[name].title] for name in FIELDS}
    new = [dict(zip(titles.values(), ("Lucé", f"Ligne {rank}", 2013, 500), strict=True)) for rank in range(2)]
    return patch_tables(
        content,
        Changes(
            cells=[CellEdit(SHEET, row, column, 13_000)],
            added=[AddedRows(SHEET, area.header_row, new)],
            removed=[RowToRemove(SHEET, removed_row, 1)],
        ),
    )


FIELDS = ("collectivite_id", "libelle", "exercice", "montant_realise")


def test_the_tables_say_what_was_changed_and_nothing_else(edited: bytes) -> None:
    patched = changed(edited)
    before, after = read(edited).tables, read(patched.data).tables
    rows, lines = before["lignes_budgetaires"].rows, after["lignes_budgetaires"].rows
    assert lines[1] == rows[1] | {"montant_realise": 13_000_00}
    assert lines[: COUNT - 1] == [rows[0], lines[1], rows[2], *rows[4:COUNT]]
    assert [(line["libelle"], line["montant_realise"]) for line in lines[COUNT - 1 : COUNT + 1]] == [
        ("Ligne 0", 500_00), ("Ligne 1", 500_00),
    ]  # fmt: skip
    assert lines[COUNT + 1 :] == rows[COUNT:]
    for name in PLAN.contract.schemas:
        if name != "lignes_budgetaires":
            assert after[name].rows == before[name].rows, name


def test_own_work_stays_and_follows(edited: bytes) -> None:
    patched = changed(edited)
    package = Package(patched.data)
    cells, last = package.cells[SHEET], LINES.last_row + 1
    assert cells[LINES.row, OWN][0] == "Notre avis"
    assert cells[LINES.row + 2, OWN][0] == "à revoir"
    assert [cells[row, 12][1] for row in (LINES.row + 1, last - 2, last - 1, last)] == [
        f"F{row + 1}*2" for row in (LINES.row + 1, last - 2, last - 1, last)
    ]
    assert cells[last + 3, 13][0] == "Notre total"
    assert cells[last + 3, 14][1] == f"SUM(F{LINES.row + 2}:F{last + 1})"
    assert package.tables[LINES.name].area == (LINES.row, 0, last, 11)
    names = [cell[1] for _, cell in sorted(package.cells[OWN_SHEET].items())]
    assert names[2] == "A1-A2"
    assert [re.sub(r"^.*!", "", name or "") for name in names[:2]] == [
        f"F{LINES.row + 2}:F{last + 1})", f"F{LINES.row + 6}",
    ]  # fmt: skip
    (notes,) = (part.decode() for name, part in package.parts.items() if "comments" in name and name.endswith(".xml"))
    assert re.findall(r'ref="(\w+)"', notes) == [f"B{LINES.row + 6}"]
    hidden = [
        re.findall(
            r'<row r="(\d+)"[^>]*hidden="(?:1|true)"', Package(content).parts[package.sheet_parts[SHEET]].decode()
        )
        for content in (edited, patched.data)
    ]
    followed = [patched.row(SHEET, int(row), 1) for row in hidden[0]]
    assert [int(row) for row in hidden[1]] == [row for row in followed if row is not None]
    assert len(hidden[1]) > 10


@pytest.mark.libreoffice
@pytest.mark.parametrize("editor", ["LibreOffice"], indirect=True)
def test_libreoffice_agrees_with_every_value(edited: bytes, office: LibreOffice, tmp_path: Path) -> None:
    patched = changed(edited)
    path = tmp_path / "adopte.xlsx"
    path.write_bytes(patched.data)
    office.open(path)
    office.recalculate()
    computed, package = office.read(), Package(patched.data)
    wrong, kept = [], 0
    for sheet, cells in package.cells.items():
        for place, (value, formula) in cells.items():
            if formula is None or value is None:
                continue
            kept += 1
            there = computed[sheet][place].value
            close = isinstance(value, float) and isinstance(there, float) and abs(value - there) < 0.005
            if not close and value != there:
                wrong.append((sheet, place, formula, value, there))
    assert wrong == []
    assert kept > 500
    assert computed[OWN_SHEET][2, 0].value == pytest.approx(
        sum(
            (row["montant_realise"] or 0) / 100
            for place, row in enumerate(read(patched.data).tables["lignes_budgetaires"].rows[: COUNT + 1])
            if place != 4
        )
    )
