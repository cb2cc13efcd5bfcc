"""The sheet Contrôles: every finding, of the contract, of each file and across partners, gravest first."""

from __future__ import annotations

from tabellion.campaign.model import Consolidation
from tabellion.findings import CATALOGUE, Finding
from tabellion.layout.names import CONTROLES
from tabellion.outputs.consolidation.listing import FIRST_ROW, Column, finish, note, palette_for, write_list
from tabellion.outputs.consolidation.palette import Cell, Palette
from tabellion.wording import plural
from tabellion.xlsx.writer import Sheet

FINDINGS, SEVERITY, BLOCKING = "Constats", "Gravité", "Bloquant"
_COLUMNS = (
    Column("N°", 6, "center"), Column(SEVERITY, 15, "center"), Column(BLOCKING, 10, "center"), Column("Constat", 25),
    Column("Fichier", 20), Column("Feuille", 15), Column("Cellule", 9, "center"), Column("Ce qui a été trouvé", 50),
    Column("Que faire", 36), Column("Autres cellules", 28), Column("Code", 26),
)  # fmt: skip
#: Places that are named of those that a finding speaks of.
_MOST_PLACES = 12


def write_controls(sheet: Sheet, consolidation: Consolidation, footer: str) -> None:
    """Write the whole sheet."""
    findings = sorted(consolidation.findings, key=lambda each: (not each.bloquant, each.gravite))
    sheet.title(CONTROLES, "Ce qui a été constaté au contrat, dans chaque retour et entre partenaires", len(_COLUMNS))
    blocking = sum(each.bloquant for each in findings)
    note(sheet, 2, f"{plural(len(findings), 'constat')}, dont {plural(blocking, 'bloquant')}. "
         "La cellule ouvre le fichier là où il faut regarder.")  # fmt: skip
    palette = palette_for(sheet.writer, len(findings))
    rows = [_row(number, each, palette) for number, each in enumerate(findings, 1)]
    last = write_list(sheet, FINDINGS, FIRST_ROW, _COLUMNS, rows, empty="Rien à signaler.")
    finish(sheet, footer)
    sheet.raw.print_area(0, 0, last, len(_COLUMNS) - 2)


def _row(number: int, each: Finding, palette: Palette) -> list[Cell]:
    entry, place = CATALOGUE.get(each.code), each.place
    others = [str(other) for other in each.liees]
    if len(others) > _MOST_PLACES:
        others[_MOST_PLACES:] = [f"et {plural(len(others) - _MOST_PLACES, 'autre')}"]
    linked = next(iter(each.liees), None)
    return [
        palette.centred(number),
        palette.state(each.gravite.label, each.gravite.label),
        palette.centred("bloquant" if each.bloquant else None),
        palette.text(entry.titre if entry is not None else each.code),
        palette.link((place.fichier or "").rpartition("/")[2], place, one_line=True),
        palette.text(place.feuille),
        palette.cell_of(place),
        palette.text(each.message),
        palette.text(each.suggestion),
        palette.link("\n".join(others), linked),
        palette.text(each.code),
    ]
