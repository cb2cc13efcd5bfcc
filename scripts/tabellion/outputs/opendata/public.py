"""What may leave as open data: no e-mail address, and no text that a spreadsheet would run as a formula.

E-mail addresses are personal data (RGPD). A spreadsheet that opens a CSV computes a cell that begins with ``=``,
``+``, ``-`` or ``@``, or with a tab or a line end before one (https://owasp.org/www-community/attacks/CSV_Injection):
such a text gets an apostrophe in front. Only texts do: a negative amount is a number and stays one.
"""

from __future__ import annotations

from dataclasses import replace

from tabellion.checks.inspection import Locate
from tabellion.findings import Finding, finding
from tabellion.schema import Schemas
from tabellion.schema.tables import Tables, make_table
from tabellion.wording import plural

#: The signs that begin a formula (their full-width twins too), and the blanks that spreadsheets skip before one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: A finding shows this many characters of a text.
_SHOWN = 60


def safe_text(text: str) -> str:
    """The text as a CSV may hold it."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def public_tables(tables: Tables, schemas: Schemas, locate: Locate) -> tuple[Tables, Schemas, list[Finding]]:
    """The tables without addresses and with harmless texts, the schemas that they keep, and what was changed.

    A field whose longest text an apostrophe lengthened allows one character more.
    """
    public, public_schemas = Tables(), Schemas()
    withheld, neutralised = list[Finding](), list[Finding]()
    for name, schema in schemas.items():
        columns, fields = dict(tables[name].columns), []
        for field in schema.fields:
            values, champ = columns[field.name], field.name
            if field.email:
                filled = [position for position, value in enumerate(values) if value is not None]
                if filled:
                    compte, place = plural(len(filled), "adresse"), locate(name, filled[0], champ)
                    withheld.append(
                        finding("courriel-non-publie", place, champ=champ, valeur=len(filled), compte=compte)
                    )
                columns[champ] = [None] * len(values)
                fields.append(replace(field, required=False, unique=False))
                continue
            columns[champ] = safe = [safe_text(value) if isinstance(value, str) else value for value in values]
            changed = [position for position, value in enumerate(values) if safe[position] != value]
            for position in changed:
                place = locate(name, position, champ)
                neutralised.append(finding("texte-neutralise", place, champ=champ, valeur=_short(values[position])))
            longest = max((len(safe[position]) for position in changed), default=0)
            grown = field.max_length is not None and longest > field.max_length
            fields.append(replace(field, max_length=longest) if grown else field)
        public[name] = make_table(schema, columns)
        public_schemas[name] = replace(schema, fields=tuple(fields))
    return public, public_schemas, withheld + neutralised


def _short(text: str) -> str:
    line = " ".join(text.split()) or text
    return line if len(line) <= _SHOWN else line[:_SHOWN].rstrip() + " …"
