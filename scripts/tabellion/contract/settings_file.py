"""``tabellion.toml``: what each of its keys may hold, and every mistake of the file at once, in French.

The keys and their rules stand here. What settings mean, and what they are where the file says nothing, is said by
:class:`~tabellion.contract.workspace.Settings`, which has the same names and needs no pydantic.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError, ValidationInfo, WrapValidator, field_validator

from tabellion.contract.workspace import ADDRESS, LONGEST_ADDRESS, MailSettings, Settings
from tabellion.findings import Finding, Json, Place, TabellionError, finding
from tabellion.layout.mistakes import Mistake, fields_of, mistakes_of, toml_of

#: How the mail server is spoken to, and its usual port for that.
_MAIL_PORTS = {"starttls": 587, "ssl": 465, "aucun": 25}


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
_Address = Annotated[str, Field(pattern=f"^{ADDRESS.pattern}$", max_length=LONGEST_ADDRESS)]


class _MailKeys(BaseModel):
    serveur: str = Field(
        pattern=r"^[A-Za-z0-9.:_-]+$", description="le nom du serveur de courriel, par exemple smtp.ville.fr"
    )
    port: int = Field(strict=True, ge=1, le=65535, description="un numéro de port, entre 1 et 65535")
    chiffrement: Literal["starttls", "ssl", "aucun"] = Field(description='"starttls", "ssl" ou "aucun"')
    expediteur: _Address = Field(description="l'adresse qui envoie les avis, par exemple tabellion@ville.fr")
    equipe: (
        Annotated[
            tuple[_Address, ...],
            AfterValidator(lambda addresses: tuple(dict.fromkeys(addresses))),
            _as_whole('une liste d\'adresses, par exemple ["politique.ville@agglo.fr"]'),
        ]
        | None
    ) = None
    partenaires: bool | None = Field(default=None, strict=True, description="true ou false")
    utilisateur: str | None = Field(default=None, pattern=r"^[^\x00-\x1f]+$", description="un nom d'utilisateur")
    mot_de_passe_variable: str | None = Field(
        default=None, pattern="^[A-Z_][A-Z0-9_]*$", description="le nom, en majuscules, d'une variable d'environnement"
    )
    boite: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.:_-]+$", description="le nom du serveur IMAP, par exemple imap.ville.fr"
    )
    boite_port: int | None = Field(default=None, strict=True, ge=1, le=65535, description="un numéro de port")
    boite_chiffrement: Literal["ssl", "starttls"] | None = Field(default=None, description='"ssl" ou "starttls"')
    boite_utilisateur: str | None = Field(default=None, pattern=r"^[^\x00-\x1f]+$", description="un nom d'utilisateur")
    boite_mot_de_passe_variable: str | None = Field(
        default=None, pattern="^[A-Z_][A-Z0-9_]*$", description="le nom, en majuscules, d'une variable d'environnement"
    )
    boite_jeton_variable: str | None = Field(
        default=None, pattern="^[A-Z_][A-Z0-9_]*$", description="le nom, en majuscules, d'une variable d'environnement"
    )
    boite_dossier: str | None = Field(default=None, pattern=r"^[^\x00-\x1f]+$", description="un nom de dossier")
    boite_rangement: str | None = Field(default=None, pattern=r"^[^\x00-\x1f]*$", description="un nom de dossier")
    boite_minutes: int | None = Field(default=None, strict=True, ge=1, le=1440, description="un nombre de minutes")
    boite_mo: int | None = Field(
        default=None, strict=True, ge=1, le=200, description="un nombre de mégaoctets, au plus 200"
    )
    boite_inconnus: bool | None = Field(default=None, strict=True, description="true ou false")
    boite_authentification: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.-]*$", description="un nom de serveur"
    )


class _Keys(BaseModel):
    debut: _Year = Field(validation_alias="contrat.debut")
    fin: _Year = Field(validation_alias="contrat.fin")
    identifiant: _Text = Field(validation_alias="contrat.id")
    titre: _Text = Field(validation_alias="contrat.titre")
    exercice: _Year = Field(validation_alias="contrat.exercice")
    exercice_courant: _Year = Field(validation_alias="contrat.exercice_courant")
    source: str | None = Field(default=None, validation_alias="contrat.source")
    priorites: (
        Annotated[
            Mapping[Annotated[int, Field(ge=0)], _Year], _as_whole("des rangs et leurs années, par exemple 1 = 2016")
        ]
        | None
    ) = Field(default=None)
    arrondi_euros: int | None = Field(
        default=None,
        strict=True,
        ge=0,
        validation_alias="controles.arrondi_euros",
        description="un nombre entier positif ou nul",
    )
    longueurs_publipostage: (
        Annotated[tuple[_Length, ...], _as_whole("une liste de longueurs, par exemple [255]")] | None
    ) = Field(default=None, validation_alias="controles.longueurs_publipostage")
    libelles_vides: Annotated[tuple[str, ...], _as_whole('une liste de textes, par exemple ["(vide)"]')] | None = Field(
        default=None, validation_alias="controles.libelles_vides"
    )
    dates_limites: (
        Annotated[
            Mapping[Annotated[int, Field(ge=2000, le=2100)], _Day],
            _as_whole("des exercices et leur dernier jour, par exemple 2016 = 2016-11-30"),
        ]
        | None
    ) = Field(default=None, validation_alias="campagne.dates_limites")
    plan_de_financement: bool | None = Field(default=None, strict=True, validation_alias="contrat.plan_de_financement")
    contact_nom: str | None = Field(default=None, validation_alias="contact.nom")
    contact_courriel: Literal[""] | _Address | None = Field(
        default=None, validation_alias="contact.courriel", description="une adresse de courriel"
    )
    contact_telephone: str | None = Field(default=None, validation_alias="contact.telephone")
    adresse_retour: str | None = Field(default=None, validation_alias="campagne.adresse_retour")
    demandes: bool | None = Field(default=None, strict=True, validation_alias="campagne.demandes")
    licence: Literal["etalab-2.0", "ODbL-1.0"] | None = Field(
        default=None,
        validation_alias="donnees_ouvertes.licence",
        description='"etalab-2.0" ou "ODbL-1.0", les deux licences que la loi permet à une administration',
    )
    producteur: str | None = Field(default=None, validation_alias="donnees_ouvertes.producteur")
    courriel: _MailKeys | None = Field(default=None, description="une partie [courriel]")

    @field_validator("fin")
    @classmethod
    def _not_before_the_start(cls, fin: int, info: ValidationInfo) -> int:
        if fin < info.data.get("debut", fin):
            raise ValueError(f"une année à partir de {info.data['debut']}")
        return fin


def read_settings(path: Path) -> Settings:
    """Read ``tabellion.toml``; raises :class:`TabellionError` with all its mistakes at once."""
    place = Place(str(path))
    content = toml_of(path)
    if isinstance(content, str):
        raise TabellionError([finding("reglages-illisibles", place, detail=content)])
    settings, mistakes = None, list[Mistake]()
    known = fields_of(_Keys)
    values = dict(_dotted(content, known))
    unknown = [key for key in values if key not in known]
    mail = content.get("courriel") or None
    if isinstance(mail, dict):
        unknown += [f"courriel.{key}" for key in mail if key not in fields_of(_MailKeys)]
        mistakes += _mail_mistakes(mail)
        mail = {
            "chiffrement": "starttls",
            "port": _MAIL_PORTS.get(str(mail.get("chiffrement", "starttls")), 25),
            **mail,
        }
    try:
        read = _Keys.model_validate({key: value for key, value in values.items() if key in known} | {"courriel": mail})
        settings = Settings(**_written(read) | {"courriel": read.courriel and MailSettings(**_written(read.courriel))})
    except ValidationError as error:
        mistakes[:0] = mistakes_of(error, _Keys)
    if settings is None or mistakes or unknown:
        raise TabellionError(
            [*(_wrong(mistake, place) for mistake in mistakes), *(_unknown(key, place) for key in unknown)]
        )
    return settings


def _written(model: BaseModel) -> Json:
    """What the file says, by the names of the settings."""
    return {name: getattr(model, name) for name in model.model_fields_set}


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
    if ("mot_de_passe" in mistake.key or "jeton" in mistake.key) and mistake.value is not None:
        value = "autre chose"  # a password, or a token, put there by mistake would be in every log
    shown = value if isinstance(value, str | int | float | bool) else str(value)
    expected = "un réglage obligatoire" if mistake.is_missing else mistake.expected
    return finding("reglage-faux", place, champ=mistake.key, valeur=shown, attendu=expected)


def _unknown(key: str, place: Place) -> Finding:
    known = [*fields_of(_Keys), *(f"courriel.{name}" for name in fields_of(_MailKeys))]
    near = difflib.get_close_matches(key, [name for name in known if name != "courriel"], 1)
    return finding("reglage-inconnu", place, champ=key, proche=f" ; vouliez-vous dire « {near[0]} » ?" if near else ".")
