"""Where the rows of a large contract stand: short tables in ``consolidation.xlsx``, long ones in detail workbooks.

The invariant: what a detail workbook holds is told by its :attr:`~DetailWorkbook.digest` alone. Two consolidations that
give one the same digest give it the same bytes, whenever they are made, so that it is written only where it changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import attrgetter

from tabellion.campaign.model import Consolidation, Modification
from tabellion.contract.book import Book
from tabellion.contract.folders import DETAILS
from tabellion.contract.labels import Labels
from tabellion.contract.register import records_of
from tabellion.findings import Place
from tabellion.layout.names import cell_name
from tabellion.measures.financements import RETAINED
from tabellion.outputs.state import ChangeDigests, PartnerYear, told_places
from tabellion.schema import SETTING_TABLES, Key
from tabellion.wording import file_stem
from tabellion.xlsx.lists import FIRST_ROW

#: Rows of the tables and of the changes, all together, that people still read, and open at once, in one workbook.
MOST_ROWS = 15_000
#: Beyond, tables of so many rows stay in it: those that are looked up, and not filtered.
SHORT_ROWS = 500
#: Rows of a list of these workbooks, and of ``consolidation.xlsx`` beside them, that are as high as their texts.
WRAPPED_ROWS = 200
#: Partners of one detail workbook: few enough that a return changes little, enough that there are few workbooks.
PARTNERS_EACH = 10
#: The detail workbook of the rows that are of no partner.
COMMON = "communs.xlsx"
#: The sheet of ``consolidation.xlsx`` that lists them, and the first one of each, which names its partners.
INDEX_TITLE, CONTENTS_TITLE = "Détails", "Sommaire"
_LEAD = "porteur"
#: Characters kept of a partner's name in that of a file.
_LONGEST = 40


@dataclass(frozen=True)
class DetailWorkbook:
    """One detail workbook: some partners in a row, or (``partners`` is empty) all that is of none.

    ``rows`` are the positions of its rows by table, partner after partner; ``counts`` how many each partner has, in the
    same order. ``changes`` are what returns of these partners change.
    """

    name: str
    partners: tuple[str, ...]
    rows: Mapping[str, Sequence[int]]
    counts: Mapping[str, Sequence[int]]
    changes: tuple[Modification, ...]
    digest: str

    @property
    def fichier(self) -> str:
        """Its place from the folder ``workbooks/``."""
        return f"consolidation/{DETAILS}/{self.name}"


@dataclass(frozen=True)
class Details:
    """The tables that stand in detail workbooks, and these; nothing where ``consolidation.xlsx`` holds all."""

    tables: tuple[str, ...] = ()
    workbooks: tuple[DetailWorkbook, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.workbooks)

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Where the workbook of each partner names it."""
        return {
            partner: Place(workbook.fichier, CONTENTS_TITLE, cell_name(row, 0))
            for workbook in self.workbooks
            for row, partner in enumerate(workbook.partners, FIRST_ROW + 1)
        }


#: All stands in ``consolidation.xlsx``.
NO_DETAILS = Details()


