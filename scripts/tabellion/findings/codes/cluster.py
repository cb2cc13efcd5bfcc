"""A cluster of machines that takes the contracts: it is not there, or not as it should be."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR = Severity.ERREUR

# fmt: off
CODES: tuple[Code, ...] = (
    Code("cluster-injoignable", "Un cluster injoignable", _ERREUR,
         "Le cluster « {valeur} » ne répond pas : {detail}.",
         "Vérifiez l'adresse (tcp://machine:8786), que son ordonnanceur (dask scheduler) est en marche et que le réseau laisse passer ; ou lancez la commande sans --dask.", True),
    Code("cluster-sans-ouvrier", "Un cluster sans machine au travail", _ERREUR,
         "Aucune machine du cluster « {valeur} » ne s'est mise au travail en {attendu} s.",
         "Démarrez-en une (dask worker ADRESSE), ou donnez au cluster au moins une machine en permanence ; ou lancez la commande sans --dask.", True),
    Code("cluster-sans-partage", "Un cluster qui ne voit pas les contrats", _ERREUR,
         "Une machine au moins du cluster « {valeur} » ne voit pas les dossiers des contrats aux mêmes chemins que celle-ci.",
         "Montez le même partage au même endroit sur toutes les machines ; ou ajoutez --lecture : chaque contrat est alors envoyé, et rien n'y est écrit ; ou lancez la commande sans --dask.", True),
    Code("cluster-sans-bibliotheque", "Une bibliothèque à installer", _ERREUR,
         "Un cluster demande la bibliothèque « {valeur} », qui n'est pas installée.",
         "Installez-la sur cette machine : pip install \"tabellion[cluster]\", ou lancez la commande sans --dask.", True),
    Code("cluster-autre-version", "Une machine du cluster d'une autre version", _ERREUR,
         "La machine « {machine} » du cluster a {valeur} ; celle-ci a {attendu}. Les fichiers ne seraient pas les mêmes.",
         "Installez les mêmes versions partout (le même environnement Python, ou la même image), puis relancez.", True),
)
# fmt: on
