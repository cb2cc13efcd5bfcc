"""A mailbox collected: each workbook once in ``retours/``, whatever stops program or server; the rest is said."""

from __future__ import annotations

import base64
import imaplib
import io
import json
import shutil
import socket
import ssl
import threading
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support import imap, smtp
from support.campaign import fill, retouch, table_cell
from support.imap import MailServer
from support.mail_campaign import EVERYONE, campaign
from support.mails import cutting, mail, returns, zipped
from support.opened_books import Book
from support.outlook import message_storage, outlook_message, rich_text
from tabellion.campaign.decisions import Decision, Decisions
from tabellion.campaign.folder import FoundFile
from tabellion.campaign.model import Consolidation, ReceivedFile, Verdict
from tabellion.campaign.senders import LEAVE, TAKE, UnknownSender, with_taken
from tabellion.commands.consolidate import consolidate, look_at_campaign
from tabellion.commands.envoyer import prepare_letters, send_letters
from tabellion.commands.relever import CampaignPost, CollectResult, collect
from tabellion.contract.workspace import MailSettings, find_workspace
from tabellion.findings import TabellionError
from tabellion.layout.names import DECISION, DECISIONS_TABLE
from tabellion.mail import collected as collected_module
from tabellion.mail.attachments import read_message, safe_name, workbooks_of
from tabellion.mail.collected import CollectedFile, CollectedMail, CollectedMails
from tabellion.mail.delivery import Delivery
from tabellion.mail.headers import sender_of
from tabellion.mail.mailbox import Mailbox, modified_utf7
from tabellion.mail.messages import Thread
from tabellion.mail.notices import Mailing, mailing_of

NOW = datetime(2016, 11, 3, 9, 0)
#: A financement that two partners' forms have.
_GRANTED = "I-1.1./1:etat:2016"
needs_dovecot = pytest.mark.skipif(imap.missing() is not None, reason=str(imap.missing()))


def settings(server: MailServer, **more: Any) -> MailSettings:
    known: dict[str, Any] = {
        "boite": "localhost", "boite_port": server.port, "boite_utilisateur": imap.USER,
        "boite_mot_de_passe_variable": "BOITE",
    }  # fmt: skip
    return MailSettings("localhost", 25, "aucun", "tabellion@agglo.fr", ("e@agglo.fr",), **(known | more))


def relever(root: Path, seen: Consolidation, mail: MailSettings) -> CollectResult:
    return collect(find_workspace(root), campaign(seen, mail), NOW, {"BOITE": imap.PASSWORD})


def form(root: Path, partner: str) -> bytes:
    return (root / "workbooks" / "envois" / "2016" / f"{partner}-2016.xlsx").read_bytes()


def replaced(form: bytes, before: str, after: str) -> bytes:
    """A form whose parts say ``after`` where they said ``before``."""
    with zipfile.ZipFile(io.BytesIO(form)) as archive:
        parts = {part: archive.read(part).decode("latin-1") for part in archive.namelist()}
    return zipped(**{
        part: text.replace(f">{before}<", f">{after}<").encode("latin-1") for part, text in parts.items()
    })  # fmt: skip


# From the message to its workbooks


