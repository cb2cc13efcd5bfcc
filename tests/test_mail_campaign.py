"""A whole campaign of 21 partners by mail, with a real Dovecot and a real SMTP server that fail at every command.

Every workbook that comes is in ``retours/`` exactly once, every partner is answered exactly once.
"""

from __future__ import annotations

import csv
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from support import imap, smtp
from support.campaign import campaign_workspace, fill, form_keys, old_excel, register_rows, retouch, table_cell
from support.chartres_campaign import november, whole
from support.forms import BUDGET, FINANCEMENTS
from support.imap import MailServer
from support.mails import cutting, mail, returns, zipped
from support.outlook import outlook_message
from support.program import tabellion
from support.smtp import Server
from tabellion.campaign.model import Consolidation
from tabellion.commands.consolidate import consolidate, look_at_campaign
from tabellion.commands.envoyer import prepare_letters, send_letters
from tabellion.commands.relever import CollectResult, collect
from tabellion.contract.settings_file import read_settings
from tabellion.contract.workspace import MailSettings, find_workspace
from tabellion.findings import TabellionError
from tabellion.layout.names import DECISION, DECISIONS_TABLE
from tabellion.mail.delivery import Delivery
from tabellion.mail.notices import mailing_of
from tabellion.mail.outbox import LetterState
from tabellion.measures.board import ReturnStatus

YEAR = 2016
#: When a server of mail dies; after ``end``, nobody but it knows that it took the letter.
SMTP_DEATHS = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "quit", "end")
#: The commands of a round over IMAP, at each of which the connection is cut before and after the server has done it.
IMAP_COMMANDS = ("CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH", "STORE", "MOVE", "LOGOUT")
#: Those of a server that cannot move, and where TLS begins later.
OTHER_COMMANDS = ("STARTTLS", "COPY", "EXPUNGE")
SETTINGS = """
[courriel]
serveur = "localhost"
port = {smtp}
expediteur = "retours@agglo.fr"
partenaires = true
utilisateur = "agglo"
mot_de_passe_variable = "COURRIEL"
boite = "localhost"
boite_port = {imap}
boite_utilisateur = "retours"
boite_mot_de_passe_variable = "BOITE"
boite_rangement = "Traités"
"""
SECRETS = {"COURRIEL": "s3cret!", "BOITE": imap.PASSWORD}


@dataclass
class Played:
    """The campaign: its contract, its servers, the time, the mails that were brought, and the returns expected."""

    root: Path
    server: Server
    mailbox: MailServer
    now: datetime = datetime(2016, 11, 2, 9)
    mails: int = 0

    @property
    def contacts(self) -> dict[str, list[str]]:
        """The addresses of each partner."""
        rows = register_rows(self.root / "workbooks" / "registre", "partenaires")
        return {row["partenaire_id"]: row["courriel"].split(" ; ") for row in rows}

    def form(self, partner: str) -> Path:
        return self.root / "workbooks" / "envois" / str(YEAR) / f"{partner}-{YEAR}.xlsx"

    def answer(self, partner: str, seed: int, day: int = 3, **wrong: str) -> bytes:
        """The partner's form, filled and saved."""
        path, keys = self.root / "rempli.xlsx", form_keys(self.form(partner))
        granted = {} if BUDGET in keys else {key: {"montant": 100 + seed} for key in keys.get(FINANCEMENTS, [])[:1]}
        answers = whole(self.form(partner), seed, granted)
        if wrong:
            next(iter(answers[BUDGET].values())).update(wrong)
        fill(self.form(partner), path, answers, saved=november(day, seed % 20))
        return path.read_bytes()

    def bring(self, sender: str, *files: tuple[str, bytes], message: EmailMessage | None = None, **more: str) -> None:
        """A mail comes."""
        self.mails += 1
        made = mail(sender, *files, message_id=f"<{self.mails}@{sender.rpartition('@')[2]}>", **more)
        if message is not None:
            made.add_attachment(message)
        self.mailbox.deliver(bytes(made))

    def state(self, *, night: bool = False) -> Consolidation:
        workspace = find_workspace(self.root)
        return consolidate(workspace, self.now).consolidation if night else look_at_campaign(workspace, self.now)

    def collect(self, state: Consolidation, **mail: object) -> CollectResult:
        """A round over the mailbox, perhaps on another way to it."""
        known = state.contract.settings.courriel
        assert known is not None
        settings = replace(state.contract.settings, courriel=replace(known, **mail))  # type: ignore[arg-type]
        asked = replace(state, contract=replace(state.contract, settings=settings))
        return collect(find_workspace(self.root), asked, self.now, SECRETS)

    def send(self, *, reminders: bool = False, partners: tuple[str, ...] = ()) -> list[str]:
        """Send forms or reminders until none waits; the addresses of which nobody knows whether they have them."""
        workspace = find_workspace(self.root)
        prepared = prepare_letters(workspace, self.state(), YEAR, partners, self.now, reminders=reminders)
        while True:
            done = send_letters(workspace, prepared, self.now, environment=SECRETS)
            if all(entry.state is not LetterState.WAITING for entry in done.entries):
                return [entry.recipient for entry in done.entries if entry.state is LetterState.DOUBTFUL]
            self.now += timedelta(minutes=1)

    def tell(self, state: Consolidation) -> list[tuple[str, str]]:
        """Send the answers that this state calls for until none waits; to whom, to which message."""
        before = len(self.server.received)
        mailing = mailing_of(find_workspace(self.root), state)
        assert mailing is not None
        later: datetime | None = self.now
        while later is not None:
            self.now = later
            later = Delivery(find_workspace(self.root).memory, SECRETS).deliver(mailing, later)
        return [(sent.recipient, sent.message["In-Reply-To"]) for sent in self.server.received[before:]]


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    root = campaign_workspace(tmp_path / "contrat")
    path = root / "workbooks" / "registre" / "partenaires.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for rank, row in enumerate(rows):
        row["courriel"] = f"contact@p{rank}.fr" if rank else "dga@p0.fr ; finances@p0.fr"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with imap.running() as mailbox:
        pair = mailbox.certificate, mailbox.folder / "cle.pem"
        monkeypatch.setenv("SSL_CERT_FILE", str(mailbox.certificate))
        with smtp.running(Server(users={"agglo": "s3cret!"}, certificate=pair)) as server:
            settings = root / "tabellion.toml"
            words = SETTINGS.format(smtp=server.port, imap=mailbox.port)
            settings.write_text(settings.read_text(encoding="utf-8") + words, encoding="utf-8")
            assert isinstance(read_settings(settings).courriel, MailSettings)
            for command in ("generate", "forms"):
                assert tabellion(command, cwd=root).code == 0
            yield Played(root, server, mailbox)


