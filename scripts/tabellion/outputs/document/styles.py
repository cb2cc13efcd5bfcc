"""The named styles that the document is written with: the template gives them their look, in Word, without any code."""

from __future__ import annotations

from typing import NamedTuple


class Style(NamedTuple):
    """A style: its name in the file, the one that Word shows in French, and its kind."""

    name: str
    shown: str
    kind: str


#: Word keeps its own styles under English names, whatever its language.
STYLES = (
    Style("Title", "Titre", "paragraph"),
    Style("Subtitle", "Sous-titre", "paragraph"),
    Style("heading 1", "Titre 1", "paragraph"),
    Style("heading 2", "Titre 2", "paragraph"),
    Style("heading 3", "Titre 3", "paragraph"),
    Style("Body Text", "Corps de texte", "paragraph"),
    Style("caption", "Légende", "paragraph"),
    Style("toc 1", "TM 1", "paragraph"),
    Style("toc 2", "TM 2", "paragraph"),
    Style("TOC Heading", "En-tête de table des matières", "paragraph"),
    Style("Tableau texte", "Tableau texte", "paragraph"),
    Style("Tableau montant", "Tableau montant", "paragraph"),
    Style("Tableau en-tête", "Tableau en-tête", "paragraph"),
    Style("Tableau en-tête montant", "Tableau en-tête montant", "paragraph"),
    Style("Tableau libellé", "Tableau libellé", "paragraph"),
    Style("Tableau sous-total", "Tableau sous-total", "paragraph"),
    Style("Tableau sous-total montant", "Tableau sous-total montant", "paragraph"),
    Style("Tableau total", "Tableau total", "paragraph"),
    Style("Tableau total montant", "Tableau total montant", "paragraph"),
    Style("Hyperlink", "Lien hypertexte", "character"),
    Style("Rayé", "Rayé", "character"),
    Style("Tableau budget", "Tableau budget", "table"),
    Style("Tableau fiche", "Tableau fiche", "table"),
)

TITLE, SUBTITLE = "Title", "Subtitle"
PILIER, CONVENTION, PART = "heading 1", "heading 2", "heading 3"
BODY, CAPTION = "Body Text", "caption"
CONTENTS, CONTENTS_1, CONTENTS_2 = "TOC Heading", "toc 1", "toc 2"
TEXT, AMOUNT, LABEL = "Tableau texte", "Tableau montant", "Tableau libellé"
HEAD, HEAD_AMOUNT = "Tableau en-tête", "Tableau en-tête montant"
SUBTOTAL, SUBTOTAL_AMOUNT = "Tableau sous-total", "Tableau sous-total montant"
TOTAL, TOTAL_AMOUNT = "Tableau total", "Tableau total montant"
LINK, CROSSED = "Hyperlink", "Rayé"
BUDGET, FICHE = "Tableau budget", "Tableau fiche"
