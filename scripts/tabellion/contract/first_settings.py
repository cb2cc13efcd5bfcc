"""Values of ``tabellion.toml`` changed once the sheet « Réglages » says them: without effect, and said."""

from __future__ import annotations

from collections.abc import Mapping

from tabellion.contract.folders import SETTINGS_FILE
from tabellion.contract.settings import STAFF_SETTINGS, setting_text
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place, finding
from tabellion.wording import french_date

FirstSettings = Mapping[str, str]
"""What ``tabellion.toml`` said of the settings of the sheet, by their titles, when both last agreed."""


def first_settings(settings: Settings) -> FirstSettings:
    """What some settings say of all that the sheet « Réglages » has, by its titles."""
    values = {setting.field.title: setting_text(setting.value(settings)) or "" for setting in STAFF_SETTINGS}
    return values | {f"Date limite {year}": french_date(day) for year, day in settings.dates_limites.items()}


def without_effect(file: Settings, contract: Settings, known: FirstSettings) -> tuple[list[Finding], FirstSettings]:
    """What is said of the values changed in the ``file`` that the ``contract`` says otherwise; what is known after it.

    A value that only the sheet changed is no matter: the file has the first ones.
    """
    title_page, findings, values = first_settings(contract), list[Finding](), first_settings(file)
    agreed = dict(known or values)
    for title, value in values.items():
        if value == title_page.get(title, ""):
            agreed[title] = value
        elif value != agreed.setdefault(title, "" if known else value):
            findings.append(
                finding(
                    "reglage-sans-effet", Place(SETTINGS_FILE), valeur=value, titre=title,
                    fichier=_quoted(value), attendu=_quoted(title_page.get(title, "")),
                )
            )  # fmt: skip
    return findings, agreed


def _quoted(value: str) -> str:
    return f"« {value} »" if value else "rien"
