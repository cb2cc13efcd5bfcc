"""A file from outside that cannot be read, or of which something is to be said before what it answers."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

# fmt: off
_SAVE_AS_XLSX = "« Fichier > Enregistrer sous », type « Classeur Excel (*.xlsx) »"
_REPAIR = (
    "Ouvrez le fichier dans Excel ou LibreOffice, acceptez la réparation si elle est proposée, vérifiez le contenu, "
    "puis enregistrez-le sous un nouveau nom au format .xlsx. S’il ne s’ouvre pas, redemandez-le à son expéditeur."
)
_ASK_AGAIN = (
    "N’ouvrez pas ce fichier ; redemandez à son expéditeur un classeur .xlsx enregistré par Excel ou LibreOffice."
)


def _refusal(code: str, titre: str, message: str, remede: str) -> Code:
    return Code(code, titre, _ERREUR, message, remede, bloquant=True)


_PATH = (
    _refusal("fichier-introuvable", "Fichier introuvable",
             "Le fichier n’existe pas à cet endroit.",
             "Vérifiez le nom et le dossier ; le fichier a peut-être été déplacé ou renommé."),
    _refusal("fichier-illisible", "Fichier impossible à lire",
             "Le fichier ne peut pas être lu : {raison}.",
             "Vérifiez que vous avez le droit de l’ouvrir, qu’il n’est pas ouvert ailleurs et que le disque est accessible."),
    _refusal("fichier-dossier", "Dossier au lieu d’un fichier",
             "C’est un dossier, pas un classeur.", "Indiquez les classeurs .xlsx que contient ce dossier."),
    Code("dossier-sans-retour", "Un dossier sans classeur", _AVERTISSEMENT,
         "Ce dossier ne contient aucun classeur à vérifier.", "Indiquez celui où sont les retours, ou un classeur."),
    _refusal("fichier-special", "Fichier spécial",
             "Ce n’est pas un fichier ordinaire mais {valeur}.",
             "Indiquez un classeur .xlsx enregistré sur le disque."),
    _refusal("fichier-lien-en-boucle", "Lien qui tourne en rond",
             "Ce lien renvoie à lui-même : il ne mène à aucun fichier.",
             "Supprimez le lien et indiquez le classeur lui-même."),
    _refusal("fichier-raccourci", "Raccourci au lieu du classeur",
             "C’est un raccourci ({valeur}) : il montre où est le classeur, mais ne le contient pas.",
             "Ouvrez le raccourci, puis joignez le classeur lui-même, enregistré au format .xlsx."),
    _refusal("fichier-verrou", "Fichier témoin d’un classeur ouvert",
             "C’est le petit fichier caché que le tableur crée tant qu’un classeur est ouvert, pas le classeur.",
             "Fermez le classeur dans le tableur, puis envoyez le fichier qui porte le même nom sans « ~ » au début."),
    _refusal("fichier-vide", "Fichier vide",
             "Le fichier est vide : {valeur}.",
             "Réenregistrez le classeur, vérifiez que le disque ou la messagerie n’est pas plein, puis renvoyez-le."),
    _refusal("fichier-tronque", "Fichier incomplet",
             "La fin du fichier manque : il est encore en cours d’enregistrement, ou sa copie a été interrompue.",
             "Attendez la fin de l’enregistrement ou de la synchronisation, ou bien copiez le fichier de nouveau."),
    _refusal("fichier-en-ecriture", "Fichier modifié pendant la lecture",
             "Le fichier a changé pendant sa lecture : quelqu’un est en train de l’enregistrer.",
             "Attendez que l’enregistrement soit terminé, puis recommencez."),
    _refusal("fichier-trop-lourd", "Fichier trop lourd",
             "Le fichier pèse {valeur} Mo ; la limite est de {attendu} Mo.",
             "Retirez du classeur les images et les feuilles inutiles, puis enregistrez-le de nouveau."),
)

_FORMAT = (
    _refusal("format-xls", "Ancien format Excel (.xls)",
             "C’est un classeur d’un ancien format ({valeur}, .xls), quel que soit son nom.",
             f"Ouvrez-le dans Excel ou LibreOffice, puis {_SAVE_AS_XLSX}. Changer l’extension du nom ne suffit pas."),
    _refusal("format-chiffre", "Classeur protégé par un mot de passe",
             "Le classeur est chiffré : par un mot de passe ou une étiquette de confidentialité, ou par la clé d’Excel s’il s’ouvre sans en demander.",
             "Ouvrez-le dans Excel. S’il ne demande pas de mot de passe : « Fichier > Enregistrer une copie », type « Classeur Excel (*.xlsx) », « Outils > Options générales » sans mot de passe. Sinon : « Fichier > Informations > Protéger le classeur > Chiffrer avec mot de passe », effacez le mot de passe, puis enregistrez en .xlsx."),
    _refusal("format-ods", "Classeur OpenDocument (.ods)",
             "C’est un document OpenDocument (.ods), quel que soit son nom.",
             f"Ouvrez-le dans LibreOffice, puis {_SAVE_AS_XLSX}."),
    _refusal("format-xlsb", "Classeur Excel binaire (.xlsb)",
             "C’est un classeur Excel binaire (.xlsb), quel que soit son nom.",
             f"Ouvrez-le dans Excel, puis {_SAVE_AS_XLSX}."),
    _refusal("format-csv", "Texte ou CSV",
             "C’est un fichier de texte ou CSV, pas un classeur Excel.",
             f"Ouvrez-le dans Excel ou LibreOffice, vérifiez les colonnes et les accents, puis {_SAVE_AS_XLSX}."),
    _refusal("format-html", "Page web",
             "C’est une page web, pas un classeur : un site l’a exportée sous un nom de classeur, ou a répondu par une page de connexion.",
             f"Ouvrez-la dans Excel, puis {_SAVE_AS_XLSX} ; ou téléchargez le classeur de nouveau."),
    _refusal("format-xml", "Feuille de calcul XML",
             "C’est un fichier XML seul (par exemple « Feuille de calcul XML 2003 »), pas un classeur .xlsx.",
             f"Ouvrez-le dans Excel, puis {_SAVE_AS_XLSX}."),
    _refusal("format-pdf", "Document PDF",
             "C’est un document PDF, pas un classeur.",
             "Renvoyez le classeur .xlsx à partir duquel le PDF a été imprimé."),
    _refusal("format-image", "Image",
             "C’est une image ({valeur}), pas un classeur.",
             "Renvoyez le classeur .xlsx lui-même, et non sa photographie ou sa capture d’écran."),
    _refusal("format-word", "Document Word",
             "C’est un document de traitement de texte, pas un classeur.",
             "Saisissez les réponses dans le classeur reçu, puis enregistrez-le au format .xlsx."),
    _refusal("format-presentation", "Présentation",
             "C’est une présentation, pas un classeur.",
             "Saisissez les réponses dans le classeur reçu, puis enregistrez-le au format .xlsx."),
    _refusal("format-archive", "Archive sans classeur",
             "C’est une archive ({valeur}) qui n’est pas un classeur Excel.",
             "Si elle contient le classeur, sortez-l’en (clic droit, « Extraire tout ») et envoyez le fichier .xlsx seul."),
    _refusal("format-message", "Message au lieu du classeur",
             "C’est un message de messagerie ({valeur}), pas un classeur : le classeur y est peut-être en pièce jointe.",
             "Ouvrez le message dans la messagerie, enregistrez la pièce jointe .xlsx (clic droit, « Enregistrer sous »), et donnez-la à la place du message."),
    _refusal("format-apple", "Document Apple",
             "C’est un document d’un programme d’Apple ({valeur}), pas un classeur Excel.",
             "Dans Numbers : « Fichier > Exporter vers > Excel », format .xlsx. D’un autre programme : saisissez les réponses dans le classeur reçu."),
    _refusal("format-autre", "Autre sorte de document",
             "C’est {valeur}, pas un classeur.",
             "Saisissez les réponses dans le classeur reçu, puis enregistrez-le au format .xlsx."),
    _refusal("format-non-reconnu", "Format inconnu",
             "Le contenu du fichier n’est pas celui d’un classeur Excel.",
             f"Ouvrez le classeur d’origine dans Excel ou LibreOffice, puis {_SAVE_AS_XLSX}."),
)

_ARCHIVE = (
    _refusal("archive-abimee", "Fichier endommagé",
             "Le fichier est endommagé : {raison}.", _REPAIR),
    _refusal("archive-chiffree", "Contenu chiffré",
             "Une partie du fichier (« {partie} ») est chiffrée par un mot de passe.",
             "Ouvrez le classeur, retirez le mot de passe, puis enregistrez-le au format .xlsx."),
    _refusal("archive-compression", "Compression inconnue",
             "Une partie du fichier (« {partie} ») est comprimée d’une façon qu’aucun tableur n’emploie (méthode {valeur}).",
             _REPAIR),
    _refusal("archive-doublon", "Partie en double",
             "Le fichier contient deux fois la partie « {partie} » : on ne peut savoir laquelle fait foi.", _ASK_AGAIN),
    _refusal("archive-nom-interdit", "Nom de partie interdit",
             "Le fichier contient une partie dont le nom est interdit (« {partie} »).",
             "Si vous attendiez ce fichier, ouvrez-le dans Excel ou LibreOffice et enregistrez-le sous un nouveau nom au format .xlsx ; sinon, supprimez-le."),
    _refusal("archive-chevauchement", "Parties qui se chevauchent",
             "Les parties du fichier se recouvrent (« {partie} ») : il a été fabriqué pour tromper les lecteurs.",
             _ASK_AGAIN),
    _refusal("archive-trop-de-parties", "Trop de parties",
             "Le fichier contient {valeur} parties ; la limite est de {attendu}.",
             "Retirez du classeur les images et les objets inutiles, puis enregistrez-le de nouveau."),
    _refusal("archive-bombe", "Contenu comprimé à l’excès",
             "La partie « {partie} » se déploie à plus de {attendu} fois sa taille : c’est le signe d’un fichier piégé.",
             _ASK_AGAIN),
    _refusal("archive-partie-trop-grande", "Partie trop grande",
             "La partie « {partie} » dépasse {attendu} Mo une fois déployée.",
             "Supprimez du classeur les lignes et les colonnes inutiles, puis enregistrez-le de nouveau."),
    _refusal("archive-trop-grande", "Contenu trop grand",
             "Le contenu du fichier dépasse {attendu} Mo une fois déployé.",
             "Supprimez du classeur les feuilles et les images inutiles, puis enregistrez-le de nouveau."),
)

_WORKBOOK = (
    _refusal("xml-doctype", "Déclaration DOCTYPE interdite",
             "La partie « {partie} » contient une déclaration DOCTYPE ou ENTITY, qu’aucun tableur n’écrit.",
             _ASK_AGAIN),
    _refusal("xml-encodage", "Encodage interdit",
             "La partie « {partie} » est écrite dans un encodage interdit ({valeur}).", _REPAIR),
    _refusal("xml-mal-forme", "Contenu XML endommagé",
             "La partie « {partie} » est endommagée (ligne {ligne} du XML).", _REPAIR),
    _refusal("xml-trop-profond", "Contenu XML trop imbriqué",
             "La partie « {partie} » est imbriquée sur plus de {attendu} niveaux : c’est le signe d’un fichier piégé.",
             _ASK_AGAIN),
    _refusal("classeur-abime", "Classeur endommagé",
             "Le classeur est endommagé : {raison}.", _REPAIR),
    _refusal("classeur-trop-de-feuilles", "Trop de feuilles",
             "Le classeur contient {valeur} feuilles ; la limite est de {attendu}.",
             "Supprimez les feuilles inutiles, puis enregistrez le classeur de nouveau."),
    _refusal("feuille-trop-etendue", "Feuille trop étendue",
             "La feuille s’étend jusqu’à la cellule {valeur} : sa surface dépasse {attendu} cellules.",
             "Allez à la dernière cellule (Ctrl+Fin), supprimez les lignes et les colonnes entières qui suivent vos données, puis enregistrez."),
    _refusal("texte-demesure", "Texte trop long",
             "Un texte compte {valeur} caractères ; une cellule Excel n’en contient pas plus de {attendu}.",
             "Raccourcissez ce texte ou répartissez-le sur plusieurs cellules, puis enregistrez."),
)

_READING = (
    _refusal("tableau-trop-long", "Un tableau trop long",
             "La feuille « {titre} » a {valeur} lignes remplies, jusqu’à la ligne {derniere} ; un formulaire en a au plus {attendu}.",
             "Supprimez les lignes entières qui suivent vos réponses, puis enregistrez le classeur de nouveau."),
    _refusal("exercice-illisible", "Un formulaire dont l’exercice ne se lit plus",
             "La feuille cachée du formulaire ne dit plus de quel exercice il est (« {valeur} »).",
             "Recopiez les réponses dans le formulaire tel qu’il a été envoyé."),
    _refusal("lecture-impossible", "Classeur que le lecteur ne comprend pas",
             "Le lecteur de classeurs a rejeté le contenu du fichier ({raison}).", _REPAIR),
    _refusal("lecture-memoire", "Classeur trop gourmand en mémoire",
             "La lecture du classeur demande plus de {attendu} Mo de mémoire{ampleur}.",
             "Supprimez les lignes, les colonnes et les feuilles inutiles, puis enregistrez le classeur de nouveau."),
    _refusal("lecture-delai", "Lecture trop longue",
             "La lecture du classeur n’était pas finie au bout de {attendu} secondes{ampleur}.",
             "Supprimez les lignes, les colonnes et les feuilles inutiles, ou copiez le fichier sur le disque."),
    _refusal("lecture-interrompue", "Lecture interrompue par le fichier",
             "Le programme de lecture s’est arrêté net sur ce fichier ({raison}{ampleur}) ; les autres fichiers ont été lus.",
             _REPAIR),
)

_NOTICES = (
    Code("mot-de-passe-d-excel", "Un classeur chiffré sans mot de passe", _INFORMATION,
         "Le classeur est chiffré par le mot de passe qu’Excel connaît de lui-même, et que personne n’a choisi : il est lu.",
         "Rien à faire."),
    Code("macros-presentes", "Macros présentes", _INFORMATION,
         "Le classeur contient des macros ; elles n’ont pas été exécutées et ne sont pas reprises.",
         "Rien à faire si seules les valeurs comptent ; sinon, enregistrez-le au format .xlsx, sans macros."),
    Code("liens-externes", "Liens vers d’autres classeurs", _INFORMATION,
         "Le classeur contient {compte} ({cibles}) ; rien n’y a été lu, et les valeurs sont les dernières enregistrées.",
         "Dans Excel : « Données > Modifier les liens > Rompre la liaison », pour figer les valeurs."),
    Code("connexions-externes", "Connexions à des données externes", _INFORMATION,
         "Le classeur contient des connexions à des données externes ; elles n’ont pas été suivies.",
         "Dans Excel : « Données > Requêtes et connexions », supprimez celles qui ne servent plus."),
    Code("objets-incorpores", "Objets incorporés", _INFORMATION,
         "Le classeur contient des objets incorporés (documents ou contrôles) ; ils n’ont pas été ouverts.",
         "Rien à faire si seules les cellules comptent ; sinon, transmettez ces documents séparément."),
)

CODES: tuple[Code, ...] = (*_PATH, *_FORMAT, *_ARCHIVE, *_WORKBOOK, *_READING, *_NOTICES)
#: The codes of a file that could not be read at all.
UNREADABLE = frozenset(code.code for code in CODES if code.bloquant)
