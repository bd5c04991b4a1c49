"""`make bench`: readings per second stored and evaluated, latencies, CPU and memory, on this machine, now."""

from __future__ import annotations

import argparse
import os
import platform
import random
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.controller import Controller

from hemkurva.supervisor import free_port
from tests.bench.house import House, build
from tests.bench.measure import Burst, Steady, burst, quantile, steady
from tests.bench.readings import Cohort


class Sink:
    """Takes every e-mail and forgets it."""

    async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:
        """Accept."""
        return "250 OK"


def main() -> None:
    """Measure and print."""
    options = _options()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hemkurva-bench-")))
        directory.chmod(0o711)
        mail = Controller(Sink(), hostname="127.0.0.1", port=free_port())
        mail.start()
        stack.callback(mail.stop)
        house = build(directory, options.patients, mail.port, stack)
        cohort = Cohort(options.patients, datetime.now(UTC), random.Random(1))
        _print_machine(house, options)
        for each in (1, 10):
            _print_burst(each, burst(house, cohort, options.burst, each))
        _print_steady(steady(house, cohort, options.rate, options.seconds), options)
        _print_memory(house)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--patients", type=int, default=200, help="patients, each with a gateway (200)")
    parser.add_argument("--burst", type=int, default=20000, help="readings of each burst (20000)")
    parser.add_argument("--rate", type=int, default=200, help="readings per second of the steady load (200)")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the steady load (10)")
    return parser.parse_args()


def _print_machine(house: House, options: argparse.Namespace) -> None:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in info if "model name" in line]
    cpu = next(iter(models), platform.machine())
    cores, memory = len(os.sched_getaffinity(0)), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    python, postgres = platform.python_version(), house.postgres_version
    _say(f"machine    {cpu}, {cores} cores, {memory / 2**30:.0f} GiB, Linux {platform.release()}")
    _say(f"software   Python {python}, PostgreSQL {postgres} (fsync on), {house.broker_version}")
    _say(f"load       {os.getloadavg()[0]:.2f} before the start; the publisher shares the cores")
    _say(f"house      {options.patients} patients and gateways, one ingest and one alerts process")
    _say()


def _print_burst(each: int, result: Burst) -> None:
    _say(f"burst of {result.readings} readings, {each} per message")
    for what, seconds in (("receipted", result.stored), ("evaluated", result.evaluated)):
        _say(f"  stored and {what:<11}  {result.readings / seconds:8.0f} readings/s   {seconds:6.2f} s")
    _print_cpu(result.cpu, result.readings)


def _print_steady(result: Steady, options: argparse.Namespace) -> None:
    _say(f"steady {options.rate} readings/s for {options.seconds:g} s, one per message")
    for what, values in (
        ("publish -> row written", result.to_row),
        ("publish -> receipt", result.to_receipt),  # after COMMIT, back at the gateway
        ("publish -> case", result.to_case),
    ):
        p50, p99, most = (quantile(values, share) * 1e3 for share in (0.50, 0.99, 1.0))
        _say(f"  {what:<22}  p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   max {most:6.1f} ms   n {len(values)}")
    _print_cpu(result.cpu, result.readings)


def _print_cpu(cpu: dict[str, float], readings: int) -> None:
    for name, seconds in cpu.items():
        _say(f"  CPU per reading         {seconds / readings * 1e3:8.3f} ms   {name}")
    _say()


def _say(line: str = "") -> None:
    print(line, flush=True)


def _print_memory(house: House) -> None:
    _say("memory (PSS: pages that processes share are divided among them)")
    for name, mebibytes in house.memory().items():
        _say(f"  {name:<22}  {mebibytes:7.1f} MiB")


main()
