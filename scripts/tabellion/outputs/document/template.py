"""The Word template: its styles found by name, its page, and a document made of it around a new body.

Staff restyle ``templates/document.docx`` in Word. Only its text is replaced: styles, page, header and footer are kept
as they are, and nothing in it is parsed and written again, so that Word finds back all that it put there.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.document.paging import Measure
from tabellion.outputs.document.styles import STYLES
from tabellion.wording import plural, system_reason

TEMPLATE = "document.docx"
DOCUMENT, CONTENT_TYPES, RELATIONS = "word/document.xml", "[Content_Types].xml", "_rels/.rels"
_STYLES = "word/styles.xml"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TEMPLATE_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
#: A template bigger than this, once inflated, is no template.
_MOST_BYTES = 50_000_000
#: What a style that says nothing has: letters of 11 points, lines of one letter's height and a fifth, no space.
_SIZE, _SINGLE, _LEADING = 22, 240, 1.22
_HEADER_PART = re.compile(r"word/(header|footer)\d*\.xml")
#: What a header or a footer may name, in braces.
PLACEHOLDERS = ("titre", "source", "exercice")


@dataclass(frozen=True)
class Template:
    """A template that was read.

    ``parts`` are the files of its package by name; ``head`` is its main part up to its body, ``section`` the page that
    ends it. By style name: ``ids`` are the styles' identifiers, ``fills`` the backgrounds that they give to a cell,
    ``measures`` the place that they take, ``margins`` what a table's cells have above and under their text. ``width``
    and ``height`` are those of the text, in twentieths of a point.
    """

    parts: Mapping[str, bytes]
    head: str
    section: str
    ids: Mapping[str, str]
    fills: Mapping[str, str]
    measures: Mapping[str, Measure]
    margins: Mapping[str, int]
    width: int
    height: int


def load_template(path: Path) -> Template:
    """Read the template; raises :class:`TabellionError` when it cannot serve, with every style that it lacks."""
    parts = _parts(path)
    try:
        main = parts[DOCUMENT].decode("utf-8")
        body = re.search(r"<w:body\b[^>]*>", main)
        sections = re.findall(r"<w:sectPr\b[^>]*?(?:/>|>.*?</w:sectPr>)", main, re.DOTALL)
        if body is None or not sections or _NAMESPACE not in main[: body.start()]:
            raise _wrong(path, "son texte n'est pas celui d'un document Word ordinaire")
        ElementTree.fromstring(main)  # noqa: S314 - the workspace's own file
        styles = ElementTree.fromstring(parts[_STYLES])  # noqa: S314
    except KeyError as error:
        raise _wrong(path, f"il y manque la partie « {error.args[0]} » d'un document Word") from error
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise _wrong(path, "une partie en est abîmée") from error
    found = _Styles(styles)
    lacking = [each for each in STYLES if (each.kind, each.name.casefold()) not in found.by_name]
    if lacking:
        raise TabellionError([_lacks(path, [each.shown for each in lacking])])
    ids = {each.name: found.id_of(each.kind, each.name) for each in STYLES}
    paragraphs = {each.name: ids[each.name] for each in STYLES if each.kind == "paragraph"}
    fills = {name: fill for name, key in paragraphs.items() if name.startswith("Tableau") and (fill := found.fill(key))}
    width, height = _text_size(sections[-1])
    measures = {name: found.measure(key) for name, key in paragraphs.items()}
    margins = {each.name: found.margins(ids[each.name]) for each in STYLES if each.kind == "table"}
    return Template(parts, main[: body.end()], sections[-1], ids, fills, measures, margins, width, height)


def _lacks(path: Path, names: list[str]) -> Finding:
    shown = ", ".join(f"« {each} »" for each in names)
    count = plural(len(names), "style")
    return finding("style-absent", Place(str(path)), valeur=path.name, attendu=shown, compte=count)


def _parts(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as package:
            if sum(each.file_size for each in package.infolist()) > _MOST_BYTES:
                raise _wrong(path, "il est trop gros")
            parts = {each.filename: package.read(each) for each in package.infolist() if not each.is_dir()}
    except OSError as error:
        raise _wrong(path, system_reason(error)) from error
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError) as error:
        raise _wrong(path, "ce n'est pas un document Word (.docx)") from error
    except Exception as error:
        if isinstance(error, TabellionError):
            raise
        raise _wrong(path, "il est abîmé") from error  # zlib and lzma have errors of their own
    if any(name.endswith("vbaProject.bin") for name in parts):
        raise _wrong(path, "il contient des macros")
    return parts


def _wrong(path: Path, detail: str) -> TabellionError:
    return TabellionError([finding("gabarit-word-faux", Place(str(path)), valeur=path.name, detail=detail)])


class _Styles:
    """The styles of a template, each with what it takes from the one that it is based on."""

    def __init__(self, root: ElementTree.Element) -> None:
        self.by_id: dict[str, ElementTree.Element] = {}
        self.by_name: dict[tuple[str, str], str] = {}
        self.by_exact_name: dict[tuple[str, str], str] = {}
        self.defaults = [each for each in (root.find(f"{_W}docDefaults"),) if each is not None]
        for each in root.iter(f"{_W}style"):
            key, kind = each.get(f"{_W}styleId", ""), each.get(f"{_W}type", "")
            name = each.find(f"{_W}name")
            self.by_id[key] = each
            if name is not None and key:
                shown = name.get(f"{_W}val", "")
                self.by_name.setdefault((kind, shown.casefold()), key)
                self.by_exact_name.setdefault((kind, shown), key)

    def id_of(self, kind: str, name: str) -> str:
        """The style of a name: LibreOffice writes some with a capital, and adds its own « Caption » to « caption »."""
        return self.by_exact_name.get((kind, name)) or self.by_name[kind, name.casefold()]

    def chain(self, key: str) -> list[ElementTree.Element]:
        """A style, then those that it is based on, then what the whole document has by default."""
        found: list[ElementTree.Element] = []
        while key in self.by_id and self.by_id[key] not in found:
            found.append(self.by_id[key])
            based = found[-1].find(f"{_W}basedOn")
            key = "" if based is None else based.get(f"{_W}val", "")
        return [*found, *self.defaults]

    def said(self, key: str, element: str, attribute: str) -> str | None:
        """What the style, or the nearest one under it, says."""
        for style in self.chain(key):
            for each in style.iter(f"{_W}{element}"):
                if (value := each.get(f"{_W}{attribute}")) is not None:
                    return value
        return None

    def number(self, key: str, element: str, attribute: str, default: int) -> int:
        value = self.said(key, element, attribute)
        return int(float(value)) if value is not None and re.fullmatch(r"-?\d{1,6}(\.\d+)?", value) else default

    def fill(self, key: str) -> str | None:
        """The colour of the paragraph's background; in a table, that of its cell."""
        value = self.said(key, "shd", "fill")
        return value if value is not None and re.fullmatch("[0-9A-Fa-f]{6}", value) else None

    def margins(self, key: str) -> int:
        """What the cells of a table style have above and under their text, together."""
        for style in self.chain(key):
            for each in style.iter(f"{_W}tblCellMar"):
                sides = (each.find(f"{_W}{side}") for side in ("top", "bottom"))
                values = [side.get(f"{_W}w", "0") for side in sides if side is not None]
                return sum(int(value) for value in values if re.fullmatch(r"\d{1,4}", value))
        return 0

    def measure(self, key: str) -> Measure:
        size = max(1, self.number(key, "sz", "val", _SIZE)) * 10
        line = self.number(key, "spacing", "line", _SINGLE)
        is_share = self.said(key, "spacing", "lineRule") in (None, "auto")
        tall = round(size * _LEADING * line / _SINGLE) if is_share else line
        around = self.number(key, "spacing", "before", 0) + self.number(key, "spacing", "after", 0)
        return Measure(size, max(1, tall), around)


