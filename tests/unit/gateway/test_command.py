"""`hemkurva gateway` and the unit that starts it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway import settings
from gateway.outbox import Outbox
from gateway.report import report
from hemkurva.commands.gateway import gateway
from hemkurva.errors import UserError

from .make import NOW, frame, reading, receipt

UNIT = Path(__file__).resolve().parents[3] / "deploy" / "hemkurva-gateway.service"


def test_status_says_what_the_outbox_holds(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / settings.OUTBOX_FILE, now=NOW)
    for number in range(4):
        outbox.put_reading(reading(number))
    outbox.put_frame(frame())
    ids = [reading(number).reading_id for number in range(4)]
    outbox.settle(receipt([ids[0]], quarantined=[ids[1]]), [], now=NOW)
    result = CliRunner().invoke(gateway, ["status", "--data", str(tmp_path)])
    outbox.close()
    assert result.output.splitlines() == [
        "Waiting for the server: 2 readings, 1 raw records",
        "Oldest of them:         2026-11-22T07:30:00.000000+00:00",
        "Last receipt:           2026-11-22T07:30:00.000000+00:00",
        "Confirmed (30 days):    1",
        "Kept aside:             1",
        "  unknown_device: 1",
    ]


def test_status_without_an_outbox_says_where_it_looked(tmp_path: Path) -> None:
    result = CliRunner().invoke(gateway, ["status", "--data", str(tmp_path)])
    assert isinstance(result.exception, UserError)
    assert "there is no outbox at" in str(result.exception)


def test_status_of_a_damaged_outbox_says_so(tmp_path: Path) -> None:
    path = tmp_path / settings.OUTBOX_FILE
    path.write_bytes(b"not a database at all" * 100)
    assert "The outbox cannot be read: file is not a database" in report(path)


def test_run_without_settings_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEMKURVA_GATEWAY_ID", raising=False)
    result = CliRunner().invoke(gateway, ["run"])
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith("HEMKURVA_GATEWAY_ID is not set")


def test_the_gateway_loads_nothing_of_the_server() -> None:
    """Its installation at home has neither bumble nor psycopg nor FastAPI."""
    code = "import sys, hemkurva.commands.gateway, gateway.service; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    roots = {name.partition(".")[0] for name in loaded.split()}
    assert not roots & {"bumble", "psycopg", "fastapi", "pydantic", "storage", "alerts", "clinician_api"}


def test_the_unit_runs_this_command_with_settings_that_exist() -> None:
    text = UNIT.read_text()
    assert re.search(r"^ExecStart=\S+/hemkurva gateway run$", text, re.MULTILINE)
    known = set(re.findall(r"HEMKURVA_[A-Z_]+", Path(settings.__file__).read_text()))
    assert set(re.findall(r"HEMKURVA_[A-Z_]+", text)) <= known
    assert str(settings.DEFAULT_DATA_DIR) in text
