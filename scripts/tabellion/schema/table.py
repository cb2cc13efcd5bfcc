"""Table Schemas read from JSON: the single declaration of every table (https://specs.frictionlessdata.io/table-schema/).

Three properties are the house's own, and are ignored by other readers of the standard: a field's ``unite`` (``"EUR"``
on a number: an amount, integer cents in memory; ``"%"`` on an integer: a percentage, 0 to 100) and ``excel`` (column
width, input prompt), and a schema's ``libelle`` (the field that people see in place of the primary key).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.schema.names import TABLES
from tabellion.wording import french_date, system_reason

if TYPE_CHECKING:
    from tabellion.schema.forms import TableSpec

Key = tuple[Any, ...]
"""The values of a row's primary key, in the schema's order."""

Kind = Literal["string", "integer", "money", "percent", "date", "boolean"]

#: Words that stand for true and for false in a register and in a workbook, the first of each being the one written.
TRUE_WORD, FALSE_WORD = "oui", "non"

#: The lists that a workbook makes by itself, and that a field may offer by name.
CHOICES = ("exercices",)

_TYPES = {"string", "integer", "number", "boolean", "date"}
#: The kinds that a type and its ``unite`` declare together.
_UNITS: Mapping[tuple[str, str], Kind] = {("number", "EUR"): "money", ("integer", "%"): "percent"}
#: A percentage is a whole number of hundredths, between these bounds unless its schema has narrower ones.
_PERCENTS = (0, 100)
_FIELD_KEYS = {
    "name", "type", "title", "description", "example", "format", "constraints", "excel", "unite",
    "trueValues", "falseValues",
}  # fmt: skip
_CONSTRAINTS = {"required", "unique", "pattern", "enum", "minimum", "maximum", "minLength", "maxLength"}
_DEFAULT_WIDTH = 14


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table: its name, its kind, what people read of it, and its constraints.

    ``minimum`` and ``maximum`` are in the unit of the declaration (euros for amounts); ``earliest`` and ``latest`` are
    those of a date. ``width`` is in characters, as Excel counts them; a ``one_line`` text is not wrapped in its cell.
    ``choices`` names a list of the workbook that the field offers (``exercices``), where neither an ``enum`` nor a
    foreign key does.
    """

    name: str
    kind: Kind
    title: str
    description: str
    example: str | None = None
    prompt: str | None = None
    width: float = _DEFAULT_WIDTH
    required: bool = False
    unique: bool = False
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    earliest: date | None = None
    latest: date | None = None
    min_length: int | None = None
    max_length: int | None = None
    email: bool = False
    one_line: bool = False
    choices: str | None = None

    @property
    def anchored_pattern(self) -> str | None:
        """The pattern as a whole-value regular expression: the standard means it so, ``re`` does not by itself.

        It ends in ``\\Z``, because ``$`` would let a final newline through.
        """
        return None if self.pattern is None else rf"^(?:{self.pattern})\Z"

    @property
    def expected(self) -> str:
        """What a value of this field must be, in French, for messages and prompts."""
        if self.enum:
            return "une valeur de la liste : " + ", ".join(self.enum)
        low, high = self.minimum, self.maximum
        bounds = (
            f" entre {low:g} et {high:g}"
            if low is not None and high is not None
            else f" d'au moins {low:g}"
            if low is not None
            else f" d'au plus {high:g}"
            if high is not None
            else ""
        )
        if self.kind == "money":
            return f"un montant en euros{bounds}, en chiffres"
        if self.kind == "integer":
            return f"un nombre entier{bounds}"
        if self.kind == "percent":
            return f"un pourcentage entier{bounds}"
        if self.kind == "date":
            return f"une date, comme 31/12/2016{self._date_bounds}"
        if self.kind == "boolean":
            return f"{TRUE_WORD} ou {FALSE_WORD}"
        parts = ["une adresse de courriel" if self.email else "un texte"]
        if self.pattern is not None:
            parts.append(f"de la forme « {self.example} »" if self.example else f"de la forme {self.pattern}")
        if self.min_length is not None:
            parts.append(f"d'au moins {self.min_length} caractères")
        if self.max_length is not None:
            parts.append(f"de {self.max_length} caractères au plus")
        return " ".join(parts)

    @property
    def _date_bounds(self) -> str:
        low, high = self.earliest, self.latest
        if low is not None and high is not None:
            return f", entre le {french_date(low)} et le {french_date(high)}"
        if low is not None:
            return f", à partir du {french_date(low)}"
        return f", jusqu'au {french_date(high)}" if high is not None else ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A field whose values are the primary key of another table."""

    field: str
    table: str
    reference: str


@dataclass(frozen=True)
class TableSchema:
    """A table: its fields in order, its keys, and the field people read in place of the key (``label``)."""

    name: str
    title: str
    description: str
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    label: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def foreign(self) -> Mapping[str, ForeignKey]:
        """The foreign keys by the name of their field."""
        return {key.field: key for key in self.foreign_keys}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, in order."""
        return tuple(field.name for field in self.fields)

    def is_optional(self, name: str) -> bool:
        """Whether a table can do without a field: it may be blank, and no row is found by it."""
        field = self.by_name[name]
        return not (field.required or field.unique or name in self.primary_key)

    @property
    def shown_key(self) -> str:
        """The field that a drop-down of this table lists: its label, or else its primary key."""
        return self.label or self.primary_key[0]


