"""The one client of all checks, made as the settings have it; what they leave open is the client's own default."""

import os
from functools import partial

from milkrun.client import AddressPolicy, Client, Descriptors, KeepAlive, Limits
from milkrun.client.proxy.environment import from_environment
from milkrun.client.url import Origin
from milkrun.config.settings import AddressSettings, ClientSettings, KeepAliveSettings


def checking_client(settings: ClientSettings, descriptors: Descriptors) -> Client:
    """Make it. Raises UsageError where the environment is to name a proxy and names none that can be used."""
    make = Client if settings.max_age is None else partial(Client, max_age=settings.max_age)
    return make(
        limits=_limits(settings),
        descriptors=descriptors,
        resolver="system" if settings.resolver == "system" else "ares",
        addresses=_addresses(settings.addresses),
        keepalive=_keepalive(settings.keepalive),
        max_uses=settings.max_uses,
        http2=False,  # a check over HTTP/1.1 costs a quarter of one over HTTP/2; an endpoint may ask for it
        proxy=_environments_proxy() if settings.proxy_from_environment else None,
    )


def _limits(settings: ClientSettings) -> Limits:
    limits = {
        "total": settings.max_connections,
        "per_origin": settings.max_connections_per_origin,
        "handshakes": settings.max_handshakes,
    }
    return Limits(**{name: limit for name, limit in limits.items() if limit is not None})


def _addresses(settings: AddressSettings) -> AddressPolicy | None:
    if settings.public_only:
        return AddressPolicy.public(deny=settings.deny)
    return AddressPolicy(allow=settings.allow, deny=settings.deny) if settings.allow or settings.deny else None


def _keepalive(settings: KeepAliveSettings) -> KeepAlive | None:
    if not settings.enabled:
        return None
    given = {name: getattr(settings, name) for name in KeepAlive.__struct_fields__}
    return KeepAlive(**{name: value for name, value in given.items() if value is not None})


def _environments_proxy() -> str:
    for scheme in ("http", "https"):  # each check goes by it: better to fail here than in all of them
        from_environment(Origin(scheme=scheme, host="any.invalid", port=80), os.environ)
    return "environment"