def _text_size(section: str) -> tuple[int, int]:
    """The width and height of the text on a page; those of an A4 page with margins of 2 cm where it is not said."""

    def said(element: str, attribute: str, default: int) -> int:
        found = re.search(rf'<w:{element}\b[^>]*?\bw:{attribute}="(-?\d+)', section)
        return default if found is None else abs(int(found[1]))

    width = said("pgSz", "w", 11906) - said("pgMar", "left", 1134) - said("pgMar", "right", 1134)
    height = said("pgSz", "h", 16838) - said("pgMar", "top", 1134) - said("pgMar", "bottom", 1134)
    return max(width, 3000), max(height, 3000)


def package(
    template: Template, body: bytes, properties: Mapping[str, str], added: Mapping[str, tuple[str, str, str]]
) -> bytes:
    """The document: the template's package around ``body`` (its main part, whole).

    ``properties`` fill the placeholders of the header and footer. ``added`` are parts of the program's own, by name:
    content, content type, type of the relation. Every entry of the zip has the same fixed date.
    """
    parts: dict[str, bytes] = {**template.parts, DOCUMENT: body}
    types, relations = (parts[name].decode("utf-8") for name in (CONTENT_TYPES, RELATIONS))
    types = types.replace(_TEMPLATE_TYPE, _MAIN_TYPE)
    for name, (content, content_type, relation) in added.items():
        parts[name] = content.encode("utf-8")
        if f'PartName="/{name}"' not in types:
            types = types.replace("</Types>", f'<Override PartName="/{name}" ContentType="{content_type}"/></Types>')
        if name not in relations:
            key = "tabellion" + re.sub(r"\W", "", name)
            entry = f'<Relationship Id="{key}" Type="{relation}" Target="{name}"/>'
            relations = relations.replace("</Relationships>", f"{entry}</Relationships>")
    parts[CONTENT_TYPES], parts[RELATIONS] = types.encode(), relations.encode()
    for name in filter(_HEADER_PART.fullmatch, list(parts)):
        text = parts[name].decode("utf-8")
        for placeholder in PLACEHOLDERS:
            text = text.replace("{" + placeholder + "}", escape(properties.get(placeholder, "")))
        parts[name] = text.encode()
    parts[_STYLES] = _in_french(parts[_STYLES].decode("utf-8")).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(parts, key=lambda each: (each != CONTENT_TYPES, each != RELATIONS, each)):
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), parts[name], zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _in_french(styles: str) -> str:
    """The styles with French as the language of what says no other: readers and screen readers go by it."""
    defaults = re.search(r"<w:rPrDefault>.*?</w:rPrDefault>", styles, re.DOTALL)
    if defaults is None:
        return styles
    said = re.sub(r'(<w:lang\b[^>]*?\bw:val=")[^"]*"', r'\1fr-FR"', defaults[0])
    if "<w:lang" not in said:
        said = said.replace("</w:rPr>", '<w:lang w:val="fr-FR"/></w:rPr>')
    return styles.replace(defaults[0], said)
