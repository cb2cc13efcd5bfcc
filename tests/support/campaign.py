"""A campaign for the tests: forms filled and saved as a spreadsheet program would, and what the typed values add up to.

A form is filled in its own XML: what is not typed keeps its bytes, the live column and the counters get the values that
Excel computes, and the time of saving is written inside. Nothing here uses the program's own reading, merging or
adding: :func:`expected_lines` and :func:`independent_totals` start again from the CSV register and the typed values.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import shutil
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.workbook import Workbook

from support.attacks import ole2
from support.contracts import ROOT, save_register, schemas, tables_of
from support.forms import BUDGET, CHARGES, FINANCEMENTS, FORM_TABLES, PRODUITS, case_rows
from support.masters import Package, package, reference
from support.program import tabellion
from tabellion.layout.forms import GUIDE, FillState
from tabellion.measures.forms import RowState
from tabellion.schema.forms import COMPUTED_ROLES, Role, TableSpec

#: The amounts of a budget line.
AMOUNTS = ("montant_prevu", "montant_vote", "montant_realise")
_HEADER_ROW = 5
_MEDIA = ("tabellion.toml", "schemas", "templates")


@dataclass(frozen=True)
class TypedValue:
    """What somebody typed, and what it means: ``TypedValue("12 k€", Decimal(12_000))``."""

    typed: Any
    means: Any


@dataclass(frozen=True)
class Formula:
    """A formula typed in a cell (without its ``=``), and the value that the spreadsheet program computed."""

    text: str
    value: float | str


#: By sheet, by the row's identifier, by the column's name in ``workbook.forms.spec``: a number, a day, a text as typed,
#: a :class:`TypedValue`, a :class:`Formula`; ``None`` clears the cell.
Answers = Mapping[str, Mapping[str, Mapping[str, Any]]]
#: By sheet: the rows typed in the spare rows, in order.
NewRows = Mapping[str, Sequence[Mapping[str, Any]]]
#: By sheet: the identifiers of the rows emptied.
Removed = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Reply:
    """What one partner answers for an exercice."""

    partenaire: str
    exercice: int
    answers: Answers = field(default_factory=dict)
    new_rows: NewRows = field(default_factory=dict)
    removed: Removed = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """A file saved: ``cells`` has the address of each cell typed by sheet, row and column; the rows typed in the spare
    rows are called ``+1``, ``+2``, …
    """

    path: Path
    sha256: str
    saved: datetime
    author: str
    cells: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


# The workspace


def campaign_workspace(folder: Path, *, contract: str = "Chartres") -> Path:
    """A workspace in ``folder`` with its register and no generated file: the repository's own, or ``cas`` (small)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _MEDIA:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    registre = folder / "workbooks" / "registre"
    if contract == "Chartres":
        shutil.copytree(ROOT / "workbooks" / "registre", registre)
        return folder
    assert contract == "cas", contract
    settings = folder / "tabellion.toml"
    text = settings.read_text(encoding="utf-8").replace("chartres-2015-2020", "essai-2015-2020")
    settings.write_text(text.replace("de l'agglomération chartraine", "d'essai"), encoding="utf-8")
    registre.mkdir(parents=True)
    save_register(registre, tables_of(case_rows()), schemas(), identifiant="essai-2015-2020", titre="Contrat d'essai")
    return folder


def date_financement(root: Path, identifier: str, exercice: int) -> str:
    """Make a financement of the register one of an exercice, and send the forms again; returns its new identifier."""
    path = root / "workbooks" / "registre" / "financements.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    dated = f"{identifier}:{exercice}"
    for row in rows:
        if row["financement_id"] == identifier:
            row |= {"financement_id": dated, "exercice": str(exercice)}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (root / "workbooks" / "contrat.xlsx").unlink()
    for command in ("generate", "forms"):
        outcome = tabellion(command, cwd=root)
        assert outcome.code == 0, outcome.out + outcome.err
    return dated


# Filling


