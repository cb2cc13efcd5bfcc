"""Made-up contracts, and their text in the shape of a published document, with or without its accidents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

LOCAUX = ["Conseil Régional Bretagne", "Conseil départemental du Finistère", "EPCI", "Ville", "Autres"]
NATIONAUX = ["Etat", "Opérateurs de l'Etat", "Union Européenne", "Caisse des Dépôts et Consignations", "Autres"]
PRIVES = ["CCI", "CMA", "Fondation privée", "marchés d'insertion", "Participation adhérents/usagers", "Autres"]
GROUPES = [LOCAUX, NATIONAUX, PRIVES]
IDS = [
    ["conseil-regional", "conseil-departemental", "epci", "ville", "autres-public-local"],
    ["etat", "operateurs-de-l-etat", "union-europeenne", "caisse-des-depots", "autres-public-national"],
    ["cci", "cma", "fondation-privee", "marches-d-insertion", "participation-adherents", "autres-prive"],
]
ROMAINS = ["I", "II", "III", "IV", "V"]
VIDE, COCHE = '<input type="checkbox"/>', '<input checked="" type="checkbox"/>'


@dataclass
class Tick:
    """A funder ticked: group and place in the lists above, with the texts beside it."""

    groupe: int
    place: int
    dispositif: str | None = None
    montant: str | None = None


@dataclass
class FicheSpec:
    """A made-up fiche; ``style`` chooses how the extraction laid its funders' rows."""

    numero: str
    axe: str
    axe_titre: str
    objectif: str = "Soutenir les habitants"
    ref: str | None = None
    priorite: int = 1
    annee: int = 2016
    transversaux: tuple[bool, bool, bool] = (True, True, True)
    proposition: str | None = "Ouvrir un lieu"
    cpo: bool | None = None
    porteurs: str | None = None
    partenaires: str | None = None
    ticks: list[Tick] = field(default_factory=list)
    style: int = 0


@dataclass
class ConventionSpec:
    """A made-up convention: its budget is (collectivité, printed subtotal, lines), amounts in cents."""

    numero: int
    pilier: int
    titre: str
    court: str
    budget: list[tuple[str, int | None, list[tuple[str, int | None]]]] = field(default_factory=list)
    fiches: list[FicheSpec] = field(default_factory=list)


@dataclass
class ContractSpec:
    """A made-up contract."""

    titre: str
    debut: int
    fin: int
    exercice: int
    piliers: list[str]
    conventions: list[ConventionSpec]
    recap: bool = True
    sommaire: bool = True


def money(cents: int | None, space: str = " ") -> str:
    """An amount as the document prints it; nothing for None."""
    if cents is None:
        return ""
    units, centimes = divmod(abs(cents), 100)
    text = f"{units:,}".replace(",", space) + (f",{centimes:02d}" if centimes else "")
    return f"{'-' if cents < 0 else ''}{text} €"


def boxes(groupe: int, ticks: list[Tick], empty: str = VIDE, ticked: str = COCHE) -> str:
    """One group of boxes with its labels."""
    places = {tick.place for tick in ticks if tick.groupe == groupe}
    return " ".join(f"{ticked if i in places else empty} {label}" for i, label in enumerate(GROUPES[groupe]))


def texts(ticks: list[Tick], *groupes: int) -> tuple[str, str]:
    """The dispositif and amount printed beside some groups."""
    here = [tick for tick in ticks if tick.groupe in groupes]
    return (here[0].dispositif or "", here[0].montant or "") if here else ("", "")


PUBLICS = "Partenaires financiers publics / droit commun identifié"
FINANCEURS_PRIVES = "Partenaires financiers privés"
DISPOSITIF, MONTANT = "Dispositif / BOP", "Montant (€) à titre indicatif"


