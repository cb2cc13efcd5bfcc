"""A year of a contract lived in Excel alone: one folder, one ``tabellion watch``, and workbooks that people save.

Nobody types a command but ``new`` and ``watch``. What everybody typed is kept apart in a ledger, in cents, and at the
end every figure of the register, of the workbook and of the consolidation is the ledger's.
"""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.campaign import TypedValue, fill, meaning, retouch, table_cell
from support.excel import Excel, edited
from support.masters import Package, position
from support.opened_books import Book, Row
from support.program import Office, tabellion
from support.watching import Watching, excel_saves
from tabellion.layout.names import (
    CONFIRMATION,
    DECISION,
    DECISIONS,
    DECISIONS_TABLE,
    DO_IT,
    REQUEST,
    REQUEST_CODE,
    REQUESTS,
    REQUESTS_TABLE,
)

TOWNS = {"Villeneuve": "villeneuve", "Beaulieu": "beaulieu", "Saint-Ouen": "saint-ouen"}
CONVENTIONS = ("Éducation", "Santé", "Habitat")
#: The amounts of a line, by field: their headers in the workbook.
AMOUNTS = {
    "montant_prevu": "Montant prévu (€)", "montant_vote": "Montant voté (€)", "montant_realise": "Montant réalisé (€)",
}  # fmt: skip

#: What tells a total from another.
PARTS = ("year", "convention", "town", "amount")
#: The headers of the sheets that have exercices side by side.
WORDS = {"Prévu": "montant_prevu", "Voté": "montant_vote", "Réalisé": "montant_realise"}

Sums = dict[tuple[Any, ...], int]
Amounts = dict[tuple["LineKey", int, str], int]


@dataclass(frozen=True)
class LineKey:
    """A budget line as people tell it from another: its convention, its town, its label."""

    convention: int
    town: str
    label: str


@dataclass
class Ledger:
    """What everybody typed, in cents: by line, exercice and amount; by fiche, the financements."""

    amounts: Amounts = field(default_factory=dict)

    def say(self, line: LineKey, year: int, **euros: float) -> None:
        for name, value in euros.items():
            self.amounts[line, year, name] = round(value * 100)

    def drop(self, line: LineKey, year: int) -> None:
        for name in AMOUNTS:
            self.amounts.pop((line, year, name), None)

    def sums(self, *by: str) -> Sums:
        """Totals by ``year``, ``convention``, ``town`` and ``amount``, or some of them."""
        sums: defaultdict[tuple[Any, ...], int] = defaultdict(int)
        for (line, year, amount), cents in self.amounts.items():
            parts = {"year": year, "convention": line.convention, "town": line.town, "amount": amount}
            sums[tuple(parts[name] for name in by)] += cents
        return dict(sums)


