"""The files that people bring, read together: published documents, workbooks and CSV of any layout, one contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.importing.correspondence_book import Choices, Correspondence
from tabellion.importing.doors import DocumentText, document_text
from tabellion.importing.foreign import ForeignReader, is_amount
from tabellion.importing.headings import is_fiche_start
from tabellion.importing.lines import LineUse, Record, decode, key, split_lines
from tabellion.importing.reader import read_document
from tabellion.importing.recap import bare_town
from tabellion.importing.tables import ImportedContract, ImportedTables
from tabellion.importing.words import ImportWords
from tabellion.schema.money import euros
from tabellion.wording import french_value


@dataclass(frozen=True)
class ImportedFiles:
    """What several files say: the contract, what is asked of staff, the text whose lines the account numbers.

    ``text`` is ``None`` for one text file, whose lines are its own. ``adds`` says that the files have no convention, no
    fiche and no budget: they only add to a contract.
    """

    contract: ImportedContract
    correspondence: Correspondence
    text: bytes | None
    adds: bool


def read_files(
    paths: Sequence[Path], words: ImportWords, choices: Choices, current: ImportedTables | None = None
) -> ImportedFiles:
    """Read files by their content. ``choices`` are what staff decided; ``current`` the tables of the contract there is.

    Raises ``TabellionError`` with all that keeps a file from being read.
    """
    correspondence = Correspondence(choices)
    texts, refused = list[tuple[str, DocumentText]](), list[Finding]()
    for path in paths:
        try:
            texts.append((path.name, document_text(path)))
        except TabellionError as error:
            refused += [finding if finding.place.fichier else finding.in_file(path.name) for finding in error.findings]
    documents, tables = list[tuple[str, DocumentText]](), list[tuple[str, DocumentText]]()
    for name, text in texts:
        (tables if _is_table(name, text, words, choices) else documents).append((name, text))
    contracts, findings = list[tuple[str, ImportedContract]](), list[Finding]()
    written = list[bytes]()
    for name, text in documents:
        findings += text.notices
        try:
            contracts.append((name, read_document(text.data, name, correspondence, words, extracted=text.extracted)))
        except TabellionError as error:
            if _is_unknown(text, error):
                tables.append((name, text))
                findings = [finding for finding in findings if finding not in text.notices]
                continue
            refused += [*text.notices, *error.findings]
        written.append(text.data)
    if refused:
        raise TabellionError(refused)
    adds = False
    if tables:
        findings += [notice for _, text in tables for notice in text.notices]
        known = joined(contracts).tables if contracts else {}
        reader = ForeignReader([grid for _, text in tables for grid in text.grids], words, correspondence, known)
        reader.find()
        adds = not contracts and reader.only_adds
        if adds:
            reader = ForeignReader(reader.grids, words, correspondence, current)
            reader.find()
        contracts.append((", ".join(name for name, _ in tables), reader.read()))
        written.append("\n".join(line.texte for line in reader.lines).encode() + b"\n")
    whole = joined(contracts) if len(contracts) > 1 else contracts[0][1]
    whole = replace(whole, findings=(*findings, *whole.findings))
    is_plain = len(texts) == 1 and not tables and not texts[0][1].extracted
    return ImportedFiles(whole, correspondence, None if is_plain else b"".join(map(_ended, written)), adds)


def _is_table(name: str, text: DocumentText, words: ImportWords, choices: Choices) -> bool:
    """Whether a file holds tables of other people, and no published document."""
    if not text.grids:
        return False
    try:
        decoded, _ = decode(text.data, name)
    except TabellionError:
        return False
    if any(is_fiche_start(line) for line in split_lines(decoded)):
        return False
    return ForeignReader(list(text.grids), words, Correspondence(choices)).has_tables()


def _is_unknown(text: DocumentText, error: TabellionError) -> bool:
    """Whether a file is sheets of amounts that nothing in it explains: what they are is asked."""
    is_no_document = any(finding.code == "document-sans-convention" for finding in error.findings)
    return is_no_document and any(is_amount(value) for grid in text.grids for row in grid.rows for value in row)


def _ended(text: bytes) -> bytes:
    return text if text.endswith(b"\n") else text + b"\n"


_KEYS = {
    "piliers": ("pilier_id",), "conventions": ("convention_id",), "axes": ("axe_id",),
    "collectivites": ("collectivite_id",), "financeurs": ("financeur_id",), "partenaires": ("partenaire_id",),
    "participations": ("fiche_id", "partenaire_id", "role"), "fiches": ("fiche_id",),
    "financements": ("financement_id",), "lignes_budgetaires": ("ligne_id", "exercice"),
    "totaux_publies": ("total_id",), "subventions": ("subvention_id",), "quartiers": ("nom",),
    "plan_produits": ("produit_id",),
}  # fmt: skip
#: Where a row was printed, and what was put right in it: two files differ there by right.
_SOURCE = frozenset({"ligne_source", "reparation", "texte_source"})


def add_rows(tables: ImportedTables, more: ImportedTables, fichier: str) -> list[Finding]:
    """Add the rows of ``more``, which comes from ``fichier``: new ones after the others, blanks of known ones filled.

    Where both say something else, the first stands, and a finding says so.
    """
    findings = list[Finding]()
    for name, rows in more.items():
        keys = _KEYS[name]
        known = {tuple(row[champ] for champ in keys): row for row in tables.setdefault(name, [])}
        for row in rows:
            place = tuple(row[champ] for champ in keys)
            same = known.get(place)
            if same is None:
                tables[name].append(row)
                known[place] = row
                continue
            findings += _merged(name, same, row, " · ".join(map(str, place)), fichier)
    return findings


def _merged(name: str, known: Record, row: Record, label: str, fichier: str) -> list[Finding]:
    """Fill the blanks of a row, and say where another says something else."""
    findings = list[Finding]()
    for champ, value in row.items():
        if value is None or champ in _SOURCE or known.get(champ) == value:
            continue
        if known.get(champ) is None:
            known[champ] = value
        else:
            shown = [
                french_value(euros(amount) if champ.startswith("montant") else amount)
                for amount in (known[champ], value)
            ]
            findings.append(
                finding(
                    "fichiers-discordants", Place(fichier), champ=champ, valeur=shown[1], attendu=shown[0], table=name,
                    ligne=label,
                )
            )  # fmt: skip
    return findings


def _towns_once(tables: ImportedTables, fichier: str) -> list[Finding]:
    """Make one partner of a town that one file calls « Ville de X » and another « X », and say so."""
    towns = Counter(bare_town(key(row["nom"])) for row in tables["collectivites"])
    own = {bare_town(key(row["nom"])): row for row in tables["partenaires"] if row["collectivite_id"] is not None}
    same, findings = dict[object, str](), list[Finding]()
    for row in tables["partenaires"]:
        town = bare_town(key(row["nom"]))
        if row["collectivite_id"] is None and towns[town] == 1 and town in own:
            same[row["partenaire_id"]] = own[town]["partenaire_id"]
            place = Place(fichier, ligne=row.get("ligne_source"))
            findings.append(
                finding("collectivite-variante", place, champ="nom", valeur=row["nom"], attendu=own[town]["nom"])
            )
    tables["partenaires"] = [row for row in tables["partenaires"] if row["partenaire_id"] not in same]
    shares = dict[tuple[object, ...], Record]()
    for row in tables["participations"]:
        partner = same.get(row["partenaire_id"], row["partenaire_id"])
        shares.setdefault((row["fiche_id"], partner, row["role"]), row | {"partenaire_id": partner})
    tables["participations"] = list(shares.values())
    return findings


def shifted(contract: ImportedContract, lines: int) -> ImportedContract:
    """The contract with its lines counted after so many others."""
    tables = {
        name: [row | {"ligne_source": row["ligne_source"] + lines} if row.get("ligne_source") else row for row in rows]
        for name, rows in contract.tables.items()
    }
    uses = tuple(LineUse(use.ligne + lines, use.usage, use.detail) for use in contract.lines)
    return replace(contract, tables=tables, lines=uses)


def joined(contracts: Sequence[tuple[str, ImportedContract]]) -> ImportedContract:
    """The one contract of several files, each with its name; the lines of each follow those of the ones before."""
    tables: ImportedTables = {}
    findings = list[Finding]()
    uses = list[LineUse]()
    for fichier, contract in contracts:
        moved = shifted(contract, len(uses))
        findings += [*contract.findings, *add_rows(tables, moved.tables, fichier)]
        uses += moved.lines
    findings += _towns_once(tables, contracts[0][0])
    all_of = [contract for _, contract in contracts]
    page = next((part.page for part in all_of if part.page.titre), all_of[0].page)
    exercice = next((part.exercice for part in all_of if part.exercice), None)
    return ImportedContract(tables, tuple(findings), tuple(uses), page, exercice)
