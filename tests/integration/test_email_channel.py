"""E-mail against a real mail server: what arrives, how the connection is secured, what is worth another try."""

import asyncio
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from milkrun.alerting.channel import Channel, DeliveryError, PermanentError, TransientError
from milkrun.alerting.channels.email import KIND
from milkrun.alerting.channels.email_options import EmailOptions
from milkrun.client import Client
from milkrun.core.alert import Purpose
from tests.support.authority import Authority
from tests.support.configuring import Configured
from tests.support.descriptors import open_sockets, settled
from tests.support.letters import MINUTE, a_letter, an_alert, many
from tests.support.mail_server import mail_server
from tests.support.peers import closed_port, mute
from tests.support.turns import until

USUAL = "host: 127.0.0.1\nfrom: Milkrun <milkrun@status.example>\nto: ops@a.example, boss@b.example"


class Mailing:
    """Opens channels from configurations."""

    def __init__(self, folder: Path) -> None:
        self._configured = Configured(folder)

    def options(self, port: int, more: str = "security: none", usual: str = USUAL) -> EmailOptions:
        (settings,) = self._configured.load(self._text(f"{usual}\nport: {port}\n{more}")).alerting.channels
        assert isinstance(settings.options, EmailOptions)
        return settings.options

    def channel(self, port: int, more: str = "security: none", usual: str = USUAL) -> Channel:
        return KIND.open(self.options(port, more, usual), client=Client())

    def problems(self, keys: str) -> list[str]:
        return self._configured.problems(self._text(keys))

    def _text(self, keys: str) -> str:
        lines = "\n".join(f"      {line}" for line in keys.splitlines())
        return f"alerting:\n  channels:\n    ops:\n      type: email\n{lines}\n"


@pytest.fixture
def mailing(tmp_path: Path) -> Mailing:
    return Mailing(tmp_path)


async def failure(channel: Channel) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await channel.deliver(a_letter())
    return caught.value


async def test_a_mail_has_both_parts_a_subject_and_all_recipients(mailing: Mailing) -> None:
    with mail_server() as server:
        await mailing.channel(server.port).deliver(a_letter(an_alert(name="<checkout>")))
    (mail,) = server.mails
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert mail["Subject"] == "▲ <checkout> is down — connect/refused"
    assert mail["From"] == "Milkrun <milkrun@status.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "▲ <checkout> is down — connect/refused, since 15:00 UTC (3 min)" in text.get_content()
    assert "<strong>&lt;checkout&gt;</strong> is down" in html.get_content()
    assert server.envelopes == [("milkrun@status.example", ["ops@a.example", "boss@b.example"])]


async def test_the_end_of_an_incident_threads_under_its_beginning(mailing: Mailing) -> None:
    with mail_server() as server:
        channel = mailing.channel(server.port)
        await channel.deliver(a_letter(an_alert()))
        await channel.deliver(a_letter(an_alert(Purpose.REPEAT), letter="letter-2"))
        await channel.deliver(a_letter(an_alert(Purpose.RESOLVE, lasted=MINUTE), letter="letter-3"))
        await channel.deliver(a_letter(an_alert(number=2), letter="letter-4"))
    trigger, reminder, resolve, other = server.mails
    assert trigger["In-Reply-To"] is None
    assert reminder["In-Reply-To"] == resolve["In-Reply-To"] == resolve["References"] == trigger["Message-ID"]
    assert len({mail["Message-ID"] for mail in server.mails}) == 4
    assert other["In-Reply-To"] is None


async def test_a_second_try_is_the_same_mail_to_whoever_compares_ids(mailing: Mailing) -> None:
    with mail_server() as server:
        for _ in range(2):
            await mailing.channel(server.port).deliver(a_letter(*many(3)))
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert len(first["References"].split()) == 3


@pytest.mark.parametrize("count", [50, 10_000])
async def test_very_many_at_once_are_one_mail_that_no_reader_clips(mailing: Mailing, count: int) -> None:
    with mail_server() as server:
        await mailing.channel(server.port).deliver(a_letter(*many(count)))
    (mail,) = server.mails
    assert f"{count - 20:,} more" in str(mail.get_body(("plain",)))
    assert len(mail.as_bytes()) < 102_000
    assert max(map(len, mail.as_bytes().splitlines())) <= 998


