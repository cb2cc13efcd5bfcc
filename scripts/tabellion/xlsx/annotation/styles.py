"""The styles of a workbook, added to: a style is copied with another fill and ink, and no cell's style changes."""

from __future__ import annotations

import re

from tabellion.findings import Severity
from tabellion.layout.theme import Theme
from tabellion.xlsx.annotation.package import PackageEditor
from tabellion.xlsx.annotation.splice import Edits, Node, find_nodes, prefix_of, with_attributes

_STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_COLOUR = re.compile(rb"<(?:[\w.-]+:)?color\b[^>]*?(?:/>|>\s*</(?:[\w.-]+:)?color>)")
_SIZE = re.compile(rb"<(?:[\w.-]+:)?sz\b[^>]*?(?:/>|>\s*</(?:[\w.-]+:)?sz>)")
#: The sections that styles are made of, in the order of the standard, with what each holds at least.
_SECTIONS = {
    "fonts": '<{p}font><{p}sz val="11"/><{p}name val="Calibri"/></{p}font>',
    "fills": '<{p}fill><{p}patternFill patternType="none"/></{p}fill>'
    '<{p}fill><{p}patternFill patternType="gray125"/></{p}fill>',
    "borders": "<{p}border><{p}left/><{p}right/><{p}top/><{p}bottom/><{p}diagonal/></{p}border>",
    "cellStyleXfs": '<{p}xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>',
    "cellXfs": '<{p}xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',
}


