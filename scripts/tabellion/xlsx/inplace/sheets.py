"""Whole sheets brought into a workbook: the program's own into the one that staff edit, and theirs into a fresh one.

A sheet of ours is known, whatever it is called, by the defined name that points at it (``feuille_B01``); where that is
lost, by its name and a table of ours on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabellion.addresses import MAX_COLUMNS, MAX_ROWS
from tabellion.layout.names import IDENTITY, sheet_marker
from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx import signature
from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.fresh import fresh_values
from tabellion.xlsx.inplace.moves import Area
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.inplace.references import mentions
from tabellion.xlsx.inplace.relisting import relist
from tabellion.xlsx.inplace.stale import Seeds, defined_names, stale_formulas
from tabellion.xlsx.inplace.transfer import Transfer

_ALL: Area = (1, 1, MAX_ROWS, MAX_COLUMNS)


@dataclass(frozen=True)
class Carried:
    """A workbook with the sheets that came: their names in it by those that they had, and the cells that formulas or
    charts of theirs read by address where something else stands now (addresses as the formulas had them).
    """

    data: bytes
    sheets: Mapping[str, str]
    unsure: tuple[str, ...] = ()


def with_sheets(data: bytes, fresh: bytes, sheets: Sequence[str]) -> bytes:
    """The staff's workbook ``data`` with these sheets of ``fresh``, which the program has written of the same contract.

    ``sheets`` are names of ``fresh``, or keys such as ``B12``. A sheet that ``data`` has too is replaced: it keeps its
    name, place, colour and visibility, and what staff had put on it goes. Another one is put where ``fresh`` has it.
    The hidden sheet says of them what the one of ``fresh`` does. A workbook that was as the program wrote it is signed
    again.

    Raises ``KeyError`` for a sheet that ``fresh`` has not, and ``TabellionError``: ``nom-de-tableau-pris`` when a table
    has the name of another one of ``data``, ``feuille-non-reportable`` when the two cannot be put together.
    """
    source, target = Parts(fresh), Parts(data)
    marked = _marked(source)
    named = [_named_sheet(source, marked, name) for name in sheets]
    if not named:
        return data
    transfer = Transfer(source, target, same_sheets(source, target), ours=True)
    changed = _settled(transfer.run(named), transfer, fresh)
    return signature.sign_again(changed) if signature.is_intact(data) else changed


def carry_own(fresh: bytes, data: bytes) -> bytes:
    """The workbook ``fresh`` with the staff's own sheets of ``data``: see :func:`carry_own_sheets`."""
    return carry_own_sheets(fresh, data).data


def carry_own_sheets(fresh: bytes, data: bytes) -> Carried:
    """The freshly written workbook ``fresh`` with the sheets that staff have added to ``data``.

    Their formulas, rules, links and charts name the sheets of ``fresh``, and the cells where these are now; those of
    tables and columns that it has no more become ``#REF!``. A sheet whose name is taken gets a number. The result is
    not signed: it holds what only staff have. Raises ``TabellionError`` as :func:`with_sheets` does.
    """
    source, target = Parts(data), Parts(fresh)
    names = _own(source, target)
    if not names:
        return Carried(fresh, {})
    transfer = Transfer(source, target, same_sheets(source, target), ours=False)
    content = transfer.run(names)
    editor = WorkbookEditor(content)
    brought = {name.casefold() for name in transfer.brought.values()}
    others = [sheet.name.casefold() for sheet in editor.parts.worksheets if sheet.name.casefold() not in brought]
    stale = stale_formulas(editor.parts, Seeds(tuple((name, _ALL) for name in others)))
    editor.finish({place for place in stale if place[0] in brought}, {})
    sheets = {source.sheets[key].name: name for key, name in transfer.brought.items()}
    return Carried(editor.to_bytes(), sheets, tuple(transfer.relocation.unsure))


def same_sheets(source: Parts, target: Parts) -> dict[str, str]:
    """The sheets that both workbooks have: the target's names by the folded ones of the source."""
    mine, theirs = _marked(target), _marked(source)
    same = {theirs[marker].casefold(): mine[marker] for marker in theirs if marker in mine}
    for sheet in source.worksheets:
        key = sheet.name.casefold()
        other = target.sheets.get(key)
        if key in same or other is None or other.name in same.values():
            continue
        tables = [{table.name.casefold() for table in parts.tables_of(sheet.name)} for parts in (source, target)]
        if key == IDENTITY.casefold() or tables[0] & tables[1]:
            same[key] = other.name
    return same


def _own(source: Parts, target: Parts) -> list[str]:
    """The sheets of ``source`` that ``target`` has not, in tab order; none of ours that it has no use for."""
    ours = {name.casefold() for name in (*same_sheets(source, target), *_marked(source).values())}
    return [sheet.name for key, sheet in source.sheets.items() if key not in ours]


def _marked(parts: Parts) -> dict[str, str]:
    """The sheets that our defined names point at, by folded name of these."""
    prefix, marked = sheet_marker("").casefold(), dict[str, str]()
    for element in defined_names(parts):
        name = unescaped(element.get("name", "")).casefold()
        references = mentions(element.text or "").references
        if name.startswith(prefix) and element.get("localSheetId") is None and len(references) == 1:
            sheet = parts.sheets.get((references[0].sheet or "").casefold())
            if sheet is not None and sheet.worksheet and sheet.name not in marked.values():
                marked[name] = sheet.name
    return marked


def sheet_of_key(parts: Parts, key: str) -> str | None:
    """The name of the sheet of a key, or of a name; ``None`` where there is none."""
    try:
        return _named_sheet(parts, _marked(parts), key)
    except KeyError:
        return None


def _named_sheet(parts: Parts, marked: Mapping[str, str], name: str) -> str:
    """The name of the sheet that a name or a key says. Raises ``KeyError``."""
    sheet = parts.sheets.get(name.casefold())
    return sheet.name if sheet is not None else marked[sheet_marker(name).casefold()]


def _settled(content: bytes, transfer: Transfer, fresh: bytes) -> bytes:
    """The workbook with the values that ``fresh`` tells beside the formulas that read the sheets that came."""
    editor = WorkbookEditor(content)
    names = {name.casefold() for name in transfer.brought.values()}
    stale = stale_formulas(editor.parts, Seeds(tuple((name, _ALL) for name in sorted(names)), cells=transfer.lost))
    stale = {place for place in stale if place[0] not in names}
    editor.finish(stale, fresh_values(editor.parts, stale, fresh) if stale else {})
    if IDENTITY.casefold() not in transfer.brought:
        source = Parts(fresh)
        sheets = [source.sheets[key].name for key in transfer.brought]
        tables = {table.name.casefold() for sheet in sheets for table in source.tables_of(sheet)}
        relist(editor, source, tables, transfer.about, transfer.formulas.formula)
    return editor.to_bytes()