def make_details(
    consolidation: Consolidation, register: Mapping[str, bytes], changes: ChangeDigests, program: str
) -> Details:
    """The detail workbooks that a consolidation needs; ``register`` has the CSV of its tables, ``changes`` stand for
    what its returns change, ``program`` for all that makes the workbooks besides.
    """
    contract = consolidation.contract
    sizes = {name: len(table) for name, table in contract.tables.items() if name not in SETTING_TABLES}
    if sum(sizes.values()) + len(consolidation.modifications) <= MOST_ROWS:
        return NO_DETAILS
    moved = [name for name in contract.schemas if sizes.get(name, 0) > SHORT_ROWS]
    owners = _Owners(contract)
    groups = [owners.names[first : first + PARTNERS_EACH] for first in range(0, len(owners.names), PARTNERS_EACH)]
    group_of: dict[str | None, int] = {name: rank for rank, group in enumerate(groups, 1) for name in group} | {None: 0}
    rows: list[dict[str, dict[str | None, list[int]]]] = [{} for _ in range(len(groups) + 1)]
    changed: list[list[Modification]] = [[] for _ in rows]
    holders = dict[str, list[int]]()
    for name in moved:
        of_table = [owner if owner in group_of else None for owner in owners.of(name)]
        holders[name] = list(map(group_of.__getitem__, of_table))
        own: dict[str | None, list[int]] = {owner: [] for owner in of_table}
        for position, owner in enumerate(of_table):
            own[owner].append(position)
        for owner, positions in own.items():
            rows[group_of[owner]].setdefault(name, {})[owner] = positions
    for partner, of_partner in groupby(consolidation.modifications, key=attrgetter("partenaire")):
        changed[group_of.get(partner, 0)] += of_partner
    slots: list[list[PartnerYear]] = [[] for _ in rows]
    for slot in changes:
        slots[group_of.get(slot[0], 0)].append(slot)
    contents = _Contents(consolidation, register, changes, holders, slots, program)
    workbooks = []
    for rank, group in enumerate([list[str](), *groups]):
        if rows[rank] or changed[rank]:
            owned: list[str | None] = [*group] or [None]
            parts = {name: [own.get(owner, []) for owner in owned] for name, own in rows[rank].items()}
            together = {name: [position for part in lists for position in part] for name, lists in parts.items()}
            name = _name(rank, group) if group else COMMON
            digest = contents.digest(rank, (name, *group), together)
            counts = {name: [len(part) for part in lists] for name, lists in parts.items()}
            workbooks.append(DetailWorkbook(name, tuple(group), together, counts, tuple(changed[rank]), digest))
    return Details(tuple(moved), tuple(workbooks))


def part_of(consolidation: Consolidation, details: Details, workbook: DetailWorkbook) -> Consolidation:
    """The consolidation of the rows of one workbook: what is short is there whole, the rest is theirs."""
    contract = consolidation.contract
    tables, row_places = dict(contract.tables), dict(consolidation.row_places)
    cells: dict[str, Sequence[Mapping[str, Place]]] = {}
    for name in details.tables:
        positions = workbook.rows.get(name, ())
        tables[name] = contract.tables[name].select(positions)
        places = consolidation.row_places.get(name, [])
        row_places[name] = [places[position] for position in positions]
        if name in consolidation.cells:
            cells[name] = [consolidation.cells[name][position] for position in positions]
    return replace(
        consolidation, contract=replace(contract, tables=tables), row_places=row_places, cells=cells,
        modifications=workbook.changes, staff=(),
    )  # fmt: skip


def holder_name(labels: Labels, holder: str) -> str:
    """The name of a partner, or of the collectivité that no partner is."""
    name = labels.partner(holder)
    return labels.word("lignes_budgetaires", "collectivite_id", holder) if name == holder else name


def _name(rank: int, group: Sequence[str]) -> str:
    """The name of a workbook: its rank, then its first and its last partner."""
    first, last = (file_stem(partner)[:_LONGEST] for partner in (group[0], group[-1]))
    return f"{rank:03} {first} - {last}.xlsx"


class _Owners:
    """Whose each row is: of the partner that it names, or of the collectivité's, else of who leads its fiche."""

    def __init__(self, contract: Book) -> None:
        self.contract = contract
        partners = contract.tables["partenaires"]
        self.of_town: dict[str | None, str] = {}
        for partner, town in zip(partners.column("partenaire_id"), partners.column("collectivite_id"), strict=True):
            self.of_town.setdefault(town, partner)
        self.of_town.pop(None, None)
        alone = [
            town for town in contract.tables["collectivites"].column("collectivite_id") if town not in self.of_town
        ]
        self.of_town |= {town: town for town in alone}
        self.names: list[str] = list(dict.fromkeys([*partners.column("partenaire_id"), *alone]))
        """The partners, then the collectivités that no partner is, in the contract's order."""
        self.of_fiche: dict[str | None, str] = {}
        for fiche, partner, role in contract.tables["participations"].values_of("fiche_id", "partenaire_id", "role"):
            if role == _LEAD:
                self.of_fiche.setdefault(fiche, partner)

    def of(self, name: str) -> list[str | None]:
        """The owner of each row of a table, ``None`` for one that is nobody's."""
        table, schema = self.contract.tables[name], self.contract.schemas[name]
        fields = {schema.refers_to(field): field for field in reversed(schema.names)}
        fields[name] = schema.primary_key[0]
        if "partenaires" in fields:
            return table.column(fields["partenaires"])
        for parents, owners in (("collectivites", self.of_town), ("fiches", self.of_fiche)):
            if parents in fields:
                return [owners.get(value) for value in table.column(fields[parents])]
        return [None] * len(table)


