"""Open data, as files: two Data Packages, the register and the subsidies, each valid by itself, and what may leave.

The format of the subsidies is the State's, read from ``templates/export/*.json`` as a Table Schema: the code knows
what its fields ask of a value, and a new version of the format is a new file.

No e-mail address leaves: they are personal data (RGPD). Nor does a text that a spreadsheet would run as a formula: one
that opens a CSV computes a cell that begins with ``=``, ``+``, ``-`` or ``@``, or with a tab or a line end before one
(https://owasp.org/www-community/attacks/CSV_Injection): such a text gets an apostrophe in front. Only texts do: a
negative amount is a number and stays one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

from tabellion.contract.book import Locate
from tabellion.contract.register import BESIDE, DESCRIPTOR, PRINT, content_print, written_prints
from tabellion.contract.workspace import LICENCES, Settings
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.theme import Theme
from tabellion.schema import SETTING_TABLES, Schemas
from tabellion.schema.csv_text import shielded
from tabellion.schema.tables import Row, Tables, make_table
from tabellion.wording import plural, system_reason
from tabellion.xlsx.blocks import cell_text
from tabellion.xlsx.lists import ListColumn, finish, write_list
from tabellion.xlsx.sheets import Cell
from tabellion.xlsx.signature import close_signed
from tabellion.xlsx.writer import Writer

#: The folders of the two packages, and the file of the subsidies.
REGISTER, SUBSIDIES = "registre", "subventions"
SUBSIDIES_FILE = "subventions.csv"
#: The property by which a descriptor says what the program wrote, as the register's own does.
_TYPES = ("string", "number", "date", "boolean")
#: A finding shows this many characters of a text.
_SHOWN = 60


@dataclass(frozen=True)
class StandardField:
    """One field: what it asks of a value, and its ``descriptor`` of the standard."""

    name: str
    title: str
    type: str
    required: bool
    pattern: re.Pattern[str] | None
    enum: tuple[str, ...]
    max_length: int | None
    descriptor: Mapping[str, object]

    def published(self, text: str) -> str:
        """The value as the file holds it: a text that a spreadsheet would run is made harmless."""
        return shielded(text) if self.type == "string" else text

    def fault(self, text: str) -> str | None:
        """What keeps a value from being published, in French (``""`` is no value); ``None`` for a right one."""
        title = self.title[:1].lower() + self.title[1:]
        if not text:
            return title if self.required else None
        if self.pattern is not None and self.pattern.fullmatch(text) is None:
            return f"{title} (« {text} » n'a pas la forme attendue)"
        if self.enum and text not in self.enum:
            return f"{title} (« {text} » n'est pas dans la liste)"
        if self.max_length is not None and len(self.published(text)) > self.max_length:
            reason = "" if len(text) > self.max_length else " avec l'apostrophe qui neutralise son signe de formule"
            return f"{title} (plus de {self.max_length} caractères{reason})"
        return None


@dataclass(frozen=True)
class Standard:
    """A format: its name, its version, the page of the State that documents it, its fields in the order of the file."""

    name: str
    title: str
    version: str
    page: str
    fields: tuple[StandardField, ...]

    @property
    def schema(self) -> dict[str, object]:
        """The Table Schema of a file of this format."""
        return {
            "name": self.name,
            "title": self.title,
            "version": self.version,
            "homepage": self.page,
            "fields": [field.descriptor for field in self.fields],
            "missingValues": [""],
        }


def load_standard(path: Path) -> Standard:
    """Read a format; raises :class:`TabellionError` when the file is missing or is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        fields = tuple(_field(descriptor) for descriptor in content["fields"])
        texts = [content[name] for name in ("name", "title", "version", "homepage")]
        if not fields or not all(isinstance(text, str) and text for text in texts):
            raise ValueError("il faut name, title, version, homepage et au moins un champ")
        name, title, version, page = texts
        return Standard(name, title, version, page, fields)
    except OSError as error:
        detail = system_reason(error)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        detail = "ce n'est pas du JSON en UTF-8"
    except (KeyError, TypeError, AttributeError) as error:
        detail = f"il y manque {error}" if isinstance(error, KeyError) else "ce n'est pas un Table Schema"
    except re.error as error:
        detail = f"« {error.pattern!s} » n'est pas une expression régulière"
    except ValueError as error:
        detail = str(error)
    raise TabellionError([finding("gabarit-faux", Place(str(path)), valeur=path.name, detail=detail)])