@dataclass
class Year(Office):
    """The workspace, its watcher, and the people in front of their files."""

    desk: Path
    watching: Watching
    ledger: Ledger = field(default_factory=Ledger)

    # The coordinator

    def edit(self, change: Callable[[Excel], Any]) -> None:
        """Anne opens the contract, changes it, and saves it as Excel does."""
        made = self.desk / "contrat.xlsx"
        shutil.copy(self.contrat, made)
        edited(made, change, saved=now())
        excel_saves(self.contrat, made.read_bytes())

    def set_cells(self, sheet: str, cells: Mapping[str, Any]) -> None:
        """She types in the consolidated workbook, and saves it."""
        made = self.desk / "consolidation.xlsx"
        retouch(self.workbook, made, {sheet: cells}, saved=now(), author="Anne")
        excel_saves(self.workbook, made.read_bytes())

    def asked(self, code: str) -> Row | None:
        rows = Book(self.workbook).rows(REQUESTS_TABLE) if self.workbook.exists() else []
        return next((row for row in rows if row[REQUEST_CODE] == code), None)

    def ask(self, results: Mapping[str, str]) -> None:
        """She asks for something, confirmed where it has to be, and waits until the sheet says what came of it.

        ``results`` says by the code of a request what its result must say.
        """
        self.wait(lambda: all(map(self.asked, results)), f"{list(results)} may be asked")
        path, before, cells = self.workbook, dict[str, Any](), dict[str, Any]()
        for code in results:
            row = self.asked(code)
            assert row is not None
            before[code] = row["Fait le"]
            cells[table_cell(path, REQUESTS_TABLE, REQUEST, **{REQUEST_CODE: code})[1]] = DO_IT
            if row["À confirmer"] is not None:
                cell = table_cell(path, REQUESTS_TABLE, CONFIRMATION, **{REQUEST_CODE: code})[1]
                cells[cell] = row["À confirmer"]
        self.set_cells(REQUESTS, cells)
        for code, words in results.items():

            def is_done(code: str = code) -> bool:
                row = self.asked(code)
                return row is not None and row["Fait le"] not in (None, before[code])

            self.wait(is_done, f"the result of « {code} »")
            row = self.asked(code)
            assert row is not None
            assert words in str(row["Résultat"]), row["Résultat"]

    def questions(self) -> list[Row]:
        return [row for row in Book(self.workbook).rows(DECISIONS_TABLE) if row["Question"]]

    def decide(self, choices: Mapping[str, str]) -> None:
        """She reads « À décider », and decides the one question of each of these subjects."""

        def open_ones() -> dict[str, Row]:
            return {row["Sujet"]: row for row in self.questions() if not row[DECISION]}

        self.wait(lambda: open_ones().keys() == choices.keys(), f"questions: {list(choices)}")
        cells = {}
        for subject, label in choices.items():
            number = open_ones()[subject]["N°"]
            cells[table_cell(self.workbook, DECISIONS_TABLE, DECISION, **{"N°": number})[1]] = label
        self.set_cells(DECISIONS, cells)
        self.wait(lambda: not open_ones(), f"what was decided is taken: {choices}")

    # The partners

    def answer(self, town: str, year: int, answers: Mapping[LineKey, Mapping[str, Any]], *,
               removed: Collection[LineKey] = (), **more: Any) -> None:  # fmt: skip
        """A town fills its form of an exercice and puts it among the returns; ``removed`` are lines it empties."""
        form = self.books / "envois" / str(year) / f"{TOWNS[town]}-{year}.xlsx"
        ids = {key_of(row): row["ligne_id"] for row in rows(self.books / "registre", "lignes_budgetaires")}
        made, name = self.desk / form.name, f"{town} {year} {now():%H%M%S%f}.xlsx"
        typed = {"Budget": {ids[line]: values for line, values in answers.items()}}
        removed_keys = {"Budget": [ids[line] for line in removed]}
        fill(form, made, typed, removed=removed_keys, saved=now(), author=town, **more)
        excel_saves(self.books / "retours" / name, made.read_bytes())

    # What is waited for

    def wait(self, condition: Callable[[], object], expected: str) -> None:
        """Wait for what a run brings, and that it has put everything in its place."""
        self.watching.wait(lambda: condition() and not self.watching.is_busy, expected)

    def wait_for_ledger(self, expected: str) -> None:
        """Wait until the consolidated register says what the ledger says."""
        wanted = self.ledger.sums(*PARTS)
        folder = self.books / "consolidation" / "registre"
        self.wait(lambda: sums_of(folder) == wanted, expected)


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    try:
        with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))
    except FileNotFoundError:
        return []


def key_of(row: Mapping[str, str]) -> LineKey:
    towns = {identifier: town for town, identifier in TOWNS.items()}
    return LineKey(int(row["convention_id"]), towns[row["collectivite_id"]], row["libelle"])


def cents(text: str) -> int:
    return round(float(text) * 100)


def sums_of(folder: Path) -> Sums:
    """The totals of a register, by exercice, convention, town and amount."""
    sums: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for row in rows(folder, "lignes_budgetaires"):
        line = key_of(row)
        for name in AMOUNTS:
            if row[name]:
                sums[int(row["exercice"]), line.convention, line.town, name] += cents(row[name])
    return dict(sums)


def put(book: Excel, table: str, rank: int, **values: Any) -> None:
    """Type a row: the first one in the blank row of an empty table, the others under it."""
    if rank == 0:
        book.type(table, book.rows(table)[0], **values)
    else:
        book.add(table, **values)


