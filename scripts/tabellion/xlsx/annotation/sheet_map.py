"""One worksheet's XML as a map: rows, cells, merges and sizes by place, and the few edits that annotations need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from tabellion.addresses import cell_name, parse_cell, parse_range
from tabellion.reading.xml_parts import RELATIONSHIP_ID
from tabellion.xlsx.annotation.splice import Edits, Node, escape_attribute, find_nodes, prefix_of

Cell = tuple[int, int]
#: What may stand after ``legacyDrawing`` in a worksheet, by the order of the standard.
_AFTER_DRAWING = (
    "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst",
    "AlternateContent",
)  # fmt: skip
#: Pixels of a character of column width and of a column's margin; of a point; default sizes.
_CHARACTER, _COLUMN_MARGIN, _POINT, _COLUMN, _ROW = 7.0, 5.0, 96 / 72, 64, 20


class SheetMap:
    """One worksheet being annotated. Rows and columns are one-based."""

    def __init__(self, content: bytes, part: str, office: str) -> None:
        self.content, self.part, self.office = content, part, office
        self.edits = Edits(content)
        wanted = ("mergeCell", "col", "sheetFormatPr", "row")
        nodes = find_nodes(content, part, lambda depth, name, _: depth == 1 or (depth == 2 and name in wanted))
        self.root, self.nodes = nodes[0], nodes[1:]
        self.prefix = prefix_of(content, self.root)
        self.merges = [_area(node.attributes.get("ref", "")) for node in self.nodes if node.name == "mergeCell"]
        self.columns = [node.attributes for node in self.nodes if node.name == "col"]
        self.rows: dict[int, Node] = {}
        last = 0
        for node in self.nodes:
            if node.name == "row" and node.depth == 2:
                declared = node.attributes.get("r", "")
                last = int(declared) if declared.isdecimal() else last + 1
                self.rows.setdefault(last, node)

    @property
    def legacy_drawing(self) -> str | None:
        """The id of the relationship to the sheet's boxes."""
        node = next((each for each in self.nodes if each.depth == 1 and each.name == "legacyDrawing"), None)
        return next((node.attributes[key] for key in RELATIONSHIP_ID if key in node.attributes), None) if node else None

    def set_legacy_drawing(self, link: str) -> None:
        """Point at the sheet's boxes, in the place that the standard gives."""
        old = next((each for each in self.nodes if each.depth == 1 and each.name == "legacyDrawing"), None)
        tag = f'<{self.prefix}legacyDrawing xmlns:r="{self.office}" r:id="{escape_attribute(link)}"/>'
        if old is not None:
            self.edits.replace(old.start, old.end, tag)
            return
        cells = next(node for node in self.nodes if node.name == "sheetData")
        later = (
            each for each in self.nodes if each.depth == 1 and each.start > cells.start and each.name in _AFTER_DRAWING
        )
        following = next(later, None)
        self.edits.insert(following.start if following is not None else self.root.inner_end, tag)

    def anchor(self, cell: Cell) -> Cell:
        """The cell that shows: the first one of a merged area."""
        for top, left, bottom, right in self.merges:
            if top <= cell[0] <= bottom and left <= cell[1] <= right:
                return top, left
        return cell

    def restyle(self, cells: Mapping[Cell, Callable[[int], int]]) -> None:
        """Give each cell the style that its function makes of its own; a cell that is not there is made, blank."""
        found = self._cells({row for row, _ in cells})
        made: dict[int, list[int]] = {}
        for (row, column), restyled in sorted(cells.items()):
            node = found.get(row, {}).get(column)
            if node is not None:
                self.edits.set(node, s=str(restyled(_number(node.attributes.get("s")))))
            else:
                made.setdefault(row, []).append(column)
        for row, columns in made.items():
            self._make(row, {column: cells[row, column] for column in columns}, found.get(row, {}))
        if made:
            self._widen([(row, column) for row, columns in made.items() for column in columns])

    def _cells(self, rows: Collection[int]) -> dict[int, dict[int, Node]]:
        """The cells of some rows, by row and column."""
        starts = {node.start: row for row, node in self.rows.items() if row in rows}
        found: dict[int, dict[int, Node]] = {row: {} for row in starts.values()}
        order = iter([node for node in self.nodes if node.depth == 2 and node.name == "row"])
        wanted_now = False

        def wanted(depth: int, name: str, _: dict[str, str]) -> bool:
            nonlocal wanted_now
            if depth == 2 and name == "row":
                node = next(order, None)
                wanted_now = node is not None and node.start in starts
                return wanted_now
            return depth == 3 and name == "c" and wanted_now

        row = column = 0
        for node in find_nodes(self.content, self.part, wanted)[1:]:
            if node.name == "row":
                row, column = starts[node.start], 0
                continue
            try:
                column = parse_cell(node.attributes["r"])[1]
            except (KeyError, ValueError):
                column += 1
            found[row].setdefault(column, node)
        return found

    def _make(self, row: int, columns: Mapping[int, Callable[[int], int]], present: Mapping[int, Node]) -> None:
        p, node = self.prefix, self.rows.get(row)
        own = _number(node.attributes.get("s")) if node is not None and "s" in node.attributes else None
        new = {
            column: f'<{p}c r="{cell_name(row, column)}" '
            f's="{restyled(self._column_style(column) if own is None else own)}"/>'
            for column, restyled in columns.items()
        }
        if node is None:
            self._insert_row(row, f'<{p}row r="{row}">{"".join(new.values())}</{p}row>')
            return
        tag = self.content[node.start : node.tag_end]
        if node.inner_end == node.end:
            self.edits.append(node, "".join(new.values()))
        else:
            for column, words in new.items():
                following = next((each for other, each in sorted(present.items()) if other > column), None)
                self.edits.insert(following.start if following is not None else node.inner_end, words)
            if b"spans" in tag:  # a hint for readers, which the new cells may make false
                self.edits.set(node, spans=None)

    def _insert_row(self, row: int, words: str) -> None:
        following = next((node for other, node in sorted(self.rows.items()) if other > row), None)
        if following is not None:
            self.edits.insert(following.start, words)
            return
        data = next(node for node in self.nodes if node.name == "sheetData")
        if data.inner_end == data.end and any(change[0] == data.tag_end - 2 for change in self.edits.changes):
            start, end, before = self.edits.changes.pop()
            close = before.rindex(b"</")
            self.edits.replace(start, end, before[:close] + words.encode() + before[close:])
        else:
            self.edits.append(data, words)

    def _column_style(self, column: int) -> int:
        for each in self.columns:
            if _number(each.get("min")) <= column <= _number(each.get("max")):
                return _number(each.get("style"))
        return 0

    def _widen(self, cells: list[Cell]) -> None:
        """Let the declared dimension hold the new cells."""
        node = next((each for each in self.nodes if each.depth == 1 and each.name == "dimension"), None)
        if node is None:
            return
        top, left, bottom, right = _area(node.attributes.get("ref", ""))
        rows, columns = [row for row, _ in cells], [column for _, column in cells]
        first = cell_name(min([top, *rows]), min([left, *columns]))
        last = cell_name(max([bottom, *rows]), max([right, *columns]))
        if (first, last) != (cell_name(top, left), cell_name(bottom, right)):
            self.edits.set(node, ref=f"{first}:{last}")

    def box(self, row: int, column: int, width: int, height: int) -> str:
        """The anchor of a box of this size (pixels) beside a cell: left, top, right, bottom, as column and offset."""
        left, top = column, max(0, row - 2)
        right, across = _walk(left, width + 15, self._width)
        bottom, down = _walk(top, height + 4, self._height)
        return f"{left}, 15, {top}, 4, {right}, {across}, {bottom}, {down}"

    def _width(self, column: int) -> int:
        for each in self.columns:
            if _number(each.get("min")) <= column + 1 <= _number(each.get("max")):
                if each.get("hidden") in ("1", "true"):
                    return 0
                return round(_float(each.get("width"), 8.43) * _CHARACTER + _COLUMN_MARGIN)
        return _COLUMN

    def _height(self, row: int) -> int:
        node = self.rows.get(row + 1)
        if node is None:
            return _ROW
        if node.attributes.get("hidden") in ("1", "true"):
            return 0
        return round(_float(node.attributes.get("ht"), _ROW / _POINT) * _POINT)

    def result(self) -> bytes:
        """The sheet with its edits."""
        return self.edits.result()


def _walk(start: int, distance: int, size: Callable[[int], int]) -> tuple[int, int]:
    """The place that is ``distance`` pixels from the start of ``start``: zero-based index and offset in it."""
    index = start
    for _ in range(2000):
        here = size(index)
        if distance < here:
            break
        distance, index = distance - here, index + 1
    return index, distance


def _area(ref: str) -> tuple[int, int, int, int]:
    try:
        return parse_range(ref)
    except ValueError:
        return 1, 1, 1, 1


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def _float(text: str | None, default: float) -> float:
    try:
        return float(text) if text is not None else default
    except ValueError:
        return default
