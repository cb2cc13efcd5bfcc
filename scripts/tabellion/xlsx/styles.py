"""The styles of a workbook, added to: a style is copied with another fill and ink, and no cell's style changes."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from tabellion.xlsx.package import PackageEditor
from tabellion.xlsx.trees import Element, add, drop, insert_after, parse_xml, qualified, whole_number

_STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
#: The sections that styles are made of, in the order of the standard, with what each holds at least.
_DEFAULTS = """<styleSheet xmlns="{}"><fonts><font><sz val="11"/><name val="Calibri"/></font></fonts>\
<fills><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs></styleSheet>"""
#: The first number of a format that is not built in.
FIRST_FORMAT = 164
#: What a font says, in the standard's order, which several programs do not follow.
_FONT_ORDER = (
    "b", "i", "strike", "condense", "extend", "outline", "shadow", "u", "vertAlign", "sz", "color", "name", "family",
    "charset", "scheme",
)  # fmt: skip
_SIDES = ("left", "right", "top", "bottom")


class StyleSheet:
    """One workbook's styles, with what is added to them; colours are ``#RRGGBB``. Call :meth:`save` at the end."""

    def __init__(self, package: PackageEditor) -> None:
        self._package = package
        part = package.related(package.workbook, "styles")
        if part is None:
            part = package.free_name("xl/styles{}.xml")
            package.put(part, parse_xml(f'<styleSheet xmlns="{package.main}"/>'.encode(), part))
            package.relate(package.workbook, "styles", part)
            package.declare(part, _STYLES_TYPE)
        self._part, self._root = part, package.parse(part)
        self._sections = self._complete_sections()
        self._children = {name: list(section.iterfind("{*}*")) for name, section in self._sections.items()}
        #: The number of each child that was added, by its section and its canonical text.
        self._added: dict[tuple[str, bytes], int] = {}
        self._recoloured: dict[tuple[int, str, str], int] = {}

    def _complete_sections(self) -> dict[str, Element]:
        """The sections by name; those that a script has left out are added, with what they hold at least."""
        defaults = parse_xml(_DEFAULTS.format(etree.QName(self._root).namespace).encode(), self._part)
        sections = dict[str, Element]()
        for default in list(defaults):
            name = etree.QName(default).localname
            section = self._root.find(f"{{*}}{name}")
            if section is None:
                section = default
                insert_after(self._root, section, "numFmts", *sections)
            sections[name] = section
        return sections

    def recoloured(self, style: int, ink: str, ground: str) -> int:
        """The style ``style`` with another fill and ink; all else of it stays, its lock too."""
        key = (style, ink, ground)
        if key not in self._recoloured:
            styles = self._children["cellXfs"]
            original = deepcopy(styles[style] if 0 <= style < len(styles) else styles[0])
            font = self._inked_font(whole_number(original.get("fontId")), ink)
            changes = {"fontId": font, "fillId": self._fill(ground), "applyFill": 1, "applyFont": 1}
            for name, value in changes.items():
                original.set(name, str(value))
            self._recoloured[key] = self._add("cellXfs", original)
        return self._recoloured[key]

    def number_format(self, style: int) -> int:
        """The number of the number format of a style."""
        styles = self._children["cellXfs"]
        return whole_number(styles[style].get("numFmtId")) if 0 <= style < len(styles) else 0

    def numbered(self, style: int, code: str) -> int:
        """The style ``style`` with the number format ``code``."""
        styles = self._children["cellXfs"]
        changed = deepcopy(styles[style] if 0 <= style < len(styles) else styles[0])
        changed.set("numFmtId", str(self._number_format(code)))
        changed.set("applyNumberFormat", "1")
        return self._add("cellXfs", changed)

    def _number_format(self, code: str) -> int:
        formats = self._root.find("{*}numFmts")
        if formats is None:
            formats = etree.Element(qualified(self._root, "numFmts"), count="0")
            self._root.insert(0, formats)
        known = {element.get("formatCode"): whole_number(element.get("numFmtId")) for element in formats}
        if code not in known:
            known[code] = max([FIRST_FORMAT - 1, *known.values()]) + 1
            add(formats, "numFmt", numFmtId=str(known[code]), formatCode=code)
            formats.set("count", str(len(known)))
        return known[code]

    def _inked_font(self, number: int, ink: str) -> int:
        fonts = self._children["fonts"]
        font = deepcopy(fonts[number] if 0 <= number < len(fonts) else fonts[0])
        colour = etree.Element(qualified(font, "color"), rgb=rgb(ink))
        old, size = font.find("{*}color"), font.find("{*}sz")
        if old is not None:
            old.addprevious(colour)
            drop(old)
        elif size is not None:
            size.addnext(colour)
        else:
            font.insert(0, colour)
        return self._add("fonts", font)

    def _fill(self, colour: str) -> int:
        fill = self._new("fills", "fill")
        pattern = add(fill, "patternFill", patternType="solid")
        add(pattern, "fgColor", rgb=rgb(colour))
        add(pattern, "bgColor", indexed="64")
        return self._add("fills", fill)

    def style(
        self,
        *,
        font: str,
        size: float,
        ink: str,
        ground: str | None = None,
        border: str | None = None,
        bold: bool = False,
        underline: bool = False,
        centred: bool = False,
        wrapped: bool = False,
    ) -> int:
        """A new style: its font's name, its size in points, its colours."""
        words = self._new("fonts", "font")
        for name, wanted in (("b", bold), ("u", underline)):
            if wanted:
                add(words, name)
        add(words, "sz", val=f"{size:g}")
        add(words, "color", rgb=rgb(ink))
        add(words, "name", val=font)
        add(words, "family", val="2")
        edges = 0
        if border is not None:
            lines = self._new("borders", "border")
            for side in _SIDES:
                add(add(lines, side, style="thin"), "color", rgb=rgb(border))
            add(lines, "diagonal")
            edges = self._add("borders", lines)
        numbers = {
            "fontId": self._add("fonts", words), "fillId": 0 if ground is None else self._fill(ground),
            "borderId": edges, "applyFont": 1, "applyFill": 1, "applyBorder": 1, "applyAlignment": 1,
        }  # fmt: skip
        style = self._new("cellXfs", "xf", numFmtId="0", xfId="0", **{name: str(n) for name, n in numbers.items()})
        alignment = {"vertical": "top", "wrapText": "1"} if wrapped else {"vertical": "center"}
        add(style, "alignment", **alignment, **({"horizontal": "center"} if centred else {}))
        return self._add("cellXfs", style)

    def _new(self, section: str, name: str, /, **attributes: str) -> Element:
        """A child of a section, not yet in it."""
        return etree.Element(qualified(self._sections[section], name), attributes)

    def _add(self, section: str, child: Element) -> int:
        """The number of a child of a section: of the one added before, if one is alike."""
        child.tail = None
        children = self._children[section]
        number = self._added.setdefault((section, etree.tostring(child, method="c14n")), len(children))
        if number == len(children):
            children.append(child)
            self._sections[section].append(child)
        return number

    def save(self) -> None:
        """Write the styles with what was added; what says a font is put in the standard's order."""
        for font in self._root.iter(qualified(self._root, "font")):
            font[:] = sorted(font, key=_rank_in_font)
        for name, section in self._sections.items():
            if "count" in section.attrib:
                section.set("count", str(len(self._children[name])))
        self._package.put(self._part, self._root)


def _rank_in_font(element: Element) -> int:
    name = etree.QName(element).localname if isinstance(element.tag, str) else ""
    return _FONT_ORDER.index(name) if name in _FONT_ORDER else len(_FONT_ORDER)


def rgb(colour: str) -> str:
    """``#RRGGBB`` as SpreadsheetML writes it."""
    return "FF" + colour.lstrip("#").upper()
