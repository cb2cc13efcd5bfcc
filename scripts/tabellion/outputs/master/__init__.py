"""The master workbook: its layout, then one module per kind of sheet."""
