"""Notes of cells: the texts (a comments part) and the boxes that show them on hover (a legacy VML drawing)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from tabellion.addresses import cell_name
from tabellion.findings import CATALOGUE, Finding, Severity, TabellionError
from tabellion.layout.names import ANNOTATOR, BEFORE_REMARKS
from tabellion.layout.theme import Theme
from tabellion.xlsx.package import PackageEditor
from tabellion.xlsx.sheet import SheetEditor
from tabellion.xlsx.styles import rgb
from tabellion.xlsx.trees import Element, add, add_text, drop, insert_after, parse_xml, qualified

#: The namespaces of a drawing, as elements' names begin, and as a fragment of one declares them.
VML = "{urn:schemas-microsoft-com:vml}"
VML_OFFICE = "{urn:schemas-microsoft-com:office:office}"
VML_EXCEL = "{urn:schemas-microsoft-com:office:excel}"
VML_SPACES = f'xmlns:v="{VML[1:-1]}" xmlns:o="{VML_OFFICE[1:-1]}" xmlns:x="{VML_EXCEL[1:-1]}"'
_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_SHAPE_TYPE = (
    f'<v:shapetype {VML_SPACES} id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
#: A comment shows this many findings whole; the list on the first sheet has them all.
_SHOWN = 8
#: The box: its width, a line's height and its margins in pixels, and the characters of one line.
_WIDTH, _LINE, _MARGIN, _LINE_CHARACTERS, _HIGHEST = 360, 17, 14, 54, 620
#: A box reaches over this many rows or columns at most: the hidden ones among them have no height.
_MOST_STEPS = 2000


def parse_drawing(package: PackageEditor, part: str) -> Element:
    """The root of a drawing. Excel writes the line ends of a shape's text as ``<br>``, never closed."""
    try:
        return package.parse(part)
    except TabellionError:
        return parse_xml(package.parts[part].replace(b"<br>", b"<br/>"), part, recover=True)


def commented_cell(shape: Element) -> str:
    """The name of the cell whose comment a shape shows; empty for other shapes."""
    note = shape.find(f"{VML_EXCEL}ClientData[@ObjectType='Note']")
    row, column = (
        note.findtext(f"{VML_EXCEL}{name}", "").strip() if note is not None else "" for name in ("Row", "Column")
    )
    return cell_name(int(row) + 1, int(column) + 1) if row.isdecimal() and column.isdecimal() else ""


@dataclass(frozen=True)
class CellFindings:
    """One faulty cell (one-based) and its findings, gravest first."""

    row: int
    column: int
    findings: Sequence[Finding]

    @property
    def severity(self) -> Severity:
        """The gravest of the cell's severities."""
        return min(finding.gravite for finding in self.findings)

    @property
    def ref(self) -> str:
        """The cell's name."""
        return cell_name(self.row, self.column)

    def paragraphs(self) -> list[tuple[str, str, Severity]]:
        """The heading, the words and the severity of each paragraph of the cell's comment."""
        paragraphs = []
        for finding in self.findings[:_SHOWN]:
            remedy = f"\n→ {finding.suggestion}" if finding.suggestion else ""
            heading = f"{grade(finding)} : {CATALOGUE[finding.code].titre}"
            paragraphs.append((heading, f"{finding.message}{remedy}", finding.gravite))
        unlisted = len(self.findings) - _SHOWN
        if unlisted > 0:
            paragraphs.append((f"Et {unlisted} de plus", "La première feuille les donne tous.", self.severity))
        return paragraphs


def grade(finding: Finding) -> str:
    """The word of a finding's severity, as people see it."""
    return finding.grade.capitalize()


def add_comments(
    package: PackageEditor, part: str, sheet: SheetEditor, cells: Sequence[CellFindings], theme: Theme
) -> None:
    """Comment each cell of a sheet's part; a comment that is there is kept, and the findings follow it."""
    comments = package.related(part, "comments")
    if comments is None:
        comments = package.free_name("xl/comments{}.xml")
        words = f'<comments xmlns="{package.main}"><authors/><commentList/></comments>'
        package.put(comments, parse_xml(words.encode(), comments))
        package.relate(part, "comments", comments)
        package.declare(comments, _COMMENTS_TYPE)
    heights = _write_texts(package, comments, cells, theme)
    _write_boxes(package, part, sheet, cells, heights, theme)


