"""The French guides say only what is there: commands, sheets, columns, settings, choices, findings, places."""

from __future__ import annotations

import io
import json
import re
import shlex
from datetime import datetime
from functools import cache
from pathlib import Path

import docx
import pytest
import typer
from docx.oxml.ns import qn
from PIL import Image

from support.contracts import ROOT
from tabellion.cli.app import app
from tabellion.commands.guides import guide_documents, lacking_guides, partner_guide
from tabellion.contract.workspace import find_workspace
from tabellion.findings import CATALOGUE
from tabellion.outputs.guides import GUIDES, guide_name, make_guide

FOLDER = ROOT / "templates" / "guides"
#: What Excel and systems call their own commands.
NOT_OURS = {"en tant qu'administrateur"}


def text(guide: str) -> str:
    return (FOLDER / f"{guide}.md").read_text(encoding="utf-8")


def quoted(guide: str) -> set[str]:
    return set(re.findall(r"«\s([^»]+?)\s»", text(guide)))


def coded(guide: str) -> list[str]:
    """What stands between backquotes, and each line of the blocks of commands."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text(guide), re.MULTILINE | re.DOTALL)
    outside = re.sub(r"^```.*?^```$", "", text(guide), flags=re.MULTILINE | re.DOTALL)
    return [*re.findall(r"`([^`\n]+)`", outside), *(line for block in blocks for line in block.splitlines())]


@cache
def program_texts() -> frozenset[str]:
    """The texts between quotes of the program, its schemas and its templates; a year stands where they have a value."""
    files = [
        *(ROOT / "scripts").rglob("*.py"),
        *(ROOT / "schemas").glob("*.json"),
        *(ROOT / "templates").glob("*.toml"),
    ]
    literals = re.findall(r'"([^"\n]+)"', "\n".join(path.read_text(encoding="utf-8") for path in files))
    return frozenset(re.sub(r"\{[^}]*\}", "2016", literal) for literal in literals) | {
        entry.titre for entry in CATALOGUE.values()
    }


@pytest.mark.parametrize("guide", GUIDES)
def test_what_a_guide_quotes_is_what_people_see(guide: str) -> None:
    own = set(re.findall(r"^#+ (.*)$", text(guide), re.MULTILINE))
    assert quoted(guide) - program_texts() - own - NOT_OURS - {"ajouter aux partenaires"} == set()
    named = set(re.findall(r"constat «\s([^»]+?)\s»", text(guide)))
    assert named <= {entry.titre for entry in CATALOGUE.values()}


def test_the_choices_of_a_new_name_are_the_titles_of_tables() -> None:
    schema = json.loads((ROOT / "schemas" / "partenaires.json").read_text(encoding="utf-8"))
    assert f"ajouter aux {schema['title'].lower()}" == "ajouter aux partenaires"
    assert "ajouter aux 2016" in program_texts()


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_and_option_of_a_guide_exists(guide: str) -> None:
    program = typer.main.get_command(app)
    for line in coded(guide):
        if re.match(r"tabellion\s", line):
            words = shlex.split(line)[1:]
            command = program if words[0].startswith("--") else program.commands[words[0]]  # type: ignore[attr-defined]
            known = {option for param in command.params for option in param.opts} | {"--help"}
            assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("guide", GUIDES)
def test_every_place_of_a_guide_is_one_of_the_program(guide: str) -> None:
    remedies = " ".join(entry.remede for entry in CATALOGUE.values())
    known = program_texts() | {guide_name(guide) for guide in GUIDES} | set(re.findall(r"(?<=/)[^/ ]+(?=/)", remedies))
    for line in coded(guide):
        if line.startswith("workbooks/"):
            assert set(line.split("/")) - {""} <= known, line
        elif re.match(r"(templates|schemas)/", line):
            assert (ROOT / line).exists(), line


def test_the_pictures_are_those_that_the_guides_show_and_are_small() -> None:
    shown = {name for guide in GUIDES for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text(guide))}
    pictures = sorted((FOLDER / "images").glob("*.png"))
    assert shown == {f"images/{path.name}" for path in pictures}
    assert sum(path.stat().st_size for path in pictures) < 600_000
    for path in pictures:
        with Image.open(path) as picture:
            assert (picture.mode, picture.width) == ("P", 1000), path.name


def test_a_guide_is_a_word_document_with_its_titles_pictures_and_tables() -> None:
    for name, content in guide_documents(ROOT / "templates").items():
        source = text(name.removeprefix("guide-").removesuffix(".docx"))
        document = docx.Document(io.BytesIO(content))
        titles = [
            paragraph.text.replace("\xa0", " ")
            for paragraph in document.paragraphs
            if paragraph.style.name.startswith("Heading")
        ]
        assert titles == re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", source, flags=re.M | re.S), re.M)
        shown = [element.get("descr") for element in document.element.body.iter(qn("wp:docPr"))]
        assert [caption.replace("\xa0", " ") for caption in shown] == re.findall(r"!\[([^\]]+)\]", source)
        assert len(document.tables) == len(re.findall(r"^\|---", source, re.M))
        assert "{{" not in "".join(part.text or "" for part in document.sections[0].header._element.iter(qn("w:t")))


def test_a_picture_that_is_not_there_is_said_in_words_and_the_same_text_gives_the_same_bytes() -> None:
    base = (ROOT / "templates" / "document.docx").read_bytes()
    first, second = (make_guide("# Titre\n\n![Vu](x.png)", base, lambda _: None, datetime(2026, 1, 1)) for _ in "12")
    assert first == second
    assert [paragraph.text for paragraph in docx.Document(io.BytesIO(first)).paragraphs][:2] == ["Titre", "Vu"]


def test_the_partner_s_guide_goes_with_the_forms_and_that_of_the_team_goes_first(sent_copy: Path) -> None:
    workspace = find_workspace(sent_copy)
    beside = workspace.envois / "2016" / "guide-partenaire.docx"
    assert beside.read_bytes() == guide_documents(workspace.templates, ["partenaire"])["guide-partenaire.docx"]
    assert partner_guide(workspace, beside.parent) == {}
    own = workspace.workbooks / "guides" / "guide-partenaire.docx"
    own.parent.mkdir(exist_ok=True)
    own.write_bytes(b"changed in Word")
    other = workspace.envois / "2017"
    assert partner_guide(workspace, other) == {other / own.name: b"changed in Word"}
    assert own not in lacking_guides(workspace)
