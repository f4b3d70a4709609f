"""What a configuration holds in confidence is on no page, in no answer, no log and no database."""

import subprocess
from pathlib import Path

from tests.support.authority import Authority
from tests.support.command_line import serving
from tests.support.peers import closed_port
from tests.support.samples import write_configuration

SECRET = "hunter2-and-a-half"
PAGES = ("/", "/incidents", "/client", "/metrics", "/openapi.json")
ANSWERS = ("/api/v1/endpoints", "/api/v1/incidents", "/api/v1/client", "/api/v1/schedule")


def endpoints(folder: Path) -> list[dict[str, object]]:
    """One endpoint for each place where there may be a secret; none of them can be reached."""
    cert_file, key_file = Authority(folder).client_files(folder, password=SECRET)
    nobody = f"127.0.0.1:{closed_port()}"
    account = {"username": "me", "password": "${SECRET}"}
    identity = {"client-id": "me", "client-secret": SECRET}
    key = {"certificate-file": cert_file, "private-key-file": key_file, "private-key-password": SECRET}
    clients: dict[str, dict[str, object]] = {
        "proxy": {"proxy-url": f"http://me:{SECRET}@{nobody}"},
        "socks": {"proxy-url": f"socks5://me:${{SECRET}}@{nobody}"},
        "token": {"oauth2": {"token-url": f"http://me:{SECRET}@{nobody}/${{SECRET}}?k=${{SECRET}}"} | identity},
        "basic": {"auth": {"basic": account}},
        "digest": {"auth": {"digest": account}},
        "bearer": {"auth": {"bearer": SECRET}},
        "key": {"tls": key},
    }
    url = f"http://{nobody}/?k=${{SECRET}}"
    return [
        {"name": name, "url": url, "interval": "1s", "headers": {"X-Key": SECRET}, "client": client}
        for name, client in clients.items()
    ]


async def test_no_secret_of_a_configuration_is_ever_told(tmp_path: Path) -> None:
    config = write_configuration(tmp_path, endpoints(tmp_path))
    data = tmp_path / "data"
    async with serving(
        "serve", "--config", config, "--port", 0, "--data", data, env={"SECRET": SECRET}, stderr=subprocess.PIPE
    ) as served:
        listed = await served.eventually(
            "/api/v1/endpoints", lambda page: len(page["items"]) == 7 and all(one["last"] for one in page["items"])
        )
        keys = [one["key"] for one in listed["items"]]
        of_each = [f"{place}/{key}" for key in keys for place in ("/endpoints", "/api/v1/endpoints")]
        histories = [f"/api/v1/endpoints/{key}/results" for key in keys]
        paths = (*PAGES, *ANSWERS, *of_each, *histories)
        told = [(await served.http.get(path)).raise_for_status().text for path in paths]
        async with served.http.stream("GET", "/api/v1/stream") as stream:
            told.append(await anext(aiter(stream.aiter_text())))
        told.append(await served.stop_and_read_errors())

    failures = {one["name"]: (one["last"]["failure"] or {}).get("kind") for one in listed["items"]}
    assert failures["proxy"] == failures["socks"] == "proxy"
    assert failures["token"] == "credentials"
    assert not [text for text in told if SECRET in text]
    assert not [file.name for file in data.iterdir() if SECRET.encode() in file.read_bytes()]