def test_a_workbook_is_found_wherever_it_is_in_a_message() -> None:
    book = zipped(**{"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})
    forwarded = mail("collegue@luce.fr")
    forwarded.add_attachment(mail("mairie@luce.fr", ("a.xlsx", book)))
    inside = mail("mairie@luce.fr", ("b.xlsx", book))
    ways = [
        mail("mairie@luce.fr", ("Réponse d'été.XLSX", book)),
        mail("mairie@luce.fr", ("piece", book)),  # without its suffix: its content says what it is
        forwarded,
        mail("mairie@luce.fr", ("transfert.eml", bytes(inside))),
        mail("mairie@luce.fr", ("retours.zip", zipped(**{"dossier/c.xlsx": book, "__MACOSX/._c.xlsx": b"x"}))),
        mail("mairie@luce.fr", ("Retour.MSG", outlook_message(("Réponse d.xlsx", book), ("image.png", b"x" * 5000)))),
        mail("mairie@luce.fr", ("a.msg", outlook_message(messages=[message_storage(("e.xlsx", book), short=True)]))),
        mail("mairie@luce.fr", ("winmail.dat", rich_text(("image.png", b"x"), ("Été.xlsx", book)))),
        mail("mairie@luce.fr", ("tout.zip", zipped(**{"b.msg": outlook_message(("f.eml", bytes(inside)))}))),
    ]
    names = [[name for name, content in workbooks_of(read_message(bytes(way))).workbooks if content == book]
             for way in ways]  # fmt: skip
    assert names == [
        ["reponse-d-ete.xlsx"], ["piece.xlsx"], ["a.xlsx"], ["b.xlsx"], ["c.xlsx"], ["reponse-d.xlsx"], ["e.xlsx"],
        ["ete.xlsx"],
        ["b.xlsx"],
    ]  # fmt: skip


def test_a_large_file_in_a_message_of_outlook_is_taken_whole() -> None:
    """Above 7 MB, the table of its sectors has a table of its own."""
    content = b"PK" + bytes(range(256)) * 32_000
    (book,) = workbooks_of(
        read_message(bytes(mail("a@b.fr", ("m.msg", outlook_message(("g.xlsx", content))))))
    ).workbooks
    assert book == ("g.xlsx", content)


def test_a_damaged_message_of_outlook_costs_its_own_file() -> None:
    rich = rich_text(("a.xlsx", b"PK" * 50))
    brought = workbooks_of(read_message(bytes(mail("a@b.fr", ("winmail.dat", rich[:-60]), ("b.xlsx", b"PK")))))
    assert (brought.workbooks[-1], brought.remarks) == (("b.xlsx", b"PK"), ["le message « winmail.dat » est abîmé"])
    whole = outlook_message(("a.xlsx", b"PK" * 5000))
    for damage in (whole[:600], whole[:8] + bytes(len(whole)), whole[: len(whole) // 2], b"x"):
        brought = workbooks_of(read_message(bytes(mail("a@b.fr", ("m.msg", damage), ("b.xlsx", b"PK")))))
        assert [name for name, _ in brought.workbooks][-1:] == ["b.xlsx"]
        assert brought.remarks == ["le message « m.msg » est abîmé"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [("../../etc/passwd.xlsx", "passwd.xlsx"), (r"C:\Temp\a.xlsx", "a.xlsx"), ("con.xlsx", "con-.xlsx"), ("", ".xlsx"),
     ("~$a.xlsx", "a.xlsx"), ("x" * 400 + ".xls", None), ("a\r\nb\x00.ods", "a-b.ods")],
)  # fmt: skip
def test_names_of_attachments_are_only_names(name: str, safe: str | None) -> None:
    made = safe_name(name)
    assert "/" not in made
    assert "\\" not in made
    assert len(made) < 150
    assert not made.startswith((".", "~"))
    assert safe in (made, None) or name == ""


def test_bombs_passwords_and_other_boxes_are_said_and_cost_little() -> None:
    bomb = zipped(**{f"{rank}.xlsx": bytes(60_000_000) for rank in range(2)})
    locked = bytearray(zipped(**{"a.xlsx": b"PK"}))
    locked[6] |= 1  # the flag of an entry with a password, in both of its headers
    locked[locked.index(b"PK\1\2") + 8] |= 1
    for name, content, words in (
        ("bombe.zip", bomb, "trop gros"), ("ferme.zip", bytes(locked), "mot de passe"),
        ("coupe.zip", zipped(**{"a.xlsx": bytes(999)})[:60], "abîmée"), ("message.rar", b"x", "enregistrez la pièce"),
    ):  # fmt: skip
        brought = workbooks_of(read_message(bytes(mail("a@b.fr", (name, content)))))
        assert brought.workbooks == []
        assert words in " ".join(brought.remarks)


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<x.agglo.fr>"}, {"Return_Path": "<>"}],
)
def test_what_no_person_wrote_is_known(headers: dict[str, str]) -> None:
    assert sender_of(read_message(bytes(mail("a@b.fr", **headers)))).is_automatic
    assert not sender_of(read_message(bytes(mail("a@b.fr", Auto_Submitted="no")))).is_automatic


#: What a header of senders may be, and the one address that it has.
SENDERS = {
    "Mairie <Mairie@Luce.fr>": "mairie@luce.fr",
    "mairie@luce.fr (Mairie, accueil)": "mairie@luce.fr",
    '"Mairie, accueil" <mairie@luce.fr>': "mairie@luce.fr",
    "=?utf-8?q?Luc=C3=A9?= <mairie@luce.fr>": "mairie@luce.fr",
    # Another address is only shown.
    "mairie@luce.fr <pirate@ailleurs.fr>": "pirate@ailleurs.fr",
    '"mairie@luce.fr" <pirate@ailleurs.fr>': "pirate@ailleurs.fr",
    "=?utf-8?q?mairie=40luce=2Efr_=28?= <pirate@ailleurs.fr>": "pirate@ailleurs.fr",
    "=?utf-8?q?=3Cmairie=40luce=2Efr=3E?= <pirate@ailleurs.fr>": "pirate@ailleurs.fr",
    # Two, or none.
    "mairie@luce.fr, pirate@ailleurs.fr": "",
    "<mairie@luce.fr> <pirate@ailleurs.fr>": "",
    "mairie@luce.fr (pirate": "mairie@luce.fr",
    'mairie@luce.fr "<pirate@ailleurs.fr>': "mairie@luce.fr",
    "undisclosed:;": "",
    "": "",
}


@pytest.mark.parametrize(("shown", "address"), SENDERS.items())
def test_a_sender_is_the_one_address_that_servers_check(shown: str, address: str) -> None:
    assert sender_of(read_message(f"From: {shown}\r\n\r\nx".encode())).address == address
    twice = f"From: {shown}\r\nFrom: autre@luce.fr\r\n\r\nx"
    assert sender_of(read_message(twice.encode())).address == ""


def test_only_our_own_server_says_who_is_authentic() -> None:
    for headers, expected in (
        ("mx.agglo.fr; spf=pass smtp.mailfrom=luce.fr; dmarc=pass header.from=luce.fr", True),
        ("MX.agglo.fr 1; dmarc=pass (p=reject) header.from=luce.fr", True),
        ("mx.pirate.fr; dmarc=pass", False),
        ("mx.agglo.fr; spf=pass; dmarc=fail", False),
        ("mx.agglo.fr; none", False),
        # What a sender can have written into it: a comment, a quoted address, a domain of its own.
        ("mx.agglo.fr; spf=fail (x; dmarc=pass header.from=luce.fr)", False),
        ('mx.agglo.fr; spf=fail smtp.mailfrom="x; dmarc=pass "@a.fr', False),
        ("mx.agglo.fr; dmarc=pass header.from=pirate.fr", False),
        ("mx.agglo.fr; dmarc=fail header.from=luce.fr; dmarc=pass header.from=luce.fr", False),
    ):  # fmt: skip
        message = read_message(bytes(mail("a@luce.fr", Authentication_Results=headers)))
        assert sender_of(message, "mx.agglo.fr").is_authentic is expected, headers
    assert not sender_of(read_message(bytes(mail("a@luce.fr"))), "mx.agglo.fr").is_authentic


def test_names_of_folders_are_those_of_imap() -> None:
    """The example of RFC 3501, 5.1.3, and what a French mailbox has."""
    assert modified_utf7("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"
    assert modified_utf7("Reçus & traités") == "Re&AOc-us &- trait&AOk-s"


# From a real mailbox


@needs_dovecot
def test_each_workbook_is_taken_once_and_its_mail_marked(root: Path, seen: Consolidation, mailbox: MailServer) -> None:
    luce, etat = form(root, "luce"), form(root, "etat")
    mailbox.deliver(
        bytes(mail("mairie@luce.fr", ("retour.xlsx", luce), message_id="<1@luce.fr>")),
        bytes(mail("ddt@etat.fr", text="Merci, c'est noté.")),
        bytes(mail("ddt@etat.fr", text="Absent", Auto_Submitted="auto-replied")),
        bytes(mail("ddt@etat.fr", ("retour.xlsx", etat))),
        bytes(mail("inconnu@ailleurs.fr", ("retour.xlsx", form(root, "bailleur")))),
        bytes(mail("mairie@luce.fr", ("copie.xlsx", luce), text="Le même")),
    )
    done = relever(root, seen, settings(mailbox))
    aside = {"ecartes/retour.xlsx": form(root, "bailleur")}
    assert returns(root) == {"retour.xlsx": luce, "retour (2).xlsx": etat} | aside
    assert dict(done.files) == {"retours/retour.xlsx": "mairie@luce.fr", "retours/retour (2).xlsx": "ddt@etat.fr",
                                "retours/ecartes/retour.xlsx": "inconnu@ailleurs.fr"}  # fmt: skip
    assert [finding.code for finding in done.findings] == ["courriel-laisse", "expediteur-inconnu"]
    assert done.automatic == 1
    seen_flags = [r"\Seen" in flags for flags in mailbox.flags()]
    assert seen_flags == [True, False, False, True, True, True]
    noted = json.loads((root / "workbooks" / ".tabellion" / "releve.json").read_text(encoding="utf-8"))
    first = next(courriel for courriel in noted["courriels"].values() if courriel["message_id"] == "<1@luce.fr>")
    assert (first["sender"], first["taken"]) == ("mairie@luce.fr", "2016-11-03T09:00:00")
    mailbox.deliver(bytes(mail("ddt@etat.fr", ("autre.xlsx", form(root, "bailleur") + b" "))))  # a contact, of another
    mailbox.deliver(bytes(mail("ddt@etat.fr", ("notes.xls", b"\xd0\xcf"))))  # nobody's form: the reader refuses it
    other = relever(root, seen, settings(mailbox))
    assert [fichier for fichier, _ in other.files] == ["retours/ecartes/autre.xlsx", "retours/notes.xls"]
    again = relever(root, seen, settings(mailbox))
    assert (again.files, again.findings, again.automatic) == ([], [], 0)


@needs_dovecot
def test_a_mailbox_made_anew_brings_nothing_twice(root: Path, seen: Consolidation, mailbox: MailServer) -> None:
    """Its numbers begin again (UIDVALIDITY): messages are known by what they are."""
    message = bytes(mail("mairie@luce.fr", ("retour.xlsx", form(root, "luce"))))
    mailbox.deliver(message)
    relever(root, seen, settings(mailbox))
    (root / "workbooks" / "retours" / "retour.xlsx").unlink()  # staff have put it elsewhere
    mailbox.empty()
    mailbox.deliver(message, bytes(mail("ddt@etat.fr", ("etat.xlsx", form(root, "etat")))))
    assert relever(root, seen, settings(mailbox)).files == [("retours/etat.xlsx", "ddt@etat.fr")]


@needs_dovecot
def test_a_damaged_list_is_said_and_nothing_is_taken_again(
    root: Path, seen: Consolidation, mailbox: MailServer
) -> None:
    """Staff have put one file away, and keep another elsewhere: neither comes again."""
    mailbox.deliver(
        bytes(mail("mairie@luce.fr", ("luce.xlsx", form(root, "luce")))),
        bytes(mail("ddt@etat.fr", ("etat.xlsx", form(root, "etat")))),
    )
    relever(root, seen, settings(mailbox))
    (root / "workbooks" / "retours" / "luce.xlsx").unlink()
    known = root / "workbooks" / ".tabellion" / "releve.json"
    known.write_text("{")
    read_first = bytes(mail("mairie@luce.fr", ("neuf.xlsx", form(root, "luce") + b" ")))
    mailbox.deliver(read_first)
    with mailbox.client() as client:  # somebody reads a mail that was not taken yet: it is no mark of ours
        client.select("INBOX")
        client.store("3", "+FLAGS", r"(\Seen)")
    done = relever(root, seen, settings(mailbox))
    assert [finding.code for finding in done.findings] == ["releve-oubliee"]
    assert dict(done.files) == {"retours/neuf.xlsx": "mairie@luce.fr"}
    with mailbox.client() as client:  # a mailbox that keeps no marks
        client.select("INBOX")
        client.store("1:*", "FLAGS.SILENT", r"(\Seen)")
    (root / "workbooks" / "retours" / "ville").mkdir()
    (root / "workbooks" / "retours" / "etat.xlsx").rename(root / "workbooks" / "retours" / "ville" / "etat.xlsx")
    known.unlink()
    again = relever(root, seen, settings(mailbox))
    assert (dict(again.files), again.findings) == ({"retours/luce.xlsx": "mairie@luce.fr"}, [])
    assert set(returns(root)) == {"luce.xlsx", "neuf.xlsx", "ville/etat.xlsx"}


def test_what_was_collected_is_known_as_long_as_it_matters(tmp_path: Path) -> None:
    log, there = CollectedMails(tmp_path / "releve.json"), tmp_path / "retours" / "a.xlsx"
    there.parent.mkdir()
    there.write_bytes(b"a")
    for key, days, left, name in (
        ("old", 401, "", "gone"), ("recent", 399, "", "gone"), ("there", 900, "", "a"), ("left", 31, "trop gros", ""),
        ("left lately", 29, "trop gros", ""),
    ):  # fmt: skip
        taken = (NOW - timedelta(days=days)).isoformat(timespec="seconds")
        files = [CollectedFile("0", f"retours/{name}.xlsx", is_placed=True)] if name else []
        log.mails[key] = CollectedMail("a@b.fr", "", taken, key, [], "", is_automatic=False, left=left, files=files)
    log.forget_old(NOW, tmp_path)
    assert list(log.mails) == ["recent", "there", "left lately"]


@needs_dovecot
def test_folders_have_accents_and_taken_mails_are_moved(root: Path, seen: Consolidation, mailbox: MailServer) -> None:
    mailbox.deliver(
        bytes(mail("mairie@luce.fr", ("retour.xlsx", form(root, "luce")))), bytes(mail()), folder="Re&AOc-us"
    )
    mailbox.deliver(folder="Trait&AOk-s")
    asked = settings(mailbox, boite_dossier="Reçus", boite_rangement="Traités")
    assert len(relever(root, seen, asked).files) == 1
    assert (len(mailbox.flags("Re&AOc-us")), len(mailbox.flags("Trait&AOk-s"))) == (1, 1)
    done = relever(root, seen, replace(asked, boite_dossier="Absent"))
    assert [finding.code for finding in done.findings] == ["boite-injoignable"]


@needs_dovecot
def test_a_server_with_starttls_that_cannot_move_copies(
    root: Path, seen: Consolidation, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = imaplib.IMAP4.capability

    def older(client: imaplib.IMAP4) -> Any:
        kind, answer = real(client)
        return kind, [answer[0].replace(b" MOVE", b"")]

    monkeypatch.setattr(imaplib.IMAP4, "capability", older)
    mailbox.deliver(bytes(mail("mairie@luce.fr", ("retour.xlsx", form(root, "luce")))), bytes(mail()))
    mailbox.deliver(folder="Pris")
    asked = settings(
        mailbox, boite_chiffrement="starttls", boite_port=mailbox.starttls_port, boite_rangement="Pris"
    )  # fmt: skip
    assert list(relever(root, seen, asked).files) == [("retours/retour.xlsx", "mairie@luce.fr")]
    assert (len(mailbox.flags()), len(mailbox.flags("Pris"))) == (1, 1)
    assert r"\Seen" in mailbox.flags("Pris")[0]


@needs_dovecot
def test_what_is_large_or_forged_stays_and_is_said(root: Path, seen: Consolidation, mailbox: MailServer) -> None:
    book = ("retour.xlsx", form(root, "luce"))
    mailbox.deliver(
        bytes(mail("mairie@luce.fr", ("gros.xlsx", bytes(1_200_000)))),
        bytes(mail("mairie@luce.fr", book, Authentication_Results="mx.agglo.fr; dmarc=fail")),
        bytes(mail("mairie@luce.fr", book, Authentication_Results="mx.agglo.fr; dmarc=pass")),
    )
    done = relever(root, seen, settings(mailbox, boite_mo=1, boite_authentification="mx.agglo.fr"))
    assert [finding.code for finding in done.findings] == ["courriel-laisse"] * 2
    assert "trop gros" in done.findings[0].message
    assert "dmarc=fail" in done.findings[1].message
    assert list(returns(root)) == ["retour.xlsx"]


@needs_dovecot
def test_a_wrong_password_or_certificate_is_said(
    root: Path, seen: Consolidation, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, asked = find_workspace(root), campaign(seen, settings(mailbox))
    for environment, words in (({}, "variable"), ({"BOITE": "faux"}, "mot de passe refusé")):
        (finding,) = collect(workspace, asked, NOW, environment).findings
        assert (finding.code, words in finding.message) == ("boite-injoignable", True)
    monkeypatch.delenv("SSL_CERT_FILE")
    (finding,) = collect(workspace, asked, NOW, {"BOITE": imap.PASSWORD}).findings
    assert "certificat" in finding.message


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_token_opens_a_mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server that takes XOAUTH2 is sent; Dovecot would need another server that gives tokens."""
    certificate, key = smtp.make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listening, answers = socket.create_server(("127.0.0.1", 0)), list[bytes]()
    untagged = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n", b"SELECT": b"* OK [UIDVALIDITY 7] kept\r\n",
                b"AUTHENTICATE": b"+ \r\n"}  # fmt: skip

    def serve() -> None:
        with context.wrap_socket(listening.accept()[0], server_side=True) as near, near.makefile("rwb", 0) as file:
            file.write(b"* OK ready\r\n")
            while words := file.readline().split():
                file.write(untagged.get(words[1], b""))
                if words[1] == b"AUTHENTICATE":
                    answers.append(base64.b64decode(file.readline()))
                file.write(words[0] + b" OK done\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listening:
        asked = MailSettings("localhost", 25, "aucun", "t@agglo.fr", (), boite="localhost",
                             boite_port=listening.getsockname()[1], boite_jeton_variable="JETON")  # fmt: skip
        with Mailbox(asked, {"JETON": "ya29.x"}, "tabellion-0") as opened:
            assert (opened.validity, opened.keyword, opened.messages(1)) == (7, "", [])
        thread.join(5)
    assert answers == [b"user=t@agglo.fr\1auth=Bearer ya29.x\1\1"]


@needs_dovecot
def test_a_connection_cut_anywhere_loses_nothing_and_takes_nothing_twice(
    root: Path, seen: Consolidation, mailbox: MailServer
) -> None:
    partners = {"luce": "mairie@luce.fr", "etat": "ddt@etat.fr", "bailleur": "un@bailleur.fr"}
    mailbox.deliver(
        *(bytes(mail(sender, (f"{partner}.xlsx", form(root, partner)))) for partner, sender in partners.items())
    )
    whole = sum(len(form(root, partner)) for partner in partners) * 3 // 2
    failed, taken = 0, list[str]()
    for cut in (*range(1000, 5000, 800), *range(5000, whole + 9000, whole // 8)):
        with cutting(mailbox.port, cut) as port:
            done = relever(root, seen, settings(mailbox, boite_port=port))
        failed += any(finding.code == "boite-injoignable" for finding in done.findings)
        taken += [fichier for fichier, _ in done.files]
    taken += [fichier for fichier, _ in relever(root, seen, settings(mailbox)).files]
    assert failed > 3
    assert sorted(taken) == sorted(f"retours/{partner}.xlsx" for partner in partners)
    assert returns(root) == {f"{partner}.xlsx": form(root, partner) for partner in partners}


@needs_dovecot
def test_the_watcher_collects_every_few_minutes_and_says_a_failure_once(
    root: Path, seen: Consolidation, mailbox: MailServer
) -> None:
    asked = campaign(seen, settings(mailbox))
    assert asked.contract.settings.courriel is not None
    mailing = Mailing(find_workspace(root), asked.contract.settings.courriel, asked, ())
    post = CampaignPost({"BOITE": imap.PASSWORD})
    minutes = [NOW + timedelta(minutes=rank) for rank in range(12)]
    assert post(mailing, minutes[0], lambda: False) == ([], minutes[5])
    mailbox.deliver(bytes(mail("mairie@luce.fr", ("retour.xlsx", form(root, "luce")))))
    assert post(mailing, minutes[4], lambda: False) == ([], minutes[5])
    assert returns(root) == {}
    assert post(mailing, minutes[5], lambda: False) == ([], minutes[10])
    assert list(returns(root)) == ["retour.xlsx"]
    away = replace(mailing, consolidation=campaign(seen, settings(mailbox, boite_port=1)))
    findings_by_hour = [post(away, NOW + timedelta(hours=hour), lambda: False)[0] for hour in (1, 2, 3)]
    assert [[finding.code for finding in findings] for findings in findings_by_hour] == [["boite-injoignable"], [], []]


class Killed(BaseException):
    """The program ends here, as when it is killed."""


@needs_dovecot
@pytest.mark.parametrize("moment", ["before the file", "after the file", "before the mark", "after the mark"])
def test_a_program_killed_anywhere_takes_each_once(
    root: Path, seen: Consolidation, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    first, second = form(root, "luce"), form(root, "luce") + b" "
    mailbox.deliver(bytes(mail("mairie@luce.fr", ("a.xlsx", first), ("b.xlsx", second))))
    owner: Any = collected_module if "file" in moment else Mailbox
    name = "write_whole" if "file" in moment else "put_away"
    real = getattr(owner, name)

    def killed(*arguments: Any) -> None:
        if moment.startswith("after"):
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, killed)
        with pytest.raises(Killed):
            relever(root, seen, settings(mailbox))
    relever(root, seen, settings(mailbox))
    assert returns(root) == {"a.xlsx": first, "b.xlsx": second}
    assert r"\Seen" in mailbox.flags()[0]
    assert relever(root, seen, settings(mailbox)).files == []


@needs_dovecot
def test_two_readers_at_once_take_each_once(root: Path, seen: Consolidation, mailbox: MailServer) -> None:
    mailbox.deliver(*(bytes(mail("mairie@luce.fr", (f"{rank}.xlsx", f"PK{rank}".encode()))) for rank in range(8)))
    taken, refused = list[str](), list[str]()

    def read() -> None:
        try:
            taken.extend(fichier for fichier, _ in relever(root, seen, settings(mailbox)).files)
        except TabellionError as error:
            refused.extend(finding.code for finding in error.findings)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [f"retours/{rank}.xlsx" for rank in range(8)]
    assert set(refused) <= {"espace-occupe"}


# The whole round


@needs_dovecot
def test_a_whole_round_by_mail(sent_copy: Path, seen: Consolidation, mailbox: MailServer) -> None:
    """Forms leave, returns come by mail, each sender is answered once in its own thread, whatever runs again."""
    workspace = find_workspace(sent_copy)
    environment = {"BOITE": imap.PASSWORD}
    with smtp.running() as server:
        known = replace(settings(mailbox), port=server.port, equipe=(), partenaires=True)
        prepared = prepare_letters(workspace, campaign(seen, known), 2016, [], NOW, reminders=False)
        assert send_letters(workspace, prepared, NOW, environment={}).is_complete
        sent = {sent.recipient: next(sent.message.iter_attachments()).get_content() for sent in server.received}
        assert set(sent) == set(EVERYONE)
        server.received.clear()
        form, wrong, right = (sent_copy / f"{name}.xlsx" for name in ("recu", "faux", "juste"))
        form.write_bytes(sent["mairie@luce.fr"])
        for day, path, value in ((1, wrong, "beaucoup"), (2, right, 9)):
            fill(form, path, {"Budget": {"C": {"montant_prevu": value}}}, saved=datetime(2016, 11, day, 9))
        thread = {"message_id": "<1@luce.fr>", "References": "<0@luce.fr>"}
        mailbox.deliver(bytes(mail("mairie@luce.fr", ("faux.xlsx", wrong.read_bytes()), **thread)))

        def night() -> None:
            done = collect(workspace, campaign(seen, known), NOW, environment)
            assert done.findings == []
            state = campaign(consolidate(workspace, NOW).consolidation, known, None)
            mailing = mailing_of(workspace, state)
            assert mailing is not None
            delivery = Delivery(workspace.memory, environment)
            assert delivery.deliver(mailing, NOW) is None
            assert delivery.findings == []

        night()
        (answer,) = server.received
        message = answer.message
        assert (answer.recipient, message["In-Reply-To"]) == ("mairie@luce.fr", "<1@luce.fr>")
        assert (message["References"], message["Subject"]) == ("<0@luce.fr> <1@luce.fr>", "Re: Notre retour")
        assert message["Auto-Submitted"] == "auto-replied"
        assert "beaucoup" in answer.text
        assert len(list(message.iter_attachments())) == 1
        come = {"luce": (right.read_bytes(), "mairie@luce.fr")}
        for partner, sender in (("etat", "ddt@etat.fr"), ("bailleur", "deux@bailleur.fr")):
            form.write_bytes(sent[sender])
            fill(form, right, {"Financements": {_GRANTED: {"montant": 100}}}, saved=datetime(2016, 11, 2, 9))
            come[partner] = right.read_bytes(), sender
        for partner, (content, sender) in come.items():
            mailbox.deliver(bytes(mail(sender, (f"{partner}.xlsx", content), message_id=f"<2@{partner}.fr>")))
        night()
        night()
        mailbox.deliver(*(bytes(mail(sender, ("encore.xlsx", content))) for content, sender in come.values()))
        night()
        returned = sorted(returns(sent_copy).values())
        assert returned == sorted([wrong.read_bytes(), *(content for content, _ in come.values())])
        answered = {(sent.recipient, sent.message["In-Reply-To"]): sent for sent in server.received[1:]}
        assert sorted(answered) == sorted((sender, f"<2@{partner}.fr>") for partner, (_, sender) in come.items())
        assert len(answered) == len(server.received) - 1
        for letter in answered.values():
            assert "pris en compte" in letter.text
            assert list(letter.message.iter_attachments()) == []


@needs_dovecot
def test_a_new_address_is_asked_about_once_then_remembered(sent_copy: Path, mailbox: MailServer) -> None:
    workspace, environment = find_workspace(sent_copy), {"BOITE": imap.PASSWORD}
    first, second = sent_copy / "un.xlsx", sent_copy / "deux.xlsx"
    for day, path in ((1, first), (2, second)):
        filled = {"Budget": {"C": {"montant_prevu": day}}}
        fill(workspace.envois / "2016" / "luce-2016.xlsx", path, filled, saved=datetime(2016, 11, day, 9))
    with smtp.running() as server:
        known = replace(settings(mailbox), port=server.port, equipe=(), partenaires=True)

        def night() -> tuple[CollectResult, Consolidation, str | None]:
            """What was taken, the state, and the file of Lucé that counts."""
            before = look_at_campaign(workspace, NOW)
            done = collect(workspace, campaign(before, known), NOW, environment)
            state = campaign(consolidate(workspace, NOW).consolidation, known, None)
            mailing = mailing_of(workspace, state)
            assert mailing is not None
            delivery = Delivery(workspace.memory, environment)
            delivery.deliver(mailing, NOW)
            assert delivery.findings == []
            (line,) = [line for line in state.board if line.partenaire == "luce"]
            return done, state, line.in_force.fichier if line.in_force is not None else None

        signed = "mx.agglo.fr; spf=pass smtp.mailfrom=luce.fr; dmarc=pass"
        brought = ("un.xlsx", first.read_bytes())
        mailbox.deliver(bytes(mail("adjoint@luce.fr", brought, message_id="<1@l.fr>", Authentication_Results=signed)))
        done, state, in_force = night()
        assert ([finding.code for finding in done.findings], in_force) == (["expediteur-inconnu"], None)
        (question,) = state.open_questions
        assert "adjoint@luce.fr" in question.sentence
        assert "dmarc=pass" in question.statements[0].words
        assert server.received == []
        book = workspace.consolidation / "consolidation.xlsx"
        (row,) = Book(book).rows("Courriels_recus")
        assert (row["Expéditeur"], row["Classeurs"], row["Suite"]) == ("adjoint@luce.fr", 1, "✓ pris")
        assert row["Contrôle"] == "spf=pass dmarc=pass (mx.agglo.fr)"
        sheet, cell = table_cell(book, DECISIONS_TABLE, DECISION, **{"N°": 1})
        retouch(book, book, {sheet: {cell: "prendre"}}, saved=datetime(2016, 11, 4, 9), author="Anne")
        done, state, in_force = night()
        assert (done.files, state.open_questions) == ([], ())
        assert in_force == "retours/ecartes/un.xlsx"
        assert "adjoint" not in (workspace.registre / "decisions.json").read_text(encoding="utf-8")
        mailbox.deliver(bytes(mail("adjoint@luce.fr", ("deux.xlsx", second.read_bytes()), message_id="<2@l.fr>")))
        done, state, in_force = night()
        assert (done.findings, state.open_questions, in_force) == ([], (), "retours/deux.xlsx")
        night()
        assert [(sent.recipient, sent.message["In-Reply-To"]) for sent in server.received] == [
            ("adjoint@luce.fr", "<1@l.fr>"), ("adjoint@luce.fr", "<2@l.fr>"),
        ]  # fmt: skip
        assert all("pris en compte" in sent.text for sent in server.received)


@needs_dovecot
def test_two_contracts_share_a_mailbox(root: Path, tmp_path: Path, seen: Consolidation, mailbox: MailServer) -> None:
    """Each takes its own forms, also where one message brings those of both, and marks no message for the other."""
    other = replace(seen, contract=replace(seen.contract, settings=replace(seen.contract.settings, identifiant="b")))
    second = Path(shutil.copytree(root, tmp_path / "autre"))
    luce, etat = form(root, "luce"), form(root, "etat")
    name = seen.contract.settings.identifiant
    of_other = replaced(luce, name, "b")
    mailbox.deliver(
        bytes(mail("mairie@luce.fr", ("a.xlsx", luce))), bytes(mail("mairie@luce.fr", ("b.xlsx", of_other))),
        bytes(mail("mairie@luce.fr", ("a2.xlsx", luce + b" "), ("b2.xlsx", replaced(etat, name, "b")))),
    )  # fmt: skip
    known = settings(mailbox, boite_inconnus=True)
    first, then = relever(root, seen, known), relever(second, other, known)
    assert set(returns(root)) == {"a.xlsx", "a2.xlsx"}
    assert set(returns(second)) == {"b.xlsx", "b2.xlsx"}
    assert (
        [finding.code for finding in first.findings]
        == [finding.code for finding in then.findings]
        == ["courriel-laisse"] * 2
    )
    assert [relever(folder, state, known).files for folder, state in ((root, seen), (second, other))] == [[], []]


def test_what_is_decided_of_an_address_is_of_that_partner(tmp_path: Path) -> None:
    held = [UnknownSender(f"retours/ecartes/{partner}.xlsx", partner, "a@b.fr", "") for partner in ("luce", "etat")]
    files = [FoundFile(tmp_path, sender.fichier, is_set_aside=True) for sender in held]
    decided = [
        Decision(sender.id, choice, choice, "Anne", NOW) for sender, choice in zip(held, (TAKE, LEAVE), strict=True)
    ]
    decisions = Decisions({decision.question: decision for decision in decided})
    assert [file.is_set_aside for file in with_taken(files, held, decisions)] == [False, True]
    assert [file.is_set_aside for file in with_taken(files, held, Decisions())] == [True, True]


def test_answers_stop_at_a_limit_and_automatic_mails_get_none(sent_copy: Path, seen: Consolidation) -> None:
    """Two programs that answer each other stop, whatever their headers say."""
    files = [
        ReceivedFile(f"retours/{rank}.xlsx", f"{rank:064}", Verdict.IN_FORCE, partenaire="luce", exercice=2016)
        for rank in range(15)
    ]
    taken = [CollectedFile(file.sha256, file.fichier, is_placed=True) for file in files]
    person = CollectedMail(
        "mairie@luce.fr", "Retour", NOW.isoformat(), "<1@luce.fr>", [], "", is_automatic=False, files=taken
    )
    with smtp.running() as server:
        known = MailSettings("localhost", server.port, "aucun", "t@agglo.fr", (), partenaires=True)
        asked = campaign(seen, known)
        board = tuple(
            replace(line, received=tuple(files)) if line.partenaire == "luce" else line for line in asked.board
        )
        asked, workspace = replace(asked, board=board), find_workspace(sent_copy)
        robot = replace(person, is_automatic=True)
        for author, hours, answered in ((robot, 0, 0), (person, 0, 10), (person, 1, 10), (person, 30, 15)):
            log = CollectedMails(workspace.memory / "releve.json")
            log.mails = {"1": author}
            log.write()
            mailing = mailing_of(workspace, asked)
            assert mailing is not None
            Delivery(workspace.memory, {}).deliver(mailing, NOW + timedelta(hours=hours))
            assert len(server.received) == answered


@pytest.mark.parametrize("identity", ["", "sans", "<a b@c>", "<a@b>\r\nBcc: x@y.fr", "<a@b>, <c@d>", "<é@b>"])
def test_an_identity_from_outside_adds_no_header(identity: str) -> None:
    assert Thread.of(identity, []) is None
    assert Thread.of("<a@b.fr>", [identity, "<c@d.fr>"]) == Thread("<a@b.fr>", ("<c@d.fr>",))
