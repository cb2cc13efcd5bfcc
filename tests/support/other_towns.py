"""Published contracts of made-up towns, each typed in its own way, and anomalies planted in them."""

from __future__ import annotations

import csv
import io
import random
import re
from collections import Counter
from dataclasses import dataclass

import openpyxl
import xlsxwriter

from support import legacy_workbooks
from support.documents import (
    COCHE,
    GROUPES,
    ROMAINS,
    ContractSpec,
    ConventionSpec,
    FicheSpec,
    Tick,
    document,
)
from tabellion.addresses import cell_name
from tabellion.importing import read_document

_TOWNS = (
    ("Nîmes", "Nîmes métropole", ("Saint-Gilles", "Vauvert", "Beaucaire")),
    ("Évreux", "Évreux Portes de Normandie", ("Gravigny", "Guichainville")),
    ("Le Havre", "Le Havre Seine métropole", ("Harfleur", "Gonfreville-l'Orcher", "Montivilliers")),
    ("Châlons", "Châlons agglo", ("Saint-Memmie", "Fagnières")),
    ("Bourg-lès-Valence", "Valence Romans agglo", ("Romans-sur-Isère", "Portes-lès-Valence", "Livron")),
    ("Œting", "Forbach Porte de France", ("Behren-lès-Forbach", "Stiring-Wendel")),
)
_THEMES = (
    "Education et parentalité", "Santé et accès aux soins", "Habitat et cadre de vie", "Emploi et insertion",
    "Prévention et tranquillité", "Culture et sport", "Mobilité des habitants", "Lutte contre l'illettrisme",
)  # fmt: skip
_PILIERS = ("cohésion sociale", "cadre de vie et renouvellement urbain", "développement économique")
_THINGS = (
    "Restauration scolaire", "Accueil périscolaire", "Médiation sociale", "Bibliothèque de rue", "Chantier d'insertion",
    "Entretien des espaces verts", "Atelier de lecture", "Aide aux vacances", "Point d'accès au droit", "Ludothèque",
    "Vidéo-protection", "Colonie de vacances", "Maison de quartier", "Transport des élèves", "Jardin partagé",
)  # fmt: skip
_AIMS = (
    "Soutenir les familles dans l'éducation", "Favoriser la réussite de tous", "Rapprocher les habitants des services",
    "Prévenir les conduites à risque", "Développer la pratique du sport", "Accompagner vers la formation",
)  # fmt: skip
_DEEDS = (
    "Ouvrir un lieu d'accueil des parents", "Créer une équipe mobile dans les quartiers", "Former des bénévoles",
    "Organiser des ateliers hebdomadaires", "Recruter deux médiateurs", "Éditer un guide des services",
)  # fmt: skip
_CARRIERS = ("CAF", "Mission locale", "Centre social du Parc", "Ligue de l'enseignement", "ADIL", "Secours populaire")
_PROGRAMMES = ("BOP 147", "Réussite éducative", "Contrat enfance jeunesse", "FIPD", "Contrat local de santé")
_STATUS = ("Non déterminé", "A négocier", "12 500 €", "890 000 €", None)


def other_town(seed: int) -> ContractSpec:
    """A contract that adds up and in which nothing is odd: its towns, themes, numbers and amounts follow the seed."""
    rng = random.Random(seed)  # noqa: S311
    town, epci, around = _TOWNS[seed % len(_TOWNS)]
    names = [town, *rng.sample(around, rng.randint(1, len(around))), epci]
    piliers = list(_PILIERS[: rng.randint(1, 3)])
    count = rng.randint(max(2, len(piliers)), 5)
    conventions = []
    for number, theme in enumerate(rng.sample(_THEMES, count), 1):
        pilier = (number - 1) * len(piliers) // count
        budget = list[tuple[str, int | None, list[tuple[str, int | None]]]]()
        for name in [name for name in names if name in (town, epci) or rng.random() < 0.6]:
            labels = rng.sample(_THINGS, rng.randint(2, 5))
            rows: list[tuple[str, int | None]] = [(label, _cents(rng)) for label in labels]
            budget.append((name, sum(cents or 0 for _, cents in rows), rows))
        convention = ConventionSpec(number, pilier, theme, theme, budget)
        for axe in range(1, rng.randint(1, 2) + 1):
            code, title = f"{ROMAINS[pilier]}-{number}.{axe}", rng.choice(_AIMS)
            convention.fiches += [
                _fiche(rng, f"{code}./{rank}", code, title) for rank in range(1, rng.randint(1, 3) + 1)
            ]
        conventions.append(convention)
    start = rng.choice([2015, 2024])
    title = f"Contrat de ville de l'agglomération de {town} {start} – {start + 6}"
    return ContractSpec(title, start, start + 6, start - 2, piliers, conventions)


