"""Many contracts of different shapes and what their partners send back: ``many_contracts.py FOLDER``.

There are 29 shapes: 3 to 60 partners, 3 to 12 conventions, with piliers, with enjeux or without levels, three ways of
writing codes, schemas with columns more or less, budget lines with or without natures and quartiers, returns for one
exercice or two. Each shape is written once by the program itself, for a contract and partners whose numbers stand in
nothing else: its workbook, and a form of each kind of partner filled in each way. Those of the contracts are the same
files with their own numbers, sealed with their own key, so that 435 contracts and 9,000 returns take minutes. Of 20
partners, one answers with a text in an amount (rejected), one says nothing, and one answers twice.
"""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import re
import shutil
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from filling import filled, write_filled
from program import ROOT

from tabellion.commands.generate import generate
from tabellion.commands.new import model_files
from tabellion.commands.source import load_contract
from tabellion.contract.register import register_files
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.layout.forms import KEY_FILE, Form, FormIdentity, FormRow, SealKey, form_id, values_sent
from tabellion.outputs.forms import make_forms
from tabellion.schema.tables import make_tables
from tabellion.xlsx.signature import sign_again, with_parts

CONTRACTS, RETURNS = 435, 9_000
#: How many partners the contracts of each shape have.
PARTNERS = (3, 4, 5, 6, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 24, 27, 30, 34, 38, 44, 50, 55, 60)
#: The number of the contract whose files are written, and those of its partners whose forms are filled.
MARK, MARKED = "908", ("97", "98", "99")
FILLINGS = 3
#: The amount that a partner who answers wrongly types in words, and that a change replaces.
_SPOILT_CENTS, _SPOILT = 777_777_77, b"<v>777777.77</v>"
_SPOILT_CELL = re.compile(rb'(<c r="[A-Z]+\d+" s="\d+")>' + _SPOILT + b"</c>")
_SAVED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_HABITS = 20
_WRONG, _TWICE, _SILENT = 17, 18, 19
_THEMES = (
    "Éducation et parentalité", "Santé", "Habitat et cadre de vie", "Emploi et insertion", "Sécurité et prévention",
    "Accès aux droits", "Culture et sport", "Développement économique", "Mobilité", "Égalité entre femmes et hommes",
    "Transition écologique", "Vie associative",
)  # fmt: skip
#: The same, as others call them.
_OTHERWISE = (
    "Éducation, parentalité", "Santé, accès aux soins", "Logement et cadre de vie", "Emploi, insertion", "Tranquillité",
    "Citoyenneté, accès aux droits", "Sport et culture", "Économie", "Transports", "Égalité femmes-hommes",
    "Écologie", "Associations",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """What the contracts of one shape have in common; ``number`` decides all the rest."""

    number: int

    @property
    def partners(self) -> int:
        return PARTNERS[self.number % len(PARTNERS)]

    @property
    def model(self) -> str:
        return ("quartiers-2030", "neutre", "neutre")[self.number % 3]

    @property
    def has_quartiers(self) -> bool:
        return self.model == "quartiers-2030"

    @property
    def levels(self) -> tuple[str, ...]:
        return ("A", "B", "C") if self.has_quartiers else ("I", "II") if self.number % 3 == 1 else ()

    @property
    def conventions(self) -> int:
        return 3 + self.number * 5 % 10

    @property
    def lines(self) -> int:
        """Budget lines of a town in each convention."""
        return 1 + self.number % 3

    @property
    def years(self) -> tuple[int, ...]:
        """The exercices for which partners answer; the last is the current one."""
        last = 2025 if self.has_quartiers else 2016 + self.number % 4
        return (last - 1, last) if self.number % 7 == 3 else (last,)

    @property
    def column(self) -> str:
        """The column that the budget lines have more than others, or that the partners have not (``-``)."""
        return ("", "dispositif", "-rna", "service")[self.number % 4]

    def level(self, convention: int) -> str | None:
        return self.levels[convention % len(self.levels)] if self.levels else None

    def axe(self, convention: int) -> str:
        level = self.level(convention)
        return f"{level}-{convention}.1" if level and not self.has_quartiers else f"{convention}.1"

    def fiche(self, convention: int, rank: str) -> str:
        return f"{self.axe(convention)}{'/' if self.number % 2 else './'}{rank}"


# A package whose parts are compressed once.


class Template:
    """A workbook to be copied with other words in it: the parts without any of them are compressed once."""

    def __init__(self, content: bytes, words: Iterable[bytes]) -> None:
        source, marks = zipfile.ZipFile(io.BytesIO(content)), tuple(words)
        self.parts = [(name, source.read(name)) for name in source.namelist()]
        self.varying = {name for name, part in self.parts if any(mark in part for mark in marks)}
        self.packed = {name: _deflated(part) for name, part in self.parts if name not in self.varying}

    def copy(self, words: Mapping[bytes, bytes], edit: Callable[[str, bytes], bytes] = lambda _, part: part) -> bytes:
        """The workbook with each of ``words`` replaced, then each part passed through ``edit``."""
        entries = []
        for name, part in self.parts:
            changed = part
            for before, after in words.items() if name in self.varying else ():
                changed = changed.replace(before, after)
            changed = edit(name, changed)
            is_packed = changed is part and name in self.packed
            entries.append((name.encode(), *(self.packed[name] if is_packed else _deflated(changed))))
        return _package(entries)


def _deflated(part: bytes) -> tuple[int, int, bytes]:
    """Checksum, size and compressed bytes of a part."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return zlib.crc32(part), len(part), packer.compress(part) + packer.flush()


def _package(entries: Iterable[tuple[bytes, int, int, bytes]]) -> bytes:
    """A zip of parts that are compressed already, which the standard library cannot write (PKWARE APPNOTE 4.3)."""
    body, directory, count = bytearray(), bytearray(), 0
    for name, checksum, size, packed in entries:
        common = struct.pack("<5H3L2H", 20, 0, 8, 0, 0x21, checksum, len(packed), size, len(name), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<3H2L", 0, 0, 0, 0, len(body)) + name
        body += b"PK\3\4" + common + name + packed
        count += 1
    end = struct.pack("<4H2LH", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + b"PK\5\6" + end)


# What a contract says.


def partner_name(contract: str, partner: str) -> str:
    return f"ville-{contract}{partner}"


def contract_name(contract: str) -> str:
    return f"contrat-{contract}"


def make_rows(shape: Shape, contract: str, partners: Iterable[str]) -> dict[str, list[Row]]:
    """The tables of a contract: one partner in three funds, one in three leads fiches only, the others are towns."""
    numbers, year = range(1, shape.conventions + 1), shape.years[0] - 1
    titles = _OTHERWISE if shape.number % 5 == 2 else _THEMES
    rows: dict[str, list[Row]] = {name: [] for name in ("collectivites", "partenaires", "participations")}
    rows["piliers"] = [{"pilier_id": level, "titre": f"Orientation {level}"} for level in shape.levels]
    rows["conventions"] = [
        {"convention_id": number, "titre": titles[number - 1], "pilier_id": shape.level(number)} for number in numbers
    ]
    rows["axes"] = [
        {"axe_id": shape.axe(number), "convention_id": number, "titre": f"Axe {shape.axe(number)}"}
        for number in numbers
    ]
    rows["financeurs"] = [
        {"financeur_id": f"financeur-{number}", "nom": f"Financeur {number}", "categorie": category}
        for number, category in enumerate(("public local", "public national", "privé", "public local"), 1)
    ]
    quartiers = [f"Quartier {contract} {letter}" for letter in "MNP"] if shape.has_quartiers else []
    if shape.has_quartiers:
        rows["quartiers"] = [
            {"nom": name, "code_qpv": f"QN{contract}01{name[-1]}", "commune": f"Ville {contract}01"}
            for name in quartiers
        ]
    rows["fiches"] = [_fiche(shape, number, "1", quartiers) for number in numbers]
    rows["financements"] = [
        {
            "financement_id": f"{row['fiche_id']}:financeur-{1 + place % 4}",
            "fiche_id": row["fiche_id"],
            "financeur_id": f"financeur-{1 + place % 4}",
            "dispositif": "Contrat de solidarité territoriale",
            "montant": 1_500_00 * (1 + place) if place % 2 else None,
            "statut_montant": "chiffré" if place % 2 else "à négocier",
        }
        for place, row in enumerate(rows["fiches"])
    ]
    rows["lignes_budgetaires"] = []
    for partner in partners:
        _add_partner(rows, shape, contract, partner, year, quartiers)
    return rows


def _add_partner(
    rows: dict[str, list[Row]], shape: Shape, contract: str, partner: str, year: int, quartiers: list[str]
) -> None:
    name, kind = partner_name(contract, partner), int(partner) % 3
    title, about = f"Ville {contract}{partner}", {"partenaire_id": name, "courriel": f"{name}@exemple.fr"}
    led = shape.fiche(1 + int(partner) % shape.conventions, "1")
    rows["participations"].append(
        {"fiche_id": led, "partenaire_id": name, "role": "porteur" if kind else "opérationnel"}
    )
    if kind == 0:
        funder = f"financeur-{1 + int(partner) // 3 % 4}"
        is_taken = any(partenaire.get("financeur_id") == funder for partenaire in rows["partenaires"])
        more = {} if is_taken else {"financeur_id": funder}
        rows["partenaires"].append({**about, "nom": title, **more})
    elif kind == 1:
        rows["partenaires"].append({**about, "nom": title})
    if kind != 2:
        return
    rows["collectivites"].append({"collectivite_id": name, "nom": title, "categorie": "commune"})
    rows["partenaires"].append({**about, "nom": title, "collectivite_id": name})
    for convention in range(1, shape.conventions + 1):
        for place in range(1, shape.lines + 1):
            line = {
                "ligne_id": f"B{convention:02}-{name}-{place}",
                "convention_id": convention,
                "collectivite_id": name,
                "libelle": f"Accompagnement des familles, action {place} de {title}",
                "exercice": year,
                "montant_realise": 100_000 * convention + 5_000 * place,
            }
            if quartiers:
                line |= {"nature": ("fonctionnement", "investissement")[place % 2], "quartiers": quartiers[place % 3]}
            if shape.column in ("dispositif", "service"):
                line[shape.column] = f"{shape.column.capitalize()} {place}"
            rows["lignes_budgetaires"].append(line)


def _fiche(shape: Shape, convention: int, rank: str, quartiers: list[str]) -> Row:
    row = {
        "fiche_id": shape.fiche(convention, rank),
        "axe_id": shape.axe(convention),
        "convention_id": convention,
        "objectif": f"Permettre aux habitants de trouver près de chez eux ce dont ils ont besoin ({convention}).",
        "priorite": 1,
        "annee_priorite": shape.years[-1],
        "jeunes": True,
        "egalite_femmes_hommes": convention % 2 == 0,
        "lutte_discriminations": False,
        "proposition": f"Développer des réseaux d'échanges de savoirs dans les quartiers, action {rank}.",
        "echeance": f"1 ({shape.years[-1]})",
    }
    return row | ({"quartiers": " ; ".join(quartiers[:2])} if quartiers else {})


# Its folder.


def _write_workspace(folder: Path, shape: Shape, contract: str, partners: Iterable[str]) -> Workspace:
    """The folder of a contract with its settings, its schemas, its templates and its register."""
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "templates", folder / "templates", copy_function=_linked)
    shutil.copytree(ROOT / "schemas", folder / "schemas", copy_function=_linked)
    name, year = contract_name(contract), shape.years[-1]
    made = model_files(shape.model, identifiant=name, titre=f"Contrat de ville {contract}", now=datetime(year, 1, 5))
    for path, content in made.items():
        (folder / path).unlink(missing_ok=True)
        (folder / path).write_bytes(content)
    settings = folder / "tabellion.toml"
    text = re.sub(r"(?m)^debut = \d+", f"debut = {shape.years[0] - 1}", settings.read_text(encoding="utf-8"))
    settings.write_text(re.sub(r"(?m)^exercice = \d+", f"exercice = {shape.years[0] - 1}", text), encoding="utf-8")
    _change_schemas(folder / "schemas", shape.column)
    workspace = find_workspace(folder)
    tables = make_tables(workspace.schemas, make_rows(shape, contract, partners))
    workspace.registre.mkdir(parents=True)
    titre = workspace.settings.titre
    for path, content in register_files(tables, workspace.schemas, identifiant=name, titre=titre).items():
        (workspace.registre / path).write_bytes(content)
    return workspace


def _linked(source: str, target: str) -> None:
    """The same content; on the same disk, the same blocks."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _change_schemas(folder: Path, column: str) -> None:
    """Give the budget lines a column more, or take one away from the partners."""
    if not column:
        return
    path = folder / ("partenaires.json" if column.startswith("-") else "lignes_budgetaires.json")
    schema = json.loads(path.read_text(encoding="utf-8"))
    fields = schema["fields"]
    if column.startswith("-"):
        schema["fields"] = [field_ for field_ in fields if field_["name"] != column[1:]]
    else:
        place = next(place for place, descriptor in enumerate(fields) if descriptor["name"] == "montant_prevu")
        title = column.capitalize()
        more = {"name": column, "type": "string", "title": title, "description": f"{title} de la ligne."}
        fields.insert(place, more | {"constraints": {"maxLength": 255}, "excel": {"largeur": 20}})
    path.unlink()
    path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


# A shape, written once; its contracts, copies of it.


@dataclass(frozen=True)
class WrittenForm:
    """One filling of the form of one kind of partner for an exercice, and the rows that its seal stands for."""

    identity: FormIdentity
    seal: str
    rows: frozenset[tuple[str, str]]
    template: Template


@dataclass(frozen=True)
class WrittenShape:
    """The workbook of a shape's contract, and the forms of its partners by exercice and kind of partner."""

    workbook: Template
    forms: Mapping[tuple[int, int], Sequence[WrittenForm]]


_MARK_KEY = SealKey(bytes(range(32)))
_MARKS = tuple(words.encode() for words in (contract_name(MARK), f"ville {MARK}", f"ville-{MARK}", f"Ville {MARK}",
                                            f"Quartier {MARK}", f"QN{MARK}"))  # fmt: skip


def write_shape(folder: Path, shape: Shape) -> WrittenShape:
    """Have the program write the files of a shape in ``folder``, which is there and empty."""
    partners = [f"{number:02}" for number in range(1, shape.partners + 1)]
    workspace = _write_workspace(folder / "workbook", shape, MARK, partners)
    generate(workspace, None, force=False, now=datetime(shape.years[-1], 10, 1))
    workbook = Template(workspace.contrat.read_bytes(), _MARKS)
    asked = load_contract(_write_workspace(folder / "forms", shape, MARK, [*partners, *MARKED]))
    forms = {}
    for year in shape.years:
        for sent in make_forms(asked, year, [partner_name(MARK, number) for number in MARKED]):
            fillings = [_filled(sent, seed) for seed in range(FILLINGS)]
            written = write_filled(asked, sent, fillings, _MARK_KEY)
            rows = _sealed_rows(sent)
            marks = (*_MARKS, sent.identity.formulaire.encode(), b"dcterms:modified")
            forms[year, int(sent.identity.partenaire[-2:]) % 3] = [
                WrittenForm(
                    sent.identity, _MARK_KEY.of(sent.identity, _sealed_rows(filling)), rows, Template(content, marks)
                )
                for filling, content in zip(fillings, written, strict=True)
            ]
    return WrittenShape(workbook, forms)


def _sealed_rows(form: Form) -> frozenset[tuple[str, str]]:
    return frozenset((table, row) for table, row, _, _ in values_sent(form.rows))


def _filled(sent: Form, seed: int) -> Form:
    """The form as a careful partner of another habit would send it back; one amount is :data:`_SPOILT_CENTS`."""
    form = filled(sent, seed)
    rows = dict(form.rows)
    for table in form.tables:
        if table.resource == "lignes_budgetaires" and rows[table.name]:
            first, *others = rows[table.name]
            spoilt = FormRow(first.key, first.values | {"montant_realise": _SPOILT_CENTS})
            rows[table.name] = (spoilt, *others)
    return replace(form, rows=rows)


def write_contract(folder: Path, shape: Shape, written: WrittenShape, contract: str) -> list[Path]:
    """One contract of a shape in ``folder``, with its workbook, the forms that it sent and those that came back."""
    partners = [f"{number:02}" for number in range(1, shape.partners + 1)]
    workspace = _write_workspace(folder, shape, contract, partners)
    words = {mark: mark.replace(MARK.encode(), contract.encode()) for mark in _MARKS}
    workspace.contrat.write_bytes(sign_again(written.workbook.copy(words)))
    key = SealKey(hashlib.sha256(contract.encode()).digest())
    workspace.retours.mkdir()
    paths = []
    for year in shape.years:
        sent, received = workspace.envois / str(year), workspace.retours / str(year)
        sent.mkdir(parents=True)
        received.mkdir()
        for partner in partners:
            name = partner_name(contract, partner)
            (sent / f"{name}-{year}.xlsx").write_bytes(b"")  # only that it is there counts
            number = int(contract) * 7 + int(partner)
            forms, habit = written.forms[year, int(partner) % 3], number % _HABITS
            for again in range(0 if habit == _SILENT else 2 if habit == _TWICE else 1):
                form = forms[(number + again) % len(forms)]
                path = received / f"{name}{' (1)' if again else ''}.xlsx"
                saved = f"{year}-11-{1 + number % 27 + again:02}T09:00:00Z".encode()
                edit = partial(_returned, saved, is_wrong=habit == _WRONG)
                path.write_bytes(form.template.copy(_form_words(form, words, key, contract, partner), edit))
                paths.append(path)
    (workspace.envois / KEY_FILE).write_text(key.secret.hex(), encoding="ascii")
    return paths


def _form_words(
    form: WrittenForm, words: Mapping[bytes, bytes], key: SealKey, contract: str, partner: str
) -> dict[bytes, bytes]:
    """What is replaced in a form: its partner and its contract, its identifier and its seal."""
    marked = form.identity.partenaire[-2:]
    name, year = partner_name(contract, partner), form.identity.exercice
    identity = FormIdentity(contract_name(contract), name, year, form_id(contract_name(contract), name, year))
    rows = [(table, row.replace(form.identity.partenaire, name)) for table, row in form.rows]
    own = {
        f"{stem}{MARK}{marked}".encode(): f"{stem}{contract}{partner}".encode()
        for stem in ("ville-", "Ville ", "ville ")
    }
    ids = {form.identity.formulaire: identity.formulaire, form.seal: key.of(identity, rows)}
    return own | {before.encode(): after.encode() for before, after in ids.items()} | dict(words)


def _returned(saved: bytes, name: str, part: bytes, *, is_wrong: bool) -> bytes:
    if name == "docProps/core.xml":
        return _SAVED.sub(rb"\g<1>" + saved + rb"\g<2>", part)
    if is_wrong and name.startswith("xl/worksheets/") and _SPOILT in part:
        return _SPOILT_CELL.sub(rb'\1 t="inlineStr"><is><t>douze mille</t></is></c>', part)
    return part


def _write_contracts(folder: Path, shape: Shape, contracts: list[str]) -> list[Path]:
    place = folder / ".written" / str(shape.number)
    place.mkdir(parents=True)
    written = write_shape(place, shape)
    shutil.rmtree(place)
    made = [write_contract(folder / contract_name(contract), shape, written, contract) for contract in contracts]
    return list(chain.from_iterable(made))


def make_contracts(folder: Path, contracts: int = CONTRACTS, returns: int = RETURNS) -> list[Path]:
    """Make so many contracts in ``folder``, each in its own, and at most so many returns; these, in order."""
    numbers: dict[int, list[str]] = {}
    for number in range(1, contracts + 1):
        numbers.setdefault(number % len(PARTNERS), []).append(f"{number:03}")
    tasks = [(folder, Shape(shape), own) for shape, own in numbers.items()]
    tasks.sort(key=lambda task: -task[1].partners * len(task[1].years))
    with multiprocessing.get_context("spawn").Pool() as pool:
        paths = sorted(chain.from_iterable(pool.starmap(_write_contracts, tasks, chunksize=1)))
    shutil.rmtree(folder / ".written")
    for path in paths[returns:]:
        path.unlink()
    return paths[:returns]


def change(path: Path, times: int) -> None:
    """The return of ``path`` with another amount, saved a little later; ``times`` is how often that was done."""

    def part(name: str, content: bytes) -> bytes:
        if name == "docProps/core.xml":
            return _SAVED.sub(rb"\g<1>2026-01-30T09:%02d:00Z\g<2>" % times, content)
        return content.replace(_SPOILT, b"<v>%d</v>" % (888_888 + times))

    path.write_bytes(with_parts(path.read_bytes(), part))


if __name__ == "__main__":  # children that write the shapes import this module
    print(f"{len(make_contracts(Path(sys.argv[1])))} returns")
