"""``rapport.html``: the state of the contract on one page that opens anywhere, without network, on a phone.

The workspace's template lays out what :mod:`tabellion.outputs.report.page` says. A template is data, never code: it
runs in jinja2's sandbox, with every value escaped, and the page's security policy is written here, not by it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from types import CodeType

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from tabellion.campaign.model import Consolidation
from tabellion.findings import Place, TabellionError, finding
from tabellion.outputs import Values, failing_line
from tabellion.outputs.report.page import page_of
from tabellion.outputs.report.words import grouped, visible
from tabellion.wording import of, plural, system_reason

_HEAD = re.compile(r"<head(?:\s[^>]*)?>\s*(?:<meta charset=[^>]*>)?", re.IGNORECASE)
_EMBEDDED = re.compile(r"<(style|script)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"'([^']+)'")
_LONGEST_EXTRACT = 60


def render_report(consolidation: Consolidation, template: Path) -> bytes:
    """The page of a consolidation: see :func:`render_page`."""
    return render_page(page_of(consolidation), template)


def render_page(page: Values, template: Path) -> bytes:
    """The page as UTF-8; the same values and template give the same bytes.

    Raises :class:`TabellionError` when the template cannot be read, is not jinja2 (with its line), names something
    that does not exist, or has no ``<head>`` to carry the security policy.
    """
    try:
        source = template.read_text(encoding="utf-8-sig")
        environment = _environment(template)
        code, names = compiled(source), environment.make_globals(None)
        html = environment.template_class.from_code(environment, code, names).render(page=page)
    except jinja2.TemplateNotFound as error:  # an OSError too
        raise _wrong(template, failing_line(error), f"le gabarit « {error.name} » qu'il inclut manque") from error
    except OSError as error:
        raise _wrong(template, None, system_reason(error)) from error
    except UnicodeDecodeError as error:
        raise _wrong(template, None, "il n'est pas en UTF-8") from error
    except jinja2.TemplateSyntaxError as error:
        raise _wrong(template, error.lineno, _syntax(error, source)) from error
    except (SecurityError, jinja2.UndefinedError) as error:
        unknown = isinstance(error, jinja2.UndefinedError)
        detail = str(error) if unknown else "cette opération n'est pas permise dans un gabarit"
        raise _wrong(template, failing_line(error), detail) from error
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        line = failing_line(error)
        if line is None:  # not the template's doing
            raise
        raise _wrong(template, line, "cette ligne demande une opération impossible") from error
    return _with_policy(html.lstrip(), template).encode("utf-8", "replace")


@lru_cache(maxsize=4)
def compiled(source: str) -> CodeType:
    """A template's program: the same text at each run of a watcher is compiled once."""
    return _environment(Path()).compile(source)


class _UndefinedName(jinja2.StrictUndefined):
    """A name that does not exist: using it stops, and says it in French."""

    @property
    def _undefined_message(self) -> str:
        return f"« {self._undefined_name} » n'existe pas"


def _environment(template: Path) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=True,
        undefined=_UndefinedName,
        finalize=_shown,
        loader=jinja2.FileSystemLoader(template.parent, encoding="utf-8-sig"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["pluriel"] = lambda count, one, many=None: grouped(plural(count, one, many))
    environment.filters["nombre"] = lambda count: grouped(str(count))
    environment.filters["de"] = of
    return environment


def _shown(value: object) -> object:
    """What the page shows of a value: no control character, nothing that turns the text around it."""
    if isinstance(value, Markup):
        return Markup(visible(str(value)))  # noqa: S704 - it was markup, and signs that replace others are none
    return visible(value) if isinstance(value, str) else value


def _wrong(template: Path, line: int | None, detail: str) -> TabellionError:
    place = Place(str(template), ligne=line)
    return TabellionError([finding("gabarit-faux", place, valeur=template.name, detail=detail)])


def _syntax(error: jinja2.TemplateSyntaxError, source: str) -> str:
    """What is wrong with a template's syntax: the filter or test that it misspells, else the line itself."""
    name = _QUOTED.search(error.message or "")
    if isinstance(error, jinja2.TemplateAssertionError) and name is not None:
        return f"le filtre ou le test « {name[1]} » n'existe pas"
    lines = source.splitlines()
    extract = visible(lines[error.lineno - 1].strip()) if 0 < error.lineno <= len(lines) else ""
    if len(extract) > _LONGEST_EXTRACT:
        extract = extract[:_LONGEST_EXTRACT] + "…"
    return f"la syntaxe jinja2 est fausse à cet endroit ou un peu avant : « {extract} »"


def _with_policy(html: str, template: Path) -> str:
    """The page with a policy that lets nothing in from outside, and runs only the scripts and styles written in it.

    Values are escaped, so that every ``<style>`` and ``<script>`` found here is the template's own.
    """
    head = _HEAD.search(html)
    if head is None:
        raise _wrong(template, None, "il lui faut une balise <head>")
    sources: dict[str, list[str]] = {"style": [], "script": []}
    for name, content in _EMBEDDED.findall(html):
        digest = base64.b64encode(hashlib.sha256(content.encode("utf-8", "replace")).digest()).decode()
        sources[name.lower()].append(f"'sha256-{digest}'")
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    rules += [f"{name}-src {' '.join(dict.fromkeys(hashes))}" for name, hashes in sources.items() if hashes]
    meta = f'\n<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">'
    return html[: head.end()] + meta + html[head.end() :]
