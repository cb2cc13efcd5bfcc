"""Table Schemas read from JSON: the single declaration of every table (https://specs.frictionlessdata.io/table-schema/).

Some properties are the house's own, and are ignored by other readers of the standard: a field's ``unite`` (``"EUR"``
on a number: an amount, integer cents in memory; ``"%"`` on an integer: a percentage, 0 to 100), ``noms_de`` (the table
whose rows a text names, separated by « ; »), ``totaux`` (true: credits are also added up by its values) and ``excel``
(column width, input prompt, ``technique`` for a column that people rarely need), and a schema's ``libelle`` (the field
that people see in place of the primary key).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.schema.table import (
    DEFAULT_WIDTH,
    OPTIONAL_TABLES,
    SETTING_TABLES,
    TABLES,
    Field,
    ForeignKey,
    Kind,
    Schemas,
    TableSchema,
)
from tabellion.wording import system_reason

#: The tables whose rows a text may name (``noms_de``): what people see of each is its key, always in the workbook.
NAMED_TABLES = ("piliers", "axes", "quartiers")
#: The lists that a workbook makes by itself, and that a field may offer by name.
CHOICES = ("exercices",)

_TYPES = {"string", "integer", "number", "boolean", "date"}
#: The kinds that a type and its ``unite`` declare together.
_UNITS: Mapping[tuple[str, str], Kind] = {("number", "EUR"): "money", ("integer", "%"): "percent"}
#: A percentage is a whole number of hundredths, between these bounds unless its schema has narrower ones.
_PERCENTS = (0, 100)
_FIELD_KEYS = {
    "name", "type", "title", "description", "example", "format", "constraints", "excel", "unite",
    "trueValues", "falseValues", "noms_de", "totaux",
}  # fmt: skip
_CONSTRAINTS = {"required", "unique", "pattern", "enum", "minimum", "maximum", "minLength", "maxLength"}


def load_schemas(folder: Path, *, optional: Collection[str] = (), kit: Path | None = None) -> Schemas:
    """Read the schemas of all :data:`TABLES` from ``folder/*.json``; those of ``optional`` may be missing, as those of
    :data:`OPTIONAL_TABLES`.

    The folder ``kit`` has those of the settings for a workspace of an older version, which has none.
    Raises :class:`TabellionError` with one finding per mistake, of all files at once.
    """
    schemas, findings = Schemas(), list[Finding]()
    for name in TABLES:
        path = folder / f"{name}.json"
        if name in (*optional, *OPTIONAL_TABLES) and not path.exists():
            continue
        if kit is not None and name in SETTING_TABLES and not path.exists():
            path = kit / path.name
        schema, mistakes = _read(path)
        findings += mistakes
        if schema is not None:
            schemas[name] = schema
    if not findings:
        findings = [mistake for schema in schemas.values() for mistake in _reference_mistakes(schema, schemas, folder)]
    if findings:
        raise TabellionError(findings)
    return schemas


def _read(path: Path) -> tuple[TableSchema | None, list[Finding]]:
    place = Place(str(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
        descriptor = json.loads(text)
    except FileNotFoundError:
        return None, [finding("schema-absent", place, valeur=path.name)]
    except json.JSONDecodeError as error:
        place, detail = Place(str(path), ligne=error.lineno), f"JSON mal formé en colonne {error.colno}"
    except RecursionError:
        detail = "JSON imbriqué sur trop de niveaux"
    except UnicodeDecodeError:
        detail = "le fichier n'est pas en UTF-8"
    except OSError as error:
        detail = system_reason(error)
    else:
        return _DescriptorReader(path, text).schema(descriptor)
    return None, [finding("schema-illisible", place, detail=detail)]


def _reference_mistakes(schema: TableSchema, schemas: Schemas, folder: Path) -> list[Finding]:
    """Foreign keys must lead to the single primary key of a declared table (DESIGN.md §4)."""
    place = Place(str(folder / f"{schema.name}.json"))
    lost = [
        key for key in schema.foreign_keys
        if key.table not in schemas or schemas[key.table].primary_key != (key.reference,)
    ]  # fmt: skip
    detail = "la clé étrangère vers {0.table}.{0.reference} ne mène à rien"
    named = [name for name in NAMED_TABLES if name in schemas]
    expected = f"« noms_de » nomme l'une de ces tables : {', '.join(named)} ; trouvé : "
    nameless = [field for field in schema.fields if field.names_of not in (None, *named)]
    return [finding("schema-faux", place, champ=key.field, detail=detail.format(key)) for key in lost] + [
        finding("schema-faux", place, champ=field.name, detail=f"{expected}{field.names_of}") for field in nameless
    ]


def _repeated(texts: Iterable[str]) -> list[str]:
    texts = list(texts)
    return sorted({text for text in texts if texts.count(text) > 1})


class _DescriptorReader:
    """Reads one descriptor and keeps every mistake it meets, each with the line where its word first stands."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.name, self.findings = path, path.stem, list[Finding]()
        self.lines = text.splitlines()

    def wrong(self, detail: str, champ: str | None = None, word: str | None = None) -> None:
        needle = f'"{word or champ}"'
        line = next((number for number, line in enumerate(self.lines, 1) if needle in line), None)
        self.findings.append(finding("schema-faux", Place(str(self.path), ligne=line), champ=champ, detail=detail))

    def schema(self, descriptor: object) -> tuple[TableSchema | None, list[Finding]]:
        entries = descriptor.get("fields") if isinstance(descriptor, dict) else None
        if not isinstance(descriptor, dict) or not isinstance(entries, list) or not entries:
            self.wrong("il faut un objet JSON avec une liste « fields »")
            return None, self.findings
        fields = [field for entry in entries if (field := self.field(entry)) is not None]
        # Those of unreadable fields too: nothing more is said about them.
        names = [entry["name"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]
        for repeated in _repeated(names):
            self.wrong(f"le champ {repeated} est déclaré deux fois", repeated)
        for repeated in _repeated(field.title for field in fields):
            self.wrong(f"deux champs portent le titre « {repeated} »", None, repeated)
        keys = self.foreign_keys(descriptor.get("foreignKeys"), names)
        primary = self.names_in(descriptor.get("primaryKey"), names, "primaryKey")
        if not primary:
            self.wrong("la clé primaire (primaryKey) manque", None, "primaryKey")
        label = descriptor.get("libelle")
        if label is not None and label not in names:
            self.wrong(f"« libelle » nomme un champ inconnu : {label}", None, "libelle")
        if self.findings:
            return None, self.findings
        title, description = (str(descriptor.get(key) or self.name) for key in ("title", "description"))
        return TableSchema(self.name, title, description, tuple(fields), primary, tuple(keys), label), []

    def names_in(self, value: object, names: list[str], word: str) -> tuple[str, ...]:
        listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        for unknown in [name for name in listed if name not in names]:
            self.wrong(f"{word} nomme un champ inconnu : {unknown}", str(unknown), word)
        return tuple(name for name in listed if name in names)

    def foreign_keys(self, value: object, names: list[str]) -> list[ForeignKey]:
        keys = []
        for entry in value if isinstance(value, list) else []:
            entry = entry if isinstance(entry, dict) else {}
            reference = entry["reference"] if isinstance(entry.get("reference"), dict) else {}
            target, resource = reference.get("fields"), reference.get("resource")
            own = self.names_in(entry.get("fields"), names, "foreignKeys")
            target = target[0] if isinstance(target, list) and len(target) == 1 else target
            if len(own) != 1 or not isinstance(target, str) or not isinstance(resource, str):
                self.wrong("chaque clé étrangère relie un champ à la clé d'une table", None, "foreignKeys")
                continue
            keys.append(ForeignKey(own[0], resource, target))
        return keys

    def field(self, value: object) -> Field | None:
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            self.wrong("chaque champ doit porter un nom (name)", None, "fields")
            return None
        name, type_ = value["name"], value.get("type", "string")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            self.wrong("un nom de champ s'écrit en minuscules sans accent, avec des tirets bas", name)
        if str(type_) not in _TYPES:
            self.wrong(f"type inconnu : {type_} (connus : {', '.join(sorted(_TYPES))})", name)
            return None
        unit = value.get("unite")
        if type_ == "number" and unit != "EUR":
            self.wrong('un champ « number » est un montant et doit porter "unite": "EUR"', name)
        elif unit is not None and (type_, unit) not in _UNITS:
            self.wrong(f'unité inconnue pour un champ « {type_} » : {unit} (connues : "%" pour « integer »)', name)
        elif type_ != "string" and ("noms_de" in value or "totaux" in value):
            self.wrong("« noms_de » et « totaux » vont avec un champ « string »", name)
        for unknown in sorted(set(value) - _FIELD_KEYS):
            self.wrong(f"propriété inconnue : {unknown}", name)
        limits = value.get("constraints", {})
        if not isinstance(limits, dict):
            self.wrong("« constraints » doit être un objet", name)
            limits = {}
        for unknown in sorted(set(limits) - _CONSTRAINTS):
            self.wrong(f"contrainte inconnue : {unknown}", name)
        excel = value["excel"] if isinstance(value.get("excel"), dict) else {}
        kind: Kind = _UNITS.get((type_, str(unit)), "money" if type_ == "number" else type_)
        dated = kind == "date"
        low, high = (None, None) if dated else (self.number(limits, key, name) for key in ("minimum", "maximum"))
        if kind == "percent":
            low, high = _PERCENTS[0] if low is None else low, _PERCENTS[1] if high is None else high
        return Field(
            name, kind, title=str(value.get("title") or name), description=str(value.get("description") or ""),
            example=None if value.get("example") is None else str(value["example"]),
            prompt=excel.get("invite"), width=self.number(excel, "largeur", name) or DEFAULT_WIDTH,
            required=limits.get("required") is True, unique=limits.get("unique") is True,
            pattern=self.pattern(limits.get("pattern"), name),
            enum=self.enum(limits.get("enum", []), name, kind), minimum=low, maximum=high,
            earliest=self.day(limits, "minimum", name) if dated else None,
            latest=self.day(limits, "maximum", name) if dated else None,
            min_length=self.count(limits, "minLength", name),
            max_length=self.count(limits, "maxLength", name),
            email=value.get("format") == "email", one_line=excel.get("une_ligne") is True,
            choices=self.choices(excel.get("liste"), name), is_recent=excel.get("recente") is True,
            names_of=self.names_of(value.get("noms_de"), name), is_split=value.get("totaux") is True,
            is_technical=excel.get("technique") is True,
        )  # fmt: skip

    def names_of(self, table: object, name: str) -> str | None:
        if table is None or isinstance(table, str):
            return table
        self.wrong(f"« noms_de » doit nommer une table, trouvé : {table!r}", name)
        return None

    def choices(self, listed: object, name: str) -> str | None:
        if listed is not None and listed not in CHOICES:
            self.wrong(f"« liste » inconnue : {listed} (connues : {', '.join(CHOICES)})", name)
        return next((choice for choice in CHOICES if choice == listed), None)

    def pattern(self, pattern: str | None, name: str) -> str | None:
        try:
            if pattern is not None:
                re.compile(pattern)
        except (re.error, TypeError) as error:  # whatever the JSON has there
            self.wrong(f"expression régulière fausse : {pattern} ({error})", name)
            return None
        return pattern

    def enum(self, enum: object, name: str, kind: Kind) -> tuple[str, ...]:
        words = [word for word in enum if isinstance(word, str)] if isinstance(enum, list) else []
        if words != enum or (words and kind != "string"):
            self.wrong("« enum » doit être une liste de textes, sur un champ « string »", name)
            return ()
        return tuple(words)

    def number(self, limits: Mapping[str, object], key: str, name: str) -> float | None:
        value = limits.get(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self.wrong(f"« {key} » doit être un nombre, trouvé : {value!r}", name)
        return None

    def day(self, limits: Mapping[str, object], key: str, name: str) -> date | None:
        value = limits.get(key)
        try:
            return None if value is None else date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            self.wrong(f"« {key} » doit être une date comme 2016-12-31, trouvé : {value!r}", name)
            return None

    def count(self, limits: Mapping[str, object], key: str, name: str) -> int | None:
        value = self.number(limits, key, name)
        return None if value is None else int(value)
