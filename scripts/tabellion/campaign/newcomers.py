"""Names typed in the workbook where a partner (or another row known by its name) is referred to, and that nobody has;
and those of partners in the text of a fiche in which they take no part.

Each is asked about: one choice adds it to its table, another says whose name it is. What was decided is applied to the
draft of the contract at each run, until an adoption writes the new rows into the workbook. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tabellion.campaign.decisions import Choice, Decisions, Question, QuestionKind, Statement, question_id
from tabellion.campaign.draft import Draft
from tabellion.campaign.model import Modification
from tabellion.campaign.saves import Saves
from tabellion.campaign.typed_partners import FICHES, PARTNERS, ROLES, Mention, TextLinks, mentions
from tabellion.contract.book import UNREAD_ROW, CellPosition
from tabellion.contract.labels import Labels
from tabellion.contract.partner_names import contained_names
from tabellion.findings import Finding, Place, Severity
from tabellion.layout.names import DECISIONS, WORKBOOK, shorten
from tabellion.reading.identifiers import MAKERS, NewIdentifiers
from tabellion.schema import Key, Schemas
from tabellion.wording import fold, nearest, plural, slug, within_reach

#: The codes of choices; that of somebody who is known already is ``est:`` and the key.
ADD, IS, LEAVE = "ajouter", "est:", "laisser"
_LONGEST = 60
#: Cells that a question shows.
_SHOWN = 6


@dataclass(frozen=True)
class Newcomer:
    """A name that no row of ``table`` has, as it was typed first, and the cells where it stands.

    ``near`` is the nearest row (key, name), ``key`` that of the row that the name means now: empty while it is
    nobody's; ``is_added`` where a decision added that row, or links it to a fiche that names it. ``referring`` is the
    row that names it first: its table, its key, its field. ``texts`` are the cells whose text names it without linking
    it, ``is_known`` where it has the name of a row.
    """

    table: str
    name: str
    near: tuple[str, str] | None
    places: tuple[Place, ...]
    referring: tuple[str, Key, str]
    key: str = ""
    is_added: bool = False
    texts: tuple[Place, ...] = ()
    is_known: bool = False

    @property
    def question(self) -> str:
        """The id of the question about it: the name alone decides it."""
        return question_of(self.table, self.name)


def question_of(table: str, name: str) -> str:
    """The id of the question whose name this is."""
    return question_id(QuestionKind.NEWCOMER, table, fold(name))


def settle_newcomers(draft: Draft, saves: Saves, decisions: Decisions) -> tuple[list[Newcomer], Saves]:
    """Apply what was decided of each name that nobody has.

    Returns them all, decided or not, and the saves without what a decision made and another one took back.
    """
    newcomers: list[Newcomer] = []
    for table in _known_by_name(draft.schemas):
        settled = _TypedNames(draft, table, decisions, saves)
        settled.read_back(saves)
        newcomers += settled.run()
        vanished = settled.created.keys() - settled.present
        for key in vanished:
            draft.known[table].pop((key,))
        saves = _without(saves, draft.schemas, table, vanished)
        saves = settled.links.without_unlinked(saves)
    return newcomers, saves


def _known_by_name(schemas: Schemas) -> Iterator[str]:
    """The tables whose rows need a name and nothing else: their identifiers are made from it."""
    for name, schema in schemas.items():
        needed = {field.name for field in schema.fields if field.required}
        if name in MAKERS and schema.label is not None and needed <= {*schema.primary_key, schema.label}:
            yield name


class _TypedNames:
    """The names that other tables give for the rows of one table; ``present`` are the keys of its rows.

    ``typed`` are the keys of those that the workbook has, by their names.
    """

    def __init__(self, draft: Draft, table: str, decisions: Decisions, saves: Saves) -> None:
        schema = draft.schemas[table]
        self.draft, self.table, self.decisions = draft, table, decisions
        self.key, self.label = schema.primary_key[0], schema.label or ""
        keys = draft.column(table, self.key)
        self.present = set(keys)
        self.typed = {name: key for name, key in zip(draft.column(table, self.label), keys, strict=True) if name}
        self.created: dict[str, Mapping[str, object]] = {}
        self.near: set[str] = set()
        self.links = TextLinks(draft, saves)

    def read_back(self, saves: Saves) -> None:
        """Find the rows that decisions added since the last adoption: the workbook lacks them; they stay, unless
        another decision was taken since.
        """
        new = {change.key: change.place for change in saves.modifications if self._is_new(change)}
        for key, row in self.draft.known[self.table].items() if new else ():
            if key not in new or key[0] in self.present:
                continue
            question = question_of(self.table, str(row[self.label]))
            if question in self.decisions.by_question:
                self.created[key[0]] = row
                if self.decisions.code(question) == ADD:
                    self._put(row, new[key])

    def _is_new(self, change: Modification) -> bool:
        return change.table == self.table and change.is_new_row

    def run(self) -> list[Newcomer]:
        """Every name that no row has, with what was decided of it applied."""
        if any(table == self.table and name in (self.key, self.label) for table, _, name in self.draft.read.unknown):
            return []  # one of the names may be that of a row that cannot be read
        names: dict[str, tuple[str, list[CellPosition], list[Mention]]] = {}
        for table, field in self._references():
            column = self.draft.column(table, field)
            unknown = {value: name for value in dict.fromkeys(column) if (name := self._name(value))}
            for position, value in enumerate(column if unknown else ()):
                if value in unknown:
                    name = unknown[value]
                    names.setdefault(fold(name), (name.strip(), [], []))[1].append((table, position, field))
        for mention in mentions(self.draft, self.typed) if self.table == PARTNERS else ():
            names.setdefault(fold(mention.name), (mention.name, [], []))[2].append(mention)
        self.near = within_reach((name for name, *_ in names.values()), self.typed)
        return [newcomer for name in names.values() for newcomer in self._settle(*name)]

    def _references(self) -> Iterator[tuple[str, str]]:
        """The tables and fields that refer to the table."""
        for table, schema in self.draft.schemas.items():
            yield from ((table, key.field) for key in schema.foreign_keys if key.table == self.table)

    def _name(self, value: object) -> str:
        """The name that a value is, where no row has it, nor had; empty for another."""
        if value in self.created:
            name = str(self.created[str(value)][self.label])
        elif not isinstance(value, str) or value in self.present or (value,) in self.draft.known[self.table]:
            return ""
        else:
            name = value
        return name if slug(name) else ""

    def _settle(self, name: str, cells: Sequence[CellPosition], named: Sequence[Mention]) -> Iterator[Newcomer]:
        decision = self.decisions.of(question_of(self.table, name))
        code, own = "" if decision is None else decision.choice, named[0].key if named else ""
        texts = [text for text in named if code == LEAVE or self.links.is_due(text, decision)]
        if not cells and not texts:
            return
        near = (own, name) if own else self._nearest(name)
        places = tuple(self.draft.place(*cell) for cell in (*cells, *(text.cell for text in texts)))
        key = own if code == ADD else code.removeprefix(IS) if code.startswith(IS) else ""
        if code == ADD and not own:
            key = self._add(name, places[0])
        key = key if key in self.present else ""
        for table, position, field in cells:
            self.draft.rows[table][position][field] = key or name
        links = [self.links.link(text, key) for text in texts if key]
        table, position, field = (*cells, *(text.cell for text in texts))[0]
        row = self.draft.rows[table][position]
        referring = tuple(row[part] for part in self.draft.schemas[table].primary_key)
        yield Newcomer(
            self.table, name, near, places, (table, referring, field), key, any(links) or (bool(key) and code == ADD),
            () if key else places[len(cells) :], bool(own),
        )  # fmt: skip

    def _nearest(self, name: str) -> tuple[str, str] | None:
        if name not in self.near:
            return None
        known = {fold(typed_name): typed_name for typed_name in self.typed}
        inside = contained_names(name, {folded: self.typed[typed_name] for folded, typed_name in known.items()})
        near = nearest(name, self.typed) or next((known[folded] for folded, _ in inside), None)
        return None if near is None else (self.typed[near], near)

    def _add(self, name: str, place: Place) -> str:
        """Add the row that a name asks for, unless it was before; its key."""
        for key, known in self.created.items():
            if fold(str(known[self.label])) == fold(name):
                return key
        row = dict.fromkeys(self.draft.schemas[self.table].names) | {self.label: name}
        taken = self.present | {key for (key,) in self.draft.known[self.table]}
        row[self.key] = NewIdentifiers(self.table, taken).give(row)
        return self._put(row, place)

    def _put(self, row: Mapping[str, object], place: Place) -> str:
        key = str(row[self.key])
        self.draft.rows[self.table].append(dict(row))
        self.draft.places[self.table].append(UNREAD_ROW)
        self.draft.created[self.table, (key,)] = place
        self.present.add(key)
        return key


def _without(saves: Saves, schemas: Schemas, table: str, keys: Iterable[str]) -> Saves:
    """The saves without the rows that a decision made and another one took back, and those that named them."""
    removed = set(keys)
    if not removed:
        return saves

    def is_removed(name: str, key: Key) -> bool:
        fields = (
            {foreign_key.field for foreign_key in schemas[name].foreign_keys if foreign_key.table == table}
            if name in schemas
            else set()
        )
        pairs = zip(schemas[name].primary_key, key, strict=False) if name in schemas else ()
        return any(value in removed and (name == table or part in fields) for part, value in pairs)

    kept = tuple(change for change in saves.modifications if not is_removed(change.table, change.key))
    return replace(saves, modifications=kept)


def newcomer_findings(
    findings: Iterable[Finding], newcomers: Iterable[Newcomer], decisions: Decisions
) -> Iterator[Finding]:
    """The findings, where those about a name that nobody has lead to its question; one that was left is no warning."""
    asked = {(place.feuille, place.cellule): newcomer for newcomer in newcomers for place in newcomer.places}
    for item in findings:
        newcomer = asked.get((item.place.feuille, item.place.cellule))
        if newcomer is None or item.code != "reference-inconnue":
            yield item
        elif decisions.code(newcomer.question) == LEAVE:
            yield replace(item, gravite=Severity.INFORMATION)
        else:
            lead = f"Ou répondez dans la feuille « {DECISIONS} » de {WORKBOOK}."
            yield replace(item, suggestion=f"{item.suggestion} {lead}".strip())


def newcomer_questions(newcomers: Iterable[Newcomer], labels: Labels) -> Iterator[Question]:
    """One question for each name."""
    for newcomer in newcomers:
        title, name = labels.table(newcomer.table).lower(), shorten(newcomer.name, _LONGEST)
        table, key, field = newcomer.referring
        linked = " Le texte des fiches où ce nom est saisi l'y lie." if table == FICHES and field in ROLES else ""
        choices = []
        if not newcomer.is_known:
            added = f"« {name} » entre dans la table « {labels.table(newcomer.table)} ».{linked}"
            choices.append(Choice(ADD, f"ajouter aux {title}", added))
        if newcomer.near is not None:
            known = shorten(newcomer.near[1], _LONGEST)
            choices.append(Choice(IS + newcomer.near[0], f"c'est {known}", f"Le contrat dit : {known}.{linked}"))
        choices.append(Choice(LEAVE, "laisser", "Rien ne change : ce qui porte ce nom reste hors du contrat."))
        where = plural(len(newcomer.places), "cellule le nomme", "cellules le nomment")
        near = f" Le plus proche : {newcomer.near[1]}." if newcomer.near is not None and not newcomer.is_known else ""
        sentence = (
            f"« {name} » n'est pas dans la table « {labels.table(newcomer.table)} » de contrat.xlsx : {where}.{near}"
        )
        if newcomer.is_known:
            sentence = f"« {name} » est nommé dans le texte de fiches auxquelles il ne participe pas : {where}."
        row, champ = (key if newcomer.key else (), field) if not newcomer.is_added else ((newcomer.key,), None)
        yield Question(
            newcomer.question, QuestionKind.NEWCOMER, newcomer.table if newcomer.is_added else table, row, champ, name,
            labels.title(table, field), sentence,
            tuple(Statement("Contrat", newcomer.name, place) for place in newcomer.places[:_SHOWN]), tuple(choices),
            newcomer.places[0],
        )  # fmt: skip
