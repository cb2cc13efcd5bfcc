"""The budget annex of an exercice as a workbook: live tables and native charts over the lines that they add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tabellion.contract.model import Contract
from tabellion.layout.identity import FORMAT_VERSION
from tabellion.layout.names import column_ref, this_row
from tabellion.measures.annex import AnnexFigures, Funding, rate
from tabellion.measures.overview import Sums
from tabellion.measures.totals import AMOUNT_WORDS, AMOUNTS
from tabellion.outputs.consolidation.blocks import Block, Figure, add_chart, criterion, write_block
from tabellion.outputs.consolidation.palette import held
from tabellion.outputs.master.tables import value_format
from tabellion.schema.money import euros
from tabellion.xlsx import signature
from tabellion.xlsx.identity import write_identity
from tabellion.xlsx.writer import Sheet, Writer, document_date

#: What the hidden sheet says the workbook is.
KIND_ANNEX = "annexe"
CREDITS, CROSSED, FUNDING, LINES, DETAIL = (
    "Crédits", "Par collectivité", "Financements", "Lignes", "Détail des financements"
)  # fmt: skip
BY_CONVENTION, BY_TOWN, PAIRS, BY_FUNDER, FUNDED, SHARED, LINES_TABLE, DETAIL_TABLE = (
    "Annexe_conventions", "Annexe_collectivites", "Annexe_croisee", "Annexe_financeurs", "Annexe_financements",
    "Annexe_partage", "Annexe_lignes", "Annexe_detail",
)  # fmt: skip
_LABELS = ("Prévu (€)", "Voté (€)", "Réalisé (€)")
_RATES = ("Voté / prévu", "Réalisé / voté")
_NUMBER, _CONVENTION, _TOWN, _FUNDER = "N°", "Convention", "Collectivité", "Financeur"
_COUNT, _PRICED, _AMOUNT, _ENGAGED = "Financements", "Dont chiffrés", "Montants (€)", "Engagé (€)"
_WHOLE = "durée du contrat"
_FIRST_ROW = 3
_NO_NUMBER = "–"
_WIDTH = 9


def annex_name(exercice: int) -> str:
    """The name of the annex's file."""
    return f"annexe-budgetaire-{exercice}.xlsx"


def write_annex(contract: Contract, exercice: int) -> bytes:
    """Write the whole workbook; the same contract and exercice give the same bytes."""
    figures = AnnexFigures(contract.tables, exercice)
    settings = contract.settings
    writer = Writer(contract.theme)
    book = _Annex(figures, writer, f"{settings.titre} – annexe budgétaire {exercice}")
    sheets = [writer.sheet(name) for name in (CREDITS, CROSSED, FUNDING, LINES, DETAIL)]
    for sheet, write in zip(
        sheets, (book.write_credits, book.write_crossed, book.write_funding, book.write_lines, book.write_detail),
        strict=True,
    ):  # fmt: skip
        write(sheet)
        is_data = write in (book.write_lines, book.write_detail)
        sheet.raw.set_tab_color(contract.theme.series[int(is_data) % len(contract.theme.series)])
    write_identity(writer, {
        "genre": KIND_ANNEX, "format": FORMAT_VERSION, "contrat": settings.identifiant, "exercice": exercice,
    })  # fmt: skip
    writer.book.set_properties({
        "title": f"{settings.titre} : annexe budgétaire {exercice}",
        "subject": f"Contrat de ville {settings.debut}–{settings.fin}",
        "author": "tabellion",
        "category": "Contrat de ville",
        "keywords": "contrat de ville, budget, crédits de droit commun, financements",
        "comments": settings.source,
        "created": document_date(exercice),
    })  # fmt: skip
    writer.book.set_custom_property(signature.PROPERTY, signature.BLANK, "text")
    writer.book.set_size(2200, 1400)
    sheets[0].raw.activate()
    return signature.sign(writer.close())


