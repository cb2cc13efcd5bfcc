"""Table Schemas: each table declared once, then served as columns, drop-downs, validation and dictionary."""

from __future__ import annotations

from tabellion.schema.names import FUNDING_TABLES, TABLES
from tabellion.schema.table import FALSE_WORD, TRUE_WORD, Field, ForeignKey, Key, Schemas, TableSchema, load_schemas

__all__ = [
    "FALSE_WORD",
    "FUNDING_TABLES",
    "TABLES",
    "TRUE_WORD",
    "Field",
    "ForeignKey",
    "Key",
    "Schemas",
    "TableSchema",
    "load_schemas",
]
