"""Cells that show a percentage are told from those that only write the sign, whoever wrote the workbook."""

from __future__ import annotations

import io

import openpyxl
import pytest
import xlsxwriter

from support.attacks import OFFICE, package, parts, sheet_xml, workbook_rels
from tabellion.reading import RawSheet, parse_bytes
from tabellion.reading.number_formats import read_styles, what_shows


@pytest.mark.parametrize("code", ["0%", "0.00%", "0 %", "[Red]0%;-0%", '0.0" point"%', r"0\ %", "0%_-", '"x"0%'])
def test_a_format_that_multiplies_by_a_hundred_is_a_percentage(code: str) -> None:
    assert what_shows(code) == "percentage"


@pytest.mark.parametrize(
    "code", ["General", "0", '0" %"', '0"\u00a0%"', r"0\%", "0_%", "0*%", "[>5%]0", '0"%', "@", ""]
)
def test_a_format_that_only_writes_the_sign_is_none(code: str) -> None:
    assert what_shows(code) is None


def test_the_cells_of_a_workbook_of_xlsxwriter() -> None:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet, other = book.add_worksheet(), book.add_worksheet()
    for row, code in enumerate(["0%", '0" %"', "0.00%", "0.000%", "General", "dd/mm/yyyy"]):
        sheet.write_number(row, 1, 0.05, book.add_format({"num_format": code}))
        sheet.write_blank(row, 2, None, book.add_format({"num_format": code}))
    sheet.write_formula(8, 3, "=B1", book.add_format({"num_format": "0%"}), 0.05)
    other.write_number(0, 0, 5)
    book.close()
    read = parse_bytes(stream.getvalue(), "f.xlsx")
    assert read.sheets[0].percents == {(1, 2), (3, 2), (4, 2), (9, 4)}
    assert read.sheets[0].value(1, 2) == 0.05
    assert read.sheets[1].percents == frozenset()


def test_the_cells_of_a_workbook_of_openpyxl() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row, code in enumerate(["0%", '0" %"', "0.0%"], 1):
        sheet.cell(row, 1, 0.05).number_format = code
    stream = io.BytesIO()
    book.save(stream)
    assert parse_bytes(stream.getvalue(), "f.xlsx").sheets[0].percents == {(1, 1), (3, 1)}


_STYLES = (
    b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b"<numFmts><numFmt formatCode='0.0%' numFmtId='170'/>"
    b'<numFmt numFmtId="171" formatCode="0&quot;%&quot;"/></numFmts>'
    b'<cellStyleXfs><xf numFmtId="9"/><xf numFmtId="9"/></cellStyleXfs>'
    b'<cellXfs><xf numFmtId="0"/><xf numFmtId="171"/><xf numFmtId="170"/><xf/><xf numFmtId="10"/></cellXfs>'
    b'<dxfs><dxf><numFmt numFmtId="171" formatCode="0%"/></dxf></dxfs></styleSheet>'
)


def test_styles_are_counted_among_those_of_cells() -> None:
    assert read_styles(_STYLES, "styles.xml", date1904=False).shown == {"2": "percentage", "4": "percentage"}


def styled(cells: str) -> RawSheet:
    link = f'<Relationship Id="rt" Type="{OFFICE}/styles" Target="styles.xml"/>'
    contents = parts(sheet_xml(cells))
    contents |= {"xl/_rels/workbook.xml.rels": workbook_rels(1, more=link), "xl/styles.xml": _STYLES}
    return parse_bytes(package(contents), "f.xlsx").sheets[0]


def test_only_filled_cells_count_however_their_attributes_stand() -> None:
    cells = (
        '<row r="1"><c r="A1" s="2"><v>1</v></c><c r="B1" t="n" s="4"><v>1</v></c><c r="C1" s="2"/>'
        '<c r="D1" s="2" t="n"><v>1</v></c><c r="E1" s="24"><v>1</v></c><c r="F1"><v>1</v></c></row>'
    )
    assert styled(cells).percents == {(1, 1), (1, 2), (1, 4)}


def test_a_sheet_written_in_another_way_is_read_too() -> None:
    cells = "<row r='3'><c s='2' r='B3'><v>0.05</v></c><c s='1' r='C3'><v>5</v></c></row>"
    assert styled(cells).percents == {(3, 2)}


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("dd/mm/yyyy", "date"), ("h:mm AM/PM", "date"), ("[$-40C]d mmmm yyyy;@", "date"), ('m"M"d"D";@', "date"),
        ("[h]:mm:ss", "duration"), ("[Blue]\\+[mm]", "duration"), ("[ss].000", "duration"),
        ('"jour "0', None), ("\\Y000", None), ("#,##0_);[Red](#,##0)", None), ("[>=100][Magenta]General", None),
        ("0_d", None), ("0*y", None),
    ],
)  # fmt: skip
def test_a_format_of_days_or_hours_is_told_from_its_words(code: str, shown: str | None) -> None:
    assert what_shows(code) == shown
