"""Guides as Word documents: ``new`` puts them into a workspace, ``forms`` the one for partners beside its forms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tabellion.contract.workspace import Workspace, starter_kit
from tabellion.layout.names import document_date
from tabellion.outputs.guides import GUIDES, PARTNER, guide_name, make_guide

#: The folder of the guides: their texts in the templates, their documents in the workbooks.
FOLDER = "guides"
#: The Word document whose styles they take, and the year of their fixed date.
_STYLES, _YEAR = "document.docx", 2026


def guide_documents(templates: Path, guides: Iterable[str] = GUIDES) -> dict[str, bytes]:
    """The documents of guides by file name, from the Markdown of ``templates``, else that of the starter kit."""
    kit = starter_kit() / "templates"
    documents = {}
    for guide in guides:
        text = next(
            path for path in (templates / FOLDER / f"{guide}.md", kit / FOLDER / f"{guide}.md") if path.is_file()
        )

        def picture(address: str, folder: Path = text.parent) -> bytes | None:
            path = (folder / address).resolve()
            return path.read_bytes() if path.is_relative_to(folder.resolve()) and path.is_file() else None

        words = text.read_text(encoding="utf-8-sig", errors="replace")
        documents[guide_name(guide)] = make_guide(words, (kit / _STYLES).read_bytes(), picture, document_date(_YEAR))
    return documents


def lacking_guides(workspace: Workspace) -> dict[Path, bytes]:
    """The guides that ``workbooks/guides/`` has not yet: one that is there may have been changed in Word, and stays."""
    folder = workspace.workbooks / FOLDER
    lacking = [guide for guide in GUIDES if not (folder / guide_name(guide)).exists()]
    return {folder / name: content for name, content in guide_documents(workspace.templates, lacking).items()}


def partner_guide(workspace: Workspace, folder: Path) -> dict[Path, bytes]:
    """The partner's guide for a folder of forms that has none: the team's own document, where there is one."""
    name = guide_name(PARTNER)
    if (folder / name).exists():
        return {}
    own = workspace.workbooks / FOLDER / name
    content = own.read_bytes() if own.is_file() else guide_documents(workspace.templates, [PARTNER])[name]
    return {folder / name: content}
