"""Notices by mail: who is told what, never twice, and that no server, however bad, holds the watcher up."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from support import imap, smtp
from support.consolidations import finding_at, place, received, rich
from support.smtp import Server
from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, Verdict
from tabellion.contract.settings_file import read_settings
from tabellion.contract.workspace import MailSettings, find_workspace
from tabellion.findings import Severity, TabellionError
from tabellion.mail.delivery import Delivery, Notifier
from tabellion.mail.messages import AddressError, attachment_name, make_message
from tabellion.mail.notices import due_notices, mailing_of
from tabellion.mail.smtp import DoubtfulError, Session, SmtpTimeouts, UnreachableError
from tabellion.measures.board import ReturnStatus

NOW = datetime(2016, 12, 6, 9, 0)
STAFF, TOWN = "equipe@agglo.fr", "mairie@luce.fr"
PLAIN = MailSettings("localhost", 25, "aucun", "tabellion@agglo.fr", (STAFF,), True)
COPY = b"PK an annotated copy" * 500

needs_openssl = pytest.mark.skipif(smtp.missing() is not None, reason=str(smtp.missing()))


def rejected(name: str = "retours/luce.xlsx", verdict: Verdict = Verdict.REJECTED, **more: Any) -> ReceivedFile:
    findings = [
        replace(finding_at("montant-ambigu", place(name, "Budget", 6, 5), "« 1.234 » est ambigu."), bloquant=True)
    ]
    known: dict[str, Any] = {"partenaire": "luce", "exercice": 2016, "annotated": name.replace("retours", "constats")}
    return received(name, verdict, findings, **(known | more))


def campaign(*files: ReceivedFile, courriel: str | None = TOWN, nom: str = "Lucé", **more: Any) -> Consolidation:
    line = BoardLine("luce", nom, courriel, 2016, ReturnStatus.REJECTED, "envois/2016/luce-2016.xlsx", files)
    return replace(rich(), **{"board": (line,), "strays": (), **more})


def with_mail(consolidation: Consolidation, mail: MailSettings | None) -> Consolidation:
    """The same campaign of a contract whose settings have this mail."""
    contract = consolidation.contract
    return replace(consolidation, contract=replace(contract, settings=replace(contract.settings, courriel=mail)))


@pytest.fixture
def contract(workspace: Path) -> Path:
    """The workspace, with the annotated copy of the return in it."""
    copy = workspace / "workbooks" / "constats" / "luce.xlsx"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(COPY)
    return workspace


@contextmanager
def served(server: Server | None = None, **mail: Any) -> Iterator[tuple[Server, MailSettings]]:
    with smtp.running(server) as running:
        yield running, replace(PLAIN, port=running.port, **mail)


def deliver(
    folder: Path, mail: MailSettings, consolidation: Consolidation, now: datetime = NOW, **environment: str
) -> tuple[list[str], datetime | None]:
    """One mailing of a delivery that has just started: what it says, and when it would come back."""
    delivery = Delivery(folder / "workbooks" / ".tabellion", environment)
    mailing = mailing_of(find_workspace(folder), with_mail(consolidation, mail))
    assert mailing is not None
    later = delivery.deliver(mailing, now)
    for finding in delivery.findings:
        assert finding.gravite is (
            Severity.INFORMATION if finding.code.endswith("-differe") else Severity.AVERTISSEMENT
        )
    return [finding.code for finding in delivery.findings], later


def recipients(server: Server) -> list[str]:
    return [mail.recipient for mail in server.received]


# The settings


def settings_of(workspace: Path, section: str) -> MailSettings | None:
    path = workspace / "tabellion.toml"
    path.write_text(path.read_text(encoding="utf-8") + f"\n{section}\n", encoding="utf-8")
    return read_settings(path).courriel


def test_mails_are_off_by_default(workspace: Path) -> None:
    assert read_settings(workspace / "tabellion.toml").courriel is None
    assert settings_of(workspace, "[courriel]") is None
    assert mailing_of(find_workspace(workspace), with_mail(campaign(rejected()), None)) is None


def test_the_port_follows_the_encryption(workspace: Path) -> None:
    mail_settings = settings_of(
        workspace, '[courriel]\nserveur = "smtp.agglo.fr"\nexpediteur = "t@agglo.fr"\nequipe = ["e@a.fr"]'
    )
    assert mail_settings == MailSettings("smtp.agglo.fr", 587, "starttls", "t@agglo.fr", ("e@a.fr",))


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("[courriel]\npartenaires = true", ["serveur", "expediteur"]),
        ('[courriel]\nserveur = "s"\nexpediteur = "a@b.fr"', ["equipe"]),
        ('[courriel]\nserveur = "s"\nexpediteur = "a@b.fr"\nequipe = []\npartenaires = false', ["equipe"]),
        ('[courriel]\nserveur = ""\nport = 70000\nchiffrement = "tls"\nexpediteur = "a@b.fr\\nBcc: x@y.fr"\n'
         'equipe = ["pas une adresse"]\npartenaires = "oui"', ["serveur", "port", "chiffrement", "expediteur", "equipe",
                                                                "partenaires"]),
        ('[courriel]\nserveur = "s"\nexpediteur = "a@b.fr"\npartenaires = true\nutilisateur = "u"',
         ["mot_de_passe_variable"]),
        ('[courriel]\nserveur = "s"\nexpediteur = "a@b.fr"\npartenaires = true\nmot_de_passe_variable = "MDP"',
         ["utilisateur"]),
        ('[courriel]\nserveur = "s"\nexpediteur = "a@b.fr"\npartenaires = true\nchiffrement = "aucun"\n'
         'utilisateur = "u"\nmot_de_passe_variable = "MDP"', ["chiffrement"]),
        ('[courriel]\nserveur = "s"\nexpediteur = "a@b.fr"\npartenaires = true\nmot_de_passe = "secret"',
         ["mot_de_passe"]),
    ],
)  # fmt: skip
def test_every_mistake_of_the_section_is_said_at_once(workspace: Path, section: str, wrong: list[str]) -> None:
    with pytest.raises(TabellionError) as caught:
        settings_of(workspace, section)
    assert {finding.champ for finding in caught.value.findings} == {f"courriel.{name}" for name in wrong}
    assert {finding.code for finding in caught.value.findings} <= {"reglage-faux", "reglage-inconnu"}


@pytest.mark.parametrize("key", ["mot_de_passe_variable", "boite_mot_de_passe_variable", "boite_jeton_variable"])
def test_a_secret_in_the_place_of_its_variable_is_not_repeated(workspace: Path, key: str) -> None:
    keys = {"utilisateur": "u", "mot_de_passe_variable": "MDP", key: "s3cret!"}
    section = '[courriel]\nserveur = "s"\nexpediteur = "a@b.fr"\npartenaires = true\nboite = "i"\n'
    with pytest.raises(TabellionError) as caught:
        settings_of(workspace, section + "\n".join(f'{name} = "{value}"' for name, value in keys.items()))
    assert "s3cret" not in str(caught.value)
    assert {finding.champ for finding in caught.value.findings} == {f"courriel.{key}"}


# Who is told


def told(consolidation: Consolidation, mail: MailSettings = PLAIN) -> list[tuple[str, str]]:
    return [(notice.recipient, notice.file.fichier) for notice in due_notices(consolidation, mail)]


def test_the_partner_and_the_staff_are_told_of_a_return_to_correct() -> None:
    file = rejected()
    assert told(campaign(file)) == [(TOWN, file.fichier), (STAFF, file.fichier)]
    assert told(campaign(file), replace(PLAIN, partenaires=False)) == [(STAFF, file.fichier)]
    assert told(campaign(file, courriel=None)) == [(STAFF, file.fichier)]


def test_returns_in_force_replaced_or_kept_are_nobodys_notice() -> None:
    for verdict in (Verdict.IN_FORCE, Verdict.OLDER, Verdict.TWIN, Verdict.ALREADY_ADOPTED):
        assert told(campaign(rejected(verdict=verdict))) == []
    assert told(campaign(rejected(is_kept_copy=True))) == []


def test_what_a_partner_cannot_settle_goes_to_the_staff_only() -> None:
    stray = received("retours/notes.xlsx", Verdict.UNREADABLE, [])
    assert told(campaign(rejected(verdict=Verdict.UNDECIDED), strays=(stray,))) == [
        (STAFF, "retours/luce.xlsx"), (STAFF, "retours/notes.xlsx")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address", ["", "a@b.fr\r\nBcc: x@y.fr", "a@b.fr, x@y.fr", "Lucé <a@b.fr>", "é@b.fr", "a b@c.fr"]
)
def test_a_contact_that_is_no_address_is_not_written_to(address: str) -> None:
    assert told(campaign(rejected(), courriel=address)) == [(STAFF, "retours/luce.xlsx")]


def test_two_files_that_cannot_be_read_are_two_notices() -> None:
    """Of a file that is a folder, or too heavy, there is no digest."""
    names = ("retours/a.xlsx", "retours/b.xlsx")
    files = [replace(rejected(name, Verdict.UNREADABLE), sha256="") for name in names]
    assert {fichier for _, fichier in told(campaign(*files))} == set(names)


def test_the_same_content_under_another_name_is_the_same_notice() -> None:
    first, moved = rejected(), rejected("retours/nouveau dossier/luce (1).xlsx")
    moved = replace(moved, sha256=first.sha256)
    assert len(due_notices(campaign(first, moved), PLAIN)) == 2
    other = replace(first, sha256="0" * 64)
    changed = replace(first, findings=(replace(first.findings[0], valeur="autre"),))
    keys = {notice.key for notice in due_notices(campaign(first, other, changed), PLAIN)}
    assert len(keys) == 6


# What is sent


def test_the_mail_has_the_findings_and_the_annotated_copy(contract: Path) -> None:
    with served() as (server, mail):
        assert deliver(contract, mail, campaign(rejected())) == ([], None)
    to_partner, to_staff = server.received
    assert (to_partner.sender, to_partner.recipient, to_staff.recipient) == ("tabellion@agglo.fr", TOWN, STAFF)
    message = to_partner.message
    assert message["To"] == TOWN
    assert message["From"].addresses[0].addr_spec == "tabellion@agglo.fr"
    assert message["Reply-To"] == STAFF
    assert to_staff.message["Reply-To"] is None
    assert message["Subject"].startswith("Contrat de ville")
    assert message["Subject"].endswith("retour 2016 à corriger : Lucé")
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert parsedate_to_datetime(message["Date"]).replace(tzinfo=None) == NOW
    assert message["Message-ID"].endswith("@agglo.fr>")
    assert message["Message-ID"] != to_staff.message["Message-ID"]
    text = to_partner.text
    assert text.startswith("Bonjour,\n")
    assert "Le retour de Lucé pour l'exercice 2016" in text
    assert "Feuille « Budget », cellule E6 : « 1.234 » est ambigu." in text
    assert "c'est à l'équipe de le prévenir" not in text
    (attached,) = message.iter_attachments()
    assert attached.get_content_type() == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert (attached.get_filename(), attached.get_content()) == ("luce (annoté).xlsx", COPY)
    assert max(map(len, to_partner.content.split(b"\r\n"))) <= 998
    assert to_partner.content.isascii()


def test_the_staff_knows_when_the_partner_was_not_told(contract: Path) -> None:
    with served(partenaires=False) as (server, mail):
        deliver(contract, mail, campaign(rejected()))
    (only,) = server.received
    assert "c'est à l'équipe de le prévenir" in only.text


def test_a_file_that_is_nobodys_form_is_told_without_a_partner(contract: Path) -> None:
    with served() as (server, mail):
        deliver(contract, mail, campaign(strays=(received("retours/notes.xlsx", Verdict.FOREIGN, []),)))
    (only,) = server.received
    assert only.message["Subject"].endswith("fichier à vérifier : notes.xlsx")
    assert list(only.message.iter_attachments()) == []


def test_nothing_that_a_partner_names_adds_a_header(contract: Path) -> None:
    name = "Lucé\r\nBcc: tous@agglo.fr\r\n\r\nun autre corps\x00\u202e\u2028.\r\n.\r\n"
    file = rejected("retours/a\r\nX-Mal: 1\r\n\r\n..xlsx", annotated="constats/luce.xlsx")
    with served() as (server, mail):
        assert deliver(contract, mail, campaign(file, nom=name))[0] == []
    assert recipients(server) == [TOWN, STAFF]
    for letter in server.received:
        names = {name.lower() for name in letter.message}
        assert names <= {"from", "to", "reply-to", "subject", "date", "message-id", "auto-submitted", "mime-version",
                         "x-auto-response-suppress", "content-language", "content-type"}  # fmt: skip
        assert "\n" not in letter.message["Subject"]
        (attached,) = letter.message.iter_attachments()
        assert set(attached.keys()) == {
            "Content-Type",
            "Content-Transfer-Encoding",
            "Content-Disposition",
            "MIME-Version",
        }
        assert attached.get_content() == COPY


def test_no_space_is_lost_where_a_long_line_is_folded() -> None:
    subject = "Contrat de ville d'essai, retour 2016 à corriger : Lucé & « Cie »"
    sender = "Contrat de ville de l'agglomération chartraine, « à côté » : été 2015 – 2020, « é » à l'École élémentaire"
    content = make_message(PLAIN, STAFF, subject, "-", sender=sender, now=NOW, identity="-").as_bytes()
    read = message_from_bytes(content)
    assert str(make_header(decode_header(read["Subject"]))) == subject
    assert str(make_header(decode_header(read["From"]))) == f"{sender} <{PLAIN.expediteur}>"
    assert all(len(line) <= 78 for line in content.split(b"\r\n"))


def test_names_of_attachments_are_taken_by_every_system() -> None:
    assert attachment_name("retours/Ville de Chécy.xlsx") == "Ville de Chécy (annoté).xlsx"
    assert attachment_name("retours/a:b?.xlsx") == "a_b_ (annoté).xlsx"
    assert len(attachment_name(f"retours/{'é' * 300}.xlsx")) < 100
    assert attachment_name("\udcff.xlsx") == "� (annoté).xlsx"


def test_a_message_to_what_is_no_address_is_refused() -> None:
    with pytest.raises(AddressError):
        make_message(PLAIN, "a@b.fr\nBcc: c@d.fr", "s", "t", sender="Contrat", now=NOW, identity="1")


def test_lines_that_begin_with_a_dot_arrive(contract: Path) -> None:
    with served() as (server, mail):
        template = contract / "templates" / "avis.txt"
        template.write_text("Objet : essai\n\n.\n..deux\n.fin", encoding="utf-8")
        deliver(contract, mail, campaign(rejected()))
    assert server.received[0].text == ".\n..deux\n.fin\n"
    assert server.received[0].message["Subject"] == "essai"


def test_the_copy_that_waits_because_the_old_one_is_open_is_the_one_attached(contract: Path) -> None:
    waiting = contract / "workbooks" / "constats" / "luce (nouveau).xlsx"
    waiting.write_bytes(b"PK the new one")
    listed = {"target": "constats/luce.xlsx", "path": "constats/luce (nouveau).xlsx", "sha256": "x", "before": None}
    memory = contract / "workbooks" / ".tabellion"
    memory.mkdir()
    (memory / "a-cote.json").write_text(json.dumps({"besides": [listed]}), encoding="utf-8")
    with served() as (server, mail):
        deliver(contract, mail, campaign(rejected()))
    (attached,) = server.received[0].message.iter_attachments()
    assert attached.get_content() == b"PK the new one"


def test_a_copy_that_is_replaced_meanwhile_is_not_sent_with_the_old_findings(contract: Path) -> None:
    delivery = Delivery(contract / "workbooks" / ".tabellion", {})
    with served() as (server, mail):
        mailing = mailing_of(find_workspace(contract), with_mail(campaign(rejected()), mail))
        assert mailing is not None
        (contract / "workbooks" / "constats" / "luce.xlsx").write_bytes(b"a later one")
        assert delivery.deliver(mailing, NOW) == NOW + timedelta(minutes=1)
        assert server.received == []


# Encryption and users


@needs_openssl
@pytest.mark.parametrize("chiffrement", ["starttls", "ssl"])
def test_the_mail_is_encrypted_for_a_known_user(
    contract: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chiffrement: str
) -> None:
    pair = smtp.make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    server = Server(users={"tabellion": "s3cret"}, certificate=pair, is_tls_only=chiffrement == "ssl")
    user = {"chiffrement": chiffrement, "utilisateur": "tabellion", "mot_de_passe_variable": "MDP"}
    with served(server, **user) as (_, mail):
        assert deliver(contract, mail, campaign(rejected()), MDP="s3cret") == ([], None)
        assert [(mail.is_encrypted, mail.user) for mail in server.received] == [(True, "tabellion")] * 2
        other = campaign(replace(rejected(), sha256="1" * 64))
        assert deliver(contract, mail, other, MDP="wrong")[0] == ["courriel-refuse"]
        assert deliver(contract, mail, other, NOW + timedelta(hours=1), MDP="é")[0] == ["courriel-refuse"]
        conversations = server.conversations
        assert deliver(contract, mail, other, NOW + timedelta(hours=2))[0] == ["courriel-refuse"]
        assert server.conversations == conversations  # without its password, nobody is spoken to
        assert len(server.received) == 2


@needs_openssl
@pytest.mark.parametrize("host", ["localhost", "ailleurs.fr"])
def test_a_server_that_cannot_be_verified_gets_nothing(contract: Path, tmp_path: Path, host: str) -> None:
    server = Server(certificate=smtp.make_certificate(tmp_path, host))
    with served(server, chiffrement="starttls") as (_, mail):
        delivery = Delivery(contract / "workbooks" / ".tabellion", {})
        mailing = mailing_of(find_workspace(contract), with_mail(campaign(rejected()), mail))
        assert mailing is not None
        delivery.deliver(mailing, NOW)
        (finding,) = delivery.findings
        assert finding.code == "courriel-injoignable"
        assert "certificat" in finding.message
    assert server.received == []


def test_a_server_that_cannot_encrypt_gets_nothing(contract: Path) -> None:
    with served(chiffrement="starttls") as (server, mail):
        assert deliver(contract, mail, campaign(rejected()))[0] == ["courriel-injoignable"]
    with served(chiffrement="ssl") as (server, mail):
        # It does not greet in TLS: the client waits for nothing longer than its patience.
        assert deliver(contract, mail, campaign(rejected()), NOW + timedelta(hours=1))[0] == ["courriel-injoignable"]
    assert server.received == []


# Never twice


def test_nobody_is_told_twice(contract: Path) -> None:
    with served() as (server, mail):
        for days in range(3):
            assert deliver(contract, mail, campaign(rejected()), NOW + timedelta(days=days)) == ([], None)
        assert recipients(server) == [TOWN, STAFF]
        deliver(contract, mail, campaign())  # corrected, or gone
        deliver(contract, mail, campaign(replace(rejected("retours/b.xlsx"), sha256=rejected().sha256)))
        assert len(server.received) == 2
        deliver(contract, mail, campaign(replace(rejected(), sha256="2" * 64)))
        assert len(server.received) == 4


def test_a_recipient_added_later_is_told_of_what_is_there(contract: Path) -> None:
    with served() as (server, mail):
        deliver(contract, mail, campaign(rejected()))
        deliver(contract, replace(mail, equipe=(STAFF, "chef@agglo.fr")), campaign(rejected()))
    assert recipients(server) == [TOWN, STAFF, "chef@agglo.fr"]


DAMAGES = [
    "",
    "{",
    "[]",
    "null",
    '{"version": 2, "avis": {}}',
    '{"version": 1, "avis": {"a": {"etat": "?"}}}',
    "[" * 99_999,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=range(len(DAMAGES)))
def test_a_damaged_memory_sends_nothing_again(contract: Path, damage: str) -> None:
    ledger = contract / "workbooks" / ".tabellion" / "avis.json"
    with served() as (server, mail):
        deliver(contract, mail, campaign(rejected()))
        ledger.write_text(damage, encoding="utf-8")
        assert deliver(contract, mail, campaign(rejected())) == (["avis-oublies"], None)
        assert ledger.with_name("avis-abimes.json").read_text(encoding="utf-8") == damage
        assert deliver(contract, mail, campaign(rejected())) == ([], None)
        assert len(server.received) == 2
        deliver(contract, mail, campaign(replace(rejected(), sha256="3" * 64)))
        assert len(server.received) == 4


def test_a_stop_in_the_middle_of_a_mail_is_said_and_not_repeated(contract: Path) -> None:
    ledger = contract / "workbooks" / ".tabellion" / "avis.json"
    with served() as (server, mail):
        deliver(contract, mail, campaign(rejected()))
        said_ = json.loads(ledger.read_text(encoding="utf-8"))
        next(iter(said_["courriers"].values()))["state"] = "en cours"
        ledger.write_text(json.dumps(said_), encoding="utf-8")
        assert deliver(contract, mail, campaign(rejected())) == (["avis-incertain"], None)
        assert deliver(contract, mail, campaign(rejected())) == ([], None)
        assert len(server.received) == 2


def test_a_server_lost_after_the_last_line_may_have_taken_it(contract: Path) -> None:
    with served(Server(dies="end")) as (server, mail):
        codes, later = deliver(contract, mail, campaign(rejected()))
        assert (codes, later) == (["avis-incertain", "avis-incertain"], None)
        server.dies = None
        assert deliver(contract, mail, campaign(rejected()), NOW + timedelta(days=1)) == ([], None)
    assert recipients(server) == [TOWN, STAFF]


def test_what_cannot_be_noted_is_not_sent(contract: Path) -> None:
    memory = contract / "workbooks" / ".tabellion"
    (memory / "avis.json.tmp").mkdir(parents=True)
    with served() as (server, mail):
        codes, later = deliver(contract, mail, campaign(rejected()))
        assert (codes, server.received) == (["avis-non-notes"], [])
        (memory / "avis.json.tmp").rmdir()
        assert later is not None
        assert deliver(contract, mail, campaign(rejected()), later) == ([], None)
        assert len(server.received) == 2


# Bad servers


def test_a_server_that_is_not_there_is_tried_again_less_and_less_often(contract: Path) -> None:
    with served() as (server, mail):
        pass
    waits, now = [], NOW
    for _ in range(12):
        codes, later = deliver(contract, mail, campaign(rejected()), now)
        assert codes == ["courriel-injoignable"]
        assert later is not None
        assert deliver(contract, mail, campaign(rejected()), later - timedelta(seconds=1)) == ([], later)
        waits.append((later - now).total_seconds())
        now = later
    assert waits == [60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600, 21600, 21600]
    with smtp.running(server):
        assert deliver(contract, mail, campaign(rejected()), now) == ([], None)
        assert recipients(server) == [TOWN, STAFF]


def test_settings_that_are_corrected_are_tried_at_once(contract: Path) -> None:
    """Whoever has corrected them does not wait for hours to see it."""
    delivery = Delivery(contract / "workbooks" / ".tabellion", {})
    with served() as (server, mail):
        for settings in (replace(mail, port=1), mail):
            mailing = mailing_of(find_workspace(contract), with_mail(campaign(rejected()), settings))
            assert mailing is not None
            delivery.deliver(mailing, NOW)
        assert recipients(server) == [TOWN, STAFF]


@pytest.mark.parametrize("dies", ["greeting", "data"])
def test_a_server_that_hangs_up_is_tried_again(contract: Path, dies: str) -> None:
    with served(Server(dies=dies)) as (server, mail):
        assert deliver(contract, mail, campaign(rejected())) == (["courriel-injoignable"], NOW + timedelta(minutes=1))
        server.dies = None
        assert deliver(contract, mail, campaign(rejected()), NOW + timedelta(minutes=1)) == ([], None)
        assert len(server.received) == 2


@pytest.mark.parametrize("name", ["serveur.invalid", "a..b", "x" * 80])
def test_a_server_that_nobody_knows(contract: Path, name: str) -> None:
    assert deliver(contract, replace(PLAIN, serveur=name), campaign(rejected()))[0] == ["courriel-injoignable"]


def test_an_address_refused_for_good_is_said_once_and_left_until_it_changes(contract: Path) -> None:
    with served(Server(refused={TOWN: "550 5.1.1 unknown user"})) as (server, mail):
        assert deliver(contract, mail, campaign(rejected())) == (["avis-refuse"], None)
        for days in range(1, 31):
            file = replace(rejected(), sha256=f"{days // 10}" * 64)  # with new returns to tell of
            assert deliver(contract, mail, campaign(file), NOW + timedelta(days=days)) == ([], None)
        assert (server.tried.count(TOWN), recipients(server)) == (1, [STAFF] * 5)
        changed = campaign(rejected(), courriel="accueil@luce.fr")
        assert deliver(contract, mail, changed, NOW + timedelta(days=31)) == ([], None)
        assert recipients(server)[5:] == ["accueil@luce.fr"]
        # The old address is back, on purpose: it is tried again.
        assert deliver(contract, mail, campaign(rejected()), NOW + timedelta(days=32))[0] == ["avis-refuse"]


@pytest.mark.parametrize("answer", ["421 4.3.2 busy", "", "450 4.2.0 greylisted", "452 4.2.2 mailbox full"])
def test_one_recipient_that_is_put_off_holds_nobody_back(contract: Path, answer: str) -> None:
    """An hour of a server that hangs up at one recipient: the others have their mails, it is said once."""
    with served(Server(refused={TOWN: answer}), equipe=tuple(f"e{number}@agglo.fr" for number in range(5))) as (
        server, mail,
    ):  # fmt: skip
        assert deliver(contract, mail, campaign(rejected())) == (["avis-differe"], NOW + timedelta(minutes=1))
        assert recipients(server) == list(mail.equipe)
        codes, now = list[str](), NOW
        while now < NOW + timedelta(hours=1):
            now += timedelta(minutes=1)
            codes += deliver(contract, mail, campaign(rejected()), now)[0]
        assert set(codes) <= {"courriel-differe", "courriel-injoignable"}
        assert server.tried.count(TOWN) == 6  # at 0, 1, 3, 7, 15 and 31 minutes
        server.refused.clear()
        assert deliver(contract, mail, campaign(rejected()), NOW + timedelta(hours=2)) == ([], None)
    assert recipients(server) == [*mail.equipe, TOWN]


def test_a_server_that_asks_to_try_later_is_not_said_to_be_wrong(contract: Path) -> None:
    delivery = Delivery(contract / "workbooks" / ".tabellion", {})
    with served(Server(refused={TOWN: "451 4.7.1 try again"})) as (_, mail):
        mailing = mailing_of(find_workspace(contract), with_mail(campaign(rejected()), mail))
        assert mailing is not None
        delivery.deliver(mailing, NOW)
    (finding,) = delivery.findings
    assert "demande de réessayer plus tard" in finding.message
    assert finding.suggestion.startswith("Il n'y a rien à faire")


def test_ten_letters_to_a_server_that_takes_one_a_conversation_leave_at_once(contract: Path) -> None:
    staff = tuple(f"e{number}@agglo.fr" for number in range(9))
    with served(Server(session_limit=1), equipe=staff) as (server, mail):
        assert deliver(contract, mail, campaign(rejected())) == ([], None)
    assert recipients(server) == [TOWN, *staff]
    assert server.conversations == 10


def test_a_server_that_cuts_every_conversation_is_left_alone_and_nobody_is_forgotten(contract: Path) -> None:
    staff = tuple(f"e{number}@agglo.fr" for number in range(5))
    refused = dict.fromkeys(staff[:3], "421 4.3.2 busy")
    with served(Server(refused=refused), partenaires=False, equipe=staff) as (server, mail):
        codes, later = deliver(contract, mail, campaign(rejected()))
        assert (codes, server.tried) == (["courriel-differe"], list(staff[:3]))  # not one after the other for hours
        assert later is not None
        deliver(contract, mail, campaign(rejected()), later)
    assert recipients(server) == list(staff[3:])  # those at whom nothing was cut go first


def test_each_phase_has_its_own_time_and_ours_is_not_called_theirs() -> None:
    message = make_message(PLAIN, STAFF, "s", "t", sender="Contrat", now=NOW, identity="1")
    with served(Server(slow_end=30.0)) as (_, mail):
        with pytest.raises(DoubtfulError) as caught, Session(mail, {}, SmtpTimeouts(end=0.1)) as session:
            session.send(message, STAFF, lambda: None)
        assert "nous avons cessé d'attendre" in caught.value.detail
    with served(Server(dies="end")) as (_, mail):
        with pytest.raises(DoubtfulError) as caught, Session(mail, {}) as session:
            session.send(message, STAFF, lambda: None)
        assert caught.value.detail == "il a coupé la connexion"
    # RFC 5321, 4.5.3.2: greeting, MAIL and RCPT 5 minutes, DATA 2, each block 3, the end 10
    assert SmtpTimeouts() == SmtpTimeouts(answer=5 * 60, data=2 * 60, block=3 * 60, end=10 * 60)


def test_a_server_that_says_a_byte_now_and_then_holds_nobody() -> None:
    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while True:
                connection.sendall(b"2")
                time.sleep(0.01)

    listening = socket.create_server(("127.0.0.1", 0))
    with imap.listening_on(listening, drip):
        mail = replace(PLAIN, port=listening.getsockname()[1])
        with pytest.raises(UnreachableError) as caught, Session(mail, {}, SmtpTimeouts(answer=0.3)):
            pass
    assert caught.value.detail == "il ne répond pas"


def test_a_sender_refused_stops_everything(contract: Path) -> None:
    with served(Server(refused_senders={"tabellion@agglo.fr": "553 5.7.1 not yours"})) as (server, mail):
        assert deliver(contract, mail, campaign(rejected()))[0] == ["courriel-refuse"]
    assert server.received == []


@pytest.mark.parametrize("server", [Server(size=5000), Server(largest=5000)], ids=["said", "at the end"])
def test_a_mail_that_is_too_large_goes_without_its_copy_and_says_where_it_is(contract: Path, server: Server) -> None:
    with served(server) as (_, mail):
        assert deliver(contract, mail, campaign(rejected())) == (["avis-sans-copie"] * 2, None)
        assert deliver(contract, mail, campaign(rejected()), NOW + timedelta(days=1)) == ([], None)
    assert recipients(server) == [TOWN, STAFF]
    for sent in server.received:
        assert list(sent.message.iter_attachments()) == []
        assert "constats/luce.xlsx" in sent.text
        assert "Le classeur joint" not in sent.text


def test_a_full_mailbox_is_no_large_mail(contract: Path) -> None:
    with served(Server(largest=0, on_large="552 5.2.2 over quota")) as (server, mail):
        codes, later = deliver(contract, mail, campaign(rejected()))
        assert (codes, later) == (["avis-differe"] * 2, NOW + timedelta(minutes=1))
        assert server.tried == [TOWN, STAFF]  # not a second time without the copy


def test_a_letter_that_is_too_large_even_alone_is_refused_once(contract: Path) -> None:
    with served(Server(size=10)) as (_, mail):
        assert deliver(contract, mail, campaign(rejected())) == (["avis-refuse"] * 2, None)


@pytest.mark.parametrize("text", [None, "{% if %}", "{{ inconnu }}", b"\xff"], ids=["gone", "cut", "unknown", "bytes"])
def test_a_wrong_template_is_said_and_sends_nothing(contract: Path, text: str | bytes | None) -> None:
    template = contract / "templates" / "avis.txt"
    template.unlink()
    if text is not None:
        template.write_bytes(text if isinstance(text, bytes) else text.encode())
    delivery = Delivery(contract / "workbooks" / ".tabellion", {})
    with served() as (server, mail):
        mailing = mailing_of(find_workspace(contract), with_mail(campaign(rejected()), mail))
        assert mailing is not None
        delivery.deliver(mailing, NOW)
    (finding,) = delivery.findings
    assert (finding.code, finding.place.fichier) == ("mise-en-page-fausse", str(template))
    assert server.received == []


def test_a_clock_that_went_back_does_not_stop_the_mails(contract: Path) -> None:
    with served(Server(dies="greeting")) as (server, mail):
        deliver(contract, mail, campaign(rejected()), NOW + timedelta(days=300))
        server.dies = None
        assert deliver(contract, mail, campaign(rejected()), NOW) == ([], None)


# In the background


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.01)


def test_telling_takes_no_time_whatever_the_server_does(contract: Path) -> None:
    with served(Server(slow=30.0)) as (_, mail):
        notifier = Notifier(contract / "workbooks" / ".tabellion")
        notifier.tell(find_workspace(contract), with_mail(campaign(rejected()), mail))
        notifier.stop(0.5)
        assert notifier.take() == ([], [])  # a message whose end was waited for is a finding: the server says nothing


def test_the_thread_sends_says_and_tries_again(contract: Path) -> None:
    said_ = threading.Event()
    times = [NOW]
    notifier = Notifier(contract / "workbooks" / ".tabellion", clock=lambda: times[0], on_findings=said_.set)
    with served(Server(dies="greeting")) as (server, mail):
        told = with_mail(campaign(rejected()), mail)
        notifier.tell(find_workspace(contract), told)
        assert said_.wait(10)
        findings, errors = notifier.take()
        assert ([finding.code for finding in findings], errors) == (["courriel-injoignable"], [])
        assert notifier.take() == ([], [])
        server.dies, times[0] = None, NOW + timedelta(hours=1)
        notifier.tell(find_workspace(contract), told)
        wait_for(lambda: len(server.received) == 2)
        notifier.tell(find_workspace(contract), with_mail(campaign(rejected()), None))
        notifier.stop()
    assert recipients(server) == [TOWN, STAFF]


def test_a_mistake_of_the_program_is_handed_in_and_the_thread_lives(
    contract: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said_ = threading.Event()
    notifier = Notifier(contract / "workbooks" / ".tabellion", on_findings=said_.set)
    with served() as (server, mail):
        with monkeypatch.context() as patched:
            patched.setattr(Delivery, "_send", lambda *_: 1 / 0)
            notifier.tell(find_workspace(contract), with_mail(campaign(rejected()), mail))
            assert said_.wait(10)
        findings, (error,) = notifier.take()
        assert (findings, type(error)) == ([], ZeroDivisionError)
        notifier.tell(find_workspace(contract), with_mail(campaign(rejected()), mail))
        wait_for(lambda: len(server.received) == 2)
        notifier.stop()
