"""Blocks of the synthesis: small tables of live formulas with their computed values, totals, and native charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tabellion.layout.names import column_letters, quoted_sheet, quoted_text
from tabellion.outputs.consolidation.palette import SHARE, Cell
from tabellion.outputs.master.tables import computed_cell
from tabellion.schema.money import euros
from tabellion.xlsx.writer import Sheet, Writer

TOTAL = "Total"
#: A literal in a formula, longer than this, would make Excel repair the file.
_LONGEST_LITERAL = 240
_ROW_PIXELS, _CHART_PIXELS, _CHART_ROWS = 20, 1180, 18
_HEADER_ALIGN = {"euros": "right", "signed": "right", "share": "right", "rate": "right"}
#: A part of a whole: 0.875 shows as « 87,5 % ».
_RATE = '0.0"\u00a0"%'


@dataclass(frozen=True)
class Figure:
    """A computed figure: ``kind`` as in :func:`computed_cell`, ``"share"`` (of growth, signed) or ``"rate"``.

    Amounts are cents, shares and rates fractions.

    Without a formula it is written as it is.
    """

    kind: str
    value: Any
    formula: str | None = None


@dataclass(frozen=True)
class Block:
    """A table: its Excel name, the labels of all its columns, the keys of its rows, their figures and the totals."""

    heading: str
    name: str
    labels: tuple[str, ...]
    keys: Sequence[tuple[str | int | None, ...]]
    figures: Sequence[Sequence[Figure]]
    totals: Sequence[Figure] = ()


def criterion(text: str) -> str | None:
    """A text as the criterion of ``SUMIFS``: just this text, whatever signs it holds; ``None`` when it is too long."""
    escaped = "=" + "".join(f"~{each}" if each in "*?~" else each for each in text)
    return quoted_text(escaped) if len(escaped) <= _LONGEST_LITERAL else None


def share(after: int, before: int) -> Figure:
    """How much an amount grew, as a fraction of what it was; blank where it was nothing."""
    return Figure("share", (after - before) / before if before else "")


def write_figure(
    sheet: Sheet, row: int, column: int, figure: Figure, source: tuple[str, str, str], **properties: Any
) -> None:
    """Write one figure; ``source`` names its formula in the workbook's own list."""
    content, style, _ = figure_cell(sheet.writer, figure, **properties)
    if figure.formula is None:
        sheet.write(row, column, content if content != "" else None, style)
    else:
        sheet.formula(row, column, figure.formula, style, content, source)


def figure_cell(writer: Writer, figure: Figure, **properties: Any) -> Cell:
    """A figure as a cell shows it, without its formula."""
    if figure.kind in ("share", "rate"):
        shown = SHARE if figure.kind == "share" else _RATE
        return Cell(figure.value, writer.cell(computed=True, num_format=shown, **properties))
    style, content = computed_cell(writer, figure.kind, figure.value, **properties)
    return Cell(content, style)


def write_block(sheet: Sheet, block: Block, row: int) -> int:
    """Write a block with its heading at ``row``; returns the first free row, one blank line below it."""
    sheet.section(row, 0, block.heading)
    header, width = row + 1, len(block.labels)
    height = max(1, len(block.keys))
    kinds = [figure.kind for figure in (block.figures[0] if block.figures else ())]
    first = width - len(kinds)
    aligned = {
        label: _HEADER_ALIGN.get(kind, "center") for label, kind in zip(block.labels[first:], kinds, strict=True)
    }
    aligned[block.labels[0]] = "center"
    sheet.table(block.name, header, 0, height, block.labels, filters=False, aligned=aligned)
    name_style, key_style = (
        sheet.writer.cell(computed=True, text_wrap=True),
        sheet.writer.cell(computed=True, align="center"),
    )
    for position, (key, figures) in enumerate(zip(block.keys, block.figures, strict=True), header + 1):
        for column, value in enumerate(key):
            sheet.write(position, column, value, key_style if column == 0 else name_style)
        sheet.fit(position, [(value, column) for column, value in enumerate(key) if column])
        for column, figure in enumerate(figures, len(key)):
            write_figure(sheet, position, column, figure, (block.name, str(key[0]), block.labels[column]))
    for column, kind in enumerate(kinds, first):
        if kind in ("euros", "signed"):
            area = (header + 1, column, header + height + bool(block.totals), column)
            sheet.show_cents(area, signed=kind == "signed")
    if not block.totals:
        return header + height + 2
    last, first = header + height + 1, width - len(block.totals)
    bold = {"bold": True, "top": 2}
    for column in range(first):
        sheet.write(last, column, TOTAL if column == 0 else None, sheet.writer.cell(computed=True, **bold))
    for column, figure in enumerate(block.totals, first):
        write_figure(sheet, last, column, figure, (block.name, TOTAL, block.labels[column]), **bold)
    return last + 2


def add_chart(
    sheet: Sheet, block: Block, row: int, header: int, columns: Sequence[int], title: str, *, kind: str,
    stacked: bool = False, number: str = "#,##0", category: int = 1,
) -> int:  # fmt: skip
    """A native chart at ``row`` of some columns of a block whose header is at ``header``; returns the first free row.

    ``kind`` is ``"bar"`` (one line a row of the block) or ``"column"``.
    """
    theme, count = sheet.writer.theme, len(block.keys)
    if not count or not columns:
        return row
    options: dict[str, str] = {"type": kind} | ({"subtype": "stacked"} if stacked else {})
    chart: Any = sheet.writer.book.add_chart(options)
    font = {"name": theme.font, "size": 9, "color": theme.colours["encre"]}
    for rank, column in enumerate(columns):
        chart.add_series({
            "name": _range(sheet, header, column),
            "categories": _range(sheet, header + 1, category, header + count),
            "values": _range(sheet, header + 1, column, header + count),
            "fill": {"color": theme.series[rank % len(theme.series)]},
            "gap": 50,
        })  # fmt: skip
    chart.set_title({"name": title, "name_font": {**font, "size": 12, "bold": True}, "overlay": False})
    bare = {"num_font": font, "line": {"none": True}, "major_tick_mark": "none", "minor_tick_mark": "none"}
    values = {
        **bare, "num_format": number, "major_gridlines": {"visible": True, "line": {"color": theme.colours["filet"]}},
    }  # fmt: skip
    if kind == "bar":
        chart.set_y_axis({**bare, "reverse": True})
        chart.set_x_axis({**values, "label_position": "high"})
    else:
        chart.set_x_axis(bare)
        chart.set_y_axis(values)
    chart.set_chartarea({"border": {"color": theme.colours["filet"]}})
    chart.set_legend({"position": "bottom", "font": font} if len(columns) > 1 else {"none": True})
    bars = count if stacked or kind == "column" else count * len(columns) * 0.6
    height = _CHART_ROWS if kind == "column" else max(_CHART_ROWS, int(bars) + 6)
    chart.set_size({"width": _CHART_PIXELS, "height": (height - 1) * _ROW_PIXELS})
    words = f"{title}. {count} lignes, colonnes : {', '.join(block.labels[each] for each in columns)}."
    sheet.raw.insert_chart(row, 1, chart, {"description": words, "object_position": 2})
    return row + height + 1


def _range(sheet: Sheet, row: int, column: int, last: int | None = None) -> str:
    letters = column_letters(column)
    end = "" if last is None else f":${letters}${last + 1}"
    return f"={quoted_sheet(sheet.name)}!${letters}${row + 1}{end}"


__all__ = ["Block", "Figure", "add_chart", "criterion", "euros", "figure_cell", "share", "write_block", "write_figure"]