@contextmanager
def killed_at(mailbox: MailServer, command: str, moment: str, **more: object) -> Iterator[tuple[int, list[str]]]:
    """A way to the mailbox that is cut at the first of these commands; its port, and what was cut."""
    done = list[str]()

    def decide(verb: str, line: str) -> str | None:
        if verb == command and not done:
            done.append(line)
            return moment
        return None

    with imap.faulty(mailbox, decide, **more) as port:  # type: ignore[arg-type]
        yield port, done


def envelopes(played: Played) -> list[Callable[[str, bytes], None]]:
    """The ways in which partners send their forms, by the rank of the partner: the others attach it."""

    def attached(sender: str, form: bytes) -> None:
        played.bring(sender, ("Réponse.xlsx", form))

    def forwarded(sender: str, form: bytes) -> None:
        played.bring(sender, message=mail("collegue@ailleurs.fr", ("a.xlsx", form)))

    def as_eml(sender: str, form: bytes) -> None:
        played.bring(sender, ("transfert.eml", bytes(mail("collegue@ailleurs.fr", ("b.xlsx", form)))))

    def as_zip(sender: str, form: bytes) -> None:
        played.bring(sender, ("retours.zip", zipped(**{"dossier/c.xlsx": form, "__MACOSX/._c.xlsx": b"x"})))

    def as_msg(sender: str, form: bytes) -> None:
        played.bring(sender, ("Message.msg", outlook_message(("d.xlsx", form))))

    def as_zipped_msg(sender: str, form: bytes) -> None:
        played.bring(sender, ("m.zip", zipped(**{"m.msg": outlook_message(("e.xlsx", form))})))

    def twice(sender: str, form: bytes) -> None:
        for name in ("f.xlsx", "f (1).xlsx"):
            played.bring(sender, (name, form))

    ways = {2: forwarded, 3: as_eml, 4: as_zip, 6: as_msg, 7: as_zipped_msg, 9: twice}
    return [ways.get(rank, attached) for rank in range(21)]


