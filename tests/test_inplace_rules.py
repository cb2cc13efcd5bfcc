"""What a worksheet and its objects say of rows outside cells: each kind, before and after."""

from __future__ import annotations

import pytest
from lxml import etree

from support.masters import master
from support.own_work import MAIN, OFFICE, Workbook
from tabellion.layout.names import table_name
from tabellion.xlsx.inplace.moves import RowMove
from tabellion.xlsx.inplace.patch import Changes, RowToRemove, patch_tables
from tabellion.xlsx.inplace.rules import follow_rules

#: Rows 14 and 20 are taken out of the lines 13 to 52, and three come after them.
MOVE = RowMove("S", frozenset({14, 20}), after=52, count=3, top=13)
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<sheetViews><sheetView topLeftCell="A20"><pane ySplit="52" topLeftCell="A53" state="frozen"/>'
         '<selection activeCell="B14" sqref="B14 C30:C60"/></sheetView></sheetViews>',
         '<sheetViews><sheetView topLeftCell="A19"><pane ySplit="53" topLeftCell="A54" state="frozen"/>'
         '<selection activeCell="B14" sqref="B14 C28:C61"/></sheetView></sheetViews>'),
        ('<sheetViews><sheetView><pane ySplit="1800" topLeftCell="A53" state="split"/></sheetView></sheetViews>',
         '<sheetViews><sheetView><pane ySplit="1800" topLeftCell="A54" state="split"/></sheetView></sheetViews>'),
        ('<protectedRanges><protectedRange sqref="F13:F52 A1" name="a"/><protectedRange sqref="F20" name="b"/>'
         '</protectedRanges>',
         '<protectedRanges><protectedRange sqref="F13:F53 A1" name="a"/></protectedRanges>'),
        ('<scenarios><scenario name="x"><inputCells r="F30" val="1"/></scenario></scenarios>',
         '<scenarios><scenario name="x"><inputCells r="F28" val="1"/></scenario></scenarios>'),
        ('<autoFilter ref="A12:K52"><filterColumn colId="0"/></autoFilter>'
         '<sortState ref="A13:K52"><sortCondition ref="B13:B52"/></sortState>',
         '<autoFilter ref="A12:K53"><filterColumn colId="0"/></autoFilter>'
         '<sortState ref="A13:K53"><sortCondition ref="B13:B53"/></sortState>'),
        ('<mergeCells count="3"><mergeCell ref="A13:A14"/><mergeCell ref="A20:B20"/><mergeCell ref="A18:A22"/>'
         '</mergeCells>',
         '<mergeCells count="1"><mergeCell ref="A17:A20"/></mergeCells>'),
        ('<mergeCells count="1"><mergeCell ref="A20:B20"/></mergeCells>', ""),
        # The rule's first line is gone: it is written anew for the next one, and still compares with the line before.
        ('<conditionalFormatting sqref="A14:A60"><cfRule type="expression"><formula>$A14&lt;&gt;$A13</formula></cfRule>'
         '<cfRule type="colorScale"><colorScale><cfvo type="formula" val="$F$30"/></colorScale></cfRule>'
         '</conditionalFormatting>',
         '<conditionalFormatting sqref="A14:A61"><cfRule type="expression"><formula>$A14&lt;&gt;$A13</formula></cfRule>'
         '<cfRule type="colorScale"><colorScale><cfvo type="formula" val="$F$28"/></colorScale></cfRule>'
         '</conditionalFormatting>'),
        ('<dataValidations count="2"><dataValidation type="list" sqref="B13:B52"><formula1>$M$13:$M$52</formula1>'
         '</dataValidation><dataValidation sqref="B20"/></dataValidations>',
         '<dataValidations count="1"><dataValidation type="list" sqref="B13:B53"><formula1>$M$13:$M$53</formula1>'
         '</dataValidation></dataValidations>'),
        ('<hyperlinks><hyperlink ref="B13" location="S!A20"/><hyperlink ref="B14" location="S!A1"/></hyperlinks>',
         '<hyperlinks><hyperlink ref="B13" location="S!A20"/></hyperlinks>'),
        ('<rowBreaks count="1"><brk id="52"/></rowBreaks><colBreaks count="1"><brk id="52"/></colBreaks>',
         '<rowBreaks count="1"><brk id="53"/></rowBreaks><colBreaks count="1"><brk id="52"/></colBreaks>'),
        ('<cellWatches><cellWatch r="F53"/></cellWatches>', '<cellWatches><cellWatch r="F54"/></cellWatches>'),
        (f'<controls><control><controlPr linkedCell="$F$30" listFillRange="S!$F$13:$F$52"><anchor><from>'
         f'<x:row xmlns:x="{DRAWING}">59</x:row></from></anchor></controlPr></control></controls>',
         f'<controls><control><controlPr linkedCell="$F$28" listFillRange="S!$F$13:$F$53"><anchor><from>'
         f'<x:row xmlns:x="{DRAWING}">60</x:row></from></anchor></controlPr></control></controls>'),
    ],
)  # fmt: skip
def test_what_a_sheet_says_follows(before: str, after: str) -> None:
    root, wanted = (
        etree.fromstring(f'<worksheet xmlns="{MAIN}"><sheetData/>{inside}</worksheet>') for inside in (before, after)
    )
    assert follow_rules(root, "S", {"s": MOVE})
    assert etree.tostring(root, method="c14n") == etree.tostring(wanted, method="c14n")