def _write_texts(package: PackageEditor, part: str, cells: Sequence[CellFindings], theme: Theme) -> dict[str, int]:
    """Write the texts; returns the height in pixels that each cell's box needs, by the cell's name."""
    root = package.parse(part)
    author = str(_author(root))
    comment_list = root.find("{*}commentList")
    if comment_list is None:
        comment_list = add(root, "commentList")
    comments = {comment.get("ref", "").replace("$", ""): comment for comment in comment_list.iterfind("{*}comment")}
    heights = {}
    for cell in cells:
        comment = comments.get(cell.ref)
        text = comment.find("{*}text") if comment is not None else None
        before = ""
        if text is None:
            text = add(add(comment_list, "comment", ref=cell.ref, authorId=author), "text")
        else:
            before = "".join(words.text or "" for words in text.iter("{*}t"))
            add_text(add(text, "r"), BEFORE_REMARKS)
        paragraphs = cell.paragraphs()
        for rank, (heading, words, severity) in enumerate(paragraphs):
            ink = rgb(theme.colours[f"{severity.label}_texte"])
            _add_run(text, ("\n\n" if rank else "") + f"{heading}\n", ink, bold=True)
            _add_run(text, words, "FF000000", bold=False)
        lines = sum(
            1 + len(line) // _LINE_CHARACTERS
            for words in (before, *(f"{heading}\n{words}\n" for heading, words, _ in paragraphs))
            for line in words.split("\n")
        )
        heights[cell.ref] = min(_HIGHEST, lines * _LINE + _MARGIN)
    package.put(part, root)
    return heights


def _author(root: Element) -> int:
    """The number of the program among the authors of comments, where it is put if it is not there."""
    authors = root.find("{*}authors")
    if authors is None:
        authors = etree.Element(qualified(root, "authors"))
        insert_after(root, authors)
    names = [author.text for author in authors.iterfind("{*}author")]
    if ANNOTATOR not in names:
        add(authors, "author").text = ANNOTATOR
        names.append(ANNOTATOR)
    return names.index(ANNOTATOR)


def _add_run(text: Element, words: str, ink: str, *, bold: bool) -> None:
    run = add(text, "r")
    properties = add(run, "rPr")
    if bold:
        add(properties, "b")
    for name, attribute, value in (("sz", "val", "9"), ("color", "rgb", ink), ("rFont", "val", "Tahoma")):
        add(properties, name, **{attribute: value})
    add(properties, "family", val="2")
    add_text(run, words)


def remove_comments(package: PackageEditor, sheet: str) -> None:
    """Take away what an earlier annotated copy said in a sheet's comments: whole comments, or the end of others."""
    part = package.related(sheet, "comments")
    if part is None:
        return
    root = package.parse(part)
    authors = [author.text for author in root.iterfind("{*}authors/{*}author")]
    own = str(authors.index(ANNOTATOR)) if ANNOTATOR in authors else None
    removed = set[str]()
    for comment in root.findall("{*}commentList/{*}comment"):
        if comment.get("authorId") == own:
            removed.add(comment.get("ref", ""))
            drop(comment)
        else:
            _cut_after_mark(comment)
    package.put(part, root)
    if not removed:
        return
    for relation in package.relations(sheet):
        if relation.kind == "vmlDrawing" and relation.target in package.parts:
            drawing = parse_drawing(package, relation.target)
            for shape in list(drawing.iter(f"{VML}shape")):
                if commented_cell(shape) in removed:
                    drop(shape)
            package.put(relation.target, drawing)


def _cut_after_mark(comment: Element) -> None:
    mark = BEFORE_REMARKS.strip()
    for words in comment.iter("{*}t"):
        text, marked, _ = (words.text or "").partition(mark)
        if marked:
            words.text = text.rstrip()
            run = words.getparent()
            inside = run is not None and run.tag == qualified(words, "r")
            for later in list((run if inside and run is not None else words).itersiblings("{*}r")):
                drop(later)
            return


