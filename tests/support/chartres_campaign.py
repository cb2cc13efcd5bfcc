"""The campaign of 2016 on the repository's own contract, with all its partners and all that happens to returns.

:func:`play` writes what people sent and typed; it says what each file, each partner and each figure must become.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

from support.campaign import (
    Answers,
    Formula,
    Line,
    Reply,
    Saved,
    TypedValue,
    campaign_workspace,
    copy_as,
    expected_lines,
    fill,
    form_keys,
    mutated,
    old_excel,
    register_rows,
    retouch,
    save_again,
    table_cell,
    truncated,
)
from support.forms import ACTIONS, BUDGET, FINANCEMENTS
from support.mutations import put
from support.program import tabellion
from tabellion.campaign.model import Verdict
from tabellion.measures.board import ReturnStatus

YEAR, LAST_YEAR = 2016, 2015
#: A line of 2016 that the register has before the forms are sent, of Chartres métropole.
KNOWN_LINE, SENT_CENTS = "B02-chartres-metropole-001", Decimal(5000)
METRO, REGION, PLH = (
    "chartres-metropole",
    "conseil-regional-centre-val-de-loire",
    "communes-membres-du-plh-bailleurs-sociaux-et-amenageurs",
)
LOCKED = "communes-membres-bailleurs-sociaux-ayant-du-parc-sur"
TOGETHER = "l-ensemble-des-bailleurs-sociaux"
OLD_EXCEL = "villes-de-chartres-luce-et-mainvilliers-les-bailleurs"
RESAVED = "les-villes-et-les-bailleurs-sociaux-ayant-du-logement-en-qpv"
#: Financements of 2016: one that funder and lead say differently, one that staff changed too, one that both agree on.
#: The register has these three before the forms are sent; the last is only known as it was published.
DISPUTED, STAFFED, AGREED = (f"II-5.1./{rank}:conseil-regional:{YEAR}" for rank in (3, 4, 1))
ALONE = f"III-7.2./1:conseil-regional:{YEAR}"


def november(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """A time of saving before the campaign's date."""
    return datetime(2016, 11, day, hour, minute)


# How people type amounts


def _grouped(euros: Decimal, separator: str, mark: str = ",") -> str:
    whole, _, cents = f"{euros:,.2f}".partition(".")
    digits = whole.replace(",", separator)
    return digits if cents == "00" else f"{digits}{mark}{cents}"


#: Each gives an amount as somebody types it, or ``None`` when nobody would type this amount so.
SPELLINGS: tuple[Callable[[Decimal], Any], ...] = (
    lambda euros: int(euros) if euros == int(euros) else float(euros),
    lambda euros: _grouped(euros, " ") + " €",
    lambda euros: _grouped(euros, "\u00a0"),
    lambda euros: _grouped(euros, "\u202f") + "\u00a0€",
    lambda euros: _grouped(euros, ".") if euros != int(euros) and euros > 1000 else None,
    lambda euros: f"{int(euros) // 1000} k€" if euros and euros % 1000 == 0 else None,
    lambda euros: "néant" if euros == 0 else None,
    lambda euros: "-" if euros == 0 else None,
    lambda euros: Formula(f"{euros}+0", float(euros)),
    lambda euros: f"{_grouped(euros, ' ')} euros",
)


def amounts(seed: int) -> Iterator[TypedValue]:
    """Amounts without end, each other than the last, in every spelling in turn."""
    spellings = cycle(SPELLINGS)
    for rank in range(10_000):
        cents = (rank * 7919 + seed * 104_729) % 9_000_000
        cents = 0 if rank % 11 == 5 else cents // 100_000 * 100_000 if rank % 7 == 3 else cents
        euros = Decimal(cents) / 100
        typed = next(spelling for spell in spellings if (spelling := spell(euros)) is not None)
        yield TypedValue(typed, euros)


