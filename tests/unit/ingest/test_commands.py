"""The commands say in one sentence what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", ["ingest", "migrate"])
def test_without_a_database(command: str) -> None:
    argv = [sys.executable, "-m", "hemkurva", command]
    done = subprocess.run(argv, check=False, env={}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("hemkurva: HEMKURVA_DSN is not set; write")
    assert "Traceback" not in done.stderr
