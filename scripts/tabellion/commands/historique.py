"""``tabellion historique``: who said what of a cell, a fiche or a line, and when, out of the journal."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from string import ascii_uppercase, digits
from typing import Any

from tabellion.campaign.cell_history import CellEntry, key_text
from tabellion.campaign.journal import Journal, read_journal
from tabellion.contract.workspace import Workspace
from tabellion.findings import Place, TabellionError, finding
from tabellion.schema import Key, Schemas, TableSchema
from tabellion.schema.shown import shown_value
from tabellion.wording import fold, french_date, nearest, one_line, plural

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

    entry: CellEntry
    before: object
    is_first: bool


@dataclass(frozen=True)
class RowHistory:
    """What was said of one row, by field in the schema's order, oldest first; ``libelle`` is what people call it."""

    table: str
    key: Key
    libelle: str
    fields: Mapping[str, tuple[Change, ...]]


@dataclass(frozen=True)
class RowHistories:
    """The answer to a question: the rows it is about. ``partners`` are the partners' names by identifier."""

    asked: str
    rows: tuple[RowHistory, ...]
    schemas: Schemas
    partners: Mapping[str, str] = field(default_factory=dict)


def historique(workspace: Workspace, asked: str) -> RowHistories:
    """Find who said what of ``asked``: a cell (``contrat.xlsx!B01!E7``), a fiche's number, a line's or a row's id.

    Raises :class:`TabellionError` when there is no journal yet, and for what it does not know, with the nearest it has.
    """
    with read_journal(workspace.memory / _JOURNAL) as journal:
        return _Search(workspace, journal, " ".join(asked.split())).history()


def history_lines(history: RowHistories) -> list[str]:
    """The history as people read it: one block a row, one paragraph a field, each change with who said it."""
    lines: list[str] = []
    for row in history.rows:
        schema = history.schemas[row.table]
        name = " ".join(_plain(part) for part in row.key)
        lines += ["", one_line(f"{schema.title} · {name}" + (f" : {row.libelle}" if row.libelle else ""))]
        for champ, changes in row.fields.items():
            lines += ["", f"  {schema.by_name[champ].title if champ in schema.by_name else champ}"]
            for change in changes:
                lines += _change_lines(change, schema, history.partners)
    count = sum(len(changes) for row in history.rows for changes in row.fields.values())
    return [*lines, "", f"{plural(count, 'valeur notée', 'valeurs notées')} pour « {one_line(history.asked)} »."]


def _change_lines(change: Change, schema: TableSchema, partners: Mapping[str, str]) -> Iterator[str]:
    entry, field_ = change.entry, schema.by_name.get(change.entry.champ)
    when = _moment(entry.noted) if entry.noted is not None else f"passage n° {entry.run}"
    before, after = (one_line(shown_value(field_, value, quoted=True)) for value in (change.before, entry.value))
    if change.is_first:
        yield f"    {when} : {after}"
    elif change.before == entry.value and type(change.before) is type(entry.value):
        yield f"    {when} : {after}, redit"
    elif max(len(before), len(after)) <= _LONG:
        yield f"    {when} : {before} → {after}"
    else:
        yield f"    {when} :"
        yield f"        avant : {before}"
        yield f"        après : {after}"
    author = STAFF if entry.partenaire is None else partners.get(entry.partenaire, entry.partenaire)
    where, saved = Place(entry.fichier, entry.feuille, entry.cellule), ""
    if entry.saved is not None:  # files carry universal time; people live in theirs
        saved = f", enregistré le {_moment(entry.saved.replace(tzinfo=UTC).astimezone())}"
        saved += f" par {entry.author}" if entry.author else ""
    yield f"        {one_line(f'{author}, dans {where}{saved}')}"


def _plain(value: Any) -> str:
    return french_date(value) if hasattr(value, "year") else str(value)


def _moment(when: datetime) -> str:
    return f"{french_date(when)} à {when.hour:02d}h{when.minute:02d}"


_AskedRow = tuple[str, Key, str | None]
"""A row that is asked for, and a field of it (``None``: all of them)."""


