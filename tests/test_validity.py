"""Every kind of workbook and document that the program writes is valid against the ECMA-376 schemas."""

from __future__ import annotations

from pathlib import Path

import pytest
from openxml_audit import OpenXmlValidator, ValidationSeverity

from support.every_kind import content_of, saved_by_openpyxl
from tabellion.xlsx.writer import with_parts

#: The wide contract has all sheets and columns, and few rows; the rich consolidation every standing of a return.
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
        f"{each.part_uri} {each.description}"
        for each in errors
        if each.severity is ValidationSeverity.ERROR and not each.description.startswith(_NOT_REQUIRED)
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
