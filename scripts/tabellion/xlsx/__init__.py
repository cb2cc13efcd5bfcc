"""Workbooks: written, signed, identified, annotated in place."""
