"""The models of contracts that the starter kit has as data: settings, and what their schemas change of its own."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from string import Template

from tabellion.contract.folders import SETTINGS_FILE
from tabellion.contract.workspace import starter_kit
from tabellion.findings import Json, Place, TabellionError, finding

#: The model of a contract that holds nothing in particular.
NEUTRAL = "neutre"
#: How long a contract lasts until somebody says otherwise, in years.
_YEARS = 6
#: Where a change of a schema puts a new field: after the field of this name.
_AFTER = "apres"


def model_files(name: str, *, identifiant: str, titre: str, now: datetime) -> dict[Path, bytes]:
    """The settings and the schemas of a new contract of a model, by their place in its folder.

    Raises :class:`TabellionError` when the starter kit has no such model.
    """
    models = starter_kit() / "templates" / "modeles"
    known = sorted(path.name for path in models.iterdir() if path.is_dir())
    if name not in known:
        expected = f"l'un de ces modèles : {', '.join(known)}"
        raise TabellionError([finding("option-fausse", Place(), champ="--modele", valeur=name, attendu=expected)])
    settings = Template((models / name / SETTINGS_FILE).read_text(encoding="utf-8"))
    words = {"identifiant": identifiant, "titre": titre, "annee": now.year, "derniere": now.year + _YEARS - 1}
    files = {Path(SETTINGS_FILE): settings.substitute(words).encode()}
    for path in sorted((models / name / "schemas").glob("*.json")):
        change = json.loads(path.read_text(encoding="utf-8"))
        own = starter_kit() / "schemas" / path.name
        base = json.loads(own.read_text(encoding="utf-8")) if own.exists() else {}
        made = json.dumps(changed_schema(base, change), ensure_ascii=False, indent=2) + "\n"
        files[Path("schemas") / path.name] = made.encode()
    return files


def changed_schema(base: Json, change: Json) -> Json:
    """A Table Schema with what ``change`` says of it: a property of it or of a field takes the place of the one before.

    The fields that it has not come last, or after the field that each names under ``apres``; foreign keys are added.
    """
    fields = {field["name"]: field for field in base.get("fields", [])}
    for field in change.get("fields", []):
        own = {key: value for key, value in field.items() if key != _AFTER}
        name, names = field["name"], list(fields)
        fields[name] = _merged(fields.get(name, {}), own)
        if _AFTER in field and name not in names:
            place = names.index(field[_AFTER]) + 1
            fields = {field: fields[field] for field in (*names[:place], name, *names[place:])}
    keys = [*base.get("foreignKeys", []), *change.get("foreignKeys", [])]
    more = {"foreignKeys": keys} if keys else {}
    return {**base, **change, "fields": list(fields.values()), **more}


def _merged(base: Json, change: Json) -> Json:
    merged = dict(base)
    for key, value in change.items():
        held = merged.get(key)
        merged[key] = _merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return merged
