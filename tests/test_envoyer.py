"""A campaign sent by mail: who gets what, each once, whatever happens to the server or to the program."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from support import smtp
from support.mail_campaign import CONTACTS, EVERYONE, campaign
from support.program import contents, tabellion
from support.smtp import Server
from tabellion.campaign.model import Consolidation
from tabellion.campaign.requests import SEND, RequestLog, requests_of, sending_words
from tabellion.commands import envoyer
from tabellion.commands.envoyer import Sending, prepare_letters, queue_letters, send_letters, send_waiting, write_trial
from tabellion.contract.folders import SENT_LETTERS
from tabellion.contract.workspace import MailSettings, find_workspace
from tabellion.findings import TabellionError
from tabellion.mail.outbox import LetterState, sent_mails
from tabellion.measures.board import ReturnStatus

NOW = datetime(2016, 10, 3, 9, 0)


def mail_to(server: Server) -> MailSettings:
    return MailSettings("localhost", server.port, "aucun", "tabellion@agglo.fr", ("equipe@agglo.fr",))


def send(
    root: Path, consolidation: Consolidation, now: datetime = NOW, *partners: str, reminders: bool = False
) -> Sending:
    workspace = find_workspace(root)
    prepared = prepare_letters(workspace, consolidation, 2016, partners, now, reminders=reminders)
    return send_letters(workspace, prepared, now, again=bool(partners), environment={})


def states(sending: Sending) -> dict[str, str]:
    return {entry.recipient: entry.state.value for entry in sending.entries}


def recipients(server: Server) -> list[str]:
    return [mail.recipient for mail in server.received]


def test_each_contact_gets_the_form_and_the_guide_once(sent_copy: Path, seen: Consolidation) -> None:
    with smtp.running() as server:
        asked = campaign(seen, mail_to(server))
        done = send(sent_copy, asked)
        assert done.is_complete
        assert {finding.code for finding in done.findings} == {"partenaire-sans-adresse"}
        assert sorted(recipients(server)) == sorted(EVERYONE)
        assert send(sent_copy, asked, NOW + timedelta(days=9)).is_complete
        assert len(server.received) == len(EVERYONE)
        (letter,) = (mail for mail in server.received if mail.recipient == "mairie@luce.fr")
        form, guide = letter.message.iter_attachments()
        assert form.get_content() == (sent_copy / "workbooks" / "envois" / "2016" / "luce-2016.xlsx").read_bytes()
        assert (form.get_filename(), guide.get_filename()) == ("luce-2016.xlsx", "guide-partenaire.docx")
        assert letter.message["Reply-To"] == "retours@agglo.fr"
        assert "votre formulaire 2016 : Lucé & « Cie »" in letter.message["Subject"]
        assert "Ouvrez « luce-2016.xlsx »" in letter.text
        # Another form is another message, to its partner alone.
        shutil.copyfile(
            sent_copy / "workbooks/envois/2016/etat-2016.xlsx", sent_copy / "workbooks/envois/2016/luce-2016.xlsx"
        )
        send(sent_copy, asked, NOW + timedelta(days=10))
        assert recipients(server)[len(EVERYONE) :] == ["mairie@luce.fr"]


def test_a_trial_sends_nothing_and_shows_everything(sent_copy: Path, seen: Consolidation) -> None:
    with smtp.running() as server:
        workspace = find_workspace(sent_copy)
        prepared = prepare_letters(workspace, campaign(seen, mail_to(server)), None, ["luce"], NOW, reminders=False)
        (path,) = write_trial(workspace, prepared, NOW)
        (again,) = write_trial(workspace, prepared, NOW)
        assert (server.conversations, again.parent.name) == (0, f"{path.parent.name} (2)")
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert (path.name, message["To"]) == ("luce-2016-formulaire.eml", "mairie@luce.fr")
    assert len(list(message.iter_attachments())) == 2
    assert not (workspace.memory / "courriers.json").exists()


def test_reminders_leave_in_the_words_that_staff_gave_them(sent_copy: Path, seen: Consolidation) -> None:
    with smtp.running() as server:
        late = campaign(seen, mail_to(server), ReturnStatus.LATE)
        workspace = find_workspace(sent_copy)
        prepare_letters(workspace, late, 2016, ["luce"], NOW, reminders=True)
        text = workspace.workbooks / "relances" / "2016" / "luce.txt"
        text.write_text(text.read_text(encoding="utf-8") + "\nAvec nos vœux.\n", encoding="utf-8")
        assert send(sent_copy, late, NOW, reminders=True).is_complete
        send(sent_copy, late, NOW + timedelta(days=1), reminders=True)  # the same reminder
        assert sorted(recipients(server)) == sorted(EVERYONE)
        (letter,) = (mail for mail in server.received if mail.recipient == "mairie@luce.fr")
        assert letter.text.startswith("Bonjour,")
        assert letter.text.endswith("Avec nos vœux.\n")
        assert "votre retour 2016 est attendu" in letter.message["Subject"]
        (form,) = letter.message.iter_attachments()
        assert form.get_filename() == "luce-2016.xlsx"
        send(sent_copy, late, NOW + timedelta(days=8), reminders=True)  # the second one
        assert len(server.received) == 2 * len(EVERYONE)
        assert "(2e relance)" in server.received[-1].message["Subject"]
        assert "Avec nos vœux." in next(text.parent.glob("luce*20*.txt")).read_text(encoding="utf-8")  # kept, dated
        text.write_text(text.read_text(encoding="utf-8") + "\nPas encore envoyée.\n", encoding="utf-8")
        with pytest.raises(TabellionError):  # nobody's words are lost before they were sent
            send(sent_copy, late, NOW + timedelta(days=16), reminders=True)


@pytest.mark.parametrize("answer", ["450 4.7.1 greylisted", "421 4.3.2 busy", ""])
def test_what_is_put_off_leaves_with_the_next_command(sent_copy: Path, seen: Consolidation, answer: str) -> None:
    with smtp.running(Server(refused={"mairie@luce.fr": answer})) as server:
        asked = campaign(seen, mail_to(server))
        done = send(sent_copy, asked)
        assert states(done) == {**dict.fromkeys(EVERYONE, "envoyé"), "mairie@luce.fr": "en attente"}
        assert not done.is_complete
        server.refused.clear()
        assert send(sent_copy, asked, NOW + timedelta(seconds=1)).is_complete
        assert sorted(recipients(server)) == sorted(EVERYONE)


def test_a_refused_address_is_tried_again_by_name_only(sent_copy: Path, seen: Consolidation) -> None:
    with smtp.running(Server(refused={"mairie@luce.fr": "550 5.1.1 unknown"})) as server:
        asked = campaign(seen, mail_to(server))
        for day in range(3):
            done = send(sent_copy, asked, NOW + timedelta(days=day))
            assert states(done)["mairie@luce.fr"] == "refusé"
        assert server.tried.count("mairie@luce.fr") == 1
        server.refused.clear()
        assert send(sent_copy, asked, NOW + timedelta(days=4), "luce").is_complete
        assert sorted(recipients(server)) == sorted(EVERYONE)
        mails = sent_mails([find_workspace(sent_copy).memory / "courriers.json"])
        assert {(mail.recipient, mail.state) for mail in mails} == {(address, "envoyé") for address in EVERYONE}


@pytest.mark.parametrize("moment", ["greeting", "ehlo", "mail", "rcpt", "data", "body", "dot", "end", "quit"])
def test_a_server_killed_at_any_command_gets_each_letter_once(
    sent_copy: Path, seen: Consolidation, moment: str
) -> None:
    """After the last line of a letter, nobody but the server knows whether it took it: it is said, not repeated, and
    leaves again where staff name the partner."""
    with smtp.running(Server(dies=moment)) as server:
        asked = campaign(seen, mail_to(server))
        done = send(sent_copy, asked)
        doubtful = {entry.recipient for entry in done.entries if entry.state is LetterState.DOUBTFUL}
        assert bool(doubtful) == (moment in ("dot", "end"))
        if moment != "quit":
            assert set(recipients(server)) == (doubtful if moment == "end" else set())
        assert [finding.code for finding in done.findings].count("avis-incertain") == len(doubtful)
        server.dies = None
        send(sent_copy, asked, NOW + timedelta(days=1))
        lost = doubtful if moment == "dot" else set()
        assert sorted(recipients(server)) == sorted(set(EVERYONE) - lost)
        if moment == "dot":
            send(sent_copy, asked, NOW + timedelta(days=2), *CONTACTS)
            assert sorted(recipients(server)) == sorted(EVERYONE)


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_program_killed_around_a_letter_says_what_it_does_not_know(
    sent_copy: Path, seen: Consolidation, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Killed before the first byte left: it leaves later. Killed before it was noted as sent: it is said."""

    class Killed(BaseException):
        pass

    noted = envoyer.Outbox.note

    def killed(outbox: Any, letter: Any, state: LetterState, *arguments: Any, **more: Any) -> None:
        if state is (LetterState.UNDER_WAY if point == "before" else LetterState.SENT):
            raise Killed
        noted(outbox, letter, state, *arguments, **more)

    with smtp.running() as server:
        asked = campaign(seen, mail_to(server))
        with monkeypatch.context() as patched:
            patched.setattr(envoyer.Outbox, "note", killed)
            with pytest.raises(Killed):
                send(sent_copy, asked)
        done = send(sent_copy, asked)
        codes = [finding.code for finding in done.findings if finding.code != "partenaire-sans-adresse"]
        assert codes == ([] if point == "before" else ["avis-incertain"])
        assert done.is_complete == (point == "before")
        assert sorted(recipients(server)) == sorted(EVERYONE)


