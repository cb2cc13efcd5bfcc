"""The tables of the forms, read from ``templates/formulaires.toml``; every mistake said at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tabellion.findings import TabellionError
from tabellion.layout.mistakes import dotted, layout_mistake, near_miss, read_model
from tabellion.layout.names import SHEET_NAME_LENGTH
from tabellion.schema import FUNDING_TABLES, Schemas, TableSchema
from tabellion.schema.forms import SOURCES, STATE_TITLE, ColumnSpec, Requirement, Role, TableSpec
from tabellion.schema.table import Kind
from tabellion.wording import nearest

FORMS_FILE = "formulaires.toml"
#: What a column may show that is no field, by its name in the file: the name that forms keep it under, its kind, and
#: the tables whose rows have it.
VALUES: Mapping[str, tuple[str, Kind, tuple[str, ...]]] = {
    "dernier_exercice": ("last_year", "integer", ("lignes_budgetaires", "financements")),
    "dernier_montant": ("last_amount", "money", ("lignes_budgetaires", "financements")),
    "dernier_etat": ("last_status", "string", ("financements",)),
    "dernier_texte": ("last_text", "string", ("financements",)),
    "dernier_avancement": ("last_progress", "string", ("suivis",)),
    "ecart": ("difference", "money", ("lignes_budgetaires", "financements")),
    "role": ("role", "string", ("suivis",)),
    "bilan_du_plan": ("gap", "money", FUNDING_TABLES),
}
#: Those that are computed beside what is typed.
_COMPUTED = ("bilan_du_plan", "ecart")
_ROLES = ", ".join(f"« {role.value} »" for role in Role)
_Width = Annotated[float, Field(gt=0, le=255, description="un nombre de caractères entre 1 et 255")]
_SheetName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=SHEET_NAME_LENGTH,
        pattern=r"^[^\[\]:*?/\\']+$",
        description=f"un nom de feuille de {SHEET_NAME_LENGTH} caractères au plus, sans : * ? / \\ [ ] ni apostrophe",
    ),
]
#: Its length stands apart: counted in the pattern, making it ready takes longer than reading all of the file.
_TableName = Annotated[
    str,
    Field(
        min_length=4,
        max_length=201,
        pattern=r"^[A-Za-z]\w+$",
        description="un nom de tableau d'Excel, comme Formulaire_budget",
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True, defer_build=True)


class _ColumnKeys(_Strict):
    role: Annotated[Role, Field(strict=False, description=f"l'un de ces rôles : {_ROLES}")]
    field: str | None = Field(None, alias="champ")
    value: str | None = Field(None, alias="valeur")
    title: str | None = Field(None, alias="titre", min_length=1)
    width: _Width | None = Field(None, alias="largeur")
    spare: bool = Field(False, alias="nouvelle_ligne")
    asked: bool = Field(False, alias="demande")
    carried: bool = Field(False, alias="repris")
    optional: bool = Field(False, alias="si_declare")


class _RuleKeys(_Strict):
    fields: list[str] = Field(alias="champs", min_length=1)
    enough: list[str] = Field(default_factory=list, alias="parmi")
    unless: str | None = Field(None, alias="sauf")
    condition: str | None = Field(None, alias="si")
    equals: str | None = Field(None, alias="vaut")
    begins: str | None = Field(None, alias="commence_par")
    missing: str = Field(alias="manque", min_length=1)
    #: Of files from before the rule of each cell, which says it now.
    in_numbers: str | None = Field(None, alias="en_chiffres")

    def requirement(self) -> Requirement:
        text = self.equals if self.begins is None else self.begins
        condition = None if self.condition is None or text is None else (self.condition, text)
        fields, enough, is_prefix = tuple(self.fields), tuple(self.enough or self.fields), self.begins is not None
        return Requirement(fields, enough, self.missing, self.unless, condition, is_prefix)


class _TableKeys(_Strict):
    sheet: _SheetName = Field(alias="feuille")
    resource: str = Field(alias="table")
    name: _TableName = Field(alias="tableau")
    purpose: str = Field(alias="consigne")
    source: str = Field(alias="lignes")
    columns: list[_ColumnKeys] = Field(alias="colonnes", min_length=1)
    rules: list[_RuleKeys] = Field(default_factory=list, alias="regles")
    frozen: int = Field(2, alias="figees", ge=0)
    lines: int = Field(1, alias="lignes_de_texte", ge=1, le=20)
    may_stay_blank: bool = Field(False, alias="peut_rester_vide")
    makes_rows: bool = Field(False, alias="cree_des_lignes")


class _File(_Strict):
    tables: list[_TableKeys] = Field(alias="formulaire")


def load_form_tables(path: Path, schemas: Schemas) -> tuple[TableSpec, ...]:
    """Read the tables of the forms; those of plans de financement are left out where ``schemas`` have none.

    Raises :class:`TabellionError` with every mistake of the file.
    """
    file = read_model(path, _File, layout_mistake)
    wanted = [table for table in file.tables if table.resource in schemas or table.resource not in FUNDING_TABLES]
    for table in wanted:
        known = schemas[table.resource].by_name if table.resource in schemas else {}
        table.columns = [column for column in table.columns if not column.optional or column.field in known]
    mistakes = [*_mistakes(file), *(mistake for table in wanted for mistake in _table_mistakes(file, table, schemas))]
    if mistakes:
        raise TabellionError([layout_mistake(path, key, detail) for key, detail in mistakes])
    return tuple(_spec(table, schemas) for table in wanted)


def _mistakes(file: _File) -> Iterator[tuple[str, str]]:
    """Names that two tables share."""
    for key, names in (
        ("feuille", [table.sheet.casefold() for table in file.tables]),
        ("table", [table.resource for table in file.tables]),
        ("tableau", [table.name.casefold() for table in file.tables]),
    ):
        for place, name in enumerate(names):
            if name in names[:place]:
                yield dotted(("formulaire", place, key)), f"« {name} » est déjà pris par un autre formulaire"


def _table_mistakes(file: _File, table: _TableKeys, schemas: Schemas) -> Iterator[tuple[str, str]]:
    """What does not agree with the schemas, or inside the table itself."""
    place = file.tables.index(table)

    def at(*parts: int | str) -> str:
        return dotted(("formulaire", place, *parts))

    if table.resource not in schemas:
        yield at("table"), f"cette table n'existe pas{near_miss(nearest(table.resource, schemas))}"
        return
    if SOURCES.get(table.source) != table.resource:
        known = next((words for words, resource in SOURCES.items() if resource == table.resource), None)
        yield at("lignes"), f"il faut « {known} »" if known else "aucun formulaire ne porte sur cette table"
    schema = schemas[table.resource]
    for number, column in enumerate(table.columns):
        for key, detail in _column_mistakes(column, schema, schemas):
            yield at("colonnes", number, key), detail
    for role in (Role.STATE, Role.KEY):
        count = sum(column.role is role for column in table.columns)
        if count != 1:
            yield at("colonnes"), f"il faut une colonne « {role.value} », et une seule ; trouvé : {count}"
    fields = Counter(column.field for column in table.columns if column.field is not None)
    titles = Counter(_title(column, schema) for column in table.columns)
    yield from ((at("colonnes"), f"le champ {name} y est deux fois") for name, count in fields.items() if count > 1)
    for title, count in titles.items():
        if count > 1:
            yield at("colonnes"), f"deux colonnes portent le titre « {title} »"
    for number, rule in enumerate(table.rules):
        named = [("champs", name) for name in rule.fields] + [("parmi", name) for name in rule.enough]
        named += [(key, name) for key, name in (("sauf", rule.unless), ("si", rule.condition)) if name is not None]
        for key, name in named:
            if name not in fields:
                yield at("regles", number, key), f"aucune colonne ne montre {name}{near_miss(nearest(name, fields))}"
        if (rule.condition is None) != (rule.equals is None and rule.begins is None):
            yield at("regles", number, "si"), "« si » va avec « vaut » ou « commence_par »"


def _column_mistakes(column: _ColumnKeys, schema: TableSchema, schemas: Schemas) -> Iterator[tuple[str, str]]:
    if column.field is not None and column.field not in schema.by_name:
        yield "champ", f"champ inconnu : {column.field}{near_miss(nearest(column.field, schema.names))}"
    if column.field is not None and column.value is not None:
        yield "valeur", "une colonne a un champ ou une valeur, pas les deux"
    known = [value for value, (_, _, tables) in VALUES.items() if schema.name in tables]
    if column.value is not None and column.value not in known and _linked(column.value, schema, schemas) is None:
        yield "valeur", f"valeur inconnue ici : {column.value}{near_miss(nearest(column.value, known))}"
    if column.role is Role.TYPED and column.field is None:
        yield "champ", "une colonne à remplir porte sur un champ"
    if column.carried and column.role is not Role.TYPED:
        yield "repris", "une colonne reprise est à remplir"
    if (column.role is Role.COMPUTED) != (column.value in _COMPUTED):
        yield "valeur", f"une colonne calculée montre {' ou '.join(f'« {name} »' for name in _COMPUTED)}, elle seule"
    if column.role is Role.SHOWN and column.field is None and column.value is None:
        yield "champ", "il faut un champ ou une valeur"
    if column.value is not None and column.title is None:
        yield "titre", "il faut un titre"


def _title(column: _ColumnKeys, schema: TableSchema) -> str:
    if column.title is not None or column.role is Role.STATE:
        return column.title or STATE_TITLE
    field = schema.by_name.get(column.field or "")
    return column.field or column.role.value if field is None else field.title


def _linked(value: str, schema: TableSchema, schemas: Schemas) -> tuple[str, str] | None:
    """The foreign key, and the field of the row that it leads to, that ``fiche_id.objectif`` names."""
    key, _, field = value.partition(".")
    linked = schema.foreign.get(key)
    return (key, field) if linked is not None and field in schemas[linked.table].by_name else None


def _spec(table: _TableKeys, schemas: Schemas) -> TableSpec:
    schema = schemas[table.resource]
    columns = tuple(_column_spec(column, schema, schemas) for column in table.columns)
    requirements = tuple(rule.requirement() for rule in table.rules)
    return TableSpec(columns=columns, requirements=requirements, **table.model_dump(exclude={"columns", "rules"}))


def _column_spec(column: _ColumnKeys, schema: TableSchema, schemas: Schemas) -> ColumnSpec:
    name = column.field or ("state" if column.role is Role.STATE else "key")
    kind: Kind = "string"
    linked = None
    title = STATE_TITLE if column.role is Role.STATE else column.title
    if column.value is not None and column.value in VALUES:
        name, kind, _ = VALUES[column.value]
    elif column.value is not None:
        linked = _linked(column.value, schema, schemas)
        name = column.value.rpartition(".")[2]
    return ColumnSpec(
        name, column.role, column.field, title, column.width, column.spare, column.asked, linked, kind, column.carried
    )
