"""``tabellion historique``: who said what of a cell, a fiche or a line, and when, out of the journal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from tabellion.campaign.cell_history import CellEntry, key_text
from tabellion.campaign.journal import Journal, read_journal
from tabellion.commands.console import printable
from tabellion.contract.workspace import Workspace
from tabellion.findings import Place, TabellionError, finding
from tabellion.schema import Key, Schemas, TableSchema
from tabellion.schema.shown import shown_value
from tabellion.wording import fold, french_date, nearest, plural

#: The staff's own workbook has no partner.
STAFF = "l'équipe du contrat"
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})")
_BOOK = re.compile(r"\[?(?P<file>.+?\.xls[xm])\]?[\s!:,]*(?P<sheet>.*)", re.IGNORECASE)
#: What people say in one word is all about a fiche: the rows of other tables that belong to it are shown with it.
_WITH_ITS_ROWS = "fiches"
_NAMED_AT_MOST = 5
_LONG = 60
_JOURNAL = "journal.sqlite"


@dataclass(frozen=True)
class Change:
    """One entry of the journal and the value that stood before it; ``is_first`` when nothing did."""

    said: CellEntry
    before: Any
    is_first: bool


@dataclass(frozen=True)
class RowHistory:
    """What was said of one row, by field in the schema's order, oldest first; ``libelle`` is what people call it."""

    table: str
    key: Key
    libelle: str
    fields: Mapping[str, tuple[Change, ...]]


@dataclass(frozen=True)
class History:
    """The answer to a question: the rows it is about. ``partners`` are the partners' names by identifier."""

    what: str
    rows: tuple[RowHistory, ...]
    schemas: Schemas
    partners: Mapping[str, str] = field(default_factory=dict)


def historique(workspace: Workspace, what: str) -> History:
    """Find who said what of ``what``: a cell (``contrat.xlsx!B01!E7``), a fiche's number, a line's or a row's id.

    Raises :class:`TabellionError` when there is no journal yet, and for what it does not know, with the nearest it has.
    """
    with read_journal(workspace.memory / _JOURNAL) as journal:
        return _Search(workspace, journal, " ".join(what.split())).history()


def history_lines(history: History) -> list[str]:
    """The history as people read it: one block a row, one paragraph a field, each change with who said it."""
    lines: list[str] = []
    for row in history.rows:
        schema = history.schemas[row.table]
        name = " ".join(_plain(each) for each in row.key)
        lines += ["", printable(f"{schema.title} · {name}" + (f" : {row.libelle}" if row.libelle else ""))]
        for champ, changes in row.fields.items():
            lines += ["", f"  {schema.by_name[champ].title if champ in schema.by_name else champ}"]
            for each in changes:
                lines += _change_lines(each, champ, schema, history.partners)
    count = sum(len(changes) for row in history.rows for changes in row.fields.values())
    return [*lines, "", f"{plural(count, 'valeur notée', 'valeurs notées')} pour « {printable(history.what)} »."]


def _change_lines(change: Change, champ: str, schema: TableSchema, partners: Mapping[str, str]) -> Iterator[str]:
    said = change.said
    when = _moment(said.noted) if said.noted is not None else f"passage n° {said.run}"
    before, after = (_shown(each, champ, schema) for each in (change.before, said.value))
    if change.is_first:
        yield f"    {when} : {after}"
    elif change.before == said.value and type(change.before) is type(said.value):
        yield f"    {when} : {after}, redit"
    elif max(len(before), len(after)) <= _LONG:
        yield f"    {when} : {before} → {after}"
    else:
        yield f"    {when} :"
        yield f"        avant : {before}"
        yield f"        après : {after}"
    who = STAFF if said.partenaire is None else partners.get(said.partenaire, said.partenaire)
    where = str(Place(said.fichier, said.feuille, said.cellule))
    saved = f", enregistré le {_moment(_local(said.saved))}" if said.saved is not None else ""
    author = f" par {said.author}" if saved and said.author else ""
    yield f"        {printable(f'{who}, dans {where}{saved}{author}')}"


def _shown(value: Any, champ: str, schema: TableSchema) -> str:
    return printable(shown_value(schema.by_name.get(champ), value, quoted=True))


def _plain(value: Any) -> str:
    return french_date(value) if hasattr(value, "year") else str(value)


def _moment(when: datetime) -> str:
    return f"{french_date(when)} à {when.hour:02d}h{when.minute:02d}"


def _local(saved: datetime) -> datetime:
    """Files carry universal time; people live in theirs."""
    return saved.replace(tzinfo=UTC).astimezone()


