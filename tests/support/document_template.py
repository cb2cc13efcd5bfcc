"""Makes ``templates/document.docx``, the Word template that staff restyle: run it to start again from its first look.

``python tests/support/document_template.py`` writes it. The file's text is a page that shows every style.
"""

# ruff: noqa: E501 (lines of markup)
from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "templates" / "document.docx"

BLUE, INK, GREY, LINE, BAND, PALE, LINK = "12355B", "1F2933", "52606D", "C5D0DC", "F3F6FA", "E7EDF5", "0B5394"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_WML = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def paragraph_style(
    key: str,
    name: str,
    *,
    based: str = "Normal",
    after: str | None = None,
    ppr: str = "",
    rpr: str = "",
    own: bool = False,
) -> str:
    following = f'<w:next w:val="{after}"/>' if after else ""
    base = f'<w:basedOn w:val="{based}"/>' if based else ""
    default = ' w:default="1"' if key == "Normal" else ""
    custom = ' w:customStyle="1"' if own else ""
    return (
        f'<w:style w:type="paragraph"{default}{custom} w:styleId="{key}"><w:name w:val={quoteattr(name)}/>{base}{following}'
        f'<w:uiPriority w:val="1"/><w:qFormat/><w:pPr>{ppr}</w:pPr><w:rPr>{rpr}</w:rPr></w:style>'
    )


def spacing(before: int, after: int, line: int = 240) -> str:
    return f'<w:spacing w:before="{before}" w:after="{after}" w:line="{line}" w:lineRule="auto"/>'


def letters(points: float, colour: str = INK, *, bold: bool = False) -> str:
    half = round(points * 2)
    weight = "<w:b/><w:bCs/>" if bold else ""
    return f'{weight}<w:color w:val="{colour}"/><w:sz w:val="{half}"/><w:szCs w:val="{half}"/>'


def shade(fill: str) -> str:
    return f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>'


def edge(side: str, colour: str = LINE, size: int = 4) -> str:
    return f'<w:{side} w:val="single" w:sz="{size}" w:space="0" w:color="{colour}"/>'


RIGHT = '<w:jc w:val="right"/>'


def table_style(key: str, name: str, *, first_column: bool, air: int) -> str:
    borders = "".join(edge(side) for side in ("top", "left", "bottom", "right", "insideH", "insideV"))
    column = f'<w:tblStylePr w:type="firstCol"><w:tcPr>{shade(BAND)}</w:tcPr></w:tblStylePr>' if first_column else ""
    return (
        f'<w:style w:type="table" w:customStyle="1" w:styleId="{key}"><w:name w:val={quoteattr(name)}/>'
        '<w:basedOn w:val="TableauNormal"/><w:uiPriority w:val="1"/><w:qFormat/>'
        f"<w:tblPr><w:tblBorders>{borders}</w:tblBorders><w:tblCellMar>"
        f'<w:top w:w="{air}" w:type="dxa"/><w:left w:w="90" w:type="dxa"/><w:bottom w:w="{air}" w:type="dxa"/>'
        '<w:right w:w="90" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        f'<w:tblStylePr w:type="firstRow"><w:tcPr>{shade(BLUE)}</w:tcPr></w:tblStylePr>{column}</w:style>'
    )


