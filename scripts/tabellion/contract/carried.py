"""The register that a published document carries: its Data Package as one archive, the same bytes for the same tables.

What stays in the house stays out: e-mail addresses, which are personal data, and the team's own settings. The settings
that name the contract, which its cover prints, are there.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from tabellion.contract.book import Book
from tabellion.contract.register import register_files
from tabellion.schema import SETTING_TABLES
from tabellion.schema.tables import Tables, make_table, table_of

#: The name under which people see it among the attachments of a PDF.
ARCHIVE = "registre.zip"
#: The file of the archive that has the text of the document as it was published: what was edited since differs from it.
TEXT = "texte.txt"
#: The name of the element that holds it in a Word document, with its namespace.
ELEMENT = "{urn:tabellion:registre}registre"
#: The settings that name the contract.
NAMING = ("titre", "source", "debut", "fin", "priorites", "exercice_courant", "exercice")


def carried_archive(book: Book, text: str | None = None) -> bytes:
    """The archive of a book's register, with the ``text`` of the document where it can be edited."""
    settings = book.settings
    files = register_files(
        _public(book), book.schemas, identifiant=settings.identifiant, titre=settings.titre
    )  # fmt: skip
    if text is not None:
        files[TEXT] = text.encode()
    return packed(files)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip archive without dates."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
    return stream.getvalue()


def _public(book: Book) -> Tables:
    """The tables that leave, whole but for what stays in the house."""
    tables = dict(book.tables)
    for name, schema in book.schemas.items():
        private = [field.name for field in schema.fields if field.email]
        if private:
            tables[name] = tables[name].with_columns({field: [None] * len(tables[name]) for field in private})
    settings, years = SETTING_TABLES
    if settings in tables:
        named = [row for row in tables[settings].rows if row["reglage_id"] in NAMING]
        tables[settings] = table_of(book.schemas[settings], named)
        tables[years] = make_table(book.schemas[years], {})
    return tables
