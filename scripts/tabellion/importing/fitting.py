"""What was read made to fit: every row found by a key of its own, every reference led to a row.

A workbook opens of any register that has what is structural (:mod:`tabellion.checks.integrity`). What is changed to
have it is said, with what was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from tabellion.checks.contract import integrity_cells
from tabellion.contract.book import NO_THEME, Book
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place, finding
from tabellion.importing.lines import Record
from tabellion.schema import CELL_LENGTH, Schemas, TableSchema
from tabellion.schema.cast import cast_column
from tabellion.schema.csv_text import parse_csv_text, write_csv_text
from tabellion.schema.tables import Tables, table_of
from tabellion.wording import plural, slug

#: A repair may make another one necessary: a convention that is added, a row that is left out.
_PASSES = 8
_CONVENTIONS, _CONVENTION, _YEAR = "conventions", "convention_id", "exercice"
_LINE = "ligne_source"
#: Signs that names may not hold: a criterion of Excel takes them for its own.
_REFUSED = re.compile(r'[*?~<>="\s]+')
_LONGEST, _RANK = 200, len("-9999")
_SHOWN = 80


def fitted(
    rows: Mapping[str, list[Record]], schemas: Schemas, settings: Settings, fichier: str
) -> tuple[dict[str, list[Record]], list[Finding]]:
    """The rows of every table, as a contract can hold them, and what is said of those changed or left out.

    ``settings`` give the exercice of what has none; ``fichier`` is the document, for the places.
    """
    made = {name: [dict.fromkeys(schema.names) | row for row in rows.get(name, [])] for name, schema in schemas.items()}
    fitting = _Fitting(made, schemas, settings, fichier)
    fitting.findings += without_place(rows, schemas, fichier)
    fitting.blank_unreadable()
    for _ in range(_PASSES):
        if not fitting.pass_over():
            break
    return fitting.rows, fitting.findings


def without_place(rows: Mapping[str, list[Record]], schemas: Schemas, fichier: str) -> Iterator[Finding]:
    """What is said of values that this contract has no field for: those of a column that other contracts have."""
    for name, own in rows.items():
        schema = schemas.get(name)
        if schema is None and own:
            first = next(str(value) for value in own[0].values() if value is not None)
            yield finding(
                "champ-sans-place", Place(fichier), champ=name, valeur=plural(len(own), "valeur"), table=name,
                exemple=first[:_SHOWN],
            )  # fmt: skip
        if schema is None:
            continue
        fields = frozenset(schema.names)
        for champ in dict.fromkeys(champ for row in own for champ in row if champ not in fields):
            values = [str(row[champ]) for row in own if row.get(champ) is not None]
            if values:
                yield finding(
                    "champ-sans-place", Place(fichier), champ=champ, valeur=plural(len(values), "valeur"),
                    table=schema.title, exemple=values[0][:_SHOWN],
                )  # fmt: skip


@dataclass
class _Fitting:
    rows: dict[str, list[Record]]
    schemas: Schemas
    settings: Settings
    fichier: str
    findings: list[Finding] = field(default_factory=list)
    tables: Tables = field(default_factory=dict)

    def blank_unreadable(self) -> None:
        """Leave blank what a register cannot say: an amount beyond all amounts, a text of signs that print nothing."""
        for name, schema in self.schemas.items():
            for column in schema.fields:
                plain = [write_csv_text(column, row[column.name]) for row in self.rows[name]]
                read = [parse_csv_text(column, text) if text else None for text in plain]
                for problem in cast_column(column, read).problems:
                    row = self.rows[name][problem.position]
                    place = Place(self.fichier, ligne=row.get(_LINE))
                    mistake = finding(
                        problem.code, place, valeur=plain[problem.position], attendu=column.expected, titre=column.title
                    )
                    row[column.name] = None
                    self._kept(mistake, column.name, None)

    def pass_over(self) -> bool:
        """Mend what is broken now, or leave its row out; whether anything was."""
        self.tables = {
            name: table_of(schema, self.rows[name], self.tables.get(name)) for name, schema in self.schemas.items()
        }
        book = Book(self.settings, self.schemas, NO_THEME, self.tables)
        broken = integrity_cells(
            book, structural=True,
            locate=lambda table, index, *_: Place(self.fichier, ligne=self.rows[table][index].get(_LINE)),
        )  # fmt: skip
        left_out: dict[str, set[int]] = {}
        for table, position, name, mistake in broken:
            if name is None or position in left_out.get(table, ()):
                continue
            row, schema = self.rows[table][position], self.schemas[table]
            value = self._mended(schema, row, name)
            if value is None and name in schema.primary_key:
                left_out.setdefault(table, set()).add(position)
                shown = " · ".join(str(value) for value in row.values() if value is not None)[:_SHOWN]
                left = finding(
                    "ligne-sans-place",
                    mistake.place,
                    champ=name,
                    valeur=shown,
                    raison=mistake.message,
                    table=schema.title,
                )
                self.findings.append(left)
            else:
                if mistake.code != "cle-en-double" and row[name] is not None:
                    self._rename(table, name, row[name], value)
                row[name] = value
                self._kept(mistake, name, value)
        for table, positions in left_out.items():
            self.rows[table] = [row for position, row in enumerate(self.rows[table]) if position not in positions]
        return bool(broken)

    def _kept(self, mistake: Finding, name: str, value: object) -> None:
        kept = "rien" if value is None else f"« {str(value)[:_SHOWN]} »"
        self.findings.append(
            finding("valeur-mise-a-sa-place", mistake.place, champ=name, raison=mistake.message, retenu=kept)
        )

    def _rename(self, table: str, name: str, before: object, now: object) -> None:
        """Follow a key that changes in the rows that refer to it."""
        for schema in self.schemas.values():
            for key in schema.foreign_keys:
                for row in self.rows[schema.name] if (key.table, key.reference) == (table, name) else ():
                    if row[key.field] == before:
                        row[key.field] = now

    def _mended(self, schema: TableSchema, row: Record, name: str) -> str | int | None:
        """What takes the place of a value that no row may have; ``None`` where nothing can."""
        field_, value = schema.by_name[name], row[name]
        if name == _CONVENTION and name in schema.foreign:
            return self._convention(value)
        if name in schema.foreign or field_.enum:
            return None
        if name == _YEAR:
            return self.settings.exercice
        if name not in schema.primary_key and not field_.unique:
            return str(value)[:CELL_LENGTH]
        seeds = (value, row[schema.shown_key], row[schema.primary_key[0]], schema.title)
        return self._free(schema, name, next(seed for seed in seeds if seed is not None))

    def _convention(self, number: object) -> int:
        """The convention of a row that has none, or one that the contract lacks: it is added."""
        schema = self.schemas[_CONVENTIONS]
        known = schema.by_name[_CONVENTION]
        is_number = isinstance(number, int) and (known.minimum or 0) <= number <= (known.maximum or number)
        titre = f"Convention {number}" if is_number else "Sans convention"
        row = next((row for row in self.rows[_CONVENTIONS] if row["titre"] == titre), None)
        if row is None:
            row = dict.fromkeys(schema.names) | {"titre": titre}
            row[_CONVENTION] = number if is_number else self._free(schema, _CONVENTION, number)
            self.rows[_CONVENTIONS].append(row)
        return int(row[_CONVENTION])

    def _free(self, schema: TableSchema, name: str, seed: object) -> str | int:
        """A value near ``seed`` that no row of the table has."""
        field_, taken = schema.by_name[name], {row[name] for row in self.rows[schema.name]}
        if field_.kind != "string":
            return next(number for number in count(1) if number not in taken)
        longest = min(field_.max_length or _LONGEST, _LONGEST) - _RANK
        pattern = re.compile(field_.anchored_pattern or "")
        spellings = (str(seed)[:longest], _REFUSED.sub(" ", str(seed))[:longest], slug(str(seed))[:longest])
        trials = (
            spelling.strip(" -") for text in spellings for spelling in (text, text.replace(" ", "-"), text.upper())
        )
        text = next((trial for trial in trials if trial and pattern.match(trial)), "1")
        ranked = (f"{text}-{rank}" for rank in count(2))
        return text if text not in taken else next(candidate for candidate in ranked if candidate not in taken)