def fill(
    form: Path,
    target: Path,
    answers: Answers | None = None,
    *,
    new_rows: NewRows | None = None,
    removed: Removed | None = None,
    saved: datetime,
    author: str = "Marie Martin",
) -> Saved:
    """Fill ``form`` as a person would and save it as ``target``, at ``saved`` (UTC, without its zone).

    Any column may be answered, the locked ones too: somebody may have taken the protection away.
    """
    editor = _FormEditor(form.read_bytes())
    cells: dict[tuple[str, str, str], str] = {}
    for sheet, rows in (answers or {}).items():
        for key, values in rows.items():
            for column, value in values.items():
                cells[sheet, key, column] = editor.put(sheet, editor.row(sheet, key), column, value)
    for sheet, keys in (removed or {}).items():
        for key in keys:
            row = editor.row(sheet, key)
            for emptied in _spec(sheet).columns:
                if emptied.role not in COMPUTED_ROLES:
                    editor.put(sheet, row, emptied.name, None)
    for sheet, added in (new_rows or {}).items():
        for rank, values in enumerate(added, 1):
            row = editor.first_spare_row(sheet) + rank - 1
            for column, value in values.items():
                cells[sheet, f"+{rank}", column] = editor.put(sheet, row, column, value)
    return _save(target, editor.changed(), saved, author, cells)


def form_keys(form: Path) -> dict[str, list[str]]:
    """The identifiers of the rows that a form was sent with, by sheet, in order."""
    sent = package(form.read_bytes())
    keys_by_sheet: dict[str, list[str]] = {}
    for spec in FORM_TABLES:
        if (table := sent.tables.get(spec.name)) is not None:
            place = [column.name for column in spec.columns].index(spec.key.name)
            cells = sent.cells[spec.sheet]
            keys = (cells.get((row, place), (None, None))[0] for row in range(table.area[0] + 1, table.area[2] + 1))
            keys_by_sheet[spec.sheet] = [str(key) for key in keys if key]
    return keys_by_sheet


def table_cell(book: Path, table: str, column: str, **where: Any) -> tuple[str, str]:
    """Sheet and address of the cell of an Excel table under ``column``, on the row that shows ``where`` (by header)."""
    opened = package(book.read_bytes())
    excel_table, labels = opened.tables[table], list(opened.tables[table].columns)
    cells = opened.cells[excel_table.sheet]

    def place(row: int, label: str) -> tuple[int, int]:
        return row, excel_table.area[1] + labels.index(label)

    for row in range(excel_table.area[0] + 1, excel_table.area[2] + 1):
        if all(cells.get(place(row, label), (None, None))[0] == value for label, value in where.items()):
            return excel_table.sheet, reference(*place(row, column))
    raise KeyError(f"{table}: {where}")


def retouch(path: Path, target: Path, cells: Mapping[str, Mapping[str, Any]], *, saved: datetime, author: str) -> Saved:
    """Save ``path`` as ``target`` with other values in some cells: ``{"Budget": {"F6": 12}}``."""
    editor = _FormEditor(path.read_bytes())
    for sheet, values in cells.items():
        for address, value in values.items():
            editor.set(sheet, address, value)
    return _save(target, editor.changed(), saved, author, {})


def save_again(path: Path, target: Path, *, saved: datetime, author: str = "Marie Martin") -> Saved:
    """Open ``path``, change nothing, and save it as ``target``: other bytes, the same answers."""
    return retouch(path, target, {}, saved=saved, author=author)


def mutated(
    path: Path, target: Path, mutate: Callable[[Workbook], None], *, saved: datetime, author: str = "Marie Martin"
) -> Saved:
    """Save ``path`` as ``target`` after one of :mod:`support.mutations`, as a script of theirs would."""
    book = openpyxl.load_workbook(path)
    mutate(book)
    stream = io.BytesIO()
    book.save(stream)
    return _save(target, Package(stream.getvalue()).parts, saved, author, {})


# Damage

