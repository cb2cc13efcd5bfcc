"""The budget of one convention: each collectivité's subtotal, then its lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.findings import Severity
from tabellion.importing.document.amounts import BudgetRow, find_amounts, only_amounts, read_row, written
from tabellion.importing.document.lines import DocumentLine, LineAccount, clean, fold, key, shown
from tabellion.importing.document.recap import Collectivites, LabelledAmount
from tabellion.schema.money import euros

_ROUNDING = 200
_LONGEST_LABEL = 250
_PARAGRAPH = 120
_OPEN_END = re.compile(r"(?:[,(/'-]|\b(?:de|du|des|la|le|les|et|ou|a|au|aux|en|pour|par|sur|dans|avec|un|une|l|d))\s*$")
PRESENTATION = "ignorée : texte de présentation"


@dataclass
class TownBudget:
    """A collectivité's part of a convention's budget: its subtotal as printed, then its lines."""

    collectivite: str
    libelle: str
    ligne: int
    montant: int | None
    rows: list[BudgetRow] = field(default_factory=list)
    repair: str | None = None
    source: str | None = None


def arithmetic_rows(lines: list[DocumentLine]) -> list[LabelledAmount]:
    """The section's rows as the arithmetic sees them: labels and amounts of the lines that have a tab."""
    rows: list[LabelledAmount] = []
    for line in lines:
        if line.tabbed and not line.blank and len(line.cells[0]) <= _LONGEST_LABEL:
            rows.extend((row.libelle, row.montant) for row in read_row(line) or [])
    return rows


def is_paragraph(text: str) -> bool:
    """True for running text: long, or a finished sentence."""
    return len(text) > _PARAGRAPH or text.rstrip().endswith((".", ":", "…"))


def ends_in_amount(text: str) -> bool:
    """True when the text ends with an amount and its euro sign."""
    amounts = find_amounts(text[-80:])
    return bool(amounts) and not text[-80:][amounts[-1].end :].strip(" .")


def _continues(first: str, then: str) -> bool:
    """True when a label without amount surely goes on in the next one."""
    return then[:1].islower() or _OPEN_END.search(fold(first)[-20:]) is not None


