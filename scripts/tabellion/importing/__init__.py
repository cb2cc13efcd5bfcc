"""Bringing in what people have: a published document becomes the tables of a contract."""
