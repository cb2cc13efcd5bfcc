"""Blocks: Excel tables of measures, each with its heading, its total and a native chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle

from xlsxwriter.format import Format

from tabellion.layout.names import column_letters, quoted_sheet
from tabellion.layout.theme import contrast
from tabellion.measures.measure import Measure, column_sum, criterion
from tabellion.schema.money import euros
from tabellion.wording import plural, slug
from tabellion.xlsx.sheets import Cell, CellContent, LongColumn
from tabellion.xlsx.writer import (
    EUROS,
    EUROS_AND_CENTS,
    SIGNED_EUROS,
    SIGNED_EUROS_AND_CENTS,
    TEXT_LENGTH,
    Sheet,
    Writer,
)

TOTAL = "Total"
#: The style of the total of a block.
TOTAL_STYLE: Mapping[str, object] = {"bold": True, "top": 2}
#: A change as a share: 0.031 shows as « +3,1 % ». A part of a whole: 0.875 shows as « 87,5 % ».
_SHARE, _RATE = '+0.0"\u00a0"%;-0.0"\u00a0"%;0"\u00a0"%', '0.0"\u00a0"%'
#: The format of a computed value by kind, without and with cents.
_KIND_FORMATS: Mapping[str, tuple[dict[str, object], dict[str, object]]] = {
    "text": ({"text_wrap": True}, {}),
    "state": ({"align": "center"}, {}),
    "count": ({"align": "center"}, {}),
    "euros": ({"num_format": EUROS}, {"num_format": EUROS_AND_CENTS}),
    "signed": ({"num_format": SIGNED_EUROS}, {"num_format": SIGNED_EUROS_AND_CENTS}),
    "share": ({"num_format": _SHARE}, {}),
    "rate": ({"num_format": _RATE}, {}),
}
_MONEY, _CENTRED = ("euros", "signed"), ("text", "state", "count")
_ROW_PIXELS = 20
_CUT = " … (texte coupé : Excel n'en garde pas plus)"

BlockKey = tuple[CellContent, ...]


@dataclass(frozen=True)
class Block:
    """A table: its Excel name, the labels of all its columns, the keys of its rows, their measures and the totals.

    ``kinds`` are those of its measures where it may have no row.
    """

    heading: str
    name: str
    labels: tuple[str, ...]
    keys: Sequence[BlockKey]
    measures: Sequence[Sequence[Measure]]
    totals: Sequence[Measure] = ()
    kinds: Sequence[str] = ()

    def as_values(self) -> Block:
        """The same without the formulas of its rows: what they look at stands in another workbook."""
        return replace(self, measures=[[measure.as_value() for measure in row] for row in self.measures])


@dataclass(frozen=True)
class ChartSize:
    """The width of a chart in pixels, the rows of its sheet that it takes at least, the gap between its bars in %."""

    width: int = 1020
    rows: int = 18
    gap: int = 50


def exactly(reference: str) -> str:
    """The text of a cell as the criterion of ``SUMIFS``: just this text, whatever signs it holds."""
    escaped = reference
    for sign in "~*?":
        escaped = f'SUBSTITUTE({escaped},"{sign}","~{sign}")'
    return f'"="&{escaped}'


def criteria(names: Iterable[str]) -> Callable[[str], str | None]:
    """What tells each of some names in a formula; nothing does where two are the same."""
    counts = Counter(name.casefold() for name in names)
    return lambda name: criterion(name) if counts[name.casefold()] == 1 else None


def unique_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels of a table's columns, told apart where two are the same: Excel refuses repeated headers."""
    ranks: Counter[str] = Counter()
    unique = []
    for label in labels:
        ranks[label.casefold()] += 1
        unique.append(f"{label} ({rank})" if (rank := ranks[label.casefold()]) > 1 else label)
    return tuple(unique)


def sums_of(
    block: str, labels: Sequence[str], rows: Sequence[Sequence[Measure]], kinds: Sequence[str]
) -> list[Measure]:
    """The total of each of the last columns of a block, whose labels and kinds these are."""
    return [
        column_sum(kind, block, label, (row[place].value for row in rows))
        for place, (kind, label) in enumerate(zip(kinds, labels, strict=True))
    ]


def computed_cell(writer: Writer, kind: str, value: CellContent, **properties: object) -> tuple[Format, CellContent]:
    """The format and the content of a computed value: cents become euros where the kind is of money."""
    plain, with_cents = _KIND_FORMATS[kind]
    if kind not in _MONEY or not isinstance(value, int):
        return writer.cell(computed=True, **(plain | properties)), value
    style = writer.cell(computed=True, **((with_cents if value % 100 else plain) | properties))
    return style, euros(value)


