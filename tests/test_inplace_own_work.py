"""An agent's own work in the contract's workbook stays when lines are added and removed, and follows its rows."""

from __future__ import annotations

import io
import re
import warnings
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from lxml import etree

from support.libreoffice import LibreOffice
from support.masters import Package, master
from support.own_work import OWN_SHEET, with_own_work
from tabellion.layout.names import table_name
from tabellion.xlsx import signature
from tabellion.xlsx.inplace.patch import AddedRows, CellEdit, Changes, Patched, RowToRemove, patch_tables

PLAN, MASTER = master("Chartres")
LINES = PLAN.data[table_name("lignes_budgetaires", 1)]
SHEET = PLAN.sheets[LINES.sheet]
OTHER = PLAN.sheets[PLAN.data[table_name("lignes_budgetaires", 2)].sheet]
#: The one-based rows of the lines, and those that the test removes.
FIRST, LAST = LINES.row + 2, LINES.last_row + 1
REMOVED = (20, 52)
AMOUNT = 5


def amounts(sheet: str, first: int, last: int) -> dict[int, float]:
    """The amounts of a sheet by one-based row."""
    cells = Package(MASTER).cells[sheet]
    by_row = {row: cells[row - 1, AMOUNT - 1][0] or 0.0 for row in range(first, last + 1)}
    return {row: value for row, value in by_row.items() if isinstance(value, float)}


@cache
def own() -> bytes:
    """The master with an agent's own work, every cached value right."""
    assert (FIRST, LAST) == (13, 52)
    here = amounts(SHEET, FIRST, LAST)
    lines = PLAN.data[table_name("lignes_budgetaires", 2)]
    total, from_row_30 = sum(here.values()), sum(value for row, value in here.items() if row >= 30)
    towns = [Package(MASTER).cells[SHEET][row - 1, 0][0] for row in range(FIRST, LAST + 1)]
    values = {f"L{row}": 2 * value for row, value in here.items()}
    values |= {"E60": total, "E61": here[30] + 1, "E62": 2 * here[30], "E63": 2 * here[31]}
    values |= {
        "A1": total,
        "A2": here[30],
        "A3": total,
        "A4": here[20],
        "A5": 2 * total,
        "A6": total,
        "A8": from_row_30,
    }
    own_cells = values["E60"] + values["E61"] + values["E62"] + values["E63"]
    subtotals = [
        value for row in range(6, 11) if isinstance(value := Package(MASTER).cells[SHEET][row - 1, 4][0], float)
    ]
    values |= {"A7": total + own_cells + sum(subtotals), "A10": 2, "A11": towns.count("Lucé")}
    values["A9"] = sum(amounts(OTHER, lines.row + 2, lines.last_row + 1).values())
    return with_own_work(MASTER, SHEET, (FIRST, LAST), values)


@cache
def patched() -> Patched:
    """An amount changed, three lines added, two removed."""
    new = [{1: "Lucé", 2: f"Ligne {rank}", 3: 2013, AMOUNT: 1000 + rank} for rank in range(3)]
    changes = Changes(
        cells=[CellEdit(SHEET, 14, AMOUNT, 12_345.5)],
        added=[AddedRows(SHEET, LINES.row + 1, new)],
        removed=[RowToRemove(SHEET, row, 1) for row in REMOVED],
    )
    return patch_tables(own(), changes)


def part(name: str, content: bytes | None = None) -> str:
    return Package(patched().data if content is None else content).parts[name].decode()


def sheet_part() -> str:
    return part(Package(own()).sheet_parts[SHEET])


def cell(ref: str, name: str = SHEET) -> etree._Element:
    root = etree.fromstring(part(Package(own()).sheet_parts[name]).encode())
    (element,) = root.iterfind(f".//{{*}}c[@r='{ref}']")
    return element


def formula(ref: str, name: str = SHEET) -> str | None:
    return cell(ref, name).findtext("{*}f")


def cached(ref: str, name: str = SHEET) -> str | None:
    return cell(ref, name).findtext("{*}v")


def test_no_change_gives_the_same_bytes() -> None:
    assert patch_tables(own(), Changes()).data == own()


