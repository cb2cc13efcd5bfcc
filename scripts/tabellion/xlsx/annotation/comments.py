"""Comments of cells: the texts (a comments part) and the boxes that show them on hover (a legacy VML drawing)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabellion.addresses import cell_name
from tabellion.findings import CATALOGUE, Finding, Severity
from tabellion.layout.theme import Theme
from tabellion.reading.xml_parts import normalised_xml
from tabellion.xlsx.annotation.package import PackageEditor
from tabellion.xlsx.annotation.sheet_map import SheetMap
from tabellion.xlsx.annotation.splice import Edits, escape_text, find_nodes, prefix_of
from tabellion.xlsx.annotation.styles import rgb

AUTHOR = "tabellion"
_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_SPACES = {
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "x": "urn:schemas-microsoft-com:office:excel",
}
_SHAPE_TYPE = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"{spaces}>'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_SHAPE = re.compile(rb"<v:shape\b.*?</v:shape>", re.DOTALL)
_ANCHOR = re.compile(rb"(<x:Anchor>)[^<]*(</x:Anchor>)")
#: Between the sender's comment and what is said after it: from here on the words are the program's.
_AFTER = "\n\n— tabellion —\n"
#: A comment shows this many findings whole; the list on the first sheet has them all.
_SHOWN = 8
#: The box: its width, a line's height and its margins in pixels, and the characters of one line.
_WIDTH, _LINE, _MARGIN, _LINE_CHARACTERS, _HIGHEST = 360, 17, 14, 54, 620


@dataclass(frozen=True)
class Mark:
    """One faulty cell (one-based) and what is said of it, gravest first."""

    row: int
    column: int
    findings: Sequence[Finding]

    @property
    def severity(self) -> Severity:
        """The gravest of the cell's severities."""
        return min(each.gravite for each in self.findings)

    @property
    def ref(self) -> str:
        """The cell's name."""
        return cell_name(self.row, self.column)


def grade(each: Finding) -> str:
    """The word of a finding's severity, as people see it."""
    word = each.gravite.label.capitalize()
    return f"{word} qui bloque" if each.bloquant else word


def _paragraphs(mark: Mark) -> list[tuple[str, str, Severity]]:
    """The heading and the words of each finding of a comment."""
    said = []
    for each in mark.findings[:_SHOWN]:
        remedy = f"\n→ {each.suggestion}" if each.suggestion else ""
        said.append((f"{grade(each)} : {CATALOGUE[each.code].titre}", f"{each.message}{remedy}", each.gravite))
    rest = len(mark.findings) - _SHOWN
    if rest > 0:
        said.append((f"Et {rest} de plus", "La première feuille les donne tous.", mark.severity))
    return said


def _runs(mark: Mark, theme: Theme, p: str) -> str:
    pieces = []
    for rank, (heading, words, severity) in enumerate(_paragraphs(mark)):
        ink = rgb(theme.colours[f"{severity.label}_texte"])
        before = "\n\n" if rank else ""
        for text, bold, colour in ((f"{before}{heading}\n", f"<{p}b/>", ink), (words, "", "FF000000")):
            pieces.append(
                f'<{p}r><{p}rPr>{bold}<{p}sz val="9"/><{p}color rgb="{colour}"/><{p}rFont val="Tahoma"/>'
                f'<{p}family val="2"/></{p}rPr><{p}t xml:space="preserve">{escape_text(text)}</{p}t></{p}r>'
            )
    return "".join(pieces)


def add_comments(package: PackageEditor, sheet: SheetMap, marks: Sequence[Mark], theme: Theme) -> None:
    """Comment each marked cell; a comment that is there is kept, and what is found is said after it."""
    links = package.relations(sheet.part)
    part = next((each.target for each in links if each.kind == "comments" and each.target in package.parts), None)
    if part is None:
        part = package.free_name("xl/comments{}.xml")
        package.put(
            part, f'<comments xmlns="{package.main}"><authors></authors><commentList></commentList></comments>'.encode()
        )
        package.relate(sheet.part, "comments", part)
        package.declare(part, _COMMENTS_TYPE)
    heights = _write_texts(package, part, marks, theme)
    _write_boxes(package, sheet, marks, heights, theme)