def test_what_a_sheet_says_of_another_follows() -> None:
    rule = '<dataValidation sqref="B20"><formula1>S!$A$20:$A$60</formula1></dataValidation>'
    root = etree.fromstring(
        f'<worksheet xmlns="{MAIN}"><sheetData/><dataValidations>{rule}</dataValidations></worksheet>'
    )
    assert follow_rules(root, "Autre", {"s": MOVE})
    assert root.findtext(".//{*}formula1") == "S!$A$19:$A$61"
    assert not follow_rules(root, "Autre", {"ailleurs": MOVE})


def test_pivot_tables_controls_and_views_follow() -> None:
    """Parts that Excel writes beside a sheet, made by hand."""
    plan, content = master("Chartres")
    lines = plan.data[table_name("lignes_budgetaires", 1)]
    sheet = plan.sheets[lines.sheet]
    book = Workbook(content)
    part = book.package.sheet_parts[sheet]
    folder = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    cache = f'<worksheetSource ref="A12:K52" sheet="{sheet}"/>'
    book.add(
        "xl/pivotCache/pivotCacheDefinition1.xml",
        f'<pivotCacheDefinition xmlns="{MAIN}"><cacheSource type="worksheet">{cache}</cacheSource>'
        "</pivotCacheDefinition>",
        f"{folder}.pivotCacheDefinition+xml",
    )
    book.relate("xl/workbook.xml", "rIdCache", "pivotCacheDefinition", "pivotCache/pivotCacheDefinition1.xml")
    book.add(
        "xl/pivotTables/pivotTable1.xml",
        f'<pivotTableDefinition xmlns="{MAIN}"><location ref="P60:Q70"/></pivotTableDefinition>',
        f"{folder}.pivotTable+xml",
    )
    book.relate(part, "rIdPivot", "pivotTable", "../pivotTables/pivotTable1.xml")
    properties = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
    book.add(
        "xl/ctrlProps/ctrlProp1.xml",
        f'<formControlPr xmlns="{properties}" objectType="Drop" fmlaLink="$P$30" fmlaRange="$B$13:$B$52"/>',
        "application/vnd.ms-excel.controlproperties+xml",
    )
    book.relate(part, "rIdControl", f"{OFFICE}/ctrlProp", "../ctrlProps/ctrlProp1.xml")
    views = "http://schemas.microsoft.com/office/spreadsheetml/2019/namedsheetviews"
    book.add(
        "xl/namedSheetViews/namedSheetView1.xml",
        f'<namedSheetViews xmlns="{views}"><namedSheetView name="x"><nsvFilter ref="A12:K52"/></namedSheetView>'
        "</namedSheetViews>",
        "application/vnd.ms-excel.namedsheetviews+xml",
    )
    kind = "http://schemas.microsoft.com/office/2019/04/relationships/namedSheetView"
    book.relate(part, "rIdView", kind, "../namedSheetViews/namedSheetView1.xml")
    patched = Workbook(patch_tables(book.bytes(), Changes(removed=[RowToRemove(sheet, 20, 1)])).data)
    assert (
        f'<worksheetSource ref="A12:K51" sheet="{sheet}"/>' in patched.parts["xl/pivotCache/pivotCacheDefinition1.xml"]
    )
    assert 'refreshOnLoad="1"' in patched.parts["xl/pivotCache/pivotCacheDefinition1.xml"]
    assert '<location ref="P59:Q69"/>' in patched.parts["xl/pivotTables/pivotTable1.xml"]
    assert 'fmlaLink="$P$29" fmlaRange="$B$13:$B$51"' in patched.parts["xl/ctrlProps/ctrlProp1.xml"]
    assert '<nsvFilter ref="A12:K51"/>' in patched.parts["xl/namedSheetViews/namedSheetView1.xml"]
