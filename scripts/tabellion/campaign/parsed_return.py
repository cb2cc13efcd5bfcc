"""One return, read and examined in the child process: what it answers, what is wrong, as plain values and as JSON.

It is enough to merge the return, or refuse it, without reading it again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.packed_rows import PackedRows
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Json, Place, Severity, counted, finding
from tabellion.layout.forms import KIND_FORM, FilledBy, FormIdentity, SealKey, baseline_text, baseline_value
from tabellion.layout.names import ANNOTATOR, IDENTITY, is_document_date
from tabellion.reading.hidden import identity_words
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.references import References
from tabellion.schema import Schemas, TableSchema
from tabellion.schema.forms import COMPUTED_ROLES, Role
from tabellion.schema.tables import Row
from tabellion.wording import shortened

if TYPE_CHECKING:
    from tabellion.reading.form import FormTable, ParsedForm

#: Errors that the contract's own exercices make, not what the file answers: they come and go with the settings.
_OF_THE_MOMENT = frozenset({"exercice-hors-contrat"})
#: What is said of a form that came back as it was sent.
_EMPTY = "formulaire-vide"
#: What is said of a form of which a table is not read, for all that it holds.
_TOO_LONG = "tableau-trop-long"
#: No workbook was saved before: a date of saving that says so says nothing.
_FIRST_YEAR = 1980
#: The field of comments, and how remedies send people to it.
_COMMENTS, _COMMENT = "commentaire", re.compile(r"\b(?:en|dans le) commentaire\b")
#: Characters kept of the words that name a removed row.
_LIBELLE = 120


@dataclass(frozen=True)
class RemovedRow:
    """A row of the form as sent that the return has no more: its stable id, its words, where it is missing."""

    table: str
    row_id: str
    libelle: str
    feuille: str | None
    cellule: str | None


@dataclass(frozen=True)
class ParsedReturn:
    """One file read and examined, whatever its name. Places of its findings name no file.

    ``identity`` is ``None`` for what is no form of this contract; ``is_readable`` is false for what is no workbook.
    ``saved`` is the time written inside the file (UTC, without its zone), ``author`` who saved it last.
    """

    sha256: str
    identity: FormIdentity | None
    saved: datetime | None
    author: str
    findings: tuple[Finding, ...]
    rows: tuple[ReturnedRow, ...] | PackedRows = ()
    removed: tuple[RemovedRow, ...] = ()
    is_readable: bool = True
    filled_by: FilledBy | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether its answers may count: a form of this contract, and nothing in it blocks."""
        return self.identity is not None and not any(finding.bloquant for finding in self.findings)

    @property
    def is_empty(self) -> bool:
        """Whether it came back as it was sent: nothing typed, no row taken out, and nothing that blocks."""
        return self.is_accepted and not self.removed and any(finding.code == _EMPTY for finding in self.findings)

    @cached_property
    def answers(self) -> str:
        """A digest of what it answers: two files that say the same are one, whatever their bytes.

        A cell that cannot be taken answers what was typed in it; what is only remarked is no answer.
        """
        rows = sorted(
            [row.table, repr(row.key), sorted((name, repr(value)) for name, value in row.values.items())]
            for row in self.rows
        )
        mistakes = sorted(
            (finding.code, finding.place.cellule or "", repr(finding.valeur))
            for finding in self.findings
            if finding.gravite is Severity.ERREUR and finding.code not in _OF_THE_MOMENT
        )
        removed = sorted((row.table, row.row_id) for row in self.removed)
        content = (self.identity, rows, mistakes, removed)
        signed = () if self.filled_by in (None, FilledBy()) else (self.filled_by,)
        return hashlib.sha256(repr((*content, *signed)).encode()).hexdigest()

    def rows_of(self, table: str) -> Iterable[ReturnedRow]:
        """Its rows of one table."""
        if isinstance(self.rows, PackedRows):
            return self.rows.of_table(table)
        return [row for row in self.rows if row.table == table]

    def packed(self) -> ParsedReturn:
        """The same return, of which the rows take little memory."""
        packed = replace(self, rows=PackedRows.of(self.rows))
        packed.__dict__["answers"] = self.answers  # it is worked out of all rows
        return packed

    def with_findings(self, findings: Iterable[Finding]) -> ParsedReturn:
        """The same return with findings more, many of a kind in one column counted."""
        return replace(self, findings=tuple(without_file(counted([*self.findings, *findings]))))


def refused(sha256: str, findings: Iterable[Finding], *, is_readable: bool) -> ParsedReturn:
    """What is known of a file that is no form: unreadable, or another workbook."""
    return ParsedReturn(sha256, None, None, "", tuple(without_file(findings)), is_readable=is_readable)


