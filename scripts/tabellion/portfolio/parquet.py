"""The rows of a contract as Parquet: one file for each table, and for each exercice where its rows are of one.

Every file of a table has the same columns, whatever contract it is of, since readers take those of the first file for
all: a contract's own columns are blank in the others, and a field that contracts declare of different kinds is text in
all of them. Amounts are euros with two decimals (``decimal(18, 2)``): exact in DuckDB, in Power BI and in pandas.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from tabellion.campaign.model import Consolidation
from tabellion.contract.book import Book
from tabellion.findings import CATALOGUE, Finding, Place
from tabellion.portfolio.rows import DATASET_TABLES, DATED_TABLES, PortfolioRow
from tabellion.portfolio.state import categories, kept_fields, pilier_names
from tabellion.schema.tables import Row

#: The folders of the dataset that are of no table of the register: findings, the contracts themselves, comparisons.
FINDINGS, CONTRACTS, COMPARISONS = "constats", "contrats", "comparaisons"
#: What the folders of contracts and exercices begin with, as Hive names partitions. Rows of no exercice are in that of
#: 0: Hive's own name for it is one that pandas refuses where a table has no other.
_CONTRACT, _YEAR, _NO_YEAR = "contrat=", "exercice=", 0
EXERCICE = "exercice"
#: Columns of every row: before its fields, whose contract it is, its position in the contract's table, its exercice
#: (for what does not read the names of folders); after them, where it stands.
_BEFORE, _PLACE = ("contrat_id", "rang", "annee"), ("fichier", "feuille", "cellule", "ligne_fichier")
#: What follows the name of an amount in the column that names its own cell.
_CELL = "_cellule"
_REFERENCE = re.compile(
    r"\[(?P<fichier>[^\]]*)\](?:(?P<feuille>.*)!(?P<cellule>[A-Z]+[0-9]+)|ligne (?P<ligne>[0-9]+))?", re.S
)

Kinds = Mapping[str, str]
"""The kinds of the columns of a table, by name and in their order: those of fields, and ``text`` (``text of money``)
for what contracts declare of different kinds."""

ColumnLists = dict[str, list[Any]]
"""Columns of plain values by name, amounts as decimal euros."""

_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "text": pa.string(),
    "text of money": pa.string(),
    "integer": pa.int64(),
    "percent": pa.int64(),
    "money": pa.decimal128(18, 2),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
_OWN: Mapping[str, str] = {
    "contrat_id": "string", "rang": "integer", "annee": "integer",
    "fichier": "string", "feuille": "string", "cellule": "string", "ligne_fichier": "integer",
}  # fmt: skip
#: What a row says of what it refers to, so that nobody has to join tables to read it: the columns by table.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "conventions": ("pilier",),
    "fiches": ("pilier", "convention"),
    "financements": ("pilier", "convention", "financeur", "financeur_categorie"),
    "lignes_budgetaires": ("pilier", "convention", "collectivite", "collectivite_categorie"),
}
#: The kinds of what findings say, besides their place.
FINDING_KINDS: Mapping[str, str] = dict.fromkeys(
    ("code", "titre", "gravite", "bloquant", "champ", "valeur", "attendu", "message", "suggestion"), "string"
) | {"bloquant": "boolean"}


@dataclass(frozen=True, slots=True)
class DatasetPart:
    """One file of the dataset: its path in it, its bytes as Parquet, and the table of the register that it is of."""

    path: str
    table: str
    content: bytes


def contract_folder(identifiant: str) -> str:
    """The name of the folder of a contract, in the folder of each table: ``contrat=nimes-2030``."""
    return _CONTRACT + quote(identifiant, safe="")


def contract_parts(consolidation: Consolidation, findings: Sequence[Finding]) -> Iterator[DatasetPart]:
    """The files of one contract, with the columns that it has itself; tables without rows have none."""
    contract = consolidation.contract
    for name in DATASET_TABLES:
        if name in contract.tables and len(contract.tables[name]):
            columns = _columns(consolidation, name)
            yield from _parts(name, contract.settings.identifiant, columns, own_kinds(contract, name))
    if findings:
        columns = finding_columns(contract.settings.identifiant, findings)
        yield from _parts(FINDINGS, contract.settings.identifiant, columns, dataset_kinds(FINDINGS, FINDING_KINDS))


def own_kinds(contract: Book, table: str) -> Kinds:
    """The kinds of the columns of a contract's table, in their order."""
    return dataset_kinds(table, {field.name: field.kind for field in kept_fields(contract.tables[table].schema.fields)})


