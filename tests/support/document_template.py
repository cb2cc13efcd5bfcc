"""Makes ``templates/document.docx``, the Word template that staff re-lay: run it to start again from its first look.

``python tests/support/document_template.py`` writes it: the whole document, with tags where the contract's words go.
"""

# ruff: noqa: E501 (lines of markup)
from __future__ import annotations

import io
import re
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
            "Titre", "Title", after="Soustitre", rpr=letters(30, BLUE, bold=True),
            ppr=f'<w:pBdr>{edge("bottom", BLUE, 18)}</w:pBdr>{spacing(2400, 360, 252)}',
        )
        + paragraph_style("Couverture", "Couverture", own=True, ppr=spacing(240, 120, 264), rpr=letters(13, INK))
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
        + "".join(
            paragraph_style(
                f"Titre{level}", f"heading {level}", after="Corpsdetexte", rpr=letters(size, BLUE, bold=True),
                ppr=f'<w:keepNext/><w:keepLines/>{spacing(160, 60)}<w:outlineLvl w:val="{level - 1}"/>',
            )
            for level, size in ((4, 11.5), (5, 10.5))
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
        + paragraph_style("Balise", "Balise", own=True, ppr=spacing(0, 0), rpr=letters(6.5, GREY))
        + '<w:style w:type="character" w:styleId="Lienhypertexte"><w:name w:val="Hyperlink"/><w:uiPriority w:val="1"/>'
        f'<w:rPr><w:color w:val="{LINK}"/><w:u w:val="single"/></w:rPr></w:style>'
        '<w:style w:type="character" w:customStyle="1" w:styleId="Raye"><w:name w:val="Rayé"/><w:uiPriority w:val="1"/>'
        f'<w:qFormat/><w:rPr><w:strike/><w:color w:val="{GREY}"/></w:rPr></w:style>'
        + table_style("Tableaubudget", "Tableau budget", first_column=False, air=30)
        + table_style("Tableaufiche", "Tableau fiche", first_column=True, air=55)
        + "</w:styles>"
    )  # fmt: skip


def numbering() -> str:
    """The marks of lists: 1 is bulleted, 2 is numbered, each on four levels."""

    def levels(kinds: list[tuple[str, str]]) -> str:
        return "".join(
            f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{words}"/>'
            f'<w:lvlJc w:val="left"/><w:pPr><w:ind w:left="{360 * (level + 1)}" w:hanging="360"/></w:pPr></w:lvl>'
            for level, (kind, words) in enumerate(kinds)
        )

    bullets = [("bullet", sign) for sign in "•–•–"]
    numbers = [
        (kind, f"%{level}.") for level, kind in enumerate(("decimal", "lowerLetter", "lowerRoman", "decimal"), 1)
    ]
    lists = "".join(
        f'<w:abstractNum w:abstractNumId="{key}"><w:multiLevelType w:val="multilevel"/>{levels(kinds)}</w:abstractNum>'
        for key, kinds in ((1, bullets), (2, numbers))
    )
    used = "".join(f'<w:num w:numId="{key}"><w:abstractNumId w:val="{key}"/></w:num>' for key in (1, 2))
    return f"{_XML}<w:numbering {_W}>{lists}{used}</w:numbering>"