class _Search:
    """Understands one question about one journal."""

    def __init__(self, workspace: Workspace, journal: Journal, asked: str) -> None:
        self.workspace, self.journal, self.asked = workspace, journal, asked
        self.schemas = workspace.schemas
        self.now = journal.cells()
        self.rows = list(dict.fromkeys((entry.table, entry.key) for entry in self.now.values()))

    def history(self) -> RowHistories:
        rows = [self.row_history(*asked) for asked in self.cell(self.asked) or self.row(self.asked)]
        names = (entry for entry in self.now.values() if (entry.table, entry.champ) == ("partenaires", "nom"))
        partners = {str(entry.key[0]): str(entry.value) for entry in names if entry.value}
        return RowHistories(self.asked, tuple(row for row in rows if row.fields), self.schemas, partners)

    def unknown(self, detail: str, near: Iterable[str | None] = ()) -> TabellionError:
        named = list(dict.fromkeys(name for name in near if name))[:_NAMED_AT_MOST]
        remede = (
            "Donnez un numéro de fiche, l'identifiant d'une ligne, ou une cellule comme « contrat.xlsx!FEUILLE!E7 »."
        )
        if named:
            remede = f"Vouliez-vous dire {' ou '.join(f'« {one_line(name)} »' for name in named)} ?"
        place, valeur = Place(".tabellion/" + _JOURNAL), one_line(self.asked)
        return TabellionError([finding("historique-inconnu", place, valeur=valeur, detail=detail, remede=remede)])

    # A row, by its key.

    def row(self, text: str) -> list[_AskedRow]:
        """The rows that ``text`` names: by the whole key, or by its first part where that part is the row's own.

        Else by what people call them: the label of a line, the name of a partner.
        """
        asked = _identifier(text)
        spellings = {(table, key): self.spelled(table, key) for table, key in self.rows}
        rows = [row for row, names in spellings.items() if asked in map(_identifier, names)]
        if not rows:
            libelles = {(table, key): self.libelle(table, key) for table, key in self.rows}
            rows = [row for row, libelle in libelles.items() if asked and _identifier(libelle) == asked]
            known = {_identifier(libelle): libelle for libelle in libelles.values() if libelle}
            known |= {_identifier(name): name for names in spellings.values() for name in names}
        if not rows:
            near = difflib.get_close_matches(asked, known, 3, cutoff=0.6)
            detail = "aucune fiche, ligne ou autre élément ne porte cet identifiant"
            raise self.unknown(detail, [known[name] for name in near])
        fiches = {str(key[0]) for table, key in rows if table == _WITH_ITS_ROWS}
        if fiches:
            rows += [row for row in self.belonging(fiches) if row not in rows]
        return [(table, key, None) for table, key in rows]

    def spelled(self, table: str, key: Key) -> list[str]:
        """How a row may be asked for. What begins with another row's key is that other row's, not its own."""
        whole = " ".join(map(_plain, key))
        schema = self.schemas.get(table)
        is_own = schema is None or schema.primary_key[0] not in schema.foreign
        return [str(key[0]), whole] if is_own else [whole]

    def belonging(self, fiches: set[str]) -> list[tuple[str, Key]]:
        """The rows of other tables that refer to these fiches: first those that do in their key."""
        refers = {
            (schema.name, key.field)
            for schema in self.schemas.values()
            for key in schema.foreign_keys
            if key.table == _WITH_ITS_ROWS
        }
        in_key = [
            (table, key)
            for table, key in self.rows
            if table in self.schemas
            and any(
                (table, name) in refers and str(part) in fiches
                for name, part in zip(self.schemas[table].primary_key, key, strict=False)
            )
        ]
        in_cells = [
            (entry.table, entry.key)
            for entry in self.now.values()
            if (entry.table, entry.champ) in refers and str(entry.value) in fiches
        ]
        return list(dict.fromkeys([*in_key, *in_cells]))

    # A cell, by its place.

    def cell(self, text: str) -> list[_AskedRow]:
        """What was said at the cell that ``text`` writes; nothing when it does not write one."""
        sheet_part, mark, name = text.rpartition("!")
        match = _CELL.fullmatch(name.strip())
        if not mark or match is None:
            return []
        sheet_part = sheet_part.strip().strip("'").replace("''", "'").strip()
        book = _BOOK.fullmatch(sheet_part)
        asked_file = book["file"].strip("'\"[] ") if book else None
        asked_sheet = (book["sheet"] if book else sheet_part).strip("'\"! ")
        fichier, feuille = self.sheet(asked_file, asked_sheet)
        cellule = f"{match[1].upper()}{match[2]}"
        asked = self.in_master(fichier, feuille, cellule) or self.noted_at(fichier, feuille, cellule)
        if not asked:
            detail = f"rien n'a été noté à la cellule {cellule} de {fichier}, feuille « {feuille} »"
            raise self.unknown(detail, self.beside(fichier, feuille, cellule))
        return asked

    def sheet(self, fichier: str | None, feuille: str) -> tuple[str, str]:
        """The file and the sheet that people mean; without a file, the master's sheet, or the only one of that name."""
        master = self.workspace.contrat.name
        known = sorted(self.journal.sheets(), key=lambda place: (place[0] != master, place))
        if fichier is not None:
            files = sorted({name for name, _ in known if _ends_with(name, fichier)}, key=lambda name: (len(name), name))
            if not files:
                near = nearest(fichier, {name for name, _ in known})
                raise self.unknown("aucune valeur ne vient d'un fichier de ce nom", [near and f"{near}!{feuille}!A1"])
            exact = [name for name in files if fold(name) == fold(fichier)] or files
            if len(exact) > 1:
                raise self.unknown("plusieurs fichiers portent ce nom", exact)
            known = [(name, sheet) for name, sheet in known if name == exact[0]]
        folded = fold(feuille)
        same = [(name, sheet) for name, sheet in known if fold(sheet) == folded]
        same = same or [(name, sheet) for name, sheet in known if feuille and fold(sheet).startswith(folded + " ")]
        if not same:
            sheets = {sheet: (name, sheet) for name, sheet in reversed(known)}
            near = nearest(feuille, sheets)
            named = f"{sheets[near][0]}!{near}!{self.asked.rpartition('!')[2].strip()}" if near else None
            raise self.unknown("aucune valeur ne vient d'une feuille de ce nom", [named])
        if same[0][0] != master and len({name for name, _ in same}) > 1:
            cellule = self.asked.rpartition("!")[2].strip()
            near_cells = [f"{name}!{sheet}!{cellule}" for name, sheet in same]
            raise self.unknown(f"{plural(len(same), 'fichier a', 'fichiers ont')} une feuille de ce nom", near_cells)
        return same[0]

    def in_master(self, fichier: str, feuille: str, cellule: str) -> list[_AskedRow]:
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
        for table, row_sources in reading.row_sources.items():
            schema = self.schemas[table]
            on_sheet = [index for index, address in enumerate(row_sources) if address.area.sheet.name == feuille]
            rows = reading.tables[table].rows if on_sheet and table in reading.tables else []
            for index in on_sheet if rows else []:
                for name in schema.names:
                    if reading.locate(table, index, name).cellule == cellule:
                        key = tuple(rows[index][part] for part in schema.primary_key)
                        return [(table, key, name)] if (table, key_text(key), name) in self.now else []
        return []

    def noted_at(self, fichier: str, feuille: str, cellule: str) -> list[_AskedRow]:
        """The cells whose last values come from there, or else those of which any value ever did."""
        place = (fichier, feuille, cellule)
        now = [entry for entry in self.now.values() if (entry.fichier, entry.feuille, entry.cellule) == place]
        entries = now or self.journal.history(place=place)
        return list(dict.fromkeys((entry.table, entry.key, entry.champ) for entry in entries))

    def beside(self, fichier: str, feuille: str, cellule: str) -> list[str]:
        """The cells of that sheet where something was noted, the same row first, then the same column."""
        column, row = cellule.rstrip(digits), cellule.lstrip(ascii_uppercase)
        entries = self.journal.history(place=(fichier, feuille, None))
        cells = {entry.cellule for entry in entries if entry.cellule}
        near = [cell for cell in cells if cell.rstrip(digits) == column or cell[len(column) :] == row]
        near.sort(key=lambda cell: (cell[len(column) :] != row, abs(int(re.sub(r"\D", "", cell)) - int(row)), cell))
        return [f"{fichier}!{feuille}!{cell}" for cell in near[:2]]

    # What was noted.

    def row_history(self, table: str, key: Key, champ: str | None) -> RowHistory:
        by_field: dict[str, list[Change]] = {}
        for entry in self.journal.history(table, key, champ):
            changes = by_field.setdefault(entry.champ, [])
            changes.append(Change(entry, changes[-1].entry.value if changes else None, not changes))
        names = self.schemas[table].names if table in self.schemas else ()
        order = [name for name in names if name in by_field] + sorted(set(by_field) - set(names))
        # A cell that was never anything but blank has no history to tell, unless it is the one asked for.
        shown = {
            name: tuple(by_field[name])
            for name in order
            if champ is not None or any(change.entry.value is not None for change in by_field[name])
        }
        return RowHistory(table, key, self.libelle(table, key), shown)

    def libelle(self, table: str, key: Key) -> str:
        """The name people give to a row, where its table has one that is not its key."""
        schema = self.schemas.get(table)
        for name in [schema.label, "libelle", "titre", "nom"] if schema is not None else []:
            entry = self.now.get((table, key_text(key), name or ""))
            if entry is not None and entry.value is not None and entry.value not in key:
                return str(entry.value)
        return ""


def _identifier(text: str) -> str:
    """An identifier as people may write it: without case or accents, and without the dot before a fiche's number."""
    return re.sub(r"\s+", " ", fold(text).replace("./", "/").replace("\u2019", "'")).strip("'\". ")


def _ends_with(name: str, asked: str) -> bool:
    """Whether ``asked`` is the file ``name``, or the end of its path, or a longer path to it."""
    have = PurePosixPath(fold(name)).parts
    want = PurePosixPath(fold(asked.replace("\\", "/"))).parts
    shorter = min(len(have), len(want))
    return shorter > 0 and have[-shorter:] == want[-shorter:]
