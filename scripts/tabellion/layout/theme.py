"""How workbooks look: colours, fonts and column orders, read from ``templates/*.toml``; every mistake said at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.mistakes import toml_of
from tabellion.schema import Schemas, TableSchema
from tabellion.wording import french_value

#: WCAG 2.1, success criteria 1.4.3 and 1.4.11 (AA): contrast of normal text, and of what tells an input, against its
#: background.
MINIMUM_CONTRAST, MINIMUM_EDGE_CONTRAST = 4.5, 3.0

#: The smallest letters that are read, on paper too, in points.
SMALLEST_LETTERS = 8
#: Pairs (text, background) that the sheets use; their contrast is checked.
_PAIRS = (
    ("encre", "saisie"),
    ("encre", "bande"),
    ("encre", "calcul"),
    ("titre_texte", "titre"),
    ("entete_texte", "entete"),
    ("lien", "saisie"),
    ("erreur_texte", "erreur"),
    ("avertissement_texte", "avertissement"),
    ("information_texte", "information"),
    ("juste_texte", "juste"),
)
#: Pairs (edge, background) of the cells that are typed in, and of what stands around them.
_EDGES = (("filet_saisie", "saisie"), ("filet_saisie", "calcul"))
#: What a layout of before a colour has in its place.
_DEFAULTS = {"filet_saisie": "5F7488"}
_COLOURS = tuple(dict.fromkeys([name for pair in _PAIRS for name in pair] + ["filet", *_DEFAULTS]))


@dataclass(frozen=True)
class Theme:
    """What people see of a workbook: colours as ``#RRGGBB``, font, column orders by table, texts of the front sheet."""

    colours: Mapping[str, str]
    series: tuple[str, ...]
    font: str
    size: float
    orders: Mapping[str, tuple[str, ...]]
    how_to: tuple[str, ...]
    form_how_to: tuple[str, ...]
    first_steps: tuple[str, ...] = ()
    unknown: str = "#8A939C"
    """The colour of what nobody knows, in charts."""

    def ordered(self, schema: TableSchema) -> list[str]:
        """The fields of a table in the layout's order; one that it leaves out comes after the one before it."""
        order = list(self.orders.get(schema.name, ()))
        for place, name in enumerate(schema.names):
            if name not in order:
                order.insert(order.index(schema.names[place - 1]) + 1 if place else 0, name)
        return order


def load_theme(path: Path, schemas: Schemas) -> Theme:
    """Read a sheet layout; raises :class:`TabellionError` with all its mistakes."""
    values = toml_of(path)
    reader = _ThemeReader(path, values if isinstance(values, dict) else {})
    if isinstance(values, str):
        reader.wrong(path.name, values)
        raise TabellionError(reader.findings)
    theme = reader.theme(schemas)
    if reader.findings:
        raise TabellionError(reader.findings)
    return theme


class _ThemeReader:
    def __init__(self, path: Path, values: Mapping[str, object]) -> None:
        self.path, self.values, self.findings = path, values, list[Finding]()

    def wrong(self, name: str, detail: str) -> None:
        self.findings.append(finding("mise-en-page-fausse", Place(str(self.path)), champ=name, detail=detail))

    def section(self, name: str) -> dict[str, object]:
        section = self.values.get(name, {})
        if isinstance(section, dict):
            return section
        self.wrong(name, f"il faut une section [{name}]")
        return {}

    def theme(self, schemas: Schemas) -> Theme:
        section = self.section("couleurs")
        colours = {name: self.colour(f"couleurs.{name}", section.get(name, _DEFAULTS.get(name))) for name in _COLOURS}
        series = section.get("series")
        if not isinstance(series, list) or not series:
            self.wrong("couleurs.series", "il faut une liste d'au moins une couleur")
            series = []
        if not self.findings:
            self.check_contrast(colours)
        font = self.section("police")
        size = font.get("taille", 10)
        if not isinstance(size, int | float) or not SMALLEST_LETTERS <= size <= 20:
            self.wrong("police.taille", f"il faut un nombre entre {SMALLEST_LETTERS} et 20")
            size = 10
        return Theme(
            colours=colours,
            series=tuple(self.colour("couleurs.series", colour) for colour in series),
            unknown=self.colour("couleurs.inconnu", section.get("inconnu", Theme.unknown)),
            font=str(font.get("nom", "Calibri")),
            size=float(size),
            orders={name: self.order(name, order, schemas) for name, order in self.section("colonnes").items()},
            how_to=self.sentences("accueil", "mode_d_emploi"),
            form_how_to=self.sentences("formulaire", "mode_d_emploi"),
            first_steps=self.sentences("accueil", "par_ou_commencer"),
        )

    def sentences(self, section: str, name: str) -> tuple[str, ...]:
        sentences = self.section(section).get(name, [])
        if isinstance(sentences, list) and all(isinstance(sentence, str) for sentence in sentences):
            return tuple(sentences)
        self.wrong(f"{section}.{name}", "il faut une liste de phrases")
        return ()

    def colour(self, name: str, value: object) -> str:
        if isinstance(value, str) and re.fullmatch(r"#?[0-9A-Fa-f]{6}", value):
            return "#" + value.lstrip("#").upper()
        self.wrong(name, f"il faut une couleur hexadécimale comme 12355B, trouvé : {value}")
        return "#000000"

    def check_contrast(self, colours: Mapping[str, str]) -> None:
        pairs = [(*pair, MINIMUM_CONTRAST, "être lisible") for pair in _PAIRS]
        pairs += [(*pair, MINIMUM_EDGE_CONTRAST, "se voir") for pair in _EDGES]
        for colour, background, least, purpose in pairs:
            ratio = contrast(colours[colour], colours[background])
            if ratio < least:
                wanted = f"il faut au moins {french_value(least)} pour {purpose}"
                self.wrong(
                    f"couleurs.{colour}", f"contraste de {french_value(round(ratio, 1))} sur « {background} », {wanted}"
                )

    def order(self, table: str, order: object, schemas: Schemas) -> tuple[str, ...]:
        if table not in schemas:
            self.wrong(f"colonnes.{table}", "cette table n'existe pas")
            return ()
        names = order if isinstance(order, list) else []
        for unknown in [name for name in names if name not in schemas[table].names]:
            self.wrong(f"colonnes.{table}", f"champ inconnu : {unknown}")
        return tuple(dict.fromkeys(name for name in names if name in schemas[table].names))


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours (``#RRGGBB``), from 1 to 21, as WCAG 2.1 defines it."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[position : position + 2], 16) / 255 for position in (1, 3, 5)]
    linear = [channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