#: How a second copy of a file gets called, by what made it; ``{stem}`` is the file's own name.
COPY_NAMES = {
    "navigateur": "{stem} (1).xlsx",
    "Windows": "Copie de {stem}.xlsx",
    "Windows, copier-coller": "{stem} - Copie.xlsx",
    "Dropbox": "{stem} (Copie en conflit de Marie Martin 2016-11-12).xlsx",
    "OneDrive": "{stem}-PC-DE-MARIE.xlsx",
    "Nextcloud": "{stem} (conflicted copy 2016-11-12 101500).xlsx",
    "Syncthing": "{stem}.sync-conflict-20161112-101500-ABCDEFG.xlsx",
}


def copy_as(path: Path, maker: str, folder: Path | None = None) -> Path:
    """The same bytes beside it (or in ``folder``), under the name that ``maker`` (of :data:`COPY_NAMES`) gives."""
    target = (folder or path.parent) / COPY_NAMES[maker].format(stem=path.stem)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    return target


def with_error(path: Path, target: Path, sheet: str, cell: str, *, saved: datetime, author: str = "Marie") -> Saved:
    """The same form with an error (``#DIV/0!``) in one cell: what blocks a return."""
    return retouch(path, target, {sheet: {cell: Formula("1/0", "#DIV/0!")}}, saved=saved, author=author)


def truncated(path: Path, target: Path, share: float = 0.5) -> Path:
    """The beginning of a file: a download or a mail that was cut."""
    content = path.read_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content[: int(len(content) * share)])
    return target