def funder_rows(fiche: FicheSpec) -> list[str]:
    """The funders' rows in one of the shapes that the source shows."""
    t = fiche.ticks
    rows = [(boxes(g, t), *texts(t, g)) for g in range(3)]
    glued_ok = sum(1 for tick in t if tick.groupe < 2) <= 1 and not any(tick.groupe == 2 for tick in t)
    style = fiche.style % 6
    if style == 1:
        return [
            "\t\tDispositif /\tBOP",
            f"\t\t\t{MONTANT}",
            *("\t".join([head, *row]) for head, row in zip([PUBLICS, "", FINANCEURS_PRIVES], rows, strict=True)),
        ]
    if style == 2:
        return [
            f"{PUBLICS}\tDispositif /\tBOP\t{MONTANT}",
            "\t".join(["", *rows[0]]),
            "\t".join([FINANCEURS_PRIVES, *rows[1]]),
            "\t".join(["", *rows[2]]),
        ]
    if style == 3 and glued_ok:
        dispositif, montant = texts(t, 0, 1)
        cells = [f"{DISPOSITIF} {dispositif}".strip(), f"{MONTANT} {montant}".strip()]
        return [
            "\t".join([PUBLICS, f"{rows[0][0]} {rows[1][0]}", *cells]),
            "\t".join([FINANCEURS_PRIVES, *rows[2]]),
        ]
    if style == 4 and glued_ok:
        dispositif, montant = texts(t, 0, 1)
        cell = " ".join(f"{DISPOSITIF} {dispositif} {MONTANT} {montant}".split())
        return [f"{PUBLICS}\t{rows[0][0]} {rows[1][0]}\t{cell}", f"{FINANCEURS_PRIVES}\t{rows[2][0]}\t"]
    if style == 5 and not rows[0][1] and not rows[0][2]:
        return [
            f"{PUBLICS}\t{rows[0][0]}\t{DISPOSITIF}\t{MONTANT}",
            "\t".join(["", *rows[1]]),
            "\t".join([FINANCEURS_PRIVES, *rows[2]]),
        ]
    return [
        f"\t\t{DISPOSITIF}\t{MONTANT}",
        *("\t".join([head, *row]) for head, row in zip([PUBLICS, "", FINANCEURS_PRIVES], rows, strict=True)),
    ]


def fiche_lines(convention: ConventionSpec, pilier: str, fiche: FicheSpec) -> list[str]:
    """The lines of one fiche."""
    mentions = ["JEUNES (J)", "Egalité Hommes - Femmes (DdFE)", "Lutte contre les discriminations (LCD)"]
    shown = " ".join(m if kept else f"<s>{m}</s>" for m, kept in zip(mentions, fiche.transversaux, strict=True))
    oui, non = (COCHE if fiche.cpo is answer else VIDE for answer in (True, False))
    cpo = f"CPO envisagée OUI {oui} NON {non}"
    when = f"{fiche.priorite} ({fiche.annee})"
    return [
        f"CONVENTION THEMATIQUE : {pilier.upper()}\t\t\t",
        f"SOUS-THEMATIQUE : {convention.numero}- {convention.court}\t\t\t",
        ("Axe Stratégique\t\t" if fiche.style % 4 == 3 else "Axe Stratégique\t") + f"{fiche.axe}. {fiche.axe_titre}\t",
        f"Objectif\t{fiche.objectif}\t\t",
        f"Réf. Convention Interministérielle\t{fiche.ref or ''}\t\t",
        f"Priorité du territoire\t{when}\t\t",
        f"Axe transversal * (* rayer la mention inutile)\t{shown} (rayer la mention inutile)\t\t",
        f"Proposition(s) d'action(s)\t{fiche.proposition or ''}\t"
        + "\t" * (fiche.style % 2)
        + f"Action N° {fiche.numero}",
        f"Délai / échéance de programmation\t{when}\t" + ("\t" if fiche.style % 3 else "") + cpo,
        f"Porteur (s) identifié(s)\t{fiche.porteurs or ''}\t\t",
        f"Partenaires opérationnels\t{fiche.partenaires or ''}\t\t",
        *funder_rows(fiche),
    ]


