"""``tabellion validate``: workbooks and returns read back, checked, and every anomaly named at its cell."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from tabellion.campaign.adoption import load_adoption
from tabellion.campaign.books import read_book
from tabellion.campaign.decisions import Decisions, load_decisions
from tabellion.campaign.folder import list_returns
from tabellion.campaign.journal import glance_at_journal
from tabellion.campaign.leftovers import Leftover, leftover_findings, leftover_kind
from tabellion.campaign.parsed_return import Examiner, ParsedReturn
from tabellion.campaign.read_returns import ReadProgress, check_rows_apart
from tabellion.campaign.same_lines import apart_lines
from tabellion.campaign.saves import Saves, load_saves
from tabellion.campaign.staff import accept
from tabellion.checks.contract import check_meaning
from tabellion.commands.examination import Examination
from tabellion.commands.source import load_source
from tabellion.contract.book import NO_THEME, Book
from tabellion.contract.folders import JOURNAL
from tabellion.contract.register import load_register
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, counted, finding
from tabellion.layout.forms import read_key
from tabellion.layout.theme import load_theme
from tabellion.reading import RawWorkbook, read_workbooks
from tabellion.reading.references import references
from tabellion.wording import system_reason

#: How a workbook's name ends: a folder of such a name is refused as a workbook is.
_WORKBOOKS = frozenset({".xlsx", ".xlsm"})


def validate(workspace: Workspace, paths: Sequence[Path]) -> list[Finding]:
    """All findings of :func:`validate_files`, one file after the other."""
    return [finding for findings in validate_files(workspace, paths) for finding in findings]


def validate_files(
    workspace: Workspace, paths: Sequence[Path], progress: ReadProgress | None = None
) -> list[list[Finding]]:
    """Read each workbook, check it, and return its findings, file by file, each with its file, sheet and cell.

    A file that cannot be read gives the findings that refuse it, and does not stop the others. Returns are examined in
    the processes that read them, and their rows validated in one pass. Raises :class:`TabellionError` when a return
    cannot be compared with the register. ``progress`` is told how many files are read.
    """
    by_file: list[list[Finding]] = []
    returns = _Returns(workspace)
    for number, outcome in enumerate(read_workbooks(paths, then=Examination(workspace, returns.examiner))):
        if isinstance(outcome, ParsedReturn):
            by_file.append(returns.keep(number, outcome))
        elif outcome is None:
            raise returns.refusal
        else:
            by_file.append(list(outcome))
        if progress is not None:
            progress(number + 1, len(paths))
    for number, findings in returns.check().items():
        by_file[number] += findings
    return [
        [finding.in_file(path.name) for finding in counted(findings)]
        for path, findings in zip(paths, by_file, strict=True)
    ]


def annotate_files(
    workspace: Workspace, paths: Sequence[Path], findings: Sequence[Sequence[Finding]], folder: Path, now: datetime
) -> list[Path]:
    """Write into ``folder`` the annotated copy of each file that has findings; return what was written.

    Raises :class:`TabellionError` when the layout is wrong, or ``folder`` cannot be written or holds an original.
    """
    from tabellion.xlsx.annotation import annotate

    theme = load_theme(workspace.layout, workspace.schemas)
    return annotate(zip(paths, findings, strict=True), folder, theme, now)


def check_master(workspace: Workspace, workbook: RawWorkbook) -> list[Finding]:
    """Everything there is to say about one master workbook: what of it would count, what would not, what is wrong."""
    base, adoption, saves, decisions = None, "", Saves(), Decisions()
    with suppress(TabellionError):
        adoption, saves = load_adoption(workspace.registre).name, load_saves(workspace)
        decisions = load_decisions(workspace.registre)
        base = load_register(workspace.registre, workspace.schemas, workspace.settings)
        base = replace(base, fichier=workspace.registre.name)
    tables, settings = (None, workspace.settings) if base is None else (base.tables, base.settings)
    read = read_book(
        workbook, workbook.fichier, settings, workspace.schemas, NO_THEME, tables, saves.added, saves.renames
    )
    state = accept(read, base, saves, adoption=adoption, decisions=decisions)
    if not read.tables:
        return list(state.findings)
    apart = apart_lines(state.book, decisions)
    return [*state.findings, *check_meaning(replace(state.book, findings=(), apart=apart))]


def files_of(paths: Sequence[Path]) -> tuple[list[Path], list[Finding]]:
    """The files to check: of a folder, those that would count as returns; and what is said of what was passed over.

    Raises :class:`TabellionError` when a folder cannot be listed.
    """
    files, findings = list[Path](), list[Finding]()
    passed_over = list[Leftover]()
    for path in paths:
        is_folder = path.is_dir()
        kind = leftover_kind(path.name, is_folder=is_folder)
        if kind is not None:
            passed_over.append(Leftover(path.name, kind))
        elif is_folder and path.suffix.lower() not in _WORKBOOKS:
            try:
                listing = list_returns(path, path)
            except OSError as error:
                name, detail = str(error.filename or path), system_reason(error)
                raise TabellionError([finding("dossier-illisible", Place(name), valeur=name, detail=detail)]) from error
            taken = [file.path for file in listing.files if not file.is_set_aside]
            files += taken
            if not taken:
                findings.append(finding("dossier-sans-retour", Place(path.name), valeur=path.name))
            findings += leftover_findings(listing.leftovers, path.name)
        else:
            files.append(path)
    return files, [*findings, *leftover_findings(passed_over)]


@dataclass
class _Returns:
    """The returns among the files: each examined by itself, their rows validated together."""

    workspace: Workspace
    examined: dict[int, ParsedReturn] = field(default_factory=dict)
    refusal: TabellionError = field(default_factory=lambda: TabellionError([]))
    """Why there is no :attr:`examiner`."""

    @cached_property
    def book(self) -> Book:
        """The contract that returns refer to, as the nightly run would start from it.

        Raises :class:`TabellionError` when it cannot be read.
        """
        with glance_at_journal(self.workspace.memory / JOURNAL) as journal:
            return load_source(self.workspace, journal).book

    @cached_property
    def examiner(self) -> Examiner | None:
        """What examines each return; ``None`` without a register, which matters only if a return comes."""
        try:
            known = references(self.book.tables, self.workspace.schemas)
        except TabellionError as error:
            self.refusal = error
            return None
        return Examiner(self.workspace.schemas, known, self.book.settings, read_key(self.workspace.envois))

    def keep(self, number: int, examination: ParsedReturn) -> list[Finding]:
        """Keep one return for :meth:`check`; what is said of it alone."""
        self.examined[number] = examination
        return list(examination.findings)

    def check(self) -> dict[int, list[Finding]]:
        """What the schemas say of all rows, by file."""
        if not self.examined:
            return {}
        return check_rows_apart(self.examined, self.book)
