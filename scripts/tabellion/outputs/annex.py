"""The budget annex of an exercice as a workbook: live tables and native charts over the lines that they add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from tabellion.contract.book import Book
from tabellion.layout.names import FORMAT_VERSION, column_ref, this_row
from tabellion.measures.financements import retained_rows
from tabellion.measures.measure import Count, Criterion, Known, Measure, Total, column_sum, fraction
from tabellion.measures.overview import AMOUNT_WORDS, AMOUNTS, AnnexFigures, Funding, funding_measures
from tabellion.measures.splits import Split, splits_of
from tabellion.outputs.master.tables import value_format
from tabellion.schema.money import euros
from tabellion.xlsx.blocks import Block, BlockKey, add_chart, cell_text, criteria, sums_of, write_block
from tabellion.xlsx.sheets import CellContent
from tabellion.xlsx.signature import close_signed, write_identity
from tabellion.xlsx.writer import Sheet, Writer

#: What the hidden sheet says the workbook is.
KIND_ANNEX = "annexe"
CREDITS, CROSSED, FUNDING, LINES, DETAIL = (
    "Crédits", "Par {}", "Financements", "Lignes", "Détail des financements"
)  # fmt: skip
BY_CONVENTION, BY_TOWN, PAIRS, BY_FUNDER, FUNDED, SHARED, LINES_TABLE, DETAIL_TABLE = (
    "Annexe_conventions", "Annexe_collectivites", "Annexe_croisee", "Annexe_financeurs", "Annexe_financements",
    "Annexe_partage", "Annexe_lignes", "Annexe_detail",
)  # fmt: skip
_LABELS = ("Prévu (€)", "Voté (€)", "Réalisé (€)")
_RATES = ("Voté / prévu", "Réalisé / voté")
_NUMBER, _CONVENTION, _FUNDER = "N°", "Convention", "Financeur"
_COUNT, _PRICED, _AMOUNT, _ENGAGED = "Financements", "Dont chiffrés", "Montants (€)", "Engagé (€)"
_PRICE = "Montant (€)"
#: The columns of the lines and of the financements by field.
_LINE_COLUMNS = {"convention_id": _NUMBER, **dict(zip(AMOUNTS, _LABELS, strict=True))}
_DETAIL_COLUMNS = {"convention_id": _NUMBER, "financeur_id": _FUNDER, "montant": _PRICE}
_FIRST_ROW = 3
_NO_NUMBER = "–"
_WIDTH = 9

_BlockRow = tuple[BlockKey, tuple[Criterion, ...]]
"""The cells that name a row, and what its measures are of."""
_LabelOf = Mapping[str | None, str]


def annex_name(exercice: int) -> str:
    """The name of the annex's file."""
    return f"annexe-budgetaire-{exercice}.xlsx"


def write_annex(contract: Book, exercice: int) -> bytes:
    """Write the whole workbook; the same contract and exercice give the same bytes."""
    settings = contract.settings
    figures = AnnexFigures(contract.tables, exercice, settings.showing(exercice).exercice_finance)
    writer = Writer(contract.theme)
    book = _Annex(figures, writer, f"{settings.titre} – annexe budgétaire {exercice}")
    first, crossed, funding, lines, detail = sheets = [
        writer.sheet(name.format(book.town.lower())) for name in (CREDITS, CROSSED, FUNDING, LINES, DETAIL)
    ]
    for sheet in sheets:
        is_data = sheet is lines or sheet is detail
        sheet.raw.set_tab_color(contract.theme.series[int(is_data) % len(contract.theme.series)])
    book.write_credits(first)
    book.write_crossed(crossed)
    book.write_funding(funding)
    book.write_lines(lines)
    book.write_detail(detail)
    write_identity(writer, {
        "genre": KIND_ANNEX, "format": FORMAT_VERSION, "contrat": settings.identifiant, "exercice": exercice,
    })  # fmt: skip
    return close_signed(
        writer,
        first,
        title=f"{settings.titre} : annexe budgétaire {exercice}",
        subject=f"Contrat de ville {settings.debut}–{settings.fin}",
        keywords="contrat de ville, budget, crédits de droit commun, financements",
        comments=settings.source,
        year=exercice,
    )


