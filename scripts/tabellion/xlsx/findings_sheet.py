"""The first sheet of an annotated copy: its findings, gravest first, with a link to each cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial

from tabellion.addresses import cell_name, column_letters
from tabellion.findings import CATALOGUE, Finding, Severity, counted
from tabellion.layout.names import cell_link
from tabellion.layout.theme import Theme
from tabellion.wording import plural
from tabellion.xlsx.notes import grade
from tabellion.xlsx.sheet import SheetEditor
from tabellion.xlsx.styles import StyleSheet, rgb
from tabellion.xlsx.text_metrics import text_lines
from tabellion.xlsx.trees import Element, add, child, drop, parse_xml

#: The one-based row of the headers.
HEADER_ROW = 6
#: As wide together as a screen of 1366 pixels shows.
_COLUMNS = (
    ("N°", 5), ("Feuille", 15), ("Cellule", 9), ("Constat", 28), ("Que faire", 48), ("Ce qui a été trouvé", 48),
    ("Gravité", 16),
)  # fmt: skip
LAST_COLUMN = column_letters(len(_COLUMNS))
_CELL_COLUMN = 3
#: Of a kind in a column, more findings than these that ask for the same are one line.
_ALIKE = 1
#: The hidden column of the mark by which the program knows its own copies.
_MARK_COLUMN = len(_COLUMNS) + 2
_TITLE = "Ce qu'il faut revoir dans ce classeur"
_COLOURED = (
    "Les cellules citées sont colorées dans leur feuille{but} ; passez la souris dessus pour lire le commentaire."
)
_BUT = " (sauf dans {sheets}, trop grande pour cela)"
#: What was mended for Excel, where another program had damaged it.
_MENDED = "Un programme avait abîmé ce classeur : dans cette copie, {mended}."
_RETURN = "Corrigez-les dans ce fichier et renvoyez-le : cette feuille n'est pas lue, rien d'autre n'a été changé."
#: Excel keeps at most this many links on a sheet; the highest row, in points.
_MOST_LINKS, _HIGHEST = 65_000, 409.0
_SHEET = """<worksheet xmlns="{main}"><sheetPr><tabColor rgb="{tab}"/><pageSetUpPr fitToPage="1"/></sheetPr>\
<dimension ref="A1"/><sheetViews><sheetView showGridLines="0" tabSelected="1" workbookViewId="0">\
<pane ySplit="{header}" topLeftCell="A{first}" activePane="bottomLeft" state="frozen"/>\
<selection pane="bottomLeft" activeCell="A{first}" sqref="A{first}"/></sheetView></sheetViews>\
<sheetFormatPr defaultRowHeight="15"/><cols/><sheetData/><autoFilter ref="A{header}:{filtered}"/><hyperlinks/>\
<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.6" header="0.3" footer="0.3"/>\
<pageSetup paperSize="9" fitToHeight="0" orientation="landscape"/>\
<headerFooter><oddFooter>&amp;C&amp;8&amp;A&amp;R&amp;8Page &amp;P / &amp;N</oddFooter></headerFooter></worksheet>"""


def ordered(findings: Sequence[Finding], sheets: Sequence[str]) -> list[Finding]:
    """The findings, what blocks first, then by severity; those of one code stay together, by sheet in tab order."""
    sheet_ranks = {name: rank for rank, name in enumerate(sheets)}
    code_ranks = {code: rank for rank, code in enumerate(dict.fromkeys(finding.code for finding in findings))}

    def rank(finding: Finding) -> tuple[bool, Severity, int, int]:
        sheet_rank = sheet_ranks.get(finding.place.feuille or "", -1)
        return not finding.bloquant, finding.gravite, code_ranks[finding.code], sheet_rank

    return sorted(findings, key=rank)


def lines_of(findings: Sequence[Finding]) -> list[Finding]:
    """The lines of the list: those of one kind in one column that ask for the same are one; of what is only worth
    knowing, each has something of its own to say."""
    remarks = [finding for finding in findings if finding.gravite is Severity.INFORMATION]
    asked = [finding for finding in findings if finding.gravite is not Severity.INFORMATION]
    return [*counted(asked, _ALIKE), *remarks]