@dataclass(frozen=True)
class Examiner:
    """Makes a :class:`ParsedReturn` of each form; any other workbook is given back as it was read."""

    schemas: Schemas
    known: References
    settings: Settings
    key: SealKey | None = None

    def __call__(self, workbook: RawWorkbook) -> ParsedReturn | RawWorkbook:
        """Examine one workbook."""
        if not is_form(workbook):
            return workbook
        from tabellion.checks import added_rows, formulas, returns
        from tabellion.reading.form import read_form
        from tabellion.reading.form_identity import read_filled_by

        reading = read_form(workbook, self.schemas, self.known, self.settings.identifiant, self.key)
        findings, rows, removed = list(reading.findings), list[ReturnedRow](), list[RemovedRow]()
        is_read = reading.tables and all(finding.code != _TOO_LONG for finding in findings)
        if is_read:  # else what is left of it would be called empty, or foreign
            findings += [*returns.check_return(reading, self.settings), *returns.check_unanswered(reading)]
            findings += [*added_rows.check_added_rows(reading), *formulas.check_formulas(reading)]
        for resource, table in reading.tables.items():
            of_table = list(_rows(table, self.schemas[resource], self.schemas))
            findings += _repeated_keys(reading, table, of_table)
            rows += of_table
            place = table.area.place(table.area.header_row)
            removed += [
                RemovedRow(resource, row_id, shortened(libelle, _LIBELLE), place.feuille, place.cellule)
                for row_id, libelle in table.removed(self.schemas)
            ]
        findings = [_followable(finding, reading) for finding in findings]
        saved, author = date_of_saving(workbook), workbook.properties.get("lastModifiedBy", "")
        author = "" if author == ANNOTATOR else author  # the form's own, kept by a program that says nobody
        if is_read and saved != saved_time(workbook.properties) and all(finding.code != _EMPTY for finding in findings):
            findings.append(_undated(workbook.archived))
        parsed = ParsedReturn(
            workbook.sha256, reading.identity, saved, author, (), tuple(rows), tuple(removed),
            filled_by=read_filled_by(workbook),
        )  # fmt: skip
        return parsed.with_findings(findings)


def _followable(finding: Finding, reading: ParsedForm) -> Finding:
    """A finding whose remedy asks for no comment on a sheet that has no column for one."""
    tables = reading.tables.values()
    bare = {
        table.area.sheet.name for table in tables if _COMMENTS not in {column.field for column in table.spec.columns}
    }
    if finding.place.feuille not in bare:
        return finding
    return replace(finding, suggestion=_COMMENT.sub("dans votre message d'envoi", finding.suggestion))


def is_form(workbook: RawWorkbook) -> bool:
    """Whether a workbook says that it is a partner's form."""
    return identity_words(workbook.sheet(IDENTITY)).get("genre") == KIND_FORM


def _rows(table: FormTable, schema: TableSchema, schemas: Schemas) -> Iterator[ReturnedRow]:
    labels = {
        column.field: table.spec.label(column, schemas) for column in table.spec.columns if column.field is not None
    }
    columns = {name: table.area.columns[label] for name, label in labels.items() if label in table.area.columns}
    unknown: dict[int, set[str]] = {}
    for position, name in table.unknown:
        unknown.setdefault(position, set()).add(name)
    names = list(table.columns)
    for position, cells in enumerate(zip(*table.columns.values(), strict=True)):
        row = dict(zip(names, cells, strict=True))
        key = tuple(row[name] for name in schema.primary_key)
        values = {name: value for name, value in row.items() if name not in unknown.get(position, ())}
        row_id, line = table.row_ids[position], table.lines[position]
        before = _before(table, schema, values, table.sent.get(row_id or ""))
        yield ReturnedRow(schema.name, key, values, before, row_id is None, table.area.sheet.name, line, columns)


def _before(table: FormTable, schema: TableSchema, values: Row, sent: Mapping[str, str] | None) -> dict[str, object]:
    """The values as sent of the cells of a row that now say otherwise; on a row of the partner's own, all it typed."""
    before: dict[str, object] = {}
    for column in table.spec.columns:
        name = column.field
        if name is None or name not in values or column.role in COMPUTED_ROLES:
            continue
        value = values[name]
        if sent is None:
            if value is not None:
                before[name] = None
        elif column.role is Role.TYPED:
            text = sent.get(column.name, "")
            if ("" if value is None else baseline_text(value)) != text:
                before[name] = baseline_value(schema.by_name[name], text)
    return before


