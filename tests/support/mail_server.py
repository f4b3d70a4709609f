"""A mail server that keeps what it is sent, and refuses what a test tells it to."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.peers import closed_port
from tests.support.turns import PATIENCE, turns


class MailServer:
    """What is running: where, and what came. Runs on a loop and a thread of its own.

    Attributes:
        mails: every message that was accepted, in order.
        envelopes: their senders and recipients.
        logins: every user and password that were tried.
        over_tls: for each message whether it came so.
        refusals: what to answer instead of 250, by verb ("MAIL", "DATA") or recipient.
    """

    def __init__(self, refusals: Mapping[str, str], *, port: int) -> None:
        self.port = port
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.over_tls: list[bool] = []
        self.refusals = dict(refusals)

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """A sender."""
        envelope.mail_from = address
        return self.refusals.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """A recipient."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """A message."""
        if "DATA" in self.refusals:
            return self.refusals["DATA"]
        content = cast("bytes", envelope.original_content)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        self.over_tls.append(session.ssl is not None)
        return "250 OK"

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, who: Any) -> AuthResult:
        """A login: only `ops` with the password `right` gets in."""
        login = cast("LoginPassword", who)
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"right", handled=False)


class _Hanging(Controller):
    """A controller that hangs up on whoever is still there before its loop stops."""

    def __init__(self, handler: MailServer, **options: Any) -> None:
        super().__init__(handler, **options)
        self._made: list[SMTP] = []

    def factory(self) -> SMTP:
        """A protocol for each connection."""
        made = SMTP(self.handler, **self.SMTP_kwargs)
        self._made.append(made)
        return made

    async def hang_up(self) -> None:
        """Close what is open, and let what is closing do so."""
        for made in self._made:
            if made.transport is not None:
                cast("asyncio.Transport", made.transport).abort()
        await turns()


@contextmanager
def mail_server(
    refusals: Mapping[str, str] | None = None,
    *,
    context: ssl.SSLContext | None = None,
    at_once: bool = False,
    login: bool = False,
) -> Iterator[MailServer]:
    """Run one; with a context it speaks TLS, from the first byte if `at_once`, else after STARTTLS.

    One that wants a `login` takes it over TLS only.
    """
    running = MailServer(refusals or {}, port=closed_port())  # the controller has to know its port before it is bound
    controller = _Hanging(
        running,
        hostname="127.0.0.1",
        port=running.port,
        ssl_context=context if at_once else None,
        tls_context=None if at_once else context,
        authenticator=running.authenticate,
        auth_required=login,
    )
    controller.start()
    try:
        yield running
    finally:
        asyncio.run_coroutine_threadsafe(controller.hang_up(), controller.loop).result(PATIENCE)
        controller.stop()
