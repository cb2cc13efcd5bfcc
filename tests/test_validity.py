"""Every kind of workbook and document that the program writes is valid against the ECMA-376 schemas."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import openpyxl.utils
import pytest
from openpyxl.comments import Comment
from openxml_audit import OpenXmlValidator, ValidationSeverity

from support.every_kind import content_of, saved_by_openpyxl
from support.masters import theme
from support.office_files import FOLDER, Archive
from support.returned import form
from support.web_tools import TOOLS, refilled
from tabellion.findings import Place, finding
from tabellion.layout.names import TO_ANNOTATIONS
from tabellion.xlsx.annotation import annotated_copy
from tabellion.xlsx.notes import VML, commented_cell
from tabellion.xlsx.package import PackageEditor
from tabellion.xlsx.signature import with_parts

#: The wide contract has all sheets and columns, and few rows; the rich consolidation every status of a return.
KINDS = (
    "contrat large", "formulaire", "formulaire large", "consolidation", "consolidation large", "annexe large",
    "différences", "copie annotée", "document",
)  # fmt: skip
#: ECMA-376 (part 1, 11.3.10) lets a document have a theme and a table of fonts; the checker asks for both.
_NOT_REQUIRED = "A required relationship type"


def mistakes(content: bytes, path: Path) -> set[str]:
    """What the schemas and the rules beside them say against a file, where Excel or Word would repair it."""
    path.write_bytes(content)
    errors = OpenXmlValidator().validate(path).errors
    return {
        f"{error.part_uri} {error.description}"
        for error in errors
        if error.severity is ValidationSeverity.ERROR and not error.description.startswith(_NOT_REQUIRED)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_valid(kind: str, tmp_path: Path) -> None:
    name = "written.docx" if kind == "document" else "written.xlsx"
    assert mistakes(content_of(kind), tmp_path / name) == set()


def test_a_copy_has_no_mistake_that_its_original_has_not(tmp_path: Path) -> None:
    path = tmp_path / "copy.xlsx"
    assert mistakes(content_of("copie annotée d'openpyxl"), path) <= mistakes(saved_by_openpyxl(), path)


def test_a_mistake_is_found(tmp_path: Path) -> None:
    def misplaced(name: str, part: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return part
        return part.replace(b"<sheetData", b"<pageMargins/><sheetData", 1)

    assert mistakes(with_parts(content_of("formulaire large"), misplaced), tmp_path / "wrong.xlsx")


def _by_openpyxl() -> bytes:
    """With notes, whose boxes openpyxl draws under prefixes of its own; one is on a cell that has findings."""
    book = openpyxl.load_workbook(io.BytesIO(form()))
    for cell in ("F6", "F20"):
        book["Budget"][cell].comment = Comment("À vérifier avec la mairie", "Camille")
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


#: A form that each program saved.
SAVED_BY: dict[str, Callable[[], bytes]] = {
    "XlsxWriter": form,
    "openpyxl": _by_openpyxl,
    "LibreOffice": lambda: next(iter(Archive.load(FOLDER / "returns_libreoffice.tar.xz").saved.values())).content,
    **{tool: partial(refilled, tool) for tool in TOOLS},
}


@pytest.mark.filterwarnings("ignore:Workbook contains no default style")
@pytest.mark.parametrize("program", SAVED_BY)
def test_a_copy_is_valid_whatever_program_saved_the_return(program: str, tmp_path: Path) -> None:
    places = [Place(feuille="Budget", cellule=cell) for cell in ("F6", "F7", "G8")]
    findings = [finding("valeur-inconnue", place, valeur="à voir") for place in places]
    original = SAVED_BY[program]()
    copy = annotated_copy(original, findings, theme())
    assert mistakes(copy, tmp_path / "copy.xlsx") == set()
    assert annotated_copy(copy, findings, theme()).count(b"PK\x01\x02") == copy.count(b"PK\x01\x02")  # no part added
    package = PackageEditor(copy)
    budget = next(sheet.part for sheet in package.sheets() if sheet.name == "Budget")
    drawing = next(relation.target for relation in package.relations(budget) if relation.kind == "vmlDrawing")
    boxes = [commented_cell(shape) for shape in package.parse(drawing).iter(f"{VML}shape")]
    comments = package.related(budget, "comments")
    assert comments is not None
    notes = [element.get("ref") for element in package.parse(comments).iter("{*}comment")]
    assert sorted(boxes) == sorted(notes)
    assert {"F6", "F7", "G8"} <= set(boxes)
    assert len(set(boxes)) == len(boxes)
    book = openpyxl.load_workbook(io.BytesIO(copy))
    listed, sheet = book["Constats"], book["Budget"]
    rows = [[cell.value for cell in row] for row in listed.iter_rows(min_row=7, max_col=7)]
    assert [(row[1], row[2]) for row in rows] == [("Budget", "F6"), ("Budget", "G8")]  # F7 is said with F6
    assert [listed[cell].hyperlink.location for cell in ("C7", "C8")] == ["'Budget'!F6", "'Budget'!G8"]
    back = [cell for row in sheet.iter_rows(max_row=4) for cell in row if cell.value == TO_ANNOTATIONS]
    assert [cell.hyperlink.location for cell in back] == ["'Constats'!A1"]
    assert ("abîmé" in str(listed["A5"].value)) is (program == "exceljs")
    for table in (table for sheet in book for table in sheet.tables.values()):
        left, _, right, _ = openpyxl.utils.range_boundaries(table.ref)
        assert len(table.tableColumns) == right - left + 1
    for name in package.parse(package.workbook).iter("{*}definedName"):
        assert "'Mode d'emploi'!" not in (name.text or "")
