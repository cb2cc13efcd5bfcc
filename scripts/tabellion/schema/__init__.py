"""Table Schemas: each table declared once, then served as columns, drop-downs, validation and dictionary."""

from __future__ import annotations

from tabellion.schema.descriptors import load_schemas
from tabellion.schema.table import (
    CELL_LENGTH,
    FALSE_WORD,
    FUNDING_TABLES,
    LATER_TABLES,
    OPTIONAL_TABLES,
    SETTING_TABLES,
    TABLES,
    TRUE_WORD,
    Field,
    ForeignKey,
    Key,
    Schemas,
    TableSchema,
    Value,
)

__all__ = [
    "CELL_LENGTH", "FALSE_WORD", "FUNDING_TABLES", "LATER_TABLES", "OPTIONAL_TABLES", "SETTING_TABLES", "TABLES",
    "TRUE_WORD", "Field", "ForeignKey", "Key", "Schemas", "TableSchema", "Value", "load_schemas",
]  # fmt: skip