def measure_columns(writer: Writer, rows: Sequence[Sequence[Measure]]) -> list[LongColumn]:
    """The columns of many rows of measures, each of which is written as a value."""

    def cell(key: tuple[str, CellContent]) -> Cell:
        style, content = computed_cell(writer, *key)
        return Cell(content, style)

    return [
        LongColumn([(measure.kind, measure.value) for measure in column], cell) for column in zip(*rows, strict=True)
    ]


def cell_text(text: str | None) -> str | None:
    """A text as a cell can hold it: cut, and saying so, beyond Excel's limit; without what no file can write."""
    if text is None or (text.isascii() and len(text) <= TEXT_LENGTH):
        return text or None
    # Lone surrogates cannot be written at all; beyond the first plane, a character counts twice in Excel.
    clean = text.encode("utf-8", "replace").decode("utf-8")
    if len(clean) > TEXT_LENGTH // 2 and len(clean.encode("utf-16-le")) // 2 > TEXT_LENGTH:
        room = (TEXT_LENGTH - len(_CUT)) * 2
        clean = clean.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + _CUT
    return clean


def write_measure(
    sheet: Sheet, row: int, column: int, measure: Measure, source: tuple[str, str, str], **properties: object
) -> None:
    """Write one measure; ``source`` names its formula in the workbook's own list."""
    style, content = computed_cell(sheet.writer, measure.kind, measure.value, **properties)
    if measure.formula is None:
        sheet.write(row, column, content if content != "" else None, style)
    else:
        sheet.formula(row, column, measure.formula, style, content, source)


def write_named(sheet: Sheet, row: int, column: int, name: str, measure: Measure, **properties: object) -> None:
    """Write one measure in a cell that carries a defined name."""
    style, content = computed_cell(sheet.writer, measure.kind, measure.value, **properties)
    sheet.named_formula(row, column, name, measure.formula or "", style, content)


def header_alignment(labels: Sequence[str], kinds: Sequence[str]) -> dict[str, str]:
    """How the headers of the last columns stand, by the kinds of their measures."""
    return {
        label: "center" if kind in _CENTRED else "right"
        for label, kind in zip(labels[len(labels) - len(kinds) :], kinds, strict=True)
    }


def show_cents(sheet: Sheet, kinds: Sequence[str], first_row: int, first_column: int, last_row: int) -> None:
    """Let the columns of amounts show their cents when they have some."""
    for column, kind in enumerate(kinds, first_column):
        if kind in _MONEY:
            sheet.show_cents((first_row, column, last_row, column), signed=kind == "signed")


def write_block(sheet: Sheet, block: Block, row: int) -> int:
    """Write a block with its heading at ``row``; returns the first free row, one blank line below it."""
    sheet.section(row, 0, block.heading)
    header, width = row + 1, len(block.labels)
    height = max(1, len(block.keys))
    last = header + height + bool(block.totals)
    kinds = [measure.kind for measure in block.measures[0]] if block.measures else block.kinds
    aligned = header_alignment(block.labels, kinds) | {block.labels[0]: "center"}
    sheet.table(block.name, header, 0, height, block.labels, filters=False, aligned=aligned)
    texts, centred = (sheet.writer.cell(computed=True, **style) for style in ({"text_wrap": True}, {"align": "center"}))
    for position, (key, measures) in enumerate(zip(block.keys, block.measures, strict=True), header + 1):
        for column, value in enumerate(key):
            sheet.write(position, column, value, centred if column == 0 else texts)
        sheet.fit(position, [(value, column) for column, value in enumerate(key) if column])
        for column, measure in enumerate(measures, len(key)):
            write_measure(sheet, position, column, measure, (block.name, str(key[0]), block.labels[column]))
    show_cents(sheet, kinds, header + 1, width - len(kinds), last)
    if block.totals:
        first, style = width - len(block.totals), sheet.writer.cell(computed=True, **TOTAL_STYLE)
        for column in range(first):
            sheet.write(last, column, TOTAL if column == 0 else None, style)
        for column, measure in enumerate(block.totals, first):
            write_measure(sheet, last, column, measure, (block.name, TOTAL, block.labels[column]), **TOTAL_STYLE)
    return last + 2


