"""Every constraint that the schemas declare on one cell: required, list, pattern, bounds, length."""

from __future__ import annotations

import re
from datetime import date

from tabellion.checks.inspection import Inspection
from tabellion.findings import CellValue
from tabellion.schema import Field
from tabellion.schema.frames import violations
from tabellion.schema.money import euros
from tabellion.wording import french_date, nearest

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


def check_constraints(inspection: Inspection) -> None:
    """Say each cell that breaks constraints of its field, once, by the first in the order of the codes above."""
    for table, schema in inspection.schemas.items():
        broken: dict[tuple[int, str], str] = {}
        unread = {name: inspection.unread(table, name) for name in schema.names}
        for violation in violations(inspection.tables[table]):
            key = (violation.position, violation.field)
            if key[0] in unread[violation.field]:
                continue
            broken[key] = min(broken.get(key, violation.rule), violation.rule, key=list(_CODES).index)
        for (position, name), rule in broken.items():
            _say(inspection, table, position, schema.by_name[name], rule)
            if rule != "maxLength":  # a text too long is still a text
                inspection.distrust(table, position, name)


def _say(inspection: Inspection, table: str, position: int, field: Field, rule: str) -> None:
    value = inspection.value(table, position, field.name)
    length = len(value) if isinstance(value, str) else 0
    code = _CODES[rule]
    if rule == "maxLength" and field.max_length is not None and length <= field.max_length:
        code = "forme-inattendue"  # pandera has one check for both lengths: this text is too short
    shown: CellValue = value
    if field.kind == "money" and value is not None:
        shown = euros(value)
    elif isinstance(value, date):
        shown = french_date(value)
    elif isinstance(value, str):
        shown = value[:_SHOWN]
    inspection.say(
        code,
        table,
        position,
        field.name,
        valeur=shown,
        attendu=field.expected,
        suggestion=_remedy(field, rule, value) if isinstance(value, str) else None,
        titre=field.title,
        longueur=length,
    )


def _remedy(field: Field, rule: str, value: str) -> str | None:
    """The value that was probably meant, when there is one."""
    if rule == "enum" and (near := nearest(value, field.enum)) is not None:
        return f"Choisissez « {near} » dans la liste."
    if rule == "pattern" and field.anchored_pattern is not None:
        for meant in ("".join(value.split()), value.strip().upper(), value.strip().lower()):
            if re.match(field.anchored_pattern, meant):
                return f"Retapez « {meant} »."
    return None