def _field(descriptor: Row) -> StandardField:
    rules = descriptor.get("constraints", {})
    name, type_, title = descriptor["name"], descriptor["type"], descriptor.get("title", descriptor["name"])
    if type_ not in _TYPES:
        raise ValueError(f"le champ « {name} » est de type « {type_} », attendu : {', '.join(_TYPES)}")
    pattern, longest = rules.get("pattern"), rules.get("maxLength")
    if not all(isinstance(text, str) for text in (name, title)) or not isinstance(longest, int | None):
        raise TypeError
    return StandardField(
        name=name,
        title=title,
        type=type_,
        required=rules.get("required") is True,
        pattern=None if pattern is None else re.compile(pattern),
        enum=tuple(rules.get("enum", ())),
        max_length=longest,
        descriptor=descriptor,
    )


def subsidies_files(
    rows: Sequence[Mapping[str, str]], standard: Standard, *, identifiant: str, titre: str
) -> dict[str, bytes]:
    """The files of the package of the subsidies, by name: UTF-8 with its mark, commas, LF, texts made harmless."""
    content = subsidies_csv(rows, standard)
    descriptor = {
        "profile": "tabular-data-package",
        "name": f"{identifiant}-{SUBSIDIES}",
        "title": f"{titre} : subventions attribuées",
        "sources": [{"title": f"{standard.title} {standard.version}", "path": standard.page}],
        "resources": [
            {
                "name": SUBSIDIES,
                "path": SUBSIDIES_FILE,
                "title": standard.title,
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "dialect": {"delimiter": ",", "lineTerminator": "\n"},
                PRINT: content_print(content),
                "schema": standard.schema,
            }
        ],
    }
    return {SUBSIDIES_FILE: content, DESCRIPTOR: (json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n").encode()}


def subsidies_csv(rows: Sequence[Mapping[str, str]], standard: Standard) -> bytes:
    """The rows as CSV, in the order of the format's fields; by its byte-order mark Excel reads the accents right."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([field.name for field in standard.fields])
    for row in rows:
        writer.writerow([field.published(row.get(field.name, "")) for field in standard.fields])
    return stream.getvalue().encode("utf-8-sig")


def edited_files(folder: Path, names: Sequence[str]) -> list[Path]:
    """The files of these names in a package's folder that are not as the program wrote them: someone's work."""
    written = written_prints(folder / DESCRIPTOR)
    return [folder / name for name in names if _is_edited(folder / name, written)]


def _is_edited(path: Path, written: Mapping[str, set[str]]) -> bool:
    if path.name == DESCRIPTOR and written:
        return False
    try:
        return path.exists() and content_print(path.read_bytes()) not in written.get(path.name, ())
    except OSError:
        return True


def public_tables(tables: Tables, schemas: Schemas, locate: Locate) -> tuple[Tables, Schemas, list[Finding]]:
    """The tables without addresses, the schemas that they keep, and what their files hold otherwise.

    The settings are the team's own: they stay out. A field whose longest text an apostrophe lengthened allows one
    character more.
    """
    public, public_schemas = Tables(), Schemas()
    withheld, neutralised = list[Finding](), list[Finding]()
    for name, schema in schemas.items():
        if name in SETTING_TABLES:
            continue
        columns, fields = dict(tables[name].columns), []
        for field in schema.fields:
            values, champ = columns[field.name], field.name
            if field.email:
                filled = [position for position, value in enumerate(values) if value is not None]
                if filled:
                    count, place = len(filled), locate(name, filled[0], champ)
                    words = plural(count, "adresse")
                    withheld.append(finding("courriel-non-publie", place, champ=champ, valeur=count, compte=words))
                columns[champ] = [None] * len(values)
                fields.append(replace(field, required=False, unique=False))
                continue
            safe = [shielded(value) if isinstance(value, str) else value for value in values]
            changed = [position for position, value in enumerate(values) if safe[position] != value]
            for position in changed:
                place = locate(name, position, champ)
                neutralised.append(finding("texte-neutralise", place, champ=champ, valeur=_short(values[position])))
            longest = max((len(safe[position]) for position in changed), default=0)
            grown = field.max_length is not None and longest > field.max_length
            fields.append(replace(field, max_length=longest) if grown else field)
        public[name] = make_table(schema, columns)
        public_schemas[name] = replace(schema, fields=tuple(fields))
    return public, public_schemas, withheld + neutralised


def _short(text: str) -> str:
    line = " ".join(text.split()) or text
    return line if len(line) <= _SHOWN else line[:_SHOWN].rstrip() + " …"


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
        return Cell(cell_text(value), text)

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
