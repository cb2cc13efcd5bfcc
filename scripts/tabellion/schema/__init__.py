"""Table Schemas: each table declared once, then served as columns, drop-downs, validation and dictionary."""

from __future__ import annotations

from tabellion.schema.table import FALSE_WORD, TABLES, TRUE_WORD, Field, ForeignKey, Schemas, TableSchema, load_schemas

__all__ = ["FALSE_WORD", "TABLES", "TRUE_WORD", "Field", "ForeignKey", "Schemas", "TableSchema", "load_schemas"]