def build_sheet(
    lines: Sequence[Finding],
    total: str,
    theme: Theme,
    styles: StyleSheet,
    linked: Collection[str],
    main: str,
    *,
    mark: str,
    too_large: Sequence[str] = (),
    mended: str = "",
) -> Element:
    """The sheet's tree, in the namespace ``main``; ``total`` is the sentence that counts the findings.

    ``linked`` are the sheets whose cells can be gone to, ``too_large`` those whose cells are not coloured; ``mark``
    goes into a hidden cell; ``mended`` is what was put right for Excel.
    """
    last = HEADER_ROW + len(lines)
    words = _SHEET.format(
        main=main, tab=rgb(theme.colours["erreur_texte"]), header=HEADER_ROW, first=HEADER_ROW + 1,
        filtered=f"{LAST_COLUMN}{last}",
    )  # fmt: skip
    root = parse_xml(words.encode(), "")
    columns, hyperlinks = child(root, "cols"), child(root, "hyperlinks")
    for number, (_, width) in enumerate(_COLUMNS, 1):
        add(columns, "col", min=str(number), max=str(number), width=str(width + 0.7109375), customWidth="1")
    place = str(_MARK_COLUMN)
    add(columns, "col", min=place, max=place, width="9", hidden="1", customWidth="1")
    sheet, formats = SheetEditor(root), _formats(styles, theme)
    blank_cells = len(_COLUMNS) - 1
    _write_row(sheet, 1, [_TITLE, *[None] * blank_cells], [formats["title"]] * len(_COLUMNS), 28)
    _write_row(sheet, 2, [total, *[None] * blank_cells], [formats["band"]] * len(_COLUMNS), 18)
    sheet.set_value(sheet.cell(2, _MARK_COLUMN), mark)
    but = _BUT.format(sheets=", ".join(f"« {name} »" for name in too_large)) if too_large else ""
    sentences = [_COLOURED.format(but=but), _RETURN, *([_MENDED.format(mended=mended)] if mended else [])]
    for number, sentence in enumerate(sentences, 3):
        _write_row(sheet, number, [sentence], [formats["plain"]], 15)
    _write_row(sheet, HEADER_ROW, [label for label, _ in _COLUMNS], [formats["header"]] * len(_COLUMNS), 20)
    text, centred = formats["text"], formats["centred"]
    for number, finding in enumerate(lines, 1):
        row = HEADER_ROW + number
        name, cell = finding.place.feuille, finding.place.cellule
        cell_format = centred
        if name and cell and name in linked and len(hyperlinks) < _MOST_LINKS:
            cell_format = formats["link"]
            add(hyperlinks, "hyperlink", ref=cell_name(row, _CELL_COLUMN), location=cell_link(name, cell), display=cell)
        title = CATALOGUE[finding.code].titre
        texts = [name or "tout le fichier", cell, title, finding.suggestion, finding.message, grade(finding)]
        height = max(
            text_lines(words or "", width, theme.size, bold=rank in (2, 5))
            for rank, (words, (_, width)) in enumerate(zip(texts, _COLUMNS[1:], strict=True))
        )
        graded = formats[finding.gravite.label]
        row_formats = [centred, text, cell_format, graded, text, text, graded]
        _write_row(sheet, row, [number, *texts], row_formats, min(_HIGHEST, height * theme.size * 1.32 + 3))
    if not len(hyperlinks):
        drop(hyperlinks)
    return root


def count(findings: Sequence[Finding]) -> str:
    """One sentence that counts the findings by severity and says whether one blocks."""
    counts = Counter(finding.gravite for finding in findings)
    parts = [plural(counts[severity], severity.label) for severity in Severity if counts[severity]]
    blocking = sum(finding.bloquant for finding in findings)
    end = f"{plural(blocking, 'bloquant')} : à corriger avant l'envoi" if blocking else "rien ne bloque"
    return f"{', '.join(parts)} ; {end}."


def _formats(styles: StyleSheet, theme: Theme) -> dict[str, int]:
    """The styles of the sheet's cells, those of severities under their labels."""
    colours, edge = theme.colours, theme.colours["filet"]
    style = partial(styles.style, font=theme.font, size=theme.size)
    formats = {
        "title": style(ink=colours["titre_texte"], ground=colours["titre"], bold=True, size=16),
        "band": style(ink=colours["titre_texte"], ground=colours["titre"]),
        "plain": style(ink=colours["encre"]),
        "header": style(ink=colours["entete_texte"], ground=colours["entete"], bold=True, border=edge),
        "text": style(ink=colours["encre"], wrapped=True, border=edge),
        "centred": style(ink=colours["encre"], wrapped=True, centred=True, border=edge),
        "link": style(ink=colours["lien"], underline=True, wrapped=True, centred=True, border=edge),
    }
    for label in (severity.label for severity in Severity):
        ink = colours[f"{label}_texte"]
        formats[label] = style(ink=ink, ground=colours[label], bold=True, wrapped=True, border=edge)
    return formats


def _write_row(
    sheet: SheetEditor, row: int, values: Sequence[str | int | None], formats: Sequence[int], height: float
) -> None:
    sheet.row(row).set("ht", f"{height:g}")
    sheet.row(row).set("customHeight", "1")
    for column, (value, style) in enumerate(zip(values, formats, strict=True), 1):
        cell = sheet.cell(row, column)
        cell.set("s", str(style))
        sheet.set_value(cell, value)
