"""Every value is read exactly, at its own address, and what values cannot show is told apart."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
import sys
import textwrap
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.formula.translate import Translator
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table

from support.attacks import MAIN, OFFICE, package, parts, sheet_xml, with_strings, workbook, workbook_rels, workbook_xml
from support.office_files import Editor
from tabellion.addresses import cell_name, column_index, column_letters, parse_range, shifted
from tabellion.reading import RawSheet, RawWorkbook, parse_bytes, read_workbook, read_workbooks


class EmptyText(str):
    """The computed value ``''``, which xlsxwriter would otherwise write as no computed value at all."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def sheet(cells: str, *, before: str = "", after: str = "") -> RawSheet:
    return parse_bytes(workbook(sheet_xml(cells, before=before, after=after)), "f.xlsx").sheets[0]


def saved(book: openpyxl.Workbook) -> RawWorkbook:
    buffer = io.BytesIO()
    book.save(buffer)
    return parse_bytes(buffer.getvalue(), "f.xlsx")


def test_a_workbook_of_xlsxwriter_is_read_whole() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    page = book.add_worksheet("Budget d’été")
    page.write_row(2, 1, ["Libellé", "Montant", "Date", "Coché"])
    page.write_row(3, 1, ["  Classes à horaires aménagés ", 1234.56])
    page.write_datetime(3, 3, dt.datetime(2015, 6, 4), day)
    page.write_boolean(3, 4, True)
    page.write_string(4, 1, "007")
    page.write_formula(4, 2, "=SUM(C4:C4)", None, 1234.56)
    page.write_formula(5, 2, '=IF(C4>0,"","x")', None, EmptyText())
    page.write_formula(6, 2, "=1/0", None, "#DIV/0!")
    page.merge_range("H1:J2", "Titre")
    page.set_row(4, None, None, {"hidden": True})
    page.set_column("L:M", None, None, {"hidden": True})
    page.write(0, 701, "ZZ")
    other = book.add_worksheet("Cachée")
    other.hide()
    other.add_table("B2:D5", {"name": "Lignes", "columns": [{"header": h} for h in ("Nom", "Été\nhiver", "Total")]})
    third = book.add_worksheet("Base")
    third.very_hidden()
    book.define_name("Taux", "='Budget d’été'!$C$4")
    book.define_name("Base!Zone", "=Base!$A$1:$B$2")
    book.set_properties({"author": "Marie", "title": "Essai", "created": dt.datetime(2020, 1, 1)})
    book.close()
    read = parse_bytes(buffer.getvalue(), "retour.xlsx")

    assert [(s.name, s.state) for s in read.sheets] == [
        ("Budget d’été", "visible"),
        ("Cachée", "hidden"),
        ("Base", "veryHidden"),
    ]
    budget = read.sheets[0]
    assert budget.rows[1] == [None] * 702
    assert budget.rows[2][:5] == [None, "Libellé", "Montant", "Date", "Coché"]
    assert budget.rows[3][1:5] == ["  Classes à horaires aménagés ", 1234.56, dt.date(2015, 6, 4), True]
    assert budget.value(5, 2) == "007"
    assert budget.value(1, 702) == "ZZ"
    assert budget.formulas == {(5, 3): "SUM(C4:C4)", (6, 3): 'IF(C4>0,"","x")', (7, 3): "1/0"}
    assert budget.value(6, 3) == ""
    assert budget.errors == {(7, 3): "#DIV/0!"}
    assert budget.value(7, 3) is None
    assert budget.uncached == set()
    assert budget.merged == ("H1:J2",)
    assert budget.hidden_rows == {5}
    assert budget.hidden_columns == {12, 13}
    (table,) = read.sheets[1].tables
    assert (table.name, table.ref, table.sheet, table.columns) == (
        "Lignes",
        "B2:D5",
        "Cachée",
        ("Nom", "Été\nhiver", "Total"),
    )
    assert (table.header_row, table.first_row, table.last_row, table.first_column, table.last_column) == (2, 3, 5, 2, 4)
    assert not table.totals_row
    assert read.names == {"Taux": "'Budget d’été'!$C$4", "Base!Zone": "Base!$A$1:$B$2"}
    assert read.properties["creator"] == "Marie"
    assert read.properties["title"] == "Essai"
    assert read.properties["application"] == "Microsoft Excel"
    assert read.notices == ()


