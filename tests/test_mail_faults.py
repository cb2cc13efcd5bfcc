"""A mailbox whose server, folder or senders behave badly: what can be taken is, once; the rest is said."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from support import imap
from support.imap import MailServer
from support.mail_campaign import campaign
from support.mails import mail, returns
from tabellion.campaign.model import Consolidation
from tabellion.commands.relever import CollectResult, collect
from tabellion.contract.workspace import MailSettings, find_workspace
from tabellion.mail import mailbox as mailbox_module
from tabellion.mail.attachments import examine
from tabellion.mail.mailbox import Mailbox, MailboxError
from tabellion.reading.limits import LIMITS

NOW = datetime(2016, 11, 3, 9, 0)
pytestmark = pytest.mark.skipif(imap.missing() is not None, reason=str(imap.missing()))


def settings(port: int, **more: Any) -> MailSettings:
    known: dict[str, Any] = {
        "boite": "localhost", "boite_port": port, "boite_utilisateur": imap.USER,
        "boite_mot_de_passe_variable": "BOITE",
    }  # fmt: skip
    return MailSettings("localhost", 25, "aucun", "tabellion@agglo.fr", ("e@agglo.fr",), **(known | more))


@pytest.fixture
def relever(root: Path, seen: Consolidation, mailbox: MailServer) -> Callable[..., CollectResult]:
    """A round over the mailbox, perhaps on another way to it."""

    def round_over(port: int = 0, now: datetime = NOW, **more: Any) -> CollectResult:
        asked = campaign(seen, settings(port or mailbox.port, **more))
        return collect(find_workspace(root), asked, now, {"BOITE": imap.PASSWORD})

    return round_over


def codes(done: CollectResult) -> list[str]:
    return [finding.code for finding in done.findings]


def form(root: Path, partner: str) -> bytes:
    return (root / "workbooks" / "envois" / "2016" / f"{partner}-2016.xlsx").read_bytes()


def three(root: Path, mailbox: MailServer) -> None:
    """Each partner has sent its form."""
    for partner, sender in (("luce", "mairie@luce.fr"), ("etat", "ddt@etat.fr"), ("bailleur", "un@bailleur.fr")):
        mailbox.deliver(bytes(mail(sender, (f"{partner}.xlsx", form(root, partner)))))


ALL_THREE = ["bailleur.xlsx", "etat.xlsx", "luce.xlsx"]


# The server


def test_a_folder_that_is_missing_is_made(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer
) -> None:
    three(root, mailbox)
    done = relever(boite_rangement="Reçus & traités")
    assert (codes(done), sorted(returns(root))) == ([], ALL_THREE)
    assert len(mailbox.flags('"Re&AOc-us &- trait&AOk-s"')) == 3
    assert mailbox.flags() == []


@pytest.mark.parametrize("verb", ["MOVE", "STORE"])
def test_a_mailbox_that_is_full_gives_what_it_has(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer, verb: str
) -> None:
    """Over quota, it moves nothing or marks nothing; that is said once, and nothing is taken twice."""
    three(root, mailbox)
    answers = {verb: "NO [OVERQUOTA] Quota exceeded"}
    with imap.faulty(mailbox, lambda verb, _: answers.get(verb)) as port:
        done = relever(port, boite_rangement="Traites")
        assert codes(done) == ["courriel-non-range"]
        assert "OVERQUOTA" in done.findings[0].message
        assert sorted(returns(root)) == ALL_THREE
        again = relever(port, boite_rangement="Traites")
    assert (again.files, again.findings) == ([], [])


def test_a_message_that_the_server_keeps_back_is_said_and_the_others_come(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer
) -> None:
    three(root, mailbox)
    with imap.faulty(mailbox, lambda _, line: "NO [SERVERBUG] oops" if "FETCH 1 (BODY" in line else None) as port:
        done = relever(port)
        assert codes(done) == ["courriel-laisse"]
        assert "SERVERBUG" in done.findings[0].message
        assert sorted(returns(root)) == ["bailleur.xlsx", "etat.xlsx"]
        assert relever(port).findings == []


def test_a_message_at_which_the_server_always_ends_holds_no_other_back(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer
) -> None:
    three(root, mailbox)
    with imap.faulty(mailbox, lambda _, line: "before" if "FETCH 1 (BODY" in line else None) as port:
        for _ in range(3):
            assert codes(relever(port)) == ["boite-injoignable"]
            assert returns(root) == {} or sorted(returns(root)) == ["bailleur.xlsx", "etat.xlsx"]
        assert sorted(returns(root)) == ["bailleur.xlsx", "etat.xlsx"]
    assert [fichier for fichier, _ in relever().files] == ["retours/luce.xlsx"]
    assert relever().files == []


@pytest.mark.parametrize("verb", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH", "STORE", "LOGOUT"])
def test_a_command_that_the_server_does_not_know_costs_no_return(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer, verb: str
) -> None:
    three(root, mailbox)
    with imap.faulty(mailbox, lambda sent_verb, _: "BAD what?" if sent_verb == verb else None) as port:
        done = relever(port)
    assert set(codes(done)) <= {"boite-injoignable", "courriel-laisse", "courriel-non-range"}
    if verb != "FETCH":  # then each mail is left, and that is said
        relever()
        assert sorted(returns(root)) == ALL_THREE


def test_a_mailbox_that_is_new_is_looked_at_from_the_day_of_the_first_form(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer
) -> None:
    """Years of mails that are no answers are neither fetched nor said."""
    written = datetime(2016, 10, 3, 9).timestamp()
    for path in (root / "workbooks" / "envois").glob("*/*.xlsx"):
        os.utime(path, (written, written))
    with mailbox.client() as client:
        for day, partner, sender in ((1, "luce", "mairie@luce.fr"), (3, "etat", "ddt@etat.fr")):
            made = bytes(mail(sender, (f"{partner}.xlsx", form(root, partner))))
            client.append("INBOX", "", f'"{day:02}-Oct-2016 12:00:00 +0000"', made)  # type: ignore[arg-type]
    asked = list[str]()

    def listen(verb: str, line: str) -> None:
        if verb == "FETCH":
            asked.append(line)

    with imap.faulty(mailbox, listen) as port:
        assert [fichier for fichier, _ in relever(port).files] == ["retours/etat.xlsx"]
    assert all("FETCH 2 " in line for line in asked)


def served(*lines: bytes, pause: float = 0.0, ever: bytes = b"") -> Callable[[socket.socket], None]:
    """A server without TLS that says these lines, then one again and again."""

    def hold(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for line in lines:
                connection.sendall(line)
            while ever:
                connection.sendall(ever)
                time.sleep(pause)

    return hold


@pytest.mark.parametrize(
    ("hold", "words"),
    [
        (served(b"* OK ", pause=0.01, ever=b"x"), "à temps"),  # a byte now and then, for ever
        (served(b"* OK ready\r\n", pause=0.01, ever=b"* OK more\r\n"), "à temps"),
        (served(b"* OK ready\r\n", ever=b"* CAPABILITY " + b"X" * 60_000 + b"\r\n"), "comme attendu"),  # for ever
        (served(b"* OK ready\r\n", b"* 1 FETCH (BODY[] {99999999999}\r\n"), "comme attendu"),
        (served(b"* BYE full\r\n"), "comme attendu"),
        (served(b"220 smtp.agglo.fr ESMTP\r\n"), "comme attendu"),
        (served(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "comme attendu"),
        (served(), ""),
    ],
    ids=["drips", "chats", "floods", "huge", "bye", "smtp", "http", "silent"],
)
def test_no_server_holds_us_for_ever_or_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch, hold: Callable[[socket.socket], None], words: str
) -> None:
    if words == "à temps":
        monkeypatch.setattr(mailbox_module, "_ANSWER_SECONDS", 0.5)
    listening = socket.create_server(("127.0.0.1", 0))
    with imap.listening_on(listening, hold):
        asked = settings(listening.getsockname()[1], boite_chiffrement="starttls")
        with pytest.raises(MailboxError) as caught, Mailbox(asked, {"BOITE": "x"}):
            pass
    assert words in caught.value.detail


# A token (XOAUTH2)


def token(key: bytes, lasts: timedelta = timedelta(hours=1)) -> str:
    """A JSON web token (RFC 7519) for the mailbox's user, signed as Dovecot checks it."""

    def coded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"sub": imap.USER, "iat": now - 60, "exp": now + int(lasts.total_seconds())}
    words = ".".join(coded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{words}.{coded(hmac.digest(key, words.encode(), hashlib.sha256))}"


def test_a_token_opens_a_real_mailbox(root: Path, seen: Consolidation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dovecot checks the token itself; a refusal is said at once, and no password is ever asked for."""
    with imap.running(token_key=b"une cle pour les jetons") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        server.deliver(bytes(mail("mairie@luce.fr", ("luce.xlsx", form(root, "luce")))))
        known = settings(server.port, boite_mot_de_passe_variable=None, boite_jeton_variable="JETON")
        asked, workspace = campaign(seen, known), find_workspace(root)
        for wrong in (token(b"une autre cle"), token(b"une cle pour les jetons", timedelta(hours=-1)), "x"):
            (finding,) = collect(workspace, asked, NOW, {"JETON": wrong}).findings
            assert "jeton refusé ou périmé" in finding.message
            assert wrong not in finding.message
        (finding,) = collect(workspace, asked, NOW, {}).findings
        assert "« JETON »" in finding.message
        done = collect(workspace, asked, NOW, {"JETON": token(b"une cle pour les jetons")})
        assert ([fichier for fichier, _ in done.files], done.findings) == (["retours/luce.xlsx"], [])


# The senders


def bounced(recipient: str, form: bytes, action: str = "failed") -> EmailMessage:
    """The report of RFC 3464 that a mail of ours was not delivered, with that mail."""
    ours = mail("tabellion@agglo.fr", ("formulaire.xlsx", form))
    text = (
        "From: Mail Delivery System <mailer-daemon@agglo.fr>\r\nTo: tabellion@agglo.fr\r\nSubject: Undelivered\r\n"
        "Message-ID: <r1@agglo.fr>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.agglo.fr\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 unknown user\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    from tabellion.mail.attachments import read_message

    return read_message(text.encode() + bytes(ours) + b"\r\n--b--\r\n")


def test_a_report_that_a_mail_was_not_delivered_is_said_and_brings_no_form(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer
) -> None:
    """The form in it is ours; and whoever invents a report about somebody else is not heard."""
    for recipient, action in (("mairie@luce.fr", "failed"), ("mairie@luce.fr", "delayed"), ("x@ailleurs.fr", "failed")):
        report = bounced(recipient, form(root, "luce"), action)
        report.replace_header("Message-ID", f"<{recipient}{action}>")
        mailbox.deliver(bytes(report))
    done = relever()
    assert (done.files, codes(done), done.automatic) == ([], ["courriel-non-remis"], 3)
    assert "mairie@luce.fr" in done.findings[0].message
    assert "550 5.1.1 unknown user" in done.findings[0].message
    assert relever().findings == []


def test_a_program_that_sends_a_filled_form_to_nobody_is_said(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer
) -> None:
    """A scanner, a portal: nothing is taken from a sender that takes no answer, and staff know of it."""
    mailbox.deliver(bytes(mail("portail@luce.fr", ("r.xlsx", form(root, "luce") + b" "), Return_Path="<>")))
    done = relever()
    assert (done.files, codes(done), done.automatic) == ([], ["courriel-laisse"], 0)


def test_our_own_mails_that_come_back_are_no_returns(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer
) -> None:
    """The staff may be told in the same mailbox: the annotated copy in their notice must not go round."""
    own = mail("tabellion@agglo.fr", ("luce (annoté).xlsx", form(root, "luce")), Auto_Submitted="auto-generated")
    mailbox.deliver(bytes(own))
    done = relever()
    assert (done.files, done.findings, done.automatic) == ([], [], 1)


def test_a_mail_that_exhausts_its_reader_costs_itself_alone(
    root: Path, relever: Callable[..., CollectResult], mailbox: MailServer
) -> None:
    """Parts within parts, deeper than any mail: whatever its reader does, the next mail is taken."""
    deep = b"From: mairie@luce.fr\r\nSubject: profond\r\nMIME-Version: 1.0\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (rank, rank) for rank in range(3000)
    )
    mailbox.deliver(deep + b"Content-Type: text/plain\r\n\r\nx")
    three(root, mailbox)
    done = relever()
    assert codes(done) == ["courriel-laisse"]
    assert "mairie@luce.fr" in done.findings[0].message
    assert sorted(returns(root)) == ALL_THREE


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: =?utf-8?b?////?=\r\nMessage-ID: \xff\xfe@x\r\nFrom: \xe9t\xe9 <mairie@luce.fr>\r\n",
        b"Subject: =?inconnu?q?x?=\r\nFrom: =?inconnu?q?x?= <mairie@luce.fr>\r\nContent-Type: ;;;\r\n",
        b"From: <mairie@luce.fr>\r\nContent-Type: multipart/mixed\r\nContent-Transfer-Encoding: base64\r\n",
        b"From: <mairie@luce.fr>\r\nDate: jamais\r\nReferences: " + b"<a@b> " * 5000 + b"\r\n",
        b"\r\n\r\n",
        b"",
    ],
    ids=["bytes", "charsets", "boundary", "references", "empty", "nothing"],
)
def test_headers_of_no_form_are_read_all_the_same(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "message.eml"
    path.write_bytes(header + b"\r\nx")
    message = examine(str(path), LIMITS, authority="")
    assert message.sender.address in ("mairie@luce.fr", "")
    assert message.brought.workbooks == []
    json.dumps([message.subject, message.sender.address, message.sender.checks]).encode("utf-8")
    assert "\n" not in message.subject
