"""A whole campaign on the repository's own contract: every figure of the consolidation is recomputed here.

What people typed is in ``support.chartres_campaign``; what it must come to is computed from the CSV register and the
values typed, without the program's own reading, merging or adding. The program runs as people run it.
"""

from __future__ import annotations

import copy
import csv
import hashlib
import html
import io
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.campaign import (
    AMOUNTS,
    Line,
    Totals,
    added_up,
    fill,
    form_keys,
    independent_totals,
    meaning,
    register_rows,
    retouch,
)
from support.chartres_campaign import (
    DISPUTED,
    KNOWN_LINE,
    METRO,
    SENT,
    STAFFED,
    YEAR,
    Campaign,
    first_night,
    second_night,
    start,
    undated,
    whole,
)
from support.forms import ACTIONS, BUDGET, FINANCEMENTS, written_form
from support.libreoffice import LibreOffice
from support.masters import Package, position
from support.opened_books import Book, Opened, Row
from support.program import Outcome, contents, tabellion
from support.recalculated import differences
from tabellion.campaign.model import Verdict
from tabellion.measures.board import ReturnStatus

REPORT = "consolidation/consolidation.xlsx"
TABLE_TITLES = {
    "lignes_budgetaires": "Lignes budgétaires", "suivis": "Suivi des fiches", "financements": "Financements"
}  # fmt: skip
#: The fields that people type, by the titles that the workbook shows.
FIELDS = {
    "montant_prevu": "Montant prévu (€)", "montant_vote": "Montant voté (€)", "montant_realise": "Montant réalisé (€)",
    "montant_engage": "Montant engagé (€)", "montant": "Montant (€)", "statut_montant": "État du montant",
    "commentaire": "Commentaire", "avancement": "Avancement", "pourcentage": "Réalisé (%)",
    "date_bilan": "Date du bilan", "convention_id": "Convention", "libelle": "Libellé", "ligne_id": "Identifiant",
    "collectivite_id": "Collectivité", "exercice": "Exercice",
}  # fmt: skip


def consolidate(root: Path, *arguments: str) -> Outcome:
    """One night: the command in a process of its own. It neither crashes nor is misused, whatever it finds."""
    outcome = tabellion("consolidate", *arguments, cwd=root)
    assert outcome.code in (0, 1), outcome.err + outcome.out
    return outcome


@dataclass(frozen=True)
class Played:
    """The campaign after its nights, with what the program said."""

    campaign: Campaign
    first: Outcome
    outcome: Outcome
    before: Mapping[str, str]
    """The digest of each return before the program saw it."""

    @property
    def book(self) -> Book:
        return Book(self.campaign.workbooks / REPORT)


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file under a folder."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents(folder).items()}


