"""The whole reading: bytes of a published document in; tables, findings and the account of every line out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.importing.document.budget import PRESENTATION, BudgetReader, TownBudget, arithmetic_rows, ends_in_amount
from tabellion.importing.document.cells import read_rows
from tabellion.importing.document.fiche import Fiche, read_fiche
from tabellion.importing.document.financing import FinancingReader
from tabellion.importing.document.funders import learn_funders
from tabellion.importing.document.layout import FicheLayout, read_layout
from tabellion.importing.document.lines import DocumentLine, LineAccount, LineUse, clean, decode, split_lines
from tabellion.importing.document.outline import Outline, Section, census_year, read_outline
from tabellion.importing.document.recap import Collectivites, RecapRow, learn, read_recap
from tabellion.importing.document.records import Partners, collectivite_rows, line_rows, total_rows
from tabellion.importing.document.titles import (
    check_fiche_piliers,
    collect_axes,
    collect_conventions,
    collect_piliers,
    settle_numbers,
)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class ImportedContract:
    """A published document as a register.

    ``tables`` has one key per schema, each a list of rows with exactly the schema's fields (missing is None, money is
    integer cents, booleans are bool). ``lines`` accounts for every line of the document, in order. ``debut`` and
    ``fin`` are the contract's years, ``exercice`` the year of its budget census.
    """

    tables: dict[str, Rows]
    findings: tuple[Finding, ...]
    lines: tuple[LineUse, ...]
    titre: str | None
    debut: int | None
    fin: int | None
    exercice: int | None


def read_document(data: bytes, fichier: str) -> ImportedContract:
    """Read the text of a published contract; ``fichier`` names it in the findings.

    Raises :class:`TabellionError` when the bytes are not such a document: empty, binary, an unknown encoding, or a
    text without a single convention.
    """
    text, notices = decode(data, fichier)
    lines = split_lines(text)
    account = LineAccount(fichier, list(notices))
    outline = read_outline(lines, account)
    if not any(section.heading or section.fiches for section in outline.sections):
        raise TabellionError([*notices, finding("document-sans-convention", Place(fichier=fichier))])
    recap = read_recap(outline.front, outline.headings, outline.first_body, account)
    exercice = census_year(lines, outline, account)
    collectivites = _names(outline, recap, account)
    fiches = _fiches(outline, account)
    budgets = _budgets(outline, recap, collectivites, fiches, account)
    _front(outline.front, account)
    settle_numbers(fiches, account)
    axes = collect_axes(fiches, account)
    piliers = collect_piliers(outline, fiches, account)
    conventions = collect_conventions(outline, recap, fiches, account)
    check_fiche_piliers(fiches, conventions, piliers, account)
    funders, financements = _funding(fiches, account)
    partners = Partners(collectivites, funders.funders, account)
    partners.add_funders(row["financeur_id"] for row in financements)
    for fiche in fiches:
        partners.read(fiche)
        fiche.row["reparation"] = " ; ".join(fiche.repairs) or None
        fiche.row["texte_source"] = " / ".join(fiche.sources) or None
    tables: dict[str, Rows] = {
        "piliers": piliers,
        "conventions": conventions,
        "axes": axes,
        "collectivites": collectivite_rows(collectivites),
        "financeurs": [
            {"financeur_id": f.financeur_id, "nom": f.nom, "categorie": f.categorie} for f in funders.funders
        ],
        "partenaires": list(partners.rows.values()),
        "participations": list(partners.participations.values()),
        "fiches": [fiche.row for fiche in fiches],
        "financements": financements,
        "lignes_budgetaires": line_rows(budgets, collectivites, exercice),
        "totaux_publies": total_rows(recap, budgets, collectivites, exercice),
    }
    uses = account.account(lines)
    order = sorted(enumerate(account.findings), key=lambda item: (item[1].place.ligne or 0, item[0]))
    return ImportedContract(
        tables, tuple(finding_ for _, finding_ in order), uses, outline.titre, outline.debut, outline.fin, exercice
    )


def _names(outline: Outline, recap: list[RecapRow], account: LineAccount) -> Collectivites:
    """The collectivités: those of the recap, then those that the sections show."""
    collectivites = Collectivites()
    for row in recap:
        if row.portee == "collectivité" and collectivites.find(row.libelle) is None:
            collectivites.add(row.libelle, recap=True)
    prose = [line for line in outline.front if not line.tabbed]
    for section in outline.sections:
        prose.extend(line for line in section.lines if not line.tabbed)
    presentation = "\n".join(clean(line.texte) for line in prose)
    sections = [arithmetic_rows(section.lines) for section in outline.sections if section.heading or section.fiches]
    guessed = learn(collectivites, sections, presentation, recap=bool(collectivites.from_recap))
    for known, nom in collectivites.by_key.items():
        if known in guessed:
            account.say("collectivite-devinee", None, champ="nom", valeur=nom)
        elif collectivites.from_recap and known not in collectivites.from_recap:
            account.say("collectivite-hors-recapitulatif", None, champ="nom", valeur=nom)
    return collectivites


def _fiches(outline: Outline, account: LineAccount) -> list[Fiche]:
    """Every fiche of the body, its convention settled."""
    fiches: list[Fiche] = []
    known = {int(s.heading.numero) for s in outline.sections if s.heading}
    known |= {int(h.numero) for h in outline.headings.contents if h.numero.isdigit()}
    for section in outline.sections:
        for block in _blocks(section, account):
            fiche = read_fiche(block, account)
            _settle_convention(fiche, section, known, account)
            fiches.append(fiche)
    return fiches


def _blocks(section: Section, account: LineAccount) -> list[FicheLayout]:
    """The layout of each fiche of a section, a header printed again in the middle of one taken out."""
    blocks: list[FicheLayout] = []
    for lines in section.fiches:
        block = read_layout([line for line in lines if line.numero not in account.uses])
        if blocks and _is_page_header(block, blocks[-1]):
            account.say("en-tete-de-fiche-repete", block.ligne, liees=[blocks[-1].ligne])
            header = [line for line in block.lines if _header_line(line, block)]
            for line in header:
                account.use(line.numero, "ignorée : en-tête répété", f"fiche de la ligne {blocks[-1].ligne}")
            rest = [line for line in block.lines if line not in header]
            block = read_layout([*blocks.pop().lines, *rest])
        blocks.append(block)
    return blocks


def _is_page_header(block: FicheLayout, previous: FicheLayout) -> bool:
    """True for a fiche's header printed again in the middle of it: no row of its beginning follows."""
    opening = {"axe", "objectif", "priorite", "transversal"}
    return "entete" in block.labels and not opening & block.labels.keys() and "prives" not in previous.labels


