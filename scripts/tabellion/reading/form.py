"""A partner's return as read: its identity, its rows typed as people type them, each cell with its address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import BASELINE, FormIdentity, SealKey, baseline_value
from tabellion.layout.names import IDENTITY, KnownFormula
from tabellion.reading.cells import CellReader
from tabellion.reading.descriptions import keep_spellings
from tabellion.reading.form_columns import asked_labels, choices_of, former_labels, near_choices
from tabellion.reading.form_identity import check_seal, form_identity, restore_row_ids
from tabellion.reading.headers import is_blank
from tabellion.reading.hidden import Baseline, read_baseline, read_identity, word
from tabellion.reading.identifiers import fill_identifiers
from tabellion.reading.limits import LIMITS
from tabellion.reading.lines import REMARK, total_label
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.references import References
from tabellion.reading.tables import FoundTable, TableFinder
from tabellion.schema import Schemas
from tabellion.schema.forms import COMPUTED_ROLES, ColumnSpec, Role, TableSpec
from tabellion.schema.tables import Column
from tabellion.wording import as_seen, fold, french_value, shortened

#: Characters shown of a remark.
_SHOWN = 500


#: What the rows of a form were sent with: texts by row id and column.
SentTexts = Mapping[str, Mapping[str, str]]


@dataclass
class FormTable:
    """One table of a return: where it stands, and its typed columns. Positions are those of ``lines``.

    ``lines`` are one-based rows of the sheet, ``row_ids`` the rows' stable ids (``None`` on a row that the partner
    added). ``columns`` has the plain values by field of the register's table, ``unknown`` the cells (position, field)
    that held something unreadable. ``shown`` are, by column, the values found where a column only shows what was known;
    ``sent`` is what the form was sent with.
    """

    spec: TableSpec
    area: FoundTable
    lines: list[int]
    row_ids: list[str | None]
    columns: dict[str, Column]
    unknown: set[tuple[int, str]]
    shown: dict[str, Column]
    sent: SentTexts

    @cached_property
    def first_positions(self) -> Mapping[str | None, int]:
        """Where each stable id stands first."""
        return {row_id: position for position, row_id in reversed(list(enumerate(self.row_ids)))}

    def place(self, position: int, label: str | None = None) -> Place:
        """The cell of a row under a label; the row's first cell where the table has no such column."""
        return self.area.place(self.lines[position], label)

    def removed(self, schemas: Schemas) -> Iterator[tuple[str, str]]:
        """The stable id and the words of each row that was sent and is there no more; none without their column."""
        if self.spec.label(self.spec.key, schemas) not in self.area.columns:
            return
        present = set(self.row_ids)
        for row_id, texts in self.sent.items():
            if row_id not in present:
                yield row_id, texts.get("libelle") or texts.get("objectif") or texts.get("dispositif") or row_id

    def sent_text(self, position: int, column: ColumnSpec) -> str | None:
        """What a cell was sent with; ``None`` on a row that was not sent."""
        return self.sent.get(self.row_ids[position] or "", {}).get(column.name)


@dataclass
class ParsedForm:
    """A form while it is read and examined: its sheets, its tables by the name of the register's, what is wrong."""

    workbook: RawWorkbook
    schemas: Schemas
    identity: FormIdentity | None = None
    tables: dict[str, FormTable] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    baseline: Baseline = field(default_factory=dict)
    formulas: list[KnownFormula] = field(default_factory=list)
    owners: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    funders: dict[str, str] = field(default_factory=dict)
    """Of the register: who may answer for rows, and the funders' names, by identifier."""

    @property
    def areas(self) -> dict[str, FoundTable]:
        """The tables' places, by the name of the Excel table."""
        return {table.spec.name: table.area for table in self.tables.values()}

    @property
    def known_tables(self) -> frozenset[str]:
        """The names of the Excel tables that the form was made with."""
        made = {formula.table for formula in self.formulas if formula.table}
        return frozenset(made | {spec.name for spec in self.schemas.forms})

    @property
    def new_rows(self) -> set[tuple[str, int]]:
        """The rows that the partner added, by sheet and one-based row."""
        return {
            (table.area.sheet.name, line)
            for table in self.tables.values()
            for line, row_id in zip(table.lines, table.row_ids, strict=True)
            if row_id is None
        }

    def locate(self, table: str, position: int, field: str | None = None) -> Place:
        """The cell of a row's field; the row's first cell when the form does not show the field."""
        form_table = self.tables[table]
        labels = (
            form_table.spec.label(column, self.schemas) for column in form_table.spec.columns if column.field == field
        )
        return form_table.place(position, next(labels, None) if field is not None else None)


