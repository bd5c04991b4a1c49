"""Settings, the mail and the pace of retries: plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from alerts.notify import senders
from alerts.notify.email import EmailSettings, compose, deliver
from alerts.notify.message import SUBJECT, Message, NotSent
from alerts.outgoing import LONGEST_RETRY, retry_after
from alerts.settings import Settings, SettingsError

DSN = {"HEMKURVA_DSN": "host=x"}
MESSAGE = Message(
    UUID(int=7), "a@b.example", "opened", "https://h.example", datetime(2025, 11, 6, tzinfo=UTC)
)


def test_defaults() -> None:
    settings = Settings.from_env(DSN)
    assert (settings.sweep_seconds, settings.gateway_silent_seconds) == (30, 300)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "HEMKURVA_DSN is not set"),
        (DSN | {"HEMKURVA_SWEEP_SECONDS": "often"}, "HEMKURVA_SWEEP_SECONDS is 'often'"),
        (DSN | {"HEMKURVA_SWEEP_SECONDS": "0"}, "from 0.1 to 86400"),
        (DSN | {"HEMKURVA_GATEWAY_SILENT_SECONDS": "nan"}, "HEMKURVA_GATEWAY_SILENT_SECONDS"),
    ],
)
def test_a_wrong_setting_is_one_sentence(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_env(environ)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HEMKURVA_SMTP_PORT": "0"}, "HEMKURVA_SMTP_PORT"),
        ({"HEMKURVA_SMTP_PORT": "x"}, "HEMKURVA_SMTP_PORT"),
        ({"HEMKURVA_SMTP_FROM": "nobody"}, "HEMKURVA_SMTP_FROM"),
    ],
)
def test_a_wrong_mail_setting_is_one_sentence(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        senders(environ)


def test_a_second_delivery_is_seen_to_be_one() -> None:
    settings = EmailSettings.from_env({"HEMKURVA_SMTP_FROM": "Hemkurva <noreply@region.example>"})
    first, second = compose(settings, MESSAGE), compose(settings, MESSAGE)
    assert first["Message-ID"] == second["Message-ID"] == f"<{UUID(int=7)}@region.example>"
    assert first["Subject"] == SUBJECT["opened"]


def test_without_a_server_it_says_what_to_write() -> None:
    with pytest.raises(NotSent, match="HEMKURVA_SMTP_HOST"):
        deliver(EmailSettings.from_env({}), MESSAGE)


def test_an_address_that_is_none_is_not_sent_and_not_shown() -> None:
    broken = Message(UUID(int=7), "a@b\r\nBcc: x@y", "opened", "https://h.example", MESSAGE.created_at)
    with pytest.raises(NotSent) as error:
        deliver(EmailSettings.from_env({"HEMKURVA_SMTP_HOST": "127.0.0.1"}), broken)
    assert "x@y" not in str(error.value)


def test_retries_back_off_to_five_minutes() -> None:
    waits = [retry_after(attempt) for attempt in range(1, 60)]
    assert waits[:3] == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_RETRY
