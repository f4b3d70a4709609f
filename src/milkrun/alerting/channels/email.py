"""E-mail by SMTP: a mail server's 4xx is worth another try, its 5xx is not (RFC 5321 4.2.1)."""

import os
import ssl
from email.headerregistry import Address
from typing import cast

import aiosmtplib
import msgspec
import structlog
from aiosmtplib import SMTPException, SMTPNotSupported, SMTPRecipientsRefused, SMTPResponseException

from milkrun.alerting.channel import DeliveryError, Letter, PermanentError, TransientError
from milkrun.alerting.channels.email_options import EmailOptions, Security, read_options
from milkrun.alerting.channels.mail import compose
from milkrun.alerting.plain import line
from milkrun.alerting.render import render
from milkrun.client import Client
from milkrun.config.section import Section
from milkrun.probes.secrets import hidden_forms, hide

log = structlog.get_logger()

_EXPLAINED = 160
_FINAL = 500
# The bare exception is what the library has for a server without STARTTLS or a login.
_CANNOT = (SMTPException, SMTPNotSupported)


class EmailKind:
    """Reads and opens."""

    def read(self, section: Section) -> EmailOptions | None:
        """As `ChannelKind`."""
        return read_options(section)

    def open(self, options: msgspec.Struct, *, client: Client) -> "EmailChannel":  # noqa: ARG002  # mail is not HTTP
        """As `ChannelKind`."""
        return EmailChannel(cast("EmailOptions", options))


class EmailChannel:
    """One mail server, and those who are written to."""

    def __init__(self, options: EmailOptions) -> None:
        self._options = options
        self._sender = Address(options.sender_name, addr_spec=options.sender)
        self._recipients = [Address(addr_spec=address) for address in options.recipients]

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`. A connection of its own for each: mail servers close idle ones, and letters are rare."""
        options = self._options
        rendered = render(letter, zone=options.zone)
        mail = compose(letter, rendered, sender=self._sender, recipients=self._recipients)
        try:
            refused, _ = await aiosmtplib.send(
                mail,
                sender=options.sender,
                recipients=options.recipients,
                hostname=options.host,
                port=options.port,
                username=options.username or None,
                password=options.password or None,
                use_tls=options.security is Security.TLS,
                start_tls=options.security is Security.STARTTLS,
                tls_context=None if options.security is Security.NONE else _context(options),
                timeout=None,  # the caller's
            )
        except (SMTPException, OSError) as err:
            raise _judged(err, options) from err
        if refused:
            # The others have it: another try would write to them again.
            codes = sorted({response.code for response in refused.values()})
            log.warning("a mail server refused some of the recipients", channel=letter.messages[0].channel, codes=codes)


def _context(options: EmailOptions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.ca_file)
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _judged(err: SMTPException | OSError, options: EmailOptions) -> DeliveryError:
    """What a failure is to the outbox: what the network or the server's moment did may pass."""
    codes = _codes(err)
    if codes or type(err) in _CANNOT:
        said = hide(hidden_forms(options.secrets), line(_said(err), _EXPLAINED))
        message = f"the mail server at {options.host} refused: {said}"
        is_final = all(code >= _FINAL for code in codes)
        return PermanentError(message) if is_final else TransientError(message)
    return TransientError(f"the mail server at {options.host} was not reached: {line(_why(err), _EXPLAINED)}")


def _why(err: SMTPException | OSError) -> str:
    """What the system or TLS says; the library's own errors hide it in their cause. Neither knows a password."""
    cause = err.__cause__ if isinstance(err, SMTPException) else err
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or type(cause).__name__}"
    if not isinstance(cause, OSError):
        return type(err).__name__
    # The loop has sentences of its own for errors that have a number. Those of names have negative ones.
    return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror or str(cause)


def _codes(err: SMTPException | OSError) -> list[int]:
    if isinstance(err, SMTPResponseException):
        return [err.code]
    return [refusal.code for refusal in err.recipients] if isinstance(err, SMTPRecipientsRefused) else []


def _said(err: SMTPException | OSError) -> str:
    if isinstance(err, SMTPResponseException):
        return f"{err.code} {err.message}"
    if isinstance(err, SMTPRecipientsRefused):
        return "; ".join(f"{refusal.code} {refusal.message}" for refusal in err.recipients)
    return str(err)


KIND = EmailKind()
