"""The files that people bring, read together: published documents, workbooks and CSV of any layout, one contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tabellion.findings import Finding, TabellionError
from tabellion.importing.contract import ImportedContract
from tabellion.importing.correspondence import Choices, Correspondence
from tabellion.importing.doors import DocumentText, document_text
from tabellion.importing.foreign import ForeignReader, is_amount
from tabellion.importing.headings import is_fiche_start
from tabellion.importing.joining import joined
from tabellion.importing.lines import decode, split_lines
from tabellion.importing.reader import read_document
from tabellion.importing.tables import ImportedTables
from tabellion.importing.words import ImportWords


@dataclass(frozen=True)
class ImportedFiles:
    """What several files say: the contract, what is asked of staff, the text whose lines the account numbers.

    ``text`` is ``None`` for one text file, whose lines are its own. ``adds`` says that the files have no convention, no
    fiche and no budget: they only add to a contract.
    """

    contract: ImportedContract
    correspondence: Correspondence
    text: bytes | None
    adds: bool


def read_files(
    paths: Sequence[Path], words: ImportWords, choices: Choices, current: ImportedTables | None = None
) -> ImportedFiles:
    """Read files by their content. ``choices`` are what staff decided; ``current`` the tables of the contract there is.

    Raises ``TabellionError`` with all that keeps a file from being read.
    """
    correspondence = Correspondence(choices)
    texts, refused = list[tuple[str, DocumentText]](), list[Finding]()
    for path in paths:
        try:
            texts.append((path.name, document_text(path)))
        except TabellionError as error:
            refused += [finding if finding.place.fichier else finding.in_file(path.name) for finding in error.findings]
    documents, tables = list[tuple[str, DocumentText]](), list[tuple[str, DocumentText]]()
    for name, text in texts:
        (tables if _is_table(name, text, words, choices) else documents).append((name, text))
    contracts, findings = list[tuple[str, ImportedContract]](), list[Finding]()
    written = list[bytes]()
    for name, text in documents:
        findings += text.notices
        try:
            contracts.append((name, read_document(text.data, name, correspondence, words, extracted=text.extracted)))
        except TabellionError as error:
            if _is_unknown(text, error):
                tables.append((name, text))
                findings = [finding for finding in findings if finding not in text.notices]
                continue
            refused += [*text.notices, *error.findings]
        written.append(text.data)
    if refused:
        raise TabellionError(refused)
    adds = False
    if tables:
        findings += [notice for _, text in tables for notice in text.notices]
        known = joined(contracts).tables if contracts else {}
        reader = ForeignReader([grid for _, text in tables for grid in text.grids], words, correspondence, known)
        reader.find()
        adds = not contracts and reader.only_adds
        if adds:
            reader = ForeignReader(reader.grids, words, correspondence, current)
            reader.find()
        contracts.append((", ".join(name for name, _ in tables), reader.read()))
        written.append("\n".join(line.texte for line in reader.lines).encode() + b"\n")
    whole = joined(contracts) if len(contracts) > 1 else contracts[0][1]
    whole = replace(whole, findings=(*findings, *whole.findings))
    is_plain = len(texts) == 1 and not tables and not texts[0][1].extracted
    return ImportedFiles(whole, correspondence, None if is_plain else b"".join(map(_ended, written)), adds)


def _is_table(name: str, text: DocumentText, words: ImportWords, choices: Choices) -> bool:
    """Whether a file holds tables of other people, and no published document."""
    if not text.grids:
        return False
    try:
        decoded, _ = decode(text.data, name)
    except TabellionError:
        return False
    if any(is_fiche_start(line) for line in split_lines(decoded)):
        return False
    return ForeignReader(list(text.grids), words, Correspondence(choices)).has_tables()


def _is_unknown(text: DocumentText, error: TabellionError) -> bool:
    """Whether a file is sheets of amounts that nothing in it explains: what they are is asked."""
    is_no_document = any(finding.code == "document-sans-convention" for finding in error.findings)
    return is_no_document and any(is_amount(value) for grid in text.grids for row in grid.rows for value in row)


def _ended(text: bytes) -> bytes:
    return text if text.endswith(b"\n") else text + b"\n"