def whole(form: Path, seed: int, more: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """An answer to every row of a form, except its financements: their amounts are in ``more``, by identifier."""
    typed, answers = amounts(seed), dict[str, Any]()
    keys = form_keys(form)
    for rank, key in enumerate(keys.get(BUDGET, [])):
        answers.setdefault(BUDGET, {})[key] = {"montant_prevu": next(typed), "montant_vote": next(typed)}
        if rank % 3 == 0:
            answers[BUDGET][key] |= {"montant_realise": next(typed), "commentaire": f"Ligne revue en {seed} & « vue »"}
    states = cycle(
        (TypedValue("en cours", "en cours"), TypedValue("TERMINÉE", "terminée"), "non démarrée", "abandonnée")
    )
    days = cycle(
        (
            date(2016, 11, 2),
            TypedValue("04/11/2016", date(2016, 11, 4)),
            TypedValue("5 novembre 2016", date(2016, 11, 5)),
        )
    )
    for rank, key in enumerate(keys.get(ACTIONS, [])):
        answers.setdefault(ACTIONS, {})[key] = {
            "avancement": next(states),
            "pourcentage": TypedValue("40 %", 40) if rank % 2 else 10 + seed,
            "date_bilan": next(days),
            "montant_engage": next(typed),
            "commentaire": f"Fiche {key} : <fait> & refait",
        }
    if more:
        answers[FINANCEMENTS] = {key: dict(values) for key, values in more.items()}
    return answers


@dataclass
class Campaign:
    """What was played, and what must come of it. Files are named from ``workbooks/``."""

    root: Path
    files: dict[str, Saved] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    statuses: dict[tuple[str, int], ReturnStatus] = field(default_factory=dict)
    replies: dict[tuple[str, int], Reply] = field(default_factory=dict)
    """What counts, by partner and exercice: the answers of the return in force."""
    sources: dict[tuple[str, int], Saved] = field(default_factory=dict)
    """The file that :attr:`replies` come from, as it was saved: it may be kept elsewhere since, under another name."""
    replies_by_file: dict[str, Reply] = field(default_factory=dict)
    """What each file says, whether it counts or not."""
    twins: list[set[str]] = field(default_factory=list)
    """Files that are the same to the byte: one of them counts, whichever."""
    conflicts: dict[tuple[str, str, str], tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    """By table, first key and field: the value kept, and what each partner says."""
    removals: list[tuple[str, str]] = field(default_factory=list)

    @property
    def workbooks(self) -> Path:
        return self.root / "workbooks"

    @property
    def retours(self) -> Path:
        return self.workbooks / "retours"

    def form(self, partner: str, year: int = YEAR) -> Path:
        return self.workbooks / "envois" / str(year) / f"{partner}-{year}.xlsx"

    def receive(
        self, partner: str, name: str, answers: Answers | None, verdict: Verdict, *, year: int = YEAR, **more: Any
    ) -> Saved:
        """A form filled and put into ``retours/`` under ``name``; it counts when the verdict says so."""
        file = f"retours/{name}"
        saved = fill(self.form(partner, year), self.workbooks / file, answers, **more)
        rows = {key: more[key] for key in ("new_rows", "removed") if key in more}
        self.files[file], self.verdicts[file] = saved, verdict
        self.replies_by_file[file] = Reply(partner, year, answers or {}, **rows)
        if verdict is Verdict.IN_FORCE:
            self.count(partner, year, file)
        return saved

    def count(self, partner: str, year: int, file: str) -> None:
        """From now on this file is the one that counts."""
        self.replies[partner, year], self.sources[partner, year] = self.replies_by_file[file], self.files[file]

    def copy(self, file: str, maker: str) -> None:
        """The same bytes once more, under the name that ``maker`` gives to a copy."""
        twin = copy_as(self.workbooks / file, maker)
        self.twins.append({file, twin.relative_to(self.workbooks).as_posix()})

    def lines(self) -> list[Line]:
        """Every budget line that must come of it: the register, the staff's edits, then the returns in force."""
        lines = expected_lines(self.workbooks / "registre", self.replies.values())
        for (table, key, champ), (kept, _) in self.conflicts.items():
            if table == "lignes_budgetaires":
                (line,) = (line for line in lines if (line.ligne_id, line.exercice) == (key, YEAR))
                line.amounts[champ] = kept
        return lines


def undated(key: str) -> str:
    """The identifier of a financement as it was published."""
    return key.removesuffix(f":{YEAR}")


#: A copy of the register that the forms were sent from.
SENT = "registre envoyé"


def start(folder: Path) -> Campaign:
    """The contract, a line and financements of 2016 known already, all partners' forms, and the staff's workbook."""
    root = campaign_workspace(folder)
    registre = root / "workbooks" / "registre"
    known = next(row for row in register_rows(registre, "lignes_budgetaires") if row["ligne_id"] == KNOWN_LINE)
    kept = {name: known[name] for name in ("ligne_id", "convention_id", "collectivite_id", "libelle")}
    with (registre / "lignes_budgetaires.csv").open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(known), lineterminator="\n")
        writer.writerow({**dict.fromkeys(known, ""), **kept, "exercice": YEAR, "montant_prevu": int(SENT_CENTS)})
    published = {row["financement_id"]: row for row in register_rows(registre, "financements")}
    with (registre / "financements.csv").open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(published[undated(ALONE)]), lineterminator="\n")
        for key in (DISPUTED, STAFFED, AGREED):
            writer.writerow({**published[undated(key)], "financement_id": key, "exercice": YEAR})
    for arguments in (("forms",), ("forms", "--exercice", str(LAST_YEAR), "--partenaire", "chartres-habitat")):
        outcome = tabellion(*arguments, cwd=root)
        assert outcome.code == 0, outcome.err
    outcome = tabellion("generate", cwd=root)
    assert outcome.code == 0, outcome.err
    shutil.copytree(registre, root / SENT)
    return Campaign(root)


