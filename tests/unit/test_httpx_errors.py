"""Which class of the face's each failure becomes."""

from typing import Any

import httpx2
import pytest

from milkrun.client.errors import KINDS, OwnError, RequestError, RequestTimeoutError
from milkrun.client.httpx.errors import face_error, name_of
from milkrun.client.httpx.faces import face_of
from tests.support.httpx_faces import face

__all__ = ["face"]


def caused(error: RequestError, cause: Exception) -> RequestError:
    error.__cause__ = cause
    return error


TABLE: list[tuple[RequestError, str]] = [
    (RequestTimeoutError("self", "", phase="queue"), "PoolTimeout"),
    (RequestTimeoutError("dns", ""), "ConnectTimeout"),
    (RequestTimeoutError("connect", ""), "ConnectTimeout"),
    (RequestTimeoutError("tls", ""), "ConnectTimeout"),
    (caused(OwnError("proxy", "", phase="proxy"), TimeoutError()), "ConnectTimeout"),
    (RequestTimeoutError("send", ""), "WriteTimeout"),
    (RequestTimeoutError("wait", ""), "ReadTimeout"),
    (RequestTimeoutError("receive", ""), "ReadTimeout"),
    (OwnError("descriptors", "", phase="queue"), "ConnectError"),
    (OwnError("descriptors", "", phase="connect"), "ConnectError"),
    (OwnError("ports", "", phase="connect"), "ConnectError"),
    (OwnError("proxy", "", phase="proxy"), "ProxyError"),
    (OwnError("proxy", "", phase="connect"), "ProxyError"),
    (RequestError("dns", "not-found", ""), "ConnectError"),
    (RequestError("connect", "refused", ""), "ConnectError"),
    (RequestError("connect", "denied", ""), "ConnectError"),
    (RequestError("tls", "expired", ""), "ConnectError"),
    (RequestError("tls", "alert", "", phase="send"), "WriteError"),
    (RequestError("tls", "alert", "", phase="wait"), "ReadError"),
    (RequestError("send", "closed", ""), "WriteError"),
    (RequestError("send", "reset", ""), "WriteError"),
    (RequestError("wait", "closed", ""), "RemoteProtocolError"),
    (caused(RequestError("wait", "reset", ""), ConnectionResetError()), "ReadError"),
    (RequestError("wait", "reset", "of a stream"), "RemoteProtocolError"),
    (RequestError("receive", "truncated", ""), "RemoteProtocolError"),
    (RequestError("receive", "closed", ""), "RemoteProtocolError"),
    (caused(RequestError("receive", "reset", ""), ConnectionResetError()), "ReadError"),
    (RequestError("receive", "reset", "of a stream"), "RemoteProtocolError"),
    (RequestError("protocol", "bad-status-line", "", phase="wait"), "RemoteProtocolError"),
    (RequestError("protocol", "bad-framing", "", phase="receive"), "RemoteProtocolError"),
    (RequestError("body", "bad-encoding", "", phase="receive"), "RemoteProtocolError"),
]


@pytest.mark.parametrize(("error", "name"), TABLE, ids=[f"{e.layer}-{e.kind}-{e.phase}-{n}" for e, n in TABLE])
def test_a_failure_becomes_the_class_that_users_of_the_face_expect(error: RequestError, name: str) -> None:
    assert name_of(error) == name


@pytest.mark.parametrize("layer", KINDS)
def test_every_failure_there_is_becomes_a_class_of_both_faces(layer: str, face: Any) -> None:
    request = face.Request("GET", "http://127.0.0.1/")
    phase = {"self": "queue", "protocol": "wait", "body": "receive", "redirect": "receive"}.get(layer)
    for kind in KINDS[layer]:
        ours = RequestError(layer, kind, "why", phase=phase)
        error = face_error(face_of(request), ours, request)
        assert isinstance(error, face.TransportError)
        assert error.request is request
        assert str(error) == f"{layer}/{kind}: why"


def test_a_timeout_in_the_way_to_a_proxy_is_told_from_its_refusal() -> None:
    request = httpx2.Request("GET", "http://127.0.0.1/")
    refusal = face_error(face_of(request), OwnError("proxy", "no", phase="proxy"), request)
    assert isinstance(refusal, httpx2.ProxyError)
