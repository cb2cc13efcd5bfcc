"""One contract as the board of all contracts has it: who it is, what its night said, what it adds up to.

It is plain data: a worker hands it back, and it is kept as JSON for the night in which nothing has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from tabellion.campaign.model import Consolidation
from tabellion.contract.book import Book
from tabellion.findings import CATALOGUE, Finding, Severity
from tabellion.measures.accounts import RECAP, SCOPE_ALL, SCOPE_CONVENTION
from tabellion.measures.board import REJECTED, RETURNED, ReturnStatus
from tabellion.measures.overview import AMOUNTS, Sums
from tabellion.measures.splits import namings_of, splits_of
from tabellion.portfolio.rows import DATASET_TABLES
from tabellion.schema import Field
from tabellion.schema.tables import Row

#: What stands for a kind, a pilier or a quartier that a row does not say.
UNTOLD = "Non précisé"
#: The field of a quartier's official code.
_CODE = "code_qpv"
#: Findings that block which are named one by one, a contract.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class CreditTotal:
    """Budget lines of one exercice, convention and kind of who spends (``categorie`` of the collectivité), added up.

    ``montants`` are planned, voted and spent, in cents; ``connus`` how many of the ``lignes`` have each: an amount that
    no line has is not known, which is not zero. ``compares`` are planned and spent over the
    ``comparables``, the lines that have both.
    """

    exercice: int
    pilier: str
    convention: str
    categorie: str
    lignes: int
    connus: tuple[int, int, int]
    montants: tuple[int, int, int]
    comparables: int
    compares: tuple[int, int]

    def amount(self, place: int) -> int | None:
        """One of the three amounts in cents; ``None`` where no line has it."""
        return self.montants[place] if self.connus[place] else None


@dataclass(frozen=True, slots=True)
class FundingTotal:
    """Financements that count in one exercice, of one pilier and kind of funder, added up.

    A financement counts in an exercice with its latest known amount: sums of several exercices count it twice.
    """

    exercice: int
    pilier: str
    categorie: str
    financements: int
    chiffres: int
    montant: int


@dataclass(frozen=True, slots=True)
class PublishedTotal:
    """The grand total that the document prints for an exercice, and what its lines add up to, in cents."""

    exercice: int
    publie: int
    recompte: int | None


@dataclass(frozen=True, slots=True)
class QuartierTotal:
    """The budget lines of one exercice that name one quartier alone, and the fiches that name it.

    ``code`` is its official one, empty where the contract has none; the line « Plusieurs » has no code either.
    """

    code: str
    nom: str
    exercice: int
    lignes: int
    connus: tuple[int, int, int]
    montants: tuple[int, int, int]
    fiches: int


@dataclass(frozen=True, slots=True)
class NamedFinding:
    """A finding in the words that the board of all contracts shows; ``fichier`` is named from ``workbooks/``."""

    titre: str
    fichier: str
    feuille: str
    cellule: str
    message: str
    remede: str

    @classmethod
    def of(cls, item: Finding) -> NamedFinding:
        """The words of a finding."""
        place = item.place
        cell = place.cellule or (f"ligne {place.ligne}" if place.ligne is not None else "")
        titre = CATALOGUE[item.code].titre
        return cls(titre, place.fichier or "", place.feuille or "", cell, item.message, item.suggestion)


@dataclass(frozen=True, slots=True)
class ContractState:
    """One contract, as far as it could be read.

    ``exercice`` is that of its campaign, of which partners were ``attendus`` (asked), ``recus`` (answered),
    ``acceptes``, ``rejetes`` and ``en_retard``. ``made`` is when its state was first reached: its last night in which
    something was new (``None``: it was never consolidated). ``niveau`` is what it calls what stands above its
    conventions. ``kinds`` are, by table, the kinds of the fields of its schema, ``keys`` those of its primary key.
    """

    identifiant: str
    titre: str
    debut: int
    fin: int
    exercice: int
    made: datetime | None
    niveau: str
    attendus: int
    recus: int
    acceptes: int
    rejetes: int
    en_retard: int
    erreurs: int
    avertissements: int
    informations: int
    bloquants: int
    a_decider: int
    blockers: tuple[NamedFinding, ...]
    credits: tuple[CreditTotal, ...]
    fundings: tuple[FundingTotal, ...]
    published: tuple[PublishedTotal, ...]
    quartiers: tuple[QuartierTotal, ...]
    kinds: Mapping[str, Mapping[str, str]]
    keys: Mapping[str, tuple[str, ...]]


def state_of(consolidation: Consolidation, notices: Iterable[Finding], made: datetime | None) -> ContractState:
    """The state that a consolidation comes to; ``notices`` are what its run said besides."""
    contract = consolidation.contract
    settings, exercice = contract.settings, contract.settings.exercice_courant
    findings = [*notices, *consolidation.findings]
    counts = Counter(item.gravite for item in findings)
    blocking = [item for item in findings if item.bloquant]
    status_counts = consolidation.status_counts(exercice)
    return ContractState(
        identifiant=settings.identifiant,
        titre=settings.titre,
        debut=settings.debut,
        fin=settings.fin,
        exercice=exercice,
        made=made,
        niveau=contract.schemas["conventions"].by_name["pilier_id"].title,
        attendus=status_counts.asked,
        recus=status_counts.among(RETURNED),
        acceptes=status_counts[ReturnStatus.ACCEPTED],
        rejetes=status_counts.among(REJECTED),
        en_retard=status_counts[ReturnStatus.LATE],
        erreurs=counts[Severity.ERREUR],
        avertissements=counts[Severity.AVERTISSEMENT],
        informations=counts[Severity.INFORMATION],
        bloquants=len(blocking),
        a_decider=len(consolidation.open_questions),
        blockers=tuple(map(NamedFinding.of, blocking[:_NAMED])),
        credits=tuple(_credits(contract)),
        fundings=tuple(_fundings(contract)),
        published=tuple(_published(contract)),
        quartiers=tuple(_quartiers(contract)),
        kinds={name: _kinds(contract, name) for name in DATASET_TABLES if name in contract.tables},
        keys={name: contract.schemas[name].primary_key for name in DATASET_TABLES if name in contract.tables},
    )


def _kinds(contract: Book, table: str) -> dict[str, str]:
    return {field.name: field.kind for field in kept_fields(contract.tables[table].schema.fields)}


def kept_fields(fields: Iterable[Field]) -> list[Field]:
    """The fields of a table that leave the house: addresses of people do not."""
    return [field for field in fields if not field.email]


def pilier_names(contract: Book) -> dict[object, str]:
    """The pilier or enjeu of each convention, by the convention's number."""
    names = {row["pilier_id"]: row["titre"] or str(row["pilier_id"]) for row in contract.tables["piliers"].rows}
    return {row["convention_id"]: names.get(row["pilier_id"], UNTOLD) for row in contract.tables["conventions"].rows}