class _Search:
    """Understands one question about one journal."""

    def __init__(self, workspace: Workspace, journal: Journal, what: str) -> None:
        self.workspace, self.journal, self.what = workspace, journal, what
        self.schemas = workspace.schemas
        self.now = journal.cells()
        self.rows = list(dict.fromkeys((each.table, each.key) for each in self.now.values()))

    def history(self) -> History:
        wanted = self.cell(self.what) or self.row(self.what)
        rows = tuple(self.told(table, key, champ) for table, key, champ in wanted)
        return History(self.what, tuple(each for each in rows if each.fields), self.schemas, self.partners())

    def unknown(self, detail: str, near: Iterable[str | None] = ()) -> TabellionError:
        named = list(dict.fromkeys(each for each in near if each))[:_NAMED_AT_MOST]
        example = "un numéro de fiche, l'identifiant d'une ligne, ou une cellule comme « contrat.xlsx!FEUILLE!E7 »"
        remede = (
            f"Vouliez-vous dire {' ou '.join(f'« {printable(each)} »' for each in named)} ?"
            if named
            else f"Donnez {example}."
        )
        place = Place(".tabellion/" + _JOURNAL)
        return TabellionError(
            [finding("historique-inconnu", place, valeur=printable(self.what), detail=detail, remede=remede)]
        )

    # A row, by its key.

    def row(self, text: str) -> list[tuple[str, Key, str | None]]:
        """The rows that ``text`` names: by the whole key, or by its first part where that part is the row's own.

        Else by what people call them: the label of a line, the name of a partner.
        """
        asked = _identifier(text)
        found = [(table, key) for table, key in self.rows if asked in self.names(table, key)]
        if not found:
            called = {(table, key): self.libelle(table, key) for table, key in self.rows}
            found = [row for row, name in called.items() if asked and _identifier(name) == asked]
            known = {_identifier(name): name for name in called.values() if name}
            known |= {_identifier(name): name for table, key in self.rows for name in self.spelled(table, key)}
        if not found:
            near = [known.get(each) for each in _close(asked, known)]
            raise self.unknown("aucune fiche, ligne ou autre élément ne porte cet identifiant", near)
        own = {str(key[0]) for table, key in found if table == _WITH_ITS_ROWS}
        if own:
            found += [each for each in self.belonging(own) if each not in found]
        return [(table, key, None) for table, key in found]

    def names(self, table: str, key: Key) -> set[str]:
        return {_identifier(each) for each in self.spelled(table, key)}

    def spelled(self, table: str, key: Key) -> list[str]:
        """How a row may be asked for. What begins with another row's key is that other row's, not its own."""
        whole = " ".join(map(_plain, key))
        schema = self.schemas.get(table)
        is_own = schema is None or schema.primary_key[0] not in schema.foreign
        return [str(key[0]), whole] if is_own else [whole]

    def belonging(self, fiches: set[str]) -> list[tuple[str, Key]]:
        """The rows of other tables that refer to these fiches."""
        refers = {
            (schema.name, each.field)
            for schema in self.schemas.values()
            for each in schema.foreign_keys
            if each.table == _WITH_ITS_ROWS
        }
        found = [
            (each.table, each.key)
            for each in self.now.values()
            if (each.table, each.champ) in refers and str(each.value) in fiches
        ]
        in_key = [
            (table, key)
            for table, key in self.rows
            if table in self.schemas
            and any(
                (table, name) in refers and str(part) in fiches
                for name, part in zip(self.schemas[table].primary_key, key, strict=False)
            )
        ]
        return list(dict.fromkeys([*in_key, *found]))

    # A cell, by its place.

    def cell(self, text: str) -> list[tuple[str, Key, str | None]]:
        """What was said at the cell that ``text`` writes; nothing when it does not write one."""
        rest, mark, name = text.rpartition("!")
        match = _CELL.fullmatch(name.strip())
        if not mark or match is None:
            return []
        rest = rest.strip().strip("'").replace("''", "'").strip()
        book = _BOOK.fullmatch(rest)
        asked_file = book["file"].strip("'\"[] ") if book else None
        asked_sheet = (book["sheet"] if book else rest).strip("'\"! ")
        fichier, feuille = self.sheet(asked_file, asked_sheet)
        cellule = f"{match[1].upper()}{match[2]}"
        found = self.in_master(fichier, feuille, cellule) or self.said_at(fichier, feuille, cellule)
        if not found:
            raise self.unknown(
                f"rien n'a été noté à la cellule {cellule} de {fichier}, feuille « {feuille} »",
                self.beside(fichier, feuille, cellule),
            )
        return found

    def sheet(self, fichier: str | None, feuille: str) -> tuple[str, str]:
        """The file and the sheet that people mean; without a file, the master's sheet, or the only one of that name."""
        master = self.workspace.contrat.name
        known = sorted(self.journal.sheets(), key=lambda each: (each[0] != master, each))
        if fichier is not None:
            files = sorted({name for name, _ in known if _ends_with(name, fichier)}, key=lambda each: (len(each), each))
            if not files:
                near = nearest(fichier, {name for name, _ in known})
                raise self.unknown("aucune valeur ne vient d'un fichier de ce nom", [near and f"{near}!{feuille}!A1"])
            exact = [name for name in files if fold(name) == fold(fichier)] or files
            if len(exact) > 1:
                raise self.unknown("plusieurs fichiers portent ce nom", exact)
            known = [each for each in known if each[0] == exact[0]]
        same = [each for each in known if fold(each[1]) == fold(feuille)]
        same = same or [each for each in known if feuille and fold(each[1]).startswith(fold(feuille) + " ")]
        if not same:
            sheets = {sheet: (name, sheet) for name, sheet in reversed(known)}
            near = nearest(feuille, sheets)
            named = f"{sheets[near][0]}!{near}!{self.what.rpartition('!')[2].strip()}" if near else None
            raise self.unknown("aucune valeur ne vient d'une feuille de ce nom", [named])
        if same[0][0] != master and len({name for name, _ in same}) > 1:
            cellule = self.what.rpartition("!")[2].strip()
            near_cells = [f"{name}!{sheet}!{cellule}" for name, sheet in same]
            raise self.unknown(f"{plural(len(same), 'fichier a', 'fichiers ont')} une feuille de ce nom", near_cells)
        return same[0]

    def in_master(self, fichier: str, feuille: str, cellule: str) -> list[tuple[str, Key, str | None]]:
        """The cell of the tables that stands there now in the master: its rows move, and others fill its cells."""
        from tabellion.reading import read_workbook
        from tabellion.reading.master import read_master

        if fichier != self.workspace.contrat.name or not self.workspace.contrat.is_file():
            return []
        try:
            workbook = read_workbook(self.workspace.contrat)
        except TabellionError:  # the journal knows at least where its values were read
            return []
        reading = read_master(workbook, self.schemas, self.workspace.settings.identifiant)
        for table, origins in reading.origins.items():
            schema = self.schemas[table]
            here = [index for index, each in enumerate(origins) if each.area.sheet.name == feuille]
            rows = reading.tables[table].rows if here and table in reading.tables else []
            for index in here if rows else []:
                for name in schema.names:
                    if reading.locate(table, index, name).cellule == cellule:
                        return self.known([(table, tuple(rows[index][each] for each in schema.primary_key), name)])
        return []

    def known(self, cells: list[tuple[str, Key, str | None]]) -> list[tuple[str, Key, str | None]]:
        return [each for each in cells if (each[0], key_text(each[1]), each[2] or "") in self.now]

    def said_at(self, fichier: str, feuille: str, cellule: str) -> list[tuple[str, Key, str | None]]:
        """The cells last said there, or else those that ever were."""
        place = (fichier, feuille, cellule)
        now = [each for each in self.now.values() if (each.fichier, each.feuille, each.cellule) == place]
        said = now or self.journal.history(place=place)
        return list(dict.fromkeys((each.table, each.key, each.champ) for each in said))

    def beside(self, fichier: str, feuille: str, cellule: str) -> list[str]:
        """The cells of that sheet where something was said, the same row first, then the same column."""
        column, row = cellule.rstrip("0123456789"), cellule.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        cells = {each.cellule for each in self.journal.history(place=(fichier, feuille, None))}
        same = [each for each in cells if each and (each.rstrip("0123456789") == column or each[len(column) :] == row)]
        same.sort(key=lambda each: (each[len(column) :] != row, abs(int(re.sub(r"\D", "", each)) - int(row)), each))
        return [f"{fichier}!{feuille}!{each}" for each in same[:2]]

    # What was said.

    def told(self, table: str, key: Key, champ: str | None) -> RowHistory:
        by_field: dict[str, list[Change]] = {}
        for each in self.journal.history(table, key, champ):
            changes = by_field.setdefault(each.champ, [])
            changes.append(Change(each, changes[-1].said.value if changes else None, not changes))
        names = self.schemas[table].names if table in self.schemas else ()
        order = [name for name in names if name in by_field] + sorted(set(by_field) - set(names))
        # A cell that was never anything but blank has no history to tell, unless it is the one asked for.
        shown = {
            name: tuple(by_field[name])
            for name in order
            if champ is not None or any(each.said.value is not None for each in by_field[name])
        }
        return RowHistory(table, key, self.libelle(table, key), shown)

    def libelle(self, table: str, key: Key) -> str:
        """The name people give to a row, where its table has one that is not its key."""
        schema = self.schemas.get(table)
        names = [schema.label, "libelle", "titre", "nom"] if schema is not None else []
        for name in names:
            said = self.now.get((table, key_text(key), name or ""))
            if said is not None and said.value is not None and said.value not in key:
                return str(said.value)
        return ""

    def partners(self) -> dict[str, str]:
        said = (each for each in self.now.values() if (each.table, each.champ) == ("partenaires", "nom"))
        return {str(each.key[0]): str(each.value) for each in said if each.value}


def _identifier(text: str) -> str:
    """An identifier as people may write it: without case or accents, and without the dot before a fiche's number."""
    return re.sub(r"\s+", " ", fold(text).replace("./", "/").replace("\u2019", "'")).strip("'\". ")


def _close(asked: str, known: Iterable[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(asked, list(known), 3, cutoff=0.6)


def _ends_with(name: str, asked: str) -> bool:
    """Whether ``asked`` is the file ``name``, or the end of its path, or a longer path to it."""
    have = PurePosixPath(fold(name)).parts
    want = PurePosixPath(fold(asked.replace("\\", "/"))).parts
    shorter = min(len(have), len(want))
    return shorter > 0 and have[-shorter:] == want[-shorter:]
