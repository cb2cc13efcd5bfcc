"""What an import gives: the tables of a register, what is to be said, what became of every line."""

from __future__ import annotations

from dataclasses import dataclass

from tabellion.findings import Finding
from tabellion.importing.front import TitlePage
from tabellion.importing.lines import LineUse, Record


@dataclass(frozen=True)
class ImportedContract:
    """A published document, or tables of other people, as a register.

    ``tables`` has one key per schema, each a list of rows with exactly the schema's fields (missing is None, money is
    integer cents, booleans are bool). ``lines`` accounts for every line, in order. ``page`` is what its title page
    says, ``exercice`` the year of its budget census.
    """

    tables: dict[str, list[Record]]
    findings: tuple[Finding, ...]
    lines: tuple[LineUse, ...]
    page: TitlePage
    exercice: int | None
