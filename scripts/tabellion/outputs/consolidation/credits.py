"""Credits in figures: by exercice, by convention, by collectivité; formulas over the consolidated lines.

The exercice and the amount shown, and those they are compared to, are cells that the reader may change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tabellion.layout.names import column_ref, quoted_text, this_row
from tabellion.measures import AMOUNT_WORDS, AMOUNTS
from tabellion.measures.compared import SameLines, yearly
from tabellion.measures.measure import (
    Columns,
    Count,
    Criterion,
    Known,
    Measure,
    Total,
    cell_value,
    criterion,
    fraction,
    gap,
    one_of,
)
from tabellion.measures.overview import NO_CONVENTION, Overview
from tabellion.outputs.consolidation.tables import DataSheet
from tabellion.outputs.years import FIRST_AMOUNT, year_columns
from tabellion.outputs.years import TABLE as YEARS_TABLE
from tabellion.xlsx.blocks import Block, BlockKey, sums_of, unique_labels

BY_YEAR, BY_CONVENTION, CROSSED, DETAIL = (
    "Synthese_exercices", "Synthese_conventions", "Synthese_croisee", "Detail_credits"
)  # fmt: skip
#: The cells that choose what is shown, and what it is compared to.
YEAR, AMOUNT, OTHER_YEAR, OTHER_AMOUNT = "Exercice_montre", "Montant_montre", "Exercice_compare", "Montant_compare"
_LABELS = tuple(f"{word.capitalize()} (€)" for word in AMOUNT_WORDS.values())
_SPENT = AMOUNTS[-1]
UNTOLD = "Lignes sans montant"
#: What is compared: only lines that have both amounts, so that who has not answered makes no fall.
COMPARED, REFERENCE, BEFORE = "Lignes comparées", "Référence, mêmes lignes (€)", "Réalisé avant, mêmes lignes (€)"
GAP, SHARE_LABEL, LINES = "Écart (€)", "Écart (%)", "Lignes"
#: The columns of the sheet Années that the choice shows, and compares them to.
SHOWN_COLUMN, COMPARED_COLUMN = "Colonne_montree", "Colonne_comparee"
DETAIL_LABELS = ("Exercice", "N°", "Convention", "collectivite_id", LINES, *_LABELS, BEFORE, GAP, SHARE_LABEL)
_DETAIL_CELLS = {label: this_row(DETAIL, label) for label in DETAIL_LABELS}
#: Columns of collectivités that a matrix may have and still be read; the smallest are then counted together.
MOST_TOWNS = 10
#: Cells that formulas of the detail may look at, all together, before they are only written as values.
MOST_WORK = 40_000_000


@dataclass(frozen=True)
class ShownExercices:
    """What is shown and what it is compared to: two exercices and an amount of each (fields of the lines)."""

    year: int
    amount: str
    other_year: int
    other_amount: str


@dataclass(frozen=True)
class Credits:
    """The blocks of credits. ``towns`` are what the lines show of each collectivité.

    ``with_formulas`` is false where the lines are many, or stand in another workbook: then only values are shown.
    """

    overview: Overview
    data: DataSheet
    towns: dict[str | None, str]
    with_formulas: bool = True

    @cached_property
    def choice(self) -> ShownExercices:
        """The last exercice and the one before, each by the amount that says most of it."""
        year = self.overview.exercices[-1]
        other = self.overview.before(year) or year
        return ShownExercices(year, self.overview.measure(year), other, self.overview.measure(other))

    @cached_property
    def conventions(self) -> dict[int | None, str]:
        """The conventions by number; lines without one, or with one that is unknown, have a row of their own."""
        titles: dict[int | None, str] = dict(self.overview.conventions.items())
        for year, convention in self.overview.lines.groups("exercice", "convention_id"):
            if year is not None:
                titles.setdefault(convention, NO_CONVENTION if convention is None else f"Convention {convention}")
        return titles

    def column(self, name: str) -> str:
        """A column of the consolidated lines."""
        return self.data.reference(name)

    def total(self, amount: str, *where: Criterion) -> Measure:
        """The sum of an amount of the lines."""
        return Total(amount, where).measure(self.overview.lines, self.column)

    def count(self, *where: Criterion) -> Measure:
        """How many lines there are."""
        return Count(where).measure(self.overview.lines, self.column)

    def shown(self, *where: Criterion) -> Measure:
        """The sum of the amount and the exercice that are shown."""
        return self._chosen(AMOUNT, self.choice.amount, Criterion("exercice", self.choice.year, YEAR), *where)

    def _chosen(self, cell: str, amount: str, *where: Criterion) -> Measure:
        return chosen(cell, amount, [self.total(name, *where) for name in AMOUNTS])

    def by_year(self) -> Block:
        """One row an exercice: the three amounts, and how each differs from the exercice before."""
        name, years = BY_YEAR, self.overview.exercices
        labels = ("Exercice", "Crédits de l'exercice", LINES, *_LABELS,
                  *(f"Écart {word} (€)" for word in AMOUNT_WORDS.values()), "Écart réalisé (%)")  # fmt: skip
        rows: list[list[Measure]] = []
        for previous, year in zip([None, *years], years, strict=False):
            of_year = Criterion("exercice", year, this_row(name, labels[0]))
            amounts = [self.total(field, of_year) for field in AMOUNTS]
            gaps, share = [Measure("signed", "")] * len(AMOUNTS), Measure("share", "")
            if previous is not None:
                pairs = [self._compared(yearly(field, year), yearly(field, previous)) for field in AMOUNTS]
                gaps = [pair.change(pair.before) for pair in pairs]
                share = fraction("share", gaps[-1].at(this_row(name, labels[8])), pairs[-1].before)
            rows.append([self.count(of_year), *amounts, *gaps, share])
        keys = [(year, self._year_words(year, previous)) for previous, year in zip([None, *years], years, strict=False)]
        return Block("Crédits de droit commun par exercice", name, labels, keys, rows)

    def _year_words(self, year: int, previous: int | None) -> str:
        """What an exercice is compared to, and who has not answered yet."""
        words = "premier exercice" if previous is None else f"par rapport à {previous}, mêmes lignes"
        return " ; ".join(filter(None, [words, self.overview.answers(year)]))

    def _compared(self, now: str, then: str, *where: Criterion, more: Mapping[str, str] | None = None) -> SameLines:
        """An amount of an exercice against another one, over the lines that have both."""
        columns = self._columns_by_year
        named = columns if more is None else lambda name: more.get(name) or columns(name)
        return SameLines(self.overview.by_year, named, now, then, where)

    @cached_property
    def _columns_by_year(self) -> Columns:
        return year_columns(self.overview)

    def by_convention(self) -> Block:
        """One row a convention, for the exercice shown, with its difference from the reference."""
        name = BY_CONVENTION
        labels = ("N°", "Convention", LINES, *_LABELS, COMPARED, REFERENCE, GAP, SHARE_LABEL, UNTOLD)
        choice, year = self.choice, Criterion("exercice", self.choice.year, YEAR)
        now, then = yearly(choice.amount, choice.year), yearly(choice.other_amount, choice.other_year)
        rows = []
        for number in self.conventions:
            of_convention = self._convention(name, number)
            amounts = [self.total(field, year, of_convention) for field in AMOUNTS]
            pair = self._compared(now, then, of_convention, more={now: SHOWN_COLUMN, then: COMPARED_COLUMN})
            before = unless_same(pair.before, is_same=now == then)
            difference = pair.change(before.at(this_row(name, REFERENCE)))
            share = fraction("share", difference.at(this_row(name, GAP)), before.at(this_row(name, REFERENCE)))
            count = self.count(year, of_convention)
            known = chosen(AMOUNT, choice.amount, [self.count(year, of_convention, Known(field)) for field in AMOUNTS])
            untold = replace(gap(count.at(this_row(name, LINES)), known), kind="count")
            rows.append([count, *amounts, pair.lines, before, difference, share, untold])
        kinds = ("count", "euros", "euros", "euros", "count", "euros", "signed")
        totals = sums_of(name, labels[2:9], rows, kinds)
        totals += [fraction("share", totals[6], totals[5])]
        totals += sums_of(name, [UNTOLD], [row[-1:] for row in rows], ["count"])
        return Block("Crédits par convention", name, labels, list(self.conventions.items()), rows, totals)

    @staticmethod
    def _convention(table: str, number: int | None) -> Criterion:
        """The convention of a row."""
        return Criterion("convention_id", number, this_row(table, "N°") if number is not None else '"="')

    def crossed(self) -> Block:
        """Conventions × collectivités, for the exercice and the amount shown; the smallest towns are put together."""
        name = CROSSED
        shown, others = self._columns()
        labels = unique_labels(["N°", "Convention", *shown, *([f"Autres ({len(others)})"] if others else []), "Total"])
        rows = []
        for number in self.conventions:
            of_convention = self._convention(name, number)
            row = []
            for town, members in shown.items():
                literal = criterion(town)
                measure = self.shown(of_convention, one_of("collectivite_id", members, literal))
                row.append(measure if literal is not None else replace(measure, formula=None))
            whole = self.shown(of_convention)
            if others:
                row.append(_remainder(name, labels, whole, row))
            rows.append([*row, whole])
        totals = sums_of(name, labels[2:], rows, ["euros"] * len(labels[2:]))
        heading = f"Crédits par convention et par {self.overview.town.lower()} (€)"
        return Block(heading, name, labels, list(self.conventions.items()), rows, totals)

    def _columns(self) -> tuple[dict[str, list[str | None]], Sequence[str]]:
        """The collectivités shown, by what the lines show of them (two may have one name), and those put together."""
        named: dict[str, list[str | None]] = {}
        spellings: dict[str, str] = {}
        groups = self.overview.lines.groups("exercice", "collectivite_id")
        present = {town for year, town in groups if year is not None}
        for key in [*(town for town in self.towns if town in present), *sorted(present - {*self.towns}, key=str)]:
            if key is not None:
                label = self.towns.get(key, key)
                named.setdefault(spellings.setdefault(label.casefold(), label), []).append(key)
        if len(named) <= MOST_TOWNS and None not in present:
            return named, ()
        year, amount = self.choice.year, self.choice.amount
        sizes = {
            label: sum(self.overview.of(year, None, key).of(amount) for key in keys) for label, keys in named.items()
        }
        largest = set(sorted(sizes, key=lambda label: -sizes[label])[: MOST_TOWNS - 1])
        others = [label for label in named if label not in largest]
        others += [f"sans {self.overview.town.lower()}"] if None in present else []
        return {label: keys for label, keys in named.items() if label in largest}, others

    def detail(self) -> tuple[list[BlockKey], list[list[Measure]]]:
        """Exercice × convention × collectivité: keys and measures of the long table, the last exercice first.

        They have formulas as long as a client computes them without making people wait.
        """
        cells = self.overview.cells
        order = {key: rank for rank, key in enumerate(self.towns)}
        ordered = sorted(cells, key=lambda key: (-key[0], key[1] is None, key[1] or 0, order.get(key[2], len(order))))
        lines = sum(sums.lines for sums in cells.values())
        towns = {key[2] for key in cells}
        names = [self.towns.get(key, str(key)) for key in towns]
        are_told_apart = len({name.casefold() for name in names}) == len(names) and None not in towns
        is_live = self.with_formulas and are_told_apart and None not in self.conventions
        is_live &= len(cells) * lines * 8 <= MOST_WORK
        keys: list[BlockKey] = []
        rows = []
        for year, convention, town in ordered:
            shown = self.towns.get(town, town or "")
            keys.append((year, convention, self.conventions[convention], shown))
            literal = criterion(shown) if is_live else None
            rows.append(self._detail_row(year, convention, town, literal))
        return keys, rows

    def _detail_row(self, year: int, convention: int | None, town: str | None, literal: str | None) -> list[Measure]:
        """One row; values alone without a ``literal``, the collectivité as formulas name it."""
        cells, previous = self.overview.cells, self.overview.before(year)
        row_cells = _DETAIL_CELLS
        place = (Criterion("convention_id", convention, row_cells["N°"]), Criterion("collectivite_id", town, literal))
        sums, where = cells[year, convention, town], (Criterion("exercice", year, row_cells["Exercice"]), *place)
        formulas = [Total(field, where).formula(self.column) if literal else None for field in AMOUNTS]
        amounts = [
            Measure("euros", cell_value(sums.total(field)), formula)
            for field, formula in zip(AMOUNTS, formulas, strict=True)
        ]
        before, difference, share = Measure("euros", ""), Measure("signed", ""), Measure("share", "")
        if previous is not None:
            columns = self._columns_by_year if literal else None
            pair = SameLines(self.overview.by_year, columns, yearly(_SPENT, year), yearly(_SPENT, previous), place)
            before = pair.before
            difference = pair.change(before.at(row_cells[BEFORE]))
            share = fraction("share", difference.at(row_cells[GAP]), before.at(row_cells[BEFORE]))
            share = share if literal else share.as_value()
        return [Measure("count", sums.lines), *amounts, before, difference, share]


def choice_column(amount: str, year: str) -> str:
    """The formula of a column of the sheet Années: the amount and the exercice that two cells choose.

    It is found by its place: LibreOffice knows no headers of tables.
    """
    years, words = column_ref(BY_YEAR, "Exercice"), ",".join(map(quoted_text, AMOUNT_WORDS.values()))
    place = f"{FIRST_AMOUNT}+{len(AMOUNTS)}*(MATCH({year},{years},0)-1)+MATCH({amount},{{{words}}},0)"
    return f"INDEX({YEARS_TABLE}[],0,{place})"


def chosen(cell: str, amount: str, amounts: Sequence[Measure]) -> Measure:
    """Of the three amounts, the one whose word a cell holds (``amount``, a field)."""
    planned, voted, spent = amounts
    words = [quoted_text(word) for word in AMOUNT_WORDS.values()]
    formula = f"IF({cell}={words[0]},{planned.formula},IF({cell}={words[1]},{voted.formula},{spent.formula}))"
    picked = amounts[AMOUNTS.index(amount)]
    return Measure(picked.kind, picked.value, formula)


def unless_same(measure: Measure, *, is_same: bool) -> Measure:
    """A comparison, or a blank where the reader compares an amount with itself."""
    formula = f'IF(AND({YEAR}={OTHER_YEAR},{AMOUNT}={OTHER_AMOUNT}),"",{measure.formula})'
    return replace(measure, value="" if is_same else measure.value, formula=formula)


def _remainder(table: str, labels: Sequence[str], whole: Measure, known: Sequence[Measure]) -> Measure:
    """What a row has beyond the columns shown; blank where that is nothing."""
    cell, added = this_row(table, labels[-1]), ",".join(this_row(table, label) for label in labels[2:-2])
    remainder = (whole.value or 0) - sum(measure.value or 0 for measure in known)
    total = f"SUM({added})" if added else "0"
    return Measure("euros", remainder or "", f'IF(ROUND(N({cell})-{total},2)=0,"",ROUND(N({cell})-{total},2))')
