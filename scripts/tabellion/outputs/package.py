"""What makes a package one that others can use: its licence, who publishes it, since when, the digests of its files.

Beside the CSV of the subsidies: the same rows as a workbook, for those who open them in Excel, and a page to read
first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from tabellion.contract.register import BESIDE, DESCRIPTOR, PRINT, content_print
from tabellion.contract.workspace import LICENCES, Settings
from tabellion.layout.theme import Theme
from tabellion.outputs.opendata import SUBSIDIES_FILE, Standard
from tabellion.wording import plural
from tabellion.xlsx.blocks import held
from tabellion.xlsx.lists import ListColumn, finish, write_list
from tabellion.xlsx.sheets import Cell
from tabellion.xlsx.signature import close_signed
from tabellion.xlsx.writer import Writer

WORKBOOK_FILE, README_FILE = "subventions.xlsx", "LISEZMOI.txt"
_TABLE, _FIELDS_TABLE = "Subventions", "Champs"
_BOM = b"\xef\xbb\xbf"
_WIDTHS = {"string": 28, "number": 14, "date": 14, "boolean": 14}


def described(
    files: Mapping[str, bytes], settings: Settings, made: date | None,
    beside: Mapping[str, bytes] = MappingProxyType({}),
) -> dict[str, bytes]:  # fmt: skip
    """A package with what the standard says of it, and the files that stand ``beside`` its tables.

    ``made`` is the day of its data, ``None`` where nobody knows.

    See https://specs.frictionlessdata.io/data-package/ and https://specs.frictionlessdata.io/data-resource/.
    """
    descriptor = json.loads(files[DESCRIPTOR])
    title, page = LICENCES[settings.licence]
    resources = [
        {**resource, "bytes": len(files[resource["path"]]), "hash": resource[PRINT]}
        for resource in descriptor.pop("resources")
    ]
    contributors = [{"title": settings.producteur or settings.contact_nom or settings.titre, "role": "publisher"}]
    if made is not None:
        descriptor |= {"created": f"{made.isoformat()}T00:00:00Z", "version": made.isoformat()}
    descriptor |= {
        "licenses": [{"name": settings.licence, "title": title, "path": page}],
        "contributors": contributors,
        "keywords": ["contrat de ville", "politique de la ville"],
        "resources": resources,
    }
    if beside:
        descriptor[BESIDE] = [{"path": name, PRINT: content_print(content)} for name, content in beside.items()]
    text = json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n"
    return {**files, **beside, DESCRIPTOR: text.encode()}


def readme(settings: Settings, standard: Standard, made: date | None, *, rows: int) -> bytes:
    """The page to read first: what each file is, how it opens, under which licence."""
    title, page = LICENCES[settings.licence]
    lines = [
        f"{settings.titre} : données ouvertes",
        *([] if made is None else [f"État au {made:%d/%m/%Y}"]),
        "",
        f"{SUBSIDIES_FILE} : {plural(rows, 'subvention')}, au format {standard.title} {standard.version}.",
        f"  Le format : {standard.page}",
        "  C'est le fichier à déposer sur data.gouv.fr (UTF-8 avec marque d'ordre des octets, virgules).",
        "  Ne l'enregistrez pas depuis Excel : les SIRET y deviendraient des nombres arrondis.",
        f"{WORKBOOK_FILE} : les mêmes lignes pour Excel et LibreOffice, où les SIRET sont des textes.",
        f"{DESCRIPTOR} : la description des fichiers (Data Package) : champs, licence, date, empreintes.",
        "",
        f"Licence : {title}",
        f"  {page}",
    ]
    if settings.producteur or settings.contact_nom:
        lines += ["", f"Producteur : {settings.producteur or settings.contact_nom}"]
    return _BOM + "\r\n".join([*lines, ""]).encode()


def rows_workbook(rows: Sequence[Mapping[str, str]], standard: Standard, theme: Theme, settings: Settings) -> bytes:
    """The rows of the format as a workbook: texts as texts, amounts and shares as numbers, and what each field is."""
    writer = Writer(theme)
    data, fields = writer.sheet(_TABLE), writer.sheet(_FIELDS_TABLE)
    text = writer.cell(computed=False, num_format="@", text_wrap=True)
    amount = writer.cell(computed=False, num_format="#,##0.00", align="right")
    share = writer.cell(computed=False, num_format="0.00####", align="right")

    def cell(type_: str, name: str, value: str) -> Cell:
        if type_ == "number" and value:
            return Cell(float(value), amount if name == "montant" else share)
        return Cell(held(value), text)

    columns = [ListColumn(field.name, _WIDTHS[field.type]) for field in standard.fields]
    cells = [[cell(field.type, field.name, row.get(field.name, "")) for field in standard.fields] for row in rows]
    write_list(data, _TABLE, 0, columns, cells, empty="–", count=len(cells))
    finish(data, settings.titre, header=0)
    heads = [ListColumn("Champ", 26), ListColumn("Intitulé", 40), ListColumn("Obligatoire", 12, "center")]
    words = [
        [Cell(word, text) for word in (field.name, field.title, "oui" if field.required else "non")]
        for field in standard.fields
    ]
    write_list(fields, _FIELDS_TABLE, 0, heads, words, empty="–", count=len(words))
    finish(fields, settings.titre, header=0)
    title = f"{settings.titre} : subventions attribuées"
    return close_signed(writer, data, title=title, subject=standard.title, year=settings.debut)
