"""The command line's own French: help pages and wrong uses. Typer and click speak English and cannot be translated."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from tabellion.wording import nearest

#: The parent of every wrong use that the parser raises; newer typers moved its module, not its place in the family.
_UsageError: type = typer.BadParameter.__mro__[1]

#: click's contexts, commands, parameters and errors: newer typers have moved their classes, not what is in them.
_Click: TypeAlias = Any

_HELP_OPTIONS = ["--help", "-h"]
_WIDEST, _NARROWEST = 100, 40
_KINDS = {"integer": "un nombre entier", "float": "un nombre", "boolean": "oui ou non", "path": "un chemin"}
_KINDS |= {"int": _KINDS["integer"], "bool": _KINDS["boolean"]}


class MisuseError(Exception):
    """A command line that cannot be understood, said in French; ``context`` is that of the command it was for."""

    def __init__(self, message: str, context: _Click) -> None:
        super().__init__(message)
        self.context = context


class Command(TyperCommand):
    """A command that speaks French."""

    def format_help(self, ctx: _Click, formatter: _Click) -> None:
        """Write the help page into ``formatter``."""
        formatter.write(_help_page(self, ctx))

    def parse_args(self, ctx: _Click, args: list[str]) -> list[str]:
        """Parse as typer does, but for what is given as nothing (``""``), which would be the folder where one is.

        Raises :class:`MisuseError`.
        """
        params: list[_Click] = self.get_params(ctx)
        for param in params:
            for name in param.opts if param.param_type_name == "option" and not param.is_flag else ():
                if f"{name}=" in args or (name, "") in pairwise(args):
                    raise MisuseError(_lacks_value(name, param), ctx)
        if "" in args:
            raise MisuseError('un des arguments est vide (« "" ») : donnez ce qu\'il doit nommer, ou rien.', ctx)
        ctx.allow_extra_args = True
        extra = _in_french(super().parse_args, ctx, args)
        if extra:
            raise MisuseError(f"« {' '.join(extra)} » est de trop.", ctx)
        return extra


class Group(TyperGroup):
    """The program itself: its help lists the commands, and a mistyped command gets the nearest one."""

    def format_help(self, ctx: _Click, formatter: _Click) -> None:
        """Write the help page into ``formatter``."""
        commands = [(name, command.get_short_help_str(limit=400)) for name, command in self.commands.items()]
        formatter.write(_help_page(self, ctx, commands))

    def parse_args(self, ctx: _Click, args: list[str]) -> list[str]:
        """Parse as typer does; raises :class:`MisuseError`."""
        return _in_french(super().parse_args, ctx, args)

    def resolve_command(self, ctx: _Click, args: list[str]) -> tuple[str | None, _Click, list[str]]:
        """Find the command to run; raises :class:`MisuseError` where there is none of that name."""
        name, *arguments = args
        if name in self.commands:
            return name, self.commands[name], arguments
        raise MisuseError(f"la commande « {name} » n'existe pas{_perhaps(name, self.commands)}", ctx)


def _in_french(parse: Callable[[_Click, list[str]], list[str]], context: _Click, args: list[str]) -> list[str]:
    try:
        return parse(context, args)
    except Exception as error:
        if isinstance(error, _UsageError):
            raise MisuseError(_explained(error, context.command.get_params(context)), context) from error
        raise


def _explained(error: _Click, params: Sequence[_Click]) -> str:
    """Say in French what a mistake found by the parser says in English; its kind is known by its class's name."""
    family = {parent.__name__ for parent in type(error).__mro__}
    if "MissingParameter" in family:
        return f"il manque {_named(error.param)}."
    if "NoSuchOption" in family:
        near = _perhaps(error.option_name, [name for param in params for name in param.opts if name[1] == "-"])
        return f"l'option « {error.option_name} » n'existe pas{near}"
    if "BadOptionUsage" in family:
        param = next((param for param in params if error.option_name in param.opts), None)
        if param is not None and param.is_flag:
            return f"l'option « {error.option_name} » ne prend pas de valeur."
        return _lacks_value(error.option_name, param)
    if "BadParameter" in family and error.param is not None:
        return f"la valeur donnée pour {_named(error.param)} ne convient pas{_expected(error.param)}."
    return "cette ligne de commande ne se comprend pas."


