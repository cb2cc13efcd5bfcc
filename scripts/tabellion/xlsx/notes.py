"""The legacy drawings (VML) that show a sheet's notes: where each box belongs."""

from __future__ import annotations

from tabellion.addresses import cell_name
from tabellion.findings import TabellionError
from tabellion.xlsx.package import PackageEditor
from tabellion.xlsx.trees import Element, parse_xml

#: The namespaces of a drawing, as elements' names begin, and as a fragment of one declares them.
VML = "{urn:schemas-microsoft-com:vml}"
VML_OFFICE = "{urn:schemas-microsoft-com:office:office}"
VML_EXCEL = "{urn:schemas-microsoft-com:office:excel}"
VML_SPACES = f'xmlns:v="{VML[1:-1]}" xmlns:o="{VML_OFFICE[1:-1]}" xmlns:x="{VML_EXCEL[1:-1]}"'


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
