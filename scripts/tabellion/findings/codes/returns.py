"""What is wrong with a partner's return as a whole, and what changed against the form as it was sent."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = (
    Code("autre-partenaire", "Un formulaire d'un partenaire inconnu", _ERREUR,
         "Ce formulaire est celui de « {valeur} », qui n'est pas un partenaire de ce contrat.",
         "Vérifiez que c'est le bon fichier et le bon dossier de contrat.", True),
    Code("formulaire-d-un-autre-exercice", "Un formulaire d'un autre exercice", _INFORMATION,
         "Ce formulaire est celui de l'exercice {valeur} ; l'exercice en cours est {attendu}.",
         "Rien à faire si c'est voulu ; sinon demandez au partenaire le formulaire de {attendu}."),
    Code("exercice-hors-contrat", "Un formulaire d'un exercice hors du contrat", _ERREUR,
         "Ce formulaire est celui de l'exercice {valeur}, le contrat va de {debut} à {fin}.",
         "Repartez d'un formulaire écrit par « tabellion forms ».", True),
    Code("ligne-incomplete", "Une ligne à compléter", _AVERTISSEMENT,
         "Cette ligne n'est pas complète : {valeur}.",
         "Complétez-la, ou dites en commentaire pourquoi elle ne peut pas l'être."),
    Code("formulaire-vide", "Un formulaire renvoyé sans rien de rempli", _AVERTISSEMENT,
         "Rien n'a été tapé dans ce formulaire.",
         "Vérifiez que c'est bien le fichier rempli, et pas le modèle."),
    Code("reference-perdue", "Les valeurs envoyées sont perdues", _AVERTISSEMENT,
         "La feuille cachée des valeurs envoyées manque : on ne peut pas dire ce qui a changé.",
         "Recopiez les réponses dans le formulaire d'origine, ou dans un neuf écrit par « tabellion forms »."),
    Code("ligne-supprimee", "Une ligne du formulaire a disparu", _AVERTISSEMENT,
         "La ligne « {valeur} » ({libelle}) a été supprimée de « {titre} ». Elle est gardée : la suppression n'est que proposée.",
         "Si la ligne ne vous concerne plus, dites-le en commentaire ; sinon remettez-la depuis le formulaire envoyé."),
    Code("ligne-inconnue", "Un identifiant que le formulaire n'avait pas", _ERREUR,
         "L'identifiant « {valeur} » n'était pas dans le formulaire envoyé.",
         "Effacez l'identifiant si la ligne est nouvelle ; sinon remettez celui d'origine.", True),
    Code("cellule-verrouillee-modifiee", "Une cellule verrouillée a été modifiée", _ERREUR,
         "« {titre} » disait « {attendu} », il dit maintenant « {valeur} ».",
         "Remettez « {attendu} » ; dites en commentaire ce qui ne va pas.", True),
    Code("colonne-triee-seule", "Une colonne a été triée sans les autres", _ERREUR,
         "Les valeurs de « {titre} » sont les bonnes, mais plus en face de leurs lignes : une colonne a été triée sans les autres.",
         "Annulez le tri (Ctrl+Z), ou recopiez vos réponses dans le formulaire d'origine.", True),
    Code("montant-demultiplie", "Un montant mille fois plus grand que le dernier connu", _AVERTISSEMENT,
         "{trouve} est plus de mille fois le dernier montant connu ({attendu_euros}).",
         "Vérifiez l'unité : les montants sont en euros, pas en milliers."),
    Code("exemple-laisse", "Un texte d'exemple laissé dans le formulaire", _AVERTISSEMENT,
         "« {valeur} » est l'exemple du mode d'emploi, pas une réponse.",
         "Remplacez-le par votre réponse, ou videz la cellule."),
    Code("ligne-sous-le-formulaire", "Une ligne sous les lignes de réserve", _INFORMATION,
         "Cette ligne est sous le tableau « {valeur} » : elle a été lue quand même.",
         "Rien à faire ; utilisez plutôt les lignes vides du tableau."),
    Code("deux-reponses", "Deux partenaires ou deux exercices dans un fichier", _ERREUR,
         "Ce fichier contient deux fois le tableau « {valeur} » (feuilles {feuilles}).",
         "Ne renvoyez qu'un formulaire par fichier.", True),
)  # fmt: skip
