"""A sheet of an agent's own in a contract's workbook, as Excel writes it, and what every sound workbook has."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import openpyxl

from support.masters import CONTENT_TYPES, MAIN, OFFICE, RELATIONS, Package
from support.own_work import MAIN as SPREADSHEET
from support.own_work import OFFICE as LINKS
from support.own_work import PERSON, THREAD, THREADED, Workbook, formula, note

OWN_CHART = "Graphique 1"
OWN = "L'équipe & nous"
QUOTED = "'L''équipe &amp; nous'"
_TYPE = "application/vnd.openxmlformats-officedocument."
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
_ART = "http://schemas.openxmlformats.org/drawingml/2006/main"
_CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"


def with_own_sheet(content: bytes, formulas: dict[str, tuple[str, float | str]], chart: str, link: str) -> bytes:
    """The workbook with a second sheet of an agent's own.

    It has these formulas (as XML has them) with their values in its column A, a chart of the cells ``chart``, a link to
    ``link``, a table, a note, colours, rules, what is printed, and a name for its cell B1, ``Maison``.
    """
    book = Workbook(content)
    numbers = _styles(book)
    part = "xl/worksheets/sheet99.xml"
    rows = [
        f'<row r="1" ht="30" customHeight="1"><c r="A1" s="{numbers["title"]}" t="s"><v>0</v></c>'
        '<c r="B1"><v>12</v></c>'
        '<c r="D1" t="inlineStr"><is><t>Qui</t></is></c><c r="E1" t="inlineStr"><is><t>Jours</t></is></c></row>'
    ]
    extra = {
        2: '<c r="D2" t="inlineStr"><is><t>Zoé</t></is></c><c r="E2"><v>3</v></c>',
        3: '<c r="D3" t="inlineStr"><is><t>Ali</t></is></c><c r="E3"><v>4.5</v></c>',
    }
    for row, (ref, (text, value)) in enumerate(formulas.items(), 2):
        assert ref == f"A{row}"
        cell = formula(ref, text, value).replace("<c ", f'<c s="{numbers["amount"]}" ', 1)
        rows.append(f'<row r="{row}">{cell}{extra.get(row, "")}</row>')
    first = _share(book, '<r><rPr><b/></rPr><t xml:space="preserve">Notre </t></r><r><t>équipe</t></r>')
    rows[0] = rows[0].replace("<v>0</v>", f"<v>{first}</v>", 1)
    book.add(
        part,
        f'<worksheet xmlns="{SPREADSHEET}" xmlns:r="{LINKS}"><sheetPr><tabColor rgb="FF00B050"/></sheetPr>'
        '<sheetViews><sheetView tabSelected="1" zoomScale="130" workbookViewId="0"/></sheetViews>'
        f'<cols><col min="1" max="1" width="33" style="{numbers["amount"]}" customWidth="1"/></cols>'
        f"<sheetData>{''.join(rows)}</sheetData>"
        f'<conditionalFormatting sqref="A2:A9"><cfRule type="expression" dxfId="{numbers["rule"]}" priority="1">'
        f"<formula>{formulas['A2'][0]}&gt;1</formula></cfRule></conditionalFormatting>"
        '<dataValidations count="1"><dataValidation type="list" sqref="C2"><formula1>choix_collectivites</formula1>'
        "</dataValidation></dataValidations>"
        f'<hyperlinks><hyperlink ref="C3" location="{link}"/><hyperlink ref="C4" r:id="rIdWeb"/></hyperlinks>'
        '<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="8" orientation="landscape"/><drawing r:id="rIdDrawing"/><legacyDrawing r:id="rIdBox"/>'
        '<tableParts count="1"><tablePart r:id="rIdTable"/></tableParts></worksheet>',
        f"{_TYPE}spreadsheetml.worksheet+xml",
    )
    _hang(book, part, chart)
    _list(book)
    return book.bytes()


def _styles(book: Workbook) -> dict[str, int]:
    part, numbers = "xl/styles.xml", {}

    def put(section: str, text: str) -> int:
        match = re.search(rf'<{section} count="(\d+)">', book.parts[part])
        assert match is not None
        book.replace(part, match[0], f'<{section} count="{int(match[1]) + 1}">')
        book.before(part, f"</{section}>", text)
        return int(match[1])

    put("numFmts", '<numFmt numFmtId="175" formatCode="0.0&quot; k€&quot;"/>')
    font = put("fonts", '<font><i/><sz val="14"/><color rgb="FF7030A0"/><name val="Arial"/></font>')
    fill = put("fills", '<fill><patternFill patternType="solid"><fgColor rgb="FFFFFF00"/></patternFill></fill>')
    style = f'<xf numFmtId="0" fontId="{font}" fillId="{fill}" borderId="0" xfId="0" applyFont="1" applyFill="1"/>'
    numbers["title"] = put("cellXfs", style)
    numbers["amount"] = put("cellXfs", '<xf numFmtId="175" fontId="0" fillId="0" borderId="0" xfId="0"/>')
    numbers["rule"] = put("dxfs", '<dxf><font><b/><color rgb="FFC00000"/></font></dxf>')
    return numbers


def _share(book: Workbook, text: str) -> int:
    part = "xl/sharedStrings.xml"
    count = book.parts[part].count("<si>")
    book.before(part, "</sst>", f"<si>{text}</si>")
    return count


def _hang(book: Workbook, part: str, chart: str) -> None:
    """The table, the note and the chart of the sheet."""
    book.add(
        "xl/tables/table99.xml",
        f'<table xmlns="{SPREADSHEET}" id="99" name="Equipe" displayName="Equipe" ref="D1:E3" totalsRowShown="0">'
        '<autoFilter ref="D1:E3"/><tableColumns count="2"><tableColumn id="1" name="Qui"/><tableColumn id="2" '
        'name="Jours"/></tableColumns><tableStyleInfo name="TableStyleLight9" showRowStripes="1"/></table>',
        f"{_TYPE}spreadsheetml.table+xml",
    )
    book.relate(part, "rIdTable", "table", "../tables/table99.xml")
    book.add(
        "xl/comments99.xml",
        f'<comments xmlns="{SPREADSHEET}"><authors><author>Zoé</author></authors><commentList>'
        '<comment ref="A2" authorId="0"><text><r><t>à revoir en juin</t></r></text></comment></commentList></comments>',
        f"{_TYPE}spreadsheetml.comments+xml",
    )
    book.relate(part, "rIdNote", "comments", "../comments99.xml")
    spaces = "urn:schemas-microsoft-com"
    book.parts["xl/drawings/vmlDrawing99.vml"] = (
        f'<xml xmlns:v="{spaces}:vml" xmlns:o="{spaces}:office:office" xmlns:x="{spaces}:office:excel">'
        f"{note(1, 0, 1025)}</xml>"
    )
    if 'Extension="vml"' not in book.parts["[Content_Types].xml"]:
        types = f'<Default Extension="vml" ContentType="{_TYPE}vmlDrawing"/>'
        book.before("[Content_Types].xml", '<Default Extension="xml"', types)
    book.relate(part, "rIdBox", "vmlDrawing", "../drawings/vmlDrawing99.vml")
    book.relate(part, "rIdWeb", "hyperlink", 'https://example.org/agenda" TargetMode="External')
    book.add(
        "xl/drawings/drawing99.xml",
        f'<xdr:wsDr xmlns:xdr="{_DRAWING}" xmlns:a="{_ART}"><xdr:twoCellAnchor><xdr:from><xdr:col>1</xdr:col>'
        "<xdr:colOff>0</xdr:colOff><xdr:row>14</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:to><xdr:col>5</xdr:col>"
        "<xdr:colOff>0</xdr:colOff><xdr:row>30</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:to>"
        '<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="2" name="Nos montants"/>'
        '<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>'
        f'<a:graphic><a:graphicData uri="{_CHART}"><c:chart xmlns:c="{_CHART}" xmlns:r="{LINKS}" r:id="rId1"/>'
        "</a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/></xdr:twoCellAnchor></xdr:wsDr>",
        f"{_TYPE}drawing+xml",
    )
    book.add(
        "xl/charts/chart99.xml",
        f'<c:chartSpace xmlns:c="{_CHART}" xmlns:a="{_ART}" xmlns:r="{LINKS}"><c:chart><c:plotArea><c:layout/>'
        '<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/><c:ser><c:idx val="0"/><c:order val="0"/>'
        f"<c:val><c:numRef><c:f>{chart}</c:f></c:numRef></c:val></c:ser>"
        '<c:axId val="1"/><c:axId val="2"/></c:barChart><c:catAx><c:axId val="1"/><c:scaling/><c:axPos val="b"/>'
        '<c:crossAx val="2"/></c:catAx><c:valAx><c:axId val="2"/><c:scaling/><c:axPos val="l"/><c:crossAx val="1"/>'
        '</c:valAx></c:plotArea><c:plotVisOnly val="1"/></c:chart></c:chartSpace>',
        f"{_TYPE}drawingml.chart+xml",
    )
    book.relate(part, "rIdDrawing", "drawing", "../drawings/drawing99.xml")
    book.relate("xl/drawings/drawing99.xml", "rId1", "chart", "../charts/chart99.xml")


def with_more(content: bytes, sheet: str, source: str) -> bytes:
    """The workbook whose own sheet also has a thread, and a pivot table of the cells ``source`` of ``sheet``; and which
    has a sheet that is a chart.
    """
    book, part = Workbook(content), "xl/worksheets/sheet99.xml"
    person, talk = "{0A1B2C3D-0000-4000-8000-00000000000F}", "http://schemas.microsoft.com/office/spreadsheetml/2018"
    book.add(
        "xl/threadedComments/threadedComment9.xml",
        f'<ThreadedComments xmlns="{talk}/threadedcomments"><threadedComment ref="A2" dT="2016-04-01T09:00:00.00" '
        f'personId="{person}" id="{THREAD}"><text>Qui ?</text></threadedComment></ThreadedComments>',
        "application/vnd.ms-excel.threadedcomments+xml",
    )
    book.relate(part, "rIdThread", THREADED, "../threadedComments/threadedComment9.xml")
    book.add(
        "xl/persons/person.xml",
        f'<personList xmlns="{talk}/threadedcomments"><person displayName="Zoé" id="{person}" userId="zoe" '
        'providerId="None"/></personList>',
        "application/vnd.ms-excel.person+xml",
    )
    book.relate("xl/workbook.xml", "rIdPerson", PERSON, "persons/person.xml")
    book.add(
        "xl/pivotCache/pivotCacheDefinition1.xml",
        f'<pivotCacheDefinition xmlns="{SPREADSHEET}" xmlns:r="{LINKS}" saveData="0" refreshedBy="Zoé" recordCount="0">'
        f'<cacheSource type="worksheet"><worksheetSource ref="{source}" sheet="{escape(sheet)}"/></cacheSource>'
        '<cacheFields count="1"><cacheField name="Collectivité"><sharedItems/></cacheField></cacheFields>'
        "</pivotCacheDefinition>",
        f"{_TYPE}spreadsheetml.pivotCacheDefinition+xml",
    )
    book.add(
        "xl/pivotTables/pivotTable1.xml",
        f'<pivotTableDefinition xmlns="{SPREADSHEET}" name="Tableau croisé" cacheId="7" dataCaption="Valeurs">'
        '<location ref="G1:H3" firstHeaderRow="1" firstDataRow="1" firstDataCol="1"/><pivotFields count="1">'
        '<pivotField showAll="0"/></pivotFields></pivotTableDefinition>',
        f"{_TYPE}spreadsheetml.pivotTable+xml",
    )
    book.relate(part, "rIdPivot", "pivotTable", "../pivotTables/pivotTable1.xml")
    cache = "pivotCacheDefinition"
    book.relate("xl/pivotTables/pivotTable1.xml", "rId1", cache, "../pivotCache/pivotCacheDefinition1.xml")
    book.relate("xl/workbook.xml", "rIdCache", cache, "pivotCache/pivotCacheDefinition1.xml")
    caches = '<pivotCaches><pivotCache cacheId="7" r:id="rIdCache"/></pivotCaches>'
    book.before("xl/workbook.xml", "</workbook>", caches)
    book.parts["xl/drawings/drawing98.xml"] = book.parts["xl/drawings/drawing99.xml"]
    types = f'<Override PartName="/xl/drawings/drawing98.xml" ContentType="{_TYPE}drawing+xml"/>'
    book.before("[Content_Types].xml", "</Types>", types)
    book.relate("xl/drawings/drawing98.xml", "rId1", "chart", "../charts/chart99.xml")
    book.add(
        "xl/chartsheets/sheet1.xml",
        f'<chartsheet xmlns="{SPREADSHEET}" xmlns:r="{LINKS}"><sheetViews><sheetView workbookViewId="0"/></sheetViews>'
        '<drawing r:id="rId1"/></chartsheet>',
        f"{_TYPE}spreadsheetml.chartsheet+xml",
    )
    book.relate("xl/chartsheets/sheet1.xml", "rId1", "drawing", "../drawings/drawing98.xml")
    book.relate("xl/workbook.xml", "rIdChart", "chartsheet", "chartsheets/sheet1.xml")
    book.before("xl/workbook.xml", "</sheets>", f'<sheet name="{OWN_CHART}" sheetId="98" r:id="rIdChart"/>')
    return book.bytes()


def _list(book: Workbook) -> None:
    """The sheet is the second one, and the one that is open."""
    workbook = "xl/workbook.xml"
    book.relate(workbook, "rIdOwn", "worksheet", "worksheets/sheet99.xml")
    text = re.sub(
        r'localSheetId="(\d+)"',
        lambda match: f'localSheetId="{int(match[1]) + (int(match[1]) > 0)}"',
        book.parts[workbook],
    )
    name = OWN.replace("&", "&amp;")
    sheet = f'<sheet name="{name}" sheetId="99" r:id="rIdOwn"/>'
    text = re.sub(r"(<sheets><sheet [^>]*/>)", lambda match: match[1] + sheet, text, count=1)
    book.parts[workbook] = text.replace("<workbookView ", '<workbookView activeTab="1" ', 1)
    book.before(
        workbook, "</definedNames>",
        f'<definedName name="Maison">{QUOTED}!$B$1</definedName>'
        f'<definedName name="_xlnm.Print_Area" localSheetId="1">{QUOTED}!$A$1:$E$30</definedName>',
    )  # fmt: skip
    first = book.package.sheet_parts["Accueil"]
    book.parts[first] = book.parts[first].replace(' tabSelected="1"', "")


def renamed(content: bytes, names: dict[str, str]) -> bytes:
    """The workbook with sheets renamed, as Excel does it: wherever they are named."""
    book = Workbook(content)
    for old, new in names.items():
        before, after = ("'" + name.replace("'", "''") + "'!" for name in (old, new))
        for part, text in book.parts.items():
            changed = text.replace(before, after)
            if old.isalpha():
                changed = re.sub(rf"(?<=[>,(]){old}!", after, changed)
            book.parts[part] = changed
        book.replace("xl/workbook.xml", f'<sheet name="{old}"', f'<sheet name="{new}"')
    return book.bytes()


def faults(content: bytes) -> list[str]:
    """What Excel would repair: dangling relations, parts of no type, numbers and names that are there twice."""
    package, wrong = Package(content), list[str]()
    types = package.xml("[Content_Types].xml")
    declared = {element.attrib["PartName"].lstrip("/") for element in types.iter(f"{CONTENT_TYPES}Override")}
    defaults = {element.attrib["Extension"] for element in types.iter(f"{CONTENT_TYPES}Default")}
    wrong += [f"no part {name}" for name in declared - package.parts.keys()]
    typed = {name for name in package.parts if name in declared or name.rpartition(".")[2] in defaults}
    wrong += [f"no type {name}" for name in package.parts.keys() - typed - {"[Content_Types].xml"}]
    reached = {"xl/workbook.xml"}
    for rels in (name for name in package.parts if name.endswith(".rels")):
        part = "" if rels == "_rels/.rels" else rels.replace("_rels/", "").removesuffix(".rels")
        ids = [element.attrib["Id"] for element in package.xml(rels).iter(f"{RELATIONS}Relationship")]
        wrong += [f"{rels}: {link} twice" for link in set(ids) if ids.count(link) > 1]
        wrong += [f"{rels}: of no part"] if part and part not in package.parts else []
        targets = package.targets(part) if part else _targets(package, rels)
        reached |= set(targets.values())
        wrong += [f"{rels}: no {target}" for target in targets.values() if target not in package.parts]
        if part.endswith(".xml"):
            named = set(re.findall(r'\br:(?:id|embed|link)="([^"]+)"', package.parts[part].decode()))
            wrong += [f"{part}: no relation {link}" for link in named - set(ids)]
    parts = {name for name in package.parts if not name.endswith(".rels") and name != "[Content_Types].xml"}
    wrong += [f"nothing leads to {name}" for name in parts - reached]
    tables = [root for sheet in package.sheet_parts.values() for root in _tables(package, sheet)]
    sheets = list(package.workbook.iter(f"{MAIN}sheet"))
    names = [
        (element.attrib["name"].casefold(), element.attrib.get("localSheetId"))
        for element in package.workbook.iter(f"{MAIN}definedName")
    ]
    once = {
        "table id": [root.attrib["id"] for root in tables],
        "table name": [root.attrib["displayName"].casefold() for root in tables]
        + [name for name, scope in names if scope is None],
        "sheet id": [sheet.attrib["sheetId"] for sheet in sheets],
        "sheet": [sheet.attrib["name"].casefold() for sheet in sheets],
        "sheet relation": [sheet.attrib[f"{OFFICE}id"] for sheet in sheets],
        "name": names,
    }
    wrong += [
        f"{kind} {value!r} twice" for kind, values in once.items() for value in set(values) if values.count(value) > 1
    ]
    wrong += [f"name of no sheet: {name}" for name, scope in names if scope is not None and int(scope) >= len(sheets)]
    styles = package.xml("xl/styles.xml")
    counts = {name: len(styles.find(f"{MAIN}{name}") or []) for name in ("cellXfs", "dxfs")}
    for name, root in package.sheets.items():
        used = {int(cell.attrib.get("s", 0)) for tag in ("c", "row") for cell in root.iter(f"{MAIN}{tag}")}
        used |= {int(column.attrib.get("style", 0)) for column in root.iter(f"{MAIN}col")}
        wrong += [f"{name}: style {number}" for number in used if number >= counts["cellXfs"]]
        rules = {int(rule.attrib["dxfId"]) for rule in root.iter(f"{MAIN}cfRule") if "dxfId" in rule.attrib}
        wrong += [f"{name}: format {number}" for number in rules if number >= counts["dxfs"]]
    selected = [
        name for name, root in package.sheets.items() if root.find(f".//{MAIN}sheetView[@tabSelected='1']") is not None
    ]
    view = package.workbook.find(f".//{MAIN}workbookView")
    active = int(view.attrib.get("activeTab", 0)) if view is not None else 0
    wrong += [f"selected: {name}" for name in selected if name != sheets[active].attrib["name"]]
    openpyxl.load_workbook(io.BytesIO(content))
    return wrong


def _targets(package: Package, rels: str) -> dict[str, str]:
    """What the package itself leads to."""
    relations = package.xml(rels).iter(f"{RELATIONS}Relationship")
    return {relation.attrib["Id"]: relation.attrib["Target"].lstrip("/") for relation in relations}


def _tables(package: Package, sheet: str) -> list[ElementTree.Element]:
    targets = package.targets(sheet)
    return [package.xml(target) for target in targets.values() if target.startswith("xl/tables/")]
