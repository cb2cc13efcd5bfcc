"""A workspace: the folder of one contract, its settings (``tabellion.toml``) and the places of its files."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.schema import FUNDING_TABLES, Schemas, load_schemas
from tabellion.wording import system_reason

SETTINGS_FILE = "tabellion.toml"
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
#: How the mail server is spoken to, and its usual port for that.
_MAIL_PORTS = {"starttls": 587, "ssl": 465, "aucun": 25}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_LONGEST_ADDRESS = 254


def is_mail_address(text: str) -> bool:
    """Whether ``text`` is a plain mail address (``prenom.nom@ville.fr``), without a name and in ASCII."""
    return len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How notices are sent by mail, and to whom: the section ``[courriel]``.

    ``chiffrement`` is ``starttls``, ``ssl`` or ``aucun``. ``equipe`` are the staff's addresses; ``partenaires`` says
    whether the partners' contacts are written to. ``mot_de_passe_variable`` is the name of the environment variable
    that has the password of ``utilisateur`` (both ``None`` without one): no password stands in a file.
    """

    serveur: str
    port: int
    chiffrement: str
    expediteur: str
    equipe: tuple[str, ...] = ()
    partenaires: bool = False
    utilisateur: str | None = None
    mot_de_passe_variable: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``tabellion.toml`` says of a contract.

    ``exercice`` is the budget year that the workbook shows first, ``exercice_courant`` the one that forms ask
    about. ``priorites`` maps a priority's rank to its year.
    ``arrondi_euros`` is the largest difference of totals, in whole euros, that is only a rounding.
    ``longueurs_publipostage`` are the lengths, in characters, at which a mail merge cuts a text.
    """

    identifiant: str
    titre: str
    debut: int
    fin: int
    exercice: int
    exercice_courant: int
    source: str
    priorites: Mapping[int, int]
    arrondi_euros: int
    longueurs_publipostage: tuple[int, ...]
    libelles_vides: tuple[str, ...]
    dates_limites: Mapping[int, date] = field(default_factory=dict)
    """The last day of a campaign, by exercice: a return saved later, or not there yet, is late."""
    plan_de_financement: bool = False
    """Whether the contract keeps a plan de financement of its fiches."""
    courriel: MailSettings | None = None
    """How notices are sent by mail; ``None``: none are."""


@dataclass(frozen=True)
class Workspace:
    """The folder of a contract. ``root`` is where ``tabellion.toml`` stands."""

    root: Path
    settings: Settings

    @property
    def workbooks(self) -> Path:
        """The folder of all that people open: the other paths are in it."""
        return self.root / "workbooks"

    @property
    def registre(self) -> Path:
        """The folder of the CSV Data Package."""
        return self.workbooks / "registre"

    @property
    def contrat(self) -> Path:
        """The master workbook."""
        return self.workbooks / "contrat.xlsx"

    @property
    def envois(self) -> Path:
        """The folder of the forms sent, by exercice."""
        return self.workbooks / "envois"

    @property
    def retours(self) -> Path:
        """The folder where the forms that come back are put, in any order and under any name."""
        return self.workbooks / "retours"

    @property
    def constats(self) -> Path:
        """The folder of the annotated copies."""
        return self.workbooks / "constats"

    @property
    def consolidation(self) -> Path:
        """The folder of the consolidated state."""
        return self.workbooks / "consolidation"

    @property
    def layout(self) -> Path:
        """The layout of the workbooks: colours, fonts, column orders."""
        return self.templates / "contrat.toml"

    @property
    def memory(self) -> Path:
        """The hidden folder of what the program remembers: the journal, the lock, outputs being put in place."""
        return self.workbooks / ".tabellion"

    @property
    def templates(self) -> Path:
        """The folder of what people see: sheet layouts and texts."""
        return self.root / "templates"

    @cached_property
    def schemas(self) -> Schemas:
        """The Table Schemas and the tables of the forms; raises :class:`TabellionError` with all their mistakes.

        Those of the plans de financement may be missing from a contract that has none.
        """
        from tabellion.layout.form_tables import FORMS_FILE, load_form_tables

        optional = () if self.settings.plan_de_financement else FUNDING_TABLES
        schemas, path = load_schemas(self.root / "schemas", optional=optional), self.templates / FORMS_FILE
        # a workspace of an older version has no such file: its forms are those of the starter kit
        schemas.forms = load_form_tables(path if path.exists() else starter_kit() / "templates" / FORMS_FILE, schemas)
        return schemas


def starter_kit() -> Path:
    """The folder of the starter kit: inside the wheel, or else the repository that the program runs from."""
    packaged = Path(str(resources.files("tabellion"))) / "starter"
    if packaged.is_dir():
        return packaged
    return Path(__file__).resolve().parents[3]


def find_workspace(start: Path) -> Workspace:
    """Open the workspace at ``start`` or in the nearest folder above it.

    Raises :class:`TabellionError` when there is none, or with every mistake of its settings.
    """
    origin = start.resolve()
    for folder in (origin, *origin.parents):
        if (folder / SETTINGS_FILE).is_file():
            return Workspace(folder, read_settings(folder / SETTINGS_FILE))
    raise TabellionError([finding("espace-absent", Place(str(start)), valeur=str(origin))])


def read_settings(path: Path) -> Settings:
    """Read ``tabellion.toml``; raises :class:`TabellionError` with all its mistakes at once."""
    place = Place(str(path))
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise TabellionError(
            [finding("reglages-illisibles", place, detail=f"TOML mal formé, {_french(error)}")]
        ) from error
    except UnicodeDecodeError as error:
        raise TabellionError([finding("reglages-illisibles", place, detail="le fichier n'est pas en UTF-8")]) from error
    except OSError as error:
        raise TabellionError([finding("reglages-illisibles", place, detail=system_reason(error))]) from error
    reader = _SettingsReader(place, values)
    settings = reader.settings()
    if reader.findings:
        raise TabellionError(reader.findings)
    return settings


def _french(error: tomllib.TOMLDecodeError) -> str:
    """The place that the TOML parser names, in French (it gives it only inside its English message)."""
    _, _, where = str(error).rpartition("(at ")
    return (
        where.rstrip(")")
        .replace("line", "ligne")
        .replace("column", "colonne")
        .replace("end of document", "fin du fichier")
    )


_MISSING = object()


class _SettingsReader:
    """Takes known settings out of a parsed TOML and keeps every mistake; what is left over is unknown."""

    def __init__(self, place: Place, values: dict[str, Any]) -> None:
        self.place, self.values, self.findings = place, values, list[Finding]()
        self.known: list[str] = []

    def settings(self) -> Settings:
        debut = self.year("contrat.debut")
        fin = self.year("contrat.fin")
        if fin < debut:
            self.wrong("contrat.fin", fin, f"une année à partir de {debut}")
        settings = Settings(
            identifiant=self.text("contrat.id"),
            titre=self.text("contrat.titre"),
            debut=debut,
            fin=fin,
            exercice=self.year("contrat.exercice"),
            exercice_courant=self.year("contrat.exercice_courant"),
            source=self.text("contrat.source", ""),
            priorites=self.priorities("priorites"),
            arrondi_euros=self.whole("controles.arrondi_euros", 2),
            longueurs_publipostage=self.lengths("controles.longueurs_publipostage", (255,)),
            libelles_vides=self.words("controles.libelles_vides", ("(vide)",)),
            dates_limites=self.days("campagne.dates_limites"),
            plan_de_financement=self.switch("contrat.plan_de_financement"),
            courriel=self.mail("courriel"),
        )
        self.say_unknown()
        return settings

    def get(self, name: str, default: Any = _MISSING) -> Any:
        self.known.append(name)
        value: Any = self.values
        for part in name.split("."):
            value = value.get(part, _MISSING) if isinstance(value, dict) else _MISSING
        if value is _MISSING and default is _MISSING:
            self.wrong(name, "rien", "un réglage obligatoire")
        return default if value is _MISSING else value

    def wrong(self, name: str, value: Any, expected: str) -> None:
        shown = value if isinstance(value, str | int | float | bool) else str(value)
        self.findings.append(finding("reglage-faux", self.place, champ=name, valeur=shown, attendu=expected))

    def text(self, name: str, default: Any = _MISSING) -> str:
        value = self.get(name, default)
        if value is _MISSING:
            return ""
        if not isinstance(value, str) or (not value.strip() and default is _MISSING):
            self.wrong(name, value, "un texte entre guillemets")
        return str(value)

    def whole(self, name: str, default: int) -> int:
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.wrong(name, value, "un nombre entier positif ou nul")
            return default
        return value

    def switch(self, name: str) -> bool:
        value = self.get(name, False)
        if not isinstance(value, bool):
            self.wrong(name, value, "true ou false, sans guillemets")
            return False
        return value

    def year(self, name: str) -> int:
        value = self.get(name)
        if value is _MISSING:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or not _FIRST_YEAR <= value <= _LAST_YEAR:
            self.wrong(name, value, f"une année entre {_FIRST_YEAR} et {_LAST_YEAR}")
            return 0
        return value

    def priorities(self, name: str) -> dict[int, int]:
        value = self.get(name, {})
        years = value.values() if isinstance(value, dict) else [None]
        good = isinstance(value, dict) and all(key.isdecimal() for key in value)
        if not good or not all(isinstance(year, int) and _FIRST_YEAR <= year <= _LAST_YEAR for year in years):
            self.wrong(name, value, "des rangs et leurs années, par exemple 1 = 2016")
            return {}
        return {int(rank): year for rank, year in value.items()}

    def days(self, name: str) -> dict[int, date]:
        value = self.get(name, {})
        days = value.values() if isinstance(value, dict) else [None]
        good = isinstance(value, dict) and all(
            key.isdecimal() and _FIRST_YEAR <= int(key) <= _LAST_YEAR for key in value
        )
        if not good or not all(isinstance(day, date) and not isinstance(day, datetime) for day in days):
            self.wrong(name, value, "des exercices et leur dernier jour, par exemple 2016 = 2016-11-30")
            return {}
        return {int(year): day for year, day in value.items()}

    def lengths(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        value = self.get(name, list(default))
        if not isinstance(value, list) or not all(isinstance(each, int) and each > 0 for each in value):
            self.wrong(name, value, "une liste de longueurs, par exemple [255]")
            return default
        return tuple(value)

    def words(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.get(name, list(default))
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.wrong(name, value, 'une liste de textes, par exemple ["(vide)"]')
            return default
        return tuple(value)

    def mail(self, section: str) -> MailSettings | None:
        """The section of the mail: all of it, or none (an empty section is none); a half-filled one is a mistake."""
        names = [f"{section}.{each}" for each in MailSettings.__slots__]
        found = self.values.get(section, {})
        if not isinstance(found, dict):
            self.known.append(section)
            self.wrong(section, found, f"une partie [{section}]")
            return None
        if not found:
            self.known += names
            return None
        server, port, cipher, sender, team, partners, user, password = names
        host = self.one(server, r"[A-Za-z0-9.:_-]+", "le nom du serveur de courriel, par exemple smtp.ville.fr")
        chosen = self.one(cipher, "|".join(_MAIL_PORTS), '"starttls", "ssl" ou "aucun"', "starttls")
        settings = MailSettings(
            host,
            self.port(port, _MAIL_PORTS.get(chosen, 25)),
            chosen,
            self.one(sender, is_mail_address, "l'adresse qui envoie les avis, par exemple tabellion@ville.fr"),
            self.addresses(team),
            self.flag(partners, default=False),
            self.one(user, r"[^\x00-\x1f]+", "un nom d'utilisateur", None) or None,
            self.one(password, r"[A-Z_][A-Z0-9_]*", "le nom, en majuscules, d'une variable d'environnement", None)
            or None,
        )
        self.check_whole(settings, names, found)
        return settings

    def check_whole(self, settings: MailSettings, names: list[str], found: Mapping[str, Any]) -> None:
        """Say what is missing between settings that are each right."""
        _, _, cipher, _, team, _, user, password = names
        if not found.get("equipe") and found.get("partenaires", False) is False:
            self.wrong(team, "rien", "des adresses dans « equipe », ou « partenaires = true » : quelqu'un à qui écrire")
        if ("utilisateur" in found) != ("mot_de_passe_variable" in found):
            missing = password if "utilisateur" in found else user
            self.wrong(missing, "rien", "« utilisateur » et « mot_de_passe_variable » ensemble, ou aucun des deux")
        if settings.chiffrement == "aucun" and settings.utilisateur:
            self.wrong(cipher, "aucun", '"starttls" ou "ssl" : un mot de passe ne voyage pas en clair')

    def one(self, name: str, rule: str | Callable[[str], bool], expected: str, default: Any = _MISSING) -> str:
        """A text that follows a rule: a pattern, or what says yes. Without it, ``default`` (``""`` for ``None``)."""
        value = self.get(name, default)
        if value is _MISSING or value is None:
            return ""
        good = isinstance(value, str) and (rule(value) if callable(rule) else re.fullmatch(rule, value) is not None)
        if not good:
            # Who put the password there would find it again in every log.
            self.wrong(name, "autre chose" if "mot_de_passe" in name else value, expected)
        return str(value)

    def port(self, name: str, default: int) -> int:
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 65535:
            self.wrong(name, value, "un numéro de port, entre 1 et 65535")
            return default
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.get(name, default)
        if not isinstance(value, bool):
            self.wrong(name, value, "true ou false")
            return default
        return value

    def addresses(self, name: str) -> tuple[str, ...]:
        value = self.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and is_mail_address(each) for each in value):
            self.wrong(name, value, 'une liste d\'adresses, par exemple ["politique.ville@agglo.fr"]')
            return ()
        return tuple(dict.fromkeys(value))

    def say_unknown(self) -> None:
        whole = {name for name in self.known if "." not in name}
        for section, content in self.values.items():
            names = (
                [f"{section}.{key}" for key in content]
                if isinstance(content, dict) and section not in whole
                else [section]
            )
            for name in names:
                if name not in self.known:
                    near = difflib.get_close_matches(name, self.known, 1)
                    proche = f" ; vouliez-vous dire « {near[0]} » ?" if near else "."
                    self.findings.append(finding("reglage-inconnu", self.place, champ=name, proche=proche))