def _cents(rng: random.Random) -> int:
    return rng.choice([rng.randint(1, 900) * 10_000, rng.randint(1, 99_999) * 100, rng.randint(1_00, 9_999_999)])


def _fiche(rng: random.Random, number: str, axe: str, title: str) -> FicheSpec:
    groups = rng.sample(range(len(GROUPES)), rng.randint(0, 2))
    ticks = [
        Tick(group, rng.randrange(len(GROUPES[group])), rng.choice(_PROGRAMMES), rng.choice(_STATUS))
        for group in sorted(groups)
    ]
    kept = (rng.random() < 0.7, rng.random() < 0.7, rng.random() < 0.7)
    return FicheSpec(
        number, axe, title, rng.choice(_AIMS), priorite=rng.randint(1, 3), annee=rng.randint(2016, 2022),
        transversaux=kept, proposition=rng.choice(_DEEDS), cpo=rng.choice([None, True, False]),
        porteurs=rng.choice(_CARRIERS), partenaires=rng.choice([None, *_CARRIERS]), ticks=ticks, style=0,
    )  # fmt: skip


#: How typists write: a pattern of the careful text, and what stands in its place.
_TYPISTS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    ((r"(?<=\d) (?=\d{3}\b|€)", "\u00a0"), (r"'", "’")),
    ((r"(?m)^Objectif\t", "Objectif opérationnel\t"), (r"Partenaires opérationnels", "Partenaires mobilisés"),
     (r"Action N° ", "Fiche N° "), (r"Délai / échéance de programmation", "Echéance")),
    ((r"(?<=\d) (?=\d{3}\b)", "\u202f"), (r"Porteur \(s\) identifié\(s\)", "Porteurs identifiés :")),
    ((r"\bI{1,3}-(?=\d)", ""), (r"Action N° ", "Action n°")),
)  # fmt: skip


def typed(text: str, seed: int) -> str:
    """The text as one of the typists writes it."""
    for pattern, written in _TYPISTS[seed % len(_TYPISTS)]:
        text = re.sub(pattern, written, text)
    return text


@dataclass(frozen=True)
class Plant:
    """An anomaly: its code, the rows where it may be planted, what is written there, and whether as a row more."""

    code: str
    row: str
    written: str
    more: bool = False


_LABEL = f"({'|'.join(map(re.escape, _THINGS))})"
_BOTH = f"CPO envisagée OUI {COCHE} NON {COCHE}"
PLANTS = (
    Plant("montant-illisible", rf"{_LABEL}\t.*€", r"\1\tenviron mille"),
    Plant("montants-colles", rf"{_LABEL}\t(.*€)", r"\1\t\2 777 €"),
    Plant("total-dans-le-budget", rf"{_LABEL}\t.*€", "Total\t31 415 €", more=True),
    Plant("rubrique-non-comprise", r"Porteur \(s\) identifié\(s\)\t.*", "Indicateurs\tdix ateliers\t\t", more=True),
    Plant("partenaire-vague", r"(Porteur \(s\) identifié\(s\))\t.*", r"\1\tDivers\t\t"),
    Plant("fiche-champ-absent", r"Objectif\t.*", "Objectif\t\t\t"),
    Plant("priorite-illisible", r"(Priorité du territoire)\t.*", r"\1\tplutôt haute\t\t"),
    Plant("axes-transversaux-absents", r"(Axe transversal[^\t]*)\t.*", r"\1\t\t\t"),
    Plant("cpo-double", r"(Délai .*\t)CPO envisagée.*", rf"\1{_BOTH}"),
    Plant("financement-sans-detail", r"(.*checked.*)\t(?:BOP 147|FIPD)\t.*", r"\1\t\t"),
    Plant("fiche-numero-double", r"(Proposition.*Action N° )((?:.*/))[2-9]", r"\g<1>\g<2>1"),
)  # fmt: skip


@dataclass(frozen=True)
class Altered:
    """A contract, its text as typed, and what was planted: each code, with the row where it stands (:func:`place`)."""

    clean: ContractSpec
    text: str
    planted: list[tuple[str, tuple[str, int]]]


def place(lines: list[str], number: int) -> tuple[str, int]:
    """A line (one-based) as any layout has it: its first filled cell without boxes, and its rank among those alike."""
    shown = [re.sub(r"<input[^>]*>|[☐☑☒ ]", "", line) for line in lines[:number]]
    firsts = [next(filter(None, line.split("\t")), "") for line in shown]
    return firsts[-1], Counter(firsts)[firsts[-1]]