def styles() -> str:
    small = 9.5
    cell = spacing(10, 10)
    return (
        f"{_XML}<w:styles {_W}><w:docDefaults><w:rPrDefault><w:rPr>"
        '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:eastAsia="Calibri" w:cs="Calibri"/>'
        '<w:sz w:val="21"/><w:szCs w:val="21"/><w:lang w:val="fr-FR" w:eastAsia="fr-FR" w:bidi="ar-SA"/>'
        "</w:rPr></w:rPrDefault><w:pPrDefault/></w:docDefaults>"
        + paragraph_style("Normal", "Normal", based="", ppr=spacing(0, 0), rpr=letters(10.5))
        + '<w:style w:type="character" w:default="1" w:styleId="Policepardfaut"><w:name w:val="Default Paragraph Font"/>'
        '<w:uiPriority w:val="1"/><w:semiHidden/></w:style>'
        '<w:style w:type="table" w:default="1" w:styleId="TableauNormal"><w:name w:val="Normal Table"/>'
        '<w:uiPriority w:val="99"/><w:semiHidden/><w:tblPr><w:tblInd w:w="0" w:type="dxa"/><w:tblCellMar>'
        '<w:top w:w="0" w:type="dxa"/><w:left w:w="108" w:type="dxa"/><w:bottom w:w="0" w:type="dxa"/>'
        '<w:right w:w="108" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style>'
        + paragraph_style(
            "Titre", "Title", after="Soustitre", rpr=letters(34, BLUE, bold=True),
            ppr=f'<w:pBdr>{edge("bottom", BLUE, 18)}</w:pBdr>{spacing(3600, 360, 252)}',
        )
        + paragraph_style("Soustitre", "Subtitle", ppr=spacing(0, 200), rpr=letters(18, GREY))
        + paragraph_style(
            "Titre1", "heading 1", after="Corpsdetexte", rpr=letters(20, BLUE, bold=True),
            ppr=f'<w:keepNext/><w:keepLines/><w:pBdr>{edge("bottom", BLUE, 12)}</w:pBdr>{spacing(240, 200)}<w:outlineLvl w:val="0"/>',
        )
        + paragraph_style(
            "Titre2", "heading 2", after="Corpsdetexte", rpr=letters(16, BLUE, bold=True),
            ppr=f'<w:keepNext/><w:keepLines/>{spacing(200, 120)}<w:outlineLvl w:val="1"/>',
        )
        + paragraph_style(
            "Titre3", "heading 3", after="Corpsdetexte", rpr=letters(13, BLUE, bold=True),
            ppr=f'<w:keepNext/><w:keepLines/>{spacing(200, 80)}<w:outlineLvl w:val="2"/>',
        )
        + paragraph_style("Corpsdetexte", "Body Text", ppr=spacing(0, 120, 264))
        + paragraph_style("Lgende", "caption", ppr=spacing(0, 100), rpr=letters(9.5, GREY))
        + paragraph_style("En-ttedetabledesmatires", "TOC Heading", after="Corpsdetexte", rpr=letters(20, BLUE, bold=True),
            ppr=f'<w:keepNext/><w:pBdr>{edge("bottom", BLUE, 12)}</w:pBdr>{spacing(240, 240)}')
        + "".join(
            paragraph_style(
                f"TM{level}", f"toc {level}", rpr=letters(10.5, BLUE if level == 1 else INK, bold=level == 1),
                ppr='<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="9638"/></w:tabs>'
                f'{spacing(120 if level == 1 else 0, 40)}<w:ind w:left="{(level - 1) * 280}"/>',
            )
            for level in (1, 2)
        )
        + paragraph_style("En-tte", "header", rpr=letters(9, GREY),
            ppr=f'<w:pBdr>{edge("bottom")}</w:pBdr><w:tabs><w:tab w:val="right" w:pos="9638"/></w:tabs>{spacing(0, 0)}')
        + paragraph_style("Pieddepage", "footer", rpr=letters(9, GREY),
            ppr=f'<w:tabs><w:tab w:val="right" w:pos="9638"/></w:tabs>{spacing(0, 0)}')
        + paragraph_style("Tableautexte", "Tableau texte", own=True, ppr=cell, rpr=letters(small))
        + paragraph_style("Tableaumontant", "Tableau montant", based="Tableautexte", own=True, ppr=RIGHT)
        + paragraph_style("Tableauentete", "Tableau en-tête", based="Tableautexte", own=True,
            ppr="<w:keepNext/>" + shade(BLUE), rpr=letters(small, "FFFFFF", bold=True))
        + paragraph_style("Tableauentetemontant", "Tableau en-tête montant", based="Tableauentete", own=True, ppr=RIGHT)
        + paragraph_style("Tableaulibelle", "Tableau libellé", based="Tableautexte", own=True,
            ppr=shade(BAND), rpr=letters(small, BLUE, bold=True))
        + paragraph_style("Tableausoustotal", "Tableau sous-total", based="Tableautexte", own=True,
            ppr="<w:keepNext/>" + shade(PALE), rpr=letters(small, BLUE, bold=True))
        + paragraph_style("Tableausoustotalmontant", "Tableau sous-total montant", based="Tableausoustotal", own=True, ppr=RIGHT)
        + paragraph_style("Tableautotal", "Tableau total", based="Tableautexte", own=True,
            ppr=shade("C9D8EA"), rpr=letters(small + 1, BLUE, bold=True))
        + paragraph_style("Tableautotalmontant", "Tableau total montant", based="Tableautotal", own=True, ppr=RIGHT)
        + '<w:style w:type="character" w:styleId="Lienhypertexte"><w:name w:val="Hyperlink"/><w:uiPriority w:val="1"/>'
        f'<w:rPr><w:color w:val="{LINK}"/><w:u w:val="single"/></w:rPr></w:style>'
        '<w:style w:type="character" w:customStyle="1" w:styleId="Raye"><w:name w:val="Rayé"/><w:uiPriority w:val="1"/>'
        f'<w:qFormat/><w:rPr><w:strike/><w:color w:val="{GREY}"/></w:rPr></w:style>'
        + table_style("Tableaubudget", "Tableau budget", first_column=False, air=30)
        + table_style("Tableaufiche", "Tableau fiche", first_column=True, air=55)
        + "</w:styles>"
    )  # fmt: skip


