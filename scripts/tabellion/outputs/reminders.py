"""Reminders: the text to send to a partner who is late, or whose return is to be corrected, from a template.

The template is the staff's (``templates/relance.txt``); it runs in jinja2's sandbox, and what a partner typed reaches
it as plain values only. The same state gives the same text: nothing in it says when it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path, PurePosixPath

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from tabellion.campaign.model import BoardLine, Consolidation, Verdict
from tabellion.findings import CATALOGUE, Finding, Place, Severity, TabellionError, finding
from tabellion.measures.board import ReturnStatus
from tabellion.outputs import Values, failing_line
from tabellion.schema.days import written_date
from tabellion.wording import of, system_reason

TEMPLATE = "relance.txt"
#: What tells the staff that the return is set aside: the text says it, and its remedy is theirs.
_FOR_STAFF = "retour-rejete"
#: What one reminder names: so many kinds of findings, and so many places of each. The rest is counted.
GROUPS_AT_MOST, POINTS_AT_MOST = 12, 5
#: The spaces that French typography does not let a line break at.
_SPACES = re.compile(r" (?=[»:;?!€%])|(?<=«) ")
_BREAKS = re.compile("[ \t\r\n\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+")


def load_template(path: Path) -> Template:
    """Read the template of the reminders; raises :class:`TabellionError` when it is missing or cannot be understood."""
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    environment.filters["de"] = of
    try:
        return environment.from_string(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _wrong(path, system_reason(error)) from error
    except UnicodeDecodeError as error:
        raise _wrong(path, "le fichier n'est pas en UTF-8") from error
    except TemplateSyntaxError as error:
        raise _wrong(path, "cette instruction ne se comprend pas", error.lineno) from error


def reminder_words(rank: int) -> str:
    """``1re relance``, ``2e relance``."""
    return f"{rank}{'re' if rank == 1 else 'e'} relance"


def reminder(
    template: Template, path: Path, consolidation: Consolidation, line: BoardLine, prepared: Sequence[date] = ()
) -> str:
    """The text for one partner. ``path`` is that of the template, for its mistakes, raised as ``TabellionError``.

    ``prepared`` are the days on which this reminder and those before it were prepared, the earliest first.
    """
    values = _values(consolidation, line) | {
        "rang": len(prepared),
        "relance": reminder_words(len(prepared)) if prepared else "",
        "precedente_preparee_le": written_date(prepared[-2]) if len(prepared) > 1 else "",
    }
    try:
        text = template.render(values)
    except Exception as error:  # a template may divide by zero or add a word to a number: any error is its own
        raise _wrong(path, _reason(error, values), failing_line(error)) from error
    # Paragraphs that the template leaves out leave their blank lines.
    spaced = re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE))
    return _SPACES.sub("\u00a0", spaced).strip("\n") + "\n"


def _values(consolidation: Consolidation, line: BoardLine) -> Values:
    """What the template names, every text on one line."""
    late = line.status is ReturnStatus.LATE
    aside = (Verdict.REJECTED, Verdict.UNREADABLE, Verdict.UNDECIDED)
    faulty = next((received for received in line.received if received.verdict in aside), line.latest)
    file = None if late else faulty
    findings = [finding for finding in file.findings if finding.gravite is not Severity.INFORMATION] if file else []
    # What blocks is what must be corrected; where nothing does, every remark counts.
    points = [finding for finding in findings if finding.bloquant and finding.code != _FOR_STAFF] or findings
    undecided = [received for received in line.received if received.verdict is Verdict.UNDECIDED]
    if undecided:  # the partner is asked which of them counts, and nothing of what any of them says
        points = []
    groups = _by_kind(points)
    in_force = line.in_force if line.status is ReturnStatus.KEPT else None
    settings = consolidation.contract.settings
    return {
        "contrat": plain(settings.titre),
        "exercice": line.exercice,
        "partenaire": plain(line.nom),
        "courriel": plain(line.courriel or ""),
        "en_retard": late,
        "date_limite": written_date(line.due) if line.due is not None else "",
        "formulaire": _base(line.sent),
        "fichier": _base(file.fichier if file else None),
        "enregistre_le": written_date(file.saved) if file and file.saved else "",
        "versions": [_base(version.fichier) for version in undecided],
        "precedent": _base(in_force.fichier if in_force else None),
        "copie_annotee": plain((file and file.annotated) or ""),
        "nombre": len(points),
        "groupes": [_group(same) for same in groups[:GROUPS_AT_MOST]],
        "autres_points": sum(map(len, groups[GROUPS_AT_MOST:])),
        "adresse_retour": plain(settings.adresse_retour),
        "contact_nom": plain(settings.contact_nom),
        "contact_courriel": plain(settings.contact_courriel),
        "contact_telephone": plain(settings.contact_telephone),
    }


def _by_kind(points: list[Finding]) -> list[list[Finding]]:
    """The findings of one kind and one remedy together, the gravest first, then as they stand in the file."""
    together: dict[tuple[Severity, str, str], list[Finding]] = {}
    for point in points:
        together.setdefault((point.gravite, point.code, point.suggestion), []).append(point)
    return sorted(together.values(), key=lambda same: same[0].gravite)


def _group(same: list[Finding]) -> Values:
    return {
        "titre": CATALOGUE[same[0].code].titre,
        "remede": plain(same[0].suggestion),
        "points": [{"lieu": _where(point), "message": plain(point.message)} for point in same[:POINTS_AT_MOST]],
        "autres": max(0, len(same) - POINTS_AT_MOST),
    }


def _where(point: Finding) -> str:
    """The place inside the file, which the text has already named: ``feuille « Budget », cellule F7``."""
    place = str(point.place._replace(fichier=None))
    return plain(place[:1].upper() + place[1:])


def _base(name: str | None) -> str:
    return plain(PurePosixPath(name).name) if name else ""


def plain(text: str) -> str:
    """``text`` on one line, without the signs that show nothing or command something: it may come from outside."""
    line = _BREAKS.sub(" ", text).strip()
    return "".join(
        "�" if unicodedata.category(sign) in ("Cc", "Cf", "Cs") and sign != "\u00ad" else sign for sign in line
    )


def _wrong(path: Path, detail: str, line: int | None = None) -> TabellionError:
    return TabellionError(
        [finding("mise-en-page-fausse", Place(str(path), ligne=line), champ=path.name, detail=detail)]
    )


def _reason(error: Exception, values: Mapping[str, object]) -> str:
    if isinstance(error, UndefinedError):
        names = re.findall(r"'([^']*)'", error.message or "")
        return f"le nom « {names[-1] if names else '?'} » n'existe pas ; les noms connus : {', '.join(values)}"
    if isinstance(error, TemplateError):
        return "cette instruction n'est pas permise"
    return "cette instruction ne peut pas être calculée"