def write_cards(sheet: Sheet, row: int, cards: Iterable[tuple[str, Measure, str]], name: str) -> int:
    """Write figures side by side from the second column: what each is, how much, against what; returns the first free
    row. Each has a defined name that begins with ``name``.
    """
    band = {"bg_color": sheet.writer.theme.colours["calcul"], "align": "center"}
    edge = {"border_color": sheet.writer.theme.colours["filet"], "left": 1, "right": 1}
    small = sheet.writer.format(**band, **edge, top=1, valign="vcenter", text_wrap=True)
    note_style = sheet.writer.format(**band, **edge, bottom=1, italic=True, text_wrap=True)
    for column, (label, measure, note) in enumerate(cards, 1):
        sheet.write(row, column, label, small)
        is_money = measure.kind == "euros" and not isinstance(measure.value, str)
        digits = (EUROS_AND_CENTS if measure.value % 100 else EUROS).removesuffix("_-") if is_money else "0"
        style = sheet.writer.format(
            **(band | {"bold": True, "font_size": 16, "font_color": sheet.writer.theme.colours["titre"]}), **edge,
            num_format=digits, valign="vcenter",
        )  # fmt: skip
        value = euros(measure.value) if is_money else measure.value
        # A name, and no table: what stands under a card is none of it.
        own_name = f"{name}_{slug(label).replace('-', '_')}"
        if measure.formula is None:
            sheet.write(row + 1, column, value, style)
        else:
            sheet.named_formula(row + 1, column, own_name, measure.formula, style, value)
        sheet.write(row + 2, column, note, note_style)
    for place, height in enumerate((28, 30, 28), row):
        sheet.raw.set_row(place, height)
    return row + 4


def add_chart(
    sheet: Sheet, block: Block, row: int, header: int, columns: Sequence[int], title: str, *, kind: str,
    stacked: bool = False, number: str = "#,##0", category: int = 1, words: str = "", legend: bool | None = None,
    size: ChartSize = ChartSize(), unknown: str = "",
) -> int:  # fmt: skip
    """A native chart at ``row`` of some columns of a block whose header is at ``header``; returns the first free row.

    ``kind`` is ``"bar"`` (one line a row of the block) or ``"column"``; ``words`` describe it to who does not see it.
    The column labelled ``unknown`` is grey. Bars of one series, and stacked numbers, carry their values.
    """
    theme, count = sheet.writer.theme, len(block.keys)
    if not count or not columns:
        return row
    stacked = stacked and len(columns) > 1
    options: dict[str, str] = {"type": kind} | ({"subtype": "stacked"} if stacked else {})
    chart = sheet.writer.book.add_chart(options)
    font = {"name": theme.font, "size": theme.size, "color": theme.colours["encre"]}
    colours = iter(cycle(theme.series))
    for column in columns:
        colour = theme.unknown if block.labels[column] == unknown else next(colours)
        series: dict[str, object] = {
            "name": _range(sheet, header, column),
            "categories": _range(sheet, header + 1, category, header + count),
            "values": _range(sheet, header + 1, column, header + count),
            "fill": {"color": colour},
            "gap": size.gap,
        }
        shown = {"value": True, "num_format": f"{number};;"}  # a bar of nothing has no label
        if len(columns) == 1:
            series["data_labels"] = {**shown, "position": "outside_end", "font": font}
        elif stacked and number == "0":
            ink = max((theme.colours["encre"], "#FFFFFF"), key=partial(contrast, colour))
            series["data_labels"] = {**shown, "position": "center", "font": {**font, "color": ink}}
        chart.add_series(series)
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
    has_legend = len(columns) > 1 if legend is None else legend
    chart.set_legend({"position": "bottom", "font": font} if has_legend else {"none": True})
    bars = count if stacked or kind == "column" else count * len(columns) * 0.6
    height = size.rows if kind == "column" else max(size.rows, int(bars) + 6)
    chart.set_size({"width": size.width, "height": (height - 1) * _ROW_PIXELS})
    words = words or f"{plural(count, 'ligne')}, colonnes : {', '.join(block.labels[column] for column in columns)}."
    sheet.objects.append((1, size.width))
    sheet.raw.insert_chart(row, 1, chart, {"description": f"{title}. {words}", "object_position": 2})
    return row + height + 1


def _range(sheet: Sheet, row: int, column: int, last: int | None = None) -> str:
    letters = column_letters(column)
    end = "" if last is None else f":${letters}${last + 1}"
    return f"={quoted_sheet(sheet.name)}!${letters}${row + 1}{end}"