def first_night(campaign: Campaign) -> None:
    """Two partners have answered."""
    for seed, partner in enumerate(("mainvilliers", "pole-emploi"), 1):
        answers = whole(campaign.form(partner), seed)
        campaign.receive(partner, f"{partner}.xlsx", answers, Verdict.IN_FORCE, saved=november(4, seed))
        campaign.statuses[partner, YEAR] = ReturnStatus.ACCEPTED


def staff_edits(campaign: Campaign) -> None:
    """The staff changes contrat.xlsx meanwhile: a line of 2016, a financement."""
    master = campaign.workbooks / "contrat.xlsx"
    line = table_cell(master, "Lignes_02", "Montant prévu (€)", Identifiant=KNOWN_LINE, Exercice=YEAR)
    amount = table_cell(master, "Financements_fiches", "Montant (€)", Identifiant=STAFFED)
    status = table_cell(master, "Financements_fiches", "État du montant", Identifiant=STAFFED)
    cells: dict[str, dict[str, Any]] = {}
    for (sheet, address), value in ((line, 5500), (amount, 100_000), (status, "chiffré")):
        cells.setdefault(sheet, {})[address] = value
    retouch(master, master, cells, saved=november(15), author="Coordination")


def second_night(campaign: Campaign) -> None:
    """Everybody else, in every way."""
    staff_edits(campaign)
    _towns(campaign)
    _funders(campaign)
    _landlords(campaign)
    for partner in ("pole-emploi", "mainvilliers"):
        campaign.statuses.setdefault((partner, YEAR), ReturnStatus.ACCEPTED)


