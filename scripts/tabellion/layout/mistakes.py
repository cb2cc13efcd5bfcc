"""What is wrong in a TOML file that pydantic reads, in French: every mistake at once, each with its key.

A model says what it expects of a field by the field's ``description`` (``"une couleur, comme 12355B"``): that is what
people read, whatever pydantic found wrong. Without one, the kind of mistake decides.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args

from tabellion.findings import Finding, Json, Place, TabellionError, finding
from tabellion.wording import nearest, system_reason

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound="BaseModel")

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
    value: object
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


def toml_of(path: Path) -> Json | str:
    """What a TOML file says, or the reason why it cannot be read, in French."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return system_reason(error)
    except UnicodeDecodeError:
        return "le fichier n'est pas en UTF-8"
    except tomllib.TOMLDecodeError as error:  # its place is only in its English message
        _, _, place = str(error).rpartition("(at ")
        for english, french in (("line", "ligne"), ("column", "colonne"), ("end of document", "fin du fichier")):
            place = place.replace(english, french)
        return f"TOML mal formé, {place.rstrip(')')}"


def read_model(path: Path, model: type[Model], say: Callable[[Path, str, str], Finding]) -> Model:
    """What a TOML file says, as a pydantic model has it.

    Raises :class:`TabellionError` with every mistake: what ``say`` says of the file, a key and what is wrong there.
    """
    from pydantic import ValidationError

    content = toml_of(path)
    if isinstance(content, str):
        raise TabellionError([say(path, path.name, content)])
    try:
        return model.model_validate(content)
    except ValidationError as error:
        mistakes = [say(path, mistake.key, mistake.detail) for mistake in mistakes_of(error, model)]
        raise TabellionError(mistakes) from error


def layout_mistake(path: Path, key: str, detail: str) -> Finding:
    """What is said of a mistake in one of the templates that lay sheets out; of the whole file, by its own name."""
    champ = path.name if key == path.name else f"{path.name} : {key}"
    return finding("mise-en-page-fausse", Place(str(path)), champ=champ, detail=detail)


def fields_of(model: type) -> dict[str, FieldInfo]:
    """The fields of a model or of a pydantic dataclass, by their names in the file; none for another type."""
    fields: Mapping[str, FieldInfo] = getattr(model, "__pydantic_fields__", {})
    return {str(field.validation_alias or name): field for name, field in fields.items()}


def mistakes_of(error: ValidationError, model: type) -> Iterator[Mistake]:
    """Every mistake that pydantic found, in the order of the file."""
    for details in error.errors(include_url=False):
        *parents, name = details["loc"]
        owner = _owner(model, parents)
        key = dotted(details["loc"])
        if details["type"] == "extra_forbidden":
            close = nearest(str(name), fields_of(owner))
            yield Mistake(key, details["input"], close or "", is_unknown=True)
        else:
            field = fields_of(owner).get(str(name))
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
    if kind == "value_error":  # raised by a validator of ours, which says it best
        return str(context["error"])
    if field is not None and field.description:
        return field.description
    if kind in ("enum", "literal_error"):
        return f"l'une de ces valeurs : {context['expected'].replace(' or ', ' ou ')}"
    if kind == "missing":
        return "ce réglage"
    return next((words for start, words in _EXPECTED.items() if kind.startswith(start)), "une autre valeur")


def _owner(model: type, parents: Iterable[int | str]) -> type:
    for part in parents:
        field = fields_of(model).get(str(part))
        model = model if field is None else next(_models(field.annotation), model)
    return model


def _models(annotation: object) -> Iterator[type]:
    """The models inside an annotation: ``list[X]``, ``X | None``, ``dict[str, X]``."""
    if isinstance(annotation, type) and fields_of(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