def test_only_the_parts_that_the_change_concerns_are_written() -> None:
    before, after = Package(own()), Package(patched().data)
    changed = {name for name, content in after.parts.items() if before.parts.get(name) != content}
    tables = {name for name, content in before.parts.items() if b' name="Lignes_01"' in content}
    sheets = {before.sheet_parts[PLAN.sheets[key]] for key in ("Accueil", "Synthèse", "Rapprochement")}
    objects = {
        "xl/comments1.xml", "xl/threadedComments/threadedComment1.xml", "xl/drawings/vmlDrawing1.vml",
        "xl/drawings/drawing9.xml", "xl/charts/chart9.xml",
    }  # fmt: skip
    book = {"xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"}
    own_sheets = {before.sheet_parts[SHEET], before.sheet_parts[OWN_SHEET]}
    assert changed == tables | sheets | objects | book | own_sheets
    # The order of calculation is dropped with what leads to it, for Excel to make it anew.
    assert before.parts.keys() - after.parts.keys() == {"xl/calcChain.xml"}
    assert "calcChain" not in part("xl/_rels/workbook.xml.rels") + part("[Content_Types].xml")
    assert not signature.is_intact(patched().data)


def test_the_sheets_that_only_lost_values_differ_in_nothing_else() -> None:
    for name in ("Accueil", "Synthèse", "Rapprochement"):
        key = Package(own()).sheet_parts[PLAN.sheets[name]]
        before, after = (
            etree.fromstring(Package(package_bytes).parts[key]) for package_bytes in (own(), patched().data)
        )
        emptied = {
            element.get("r") for element in after.iter("{*}c") if element.find("{*}f") is not None and len(element) == 1
        }
        assert emptied
        for element in before.iter("{*}c"):
            if element.get("r") in emptied:
                element.remove(element.find("{*}v"))
                element.attrib.pop("t", None)
        assert etree.tostring(before, method="c14n") == etree.tostring(after, method="c14n")


def test_own_columns_follow_their_lines() -> None:
    remarks = {ref: cell(ref).findtext(".//{*}t") for ref in ("M14", "M29")}
    assert remarks == {"M14": "remarque 14", "M29": "remarque 30"}
    assert patched().lost[SHEET, 20, 13] == "remarque 20"
    # The shared formula is each line's own, and goes on on the new lines.
    assert [formula(f"L{row}") for row in (13, 19, 20, 50, 53)] == ["E13*2", "E19*2", "E20*2", "E50*2", "E53*2"]
    assert 't="shared"' not in sheet_part()
    assert cached("L20") == f"{2 * amounts(SHEET, 21, 21)[21]:g}"  # what was row 21 is what it was
    assert [cached(ref) for ref in ("L14", "L51")] == [None, None]


def test_new_lines_look_like_the_others() -> None:
    """Not like the last one, which somebody has coloured."""
    columns = "ABCDEFGHIJK"
    styles = [[cell(f"{column}{row}").get("s") for column in columns] for row in (12, 13, 51, 53)]
    assert styles[0] != styles[1] == styles[2] == styles[3]
    (hidden,) = re.findall(r'<row r="(\d+)"[^>]* hidden="1"', sheet_part())
    assert hidden == "16"


def test_formulas_under_and_elsewhere_follow() -> None:
    quoted = f"'{SHEET}'"
    assert [formula(ref) for ref in ("E61", "E62", "E63")] == ["SUM(E13:E53)", "E29+1", "E29:E30*2"]
    assert cell("E63").find("{*}f").get("ref") == "E63:E64"
    own_formulas = [formula(f"A{row}", OWN_SHEET) for row in range(1, 12)]
    assert own_formulas == [
        f"SUM({quoted}!E13:E53)", f"{quoted}!$E$29", "SUM(Lignes_01[Montant réalisé (€)])", f"{quoted}!#REF!", "A1+A3",
        'INDIRECT("A1")', f"SUM({quoted}!E:E)", "SUM(Maison)", "SUM(Lignes_02[Montant réalisé (€)])", "1+1",
        f'COUNTIF({quoted}!A13:A53,"Lucé")',
    ]  # fmt: skip
    # It never held the table's first lines: it is not the table's column, and does not grow.
    assert Package(patched().data).names["Maison"] == f"{quoted}!$E$29:$E$50"


def test_values_that_may_be_stale_are_dropped_and_no_other() -> None:
    kept = {row for row in range(1, 12) if cached(f"A{row}", OWN_SHEET) is not None}
    assert kept == {2, 9, 10}
    assert cached("E62") is not None
    assert cached("E61") is None
    uncomputed = {place for place in patched().uncomputed if place[0] == OWN_SHEET}
    assert uncomputed == {(OWN_SHEET, row, 1) for row in (1, 3, 4, 5, 6, 7, 8, 11)}
    assert 'fullCalcOnLoad="1"' in part("xl/workbook.xml")


