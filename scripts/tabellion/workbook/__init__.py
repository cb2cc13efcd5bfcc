"""Writing workbooks: names, look, plan, and one module per kind of sheet."""
