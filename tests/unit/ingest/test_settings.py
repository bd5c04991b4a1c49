"""Each missing or wrong setting is one sentence that says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest_service.settings import Settings, SettingsError

GIVEN = {"HEMKURVA_DSN": "dbname=x"}


def test_defaults() -> None:
    settings = Settings.from_env(GIVEN)
    assert (settings.mqtt_host, settings.mqtt_port, settings.client_id) == ("localhost", 1883, "ingest-1")
    assert settings.filters == ("hemkurva/v1/+/readings", "hemkurva/v1/+/status")


def test_the_password_file_wins_and_no_secret_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hush\n")
    settings = Settings.from_env(
        GIVEN | {"HEMKURVA_MQTT_PASSWORD_FILE": str(file), "HEMKURVA_MQTT_PASSWORD": "loud"}
    )
    assert settings.mqtt_password == "hush"
    assert "hush" not in repr(settings)
    assert "dbname" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"HEMKURVA_DSN": " "}, "HEMKURVA_DSN is not set; write"),
        ({"HEMKURVA_MQTT_PORT": "0"}, "must be a number from 1 to 65535"),
        ({"HEMKURVA_MQTT_PORT": "²"}, "must be a number from 1 to 65535"),
        ({"HEMKURVA_MQTT_PASSWORD_FILE": "/nowhere"}, "name a text file that can be read"),
        ({"HEMKURVA_MQTT_CA": "/nowhere"}, "must be a readable PEM file"),
        ({"HEMKURVA_MQTT_CERT": "a"}, "set both or neither"),
        ({"HEMKURVA_MQTT_CERT": "a", "HEMKURVA_MQTT_KEY": "b"}, "HEMKURVA_MQTT_CA is not set"),
    ],
)
def test_faults(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Settings.from_env(GIVEN | changes)