def _header_line(line: DocumentLine, block: FicheLayout) -> bool:
    return line.numero in (block.labels.get("entete"), block.labels.get("sous_thematique"))


def _settle_convention(fiche: Fiche, section: Section, known: set[int], account: LineAccount) -> None:
    """A fiche belongs to the convention that its header names; to its section's when it names none."""
    here = int(section.heading.numero) if section.heading else None
    own = fiche.convention_numero
    ligne = fiche.block.labels.get("sous_thematique", fiche.ligne)
    if own is None:
        fiche.row["convention_id"] = here
        account.say("fiche-sans-convention", ligne, champ="convention_id", attendu=here, retenu=here or "aucune")
    elif here is not None and own != here:
        fiche.row["convention_id"] = own if own in known else here
        account.say("fiche-autre-convention", ligne, champ="convention_id", valeur=own, attendu=here)


def _budgets(
    outline: Outline, recap: list[RecapRow], collectivites: Collectivites, fiches: list[Fiche], account: LineAccount
) -> list[tuple[int, TownBudget]]:
    """Each convention's groups, in order; prose and blank lines are entered in the ledger on the way."""
    by_line = {fiche.ligne: fiche for fiche in fiches}
    groups: list[tuple[int, TownBudget]] = []
    for section in outline.sections:
        number = int(section.heading.numero) if section.heading else None
        if number is None and section.fiches:
            numbers = Counter(
                f.row["convention_id"] for lines in section.fiches if (f := by_line.get(lines[0].numero)) is not None
            )
            number = numbers.most_common(1)[0][0] if numbers else None
        if number is None:
            _front(section.lines, account)
        else:
            reader = BudgetReader(number, collectivites, account)
            reader.read(section.lines)
            here = {group.collectivite for group in reader.groups}
            missing = [
                (known, collectivites.by_key[known], row.montant)
                for row in recap
                if row.portee == "collectivité" and row.convention == number
                if (known := collectivites.find(row.libelle)) is not None and known not in here
            ]
            reader.adopt(missing)
            groups.extend((number, group) for group in reader.groups)
    for fiche in fiches:
        for line in fiche.block.lines:
            if line.blank:
                account.use(line.numero, "ignorée : ligne vide")
    return groups


def _front(lines: list[DocumentLine], account: LineAccount) -> None:
    """Enter the lines that belong to no table: blank lines, presentation; what looks like data is unplaced."""
    for line in lines:
        if line.numero in account.uses:
            continue
        if line.blank:
            account.use(line.numero, "ignorée : ligne vide")
        elif line.tabbed:
            account.unplaced(line, "une ligne de tableau hors de toute convention")
        elif ends_in_amount(clean(line.texte)):
            account.unplaced(line, "un texte qui finit par un montant, hors d'un budget")
        else:
            account.use(line.numero, PRESENTATION)


def _funding(fiches: list[Fiche], account: LineAccount) -> tuple[FinancingReader, Rows]:
    """The funders of the document and the funding rows of every fiche; the fiches' lines are entered."""
    rows = [read_rows(fiche.block) for fiche in fiches]
    reader = FinancingReader(
        learn_funders([[box for row in fiche_rows for box in row.boxes] for fiche_rows in rows]), account
    )
    financements: Rows = []
    for fiche, fiche_rows in zip(fiches, rows, strict=True):
        financements.extend(reader.read(fiche, fiche_rows))
        for line in fiche.block.lines:
            account.use(line.numero, "utilisée : fiche", str(fiche.row["fiche_id"]))
    return reader, financements
