"""The contract published again as a document: its content (pure), its WordprocessingML, its template, its PDF."""
