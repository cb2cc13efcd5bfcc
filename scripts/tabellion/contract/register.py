"""The register: a Data Package of one CSV per table (https://specs.frictionlessdata.io/data-package/)."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from tabellion.contract.book import NO_THEME, Book, CellPosition
from tabellion.contract.register_csv import CsvTableReader
from tabellion.contract.settings import settle
from tabellion.contract.workspace import Settings, Workspace
from tabellion.findings import Finding, Json, Place, TabellionError, finding
from tabellion.layout.theme import Theme
from tabellion.schema import FALSE_WORD, LATER_TABLES, SETTING_TABLES, TRUE_WORD, Field, Schemas, TableSchema
from tabellion.schema.constraints import ADDRESSES
from tabellion.schema.csv_text import write_csv_text
from tabellion.schema.tables import Column, Table, Tables, make_table
from tabellion.transaction.files import left_beside
from tabellion.transaction.stored import DAMAGE

DESCRIPTOR = "datapackage.json"
#: A resource's property that says what the program itself wrote, so that an edit by hand can be told.
PRINT = "empreinte"
#: A descriptor's property that lists the files beside the tables, each with its path and its digest.
BESIDE = "fichiers_joints"
#: Kinds of fields that the standard calls otherwise.
_STANDARD_TYPES = {"money": "number", "percent": "integer"}


def load_register(
    folder: Path,
    schemas: Schemas,
    settings: Settings,
    theme: Theme = NO_THEME,
    check: Callable[[Book], list[Finding]] | None = None,
) -> Book:
    """Read every table of the register, each row with its line.

    A column that a table can do without, and that its CSV lacks, is blank: a finding of the book says so. Raises
    :class:`TabellionError` with every file that is missing or unreadable, every missing or unknown column and every
    value that cannot be read, all at once, and with what ``check`` then says of the tables that were read whole.
    """
    if not folder.is_dir():
        raise TabellionError([finding("registre-absent", Place(str(folder)), valeur=folder.name)])
    tables, rows, findings = Tables(), dict[str, list[tuple[int, int]]](), list[Finding]()
    unknown, unread, whole = set[CellPosition](), set[CellPosition](), set[str]()
    described, digest = _described_fields(folder), hashlib.sha256()
    for name, schema in schemas.items():
        path = folder / f"{name}.csv"
        if name in LATER_TABLES and described is not None and name not in described and not path.exists():
            tables[name], rows[name] = make_table(schema, {}), []  # the register was written before this table came
            continue
        reader = CsvTableReader(path, schema, (described or {}).get(name, frozenset()))
        tables[name] = make_table(schema, reader.columns())
        digest.update(name.encode() + b"\n" + reader.digest)
        rows[name] = [(-1, line) for line in reader.row_lines]
        unread |= {(name, position, champ) for position, champ in reader.unknown}
        if len(tables[name]) == len(rows[name]) and not reader.is_cut:
            whole.add(name)
        if name in SETTING_TABLES:  # a wrong setting keeps the value before it: it never blocks
            unknown |= {(name, position, champ) for position, champ in reader.unknown}
            reader.findings = [replace(mistake, bloquant=False) for mistake in reader.findings]
        findings += reader.findings
    blocking = [finding for finding in findings if finding.bloquant]
    if blocking:
        present = Schemas(
            (name, replace(schema, foreign_keys=tuple(key for key in schema.foreign_keys if key.table in whole)))
            for name, schema in schemas.items()
            if name in whole
        )
        read = Book(settings, present, theme, tables, fichier=str(folder), rows=rows, unknown=frozenset(unread))
        raise TabellionError([*blocking, *(check(read) if check is not None else ())])
    book = Book(
        settings, schemas, theme, tables, fichier=str(folder), rows=rows, findings=tuple(findings),
        unknown=frozenset(unknown), sha256=digest.hexdigest(),
    )  # fmt: skip
    return settle(book)


def register_settings(workspace: Workspace) -> Settings:
    """The contract's settings, from the two tables of its register that say them, and from ``tabellion.toml``.

    It reads no other table. Raises :class:`TabellionError` with every mistake of the schemas.
    """
    if not workspace.registre.is_dir():
        return workspace.settings
    schemas = Schemas((name, workspace.schemas[name]) for name in SETTING_TABLES if name in workspace.schemas)
    return load_register(workspace.registre, schemas, workspace.settings).settings


def base_tables(folder: Path, schemas: Schemas, settings: Settings) -> Tables | None:
    """The tables of the register, by which rows of a workbook are recognised; ``None`` where it cannot be read."""
    try:
        return load_register(folder, schemas, settings).tables
    except TabellionError:
        return None


def _described_fields(folder: Path) -> dict[str, frozenset[str]] | None:
    """The fields of each table that the descriptor names; none without descriptor, ``None`` for an unreadable one.

    A table or a field that the descriptor names was there once: its absence is a loss.
    """
    try:
        descriptor = json.loads((folder / DESCRIPTOR).read_text(encoding="utf-8"))
        return {
            resource["name"]: frozenset(field["name"] for field in resource.get("schema", {}).get("fields", ()))
            for resource in descriptor["resources"]
        }
    except FileNotFoundError:
        return {}
    except (OSError, *DAMAGE):
        return None


def register_files(tables: Tables, schemas: Schemas, *, identifiant: str, titre: str) -> dict[str, bytes]:
    """The files of a register by name: one CSV per table, and the descriptor of the Data Package.

    Tables without a setting are left out: ``tabellion.toml`` says them all.
    """
    if not len(tables.get(SETTING_TABLES[0], ())):
        schemas = Schemas((name, schema) for name, schema in schemas.items() if name not in SETTING_TABLES)
    contents = {f"{name}.csv": table_csv(schemas[name], tables[name]) for name in schemas}
    resources = [
        {
            "name": name,
            "path": f"{name}.csv",
            "title": schema.title,
            "description": schema.description,
            "profile": "tabular-data-resource",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "dialect": {"delimiter": ",", "lineTerminator": "\n"},
            PRINT: content_print(contents[f"{name}.csv"]),
            "schema": standard_descriptor(schema),
        }
        for name, schema in schemas.items()
    ]
    descriptor = {"profile": "tabular-data-package", "name": identifiant, "title": titre, "resources": resources}
    contents[DESCRIPTOR] = (json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n").encode()
    return contents


def register_of(book: Book) -> dict[str, bytes]:
    """The files of the register of a book, by name."""
    settings = book.settings
    return register_files(book.tables, book.schemas, identifiant=settings.identifiant, titre=settings.titre)


def was_edited(folder: Path, schemas: Schemas) -> bool:
    """Whether a CSV of the register differs from what the program last wrote there, or may differ."""
    present = [path for name in schemas if (path := folder / f"{name}.csv").exists()]
    written = written_prints(folder / DESCRIPTOR)
    try:
        return any(content_print(path.read_bytes()) not in written.get(path.name, ()) for path in present)
    except OSError:
        return True


def written_prints(descriptor: Path) -> dict[str, set[str]]:
    """The digests of a package's files as the program wrote them, by path, as its descriptor says; where a run was
    killed while it put files in place, also as the descriptor that it left beside says.
    """
    prints: dict[str, set[str]] = {}
    with suppress(OSError):
        for content in (descriptor.read_bytes(), *left_beside(descriptor)):
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                written = json.loads(content)
                for resource in [*written["resources"], *written.get(BESIDE, [])]:
                    prints.setdefault(resource["path"], set()).add(resource[PRINT])
    return prints


def table_csv(schema: TableSchema, table: Table) -> bytes:
    """One table as CSV: UTF-8, commas, one header line of field names, amounts in euros with a point, no formula."""
    columns = [_texts(schema.by_name[name], table.columns[name]) for name in schema.names]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(schema.names)
    writer.writerows(zip(*columns, strict=True))
    return stream.getvalue().encode("utf-8", "replace")  # half a character, which no file can hold


def _texts(field: Field, values: Column) -> Iterator[str]:
    """The values of a column as texts: most come back, and each is written once."""
    texts = {value: write_csv_text(field, value) for value in dict.fromkeys(values)}
    if len(texts) == 1:
        return repeat(next(iter(texts.values())), len(values))
    return map(texts.__getitem__, values)


def records_of(text: str, count: int | None = None) -> list[str]:
    """The records of a CSV as they are written, its header first: a line each, or several where a text has some.

    ``count`` is how many there are, where it is known.
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) == count:
        return lines
    records, begun = list[str](), ""
    for line in lines:
        record = f"{begun}\n{line}" if begun else line
        begun = record if record.count('"') % 2 else ""  # the text goes on
        if not begun:
            records.append(record)
    return [*records, begun] if begun else records