def dataset_kinds(table: str, fields: Kinds) -> Kinds:
    """The kinds of all columns of a table of the dataset, whose fields these are."""
    kinds = {name: _OWN[name] for name in _BEFORE}
    kinds |= {name: kind for name, kind in fields.items() if name != EXERCICE or table not in DATED_TABLES}
    kinds |= {name: "string" for name in _WORDS.get(table, ()) if name not in kinds}
    kinds |= {name: _OWN[name] for name in _PLACE}
    return kinds | {f"{name}{_CELL}": "string" for name, kind in fields.items() if kind.endswith("money")}


def common_kinds(contracts: Iterable[Mapping[str, Kinds]]) -> tuple[dict[str, Kinds], dict[tuple[str, str], set[str]]]:
    """The kinds of the fields of every table over all contracts, whatever their order; and those fields, by table and
    name, that contracts declare of different kinds, with these: they are text.

    A field stands where the contract that has it first has it; fields that nobody puts before one another, by name.
    """
    ranks: dict[str, dict[str, int]] = {}
    kinds_of: dict[tuple[str, str], set[str]] = {}
    for tables in contracts:
        for table, fields in tables.items():
            for rank, (name, kind) in enumerate(fields.items()):
                known = ranks.setdefault(table, {})
                known[name] = min(rank, known.get(name, rank))
                kinds_of.setdefault((table, name), set()).add(kind)
    misfits = {place: kinds for place, kinds in kinds_of.items() if len({_TYPES[kind] for kind in kinds}) > 1}
    common: dict[str, Kinds] = {}
    for table, known in ranks.items():
        order = sorted((rank, name) for name, rank in known.items())
        common[table] = {
            name: min(kinds_of[table, name]) if (table, name) not in misfits else _text_kind(kinds_of[table, name])
            for _, name in order
        }
    return common, misfits


def _text_kind(kinds: Collection[str]) -> str:
    return "text of money" if "money" in kinds else "text"


def fitted(content: bytes, kinds: Kinds) -> bytes:
    """A file of the dataset with other columns: those of ``kinds``, blank where it has none, cast where it has another.

    What a file was made of, and that was cast to text, is cast back: the bytes depend on rows and ``kinds`` alone.
    """
    table = pq.ParquetFile(io.BytesIO(content)).read()
    schema = _schema(kinds)
    if table.schema.equals(schema):
        return content
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return _bytes(pa.table(columns, schema=schema))


def read_rows(
    contents: Iterable[bytes], table: str, keys: Sequence[str], fields: Sequence[str], contract: str
) -> list[PortfolioRow]:
    """The rows of one contract's table, from all its files, in the contract's order; ``keys`` are its primary key."""
    rows: list[tuple[int, PortfolioRow]] = []
    for content in contents:
        file = pq.ParquetFile(io.BytesIO(content))
        columns = set(file.schema_arrow.names)
        wanted = {*keys, *fields, "annee"}
        cells = {f"{name}{_CELL}" for name in fields}
        names = sorted((wanted | cells | {"rang", *_PLACE}) & columns)
        read = file.read(columns=names).to_pylist()
        rows += ((values["rang"], _row(values, table, keys, fields, contract)) for values in read)
    rows.sort(key=lambda row: row[0])
    return [row for _, row in rows]


def _row(values: dict[str, Any], table: str, keys: Sequence[str], fields: Sequence[str], contract: str) -> PortfolioRow:
    plain: dict[str, Any] = {
        name: int(value * 100) if isinstance(value, Decimal) else value for name, value in values.items()
    }
    if table in DATED_TABLES:
        plain[EXERCICE] = plain.get("annee")
    place = Place(f"{contract}/{plain['fichier']}", plain["feuille"], plain["cellule"], plain["ligne_fichier"])
    cells = {name: plain.get(f"{name}{_CELL}") for name in fields}
    places = {name: place_of(cell, contract) for name, cell in cells.items() if cell is not None}
    asked = {name: plain[name] for name in fields if name in plain}
    return PortfolioRow(contract, table, tuple(plain.get(name) for name in keys), asked, place, places)


def reference_of(place: Place) -> str:
    """A place in one text, as Excel writes a reference to another workbook: ``[retours/ville.xlsx]Budget!E7``."""
    if place.cellule:
        return f"[{place.fichier}]{place.feuille}!{place.cellule}"
    return f"[{place.fichier}]" + (f"ligne {place.ligne}" if place.ligne is not None else "")