class BudgetReader:
    """Reads one convention's section line by line; what surrounds a line decides what it is."""

    def __init__(self, convention: int, collectivites: Collectivites, account: LineAccount) -> None:
        self.convention = convention
        self.collectivites = collectivites
        self.account = account
        self.groups: list[TownBudget] = []
        self.orphans: list[tuple[DocumentLine, list[BudgetRow]]] = []
        self.pending: list[DocumentLine] = []

    def read(self, lines: list[DocumentLine]) -> list[TownBudget]:
        """The groups of the section's lines (those between the headings and the first fiche)."""
        lines = [line for line in lines if line.numero not in self.account.uses]
        tabbed = [line.numero for line in lines if line.tabbed and not line.blank]
        last = max(tabbed, default=0)
        for line in lines:
            if line.blank:
                self.account.use(line.numero, "ignorée : ligne vide")
            elif line.tabbed:
                self._row(line)
            else:
                self._bare(line, last)
        self._flush()
        for group in self.groups:
            self._settle(group)
        return self.groups

    def _row(self, line: DocumentLine) -> None:
        if len(line.cells[0]) > _LONGEST_LABEL and line.bare:
            self._flush()
            self.account.unplaced(line, "un paragraphe avec une tabulation : ni ligne budgétaire, ni texte courant")
            return
        rows = read_row(line)
        if rows is None:
            self._flush()
            self.account.unplaced(line, "un montant sans libellé")
            return
        if self.pending and self.collectivites.find(rows[0].libelle) is None:
            pieces = [clean(part.texte) for part in self.pending]
            if _continues(pieces[-1], rows[0].libelle):
                self._rejoin(rows[0], pieces, line)
        self._flush()
        for row in rows:
            known = self.collectivites.find(row.libelle)
            if known is not None:
                self._open(known, row, line)
            elif self.groups:
                self.groups[-1].rows.append(row)
            else:
                self.orphans.append((line, [row]))

    def _rejoin(self, row: BudgetRow, pieces: list[str], line: DocumentLine) -> None:
        row.source = " / ".join([*(shown(part.texte) for part in self.pending), shown(line.texte)])
        row.libelle = " ".join([*pieces, row.libelle])
        row.repair = "libellé recollé"
        row.ligne = self.pending[0].numero
        for part in (*self.pending[1:], line):
            self.account.use(part.numero, "utilisée : ligne budgétaire", "suite d'un libellé coupé")
        self.pending = []

    def _open(self, known: str, row: BudgetRow, line: DocumentLine) -> None:
        nom = self.collectivites.by_key[known]
        if row.libelle != nom:
            exact = key(row.libelle) == known
            self.account.say(
                "collectivite-variante", row.ligne, champ="collectivite_id", valeur=row.libelle, attendu=nom,
                gravite=Severity.INFORMATION if exact else None,
            )  # fmt: skip
        repeated = next((g for g in self.groups if g.collectivite == known), None)
        if repeated is not None:
            self.account.say(
                "collectivite-repetee",
                row.ligne,
                valeur=row.libelle,
                convention=self.convention,
                liees=[repeated.ligne],
            )
        self.groups.append(TownBudget(known, row.libelle, row.ligne, row.montant, repair=row.repair, source=row.source))
        if row.doubt:
            self.account.say(row.doubt, row.ligne, champ="montant", valeur=row.source, attendu="un seul montant")
        self.account.use(line.numero, "utilisée : total publié", f"convention {self.convention}, {nom}")

    def _bare(self, line: DocumentLine, last: int) -> None:
        """A line without tab: part of a label, a row that lost its tab, or running text."""
        text = clean(line.texte)
        if self.collectivites.find(text) is not None and (line.numero < last or self.groups):
            self._flush()
            known = self.collectivites.find(text) or ""
            self.account.say("tabulation-perdue", line.numero, valeur=text)
            self._open(known, BudgetRow(line.numero, text, None), line)
        elif not self.groups or line.numero > last + 1:
            self._flush()
            self._prose(line, text, after=bool(self.groups))
        elif (amounts := only_amounts(text)) and text.endswith("€"):
            self._lone_amount(line, amounts)
        elif ends_in_amount(text):
            self._flush()
            self._lost_tab(line, text)
        elif is_paragraph(text) and len(text) > _PARAGRAPH:
            self._flush()
            self.account.use(line.numero, PRESENTATION)
        else:
            if self.pending and not _continues(clean(self.pending[-1].texte), text):
                self._flush()
            self.pending.append(line)

    def _prose(self, line: DocumentLine, text: str, *, after: bool) -> None:
        if ends_in_amount(text):
            amount = find_amounts(text[-80:])[-1]
            known = self.collectivites.find(text[-80:][: amount.start].strip()) if len(text) <= _PARAGRAPH else None
            if known is not None:
                self.account.say("tabulation-perdue", line.numero, valeur=text)
                row = BudgetRow(line.numero, text[-80:][: amount.start].strip(), amount.cents, "tabulation perdue")
                row.source = shown(line.texte)
                self._open(known, row, line)
                return
            self.account.unplaced(line, "un texte qui finit par un montant, hors d'un budget")
        elif after and not is_paragraph(text):
            self.account.unplaced(line, "un texte sans montant après la dernière ligne du budget")
        else:
            self.account.use(line.numero, PRESENTATION)

    def _lost_tab(self, line: DocumentLine, text: str) -> None:
        amount = find_amounts(text)[-1]
        libelle = text[: amount.start].strip()
        known = self.collectivites.find(libelle)
        row = BudgetRow(line.numero, libelle, amount.cents, "tabulation perdue", source=shown(line.texte))
        if known is not None:
            self.account.say("tabulation-perdue", line.numero, valeur=text)
            self._open(known, row, line)
            return
        row.tentative = True
        self.groups[-1].rows.append(row)

    def _lone_amount(self, line: DocumentLine, amounts: list[int]) -> None:
        """An amount alone on its line: the previous row's, if the subtotal confirms it."""
        self._flush()
        rows = self.groups[-1].rows
        if len(amounts) == 1 and rows and rows[-1].montant is None and not rows[-1].source:
            rows[-1].montant, rows[-1].tentative = amounts[0], True
            rows[-1].repair, rows[-1].source = "montant à la ligne", f"{rows[-1].libelle} / {shown(line.texte)}"
            self.account.use(line.numero, "utilisée : ligne budgétaire", "montant de la ligne précédente")
        else:
            self.account.unplaced(line, "un montant seul sur sa ligne")

    def _flush(self) -> None:
        """Labels left without amount become lines of their own: no euro is at stake, and nothing is dropped."""
        for line in self.pending:
            text = clean(line.texte)
            self.groups[-1].rows.append(BudgetRow(line.numero, text, None, source=shown(line.texte)))
            self.account.say("libelle-sans-montant", line.numero, champ="libelle", valeur=text)
        self.pending = []

    def adopt(self, missing: list[tuple[str, str, int | None]]) -> None:
        """Place lines found before any subtotal: with the one collectivité that the recap names and the section lacks.

        ``missing`` are (key, name, amount in cents) of the recap's collectivités without a subtotal here.
        """
        if not self.orphans:
            return
        rows = [row for _, orphan_rows in self.orphans for row in orphan_rows]
        total = sum(row.montant or 0 for row in rows)
        if len(missing) == 1 and missing[0][2] is not None and abs(total - missing[0][2]) <= _ROUNDING:
            known, nom, amount = missing[0]
            first = self.orphans[0][0].numero
            group = TownBudget(known, nom, 0, None, rows)
            self.account.say(
                "sous-total-absent", first, valeur=nom, convention=self.convention, montant=written(amount)
            )
            self._settle(group)
            self.groups.insert(0, group)
        else:
            for line, _ in self.orphans:
                self.account.unplaced(line, "une ligne budgétaire avant tout sous-total de collectivité")
        self.orphans = []

    def _settle(self, group: TownBudget) -> None:
        """Confirm by the subtotal what only it can confirm, and say every repair of the group."""
        total = sum(row.montant or 0 for row in group.rows)
        agrees = group.montant is not None and abs(total - group.montant) <= _ROUNDING
        accord = "s'accorde" if agrees else "ne s'accorde pas"
        noted: set[tuple[int, str]] = set()
        for row in group.rows:
            self.account.use(row.ligne, "utilisée : ligne budgétaire", f"convention {self.convention}, {group.libelle}")
            if row.tentative and not agrees:
                if row.repair == "tabulation perdue":
                    row.libelle = row.source or row.libelle
                row.montant, row.repair, row.doubt = None, None, "montant-douteux"
            if row.doubt:
                self.account.say(
                    row.doubt, row.ligne, champ="montant_realise", valeur=row.source, attendu="un seul montant"
                )
            elif row.repair and (row.ligne, row.repair) not in noted:
                noted.add((row.ligne, row.repair))
                made = [
                    f"« {other.libelle} » {written(other.montant)}" for other in group.rows if other.ligne == row.ligne
                ]
                self.account.say(
                    "ligne-reparee", row.ligne, champ="libelle", valeur=row.source, reparation=row.repair,
                    obtenu=" ; ".join(made), somme=written(total), sous_total=written(group.montant), accord=accord,
                    attendu=euros(group.montant),
                )  # fmt: skip
