"""A workspace: the folder of one contract, its settings (``tabellion.toml``) and the places of its files."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, WrapValidator, field_validator
from pydantic.dataclasses import dataclass

from tabellion.contract.folders import SETTINGS_FILE, Folders, find_root
from tabellion.findings import Finding, Json, Place, TabellionError, finding
from tabellion.layout.mistakes import Mistake, fields_of, mistakes_of, toml_of
from tabellion.schema import FUNDING_TABLES, Schemas, load_schemas

#: How the mail server is spoken to, and its usual port for that.
_MAIL_PORTS = {"starttls": 587, "ssl": 465, "aucun": 25}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_LONGEST_ADDRESS = 254
#: The licences of open data that French administrations may choose (décret n° 2017-638), with their title and page.
LICENCES = {
    "etalab-2.0": (
        "Licence Ouverte / Open Licence version 2.0",
        "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    ),
    "ODbL-1.0": ("Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
}


def is_mail_address(text: str) -> bool:
    """Whether ``text`` is a plain mail address (``prenom.nom@ville.fr``), without a name and in ASCII."""
    return len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def _as_whole(expected: str) -> WrapValidator:
    """A value with several parts, of which any mistake is one mistake of the whole."""

    def check(value: object, handler: Callable[[object], object]) -> object:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(expected) from None

    return WrapValidator(check)


_Text = Annotated[str, Field(pattern=r"\S", description="un texte entre guillemets")]
_Year = Annotated[int, Field(strict=True, ge=2000, le=2100, description="une année entre 2000 et 2100")]
_Length = Annotated[int, Field(strict=True, gt=0)]
_Day = Annotated[date, Field(strict=True)]
_Address = Annotated[str, Field(pattern=f"^{_ADDRESS.pattern}$", max_length=_LONGEST_ADDRESS)]


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How notices are sent by mail, and to whom: the section ``[courriel]``.

    ``equipe`` are the staff's addresses; ``partenaires`` says whether the partners' contacts are written to.
    ``mot_de_passe_variable`` is the name of the environment variable that has the password of ``utilisateur`` (both
    ``None`` without one): no password stands in a file.

    ``boite`` is the IMAP server of the mailbox that is collected (``None``: none is), always encrypted; its user and
    the variable of its password are the same unless said otherwise, ``boite_jeton_variable`` has an OAuth2 token
    in place of a password. ``boite_rangement`` is the folder where mails go once taken (empty: they stay, as read).
    Mails larger than ``boite_mo`` megabytes are left. ``boite_inconnus`` says whether the files of people who are
    nobody's contact count; ``boite_authentification`` is the name under which the receiving server signs its checks of
    senders (RFC 8601), which are then required.
    """

    serveur: str = Field(
        pattern=r"^[A-Za-z0-9.:_-]+$", description="le nom du serveur de courriel, par exemple smtp.ville.fr"
    )
    port: int = Field(strict=True, ge=1, le=65535, description="un numéro de port, entre 1 et 65535")
    chiffrement: Literal["starttls", "ssl", "aucun"] = Field(description='"starttls", "ssl" ou "aucun"')
    expediteur: _Address = Field(description="l'adresse qui envoie les avis, par exemple tabellion@ville.fr")
    equipe: Annotated[
        tuple[_Address, ...],
        AfterValidator(lambda addresses: tuple(dict.fromkeys(addresses))),
        _as_whole('une liste d\'adresses, par exemple ["politique.ville@agglo.fr"]'),
    ] = ()
    partenaires: bool = Field(default=False, strict=True, description="true ou false")
    utilisateur: str | None = Field(default=None, pattern=r"^[^\x00-\x1f]+$", description="un nom d'utilisateur")
    mot_de_passe_variable: str | None = Field(
        default=None, pattern="^[A-Z_][A-Z0-9_]*$", description="le nom, en majuscules, d'une variable d'environnement"
    )
    boite: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.:_-]+$", description="le nom du serveur IMAP, par exemple imap.ville.fr"
    )
    boite_port: int = Field(default=993, strict=True, ge=1, le=65535, description="un numéro de port")
    boite_chiffrement: Literal["ssl", "starttls"] = Field(default="ssl", description='"ssl" ou "starttls"')
    boite_utilisateur: str | None = Field(default=None, pattern=r"^[^\x00-\x1f]+$", description="un nom d'utilisateur")
    boite_mot_de_passe_variable: str | None = Field(
        default=None, pattern="^[A-Z_][A-Z0-9_]*$", description="le nom, en majuscules, d'une variable d'environnement"
    )
    boite_jeton_variable: str | None = Field(
        default=None, pattern="^[A-Z_][A-Z0-9_]*$", description="le nom, en majuscules, d'une variable d'environnement"
    )
    boite_dossier: str = Field(default="INBOX", pattern=r"^[^\x00-\x1f]+$", description="un nom de dossier")
    boite_rangement: str = Field(default="", pattern=r"^[^\x00-\x1f]*$", description="un nom de dossier")
    boite_minutes: int = Field(default=5, strict=True, ge=1, le=1440, description="un nombre de minutes")
    boite_mo: int = Field(default=40, strict=True, ge=1, le=200, description="un nombre de mégaoctets, au plus 200")
    boite_inconnus: bool = Field(default=False, strict=True, description="true ou false")
    boite_authentification: str = Field(default="", pattern=r"^[A-Za-z0-9.-]*$", description="un nom de serveur")