def place_of(reference: str, contract: str = "") -> Place:
    """The place that :func:`reference_of` wrote; its file under the name of its ``contract``, where one is given."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return Place(contract or None)
    fichier = f"{contract}/{match['fichier']}" if contract else match["fichier"]
    return Place(fichier, match["feuille"], match["cellule"], int(match["ligne"]) if match["ligne"] else None)


def written(rows: Mapping[str, Sequence[object]], kinds: Kinds) -> bytes:
    """One file of the dataset, of columns of plain values."""
    return _bytes(pa.table([pa.array(rows[name], _TYPES[kind]) for name, kind in kinds.items()], schema=_schema(kinds)))


def _columns(consolidation: Consolidation, name: str) -> ColumnLists:
    """The columns of a contract's table, as the dataset has them."""
    contract = consolidation.contract
    table = contract.tables[name]
    length = range(len(table))
    places = [consolidation.row_places[name][position] for position in length]
    columns: ColumnLists = {
        "contrat_id": [contract.settings.identifiant] * len(table),
        "rang": list(length),
        "annee": list(
            table.columns.get(EXERCICE, [None] * len(table)) if name in DATED_TABLES else [None] * len(table)
        ),
        **_place_columns(places),
    }
    for field in kept_fields(table.schema.fields):
        values = table.column(field.name)
        columns[field.name] = [_euros(cents) for cents in values] if field.kind == "money" else list(values)
        if field.kind == "money":
            columns[f"{field.name}{_CELL}"] = [
                reference_of(consolidation.place(name, position, field.name)) for position in length
            ]
    words = _words(contract, name, table.rows)
    return {**words, **columns}


def _words(contract: Book, name: str, rows: Sequence[Row]) -> dict[str, list[str | None]]:
    """What the rows of a table say of what they refer to, in words."""
    wanted = _WORDS.get(name, ())
    if not wanted:
        return {}
    piliers = pilier_names(contract)
    conventions = {number: titles[0] for number, titles in contract.convention_titles.items()}
    fiches = {row["fiche_id"]: row["convention_id"] for row in contract.tables["fiches"].rows}
    funders, towns = contract.labels("financeurs"), contract.town_labels
    numbers = [row["convention_id"] if name != "financements" else fiches.get(row["fiche_id"]) for row in rows]
    kinds = {table: categories(contract, table, key) for table, key in _KINDS.items()}
    words: dict[str, list[str | None]] = {
        "pilier": [piliers.get(number) for number in numbers],
        "convention": [conventions.get(number) if number is not None else None for number in numbers],
        "financeur": [funders.get(row.get("financeur_id")) for row in rows],
        "financeur_categorie": [kinds["financeurs"].get(row.get("financeur_id")) for row in rows],
        "collectivite": [towns.get(row.get("collectivite_id")) for row in rows],
        "collectivite_categorie": [kinds["collectivites"].get(row.get("collectivite_id")) for row in rows],
    }
    return {column: words[column] for column in wanted}


_KINDS = {"financeurs": "financeur_id", "collectivites": "collectivite_id"}


def finding_columns(identifiant: str, findings: Sequence[Finding]) -> ColumnLists:
    """The columns of findings of a contract."""

    def text(value: object) -> str | None:
        return None if value is None else str(value)

    return {
        "contrat_id": [identifiant] * len(findings),
        "rang": list(range(len(findings))),
        "annee": [None] * len(findings),
        **_place_columns([item.place for item in findings]),
        "code": [item.code for item in findings],
        "titre": [CATALOGUE[item.code].titre for item in findings],
        "gravite": [item.gravite.label for item in findings],
        "bloquant": [item.bloquant for item in findings],
        "champ": [item.champ for item in findings],
        "valeur": [text(item.valeur) for item in findings],
        "attendu": [text(item.attendu) for item in findings],
        "message": [item.message for item in findings],
        "suggestion": [item.suggestion for item in findings],
    }


def _place_columns(places: Sequence[Place]) -> ColumnLists:
    values = [(place.fichier, place.feuille, place.cellule, place.ligne) for place in places]
    return {name: [place[rank] for place in values] for rank, name in enumerate(_PLACE)}


def _parts(table: str, identifiant: str, columns: ColumnLists, kinds: Kinds) -> Iterator[DatasetPart]:
    """The files of a table: one for each exercice where its rows are of one."""
    folder = f"{DATASET_TABLES.get(table, table)}/{contract_folder(identifiant)}"
    years = columns["annee"]
    groups: dict[int | None, list[int]] = {}
    for position, year in enumerate(years):
        groups.setdefault(year, []).append(position)
    is_dated = table in DATED_TABLES
    for year, positions in sorted(groups.items(), key=lambda group: (group[0] is None, group[0] or 0)):
        below = f"{folder}/{_YEAR}{_NO_YEAR if year is None else year}" if is_dated else folder
        path = f"{below}/{DATASET_TABLES.get(table, table)}.parquet"
        chosen = {name: [columns[name][position] for position in positions] for name in kinds}
        yield DatasetPart(path, table, written(chosen, kinds))


def _euros(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents).scaleb(-2)


def _schema(kinds: Kinds) -> pa.Schema:
    return _schema_of(tuple(kinds.items()))


@cache
def _schema_of(kinds: tuple[tuple[str, str], ...]) -> pa.Schema:
    return pa.schema([pa.field(name, _TYPES[kind]) for name, kind in kinds])


def _bytes(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()