SHOWN = {
    "Titre": "Titre", "Soustitre": "Sous-titre", "Titre1": "Titre 1 : un pilier, une annexe",
    "Titre2": "Titre 2 : une convention", "Titre3": "Titre 3 : un budget, une fiche",
    "Corpsdetexte": "Corps de texte. Changez les styles de ce modèle dans Word (Accueil, Styles, clic droit, Modifier) "
    "puis enregistrez : « tabellion publish » reprend leur aspect, la page, l'en-tête et le pied de page. Le texte que "
    "vous lisez est remplacé. Gardez les noms des styles ; la trame de fond d'un style de tableau colore ses cellules.",
    "Lgende": "Légende", "En-ttedetabledesmatires": "En-tête de table des matières", "TM1": "TM 1\t4", "TM2": "TM 2\t5",
    "Tableautexte": "Tableau texte", "Tableaumontant": "Tableau montant", "Tableauentete": "Tableau en-tête",
    "Tableauentetemontant": "Tableau en-tête montant", "Tableaulibelle": "Tableau libellé",
    "Tableausoustotal": "Tableau sous-total", "Tableausoustotalmontant": "Tableau sous-total montant",
    "Tableautotal": "Tableau total", "Tableautotalmontant": "Tableau total montant",
}  # fmt: skip


