"""What bears several names from one contract to the next: the names that are one, as data that staff may extend."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeGuard

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.mistakes import toml_of
from tabellion.wording import fold, nearest

#: The file of the starter kit; the same sections in ``ensemble.toml`` are added to it.
NAMES_FILE = "noms-communs.toml"
#: The tables whose titles are put together under a common name; each is a section of the file.
NAMED_TABLES = ("conventions", "piliers")
_ACRONYMS, _GENERIC = "sigles", "generiques"
SECTIONS = (*NAMED_TABLES, _ACRONYMS, _GENERIC)
_NUMBER = re.compile(r"^\s*(?:(?:convention|pilier|enjeu|axe|orientation)\s+)?(?:\d+|[ivx]+)\s*[-.:)/]\s*")
_WORD = re.compile(r"[a-z0-9]+")
_ARTICLES = {"a", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "ou", "pour", "s", "sur"}
#: What only says the kind of body, which people write or leave out.
_LEGAL = {"ass", "asso", "association", "sa", "saem", "scic", "sarl"}
#: A word as short keeps its s or its x: « bus », « prix ».
_SHORT = 4


@lru_cache(maxsize=65536)
def name_key(text: str) -> str:
    """The words of a name that tell it from others, in the order of the alphabet; empty where it has none.

    Case, accents, a number before it, the order of words, articles and plurals do not count.
    """
    words = (_singular(word) for word in _WORD.findall(_NUMBER.sub("", fold(text))) if word not in _ARTICLES)
    return " ".join(sorted(set(words)))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > _SHORT and word[-1] in "sx" else word


@dataclass(frozen=True)
class CommonNames:
    """The common name of each title, by table and key of the title; acronyms and generic names, by their keys."""

    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    acronyms: Mapping[str, str] = field(default_factory=dict)
    generic: frozenset[str] = frozenset()

    def known(self, table: str, title: str) -> str | None:
        """The common name that ``title`` is declared to have; ``None`` where nothing says one."""
        return self.titles.get(table, {}).get(name_key(title))

    def partner_key(self, name: str) -> str:
        """By what a partner or a funder is known: its words, acronyms written out, without its legal form."""
        words = _WORD.findall(fold(name))
        whole = name_key(" ".join(self.acronyms.get(word, word) for word in words))
        return " ".join(word for word in whole.split() if word not in _LEGAL) or whole

    def is_generic(self, key: str) -> bool:
        """Whether many bodies bear this name (a key of :meth:`partner_key`), each in its own town or region."""
        return not key or key in self.generic

    def near(self, table: str, title: str, others: Collection[str]) -> str | None:
        """The common name, or the title among ``others``, that ``title`` most likely means."""
        return nearest(title, sorted({*self.titles.get(table, {}).values(), *others} - {title}))


def load_common_names(kit: Path, own: Mapping[str, object] = MappingProxyType({}), fichier: str = "") -> CommonNames:
    """The names of the file at ``kit``, and those of ``own`` (the same sections, of the file named ``fichier``).

    What is said in ``own`` wins. Raises :class:`TabellionError` with everything in either that is not understood.
    """
    content = toml_of(kit)
    if isinstance(content, str):
        raise TabellionError([finding("gabarit-faux", Place(kit.name), valeur=kit.name, detail=content)])
    mistakes: list[Finding] = []
    titles: dict[str, dict[str, str]] = {table: {} for table in NAMED_TABLES}
    acronyms: dict[str, str] = {}
    generic: list[str] = []
    for name, sections in ((kit.name, content), (fichier, own)):
        of_file = _Sections(name, sections, mistakes)
        for table in NAMED_TABLES:
            titles[table].update(of_file.titles(table))
        acronyms.update(of_file.acronyms())
        generic += of_file.generic()
    if mistakes:
        raise TabellionError(mistakes)
    names = CommonNames(titles, acronyms)
    return CommonNames(titles, acronyms, frozenset(map(names.partner_key, generic)))


@dataclass(frozen=True)
class _Sections:
    """The sections of one file; what is not understood goes to ``mistakes``."""

    fichier: str
    sections: Mapping[str, object]
    mistakes: list[Finding]

    def titles(self, table: str) -> dict[str, str]:
        """The common name by the key of each of its names."""
        by_key: dict[str, str] = {}
        for common, others in self._items(table):
            if not _is_texts(others):
                self._say(f"[{table}] « {common} » : il faut une liste de noms entre guillemets")
                continue
            for title in (common, *others):
                if by_key.setdefault(name_key(title), common) != common:
                    self._say(f"[{table}] « {title} » est à la fois « {by_key[name_key(title)]} » et « {common} »")
        return by_key

    def acronyms(self) -> dict[str, str]:
        """The words of each acronym."""
        pairs = list(self._items(_ACRONYMS))
        for acronym, words in pairs:
            if not isinstance(words, str):
                self._say(f"[{_ACRONYMS}] {acronym} : il faut son nom entre guillemets")
        return {fold(acronym): words for acronym, words in pairs if isinstance(words, str)}

    def generic(self) -> list[str]:
        """The names that many bear."""
        generic: list[str] = []
        for key, names in self._items(_GENERIC):
            if key != "noms" or not _is_texts(names):
                self._say(f"[{_GENERIC}] {key} : il faut « noms », une liste de noms entre guillemets")
            else:
                generic += names
        return generic

    def _items(self, section: str) -> Iterable[tuple[str, object]]:
        content = self.sections.get(section, {})
        if isinstance(content, dict):
            return content.items()
        self._say(f"[{section}] : il faut une section, un nom par ligne")
        return ()

    def _say(self, detail: str) -> None:
        self.mistakes.append(finding("gabarit-faux", Place(self.fichier), valeur=self.fichier, detail=detail))


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