@pytest.mark.slow
@pytest.mark.skipif(imap.missing() is not None, reason=str(imap.missing()))
def test_a_campaign_of_21_partners_by_mail(played: Played) -> None:
    contacts = played.contacts
    partners, everyone = list(contacts), [address for contact in contacts.values() for address in contact]
    assert len(partners) == 21

    # The forms leave, from a server that dies once at each command.
    played.server.deaths = list(SMTP_DEATHS)
    doubtful = played.send()
    assert played.server.deaths == []
    assert len(doubtful) == 1  # it has its form, and the server never said so
    assert played.send() == doubtful
    assert Counter(sent.recipient for sent in played.server.received) == Counter(everyone)
    for sent in played.server.received:
        partner = next(name for name, some in contacts.items() if sent.recipient in some)
        form, guide = sent.message.iter_attachments()
        assert form.get_content() == played.form(partner).read_bytes()
        assert guide.get_filename() == "guide-partenaire.docx"

    # Everybody but two answers, in every way; the second contact of the first; one is wrong; one by a new address.
    filled = {partner: played.answer(partner, rank) for rank, partner in enumerate(partners)}
    silent, wrong, new = partners[5], partners[1], partners[8]
    filled[wrong] = played.answer(wrong, 1, montant_prevu="beaucoup")
    senders = {partner: contacts[partner][-1] for partner in partners} | {new: "adjoint@p8.fr"}
    state, ways, faults = played.state(), dict(zip(partners, envelopes(played), strict=True)), list[tuple[str, str]]()
    faults += [(command, moment) for command in IMAP_COMMANDS for moment in ("before", "after")]
    for rank, partner in enumerate(partner for partner in partners if partner != silent):
        ways[partner](senders[partner], filled[partner])
        if rank < len(faults):
            with killed_at(played.mailbox, *faults[rank]) as (port, cut):
                done = played.collect(state, boite_port=port)
            assert cut, faults[rank]
            failed = [finding.code for finding in done.findings if finding.code == "boite-injoignable"]
            assert failed == [] if faults[rank][0] == "LOGOUT" else ["boite-injoignable"]
    # A contact sends another workbook too, that is nobody's form.
    old = old_excel(played.root / "budget.xls").read_bytes()
    played.bring("contact@p12.fr", ("budget.xls", old))
    # What is no return: an absence, a report of our own mail, a newsletter, a word.
    played.bring("contact@p11.fr", text="Absent", Auto_Submitted="auto-replied")
    played.bring("mailer-daemon@p12.fr", ("formulaire.xlsx", played.form(partners[12]).read_bytes()), Return_Path="<>")
    played.bring("lettre@presse.fr", List_Id="<lettre.presse.fr>")
    played.bring("contact@p13.fr", text="Bien reçu, nous répondons demain.")
    for command in OTHER_COMMANDS:
        for moment in ("before", "after"):
            more = {"starttls": True, "hides": b"MOVE"}
            with killed_at(played.mailbox, command, moment, **more) as (port, cut):
                played.collect(state, boite_port=port, boite_chiffrement="starttls")
            assert cut, command
            played.bring("contact@p13.fr", ("Réponse.xlsx", filled[partners[13]]))
    chance = random.Random(7)  # noqa: S311 (the same cuts each time)
    for _ in range(6):
        played.bring("contact@p14.fr", ("encore.xlsx", filled[partners[14]]))
        with cutting(played.mailbox.port, chance.randrange(2_000, 120_000)) as port:
            played.collect(state, boite_port=port)

    # Two readers at once.
    def read() -> None:
        try:
            played.collect(state)
        except TabellionError as error:
            assert [finding.code for finding in error.findings] == ["espace-occupe"]  # noqa: PT017 (in a thread)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert played.collect(state).files == []
    came = Counter([old, *(filled[partner] for partner in partners if partner != silent)])
    assert Counter(returns(played.root).values()) == came
    assert len(played.mailbox.flags()) == 4  # what is no return stays
    # Where the server cannot move, a copy that was cut before its end is made again: two mails are there twice.
    assert len(played.mailbox.flags("Trait&AOk-s")) == played.mails - 4 + 2

    # The answers, from a server that dies at each command.
    played.server.deaths = list(SMTP_DEATHS)
    state = played.state(night=True)
    answered = played.tell(state)
    assert played.server.deaths == []
    expected = [senders[partner] for partner in partners if partner not in (silent, new)]
    assert Counter(recipient for recipient, _ in answered) == Counter([*expected, "contact@p12.fr"])
    assert all(thread is not None for _, thread in answered)
    assert played.tell(played.state(night=True)) == []
    status = {line.partenaire: line.status for line in state.board if line.exercice == YEAR}
    assert {name for name, partner_status in status.items() if partner_status is not ReturnStatus.ACCEPTED} == {
        silent,
        wrong,
        new,
    }

    # The wrong one is corrected; staff take the new address; the last one gets its reminder, and answers.
    book = played.root / "workbooks" / "consolidation" / "consolidation.xlsx"
    (rank,) = (
        rank for rank, question in enumerate(state.open_questions, 1) if "adjoint@p8.fr" in question.sentence
    )  # fmt: skip
    sheet, cell = table_cell(book, DECISIONS_TABLE, DECISION, **{"N°": rank})
    retouch(book, book, {sheet: {cell: "prendre"}}, saved=november(8), author="Anne")
    filled[wrong] = played.answer(wrong, 1, day=9)
    played.bring("contact@p1.fr", ("corrigé.xlsx", filled[wrong]))
    played.now = datetime(2016, 12, 5, 9)
    played.collect(played.state())
    assert sorted(recipient for recipient, _ in played.tell(played.state(night=True))) == [
        "adjoint@p8.fr",
        "contact@p1.fr",
    ]
    before = len(played.server.received)
    assert played.send(reminders=True) == []
    assert [sent.recipient for sent in played.server.received[before:]] == contacts[silent]
    played.bring(contacts[silent][0], ("enfin.xlsx", filled[silent]))
    played.collect(played.state())
    state = played.state(night=True)
    assert [recipient for recipient, _ in played.tell(state)] == contacts[silent]
    assert {line.status for line in state.board if line.exercice == YEAR} == {ReturnStatus.ACCEPTED}

    # Adopted: the contract says what came by mail, and nobody hears of it again.
    assert tabellion("adopt", "--oui", cwd=played.root).code in (0, 1)
    assert played.tell(played.state(night=True)) == []
    assert played.collect(played.state()).files == []
