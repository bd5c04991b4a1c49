"""Every missing or wrong setting is one clear sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError

GOOD = {"HEMKURVA_GATEWAY_ID": "gw-0001", "HEMKURVA_MQTT_HOST": "broker.example"}


def test_defaults() -> None:
    settings = Settings.from_env(GOOD)
    assert (settings.mqtt_port, settings.zone, settings.tls) == (1883, "Europe/Stockholm", None)


def test_all_set(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    settings = Settings.from_env(
        GOOD
        | {
            "HEMKURVA_GATEWAY_DATA": str(tmp_path),
            "HEMKURVA_MQTT_PORT": "18830",
            "HEMKURVA_MQTT_PASSWORD_FILE": str(secret),
            "HEMKURVA_ZONE": "Europe/Helsinki",
        }
    )
    assert settings.outbox_path == tmp_path / "outbox.sqlite"
    assert (settings.mqtt_port, settings.mqtt_password, settings.zone) == (18830, "hush", "Europe/Helsinki")
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"HEMKURVA_GATEWAY_ID": ""}, "HEMKURVA_GATEWAY_ID is not set; write this gateway's id"),
        ({"HEMKURVA_GATEWAY_ID": "Köket/#"}, "HEMKURVA_GATEWAY_ID: gateway id"),
        ({"HEMKURVA_MQTT_HOST": " "}, "HEMKURVA_MQTT_HOST is not set; write the broker's host name"),
        ({"HEMKURVA_MQTT_PORT": "mqtt"}, "HEMKURVA_MQTT_PORT is 'mqtt'; it must be a number from 1 to 65535"),
        ({"HEMKURVA_MQTT_PORT": "70000"}, "HEMKURVA_MQTT_PORT is '70000'"),
        ({"HEMKURVA_MQTT_PASSWORD_FILE": "/nowhere/x"}, "HEMKURVA_MQTT_PASSWORD_FILE: .* name a text file"),
        ({"HEMKURVA_MQTT_CA": "/nowhere/ca.pem"}, "HEMKURVA_MQTT_CA names /nowhere/ca.pem, which is no file"),
        ({"HEMKURVA_MQTT_CERT": __file__}, "belong together"),
        ({"HEMKURVA_MQTT_CERT": __file__, "HEMKURVA_MQTT_KEY": __file__}, "HEMKURVA_MQTT_CA is not set"),
        ({"HEMKURVA_MQTT_CA": __file__}, "each must be a readable PEM file"),
        ({"HEMKURVA_ZONE": "Norrland"}, "HEMKURVA_ZONE: 'Norrland' is not a known time zone"),
        ({"HEMKURVA_ZONE": "../etc/passwd"}, "HEMKURVA_ZONE"),
    ],
)
def test_wrong_settings(change: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.from_env(GOOD | change)