@dataclass(frozen=True, slots=True, config={"populate_by_name": True})
class Settings:
    """What is set for a contract: its keys in ``tabellion.toml``, and what the sheet « Réglages » says instead.

    ``exercice`` is the budget year that the workbook shows first, ``exercice_courant`` the one that forms ask about.
    ``priorites`` maps a priority's rank to its year. ``arrondi_euros`` is the largest difference of totals, in whole
    euros, that is only a rounding. ``longueurs_publipostage`` are the lengths, in characters, at which a mail merge
    cuts a text. ``dates_limites`` are the last day of a campaign, by exercice: a return saved later, or not there yet,
    is late. ``plan_de_financement`` says whether the contract keeps one of its fiches. Partners are shown the
    ``contact`` of the team that asks, and ``adresse_retour``, where they send their forms back; both may be empty.
    ``demandes`` says whether requests typed in Excel are carried out. Open data go out under ``licence`` in the name of
    ``producteur`` (the contact, where it is empty). Without ``courriel``, no notice is sent by mail.
    """

    debut: _Year = Field(validation_alias="contrat.debut")
    fin: _Year = Field(validation_alias="contrat.fin")
    identifiant: _Text = Field(validation_alias="contrat.id")
    titre: _Text = Field(validation_alias="contrat.titre")
    exercice: _Year = Field(validation_alias="contrat.exercice")
    exercice_courant: _Year = Field(validation_alias="contrat.exercice_courant")
    source: str = Field(default="", validation_alias="contrat.source")
    priorites: Annotated[
        Mapping[Annotated[int, Field(ge=0)], _Year], _as_whole("des rangs et leurs années, par exemple 1 = 2016")
    ] = Field(default_factory=dict)
    arrondi_euros: int = Field(
        default=2,
        strict=True,
        ge=0,
        validation_alias="controles.arrondi_euros",
        description="un nombre entier positif ou nul",
    )
    longueurs_publipostage: Annotated[tuple[_Length, ...], _as_whole("une liste de longueurs, par exemple [255]")] = (
        Field(default=(255,), validation_alias="controles.longueurs_publipostage")
    )
    libelles_vides: Annotated[tuple[str, ...], _as_whole('une liste de textes, par exemple ["(vide)"]')] = Field(
        default=("(vide)",), validation_alias="controles.libelles_vides"
    )
    dates_limites: Annotated[
        Mapping[Annotated[int, Field(ge=2000, le=2100)], _Day],
        _as_whole("des exercices et leur dernier jour, par exemple 2016 = 2016-11-30"),
    ] = Field(default_factory=dict, validation_alias="campagne.dates_limites")
    plan_de_financement: bool = Field(default=False, strict=True, validation_alias="contrat.plan_de_financement")
    contact_nom: str = Field(default="", validation_alias="contact.nom")
    contact_courriel: Literal[""] | _Address = Field(
        default="", validation_alias="contact.courriel", description="une adresse de courriel"
    )
    contact_telephone: str = Field(default="", validation_alias="contact.telephone")
    adresse_retour: str = Field(default="", validation_alias="campagne.adresse_retour")
    demandes: bool = Field(default=True, strict=True, validation_alias="campagne.demandes")
    licence: Literal["etalab-2.0", "ODbL-1.0"] = Field(
        default="etalab-2.0",
        validation_alias="donnees_ouvertes.licence",
        description='"etalab-2.0" ou "ODbL-1.0", les deux licences que la loi permet à une administration',
    )
    producteur: str = Field(default="", validation_alias="donnees_ouvertes.producteur")
    courriel: MailSettings | None = Field(default=None, description="une partie [courriel]")

    @property
    def exercice_finance(self) -> int:
        """The exercice of the financements that count: the one shown;
        where it is before the contract, the current one."""
        return self.exercice if self.exercice >= self.debut else self.exercice_courant

    def showing(self, exercice: int) -> Settings:
        """The same settings with another ``exercice`` to show, whatever the lines of the contract say it is."""
        other = copy.copy(self)
        object.__setattr__(other, "exercice", exercice)
        return other

    @field_validator("fin")
    @classmethod
    def _not_before_the_start(cls, fin: int, info: ValidationInfo) -> int:
        if fin < info.data.get("debut", fin):
            raise ValueError(f"une année à partir de {info.data['debut']}")
        return fin


