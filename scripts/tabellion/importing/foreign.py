"""Sheets and CSV of any layout, put together: tables found, columns matched, rows read, the tables made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tabellion.addresses import cell_name
from tabellion.findings import Finding, Place
from tabellion.importing.blocks import FUNDER_COLUMN, BlockFinder, ForeignTable
from tabellion.importing.budget import PRESENTATION
from tabellion.importing.correspondence_book import SHEET_GROUP, Correspondence, Topic
from tabellion.importing.cover import TitlePage
from tabellion.importing.foreign_budget import ForeignBudget, pivot_records
from tabellion.importing.foreign_fiches import ForeignFiches
from tabellion.importing.grants import GrantReader
from tabellion.importing.grids import CellGrid, cents_of, shown
from tabellion.importing.headings import Headings
from tabellion.importing.label_sheets import LabelReader, LabelSheet
from tabellion.importing.lines import FAR, FEW, UNPLACED, DocumentLine, LineAccount, LineUse
from tabellion.importing.names import CollectiviteNames, ConventionNames, PartnerNames, Quarters
from tabellion.importing.outline import Outline, Section
from tabellion.importing.recap import Collectivites
from tabellion.importing.records import RecordReader, SheetRecord
from tabellion.importing.tables import ImportedContract, ImportedTables, register_tables
from tabellion.importing.words import Certainty, ImportWords, year_of
from tabellion.reading.raw import RawValue
from tabellion.wording import plural

_NO_PAGE = TitlePage(None, "", None, None)
"""What tables say of their contract as a whole: nothing."""
_NOWHERE = LineUse(0, "", "")
_SMALLEST = 100
"""The least number, in euros, that is taken for money where nothing says what it is."""


def grid_lines(grids: Iterable[CellGrid]) -> list[DocumentLine]:
    """The rows of the grids as the lines of one text, numbered through; each grid learns its first line."""
    lines = list[DocumentLine]()
    for grid in grids:
        grid.first_line = len(lines) + 1
        for row in range(len(grid.rows)):
            texts = tuple(grid.texts(row))
            lines.append(DocumentLine(len(lines) + 1, "\t".join(texts).rstrip("\t"), texts))
    return lines


class ForeignReader:
    """Reads the grids of one import. ``known`` is what its documents, or the contract, already say."""

    def __init__(
        self,
        grids: list[CellGrid],
        words: ImportWords,
        correspondence: Correspondence,
        known: ImportedTables | None = None,
    ) -> None:
        self.grids, self.words, self.correspondence, self.known = grids, words, correspondence, known or {}
        self.lines = grid_lines(grids)
        self.account = LineAccount("")
        by_number = {line.numero: line for line in self.lines}
        titles = {row["convention_id"]: row["titre"] for row in self.known.get("conventions", [])}
        self.conventions = ConventionNames(correspondence, self.account, titles)
        self.collectivites = Collectivites()
        for row in self.known.get("collectivites", []):
            self.collectivites.add(row["nom"])
        towns = CollectiviteNames(correspondence, self.account, self.collectivites)
        self.quarters = Quarters(list(self.known.get("quartiers", [])))
        self.budget = ForeignBudget(self.account, correspondence, self.conventions, towns, self.quarters, by_number)
        self.fiches = ForeignFiches(self.account, self.conventions, self.quarters, by_number)
        self.fiches.know(self.known.get("fiches", []))
        self.budget.know(self.known.get("lignes_budgetaires", []))
        self.labels = LabelReader(words, correspondence, self.account)
        self.blocks = list[ForeignTable]()
        self.sheets = list[tuple[LabelSheet, list[ForeignTable]]]()
        self._cells = dict[tuple[int, str], int]()

    def find(self) -> bool:
        """Find the tables of all sheets; whether there is one."""
        finder = BlockFinder(self.words, self.correspondence)
        for grid in self.grids:
            blocks = finder.blocks(grid)
            sheet = self.labels.find(grid, blocks)
            if sheet is not None:
                self.sheets.append((sheet, [block for block in blocks if block.words.nature == "financements"]))
            else:
                self.blocks += blocks
        return bool(self.blocks or self.sheets)

    def has_tables(self) -> bool:
        """Whether a sheet has a table, or is a fiche."""
        finder = BlockFinder(self.words, self.correspondence)
        return any(finder.has_table(grid) or self.labels.find(grid, []) is not None for grid in self.grids)

    @property
    def only_adds(self) -> bool:
        """Whether the tables only add to a contract: financements and subventions of its fiches."""
        return not self.sheets and {block.words.nature for block in self.blocks} <= {"financements", "subventions"}

    def read(self) -> ImportedContract:
        """The contract that the tables say, and the account of every row."""
        for sheet, below in self.sheets:
            self._read_sheet(sheet, below)
        order = ("fiches", "lignes_budgetaires", "croise", "financements")
        for nature in order:
            for block in self.blocks:
                if block.words.nature == nature:
                    self._read(block, nature)
        partner_names = PartnerNames(self.correspondence, self.words)
        funders = self.fiches.funders()
        tables = register_tables(
            self._outline(), [], self.fiches.fiches, self.fiches.rows(funders), funders, self.collectivites,
            self.account, partner_names, self.fiches.others,
        )  # fmt: skip
        known = {row["collectivite_id"]: row for row in self.known.get("collectivites", [])}
        tables["collectivites"] = [known.get(row["collectivite_id"], row) for row in tables["collectivites"]]
        tables["lignes_budgetaires"] = self.budget.line_rows()
        tables["totaux_publies"] = self.budget.total_rows()
        self._read_grants(tables)
        if self.quarters.rows:
            tables["quartiers"] = self.quarters.rows
        self._account_for_the_rest()
        uses = self.account.complete(self.lines)
        year = self.budget.years.most_common(1)
        findings = tuple(self._placed(finding) for finding in self.account.findings)
        return ImportedContract(tables, findings, uses, _NO_PAGE, year[0][0] if year else None)

    def _records(self, block: ForeignTable) -> list[SheetRecord]:
        """The rows of a table, each cell's place noted; what is not read of it is said."""
        records = list(RecordReader(block, self.account).read())
        for record in records:
            self._cells |= {(record.ligne, champ): place[1] for champ, place in record.places.items()}
        self._say_what_is_left(block)
        return records

    def _read(self, block: ForeignTable, nature: str) -> None:
        records = self._records(block)
        where = ", ".join(filter(None, (block.grid.fichier, block.grid.feuille)))
        if nature == "fiches":
            for column in block.columns:
                if column.champ == FUNDER_COLUMN:
                    self.fiches.offer(column.title)
            for record in records:
                self.fiches.add(record, where)
                self.account.use(record.ligne, "utilisée : fiche", record.get("fiche_id"))
        elif nature == "financements":
            for record in records:
                self.fiches.add_funding(record)
                self.account.use(record.ligne, "utilisée : financement", record.get("fiche_id"))
        elif nature == "croise":
            self.budget.add(block, pivot_records(records, self.conventions, self.account))
        elif nature == "lignes_budgetaires":
            self.budget.add(block, records)

    def _read_grants(self, tables: ImportedTables) -> None:
        """Read the exports last: they name the fiches and the partners of all the rest."""
        grants = GrantReader(self.account, self.correspondence, self.quarters, dict(self.known))
        grants.learn(tables)
        for block in self.blocks:
            if block.words.nature == "subventions":
                grants.add(block, self._records(block))
        tables["subventions"] = []
        for name, rows in grants.tables.items():
            tables[name] = [*tables.get(name, []), *rows]

    def _read_sheet(self, sheet: LabelSheet, tables: list[ForeignTable]) -> None:
        """Read a sheet that is one fiche, and the table of its funders."""
        grid = sheet.grid
        record = self.labels.read(sheet)
        self._cells |= {(grid.line(row), champ): column for champ, (row, column) in record.places.items()}
        self.fiches.add(record, f"{grid.fichier}, {grid.feuille}")
        for block in tables:
            self._say_what_is_left(block)
            for row in RecordReader(block, self.account).read():
                row.texts.setdefault("fiche_id", record.get("fiche_id"))
                self.fiches.add_funding(row)
                self.account.use(row.ligne, "utilisée : financement", record.get("fiche_id"))

    def _say_what_is_left(self, block: ForeignTable) -> None:
        """Say the columns that nothing is read of, and the rows that people do not see."""
        grid, ligne = block.grid, block.grid.line(block.header)
        for column in block.unknown:
            filled = [row for row in range(block.first, block.last) if grid.text(row, column.index)]
            if filled:
                self._cells[ligne, column.title] = column.index
                self.account.say(
                    "colonne-non-comprise", ligne, champ=column.title, valeur=column.title or "sans titre",
                    cellules=plural(len(filled), "cellule remplie", "cellules remplies"),
                    exemple=grid.text(filled[0], column.index)[:80],
                )  # fmt: skip
        hidden = [row for row in range(block.first, block.last) if row + 1 in grid.hidden_rows and any(grid.texts(row))]
        if hidden:
            shown = ", ".join(str(row + 1) for row in hidden[:10]) + (" …" if len(hidden) > 10 else "")
            self.account.say("lignes-masquees", grid.line(hidden[0]), valeur=len(hidden), lignes=shown)

    def _account_for_the_rest(self) -> None:
        """Enter the rows outside every table: covers and notes, and those with amounts, which have no place.

        A sheet of amounts without any table is asked. Where a far part of the rows with amounts has no place, the
        import blocks, and says where.
        """
        known = {id(block.grid) for block in self.blocks} | {id(sheet.grid) for sheet, _ in self.sheets}
        for grid in self.grids:
            paid = list[int]()
            for row, values in enumerate(grid.rows):
                ligne = grid.line(row)
                if not any(grid.texts(row)):
                    self.account.use(ligne, "ignorée : ligne vide")
                elif not any(map(is_amount, values)):
                    self.account.use(ligne, PRESENTATION)
                elif ligne not in self.account.uses:
                    paid.append(row)
            if paid and id(grid) in known:
                for row in paid:
                    self.account.unplaced(self.lines[grid.line(row) - 1], "un montant hors de tout tableau reconnu")
            elif paid:
                self._unknown_sheet(grid, paid)
        self._say_how_much_is_lost()

    def _unknown_sheet(self, grid: CellGrid, paid: list[int]) -> None:
        """Ask what a sheet of amounts is, where nothing in it is known; say it once."""
        name = grid.feuille or grid.fichier
        is_left = self.correspondence.is_set_aside(Topic.COLUMNS, name, SHEET_GROUP)
        for row in paid:
            self.account.use(grid.line(row), "ignorée : feuille mise de côté" if is_left else UNPLACED, name)
        samples = tuple(" · ".join(filter(None, grid.texts(row)))[:80] for row in paid[:3])
        self.correspondence.ask(
            Topic.COLUMNS, name, None, Certainty.UNKNOWN, group=SHEET_GROUP, where=grid.fichier, samples=samples,
            blocks=True,
        )  # fmt: skip
        if not is_left:
            rows = plural(len(paid), "ligne à montant", "lignes à montants")
            self.account.say("feuille-non-comprise", grid.line(paid[0]), valeur=name, lignes=rows, exemple=samples[0])

    def _say_how_much_is_lost(self) -> None:
        """Say, and block, where few of the rows with amounts were understood."""
        paid = [
            grid.line(row) for grid in self.grids for row, values in enumerate(grid.rows) if any(map(is_amount, values))
        ]
        lost = [ligne for ligne in paid if self.account.uses.get(ligne, _NOWHERE).usage == UNPLACED]
        if len(lost) * FAR <= len(paid) or len(lost) <= FEW:
            return
        quoted = ", ".join(f"« {self.lines[ligne - 1].texte[:60]} »" for ligne in lost[:5])
        quoted = quoted.replace("\t", " | ") + (" …" if len(lost) > 5 else ".")
        self.account.say(
            "document-peu-compris", lost[0], valeur=len(paid) - len(lost), attendu=len(paid), quoi="lignes à montants",
            lignes=quoted, suite=" Rien n'est écrit.",
        )  # fmt: skip

    def _outline(self) -> Outline:
        """The headings that the tables name, as those of a document."""
        headings = Headings()
        sections = [
            Section(heading, self.conventions.piliers.get(self.conventions.under.get(number, "")))
            for number, heading in sorted(self.conventions.headings.items())
        ]
        for heading in (*self.conventions.piliers.values(), *self.conventions.headings.values()):
            headings.body[-len(headings.body)] = heading
        return Outline(headings, [], sections, _NO_PAGE)

    def _placed(self, finding: Finding) -> Finding:
        """A finding at the cell of its row, and those that it links to."""
        place = self._place(finding.place, finding.champ)
        return replace(finding, place=place, liees=tuple(self._place(cell, None) for cell in finding.liees))

    def _place(self, place: Place, champ: str | None) -> Place:
        ligne = place.ligne
        grid = next((grid for grid in reversed(self.grids) if ligne is not None and ligne >= grid.first_line), None)
        if grid is None or ligne is None:
            return Place(self.grids[0].fichier if self.grids else None)
        row = ligne - grid.first_line
        if grid.feuille is None:
            return Place(grid.fichier, ligne=grid.file_lines[row])
        filled = next((index for index, text in enumerate(grid.texts(row)) if text), 0)
        named = (champ or "", (champ or "").removesuffix("_id"))
        column = next((self._cells[ligne, column] for column in named if (ligne, column) in self._cells), filled)
        return Place(grid.fichier, grid.feuille, cell_name(row + 1, column + 1))


def is_amount(value: RawValue) -> bool:
    """Whether a cell outside every table is a sign of money: no year, no rank, no page."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) >= _SMALLEST and year_of(shown(value)) is None
    return isinstance(value, str) and "€" in value and cents_of(value)[0] is not None
