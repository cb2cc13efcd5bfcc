"""The chart of the budget: a native one, which Word restyles, drawn from the figures that it holds itself."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.ns import nsdecls, qn
from docx.oxml.parser import parse_xml

from tabellion.outputs.document.model import NO_BREAK
from tabellion.outputs.document.words import clean_text
from tabellion.schema.money import plain_euros
from tabellion.wording import shortened

#: What the template prints in the place of the chart.
CHART = "[graphique du budget]"
_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
#: Sizes in EMU: the width of the text, a bar, the title and the axis, and no more than a page.
_WIDTH, _BAR, _AROUND, _HIGHEST = 6_120_000, 300_000, 900_000, 8_200_000
_LONGEST_NAME = 60
_BLUE = "12355B"
#: Spaces between thousands, whatever the language of the program that prints.
_EUROS = '[>=1000000]#\\ ###\\ ##0\\ "€";[>=1000]#\\ ##0\\ "€";0\\ "€"'
#: The longest bar leaves room for its amount.
_ROOM = 1.4


def draw_chart(document: Document, title: str, bars: Sequence[tuple[str, int]]) -> None:
    """Put the chart of ``bars`` (names and cents) in each paragraph that holds :data:`CHART`; none where none is."""
    title, bars = clean_text(title), [(clean_text(name), cents) for name, cents in bars]
    for text in [*document.element.body.iter(qn("w:t"))]:
        if text.text != CHART:
            continue
        package = document.part.package
        name = package.next_partname("/word/charts/chart%d.xml")
        part = Part(PackURI(name), _TYPE, _chart(title, bars).encode(), package)
        relation = document.part.relate_to(part, RELATIONSHIP_TYPE.CHART)
        run = text.getparent()
        run.replace(text, _drawing(relation, title, bars))


def _drawing(relation: str, title: str, bars: Sequence[tuple[str, int]]) -> object:
    height = min(_HIGHEST, _AROUND + _BAR * len(bars))
    words = f"{title} : " + " ; ".join(f"{name}, {plain_euros(cents)} euros" for name, cents in bars)
    return parse_xml(
        f'<w:drawing {nsdecls("w", "wp", "a", "r")}><wp:inline distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{_WIDTH}" cy="{height}"/><wp:docPr id="9001" name="Graphique 1" descr={quoteattr(words)}/>'
        '<wp:cNvGraphicFramePr/><a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
        f'<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="{relation}"/>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing>"
    )


def _chart(title: str, bars: Sequence[tuple[str, int]]) -> str:
    names = "".join(
        f'<c:pt idx="{rank}"><c:v>{escape(shortened(name, _LONGEST_NAME))}</c:v></c:pt>'
        for rank, (name, _) in enumerate(bars)
    )
    figures = "".join(
        f'<c:pt idx="{rank}"><c:v>{plain_euros(cents)}</c:v></c:pt>' for rank, (_, cents) in enumerate(bars)
    )
    number = _EUROS.replace(" ", NO_BREAK).replace('"', "&quot;").replace(">", "&gt;")
    most = max((cents for _, cents in bars), default=0)
    room = f'<c:max val="{most * _ROOM / 100:.0f}"/>' if most > 0 else ""
    font = 'sz="1100" b="1"'
    words = (
        f'<a:p><a:pPr><a:defRPr {font}/></a:pPr><a:r><a:rPr lang="fr-FR" {font}/><a:t>{escape(title)}</a:t></a:r></a:p>'
    )
    axes = '<c:axId val="1"/><c:axId val="2"/>'
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
        ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:lang val="fr-FR"/><c:chart>'
        f'<c:title><c:tx><c:rich><a:bodyPr/>{words}</c:rich></c:tx><c:overlay val="0"/></c:title>'
        '<c:autoTitleDeleted val="0"/><c:plotArea><c:layout/><c:barChart><c:barDir val="bar"/>'
        '<c:grouping val="clustered"/><c:varyColors val="0"/><c:ser><c:idx val="0"/><c:order val="0"/>'
        f'<c:spPr><a:solidFill><a:srgbClr val="{_BLUE}"/></a:solidFill></c:spPr><c:invertIfNegative val="0"/>'
        f'<c:dLbls><c:numFmt formatCode="{number}" sourceLinked="0"/><c:showLegendKey val="0"/><c:showVal val="1"/>'
        '<c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>'
        f'<c:cat><c:strLit><c:ptCount val="{len(bars)}"/>{names}</c:strLit></c:cat>'
        f'<c:val><c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(bars)}"/>'
        f"{figures}</c:numLit></c:val>"
        f'</c:ser><c:gapWidth val="50"/>{axes}</c:barChart>'
        '<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="maxMin"/></c:scaling><c:delete val="0"/>'
        '<c:axPos val="l"/><c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/>'
        '<c:minorTickMark val="none"/><c:tickLblPos val="low"/><c:crossAx val="2"/></c:catAx>'
        f'<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/>{room}</c:scaling>'
        f'<c:delete val="1"/><c:axPos val="t"/><c:numFmt formatCode="{number}" sourceLinked="0"/>'
        '<c:crossAx val="1"/></c:valAx></c:plotArea><c:plotVisOnly val="1"/></c:chart></c:chartSpace>'
    )