def field(name: str) -> str:
    return (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {name} </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>1</w:t></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def text(words: str) -> str:
    pieces = [f'<w:t xml:space="preserve">{each}</w:t>' if each else "" for each in words.split("\t")]
    return f"<w:r>{'<w:tab/>'.join(pieces)}</w:r>"


def document() -> str:
    body = "".join(f'<w:p><w:pPr><w:pStyle w:val="{key}"/></w:pPr>{text(words)}</w:p>' for key, words in SHOWN.items())
    for key, name in (("Tableaubudget", "Tableau budget"), ("Tableaufiche", "Tableau fiche")):
        rows = "".join(
            f"<w:tr>{head}" + "".join(
                f'<w:tc><w:tcPr><w:tcW w:w="4819" w:type="dxa"/></w:tcPr><w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>'
                f"{text(words)}</w:p></w:tc>" for words in (name, "…")
            ) + "</w:tr>"
            for head, style in (("<w:trPr><w:tblHeader/></w:trPr>", "Tableauentete"), ("", "Tableautexte"))
        )  # fmt: skip
        body += (
            f'<w:tbl><w:tblPr><w:tblStyle w:val="{key}"/><w:tblW w:w="9638" w:type="dxa"/><w:tblLayout w:type="fixed"/>'
            '<w:tblLook w:val="04A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" w:lastColumn="0" w:noHBand="0" w:noVBand="1"/>'
            f'</w:tblPr><w:tblGrid><w:gridCol w:w="4819"/><w:gridCol w:w="4819"/></w:tblGrid>{rows}</w:tbl><w:p/>'
        )
    body += (
        '<w:p><w:r><w:rPr><w:rStyle w:val="Lienhypertexte"/></w:rPr><w:t xml:space="preserve">Lien hypertexte </w:t></w:r>'
        '<w:r><w:rPr><w:rStyle w:val="Raye"/></w:rPr><w:t>Rayé</w:t></w:r></w:p>'
    )
    section = (
        '<w:sectPr><w:headerReference w:type="default" r:id="rId3"/><w:headerReference w:type="first" r:id="rId5"/>'
        '<w:footerReference w:type="default" r:id="rId4"/><w:footerReference w:type="first" r:id="rId6"/>'
        '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1304" w:right="1134" w:bottom="1134" w:left="1134" '
        'w:header="567" w:footer="510" w:gutter="0"/><w:titlePg/></w:sectPr>'
    )
    return f"{_XML}<w:document {_W} {_R}><w:body>{body}{section}</w:body></w:document>"


def margin(kind: str, style: str, content: str) -> str:
    return f'{_XML}<w:{kind} {_W} {_R}><w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{content}</w:p></w:{kind}>'


def template() -> bytes:
    margins = {"header1": "header", "footer1": "footer", "header2": "header", "footer2": "footer"}
    overrides = {
        "/word/document.xml": f"{_WML}.document.main+xml", "/word/styles.xml": f"{_WML}.styles+xml",
        "/word/settings.xml": f"{_WML}.settings+xml",
        **{f"/word/{name}.xml": f"{_WML}.{kind}+xml" for name, kind in margins.items()},
    }  # fmt: skip
    types = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
    targets = {"rId1": ("styles", "styles"), "rId2": ("settings", "settings"), "rId3": ("header", "header1"),
               "rId4": ("footer", "footer1"), "rId5": ("header", "header2"), "rId6": ("footer", "footer2")}  # fmt: skip
    relations = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{name}.xml"/>'
        for key, (kind, name) in targets.items()
    )
    space = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{space}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{space}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'{_XML}<Relationships xmlns="{space}/relationships">{relations}</Relationships>',
        "word/document.xml": document(),
        "word/styles.xml": styles(),
        "word/settings.xml": f'{_XML}<w:settings {_W}><w:zoom w:percent="100"/><w:defaultTabStop w:val="708"/><w:compat>'
        '<w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
        '</w:compat><w:themeFontLang w:val="fr-FR"/><w:decimalSymbol w:val=","/><w:listSeparator w:val=";"/></w:settings>',
        "word/header1.xml": margin("hdr", "En-tte", text("{titre}\tExercice {exercice}")),
        "word/footer1.xml": margin("ftr", "Pieddepage", text("{source}\tPage ") + field("PAGE") + text(" / ") + field("NUMPAGES")),
        "word/header2.xml": margin("hdr", "Normal", ""),
        "word/footer2.xml": margin("ftr", "Normal", ""),
    }  # fmt: skip
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content.encode(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


if __name__ == "__main__":
    TARGET.write_bytes(template())
    print(f"{TARGET.relative_to(ROOT)} written", file=sys.stderr)