@dataclass
class _Annex:
    """Writes the sheets. ``footer`` stands at the foot of each page."""

    figures: AnnexFigures
    writer: Writer
    footer: str

    @cached_property
    def splits(self) -> list[Split]:
        """The fields of the lines by whose values their credits are added up too."""
        return splits_of(self.figures.tables)

    @property
    def town(self) -> str:
        """What those are called whose credits are listed."""
        return self.figures.overview.town

    def write_credits(self, sheet: Sheet) -> None:
        year = self.figures.exercice
        self._open(sheet, f"Annexe budgétaire {year}", "Crédits de droit commun : prévu, voté, réalisé", _WIDTH)
        row = self._say_unknown(sheet, _FIRST_ROW)
        known = [2 + rank for rank, name in enumerate(AMOUNTS, 1) if self.figures.knows(name)]
        conventions, top = self.by_convention(), row
        row = write_block(sheet, conventions, row)
        title = f"Crédits de {year} par convention (€)"
        row = add_chart(sheet, conventions, row, top + 1, known, title, kind="bar")
        blocks = [0, row - 1]
        towns, top = self.by_town(), row
        row = write_block(sheet, towns, row)
        title = f"Crédits de {year} par {self.town.lower()} (€)"
        row = add_chart(sheet, towns, row, top + 1, known, title, kind="column")
        for split in self.splits:
            blocks.append(row - 1)
            row = write_block(sheet, self.by_split(split), row)
        self._close(sheet, [(0, 9), (1, 46), (2, 10), *((column, 17) for column in range(3, 8))], (*blocks, row))

    def write_crossed(self, sheet: Sheet) -> None:
        subtitle = f"Crédits de droit commun de {self.figures.exercice}, convention par convention"
        self._open(sheet, f"Par convention et par {self.town.lower()}", subtitle, _WIDTH)
        write_block(sheet, self.crossed(), _FIRST_ROW)
        self._close(sheet, [(0, 9), (1, 46), (2, 28), (3, 10), *((column, 17) for column in range(4, 9))], [])

    def write_funding(self, sheet: Sheet) -> None:
        """Specific funding by funder, by convention, and by both."""
        subtitle = f"Financements de {self.figures.funded} ; à défaut, du dernier exercice connu, ou sans exercice"
        self._open(sheet, "Financements", subtitle, _WIDTH)
        funders, top = self.by_funder(), _FIRST_ROW
        row = write_block(sheet, funders, top)
        row = add_chart(
            sheet, funders, row, top + 1, [4], f"Montants par financeur, {self.figures.funded} (€)", kind="bar"
        )
        blocks = [0, row - 1]
        funded, top = self.funded(), row
        row = write_block(sheet, funded, row)
        row = add_chart(
            sheet, funded, row, top + 1, [4], f"Montants par convention, {self.figures.funded} (€)", kind="bar"
        )
        blocks.append(row - 1)
        row = write_block(sheet, self.shared(), row)
        self._close(sheet, [(0, 9), (1, 46), (2, 34), (3, 15), (4, 17), (5, 17)], (*blocks, row))

    def write_lines(self, sheet: Sheet) -> None:
        rows = [
            [_number(row["convention_id"]), cell_text(self.figures.towns[row["collectivite_id"]]),
             cell_text(row["libelle"]), *(cell_text(row[split.field.name]) for split in self.splits),
             *(row[name] for name in AMOUNTS)]
            for row in self.figures.tables["lignes_budgetaires"].rows
            if row["exercice"] == self.figures.exercice
        ]  # fmt: skip
        more = [split.field for split in self.splits]
        labels = (_NUMBER, self.town, "Libellé", *(field.title for field in more), *_LABELS)
        self._open(sheet, "Lignes", f"Les lignes budgétaires de {self.figures.exercice}", len(labels))
        kinds = ("integer", "string", "string", *("string" for _ in more), "money", "money", "money")
        widths = (9, 28, 70, *(field.width for field in more), 17, 17, 17)
        self._write_rows(sheet, LINES_TABLE, labels, kinds, widths, rows)

    def write_detail(self, sheet: Sheet) -> None:
        """The financements, that the sheet of funding adds up."""
        conventions = {row["fiche_id"]: row["convention_id"] for row in self.figures.tables["fiches"].rows}
        rows = [
            [_number(conventions.get(row["fiche_id"])), row["fiche_id"],
             cell_text(self.figures.funders[row["financeur_id"]]), row.get("exercice"), cell_text(row["dispositif"]),
             row["statut_montant"], row["montant"]]
            for row in retained_rows(self.figures.tables["financements"].rows, self.figures.funded)
        ]  # fmt: skip
        subtitle = f"Ceux de {self.figures.funded}, ou les derniers connus ; montants compris ou non"
        self._open(sheet, "Détail des financements", subtitle, 7)
        labels = (_NUMBER, "Fiche", _FUNDER, "Exercice", "Dispositif / BOP", "État du montant", _PRICE)
        kinds = ("integer", "string", "string", "integer", "string", "string", "money")
        self._write_rows(sheet, DETAIL_TABLE, labels, kinds, (9, 14, 36, 10, 56, 18, 17), rows)

    def by_convention(self) -> Block:
        rows = [self._of_convention(BY_CONVENTION, key) for key in self.figures.conventions]
        return self._credits_block("par convention", BY_CONVENTION, (_NUMBER, _CONVENTION), rows)

    def by_town(self) -> Block:
        rows = _ranked("collectivite_id", self.figures.towns)
        return self._credits_block(f"par {self.town.lower()}", BY_TOWN, ("Rang", self.town), rows)

    def by_split(self, split: Split) -> Block:
        rows: list[_BlockRow] = [((rank, label), (part,)) for rank, (label, part) in enumerate(split.parts, 1)]
        words = " ; ".join(filter(None, [f"par {split.words}", split.note]))
        return self._credits_block(words, f"Annexe_{split.field.name}", ("Rang", split.field.title), rows)

    def crossed(self) -> Block:
        rows = self._pairs(PAIRS, self.figures.credits, "collectivite_id", self.figures.towns)
        heads = (_NUMBER, _CONVENTION, self.town)
        return self._credits_block(f"par convention et par {self.town.lower()}", PAIRS, heads, rows)

    def by_funder(self) -> Block:
        """Specific funding, one row a funder, the largest first."""
        fundings = {key: self._sum_of(financeur_id=key) for key in self.figures.funders}
        order = sorted(fundings, key=lambda key: (-fundings[key].montant, -fundings[key].financements))
        rows = _ranked("financeur_id", {key: self.figures.funders[key] for key in order})
        measures = [_funding(fundings[key], where) for key, (_, where) in zip(order, rows, strict=True)]
        return _funding_block(f"Par financeur, {self.figures.funded}", BY_FUNDER, ("Rang", _FUNDER), rows, measures)

    def funded(self) -> Block:
        """Specific funding, one row a convention, and what partners engaged in the exercice."""
        engaged = self.figures.engaged
        rows = [self._of_convention(FUNDED, key) for key in self.figures.conventions]
        measures = [
            [*_funding(self._sum_of(convention_id=key), where), Measure("euros", engaged.get(key, ""))]
            for key, (_, where) in zip(self.figures.conventions, rows, strict=True)
        ]
        heading, heads = f"Par convention, {self.figures.funded}", (_NUMBER, _CONVENTION)
        return _funding_block(heading, FUNDED, heads, rows, measures, f"Engagé en {self.figures.exercice} (€)")

    def shared(self) -> Block:
        """Specific funding, one row a convention and funder."""
        rows = self._pairs(SHARED, self.figures.funding, "financeur_id", self.figures.funders)
        fundings = [self.figures.funding[convention.value, funder.value] for _, (convention, funder) in rows]
        measures = [_funding(funding, where) for funding, (_, where) in zip(fundings, rows, strict=True)]
        heads = (_NUMBER, _CONVENTION, _FUNDER)
        return _funding_block(f"Par convention et par financeur, {self.figures.funded}", SHARED, heads, rows, measures)

    def _sum_of(self, **fields: int | str | None) -> Funding:
        """The financements that count and whose fields are these."""
        return self.figures.overview.funding(self.figures.funded, **fields)

    def _of_convention(self, table: str, key: int | None) -> _BlockRow:
        where = Criterion("convention_id", key, this_row(table, _NUMBER))
        return (_number(key), cell_text(self.figures.conventions[key])), (where,)

    def _pairs(
        self, table: str, pairs: Iterable[tuple[int | None, str | None]], field: str, names: _LabelOf
    ) -> list[_BlockRow]:
        """A row for each convention and other key, in the register's order."""
        ranks = [{key: rank for rank, key in enumerate(keys)} for keys in (self.figures.conventions, names)]
        literal, rows = criteria(names.values()), []
        for convention, other in sorted(pairs, key=lambda pair: (ranks[0][pair[0]], ranks[1][pair[1]])):
            key, where = self._of_convention(table, convention)
            rows.append(((*key, cell_text(names[other])), (*where, Criterion(field, other, literal(names[other])))))
        return rows

    def _line_column(self, name: str) -> str:
        """A column of the sheet of the lines, by its field."""
        more = {split.field.name: split.field.title for split in self.splits} | {"collectivite_id": self.town}
        return column_ref(LINES_TABLE, (_LINE_COLUMNS | more)[name])

    def _credits(self, where: tuple[Criterion, ...]) -> list[Measure]:
        """Lines, the three amounts and the two rates; an amount that no line of the exercice has is left blank.

        They have no formula where a criterion has none: where nothing in Excel tells their lines apart.
        """
        lines, all_of = self.figures.overview.lines, (Criterion("exercice", self.figures.exercice), *where)
        row = [Count(all_of).measure(lines, self._line_column)]
        row += [Total(amount, all_of).measure(lines, self._line_column) for amount in AMOUNTS]
        row += self._rates(*where)
        is_told = all(criterion.formula is not None for criterion in where)
        return row if is_told else [replace(measure, formula=None) for measure in row]

    def _rates(self, *where: Criterion) -> list[Measure]:
        """What was voted of what was planned, and spent of what was voted: over the lines that have both amounts."""
        all_of = (Criterion("exercice", self.figures.exercice), *where)
        rates = []
        for whole, part in pairwise(AMOUNTS):
            sides = (Total(part, (*all_of, Known(whole))), Total(whole, (*all_of, Known(part))))
            rates.append(
                fraction("rate", *(side.measure(self.figures.overview.lines, self._line_column) for side in sides))
            )
        return rates

    def _credits_block(self, words: str, table: str, heads: tuple[str, ...], rows: Sequence[_BlockRow]) -> Block:
        measures = [self._credits(where) for _, where in rows]
        totals = [column_sum("count", table, "Lignes", (row[0].value for row in measures))]
        for rank, label in enumerate(_LABELS, 1):
            totals.append(column_sum("euros", table, label, (row[rank].value for row in measures)))
        heading = f"Crédits de droit commun de {self.figures.exercice} {words}"
        labels = (*heads, "Lignes", *_LABELS, *_RATES)
        return Block(heading, table, labels, [key for key, _ in rows], measures, [*totals, *self._rates()])

    def _say_unknown(self, sheet: Sheet, row: int) -> int:
        """A sentence on the amounts that no line of the exercice has, or on its having no line."""
        if not self.figures.credits:
            text = f"Aucune ligne budgétaire n'est enregistrée pour {self.figures.exercice} : ces tableaux sont vides."
            sheet.write(row, 0, text, sheet.writer.format(italic=True))
            return row + 2
        words = [word for name, word in AMOUNT_WORDS.items() if not self.figures.knows(name)]
        if not words:
            return row
        text = f"Aucune ligne de {self.figures.exercice} n'a de montant {' ni '.join(words)} : ces colonnes sont vides."
        sheet.write(row, 0, text, sheet.writer.format(italic=True))
        return row + 2

    def _open(self, sheet: Sheet, title: str, subtitle: str, width: int) -> None:
        sheet.title(title, f"{subtitle}    {self.footer.partition(' – ')[0]}", width)

    def _close(self, sheet: Sheet, widths: Sequence[tuple[int, float]], blocks: Sequence[int]) -> None:
        sheet.set_widths(widths)
        sheet.raw.freeze_panes(2, 0)
        sheet.print_setup((0, 1), self.footer, blocks=blocks)

    def _write_rows(
        self, sheet: Sheet, table: str, labels: Sequence[str], kinds: Sequence[str], widths: Sequence[float],
        rows: Sequence[Sequence[CellContent]],
    ) -> None:  # fmt: skip
        sheet.table(table, _FIRST_ROW, 0, max(1, len(rows)), labels, aligned={labels[0]: "center"})
        for position, row in enumerate(rows or [[None] * len(labels)], _FIRST_ROW + 1):
            for column, (kind, value) in enumerate(zip(kinds, row, strict=True)):
                content = euros(value) if kind == "money" and isinstance(value, int) else value
                sheet.write(position, column, content, value_format(sheet.writer, kind, value))
            sheet.fit(position, [(value, column) for column, value in enumerate(row)])
        sheet.set_widths(enumerate(widths))
        sheet.raw.freeze_panes(_FIRST_ROW + 1, 0)
        sheet.print_setup((_FIRST_ROW, _FIRST_ROW), self.footer)


