"""Many contracts beside one another: what they name otherwise, declare twice, or type far from all others."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_AVERTISSEMENT, _INFORMATION = Severity.AVERTISSEMENT, Severity.INFORMATION

# fmt: off
CODES: tuple[Code, ...] = (
    Code("titre-sans-correspondance", "Un titre qu'aucun autre contrat n'a", _INFORMATION,
         "La {quoi} « {valeur} » n'est dans aucun autre contrat et n'a pas de nom commun{proche} Ses montants sont mis ensemble sous son propre nom.",
         "Si c'est la même chose qu'une autre sous un autre nom, écrivez dans ensemble.toml, sous [{table}] : \"{nom}\" = [\"{valeur}\"]. Sinon, rien à faire."),
    Code("montant-loin-des-autres", "Un montant loin de ceux des autres contrats", _INFORMATION,
         "« {libelle} », {colonne} de {exercice} : {montant}, {fois} que le montant du milieu des {nombre} montants de même sorte ({milieu} ; la plupart vont de {bas} à {haut}){unite}",
         "Vérifiez ce montant et son unité avec le contrat ; s'il est juste, rien à faire."),
    Code("montants-loin-des-autres", "Tous les montants d'une collectivité loin de ceux des autres", _AVERTISSEMENT,
         "Les {nombre} montants de cette collectivité ({colonne} de {exercice}) sont {fois} que ceux de même sorte des autres contrats{unite}",
         "Demandez au contrat dans quelle unité ils sont saisis ; ils se corrigent dans son classeur."),
    Code("financement-de-deux-contrats", "Un financement déclaré à deux contrats", _AVERTISSEMENT,
         "{montant} de {exercice} pour « {action} » sont aussi dans {contrats} : même financeur, même action, même montant. L'ensemble compte {compte} de trop si c'est un seul financement.",
         "Demandez aux contrats lequel le garde ; l'autre retire ce montant. Si ce sont deux financements, rien à faire."),
    Code("partenaire-autrement-nomme", "Un partenaire sous un autre nom", _INFORMATION,
         "« {valeur} » est « {attendu} » dans {contrat} : {raison}.",
         "Convenez d'un nom et saisissez-le dans la feuille « Partenaires » de chaque contrat, ou laissez : le numéro suffit à le reconnaître."),
    Code("partenaire-peut-etre-le-meme", "Un partenaire qui ressemble à un autre", _INFORMATION,
         "« {valeur} » ressemble à « {attendu} » dans {contrat} : {raison}.",
         "Si c'est le même, donnez-lui le même nom, ou son SIRET, dans la feuille « Partenaires » de chaque contrat. Sinon, rien à faire."),
    Code("quartier-deux-noms", "Un quartier sous deux noms", _AVERTISSEMENT,
         "Le quartier {quartier} s'appelle ici « {valeur} », et « {attendu} » dans {contrat}.",
         "Vérifiez ce code sur sig.ville.gouv.fr ; corrigez le code, ou le nom, dans le contrat qui se trompe."),
    Code("quartier-deux-codes", "Un quartier avec deux codes", _AVERTISSEMENT,
         "« {nom} » a ici le code {valeur}, et {attendu} dans {contrat}, pour la même commune.",
         "Vérifiez ces codes sur sig.ville.gouv.fr ; corrigez celui qui est faux. Si ce sont deux quartiers, rien à faire."),
)
