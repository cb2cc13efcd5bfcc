"""Schemas: every mistake of every file is said at once, each with its file and line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from frictionless import Schema

from support.contracts import ROOT, schemas
from tabellion.findings import Finding, TabellionError
from tabellion.schema import OPTIONAL_TABLES, TABLES, load_schemas


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "schemas", tmp_path / "schemas"))


def mistakes(folder: Path) -> list[Finding]:
    with pytest.raises(TabellionError) as caught:
        load_schemas(folder)
    return list(caught.value.findings)


def change(folder: Path, table: str, edit: Callable[[dict[str, Any]], object]) -> None:
    path = folder / f"{table}.json"
    descriptor = json.loads(path.read_text(encoding="utf-8"))
    edit(descriptor)
    path.write_text(json.dumps(descriptor, ensure_ascii=False, indent=2), encoding="utf-8")


def test_the_repository_s_schemas_load() -> None:
    assert tuple(schemas()) == tuple(name for name in TABLES if name not in OPTIONAL_TABLES)
    for schema in schemas().values():
        assert all(field.description for field in schema.fields), schema.name
        assert schema.title != schema.name


@pytest.mark.parametrize("table", schemas())
def test_each_schema_is_valid_for_frictionless(table: str) -> None:
    Schema.from_descriptor(str(ROOT / "schemas" / f"{table}.json"))


def test_all_the_mistakes_of_all_the_files_are_said_at_once(folder: Path) -> None:
    (folder / "piliers.json").unlink()
    (folder / "axes.json").write_text('{"fields": [\n  {"name": }\n]}', encoding="utf-8")
    (folder / "conventions.json").write_bytes('{"title": "é"}'.encode("latin-1"))
    change(folder, "fiches", lambda schema: schema["fields"][0].update(type="texte"))
    change(folder, "fiches", lambda schema: schema["fields"][1]["constraints"].update(minimun=1))
    change(folder, "financeurs", lambda schema: schema.pop("primaryKey"))
    findings = mistakes(folder)
    assert {(finding.code, Path(str(finding.place.fichier)).name) for finding in findings} == {
        ("schema-absent", "piliers.json"),
        ("schema-illisible", "axes.json"),
        ("schema-illisible", "conventions.json"),
        ("schema-faux", "fiches.json"),
        ("schema-faux", "financeurs.json"),
    }
    assert [finding.place.ligne for finding in findings if finding.code == "schema-illisible"] == [None, 2]
    assert sorted(str(finding.champ) for finding in findings if "fiches.json" in str(finding.place)) == [
        "convention_id",
        "fiche_id",
    ]


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (lambda schema: schema["fields"].append(dict(schema["fields"][0])), "deux fois"),
        (lambda schema: schema["fields"][1].update(title=schema["fields"][0]["title"]), "titre"),
        (lambda schema: schema["fields"][0].update(name="Fiche N°"), "minuscules"),
        (lambda schema: schema["fields"][0].update(couleur="rouge"), "couleur"),
        (lambda schema: schema["fields"][0].update(type="number"), "EUR"),
        (lambda schema: schema["fields"][0].update(type=["string"]), "type"),
        (lambda schema: schema["fields"][0]["constraints"].update(pattern="("), "régulière"),
        (lambda schema: schema["fields"][3]["constraints"].update(maxLength="long"), "maxLength"),
        (lambda schema: schema["fields"][5]["constraints"].update(enum=["1"]), "enum"),
        (lambda schema: schema["fields"][3].update(noms_de="quartiers"), "trouvé : quartiers"),
        (lambda schema: schema["fields"][3].update(noms_de="fiches"), "trouvé : fiches"),
        (lambda schema: schema["fields"][3].update(noms_de=["axes"]), "noms_de"),
        (lambda schema: schema["fields"][5].update(totaux=True), "totaux"),
        (lambda schema: schema.update(primaryKey="numero"), "primaryKey"),
        (lambda schema: schema.update(libelle="numero"), "libelle"),
        (lambda schema: schema.update(foreignKeys=[{"fields": "axe_id"}]), "étrangère"),
        (lambda schema: schema["foreignKeys"][0]["reference"].update(resource="plans"), "étrangère"),
        (lambda schema: schema.update(fields=[]), "fields"),
        (lambda schema: schema["fields"].insert(0, "fiche_id"), "nom"),
    ],
)
def test_each_mistake_says_what_it_is(folder: Path, edit: Callable[[dict[str, Any]], object], word: str) -> None:
    change(folder, "fiches", edit)
    findings = mistakes(folder)
    assert {finding.code for finding in findings} == {"schema-faux"}
    assert any(word in finding.message for finding in findings)
    assert all(finding.bloquant and Path(str(finding.place.fichier)).name == "fiches.json" for finding in findings)


def test_a_mistake_names_the_line_of_its_field(folder: Path) -> None:
    change(folder, "fiches", lambda schema: schema["fields"][0].update(couleur="rouge"))
    lines = (folder / "fiches.json").read_text(encoding="utf-8").splitlines()
    assert '"fiche_id"' in lines[(mistakes(folder)[0].place.ligne or 0) - 1]


def test_an_added_column_is_served_with_the_others(folder: Path) -> None:
    added = {"name": "quartier", "type": "string", "title": "Quartier", "constraints": {"enum": ["Clos", "Bruxelles"]}}
    change(folder, "fiches", lambda schema: schema["fields"].append(added))
    field = load_schemas(folder)["fiches"].by_name["quartier"]
    assert field.enum == ("Clos", "Bruxelles")
    assert field.expected == "une valeur de la liste : Clos, Bruxelles"
