"""What the schemas declare: constraints of each cell, keys and references.

Structural is what a row is found by: its key, its name, what it refers to. Without that there is no workbook. All other
constraints are only said where the contract itself breaks them: what was published may be empty, long, negative or odd.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from tabellion.checks.inspection import OWN, Inspection
from tabellion.schema import CELL_LENGTH, Field, ForeignKey, TableSchema
from tabellion.schema.numbers import spoilt_code
from tabellion.schema.shown import expected, joined, names_in
from tabellion.wording import nearest, shortened, within_reach

_CODES = {
    "required": "cellule-obligatoire-vide",
    "enum": "valeur-hors-liste",
    "pattern": "forme-inattendue",
    "format": "forme-inattendue",
    "minimum": "hors-bornes",
    "maximum": "hors-bornes",
    "maxLength": "texte-trop-long",
}
_SHOWN = 200
#: What people part names with where a semicolon is asked.
_PARTS = re.compile(r"\s*[,/]\s*|\s+et\s+")
#: The field that says on which sheets a row stands.
_PLACE = "convention_id"


def is_structural(schema: TableSchema, name: str, value: object) -> bool:
    """Whether a row that breaks a constraint of this field, by this value, has no place in a workbook."""
    if isinstance(value, str) and len(value) > CELL_LENGTH:
        return True
    if name in schema.foreign:
        return value is None and name in (*schema.primary_key, _PLACE)
    return name in schema.primary_key or schema.by_name[name].unique


def check_constraints(inspection: Inspection) -> None:
    """Say each cell that breaks constraints of its field, once, by the first in the order of the codes above."""
    _check_broken(inspection, (True, False))


def check_structure(inspection: Inspection) -> None:
    """Say the cells without which their row has no place in a workbook."""
    _check_broken(inspection, (True,))


def check_usage(inspection: Inspection) -> None:
    """Say the other cells that break constraints: the contract says it so, and none of it blocks."""
    _check_broken(inspection, (False,), blocks=False)


def _check_broken(inspection: Inspection, kinds: Collection[bool], *, blocks: bool = True) -> None:
    for table, schema in inspection.schemas.items():
        broken: dict[tuple[int, str], str] = {}
        unread = {name: inspection.unread(table, name) for name in schema.names}
        for violation in inspection.tables[table].violations:
            key = (violation.position, violation.field)
            if key[0] in unread[violation.field]:
                continue
            broken[key] = min(broken.get(key, violation.rule), violation.rule, key=list(_CODES).index)
        for (position, name), rule in broken.items():
            if is_structural(schema, name, inspection.value(table, position, name)) not in kinds:
                continue
            _say_broken(inspection, table, position, schema.by_name[name], rule, blocks=blocks)
            if rule != "maxLength":  # a text too long is still a text
                inspection.distrust(table, position, name)


def _say_broken(inspection: Inspection, table: str, position: int, field: Field, rule: str, *, blocks: bool) -> None:
    value, code = inspection.value(table, position, field.name), _CODES[rule]
    text = value if isinstance(value, str) else None
    wanted = expected(inspection.schemas, inspection.schemas[table], field)
    if rule == "maxLength" and field.max_length is not None and len(text or "") <= field.max_length:
        code = "forme-inattendue"  # pandera has one check for both lengths: this text is too short
    inspection.say(
        code, table, position, field.name, valeur=OWN if text is None else shortened(text, _SHOWN), attendu=wanted,
        suggestion=None if text is None else _meant(field, rule, text), titre=field.title, longueur=len(text or ""),
        blocks=blocks,
    )  # fmt: skip


def _meant(field: Field, rule: str, value: str) -> str | None:
    """The value that was probably meant, when there is one."""
    if rule == "enum" and (near := nearest(value, field.enum)) is not None:
        return f"Choisissez « {near} » dans la liste."
    if rule == "pattern" and field.anchored_pattern is not None:
        for spelling in ("".join(value.split()), value.strip().upper(), value.strip().lower()):
            if re.match(field.anchored_pattern, spelling):
                return f"Ressaisissez « {spelling} »."
        return spoilt_code(value) or _refused_signs(field.anchored_pattern, value)
    return None


def _refused_signs(pattern: str, value: str) -> str | None:
    """Which signs of a text its pattern refuses, where the text is right without them."""
    signs = list(dict.fromkeys(value))
    alone = [sign for sign in signs if not re.match(pattern, sign)]
    for refused in [*([sign] for sign in signs), alone]:
        if re.match(pattern, "".join(sign for sign in value if sign not in refused)):
            words = " et ".join(f"« {sign} »" for sign in refused)
            if len(refused) > 1:
                return f"{words} ne sont pas acceptés ici : retirez-les."
            return f"{words} n'est pas accepté ici : retirez-le."
    return None


def check_unicity(inspection: Inspection) -> None:
    """Say each row that repeats the primary key, or a unique field, of a row before it. A blank key repeats nothing."""
    for table, schema in inspection.schemas.items():
        keys: list[tuple[str, ...]] = [(field.name,) for field in schema.fields if field.unique]
        if schema.primary_key not in keys:
            keys.append(schema.primary_key)
        for key in keys:
            _check_key(inspection, table, schema, key)


def _check_key(inspection: Inspection, table: str, schema: TableSchema, key: tuple[str, ...]) -> None:
    rows = list(inspection.tables[table].values_of(*key))
    if len(set(rows)) == len(rows):
        return
    firsts: dict[tuple[object, ...], int] = {}
    for position, values in enumerate(rows):
        first = firsts.setdefault(values, position)
        if first != position and None not in values:
            shown = shortened(" · ".join(map(str, values)), _SHOWN)
            linked = [(table, first, key[0])]
            inspection.say("cle-en-double", table, position, key[0], valeur=shown, liees=linked, table=schema.title)


def check_references(inspection: Inspection) -> None:
    """Say each cell whose value is no row of the table that it refers to."""
    for table, schema in inspection.schemas.items():
        for reference in schema.foreign_keys:
            _check_reference(inspection, table, reference)


def check_names(inspection: Inspection) -> None:
    """Say each cell that names rows which the table of its names has not."""
    for table, schema in inspection.schemas.items():
        for field in schema.fields:
            if field.names_of is not None:
                _check_names(inspection, table, field, inspection.schemas[field.names_of])


def _check_names(inspection: Inspection, table: str, field: Field, target: TableSchema) -> None:
    shown_names: dict[str, str] = {}
    for name in dict.fromkeys([target.shown_key, *(field.name for field in target.fields if field.unique)]):
        pairs = ((row[name], row[target.shown_key]) for row in inspection.tables[target.name].rows)
        shown_names |= {text: shown for text, shown in pairs if text is not None and shown is not None}
    known, unread = set(shown_names.values()), inspection.unread(table, field.name)
    for position, text in enumerate(inspection.tables[table].column(field.name)):
        names = names_in(text)
        lost = [name for name in names if name not in known]
        if not lost or position in unread:
            continue
        near = {name: shown for name in lost if (shown := _meant_names(name, shown_names)) is not None}
        whole = joined(names_in(joined([near.get(name, name) for name in names])))
        inspection.say(
            "nom-inconnu", table, position, field.name, valeur=shortened(str(joined(lost)), _SHOWN), table=target.title,
            suggestion=f"Écrivez « {whole} »." if len(near) == len(lost) else None,
        )  # fmt: skip


def _meant_names(text: str, shown_names: Mapping[str, str]) -> str | None:
    """The names nearest to a text, each of those that it parts otherwise (« Bel-Air, Les Clos »); ``None`` where one is
    near nothing."""
    near = [nearest(piece, shown_names) for piece in _PARTS.split(text)]
    return joined([shown_names[name] for name in near if name is not None]) if None not in near else None


def _check_reference(inspection: Inspection, table: str, reference: ForeignKey) -> None:
    known = inspection.known(reference.table, reference.reference)
    lost = inspection.holding(table, reference.field, inspection.known(table, reference.field) - known)
    if not lost:
        return
    distinct = dict.fromkeys(inspection.value(table, position, reference.field) for position in lost)
    if len(distinct) <= len(inspection.unread(reference.table, reference.reference)):
        return  # they lead to the rows whose key could not be read, and that is said already
    target = inspection.schemas[reference.table]
    in_csv = inspection.locate(table, lost[0], reference.field).ligne is not None
    shown = _shown_rows(inspection, target, reference, by_key=in_csv)
    remedies = {value: _nearest_row(value, shown, target) for value in within_reach(map(str, distinct), shown)}
    for position in lost:
        value = inspection.value(table, position, reference.field)
        inspection.distrust(table, position, reference.field)
        inspection.say(
            "reference-inconnue", table, position, reference.field, table=target.title,
            valeur=shortened(value, _SHOWN) if isinstance(value, str) else OWN, suggestion=remedies.get(str(value)),
        )  # fmt: skip


def _shown_rows(inspection: Inspection, target: TableSchema, reference: ForeignKey, *, by_key: bool) -> dict[str, str]:
    """What a person may have typed for a row of the target (its key, its label), with the words that show this row.

    A register holds its key (``by_key``), a workbook shows its label.
    """
    table = inspection.tables[target.name]
    keys = table.column(reference.reference)
    if target.label is None:
        return {str(key): f"« {key} »" for key in keys if key is not None}
    rows = [(key, label) for key, label in zip(keys, table.column(target.label), strict=True) if key]
    words = {key: f"« {label} » ({key})" if label and not by_key else f"« {key} »" for key, label in rows}
    return words | {label: words[key] for key, label in rows if label}


def _nearest_row(value: str, shown: dict[str, str], target: TableSchema) -> str | None:
    near = nearest(value, shown)
    if near is None:
        return None
    return f"Choisissez {shown[near]}, ou ajoutez « {shortened(value, _SHOWN)} » à la table « {target.title} »."