def document_lines(contract: ContractSpec) -> list[str]:
    """The contract's text, line by line, as a careful extraction would give it."""
    lines = ["", contract.titre, "", "Partie II - Conventions thématiques", "", "Avertissement", ""]
    lines += [f"Les montants sont ceux identifiés dans les exercices {contract.exercice}, à titre indicatif.", ""]
    names: list[str] = []
    for convention in contract.conventions:
        names += [name for name, _, _ in convention.budget if name not in names]
    if contract.recap:
        grand = 0
        for convention in contract.conventions:
            total = sum(subtotal or 0 for _, subtotal, _ in convention.budget)
            grand += total
            lines.append(f"{convention.numero} - {convention.titre}\t{money(total)}")
            lines += [f"{name}\t{money(subtotal)}" for name, subtotal, _ in convention.budget]
        lines += [f"Total général\t{money(grand)}", ""]
    if contract.sommaire:
        lines += ["Sommaire", ""]
        for index, pilier in enumerate(contract.piliers):
            lines.append(f"{ROMAINS[index]} - Conventions thématiques « {pilier} »\t{index * 10 + 4}")
            lines += [f"{c.numero} - {c.titre}.....\t{c.numero * 3}" for c in contract.conventions if c.pilier == index]
        lines.append("")
    for index, pilier in enumerate(contract.piliers):
        lines += [f"{ROMAINS[index]} - Conventions thématiques « {pilier} »", ""]
        for convention in contract.conventions:
            if convention.pilier != index:
                continue
            lines += [f"{convention.numero} - {convention.titre}", "", f"{convention.numero}-{convention.court}", ""]
            lines += [f"Le recensement a été réalisé par les villes de {', '.join(names)} et par leurs services.", ""]
            for name, subtotal, rows in convention.budget:
                lines.append(f"{name}\t{money(subtotal)}")
                lines += [f"{label}\t{money(amount)}" for label, amount in rows]
            lines.append("")
            for fiche in convention.fiches:
                lines += [*fiche_lines(convention, pilier, fiche), ""]
    return lines


def document(contract: ContractSpec) -> bytes:
    """The contract's text as UTF-8 bytes."""
    return "\n".join(document_lines(contract)).encode()


def small_contract() -> ContractSpec:
    """One pilier, two conventions, three towns, four fiches: enough for one accident at a time."""
    first = ConventionSpec(
        1,
        0,
        "Education et parentalité",
        "Education et parentalité",
        [
            ("Brest", 150_000, [("Cantine", 100_000), ("Ménage des écoles", 50_000), ("Classe de mer", None)]),
            ("Guipavas", 20_000, [("Transport", 20_000)]),
            ("Brest métropole", 70_000, [("Observatoire", 30_000), ("Etudes", 40_000)]),
        ],
        [
            FicheSpec("I-1.1./1", "I-1.1", "Apprendre à lire", ticks=[Tick(0, 0, "Plan lecture", "Non déterminé")]),
            FicheSpec("I-1.1./2", "I-1.1", "Apprendre à lire", "Lire à la maison", cpo=True, porteurs="Brest/Etat"),
            FicheSpec("I-1.2./1", "I-1.2", "Accueillir les parents", "Ouvrir une maison", style=1),
        ],
    )
    second = ConventionSpec(
        2,
        0,
        "Santé",
        "Santé",
        [("Brest", 12_345, [("Soins", 12_345)]), ("Brest métropole", None, [("Prévention", None)])],
        [FicheSpec("I-2./1", "I-2", "Soigner", "Soigner près de chez soi", style=2)],
    )
    return ContractSpec(
        "Contrat de ville de l'agglomération brestoise 2015 – 2020",
        2015,
        2020,
        2013,
        ["cohésion sociale"],
        [first, second],
    )


MOTS = [
    "atelier",
    "lecture",
    "quartier",
    "habitants",
    "jeunesse",
    "emploi",
    "logement",
    "santé",
    "culture",
    "sport",
    "accueil",
    "familles",
    "école",
    "marché",
]
VILLES = ["Brest", "Guipavas", "Plouzané", "Le Relecq-Kerhuon", "Brest métropole", "Saint-Renan", "L'Hôpital-Camfrout"]
_PHRASE = st.lists(st.sampled_from(MOTS), min_size=2, max_size=7).map(lambda words: " ".join(words).capitalize())
_CENTS = st.one_of(
    st.none(), st.just(0), st.integers(0, 5_000_000_00), st.integers(0, 9_999_999).map(lambda n: n * 100)
)
_TEXTE = st.one_of(st.none(), _PHRASE)
_MONTANT = st.sampled_from(
    [None, "A négocier dans les Contrats", "Non déterminé", "890 000 €", "A calculer", "12 500,50 €"]
)


