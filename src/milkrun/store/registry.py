"""Endpoints' identities: an id for ever by key, a revision for each meaning."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, insert, select, update

from milkrun.core.endpoint import Endpoint, Registered
from milkrun.store import schema
from milkrun.store.protocol import Known

_columns = schema.endpoint.c
_REVISE = (
    update(schema.endpoint)
    .where(_columns.key == bindparam("of"))
    .values(revision=_columns.revision + 1, fingerprint=bindparam("meaning"))
)


def register(connection: Connection, endpoints: Sequence[Endpoint]) -> list[Registered]:
    """Give each endpoint its id and revision, in the caller's transaction."""
    known = {key: fingerprint for key, (_, _, fingerprint) in _identities(connection).items()}
    new = [endpoint for endpoint in endpoints if endpoint.key not in known]
    revised = [
        endpoint for endpoint in endpoints if known.get(endpoint.key, endpoint.fingerprint) != endpoint.fingerprint
    ]
    if new:
        rows = [{"key": one.key, "revision": 1, "fingerprint": one.fingerprint} for one in new]
        connection.execute(insert(schema.endpoint), rows)
    if revised:
        connection.execute(_REVISE, [{"of": one.key, "meaning": one.fingerprint} for one in revised])
    identities = _identities(connection)
    registered = [_registered(endpoint, identities) for endpoint in endpoints]
    _describe(connection, registered, {endpoint.key for endpoint in (*new, *revised)})
    return registered


def known(connection: Connection) -> list[Known]:
    """Every endpoint there ever was, by key, as its last revision has it."""
    own = schema.revision.c
    statement = (
        select(_columns.id, _columns.key, own.name, own.group, own.target, own.interval)
        .join(schema.revision, and_(own.endpoint == _columns.id, own.revision == _columns.revision))
        .order_by(_columns.key)
    )
    return [Known(**row) for row in connection.execute(statement).mappings()]


def _identities(connection: Connection) -> dict[str, tuple[int, int, str]]:
    rows = connection.execute(select(_columns.key, _columns.id, _columns.revision, _columns.fingerprint))
    return {row.key: (row.id, row.revision, row.fingerprint) for row in rows}


def _registered(endpoint: Endpoint, identities: dict[str, tuple[int, int, str]]) -> Registered:
    identity, revision, _ = identities[endpoint.key]
    return Registered(id=identity, revision=revision, endpoint=endpoint)


def _describe(connection: Connection, registered: Sequence[Registered], keys: set[str]) -> None:
    """Keep what the new revisions were, for the day when their results are history."""
    rows = [_description(one) for one in registered if one.endpoint.key in keys]
    if rows:
        connection.execute(insert(schema.revision), rows)


def _description(registered: Registered) -> dict[str, Any]:
    endpoint = registered.endpoint
    return {
        "endpoint": registered.id,
        "revision": registered.revision,
        "name": endpoint.name,
        "group": endpoint.group,
        "kind": endpoint.kind,
        "target": endpoint.target,
        "interval": endpoint.interval,
        "conditions": msgspec.json.encode([condition.text for condition in endpoint.conditions]).decode(),
        "degraded": msgspec.json.encode([condition.text for condition in endpoint.degraded]).decode(),
    }
