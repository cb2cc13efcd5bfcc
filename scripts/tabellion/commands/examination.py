"""What ``validate`` does to each file in the child that reads it; what only masters need is loaded for one."""

from __future__ import annotations

from dataclasses import dataclass

from tabellion.campaign.parsed_return import Examiner, ParsedReturn, is_form
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, counted
from tabellion.reading.raw import RawWorkbook


@dataclass(frozen=True)
class Examination:
    """Done to each file in the child that reads it, under its limits: also to one file alone, and to masters."""

    workspace: Workspace
    examiner: Examiner | None

    def __call__(self, workbook: RawWorkbook) -> ParsedReturn | tuple[Finding, ...] | None:
        """The return examined, or what is said of a workbook that is no return; ``None`` for a return that nothing can
        be compared with.
        """
        if not is_form(workbook):
            from tabellion.commands.validate import check_master

            return tuple(counted(check_master(self.workspace, workbook)))
        if self.examiner is None:
            return None
        examination = self.examiner(workbook)
        return examination if isinstance(examination, ParsedReturn) else ()