def dated(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The bytes of every file under a folder, and when it was last written."""
    return {name: (content, (folder / name).stat().st_mtime_ns) for name, content in contents(folder).items()}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    campaign = start(tmp_path_factory.mktemp("campagne") / "contrat")
    first_night(campaign)
    first = consolidate(campaign.root)
    second_night(campaign)
    before = digests(campaign.retours)
    return Played(campaign, first, consolidate(campaign.root), before)


@pytest.fixture
def again(played: Played, tmp_path: Path) -> Campaign:
    """The same campaign in a folder of its own, to go on with."""
    folder = tmp_path / "contrat"
    shutil.copytree(played.campaign.root, folder)
    campaign = Campaign(folder)
    for name in (
        "files",
        "verdicts",
        "statuses",
        "replies",
        "sources",
        "replies_by_file",
        "twins",
        "conflicts",
        "removals",
    ):
        setattr(campaign, name, copy.deepcopy(getattr(played.campaign, name)))
    return campaign


# What must come of it


def named(campaign: Campaign) -> dict[str, str]:
    """The partners' identifiers by name."""
    partners = register_rows(campaign.workbooks / "registre", "partenaires")
    return {partner["nom"]: partner["partenaire_id"] for partner in partners}


def expected_suivis(campaign: Campaign) -> dict[tuple[str, str, int], dict[str, Any]]:
    """What each return in force says of its fiches."""
    return {
        (fiche, reply.partenaire, reply.exercice): {name: meaning(value) for name, value in values.items()}
        for reply in campaign.replies.values()
        for fiche, values in reply.answers.get(ACTIONS, {}).items()
    }


def expected_financements(campaign: Campaign) -> dict[str, tuple[str, Decimal | None]]:
    """The status and the amount of each financement: the register, the staff, the returns, less the conflicts."""
    rows = register_rows(campaign.workbooks / "registre", "financements")
    by_key: dict[str, list[Any]] = {
        row["financement_id"]: [row["statut_montant"], decimal(row["montant"])] for row in rows
    }
    for reply in campaign.replies.values():
        for key, values in reply.answers.get(FINANCEMENTS, {}).items():
            by_key.setdefault(key, [None, None])
            for place, name in enumerate(("statut_montant", "montant")):
                if name in values:
                    by_key[key][place] = meaning(values[name])
    for (table, key, champ), (kept, _) in campaign.conflicts.items():
        if table == "financements":
            by_key[key][("statut_montant", "montant").index(champ)] = kept
    return {key: (status, amount) for key, (status, amount) in by_key.items()}


def decimal(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def written_lines(registre: Path) -> list[Line]:
    """The lines of a register as they are."""
    return [
        Line(
            row["ligne_id"], int(row["exercice"]), int(row["convention_id"]), row["collectivite_id"], row["libelle"],
            {name: decimal(row[name]) for name in AMOUNTS}, row["commentaire"] or None,
        )
        for row in register_rows(registre, "lignes_budgetaires")
    ]  # fmt: skip


def comparable(line: Line, known: set[str]) -> tuple[Any, ...]:
    """A line without the identifier that the program gives to those that partners add."""
    key = line.ligne_id if line.ligne_id in known else None
    amounts = tuple(line.amounts[name] for name in AMOUNTS)
    return (key, line.exercice, line.convention, line.collectivite, line.libelle, amounts, line.commentaire)


def compare_register(campaign: Campaign) -> None:
    """Every amount and every word of the consolidated register, against what people typed."""
    registre = campaign.workbooks / "consolidation" / "registre"
    known = {row["ligne_id"] for row in register_rows(campaign.workbooks / "registre", "lignes_budgetaires")}
    lines = written_lines(registre)
    expected = campaign.lines()
    assert Counter(comparable(row, known) for row in lines) == Counter(comparable(row, known) for row in expected)
    assert independent_totals(lines) == independent_totals(expected)
    suivis = {
        (row["fiche_id"], row["partenaire_id"], int(row["exercice"])): {
            "avancement": row["avancement"], "pourcentage": decimal(row["pourcentage"]),
            "date_bilan": date.fromisoformat(row["date_bilan"]), "montant_engage": decimal(row["montant_engage"]),
            "commentaire": row["commentaire"],
        }
        for row in register_rows(registre, "suivis")
    }  # fmt: skip
    assert suivis == expected_suivis(campaign)
    financements = {
        row["financement_id"]: (row["statut_montant"], decimal(row["montant"]))
        for row in register_rows(registre, "financements")
    }
    assert financements == expected_financements(campaign)


# The figures


def test_the_campaign_has_what_it_says(played: Played) -> None:
    """All 21 partners, and every case."""
    campaign = played.campaign
    assert len({partner for partner, _ in campaign.statuses}) == 21
    assert {*campaign.statuses.values()} == {
        ReturnStatus.ACCEPTED,
        ReturnStatus.KEPT,
        ReturnStatus.REJECTED,
        ReturnStatus.EMPTY,
        ReturnStatus.LATE,
    }
    assert {*campaign.verdicts.values()} == {
        Verdict.IN_FORCE, Verdict.OLDER, Verdict.TWIN, Verdict.UNDECIDED, Verdict.REJECTED, Verdict.UNREADABLE,
        Verdict.EMPTY,
    }  # fmt: skip
    assert (played.first.code, played.outcome.code) == (0, 1)


def test_the_register_says_what_people_typed(played: Played) -> None:
    compare_register(played.campaign)


def test_the_other_tables_of_the_register_are_those_of_the_contract(played: Played) -> None:
    workbooks = played.campaign.workbooks
    for path in sorted((workbooks / "registre").glob("*.csv")):
        if path.stem not in (*TABLE_TITLES, "lignes_source"):
            rows = register_rows(workbooks / "consolidation" / "registre", path.stem)
            assert rows == register_rows(workbooks / "registre", path.stem), path.stem


def test_the_register_is_a_data_package(played: Played) -> None:
    """Said by frictionless itself, which knows nothing of this program."""
    descriptor = played.campaign.workbooks / "consolidation" / "registre" / "datapackage.json"
    command = [sys.executable, "-m", "frictionless", "validate", "--json", descriptor.name]
    done = subprocess.run(command, cwd=descriptor.parent, capture_output=True, check=False, timeout=120)
    report = json.loads(done.stdout)
    assert (done.returncode, report["valid"]) == (0, True), [task["errors"][:3] for task in report["tasks"]]
    assert len(report["tasks"]) == len(list(descriptor.parent.glob("*.csv")))


def test_the_workbook_holds_the_lines_of_the_register(played: Played) -> None:
    """The table of the lines, row by row; each says its file, its sheet and its row, and leads there."""
    campaign = played.campaign
    names = {
        row["nom"]: row["collectivite_id"] for row in register_rows(campaign.workbooks / "registre", "collectivites")
    }
    rows = played.book.rows("Donnees_lignes_budgetaires")
    lines = [
        Line(
            row["Identifiant"], int(row["Exercice"]), int(str(row["Convention"]).partition(" ")[0].partition(".")[0]),
            names[row["Collectivité"]], row["Libellé"], {name: euros(row[FIELDS[name]]) for name in AMOUNTS},
            row["Commentaire"],
        )
        for row in rows
    ]  # fmt: skip
    known = {row["ligne_id"] for row in register_rows(campaign.workbooks / "registre", "lignes_budgetaires")}
    assert Counter(comparable(row, known) for row in lines) == Counter(
        comparable(line, known) for line in campaign.lines()
    )


def euros(value: Any) -> Decimal | None:
    """The amount of a cell, which is a number, to the cent."""
    if value is None:
        return None
    assert isinstance(value, float), value
    return Decimal(repr(value)).quantize(Decimal("0.01"))


def shown_amount(amount: Decimal | None) -> str:
    """An amount as the sheet of decisions says it, without the spaces."""
    if amount is None:
        return "(vide)"
    return f"{amount:.2f}".removesuffix(".00").replace(".", ",") + "€"


def day(serial: Any) -> date:
    return date(1899, 12, 30) + timedelta(days=int(serial))


def moment(serial: Any) -> datetime:
    return datetime(1899, 12, 30) + timedelta(seconds=round(serial * 86_400))


def same(shown: Any, means: Any) -> bool:
    """Whether a cell shows what was meant: amounts and percentages are numbers, days are days."""
    if isinstance(means, date):
        return isinstance(shown, float) and day(shown) == means
    if isinstance(means, int | Decimal):
        return isinstance(shown, float) and euros(shown) == means
    return bool(shown == means)


# The synthesis


def expected_totals(campaign: Campaign) -> Totals:
    return independent_totals(campaign.lines())


def towns(campaign: Campaign) -> dict[str, str]:
    """The collectivités' identifiers by name."""
    rows = register_rows(campaign.workbooks / "registre", "collectivites")
    return {row["nom"]: row["collectivite_id"] for row in rows}


def shown(value: Any) -> Decimal | None:
    """An amount of the synthesis; none where the cell is blank, since what nobody knows is not zero."""
    return None if value == "" else euros(value)


Amount = tuple[int, str]
"""An exercice, and one of its amounts."""


def same_lines(campaign: Campaign, now: Amount, then: Amount) -> dict[tuple[int, str], tuple[Decimal, Decimal]]:
    """What the lines that have both amounts add up to, now and then, by convention and collectivité."""
    sums_by_key: dict[tuple[int, str], tuple[Decimal, Decimal]] = {}
    amounts = {(line.ligne_id, line.exercice): line for line in campaign.lines() if line.ligne_id is not None}
    for (identifier, year), line in amounts.items():
        other = amounts.get((identifier, then[0]))
        if year != now[0] or other is None:
            continue
        pair = line.amounts[now[1]], other.amounts[then[1]]
        if pair[0] is not None and pair[1] is not None:
            key = line.convention, line.collectivite
            sums = sums_by_key.get(key, (Decimal(0), Decimal(0)))
            sums_by_key[key] = sums[0] + pair[0], sums[1] + pair[1]
    return sums_by_key


COLUMNS = dict(zip(AMOUNTS, ("Prévu (€)", "Voté (€)", "Réalisé (€)"), strict=True))


def test_the_credits_by_exercice_convention_and_town(played: Played) -> None:
    """The long table: no cell is missing, none is there twice, every difference is that of its figures."""
    campaign = played.campaign
    lines, totals, names = campaign.lines(), expected_totals(campaign), towns(campaign)
    counted = Counter((line.exercice, line.convention, line.collectivite) for line in lines)
    rows = {
        (int(row["Exercice"]), int(row["N°"]), names[row["Collectivité"]]): row
        for row in played.book.rows("Detail_credits")
    }
    assert {key: row["Lignes"] for key, row in rows.items()} == counted
    years = sorted({year for year, _, _ in counted})
    for (year, convention, town), row in rows.items():
        for name, label in COLUMNS.items():
            assert shown(row[label]) == totals.get((year, convention, town, name)), (year, convention, town, name)
        before = max((exercice for exercice in years if exercice < year), default=None)
        pairs = same_lines(campaign, (year, "montant_realise"), (before or 0, "montant_realise"))
        now, then = pairs.get((convention, town), (None, None))
        assert shown(row["Réalisé avant, mêmes lignes (€)"]) == then
        assert shown(row["Écart (€)"]) == (None if now is None or then is None else now - then)


def test_the_credits_by_exercice(played: Played) -> None:
    campaign = played.campaign
    totals = added_up(expected_totals(campaign), 0, 3)
    counted = Counter(line.exercice for line in campaign.lines())
    rows = {int(row["Exercice"]): row for row in played.book.rows("Synthese_exercices")}
    assert {year: row["Lignes"] for year, row in rows.items()} == counted
    for year, row in rows.items():
        for name, label in COLUMNS.items():
            assert shown(row[label]) == totals.get((year, name)), (year, name)
    spent = "montant_realise"
    pairs = same_lines(campaign, (YEAR, spent), (2013, spent)).values()
    assert euros(rows[YEAR]["Écart réalisé (€)"]) == sum(now - then for now, then in pairs)


def chosen(book: Book) -> tuple[int, str, int, str]:
    """The exercice and the amount that the synthesis shows, and those that it compares them to."""
    amounts = dict(zip(("prévu", "voté", "réalisé"), AMOUNTS, strict=True))
    cell_values = []
    for name in ("Exercice_montre", "Montant_montre", "Exercice_compare", "Montant_compare"):
        sheet, _, address = book.package.names[name].replace("$", "").rpartition("!")
        cell_values.append(book.package.cells[sheet.strip("'")][position(address)][0])
    year, amount, other_year, other = cell_values
    return int(year), amounts[str(amount)], int(other_year), amounts[str(other)]  # type: ignore[arg-type]


def test_the_credits_by_convention(played: Played) -> None:
    totals = added_up(expected_totals(played.campaign), 0, 1, 3)
    year, amount, other_year, other_amount = chosen(played.book)
    assert (year, other_year) == (YEAR, 2013)
    pairs = same_lines(played.campaign, (year, amount), (other_year, other_amount))
    rows = played.book.rows("Synthese_conventions")
    assert sorted(int(row["N°"]) for row in rows) == list(range(1, 12))
    for row in rows:
        number = int(row["N°"])
        for name, label in COLUMNS.items():
            assert shown(row[label]) == totals.get((year, number, name)), (number, name)
        here = [pair for (convention, _), pair in pairs.items() if convention == number]
        reference = sum((then for _, then in here), Decimal(0)) if here else None
        gap = sum((now - then for now, then in here), Decimal(0)) if here else None
        assert shown(row["Référence, mêmes lignes (€)"]) == reference
        assert shown(row["Écart (€)"]) == gap
        if reference and gap is not None:
            assert row["Écart (%)"] == pytest.approx(float(gap / reference))
        own = [line for line in played.campaign.lines() if (line.exercice, line.convention) == (year, number)]
        assert row["Lignes sans montant"] == len([line for line in own if line.amounts[amount] is None])
    assert (
        sum(shown(row["Prévu (€)"]) or 0 for row in rows)
        == added_up(expected_totals(played.campaign), 0, 3)[YEAR, "montant_prevu"]
    )


def test_the_credits_by_convention_and_town(played: Played) -> None:
    totals, names = expected_totals(played.campaign), towns(played.campaign)
    year, amount, *_ = chosen(played.book)
    for row in played.book.rows("Synthese_croisee"):
        expected = {name: totals.get((year, int(row["N°"]), town, amount)) for name, town in names.items()}
        assert {name: shown(row[name]) for name in names} == expected, row["N°"]
        known = [cents for cents in expected.values() if cents is not None]
        assert shown(row["Total"]) == (sum(known) if known else None)


def test_the_headline_figures(played: Played) -> None:
    """The figures on top of the synthesis: each under its own words."""
    cells = played.book.package.cells["Synthèse"]
    shown_under = {
        str(cell[0]): cells[place[0] + 1, place[1]][0]
        for place, cell in cells.items()
        if place[0] < 6 and isinstance(cell[0], str) and (place[0] + 1, place[1]) in cells
    }
    year, amount, *_ = chosen(played.book)
    campaign, statuses = played.campaign, played.campaign.statuses
    words = dict(zip(AMOUNTS, ("prévu", "voté", "réalisé"), strict=True))[amount]
    total = added_up(expected_totals(campaign), 0, 3)[year, amount]
    assert euros(shown_under[f"Crédits {year}, {words}"]) == total
    accepted = sum(status is ReturnStatus.ACCEPTED for key, status in statuses.items() if key[1] == YEAR)
    assert shown_under[f"Retours acceptés, {YEAR}"] == accepted
    assert shown_under["En retard"] == len(late_partners(campaign)[0])
    undecided = [file for file, verdict in campaign.verdicts.items() if verdict is Verdict.UNDECIDED]
    assert len(undecided) == 2, "one partner's, to choose between"
    assert shown_under["À décider"] == len(campaign.conflicts) + len(campaign.removals) + 1


def test_the_page_says_the_same(played: Played) -> None:
    """The total of the exercice, and every partner by name."""
    page = (played.campaign.workbooks / "consolidation" / "rapport.html").read_text(encoding="utf-8")
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
    year, amount, *_ = chosen(played.book)
    total = added_up(expected_totals(played.campaign), 0, 3)[year, amount]
    whole, _, cents = f"{total:,.2f}".partition(".")
    assert whole.replace(",", " ") + (f",{cents}" if cents != "00" else "") in words
    missing = [name for name in named(played.campaign) if " ".join(name.split()) not in words]
    assert missing == []


def test_the_campaign_in_figures(played: Played) -> None:
    row = next(row for row in played.book.rows("Synthese_campagne") if row["Exercice"] == YEAR)
    counts = Counter(status for (_, year), status in played.campaign.statuses.items() if year == YEAR)
    assert {status: row[status.value.capitalize()] for status in ReturnStatus} == {
        status: counts[status] for status in ReturnStatus
    }
    assert row["Sollicités"] == 21


def test_the_funders_in_figures(played: Played) -> None:
    campaign = played.campaign
    registre = campaign.workbooks / "registre"
    names = {row["financeur_id"]: row["nom"] for row in register_rows(registre, "financeurs")}
    amounts, counts, priced = dict[str, Decimal](), Counter[str](), Counter[str]()
    expected = expected_financements(campaign)
    funders = {row["financement_id"]: names[row["financeur_id"]] for row in register_rows(registre, "financements")}
    for key, (_, amount) in expected.items():
        if f"{key}:{YEAR}" in expected:  # what was published is counted no more
            continue
        name = funders[undated(key)]
        counts[name] += 1
        priced[name] += amount is not None
        if amount is not None:
            amounts[name] = amounts.get(name, Decimal(0)) + amount
    rows = played.book.rows("Synthese_financeurs")
    assert {row["Financeur"]: row["Financements"] for row in rows} == counts
    assert {row["Financeur"]: row["Dont chiffrés"] for row in rows} == priced
    assert {row["Financeur"]: shown(row["Montants (€)"]) for row in rows} == {
        name: amounts.get(name) for name in counts
    }


def test_the_progress_of_the_fiches(played: Played) -> None:
    """A fiche is where its lead says; where several lead it and disagree, one of their words counts."""
    registre = played.campaign.workbooks / "registre"
    leads = {
        (row["fiche_id"], row["partenaire_id"])
        for row in register_rows(registre, "participations") if row["role"] == "porteur"
    }  # fmt: skip
    statements: dict[str, dict[bool, set[str]]] = {}
    for (fiche, partner, year), values in expected_suivis(played.campaign).items():
        if year == YEAR:
            statements.setdefault(fiche, {}).setdefault((fiche, partner) in leads, set()).add(values["avancement"])
    fiches = register_rows(registre, "fiches")
    words = ("non démarrée", "en cours", "terminée", "abandonnée", "sans bilan")
    for row in played.book.rows("Synthese_avancement"):
        mine = [fiche["fiche_id"] for fiche in fiches if int(fiche["convention_id"]) == row["N°"]]
        may = [
            statements.get(fiche, {}).get(True) or statements.get(fiche, {}).get(False) or {"sans bilan"}
            for fiche in mine
        ]
        assert row["Fiches"] == len(mine)
        assert sum(row[word.capitalize()] for word in words) == len(mine)
        for word in words:
            certain = sum(states == {word} for states in may)
            assert certain <= row[word.capitalize()] <= sum(word in states for states in may), (row["N°"], word)


# Where each figure comes from


@dataclass(frozen=True)
class Change:
    """A cell that a partner typed, and what must be said of it."""

    partenaire: str
    exercice: int
    champ: str
    before: Any
    after: Any
    outcome: str


def expected_changes(campaign: Campaign) -> dict[tuple[str, str, str], Change]:
    """Every cell typed in the returns in force, by the file's digest, the sheet and the address; not the new lines."""
    financements = {
        row["financement_id"]: row for row in register_rows(campaign.workbooks.parent / SENT, "financements")
    }
    changes = {}
    for (partner, year), saved in campaign.sources.items():
        reply = campaign.replies[partner, year]
        for (sheet, key, column), address in saved.cells.items():
            if key.startswith("+"):
                continue
            before: Any = None
            if sheet == FINANCEMENTS:
                before = financements[key][column] or None if key in financements else None
                before = decimal(before) if before and column == "montant" else before
            elif (key, column) == (KNOWN_LINE, "montant_prevu"):
                before = Decimal(5000)
            table = {BUDGET: "lignes_budgetaires", ACTIONS: "suivis", FINANCEMENTS: "financements"}[sheet]
            outcome = "en conflit" if (table, key, column) in campaign.conflicts else "appliquée"
            if (key, column) == (STAFFED, "statut_montant"):
                outcome = "déjà au contrat"
            after = meaning(reply.answers[sheet][key][column])
            changes[saved.sha256, sheet, address] = Change(partner, year, column, before, after, outcome)
    return changes


def test_each_modification_is_listed_with_the_cell_that_says_it(played: Played) -> None:
    """Nothing typed is missing, nothing else is there, and each named cell of each named file holds what is said."""
    campaign, opened, names = played.campaign, Opened(played.campaign.workbooks), named(played.campaign)
    expected = expected_changes(campaign)
    listed: dict[tuple[str, str, str], Row] = {}
    for row in played.book.rows("Modifications"):
        if "nouvelle ligne" in row["Ligne"] or row["Qui"] == "l'équipe":
            continue
        file, where = row.links["Cellule"]
        sheet, address, typed = opened.cell((file, where))
        assert typed is not None
        assert (sheet, address) == (row["Feuille"], row["Cellule"])
        listed[opened.sha256(file), sheet, address] = row
    assert listed.keys() == expected.keys()
    for place, row in listed.items():
        change = expected[place]
        shown_change = (names[row["Qui"]], row["Exercice"], row["Champ"], row["Suite donnée"])
        assert shown_change == (change.partenaire, change.exercice, FIELDS[change.champ], change.outcome), place
        assert same(row["Avant"], change.before), (place, row["Avant"], change.before)
        assert same(row["Après"], change.after), (place, row["Après"], change.after)
        assert moment(row["Enregistré le"]) == campaign.sources[change.partenaire, change.exercice].saved
        assert row["Par"] == campaign.sources[change.partenaire, change.exercice].author


def test_what_the_staff_typed_is_listed_beside_what_partners_said(played: Played) -> None:
    rows = [row for row in played.book.rows("Modifications") if row["Qui"] == "l'équipe"]
    by_field = {row["Champ"]: (row["Avant"], row["Après"], row["Par"], row["Suite donnée"]) for row in rows}
    assert by_field == {
        "Montant prévu (€)": (5000, 5500, "Coordination", "appliquée"),
        "Montant (€)": (None, 100_000, "Coordination", "appliquée"),
        "État du montant": ("à négocier", "chiffré", "Coordination", "appliquée"),
    }
    opened = Opened(played.campaign.workbooks)
    assert all(same(opened.cell(row.links["Cellule"])[2], row["Après"]) for row in rows)
    assert {moment(row["Enregistré le"]) for row in rows} == {datetime(2016, 11, 15, 9)}


def test_new_lines_are_listed_and_have_their_identifier(played: Played) -> None:
    opened, additions = Opened(played.campaign.workbooks), set()
    for row in played.book.rows("Modifications"):
        if "nouvelle ligne" in row["Ligne"] and row["Champ"] == "Libellé":
            assert opened.cell(row.links["Cellule"])[2] == row["Après"]
            additions.add((row["Qui"], row["Après"]))
    assert additions == {("Chartres", "Atelier vélo"), ("Lucé", "Chantier jeunes")}
    registre = played.campaign.workbooks / "consolidation" / "registre"
    keys = [line.ligne_id for line in written_lines(registre) if line.libelle in ("Atelier vélo", "Chantier jeunes")]
    assert len(keys) == len(set(keys)) == 2
    assert all(keys)


def test_each_conflict_is_listed_with_all_its_cells(played: Played) -> None:
    """All values, their cells, and the master's value that stays: each cell is opened."""
    campaign, opened, names = played.campaign, Opened(played.campaign.workbooks), named(played.campaign)
    cells = {
        (saved.sha256, sheet, address): (partner, key, column)
        for (partner, year), saved in campaign.sources.items()
        for (sheet, key, column), address in saved.cells.items()
    }
    conflicts: dict[tuple[str, str, str], tuple[Any, dict[str, Any]]] = {}
    asked = {(row["Ligne"], row["Champ"]): row for row in played.book.rows("Decisions") if row["Sujet"] == "Conflit"}
    for row in played.book.rows("Modifications"):
        if row["Suite donnée"] != "en conflit":
            continue
        file, where = row.links["Cellule"]
        sheet, address, _ = opened.cell((file, where))
        partner, key, column = cells[opened.sha256(file), sheet, address]
        table = {BUDGET: "lignes_budgetaires", FINANCEMENTS: "financements"}[sheet]
        assert partner == names[row["Qui"]]
        assert row["Champ"] == FIELDS[column]
        question = asked[row["Ligne"], row["Champ"]]
        master, place = question.links["Au contrat"]
        assert master == "contrat.xlsx"
        kept, after = euros(opened.cell((master, place))[2]), euros(row["Après"])
        words = question["Ce que chacun dit"].replace("\u202f", "").replace("\xa0", "")
        assert words.startswith(f"Contrat : {shown_amount(kept)}\n")
        assert f"{row['Qui']} : {shown_amount(after)} (" in words
        conflicts.setdefault((table, key, column), (kept, {}))[1][partner] = after
    assert conflicts == campaign.conflicts
    assert len(asked) == len(conflicts)
    assert {DISPUTED, STAFFED, KNOWN_LINE} == {key for _, key, _ in conflicts}


def test_a_conflict_is_a_finding_at_the_cell_of_the_contract(played: Played) -> None:
    """Its place is the very cell whose value stays, and it names the cells of all who said otherwise."""
    opened = Opened(played.campaign.workbooks)
    report = json.loads((played.campaign.workbooks / "consolidation" / "constats.json").read_text(encoding="utf-8"))
    kept_values = Counter(
        euros(opened.cell((constat["fichier"], f"'{constat['feuille']}'!{constat['cellule']}"))[2])
        for constat in report["constats"]
        if constat["code"] == "conflit"
    )
    assert kept_values == Counter(kept for kept, _ in played.campaign.conflicts.values())


#: Of each table that returns fill: what its rows show in the file that they come from.
SHOWN_THERE = {"lignes_budgetaires": "Libellé", "suivis": "Commentaire", "financements": "Identifiant"}


@pytest.mark.parametrize("table", SHOWN_THERE)
def test_each_row_says_where_it_comes_from(played: Played, table: str) -> None:
    """The row of the master, or of the return that made it: the cell that it leads to is on that row."""
    opened, label = Opened(played.campaign.workbooks), SHOWN_THERE[table]
    rows = played.book.rows(f"Donnees_{table}")
    assert rows
    for row in rows:
        file, where = row.links["Cellule"]
        sheet, address, _ = opened.cell((file, where))
        assert (file.rpartition("/")[2], sheet, address) == (row["Fichier"], row["Feuille"], row["Cellule"])
        number = position(address)[0]
        there = {cell[0] for place, cell in opened.package(file).cells[sheet].items() if place[0] == number}
        assert row[label] in there, (file, where)
        if file == "contrat.xlsx" and "Identifiant" in row.values:
            assert row["Identifiant"] in there, (file, where)


def test_rows_that_returns_changed_say_so(played: Played) -> None:
    """How many cells of a row come from returns, and a return that says them."""
    campaign, opened = played.campaign, Opened(played.campaign.workbooks)
    applied = Counter(
        (key, change.exercice)
        for (partner, year), saved in campaign.sources.items()
        for (sheet, key, column), address in saved.cells.items()
        if sheet == BUDGET and not key.startswith("+")
        for change in [expected_changes(campaign)[saved.sha256, sheet, address]]
        if change.outcome == "appliquée"
    )
    shas = {saved.sha256 for saved in campaign.sources.values()}
    for row in played.book.rows("Donnees_lignes_budgetaires"):
        count = applied.get((row["Identifiant"], int(row["Exercice"])))
        if row["Libellé"] in ("Atelier vélo", "Chantier jeunes"):
            assert row["Cellules venues des retours"]
        else:
            assert row["Cellules venues des retours"] == count, row["Identifiant"]
        if row["Cellules venues des retours"]:
            assert opened.sha256(row.links["Retour"][0]) in shas


# Where each partner stands


def late_partners(campaign: Campaign) -> tuple[set[str], set[str]]:
    """Those who sent nothing by the campaign's date, and those whose answer was saved after it."""
    after = {partner for (partner, year), saved in campaign.sources.items() if saved.saved > datetime(2016, 12, 1)}
    return {partner for (partner, _), status in campaign.statuses.items() if status is ReturnStatus.LATE}, after


def test_the_board_says_where_each_partner_stands(played: Played) -> None:
    campaign, names = played.campaign, named(played.campaign)
    rows = {(names[row["Partenaire"]], int(row["Exercice"])): row for row in played.book.rows("Suivi_retours")}
    statuses = {key: row["État"].partition(" ")[2] for key, row in rows.items() if key in campaign.statuses}
    assert statuses == {key: status.value for key, status in campaign.statuses.items()}
    by_delay = {word: {who for (who, year), row in rows.items() if year == YEAR and row["Délai"] == word}
            for word in ("rien reçu", "reçu après")}  # fmt: skip
    assert (by_delay["rien reçu"], by_delay["reçu après"]) == late_partners(campaign)
    assert all(row["Formulaire envoyé"] for key, row in rows.items() if key in campaign.statuses)


def test_the_board_names_what_counts(played: Played) -> None:
    """The file in force is the one that was saved, under its name or as the copy kept of it."""
    campaign, names, opened = played.campaign, named(played.campaign), Opened(played.campaign.workbooks)
    files_in_force = {
        (names[row["Partenaire"]], int(row["Exercice"])): opened.sha256(row.links["En vigueur"][0])
        for row in played.book.rows("Suivi_retours")
        if row["En vigueur"]
    }
    assert files_in_force == {key: saved.sha256 for key, saved in campaign.sources.items()}


def test_each_file_that_does_not_count_is_named_with_the_reason(played: Played) -> None:
    campaign = played.campaign
    rows = {row.links["Fichier"][0]: row for row in played.book.rows("Fichiers_ecartes")}
    for twins in campaign.twins:
        (losing,) = twins & rows.keys()
        row = rows.pop(losing)
        assert row["Ce qu'il en est"] == Verdict.TWIN.value
        assert {row.links["Par rapport à"][0], losing} == twins
    expected = {file: verdict for file, verdict in campaign.verdicts.items() if verdict is not Verdict.IN_FORCE}
    assert {file: row["Ce qu'il en est"] for file, row in rows.items()} == {
        file: verdict.value for file, verdict in expected.items()
    }
    assert rows["retours/luce FINAL v9.xlsx"].links["Par rapport à"][0] == "retours/luce-2016.xlsx"
    assert rows["retours/ensemble A.xlsx"].links["Par rapport à"][0] == "retours/ensemble B.xlsx"


def test_the_findings_name_the_file_and_the_cell(played: Played) -> None:
    report = json.loads((played.campaign.workbooks / "consolidation" / "constats.json").read_text(encoding="utf-8"))
    places = {(constat["code"], constat["fichier"], constat["cellule"]) for constat in report["constats"]}
    said_of = {(code, file) for code, file, _ in places}
    first = form_keys(played.campaign.form("mainvilliers"))[BUDGET][0]
    wrong = played.campaign.files["retours/mainvilliers.xlsx"].cells[BUDGET, first, "montant_prevu"]
    assert {
        ("texte-au-lieu-de-nombre", "retours/mainvilliers.xlsx", wrong),
        ("cellule-verrouillee-modifiee", "retours/verrou.xlsx", "B6"),
        ("valeur-hors-liste", "retours/bailleurs v2.xlsx", "F6"),
    } <= places
    assert {
        ("fichier-tronque", "retours/opah coupé.xlsx"),
        ("format-xls", "retours/villes (ancien Excel).xlsx"),
        ("version-plus-ancienne", "retours/luce FINAL v9.xlsx"),
        ("versions-a-departager", "retours/ensemble A.xlsx"),
        ("versions-a-departager", "retours/ensemble B.xlsx"),
        ("retour-rejete", "retours/mainvilliers.xlsx"),
        ("retour-rejete", "retours/verrou.xlsx"),
        ("formulaire-vide", "retours/écoles.xlsx"),
        ("formulaire-d-un-autre-exercice", "retours/habitat 2015.xlsx"),
    } <= said_of
    conflicts = [constat for constat in report["constats"] if constat["code"] == "conflit"]
    assert len(conflicts) == len(played.campaign.conflicts)


def test_a_row_taken_away_is_proposed_and_stays(played: Played) -> None:
    (row,) = [row for row in played.book.rows("Decisions") if row["Sujet"] == "Suppression proposée"]
    ((_, removed_key),) = played.campaign.removals
    assert row["Ce que chacun dit"].startswith("Chartres métropole : ")
    assert row.links["Au retour"][0] in played.campaign.twins[0]
    before = register_rows(played.campaign.workbooks / "registre", "lignes_budgetaires")
    after = register_rows(played.campaign.workbooks / "consolidation" / "registre", "lignes_budgetaires")
    assert [row for row in after if row["ligne_id"] == removed_key] == [
        row for row in before if row["ligne_id"] == removed_key
    ]


def test_no_return_is_changed_by_a_byte(played: Played) -> None:
    assert digests(played.campaign.retours) == played.before


# Other nights


def outputs(campaign: Campaign) -> dict[str, tuple[bytes, int]]:
    """Every file that people see, with its date."""
    return {name: content for name, content in dated(campaign.workbooks).items() if not name.startswith(".tabellion/")}


def test_a_second_run_changes_nothing(played: Played) -> None:
    """Byte for byte, and nothing is even written again."""
    before = outputs(played.campaign)
    assert consolidate(played.campaign.root).code == played.outcome.code
    assert outputs(played.campaign) == before


def data(campaign: Campaign) -> dict[str, Any]:
    """What the consolidation says, whenever it was made: the register's bytes, the findings, the tables."""
    book = Book(campaign.workbooks / REPORT)
    tables = ("Suivi_retours", "Fichiers_ecartes", "Modifications", "Decisions",
              "Donnees_lignes_budgetaires", "Donnees_financements", "Donnees_suivis")  # fmt: skip
    report = json.loads((campaign.workbooks / "consolidation" / "constats.json").read_text(encoding="utf-8"))
    return {
        **contents(campaign.workbooks / "consolidation" / "registre"),
        **{table: book.rows(table) for table in tables},
        "constats": report["constats"],
    }


def test_without_its_journal_the_next_run_says_the_same(again: Campaign) -> None:
    before = data(again)
    shutil.rmtree(again.workbooks / ".tabellion")
    consolidate(again.root)
    assert data(again) == before


def test_names_of_files_change_nothing_of_the_figures(again: Campaign) -> None:
    """Every file renamed the other way round, some in other folders."""
    before = contents(again.workbooks / "consolidation" / "registre")
    files = sorted(path for path in again.retours.rglob("*") if path.is_file())
    for rank, path in enumerate(files):
        folder = again.retours / ("tri" if rank % 3 else f"lot {rank % 2}")
        folder.mkdir(exist_ok=True)
        path.rename(folder / f"retour {len(files) - rank:02}{path.suffix}")
    consolidate(again.root)
    compare_register(again)
    assert contents(again.workbooks / "consolidation" / "registre") == before
    names = named(again)
    rows = Book(again.workbooks / REPORT).rows("Suivi_retours")
    statuses = {(names[row["Partenaire"]], int(row["Exercice"])): row["État"].partition(" ")[2] for row in rows}
    assert {key: statuses[key] for key in again.statuses} == {
        key: status.value for key, status in again.statuses.items()
    }


def test_one_file_changed_changes_only_what_it_says(again: Campaign) -> None:
    before = data(again)
    saved = again.files["retours/luce-2016.xlsx"]
    place = next(cell for cell in saved.cells if cell[0] == BUDGET and cell[2] == "montant_vote")
    path = again.retours / "luce-2016.xlsx"
    cells = {BUDGET: {saved.cells[place]: 1234.56}}
    retouch(path, path, cells, saved=saved.saved + timedelta(hours=1), author="Marie Martin")
    consolidate(again.root)
    after = data(again)
    again.replies["luce", YEAR].answers[BUDGET][place[1]]["montant_vote"] = Decimal("1234.56")  # type: ignore[index]
    compare_register(again)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {
        "lignes_budgetaires.csv", "datapackage.json", "Suivi_retours", "Fichiers_ecartes", "Modifications",
        "Donnees_lignes_budgetaires", "constats",
    }  # fmt: skip
    old, new = (register_of(files["lignes_budgetaires.csv"]) for files in (before, after))
    assert [key for key in old if old[key] != new[key]] == [(place[1], str(YEAR))]
    assert old.keys() == new.keys()


def register_of(content: bytes) -> dict[tuple[str, str], dict[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode()))
    return {(row["ligne_id"], row["exercice"]): row for row in rows}


def test_a_return_set_aside_counts_no_more(again: Campaign) -> None:
    """The newer file of Lucé is moved to ``retours/écartés/``: the older one is in force, with the same new line."""
    before = register_of(contents(again.workbooks / "consolidation" / "registre")["lignes_budgetaires.csv"])
    aside = again.retours / "écartés"
    aside.mkdir()
    (again.retours / "luce-2016.xlsx").rename(aside / "luce-2016.xlsx")
    consolidate(again.root)
    again.count("luce", YEAR, "retours/luce FINAL v9.xlsx")
    compare_register(again)
    after = register_of(contents(again.workbooks / "consolidation" / "registre")["lignes_budgetaires.csv"])
    assert before.keys() == after.keys()  # the new line is the same line
    assert digests(aside) == {"luce-2016.xlsx": again.files["retours/luce-2016.xlsx"].sha256}


def test_a_return_deleted_stays_in_force(again: Campaign) -> None:
    """Nobody loses an answer by tidying the folder: the copy kept counts, and that is said."""
    path = again.retours / "luce-2016.xlsx"
    path.unlink()
    (again.retours / "luce FINAL v9.xlsx").unlink()
    before = contents(again.workbooks / "consolidation" / "registre")
    consolidate(again.root)
    assert contents(again.workbooks / "consolidation" / "registre") == before
    report = json.loads((again.workbooks / "consolidation" / "constats.json").read_text(encoding="utf-8"))
    (constat,) = (constat for constat in report["constats"] if constat["code"] == "retour-disparu")
    kept = again.workbooks / constat["fichier"]
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == again.files["retours/luce-2016.xlsx"].sha256


# The forms of these tests


@pytest.mark.libreoffice
def test_a_form_filled_by_these_tests_is_as_a_spreadsheet_program_saves_it(office: LibreOffice, tmp_path: Path) -> None:
    """What the live column and the counters show is what LibreOffice computes from what was typed."""
    form = tmp_path / "formulaire.xlsx"
    form.write_bytes(written_form("Chartres", METRO))
    keys, answers = form_keys(form), whole(form, 30)
    budget = answers[BUDGET]
    budget[keys[BUDGET][0]], budget[keys[BUDGET][1]] = {"montant_vote": "à voir"}, {"commentaire": "rien en 2016"}
    del budget[keys[BUDGET][2]]
    answers[FINANCEMENTS] = {keys[FINANCEMENTS][0]: {"statut_montant": "chiffré"}}
    new, removed = {BUDGET: [{"convention_id": "9 – Emploi", "montant_prevu": 12}]}, {ACTIONS: [keys[ACTIONS][0]]}
    filled = fill(form, tmp_path / "rempli.xlsx", answers, new_rows=new, removed=removed, saved=datetime(2016, 11, 1))
    office.open(filled.path)
    office.recalculate()
    wrong = differences(Package(filled.path.read_bytes()), office.read())
    # Sums, differences and the hidden list's verdicts stay as they were sent: nothing reads them.
    assert [complaint for complaint in wrong if not re.search(r"^Listes |SUMIFS?\(|ROUND\(", complaint)] == []