def _towns(campaign: Campaign) -> None:
    statuses = campaign.statuses
    # Chartres answers everything, in every spelling, and adds a line.
    campaign.receive(
        "chartres", "Réponse ville de Chartres (définitif).xlsx", whole(campaign.form("chartres"), 3), Verdict.IN_FORCE,
        new_rows={BUDGET: [{"convention_id": "2 – Lien social, citoyenneté, loisirs, sport et culture",
                            "libelle": "Atelier vélo", "montant_prevu": TypedValue("2 500,50 €", Decimal("2500.50"))}]},
        saved=november(10), author="Service financier",
    )  # fmt: skip
    statuses["chartres", YEAR] = ReturnStatus.ACCEPTED
    # Lucé sends twice; the newer one wins, whatever the names say; both have the same new line.
    for name, day, seed, verdict in (
        ("luce FINAL v9.xlsx", 5, 4, Verdict.OLDER),
        ("luce-2016.xlsx", 12, 5, Verdict.IN_FORCE),
    ):
        new = {"convention_id": 9, "libelle": "Chantier jeunes", "montant_prevu": 100 * seed}
        answers = whole(campaign.form("luce"), seed)
        campaign.receive("luce", name, answers, verdict, new_rows={BUDGET: [new]}, saved=november(day))
    statuses["luce", YEAR] = ReturnStatus.ACCEPTED
    # Mainvilliers puts a wrong form over the one that was accepted.
    wrong = whole(campaign.form("mainvilliers"), 6)
    first = next(iter(wrong[BUDGET]))
    wrong[BUDGET][first]["montant_prevu"] = "voir avec le service"
    campaign.receive("mainvilliers", "mainvilliers.xlsx", wrong, Verdict.REJECTED, saved=november(20))
    statuses["mainvilliers", YEAR] = ReturnStatus.KEPT
    _metro(campaign)


def _metro(campaign: Campaign) -> None:
    """The métropole leads fiches: it disagrees with the Region, with the staff, and takes a line away."""
    form = campaign.form(METRO)
    more: dict[str, dict[str, Any]] = {
        DISPUTED: {"montant": 900_000},
        AGREED: {"statut_montant": "chiffré", "montant": TypedValue("50 k€", Decimal(50_000))},
    }
    answers = whole(form, 7, more)
    answers[BUDGET][KNOWN_LINE] = {"montant_prevu": 6000, "montant_vote": 6100}
    removed_key = form_keys(form)[BUDGET][-1]
    del answers[BUDGET][removed_key]
    campaign.receive(
        METRO,
        "metropole/retour métropole.xlsx",
        answers,
        Verdict.IN_FORCE,
        removed={BUDGET: [removed_key]},
        saved=november(14),
    )
    campaign.removals.append(("lignes_budgetaires", removed_key))
    campaign.copy("retours/metropole/retour métropole.xlsx", "navigateur")
    campaign.statuses[METRO, YEAR] = ReturnStatus.ACCEPTED
    campaign.conflicts["lignes_budgetaires", KNOWN_LINE, "montant_prevu"] = (Decimal(5500), {METRO: Decimal(6000)})


def _funders(campaign: Campaign) -> None:
    statuses = campaign.statuses
    more: dict[str, dict[str, Any]] = {
        DISPUTED: {"montant": TypedValue("850 000,00 €", Decimal(850_000))},
        AGREED: {"statut_montant": "chiffré", "montant": 50_000},
        ALONE: {"statut_montant": "chiffré", "montant": TypedValue("12 k€", Decimal(12_000))},
    }
    campaign.receive(REGION, "Région.xlsx", whole(campaign.form(REGION), 8, more), Verdict.IN_FORCE,
                              saved=november(16), author="Direction de l'aménagement")  # fmt: skip
    campaign.copy("retours/Région.xlsx", "Dropbox")
    statuses[REGION, YEAR] = ReturnStatus.ACCEPTED
    more = {STAFFED: {"statut_montant": "chiffré", "montant": 120_000}}
    campaign.receive("etat", "DDCS/etat.xlsx", whole(campaign.form("etat"), 9, more), Verdict.IN_FORCE,
                     saved=november(18))  # fmt: skip
    statuses["etat", YEAR] = ReturnStatus.ACCEPTED
    campaign.conflicts["financements", DISPUTED, "montant"] = (
        Decimal(890_000), {METRO: Decimal(900_000), REGION: Decimal(850_000)}
    )  # fmt: skip
    campaign.conflicts["financements", STAFFED, "montant"] = (Decimal(100_000), {"etat": Decimal(120_000)})
    statuses["union-europeenne", YEAR] = ReturnStatus.LATE