def _write_boxes(
    package: PackageEditor,
    part: str,
    sheet: SheetEditor,
    cells: Sequence[CellFindings],
    heights: Mapping[str, int],
    theme: Theme,
) -> None:
    drawing = _drawing_part(package, part, sheet)
    root = parse_drawing(package, drawing)
    boxes = {commented_cell(shape): shape for shape in root.iter(f"{VML}shape")}
    number = _last_number(root)
    if not any(shape_type.get("id") == "_x0000_t202" for shape_type in root.iter(f"{VML}shapetype")):
        root.append(parse_xml(_SHAPE_TYPE.encode(), drawing))
    for cell in cells:
        anchor = _anchor(sheet, cell, heights[cell.ref])
        box = boxes.get(cell.ref)
        if box is not None:
            _resize(box, anchor)
            continue
        number += 1
        colour = theme.colours[cell.severity.label].lower()
        shape = (
            f'<v:shape {VML_SPACES} id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;'
            f"margin-left:60pt;margin-top:2pt;width:{_WIDTH * 0.75:g}pt;height:{heights[cell.ref] * 0.75:g}pt;"
            f'z-index:{number % 1024};visibility:hidden" fillcolor="{colour}" o:insetmode="auto">'
            f'<v:fill color2="{colour}"/>'
            '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
            '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
            f'<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor>'
            f"<x:AutoFill>False</x:AutoFill><x:Row>{cell.row - 1}</x:Row><x:Column>{cell.column - 1}</x:Column>"
            "</x:ClientData></v:shape>"
        )
        root.append(parse_xml(shape.encode(), drawing))
    package.put(drawing, root)


def _resize(box: Element, anchor: str) -> None:
    """Make the sender's box large enough for what was added to its comment."""
    note = box.find(f"{VML_EXCEL}ClientData")
    if note is not None:
        place = note.find(f"{VML_EXCEL}Anchor")
        if place is None:
            place = etree.Element(f"{VML_EXCEL}Anchor")
            insert_after(note, place, "MoveWithCells", "SizeWithCells")
        place.text = anchor


def _drawing_part(package: PackageEditor, part: str, sheet: SheetEditor) -> str:
    targets = {relation.id: relation.target for relation in package.relations(part)}
    target = targets.get(sheet.legacy_drawing, "")
    if target in package.parts:
        return target
    target = package.free_name("xl/drawings/vmlDrawing{}.vml")
    block = re.search(r"(\d+)\.vml$", target)
    words = (
        f'<xml {VML_SPACES}><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{block[1] if block else 1}"/>'
        "</o:shapelayout></xml>"
    )
    package.put(target, parse_xml(words.encode(), target))
    package.declare_extension("vml", _VML_TYPE)
    sheet.set_legacy_drawing(package.office, package.relate(part, "vmlDrawing", target))
    return target


def _last_number(root: Element) -> int:
    """The highest number of a shape, at least that at which the drawing's block of 1,024 numbers begins."""
    ids = (element.get("id", "") for element in root.iter("{*}*"))
    numbers = [int(match[1]) for name in ids if (match := re.fullmatch(r"_x0000_s(\d+)", name))]
    blocks = (re.match(r"\d+", idmap.get("data", "")) for idmap in root.iter(f"{VML_OFFICE}idmap"))
    block = next((int(match[0]) for match in blocks if match), 1)
    return max([*numbers, block * 1024])


def _anchor(sheet: SheetEditor, cell: CellFindings, height: int) -> str:
    """The place of a cell's box, beside it: left, top, right, bottom, each a zero-based index and a pixel offset."""
    left, top = cell.column, max(0, cell.row - 2)
    right, across = left, _WIDTH + 15
    while right - left < _MOST_STEPS and across >= (width := sheet.width(right + 1)):
        right, across = right + 1, across - width
    bottom, down = top, height + 4
    while bottom - top < _MOST_STEPS and down >= (row_height := sheet.height(bottom + 1)):
        bottom, down = bottom + 1, down - row_height
    return f"{left}, 15, {top}, 4, {right}, {across}, {bottom}, {down}"