async def test_starttls_and_tls_are_spoken_and_checked(mailing: Mailing, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusted = f"ca-file: {authority.ca_file}"
    with mail_server(context=authority.good()) as server:
        await mailing.channel(server.port, trusted).deliver(a_letter())
        await mailing.channel(server.port, "client: {insecure: true}").deliver(a_letter())
        untrusted = await failure(mailing.channel(server.port, ""))
    with mail_server(context=authority.good(), at_once=True) as other:
        await mailing.channel(other.port, f"{trusted}\nsecurity: tls").deliver(a_letter())
    assert server.over_tls == [True, True]
    assert len(other.mails) == 1
    assert isinstance(untrusted, TransientError)
    assert "its certificate is not trusted: " in str(untrusted)


async def test_a_server_without_starttls_gets_no_mail_and_no_password(mailing: Mailing) -> None:
    with mail_server() as server:
        error = await failure(mailing.channel(server.port, ""))
        other = await failure(mailing.channel(server.port, "username: ops\npassword: right"))
    assert isinstance(error, PermanentError)
    assert isinstance(other, PermanentError)
    assert "STARTTLS" in str(error)
    assert (server.mails, server.logins) == ([], [])


async def test_it_logs_in(mailing: Mailing, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mail_server(context=authority.good(), login=True) as server:
        more = f"ca-file: {authority.ca_file}\nusername: ops\npassword: right"
        await mailing.channel(server.port, more).deliver(a_letter())
    assert server.logins == [(b"ops", b"right")]
    assert len(server.mails) == 1


async def test_a_refused_login_is_permanent_and_shows_neither_name_nor_password(
    mailing: Mailing, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    more = f"ca-file: {authority.ca_file}\nusername: opsuser\npassword: wrong-password"
    with mail_server(context=authority.good(), login=True) as server:
        error = await failure(mailing.channel(server.port, more))
        options = mailing.options(server.port, more)
    assert "535" in str(error)
    assert isinstance(error, PermanentError)
    for shown in (str(error), repr(options), pretty_repr(options)):
        assert "opsuser" not in shown
        assert "wrong-password" not in shown


@pytest.mark.parametrize(
    ("refusals", "kind"),
    [
        ({"MAIL": "451 try later"}, TransientError),
        ({"MAIL": "550 who are you"}, PermanentError),
        ({"DATA": "452 the disk is full"}, TransientError),
        ({"DATA": "554 spam"}, PermanentError),
        ({"ops@a.example": "550 unknown", "boss@b.example": "551 moved"}, PermanentError),
        ({"ops@a.example": "550 unknown", "boss@b.example": "450 busy"}, TransientError),
    ],
)
async def test_a_4xx_is_worth_another_try_and_a_5xx_is_not(
    mailing: Mailing, refusals: dict[str, str], kind: type[DeliveryError]
) -> None:
    with mail_server(refusals) as server:
        error = await failure(mailing.channel(server.port))
    assert type(error) is kind
    assert next(iter(refusals.values()))[:3] in str(error)


async def test_one_refused_recipient_does_not_have_the_others_written_to_twice(mailing: Mailing) -> None:
    with mail_server({"ops@a.example": "550 unknown"}) as server:
        await mailing.channel(server.port).deliver(a_letter())
    assert server.envelopes == [("milkrun@status.example", ["boss@b.example"])]


async def test_a_server_that_is_away_is_worth_another_try_and_the_reason_is_told(mailing: Mailing) -> None:
    error = await failure(mailing.channel(closed_port()))
    assert isinstance(error, TransientError)
    assert str(error) == "the mail server at 127.0.0.1 was not reached: Connection refused"


async def test_a_server_that_speaks_no_tls_is_told_as_that(mailing: Mailing) -> None:
    with mail_server() as server:
        error = await failure(mailing.channel(server.port, "security: tls"))
    assert isinstance(error, TransientError)
    assert "was not reached: TLS failed: " in str(error)


async def test_a_server_s_name_that_is_unknown_is_told_as_that(mailing: Mailing) -> None:
    usual = USUAL.replace("127.0.0.1", "mail.invalid")
    error = await failure(mailing.channel(25, usual=usual))
    assert isinstance(error, TransientError)
    assert str(error).startswith("the mail server at mail.invalid was not reached: ")
    assert not str(error).endswith("Error")


async def test_a_server_that_says_nothing_is_left_when_the_caller_s_time_is_over(mailing: Mailing) -> None:
    before = open_sockets()
    with mute() as port:
        listening = open_sockets()
        delivery = asyncio.ensure_future(mailing.channel(port).deliver(a_letter()))
        assert await until(lambda: open_sockets() > listening)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
    assert await settled(before)


@pytest.mark.parametrize(
    ("port", "more", "security"),
    [(465, "", "tls"), (587, "", "starttls"), (25, "", "starttls"), (25, "security: none", "none")],
)
def test_the_port_says_how_the_connection_is_secured_unless_told(
    mailing: Mailing, port: int, more: str, security: str
) -> None:
    assert mailing.options(port, more).security == security


@pytest.mark.parametrize(
    ("keys", "path", "expected"),
    [
        ("from: a@b.c\nto: a@b.c", "host", "host name"),
        ("host: h\nto: a@b.c", "from", "e-mail address"),
        ("host: h\nfrom: a@b.c", "to", "e-mail address"),
        ("host: h\nfrom: nobody\nto: a@b.c", "from", "e-mail address"),
        ("host: h\nfrom: a@b.c\nto: 'a@b.c, b'", "to", "commas"),
        ("host: h\nfrom: a@b.c\nto: [a@b.c, '@']", "to[1]", "commas"),
        ("host: h\nfrom: a@b.c\nto: a@b.c\nsecurity: maybe", "security", "tls, starttls or none"),
        ("host: h\nfrom: a@b.c\nto: a@b.c\nca-file: /nowhere", "ca-file", "root certificates"),
    ],
)
def test_a_bad_key_is_one_clear_error(mailing: Mailing, keys: str, path: str, expected: str) -> None:
    (problem,) = mailing.problems(keys)
    assert f"alerting.channels.ops.{path}: " in problem
    assert expected in problem


def test_the_sender_s_address_is_the_user_name_where_only_a_password_is_given(mailing: Mailing) -> None:
    assert mailing.options(465, "password: x").username == "milkrun@status.example"
