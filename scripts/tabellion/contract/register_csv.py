"""One CSV of the register read against its schema, also as a spreadsheet saved it; every mistake at its line."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

from tabellion.findings import Finding, Place, Severity, finding
from tabellion.schema import TableSchema
from tabellion.schema.cast import cast_column
from tabellion.schema.csv_text import csv_remedy, is_as_written, parse_csv_text
from tabellion.schema.tables import Column
from tabellion.transaction.files import in_the_way
from tabellion.wording import plural, shortened, system_reason

#: One CSV field never holds more than this many characters; beyond, the file is not one of ours.
_LONGEST_FIELD = 1_000_000
_DELIMITERS = ",;\t"
_BLANKS = " \t\r\n\u00a0"
_HINT = "sep="
_SHOWN = 200


class CsvTableReader:
    """Reads one CSV against its schema and keeps every mistake, each at its line.

    Blank rows and columns do not count. A French spreadsheet saves semicolons, the characters of Windows, decimal
    commas: all that is read, and said once for the file.
    """

    def __init__(self, path: Path, schema: TableSchema, described: frozenset[str]) -> None:
        self.path, self.schema, self.described = path, schema, described
        self.findings: list[Finding] = []
        self.row_lines: list[int] = []
        self.unknown: set[tuple[int, str]] = set()
        self.digest = b""
        """Of the file's bytes; empty where they could not be read."""
        self.is_cut = False
        """Whether rows of the file, or all of it, could not be read."""
        self.otherwise: list[str] = []
        """What the file writes otherwise than the program, in words."""

    def columns(self) -> dict[str, Column]:
        """The typed columns; empty when the file could not be read at all."""
        text = self._text()
        header, rows = self._rows(text) if text is not None else ([], [])
        header, rows = _without_blank_columns(header, rows)
        if not self._header_is_good(header) or not header:
            self.is_cut = True
            return {}
        columns: dict[str, Column] = {}
        spelt: list[str] = []
        columns_of_texts = list(zip(*rows, strict=True)) or [()] * len(header)
        for name in self.schema.names:
            if name not in header:
                columns[name] = [None] * len(rows)
                continue
            position, field = header.index(name), self.schema.by_name[name]
            texts = columns_of_texts[position]
            known = dict.fromkeys(texts)  # most texts of a column come back: each is read once
            cast = cast_column(field, [parse_csv_text(field, text) for text in known])
            value_of = dict(zip(known, cast.values, strict=True))
            columns[name] = list(map(value_of.__getitem__, texts))
            if cast.problems:  # each is said at its line
                cast = cast_column(field, [parse_csv_text(field, text) for text in texts])
            self.unknown |= {(position, name) for position in cast.unknown}
            for problem in cast.problems:
                place, text = Place(str(self.path), ligne=self.row_lines[problem.position]), texts[problem.position]
                self.findings.append(
                    finding(
                        problem.code, place, champ=name, valeur=shortened(text, _SHOWN), attendu=field.expected,
                        suggestion=csv_remedy(field, text) or problem.suggestion, titre=field.title,
                    )
                )  # fmt: skip
            otherwise = {
                text for text, value in value_of.items() if value is not None and not is_as_written(field, text)
            }
            spelt += [f"« {shortened(text, _SHOWN)} »" for text in (texts if otherwise else ()) if text in otherwise]
        if spelt:
            values = plural(len(spelt), "valeur écrite", "valeurs écrites")
            self.otherwise.append(f"{values} autrement que dans le registre (la première est {spelt[0]})")
        if self.otherwise:
            place, words = Place(str(self.path), ligne=1), " ; ".join(self.otherwise)
            self.findings.append(finding("registre-de-tableur", place, valeur=words))
        return columns

    def _text(self) -> str | None:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            self.findings.append(finding("registre-absent", Place(str(self.path)), valeur=self.path.name))
            return None
        except OSError as error:
            if (folder := in_the_way(self.path)) is not None:
                self.is_cut = True
                self.findings.append(folder)
            else:
                self._unreadable(None, system_reason(error), "Vérifiez les droits de lecture du fichier.")
            return None
        self.digest = hashlib.sha256(content).digest()
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            self._unreadable(
                line,
                "le fichier n'est ni en UTF-8, ni dans les caractères de Windows",
                "Enregistrez-le au format « CSV UTF-8 ».",
            )
            return None
        self.otherwise.append("caractères de Windows (cp1252)")
        return text

    def _unreadable(self, line: int | None, detail: str, remede: str) -> None:
        self.is_cut = True
        place = Place(str(self.path), ligne=line)
        self.findings.append(finding("registre-illisible", place, detail=detail, remede=remede))

    def _rows(self, text: str) -> tuple[list[str], list[list[str]]]:
        header: list[str] = []
        rows: list[list[str]] = []
        csv.field_size_limit(_LONGEST_FIELD)
        delimiter = self._delimiter(text)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
        line = 1
        try:
            for row in reader:
                start, line = line, reader.line_num + 1
                if not "".join(row).strip(_BLANKS if header else _BLANKS + _DELIMITERS):
                    continue
                if not header and len(row) <= 2 and row[0].lower().startswith(_HINT):
                    continue  # tells Excel the delimiter
                if not header:
                    header = [name.strip() for name in row]
                    continue
                while len(row) > len(header) and not row[-1].strip():
                    row.pop()
                if len(row) != len(header):
                    place = Place(str(self.path), ligne=start)
                    self.is_cut = True
                    self.findings.append(finding("ligne-de-travers", place, valeur=len(row), attendu=len(header)))
                else:
                    rows.append(row)
                    self.row_lines.append(start)
        except csv.Error:
            self._unreadable(
                line,
                "guillemet mal placé ou jamais refermé",
                "Doublez les guillemets à l'intérieur d'un texte entre guillemets.",
            )
        return header, rows

    def _delimiter(self, text: str) -> str:
        """What separates the columns: the sign that makes most names of the header known."""
        lines = (line for line in text.splitlines() if line.strip(' \t,;"') and not line.lower().startswith(_HINT))
        first = next(lines, "")
        names = set(self.schema.names)
        known = {mark: len(names & {name.strip(' "') for name in first.split(mark)}) for mark in _DELIMITERS}
        best = max(_DELIMITERS, key=lambda mark: known[mark])
        if best != _DELIMITERS[0]:
            self.otherwise.append(
                f"colonnes séparées par {'des points-virgules' if best == ';' else 'des tabulations'}"
            )
        return best

    def _header_is_good(self, header: list[str]) -> bool:
        if not header:
            if not self.findings:
                self._unreadable(1, "le fichier est vide", "Remettez au moins la ligne des noms de colonnes.")
            return False
        place = Place(str(self.path), ligne=1)
        missing = [name for name in self.schema.names if name not in header]
        unknown = [n for n in dict.fromkeys(header) if n not in self.schema.names or header.count(n) > 1]
        for name in missing:
            if not unknown and self.schema.is_optional(name):
                # A column that was there once took its values with it: that is more than a notice.
                gravite = Severity.AVERTISSEMENT if name in self.described else None
                code, shown = "colonne-facultative-absente", self.schema.title
            else:
                gravite, code, shown = None, "colonne-absente-du-registre", shortened(", ".join(header), _SHOWN)
            self.findings.append(finding(code, place, champ=name, valeur=shown, gravite=gravite))
        for name in unknown:
            near = difflib.get_close_matches(name, missing, 1)
            proche = f" ; vouliez-vous dire « {near[0]} » ?" if near else " (ou elle y est deux fois)."
            shown = name or "(sans nom)"
            self.findings.append(finding("colonne-inconnue-du-registre", place, champ=shown, proche=proche))
        return not any(finding.code == "colonne-absente-du-registre" for finding in self.findings)


def _without_blank_columns(header: list[str], rows: Iterable[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The table without the columns that have neither name nor value: a spreadsheet saves those that were formatted."""
    rows = list(rows)
    kept = [place for place, name in enumerate(header) if name or any(row[place].strip() for row in rows)]
    if len(kept) == len(header):
        return header, rows
    return [header[place] for place in kept], [[row[place] for place in kept] for row in rows]