def _number(convention: int | None) -> int | str:
    """A convention's number, or what stands for none: not every client finds blank cells by several criteria."""
    return _NO_NUMBER if convention is None else convention


def _ranked(field: str, names: _LabelOf) -> list[_BlockRow]:
    """A row for each name, under its rank."""
    literal = criteria(names.values())
    return [
        ((rank, cell_text(name)), (Criterion(field, key, literal(name)),))
        for rank, (key, name) in enumerate(names.items(), 1)
    ]


def _funding(funding: Funding, where: tuple[Criterion, ...]) -> list[Measure]:
    return funding_measures(funding, lambda name: column_ref(DETAIL_TABLE, _DETAIL_COLUMNS[name]), where)


def _funding_block(
    heading: str,
    table: str,
    heads: tuple[str, ...],
    rows: Sequence[_BlockRow],
    measures: list[list[Measure]],
    *more: str,
) -> Block:
    """A block of financements with its totals, and ``more`` columns; a column that holds nothing has no total."""
    kinds = [measure.kind for measure in measures[0]] if measures else ["count", "count", "euros"]
    labels = (*heads, _COUNT, _PRICED, _AMOUNT, *more)
    totals = [
        total if not rows or any(row[place].value != "" for row in measures) else Measure(total.kind, "")
        for place, total in enumerate(sums_of(table, labels[-len(kinds) :], measures, kinds))
    ]
    return Block(heading, table, labels, [key for key, _ in rows], measures, totals)
