"""What changed from the outputs in place to a consolidation: cells, where partners stand, findings, the total."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from tabellion.campaign.model import CellChange, ChangesSince, Consolidation
from tabellion.contract.register import records_of
from tabellion.findings import Place
from tabellion.measures import AMOUNT_WORDS
from tabellion.outputs.state import PreviousOutputs, finding_key, total_shown
from tabellion.schema import FALSE_WORD, TRUE_WORD, Field, Key, TableSchema
from tabellion.schema.cast import cast_column
from tabellion.schema.csv_text import parse_csv_text
from tabellion.schema.table import Value
from tabellion.schema.tables import Table

_LINES = "lignes_budgetaires"
#: Beyond the cells of any row.
_FAR = 1 << 30


def since_previous(
    consolidation: Consolidation,
    previous: PreviousOutputs | None,
    tables: Mapping[str, bytes],
    findings: Sequence[Mapping[str, object]],
) -> ChangesSince:
    """What changed from the outputs in place to this consolidation; ``tables`` are its CSV files by table."""
    if previous is None:
        return ChangesSince()
    schemas = consolidation.contract.schemas
    cells: list[CellChange] = []
    for name, content in tables.items():
        if name in previous.tables and (new := content.decode("utf-8")) != previous.tables[name]:
            with suppress(csv.Error):  # somebody spoilt the table that was there: nothing can be said against it
                cells += list(_changes(schemas[name], previous.tables[name], new, consolidation))
    status_changes = [
        (line.partenaire, line.exercice, before, line.status.value)
        for line in consolidation.board
        if (before := previous.statuses.get((line.partenaire, line.exercice), "")) != line.status.value
    ]
    now = Counter(finding_key(finding) for finding in findings)
    exercice = consolidation.contract.settings.exercice_courant
    measure, total = total_shown(consolidation, exercice)
    was = total
    if previous.exercice == exercice and _LINES in previous.tables:
        was = _total_before(cells, consolidation.contract.tables[_LINES], exercice, measure)
    return ChangesSince(
        previous.made,
        tuple(cells),
        tuple(status_changes),
        (now - previous.findings).total(),
        (previous.findings - now).total(),
        (was, total) if was != total else None,
        f"{AMOUNT_WORDS[measure]} {exercice}",
    )


def _changes(schema: TableSchema, before: str, after: str, consolidation: Consolidation) -> Iterator[CellChange]:
    """The cells of a table that differ between two CSV texts; of a row that is new or gone, all but its key."""
    (header, *old_rows), (new_header, *new_rows) = records_of(before), records_of(after)
    names, new_names = _read(header), _read(new_header)
    # Most rows are the same: only the others are read, and told apart by their keys.
    same = set(old_rows).intersection(new_rows) if names == new_names else set[str]()
    old, new = _by_key(schema, names, old_rows, same), _by_key(schema, new_names, new_rows, same)
    for key, (position, texts) in new.items():
        _, before_texts = old.get(key, (0, ()))
        row, known = dict(zip(schema.names, texts, strict=True)), dict(zip(names, before_texts, strict=False))
        for name in schema.names:
            if known.get(name, "") != row[name] and (known or name not in schema.primary_key):
                yield _change(schema, name, known, row, consolidation.place(schema.name, position, name))
    for key in (key for key in old if key not in new):
        row = dict(zip(names, old[key][1], strict=False))
        for name in schema.names:
            if row.get(name, "") and name not in schema.primary_key:
                yield _change(schema, name, row, {}, None)


def _change(
    schema: TableSchema, name: str, before: Mapping[str, str], after: Mapping[str, str], place: Place | None
) -> CellChange:
    key = tuple(_value(schema.by_name[part], (after or before).get(part, "")) for part in schema.primary_key)
    then, now = (_value(schema.by_name[name], row.get(name) or "") for row in (before, after))
    return CellChange(schema.name, key, name, then, now, place)


def _read(record: str) -> list[str]:
    """The texts of a record, read alone: a quote that is never closed costs no other."""
    return next(csv.reader([record]), [])


def _by_key(
    schema: TableSchema, names: Sequence[str], records: Iterable[str], but: Container[str]
) -> dict[Key, tuple[int, Key]]:
    """The rows of a CSV with their positions, by their keys; those in ``but`` are left out."""
    places = [names.index(name) if name in names else _FAR for name in schema.primary_key]
    rows = ((position, _read(record)) for position, record in enumerate(records) if record not in but)
    return {
        tuple(row[place] if place < len(row) else "" for place in places): (position, tuple(row))
        for position, row in rows
    }


def _value(field_: Field, text: str) -> Value:
    if field_.kind == "boolean":
        return {TRUE_WORD: True, FALSE_WORD: False}.get(text)
    return cast_column(field_, [parse_csv_text(field_, text)]).values[0] if text else None


def _total_before(cells: Iterable[CellChange], lines: Table, exercice: int, measure: str) -> int | None:
    """What the lines added up to before these changes, of the same amount as now: another one would change by what
    nobody changed.
    """
    known = [
        cents
        for year, cents in zip(lines.column("exercice"), lines.column(measure), strict=True)
        if year == exercice and cents is not None
    ]
    total, count = sum(known), len(known)
    for cell in cells:
        if (cell.table, cell.champ) != (_LINES, measure):
            continue
        named = dict(zip(lines.schema.primary_key, cell.key, strict=True))
        if named.get("exercice", exercice) == exercice:
            before, after = (value if isinstance(value, int) else None for value in (cell.before, cell.after))
            total += (before or 0) - (after or 0)
            count += (before is not None) - (after is not None)
    return total if count else None
