"""Budget lines and published totals out of the tables of other people: flat lists, pivots in rows, compact pivots."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from tabellion.importing.blocks import ForeignTable
from tabellion.importing.cells import BudgetRow
from tabellion.importing.correspondence_book import Correspondence, Topic
from tabellion.importing.headings import Heading, numbered
from tabellion.importing.lines import DocumentLine, LineAccount, Record, key, short_slug, similarity, unique
from tabellion.importing.names import CollectiviteNames, ConventionNames, Quarters
from tabellion.importing.recap import RecapRow, certain_headers, learn_collectivites
from tabellion.importing.records import SheetRecord, TotalRecord
from tabellion.importing.words import Certainty

_KINDS = ("montant_prevu", "montant_vote", "montant_realise")
_CENTS = 100
"""A pivot computes: its sums agree to the euro, cents being perhaps not shown."""
_NEAR = 0.85
_NATURES = ("fonctionnement", "investissement")
_LINE, _TOTAL = "utilisée : ligne budgétaire", "utilisée : total publié"


@dataclass
class _ForeignLine:
    """One budget line under construction: its amounts by exercice and kind."""

    convention: int
    collectivite: str
    libelle: str
    ligne: int
    amounts: dict[int, dict[str, int | None]] = field(default_factory=dict)
    notes: dict[int, list[str]] = field(default_factory=dict)
    more: Record = field(default_factory=dict)
    """Fields that only some contracts have: quartiers, nature."""


@dataclass
class ForeignBudget:
    """The budget lines and totals of one import, under construction."""

    account: LineAccount
    correspondence: Correspondence
    conventions: ConventionNames
    collectivites: CollectiviteNames
    quarters: Quarters
    lines: dict[int, DocumentLine]
    exercice: int | None = None
    """The census year of the documents, where nothing nearer says it."""
    _lines: dict[tuple[int, str, str], list[_ForeignLine]] = field(default_factory=lambda: defaultdict(list))
    _totals: list[Record] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _known: dict[tuple[int, str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    _ranks: Counter[tuple[int, str]] = field(default_factory=Counter)
    years: Counter[int] = field(default_factory=Counter)

    def know(self, rows: list[Record]) -> None:
        """Learn the lines that are known from elsewhere: the same label is the same line, others come after them."""
        for row in rows:
            place = row["convention_id"], row["collectivite_id"], key(row["libelle"])
            if row["ligne_id"] not in self._known[place]:
                self._known[place].append(row["ligne_id"])
        self._ranks = Counter(place[:2] for place, names in self._known.items() for _ in names)

    def add(self, block: ForeignTable, records: Iterable[SheetRecord]) -> None:
        """Add the rows of one table. The same line in tables of several years is one line of several exercices."""
        seen = Counter[tuple[int, str, str]]()
        rows = list(records)
        for place, record in enumerate(rows):
            where = _where(block)
            number = self._convention(record, where)
            if isinstance(record, TotalRecord):
                self._total(block, record, number, is_last=place == len(rows) - 1)
                continue
            texts = {champ for champ in ("collectivite", "libelle") if record.get(champ)}
            if not texts and not any(cents is not None for cents in record.amounts.values()):
                self.account.use(record.ligne, "utilisée : titre de convention", str(number or ""))
                continue
            self._line(block, record, number, seen, where)

    def _convention(self, record: SheetRecord, where: str) -> int | None:
        titre = record.get("convention_titre")
        number = self.conventions.find(record.get("convention"), titre, record.line_of("convention"), where)
        if record.get("pilier"):
            self.conventions.put_under(number, record.get("pilier"), record.line_of("pilier"))
        return number

    def _line(
        self,
        block: ForeignTable,
        record: SheetRecord,
        number: int | None,
        seen: Counter[tuple[int, str, str]],
        where: str,
    ) -> None:
        """Add a record to the line that it is of; without convention, collectivité or label it has no place."""
        nom = record.get("collectivite")
        names = ((Topic.COLLECTIVITES, nom), (Topic.CONVENTIONS, record.get("convention")))
        if any(name and self._is_set_aside(record.ligne, topic, name) for topic, name in names):
            return
        town = self.collectivites.find(nom, record.line_of("collectivite"), where) if nom else None
        libelle = record.get("libelle")
        missing = [
            name for name, value in (("convention", number), ("collectivité", town), ("libellé", libelle)) if not value
        ]
        if number is None or town is None or not libelle:
            self.account.unplaced(self.lines[record.ligne], f"une ligne de crédits sans {' ni '.join(missing)}")
            return
        amounts = self._amounts(block, record)
        if amounts is None:
            return
        place = number, town, key(libelle)
        rank = seen[place]
        seen[place] += 1
        same = self._lines[place]
        if rank >= len(same):
            same.append(_ForeignLine(number, town, libelle, record.ligne))
        line = same[rank]
        if text := record.get("quartiers"):
            line.more["quartiers"] = self.quarters.named(text)
        if (nature := record.get("nature_credits").lower()) in _NATURES:
            line.more["nature"] = nature
        for (kind, year), cents in amounts.items():
            line.amounts.setdefault(year, {})[kind] = cents
            self.years[year] += 1
            if note := record.get("commentaire"):
                line.notes.setdefault(year, [note])
        nom = self.collectivites.collectivites.names[town]
        self.account.use(record.ligne, _LINE, f"convention {number}, {nom}")

    def _amounts(self, block: ForeignTable, record: SheetRecord) -> dict[tuple[str, int], int | None] | None:
        """The amounts of a record by kind and exercice; ``None``, said, where no exercice is known."""
        own = record.get("exercice")
        columns = dict[tuple[str, int], int | None]()
        for (champ, column_year), cents in record.amounts.items():
            year = column_year or (int(own) if own.isdigit() else None) or record.year
            year = self._year(block, year)
            if year is None:
                if not self._is_set_aside(record.ligne, Topic.YEARS, _asked_as(block)):
                    self.account.unplaced(self.lines[record.ligne], "une ligne de crédits d'aucun exercice connu")
                return None
            kind = "montant_realise" if champ == "montant" else champ
            if note := record.notes.get((champ, column_year)):
                self.account.say(
                    "montant-illisible", record.ligne, champ=champ, valeur=note[:200], attendu="un montant en euros"
                )
            if cents is not None or (kind, year) not in columns:
                columns[kind, year] = cents
        return columns

    def _is_set_aside(self, ligne: int, topic: Topic, name: str) -> bool:
        """Whether staff set aside what a row is of; the row is then entered as such."""
        if not self.correspondence.is_set_aside(topic, name):
            return False
        self.account.use(ligne, "ignorée : mise de côté", name)
        return True

    def _year(self, block: ForeignTable, year: int | None) -> int | None:
        """The exercice of a table, as staff decided where nothing in it says it."""
        if year is not None:
            return year
        proposed = str(self.exercice) if self.exercice else None
        certainty = Certainty.LIKELY if proposed else Certainty.UNKNOWN
        town = self.correspondence.ask(
            Topic.YEARS,
            _asked_as(block),
            proposed,
            certainty,
            where=_where(block),
            blocks=True,
            samples=(block.words.title,),
        )
        return int(town) if town.isdigit() else None

    def _total(self, block: ForeignTable, record: TotalRecord, number: int | None, *, is_last: bool) -> None:
        """Keep a total as published, of what its label names: a convention, a collectivité, all."""
        names = self.collectivites.collectivites
        town = names.find(record.label) if record.label else None
        if town is None and record.label and key(record.label) == key(record.get("collectivite")):
            town = self.collectivites.find(record.label, record.ligne, _where(block))
        titles = {key(title): number for number, title in self.conventions.titles.items()}
        heading = _heading(record.label)
        named = titles.get(key(record.label)) or (int(heading.numero) if heading else None)
        if town is not None:
            portee, convention = "collectivité", number
        elif named is not None or (not record.label and number is not None and not is_last):
            portee, convention = "convention", named or number
        elif not record.label or is_last:
            portee, convention = "général", None
        else:
            self.account.use(record.ligne, "ignorée : total", record.label[:60])
            self.account.say("total-non-rattache", record.ligne, valeur=record.label[:200])
            return
        nom = names.names[town] if town else record.label or "Total général"
        self.account.use(record.ligne, _TOTAL, nom)
        self.publish(block, record, portee, convention, town, nom)

    def publish(
        self, block: ForeignTable, record: SheetRecord, portee: str, convention: int | None, town: str | None, nom: str
    ) -> None:
        """Keep the amounts of a row as published totals, one for each exercice."""
        by_year = dict[int, int | None]()
        for (champ, column_year), cents in record.amounts.items():
            year = self._year(block, column_year or record.year)
            if year is not None and (by_year.get(year) is None or champ in ("montant", "montant_realise")):
                by_year[year] = cents
        identifier = None if town is None else self.collectivites.collectivites.ids[town]
        source = "convention" if portee == "collectivité" else "récapitulatif"
        number = "general" if convention is None else f"{convention:02d}"
        for year, cents in by_year.items():
            row = {
                "total_id": unique("-".join(filter(None, (short_slug(source), number, identifier))), self._ids),
                "source": source, "portee": portee, "convention_id": convention, "collectivite_id": identifier,
                "libelle": nom, "exercice": year, "montant": cents, "ligne_source": record.ligne,
                "reparation": None, "texte_source": None,
            }  # fmt: skip
            self._totals.append(row)

    def line_rows(self) -> list[Record]:
        """The rows of ``lignes_budgetaires``, by convention and collectivité."""
        ranks = Counter(self._ranks)
        ids = self.collectivites.collectivites.ids
        rows = list[Record]()
        for lines in self._lines.values():
            for place, line in enumerate(lines):
                identifier = ids[line.collectivite]
                known = self._known.get((line.convention, identifier, key(line.libelle)), [])
                if place < len(known):
                    name = known[place]
                else:
                    ranks[line.convention, identifier] += 1
                    name = f"B{line.convention:02d}-{identifier}-{ranks[line.convention, identifier]:03d}"
                for year, amounts in sorted(line.amounts.items()):
                    rows.append({
                        "ligne_id": name, "convention_id": line.convention, "collectivite_id": identifier,
                        "libelle": line.libelle, "exercice": year, **{kind: amounts.get(kind) for kind in _KINDS},
                        "commentaire": " ; ".join(line.notes.get(year, [])) or None, "ligne_source": line.ligne,
                        "reparation": None, "texte_source": None, **line.more,
                    })  # fmt: skip
        return rows

    def total_rows(self) -> list[Record]:
        """The rows of ``totaux_publies``."""
        return self._totals


def _asked_as(block: ForeignTable) -> str:
    """The name under which the exercice of a table is asked."""
    return block.grid.feuille or block.grid.fichier


def _where(block: ForeignTable) -> str:
    return ", ".join(filter(None, (block.grid.fichier, block.grid.feuille)))


def pivot_records(records: list[SheetRecord], conventions: ConventionNames, account: LineAccount) -> list[SheetRecord]:
    """The rows of a compact pivot as those of a list: its labels are conventions, then collectivités, then lines.

    The collectivités are those that the sums and the other conventions show (:func:`learn_collectivites`). Rows of
    groups are totals of what stands under them.
    """
    opening = _openings(records, conventions.titles)
    sections = list[list[BudgetRow]]()
    for place, record in enumerate(records):
        if place in opening:
            sections.append([])
        elif sections and not isinstance(record, TotalRecord):
            sections[-1].append(BudgetRow(record.ligne, record.get("etiquette"), _first(record)))
    learnt = learn_collectivites(list[RecapRow](), sections, "", account)
    for section in sections:  # a pivot computes: what adds up in every way is a group
        for header in certain_headers(section):
            learnt.add(section[header].libelle)
    convention, town = "", ""
    lines = list[SheetRecord]()
    for place, record in enumerate(records):
        label = record.get("etiquette")
        if place in opening:
            convention, town = label, ""
        elif isinstance(record, TotalRecord):
            lines.append(record)
            continue
        elif learnt.find(label) is not None and convention:
            town = label
        else:
            record.texts |= {"convention": convention, "collectivite": town, "libelle": label}
            lines.append(record)
            continue
        groups = {"convention": convention, "collectivite": town}
        total = TotalRecord(record.grid, record.row, record.texts | groups, record.amounts)
        total.places, total.year, total.label = record.places, record.year, label
        lines.append(total)
    return lines


def _openings(records: list[SheetRecord], known: dict[int, str]) -> set[int]:
    """The places of the rows that open a convention, in a compact pivot.

    Numbered labels may be lines too. A convention's amount is that of its collectivités and once more that of its
    lines: the chain of numbered rows that each add up so is the right one. Without a chain, a number with the title
    that is known of it; without titles, every number.
    """
    numbers = dict[int, Heading]()
    for place, record in enumerate(records):
        heading = _heading(record.get("etiquette"))
        if heading is not None and not isinstance(record, TotalRecord):
            numbers[place] = heading
    ends = [*numbers, next((p for p, record in enumerate(records) if isinstance(record, TotalRecord)), len(records))]
    sums = [0, *accumulate(_first(record) or 0 for record in records)]
    chain, reached = set[int](), ends[0]
    for place in numbers:
        if place == reached:
            amount = 2 * (_first(records[place]) or 0)
            following = (end for end in ends if end > place + 1 and abs(sums[end] - sums[place + 1] - amount) <= _CENTS)
            chain.add(place)
            reached = next(following, -1)
    if reached == ends[-1]:
        return chain
    titled = {
        place
        for place, heading in numbers.items()
        if similarity(known.get(int(heading.numero), ""), heading.titre) >= _NEAR
    }
    return titled or set(numbers)


def _heading(label: str) -> Heading | None:
    return numbered(DocumentLine(0, label, (label,)))


def _first(record: SheetRecord) -> int | None:
    return next(iter(record.amounts.values()), None)