def test_a_workbook_of_openpyxl_has_no_computed_value() -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page["B2"] = 12
    page["C2"] = "=B2*2"
    page["D2"] = ArrayFormula("D2:D3", "=B2:B3*2")
    page["E2"] = "#N/A"
    page["F2"] = "texte"
    page["G2"] = dt.datetime(2020, 1, 2, 3, 4, 5)
    page["H2"] = dt.timedelta(hours=30)
    page["I2"] = "un\ndeux & <trois>"
    page.append(["Nom", "Total"])
    page.add_table(Table(displayName="T1", ref="A3:B4"))
    read = saved(book).sheets[0]
    assert read.formulas == {(2, 3): "B2*2", (2, 4): "B2:B3*2"}
    assert read.uncached == {(2, 3), (2, 4)}
    assert read.errors == {(2, 5): "#N/A"}
    assert read.rows[1][5:] == [
        "texte",
        dt.datetime(2020, 1, 2, 3, 4, 5),
        dt.timedelta(hours=30),
        "un\ndeux & <trois>",
    ]
    assert read.tables[0].columns == ("Nom", "Total")


def test_four_kinds_of_nothing_are_told_apart() -> None:
    read = sheet(
        '<row r="1"><c r="A1" s="0"/><c r="B1"><f>A1</f></c><c r="C1" t="str"><f>""</f><v></v></c>'
        '<c r="D1" t="e"><v>#REF!</v></c><c r="E1" t="e"><f>#REF!+1</f><v>#REF!</v></c><c r="F1"><f>A1</f><v/></c>'
        '<c r="G1" t="str"><f>A1</f></c><c r="H1"><v>0</v></c></row>'
    )
    assert read.rows == [[None, None, "", None, None, None, None, 0]]
    assert read.uncached == {(1, 2), (1, 6), (1, 7)}
    assert read.errors == {(1, 4): "#REF!", (1, 5): "#REF!"}
    assert set(read.formulas) == {(1, 2), (1, 3), (1, 5), (1, 6), (1, 7)}


@pytest.mark.parametrize("error", ["#SPILL!", "#CALC!", "#ERROR!", "#GETTING_DATA", "#N/A", "Err:502"])
def test_an_error_that_the_parser_does_not_know_is_one_cell(error: str) -> None:
    read = sheet(f'<row r="1"><c r="A1" t="e"><f>X()</f><v>{error}</v></c><c r="B1"><v>5</v></c></row>')
    assert (read.rows, read.errors) == ([[None, 5]], {(1, 1): error})


@pytest.mark.parametrize("number", ["1E999", "-1E999", "NaN", "inf", "9" * 400])
def test_no_number_is_infinite(number: str) -> None:
    read = sheet(f'<row r="1"><c r="A1"><f>X()</f><v>{number}</v></c><c r="B1"><v>5</v></c></row>')
    assert (read.rows, read.errors) == ([[None, 5]], {(1, 1): "#NUM!"})


def test_shared_formulas_are_expanded() -> None:
    read = sheet(
        '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f t="shared" ref="B1:C3" si="0">A1*$A$1&amp;"A1"</f><v>1</v></c>'
        '<c r="C1"><f t="shared" si="0"/><v>1</v></c></row>'
        '<row r="2"><c r="B2"><f t="shared" si="0"></f><v>1</v></c><c r="C2"><f si="0" t="shared"/></c></row>'
        '<row r="3"><c r="B3"><f t="shared" si="7"/><v>1</v></c></row>'
    )
    assert read.formulas == {
        (1, 2): 'A1*$A$1&"A1"',
        (1, 3): 'B1*$A$1&"A1"',
        (2, 2): 'A2*$A$1&"A1"',
        (2, 3): 'B2*$A$1&"A1"',
        (3, 2): "",  # its group is nowhere: a formula all the same
    }
    assert (2, 3) in read.uncached