def standard_descriptor(schema: TableSchema) -> Json:
    """The schema as a Table Schema descriptor of the standard alone, as a Data Package carries it."""
    descriptor: Json = {
        "fields": [_standard_field(field) for field in schema.fields],
        "missingValues": [""],
        "primaryKey": list(schema.primary_key),
    }
    if schema.foreign_keys:
        descriptor["foreignKeys"] = [
            {"fields": [key.field], "reference": {"resource": key.table, "fields": [key.reference]}}
            for key in schema.foreign_keys
        ]
    return descriptor


def _standard_field(field: Field) -> Json:
    type_ = _STANDARD_TYPES.get(field.kind, field.kind)
    descriptor: Json = {"name": field.name, "type": type_, "title": field.title, "description": field.description}
    if field.example is not None:
        descriptor["example"] = field.example
    if field.kind == "boolean":
        descriptor |= {"trueValues": [TRUE_WORD], "falseValues": [FALSE_WORD]}
    limits: Iterable[tuple[str, object]] = (
        ("required", field.required or None),
        ("unique", field.unique or None),
        # Not the standard's format « email »: that is one address, and a cell may have several.
        ("pattern", field.pattern or (ADDRESSES if field.email else None)),
        ("enum", list(field.enum) or None),
        ("minimum", field.minimum if field.earliest is None else field.earliest.isoformat()),
        ("maximum", field.maximum if field.latest is None else field.latest.isoformat()),
        ("minLength", field.min_length),
        ("maxLength", field.max_length),
    )
    constraints = {key: value for key, value in limits if value is not None}
    if constraints:
        descriptor["constraints"] = constraints
    return descriptor


def content_print(content: bytes) -> str:
    """The digest of a package's file, as its descriptor keeps it under :data:`PRINT`."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
