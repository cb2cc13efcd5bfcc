"""What people have (documents, workbooks, CSV) becomes the register's tables, and every line is accounted for."""

from __future__ import annotations

from tabellion.importing.correspondence_book import (
    CORRESPONDENCE_FILE,
    Choices,
    Correspondence,
    Match,
    Topic,
    read_correspondence,
    write_correspondence,
)
from tabellion.importing.cover import setting_rows, settings_findings
from tabellion.importing.doors import DocumentText, document_text
from tabellion.importing.files import ImportedFiles, add_rows, read_files
from tabellion.importing.fitting import fitted
from tabellion.importing.home import Edit, Home, carried_register, edits_of, word_document_text
from tabellion.importing.lines import LineUse
from tabellion.importing.reader import read_document
from tabellion.importing.tables import ImportedContract, ImportedTables
from tabellion.importing.words import IMPORT_FILE, ImportWords, load_import_words

__all__ = [
    "CORRESPONDENCE_FILE",
    "IMPORT_FILE",
    "Choices",
    "Correspondence",
    "DocumentText",
    "Edit",
    "Home",
    "ImportWords",
    "ImportedContract",
    "ImportedFiles",
    "ImportedTables",
    "LineUse",
    "Match",
    "Topic",
    "add_rows",
    "carried_register",
    "document_text",
    "edits_of",
    "fitted",
    "load_import_words",
    "read_correspondence",
    "read_document",
    "read_files",
    "setting_rows",
    "settings_findings",
    "word_document_text",
    "write_correspondence",
]  # fmt: skip
