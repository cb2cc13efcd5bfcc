"""Who answers in a return: its seal, the rows that are another's."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

# fmt: off
CODES: tuple[Code, ...] = (
    Code("identite-modifiee", "Un formulaire qui se dit d'un autre", _ERREUR,
         "Ce formulaire se dit de {valeur} ; son sceau dit qu'il a été envoyé à {attendu} : son identité cachée a été modifiée.",
         "Ne comptez pas ce fichier : renvoyez son formulaire au partenaire, qui y recopie ses réponses.", True),
    Code("lignes-d-un-autre-formulaire", "Des lignes que le formulaire n'avait pas", _ERREUR,
         "Le sceau de ce formulaire dit que ses lignes cachées ne sont pas celles qui ont été envoyées à ce partenaire.",
         "Ne comptez pas ce fichier : renvoyez son formulaire au partenaire, qui y recopie ses réponses.", True),
    Code("formulaire-jamais-envoye", "Un formulaire qui n'a pas été envoyé", _AVERTISSEMENT,
         "Ce formulaire est bien de ce partenaire et de cet exercice ; son numéro « {valeur} » n'est d'aucun formulaire envoyé.",
         "Vérifiez auprès du partenaire d'où vient ce fichier."),
    Code("sceau-absent", "Un formulaire sans sceau", _INFORMATION,
         "Ce formulaire ne porte pas de sceau : il est d'une version précédente, ou un logiciel l'a perdu. Il est lu d'après ce qu'il dit de lui.",
         "Rien à faire s'il vient bien de ce partenaire."),
    Code("sceau-sans-cle", "Un sceau qui ne peut pas être vérifié", _INFORMATION,
         "Le sceau de ce formulaire est d'une clé que ce dossier n'a pas : il est lu d'après ce qu'il dit de lui.",
         "Rien à faire s'il vient bien de ce partenaire ; la clé est dans workbooks/envois/ (fichier caché .sceau), à garder avec le contrat."),
    Code("ligne-d-un-autre", "Une ligne d'une autre collectivité", _ERREUR,
         "La ligne « {valeur} » est au contrat celle de « {autre} », et n'était pas dans le formulaire envoyé.",
         "Effacez cette ligne, ou son identifiant si c'est une ligne nouvelle.", True),
    Code("nom-d-un-autre", "Un fichier au nom d'un autre partenaire", _ERREUR,
         "Ce fichier contient le formulaire de « {partenaire} », et porte le nom de celui de « {autre} » : il ne compte pas d'ici la décision.",
         "Dites dans la feuille « À décider » de consolidation.xlsx si c'est le bon partenaire, ou renommez le fichier.", True),
    Code("auteur-d-un-autre", "Un auteur qui répondait pour un autre partenaire", _AVERTISSEMENT,
         "{valeur}, qui a enregistré ce formulaire de « {partenaire} », répondait jusqu'ici pour « {autre} ».",
         "Dites dans la feuille « À décider » de consolidation.xlsx si c'est le bon partenaire."),
    Code("fichier-ecarte", "Un fichier écarté par décision", _INFORMATION,
         "L'équipe du contrat a décidé que ce fichier n'est pas une réponse de ce partenaire.",
         "Rien à faire ; pour changer, choisissez à nouveau dans la feuille « À décider » de consolidation.xlsx."),
)