FORMULAS = (
    "A2*2",
    "$A2+B$3+$C$4",
    "SUM(A1:B2,C:D,3:4)",
    "'l''été A1'!B2+Feuil1!B2+Été2!C3",
    'IF(A1>1E5,"A1",LOG10(B2))',
    "Lignes[[#This Row],[A1]]+Lignes[A1]*A1",
    "TAUX2015+TVA_A1*A1%",
    "[1]Feuil!A1+#REF!",
)


@given(st.sampled_from(FORMULAS), st.integers(0, 30), st.integers(0, 30))
def test_a_shifted_formula_is_what_openpyxl_makes_of_it(formula: str, rows: int, columns: int) -> None:
    expected = Translator(f"={formula}", origin="D10").translate_formula(cell_name(10 + rows, 4 + columns))
    assert f"={shifted(formula, rows, columns)}" == expected


def test_a_formula_shifted_off_the_sheet_is_an_error() -> None:
    assert shifted("A1+$A1+A$1+A:B+1:2", -1, -1) == "#REF!+#REF!+#REF!+#REF!+#REF!"
    assert shifted("XFE1+A1048577", 1, 1) == "XFE1+A1048577"


def test_dates_of_both_systems() -> None:
    days = [dt.datetime(2015, 6, 4), dt.datetime(2016, 2, 29, 13, 30), dt.datetime(1999, 12, 31)]
    for date1904 in (False, True):
        buffer = io.BytesIO()
        book = xlsxwriter.Workbook(buffer, {"in_memory": True, "date_1904": date1904})
        page = book.add_worksheet()
        for i, day in enumerate(days):
            page.write_datetime(i, 0, day, book.add_format({"num_format": "dd/mm/yyyy hh:mm"}))
        page.write_datetime(3, 0, dt.time(12, 30), book.add_format({"num_format": "hh:mm"}))
        page.write_number(4, 0, 42000)
        book.close()
        read = parse_bytes(buffer.getvalue(), "f.xlsx")
        assert read.date1904 is date1904
        assert [row[0] for row in read.sheets[0].rows] == [
            dt.date(2015, 6, 4),
            days[1],
            dt.date(1999, 12, 31),
            dt.time(12, 30),
            42000,
        ]


# However the XML is written

