"""The workbook of the contract set against what was last accepted: what staff typed, and the contract as it is. Pure.

A slip costs its cell: what could not be understood, or breaks what the schemas declare, keeps the value last accepted.
What looks like an accident waits (:mod:`tabellion.campaign.cautions`); everything else that differs is a change by the
staff, and counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from tabellion.campaign.cautions import Caution, Cautions, Withheld
from tabellion.campaign.decisions import Decisions
from tabellion.campaign.draft import Draft, key_of, rows_by_key
from tabellion.campaign.model import MergeOutcome, Modification
from tabellion.campaign.newcomers import Newcomer, newcomer_findings, settle_newcomers
from tabellion.campaign.older_workbooks import FINANCEMENTS, say_summed_years
from tabellion.campaign.saves import ROW, Saves
from tabellion.campaign.taken_back import say_taken_back
from tabellion.campaign.typed_partners import say_typed_partners
from tabellion.campaign.unread_keys import recover_keys
from tabellion.checks.contract import integrity_cells
from tabellion.contract.book import UNREAD_ROW, Book
from tabellion.findings import Finding, Place, finding
from tabellion.layout.names import document_date
from tabellion.reading.identifiers import MAKERS
from tabellion.schema import Key, TableSchema
from tabellion.schema.money import format_euros
from tabellion.schema.tables import Row, make_table
from tabellion.wording import french_date, plural

#: Passes over what the schemas declare: a row left out may take with it those that name it.
_PASSES = 5
_LEFT_OUT = "En attendant, la ligne reste dans le classeur mais ne compte pas."

_SheetCell = tuple[str | None, str | None]
"""The sheet and the cell that a finding leads to."""


@dataclass(frozen=True)
class StaffState:
    """The contract as its workbook says it: ``book``, what staff changed, what waits, what there is to say of it.

    ``newcomers`` are the names typed in it that nobody has, or had until somebody decided.
    """

    book: Book
    saves: Saves
    withheld: tuple[Withheld, ...] = ()
    findings: tuple[Finding, ...] = ()
    newcomers: tuple[Newcomer, ...] = ()


def accept(
    read: Book, base: Book | None, saves: Saves, *, adoption: str = "", decisions: Decisions | None = None
) -> StaffState:
    """The contract that the workbook ``read`` says, where ``base`` is what was last accepted (``None``: nothing was).

    ``adoption`` is the name of the last adoption, ``decisions`` what staff decided of what waited.
    The book has the places of ``read``; a row that ``read`` lacks stands at its line of the register.
    """
    if base is None:
        blank = {name: make_table(schema, {}) for name, schema in read.schemas.items()}
        draft = Draft(read, replace(read, tables=blank, rows={}))
        _mend(draft, _keep_unread(draft), structural=True)
        return StaffState(draft.book(), Saves((), read.sha256, read.saved, read.author), (), tuple(draft.findings))
    is_older = bool(adoption) and read.has_identity and read.adoption != adoption
    if not read.tables or is_older:
        findings = (*read.findings, *_older_findings(read, base)) if read.tables else read.findings
        return StaffState(replace(base, findings=findings), saves, (), findings)
    draft = Draft(read, base)
    _keep_missing(draft)
    spoken = _keep_unread(draft)
    decisions = decisions or Decisions()
    newcomers, saves = settle_newcomers(draft, saves, decisions)
    cautions = Cautions(draft, saves, decisions)
    cautions.look_through()
    _mend(draft, spoken)
    draft.findings = list(newcomer_findings(draft.findings, newcomers, decisions))
    saves = _saves(draft, saves, cautions.withheld)
    draft.findings += say_taken_back(draft, saves)
    open_ones = [newcomer for newcomer in newcomers if newcomer.texts and decisions.code(newcomer.question) is None]
    if FINANCEMENTS in draft.schemas:
        draft.findings += say_summed_years(read.findings, draft.table(FINANCEMENTS))
    draft.findings += say_typed_partners(
        (newcomer.name, newcomer.is_known, place) for newcomer in open_ones for place in newcomer.texts
    )
    return StaffState(
        draft.book(), saves, tuple(cautions.withheld), tuple(draft.findings),
        tuple(newcomers),
    )  # fmt: skip


def differing_rows(read: Book, base: Book) -> tuple[int, int]:
    """How many rows two books say differently, and for how much money, in cents."""
    rows, cents = 0, 0
    for schema in read.schemas.values():
        read_rows, base_rows = rows_by_key(read, schema), rows_by_key(base, schema)
        money = [field.name for field in schema.fields if field.kind == "money"]
        for key in dict.fromkeys([*base_rows, *read_rows]):
            now, before = read_rows.get(key, {}), base_rows.get(key, {})
            rows += now != before
            cents += sum(abs((now.get(field) or 0) - (before.get(field) or 0)) for field in money)
    return rows, cents


def _older_findings(read: Book, base: Book) -> Iterator[Finding]:
    """What would go if a workbook from before an adoption were taken."""
    rows, cents = differing_rows(read, base)
    lignes = plural(rows, "ligne y diffère", "lignes y diffèrent")
    place = Place(read.fichier)
    yield finding("classeur-d-avant-adoption", place, valeur=rows, lignes=lignes, euros=format_euros(cents))


def twin_findings(read: Book, book: Book) -> Iterator[Finding]:
    """What is said of a copy of the workbook that stands beside it and says something else."""
    rows, cents = differing_rows(read, book)
    if rows:
        lignes = plural(rows, "ligne y diffère", "lignes y diffèrent")
        author = f" par {read.author}" if read.author else ""
        when = f" le {french_date(read.saved)}" if read.saved is not None else ""
        saved = f", enregistrée{when}{author}" if when or author else ""
        place = Place(read.fichier)
        yield finding(
            "classeur-jumeau", place, valeur=read.fichier, lignes=lignes, euros=format_euros(cents), qui=saved
        )


def _keep_missing(draft: Draft) -> None:
    """What the workbook has no place for any more (a table, a column) stays as it was last accepted."""
    for table, convention, name in draft.read.missing:
        schema, known = draft.schemas[table], draft.known[table]
        if name is None:
            present = {key_of(schema, row) for row in draft.rows[table]}
            for key, row in known.items():
                if key not in present and (convention is None or row.get("convention_id") == convention):
                    draft.restore(table, key)
            continue
        for row in draft.rows[table]:
            accepted = known.get(key_of(schema, row))
            if accepted is not None and (convention is None or row.get("convention_id") == convention):
                row[name] = accepted[name]


def _keep_unread(draft: Draft) -> set[_SheetCell]:
    """A cell that could not be understood keeps the value last accepted, and its finding says which.

    Returns the cells that were spoken of.
    """
    missing = {(table, name) for table, _, name in draft.read.missing}
    kept: dict[_SheetCell, str] = {}
    same: dict[_SheetCell, object] = {}
    for item, (table, position, name) in recover_keys(draft):
        accepted = draft.known[table].get(key_of(draft.schemas[table], draft.rows[table][position]))
        kept[item.place.feuille, item.place.cellule] = _stays(draft, table, name, accepted)
        draft.findings.append(item)
    for table, position, name in sorted(draft.read.unknown):
        schema, row = draft.schemas[table], draft.rows[table][position]
        accepted = draft.known[table].get(key_of(schema, row))
        row[name] = None if accepted is None else accepted[name]
        if (table, name) not in missing:
            place = draft.place(table, position, name)
            is_left_out = row[name] is None and _must_have(schema, name)
            kept[place.feuille, place.cellule] = _LEFT_OUT if is_left_out else _stays(draft, table, name, accepted)
            same[place.feuille, place.cellule] = row[name]
    draft.findings = [
        _softened(item, kept.get(spot, ""))
        for item in draft.findings
        if same.get(spot := (item.place.feuille, item.place.cellule)) is None or item.valeur != same[spot]
    ]  # what the contract says itself is said of the contract
    return {(item.place.feuille, item.place.cellule) for item in draft.findings} & kept.keys()


def _mend(draft: Draft, spoken: set[_SheetCell], *, structural: bool = False) -> None:
    """What breaks the schemas: a cell goes back to what was last accepted; a new row that cannot be, waits.

    Nothing more is said of the cells in ``spoken``. Only what is ``structural`` counts where nothing was accepted.
    """
    waiting: dict[tuple[str, object], tuple[str, Place]] = {}
    for _ in range(_PASSES):
        dropped: dict[str, set[int]] = {}
        is_mended = False
        for table, position, name, item in integrity_cells(draft.book(), structural=structural):
            if not item.bloquant:
                continue
            if position in dropped.get(table, ()):
                _say_once(draft, spoken, _softened(item, _LEFT_OUT))
                continue
            item = _naming_what_waits(draft, waiting, table, position, name, item)
            schema, row = draft.schemas[table], draft.rows[table][position]
            accepted = draft.known[table].get(key_of(schema, row))
            is_cell = name is not None and item.code != "cle-en-double"
            if is_cell and name is not None and accepted is not None:
                if row[name] == accepted[name]:
                    continue  # the register says it too
                row[name] = accepted[name]
                stays = _stays(draft, table, name, accepted)
            elif is_cell and name is not None and row[name] is not None and not _must_have(schema, name):
                row[name] = None
                stays = _stays(draft, table, name, None)
            else:
                dropped.setdefault(table, set()).add(position)
                stays = _LEFT_OUT
            is_mended = True
            _say_once(draft, spoken, _softened(item, stays))
        for table, positions in dropped.items():
            schema = draft.schemas[table]
            for position in positions:
                row = draft.rows[table][position]
                shown = str(row[schema.shown_key] or ""), draft.place(table, position, schema.shown_key)
                waiting[table, row[schema.primary_key[0]]] = shown
            draft.drop(table, positions)
        if not is_mended:
            return


def _say_once(draft: Draft, spoken: set[_SheetCell], item: Finding) -> None:
    """Say a finding, unless its cell was spoken of."""
    spot = (item.place.feuille, item.place.cellule)
    if spot not in spoken:
        spoken.add(spot)
        draft.findings.append(item)


def _naming_what_waits(
    draft: Draft, waiting: Mapping[tuple[str, object], tuple[str, Place]], table: str, position: int, name: str | None,
    item: Finding,
) -> Finding:  # fmt: skip
    """A finding about a reference to a row that waits itself: that row by the name that people typed, and its cell."""
    target = None if name is None else draft.schemas[table].refers_to(name)
    if name is None or target is None or item.code != "reference-inconnue":
        return item
    shown, place = waiting.get((target, draft.rows[table][position][name]), (None, None))
    if not shown or place is None:
        return item
    return finding(
        "reference-inconnue", item.place, champ=item.champ, valeur=shown, table=draft.schemas[target].title,
        suggestion=f"Cette ligne attend, feuille « {place.feuille} », cellule {place.cellule} : complétez-la.",
    )  # fmt: skip


def _must_have(schema: TableSchema, name: str) -> bool:
    return name in schema.primary_key or schema.by_name[name].required


def _stays(draft: Draft, table: str, name: str, accepted: Row | None) -> str:
    """What the contract goes on saying in place of a value that was not taken."""
    if accepted is None or accepted[name] is None:
        return "En attendant, la cellule compte comme vide."
    return f"En attendant, la dernière valeur acceptée compte : {draft.labels.value(table, name, accepted[name])}."


def _softened(item: Finding, stays: str) -> Finding:
    """A finding of the workbook that blocks nothing: the contract goes on without what it is about."""
    return replace(item, bloquant=False, suggestion=f"{item.suggestion} {stays}".strip())


def _saves(draft: Draft, saves: Saves, withheld: Collection[Withheld]) -> Saves:
    """The staff's changes since the last adoption, with those that this workbook brings."""
    positions = draft.positions()
    changes = {(change.table, change.key, change.champ): change for change in (*saves.modifications, *saves.taken_back)}
    passed = dict(saves.passed)
    for change in _changes(draft):
        cell = (change.table, change.key, change.champ)
        first = changes.get(cell)
        changes[cell] = change
        if first is not None and change.before not in passed.get(cell, ()):
            passed[cell] = (*passed.get(cell, ()), change.before)
        if first is not None and first.outcome is not MergeOutcome.REMOVED:
            changes[cell] = change._replace(before=first.before, is_new_row=first.is_new_row)
    lasting, past = list[Modification](), list[Modification]()
    for change in changes.values():
        (lasting if _is_lasting(change, draft, positions) else past).append(change)
    held = frozenset(
        (finding.table, key, finding.champ or ROW)
        for finding in withheld
        if finding.caution not in (Caution.UNDOING, Caution.SORTED)
        for key in finding.keys
    )
    moved = {
        (item.table, key, item.champ or ROW): value
        for item in withheld
        if item.caution is Caution.SORTED
        for key, value in zip(item.keys, item.values, strict=True)
    }
    renames = {table: dict(pairs) for table, pairs in draft.read.renames.items() if pairs}
    known = replace(
        saves, modifications=tuple(lasting), taken_back=tuple(past), passed=passed, held=held, moved=moved,
        renames=renames,
    )  # fmt: skip
    undone = [held for held in withheld if held.caution is Caution.UNDOING]
    if undone:
        return replace(known, waiting=frozenset(cell for held in undone for cell in held.cells))
    read = draft.read
    return replace(known, sha256=read.sha256, saved=read.saved, author=read.author, waiting=frozenset())