def altered(seed: int) -> Altered:
    """The contract of a town as somebody typed it, with two to five anomalies of different kinds."""
    rng = random.Random(1000 + seed)  # noqa: S311
    spec = other_town(seed)
    rows = document(spec).decode().split("\n")
    start = rows.index("Sommaire")
    touched = dict[int, str]()
    for plant in rng.sample(PLANTS, rng.randint(2, 5)):
        there = [at for at in range(start, len(rows)) if at not in touched and re.fullmatch(plant.row, rows[at])]
        if not there:
            continue
        at = rng.choice(there)
        if plant.more:
            at += 1
            rows.insert(at, plant.written)
            touched = {other + (other >= at): code for other, code in touched.items()}
        else:
            rows[at] = re.sub(plant.row, plant.written, rows[at])
        touched[at] = plant.code
    text = typed("\n".join(rows), seed)
    lines = text.split("\n")
    return Altered(spec, text, [(code, place(lines, at + 1)) for at, code in sorted(touched.items())])


@dataclass(frozen=True)
class CellPlant:
    """An anomaly of a list: its code, its sheet, the column of the cell that it changes, what is written there.

    Its finding stands there, or at the head of the ``row``. ``{}`` is what the cell held, ``None`` empties it.
    """

    code: str
    sheet: str
    column: str
    written: str | None
    row: bool = False


_CREDITS, _ACTIONS, _FUNDING = "Crédits", "Actions", "Plan de financement"
CELL_PLANTS = (
    CellPlant("montant-illisible", _CREDITS, "Dépenses réalisées (€)", "environ mille"),
    CellPlant("collectivite-variante", _CREDITS, "Commune", "Ville de {}"),
    CellPlant("ligne-non-placee", _CREDITS, "Commune", None, row=True),
    CellPlant("ligne-non-placee", _CREDITS, "Intitulé", None, row=True),
    CellPlant("fiche-numero-double", _ACTIONS, "Fiche n°", "above"),
    CellPlant("partenaire-vague", _ACTIONS, "Partenaires mobilisés", "Divers"),
    CellPlant("partenaire-vague", _ACTIONS, "Structure porteuse", "Villes"),
    CellPlant("reponse-illisible", _ACTIONS, "CPO", "peut-être"),
    CellPlant("ligne-non-placee", _FUNDING, "N° de fiche", "IV-9.9./9", row=True),
)
Lists = dict[str, list[list[object]]]


def altered_lists(seed: int) -> tuple[ContractSpec, Lists, list[tuple[str, str, str]]]:
    """The contract of a town as lists, by the name of each; the codes planted in them, each with its list and cell."""
    rng = random.Random(2000 + seed)  # noqa: S311
    spec = other_town(seed)
    made = legacy_workbooks.flat_list(read_document(document(spec), "contrat.txt"))
    book = openpyxl.load_workbook(io.BytesIO(made), read_only=True)
    lists: Lists = {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}
    planted, touched = list[tuple[str, str, str]](), set[tuple[str, int]]()
    for plant in rng.sample(CELL_PLANTS, rng.randint(2, 5)):
        rows = lists[plant.sheet]
        head = next(number for number, row in enumerate(rows) if plant.column in row)
        column = rows[head].index(plant.column)
        funded = {row[0] for row in lists[_FUNDING]} if plant.written == "above" else set()
        there = [
            at for at in range(head + 2, len(rows))
            if (plant.sheet, at) not in touched and rows[at][column] not in funded
        ]  # fmt: skip
        if not there:
            continue
        at = rng.choice(there)
        written = rows[at - 1][column] if plant.written == "above" else plant.written
        rows[at][column] = written.format(rows[at][column]) if isinstance(written, str) else None
        touched |= {(plant.sheet, near) for near in (at - 1, at, at + 1)}
        planted.append((plant.code, plant.sheet, cell_name(at + 1, 1 if plant.row else column + 1)))
    return spec, lists, sorted(planted)


def as_workbook(lists: Lists) -> bytes:
    """The lists as the sheets of a workbook."""

    def make(book: xlsxwriter.Workbook) -> None:
        for name, rows in lists.items():
            legacy_workbooks.rows(book.add_worksheet(name), 0, rows)

    return legacy_workbooks.workbook(make)


def as_csv(rows: list[list[object]], seed: int) -> bytes:
    """A list as a program or a French Excel writes it: its separator, its decimals and its encoding follow the seed."""
    separator, mark, encoding = ((";", ",", "cp1252"), (";", ",", "utf-8-sig"), (",", ".", "utf-8"))[seed % 3]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator)
    for row in rows:
        writer.writerow([str(value).replace(".", mark) if isinstance(value, float) else value for value in row])
    return stream.getvalue().encode(encoding, "replace")
