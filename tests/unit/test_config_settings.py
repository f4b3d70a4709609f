"""The sections about the process, and the files they come from."""

import base64
from pathlib import Path

import bcrypt
import pytest
from rich.pretty import pretty_repr

from milkrun.alerting.kinds import CHANNELS
from milkrun.config.files import config_files
from milkrun.config.load import load
from milkrun.config.problems import ConfigError, Refused
from milkrun.config.quantities import parse_size
from milkrun.config.settings import (
    AddressSettings,
    ClientSettings,
    KeepAliveSettings,
    Settings,
    StorageSettings,
    WebSettings,
)
from milkrun.probes.kinds import KINDS
from tests.support.configuring import Configured

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4))


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


def test_an_empty_file_gives_the_defaults(configured: Configured) -> None:
    assert configured.load("") == Settings()


def test_every_section_is_read(configured: Configured) -> None:
    settings = configured.load(
        f"""
        storage:
          retention: 24h
          max-size: 1.5GB
          retention-five-minutes: 2d
          retention-hours: 30d
          retention-days: 1y
          retention-incidents: 2y
        web: {{address: 0.0.0.0, port: 8080, allowed-hosts: [status.example]}}
        client:
          max-connections: 100
          max-connections-per-origin: 6
          max-handshakes: 10
          max-age: 1m
          max-uses: 1000
          resolver: system
          addresses: {{allow: [10.0.0.0/8, "2001:db8::/32"], deny: [10.1.2.3]}}
          keepalive: {{idle: 30s, interval: 1m, count: 5, user-timeout: 2500ms}}
          proxy-from-environment: true
        security: {{basic: {{username: admin, password-bcrypt-base64: {base64.b64encode(HASH).decode()}}}}}
        """
    )
    assert settings.storage == StorageSettings(
        retention=86_400.0,
        max_size=1_500_000_000,
        retention_five_minutes=2 * 86_400.0,
        retention_hours=30 * 86_400.0,
        retention_days=365 * 86_400.0,
        retention_incidents=730 * 86_400.0,
    )
    assert settings.client == ClientSettings(
        max_connections=100,
        max_connections_per_origin=6,
        max_handshakes=10,
        max_age=60.0,
        max_uses=1000,
        resolver="system",
        addresses=AddressSettings(allow=("10.0.0.0/8", "2001:db8::/32"), deny=("10.1.2.3/32",)),
        keepalive=KeepAliveSettings(idle=30, interval=60, count=5, user_timeout=2.5),
        proxy_from_environment=True,
    )
    assert settings.web.basic is not None
    assert "$2" not in repr(settings) + pretty_repr(settings)
    assert (settings.web.basic.username, settings.web.basic.password_bcrypt) == ("admin", HASH)
    assert settings.web == WebSettings(
        host="0.0.0.0",  # noqa: S104 - Gatus's default, which its files often spell out
        port=8080,
        allowed_hosts=("status.example",),
        basic=settings.web.basic,
    )


def test_a_hash_may_be_in_either_alphabet_and_without_padding(configured: Configured) -> None:
    encoded = base64.urlsafe_b64encode(HASH).decode().rstrip("=")
    settings = configured.load(f"security: {{basic: {{username: a, password-bcrypt-base64: '{encoded}'}}}}")
    assert settings.web.basic is not None
    assert settings.web.basic.password_bcrypt == HASH


def test_security_without_basic_is_none(configured: Configured) -> None:
    assert configured.load("security: {}").web.basic is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("5GB", 5_000_000_000),
        ("5 gb", 5_000_000_000),
        ("1GiB", 1 << 30),
        ("500M", 500_000_000),
        ("1.5k", 1_500),
        ("12", 12),
        ("12B", 12),
        ("", None),
        ("5XB", None),
        ("-1", None),
        ("1e9", None),
    ],
)
def test_a_size_is_read_as_bytes(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml").replace("_yml", ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def endpoint(name: str) -> str:
    return f"endpoints:\n  - {{name: {name}, url: http://h/{name}}}\n"


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    write(tmp_path, b_yml=endpoint("b"), a_yaml=endpoint("a"), c__d_yaml=endpoint("c"), e_txt="{not read")
    write(tmp_path / "..data", z_yaml=endpoint("a"))
    settings = load([tmp_path], KINDS, CHANNELS, {})
    assert [one.name for one in settings.endpoints] == ["a", "b", "c"]


def test_several_paths_are_one_configuration(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=endpoint("a"), b_yaml="web: {port: 9000}")
    settings = load([tmp_path / "b.yaml", tmp_path / "a.yaml"], KINDS, CHANNELS, {})
    assert (settings.web.port, len(settings.endpoints)) == (9000, 1)


def test_a_key_taken_in_another_file_is_a_collision(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=endpoint("a"), b_yaml=endpoint("A"))
    with pytest.raises(ConfigError, match=r"b\.yaml:2: endpoints\[0\]\.name: expected .* endpoints\[0\] .*a\.yaml:2"):
        load([tmp_path], KINDS, CHANNELS, {})


def test_a_section_stands_in_one_file_only(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="web: {port: 1}", b_yaml="web: {port: 2}")
    with pytest.raises(ConfigError, match=r"b\.yaml:1: web: expected this section in one file only"):
        load([tmp_path], KINDS, CHANNELS, {})


def test_a_folder_without_yaml_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected at least one"):
        load([tmp_path], KINDS, CHANNELS, {})


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)  # root, as which tests may run, is denied nothing
    with pytest.raises(Refused, match="this folder cannot be read: Permission denied"):
        config_files(tmp_path)


def test_a_file_that_is_not_utf_8_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"web: {}\nstorage: {}\n# \xff\n")
    with pytest.raises(ConfigError, match=r"a\.yaml:3: expected UTF-8 text"):
        load([tmp_path / "a.yaml"], KINDS, CHANNELS, {})


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfweb: {port: 9000}\n")
    assert load([tmp_path / "a.yaml"], KINDS, CHANNELS, {}).web.port == 9000


def test_variables_come_from_the_environment_unless_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILKRUN_TEST_PORT", "9001")
    (tmp_path / "a.yaml").write_text("web: {port: $MILKRUN_TEST_PORT}")
    assert load([tmp_path / "a.yaml"], KINDS, CHANNELS).web.port == 9001
