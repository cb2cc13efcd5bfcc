"""``tabellion new``: a new workspace from the starter kit, never over an existing file."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from tabellion.campaign.adoption import ADOPTION_FILE
from tabellion.campaign.decisions import DECISIONS_FILE
from tabellion.campaign.saves import SAVES_FILE
from tabellion.commands.generate import generate
from tabellion.commands.guides import FOLDER, guide_documents
from tabellion.commands.options import wrong_option
from tabellion.contract.folders import SETTINGS_FILE, Folders, find_root
from tabellion.contract.register import register_files
from tabellion.contract.workspace import find_workspace, starter_kit
from tabellion.findings import Finding, Json, Place, TabellionError, finding
from tabellion.schema import load_schemas
from tabellion.schema.tables import make_table
from tabellion.transaction.files import already_there, write_all_whole
from tabellion.wording import slug

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
        raise TabellionError([wrong_option("--modele", name, expected)])
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


#: What the starter kit holds, as it lies at the root of a workspace.
KIT = (SETTINGS_FILE, "schemas", "templates", "workbooks/registre")
#: What a contract is called until somebody names it.
TITLE = "Contrat de ville"
_NAME = re.compile(r'^(id|titre|source) = ".*"', re.MULTILINE)


def as_typed(path: Path) -> str:
    """A path as it is typed after a command: in quotes where it has spaces or signs that the shell would take."""
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))


def create_workspace(folder: Path) -> list[Path]:
    """Copy the starter kit into ``folder``, with the guides, and return the files written, relative to it.

    The name of the contract that the kit is stays there: the new one is called after its folder, until somebody names
    it. Raises :class:`TabellionError` with every file that is already there, and in the folder of the workbooks of
    another contract; nothing is then written.
    """
    contents, names = _kit() | _guides(), {"id": _identifier(folder), "titre": TITLE, "source": ""}
    text = contents[Path(SETTINGS_FILE)].decode("utf-8-sig")
    named = _NAME.sub(lambda line: f'{line[1]} = "{names[line[1]]}"', text)
    return _written(folder, contents | {Path(SETTINGS_FILE): named.encode()})


def create_empty_workspace(folder: Path, now: datetime, model: str = NEUTRAL) -> list[Path]:
    """Make the folder of a contract that holds nothing yet, with its workbook to type in; returns the files written.

    ``model`` is one of those of the starter kit. Raises :class:`TabellionError` where it has no such one, and as
    :func:`create_workspace`.
    """
    identifiant, titre = _identifier(folder), TITLE
    contents = {name: content for name, content in _kit().items() if name.parts[0] in ("schemas", "templates")}
    contents |= model_files(model, identifiant=identifiant, titre=titre, now=now)
    with TemporaryDirectory() as place:
        write_all_whole({Path(place) / name: content for name, content in contents.items()})
        schemas = load_schemas(Path(place) / "schemas")
    tables = {name: make_table(schema, {}) for name, schema in schemas.items()}
    register = register_files(tables, schemas, identifiant=identifiant, titre=titre)
    contents |= {Path("workbooks/registre") / name: content for name, content in register.items()}
    written = _written(folder, contents | _guides())
    made = generate(find_workspace(folder), None, force=False, now=now)
    return [*written, made.path.relative_to(folder.resolve())]


def _identifier(folder: Path) -> str:
    return slug(folder.resolve().name) or "contrat"


def _kit() -> dict[Path, bytes]:
    """The files of the starter kit, as they lie at the root of a workspace."""
    kit = starter_kit()
    sources = [
        path for name in KIT for path in ([kit / name] if (kit / name).is_file() else sorted((kit / name).rglob("*")))
    ]
    own = (ADOPTION_FILE, SAVES_FILE, DECISIONS_FILE)  # of the contract that the kit is, where it is one in use
    return {path.relative_to(kit): path.read_bytes() for path in sources if path.is_file() and path.name not in own}


def _guides() -> dict[Path, bytes]:
    """The guides, as they lie in a workspace."""
    documents = guide_documents(starter_kit() / "templates")
    return {Path("workbooks", FOLDER, name): content for name, content in documents.items()}


def inside_findings(folder: Path) -> list[Finding]:
    """What is said of a contract whose ``folder`` stands in that of another one; it blocks among its workbooks."""
    place = folder.resolve()
    root = find_root(place.parent)
    if root is None:
        return []
    if place.is_relative_to(Folders(root).workbooks):
        return [finding("contrat-parmi-les-classeurs", Place(str(folder)), valeur=place.name, attendu=str(root))]
    return [finding("contrat-dans-un-autre", Place(str(folder)), valeur=place.name, attendu=str(root))]


def _written(folder: Path, contents: Mapping[Path, bytes]) -> list[Path]:
    """Write new files into a folder, all or none."""
    if refused := [item for item in inside_findings(folder) if item.bloquant]:
        raise TabellionError(refused)
    refuse_taken(folder, contents)
    write_all_whole({folder / name: content for name, content in contents.items()})
    return list(contents)


def refuse_taken(folder: Path, names: Iterable[Path]) -> None:
    """Raise :class:`TabellionError` with the files of a new contract (paths relative to ``folder``) already there."""
    taken = [folder / name for name in names if (folder / name).exists()]
    if folder.exists() and not folder.is_dir():
        taken = [folder]
    if taken:
        remede = "Choisissez un autre dossier, ou déplacez ce fichier."
        raise TabellionError([already_there(path, remede) for path in taken])