class StyleSheet:
    """One workbook's styles, with what is added to them. Call :meth:`save` at the end."""

    def __init__(self, package: PackageEditor, theme: Theme) -> None:
        self.package, self.theme = package, theme
        self.part = self._part()
        self._complete()
        self.content = package.xml(self.part)
        self.prefix = prefix_of(self.content, find_nodes(self.content, self.part, lambda *_: False)[0])
        self.sections: dict[str, Node] = {}
        self.children: dict[str, list[bytes]] = {name: [] for name in _SECTIONS}
        self._read()
        self.known = {name: len(found) for name, found in self.children.items()}
        self._faulty: dict[tuple[int, Severity], int] = {}

    def _part(self) -> str:
        links = self.package.relations(self.package.workbook)
        link = next((each for each in links if each.kind == "styles" and each.target in self.package.parts), None)
        if link is not None:
            return link.target
        part = self.package.free_name("xl/styles{}.xml")
        self.package.put(part, f'<styleSheet xmlns="{self.package.main}"></styleSheet>'.encode())
        self.package.relate(self.package.workbook, "styles", part)
        self.package.declare(part, _STYLES_TYPE)
        return part

    def _complete(self) -> None:
        """Add the sections that a script has left out."""
        content = self.package.xml(self.part)
        root, *nodes = find_nodes(content, self.part, lambda depth, _, __: depth == 1)
        present = {node.name: node for node in nodes}
        if all(name in present for name in _SECTIONS):
            return
        edits, prefix = Edits(content), prefix_of(content, root)
        at = present["numFmts"].end if "numFmts" in present else root.tag_end
        if root.inner_end == root.end:
            raise ValueError("an empty style sheet")
        for name, words in _SECTIONS.items():
            if name in present:
                at = present[name].end
            else:
                edits.insert(at, f"<{prefix}{name}>{words.format(p=prefix)}</{prefix}{name}>")
        self.package.put(self.part, edits.result())

    def _read(self) -> None:
        section = ""

        def wanted(depth: int, name: str, _: dict[str, str]) -> bool:
            nonlocal section
            if depth == 1:
                section = name
            return section in _SECTIONS and depth in (1, 2)

        for node in find_nodes(self.content, self.part, wanted)[1:]:
            if node.depth == 1:
                self.sections[node.name] = node
                last = node.name
            else:
                self.children[last].append(self.content[node.start : node.end])

    def faulty(self, style: int, severity: Severity) -> int:
        """The style ``style`` with the fill and the ink of a severity; all else of it stays, its lock too."""
        key = (style, severity)
        if key not in self._faulty:
            xfs = self.children["cellXfs"]
            xf = xfs[style] if 0 <= style < len(xfs) else xfs[0]
            end = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""").match(xf)
            tag = xf[: end.end()] if end else xf
            number = re.search(rb"""\sfontId\s*=\s*["'](\d+)""", tag)
            changed = with_attributes(
                tag, fontId=str(self._ink(int(number[1]) if number else 0, severity)),
                fillId=str(self.fill(self.theme.colours[severity.label])), applyFill="1", applyFont="1",
            )  # fmt: skip
            self._faulty[key] = self._add("cellXfs", changed + xf[len(tag) :])
        return self._faulty[key]

    def _ink(self, font: int, severity: Severity) -> int:
        fonts, p = self.children["fonts"], self.prefix
        original = fonts[font] if 0 <= font < len(fonts) else fonts[0]
        ink = f'<{p}color rgb="{rgb(self.theme.colours[f"{severity.label}_texte"])}"/>'.encode()
        if _COLOUR.search(original):
            return self._add("fonts", _COLOUR.sub(ink, original, count=1))
        if original.endswith(b"/>") and original.count(b"<") == 1:
            return self._add("fonts", b"<" + p.encode() + b"font>" + ink + b"</" + p.encode() + b"font>")
        size = _SIZE.search(original)
        at = size.end() if size else original.index(b">") + 1
        return self._add("fonts", original[:at] + ink + original[at:])

    def fill(self, colour: str) -> int:
        """A solid fill of a colour ``#RRGGBB``."""
        p = self.prefix
        return self._add(
            "fills",
            f'<{p}fill><{p}patternFill patternType="solid"><{p}fgColor rgb="{rgb(colour)}"/>'
            f'<{p}bgColor indexed="64"/></{p}patternFill></{p}fill>'.encode(),
        )

    def style(
        self,
        *,
        ink: str,
        ground: str | None = None,
        border: str | None = None,
        bold: bool = False,
        underline: bool = False,
        size: float | None = None,
        centred: bool = False,
        wrapped: bool = False,
    ) -> int:
        """A style of our own: colours are ``#RRGGBB``, ``size`` in points."""
        p = self.prefix
        marks = (f"<{p}b/>" if bold else "") + (f"<{p}u/>" if underline else "")
        font = self._add(
            "fonts",
            f'<{p}font>{marks}<{p}sz val="{size or self.theme.size:g}"/><{p}color rgb="{rgb(ink)}"/>'
            f'<{p}name val="{self.theme.font}"/><{p}family val="2"/></{p}font>'.encode(),
        )
        edges = 0
        if border is not None:
            sides = "".join(
                f'<{p}{side} style="thin"><{p}color rgb="{rgb(border)}"/></{p}{side}>'
                for side in ("left", "right", "top", "bottom")
            )
            edges = self._add("borders", f"<{p}border>{sides}<{p}diagonal/></{p}border>".encode())
        fill = self.fill(ground) if ground is not None else 0
        align = ' vertical="top" wrapText="1"' if wrapped else ' vertical="center"'
        align += ' horizontal="center"' if centred else ""
        return self._add(
            "cellXfs",
            f'<{p}xf numFmtId="0" fontId="{font}" fillId="{fill}" borderId="{edges}" xfId="0" applyFont="1"'
            f' applyFill="1" applyBorder="1" applyAlignment="1"><{p}alignment{align}/></{p}xf>'.encode(),
        )

    def _add(self, section: str, words: bytes) -> int:
        """The number of a child of a section: the one added before if there is one alike."""
        found, known = self.children[section], self.known[section]
        if words in found[known:]:
            return found.index(words, known)
        found.append(words)
        return len(found) - 1

    def save(self) -> None:
        """Write what was added."""
        edits = Edits(self.content)
        for name, node in self.sections.items():
            added = self.children[name][self.known[name] :]
            if not added:
                continue
            edits.insert(node.inner_end, b"".join(added))
            if "count" in node.attributes:
                edits.set(node, count=str(len(self.children[name])))
        self.package.put(self.part, edits.result())


def rgb(colour: str) -> str:
    """``#RRGGBB`` as SpreadsheetML writes it."""
    return "FF" + colour.lstrip("#").upper()
