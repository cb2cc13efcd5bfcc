"""The gate of a refactoring: everything the program makes, before and after, compared part by part."""