def read_form(
    workbook: RawWorkbook, schemas: Schemas, known: References, contract: str, key: SealKey | None = None
) -> ParsedForm:
    """Make tables of a return to the contract ``contract``; what is wrong becomes findings, never an error.

    When the workbook is not a form of this contract, partners and format, the reading has findings and no tables.
    """
    reading = ParsedForm(workbook, schemas, findings=list(workbook.notices), owners=known.owners)
    identity, reading.formulas = read_identity(workbook.sheet(IDENTITY))
    reading.identity, mistakes = form_identity(identity, known, contract)
    reading.findings += mistakes
    if reading.identity is None:
        return reading
    reading.funders = {key: shown for shown, key in known.keys.get("financeurs", {}).items()}
    reading.baseline = read_baseline(workbook.sheet(BASELINE))
    if not reading.baseline:
        reading.findings.append(finding("reference-perdue", Place()))
    reading.identity, mistakes = check_seal(identity, reading.identity, reading.baseline, key, known.towns)
    reading.findings += mistakes
    if reading.identity is not None:
        _FormReader(reading, known).read()
    return reading


class _FormReader:
    """Reads the tables of one return."""

    def __init__(self, reading: ParsedForm, known: References) -> None:
        assert reading.identity is not None  # noqa: S101 (the caller has checked it)
        self.reading, self.known, self.identity = reading, known, reading.identity
        self.finder = TableFinder(reading.workbook, reading.known_tables)
        book = reading.workbook
        self.cells = CellReader(reading.findings, tolerant=True, date1904=book.date1904, manual=book.manual)

    def read(self) -> None:
        expected = {formula.table for formula in self.reading.formulas} | set(self.reading.baseline)
        for spec in self.reading.schemas.forms:  # without those of plans that the contract has given up
            if spec.name not in expected and spec.name not in self.finder.names():
                continue
            self.check_copies(spec)
            labels = asked_labels(self.reading, spec)
            key = spec.label(spec.key, self.reading.schemas)
            optional = [label for label in labels if label != key]
            area = self.finder.area(
                spec.name, labels, titre=spec.sheet, computed=former_labels(self.reading, spec), optional=optional,
                sheet_hint=spec.sheet,
            )  # fmt: skip
            rows = list(area.rows()) if area is not None else []
            if area is not None and not self.is_too_long(area, rows):
                self.reading.tables[spec.resource] = self.table(spec, area, rows)
        self.reading.findings += self.finder.findings

    def is_too_long(self, area: FoundTable, rows: list[int]) -> bool:
        """Whether a table has more rows than any answer: it is said, and none is read."""
        if len(rows) <= LIMITS.form_rows:
            return False
        self.reading.findings.append(
            finding(
                "tableau-trop-long", area.place(rows[0]), valeur=len(rows), attendu=LIMITS.form_rows,
                titre=area.sheet.name, derniere=rows[-1],
            )
        )  # fmt: skip
        return True

    def check_copies(self, spec: TableSpec) -> None:
        """Two copies of a sheet: nobody can tell which one is the answer."""
        labels = set(spec.labels(self.reading.schemas))
        sheets = [
            sheet.name
            for sheet in self.reading.workbook.sheets
            for table in sheet.tables
            if labels <= set(table.columns)
        ]
        if len(sheets) > 1:
            place = Place(feuille=sheets[1], cellule="A1")
            names = ", ".join(f"« {name} »" for name in sheets)
            self.reading.findings.append(finding("deux-reponses", place, valeur=spec.sheet, feuilles=names))

    def table(self, spec: TableSpec, area: FoundTable, rows: list[int]) -> FormTable:
        schemas = self.reading.schemas
        lines = self.lines(spec, area, rows)
        columns: dict[str, Column] = {name: [None] * len(lines) for name in schemas[spec.resource].names}
        unread: dict[str, set[int]] = {}
        shown: dict[str, Column] = {}
        for column in spec.columns:
            label, field_ = spec.label(column, schemas), spec.field(column, schemas)
            if column.role in COMPUTED_ROLES:
                continue
            if field_ is None:
                shown[column.name] = area.values(lines, label)
                continue
            texts = area.values(lines, label)
            choices = choices_of(self.reading, self.known, spec, column, texts)
            near = near_choices(self.reading, spec, column, texts, choices)
            columns[field_.name], unread[field_.name] = self.cells.column(area, lines, label, field_, choices, near)
            if column.role is Role.SHOWN:
                shown[column.name] = list(columns[field_.name])
        for name, value in self.implied(spec).items():
            if name in columns:
                columns[name] = [value] * len(lines)
        sent = self.reading.baseline.get(spec.name, {})
        row_ids = self.row_ids(spec, area, lines, sent)
        restore_row_ids(spec, columns, row_ids, sent)
        self.keep_spellings(spec, columns, row_ids, sent)
        self.keep_shown(spec, area, lines, columns, row_ids, unread)
        self.ask_new_rows(spec, area, lines, row_ids, unread)
        fill_identifiers(spec.resource, columns, unread.get(spec.key.field or "", set()))
        unknown = {(position, name) for name, positions in unread.items() for position in positions}
        return FormTable(spec, area, lines, row_ids, columns, unknown, shown, sent)

    def keep_spellings(
        self, spec: TableSpec, columns: dict[str, Column], row_ids: list[str | None], sent: SentTexts
    ) -> None:
        """Give the texts that differ from those sent only by what nobody sees the spelling that was sent."""
        for column in spec.columns:
            field_ = spec.field(column, self.reading.schemas)
            if field_ is None or field_.kind != "string":
                continue
            known = [sent.get(row_id or "", {}).get(column.name) for row_id in row_ids]
            keep_spellings(columns[field_.name], known)

    def keep_shown(
        self, spec: TableSpec, area: FoundTable, lines: list[int], columns: dict[str, Column],
        row_ids: list[str | None], unread: dict[str, set[int]],
    ) -> None:  # fmt: skip
        """Give locked cells that a client has emptied, or whose column is gone, the value that they were sent with."""
        sent, refused = self.reading.baseline.get(spec.name, {}), self.refused()
        for column in spec.columns:
            field_ = spec.field(column, self.reading.schemas)
            if field_ is None or column.role is not Role.SHOWN:
                continue
            label = spec.label(column, self.reading.schemas)
            for position, row_id in enumerate(row_ids):
                text = sent.get(row_id or "", {}).get(column.name)
                is_blank_cell = (
                    columns[field_.name][position] is None and area.place(lines[position], label) not in refused
                )
                if text is not None and is_blank_cell:
                    columns[field_.name][position] = baseline_value(field_, text)
                    unread[field_.name].discard(position)

    def refused(self) -> set[Place]:
        """The cells of which something was said that blocks."""
        return {finding.place._replace(fichier=None) for finding in self.reading.findings if finding.bloquant}

    def ask_new_rows(
        self, spec: TableSpec, area: FoundTable, lines: list[int], row_ids: list[str | None],
        unread: dict[str, set[int]],
    ) -> None:  # fmt: skip
        """A row of the partner's own says all that a row must: there, a cell that says nothing is a blank one."""
        refused = self.refused()
        schema = self.reading.schemas[spec.resource]
        for column in spec.columns:
            if column.field is None or column.field not in unread or not schema.by_name[column.field].required:
                continue
            for position in sorted(unread[column.field]):
                place = area.place(lines[position], spec.label(column, self.reading.schemas))
                if row_ids[position] is None and place not in refused:
                    unread[column.field].discard(position)

    def lines(self, spec: TableSpec, area: FoundTable, rows: list[int]) -> list[int]:
        """Of ``rows``, those that say something: known ones, and spare ones where something was typed."""
        schemas, lines = self.reading.schemas, list[int]()
        labels = {column: spec.label(column, schemas) for column in spec.columns}
        computed = {area.columns.get(label) for column, label in labels.items() if column.role in COMPUTED_ROLES}
        read = {
            column: label
            for column, label in labels.items()
            if column.role not in COMPUTED_ROLES and label in area.columns
        }
        worded = [label for column, label in read.items() if column.field != REMARK]
        key_label = labels[spec.key]
        special = {row for row, column in (*area.sheet.errors, *area.sheet.uncached) if column not in computed}
        for row in rows:
            if row not in special and all(area.value(row, label) in (None, "") for label in read.values()):
                continue
            has_key = key_label in area.columns and area.value(row, key_label) not in (None, "")
            total = None if has_key else total_label(area, row, worded)
            if total is not None:
                notice = finding("total-ajoute", area.place(row, total), valeur=french_value(area.value(row, total)))
                self.reading.findings.append(notice)
            elif not has_key and (remark := self.remark(spec, area, row, read)) is not None:
                place, text = area.place(row, remark), str(area.value(row, remark))
                notice = finding(
                    "note-du-partenaire", place, valeur=shortened(text, _SHOWN), ou="seul sur une ligne du tableau"
                )
                self.reading.findings.append(notice)
            elif not area.repeats_headers(row):
                if row > area.last_row and area.found_name:
                    notice = finding("ligne-sous-le-formulaire", area.place(row), valeur=spec.sheet)
                    self.reading.findings.append(notice)
                lines.append(row)
        return lines

    def remark(self, spec: TableSpec, area: FoundTable, row: int, read: Mapping[ColumnSpec, str]) -> str | None:
        """The column of the one text of a row that is no line: under the table, or where a value of a list belongs."""
        filled = [(column, label) for column, label in read.items() if not is_blank(area.value(row, label))]
        if len(filled) != 1 or not isinstance(text := area.value(row, filled[0][1]), str):
            return None
        column, label = filled[0]
        if row > area.last_row and area.found_name:
            return label
        choices = choices_of(self.reading, self.known, spec, column, [text])
        is_choice = not choices or fold(text) in {fold(str(choice)) for choice in choices} or text.strip().isdecimal()
        return None if is_choice else label

    def row_ids(
        self, spec: TableSpec, area: FoundTable, lines: list[int], sent: Mapping[str, object]
    ) -> list[str | None]:
        """The stable ids of the rows as they were sent, whatever a client has made of their spelling."""
        label, known = spec.label(spec.key, self.reading.schemas), {as_seen(row_id): row_id for row_id in sent}
        words = [as_seen(word(value)) or None for value in area.values(lines, label)]
        return [None if row_id is None else known.get(row_id, row_id) for row_id in words]

    def implied(self, spec: TableSpec) -> dict[str, object]:
        """What the form itself says of every row: its partner's collectivité, the partner, the exercice."""
        values: dict[str, object] = {"exercice": self.identity.exercice, "partenaire_id": self.identity.partenaire}
        if spec.resource == "lignes_budgetaires":
            values["collectivite_id"] = self.known.towns.get(self.identity.partenaire)
        return values
