"""The document published again: its template, its PDF, and what people changed in it."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT = Severity.ERREUR, Severity.AVERTISSEMENT

CODES: tuple[Code, ...] = (
    Code("gabarit-word-faux", "Modèle Word inutilisable", _ERREUR,
         "Le modèle « {valeur} » ne peut pas servir : {detail}.",
         "Remettez un document Word (.docx, sans macros) à cet endroit de templates/ ; « tabellion new » en fournit un.", True),
    Code("balise-fausse", "Une balise du modèle Word est fausse", _ERREUR,
         "Dans le modèle « {valeur} », au paragraphe {lieu} : {detail}.",
         "Corrigez cette balise dans Word, ou reprenez le modèle que fournit « tabellion new », où toutes sont.", True),
    Code("style-absent", "Un style manque dans le modèle Word", _ERREUR,
         "Dans le modèle « {valeur} », il manque {compte} : {attendu}.",
         "Recréez-les dans Word sous ce nom exact, ou reprenez le modèle que fournit « tabellion new ».", True),
    Code("document-modifie", "Le document publié a été modifié", _ERREUR,
         "« {valeur} » n'est plus tel que tabellion l'a écrit. Le remplacer perdrait ce travail.",
         "Publiez ailleurs avec --sortie. Avec --forcer, il est remplacé après une copie datée.", True),
    Code("texte-illisible", "Un texte de présentation est illisible", _ERREUR,
         "Le texte « {valeur} » ne peut pas être lu : {detail}.",
         "Enregistrez ce fichier de templates/textes/ comme texte brut, en UTF-8.", True),
    Code("texte-inutilise", "Un fichier de templates/textes/ n'est pas publié", _AVERTISSEMENT,
         "« {valeur} » n'est pas imprimé : {detail}.",
         "Nommez-le « convention-03.md » pour la convention 3, ou « avertissement.md » ; sinon, rangez-le ailleurs."),
    Code("pdf-impossible", "Le PDF n'a pas pu être fait", _AVERTISSEMENT,
         "{detail}.",
         "{remede}"),
)  # fmt: skip
