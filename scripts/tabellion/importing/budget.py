"""The budget of one convention: each collectivité's subtotal, then its lines."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from tabellion.findings import Severity
from tabellion.importing.cells import BudgetRow, label_and_amount, only_amounts, read_row, total_label, written
from tabellion.importing.lines import (
    DocumentLine,
    LineAccount,
    Record,
    clean,
    fold_chars,
    key,
    short_slug,
    shown,
    unique,
)
from tabellion.importing.recap import ROUNDING, Collectivites, RecapRow
from tabellion.schema.money import euros

_LONGEST_LABEL = 250
_PARAGRAPH = 120
_OPEN_END = re.compile(r"(?:[,(/'-]|\b(?:de|du|des|la|le|les|et|ou|a|au|aux|en|pour|par|sur|dans|avec|un|une|l|d))\s*$")
PRESENTATION = "ignorée : texte de présentation"
_A_YEAR = re.compile(r"20\d\d")
_LINE = "utilisée : ligne budgétaire"


@dataclass
class TownBudget:
    """A collectivité's part of a convention's budget: its subtotal as printed (line 0 when none is), then its lines."""

    convention: int
    collectivite: str
    libelle: str
    ligne: int
    montant: int | None
    rows: list[BudgetRow] = field(default_factory=list)
    repair: str | None = None
    source: str | None = None
    par_annee: dict[int, int | None] = field(default_factory=dict)


def arithmetic_rows(lines: list[DocumentLine]) -> list[BudgetRow]:
    """The section's rows as the arithmetic sees them: those of the lines that have a tab."""
    tables = [line for line in lines if line.tabbed and not line.blank and len(line.cells[0]) <= _LONGEST_LABEL]
    return [row for line in tables for row in read_row(line) or ()]


def _continues(first: str, then: str) -> bool:
    """True when a label without amount surely goes on in the next one."""
    return then[:1].islower() or _OPEN_END.search(fold_chars(first)[-20:]) is not None


