"""Workbooks as people change them: cells typed in the file's own XML, or a script with openpyxl in hand."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import cycle
from typing import Any
from xml.sax.saxutils import escape

import openpyxl

#: By sheet, by address: a number, a day, a text; ``None`` clears the cell.
Cells = Mapping[str, Mapping[str, Any]]
#: By sheet of a form: the column of the identifiers.
KEYS = {"Budget": "J", "Actions": "K", "Financements": "K", "Charges": "G", "Produits": "J"}
FIRST = 6
_EPOCH = date(1899, 12, 30)


def typed(content: bytes, cells: Cells, saved: datetime, author: str) -> bytes:
    """The workbook with other values in some cells; every other part keeps its bytes."""
    parts = _parts(content)
    paths = _sheets(parts)
    for sheet, values in cells.items():
        text = parts[paths[sheet]].decode()
        for address, value in values.items():
            text = _put(text, address, value)
        parts[paths[sheet]] = text.encode()
    return _saved(parts, saved, author)


def changed(content: bytes, changes: Iterable[Callable[[Any], None]], saved: datetime) -> bytes:
    """The workbook after functions that take it as openpyxl's."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for change in changes:
        change(book)
    stream = io.BytesIO()
    book.save(stream)
    return _saved(_parts(stream.getvalue()), saved, "Un script")


def keys(content: bytes) -> dict[str, dict[str, int]]:
    """The identifiers of a form's rows by sheet, each with its row."""
    parts = _parts(content)
    strings = [
        "".join(re.findall(r"<t[^>]*>([^<]*)</t>", item))
        for item in re.findall(r"<si>(.*?)</si>", parts["xl/sharedStrings.xml"].decode(), re.DOTALL)
    ]
    rows_by_sheet: dict[str, dict[str, int]] = {}
    for sheet, path in _sheets(parts).items():
        if sheet in KEYS:
            cells = re.findall(rf'<c r="{KEYS[sheet]}(\d+)"[^>]* t="s"><v>(\d+)</v>', parts[path].decode())
            rows_by_sheet[sheet] = {strings[int(place)]: int(row) for row, place in cells if int(row) >= FIRST}
    return rows_by_sheet


def whole_answer(form: bytes, seed: int) -> dict[str, dict[str, Any]]:
    """Good values for every row of a form, amounts spelt in every way that is understood."""
    amounts, answer = _amounts(seed), dict[str, dict[str, Any]]()
    states = cycle(("en cours", "TERMINÉE", "non démarrée", "abandonnée"))
    days = cycle((date(2016, 11, 2), "04/11/2016", "5 novembre 2016"))
    for sheet, rows in keys(form).items():
        cells: dict[str, Any] = {}
        for rank, row in enumerate(rows.values()):
            if sheet == "Budget":
                cells |= {f"F{row}": next(amounts), f"G{row}": next(amounts)}
                if rank % 3 == 0:
                    cells |= {f"H{row}": next(amounts), f"I{row}": f"Ligne revue en {seed} & « vue »"}
            elif sheet == "Actions":
                cells |= {f"F{row}": next(states), f"G{row}": "40 %" if rank % 2 else 10 + seed}
                cells |= {f"H{row}": next(days), f"I{row}": next(amounts), f"J{row}": "Fiche : <fait> & refait"}
            elif sheet == "Charges" and rank % 4 == 0:
                cells |= {f"D{row}": 1000 * (rank + 1) + seed, f"E{row}": "Selon le devis"}
            elif sheet == "Produits" and rank % 2 == 0:
                cells |= {f"E{row}": 2000 * (rank + 1) + seed, f"F{row}": 1500 * (rank + 1), f"G{row}": "500,50 €"}
        if cells:
            answer[sheet] = cells
    return answer


def _amounts(seed: int) -> Iterator[Any]:
    for rank in range(10_000):
        cents = 0 if rank % 11 == 5 else (rank * 7919 + seed * 104_729) % 9_000_000
        euros, centimes = divmod(cents, 100)
        grouped = f"{euros:,}".replace(",", " ")
        yield (
            cents / 100,
            f"{grouped},{centimes:02d} €",
            f"{grouped.replace(' ', chr(0x202F))},{centimes:02d}",
            f"{euros // 1000} k€",
            f"{euros}.{centimes:02d}",
            euros,
            f"{grouped} euros",
        )[rank % 7]


def _parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _sheets(parts: Mapping[str, bytes]) -> dict[str, str]:
    """The part of each sheet: both writers number them in the workbook's order."""
    names = re.findall(r'<sheet [^>]*?name="([^"]*)"', parts["xl/workbook.xml"].decode())
    plain = [name.replace("&amp;", "&").replace("&#39;", "'").replace("&quot;", '"') for name in names]
    return {name: f"xl/worksheets/sheet{rank}.xml" for rank, name in enumerate(plain, 1)}


def _put(text: str, address: str, value: Any) -> str:
    pattern = re.compile(rf'<c r="{address}"((?: s="\d+")?)[^>]*?(?:/>|>.*?</c>)', re.DOTALL)
    match = pattern.search(text)
    if match is None:
        raise LookupError(f"no cell {address}")
    start = f'<c r="{address}"{match[1]}'
    if isinstance(value, datetime | date):
        value = (date(value.year, value.month, value.day) - _EPOCH).days
    if value is None:
        cell = f"{start}/>"
    elif isinstance(value, int | float):
        cell = f"{start}><v>{value!r}</v></c>"
    elif value.startswith("="):
        cell = f'{start} t="e"><f>{escape(value[1:])}</f><v>#DIV/0!</v></c>'
    else:
        cell = f'{start} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return text[: match.start()] + cell + text[match.end() :]


def _saved(parts: dict[str, bytes], saved: datetime, author: str) -> bytes:
    """The parts in an archive, with the time of saving and its author inside, and nothing of this run's clock."""
    core = parts["docProps/core.xml"].decode()
    core = re.sub(r"(<dcterms:modified[^>]*>)[^<]*", rf"\g<1>{saved.isoformat()}Z", core)
    core = re.sub(r"(<cp:lastModifiedBy>)[^<]*", rf"\g<1>{escape(author)}", core)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts | {"docProps/core.xml": core.encode()}).items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