def _write_texts(package: PackageEditor, part: str, marks: Sequence[Mark], theme: Theme) -> dict[str, int]:
    """Write the texts; returns the height that each cell's box needs, in pixels."""
    content = package.xml(part)
    nodes = find_nodes(
        content, part, lambda _, name, __: name in ("authors", "author", "commentList", "comment", "text", "t")
    )
    edits, p = Edits(content), prefix_of(content, nodes[0])
    named = {node.name: node for node in nodes}
    authors = [node for node in nodes if node.name == "author"]
    names = [content[node.tag_end : node.inner_end].decode() for node in authors]
    author = names.index(AUTHOR) if AUTHOR in names else len(names)
    if author == len(names):
        if "authors" in named:
            edits.append(named["authors"], f"<{p}author>{AUTHOR}</{p}author>")
        else:
            edits.insert(nodes[0].tag_end, f"<{p}authors><{p}author>{AUTHOR}</{p}author></{p}authors>")
    texts, words, current = {}, dict[str, str](), ""
    for node in nodes:
        if node.name == "comment":
            current = node.attributes.get("ref", "").replace("$", "")
        elif node.name == "text" and current:
            texts[current] = node
        elif node.name == "t" and current:
            words[current] = words.get(current, "") + content[node.tag_end : node.inner_end].decode()
    heights, new = {}, []
    for mark in marks:
        runs = _runs(mark, theme, p)
        before = words.get(mark.ref, "")
        if mark.ref in texts:
            node = texts[mark.ref]
            gap = f'<{p}r><{p}t xml:space="preserve">{_AFTER}</{p}t></{p}r>'
            edits.append(node, gap + runs)
        else:
            new.append(f'<{p}comment ref="{mark.ref}" authorId="{author}"><{p}text>{runs}</{p}text></{p}comment>')
        lines = sum(
            1 + len(line) // _LINE_CHARACTERS
            for text in (before, *(f"{heading}\n{said}\n" for heading, said, _ in _paragraphs(mark)))
            for line in text.split("\n")
        )
        heights[mark.ref] = min(_HIGHEST, lines * _LINE + _MARGIN)
    if "commentList" in named:
        edits.append(named["commentList"], "".join(new))
    else:
        edits.append(nodes[0], f"<{p}commentList>{''.join(new)}</{p}commentList>")
    package.put(part, edits.result())
    return heights


def _write_boxes(
    package: PackageEditor, sheet: SheetMap, marks: Sequence[Mark], heights: Mapping[str, int], theme: Theme
) -> None:
    part = _drawing(package, sheet)
    content = normalised_xml(package.parts[part], part)
    declared = all(f'xmlns:{p}="{uri}"'.encode() in content for p, uri in _SPACES.items())
    spaces = "" if declared else "".join(f' xmlns:{p}="{uri}"' for p, uri in _SPACES.items())
    boxes = {ref: match for match in _SHAPE.finditer(content) if (ref := _noted(match[0]))}
    edits, new = Edits(content), []
    used = [int(number) for number in re.findall(rb'id="_x0000_s(\d+)"', content)]
    block = re.search(rb'<o:idmap\b[^>]*\bdata="(\d+)', content)
    number = max([*used, (int(block[1]) if block else 1) * 1024])
    if b"_x0000_t202" not in content:
        new.append(_SHAPE_TYPE.format(spaces=spaces))
    for mark in marks:
        anchor = sheet.box(mark.row, mark.column, _WIDTH, heights[mark.ref])
        box = boxes.get(mark.ref)
        if box is not None:  # the sender's box, made large enough for what was added
            words = _ANCHOR.sub(lambda match, anchor=anchor: match[1] + anchor.encode() + match[2], box[0])  # type: ignore[misc]
            edits.replace(box.start(), box.end(), words)
            continue
        number += 1
        colour = theme.colours[mark.severity.label].lower()
        new.append(
            f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:60pt;'
            f"margin-top:2pt;width:{_WIDTH * 0.75:g}pt;height:{heights[mark.ref] * 0.75:g}pt;z-index:{number % 1024};"
            f'visibility:hidden" fillcolor="{colour}" o:insetmode="auto"{spaces}><v:fill color2="{colour}"/>'
            '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
            '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
            f'<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor>'
            f"<x:AutoFill>False</x:AutoFill><x:Row>{mark.row - 1}</x:Row><x:Column>{mark.column - 1}</x:Column>"
            "</x:ClientData></v:shape>"
        )
    edits.insert(content.rindex(b"</"), "".join(new))
    package.put(part, edits.result())