class BudgetReader:
    """Reads one convention's section line by line; what surrounds a line decides what it is."""

    def __init__(self, convention: int, collectivites: Collectivites, account: LineAccount) -> None:
        self.convention = convention
        self.collectivites = collectivites
        self.account = account
        self.towns: list[TownBudget] = []
        self.orphans: list[tuple[DocumentLine, BudgetRow]] = []
        self.pending: list[DocumentLine] = []
        self.totals: list[RecapRow] = []
        self.years: dict[int, int] = {}

    def read(self, lines: list[DocumentLine], recap: list[RecapRow]) -> list[TownBudget]:
        """The budgets of the section's lines (those between the headings and the first fiche)."""
        lines = [line for line in lines if line.numero not in self.account.uses]
        last = max((line.numero for line in lines if line.tabbed and not line.blank), default=0)
        for line in lines:
            if line.blank:
                self.account.use(line.numero, "ignorée : ligne vide")
            elif line.tabbed:
                self._row(line)
            else:
                self._bare(line, last)
        self._flush()
        if self.orphans:
            self._adopt(recap)
        for town in self.towns:
            self._settle(town)
        return self.towns

    def _row(self, line: DocumentLine) -> None:
        """A line with tabs: a subtotal or a budget line, or several of them run together."""
        if len(line.cells[0]) > _LONGEST_LABEL and line.bare:
            self._flush()
            self.account.unplaced(line, "un paragraphe avec une tabulation : ni ligne budgétaire, ni texte courant")
            return
        years = {place: int(cell) for place, cell in enumerate(line.cells) if _A_YEAR.fullmatch(cell)}
        if len(years) > 1 and sum(map(bool, line.cells)) <= len(years) + 1:
            self.years = years
            self.account.use(line.numero, "utilisée : en-tête de tableau", ", ".join(map(str, years.values())))
            return
        rows = self._by_year(line) or read_row(line)
        if rows is None:
            self._flush()
            self.account.unplaced(line, "un montant sans libellé")
            return
        total = total_label(rows[0].libelle) if len(rows) == 1 else None
        if total is not None and rows[0].montant is not None and self.towns:
            self._flush()
            self._total(line, rows[0], total)
            return
        if self.pending and self.collectivites.find(rows[0].libelle) is None:
            self._rejoin(rows[0], line)
        self._flush()
        for row in rows:
            known = self.collectivites.find(row.libelle)
            if known is not None:
                self._open(known, row, line)
            elif self.towns:
                self.towns[-1].rows.append(row)
            else:
                self.orphans.append((line, row))

    def _by_year(self, line: DocumentLine) -> list[BudgetRow]:
        """The row of a table with a column a year; none where a cell under a year is no amount."""
        label = clean(" ".join(cell for cell in line.cells[: min(self.years, default=0)] if cell))
        cells = {year: line.cells[place] if place < len(line.cells) else "" for place, year in self.years.items()}
        amounts = {year: only_amounts(clean(cell)) for year, cell in cells.items()}
        if not label or any(values is None or len(values) > 1 for values in amounts.values()):
            return []
        by_year = {year: values[0] if values else None for year, values in amounts.items()}
        return [BudgetRow(line.numero, label, next(iter(by_year.values())), par_annee=by_year)]

    def _total(self, line: DocumentLine, row: BudgetRow, label: str) -> None:
        """A row that adds up those above it is a published total of the convention, or of the collectivité it names."""
        known = self.collectivites.find(label) if label else None
        portee = "convention" if known is None else "collectivité"
        nom = row.libelle if known is None else self.collectivites.names[known]
        self.totals.append(RecapRow(row.ligne, portee, self.convention, nom, row.montant))
        self.account.use(line.numero, "utilisée : total publié", f"convention {self.convention}, {row.libelle}")
        self.account.say("total-dans-le-budget", row.ligne, champ="libelle", valeur=shown(line.texte))

    def _rejoin(self, row: BudgetRow, line: DocumentLine) -> None:
        """Put the labels awaiting an amount before the row's, when they surely go on in it."""
        pieces = [clean(part.texte) for part in self.pending]
        if not _continues(pieces[-1], row.libelle):
            return
        row.source = " / ".join(shown(part.texte) for part in (*self.pending, line))
        row.libelle = " ".join([*pieces, row.libelle])
        row.repair = "libellé recollé"
        row.ligne = self.pending[0].numero
        for part in (*self.pending[1:], line):
            self.account.use(part.numero, _LINE, "suite d'un libellé coupé")
        self.pending = []

    def _open(self, known: str, row: BudgetRow, line: DocumentLine) -> None:
        """Begin the budget of the collectivité whose key is ``known``; ``row`` is its subtotal."""
        nom = self.collectivites.names[known]
        if row.libelle != nom:
            self.account.say(
                "collectivite-variante", row.ligne, champ="collectivite_id", valeur=row.libelle, attendu=nom,
                gravite=Severity.INFORMATION if key(row.libelle) == known else None,
            )  # fmt: skip
        before = next((town.ligne for town in self.towns if town.collectivite == known), None)
        if before is not None:
            self.account.say(
                "collectivite-repetee", row.ligne, liees=[before], valeur=row.libelle, convention=self.convention
            )  # fmt: skip
        budget = TownBudget(self.convention, known, row.libelle, row.ligne, row.montant, [], row.repair, row.source)
        budget.par_annee = row.par_annee
        self.towns.append(budget)
        if row.doubt:
            self.account.say(row.doubt, row.ligne, champ="montant", valeur=row.source, attendu="un seul montant")
        self.account.use(line.numero, "utilisée : total publié", f"convention {self.convention}, {nom}")

    def _bare(self, line: DocumentLine, last: int) -> None:
        """A line without tab: part of a label, a row that lost its tab, or running text."""
        text = clean(line.texte)
        printed = label_and_amount(text)
        row = BudgetRow(line.numero, text, None)
        if printed:
            row.libelle, row.montant = printed
            row.repair, row.source = "tabulation perdue", shown(line.texte)
        known = self.collectivites.find(row.libelle)
        if known is not None and (printed or self.towns or line.numero < last):
            self._flush()
            self.account.say("tabulation-perdue", line.numero, valeur=text)
            self._open(known, row, line)
        elif not self.towns or line.numero > last + 1:
            self._flush()
            if printed:
                self.account.unplaced(line, "un texte qui finit par un montant, hors d'un budget")
            elif self.towns and len(text) <= _PARAGRAPH and not text.endswith((".", ":", "…")):
                self.account.unplaced(line, "un texte sans montant après la dernière ligne du budget")
            else:
                self.account.use(line.numero, PRESENTATION)
        elif (amounts := only_amounts(text)) and text.endswith("€"):
            self._flush()
            self._lone_amount(line, amounts)
        elif printed:
            self._flush()
            row.tentative = True
            self.towns[-1].rows.append(row)
        elif len(text) > _PARAGRAPH:
            self._flush()
            self.account.use(line.numero, PRESENTATION)
        else:
            if self.pending and not _continues(clean(self.pending[-1].texte), text):
                self._flush()
            self.pending.append(line)

    def _lone_amount(self, line: DocumentLine, amounts: list[int]) -> None:
        """An amount alone on its line: the previous row's, if the subtotal confirms it."""
        row = next(reversed(self.towns[-1].rows), None)
        if len(amounts) == 1 and row and row.montant is None and not row.source:
            row.montant, row.tentative = amounts[0], True
            row.repair, row.source = "montant à la ligne", f"{row.libelle} / {shown(line.texte)}"
            self.account.use(line.numero, _LINE, "montant de la ligne précédente")
        else:
            self.account.unplaced(line, "un montant seul sur sa ligne")

    def _flush(self) -> None:
        """Labels left without amount become lines of their own: no euro is at stake, and nothing is dropped."""
        for line in self.pending:
            text = clean(line.texte)
            self.towns[-1].rows.append(BudgetRow(line.numero, text, None, source=shown(line.texte)))
            self.account.say("libelle-sans-montant", line.numero, champ="libelle", valeur=text)
        self.pending = []

    def _adopt(self, recap: list[RecapRow]) -> None:
        """Place the lines before any subtotal: with the one collectivité that the recap names and the section lacks."""
        known_towns = {town.collectivite for town in self.towns}
        missing = [
            (known, row.montant)
            for row in recap
            if row.portee == "collectivité" and row.convention == self.convention
            if (known := self.collectivites.find(row.libelle)) is not None and known not in known_towns
        ]
        total = sum(row.montant or 0 for _, row in self.orphans)
        if len(missing) == 1 and missing[0][1] is not None and abs(total - missing[0][1]) <= ROUNDING:
            known, amount = missing[0]
            nom = self.collectivites.names[known]
            self.account.say(
                "sous-total-absent", self.orphans[0][0].numero, valeur=nom, convention=self.convention,
                montant=written(amount),
            )  # fmt: skip
            rows = [row for _, row in self.orphans]
            self.towns.insert(0, TownBudget(self.convention, known, nom, 0, None, rows))
        else:
            for line, _ in self.orphans:
                self.account.unplaced(line, "une ligne budgétaire avant tout sous-total de collectivité")

    def _settle(self, town: TownBudget) -> None:
        """Confirm by the subtotal what only it can confirm, and say every repair of the collectivité's lines."""
        total = sum(row.montant or 0 for row in town.rows)
        agrees = town.montant is not None and abs(total - town.montant) <= ROUNDING
        noted: set[tuple[int, str]] = set()
        for row in town.rows:
            self.account.use(row.ligne, _LINE, f"convention {self.convention}, {town.libelle}")
            if row.tentative and not agrees:
                if row.repair == "tabulation perdue":
                    row.libelle = row.source or row.libelle
                row.montant, row.repair, row.doubt = None, None, "montant-douteux"
            if row.doubt:
                champ, attendu = "montant_realise", "un seul montant"
                self.account.say(row.doubt, row.ligne, champ=champ, valeur=row.source, attendu=attendu)
            elif row.repair and (row.ligne, row.repair) not in noted:
                noted.add((row.ligne, row.repair))
                obtained = [
                    f"« {other.libelle} » {written(other.montant)}" for other in town.rows if other.ligne == row.ligne
                ]
                self.account.say(
                    "ligne-reparee", row.ligne, champ="libelle", valeur=row.source, reparation=row.repair,
                    obtenu=" ; ".join(obtained), somme=written(total), sous_total=written(town.montant),
                    accord="s'accorde" if agrees else "ne s'accorde pas", attendu=euros(town.montant),
                )  # fmt: skip


