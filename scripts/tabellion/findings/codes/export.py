"""Open data: what cannot be published yet and why, SIRET numbers that cannot be right, texts made harmless."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = (
    Code("consolidation-absente", "Rien n'a encore été consolidé", _ERREUR,
         "Il n'y a pas d'état consolidé dans « {valeur} ».",
         "Lancez « tabellion consolidate », ou partez du contrat avec --depuis contrat.", True),
    Code("siret-faux", "Un SIRET faux", _ERREUR,
         "Le SIRET de {nom} est « {valeur} » : {detail}.",
         "Recopiez ses 14 chiffres, sans espace, depuis annuaire-entreprises.data.gouv.fr."),
    Code("deux-siret", "Deux SIRET pour le même organisme", _AVERTISSEMENT,
         "{nom} a ici le SIRET {valeur}, et {attendu} dans la table des collectivités : c'est celui-ci qui est publié.",
         "Videz le SIRET du partenaire, ou corrigez celui de la collectivité."),
    Code("subvention-non-exportable", "Une subvention qui ne peut pas encore être publiée", _AVERTISSEMENT,
         "« {valeur} » ({montant}, {financeur}) n'est pas dans l'export. Il manque : {manques}.",
         "Complétez les tables « Subventions attribuées » (une ligne par bénéficiaire), « Partenaires » et « Collectivités », puis relancez l'export."),
    Code("courriel-non-publie", "Des courriels qui restent au registre", _INFORMATION,
         "{compte} de courriel dans cette colonne : des données personnelles, que l'export laisse vides.",
         "Rien à faire ; le registre n'a pas changé."),
    Code("texte-neutralise", "Un texte qui commence comme une formule", _INFORMATION,
         "« {valeur} » commence par un signe de formule : l'export met une apostrophe devant, pour qu'aucun tableur ne le calcule.",
         "Rien à faire ; le registre n'a pas changé."),
)  # fmt: skip