@dataclasses.dataclass(frozen=True)
class Workspace(Folders):
    """The folder of a contract, its places and its settings. ``root`` is where ``tabellion.toml`` stands."""

    settings: Settings

    @cached_property
    def schemas(self) -> Schemas:
        """The Table Schemas and the tables of the forms; raises :class:`TabellionError` with all their mistakes.

        Those of the plans de financement may be missing from a contract that has none.
        """
        from tabellion.layout.form_tables import FORMS_FILE, load_form_tables

        optional = () if self.settings.plan_de_financement else FUNDING_TABLES
        kit = starter_kit()
        schemas = load_schemas(self.root / "schemas", optional=optional, kit=kit / "schemas")
        # a workspace of an older version has no such file: its forms are those of the starter kit
        path = self.templates / FORMS_FILE
        schemas.forms = load_form_tables(path if path.exists() else kit / "templates" / FORMS_FILE, schemas)
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
    root = find_root(start)
    if root is None:
        raise TabellionError([finding("espace-absent", Place(str(start)), valeur=str(start.resolve()))])
    return Workspace(root, read_settings(root / SETTINGS_FILE))


def read_settings(path: Path) -> Settings:
    """Read ``tabellion.toml``; raises :class:`TabellionError` with all its mistakes at once."""
    place = Place(str(path))
    content = toml_of(path)
    if isinstance(content, str):
        raise TabellionError([finding("reglages-illisibles", place, detail=content)])
    settings, mistakes = None, list[Mistake]()
    known = fields_of(Settings)
    values = dict(_dotted(content, known))
    unknown = [key for key in values if key not in known]
    mail = content.get("courriel") or None
    if isinstance(mail, dict):
        unknown += [f"courriel.{key}" for key in mail if key not in fields_of(MailSettings)]
        mistakes += _mail_mistakes(mail)
        mail = {
            "chiffrement": "starttls",
            "port": _MAIL_PORTS.get(str(mail.get("chiffrement", "starttls")), 25),
            **mail,
        }
    try:
        settings = Settings(**{key: value for key, value in values.items() if key in known} | {"courriel": mail})
    except ValidationError as error:
        mistakes[:0] = mistakes_of(error, Settings)
    if settings is None or mistakes or unknown:
        raise TabellionError(
            [*(_wrong(mistake, place) for mistake in mistakes), *(_unknown(key, place) for key in unknown)]
        )
    return settings


def _dotted(content: Json, known: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The settings of all sections, by ``section.key``; a section that is one setting is by its own name."""
    for section, values in content.items():
        if isinstance(values, dict) and section not in known:
            yield from ((f"{section}.{key}", value) for key, value in values.items())
        else:
            yield section, values


def _mail_mistakes(mail: Json) -> Iterator[Mistake]:
    """What is wrong between settings of ``[courriel]`` that are each right."""
    if not mail.get("equipe") and mail.get("partenaires", False) is False:
        expected = "des adresses dans « equipe », ou « partenaires = true » : quelqu'un à qui écrire"
        yield Mistake("courriel.equipe", None, expected)
    variable = mail.get("mot_de_passe_variable")
    if ("utilisateur" in mail) != ("mot_de_passe_variable" in mail):
        missing = "mot_de_passe_variable" if "utilisateur" in mail else "utilisateur"
        expected = "« utilisateur » et « mot_de_passe_variable » ensemble, ou aucun des deux"
        yield Mistake(f"courriel.{missing}", None, expected)
    if mail.get("boite") and not mail.get("boite_jeton_variable", mail.get("boite_mot_de_passe_variable", variable)):
        expected = "le nom de la variable d'environnement où est le mot de passe de la boîte"
        yield Mistake("courriel.boite_mot_de_passe_variable", None, expected)
    if mail.get("chiffrement") == "aucun" and mail.get("utilisateur"):
        expected = '"starttls" ou "ssl" : un mot de passe ne voyage pas en clair'
        yield Mistake("courriel.chiffrement", "aucun", expected)


def _wrong(mistake: Mistake, place: Place) -> Finding:
    value = "rien" if mistake.value is None else mistake.value
    if "mot_de_passe" in mistake.key and mistake.value is not None:
        value = "autre chose"  # a password put there by mistake would be in every log
    shown = value if isinstance(value, str | int | float | bool) else str(value)
    expected = "un réglage obligatoire" if mistake.is_missing else mistake.expected
    return finding("reglage-faux", place, champ=mistake.key, valeur=shown, attendu=expected)


def _unknown(key: str, place: Place) -> Finding:
    known = [*fields_of(Settings), *(f"courriel.{name}" for name in fields_of(MailSettings))]
    near = difflib.get_close_matches(key, [name for name in known if name != "courriel"], 1)
    return finding("reglage-inconnu", place, champ=key, proche=f" ; vouliez-vous dire « {near[0]} » ?" if near else ".")
