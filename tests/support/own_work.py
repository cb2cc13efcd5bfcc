"""A contract's workbook as an agent's Excel leaves it: own sheet, columns, rules, notes, threads, charts, a label.

The parts are written by hand, as Excel writes them, into a master as the program wrote it: neither LibreOffice nor
openpyxl keeps all of them.
"""

from __future__ import annotations

import io
import re
import zipfile

from support.masters import Package

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
X14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
XM = "http://schemas.microsoft.com/office/excel/2006/main"
THREADED = "http://schemas.microsoft.com/office/2017/10/relationships/threadedComment"
PERSON = "http://schemas.microsoft.com/office/2017/10/relationships/person"
OWN_SHEET = "Nos calculs"
THREAD = "{0A1B2C3D-0000-4000-8000-000000000001}"


class Workbook:
    """The parts of a workbook, changed as texts."""

    def __init__(self, content: bytes) -> None:
        self.package = Package(content)
        self.parts = {name: part.decode() for name, part in self.package.parts.items()}

    def replace(self, part: str, old: str, new: str) -> None:
        """Put a text in place of one that stands there once."""
        assert self.parts[part].count(old) == 1, (part, old, self.parts[part].count(old))
        self.parts[part] = self.parts[part].replace(old, new)

    def before(self, part: str, mark: str, new: str) -> None:
        """Put a text before a mark."""
        self.replace(part, mark, new + mark)

    def add(self, part: str, text: str, content_type: str) -> None:
        """A new part."""
        self.parts[part] = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + text
        override = f'<Override PartName="/{part}" ContentType="{content_type}"/>'
        self.before("[Content_Types].xml", "</Types>", override)

    def relate(self, part: str, link: str, kind: str, target: str) -> None:
        """A relationship from a part."""
        folder, _, name = part.rpartition("/")
        rels = f"{folder}/_rels/{name}.rels" if part else "_rels/.rels"
        self.parts.setdefault(rels, f'<Relationships xmlns="{PACKAGE}"></Relationships>')
        kind = kind if "://" in kind else f"{OFFICE}/{kind}"
        self.before(rels, "</Relationships>", f'<Relationship Id="{link}" Type="{kind}" Target="{target}"/>')

    def bytes(self) -> bytes:
        """The workbook."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
            for name, text in self.parts.items():
                target.writestr(zipfile.ZipInfo(name, (2016, 4, 1, 9, 0, 0)), text, zipfile.ZIP_DEFLATED)
        return stream.getvalue()


def note(row: int, column: int, number: int) -> str:
    """The box of a note at a zero-based cell."""
    return (
        f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;visibility:hidden"><v:textbox>'
        f'<div>à lire<br></div></v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{column + 1}, 15, {row - 1}, 2, {column + 3}, 31, {row + 3}, 1</x:Anchor><x:AutoFill>False"
        f"</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
    )


def formula(ref: str, text: str, value: float | str) -> str:
    """A cell with a formula and its cached value."""
    kind = ' t="str"' if isinstance(value, str) else ""
    return f'<c r="{ref}"{kind}><f>{text}</f><v>{value}</v></c>'


def with_own_work(content: bytes, sheet: str, lines: tuple[int, int], values: dict[str, float]) -> bytes:
    """The master with an agent's own work around the table of ``sheet`` whose data are on these one-based rows.

    ``values`` are the cached values of the own formulas, by name of the cell on the own sheet.
    """
    book = Workbook(content)
    first, last = lines
    part = book.package.sheet_parts[sheet]
    quoted = "'" + sheet.replace("'", "''") + "'"
    _own_cells(book, part, first, last, values)
    _own_rules(book, part, first, last, quoted)
    _notes(book, part)
    _chart(book, part, f"{quoted}!$E${first}:$E${last}")
    _own_sheet(book, quoted, first, last, values)
    _filter(book, first)
    book.add(
        "xl/calcChain.xml", f'<calcChain xmlns="{MAIN}"><c r="E61" i="15"/></calcChain>',
        "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml",
    )  # fmt: skip
    book.relate("xl/workbook.xml", "rIdChain", "calcChain", "calcChain.xml")
    book.add(
        "docMetadata/LabelInfo.xml",
        '<clbl:labelList xmlns:clbl="http://schemas.microsoft.com/office/2020/mipLabelMetadata"><clbl:label '
        'id="{00000000-0000-0000-0000-00000000000a}" enabled="1" method="Privileged" siteId="{0}" removed="0"/>'
        "</clbl:labelList>",
        "application/vnd.ms-office.classificationlabels+xml",
    )
    label = "http://schemas.microsoft.com/office/2020/02/relationships/classificationlabels"
    book.relate("", "rIdLabel", label, "docMetadata/LabelInfo.xml")
    book.replace("xl/workbook.xml", "<workbookView ", '<workbookView activeTab="14" ')
    return book.bytes()


def _own_cells(book: Workbook, part: str, first: int, last: int, values: dict[str, float]) -> None:
    """Two own columns beside the table (a shared formula, remarks), a hidden row, own sums under it, a coloured row."""
    for row in range(first, last + 1):
        attributes = f't="shared" ref="L{first}:L{last}" si="0"' if row == first else 't="shared" si="0"'
        text = f"E{first}*2" if row == first else ""
        own = f'<c r="L{row}"><f {attributes}>{text}</f><v>{values.get(f"L{row}", 0):g}</v></c>'
        if row in (first + 1, 20, 30):
            own += f'<c r="M{row}" t="inlineStr"><is><t>remarque {row}</t></is></c>'
        pattern = re.compile(rf'(<row r="{row}" [^>]*>.*?)</row>')
        book.parts[part] = pattern.sub(lambda match, own=own: f"{match[1]}{own}</row>", book.parts[part], count=1)
    book.replace(part, f'<row r="{first + 3}" ', f'<row r="{first + 3}" hidden="1" ')
    header, line = (re.search(rf'<c r="A{row}" s="(\d+)"', book.parts[part]) for row in (first - 1, last))
    assert header is not None
    assert line is not None
    book.replace(part, line[0], f'<c r="A{last}" s="{header[1]}"')  # as somebody colours it
    total, seen = values["E60"], values["E61"]
    book.before(
        part,
        "</sheetData>",
        f'<row r="60"><c r="A60" t="inlineStr"><is><t>Total maison</t></is></c>'
        f"{formula('E60', f'SUM(E{first}:E{last})', total)}</row>"
        f'<row r="61">{formula("E61", "E30+1", seen)}</row>'
        f'<row r="62"><c r="E62"><f t="array" ref="E62:E63">E30:E31*2</f><v>{values["E62"]:g}</v></c></row>'
        f'<row r="63"><c r="E63"><v>{values["E63"]:g}</v></c></row>',
    )


def _own_rules(book: Workbook, part: str, first: int, last: int, quoted: str) -> None:
    """Rules of 2007 and of 2010, sparklines, merges, links, breaks, a zoom."""
    book.replace(part, '<sheetView showGridLines="0" ', '<sheetView showGridLines="0" zoomScale="85" ')
    book.before(
        part,
        "<dataValidations ",
        f'<conditionalFormatting sqref="A{first}:K{last}"><cfRule type="expression" dxfId="0" priority="40">'
        f"<formula>$A{first}&lt;&gt;$A{first - 1}</formula></cfRule></conditionalFormatting>"
        '<conditionalFormatting sqref="E20"><cfRule type="cellIs" dxfId="0" priority="41" operator="greaterThan">'
        "<formula>$E$30</formula></cfRule></conditionalFormatting>",
    )
    book.before(
        part, "<conditionalFormatting sqref=\"C6:C10\">",
        '<mergeCells count="2"><mergeCell ref="M20:N20"/><mergeCell ref="A60:B60"/></mergeCells>',
    )  # fmt: skip
    book.before(
        part, "</hyperlinks>",
        f'<hyperlink ref="B20" location="{quoted}!E21"/><hyperlink ref="B40" location="{quoted}!E45"/>',
    )  # fmt: skip
    book.replace(
        part,
        "</headerFooter>",
        '</headerFooter><rowBreaks count="1" manualBreakCount="1"><brk id="40" max="16383" man="1"/></rowBreaks>'
        f'<ignoredErrors><ignoredError sqref="B{first}:B{last}" numberStoredAsText="1"/></ignoredErrors>'
        '<drawing r:id="rIdDrawing"/><legacyDrawing r:id="rIdVml"/>',
    )
    rule = '<x14:cfRule type="expression" priority="42" id="{0A1B2C3D-0000-4000-8000-0000000000A1}">'
    book.replace(
        part,
        "</tableParts>",
        f'</tableParts><extLst><ext xmlns:x14="{X14}" uri="{{78C0D931-6437-407d-A8EE-E0AAD7539E65}}">'
        f'<x14:conditionalFormattings><x14:conditionalFormatting xmlns:xm="{XM}">{rule}'
        f"<xm:f>$E{first}&gt;{quoted}!$E$30</xm:f><x14:dxf/></x14:cfRule><xm:sqref>E{first}:E{last}</xm:sqref>"
        "</x14:conditionalFormatting></x14:conditionalFormattings></ext>"
        f'<ext xmlns:x14="{X14}" uri="{{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}}"><x14:dataValidations count="1" '
        f'xmlns:xm="{XM}"><x14:dataValidation type="list" allowBlank="1"><x14:formula1><xm:f>{quoted}!$M$14:$M$30'
        f"</xm:f></x14:formula1><xm:sqref>M{first}:M{last}</xm:sqref></x14:dataValidation></x14:dataValidations></ext>"
        f'<ext xmlns:x14="{X14}" uri="{{05C60535-1F16-4fd2-B633-E4F36F0B64E0}}"><x14:sparklineGroups xmlns:xm="{XM}">'
        f"<x14:sparklineGroup><x14:sparklines><x14:sparkline><xm:f>{quoted}!D20:E20</xm:f><xm:sqref>N20</xm:sqref>"
        f"</x14:sparkline><x14:sparkline><xm:f>{quoted}!D30:E30</xm:f><xm:sqref>N30</xm:sqref></x14:sparkline>"
        "</x14:sparklines></x14:sparklineGroup></x14:sparklineGroups></ext></extLst>",
    )


def _notes(book: Workbook, part: str) -> None:
    """Notes on E20 and E30, and a thread with an answer on B40, which Excel doubles with a note."""
    told = "".join(
        f'<comment ref="{ref}" authorId="{author}"><text><r><t>{words}</t></r></text></comment>'
        for ref, author, words in (("E20", 0, "à retirer"), ("E30", 0, "vu"), ("B40", 1, "[Commentaire]"))
    )
    book.add(
        "xl/comments1.xml",
        f'<comments xmlns="{MAIN}"><authors><author>Agent</author><author>tc={THREAD}</author></authors>'
        f"<commentList>{told}</commentList></comments>",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml",
    )
    person = "{0A1B2C3D-0000-4000-8000-00000000000F}"
    book.add(
        "xl/threadedComments/threadedComment1.xml",
        '<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">'
        f'<threadedComment ref="B40" dT="2016-04-01T09:00:00.00" personId="{person}" id="{THREAD}"><text>Qui ?</text>'
        f'</threadedComment><threadedComment ref="B40" dT="2016-04-01T10:00:00.00" personId="{person}" '
        f'id="{{0A1B2C3D-0000-4000-8000-000000000002}}" parentId="{THREAD}"><text>Nous.</text></threadedComment>'
        "</ThreadedComments>",
        "application/vnd.ms-excel.threadedcomments+xml",
    )
    book.add(
        "xl/persons/person.xml",
        '<personList xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">'
        f'<person displayName="Agent" id="{person}" userId="agent" providerId="None"/></personList>',
        "application/vnd.ms-excel.person+xml",
    )
    book.parts["xl/drawings/vmlDrawing1.vml"] = (
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
        'xmlns:x="urn:schemas-microsoft-com:office:excel"><v:shapetype id="_x0000_t202" coordsize="21600,21600" '
        'o:spt="202" path="m,l,21600r21600,l21600,xe"/>'
        + note(19, 5, 1025) + note(29, 5, 1026) + note(39, 1, 1027) + "</xml>"
    )  # fmt: skip
    default = '<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>'
    book.replace(
        "[Content_Types].xml",
        '<Override PartName="/xl/workbook.xml"',
        default + '<Override PartName="/xl/workbook.xml"',
    )
    book.relate(part, "rIdVml", "vmlDrawing", "../drawings/vmlDrawing1.vml")
    book.relate(part, "rIdNotes", "comments", "../comments1.xml")
    book.relate(part, "rIdThreads", THREADED, "../threadedComments/threadedComment1.xml")
    book.relate("xl/workbook.xml", "rIdPerson", PERSON, "persons/person.xml")


def _chart(book: Workbook, part: str, values: str) -> None:
    """A chart of the amounts, under the table."""
    drawing, chart = "xl/drawings/drawing9.xml", "xl/charts/chart9.xml"
    spreadsheet = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
    main, charts = (
        "http://schemas.openxmlformats.org/drawingml/2006/main",
        "http://schemas.openxmlformats.org/drawingml/2006/chart",
    )
    book.add(
        drawing,
        f'<xdr:wsDr xmlns:xdr="{spreadsheet}" xmlns:a="{main}"><xdr:twoCellAnchor><xdr:from><xdr:col>1</xdr:col>'
        "<xdr:colOff>0</xdr:colOff><xdr:row>64</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:to><xdr:col>5</xdr:col>"
        "<xdr:colOff>0</xdr:colOff><xdr:row>80</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:to>"
        '<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="2" name="Nos montants"/>'
        '<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>'
        f'<a:graphic><a:graphicData uri="{charts}"><c:chart xmlns:c="{charts}" xmlns:r="{OFFICE}" r:id="rId1"/>'
        "</a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/></xdr:twoCellAnchor></xdr:wsDr>",
        "application/vnd.openxmlformats-officedocument.drawing+xml",
    )
    book.add(
        chart,
        f'<c:chartSpace xmlns:c="{charts}" xmlns:a="{main}" xmlns:r="{OFFICE}"><c:chart><c:plotArea><c:layout/>'
        '<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/><c:ser><c:idx val="0"/><c:order val="0"/>'
        f"<c:val><c:numRef><c:f>{values}</c:f></c:numRef></c:val></c:ser>"
        '<c:axId val="1"/><c:axId val="2"/></c:barChart><c:catAx><c:axId val="1"/><c:scaling/><c:axPos val="b"/>'
        '<c:crossAx val="2"/></c:catAx><c:valAx><c:axId val="2"/><c:scaling/><c:axPos val="l"/><c:crossAx val="1"/>'
        '</c:valAx></c:plotArea><c:plotVisOnly val="1"/></c:chart></c:chartSpace>',
        "application/vnd.openxmlformats-officedocument.drawingml.chart+xml",
    )
    book.relate(part, "rIdDrawing", "drawing", "../drawings/drawing9.xml")
    book.relate(drawing, "rId1", "chart", "../charts/chart9.xml")


def _own_sheet(book: Workbook, quoted: str, first: int, last: int, values: dict[str, float]) -> None:
    """A sheet of formulas on the contract's tables and cells."""
    formulas = {
        "A1": f"SUM({quoted}!E{first}:E{last})",
        "A2": f"{quoted}!$E$30",
        "A3": "SUM(Lignes_01[Montant réalisé (€)])",
        "A4": f"{quoted}!E20",
        "A5": "A1+A3",
        "A6": 'INDIRECT("A1")',
        "A7": f"SUM({quoted}!E:E)",
        "A8": "SUM(Maison)",
        "A9": "SUM(Lignes_02[Montant réalisé (€)])",
        "A10": "1+1",
        "A11": f'COUNTIF({quoted}!A{first}:A{last},"Lucé")',
    }
    rows = "".join(
        f'<row r="{rank}">{formula(ref, text, values[ref])}</row>'
        for rank, (ref, text) in enumerate(formulas.items(), 1)
    )
    book.add(
        "xl/worksheets/sheet99.xml",
        f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml",
    )
    book.relate("xl/workbook.xml", "rIdOwn", "worksheet", "worksheets/sheet99.xml")
    book.before("xl/workbook.xml", "</sheets>", f'<sheet name="{OWN_SHEET}" sheetId="99" r:id="rIdOwn"/>')
    book.before(
        "xl/workbook.xml", '<definedName name="Nombre_avertissement">',
        f'<definedName name="Maison">{quoted}!$E$30:$E${last}</definedName>',
    )  # fmt: skip


def _filter(book: Workbook, first: int) -> None:
    """The table is filtered, and was sorted."""
    part = next(name for name, text in book.parts.items() if ' name="Lignes_01"' in text)
    ref = re.search(r'<autoFilter ref="([^"]*)"/>', book.parts[part])
    assert ref is not None
    book.replace(
        part, ref[0],
        f'<autoFilter ref="{ref[1]}"><filterColumn colId="0"><filters><filter val="Chartres"/></filters></filterColumn>'
        f'</autoFilter><sortState ref="A{first}:K52"><sortCondition ref="B{first}:B52"/></sortState>',
    )  # fmt: skip
