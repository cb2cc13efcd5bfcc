"""Two workbooks compared: what cannot be, and what was compared all the same."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _INFORMATION = Severity.ERREUR, Severity.INFORMATION

CODES: tuple[Code, ...] = (
    Code("genres-differents", "Deux fichiers qui ne se comparent pas", _ERREUR,
         "« {valeur} » ({genre}) et « {attendu} » ({autre}) ne sont pas de même nature : ils ne disent pas la même chose du contrat.",
         "Comparez deux classeurs du contrat, deux formulaires d'un partenaire ou deux consolidations. "
         "Un dossier de registre se compare à un classeur du contrat ou à une consolidation.", True),
    Code("partenaires-differents", "Les formulaires de deux partenaires", _ERREUR,
         "« {valeur} » est de {genre}, « {attendu} » est de {autre} : chacun n'a que ses propres lignes.",
         "Comparez deux fichiers d'un même partenaire, par exemple le formulaire envoyé et son retour.", True),
    Code("exercices-differents", "Les formulaires de deux exercices", _INFORMATION,
         "Le premier est de {valeur}, le second de {attendu} : les lignes sont rapprochées par leur identifiant seul.",
         "Il n'y a rien à faire, si c'est bien ce que vous vouliez comparer."),
    Code("comparaison-telle-quelle", "Des cellules comparées telles quelles", _INFORMATION,
         "{compte} pas ce que la colonne attend : la comparaison porte sur ce qui s'y lit.",
         "Il n'y a rien à faire ; « tabellion validate » dit ce qui est attendu dans ces cellules."),
    Code("sortie-sur-source", "Le résultat écraserait un fichier comparé", _ERREUR,
         "« {valeur} » est l'un des deux fichiers comparés : il n'est jamais modifié.",
         "Donnez un autre nom à {champ}.", True),
)  # fmt: skip
