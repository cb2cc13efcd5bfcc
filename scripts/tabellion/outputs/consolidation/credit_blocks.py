"""Credits in figures: by exercice, by convention, by convention and collectivité; formulas over the consolidated lines.

The exercice and the amount shown, and those they are compared to, are cells that the reader may change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tabellion.layout.names import column_ref, quoted_text, this_row
from tabellion.measures import AMOUNT_WORDS, AMOUNTS
from tabellion.measures.overview import Overview, Sums
from tabellion.outputs.consolidation.blocks import Block, Figure, criterion, share
from tabellion.outputs.consolidation.tables import DataSheet
from tabellion.outputs.master.synthese import unique_labels

BY_YEAR, BY_CONVENTION, CROSSED, DETAIL = (
    "Synthese_exercices", "Synthese_conventions", "Synthese_croisee", "Detail_credits"
)  # fmt: skip
#: The cells that choose what is shown, and what it is compared to.
YEAR, AMOUNT, OTHER_YEAR, OTHER_AMOUNT = "Exercice_montre", "Montant_montre", "Exercice_compare", "Montant_compare"
_LABELS = tuple(f"{word.capitalize()} (€)" for word in AMOUNT_WORDS.values())
REFERENCE, GAP, SHARE_LABEL, LINES = "Référence (€)", "Écart (€)", "Écart (%)", "Lignes"
NO_CONVENTION = "(sans convention)"
#: Columns of collectivités that a matrix may have and still be read; the smallest are then counted together.
MOST_TOWNS = 10
#: Cells that formulas of the detail may look at, all together, before they are only written as values.
MOST_WORK = 40_000_000


@dataclass(frozen=True)
class Choice:
    """What is shown and what it is compared to: two exercices and an amount of each (fields of the lines)."""

    year: int
    amount: str
    other_year: int
    other_amount: str


@dataclass(frozen=True)
class Credits:
    """The blocks of credits. ``towns`` are what the lines show of each collectivité."""

    overview: Overview
    data: DataSheet
    towns: dict[str | None, str]

    @cached_property
    def choice(self) -> Choice:
        """The last exercice and the one before, each by the amount that says most of it."""
        year = self.overview.exercices[-1]
        other = self.overview.before(year) or year
        return Choice(year, self.overview.measure(year), other, self.overview.measure(other))

    @cached_property
    def conventions(self) -> dict[int | None, str]:
        """The conventions by number; lines without one, or with one that is unknown, have a row of their own."""
        found: dict[int | None, str] = dict(self.overview.conventions.items())
        for _, convention, _ in self.overview.cells:
            found.setdefault(convention, NO_CONVENTION if convention is None else f"Convention {convention}")
        return found

    def column(self, name: str) -> str:
        """A column of the consolidated lines."""
        return column_ref(self.data.table, self.data.label(name))

    def sums(self, name: str, year: str, convention: str | None = None, town: str | None = None) -> str:
        """The formula of the sum of an amount; the conditions are formulas themselves."""
        conditions = [(self.column("exercice"), year)]
        conditions += [(self.column("convention_id"), convention)] if convention is not None else []
        conditions += [(self.column("collectivite_id"), town)] if town is not None else []
        return f"SUMIFS({self.column(name)},{','.join(f'{where},{what}' for where, what in conditions)})"

    def chosen(self, amount: str, year: str, convention: str | None = None, town: str | None = None) -> str:
        """The formula of the sum of the amount that the cell ``amount`` names."""
        planned, voted, spent = (self.sums(name, year, convention, town) for name in AMOUNTS)
        words = [quoted_text(word) for word in AMOUNT_WORDS.values()]
        return f"IF({amount}={words[0]},{planned},IF({amount}={words[1]},{voted},{spent}))"

    def of(self, year: int, convention: int | None, town: str | None = None) -> Sums:
        """The sums of one convention: those of no convention where ``convention`` is ``None``."""
        if convention is not None:
            return self.overview.of(year, convention, town)
        parts = [sums for key, sums in self.overview.cells.items() if key[0] == year and key[1] is None]
        return sum(parts, Sums())

    def by_year(self) -> Block:
        """One row an exercice: the three amounts, and how each differs from the exercice before."""
        name, years = BY_YEAR, self.overview.exercices
        labels = ("Exercice", "Crédits de l'exercice", LINES, *_LABELS,
                  *(f"Écart {word} (€)" for word in AMOUNT_WORDS.values()), "Écart réalisé (%)")  # fmt: skip
        year, known = this_row(name, labels[0]), self.overview.known
        rows: list[list[Figure]] = []
        previous: int | None = None
        for each in years:
            now, before = self.overview.of(each), self.overview.of(previous) if previous is not None else None
            row = [Figure("count", now.lines, f"COUNTIFS({self.column('exercice')},{year})")]
            row += [
                Figure("euros", amount_of(now, field), self.sums(field, year))
                if known[each][field]
                else Figure("euros", "")
                for field in AMOUNTS
            ]
            for field, label in zip(AMOUNTS, _LABELS, strict=True):
                both = previous is not None and known[each][field] and known[previous][field]
                if before is None or not both:
                    row.append(Figure("signed", ""))
                    continue
                gap = amount_of(now, field) - amount_of(before, field)
                row.append(Figure("signed", gap, f"{this_row(name, label)}-{self.sums(field, str(previous))}"))
            if before is not None and row[-1].formula is not None and before.realise:
                base = self.sums(AMOUNTS[-1], str(previous))
                row.append(Figure("share", share(now.realise, before.realise).value,
                                  f"{this_row(name, labels[8])}/{base}"))  # fmt: skip
            else:
                row.append(Figure("share", ""))
            rows.append(row)
            previous = each
        words = ["premier exercice", *(f"par rapport à {each}" for each in years[:-1])]
        return Block("Crédits de droit commun par exercice", name, labels, list(zip(years, words, strict=True)), rows)

    def by_convention(self) -> Block:
        """One row a convention, for the exercice shown, with its difference from the reference."""
        name, choice = BY_CONVENTION, self.choice
        labels = ("N°", "Convention", LINES, *_LABELS, REFERENCE, GAP, SHARE_LABEL)
        rows, keys = [], []
        gap_formula = f"{self._picked(name)}-{this_row(name, REFERENCE)}"
        share_formula = f'IF({this_row(name, REFERENCE)}=0,"",{this_row(name, GAP)}/{this_row(name, REFERENCE)})'
        for number, title in self.conventions.items():
            now, then = self.of(choice.year, number), self.of(choice.other_year, number)
            here = this_row(name, labels[0]) if number is not None else '"="'
            picked, before = amount_of(now, choice.amount), amount_of(then, choice.other_amount)
            conditions = f"{self.column('exercice')},{YEAR},{self.column('convention_id')},{here}"
            keys.append((number, title))
            rows.append([
                Figure("count", now.lines, f"COUNTIFS({conditions})"),
                *(Figure("euros", amount_of(now, each), self.sums(each, YEAR, here)) for each in AMOUNTS),
                Figure("euros", before, self.chosen(OTHER_AMOUNT, OTHER_YEAR, here)),
                Figure("signed", picked - before, gap_formula),
                Figure("share", share(picked, before).value, share_formula),
            ])  # fmt: skip
        sums = [sum(row[place].value for row in rows) for place in range(6)]
        kinds = ("count", "euros", "euros", "euros", "euros", "signed")
        totals = [
            Figure(kind, value, f"SUM({column_ref(name, label)})")
            for kind, value, label in zip(kinds, sums, labels[2:8], strict=True)
        ]
        total, reference = f"SUM({column_ref(name, GAP)})", f"SUM({column_ref(name, REFERENCE)})"
        whole = share(sums[4] + sums[5], sums[4]).value
        totals.append(Figure("share", whole, f'IF({reference}=0,"",{total}/{reference})'))
        return Block("Crédits par convention", name, labels, keys, rows, totals)

    @staticmethod
    def _picked(name: str) -> str:
        planned, voted, spent = (this_row(name, label) for label in _LABELS)
        return f'IF({AMOUNT}="prévu",{planned},IF({AMOUNT}="voté",{voted},{spent}))'

    def crossed(self) -> Block:
        """Conventions × collectivités, for the exercice and the amount shown; the smallest towns are put together."""
        name, choice = CROSSED, self.choice
        shown, others = self._columns()
        labels = unique_labels(["N°", "Convention", *shown, *([f"Autres ({len(others)})"] if others else []), "Total"])
        keys, rows = [], []
        for number, title in self.conventions.items():
            here = this_row(name, labels[0]) if number is not None else '"="'
            row = []
            for town, members in shown.items():
                value = sum(self._amount(choice.year, number, each) for each in members)
                test = criterion(town)
                formula = self.chosen(AMOUNT, YEAR, here, test) if test is not None else None
                row.append(Figure("euros", value, formula))
            whole = amount_of(self.of(choice.year, number), choice.amount)
            total = f"{self.chosen(AMOUNT, YEAR, here)}"
            if others:
                known = "+".join(["0", *(this_row(name, label) for label in labels[2 : 2 + len(shown)])])
                rest = whole - sum(each.value for each in row)
                row.append(Figure("euros", rest, f"{this_row(name, labels[-1])}-({known})"))
            row.append(Figure("euros", whole, total))
            keys.append((number, title))
            rows.append(row)
        totals = [
            Figure("euros", sum(row[place].value for row in rows), f"SUM({column_ref(name, label)})")
            for place, label in enumerate(labels[2:])
        ]
        return Block("Crédits par convention et par collectivité (€)", name, labels, keys, rows, totals)

    def _amount(self, year: int, convention: int | None, town: str | None) -> int:
        return amount_of(self.overview.cells.get((year, convention, town), Sums()), self.choice.amount)

    def _columns(self) -> tuple[dict[str, list[str | None]], Sequence[str]]:
        """The collectivités shown, by what the lines show of them (two may have one name), and those put together."""
        named: dict[str, list[str | None]] = {}
        spellings: dict[str, str] = {}
        present = {town for _, _, town in self.overview.cells}
        for key in [*(each for each in self.towns if each in present), *sorted(present - {*self.towns}, key=str)]:
            if key is not None:
                label = self.towns.get(key, key)
                named.setdefault(spellings.setdefault(label.casefold(), label), []).append(key)
        if len(named) <= MOST_TOWNS and None not in present:
            return named, ()
        year = self.choice.year
        sizes = {
            label: sum(amount_of(self.overview.of(year, None, key), self.choice.amount) for key in keys)
            for label, keys in named.items()
        }
        kept = set(sorted(sizes, key=lambda each: -sizes[each])[: MOST_TOWNS - 1])
        others = [label for label in named if label not in kept] + (["sans collectivité"] if None in present else [])
        return {label: keys for label, keys in named.items() if label in kept}, others

    def detail(self) -> tuple[tuple[str, ...], list[tuple[str | int | None, ...]], list[list[Figure]]]:
        """Exercice × convention × collectivité: labels, keys and figures of the long table, the last exercice first.

        Its figures are formulas as long as a client computes them without making people wait.
        """
        labels = (
            "Exercice", "N°", "Convention", "Collectivité", LINES, *_LABELS, "Réalisé avant (€)", GAP, SHARE_LABEL
        )  # fmt: skip
        cells = self.overview.cells
        order = {key: rank for rank, key in enumerate(self.towns)}
        found = sorted(cells, key=lambda key: (-key[0], key[1] is None, key[1] or 0, order.get(key[2], len(order))))
        lines = sum(each.lines for each in cells.values())
        names = [self.towns.get(key, str(key)) for key in {key[2] for key in cells}]
        plain = len({each.casefold() for each in names}) == len(names) and None not in {key[2] for key in cells}
        live = plain and None not in self.conventions and len(cells) * lines * 4 <= MOST_WORK
        here = {label: this_row(DETAIL, label) for label in labels}
        keys: list[tuple[str | int | None, ...]] = []
        rows = []
        for year, convention, town in found:
            now, previous = cells[year, convention, town], self.overview.before(year)
            then = cells.get((previous, convention, town), Sums()) if previous is not None else Sums()
            title, shown = self.conventions[convention], self.towns.get(town, town or "")
            keys.append((year, convention, title, shown))
            test = criterion(shown) if live else None
            both = previous is not None and self.overview.known[year][AMOUNTS[-1]] and then.lines
            formulas: list[str | None] = [None] * 6
            if test is not None:
                where = (here["Exercice"], here["N°"], test)
                formulas[:3] = [self.sums(each, *where) for each in AMOUNTS]
                formulas[3] = self.sums(AMOUNTS[-1], str(previous), here["N°"], test) if previous is not None else None
                formulas[4] = f"{here[_LABELS[-1]]}-{here['Réalisé avant (€)']}" if both else None
                formulas[5] = f"{here[GAP]}/{here['Réalisé avant (€)']}" if both and then.realise else None
            rows.append([
                Figure("count", now.lines),
                *(Figure("euros", amount_of(now, each), formulas[rank]) for rank, each in enumerate(AMOUNTS)),
                Figure("euros", then.realise if previous is not None else "", formulas[3]),
                Figure("signed", now.realise - then.realise if both else "", formulas[4]),
                Figure("share", share(now.realise, then.realise).value if both else "", formulas[5]),
            ])  # fmt: skip
        return labels, keys, rows


def amount_of(sums: Sums, field: str) -> int:
    """One of the three amounts."""
    return {"montant_prevu": sums.prevu, "montant_vote": sums.vote, "montant_realise": sums.realise}[field]