def categories(contract: Book, table: str, key: str) -> dict[object, str]:
    """The kind of each collectivité or funder, by its identifier."""
    return {row[key]: row.get("categorie") or UNTOLD for row in contract.tables[table].rows}


def _credits(contract: Book) -> Iterator[CreditTotal]:
    piliers, kinds = pilier_names(contract), categories(contract, "collectivites", "collectivite_id")
    titles = {number: title for number, (title, _) in contract.convention_titles.items()}
    lines: dict[tuple[int, str, str, str], list[Row]] = {}
    for row in contract.tables["lignes_budgetaires"].rows:
        if row["exercice"] is not None:
            number = row["convention_id"]
            where = piliers.get(number, UNTOLD), titles.get(number, UNTOLD)
            lines.setdefault((row["exercice"], *where, kinds.get(row["collectivite_id"], UNTOLD)), []).append(row)
    for (exercice, pilier, convention, categorie), rows in sorted(lines.items()):
        known = [[row[amount] for row in rows if row[amount] is not None] for amount in AMOUNTS]
        compared = [row for row in rows if row[AMOUNTS[0]] is not None and row[AMOUNTS[2]] is not None]
        yield CreditTotal(
            exercice, pilier, convention, categorie, len(rows),
            connus=(len(known[0]), len(known[1]), len(known[2])),
            montants=(sum(known[0]), sum(known[1]), sum(known[2])),
            comparables=len(compared),
            compares=(sum(row[AMOUNTS[0]] for row in compared), sum(row[AMOUNTS[2]] for row in compared)),
        )  # fmt: skip


def _fundings(contract: Book) -> Iterator[FundingTotal]:
    """Of each exercice that a financement is of, and of the one that counts now."""
    overview, piliers = contract.overview, pilier_names(contract)
    kinds = categories(contract, "financeurs", "financeur_id")
    table = contract.tables["financements"]
    years = {*(table.column("exercice") if "exercice" in table.columns else ()), contract.settings.exercice_finance}
    for exercice in sorted(year for year in years if year is not None):
        sums: dict[tuple[str, str], list[int]] = {}
        for convention, funder in overview.financements(exercice).groups("convention_id", "financeur_id"):
            funding = overview.funding(exercice, convention_id=convention, financeur_id=funder)
            cell = sums.setdefault((piliers.get(convention, UNTOLD), kinds.get(funder, UNTOLD)), [0, 0, 0])
            for place, count in enumerate((funding.financements, funding.priced, funding.montant)):
                cell[place] += count
        for (pilier, categorie), (count, priced, cents) in sorted(sums.items()):
            if count:
                yield FundingTotal(exercice, pilier, categorie, count, priced, cents)


def _published(contract: Book) -> Iterator[PublishedTotal]:
    """The grand total as the document prints it; where it prints none, the sum of those of its conventions."""
    for exercice, accounts in contract.accounts_of.items():
        if not accounts.has_recap:
            continue
        whole = accounts.published(RECAP, SCOPE_ALL)
        cents = whole.cents if whole is not None else accounts.printed(RECAP, SCOPE_CONVENTION)
        if cents is not None:
            yield PublishedTotal(exercice, cents, accounts.sums().total(AMOUNTS[2]))


def _quartiers(contract: Book) -> Iterator[QuartierTotal]:
    """Every quartier that has lines in an exercice; of the current one, all that the contract declares."""
    if "quartiers" not in contract.tables:
        return
    table, overview, current = contract.tables["quartiers"], contract.overview, contract.settings.exercice_courant
    names = table.column(table.schema.shown_key)
    codes = dict(zip(names, table.columns.get(_CODE, [None] * len(table)), strict=True))
    split = next(
        (candidate for candidate in splits_of(contract.tables) if candidate.field.names_of == "quartiers"), None
    )
    naming = next(
        (candidate for candidate in namings_of(contract.tables) if candidate.field.names_of == "quartiers"), None
    )
    fiches: dict[str, int] = {}
    if naming is not None:
        counts = naming.measures(overview.fiches, lambda name: name)
        fiches = {name: int(count.value) for name, count in zip(naming.labels, counts, strict=True)}
    for exercice in sorted({*overview.exercices, current}):
        sums = dict.fromkeys(names, Sums()) if split is None else split.sums(overview, exercice)
        for name, added in sums.items():
            if added.lines or (exercice == current and name in codes):
                prevu, vote, realise = added.known
                yield QuartierTotal(
                    codes.get(name) or "", name, exercice, added.lines, (prevu, vote, realise),
                    (added.prevu, added.vote, added.realise), fiches.get(name, 0),
                )  # fmt: skip
