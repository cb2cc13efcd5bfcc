"""Reading the published document: its text becomes the register's tables, and every line is accounted for."""

from __future__ import annotations

from tabellion.importing.lines import LineUse
from tabellion.importing.reader import ImportedContract, read_document

__all__ = ["ImportedContract", "LineUse", "read_document"]
