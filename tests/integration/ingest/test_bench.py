"""`make bench` works; its figures are for people to read."""

from __future__ import annotations

import re
import subprocess
import sys


def test_bench_measures_everything() -> None:
    sizes = ["--patients=3", "--burst=60", "--rate=20", "--seconds=1"]
    argv = [sys.executable, "-m", "tests.bench", *sizes]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"stored and evaluated +\d+ readings/s", done.stdout)) == 2
    assert re.search(r"publish -> case +p50 +[\d.]+ ms +p99 +[\d.]+ ms +max +[\d.]+ ms +n 3", done.stdout)
    for program in ("ingest", "alerts", "postgres", "mosquitto"):
        assert len(re.findall(rf"CPU per reading +[\d.]+ ms +{program}", done.stdout)) == 3
        assert re.search(rf"{program} +[\d.]+ MiB", done.stdout)