def old_excel(target: Path) -> Path:
    """What is an Excel 97 workbook by its content, whatever its name says."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(ole2("Workbook"))
    return target


# What the typed values mean, and add up to


def meaning(value: Any) -> Any:
    """What a value typed means: that of :class:`TypedValue`; a number as an exact decimal; the rest as it is."""
    if isinstance(value, TypedValue):
        return value.means
    if isinstance(value, Formula):
        return meaning(value.value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


def register_rows(registre: Path, table: str) -> list[dict[str, str]]:
    """The rows of a table of a register in CSV, as texts."""
    with (registre / f"{table}.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@dataclass
class Line:
    """A budget line of one exercice; amounts in euros, exact."""

    ligne_id: str | None
    exercice: int
    convention: int
    collectivite: str
    libelle: str
    amounts: dict[str, Decimal | None]
    commentaire: str | None = None


def expected_lines(registre: Path, replies: Iterable[Reply]) -> list[Line]:
    """The lines that the register in ``registre`` and these replies make together, each change applied.

    A line answered for an exercice that the register does not have of it gets its row; the identifier of a line that a
    partner adds is ``None`` (the program makes it).
    """
    lines: dict[tuple[str, int], Line] = {}
    for row in register_rows(registre, "lignes_budgetaires"):
        line_id, exercice = row["ligne_id"], int(row["exercice"])
        amounts = {name: Decimal(row[name]) if row[name] else None for name in AMOUNTS}
        lines[line_id, exercice] = Line(
            line_id, exercice, int(row["convention_id"]), row["collectivite_id"], row["libelle"], amounts,
            row["commentaire"] or None,
        )  # fmt: skip
    added: list[Line] = []
    towns = {row["partenaire_id"]: row["collectivite_id"] for row in register_rows(registre, "partenaires")}
    for reply in replies:
        for key, values in reply.answers.get(BUDGET, {}).items():
            line = lines.get((key, reply.exercice))
            if line is None:
                known = max((line for line in lines.values() if line.ligne_id == key), key=lambda line: line.exercice)
                blank: dict[str, Decimal | None] = dict.fromkeys(AMOUNTS)
                line = Line(key, reply.exercice, known.convention, known.collectivite, known.libelle, blank)
                lines[key, reply.exercice] = line
            _say(line, values)
        for values in reply.new_rows.get(BUDGET, ()):
            convention = int(re.match(r"\d+", str(meaning(values["convention_id"])))[0])  # type: ignore[index]
            town, libelle = towns[reply.partenaire], meaning(values["libelle"])
            added.append(Line(None, reply.exercice, convention, town, libelle, dict.fromkeys(AMOUNTS)))
            _say(added[-1], values)
    return [*lines.values(), *added]


def _say(line: Line, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in AMOUNTS:
            line.amounts[name] = meaning(value)
        elif name == "commentaire":
            line.commentaire = meaning(value)


#: By exercice, convention, collectivité and amount.
Totals = dict[tuple[int, int, str, str], Decimal]


def independent_totals(lines: Iterable[Line]) -> Totals:
    """What the lines add up to, in euros; no entry where no line has the amount."""
    totals: Totals = {}
    for line in lines:
        for name, amount in line.amounts.items():
            if amount is not None:
                key = (line.exercice, line.convention, line.collectivite, name)
                totals[key] = totals.get(key, Decimal(0)) + amount
    return totals


def added_up(totals: Totals, *by: int) -> dict[tuple[Any, ...], Decimal]:
    """The totals by some of the parts of their key: ``added_up(totals, 0, 3)`` by exercice and amount."""
    sums: defaultdict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for key, amount in totals.items():
        sums[tuple(key[place] for place in by)] += amount
    return dict(sums)


# The editor

_CELL = re.compile(r'<c r="([A-Z]+\d+)"((?: [a-z]+="[^"]*")*)(?:/>|>(.*?)</c>)', re.DOTALL)
_FORMULA = re.compile(r"<f[^>]*>.*?</f>|<f[^>]*/>", re.DOTALL)
_STYLE = re.compile(r' s="\d+"')
_ERROR = re.compile(r"#[A-Z0-9/!?]+")


def _spec(sheet: str) -> TableSpec:
    return next(table for table in FORM_TABLES if table.sheet == sheet)


@lru_cache(12)
def _shown(sent: Package) -> Mapping[str, Mapping[str, Any]]:
    return {
        spec.sheet: {reference(*place): cell[0] for place, cell in sent.cells[spec.sheet].items()}
        for spec in FORM_TABLES
        if spec.name in sent.tables
    }


class _FormEditor:
    """The parts of a form, edited cell by cell."""

    def __init__(self, content: bytes) -> None:
        self.package = package(content)
        self.parts = dict(self.package.parts)
        self.texts = self.package.shared_strings
        self.strings: dict[str, int] = {}
        self.new: defaultdict[str, dict[str, Any]] = defaultdict(dict)

        self.places: dict[tuple[str, str], int] = {}
        self.counts: dict[str, Counter[str]] = {}

    @property
    def seen(self) -> Mapping[str, Mapping[str, Any]]:
        """The value that each cell of a table's sheet shows before any change."""
        return _shown(self.package)

    def value(self, sheet: str, address: str) -> Any:
        """What a cell shows now."""
        value = self.new[sheet].get(address, self.seen[sheet].get(address))
        value = value.typed if isinstance(value, TypedValue) else value
        value = value.value if isinstance(value, Formula) else value
        return None if value == "" else value

    def last_row(self, sheet: str) -> int:
        table = self.package.tables[_spec(sheet).name]
        return table.area[2] + 1

    def address(self, sheet: str, row: int, column: str) -> str:
        if (sheet, column) not in self.places:
            self.places |= {(sheet, column.name): rank for rank, column in enumerate(_spec(sheet).columns)}
        return reference(row - 1, self.places[sheet, column])

    def row(self, sheet: str, key: str) -> int:
        """The row that was sent with an identifier; rows emptied meanwhile keep it here."""
        column = _spec(sheet).key.name
        for row in range(_HEADER_ROW + 1, self.last_row(sheet) + 1):
            if self.seen[sheet].get(self.address(sheet, row, column)) == key:
                return row
        raise KeyError(f"{sheet}: {key}")

    def first_spare_row(self, sheet: str) -> int:
        column = _spec(sheet).key.name
        rows = range(_HEADER_ROW + 1, self.last_row(sheet) + 1)
        return next(row for row in rows if not self.seen[sheet].get(self.address(sheet, row, column)))

    def put(self, sheet: str, row: int, column: str, value: Any) -> str:
        address = self.address(sheet, row, column)
        self.set(sheet, address, value)
        return address

    def set(self, sheet: str, address: str, value: Any) -> None:
        self.new[sheet][address] = value

    def changed(self) -> dict[str, bytes]:
        """Every part of the workbook with every change, its live columns and its counters computed again."""
        for name in self.seen:  # none in a master: what its formulas show stays as it was
            self.compute(name)
        for name, values in self.new.items():
            self.write(self.package.sheet_parts[name], values)
        self.write_strings()
        return self.parts

    def compute(self, sheet: str) -> None:
        """The live column, the counter and the guide's words, as the formulas compute them."""
        spec, counts = _spec(sheet), Counter[str]()
        for row in range(_HEADER_ROW + 1, self.last_row(sheet) + 1):
            values = {column.name: self.value(sheet, self.address(sheet, row, column.name)) for column in spec.columns}
            headers = {
                column.name: str(self.value(sheet, self.address(sheet, _HEADER_ROW, column.name)))
                for column in spec.columns
            }
            words = _state(spec, values, headers)
            counts[next((state for state in _COUNTED if state in words), words)] += 1
            self.cache(sheet, self.address(sheet, row, "state"), words)
        self.cache(sheet, f"A{_HEADER_ROW - 2}", counts["à corriger"] + counts["à compléter"])
        self.counts[spec.name] = counts
        counter = spec.name.removeprefix("Formulaire_")
        self.cache(GUIDE, self.named(f"Etat_Reste_{counter}"), _count(counts) or "complet")
        total = sum(self.counts.values(), Counter[str]())
        words = f"{_count(total)} avant l'envoi." if _count(total) else READY
        self.cache(GUIDE, self.named("Etat_du_formulaire"), words)

    def named(self, name: str) -> str:
        return self.package.names[name].rpartition("!")[2].replace("$", "")

    def cache(self, sheet: str, address: str, value: Any) -> None:
        """Give a formula its computed value, unless somebody typed over it."""
        if not isinstance(self.new[sheet].get(address, _Cached(None)), _Cached):
            return
        self.new[sheet][address] = _Cached(value)

    def write(self, part: str, values: dict[str, Any]) -> None:
        left = set(values)

        def written(match: re.Match[str]) -> str:
            address, attributes, inside = match[1], match[2], match[3] or ""
            if address not in values:
                return match[0]
            left.discard(address)
            style = _STYLE.search(attributes)
            formula = _FORMULA.search(inside)
            return self.cell(address, style[0] if style else "", formula[0] if formula else "", values[address])

        self.parts[part] = _CELL.sub(written, self.parts[part].decode()).encode()
        assert not left, f"cells that the form does not have: {sorted(left)}"

    def cell(self, address: str, style: str, formula: str, value: Any) -> str:
        """A cell's XML; ``formula`` is the one it had, which only a computed value keeps."""
        value = value.typed if isinstance(value, TypedValue) else value
        if isinstance(value, _Cached):
            value, keeps = value.value, formula
        elif isinstance(value, Formula):
            value, keeps = value.value, f"<f>{escape(value.text, quote=False)}</f>"
        else:
            keeps = ""
        if isinstance(value, date):
            value = (value - date(1899, 12, 30)).days
        if value is None:
            return f'<c r="{address}"{style}/>'
        if isinstance(value, bool):
            return f'<c r="{address}"{style} t="b">{keeps}<v>{int(value)}</v></c>'
        if isinstance(value, int | float | Decimal):
            return f'<c r="{address}"{style}>{keeps}<v>{value}</v></c>'
        text = escape(str(value), quote=False)
        if keeps:
            kind = "e" if _ERROR.fullmatch(str(value)) else "str"
            return f'<c r="{address}"{style} t="{kind}">{keeps}<v>{text}</v></c>'
        number = self.strings.setdefault(str(value), len(self.texts) + len(self.strings))
        return f'<c r="{address}"{style} t="s"><v>{number}</v></c>'

    def write_strings(self) -> None:
        if not self.strings:
            return
        name = "xl/sharedStrings.xml"
        more = "".join(f'<si><t xml:space="preserve">{escape(text, quote=False)}</t></si>' for text in self.strings)
        total = len(self.texts) + len(self.strings)
        part = re.sub(r' (?:count|uniqueCount)="\d+"', "", self.parts[name].decode(), count=2)
        part = part.replace("<sst ", f'<sst count="{total}" uniqueCount="{total}" ', 1)
        self.parts[name] = part.replace("</sst>", f"{more}</sst>").encode()


