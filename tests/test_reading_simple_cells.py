"""Cells that are read from their text say what the parser says of them, wherever they stand and whatever is around."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabellion.findings import TabellionError
from tabellion.reading import sheets, texts
from tabellion.reading.number_formats import NumberFormats
from tabellion.reading.sheets import SheetContext, read_sheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
CONTEXT = SheetContext({b"0": "Lucé", b"1": None, b"2": "a"}, NumberFormats({}), {b"2": "~~a~~"})
CELLS = (
    '<c r="A{row}"><v>12.5</v></c>', '<c r="B{row}" s="3" t="s"><v>0</v></c>', '<c r="B{row}" t="s"><v>1</v></c>',
    '<c r="C{row}" t="n"><v>1e400</v></c>', '<c r="D{row}" t="s"><v>2</v></c>', '<c r="A1"><v>7</v></c>',
    '<c r="E{row}"><v>1-1</v></c>', '<c r="F{row}"><f>A1</f><v>3</v></c>', '<c r="F{row}" t="e"><v>#REF!</v></c>',
    '<c r="M{row}" t="str"><f>IF(A1&lt;2,"é","")&amp;""</f><v>a &amp; b</v></c>',
    '<c r="M{row}" t="str"><f>""</f><v></v></c>',
    '<c r="N{row}"><f t="shared" ref="N1:N9" si="0">A{row}+1</f><v>1</v></c>',
    '<c r="N{row}"><f t="shared" si="0"/><v>2</v></c>', '<c r="O{row}" t="b"><v>1</v></c>',
    '<c r="P{row}" s="2"><f aca="false">Q1</f><v></v></c>', '<c r="Q{row}"><f>A1</f></c>',
    '<c r="R{row}" t="str"><f>A1&#10;</f><v>a&#160;b</v></c>', '<c r="R{row}" t="str"><v>a]]></v></c>',
    '<c r="R{row}" t="str"><f>A1\t</f><v>b\r\nc</v></c>', '<c r="R{row}"><f>\x07</f><v>1</v></c>',
    '<c r="R{row}"><v>\uffff</v></c>', '<c r="S{row}" t="str"><f>&copy;</f><v>1</v></c>',
    '<c r="T{row}" t="s"><f>A1</f><v>0</v></c>', '<c r="U{row}" t="s"><v>a</v></c>', '<c r="G{row}" s="1"/>',
    "<c><v>4</v></c>", '<c r="XFD{row}"><v>1</v></c>', '<c r="XFE{row}"><v>1</v></c>', '<c r="A9999999"><v>1</v></c>',
    '<c r="B{row}"><v>1_000</v></c>', '<c r="C{row}"><v>\u0663</v></c>', '<c r="E"><v>1</v></c>',
    '<c r="V{row}"', '<c a=">" ', '<row r="{row}"', '<row a="<" ', '<c r="H{row}" t="s"><v>9</v></c>',
    '<c r="I{row}"><v>1<c r="J{row}"><v>2</v></c></v></c>',
    '<c r="K{row}" t="inlineStr"><is><t>mot</t></is></c>', '<x><c r="L{row}"><v>5</v></c></x>', "<v>", "\n", "<!--",
    "-->", "<![CDATA[",
)  # fmt: skip
ROWS = (
    '<row r="{row}">', '<row r="{row}" spans="1:9" ht="12.5" hidden="1" customHeight="1">',
    '<row r="{row}" hidden="0">', '<row r="{row}" x14ac:dyDescent="0.25">', '<row r="{row}" ht="1" ht="2">',
    '<row r="0">', '<row r="1048577">', "<row>",
)  # fmt: skip
AROUND = (
    "",
    '<!-- <c r="A1"><v>1</v></c> -->',
    '<?x <c r="A1"><v>1</v></c> ?>',
    '<!-- <row r="1"><c r="A1"><v>1</v></c></row> -->',
    '<sheetData xmlns="b"><row r="1"><c r="A1"><v>1</v></c></row></sheetData>',
    '<sheetData><x><row r="1"><c r="A1"><v>1</v></c></row></x></sheetData>',
    '<a xmlns="b"><c r="A1"><v>1</v></c></a>',
)


def outcome_of(read: Any, *arguments: Any) -> object:
    """What is read, or the codes and the values of the refusal."""
    try:
        return read(*arguments)
    except TabellionError as error:
        return [(finding.code, finding.message) for finding in error.findings]


def both(monkeypatch: pytest.MonkeyPatch, owner: Any, read: Any, *arguments: Any) -> tuple[object, object]:
    """What is read as it is, and by the parser alone."""
    ours = outcome_of(read, *arguments)
    with monkeypatch.context() as patch:
        patch.setattr(owner, "gaps", lambda content, *_: (content,))
        return ours, outcome_of(read, *arguments)


@given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.just(ROWS[0]), st.sampled_from(ROWS)),
            st.lists(st.sampled_from(CELLS[:14]), max_size=6),
            st.lists(st.sampled_from(CELLS), max_size=2),
        )
    ),
    prefix=st.sampled_from(("", ' xmlns:x14ac="c"')),
    around=st.sampled_from(AROUND),
)
def test_a_sheet_reads_as_by_the_parser_alone(
    rows: list[tuple[str, list[str], list[str]]], prefix: str, around: str
) -> None:
    lines = [
        f"{start}{''.join([*first, *others])}</row>".format(row=number)
        for number, (start, first, others) in enumerate(rows, 1)
    ]
    content = f'<worksheet xmlns="{MAIN}"{prefix}><sheetData>{"".join(lines)}</sheetData>{around}</worksheet>'.encode()
    with pytest.MonkeyPatch.context() as monkeypatch:
        ours, theirs = both(monkeypatch, sheets, read_sheet, content, "feuille.xml", "Feuille", CONTEXT)
    assert ours == theirs


@pytest.mark.parametrize("written", ["1_000", "1e5_0", "\u0663", "\uff11\uff12", "0x10"])
def test_what_only_a_program_would_read_is_no_number(written: str) -> None:
    """A spreadsheet shows something else there: what is written is the text of the cell, to be said."""
    row = f'<row r="1"><c r="A1"><v>{written}</v></c><c r="B1"><v>-1.5E+3</v></c></row>'
    content = f'<worksheet xmlns="{MAIN}"><sheetData>{row}</sheetData></worksheet>'.encode()
    sheet = read_sheet(content, "feuille.xml", "Feuille", CONTEXT)
    assert [sheet.value(1, 1), sheet.value(1, 2)] == [written, -1500]


@pytest.mark.parametrize("start", ['<row r="6"', '<row a=">" ', "<row a='>' ", '<row a="<" b'])
def test_a_row_inside_a_tag_is_no_row(start: str) -> None:
    row = '<row r="6"><c r="A6"><v>1</v></c></row>'
    content = f'<worksheet xmlns="{MAIN}"><sheetData>{start}{row}></row></sheetData></worksheet>'.encode()
    with pytest.raises(TabellionError):
        read_sheet(content, "feuille.xml", "Feuille", CONTEXT)


@given(st.lists(st.sampled_from((
    "<si><t>a</t></si>", '<si><t xml:space="preserve"> a </t></si>', "<si><t> a\u00a0</t></si>",
    "<si><t>a &amp; b</t></si>", "<!-- <si><t>a</t></si> -->",
    "<si><t>a\nb</t></si>", "<si><r><t>a</t></r><r><t>b</t></r></si>", "<si><t>_x0041_</t></si>", "<si><t></t></si>",
    "<si><t>a]]&gt;</t></si>", "<si><t>a]]></t></si>", "<si><t>\x07</t></si>", "<si/>", "<si>",
    "<si><r><rPr><strike/></rPr><t>a</t></r></si>", "<si><t>\ufffe</t></si>",
))))  # fmt: skip
def test_shared_texts_read_as_by_the_parser_alone(items: list[str]) -> None:
    content = f'<sst xmlns="{MAIN}" count="1">{"".join(items)}</sst>'.encode()
    with pytest.MonkeyPatch.context() as monkeypatch:
        ours, theirs = both(monkeypatch, texts, texts.read_texts, content, "textes.xml")
    assert ours == theirs
