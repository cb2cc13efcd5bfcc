"""Many contracts put together: those that are found or listed, those that cannot be taken, what does not fit."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

# fmt: off
_FOUND: tuple[Code, ...] = (
    Code("aucun-contrat", "Aucun contrat trouvé", _ERREUR,
         "Aucun dossier de contrat n'a été trouvé dans : {valeur}. Rien n'est changé à ce qui était écrit.",
         "Indiquez un dossier qui contient des dossiers de contrats (chacun a un fichier tabellion.toml), ou une liste ensemble.toml ; vérifiez que le partage est accessible.", True),
    Code("liste-fausse", "Liste de contrats fausse", _ERREUR,
         "Liste de contrats, « {champ} » : {detail}.",
         "Corrigez cette ligne d'ensemble.toml ; le README en montre un exemple.", True),
    Code("dossier-de-contrats-absent", "Un dossier de contrats introuvable", _ERREUR,
         "Le dossier « {valeur} » n'existe pas.",
         "Vérifiez son nom et que le partage est accessible ; les autres dossiers ont été pris.", True),
    Code("dossier-sans-contrat", "Un dossier sans contrat", _ERREUR,
         "Le dossier « {valeur} » n'existe pas ou n'a pas de fichier tabellion.toml : ce n'est pas celui d'un contrat.",
         "Corrigez ce dossier dans ensemble.toml, ou vérifiez que le partage est accessible.", True),
    Code("dossier-de-contrats-illisible", "Un dossier impossible à lire", _ERREUR,
         "Le dossier « {valeur} » ne peut pas être lu : {detail}.",
         "Demandez le droit de le lire, ou retirez-le de ce qui est mis ensemble.", True),
    Code("contrat-deux-fois", "Un contrat nommé deux fois", _AVERTISSEMENT,
         "Le dossier « {valeur} » est nommé deux fois : il est compté une fois.",
         "Retirez-le de l'une des deux places."),
    Code("contrat-en-double", "Deux contrats de même identifiant", _ERREUR,
         "« {valeur} » et « {attendu} » ont le même identifiant, « {identifiant} » : seul le second est compté, pour ne pas compter deux fois les mêmes montants.",
         "Si l'un est une copie, rangez-la hors de ces dossiers ; sinon donnez-lui un autre identifiant (contrat.id) dans son tabellion.toml.", True),
    Code("contrat-imbrique", "Un contrat dans un autre", _AVERTISSEMENT,
         "Le contrat « {valeur} » est dans le dossier d'un autre, « {attendu} » : il n'est pas compté.",
         "Rangez-le à côté, ou nommez-le dans ensemble.toml s'il est à compter."),
    Code("contrat-lie", "Un contrat au bout d'un lien", _AVERTISSEMENT,
         "« {valeur} » est un lien vers un contrat : il n'est pas suivi, pour ne rien compter deux fois.",
         "Nommez ce contrat dans ensemble.toml s'il est à compter."),
    Code("contrat-sans-reglages", "Un classeur de contrat sans réglages", _AVERTISSEMENT,
         "« {valeur} » a un classeur de contrat, mais pas de fichier tabellion.toml : il n'est pas compté.",
         "Remettez tabellion.toml dans ce dossier, ou rangez-le ailleurs si c'est une copie."),
    Code("contrat-non-liste", "Un contrat que la liste ne nomme pas", _AVERTISSEMENT,
         "Le contrat « {valeur} » est sous le dossier d'ensemble.toml, qui ne le nomme pas : il n'est pas compté.",
         "Ajoutez-le à ensemble.toml, ou rangez-le ailleurs."),
    Code("contrat-disparu", "Un contrat qui n'est plus là", _AVERTISSEMENT,
         "Le contrat « {valeur} » ({attendu}) était là la dernière fois et n'y est plus : il n'est plus compté.",
         "Si ce n'est pas voulu, vérifiez que son dossier est accessible et relancez."),
)
_TAKEN: tuple[Code, ...] = (
    Code("contrat-non-pris", "Un contrat qui n'a pas pu être lu", _ERREUR,
         "{detail} {reprise}",
         "{remede}", True),
    Code("contrat-interrompu", "Un contrat qui demande trop", _ERREUR,
         "Le travail sur ce contrat a été arrêté : {valeur}.",
         "Relancez ; si cela se reproduit, lancez « tabellion consolidate » sur ce contrat seul, ou augmentez [limites] dans ensemble.toml.", True),
    Code("contrat-a-corriger", "Un contrat dans lequel quelque chose bloque", _ERREUR,
         "« {valeur} » : {compte}, dont : {detail}",
         "La feuille « Ce qui bloque » d'ensemble.xlsx les nomme, chacun à sa cellule.", True),
    Code("champ-de-plusieurs-types", "Un champ de plusieurs types", _AVERTISSEMENT,
         "Le champ « {champ} » de la table « {valeur} » n'a pas le même type dans tous les contrats ({attendu}) : il est gardé en texte dans le jeu de données.",
         "Donnez-lui un seul type dans les schémas de ces contrats, ou un autre nom dans l'un d'eux."),
    Code("pyarrow-absent", "Une bibliothèque à installer", _ERREUR,
         "Le jeu de données (Parquet) demande la bibliothèque « {valeur} », qui n'est pas installée.",
         "Installez-la sur cette machine : pip install \"tabellion[ensemble]\".", True),
)
CODES = (*_FOUND, *_TAKEN)