class Schemas(dict[str, TableSchema]):
    """Every table's schema by name, in the order of :data:`TABLES`, and the forms made of their fields."""

    forms: tuple[TableSpec, ...] = ()


def load_schemas(folder: Path, *, optional: Collection[str] = ()) -> Schemas:
    """Read the schemas of all :data:`TABLES` from ``folder/*.json``; those of ``optional`` may be missing.

    Raises :class:`TabellionError` with one finding per mistake, of all files at once.
    """
    schemas, findings = Schemas(), list[Finding]()
    for name in TABLES:
        path = folder / f"{name}.json"
        if name in optional and not path.exists():
            continue
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
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None, [finding("schema-absent", Place(str(path)), valeur=path.name)]
    except (OSError, UnicodeDecodeError) as error:
        return None, [finding("schema-illisible", Place(str(path)), detail=_reason(error))]
    try:
        descriptor = json.loads(text)
    except json.JSONDecodeError as error:
        place = Place(str(path), ligne=error.lineno)
        return None, [finding("schema-illisible", place, detail=f"JSON mal formé en colonne {error.colno}")]
    except RecursionError:
        return None, [finding("schema-illisible", Place(str(path)), detail="JSON imbriqué sur trop de niveaux")]
    return _Reader(path, text, path.stem).schema(descriptor)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return "le fichier n'est pas en UTF-8" if isinstance(error, UnicodeDecodeError) else system_reason(error)


def _reference_mistakes(schema: TableSchema, schemas: Schemas, folder: Path) -> list[Finding]:
    """Foreign keys must lead to the single primary key of a declared table (DESIGN.md §4)."""
    place = Place(str(folder / f"{schema.name}.json"))
    return [
        finding(
            "schema-faux",
            place,
            champ=key.field,
            detail=f"la clé étrangère vers {key.table}.{key.reference} ne mène à rien",
        )
        for key in schema.foreign_keys
        if key.table not in schemas or schemas[key.table].primary_key != (key.reference,)
    ]


