"""The first sheet of an annotated copy: what was found, gravest first, with a link to each cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from tabellion.addresses import cell_name, column_letters
from tabellion.findings import CATALOGUE, Finding, Severity
from tabellion.layout.names import cell_link
from tabellion.layout.theme import Theme
from tabellion.wording import plural
from tabellion.xlsx.annotation.comments import grade
from tabellion.xlsx.annotation.splice import escape_attribute, escape_text
from tabellion.xlsx.annotation.styles import StyleSheet
from tabellion.xlsx.text_metrics import text_lines

#: The one-based row of the headers.
HEADER_ROW = 6
_COLUMNS = (
    ("N°", 6), ("Gravité", 17), ("Feuille", 18), ("Cellule", 10), ("Constat", 32), ("Ce qui a été trouvé", 58),
    ("Que faire", 52),
)  # fmt: skip
#: The hidden column of the mark by which the program knows its own copies.
_MARK_COLUMN = len(_COLUMNS) + 2
_TITLE = "Ce qu'il faut revoir dans ce classeur"
_HOW_TO = (
    "Les cellules citées sont colorées dans leur feuille ; passez la souris dessus pour lire le commentaire.",
    "Corrigez-les dans ce fichier et renvoyez-le : cette feuille n'est pas lue, rien d'autre n'a été changé.",
)
#: Excel keeps at most this many links on a sheet; the highest row, in points.
_MOST_LINKS, _HIGHEST = 65_000, 409.0


def ordered(findings: Sequence[Finding], sheets: Sequence[str]) -> list[Finding]:
    """The findings, what blocks first, then by severity; those of one code stay together, by sheet in tab order."""
    rank = {name: place for place, name in enumerate(sheets)}
    codes: dict[str, int] = {}
    for each in findings:
        codes.setdefault(each.code, len(codes))
    return sorted(
        findings,
        key=lambda each: (
            not each.bloquant, each.gravite, codes[each.code], rank.get(each.place.feuille or "", -1),
        ),
    )  # fmt: skip


def sheet_xml(
    findings: Sequence[Finding], theme: Theme, styles: StyleSheet, linked: Collection[str], main: str, mark: str
) -> bytes:
    """The sheet's XML. ``linked`` are the sheets whose cells can be gone to; ``mark`` goes into a hidden cell."""
    colours = theme.colours
    edge = colours["filet"]
    title = styles.style(ink=colours["titre_texte"], ground=colours["titre"], bold=True, size=16)
    band = styles.style(ink=colours["titre_texte"], ground=colours["titre"])
    plain = styles.style(ink=colours["encre"])
    header = styles.style(ink=colours["entete_texte"], ground=colours["entete"], bold=True, border=edge)
    text = styles.style(ink=colours["encre"], wrapped=True, border=edge)
    centred = styles.style(ink=colours["encre"], wrapped=True, centred=True, border=edge)
    link = styles.style(ink=colours["lien"], underline=True, wrapped=True, centred=True, border=edge)
    grades = {
        severity: styles.style(
            ink=colours[f"{severity.label}_texte"], ground=colours[severity.label], bold=True, wrapped=True, border=edge
        )
        for severity in Severity
    }
    rows = [
        _row(1, [(_TITLE, title), *[(None, title)] * (len(_COLUMNS) - 1)], 28),
        _row(2, [(count(findings), band), *[(None, band)] * (len(_COLUMNS) - 1), (None, 0), (mark, 0)], 18),
        *(_row(number, [(words, plain)], 15) for number, words in enumerate(_HOW_TO, 3)),
        _row(HEADER_ROW, [(label, header) for label, _ in _COLUMNS], 20),
    ]
    links: list[str] = []
    for number, each in enumerate(findings, 1):
        row = HEADER_ROW + number
        sheet, cell = each.place.feuille, each.place.cellule
        goes = bool(sheet and cell and sheet in linked and len(links) < _MOST_LINKS)
        if goes and sheet and cell:
            target = escape_attribute(cell_link(sheet, cell))
            shown = escape_attribute(cell)
            links.append(f'<hyperlink ref="{cell_name(row, 4)}" location="{target}" display="{shown}"/>')
        titre = CATALOGUE[each.code].titre
        words = [grade(each), sheet or "tout le fichier", cell, titre, each.message, each.suggestion]
        kinds = [grades[each.gravite], text, link if goes else centred, text, text, text]
        lines = max(
            text_lines(said or "", width, theme.size, bold=place == 0)
            for place, (said, (_, width)) in enumerate(zip(words, _COLUMNS[1:], strict=True))
        )
        height = min(_HIGHEST, lines * theme.size * 1.32 + 3)
        rows.append(_row(row, [(number, centred), *zip(words, kinds, strict=True)], height))
    last = HEADER_ROW + len(findings)
    widths = "".join(
        f'<col min="{column}" max="{column}" width="{width + 0.7109375}" customWidth="1"/>'
        for column, (_, width) in enumerate(_COLUMNS, 1)
    )
    hidden = f'<col min="{_MARK_COLUMN}" max="{_MARK_COLUMN}" width="9" hidden="1" customWidth="1"/>'
    return (
        f'<worksheet xmlns="{main}"><sheetPr><tabColor rgb="FF{colours["erreur_texte"][1:]}"/>'
        f'<pageSetUpPr fitToPage="1"/></sheetPr><dimension ref="A1:{column_letters(_MARK_COLUMN)}{last}"/>'
        f'<sheetViews><sheetView showGridLines="0" tabSelected="1" workbookViewId="0"><pane ySplit="{HEADER_ROW}" '
        f'topLeftCell="A{HEADER_ROW + 1}" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft" '
        f'activeCell="A{HEADER_ROW + 1}" sqref="A{HEADER_ROW + 1}"/></sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}{hidden}</cols>'
        f"<sheetData>{''.join(rows)}</sheetData>"
        f'<autoFilter ref="A{HEADER_ROW}:{column_letters(len(_COLUMNS))}{last}"/>'
        f"{'<hyperlinks>' + ''.join(links) + '</hyperlinks>' if links else ''}"
        '<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.6" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" fitToHeight="0" orientation="landscape"/>'
        "<headerFooter><oddFooter>&amp;C&amp;8&amp;A&amp;R&amp;8Page &amp;P / &amp;N</oddFooter></headerFooter>"
        "</worksheet>"
    ).encode()


def count(findings: Sequence[Finding]) -> str:
    """One sentence that counts the findings by severity and says whether one blocks."""
    counts = Counter(each.gravite for each in findings)
    parts = [plural(counts[severity], severity.label) for severity in Severity if counts[severity]]
    blocking = sum(each.bloquant for each in findings)
    end = f"{plural(blocking, 'bloquant')} : à corriger avant l'envoi" if blocking else "rien ne bloque"
    return f"{', '.join(parts)} ; {end}."


def _row(row: int, cells: Sequence[tuple[str | int | None, int]], height: float) -> str:
    return (
        f'<row r="{row}" ht="{height:g}" customHeight="1">'
        + "".join(_cell(cell_name(row, column), value, style) for column, (value, style) in enumerate(cells, 1))
        + "</row>"
    )


def _cell(ref: str, value: str | int | None, style: int) -> str:
    if value is None:
        return f'<c r="{ref}" s="{style}"/>'
    if isinstance(value, int):
        return f'<c r="{ref}" s="{style}"><v>{value}</v></c>'
    return f'<c r="{ref}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape_text(value)}</t></is></c>'
