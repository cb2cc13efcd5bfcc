"""The recap at the head of the document: one total per convention, then one per collectivité, and the grand total."""

from __future__ import annotations

from dataclasses import dataclass

from tabellion.importing.document.amounts import only_amounts
from tabellion.importing.document.headings import Headings, is_fiche_start, numbered
from tabellion.importing.document.ledger import Ledger
from tabellion.importing.document.text import Line, clean, key, shown


@dataclass(frozen=True, slots=True)
class RecapRow:
    """One line of the recap: ``convention`` is its number (None for the grand total); ``portee`` as in the schema.

    ``montant`` is in cents, None when nothing readable is printed; ``texte_source`` keeps what could not be read.
    """

    ligne: int
    portee: str
    convention: int | None
    libelle: str
    montant: int | None
    texte_source: str | None = None


def read_cell_amount(line: Line, cells: tuple[str, ...], ledger: Ledger) -> tuple[int | None, str | None]:
    """The one amount of a row's further cells; else None, with the original text and a finding."""
    text = " ".join(cell for cell in cells if cell)
    found = only_amounts(clean(text))
    if found is not None and len(found) <= 1:
        return (found[0] if found else None), None
    ledger.say(
        "montant-illisible", line.numero, champ="montant", valeur=clean(text)[:200], attendu="un montant en euros"
    )
    return None, shown(line.texte)


def read_recap(lines: list[Line], headings: Headings, first_body: int, ledger: Ledger) -> list[RecapRow]:
    """The rows of the recap, between the head of the document and ``first_body`` (a line number).

    It starts at the first numbered title that has an amount cell, and ends at the grand total, the contents, or the
    first paragraph.
    """
    rows: list[RecapRow] = []
    convention: int | None = None
    for line in lines:
        if line.numero >= first_body or is_fiche_start(line):
            break
        if line.blank or line.numero in headings.contents_lines or line.numero in ledger.uses:
            continue
        title = numbered(line, dashed=True) if line.tabbed else None
        if not rows and title is None:
            continue
        if not line.tabbed:
            break
        libelle = clean(line.cells[0])
        if key(libelle).startswith("total"):
            montant, source = read_cell_amount(line, line.cells[1:], ledger)
            rows.append(RecapRow(line.numero, "général", None, libelle, montant, source))
            ledger.use(line.numero, "utilisée : total publié", "total général du récapitulatif")
            break
        if not libelle:
            ledger.unplaced(line, "une ligne du récapitulatif n'a pas de libellé")
            continue
        montant, source = read_cell_amount(line, line.cells[1:], ledger)
        if title is not None:
            convention = int(title.numero)
            rows.append(RecapRow(line.numero, "convention", convention, libelle, montant, source))
            ledger.use(line.numero, "utilisée : total publié", f"convention {convention} du récapitulatif")
        else:
            rows.append(RecapRow(line.numero, "collectivité", convention, libelle, montant, source))
            ledger.use(
                line.numero, "utilisée : total publié", f"collectivité, convention {convention} du récapitulatif"
            )
    return rows