def _repeated_keys(reading: ParsedForm, table: FormTable, rows: list[ReturnedRow]) -> list[Finding]:
    """A row of the partner's own that has the key of another one: nobody can tell which of them is the answer."""
    counts = Counter(row.key for row in rows)
    title = table.spec.label(table.spec.columns[1], reading.schemas)
    return [
        finding(
            "cle-en-double", table.area.place(row.row, title),
            champ=title, valeur=" · ".join(map(str, row.key)), table=table.spec.sheet,
        )
        for row in rows
        if row.is_new and counts[row.key] > 1 and None not in row.key
    ]  # fmt: skip


def saved_time(properties: Mapping[str, str]) -> datetime | None:
    """When the file was last saved, as the program that saved it wrote inside (UTC); ``None`` where it did not."""
    for name in ("modified", "created"):
        try:
            saved = datetime.fromisoformat(properties[name].strip())
            saved = saved.astimezone(UTC).replace(tzinfo=None) if saved.tzinfo is not None else saved
        except (KeyError, ValueError, OverflowError):  # a zone may lead out of the calendar
            continue
        if saved.year >= _FIRST_YEAR:
            return saved
    return None


def date_of_saving(workbook: RawWorkbook) -> datetime | None:
    """When a return was last saved (UTC): as it says itself, but for the form's own date, which some programs keep.

    Then the date of its archive tells, where it has one; a form that nobody saved has none.
    """
    saved = saved_time(workbook.properties)
    return workbook.archived if saved is not None and is_document_date(saved) else saved


def _undated(archived: datetime | None) -> Finding:
    constat = (
        "il n'a pas de date" if archived is None else f"sa date est celle de son archive, {archived:%d/%m/%Y à %H:%M}"
    )
    return finding("enregistrement-sans-date", Place(), valeur=constat)


def without_file(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The same findings in a file without a name: the same bytes may stand under several."""
    for item in findings:
        linked = tuple(place._replace(fichier=None) for place in item.liees)
        yield replace(item, place=item.place._replace(fichier=None), liees=linked)


def to_json(parsed: ParsedReturn) -> dict[str, object]:
    """The return as JSON has it, its rows packed."""
    identity = parsed.identity
    return {
        "sha256": parsed.sha256,
        "identity": identity and [identity.contrat, identity.partenaire, identity.exercice, identity.formulaire],
        "saved": parsed.saved and parsed.saved.isoformat(),
        "author": parsed.author,
        "is_readable": parsed.is_readable,
        "filled_by": parsed.filled_by and list(astuple(parsed.filled_by)),
        "findings": [finding_json(finding) for finding in parsed.findings],
        "rows": PackedRows.of(parsed.rows).parts,
        "removed": [[row.table, row.row_id, row.libelle, row.feuille, row.cellule] for row in parsed.removed],
    }


def from_json(content: Json) -> ParsedReturn:
    """The return that :func:`to_json` wrote. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for another."""
    return ParsedReturn(
        content["sha256"],
        None if content["identity"] is None else FormIdentity(*content["identity"]),
        None if content["saved"] is None else datetime.fromisoformat(content["saved"]),
        content["author"],
        tuple(finding_of(part) for part in content["findings"]),
        PackedRows(tuple((str(table), str(rows)) for table, rows in content["rows"])),
        tuple(RemovedRow(*row) for row in content["removed"]),
        content["is_readable"],
        FilledBy(*filled) if (filled := content.get("filled_by")) else None,
    )


def finding_json(finding: Finding) -> list[object]:
    """A finding as JSON keeps it, its file aside."""
    places = [[place.feuille, place.cellule, place.ligne] for place in (finding.place, *finding.liees)]
    valeur, attendu = (str(value) if isinstance(value, float) else value for value in (finding.valeur, finding.attendu))
    numbers = [isinstance(value, float) for value in (finding.valeur, finding.attendu)]
    return [
        finding.code, int(finding.gravite), finding.bloquant, finding.message, finding.suggestion, finding.champ,
        valeur, attendu, numbers, places, finding.alike,
    ]  # fmt: skip


def finding_of(content: list[Any]) -> Finding:
    """The finding that :func:`finding_json` wrote."""
    code, gravite, bloquant, message, suggestion, champ, *values, numbers, places, alike = content
    valeur, attendu = (float(value) if number else value for value, number in zip(values, numbers, strict=True))
    place, *linked = (Place(None, *cell) for cell in places)
    known = (code, Severity(gravite), bloquant, place, message, suggestion, champ, valeur, attendu)
    return Finding(*known, tuple(linked), alike)


def digest_of(content: object) -> str:
    """The SHA-256 of something that JSON can write."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