def remove_comments(package: PackageEditor, sheet: str) -> None:
    """Take away what an earlier annotated copy said in a sheet's comments: whole comments, or the end of others."""
    links = package.relations(sheet)
    part = next((each.target for each in links if each.kind == "comments" and each.target in package.parts), None)
    if part is None:
        return
    content = package.xml(part)
    nodes = find_nodes(content, part, lambda _, name, __: name in ("author", "comment", "r", "t"))
    authors = [content[node.tag_end : node.inner_end].decode() for node in nodes if node.name == "author"]
    ours = str(authors.index(AUTHOR)) if AUTHOR in authors else ""
    edits, gone = Edits(content), set[str]()
    within, mark, cutting = None, _AFTER.strip().encode(), False
    for node in nodes:
        if node.name == "comment":
            within, cutting = node, False
            if node.attributes.get("authorId") == ours:
                gone.add(node.attributes.get("ref", ""))
                edits.replace(node.start, node.end, b"")
        elif within is None or within.attributes.get("ref", "") in gone or node.end > within.end:
            continue
        elif node.name == "r" and cutting:
            edits.replace(node.start, node.end, b"")
        elif node.name == "t" and not cutting:
            at = content.find(mark, node.tag_end, node.inner_end)
            cutting = at >= 0
            if cutting:
                edits.replace(node.tag_end, node.inner_end, content[node.tag_end : at].rstrip())
    package.put(part, edits.result())
    for link in links:
        if link.kind == "vmlDrawing" and link.target in package.parts and gone:
            drawing = normalised_xml(package.parts[link.target], link.target)
            package.put(link.target, _SHAPE.sub(lambda match: b"" if _noted(match[0]) in gone else match[0], drawing))


def _noted(shape: bytes) -> str:
    """The cell whose comment a shape shows."""
    row, column = (re.search(rb"<x:%s>\s*(\d+)" % name, shape) for name in (b"Row", b"Column"))
    if not row or not column or b'"Note"' not in shape:
        return ""
    return cell_name(int(row[1]) + 1, int(column[1]) + 1)


def _drawing(package: PackageEditor, sheet: SheetMap) -> str:
    """The part of the sheet's boxes, made and related when it has none."""
    links = {each.id: each for each in package.relations(sheet.part)}
    link = links.get(sheet.legacy_drawing or "")
    if link is not None and link.target in package.parts:
        return link.target
    part = package.free_name("xl/drawings/vmlDrawing{}.vml")
    spaces = "".join(f' xmlns:{p}="{uri}"' for p, uri in _SPACES.items())
    block = re.search(r"(\d+)\.vml$", part)
    package.put(
        part,
        f'<xml{spaces}><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{block[1] if block else 1}"/>'
        "</o:shapelayout></xml>".encode(),
    )
    package.declare_extension("vml", _VML_TYPE)
    sheet.set_legacy_drawing(package.relate(sheet.part, "vmlDrawing", part))
    return part
