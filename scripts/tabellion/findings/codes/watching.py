"""Watching all day: what is not seen or is away, mails that cannot be sent, owner files that nobody owns any more."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = (
    Code("proprietaire-perime", "Une marque d'ouverture oubliée", _INFORMATION,
         "« {valeur} » porte depuis plus d'un jour la marque d'une ouverture ({detail}), mais personne ici ne l'a ouvert : "
         "la marque n'est pas prise en compte.",
         "Il n'y a rien à faire. Pour ne plus voir ce message, supprimez ce fichier caché."),
    Code("courriel-injoignable", "Le serveur de courriel n'a pas répondu", _AVERTISSEMENT,
         "Les avis n'ont pas pu être remis au serveur « {valeur} » : {detail}. Nombre d'avis en attente : {attente}.",
         "Vérifiez la partie [courriel] de tabellion.toml et le réseau. Les avis restent en attente et partiront d'eux-mêmes."),
    Code("courriel-refuse", "Le serveur de courriel refuse d'envoyer nos avis", _AVERTISSEMENT,
         "Le serveur « {valeur} » refuse : {detail}. Nombre d'avis en attente : {attente}.",
         "Vérifiez « expediteur », « utilisateur » et le mot de passe avec la personne qui s'occupe de ce serveur. "
         "Les avis restent en attente et partiront d'eux-mêmes."),
    Code("avis-refuse", "Un avis n'a pas pu être envoyé", _AVERTISSEMENT,
         "L'avis à « {valeur} » sur ce fichier n'est pas parti : {detail}.",
         "Vérifiez cette adresse (celle d'un partenaire est dans la table des partenaires). Un nouvel essai sera fait plus tard."),
    Code("avis-incertain", "Un avis est peut-être parti", _AVERTISSEMENT,
         "L'avis à « {valeur} » sur ce fichier a été coupé pendant son envoi : rien ne dit s'il est arrivé, il n'est pas envoyé une seconde fois.",
         "Demandez au destinataire s'il l'a reçu ; sinon, envoyez-lui vous-même la copie annotée."),
    Code("avis-oublies", "La liste des avis envoyés était abîmée", _AVERTISSEMENT,
         "La liste « {valeur} » était abîmée : elle est mise de côté sous le nom « {attendu} ». Pour que personne ne reçoive deux fois "
         "le même avis, tous ceux qui concernent les fichiers présents sont tenus pour envoyés (leur nombre : {nombre}).",
         "Si l'un de ces partenaires n'a rien reçu, envoyez-lui vous-même sa copie annotée."),
    Code("avis-non-notes", "La liste des avis envoyés ne peut pas être écrite", _AVERTISSEMENT,
         "La liste « {valeur} » ne peut pas être écrite : {detail}. Aucun avis ne part, pour que personne ne reçoive deux fois le même.",
         "Vérifiez les droits sur workbooks/.tabellion et la place sur le disque. Les avis partiront d'eux-mêmes."),
    Code("surveillance-limitee", "Le système ne peut pas signaler les changements", _AVERTISSEMENT,
         "Le système ne peut pas signaler les changements de tous les dossiers ({detail}) : ils sont relus toutes les {every} secondes.",
         "Rien n'est perdu. Sous Linux, augmentez fs.inotify.max_user_watches et fs.inotify.max_user_instances (sysctl), puis relancez « tabellion watch »."),
    Code("surveillance-sourde", "Le système ne signale pas tous les changements", _AVERTISSEMENT,
         "« {valeur} » a changé sans que le système le signale : les dossiers sont relus désormais toutes les {every} secondes.",
         "Rien n'est perdu. Si ces dossiers sont sur un partage réseau, lancez « tabellion watch --poll »."),
    Code("surveillance-relancee", "La surveillance s'est arrêtée et a été relancée", _AVERTISSEMENT,
         "La surveillance des dossiers s'était arrêtée d'elle-même : elle est relancée, et tout est relu.",
         "Il n'y a rien à faire ; si cela revient souvent, lancez « tabellion watch --poll »."),
    Code("dossier-disparu", "Un dossier du contrat n'est plus accessible", _AVERTISSEMENT,
         "« {valeur} » n'est plus accessible : {detail}. Aucun fichier n'est tenu pour supprimé, et tout reste en l'état jusqu'à son retour.",
         "Rétablissez le partage ou le disque : la surveillance reprendra seule. Si ce dossier a été supprimé exprès, recréez-le, même vide."),
    Code("dossier-revenu", "Le dossier est de nouveau accessible", _INFORMATION,
         "Les dossiers du contrat sont de nouveau accessibles : ce qui a changé entre-temps est repris.",
         "Il n'y a rien à faire."),
)  # fmt: skip
