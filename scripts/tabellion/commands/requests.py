"""Requests made in Excel, carried out by the watcher: each once, through the same functions as the commands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tabellion.campaign.model import Consolidation, RequestEntry, RequestStatus
from tabellion.campaign.requests import (
    ADOPT,
    EXPORT,
    FORMS,
    PUBLISH,
    REMIND,
    SEND,
    SEND_REMINDERS,
    RequestLog,
    adoption_words,
    load_requests,
    sending_words,
)
from tabellion.contract.folders import REQUESTS_FILE
from tabellion.contract.workspace import Workspace
from tabellion.findings import TabellionError
from tabellion.layout.names import CONFIRMATION
from tabellion.transaction.files import write_whole
from tabellion.wording import plural

#: Findings that a result names.
_NAMED = 3


class NotDoneError(Exception):
    """A request that was not carried out; its text says why, in French."""


def carry_out(workspace: Workspace, entry: RequestEntry, now: datetime) -> RequestEntry:
    """Carry out one request, noted as begun before anything is done and as ended after; returns what came of it.

    What the command refuses is the result, in its own words. A mistake of the program is noted, then raised.
    """
    _note(workspace, replace(entry, status=RequestStatus.BEGUN))
    status, words = RequestStatus.REFUSED, "interrompu avant la fin : vérifiez ce qui a été fait, puis redemandez"
    try:
        words = _do(workspace, entry, now)
        status = RequestStatus.DONE
    except NotDoneError as reason:
        words = f"pas fait : {reason}"
    except TabellionError as error:
        sentences = [f"{item.message} {item.suggestion}" for item in error.findings[:_NAMED]]
        words = "pas fait : " + " ".join(sentences)
    finally:
        ended = replace(entry, status=status, ended=datetime.now(), result=words)
        _note(workspace, ended)
    return ended


def _note(workspace: Workspace, entry: RequestEntry) -> None:
    log: RequestLog = load_requests(workspace.memory).noting(entry)
    write_whole(workspace.memory / REQUESTS_FILE, log.content())


def _do(workspace: Workspace, entry: RequestEntry, now: datetime) -> str:
    """Do what is asked; where it went, in words."""
    if entry.code.startswith(FORMS):
        return _forms(workspace, int(entry.code.removeprefix(FORMS)), now)
    if entry.code in (SEND, SEND_REMINDERS):
        return _send(workspace, entry, now)
    actions = {REMIND: _remind, PUBLISH: _publish, EXPORT: _export}
    if entry.code == ADOPT:
        return _adopt(workspace, entry.confirmation, now)
    if entry.code not in actions:
        raise NotDoneError("cette demande n'existe pas")
    return actions[entry.code](workspace, now)


def _forms(workspace: Workspace, year: int, now: datetime) -> str:
    from tabellion.commands.forms import forms

    sent = forms(workspace, year, (), force=False, now=now)
    return f"{plural(len(sent), 'formulaire')} dans envois/{year}/"


def _remind(workspace: Workspace, now: datetime) -> str:
    from tabellion.commands.consolidate import look_at_campaign
    from tabellion.commands.relances import relances

    done = relances(workspace, look_at_campaign(workspace, now), None, (), force=False, now=now)
    return f"{plural(len(done.reminders), 'message')} dans relances/{done.exercice}/, à envoyer"


def _send(workspace: Workspace, entry: RequestEntry, now: datetime) -> str:
    from tabellion.commands.consolidate import look_at_campaign
    from tabellion.commands.envoyer import prepare_letters, queue_letters

    consolidation = look_at_campaign(workspace, now)
    words = sending_words(consolidation, entry.code)
    if words != entry.confirmation:
        if words:
            raise _unconfirmed(entry.confirmation, words, "ceux à qui écrire ont changé")
        raise NotDoneError("personne à qui écrire")
    prepared = prepare_letters(workspace, consolidation, None, (), now, reminders=entry.code == SEND_REMINDERS)
    queued, lost = queue_letters(workspace, prepared, now)
    without = "".join(f" ; {item.message}" for item in [*lost, *prepared.findings][:_NAMED])
    return f"{plural(queued, 'message part', 'messages partent')} : le Suivi dit ce que chacun devient{without}"


def _adopt(workspace: Workspace, confirmation: str, now: datetime) -> str:
    from tabellion.commands.adopt import adopt

    changed: list[str] = []

    def agree(consolidation: Consolidation) -> bool:
        words = adoption_words(consolidation)
        changed.append(words)
        return bool(words) and words == confirmation

    adopted = adopt(workspace, now, agree)
    if adopted is None:
        if changed and changed[0]:
            raise _unconfirmed(confirmation, changed[0], "ce qui serait adopté a changé")
        raise NotDoneError("rien à adopter")
    behind = [item.place.feuille for item in adopted.notices if item.code == "feuille-non-refaite"]
    left = f" ; sans refaire {', '.join(f'« {sheet} »' for sheet in behind)}, où est posé du travail à vous"
    done = f"{confirmation.removeprefix('oui, ')} : fait ; l'ancien contrat est dans archives/"
    return done + (left if behind else "")


def _unconfirmed(confirmation: str, words: str, changed: str) -> NotDoneError:
    """Why what ``words`` would confirm is not done: nothing was there to confirm yet, or it has ``changed``."""
    if not confirmation:
        return NotDoneError(f"choisissez la phrase proposée, « {words} », dans la colonne « {CONFIRMATION} »")
    return NotDoneError(f"{changed} (« {words} ») : confirmez à nouveau")


def _publish(workspace: Workspace, now: datetime) -> str:
    from tabellion.commands.publish import PublishOptions, publish

    done = publish(workspace, PublishOptions(), now)
    if not done.paths:
        blocking = [item for item in done.findings if item.bloquant]
        raise NotDoneError(f"{plural(len(blocking), 'constat bloque', 'constats bloquent')} : {blocking[0].message}")
    return ", ".join(path.relative_to(workspace.workbooks).as_posix() for path in done.paths)


def _export(workspace: Workspace, now: datetime) -> str:
    from tabellion.commands.export import export
    from tabellion.commands.source import Depuis

    done = export(workspace, None, Depuis.CONTRAT, force=False, now=now)
    return f"{plural(done.rows, 'ligne')} en {plural(done.tables, 'table')} dans export/"