def test_rules_links_breaks_and_views_follow() -> None:
    text = sheet_part()
    rules = dict(re.findall(r'<conditionalFormatting sqref="([^"]*)">.*?<formula>(.*?)</formula>', text))
    assert rules["A13:K53"] == "$A13&lt;&gt;$A12"
    assert "E20" not in rules  # its cell is gone
    assert re.findall(r'<dataValidation [^>]*sqref="(A[^"]*)"', text) == ["A13:A253"]
    assert re.findall(r"<xm:f>(.*?)</xm:f>", text) == [
        f"$E13&gt;'{SHEET}'!$E$29", f"'{SHEET}'!$M$14:$M$29", f"'{SHEET}'!D29:E29",
    ]  # fmt: skip
    assert re.findall(r"<xm:sqref>(.*?)</xm:sqref>", text) == ["E13:E53", "M13:M53", "N29"]
    assert re.findall(r'<mergeCells count="1"><mergeCell ref="(.*?)"/></mergeCells>', text) == ["A61:B61"]
    links = re.findall(r'<hyperlink ref="([A-Z]\d+)" location="([^"]*)"', text)
    assert links[2:] == [("B39", f"'{SHEET}'!E44")]
    assert '<brk id="39" max="16383" man="1"/>' in text
    assert '<ignoredError sqref="B13:B53"' in text
    assert 'zoomScale="85"' in text
    assert 'topLeftCell="A4"' in text
    assert 'activeTab="14"' in part("xl/workbook.xml")


def test_notes_and_threads_follow() -> None:
    assert re.findall(r'<comment ref="(\w+)"', part("xl/comments1.xml")) == ["E29", "B39"]
    assert re.findall(r'ref="(\w+)"', part("xl/threadedComments/threadedComment1.xml")) == ["B39", "B39"]
    boxes = part("xl/drawings/vmlDrawing1.vml")
    assert re.findall(r"<x:Row>(\d+)</x:Row>", boxes) == ["28", "38"]
    assert re.findall(r"<x:Anchor>(.*?)</x:Anchor>", boxes) == [
        "6, 15, 27, 2, 8, 31, 31, 1", "2, 15, 37, 2, 4, 31, 41, 1",
    ]  # fmt: skip


def test_charts_and_the_table_follow() -> None:
    assert re.findall(r"<c:f>(.*?)</c:f>", part("xl/charts/chart9.xml")) == [f"'{SHEET}'!$E$13:$E$53"]
    assert re.findall(r"<xdr:row>(\d+)</xdr:row>", part("xl/drawings/drawing9.xml")) == ["65", "81"]
    (table,) = (
        content.decode() for content in Package(patched().data).parts.values() if b' name="Lignes_01"' in content
    )
    assert re.findall(r' ref="([^"]*)"', table) == ["A12:K53", "A12:K53", "A13:K53", "B13:B53"]
    assert '<filter val="Chartres"/>' in table


def test_openpyxl_reads_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it says what it does not know: the rules of Excel 2010
        book = openpyxl.load_workbook(io.BytesIO(patched().data))
    assert book[SHEET]["E29"].comment.text == "vu"
    assert book[SHEET].tables["Lignes_01"].ref == "A12:K53"


def test_every_part_is_valid(tmp_path: Path) -> None:
    audit = pytest.importorskip("openxml_audit")
    faults = {}
    for name, content in (("own", own()), ("patched", patched().data)):
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(content)
        faults[name] = [error.description for error in audit.OpenXmlValidator().validate(path).errors]
    assert faults == {"own": [], "patched": []}


@pytest.mark.libreoffice
def test_libreoffice_computes_what_the_file_holds(office: LibreOffice, tmp_path: Path) -> None:
    """Values that are still there are right, and those that were dropped are computed when the file is opened."""
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(patched().data)
    office.open(path)
    opened = office.read()
    office.recalculate()
    computed = office.read()
    package = Package(patched().data)
    wrong = []
    for sheet, cells in package.cells.items():
        for place, (value, text) in cells.items():
            if text is None:
                continue
            there = computed[sheet][place].value
            close = isinstance(value, float) and isinstance(there, float) and abs(value - there) < 0.005
            if value is not None and not close and value != there:
                wrong.append((sheet, place, text, value, there))
            if opened[sheet][place] != computed[sheet][place]:
                wrong.append((sheet, place, text, opened[sheet][place], there))
    assert wrong == []
    total = sum(value for row, value in amounts(SHEET, FIRST, LAST).items() if row not in (*REMOVED, 14))
    assert computed[OWN_SHEET][2, 0].value == pytest.approx(total + 12_345.5 + 3003)
    errors = {(sheet, place) for sheet, cells in computed.items() for place, cell in cells.items() if cell.error}
    assert errors == {(OWN_SHEET, (3, 0))}  # it names the line that was removed
