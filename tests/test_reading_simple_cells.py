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
CONTEXT = SheetContext({"0": "Lucé", "1": None, "2": "a"}, NumberFormats({}), {"2": "~~a~~"})
CELLS = (
    '<c r="A{row}"><v>12.5</v></c>', '<c r="B{row}" s="3" t="s"><v>0</v></c>', '<c r="B{row}" t="s"><v>1</v></c>',
    '<c r="C{row}" t="n"><v>1e400</v></c>', '<c r="D{row}" t="s"><v>2</v></c>', '<c r="A1"><v>7</v></c>',
    '<c r="E{row}"><v>1-1</v></c>', '<c r="F{row}"><f>A1</f><v>3</v></c>', '<c r="F{row}" t="e"><v>#REF!</v></c>',
    '<c r="G{row}" s="1"/>', "<c><v>4</v></c>", '<c r="XFD{row}"><v>1</v></c>', '<c r="XFE{row}"><v>1</v></c>',
    '<c r="A9999999"><v>1</v></c>', '<c r="H{row}" t="s"><v>9</v></c>',
    '<c r="I{row}"><v>1<c r="J{row}"><v>2</v></c></v></c>',
    '<c r="K{row}" t="inlineStr"><is><t>mot</t></is></c>', "<x><c r=\"L{row}\"><v>5</v></c></x>", "<v>", "\n",
)  # fmt: skip
AROUND = (
    "",
    '<!-- <c r="A1"><v>1</v></c> -->',
    '<?x <c r="A1"><v>1</v></c> ?>',
    '<a xmlns="b"><c r="A1"><v>1</v></c></a>',
)


def said(read: Any, *arguments: Any) -> object:
    """What is read, or the codes and the values of the refusal."""
    try:
        return read(*arguments)
    except TabellionError as error:
        return [(item.code, item.message) for item in error.findings]


def both(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, read: Any, *arguments: Any) -> tuple[object, object]:
    """What is read as it is, and by the parser alone."""
    ours = said(read, *arguments)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, lambda _: False)
        return ours, said(read, *arguments)


@given(
    rows=st.lists(
        st.tuples(st.lists(st.sampled_from(CELLS[:9]), max_size=6), st.lists(st.sampled_from(CELLS), max_size=2))
    ),
    around=st.sampled_from(AROUND),
)
def test_a_sheet_reads_as_by_the_parser_alone(rows: list[tuple[list[str], list[str]]], around: str) -> None:
    lines = [
        f'<row r="{number}">{"".join(map(str, [*first, *others])).format(row=number)}</row>'
        for number, (first, others) in enumerate(rows, 1)
    ]
    content = f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData>{around}</worksheet>'.encode()
    with pytest.MonkeyPatch.context() as monkeypatch:
        ours, theirs = both(monkeypatch, sheets, "_is_simple", read_sheet, content, "feuille.xml", "Feuille", CONTEXT)
    assert ours == theirs


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
        ours, theirs = both(monkeypatch, texts, "is_plain", texts.read_texts, content, "textes.xml")
    assert ours == theirs
