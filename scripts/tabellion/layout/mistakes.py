"""What is wrong in a TOML file that pydantic reads, in French: every mistake at once, each with its key.

A model says what it expects of a field by the field's ``description`` (``"une couleur, comme 12355B"``): that is what
people read, whatever pydantic found wrong. Without one, the kind of mistake decides.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tabellion.wording import nearest, system_reason

#: What is expected where pydantic finds a mistake of one of these types, or of one that begins so.
_EXPECTED = {
    "string": "un texte entre guillemets",
    "bool": "true ou false, sans guillemets",
    "int": "un nombre entier",
    "float": "un nombre",
    "date": "une date, comme 2016-11-30",
    "list": "une liste",
    "tuple": "une liste",
    "dict": "une section",
    "model": "une section",
    "too_short": "au moins une valeur",
}


@dataclass(frozen=True)
class Mistake:
    """One mistake of a file: the dotted ``key``, the ``value`` found, what was ``expected``.

    ``is_missing`` says that a key that is needed is not there; ``is_unknown`` that nothing reads this key: ``expected``
    is then the known name that it resembles, or empty.
    """

    key: str
    value: Any
    expected: str
    is_missing: bool = False
    is_unknown: bool = False

    @property
    def detail(self) -> str:
        """The mistake as the end of a sentence."""
        if self.is_unknown:
            return f"ce nom n'existe pas{near_miss(self.expected)}"
        return f"il faut {self.expected}" + ("" if self.is_missing else f", trouvé : {self.value}")


def near_miss(name: str | None) -> str:
    """The end of a message about an unknown name: the one that was probably meant."""
    return f", vouliez-vous dire « {name} » ?" if name else ""


def toml_of(path: Path) -> dict[str, Any] | str:
    """What a TOML file says, or the reason why it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return system_reason(error)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return "TOML mal formé ou pas en UTF-8"


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Mistake]:
    """Every mistake that pydantic found, in the order of the file."""
    for details in error.errors(include_url=False):
        *parents, name = details["loc"]
        owner = _owner(model, parents)
        key = dotted(details["loc"])
        if details["type"] == "extra_forbidden":
            close = nearest(str(name), (field.alias or other for other, field in owner.model_fields.items()))
            yield Mistake(key, details["input"], close or "", is_unknown=True)
        else:
            field = _field(owner, str(name))
            is_missing = details["type"] == "missing"
            yield Mistake(key, None if is_missing else details["input"], _expected(details, field), is_missing)


def dotted(parts: Iterable[int | str]) -> str:
    """A key as people find it in the file, places in a list counted from 1: ``formulaire[2].colonnes[1].role``."""
    text = ""
    for part in parts:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _expected(details: ErrorDetails, field: FieldInfo | None) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if field is not None and field.description:
        return field.description
    if kind == "value_error":
        return str(context["error"])
    if kind in ("enum", "literal_error"):
        return f"l'une de ces valeurs : {context['expected'].replace(' or ', ' ou ')}"
    if kind == "missing":
        return "ce réglage"
    return next((words for start, words in _EXPECTED.items() if kind.startswith(start)), "une autre valeur")


def _owner(model: type[BaseModel], parents: Iterable[int | str]) -> type[BaseModel]:
    """The model that reads the keys under ``parents``."""
    for part in parents:
        field = _field(model, part) if isinstance(part, str) else None
        found = next(_models(field.annotation), None) if field is not None else None
        model = found or model
    return model


def _field(model: type[BaseModel], name: str) -> FieldInfo | None:
    return next((field for other, field in model.model_fields.items() if name in (other, field.alias)), None)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation: ``list[X]``, ``X | None``, ``dict[str, X]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