@dataclass
class _Annex:
    """Writes the sheets. ``footer`` stands at the foot of each page."""

    figures: AnnexFigures
    writer: Writer
    footer: str

    def write_credits(self, sheet: Sheet) -> None:
        """Credits by convention, then by collectivité, each with its chart."""
        year = self.figures.exercice
        self._open(sheet, f"Annexe budgétaire {year}", "Crédits de droit commun : prévu, voté, réalisé", _WIDTH)
        row = self._say_unknown(sheet, _FIRST_ROW)
        known = [2 + rank for rank, name in enumerate(AMOUNTS, 1) if self.figures.knows(name)]
        conventions, top = self.by_convention(), row
        row = write_block(sheet, conventions, row)
        title = f"Crédits de {year} par convention (€)"
        row = add_chart(sheet, conventions, row, top + 1, known, title, kind="bar")
        breaks = [row - 1]
        towns, top = self.by_town(), row
        row = write_block(sheet, towns, row)
        add_chart(sheet, towns, row, top + 1, known, f"Crédits de {year} par collectivité (€)", kind="column")
        self._close(sheet, [(0, 9), (1, 46), (2, 10), *((column, 17) for column in range(3, 8))], breaks)

    def write_crossed(self, sheet: Sheet) -> None:
        """Credits by convention and collectivité, one row for each that has lines."""
        subtitle = f"Crédits de droit commun de {self.figures.exercice}, convention par convention"
        self._open(sheet, "Par convention et par collectivité", subtitle, _WIDTH)
        write_block(sheet, self.crossed(), _FIRST_ROW)
        self._close(sheet, [(0, 9), (1, 46), (2, 28), (3, 10), *((column, 17) for column in range(4, 9))], [])

    def write_funding(self, sheet: Sheet) -> None:
        """Specific funding by funder, by convention, and by both."""
        subtitle = "Les financements n'ont pas d'exercice : montants de toute la durée du contrat"
        self._open(sheet, "Financements", subtitle, _WIDTH)
        funders, top = self.by_funder(), _FIRST_ROW
        row = write_block(sheet, funders, top)
        row = add_chart(sheet, funders, row, top + 1, [4], f"Montants par financeur, {_WHOLE} (€)", kind="bar")
        breaks = [row - 1]
        funded, top = self.funded(), row
        row = write_block(sheet, funded, row)
        row = add_chart(sheet, funded, row, top + 1, [4], f"Montants par convention, {_WHOLE} (€)", kind="bar")
        breaks.append(row - 1)
        write_block(sheet, self.shared(), row)
        self._close(sheet, [(0, 9), (1, 46), (2, 34), (3, 15), (4, 17), (5, 17)], breaks)

    def write_lines(self, sheet: Sheet) -> None:
        """The budget lines of the exercice, that the sheets of credits add up."""
        rows = [
            [_number(each["convention_id"]), self._town(each["collectivite_id"]), held(each["libelle"]),
             *(each[name] for name in AMOUNTS)]
            for each in self.figures.tables["lignes_budgetaires"].rows
            if each["exercice"] == self.figures.exercice
        ]  # fmt: skip
        self._open(sheet, "Lignes", f"Les lignes budgétaires de {self.figures.exercice}", 6)
        labels = (_NUMBER, _TOWN, "Libellé", *_LABELS)
        kinds = ("integer", "string", "string", "money", "money", "money")
        self._write_rows(sheet, LINES_TABLE, labels, kinds, (9, 28, 70, 17, 17, 17), rows)

    def write_detail(self, sheet: Sheet) -> None:
        """The financements, that the sheet of funding adds up."""
        conventions = {row["fiche_id"]: row["convention_id"] for row in self.figures.tables["fiches"].rows}
        rows = [
            [_number(conventions.get(each["fiche_id"])), each["fiche_id"], self._funder(each["financeur_id"]),
             held(each["dispositif"]), each["statut_montant"], each["montant"]]
            for each in self.figures.tables["financements"].rows
        ]  # fmt: skip
        self._open(sheet, "Détail des financements", "Les financements des fiches, montants compris ou non", 6)
        labels = (_NUMBER, "Fiche", _FUNDER, "Dispositif / BOP", "État du montant", "Montant (€)")
        kinds = ("integer", "string", "string", "string", "string", "money")
        self._write_rows(sheet, DETAIL_TABLE, labels, kinds, (9, 14, 36, 60, 18, 17), rows)

    def by_convention(self) -> Block:
        """Credits, one row a convention."""
        labels = (_NUMBER, _CONVENTION, "Lignes", *_LABELS, *_RATES)
        number = column_ref(LINES_TABLE, _NUMBER)
        keys = [(_number(key), held(title)) for key, title in self.figures.conventions.items()]
        rows = [
            self._credit_row(
                BY_CONVENTION, self.figures.of_convention(key),
                f"{number},{this_row(BY_CONVENTION, _NUMBER)}",
            )
            for key in self.figures.conventions
        ]  # fmt: skip
        heading = f"Crédits de droit commun de {self.figures.exercice} par convention"
        return Block(heading, BY_CONVENTION, labels, keys, rows, self._credit_totals(BY_CONVENTION))

    def by_town(self) -> Block:
        """Credits, one row a collectivité."""
        labels = ("Rang", _TOWN, "Lignes", *_LABELS, *_RATES)
        town = column_ref(LINES_TABLE, _TOWN)
        test = self._criteria(list(self.figures.towns.values()))
        keys, rows = [], []
        for rank, (key, name) in enumerate(self.figures.towns.items(), 1):
            found = test(name)
            keys.append((rank, held(name)))
            condition = None if found is None else f"{town},{found}"
            rows.append(self._credit_row(BY_TOWN, self.figures.of_town(key), condition))
        heading = f"Crédits de droit commun de {self.figures.exercice} par collectivité"
        return Block(heading, BY_TOWN, labels, keys, rows, self._credit_totals(BY_TOWN))

    def crossed(self) -> Block:
        """Credits, one row a convention and collectivité."""
        labels = (_NUMBER, _CONVENTION, _TOWN, "Lignes", *_LABELS, *_RATES)
        number, town = column_ref(LINES_TABLE, _NUMBER), column_ref(LINES_TABLE, _TOWN)
        test = self._criteria(list(self.figures.towns.values()))
        keys, rows = [], []
        for convention, place in _ordered(self.figures.credits, self.figures.conventions, self.figures.towns):
            name = self.figures.towns[place]
            found = test(name)
            here = this_row(PAIRS, _NUMBER)
            keys.append((_number(convention), held(self.figures.conventions[convention]), held(name)))
            condition = None if found is None else f"{number},{here},{town},{found}"
            rows.append(self._credit_row(PAIRS, self.figures.credits[convention, place], condition))
        heading = f"Crédits de droit commun de {self.figures.exercice} par convention et par collectivité"
        return Block(heading, PAIRS, labels, keys, rows, self._credit_totals(PAIRS))

    def by_funder(self) -> Block:
        """Specific funding, one row a funder, the largest first."""
        funder = column_ref(DETAIL_TABLE, _FUNDER)
        test = self._criteria(list(self.figures.funders.values()))
        found = [(self.figures.funding_by(key), name) for key, name in self.figures.funders.items()]
        found.sort(key=lambda each: (-each[0].montant, -each[0].financements))
        keys, rows = [], []
        for rank, (funding, name) in enumerate(found, 1):
            what = test(name)
            keys.append((rank, held(name)))
            rows.append(_funding_row(funding, None if what is None else f"{funder},{what}"))
        labels = ("Rang", _FUNDER, _COUNT, _PRICED, _AMOUNT)
        return Block(f"Par financeur, {_WHOLE}", BY_FUNDER, labels, keys, rows, _totals(BY_FUNDER, labels[2:], rows))

    def funded(self) -> Block:
        """Specific funding, one row a convention, and what partners engaged in the exercice."""
        number = column_ref(DETAIL_TABLE, _NUMBER)
        labels = (_NUMBER, _CONVENTION, _COUNT, _PRICED, _AMOUNT, f"Engagé en {self.figures.exercice} (€)")
        keys, rows = [], []
        for key, title in self.figures.conventions.items():
            here = this_row(FUNDED, _NUMBER)
            keys.append((_number(key), held(title)))
            row = _funding_row(self.figures.funding_of(key), f"{number},{here}")
            rows.append([*row, Figure("euros", self.figures.engaged.get(key, "" if not self.figures.engaged else 0))])
        totals = _totals(FUNDED, labels[2:], rows)
        return Block(f"Par convention, {_WHOLE}", FUNDED, labels, keys, rows, totals)

    def shared(self) -> Block:
        """Specific funding, one row a convention and funder."""
        number, funder = column_ref(DETAIL_TABLE, _NUMBER), column_ref(DETAIL_TABLE, _FUNDER)
        test = self._criteria(list(self.figures.funders.values()))
        keys, rows = [], []
        for convention, key in _ordered(self.figures.funding, self.figures.conventions, self.figures.funders):
            name = self.figures.funders[key]
            what = test(name)
            here = this_row(SHARED, _NUMBER)
            keys.append((_number(convention), held(self.figures.conventions[convention]), held(name)))
            condition = None if what is None else f"{number},{here},{funder},{what}"
            rows.append(_funding_row(self.figures.funding[convention, key], condition))
        labels = (_NUMBER, _CONVENTION, _FUNDER, _COUNT, _PRICED, _AMOUNT)
        heading = f"Par convention et par financeur, {_WHOLE}"
        return Block(heading, SHARED, labels, keys, rows, _totals(SHARED, labels[3:], rows))

    def _credit_row(self, table: str, sums: Sums, condition: str | None) -> list[Figure]:
        """Lines, the three amounts and the two rates; an amount that no line of the exercice has is left blank."""
        count = None if condition is None else f"COUNTIFS({condition})"
        row = [Figure("count", sums.lines, count)]
        for name, label, cents in zip(AMOUNTS, _LABELS, (sums.prevu, sums.vote, sums.realise), strict=True):
            if self.figures.knows(name):
                formula = None if condition is None else f"SUMIFS({column_ref(LINES_TABLE, label)},{condition})"
                row.append(Figure("euros", cents, formula))
            else:
                row.append(Figure("euros", ""))
        return [*row, *self._rates(sums, lambda label: this_row(table, label))]

    def _rates(self, sums: Sums, where: Callable[[str], str]) -> list[Figure]:
        found = []
        for (part, whole), (parts, wholes) in zip(
            ((1, 0), (2, 1)), ((sums.vote, sums.prevu), (sums.realise, sums.vote)), strict=True
        ):
            if not (self.figures.knows(AMOUNTS[part]) and self.figures.knows(AMOUNTS[whole])):
                found.append(Figure("rate", ""))
                continue
            value = rate(parts, wholes)
            over, under = where(_LABELS[part]), where(_LABELS[whole])
            found.append(Figure("rate", "" if value is None else value, f'IF({under}=0,"",{over}/{under})'))
        return found

    def _credit_totals(self, table: str) -> list[Figure]:
        sums = self.figures.total
        totals = [Figure("count", sums.lines, f"SUM({column_ref(table, 'Lignes')})")]
        for name, label, cents in zip(AMOUNTS, _LABELS, (sums.prevu, sums.vote, sums.realise), strict=True):
            known = self.figures.knows(name)
            totals.append(Figure("euros", cents, f"SUM({column_ref(table, label)})") if known else Figure("euros", ""))
        return [*totals, *self._rates(sums, lambda label: f"SUM({column_ref(table, label)})")]

    def _say_unknown(self, sheet: Sheet, row: int) -> int:
        """A sentence on the amounts that no line of the exercice has."""
        words = [word for name, word in AMOUNT_WORDS.items() if not self.figures.knows(name)]
        if not words:
            return row
        text = f"Aucune ligne de {self.figures.exercice} n'a de montant {' ni '.join(words)} : ces colonnes sont vides."
        sheet.write(row, 0, text, sheet.writer.format(italic=True))
        return row + 2

    def _town(self, key: str | None) -> str | None:
        return held(self.figures.towns[key])

    def _funder(self, key: str | None) -> str | None:
        return held(self.figures.funders[key])

    @staticmethod
    def _criteria(names: Sequence[str]) -> Callable[[str], str | None]:
        """What tells a name in a formula; nothing does where two have the same."""
        counts = Counter(name.casefold() for name in names)
        return lambda name: criterion(name) if counts[name.casefold()] == 1 else None

    def _open(self, sheet: Sheet, title: str, subtitle: str, width: int) -> None:
        sheet.title(title, f"{subtitle}    {self.footer.partition(' – ')[0]}", width)

    def _close(self, sheet: Sheet, widths: Sequence[tuple[int, float]], breaks: Sequence[int]) -> None:
        sheet.set_widths(widths)
        sheet.raw.freeze_panes(2, 0)
        sheet.print_setup((0, 1), self.footer)
        if breaks:
            sheet.raw.set_h_pagebreaks(list(breaks))

    def _write_rows(
        self, sheet: Sheet, table: str, labels: Sequence[str], kinds: Sequence[Any], widths: Sequence[float],
        rows: Sequence[Sequence[Any]],
    ) -> None:  # fmt: skip
        sheet.table(table, _FIRST_ROW, 0, max(1, len(rows)), labels, aligned={labels[0]: "center"})
        for position, row in enumerate(rows or [[None] * len(labels)], _FIRST_ROW + 1):
            for column, (kind, value) in enumerate(zip(kinds, row, strict=True)):
                content = euros(value) if kind == "money" else value
                sheet.write(position, column, content, value_format(sheet.writer, kind, value))
            sheet.fit(position, [(value, column) for column, value in enumerate(row)])
        sheet.set_widths(enumerate(widths))
        sheet.raw.freeze_panes(_FIRST_ROW + 1, 0)
        sheet.print_setup((_FIRST_ROW, _FIRST_ROW), self.footer)