def test_two_at_once_send_each_letter_once(
    sent_copy: Path, seen: Consolidation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envoyer, "_WAIT_SECONDS", 0.0)
    with smtp.running() as server:
        asked, workspace = campaign(seen, mail_to(server)), find_workspace(sent_copy)
        with envoyer._sending(workspace, NOW), pytest.raises(TabellionError) as caught:
            send(sent_copy, asked)
        assert [finding.code for finding in caught.value.findings] == ["espace-occupe"]
        assert server.conversations == 0


def test_the_watcher_sends_what_waits_and_comes_back_for_the_rest(sent_copy: Path, seen: Consolidation) -> None:
    workspace = find_workspace(sent_copy)
    with smtp.running(Server(refused={"mairie@luce.fr": "451 4.7.1 later"})) as server:
        asked = campaign(seen, mail_to(server))
        assert send_waiting(workspace, asked, NOW) == ([], None)
        prepared = prepare_letters(workspace, asked, 2016, [], NOW, reminders=False)
        assert queue_letters(workspace, prepared, NOW) == (len(EVERYONE), [])
        assert server.conversations == 0
        findings, later = send_waiting(workspace, asked, NOW, {})
        assert ([finding.code for finding in findings], later) == (["avis-differe"], NOW + timedelta(minutes=1))
        before = contents(workspace.memory)
        assert send_waiting(workspace, asked, NOW, {}) == ([], later)
        assert contents(workspace.memory) == before  # nothing new is written, or the watcher would run for ever
        server.refused.clear()
        assert send_waiting(workspace, asked, NOW + timedelta(minutes=1), {}) == ([], None)
    assert sorted(recipients(server)) == sorted(EVERYONE)