class _Contents:
    """What the workbooks of one consolidation show, for their digests.

    ``holders`` tell the rank of the workbook of each row, by table; ``slots`` whose returns change something, by rank.
    """

    def __init__(
        self, consolidation: Consolidation, register: Mapping[str, bytes], changes: ChangeDigests,
        holders: Mapping[str, Sequence[int]], slots: Sequence[Sequence[PartnerYear]], program: str,
    ) -> None:  # fmt: skip
        contract, settings = consolidation.contract, consolidation.contract.settings
        self.consolidation, self.changes, self.labels = consolidation, changes, Labels(contract)
        short = [table.columns for name, table in contract.tables.items() if name not in holders]
        # A line made one with another has values of the other's: it is rare, and then all changes are told.
        joined = (consolidation.dropped, consolidation.dropped and [told.digest for told in changes.values()])
        facts = (program, settings, [contract.schemas[name] for name in holders], short, joined)
        self.common = hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass"))
        financements = contract.overview.financements(settings.exercice_courant).columns
        self.retained = financements[RETAINED] if "financements" in holders else []
        self.records = {
            name: records_of(register[f"{name}.csv"].decode(), len(contract.tables[name]) + 1)[1:] for name in holders
        }
        self.told: list[list[object]] = [[] for _ in slots]
        """By rank, what changes of whose returns stand in its workbook, and the words of rows that do not."""
        positions = {name: contract.tables[name].positions for name in holders}
        for rank, of_rank in enumerate(slots):
            self.told[rank] += [(self.labels.partner(slot[0]), changes[slot].digest) for slot in of_rank]
            elsewhere = dict[tuple[str, Key], int | None]()
            for digest, rows in map(changes.__getitem__, of_rank):
                for table, key in rows:
                    position = positions[table].get(key) if table in positions else None
                    holder = None if position is None else holders[table][position]
                    if holder != rank:
                        elsewhere[table, key] = holder
                        if holder is not None:
                            self.told[holder].append(digest)
            self.told[rank] += [self.labels.row(table, key) for table, key in elsewhere]

    def digest(self, rank: int, names: Sequence[str], rows: Mapping[str, Sequence[int]]) -> str:
        """The digest of one workbook: ``names`` are its own, then those of its partners.

        A row that it holds tells its own words (they are made of its values, which its record in the register has); of
        another's, the words are told. The places of its values are told by the changes that they come from.
        """
        digest = self.common.copy()
        words = [holder_name(self.labels, name) for name in names]
        digest.update(repr((names, words, self.told[rank])).encode("utf-8", "surrogatepass"))
        for table, positions in rows.items():
            digest.update(repr((table, len(positions), self._shown(table, positions))).encode("utf-8", "surrogatepass"))
            digest.update("\n".join(map(self.records[table].__getitem__, positions)).encode())
        return digest.hexdigest()

    def _shown(self, table: str, positions: Sequence[int]) -> list[object]:
        """What is shown of the rows of a table besides their values: the words for keys, where each row comes from."""
        columns, shown = self.consolidation.contract.tables[table].columns, list[object]()
        for name, values in columns.items():
            if words := self.labels.key_words(table, name):
                shown.append([words.get(value) for value in dict.fromkeys(map(values.__getitem__, positions))])
        places = self.consolidation.row_places.get(table, [])
        shown.append(told_places([places[position] for position in positions if position < len(places)]))
        if table == "financements":
            shown.append([self.retained[position] for position in positions])
        return shown