CELLS = [[None, None, None], [None, "Lucé", 12.5], [None, None, None], [None, True, "a<b"]]
PLAIN = (
    '<row r="2"><c r="B2" t="str"><v>Lucé</v></c><c r="C2"><f>25/2</f><v>12.5</v></c></row>'
    '<row r="4" hidden="1"><c r="B4" t="b"><v>1</v></c><c r="C4" t="str"><v>a&lt;b</v></c></row>'
)
PREFIXED = PLAIN.replace("</", "|").replace("<", "<x:").replace("|", "</x:")
SPELLINGS = {
    "plain": sheet_xml(PLAIN),
    "single quotes": sheet_xml(PLAIN.replace('"', "'")),
    "mixed quotes": sheet_xml(PLAIN.replace('t="b"', "t='b'")),
    "attributes in another order": sheet_xml(PLAIN.replace('r="B2" t="str"', 't="str" r="B2"')),
    "spaces around the equals sign": sheet_xml(PLAIN.replace('t="str"', 't = "str"')),
    "indented": sheet_xml(PLAIN.replace("><", ">\n    <").replace("<v>\n", "<v>")),
    "comments": sheet_xml(PLAIN.replace("<c ", "<!-- <c r='Z9'><v>3</v></c> --><c ")),
    "CDATA": sheet_xml(PLAIN.replace("a&lt;b", "<![CDATA[a<b]]>")),
    "processing instructions": sheet_xml(PLAIN.replace("<row", "<?zut <c>?><row")),
    "character references": sheet_xml(PLAIN.replace("Lucé", "&#76;uc&#xE9;")),
    "a decoy before": sheet_xml(PLAIN, before="<!--<sheetData><row r='1'><c r='A1'><v>6</v></c></row></sheetData>-->"),
    "a decoy after": sheet_xml(PLAIN, after="<!--<sheetData></sheetData>-->"),
    "foreign elements": sheet_xml(PLAIN.replace("<v>", '<z:f xmlns:z="urn:z">9</z:f><v>')),
    "foreign cells": sheet_xml(PLAIN.replace("</row>", '<z:c xmlns:z="urn:z" r="Z9"><v>3</v></z:c></row>')),
    "prefix": f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{PREFIXED}</x:sheetData></x:worksheet>',
    "strict namespace": sheet_xml(PLAIN).replace(MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main"),
    "no references": sheet_xml(
        '<row/><row><c/><c t="str"><v>Lucé</v></c><c><f>25/2</f><v>12.5</v></c></row><row/>'
        '<row hidden="1"><c/><c t="b"><v>1</v></c><c t="str"><v>a&lt;b</v></c></row>'
    ),
    "counting on from a reference": sheet_xml(
        PLAIN.replace('<c r="C2">', "<c>").replace('<row r="4"', '<row r="3"/><row').replace('<c r="C4"', "<c")
    ),
    "inline texts": sheet_xml(PLAIN.replace('t="str"><v>Lucé</v>', 't="inlineStr"><is><t>Lucé</t></is>')),
    "inline runs": sheet_xml(
        PLAIN.replace(
            't="str"><v>Lucé</v>',
            't="inlineStr"><is><r><rPr/><t>Lu</t></r><r><t>cé</t></r><rPh sb="0" eb="1"><t>zut</t></rPh></is>',
        )
    ),
    "a lying dimension": sheet_xml(PLAIN, before='<dimension ref="A1:XFD1048576"/>'),
    "rows out of order": sheet_xml(PLAIN[PLAIN.index('<row r="4"') :] + PLAIN[: PLAIN.index('<row r="4"')]),
    "deep enough": sheet_xml(PLAIN, after="<a>" * 50 + "</a>" * 50),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_same_cells_however_the_xml_is_written(spelling: str, encoding: str) -> None:
    content = SPELLINGS[spelling].replace("UTF-8", encoding.removesuffix("-sig").upper()).encode(encoding)
    read = parse_bytes(package({**parts(), "xl/worksheets/sheet1.xml": content}), "f.xlsx").sheets[0]
    assert read.rows == CELLS
    assert read.formulas == {(2, 3): "25/2"}
    assert read.hidden_rows == {4}


def test_shared_texts_however_they_are_written() -> None:
    cells = '<row r="1">' + "".join(f'<c r="{c}1" t="s"><v>{i}</v></c>' for i, c in enumerate("ABCD")) + "</row>"
    strings = (
        f'<sst xmlns="{MAIN}" count="9999999999" uniqueCount="9999999999"><si><t xml:space="preserve"> un </t></si>'
        "<si><r><t>de</t></r><r><rPr><b/></rPr><t>ux</t></r><rPh sb='0' eb='1'><t>zut</t></rPh></si><si/>"
        "<si><t><![CDATA[a<b]]></t></si></sst>"
    )
    assert parse_bytes(with_strings(strings, cells), "f").sheets[0].rows == [[" un ", "deux", None, "a<b"]]


def test_spaces_around_a_text_stay_where_the_file_says_so() -> None:
    texts = "<t> a </t>", '<t xml:space="preserve"> a </t>', '<r><t> a </t></r><r><t xml:space="preserve"> b </t></r>'
    cells = "".join(f'<c r="{c}1" t="inlineStr"><is>{t}</is></c>' for c, t in zip("ABC", texts, strict=True))
    for more in ("", "<!-- exact -->"):
        read = sheet(f'<row r="1">{cells}{more}<c r="D1" t="inlineStr"><v>v</v></c></row>')
        assert read.rows == [["a", " a ", "a b ", "v"]]
    items = "".join(f"<si>{text}</si>" for text in texts)
    row = '<row r="1">' + "".join(f'<c r="{c}1" t="s"><v>{i}</v></c>' for i, c in enumerate("ABC")) + "</row>"
    for strings in (f'<sst xmlns="{MAIN}">{items}</sst>', f'<x:sst xmlns:x="{MAIN}" xmlns="{MAIN}">{items}</x:sst>'):
        assert parse_bytes(with_strings(strings, row), "f").sheets[0].rows == [["a", " a ", "a b "]]


def test_sheets_follow_relationships_and_not_file_order() -> None:
    contents = parts(sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>'), sheet_xml())
    contents["xl/workbook.xml"] = workbook_xml(["Deux", "Un"])
    contents["xl/_rels/workbook.xml.rels"] = (
        workbook_rels(2)
        .replace("worksheets/sheet1.xml", "/xl/autre/page%20deux.xml")
        .replace("worksheets/sheet2.xml", "../xl/./worksheets/SHEET1.xml")
    )
    contents["xl/autre/page deux.xml"] = sheet_xml('<row r="1"><c r="A1"><v>2</v></c></row>')
    read = parse_bytes(package(contents), "f.xlsx")
    assert [(s.name, s.rows) for s in read.sheets] == [("Deux", [[2]]), ("Un", [[1]])]


def test_chart_sheets_are_passed_over_and_names_stay_with_their_sheet() -> None:
    contents = parts(sheet_xml())
    contents["xl/workbook.xml"] = workbook_xml(
        ["Graphique", "Données"],
        after='<definedNames><definedName name="Zone" localSheetId="1">Données!$A$1</definedName></definedNames>',
    )
    contents["xl/_rels/workbook.xml.rels"] = (
        workbook_rels(2)
        .replace(f'Id="r1" Type="{OFFICE}/worksheet"', f'Id="r1" Type="{OFFICE}/chartsheet"')
        .replace("sheet2", "sheet1")
    )
    read = parse_bytes(package(contents), "f.xlsx")
    assert [s.name for s in read.sheets] == ["Données"]
    assert read.names == {"Données!Zone": "Données!$A$1"}


def test_what_is_never_run_is_a_notice() -> None:
    links = (
        f'<Relationship Id="v" Type="{OFFICE}/vbaProject" Target="vbaProject.bin"/>'
        f'<Relationship Id="e" Type="{OFFICE}/externalLink" Target="externalLinks/externalLink1.xml"/>'
        f'<Relationship Id="c" Type="{OFFICE}/connections" Target="connections.xml"/>'
    )
    contents = parts(
        **{
            "xl/_rels/workbook.xml.rels": workbook_rels(1, more=links),
            "xl/vbaProject.bin": b"\0" * 50,
            "xl/embeddings/oleObject1.bin": b"\0" * 50,
            "xl/connections.xml": "<connections/>",
            "xl/externalLinks/externalLink1.xml": "<externalLink/>",
            "xl/externalLinks/_rels/externalLink1.xml.rels": workbook_rels(1).replace(
                'Target="worksheets/sheet1.xml"', 'TargetMode="External" Target="file:///C:/Budget%20{2015}.xlsx"'
            ),
        }
    )
    notices = parse_bytes(package(contents), "f.xlsx").notices
    codes = ["macros-presentes", "liens-externes", "connexions-externes", "objets-incorpores"]
    assert [notice.code for notice in notices] == codes
    assert not any(notice.bloquant for notice in notices)
    assert "Budget {2015}.xlsx" in notices[1].message
    assert {notice.place.fichier for notice in notices} == {"f.xlsx"}


@given(st.integers(1, 16_384))
def test_columns_go_both_ways(index: int) -> None:
    assert column_index(column_letters(index)) == index


def test_ranges() -> None:
    assert parse_range("A5:H20") == (5, 1, 20, 8)
    assert parse_range("$XFD$7") == (7, 16_384, 7, 16_384)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12).map(lambda cents: cents / 100),
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=20
    ).filter(lambda text: not text.startswith("=") and "_x" not in text),
    st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(2100, 1, 1)).map(lambda day: day.replace(microsecond=0)),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.tuples(st.integers(1, 40), st.integers(1, 60)), VALUES, min_size=1, max_size=40))