def type_amount(book: Excel, line: LineKey, year: int, **amounts: Any) -> None:
    """Type amounts of a line, on its sheet."""
    table = f"Lignes_{line.convention:02d}"
    row = book.find(table, Libellé=line.label, Exercice=year)
    book.type(table, row, **{AMOUNTS[name]: value for name, value in amounts.items()})


def setting(contrat: Path, identifier: str) -> Any:
    """The value of a setting in the workbook."""
    book = Excel(openpyxl.load_workbook(contrat))
    return book.get("Reglages", book.find("Reglages", **{"Identifiant du réglage": identifier}), "Valeur")


def type_lists(book: Excel) -> None:
    names = [book.get("Reglages", row, "Identifiant du réglage") for row in book.rows("Reglages")]
    for identifier, value in {"titre": "Contrat de ville du Val", "contact_nom": "Anne Martin"}.items():
        book.type("Reglages", book.rows("Reglages")[names.index(identifier)], Valeur=value)
    put(book, "Piliers", 0, **{"Pilier": "I", "Intitulé du pilier": "Cohésion"})
    for rank, title in enumerate(CONVENTIONS, 1):
        put(book, "Conventions", rank - 1, **{"N°": rank, "Pilier": "I", "Intitulé de la convention": title})
        put(book, "Axes", rank - 1, **{"Axe": f"I-{rank}", "Convention": rank, "Intitulé de l'axe": f"Axe de {title}"})
    for rank, town in enumerate(TOWNS):
        put(book, "Collectivites", rank, Collectivité=town, Catégorie="commune")
        put(book, "Partenaires", rank, Partenaire=town, Collectivité=town)
    put(book, "Financeurs", 0, Financeur="État", Catégorie="public national")


