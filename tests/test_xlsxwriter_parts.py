"""Canaries of ``xlsx/sheets.py``: the private parts of xlsxwriter that it changes are still there, and still needed.

Checked with xlsxwriter 3.2.5 to 3.3.1. When one of these fails with another version, read what that version does before
the range of ``pyproject.toml`` is moved.
"""

from __future__ import annotations

import gc
import inspect
import io
import tomllib
import weakref
import zipfile
from datetime import date
from importlib.metadata import version
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.sharedstrings import SharedStringTable
from xlsxwriter.url import Url
from xlsxwriter.worksheet import Worksheet

from support.contracts import ROOT
from support.masters import theme
from tabellion.findings import Place
from tabellion.xlsx.lists import file_link
from tabellion.xlsx.sheets import ComputedText, FileUrl
from tabellion.xlsx.writer import Writer

#: The private methods that are overridden or called, with their parameters.
METHODS: dict[Any, dict[str, tuple[str, ...]]] = {
    Worksheet: {
        "_xml_start_tag_unencoded": ("tag", "attributes"),
        "_xml_empty_tag_unencoded": ("tag", "attributes"),
        "_check_dimensions": ("row", "col", "ignore_row", "ignore_col"),
        "_prepare_formula": ("formula", "expand_future_functions"),
        "_write_rows": (),
        "_write_cell": ("row", "col", "cell"),
        "_write_blank": ("row", "col", "_", "cell_format"),
        "_write_string": ("row", "col", "string", "cell_format"),
        "_write_datetime": ("row", "col", "date", "cell_format"),
        "_write_number": ("row", "col", "number", "cell_format"),
        "_escape_data": ("data",),
        "_write_hyperlinks": (),
        "_convert_date_time": ("dt_obj",),
        "_escape_control_characters": ("data",),
    },
    SharedStringTable: {"_get_shared_string_index": ("string",)},
    Format: {"_get_xf_index": ()},
    Url: {"_parse_url": (), "_escape_strings": ()},
}
#: What is read or set on a sheet, and on a link.
SHEET_ATTRIBUTES = (
    "dim_rowmin", "dim_rowmax", "hlink_count", "hyperlinks", "rel_count", "external_hyper_links", "tables",
)  # fmt: skip
URL_ATTRIBUTES = ("_link_type", "_link", "_relationship_link", "_anchor", "_text")


def test_the_version_is_one_of_those_that_were_checked() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (declared,) = (dependency for dependency in dependencies if dependency.startswith("xlsxwriter"))
    assert declared == "xlsxwriter>=3.2.5,<4"
    assert (3, 2, 5) <= tuple(map(int, version("xlsxwriter").split("."))) < (4,)


@pytest.mark.parametrize(("owner", "name"), [(owner, name) for owner, names in METHODS.items() for name in names])
def test_each_private_method_takes_what_it_took(owner: Any, name: str) -> None:
    parameters = tuple(inspect.signature(getattr(owner, name)).parameters)
    assert tuple(parameter for parameter in parameters if parameter != "self") == METHODS[owner][name]


def test_each_private_attribute_is_there() -> None:
    sheet = xlsxwriter.Workbook(io.BytesIO()).add_worksheet()
    assert [name for name in SHEET_ATTRIBUTES if not hasattr(sheet, name)] == []
    assert [name for name in URL_ATTRIBUTES if not hasattr(Url("https://exemple.fr"), name)] == []


def parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: package.read(name).decode() for name in package.namelist()}


def both(write: Any) -> tuple[dict[str, str], dict[str, str]]:
    """The parts of a workbook as xlsxwriter writes it, and as the program does."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_urls": False})
    write(book.add_worksheet("Essai"))
    book.close()
    writer = Writer(theme())
    write(writer.sheet("Essai").raw)
    return parts(stream.getvalue()), parts(writer.close())


def test_a_workbook_goes_once_it_is_written() -> None:
    writer = Writer(theme())
    sheet = writer.sheet("Essai")
    sheet.write(0, 0, "a", writer.cell())
    chart = writer.book.add_chart({"type": "bar"})
    chart.add_series({"values": "=Essai!$A$1:$A$2"})
    sheet.raw.insert_chart(3, 3, chart)
    book = weakref.ref(writer.book)
    gc.disable()
    try:
        writer.close()
        del writer, sheet, chart
        assert book() is None
    finally:
        gc.enable()


SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def test_rows_keep_no_height_of_their_own() -> None:
    theirs, ours = both(lambda sheet: (sheet.write_string(0, 0, "a"), sheet.set_row(0, 40)))
    assert 'customHeight="1"' in theirs[SHEET]
    assert 'ht="' in ours[SHEET]
    assert "customHeight" not in ours[SHEET]


def test_cells_in_one_piece_are_as_theirs() -> None:
    def write(sheet: Any) -> None:
        for row, style in enumerate((None, Format({"bold": True}, {}, {}))):
            sheet.write_string(row, 0, "a & b", style)
            sheet.write_number(row, 1, 0.1 + 0.2, style)
            sheet.write_number(row, 2, 12, style)
            sheet.write_datetime(row, 3, date(2016, 11, 30), style)
            sheet.write_blank(row, 4, None, style)
            sheet.write_boolean(row, 5, True, style)
            for column, value in enumerate((ComputedText("<b>"), "", "#REF!", 3, 0.5, True, None), 6):
                sheet.write_formula(row, column, '=IF(A1<>"é",1&2,">")', style, value)

    theirs, ours = both(write)
    assert ours[SHEET] == theirs[SHEET]


def test_a_text_that_looks_like_marks_is_a_text() -> None:
    theirs, ours = both(lambda sheet: sheet.write_string(0, 0, "<r>a & b</r>"))
    assert "<si><r>a & b</r></si>" in theirs[STRINGS]
    assert "&lt;r&gt;a &amp; b&lt;/r&gt;" in ours[STRINGS]


def test_a_result_is_written_as_it_is() -> None:
    theirs, _ = both(lambda sheet: sheet.write_formula(0, 0, "=A2", None, "#REF!"))
    ours, _ = both(lambda sheet: sheet.write_formula(0, 0, "=A2", None, ComputedText("#REF!")))
    assert 't="e"' in theirs[SHEET]
    assert 't="str"' in ours[SHEET]


def test_a_link_to_a_file_is_taken_as_it_is() -> None:
    link = file_link(Place("retours/n° #1 %20.xlsx", "Budget", "A1"))
    assert link is not None
    assert Url(f"external:{link.target}")._anchor != link.cell
    url = FileUrl(link)
    assert (url._relationship_link, url._anchor) == (link.target, link.cell)
    _, ours = both(lambda sheet: sheet.write_url(0, 0, FileUrl(link), None, "voir"))
    assert "location=\"'Budget'!A1\"" in ours[SHEET]


def test_a_table_of_many_rows_is_declared_whole() -> None:
    theirs, ours = both(lambda sheet: sheet.add_table(0, 0, 50, 1, {"columns": [{"header": "A"}, {"header": "B"}]}))
    table = "xl/tables/table1.xml"
    assert ours[table] == theirs[table]
    assert 'ref="A1:B51"' in ours[table]