def test_what_is_written_is_read_at_its_address(cells: dict[tuple[int, int], object]) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    day = book.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
    page = book.add_worksheet()
    for (row, column), value in cells.items():
        if isinstance(value, dt.datetime):
            page.write_datetime(row - 1, column - 1, value, day)
        elif isinstance(value, str):
            page.write_string(row - 1, column - 1, value)
        else:
            page.write(row - 1, column - 1, value)
    book.close()
    read = parse_bytes(buffer.getvalue(), "f.xlsx").sheets[0]
    values = {
        (r, c): value for r, row in enumerate(read.rows, 1) for c, value in enumerate(row, 1) if value is not None
    }
    midnight = {
        cell: value.date() if isinstance(value, dt.datetime) and value.time() == dt.time() else value
        for cell, value in cells.items()
        if value is not None
    }
    assert values == midnight


# The child process


def test_a_script_without_a_main_guard_can_read(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(workbook())
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            import sys
            from pathlib import Path
            from tabellion.reading import read_workbook
            print("début")
            print(read_workbook(Path(sys.argv[1])).sheets[0].rows)
        """)
    )
    scripts = str(Path(__file__).parents[1] / "scripts")
    for command in ([str(script)], ["-c", script.read_text()]):
        done = subprocess.run(
            [sys.executable, "-W", "error", *command, str(tmp_path / "a.xlsx")],
            env={"PYTHONPATH": scripts},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout.split("\n"), done.stderr) == (["début", "[[1.0]]", ""], "")


def test_a_child_loads_little() -> None:
    """Asked of a bare interpreter that imports what a child imports."""
    code = (
        "import sys, tabellion.reading.workbook, tabellion.reading.source, tabellion.reading.reader;"
        "print(sorted({'pandas', 'numpy', 'pandera', 'typer', 'openpyxl', 'rich', 'xlsxwriter'} & set(sys.modules)))"
    )
    scripts = str(Path(__file__).parents[1] / "scripts")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": scripts},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_many_files_come_in_order(tmp_path: Path) -> None:
    paths = []
    for i in range(40):
        path = tmp_path / f"{i}.xlsx"
        path.write_bytes(workbook(sheet_xml(f'<row r="1"><c r="A1"><v>{i}</v></c></row>' * (1 + i % 7 * 300))))
        paths.append(path)
    outcomes = list(read_workbooks(paths, jobs=2))
    values = [book.sheets[0].value(1, 1) for book in outcomes if isinstance(book, RawWorkbook)]
    assert values == list(range(40))
    assert list(read_workbooks([])) == []


def test_a_workbook_saved_by_libreoffice_is_read_the_same(editor: Editor, tmp_path: Path) -> None:
    buffer = tmp_path / "avant.xlsx"
    book = xlsxwriter.Workbook(str(buffer))
    page = book.add_worksheet("Été")
    page.write_row(4, 2, ["Libellé", "Montant"])
    page.write_row(5, 2, ["a & b", 12.5])
    page.write_formula(6, 3, "=SUM(D6:D6)", None, 12.5)
    page.write_formula(7, 3, "=1/0", None, "#DIV/0!")
    page.write_formula(8, 3, '=""', None, EmptyText())
    page.write_datetime(9, 3, dt.datetime(2015, 6, 4), book.add_format({"num_format": "dd/mm/yyyy"}))
    page.merge_range("A1:B2", "Titre")
    page.set_row(5, None, None, {"hidden": True})
    page.add_table("F5:G8", {"name": "Lignes", "columns": [{"header": "Nom"}, {"header": "Total"}]})
    book.define_name("Taux", "=Été!$D$6")
    book.add_worksheet("Cachée").hide()
    book.close()
    editor.open(buffer)
    before, after = read_workbook(buffer), read_workbook(editor.save(tmp_path / "apres.xlsx"))
    assert [(s.name, s.state) for s in after.sheets] == [("Été", "visible"), ("Cachée", "hidden")]
    old, new = before.sheets[0], after.sheets[0]
    assert new.rows == old.rows
    assert new.errors == old.errors
    assert new.formulas == old.formulas
    assert new.uncached == set()
    assert new.merged == old.merged
    assert new.hidden_rows == old.hidden_rows
    assert [(t.name, t.ref, t.columns) for t in new.tables] == [(t.name, t.ref, t.columns) for t in old.tables]
    assert after.names["Taux"].replace("$Été", "Été") == before.names["Taux"]
    assert "LibreOffice" in after.properties["application"]