def _lacks_value(name: str, param: _Click | None) -> str:
    return f"l'option « {name} » attend une valeur{f' ({_metavar(param)})' if param else ''}."


def refusal(error: MisuseError) -> str:
    """What a person reads after a wrong use: how the command is written, what is wrong, where to find help."""
    context = error.context
    help_line = f"« {context.command_path} {_HELP_OPTIONS[0]} » affiche l'aide."
    return f"{_usage(context.command, context)}\n\nErreur : {error}\n{help_line}"


def _help_page(command: _Click, context: _Click, commands: Sequence[tuple[str, str]] = ()) -> str:
    params = command.get_params(context)
    arguments = [(_metavar(param), param.help or "") for param in params if param.param_type_name == "argument"]
    options = [_option(param) for param in params if param.param_type_name == "option" and not param.hidden]
    about = (command.help or "").strip().replace("\n", " ")
    parts = [_usage(command, context), _wrapped(about), *_section("Arguments", arguments)]
    parts += _section("Commandes", commands)
    parts += _section("Options", options)
    if commands:
        parts.append(_wrapped(f"« {context.command_path} COMMANDE {_HELP_OPTIONS[0]} » dit tout d'une commande."))
    return "\n\n".join(parts) + "\n"


def _usage(command: _Click, context: _Click) -> str:
    params = command.get_params(context)
    pieces = ["[OPTIONS]", *(_metavar(param) for param in params if param.param_type_name == "argument")]
    if isinstance(command, TyperGroup):
        pieces.append("COMMANDE …")
    return _heading("Usage :") + " " + " ".join([context.command_path, *pieces])


def _option(param: _Click) -> tuple[str, str]:
    if _HELP_OPTIONS[0] in param.opts:
        return ", ".join(_HELP_OPTIONS), "Affiche cette aide et s'arrête."
    names = ", ".join(param.opts)
    shown = names if param.is_flag else f"{names} {_metavar(param)}"
    return shown, (param.help or "") + (" Obligatoire." if param.required else "")


def _section(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    """A titled list in two columns, the second wrapped under itself; nothing when there is no row."""
    if not rows:
        return []
    left = max(len(name) for name, _ in rows)
    lines = [_wrapped(text, "  " + name.ljust(left) + "  ", " " * (left + 4)) for name, text in rows]
    return ["\n".join([_heading(f"{title} :"), *lines])]


def _wrapped(text: str, first: str = "", others: str = "") -> str:
    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def _heading(text: str) -> str:
    return text if os.environ.get("NO_COLOR") else typer.style(text, bold=True)


def _metavar(param: _Click) -> str:
    return str(param.metavar or param.name.upper())


def _named(param: _Click) -> str:
    if param.param_type_name == "option":
        return f"l'option « {param.opts[0]} »"
    about = f" ({param.help[:1].lower()}{param.help[1:].rstrip('.')})" if param.help else ""
    return f"l'argument {_metavar(param)}{about}"


def _expected(param: _Click) -> str:
    """What a value must be; older typers say it by ``type``, newer ones by the annotation of ``type_descriptor``."""
    kind = getattr(param, "type", None) or getattr(getattr(param, "type_descriptor", None), "annotation", None)
    literals = get_args(kind) if get_origin(kind) is Literal else ()
    choices = getattr(kind, "choices", None) or getattr(kind, "__members__", {}).values() or literals
    if choices:
        return " ; attendu : " + ", ".join(str(getattr(choice, "value", choice)) for choice in choices)
    name = str(getattr(kind, "name", getattr(kind, "__name__", ""))).partition(" ")[0].lower()
    return f" ; attendu : {_KINDS[name]}" if name in _KINDS else ""


def _perhaps(typed: str, known: Iterable[str]) -> str:
    """The known name that is near (an option's dashes, which all have, make none near), or else all."""
    names = {name.lstrip("-"): name for name in known}
    near = nearest(typed.lstrip("-"), names)
    return f" ; vouliez-vous dire « {names[near]} » ?" if near else f" ; attendu : {', '.join(names.values())}."