class _Reader:
    """Reads one descriptor and keeps every mistake it meets, each with the line where its word first stands."""

    def __init__(self, path: Path, text: str, name: str) -> None:
        self.path, self.name, self.findings = path, name, list[Finding]()
        self.lines = text.splitlines()

    def wrong(self, detail: str, champ: str | None = None, word: str | None = None) -> None:
        needle = f'"{word or champ}"'
        line = next((number for number, line in enumerate(self.lines, 1) if needle in line), None)
        self.findings.append(finding("schema-faux", Place(str(self.path), ligne=line), champ=champ, detail=detail))

    def schema(self, descriptor: Any) -> tuple[TableSchema | None, list[Finding]]:
        if (
            not isinstance(descriptor, dict)
            or not isinstance(descriptor.get("fields"), list)
            or not descriptor["fields"]
        ):
            self.wrong("il faut un objet JSON avec une liste « fields »")
            return None, self.findings
        fields = [field for each in descriptor["fields"] if (field := self.field(each)) is not None]
        declared = [each["name"] for each in descriptor["fields"] if isinstance(each, dict) and "name" in each]
        names = [name for name in declared if isinstance(name, str)]  # unreadable fields too: nothing more about them
        for repeated in sorted({name for name in names if names.count(name) > 1}):
            self.wrong(f"le champ {repeated} est déclaré deux fois", repeated)
        titles = [field.title for field in fields]
        for repeated in sorted({title for title in titles if titles.count(title) > 1}):
            self.wrong(f"deux champs portent le titre « {repeated} »", None, repeated)
        keys = self.foreign_keys(descriptor.get("foreignKeys", []), names)
        primary = self.names_in(descriptor.get("primaryKey"), names, "primaryKey")
        if not primary:
            self.wrong("la clé primaire (primaryKey) manque", None, "primaryKey")
        label = descriptor.get("libelle")
        if label is not None and label not in names:
            self.wrong(f"« libelle » nomme un champ inconnu : {label}", None, "libelle")
        if self.findings:
            return None, self.findings
        text = {key: str(descriptor.get(key) or self.name) for key in ("title", "description")}
        return TableSchema(
            self.name, text["title"], text["description"], tuple(fields), primary, tuple(keys), label
        ), []

    def names_in(self, value: Any, names: list[str], word: str) -> tuple[str, ...]:
        listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        for unknown in [name for name in listed if name not in names]:
            self.wrong(f"{word} nomme un champ inconnu : {unknown}", str(unknown), word)
        return tuple(name for name in listed if name in names)

    def foreign_keys(self, value: Any, names: list[str]) -> list[ForeignKey]:
        keys = []
        for each in value if isinstance(value, list) else []:
            reference = each.get("reference", {}) if isinstance(each, dict) else {}
            target = reference.get("fields") if isinstance(reference, dict) else None
            own = self.names_in(each.get("fields") if isinstance(each, dict) else None, names, "foreignKeys")
            target = target[0] if isinstance(target, list) and len(target) == 1 else target
            if len(own) != 1 or not isinstance(target, str) or not isinstance(reference.get("resource"), str):
                self.wrong("chaque clé étrangère relie un champ à la clé d'une table", None, "foreignKeys")
                continue
            keys.append(ForeignKey(own[0], reference["resource"], target))
        return keys

    def field(self, value: Any) -> Field | None:
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
        for unknown in sorted(set(value) - _FIELD_KEYS):
            self.wrong(f"propriété inconnue : {unknown}", name)
        limits = value.get("constraints", {})
        if not isinstance(limits, dict):
            self.wrong("« constraints » doit être un objet", name)
            limits = {}
        for unknown in sorted(set(limits) - _CONSTRAINTS):
            self.wrong(f"contrainte inconnue : {unknown}", name)
        excel = value.get("excel", {})
        kind: Kind = _UNITS.get((type_, str(unit)), "money" if type_ == "number" else type_)
        dated = kind == "date"
        low, high = (None, None) if dated else (self.number(limits, key, name) for key in ("minimum", "maximum"))
        if kind == "percent":
            low, high = _PERCENTS[0] if low is None else low, _PERCENTS[1] if high is None else high
        return Field(
            name=name,
            kind=kind,
            title=str(value.get("title") or name),
            description=str(value.get("description") or ""),
            example=None if value.get("example") is None else str(value["example"]),
            prompt=excel.get("invite") if isinstance(excel, dict) else None,
            width=self.number(excel if isinstance(excel, dict) else {}, "largeur", name) or _DEFAULT_WIDTH,
            required=limits.get("required") is True,
            unique=limits.get("unique") is True,
            pattern=self.pattern(limits, name),
            enum=self.enum(limits, name, kind),
            minimum=low,
            maximum=high,
            earliest=self.day(limits, "minimum", name) if dated else None,
            latest=self.day(limits, "maximum", name) if dated else None,
            min_length=self.count(limits, "minLength", name),
            max_length=self.count(limits, "maxLength", name),
            email=value.get("format") == "email",
            one_line=isinstance(excel, dict) and excel.get("une_ligne") is True,
            choices=self.choices(excel, name),
        )

    def choices(self, excel: Any, name: str) -> str | None:
        found = excel.get("liste") if isinstance(excel, dict) else None
        if found is not None and found not in CHOICES:
            self.wrong(f"« liste » inconnue : {found} (connues : {', '.join(CHOICES)})", name)
        return found if found in CHOICES else None

    def pattern(self, limits: dict[str, Any], name: str) -> str | None:
        pattern = limits.get("pattern")
        if pattern is None:
            return None
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            self.wrong(f"expression régulière fausse : {pattern} ({error})", name)
            return None
        return str(pattern)

    def enum(self, limits: dict[str, Any], name: str, kind: Kind) -> tuple[str, ...]:
        enum = limits.get("enum", [])
        if not isinstance(enum, list) or not all(isinstance(each, str) for each in enum) or (enum and kind != "string"):
            self.wrong("« enum » doit être une liste de textes, sur un champ « string »", name)
            return ()
        return tuple(enum)

    def number(self, limits: dict[str, Any], key: str, name: str) -> float | None:
        value = limits.get(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self.wrong(f"« {key} » doit être un nombre, trouvé : {value!r}", name)
        return None

    def day(self, limits: dict[str, Any], key: str, name: str) -> date | None:
        value = limits.get(key)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.wrong(f"« {key} » doit être une date comme 2016-12-31, trouvé : {value!r}", name)
            return None

    def count(self, limits: dict[str, Any], key: str, name: str) -> int | None:
        value = self.number(limits, key, name)
        return None if value is None else int(value)