def _landlords(campaign: Campaign) -> None:
    statuses, accept = campaign.statuses, Verdict.IN_FORCE

    def good(partner: str, seed: int, name: str | None = None, **more: Any) -> Saved:
        statuses[partner, more.get("year", YEAR)] = ReturnStatus.ACCEPTED
        answers = whole(campaign.form(partner, more.get("year", YEAR)), seed)
        return campaign.receive(partner, name or f"{partner}.xlsx", answers, accept, **more)

    good(PLH, 10, "plh (après la date).xlsx", saved=datetime(2016, 12, 5, 8))
    # A locked cell changed: the whole return is set aside.
    (fiche,) = form_keys(campaign.form(LOCKED))[ACTIONS]
    answers = whole(campaign.form(LOCKED), 11)
    answers[ACTIONS][fiche]["fiche_id"] = "I-1.1./1"
    campaign.receive(LOCKED, "verrou.xlsx", answers, Verdict.REJECTED, saved=november(9))
    statuses[LOCKED, YEAR] = ReturnStatus.REJECTED
    good("chartres-habitat", 12, saved=november(8))
    good("chartres-habitat", 13, "habitat 2015.xlsx", year=LAST_YEAR, saved=november(8, 10))
    # The same time of saving, other answers: nobody can tell which one counts.
    for seed, name in ((14, "ensemble A.xlsx"), (15, "ensemble B.xlsx")):
        answers = whole(campaign.form(TOGETHER), seed)
        campaign.receive(TOGETHER, name, answers, Verdict.UNDECIDED, saved=november(11))
    statuses[TOGETHER, YEAR] = ReturnStatus.REJECTED
    # A good one, then a wrong one, never seen before this night.
    good("bailleurs-sociaux", 16, "bailleurs v1.xlsx", saved=november(6))
    path = campaign.files["retours/bailleurs v1.xlsx"].path
    newer = path.with_name("bailleurs v2.xlsx")
    saved = mutated(path, newer, put("F6", "presque finie", "Actions"), saved=november(13))
    campaign.files["retours/bailleurs v2.xlsx"] = saved
    campaign.verdicts["retours/bailleurs v2.xlsx"] = Verdict.REJECTED
    statuses["bailleurs-sociaux", YEAR] = ReturnStatus.KEPT
    # Files that nobody can read: their partners have sent nothing yet.
    opah = fill(campaign.form("bailleurs-prives-opah"), campaign.root / "opah.xlsx", saved=november(7))
    truncated(opah.path, campaign.retours / "opah coupé.xlsx")
    opah.path.unlink()
    old_excel(campaign.retours / "villes (ancien Excel).xlsx")
    campaign.verdicts |= dict.fromkeys(
        ("retours/opah coupé.xlsx", "retours/villes (ancien Excel).xlsx"), Verdict.UNREADABLE
    )
    for partner in ("bailleurs-prives-opah", OLD_EXCEL, "villes"):
        statuses[partner, YEAR] = ReturnStatus.LATE
    # Saved again with no change: other bytes, the same answers are one; the later one counts.
    first = campaign.receive(
        RESAVED, "Copie de qpv.xlsx", whole(campaign.form(RESAVED), 17), Verdict.TWIN, saved=november(3)
    )
    again = save_again(first.path, campaign.retours / "qpv.xlsx", saved=november(5))
    campaign.files["retours/qpv.xlsx"] = replace(again, cells=first.cells)
    campaign.verdicts["retours/qpv.xlsx"] = accept
    campaign.replies_by_file["retours/qpv.xlsx"] = campaign.replies_by_file["retours/Copie de qpv.xlsx"]
    campaign.count(RESAVED, YEAR, "retours/qpv.xlsx")
    statuses[RESAVED, YEAR] = ReturnStatus.ACCEPTED
    good("bailleurs-sociaux-et-promoteurs-prives", 18, saved=november(9))
    good("les-villes-et-le-spl-transports", 19, saved=november(9, 11))
    good("promoteurs-prives", 20, "promoteurs (2).xlsx", saved=november(29, 23, 59))
    # Sent back as it was: nothing typed is no answer, and is said.
    campaign.receive("ecoles-en-qpv", "écoles.xlsx", {}, Verdict.EMPTY, saved=november(22))
    statuses["ecoles-en-qpv", YEAR] = ReturnStatus.EMPTY