def field(name: str) -> str:
    return (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {name} </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>1</w:t></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def text(words: str, style: str = "") -> str:
    pieces = [f'<w:t xml:space="preserve">{piece}</w:t>' if piece else "" for piece in words.split("\t")]
    look = f'<w:rPr><w:rStyle w:val="{style}"/></w:rPr>' if style else ""
    return f"<w:r>{look}{'<w:tab/>'.join(pieces)}</w:r>"


def paragraph(style: str, words: str, *, keep: bool = False, new_page: bool = False) -> str:
    """A paragraph of words, or of runs already made."""
    more = ("<w:keepNext/>" if keep else "") + ("<w:pageBreakBefore/>" if new_page else "")
    content = words if words.startswith("<w:r>") else text(words) if words else ""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{more}</w:pPr>{content}</w:p>'


def tags(*words: str) -> str:
    """Paragraphs that hold one tag each: they open and close what is repeated, and are not printed."""
    return "".join(paragraph("Balise", word) for word in words)


# Tables: the widths of the first row's cells are shares of the table's width

FILLS = {"Tableauentete": BLUE, "Tableauentetemontant": BLUE, "Tableaulibelle": BAND, "Tableausoustotal": PALE,
         "Tableausoustotalmontant": PALE, "Tableautotal": "C9D8EA", "Tableautotalmontant": "C9D8EA"}  # fmt: skip
TAG_SHARE = 14  # they are not printed: the others share the width


def cell(share: float, style: str, *words: str, keep: bool = False) -> str:
    """A cell of one or more paragraphs; one that starts with ``{%p`` is a tag."""
    fill = shade("FFFFFF" if style == "Balise" else FILLS[style]) if style == "Balise" or style in FILLS else ""
    content = "".join(
        tags(word)
        if word.startswith("{%p")
        else word
        if word.startswith("<w:p>")
        else paragraph(style, word, keep=keep)
        for word in words or ("",)
    )
    return f'<w:tc><w:tcPr><w:tcW w:w="{round(share * 60)}" w:type="dxa"/>{fill}</w:tcPr>{content}</w:tc>'


def looped(opening: str, cells: str, closing: str) -> str:
    """Cells between the two narrow ones that hold the tags of a loop, or of a condition."""
    return cell(TAG_SHARE, "Balise", f"{{%tc {opening} %}}") + cells + cell(TAG_SHARE, "Balise", f"{{%tc {closing} %}}")


def row(*cells: str, header: bool = False) -> str:
    return f"<w:tr><w:trPr><w:cantSplit/>{'<w:tblHeader/>' if header else ''}</w:trPr>{''.join(cells)}</w:tr>"


def tag_row(words: str, cells: int) -> str:
    return (
        f'<w:tr><w:tc><w:tcPr><w:tcW w:w="0" w:type="auto"/><w:gridSpan w:val="{cells}"/></w:tcPr>'
        f"{paragraph('Balise', words)}</w:tc></w:tr>"
    )


def table(style: str, title: str, description: str, header: str, *rows: str, last_row: bool = True) -> str:
    """A table and the small paragraph that ends it. A row that is a bare tag becomes one."""
    rows = tuple(record if record.startswith("<w:tr>") else tag_row(record, header.count("<w:tc>")) for record in rows)
    shares = [int(width) for width in re.findall(r'<w:tcW w:w="(\d+)"', header)]
    header, *rows = (
        re.sub(r'(?<=<w:tcW w:w=")\d+', lambda width: str(int(width[0]) * 9638 // sum(shares)), row_xml)
        for row_xml in (header, *rows)
    )
    widths = [share * 9638 // sum(shares) for share in shares]
    first_column = style == "Tableaufiche"
    flags = 0x20 | 0x400 | 0x40 * last_row | 0x80 * first_column
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="{style}"/><w:tblW w:w="5000" w:type="pct"/><w:tblLayout w:type="fixed"/>'
        f'<w:tblLook w:val="{flags:04X}" w:firstRow="1" w:lastRow="{int(last_row)}" w:firstColumn="{int(first_column)}" '
        f'w:lastColumn="0" w:noHBand="0" w:noVBand="1"/><w:tblCaption w:val={quoteattr(title)}/>'
        f"<w:tblDescription w:val={quoteattr(description)}/></w:tblPr>"
        f"<w:tblGrid>{''.join(f'<w:gridCol w:w={chr(34)}{width}{chr(34)}/>' for width in widths)}</w:tblGrid>"
        f"{header}{''.join(rows)}</w:tbl>{paragraph('Tableautexte', '')}"
    )


HEAD, HEAD_AMOUNT, WORDS, AMOUNT = "Tableauentete", "Tableauentetemontant", "Tableautexte", "Tableaumontant"
LABEL, SUB, SUB_AMOUNT = "Tableaulibelle", "Tableausoustotal", "Tableausoustotalmontant"
TOTAL, TOTAL_AMOUNT = "Tableautotal", "Tableautotalmontant"


def amounts(share: float, style: str, of: str) -> str:
    """The cells of the amounts of a row, which a loop repeats."""
    return looped(f"for montant in {of}.montants", cell(share, style, "{{ montant }}", keep=style != AMOUNT), "endfor")


def heads(share: float, of: str, style: str = HEAD_AMOUNT) -> str:
    return looped(f"for colonne in {of}", cell(share, style, "{{ colonne }}"), "endfor")


def cover() -> str:
    return (
        paragraph("Balise", "{#p Ce document est le modèle de « tabellion publish ». Changez-y tout ce que vous voulez dans Word : "
                  "styles, page, textes, ordre, tableaux. Ce qui est entre accolades est rempli à la publication ; une ligne grise "
                  "ouvre ou ferme ce qui est répété, et n'est pas imprimée. #}")
        + tags("{%p if couverture.logo %}")
        + paragraph("Couverture", "{{ couverture.logo }}")
        + tags("{%p endif %}")
        + paragraph("Titre", "{{ contrat.titre }}")
        + paragraph("Soustitre", "{{ contrat.debut }} – {{ contrat.fin }}")
        + paragraph("Soustitre", "Conventions thématiques")
        + tags("{%p if couverture.signataires %}")
        + paragraph("Couverture", "{{ couverture.signataires | join(' · ') }}")
        + tags("{%p endif %}")
        + tags("{%p if contrat.source %}")
        + paragraph("Corpsdetexte", "D’après le document publié : {{ contrat.source }}")
        + tags("{%p endif %}")
        + paragraph("Couverture", "Exercice budgétaire {{ contrat.exercice }}{% if couverture.date %} – état du {{ couverture.date }}{% endif %}")
        + tags("{%p if extrait %}")
        + paragraph("Corpsdetexte", "Extrait : {{ extrait }}")
        + tags("{%p endif %}")
        + paragraph("Titre1", "Avertissement", new_page=True)
        + tags("{%p if avertissement %}")
        + own_text("avertissement_redige")
        + tags("{%p else %}")
        + paragraph("Corpsdetexte", "Les crédits de droit commun sont ceux que chaque {{ contrat.structure | lower }} a déclarés, ligne par ligne. "
                    "Ils sont donnés pour information : ce que personne n’a recensé n’y est pas.")
        + tags("{%p endif %}")
        + paragraph("Corpsdetexte", "Le présent document est établi à partir {{ contrat.origine }}. Les montants sont ceux de l’exercice "
                    "{{ contrat.exercice }} ({{ montants | join(', ') | lower }}). Les totaux sont recalculés à partir des lignes, au centime.")
        + tags("{%p if recensement %}")
        + paragraph("Corpsdetexte", "Là où le document d’origine publiait un total, il est donné à côté, tel quel, avec l’écart. "
                    "Rien n’a été corrigé{% if annexes.rapprochement %} : l’annexe 1 explique chaque écart{% endif %}"
                    "{% if annexes.constats %} ; l’annexe 2 donne les constats ouverts{% endif %}.")
        + tags("{%p endif %}")
    )  # fmt: skip


def own_text(name: str) -> str:
    """A text of the workspace, with its own titles, lists and tables."""
    return paragraph("Corpsdetexte", f"{{{{p {name} | mise_en_forme }}}}")


def recap() -> str:
    title = "Récapitulatif par convention et par {{ contrat.structure | lower }}"
    page = "{{r convention.signet | page }}"
    return (
        paragraph("Titre1", title)
        + paragraph("Lgende", "{{ recapitulatif.unite }}", keep=True)
        + table(
            "Tableaubudget", title, "{{ recapitulatif.unite }} Une ligne par convention, puis une par {{ contrat.structure | lower }}.",
            row(cell(52, HEAD, "Convention et {{ contrat.structure | lower }}"), heads(20, "recapitulatif.colonnes"), cell(9, HEAD_AMOUNT, "Page"), header=True),
            "{%tr for convention in recapitulatif.conventions %}",
            row(cell(52, SUB, "{{r convention.intitule | lien(convention.signet) }}", keep=True),
                amounts(20, SUB_AMOUNT, "convention"), cell(9, SUB_AMOUNT, page, keep=True)),
            "{%tr for collectivite in convention.collectivites %}",
            row(cell(52, WORDS, "{{ collectivite.nom }}"), amounts(20, AMOUNT, "collectivite"), cell(9, AMOUNT)),
            "{%tr endfor %}",
            "{%tr endfor %}",
            row(cell(52, TOTAL, "{% if extrait %}Total des conventions de cet extrait{% else %}Total général{% endif %}", keep=True),
                amounts(20, TOTAL_AMOUNT, "recapitulatif.total"), cell(9, TOTAL_AMOUNT, keep=True)),
        )
    )  # fmt: skip


def contents() -> str:
    """A table of contents as Word makes it: its entries are those of the published document."""
    begin = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> TOC \\o "1-2" \\h \\z \\u '
        '</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    return (
        paragraph("En-ttedetabledesmatires", "Sommaire", new_page=True)
        + paragraph("TM1", begin + text("La table des matières est remplie à la publication\t1"))
        + paragraph("TM2", text("Ses entrées sont les titres 1 et 2\t2") + end)
    )


def chapters() -> str:
    heading = "{{r convention.signet | signet }}{{ convention.intitule }}"
    budget_title = "Crédits de droit commun de la convention {{ convention.numero }}, exercice {{ contrat.exercice }}"
    added = looped("for ajout in convention.budget.ajouts", "{cell}", "endfor")
    return (
        tags("{%p for pilier in piliers %}")
        + tags("{%p if pilier.intitule %}")
        + paragraph("Titre1", "{{r pilier.signet | signet }}{{ pilier.intitule }}", keep=True, new_page=True)
        + tags("{%p endif %}")
        + tags("{%p for convention in pilier.conventions %}", "{%p if not pilier.intitule %}")
        + paragraph("Titre1", heading, keep=True, new_page=True)
        + tags("{%p elif loop.first %}")
        + paragraph("Titre2", heading, keep=True)
        + tags("{%p else %}")
        + paragraph("Titre2", heading, keep=True, new_page=True)
        + tags("{%p endif %}", "{%p if convention.titre_court != convention.titre %}")
        + paragraph("Lgende", "Dans les fiches : {{ convention.titre_court }}", keep=True)
        + tags("{%p endif %}")
        + own_text("convention.texte_redige")
        + paragraph("Titre3", "Crédits de droit commun, exercice {{ contrat.exercice }}", keep=True)
        + tags("{%p if convention.budget.collectivites %}")
        + table(
            "Tableaubudget", budget_title, "Pour chaque {{ contrat.structure | lower }}, son sous-total puis ses lignes ; le total de la convention à la fin.",
            row(cell(60, HEAD, "{{ contrat.structure }} et action"), added.replace("{cell}", cell(20, HEAD, "{{ ajout }}")),
                heads(20, "convention.budget.colonnes"), header=True),
            "{%tr for collectivite in convention.budget.collectivites %}",
            row(cell(60, SUB, "{{ collectivite.nom }}", keep=True), added.replace("{cell}", cell(20, SUB)), amounts(20, SUB_AMOUNT, "collectivite")),
            "{%tr for ligne in collectivite.lignes %}",
            row(cell(60, WORDS, "{{ ligne.libelle }}", "{%p if ligne.commentaire %}", "{{ ligne.commentaire }}", "{%p endif %}"),
                looped("for ajout in ligne.ajouts", cell(20, WORDS, "{%p if ajout.est_nombre %}", paragraph(AMOUNT, "{{ ajout.texte }}"),
                       "{%p else %}", "{{ ajout.texte }}", "{%p endif %}"), "endfor"),
                amounts(20, AMOUNT, "ligne")),
            "{%tr endfor %}",
            "{%tr endfor %}",
            row(cell(60, TOTAL, "Total de la convention {{ convention.numero }}", keep=True), added.replace("{cell}", cell(20, TOTAL)),
                amounts(20, TOTAL_AMOUNT, "convention.budget.total")),
        )
        + tags("{%p else %}")
        + paragraph("Corpsdetexte", "Aucun crédit de droit commun n’est recensé pour l’exercice {{ contrat.exercice }}.")
        + tags("{%p endif %}")
        + paragraph("Titre3", "Fiches action", keep=True)
        + tags("{%p if convention.fiches %}")
        + table(
            "Tableaubudget", "Fiches action de la convention {{ convention.numero }}", "Chaque fiche, son axe, sa priorité et sa page.",
            row(cell(20, HEAD, "Fiche"), cell(70, HEAD, "Axe stratégique"), cell(18, HEAD, "Priorité"), cell(10, HEAD_AMOUNT, "Page"), header=True),
            "{%tr for fiche in convention.fiches %}",
            row(cell(20, WORDS, text("{{r fiche.fiche_id | lien(fiche.signet) }}", "Lienhypertexte")), cell(70, WORDS, "{{ fiche.axe }}"),
                cell(18, WORDS, "{{ fiche.priorite_et_annee }}"), cell(10, AMOUNT, "{{r fiche.signet | page }}")),
            "{%tr endfor %}",
            last_row=False,
        )
        + tags("{%p else %}")
        + paragraph("Corpsdetexte", "Cette convention n’a pas de fiche action.")
        + tags("{%p endif %}", "{%p for fiche in convention.fiches %}")
        + fiche()
        + tags("{%p endfor %}", "{%p endfor %}", "{%p endfor %}")
    )  # fmt: skip


def fiche() -> str:
    def field_row(label: str, words: str) -> str:
        return row(cell(28, LABEL, label, keep=True), cell(82, WORDS, words, keep=True))

    crossed = (
        text("{% for axe in fiche.axes_transversaux %}{% if not loop.first %}     {% endif %}{{ axe.oui | case }}{% if axe.non %}")
        + text("{{ axe.titre }}", "Raye") + text("{% else %}{{ axe.titre }}{% endif %}{% endfor %}")
    )  # fmt: skip
    return (
        paragraph("Titre3", "{{r fiche.signet | signet }}Fiche action {{ fiche.fiche_id }}", keep=True, new_page=True)
        + paragraph("Lgende", "{% if pilier.intitule %}{{ pilier.intitule }}", keep=True).replace("</w:p>", "<w:r><w:br/></w:r>" + text("{% endif %}{{ convention.intitule }}") + "</w:p>")
        + table(
            "Tableaufiche", "Fiche action {{ fiche.fiche_id }}", "Chaque rubrique de la fiche et son contenu.",
            row(cell(28, HEAD, "Rubrique"), cell(82, HEAD, "Contenu"), header=True),
            field_row("Axe stratégique", "{{ fiche.axe }}"),
            field_row("{{ titres.objectif }}", "{{ fiche.objectif }}"),
            field_row("{{ titres.ref_interministerielle }}", "{{ fiche.ref_interministerielle }}"),
            field_row("Priorité du territoire", "{{ fiche.priorite_et_annee }}"),
            field_row("Axes transversaux", crossed),
            field_row("{{ titres.proposition }}", "{{ fiche.proposition }}"),
            field_row("{{ titres.echeance }}", "{{ fiche.echeance }}"),
            field_row("CPO envisagée", "{{ (fiche.cpo is true) | case }} Oui     {{ (fiche.cpo is false) | case }} Non"),
            field_row("{{ titres.porteurs }}", "{{ fiche.porteurs }}"),
            field_row("{{ titres.partenaires_operationnels }}", "{{ fiche.partenaires_operationnels }}"),
            "{%tr for ajout in fiche.ajouts %}",
            field_row("{{ ajout.titre }}", "{{ ajout.texte }}"),
            "{%tr endfor %}",
            "{%tr for bilan in fiche.bilans %}",
            field_row("Bilan {{ bilan.exercice }}", "{{ bilan.texte }}"),
            "{%tr endfor %}",
            last_row=False,
        )
        + financing()
        + tags("{%p if fiche.plan %}")
        + plan()
        + tags("{%p endif %}")
    )  # fmt: skip


def financing() -> str:
    def of(name: str) -> str:
        return row(*(cell(share, WORDS, *words, keep=True) for share, words in (
            (44, [f"{{{{ {name}.nom }}}}"]), (40, [f"{{{{ {name}.dispositif }}}}"]),
            (26, [f"{{%p for montant in {name}.montants %}}", "{{ montant }}", "{%p endfor %}"]),
        )))  # fmt: skip

    return table(
        "Tableaufiche", "Financements de la fiche {{ fiche.fiche_id }}", "☒ : financeur retenu ; ☐ : financeur non retenu.",
        row(cell(44, HEAD, "Partenaires financiers"), cell(40, HEAD, "Dispositif / BOP"), cell(26, HEAD, "Montant indicatif"), header=True),
        "{%tr for categorie in fiche.financements.categories %}",
        row(cell(44, SUB, "Financeurs : {{ categorie.nom }}", keep=True), cell(40, SUB, keep=True), cell(26, SUB, keep=True)),
        "{%tr for financement in categorie.financements %}",
        of("financement"),
        "{%tr endfor %}",
        "{%tr if categorie.autres %}",
        row(cell(44, WORDS, "{{ categorie.autres }}", keep=True), cell(40, WORDS, keep=True), cell(26, WORDS, keep=True)),
        "{%tr endif %}",
        "{%tr endfor %}",
        "{%tr for financement in fiche.financements.hors_liste %}",
        of("financement"),
        "{%tr endfor %}",
        last_row=False,
    )  # fmt: skip


def plan() -> str:
    shares = (42, 20, 20, 20, 20, 16)

    def line(style: str, amount: str, *words: str) -> str:
        words = (*words, *("" for _ in shares[len(words) :]))
        styles = (style, *[amount] * 4, style if style == WORDS else amount)
        return row(
            *(cell(share, style, word, keep=True) for share, style, word in zip(shares, styles, words, strict=True))
        )

    def with_comment(name: str, words: str, *others: str) -> str:
        first = cell(
            shares[0],
            WORDS,
            words,
            f"{{%p if {name}.commentaire %}}",
            f"{{{{ {name}.commentaire }}}}",
            "{%p endif %}",
            keep=True,
        )
        return row(first, *(
            cell(share, AMOUNT if rank < 4 else WORDS, word, keep=True)
            for rank, (share, word) in enumerate(zip(shares[1:], (*others, *("" for _ in range(5 - len(others)))), strict=True))
        ))  # fmt: skip

    charge = with_comment("charge", "{{ charge.poste }}", "{{ charge.montant | euros }}")
    produit = with_comment(
        "produit", "{{ produit.intitule }}", "{{ produit.retenu | euros }}", "{{ produit.montant_demande | euros }}",
        "{{ produit.montant_accorde | euros }}", "{{ produit.montant_verse | euros }}", "{{ produit.etat }}",
    )  # fmt: skip
    charges = ("{%tr for charge in fiche.plan.CHARGES %}", charge, "{%tr endfor %}")
    produits = ("{%tr for produit in fiche.plan.PRODUITS %}", produit, "{%tr endfor %}")
    return paragraph("Lgende", "Plan de financement, exercice {{ contrat.exercice }}", keep=True) + table(
        "Tableaufiche", "Plan de financement de la fiche {{ fiche.fiche_id }}, exercice {{ contrat.exercice }}",
        "Les charges par poste, les produits par financeur, puis l’équilibre et le cofinancement.",
        row(cell(42, HEAD, "Charges et produits"), *(cell(20, HEAD_AMOUNT, heading) for heading in ("Retenu", "Demandé", "Accordé", "Versé")),
            cell(16, HEAD, "État"), header=True),
        line(SUB, SUB_AMOUNT, "Charges", "{{ fiche.plan.total_charges | euros }}"),
        *(charge.replace("CHARGES", "charges") for charge in charges),
        line(SUB, SUB_AMOUNT, "Produits", "{{ fiche.plan.total_produits | euros }}", "{{ fiche.plan.total_demande | euros }}",
             "{{ fiche.plan.total_accorde | euros }}", "{{ fiche.plan.total_verse | euros }}"),
        *(produit.replace("PRODUITS", "produits") for produit in produits),
        "{%tr if fiche.plan.charges_volontaires or fiche.plan.produits_volontaires %}",
        line(SUB, SUB, "Contributions volontaires"),
        *(charge.replace("CHARGES", "charges_volontaires") for charge in charges),
        *(produit.replace("PRODUITS", "produits_volontaires") for produit in produits),
        "{%tr if fiche.plan.ecart_volontaire %}",
        line(TOTAL, TOTAL_AMOUNT, "Écart des contributions", "{{ fiche.plan.ecart_volontaire | ecart }}"),
        "{%tr endif %}",
        "{%tr endif %}",
        line(TOTAL, TOTAL_AMOUNT, "Produits moins charges", "{{ fiche.plan.ecart | ecart }}"),
        line(TOTAL, TOTAL_AMOUNT, "Cofinancement", "{{ fiche.plan.cofinancement | pourcentage }}"),
    )  # fmt: skip


def annexes() -> str:
    balance = (
        ("Total général publié", "rapprochement.publie | euros"),
        ("Écarts nommés ci-dessous ({{ rapprochement.ecarts | length }})", "rapprochement.total_ecarts | ecart"),
        ("Total recalculé de toutes les lignes", "rapprochement.recalcule | euros"),
        (
            "Compté dans deux conventions ({{ rapprochement.doubles | length | pluriel('ligne') }})",
            "rapprochement.total_doubles | ecart",
        ),
    )
    title = "Du total général publié au total recalculé"
    return (
        tags("{%p if annexes.rapprochement %}")
        + paragraph("Titre1", "Annexe 1 – Du total publié au total recalculé", keep=True, new_page=True)
        + tags("{%p if not recensement %}")
        + paragraph("Corpsdetexte", "Le document d’origine ne publie aucun total pour l’exercice {{ contrat.exercice }}.")
        + tags("{%p elif extrait %}")
        + paragraph("Corpsdetexte", "Le chemin complet, du total général publié au total recalculé, est dans le document entier. "
                    "Voici les écarts qui touchent cet extrait.")
        + steps("Écarts", "ecarts")
        + steps("Lignes comptées deux fois", "doubles")
        + tags("{%p else %}")
        + tags("{%p if rapprochement.ecarts %}")
        + paragraph("Corpsdetexte", "Le total général publié et la somme des lignes diffèrent. Chaque écart est nommé ici, et leur "
                    "somme fait exactement la différence.")
        + tags("{%p else %}")
        + paragraph("Corpsdetexte", "Le total général publié est exactement la somme des lignes.")
        + tags("{%p endif %}")
        + paragraph("Lgende", title, keep=True)
        + table(
            "Tableaubudget", title, "Cinq étapes et leurs montants.",
            row(cell(80, HEAD, "Étape"), cell(26, HEAD_AMOUNT, "Montant"), header=True),
            *(row(cell(80, WORDS, words), cell(26, AMOUNT, f"{{{{ {amount} }}}}")) for words, amount in balance),
            row(cell(80, TOTAL, "Total recalculé sans double compte", keep=True), cell(26, TOTAL_AMOUNT, "{{ rapprochement.net | euros }}", keep=True)),
        )
        + steps("Les écarts, un par un", "ecarts")
        + steps("Ce qui est compté dans deux conventions", "doubles")
        + tags("{%p endif %}", "{%p endif %}", "{%p if annexes.constats %}")
        + paragraph("Titre1", "Annexe 2 – Constats ouverts ({{ constats | length | pluriel('constat') }})", keep=True, new_page=True)
        + tags("{%p if constats_ailleurs %}")
        + paragraph("Corpsdetexte", "Seuls sont repris ici les constats des feuilles de cet extrait ; ceux des autres feuilles (financements, "
                    "rapprochement …) sont dans le document entier.")
        + tags("{%p endif %}", "{%p if constats %}")
        + paragraph("Corpsdetexte", "{{ constats | length | pluriel('constat') }} à la date de ce document. Aucun n’a été corrigé en silence.")
        + table(
            "Tableaubudget", "Annexe 2 – Constats ouverts", "Un constat par ligne : gravité, feuille, ce qui est dit.",
            row(cell(20, HEAD, "Gravité"), cell(28, HEAD, "Feuille"), cell(74, HEAD, "Constat"), header=True),
            "{%tr for constat in constats %}",
            row(cell(20, WORDS, "{{ constat.gravite }}"), cell(28, WORDS, "{{ constat.lieu }}"),
                cell(74, WORDS, "{{ constat.titre }}. {{ constat.message }}")),
            "{%tr endfor %}",
            last_row=False,
        )
        + tags("{%p else %}")
        + paragraph("Corpsdetexte", "Aucun constat n’est ouvert.")
        + tags("{%p endif %}", "{%p endif %}", "{%p if annexes.budget %}")
        + budget_annex()
        + tags("{%p endif %}")
    )  # fmt: skip


def steps(title: str, name: str) -> str:
    return (
        paragraph("Titre3", title, keep=True)
        + tags(f"{{%p if rapprochement.{name} %}}")
        + table(
            "Tableaubudget", title, "Un écart par ligne, avec sa convention et son montant.",
            row(cell(58, HEAD, "Constat"), cell(18, HEAD, "Convention"), cell(26, HEAD, "{{ contrat.structure }}"), cell(20, HEAD_AMOUNT, "Montant"), header=True),
            f"{{%tr for etape in rapprochement.{name} %}}",
            row(cell(58, WORDS, "{{ etape.mots }}"), cell(18, WORDS, "{{r etape.convention | lien(etape.signet) }}"),
                cell(26, WORDS, "{{ etape.collectivite }}"), cell(20, AMOUNT, "{{ etape.montant | ecart }}")),
            "{%tr endfor %}",
            last_row=False,
        )
        + tags("{%p else %}")
        + paragraph("Corpsdetexte", "Aucun.")
        + tags("{%p endif %}")
    )  # fmt: skip


def budget_annex() -> str:
    def labels(style: str, of: str) -> str:
        """The words of a row: one column, or two."""
        first, second = (f"{{{{ {of}[{rank}] }}}}" for rank in (0, 1))
        keep = style == TOTAL
        return looped(
            f"if {of} | length > 1",
            cell(44, style, first, keep=keep) + cell(22, style, second, keep=keep) + cell(TAG_SHARE, "Balise", "{%tc else %}")
            + cell(60, style, first, keep=keep),
            "endif",
        )  # fmt: skip

    rates = looped("for taux in tableau.taux", cell(13, HEAD_AMOUNT, "{{ taux }}"), "endfor")

    def shares(style: str, of: str) -> str:
        return looped(
            f"for taux in {of}.taux", cell(13, style, "{{ taux | pourcentage }}", keep=style != AMOUNT), "endfor"
        )

    funding_heads = ("Financements", "Chiffrés", "Montant")
    funding = "Financements des fiches, par convention et financeur"

    def funding_row(style: str, amount: str, of: str, *names: str) -> str:
        keep = style == TOTAL
        figures = (f"{of}.nombre", f"{of}.chiffres", f"{of}.montant | euros")
        return row(*(cell(share, style, name, keep=keep) for share, name in zip((42, 36), names, strict=True)),
                   *(cell(share, amount, f"{{{{ {figure} }}}}", keep=keep) for share, figure in zip((22, 16, 24), figures, strict=True)))  # fmt: skip

    return (
        paragraph("Titre1", "Annexe 3 – Le budget de l’exercice", keep=True, new_page=True)
        + tags("{%p if budget.graphique %}")
        + paragraph("Corpsdetexte", "{{ budget.graphique }}")
        + tags("{%p endif %}")
        + tags("{%p for tableau in budget.tableaux %}")
        + paragraph("Lgende", "{{ tableau.titre }}", keep=True)
        + table(
            "Tableaubudget", "{{ tableau.titre }}", "{{ tableau.titre }} : {{ (tableau.colonnes + tableau.taux) | join(', ') | lower }}.",
            row(labels(HEAD, "tableau.entetes"), heads(27, "tableau.colonnes"), rates, header=True),
            "{%tr for ligne in tableau.lignes %}",
            row(labels(WORDS, "ligne.noms"), amounts(27, AMOUNT, "ligne"), shares(AMOUNT, "ligne")),
            "{%tr endfor %}",
            row(labels(TOTAL, "tableau.total.noms"), amounts(27, TOTAL_AMOUNT, "tableau.total"), shares(TOTAL_AMOUNT, "tableau.total")),
        )
        + tags("{%p else %}")
        + paragraph("Corpsdetexte", "Aucun crédit de droit commun pour l’exercice {{ contrat.exercice }}.")
        + tags("{%p endfor %}", "{%p if budget.financements %}")
        + paragraph("Corpsdetexte", "Les financements sont ceux de l’exercice {{ budget.exercice_finance }} ; à défaut, du dernier exercice connu ou, sans exercice, ceux que le document a publiés.", keep=True)
        + paragraph("Lgende", funding, keep=True)
        + table(
            "Tableaubudget", funding, "Un financeur d’une convention par ligne : combien de financements, combien de chiffrés, leur montant.",
            row(cell(42, HEAD, "Convention"), cell(36, HEAD, "Financeur"),
                *(cell(share, HEAD_AMOUNT, heading) for share, heading in zip((22, 16, 24), funding_heads, strict=True)), header=True),
            "{%tr for ligne in budget.financements %}",
            funding_row(WORDS, AMOUNT, "ligne", "{{ ligne.convention }}", "{{ ligne.financeur }}"),
            "{%tr endfor %}",
            funding_row(TOTAL, TOTAL_AMOUNT, "budget.total_financements", "Total", ""),
        )
        + tags("{%p endif %}")
    )  # fmt: skip


def document() -> str:
    body = cover() + recap() + contents() + chapters() + annexes()
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
        "/word/settings.xml": f"{_WML}.settings+xml", "/word/numbering.xml": f"{_WML}.numbering+xml",
        **{f"/word/{name}.xml": f"{_WML}.{kind}+xml" for name, kind in margins.items()},
    }  # fmt: skip
    types = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
    targets = {"rId1": ("styles", "styles"), "rId2": ("settings", "settings"), "rId3": ("header", "header1"),
               "rId4": ("footer", "footer1"), "rId5": ("header", "header2"), "rId6": ("footer", "footer2"), "rId7": ("numbering", "numbering")}  # fmt: skip
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
        "word/numbering.xml": numbering(),
        "word/settings.xml": f'{_XML}<w:settings {_W}><w:zoom w:percent="100"/><w:defaultTabStop w:val="708"/><w:compat>'
        '<w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
        '</w:compat><w:themeFontLang w:val="fr-FR"/><w:decimalSymbol w:val=","/><w:listSeparator w:val=";"/></w:settings>',
        "word/header1.xml": margin("hdr", "En-tte", text("{{ contrat.titre }}\tExercice {{ contrat.exercice }}")),
        "word/footer1.xml": margin("ftr", "Pieddepage", text("{{ contrat.source }}\tPage ") + field("PAGE") + text(" / ") + field("NUMPAGES")),
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
