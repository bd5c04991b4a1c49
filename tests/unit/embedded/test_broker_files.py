"""What Mosquitto reads, as text."""

from __future__ import annotations

import base64
import hashlib

import pytest

from hemkurva.embedded import broker_files


def test_the_password_line_is_mosquittos_format_7() -> None:
    salt = bytes(range(12))
    name, _, rest = broker_files.password_line("gw-1", "secret", salt).partition(":")
    _, kind, iterations, encoded_salt, key = rest.split("$")
    assert (name, kind) == ("gw-1", "7")
    assert base64.b64decode(encoded_salt) == salt
    expected = hashlib.pbkdf2_hmac("sha512", b"secret", salt, int(iterations))
    assert base64.b64decode(key) == expected


def test_a_salt_that_old_mosquitto_refuses_is_refused_here() -> None:
    with pytest.raises(ValueError, match="12 bytes"):
        broker_files.password_line("gw-1", "secret", b"short")


def test_the_access_list_names_only_what_is_allowed() -> None:
    lines = broker_files.access_list(["ingest"]).splitlines()
    assert lines == [
        "pattern write hemkurva/v1/%u/readings",
        "pattern write hemkurva/v1/%u/status",
        "pattern read hemkurva/v1/%u/receipts",
        "pattern read hemkurva/v1/%u/config",
        "",
        "user ingest",
        "topic read hemkurva/v1/+/readings",
        "topic read hemkurva/v1/+/status",
        "topic write hemkurva/v1/+/receipts",
        "topic write hemkurva/v1/+/config",
    ]


@pytest.mark.parametrize(
    "name", ["ingest", "ingest-2", "probe", "+", "#", "gw/1", "gw\nuser x", "gw:1", "GW-1", "ab", ""]
)
def test_a_gateway_cannot_have_a_name_that_opens_more_than_its_own_branch(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a gateway id"):
        broker_files.check_gateway_name(name)


@pytest.mark.parametrize("name", ["gw-1", "ingester", "ingest\nuser x", "Ingest"])
def test_a_server_account_is_recognisable_by_its_name(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a server's account"):
        broker_files.check_server_name(name)


def test_the_template_needs_nothing_but_these_settings() -> None:
    template = broker_files.TEMPLATE.read_text()
    text = broker_files.render_config(
        template, {"listener": "1883", "directory": "/mosquitto/data", "log": "stdout"}
    )
    assert "listener 1883\n" in text
    assert "$" not in text
    assert "allow_anonymous false" in text


def test_a_broker_that_somebody_else_starts_gets_all_its_files() -> None:
    settings = {"listener": "1883", "directory": "/mosquitto/config", "log": "stdout"}
    found = broker_files.files({"ingest": "a", "gw-1": "b"}, settings, salt=lambda: bytes(12))
    assert "acl_file /mosquitto/config/access\n" in found["mosquitto.conf"]
    assert [line.partition(":")[0] for line in found["passwords"].splitlines()] == ["ingest", "gw-1"]
    assert found["access"].count("user ") == 1


def test_no_account_gets_in_under_a_bad_name() -> None:
    with pytest.raises(ValueError, match="cannot be a gateway id"):
        broker_files.files(
            {"+": "a"}, {"listener": "1", "directory": "/x", "log": "stdout"}, lambda: bytes(12)
        )
