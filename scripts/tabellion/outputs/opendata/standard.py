"""A format of the State as data: the fields of a Table Schema, read from ``templates/export/*.json``.

Nothing of it is known to the code but what its fields ask of a value; a new version of the format is a new file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabellion.findings import Place, TabellionError, finding
from tabellion.outputs.opendata.safety import safe_text
from tabellion.wording import system_reason

_TYPES = ("string", "number", "date", "boolean")


@dataclass(frozen=True)
class StandardField:
    """One field: what it asks of a value, and its ``descriptor`` of the standard."""

    name: str
    title: str
    type: str
    required: bool
    pattern: re.Pattern[str] | None
    enum: tuple[str, ...]
    max_length: int | None
    descriptor: dict[str, Any]

    def published(self, text: str) -> str:
        """The value as the file holds it: a text that a spreadsheet would run is made harmless."""
        return safe_text(text) if self.type == "string" else text

    def fault(self, text: str) -> str | None:
        """What keeps a value from being published, in French (``""`` is no value); ``None`` for a right one."""
        title = self.title[:1].lower() + self.title[1:]
        if not text:
            return title if self.required else None
        if self.pattern is not None and self.pattern.fullmatch(text) is None:
            return f"{title} (« {text} » n'a pas la forme attendue)"
        if self.enum and text not in self.enum:
            return f"{title} (« {text} » n'est pas dans la liste)"
        if self.max_length is not None and len(text) > self.max_length:
            return f"{title} (plus de {self.max_length} caractères)"
        if self.max_length is not None and len(self.published(text)) > self.max_length:
            reason = "avec l'apostrophe qui neutralise son signe de formule"
            return f"{title} (plus de {self.max_length} caractères {reason})"
        return None


@dataclass(frozen=True)
class Standard:
    """A format: its name, its version, the page of the State that documents it, its fields in the order of the file."""

    name: str
    title: str
    version: str
    page: str
    fields: tuple[StandardField, ...]

    @property
    def schema(self) -> dict[str, Any]:
        """The Table Schema of a file of this format."""
        return {
            "name": self.name,
            "title": self.title,
            "version": self.version,
            "homepage": self.page,
            "fields": [each.descriptor for each in self.fields],
            "missingValues": [""],
        }


def load_standard(path: Path) -> Standard:
    """Read a format; raises :class:`TabellionError` when the file is missing or is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        fields = tuple(_field(each) for each in content["fields"])
        texts = [content[name] for name in ("name", "title", "version", "homepage")]
        if not fields or not all(isinstance(each, str) and each for each in texts):
            raise ValueError("il faut name, title, version, homepage et au moins un champ")
        name, title, version, page = texts
        return Standard(name, title, version, page, fields)
    except OSError as error:
        detail = system_reason(error)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        detail = "ce n'est pas du JSON en UTF-8"
    except (KeyError, TypeError, AttributeError) as error:
        detail = f"il y manque {error}" if isinstance(error, KeyError) else "ce n'est pas un Table Schema"
    except re.error as error:
        detail = f"« {error.pattern!s} » n'est pas une expression régulière"
    except ValueError as error:
        detail = str(error)
    raise TabellionError([finding("gabarit-faux", Place(str(path)), valeur=path.name, detail=detail)])


def _field(content: Any) -> StandardField:
    rules = content.get("constraints", {})
    name, type_, title = content["name"], content["type"], content.get("title", content["name"])
    if type_ not in _TYPES:
        raise ValueError(f"le champ « {name} » est de type « {type_} », attendu : {', '.join(_TYPES)}")
    pattern, longest = rules.get("pattern"), rules.get("maxLength")
    if not all(isinstance(each, str) for each in (name, title)) or not isinstance(longest, int | None):
        raise TypeError
    return StandardField(
        name=name,
        title=title,
        type=type_,
        required=rules.get("required") is True,
        pattern=None if pattern is None else re.compile(pattern),
        enum=tuple(rules.get("enum", ())),
        max_length=longest,
        descriptor=content,
    )
