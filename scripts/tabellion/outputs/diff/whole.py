"""The comparison of two sides: whether they can be compared, then their tables, formulas and parts."""

from __future__ import annotations

from dataclasses import replace

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.diff.compare import compare_formulas, compare_pieces, compare_tables
from tabellion.outputs.diff.model import Comparison, Kind, Side, Table
from tabellion.schema import Schemas

#: The kinds that hold the tables of the register, and that a register's folder can be compared with.
_WHOLE = (Kind.MASTER, Kind.CONSOLIDATION, Kind.REGISTER)
_EXERCICE = "exercice"


def compare(before: Side, after: Side, schemas: Schemas) -> Comparison:
    """All that ``after`` says otherwise than ``before``.

    Raises :class:`TabellionError` when they are of two kinds or of two partners. Forms of two exercices are compared
    line by line, by the identifiers that both have, and that is said.
    """
    _refuse(before, after)
    notices = [each.in_file(side.name) for side in (before, after) for each in [*side.notices, *_as_found(side)]]
    if before.exercice != after.exercice:
        before, after = _without_year(before, schemas), _without_year(after, schemas)
        place = Place(after.name)
        notices.append(finding("exercices-differents", place, valeur=before.exercice, attendu=after.exercice))
    names = [name for name in schemas if name in before.tables or name in after.tables]
    tables = [compare_tables(_table(before, after, name), _table(after, before, name)) for name in names]
    is_register = Kind.REGISTER in (before.kind, after.kind)
    return Comparison(
        before,
        after,
        tuple(tables),
        () if is_register else tuple(compare_formulas(before, after)),
        () if is_register else tuple(compare_pieces(before.pieces, after.pieces)),
        tuple(notices),
    )


def _refuse(before: Side, after: Side) -> None:
    place = Place(after.name)
    both = {before.kind, after.kind}
    if len(both) > 1 and not (Kind.REGISTER in both and both <= set(_WHOLE)):
        raise TabellionError([
            finding(
                "genres-differents", place, valeur=before.name, attendu=after.name,
                genre=before.kind.value, autre=after.kind.value,
            )
        ])  # fmt: skip
    if before.partner != after.partner:
        names = before.labels.get("partenaires", {})
        raise TabellionError([
            finding(
                "partenaires-differents", place, valeur=before.name, attendu=after.name,
                genre=names.get(before.partner, before.partner), autre=names.get(after.partner, after.partner),
            )
        ])  # fmt: skip


def _as_found(side: Side) -> list[Finding]:
    if not side.unread:
        return []
    count = len(side.unread)
    words = "Une cellule ne contient" if count == 1 else f"{count} cellules ne contiennent"
    return [finding("comparaison-telle-quelle", side.unread[0], compte=words, liees=side.unread[1:])]


def _without_year(side: Side, schemas: Schemas) -> Side:
    """A form whose rows are known by their identifiers alone, and without what it shows of the years before."""
    tables = {}
    for name, table in side.tables.items():
        schema = schemas[name]
        places = [place for place, each in enumerate(schema.primary_key) if each != _EXERCICE]
        keys = [tuple(key[place] for place in places) for key in table.keys]
        tables[name] = Table(name, keys, {each: values for each, values in table.columns.items()
                                          if each in schema.by_name and each != _EXERCICE})  # fmt: skip
    return replace(side, tables=tables, typed={}, _keys={})


def _table(side: Side, other: Side, name: str) -> Table:
    """The table of a side; an empty one, of the same columns, where it has none."""
    found = side.tables.get(name)
    return found if found is not None else Table(name, [], dict.fromkeys(other.tables[name].columns, ()))
