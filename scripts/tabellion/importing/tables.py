"""The register's tables that an import gives: what documents and foreign tables have in common."""

from __future__ import annotations

from dataclasses import dataclass

from tabellion.findings import Finding
from tabellion.importing.cover import TitlePage
from tabellion.importing.fiche import Fiche
from tabellion.importing.financing import FinancingReader, Partners, Who
from tabellion.importing.funders import DocumentFunder, FunderRow
from tabellion.importing.lines import LineAccount, LineUse, Record
from tabellion.importing.outline import Outline
from tabellion.importing.recap import Collectivites, RecapRow, collectivite_rows
from tabellion.importing.titles import (
    check_fiche_piliers,
    collect_axes,
    collect_conventions,
    collect_piliers,
    settle_numbers,
)


@dataclass(frozen=True)
class ImportedContract:
    """A published document, or tables of other people, as a register.

    ``tables`` has one key per schema, each a list of rows with exactly the schema's fields (missing is None, money is
    integer cents, booleans are bool). ``lines`` accounts for every line, in order. ``page`` is what its title page
    says, ``exercice`` the year of its budget census.
    """

    tables: dict[str, list[Record]]
    findings: tuple[Finding, ...]
    lines: tuple[LineUse, ...]
    page: TitlePage
    exercice: int | None


ImportedTables = dict[str, list[Record]]
"""One key per schema, each a list of rows with exactly the schema's fields."""


def register_tables(
    outline: Outline,
    recap: list[RecapRow],
    fiches: list[Fiche],
    rows: list[list[FunderRow]],
    listed: list[DocumentFunder],
    collectivites: Collectivites,
    account: LineAccount,
    who: Who | None = None,
    others: list[Fiche] | None = None,
) -> ImportedTables:
    """The tables of a contract but its budget.

    ``rows`` are the funding rows of each fiche, ``listed`` the funders that all fiches share; ``who`` says whom a
    partner's name stands for. ``others`` are fiches read elsewhere, whose funding rows follow those of ``fiches``.
    """
    settle_numbers(fiches, account)
    axes = collect_axes(fiches)
    piliers = collect_piliers(outline, fiches, account)
    conventions = collect_conventions(outline, recap, fiches, account)
    check_fiche_piliers(fiches, conventions, piliers, account)
    reader = FinancingReader(listed)
    financements: list[Record] = []
    for fiche, fiche_rows in zip([*fiches, *(others or [])], rows, strict=True):
        financements.extend(reader.read(fiche, fiche_rows))
        for line in fiche.layout.lines:
            account.use(line.numero, "utilisée : fiche", str(fiche.row["fiche_id"]))
    partners = Partners(collectivites, reader.funders, financements, who)
    for fiche in fiches:
        partners.read(fiche)
        fiche.row["reparation"] = " ; ".join(fiche.repairs) or None
        fiche.row["texte_source"] = " / ".join(fiche.sources) or None
    return {
        "piliers": piliers,
        "conventions": conventions,
        "axes": axes,
        "collectivites": collectivite_rows(collectivites),
        "financeurs": [
            {"financeur_id": funder.financeur_id, "nom": funder.nom, "categorie": funder.categorie}
            for funder in reader.funders
        ],
        "partenaires": list(partners.rows.values()),
        "participations": list(partners.participations.values()),
        "fiches": [fiche.row for fiche in fiches],
        "financements": financements,
    }
