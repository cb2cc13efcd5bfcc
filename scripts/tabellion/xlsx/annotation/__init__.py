"""Annotated copies: the sender's own workbook with its findings inside, made by editing the parts of its package."""
