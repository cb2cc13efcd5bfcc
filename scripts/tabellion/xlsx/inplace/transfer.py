"""Whole sheets brought from one workbook into another: their places, names, and what the workbook says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from lxml import etree

from tabellion.layout.names import sheet_name
from tabellion.reading.limits import refusal
from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.inplace.carrying import SheetCarrier
from tabellion.xlsx.inplace.grid import elements
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.inplace.references import Mentions, mentions
from tabellion.xlsx.inplace.relocation import Relocation
from tabellion.xlsx.inplace.rules import FORMULAS
from tabellion.xlsx.inplace.stale import Spot, defined_names
from tabellion.xlsx.inplace.wording import FormulaCarrier
from tabellion.xlsx.package import SheetEntry
from tabellion.xlsx.trees import Element, add, child, drop, insert_after, qualified, relationship_id, whole_number

#: What a file's properties say of its sheets and names: a copy of what the workbook says.
_LISTED = ("HeadingPairs", "TitlesOfParts")


class Transfer:
    """Sheets of ``source`` brought into ``target``. ``sheets`` are the target's names of sheets by the folded ones of
    the source: those that both have; each sheet that comes is added to it.

    ``ours`` when the source's defined names hold where both have one: it is the program's own workbook. Afterwards
    ``brought`` are the sheets that came, in the same way; ``about`` the folded names that say something of them;
    ``lost`` the formulas of other sheets that named a column that went away.
    """

    def __init__(self, source: Parts, target: Parts, sheets: Mapping[str, str], *, ours: bool) -> None:
        self.source, self.target, self.ours = source, target, ours
        self.sheets = dict(sheets)
        self.package = target.package
        self.book = target.tree(self.package.workbook)
        self.brought = dict[str, str]()
        self.lost: frozenset[Spot] = frozenset()
        self.about: frozenset[str] = frozenset()
        self._outside = dict[int, int]()
        self._known = dict[str, frozenset[str]]()
        self.relocation = Relocation(source, target, sheets)
        self.formulas = FormulaCarrier(self.sheets, {}, self._other_workbook, self.relocation.moved)

    def run(self, names: Sequence[str]) -> bytes:
        """Bring the sheets of the source of these names.

        Raises ``TabellionError``: ``nom-de-tableau-pris``, ``feuille-non-reportable``.
        """
        wanted = {name.casefold() for name in names}
        entries = [sheet for sheet in self.source.sheets.values() if sheet.name.casefold() in wanted]
        replaced = {entry.name.casefold() for entry in entries if entry.name.casefold() in self.sheets}
        self._check(entries)
        taken = {unescaped(sheet.get("name", "")).casefold() for sheet in self._listed()}
        for entry in entries:
            key = entry.name.casefold()
            self.brought[key] = self.sheets.setdefault(key, "") or sheet_name("", entry.name, taken)
            self.sheets[key] = self.brought[key]
        self.relocation.sheets = {key: name for key, name in self.sheets.items() if key not in self.brought}
        self._check_tables(replaced)
        self.formulas.columns = self._known = self._columns(replaced)
        self._lose_columns(replaced)
        reached = self.package.reachable()
        carrier = SheetCarrier(self.source, self.target, self.formulas)
        for entry in entries:
            key = entry.name.casefold()
            if key in replaced:
                part = self.target.sheets[self.brought[key].casefold()].part
                carrier.carry(entry.name, part, self.package.parse(part))
            else:
                folder = "worksheets" if entry.worksheet else "chartsheets"
                part = self.package.free_name(f"xl/{folder}/sheet{{}}.xml")
                self.package.put_bytes(part, b"")
                self._insert(entry, part)
                carrier.carry(entry.name, part, None)
        self._local_names()
        self._global_names(carrier)
        carrier.save()
        self._forget()
        self.package.put(self.package.workbook, self.book)
        self.package.discard(reached - self.package.reachable())
        return self.package.to_bytes()

    def _check(self, entries: Sequence[SheetEntry]) -> None:
        """Whether the two workbooks write cells in the same way."""
        books = [parts.tree(parts.package.workbook).find("{*}workbookPr") for parts in (self.source, self.target)]
        days = {book is not None and book.get("date1904") in ("1", "true") for book in books}
        for entry in entries:
            if len(days) > 1:
                raise refusal("feuille-non-reportable", valeur=entry.name, raison="ses dates sont comptées depuis 1904")
            if self.source.package.main != self.package.main:
                reason = "un des deux classeurs est enregistré au format « Open XML strict »"
                raise refusal("feuille-non-reportable", valeur=entry.name, raison=reason)

    def _check_tables(self, replaced: set[str]) -> None:
        """Tables keep their names: none may be another one's, nor a name of the target's own."""
        replaced_names = {self.sheets[key].casefold() for key in replaced}
        taken = {table.name.casefold() for table in self.target.tables if table.sheet.casefold() not in replaced_names}
        taken |= {unescaped(name.get("name", "")).casefold() for name in defined_names(self.target)}
        for table in self.source.tables:
            if table.sheet.casefold() in self.brought and table.name.casefold() in taken:
                raise refusal("nom-de-tableau-pris", valeur=table.name, attendu=table.sheet)

    def _columns(self, replaced: set[str]) -> dict[str, frozenset[str]]:
        """The folded headers of the tables that the target will have, by folded name."""
        replaced_names = {self.sheets[key].casefold() for key in replaced}
        tables = [table for table in self.target.tables if table.sheet.casefold() not in replaced_names]
        tables += [table for table in self.source.tables if table.sheet.casefold() in self.brought]
        return {table.name.casefold(): frozenset(label.casefold() for label in table.labels) for table in tables}

    def _lose_columns(self, replaced: set[str]) -> None:
        """Let what the target's other formulas read of tables and columns that go away be lost, as in Excel.

        A formula that names a column that is not there makes Excel repair the workbook.
        """
        replaced_names = {self.sheets[key].casefold() for key in replaced}
        before = [table for table in self.target.tables if table.sheet.casefold() in replaced_names]
        columns = self.formulas.columns
        if all(
            {label.casefold() for label in table.labels} <= set(columns.get(table.name.casefold(), ()))
            for table in before
        ):
            return
        names = {sheet.name.casefold(): sheet.name for sheet in self.target.package.sheets()}
        formulas = FormulaCarrier(names, columns, lambda number: number, lambda text, _: text)
        lost = set[Spot]()
        for sheet in self.target.worksheets:
            if sheet.name.casefold() in replaced_names:
                continue
            grid = self.target.grid(sheet.name)
            wrong = [cell for cell in grid.formulas() if formulas.loses(cell.text)]
            if wrong:
                grid.expand_shared()
            for cell in wrong:
                cell.element.text = formulas.formula(cell.text)
            lost |= {(sheet.name.casefold(), cell.row, cell.column) for cell in wrong}
            rules = (rule for rule in elements(grid.root) if etree.QName(rule).localname in FORMULAS)
            if _lose(formulas, rules) or wrong:
                self.package.put(sheet.part, grid.root)
            for table in self.target.tables_of(sheet.name):
                if _lose(formulas, table.root.iter("{*}calculatedColumnFormula", "{*}totalsRowFormula")):
                    self.package.put(table.part, table.root)
        _lose(formulas, self._names())
        self.lost = frozenset(lost)

    def _listed(self) -> list[Element]:
        return list(child(self.book, "sheets").iterfind("{*}sheet"))

    @cached_property
    def _order(self) -> list[str]:
        """The folded names of the source's sheets, in tab order."""
        return [sheet.name.casefold() for sheet in self.source.package.sheets()]

    def _insert(self, entry: SheetEntry, part: str) -> None:
        """List a new sheet at its place, and let the numbers of the sheets behind it follow."""
        self.package.declare(part, self.source.package.content_type(entry.part)[0])
        relations = self.source.package.relations(self.source.package.workbook)
        kind = next(relation.type for relation in relations if relation.target == entry.part)
        link = self.package.relate_as(self.package.workbook, kind, part)
        sheets, listed = child(self.book, "sheets"), self._listed()
        names = [unescaped(sheet.get("name", "")).casefold() for sheet in listed]
        place = self._place(entry, names)
        number = 1 + max((whole_number(sheet.get("sheetId")) for sheet in listed), default=0)
        name = self.brought[entry.name.casefold()]
        office = self.package.office
        sheet = etree.Element(qualified(sheets, "sheet"), {"name": name, "sheetId": str(number)}, {"r": office})
        if entry.state != "visible":
            sheet.set("state", entry.state)
        sheet.set(f"{{{office}}}id", link)
        if place < len(listed):
            listed[place].addprevious(sheet)
        else:
            sheets.append(sheet)
        numbered = [(defined, "localSheetId") for defined in self._names() if defined.get("localSheetId") is not None]
        for view in self.book.iterfind("{*}bookViews/{*}workbookView"):
            numbered += [(view, attribute) for attribute in ("activeTab", "firstSheet")]
        for element, attribute in numbered:
            before = whole_number(element.get(attribute))
            if before >= place:
                element.set(attribute, str(before + 1))

    def _place(self, entry: SheetEntry, names: Sequence[str]) -> int:
        """After the nearest sheet before it that both have, or else before the nearest one after it."""
        own = self._order.index(entry.name.casefold())
        positions = {key: names.index(name.casefold()) for key, name in self.sheets.items() if name.casefold() in names}
        for key in reversed(self._order[:own]):
            if key in positions:
                return positions[key] + 1
        return next((positions[key] for key in self._order[own + 1 :] if key in positions), len(names))

    def _names(self) -> list[Element]:
        return list(self.book.iterfind("{*}definedNames/{*}definedName"))

    def _add_name(self, theirs: Element, scope: str | None = None) -> None:
        """Define a name of the source."""
        names = self.book.find("{*}definedNames")
        if names is None:
            names = etree.Element(qualified(self.book, "definedNames"))
            insert_after(self.book, names, "sheets", "functionGroups", "externalReferences")
        name = add(names, "definedName", **{str(key): str(text) for key, text in theirs.attrib.items()})
        name.text = self.formulas.formula(theirs.text or "")
        if scope is not None:
            name.set("localSheetId", scope)

    def _local_names(self) -> None:
        """The names of the sheets themselves, such as what is printed, in place of those that they had."""
        places = {unescaped(sheet.get("name", "")).casefold(): str(rank) for rank, sheet in enumerate(self._listed())}
        scopes = {str(self._order.index(key)): places[name.casefold()] for key, name in self.brought.items()}
        mine = {(_folded(old), old.get("localSheetId", "")): old for old in self._names()}
        mine = {key: old for key, old in mine.items() if key[1] in scopes.values()}
        for theirs in defined_names(self.source):
            scope = scopes.get(theirs.get("localSheetId", ""))
            old = mine.pop((_folded(theirs), scope or ""), None)
            if old is not None:
                old.text = self.formulas.formula(theirs.text or "")
            elif scope is not None:
                self._add_name(theirs, scope)
        for old in mine.values():
            drop(old)

    def _global_names(self, carrier: SheetCarrier) -> None:
        """The names of the workbook that say something of the sheets that came, and those that these use."""
        mine = {_folded(name): name for name in self._names() if name.get("localSheetId") is None}
        theirs = {_folded(name): name for name in defined_names(self.source) if name.get("localSheetId") is None}
        tables = {table.name.casefold(): table.sheet.casefold() for table in self.source.tables}
        places = {key: _sheets_of(mentions(name.text or ""), tables) for key, name in theirs.items()}
        self.about = frozenset(key for key in theirs if places[key] & self.brought.keys())
        waiting = [key for key in theirs if key in self.about]
        waiting += [key for key in theirs if key in self.formulas.used]
        done = set[str]()
        while waiting:
            key = waiting.pop(0)
            if key in done:
                continue
            done.add(key)
            known, about = mine.get(key), key in self.about
            if known is not None and self.ours and about:
                text = self.formulas.formula(theirs[key].text or "")
                if known.text != text:
                    known.text = text
            elif known is None and key not in self.formulas.columns and (about or places[key] <= self.sheets.keys()):
                for name, _ in mentions(theirs[key].text or "").tables:
                    self._bring_list(name, carrier)
                self._add_name(theirs[key])
            waiting += [name for name in theirs if name in self.formulas.used and name not in done]

    def _bring_list(self, name: str, carrier: SheetCarrier) -> None:
        """Let a table that the target has not, and that a name needs, stand on its sheet: a list behind a drop-down."""
        tables = [table for table in self.source.tables if table.name.casefold() == name.casefold()]
        for table in tables if self.ours and name.casefold() not in self.formulas.columns else ():
            carrier.carry_table(table, self.sheets[table.sheet.casefold()])
            self._known[name.casefold()] = frozenset(label.casefold() for label in table.labels)

    def _other_workbook(self, number: int) -> int:
        """The number, in the target, of another workbook that the source's formulas read."""
        if number in self._outside:
            return self._outside[number]
        links = self.source.tree(self.source.package.workbook).findall("{*}externalReferences/{*}externalReference")
        if not 1 <= number <= len(links):
            return number
        relations = {relation.id: relation for relation in self.source.package.relations(self.source.package.workbook)}
        relation = relations[relationship_id(links[number - 1])]
        part = self.package.free_name("xl/externalLinks/externalLink{}.xml")
        self.package.put_bytes(part, self.source.package.parts[relation.target])
        self.package.declare(part, self.source.package.content_type(relation.target)[0])
        rels = self.source.package.relations_part(relation.target)
        if rels in self.source.package.parts:
            self.package.put_bytes(self.package.relations_part(part), self.source.package.parts[rels])
        mine = self.book.find("{*}externalReferences")
        if mine is None:
            mine = etree.Element(qualified(self.book, "externalReferences"))
            insert_after(self.book, mine, "sheets", "functionGroups")
        link = etree.SubElement(mine, qualified(mine, "externalReference"), nsmap={"r": self.package.office})
        link.set(f"{{{self.package.office}}}id", self.package.relate(self.package.workbook, "externalLink", part))
        self._outside[number] = len(mine.findall("{*}externalReference"))
        return self._outside[number]

    def _forget(self) -> None:
        """Drop what would repeat, wrongly now, what the workbook says: its order of calculation, its list of sheets."""
        chain = self.package.related(self.package.workbook, "calcChain")
        if chain is not None:
            self.package.remove(chain)
        properties = self.package.related("", "extended-properties")
        if properties is not None:
            root = self.package.parse(properties)
            listed = [element for name in _LISTED for element in root.findall(f"{{*}}{name}")]
            for element in listed:
                drop(element)
            if listed:
                self.package.put(properties, root)


def _lose(formulas: FormulaCarrier, elements: Iterable[Element]) -> bool:
    """Let formulas that are the text of elements lose what is not there; returns whether one did."""
    wrong = [element for element in elements if element.text and formulas.loses(element.text)]
    for element in wrong:
        element.text = formulas.formula(element.text or "")
    return bool(wrong)


def _folded(name: Element) -> str:
    return unescaped(name.get("name", "")).casefold()


def _sheets_of(named: Mentions, tables: Mapping[str, str]) -> set[str]:
    """The folded names of the sheets that a definition is about, through tables too."""
    sheets = {(reference.sheet or "").casefold() for reference in named.references}
    sheets |= {tables[name.casefold()] for name, _ in named.tables if name.casefold() in tables}
    sheets |= {tables[name.casefold()] for sheet, name in named.names if sheet is None and name.casefold() in tables}
    return sheets | {sheet.casefold() for sheet, _ in named.names if sheet is not None}