def _number(convention: int | None) -> int | str:
    """A convention's number, or what stands for none: not every client finds blank cells by several criteria."""
    return _NO_NUMBER if convention is None else convention


def _ordered(
    pairs: Iterable[tuple[int | None, str | None]], conventions: Iterable[int | None], others: Iterable[str | None]
) -> list[tuple[int | None, str | None]]:
    """Pairs in the register's order."""
    first = {key: rank for rank, key in enumerate(conventions)}
    second = {key: rank for rank, key in enumerate(others)}
    return sorted(pairs, key=lambda pair: (first[pair[0]], second[pair[1]]))


def _funding_row(funding: Funding, condition: str | None) -> list[Figure]:
    amount = column_ref(DETAIL_TABLE, "Montant (€)")
    if condition is None:
        formulas: tuple[str | None, ...] = (None, None, None)
    else:
        priced = f'COUNTIFS({condition},{amount},"<>")'
        formulas = (f"COUNTIFS({condition})", priced, f"SUMIFS({amount},{condition})")
    values = (("count", funding.financements), ("count", funding.priced), ("euros", funding.montant))
    return [Figure(kind, value, formula) for (kind, value), formula in zip(values, formulas, strict=True)]


def _totals(table: str, labels: Sequence[str], rows: Sequence[Sequence[Figure]]) -> list[Figure]:
    """The totals of the last columns; a column that holds nothing has none."""
    kinds = [figure.kind for figure in rows[0]] if rows else ["count", "count", "euros"]
    totals = []
    for place, (kind, label) in enumerate(zip(kinds, labels, strict=True)):
        values = [row[place].value for row in rows if row[place].value != ""]
        if not values and rows:
            totals.append(Figure(kind, ""))
        else:
            totals.append(Figure(kind, sum(values), f"SUM({column_ref(table, label)})"))
    return totals


__all__ = ["KIND_ANNEX", "annex_name", "write_annex"]