def test_a_list_of_what_was_sent_that_cannot_be_read_is_said_where_mails_are_asked_for(
    sent_copy: Path, seen: Consolidation
) -> None:
    workspace = find_workspace(sent_copy)
    prepared = prepare_letters(
        workspace, campaign(seen, MailSettings("localhost", 25, "aucun", "t@agglo.fr")), 2016, [], NOW, reminders=False
    )
    (workspace.memory / SENT_LETTERS).write_text("{", encoding="utf-8")
    queued, findings = queue_letters(workspace, prepared, NOW)
    assert (queued, [finding.code for finding in findings]) == (0, ["avis-oublies"])


def test_excel_asks_to_send_and_confirms_to_how_many(seen: Consolidation) -> None:
    asked = campaign(seen, MailSettings("localhost", 25, "aucun", "t@agglo.fr"))
    requests = {finding.code: finding for finding in requests_of(asked, RequestLog())}
    assert requests[SEND].confirmation == sending_words(asked, SEND) == "oui, envoyer à 3 partenaires"
    assert requests["envoyer-relances"].confirmation == ""  # nobody is late yet
    assert SEND not in {finding.code for finding in requests_of(seen, RequestLog())}  # no mail is set


def test_without_a_mail_server_nothing_is_written(sent_copy: Path) -> None:
    before = contents(sent_copy)
    done = tabellion("envoyer", cwd=sent_copy)
    assert (done.code, done.codes) == (2, ["courriel-non-regle"])
    assert contents(sent_copy) == before


def test_the_board_shows_what_became_of_each_mail(sent_copy: Path, seen: Consolidation) -> None:
    """The command itself, with a real server: what it says, and what the consolidated workbook shows afterwards."""
    with smtp.running(Server(refused={"mairie@luce.fr": "550 5.1.1 unknown"})) as server:
        send(sent_copy, campaign(seen, mail_to(server)))
    assert tabellion("consolidate", cwd=sent_copy).code in (0, 1)
    from support.opened_books import Book

    rows = Book(sent_copy / "workbooks" / "consolidation" / "consolidation.xlsx").rows("Courriels")
    shown = {row["Destinataire"]: row for row in rows}
    assert set(shown) == set(EVERYONE)
    assert shown["ddt@etat.fr"]["Suite"] == "✓ envoyé le 03/10/2016 à 09:00"
    assert shown["mairie@luce.fr"]["Suite"].startswith("✗ refusé")
    assert shown["mairie@luce.fr"]["Réponse"] == "550 5.1.1"
    assert "550 5.1.1 unknown" in shown["mairie@luce.fr"]["Message"]
    assert shown["mairie@luce.fr"]["Message"].startswith("formulaire 2016 : Lucé & « Cie »")