@st.composite
def contracts(draw: st.DrawFn) -> ContractSpec:
    """Contracts of any size and content in which every row says something (a ticked funder has a dispositif)."""
    piliers = draw(st.lists(_PHRASE, min_size=1, max_size=4, unique=True))
    conventions: list[ConventionSpec] = []
    count = draw(st.integers(1, 6))
    piliers = piliers[:count]
    for numero in range(1, count + 1):
        pilier = (numero - 1) * len(piliers) // count
        titre = draw(_PHRASE)
        towns = draw(st.lists(st.sampled_from(VILLES), min_size=1, max_size=4, unique=True))
        budget = []
        for town in towns:
            rows = draw(st.lists(st.tuples(_PHRASE, _CENTS), min_size=1, max_size=5))
            known = [amount for _, amount in rows if amount is not None]
            budget.append((town, sum(known) if known else None, rows))
        spec = ConventionSpec(numero, pilier, titre, titre, budget)
        for axe in range(1, draw(st.integers(1, 2)) + 1):
            axe_titre = draw(_PHRASE)
            for rang in range(1, draw(st.integers(1, 3)) + 1):
                code = f"{ROMAINS[pilier]}-{numero}.{axe}"
                spec.fiches.append(draw(_fiches(f"{code}./{rang}", code, axe_titre)))
        conventions.append(spec)
    debut = draw(st.integers(2005, 2060))
    return ContractSpec(
        f"Contrat de ville {debut} - {debut + 5}", debut, debut + 5, debut - 2, piliers, conventions,
        recap=draw(st.booleans()), sommaire=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def _fiches(draw: st.DrawFn, numero: str, axe: str, axe_titre: str) -> FicheSpec:
    groups = draw(st.lists(st.integers(0, 2), max_size=3, unique=True))
    ticks = [Tick(g, draw(st.integers(0, len(GROUPES[g]) - 1)), draw(_PHRASE), draw(_MONTANT)) for g in sorted(groups)]
    return FicheSpec(
        numero,
        axe,
        axe_titre,
        objectif=draw(_PHRASE),
        ref=draw(_TEXTE),
        priorite=draw(st.integers(1, 3)),
        annee=draw(st.integers(2010, 2070)),
        transversaux=(draw(st.booleans()), draw(st.booleans()), draw(st.booleans())),
        proposition=draw(_TEXTE),
        cpo=draw(st.sampled_from([None, True, False])),
        porteurs=draw(_TEXTE),
        partenaires=draw(_TEXTE),
        ticks=ticks,
        style=draw(st.integers(0, 11)),
    )


def expected_fiches(contract: ContractSpec) -> list[dict[str, Any]]:
    """What reading the contract's text must give for its fiches, without provenance."""
    return [
        {
            "fiche_id": f.numero,
            "convention_id": c.numero,
            "axe_id": f.axe,
            "objectif": f.objectif,
            "ref_interministerielle": f.ref,
            "priorite": f.priorite,
            "annee_priorite": f.annee,
            "jeunes": f.transversaux[0],
            "egalite_femmes_hommes": f.transversaux[1],
            "lutte_discriminations": f.transversaux[2],
            "proposition": f.proposition,
            "echeance": f"{f.priorite} ({f.annee})",
            "cpo": f.cpo,
            "porteurs": f.porteurs,
            "partenaires_operationnels": f.partenaires,
        }
        for c in contract.conventions
        for f in c.fiches
    ]


def expected_funding(contract: ContractSpec) -> list[tuple[str, str, str | None, str | None]]:
    """Each ticked funder with its texts: fiche, funder, dispositif, amount text."""
    return [
        (f.numero, IDS[t.groupe][t.place], t.dispositif, t.montant)
        for c in contract.conventions
        for f in c.fiches
        for t in sorted(f.ticks, key=lambda tick: tick.groupe)
    ]


def expected_budget(contract: ContractSpec) -> list[tuple[int, str, str, int | None]]:
    """Each budget line: convention, collectivité, label, cents."""
    return [
        (c.numero, name, label, amount)
        for c in contract.conventions
        for name, _, rows in c.budget
        for label, amount in rows
    ]