def line_rows(budgets: list[TownBudget], collectivites: Collectivites, exercice: int | None) -> list[Record]:
    """The rows of ``lignes_budgetaires``: the census is of what was spent, so its amounts are ``montant_realise``."""
    ranks: Counter[tuple[int, str]] = Counter()
    rows: list[Record] = []
    for town in budgets:
        convention, identifier = town.convention, collectivites.ids[town.collectivite]
        for line in town.rows:
            ranks[convention, identifier] += 1
            for year, cents in line.par_annee.items() or [(exercice, line.montant)]:
                row = {
                    "ligne_id": f"B{convention:02d}-{identifier}-{ranks[convention, identifier]:03d}",
                    "convention_id": convention, "collectivite_id": identifier, "libelle": line.libelle,
                    "exercice": year, "montant_prevu": None, "montant_vote": None, "montant_realise": cents,
                    "commentaire": None, **_source(line),
                }  # fmt: skip
                rows.append(row)
    return rows


def total_rows(
    recap: list[RecapRow], budgets: list[TownBudget], collectivites: Collectivites, exercice: int | None
) -> list[Record]:
    """The rows of ``totaux_publies``: the recap's, then each section's subtotals."""
    rows: list[Record] = []
    taken: set[str] = set()
    totals: list[RecapRow | TownBudget] = [*recap, *(town for town in budgets if town.ligne)]
    for total in totals:
        known: str | None
        if isinstance(total, TownBudget):
            source, portee, known = "convention", "collectivité", total.collectivite
        else:
            source, portee = "récapitulatif", total.portee
            known = collectivites.find(total.libelle) if portee == "collectivité" else None
        identifier = None if known is None else collectivites.ids[known]
        number = "general" if total.convention is None else f"{total.convention:02d}"
        by_year = total.par_annee if isinstance(total, TownBudget) else {}
        for year, cents in by_year.items() or [(exercice, total.montant)]:
            row = {
                "total_id": unique("-".join(filter(None, (short_slug(source), number, identifier))), taken),
                "source": source, "portee": portee, "convention_id": total.convention, "collectivite_id": identifier,
                "libelle": total.libelle, "exercice": year, "montant": cents, **_source(total),
            }  # fmt: skip
            rows.append(row)
    return rows


def _source(printed: BudgetRow | TownBudget | RecapRow) -> Record:
    """Where a row was printed, and how it was repaired."""
    return {"ligne_source": printed.ligne, "reparation": printed.repair, "texte_source": printed.source}