def first_lines() -> Iterator[tuple[LineKey, int]]:
    """Twelve lines and what each is planned to cost, in euros."""
    for number in range(12):
        convention, town = 1 + number % 3, list(TOWNS)[number // 4]
        yield LineKey(convention, town, f"Action {number}"), 1_000 + 37 * number


@pytest.mark.slow
def test_a_year_goes_by_in_excel(tmp_path: Path) -> None:
    assert tabellion("new", "nouveau", "--vide", cwd=tmp_path).code == 0
    desk, root = tmp_path / "bureau", tmp_path / "nouveau"
    desk.mkdir()
    (root / "workbooks" / "retours").mkdir(exist_ok=True)
    with Watching(root) as watching:
        watching.ready()
        live(Year(root, desk, watching))


def live(year: Year) -> None:
    ledger, contrat = year.ledger, year.contrat
    year.edit(type_lists)
    year.wait(lambda: "Lignes_03" in Package(contrat.read_bytes()).tables, "the sheets of the conventions")
    first = setting(contrat, "exercice_courant")

    def type_content(book: Excel) -> None:
        counts = dict.fromkeys(range(1, 4), 0)
        for line, planned in first_lines():
            values = {"Collectivité": line.town, "Libellé": line.label, "Exercice": first}
            put(book, f"Lignes_{line.convention:02d}", counts[line.convention], **values,
                **{AMOUNTS["montant_prevu"]: planned})  # fmt: skip
            counts[line.convention] += 1
            ledger.say(line, first, montant_prevu=planned)
        for rank in range(1, 4):
            put(book, f"Fiches_{rank:02d}", 0, Fiche=f"I-{rank}./1", Axe=f"I-{rank}", Objectif=f"But {rank}")

    year.edit(type_content)
    year.wait_for_ledger("the lines that were typed")
    answer_the_first_year(year, first)
    correct_and_adopt(year, first)
    live_the_next_year(year, first + 1)


def answer_the_first_year(year: Year, first: int) -> None:
    """The forms are asked for and sent; the towns answer, one disagrees with the contract, one removes a line."""
    ledger = year.ledger
    year.ask({f"formulaires:{first}": "3 formulaires"})
    kept, _, disputed, dropped = (line for line, _ in [*first_lines()][::3])
    # While the forms are out, Anne changes what one line is planned to cost; its town says something else.
    year.edit(lambda book: type_amount(book, disputed, first, montant_prevu=5_000))
    ledger.say(disputed, first, montant_prevu=5_000)
    year.wait_for_ledger("what Anne changed while the forms were out")
    of_town = {town: [line for line, _ in first_lines() if line.town == town] for town in TOWNS}
    new = {"convention_id": f"2 – {CONVENTIONS[1]}", "libelle": "Maison de santé", "montant_vote": 812.35}
    answers: dict[LineKey, dict[str, Any]] = {
        line: {"montant_vote": 900 + rank, "montant_realise": 800 + rank / 4}
        for rank, line in enumerate(of_town["Villeneuve"])
    }
    answers[kept]["montant_realise"] = TypedValue("1 234,50 €", 1_234.5)
    year.answer("Villeneuve", first, answers, new_rows={"Budget": [new]})
    for line, values in answers.items():
        ledger.say(line, first, **{name: meaning(value) for name, value in values.items()})
    ledger.say(LineKey(2, "Villeneuve", "Maison de santé"), first, montant_vote=812.35)
    year.wait_for_ledger("the first return")
    beaulieu: dict[LineKey, dict[str, Any]] = {line: {"montant_realise": 700} for line in of_town["Beaulieu"]}
    beaulieu[disputed]["montant_prevu"] = 5_500
    year.answer("Beaulieu", first, beaulieu)
    saint_ouen = {line: {"montant_vote": 650.01} for line in of_town["Saint-Ouen"] if line != dropped}
    year.answer("Saint-Ouen", first, saint_ouen, removed=[dropped])
    for line in beaulieu:
        ledger.say(line, first, montant_realise=700)
    for line in saint_ouen:
        ledger.say(line, first, montant_vote=650.01)
    year.wait_for_ledger("the other returns: the contract's value and the line stay until somebody decides")
    year.decide({"Conflit": "accepter Beaulieu", "Suppression proposée": "supprimer"})
    ledger.say(disputed, first, montant_prevu=5_500)
    ledger.drop(dropped, first)
    year.wait_for_ledger("what was decided")


def correct_and_adopt(year: Year, first: int) -> None:
    """Anne corrects an amount in the contract, then makes the answers the contract."""
    corrected = next(line for line, _ in first_lines() if line.town == "Saint-Ouen")
    year.edit(lambda book: type_amount(book, corrected, first, montant_prevu="1 480,20 €"))
    year.ledger.say(corrected, first, montant_prevu=1_480.2)
    year.wait_for_ledger("the corrected amount")
    year.ask({"adopter": "fait"})
    assert sums_of(year.books / "registre") == year.ledger.sums(*PARTS)


def live_the_next_year(year: Year, following: int) -> None:
    """The next exercice: its forms, an answer in two files, its adoption, then the document."""
    ledger = year.ledger
    year.ask({f"formulaires:{following}": "3 formulaires"})
    year.wait(lambda: setting(year.contrat, "exercice_courant") == following, "the exercice has moved on")
    one, other = [line for line, _ in first_lines() if line.town == "Villeneuve"][:2]
    year.answer("Villeneuve", following, {one: {"montant_prevu": 2_000}})
    ledger.say(one, following, montant_prevu=2_000)
    year.wait_for_ledger("the first file of the next exercice")
    year.answer("Villeneuve", following, {other: {"montant_prevu": 3_000.99}})
    year.decide({"Réponse partielle": "joindre les deux"})
    ledger.say(other, following, montant_prevu=3_000.99)
    year.wait_for_ledger("both files joined")
    year.ask({"adopter": "fait"})
    year.ask({"publier": "publication/", "exporter": "export/"})
    check_registers(year)
    check_consolidation(year, following)
    check_workbook(year, following - 1)
    assert list((year.books / "publication").glob("*.docx"))
    assert not list((year.books / ".tabellion" / "erreurs").glob("*"))


def check_registers(year: Year) -> None:
    """The register, the consolidated one and the open data add up to what was typed."""
    for folder in (
        year.books / "registre",
        year.books / "consolidation" / "registre",
        year.books / "export" / "registre",
    ):
        assert sums_of(folder) == year.ledger.sums(*PARTS), folder


def check_consolidation(year: Year, shown: int) -> None:
    """Each figure of the consolidated workbook, as it stands in its cells."""
    ledger, book = year.ledger, Book(year.workbook)
    detail, labels = {}, ("Prévu (€)", "Voté (€)", "Réalisé (€)")
    for row in book.rows("Detail_credits"):
        for amount, label in zip(AMOUNTS, labels, strict=True):
            detail[row["Exercice"], row["N°"], row["Collectivité"], amount] = in_cents(row[label])
    assert told(detail) == ledger.sums(*PARTS)
    years = {
        (row["Exercice"], amount): in_cents(row[label])
        for row in book.rows("Synthese_exercices") for amount, label in zip(AMOUNTS, labels, strict=True)
    }  # fmt: skip
    assert told(years) == ledger.sums("year", "amount")
    conventions = {
        (row["N°"], amount): in_cents(row[label])
        for row in book.rows("Synthese_conventions") for amount, label in zip(AMOUNTS, labels, strict=True)
    }  # fmt: skip
    assert told(conventions) == of_year(ledger.sums("year", "convention", "amount"), shown)
    crossed = {(row["N°"], town): in_cents(row[town]) for row in book.rows("Synthese_croisee") for town in TOWNS}
    planned = of_year(ledger.sums(*PARTS), shown)
    assert told(crossed) == {key[:2]: amount for key, amount in planned.items() if key[2] == "montant_prevu"}
    assert side_by_side(book.rows("Annees_lignes")) == ledger.amounts


def check_workbook(year: Year, shown: int) -> None:
    """The lines of the contract's workbook, and all that it shows of them: the exercice shown is the first one."""
    ledger, book = year.ledger, Book(year.contrat)
    assert lines_of(year.contrat) == ledger.amounts
    assert side_by_side(book.rows("Annees_lignes")) == ledger.amounts
    towns = {
        (rank, row["Collectivité"], amount): in_cents(row[label])
        for rank in range(1, len(CONVENTIONS) + 1)
        for row in book.rows(f"Totaux_{rank:02d}")
        for amount, label in AMOUNTS.items()
    }
    wanted = of_year(ledger.sums(*PARTS), shown)
    assert told(towns) == wanted
    shared = {
        (row["N°"], town, "montant_realise"): in_cents(row[town])
        for row in book.rows("Synthese_credits")
        for town in TOWNS
    }
    assert told(shared) == {key: amount for key, amount in wanted.items() if key[2] == "montant_realise"}
    total = book.package.names["Total_recalcule"]
    sheet, _, cell = total.rpartition("!")
    shown_total, _ = book.package.cells[sheet.strip("'")][position(cell)]
    assert in_cents(shown_total) == ledger.sums("year", "amount")[shown, "montant_realise"]


def of_year(sums: Sums, year: int) -> Sums:
    return {key[1:]: amount for key, amount in sums.items() if key[0] == year}


def told(sums: Mapping[tuple[Any, ...], int | None]) -> Sums:
    """The totals that are not blank."""
    return {key: amount for key, amount in sums.items() if amount is not None}


def in_cents(value: Any) -> int | None:
    return None if value in (None, "") else round(value * 100)


def side_by_side(lines: Iterable[Row]) -> Amounts:
    """The amounts of a sheet that has the exercices of each line beside each other."""
    amounts = {}
    for row in lines:
        key = LineKey(int(row["N°"]), row["Collectivité"], row["Libellé"])
        for label, value in row.values.items():
            word, _, exercice = label.removesuffix(" (€)").rpartition(" ")
            if word in WORDS and value not in (None, ""):
                amounts[key, int(exercice), WORDS[word]] = round(value * 100)
    return amounts


def lines_of(contrat: Path) -> Amounts:
    """The amounts of the lines of the workbook."""
    book, amounts = Book(contrat), {}
    for rank in range(1, len(CONVENTIONS) + 1):
        for row in book.rows(f"Lignes_{rank:02d}"):
            for amount, label in AMOUNTS.items():
                if row[label] is not None:
                    key = LineKey(rank, row["Collectivité"], row["Libellé"])
                    amounts[key, int(row["Exercice"]), amount] = round(row[label] * 100)
    return amounts
