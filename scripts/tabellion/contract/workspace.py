"""A workspace: the folder of one contract, its settings (``tabellion.toml``) and the places of its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path

from tabellion.contract.folders import SETTINGS_FILE, Folders, find_root
from tabellion.findings import Place, TabellionError, finding
from tabellion.schema import FUNDING_TABLES, Schemas, load_schemas

#: A plain mail address.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
LONGEST_ADDRESS = 254
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
    return len(text) <= LONGEST_ADDRESS and ADDRESS.fullmatch(text) is not None


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

    serveur: str
    port: int
    chiffrement: str
    expediteur: str
    equipe: tuple[str, ...] = ()
    partenaires: bool = False
    utilisateur: str | None = None
    mot_de_passe_variable: str | None = None
    boite: str | None = None
    boite_port: int = 993
    boite_chiffrement: str = "ssl"
    boite_utilisateur: str | None = None
    boite_mot_de_passe_variable: str | None = None
    boite_jeton_variable: str | None = None
    boite_dossier: str = "INBOX"
    boite_rangement: str = ""
    boite_minutes: int = 5
    boite_mo: int = 40
    boite_inconnus: bool = False
    boite_authentification: str = ""


@dataclass(frozen=True, slots=True)
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

    debut: int
    fin: int
    identifiant: str
    titre: str
    exercice: int
    exercice_courant: int
    source: str = ""
    priorites: Mapping[int, int] = field(default_factory=dict)
    arrondi_euros: int = 2
    longueurs_publipostage: tuple[int, ...] = (255,)
    libelles_vides: tuple[str, ...] = ("(vide)",)
    dates_limites: Mapping[int, date] = field(default_factory=dict)
    plan_de_financement: bool = False
    contact_nom: str = ""
    contact_courriel: str = ""
    contact_telephone: str = ""
    adresse_retour: str = ""
    demandes: bool = True
    licence: str = "etalab-2.0"
    producteur: str = ""
    courriel: MailSettings | None = None

    @property
    def exercice_finance(self) -> int:
        """The exercice of the financements that count: the one shown;
        where it is before the contract, the current one."""
        return self.exercice if self.exercice >= self.debut else self.exercice_courant

    def showing(self, exercice: int) -> Settings:
        """The same settings with another ``exercice`` to show, whatever the lines of the contract say it is."""
        return replace(self, exercice=exercice)


@dataclass(frozen=True)
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

    Raises :class:`TabellionError` when there is none, when files stand in place of its folders, or with every mistake
    of its settings.
    """
    from tabellion.contract.settings_file import read_settings
    from tabellion.transaction.files import in_the_way

    root = find_root(start)
    if root is None:
        raise TabellionError([finding("espace-absent", Place(str(start)), valeur=str(start.resolve()))])
    files = [item for folder in Folders(root).input_folders if (item := in_the_way(folder / "*")) is not None]
    if files:
        raise TabellionError(list(dict.fromkeys(files)))
    return Workspace(root, read_settings(root / SETTINGS_FILE))
