"""Forms made hostile by mutation: one value, name, date or size of a filled form that nobody would ever type."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator

Parts = dict[str, bytes]
Mutation = Callable[[Parts], object]

_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def texts(*values: str) -> list[tuple[str, str]]:
    """Cells of text: their attributes and their XML."""
    return [(' t="str"', f"<v>{value}</v>") for value in values]


def numbers(*values: str) -> list[tuple[str, str]]:
    """Cells of type number, whatever stands in them."""
    return [("", f"<v>{value}</v>") for value in values]


#: What a cell may hold: its attributes and its XML.
CELLS: list[tuple[str, str]] = [
    *numbers("1e300", "-1e300", "1.7976931348623157E308", "4.9E-324", "NaN", "INF", "-INF", "1E400", "9" * 5000),
    *numbers("0x1F", "1,5", "2958466", "-0.0", "12.3456789012345678"),
    *texts("9" * 5000, "_xD800_", "_xDFFF__xD800_", "_x0000_", "_x0001__x001F_", "_xFFFF_", "&#x202E;1200"),
    *texts("x" * 32767, "=cmd|'/C calc'!A0", "&lt;script&gt;alert(1)&lt;/script&gt;", "{valeur}{0}%s%n"),
    *texts("e&#x301;" * 200, "１２００", "'; DROP TABLE entries; --", "&#x1F4A9;", "../../etc/passwd", "1.200.00"),
    (' t="b"', "<v>2</v>"), (' t="b"', "<v>1</v>"), (' t="e"', "<v>#REF!</v>"), (' t="e"', "<v>nimporte</v>"),
    (' t="d"', "<v>0001-01-01T00:00:00+14:00</v>"), (' t="d"', "<v>9999-12-31T23:59:59.999-14:00</v>"),
    (' t="d"', "<v>2016-02-30</v>"), (' t="d"', "<v>10000-01-01</v>"), (' t="d"', "<v>2016-03-01</v>"),
    (' t="s"', "<v>-1</v>"), (' t="s"', "<v>99999999</v>"), (' t="zzz"', "<v>1</v>"),
    ("", "<f>1/0</f>"), ("", "<f>A1048576+XFD1</f><v>3</v>"),
]  # fmt: skip
#: Dates of saving and of creation, as programs and people may leave them.
DATES = [
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-00-00T00:00:00Z", "1899-12-30T00:00:00Z", "2016",
    "2016-02-30T00:00:00Z", "2016-11-20T24:00:00Z", "2016-11-20T10:00:00+99:99", "-2016-11-20", "9" * 5000, "",
    "2016-11-20T10:00:00.123456789012345Z", "2016-W52-7", "１９９９-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
    "3016-01-01T00:00:00Z", "1980-01-01T00:00:00Z",
]  # fmt: skip
#: Names of sheets, of tables, of people.
NAMES = [
    "_xD800_", "_x0001_", "a/b\\c?*[]", "", "'", "''!''", "x" * 5000, "&#x202E;tegduB", "Budget ", "_tabellion", "..",
    "&lt;b&gt;", "{valeur}", "&#x1F4A9;" * 31, "B&#x75;&#x301;dget", "contrat.xlsx",
]  # fmt: skip
REFS = ["A1:A1", "XFD1048576:XFD1048576", "A1:XFD1048576", "B5:A1", "zut", "", "A0:B0", "A5:J1048576", "ZZZZ9:ZZZZ10"]


def part_of(parts: Parts, title: str) -> str:
    """The part of a sheet by its title."""
    book = parts["xl/workbook.xml"].decode()
    match = re.search(rf'<sheet name="{re.escape(title)}"[^>]*r:id="([^"]+)"', book)
    assert match is not None, title
    links = parts["xl/_rels/workbook.xml.rels"].decode()
    link = next(text for text in re.findall("<Relationship [^>]+>", links) if f'Id="{match[1]}"' in text)
    target = re.search(r'Target="/?(?:xl/)?([^"]+)"', link)
    assert target is not None
    return f"xl/{target[1]}"


def with_cell(title: str, cell: str, attributes: str, inner: str) -> Mutation:
    """Another content in one cell; its style stays."""

    def mutate(parts: Parts) -> None:
        name = part_of(parts, title)
        xml = parts[name].decode()
        pattern = re.compile(rf'<c r="{cell}"((?: s="\d+")?)[^>]*?(?:/>|>.*?</c>)', re.DOTALL)
        assert pattern.search(xml), cell
        made = pattern.sub(lambda match: f'<c r="{cell}"{match[1]}{attributes}>{inner}</c>', xml, count=1)
        parts[name] = made.encode()

    return mutate


def replaced(name: str, old: str, new: str) -> Mutation:
    """The first match of a pattern replaced in a part."""

    def mutate(parts: Parts) -> None:
        content = parts[name].decode()
        assert re.search(old, content, re.DOTALL), (name, old)
        parts[name] = re.sub(old, lambda _: new, content, count=1, flags=re.DOTALL).encode()

    return mutate


def grown(name: str, inner: str) -> Mutation:
    """More in the part of a sheet, after its rows."""

    def mutate(parts: Parts) -> None:
        parts[name] = parts[name].replace(b"</sheetData>", inner.encode() + b"</sheetData>", 1)

    return mutate


def mutations(parts: Parts) -> Iterator[tuple[str, Mutation]]:
    """Every mutation, with its name. The form is that of a partner with a budget of at least two lines."""
    places = [("_tabellion", f"B{row}") for row in range(2, 8)] + [("_reference", "B3"), ("_reference", "D5")]
    places += [("Budget", f"{column}6") for column in "BCEFIJ"]
    for sheet, cell in places:
        for number, (attributes, inner) in enumerate(CELLS):
            yield f"{sheet.strip('_')} {cell} {number}", with_cell(sheet, cell, attributes, inner)
    for number, moment in enumerate(DATES):
        for name in ("created", "modified"):
            yield f"{name} {number}", replaced("docProps/core.xml", rf"(?<=>)[^<>]*(?=</dcterms:{name}>)", moment)
    tables = next(name for name in parts if name.startswith("xl/tables/"))
    for number, name in enumerate(NAMES):
        yield f"auteur {number}", replaced("docProps/core.xml", "(?<=>)[^<>]*(?=</cp:lastModifiedBy>)", name)
        yield f"feuille {number}", replaced("xl/workbook.xml", '(?<=<sheet name=")Budget(?=")', name)
        yield f"tableau {number}", replaced(tables, '(?<=displayName=")[^"]*', name)
        yield f"nom {number}", replaced("xl/workbook.xml", '(?<=<definedName name=")[^"]*', name)
    for number, ref in enumerate(REFS):
        yield f"plage {number}", replaced(tables, '(?<= ref=")[^"]*', ref)
        yield (
            f"fusion {number}",
            replaced(
                part_of(parts, "Budget"),
                "</sheetData>",
                f'</sheetData><mergeCells><mergeCell ref="{ref}"/></mergeCells>',
            ),
        )
    budget = part_of(parts, "Budget")
    for number, row in enumerate(("0", "-1", "1048576", "1048577", "9" * 30, "1e3", "", "６")):
        yield f"rang {number}", grown(budget, f'<row r="{row}"><c r="F{row}"><v>1</v></c></row>')
    for number, cell in enumerate(("XFD300", "XFE300", "ZZZZZZ300", "A", "300", "", "a300", "$A$300")):
        yield f"adresse {number}", grown(budget, f'<row r="300"><c r="{cell}"><v>1</v></c></row>')
    yield "colonnes", replaced(part_of(parts, "Budget"), "<cols>", '<cols><col min="1" max="9999999" hidden="1"/>')
    yield "profond", grown(budget, "<a>" * 500 + "</a>" * 500)
    yield "sans feuille", replaced("xl/workbook.xml", "<sheets>.*</sheets>", "<sheets/>")


def parts_of(workbook: bytes) -> Parts:
    """The parts of a workbook by name."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as source:
        return {name: source.read(name) for name in source.namelist()}


def repacked(parts: Parts) -> bytes:
    """A workbook of these parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return stream.getvalue()


def hostile_forms(form: bytes) -> Iterator[tuple[str, bytes]]:
    """Each mutation of a form, by a name fit for a file."""
    parts = parts_of(form)
    for name, mutate in mutations(parts):
        changed = dict(parts)
        mutate(changed)
        yield name, repacked(changed)
    for size in (0, 1, 30, len(form) // 3, len(form) - 30):
        yield f"tronqué {size}", form[:size]