def _is_lasting(change: Modification, draft: Draft, positions: Mapping[str, Mapping[Key, int]]) -> bool:
    """Whether a change still says something: not one taken back, nor of a row added and removed again, or put back."""
    if change.table not in draft.schemas:
        return False
    at = positions[change.table].get(change.key)
    if change.outcome is MergeOutcome.REMOVED:
        return at is None
    return at is not None and change.before != draft.value(change.table, at, change.champ)


def _changes(draft: Draft) -> Iterator[Modification]:
    """Every cell that the contract now says otherwise than was last accepted; a row that is gone is one."""
    read = draft.read
    is_untouched = read.saved == document_date(read.settings.debut)
    saved, author = (None, "") if is_untouched else (read.saved, read.author)
    for table, schema in draft.schemas.items():
        if draft.is_same(table):
            continue
        known, present = draft.known[table], set()
        for position, row in enumerate(draft.rows[table]):
            key = key_of(schema, row)
            present.add(key)
            accepted = known.get(key)
            is_read = draft.places[table][position] != UNREAD_ROW or (table, key) in draft.created
            if accepted is None and not is_read:
                continue  # it follows from what was typed elsewhere: an exercice of a longer contract
            # Of a row that was there, also what its sheet says: it went to that of another convention.
            for name in schema.names if accepted != row else ():
                before = None if accepted is None else accepted[name]
                if row[name] != before and (accepted is not None or _is_typed(draft, table, position, name)):
                    yield Modification(
                        table, key, name, before, row[name], None, None, draft.place(table, position, name),
                        saved, author, MergeOutcome.APPLIED, accepted is None,
                    )  # fmt: skip
        for key in known:
            if key not in present:
                yield Modification(
                    table, key, schema.shown_key, draft.labels.row(table, key), None, None, None,
                    draft.sheet_of(table, key), saved, author, MergeOutcome.REMOVED,
                )  # fmt: skip


def _is_typed(draft: Draft, table: str, position: int, name: str) -> bool:
    """Whether a field has a cell of its own in the sheet of a row, and is not what only tells the row apart."""
    area, _ = draft.places[table][position]
    has_cell = area < 0 or name in draft.read.areas[area].columns
    return has_cell and name != MAKERS.get(table, ("", None))[0]
