"""The workspace's own texts, in ``templates/textes/``: paragraphs, with the titles and the lists of Markdown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tabellion.findings import Finding, Place, finding
from tabellion.wording import system_reason

#: The workspace's own notice, in place of the program's.
NOTICE = "avertissement"
_ENDINGS = (".md", ".txt")
#: A text of the workspace is a few paragraphs.
_LONGEST_BYTES = 1_000_000
_OF_CONVENTION = re.compile(r"convention[-_ ]?0*(\d{1,3})")
#: What starts a paragraph of its own, and the marks that Markdown puts around words in bold.
_TITLE, _BULLET = re.compile(r"#{1,6}\s+(.*)"), re.compile(r"[-*+•]\s+(.*)")
_NUMBERED = re.compile(r"\d{1,3}[.)]\s+.*")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.{1,500}?)(?<=\S)\1")
#: Files that people put in any folder.
_ELSEWHERE = ("lisezmoi", "readme")


class Paragraph(NamedTuple):
    """One paragraph of a text."""

    words: str
    is_title: bool = False


@dataclass
class Texts:
    """What was read: paragraphs by :func:`text_name` or :data:`NOTICE`, what cannot be read, what is not printed."""

    paragraphs: dict[str, tuple[Paragraph, ...]] = field(default_factory=dict)
    mistakes: list[Finding] = field(default_factory=list)
    unused: list[Finding] = field(default_factory=list)


def text_name(number: int) -> str:
    """The name, without its ending, of the workspace's text before a convention: ``convention-03``."""
    return f"convention-{number:02d}"


def read_texts(folder: Path, conventions: Collection[int]) -> Texts:
    """Read the texts of a contract with these conventions; a file that is none of them is said, never just left."""
    found = Texts()
    taken: dict[str, Path] = {}
    for path in sorted(folder.glob("*")):
        stem = path.stem.casefold()
        if path.name.startswith((".", "~")) or stem in _ELSEWHERE or not path.is_file():
            continue
        of_convention = _OF_CONVENTION.fullmatch(stem)
        key = text_name(int(of_convention[1])) if of_convention is not None else stem
        if path.suffix.lower() not in _ENDINGS:
            detail = "seuls les textes .md et .txt le sont"
        elif of_convention is None and stem != NOTICE:
            detail = "son nom n'est celui d'aucun texte"
        elif of_convention is not None and int(of_convention[1]) not in conventions:
            detail = f"le contrat n'a pas de convention {int(of_convention[1])}"
        elif key in taken:
            detail = f"« {taken[key].name} » l'est déjà à cette place"
        else:
            taken[key] = path
            continue
        found.unused.append(finding("texte-inutilise", Place(str(path)), valeur=path.name, detail=detail))
    for key, path in taken.items():
        try:
            if path.stat().st_size > _LONGEST_BYTES:
                raise ValueError("il est trop long")
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            detail = "il n'est pas en UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            detail = system_reason(error) if isinstance(error, OSError) else detail
            found.mistakes.append(finding("texte-illisible", Place(str(path)), valeur=path.name, detail=detail))
            continue
        found.paragraphs[key] = tuple(paragraphs(text))
    return found


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The paragraphs of a text: a blank line ends one, and so does a title or an item of a list."""
    held: list[str] = []

    def flush() -> Iterator[Paragraph]:
        if held:
            yield Paragraph(_plain(" ".join(held)))
        held.clear()

    for line in map(str.strip, text.splitlines()):
        title, bullet = _TITLE.fullmatch(line), _BULLET.fullmatch(line)
        if title is not None or bullet is not None or _NUMBERED.fullmatch(line) is not None or not line:
            yield from flush()
        if title is not None:
            yield Paragraph(_plain(title[1].rstrip("# \t")), is_title=True)
        elif line:
            held.append(line if bullet is None else f"•\u00a0{bullet[1]}")
    yield from flush()


def _plain(words: str) -> str:
    return _BOLD.sub(r"\2", words)