@dataclass(frozen=True)
class _Cached:
    """A value computed by the formula that is already there."""

    value: Any


_COUNTED = ("à corriger", "à compléter", "à confirmer")
READY = "Ce formulaire est complet : vous pouvez l'envoyer."


def _count(counts: Counter[str]) -> str:
    """How many rows are in each state, in words; nothing where all are complete."""
    rows = ((counts[state], state) for state in _COUNTED if counts[state])
    return ", ".join(f"{count} {'ligne' if count == 1 else 'lignes'} {state}" for count, state in rows)


@cache
def _rules(spec: TableSpec) -> RowState:
    return RowState(spec, schemas())


def _state(spec: TableSpec, values: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """What the formula of the live column computes from what the cells of its row show."""
    begun = [values[column.name] for column in spec.columns if column.role is Role.TYPED or column.spare]
    if values[spec.key.name] is None and all(value is None for value in begun):
        return ""
    typed = [values[column.name] for column in spec.columns if column.role is Role.TYPED and not column.carried]
    if spec.may_stay_blank and values[spec.key.name] is not None and all(value is None for value in typed):
        return ""
    missing = [headers[column.name].lower() for column in spec.columns if column.asked and values[column.name] is None]
    if spec.sheet == BUDGET and all(values[name] is None for name in (*AMOUNTS, "commentaire")):
        missing.append("un montant")
    is_figured = spec.sheet == CHARGES or str(values.get("statut_montant")).lower() == "chiffré"
    if spec.sheet in (CHARGES, FINANCEMENTS) and is_figured and values["montant"] is None:
        missing.append("le montant")
    if spec.sheet == PRODUITS:
        if str(values["compte"])[:2] == "74" and values["financeur_id"] is None:
            missing.append("le financeur")
        if values["montant_demande"] is values["montant_accorde"] is None:
            missing.append("le montant demandé")
    rule, messages = _rules(spec), list[str]()
    for column, cell in rule.rules:
        if column.role is Role.TYPED:
            state = cell.typed_state(values[column.name])
            words = "à corriger" if state is FillState.TO_CORRECT else "à confirmer"
            if state not in (None, FillState.COMPLETE):
                messages.append(f"{words} : {rule.label(column)}")
    if missing:
        messages.append("à compléter : " + ", ".join(missing))
    return " ; ".join(messages) or "complet"


def _save(
    target: Path, parts: Mapping[str, bytes], saved: datetime, author: str, cells: Mapping[tuple[str, str, str], str]
) -> Saved:
    """Write a workbook with who saved it last and when."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as done:
        for name, part in parts.items():
            stamped = _stamped(part.decode(), saved, author).encode() if name == "docProps/core.xml" else part
            done.writestr(zipfile.ZipInfo(name), stamped, zipfile.ZIP_DEFLATED)
    content = stream.getvalue()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return Saved(target, hashlib.sha256(content).hexdigest(), saved, author, cells)


def _stamped(core: str, saved: datetime, author: str) -> str:
    """The document's properties with the time of saving (UTC) and who saved it."""
    core = re.sub(r"<(?:cp:)?lastModifiedBy[^>]*>.*?</(?:cp:)?lastModifiedBy>|<cp:lastModifiedBy */>", "", core)
    core = re.sub(r"<dcterms:modified[^>]*>.*?</dcterms:modified>", "", core)
    # With its own namespaces: openpyxl declares them for the whole part, or with lxml on the elements that need them.
    when = (
        '<dcterms:modified xmlns:dcterms="http://purl.org/dc/terms/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:type="dcterms:W3CDTF">{saved:%Y-%m-%dT%H:%M:%SZ}</dcterms:modified>'
    )
    who = f"<cp:lastModifiedBy>{escape(author, quote=False)}</cp:lastModifiedBy>"
    head, end, tail = core.partition("</cp:coreProperties>")
    if not end:
        head, end, tail = core.partition("</coreProperties>")
        who = who.replace("cp:lastModifiedBy", "lastModifiedBy")
    return head + who + when + end + tail
