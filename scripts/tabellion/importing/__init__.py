"""Reading the published document: its text becomes the register's tables, and every line is accounted for."""

from __future__ import annotations

from tabellion.importing.doors import DocumentText, document_text
from tabellion.importing.front import said_settings, setting_rows
from tabellion.importing.lines import LineUse
from tabellion.importing.reader import ImportedContract, read_document

__all__ = [
    "DocumentText", "ImportedContract", "LineUse", "document_text", "read_document", "said_settings", "setting_rows",
]  # fmt: skip
