"""The two measurements: a burst until all is stored and evaluated, and a steady load with its latencies."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from tests.bench.house import House, person
from tests.bench.readings import Cohort
from wire.codec import decode, digest
from wire.messages import Receipt

LIMIT = 300.0
"""Seconds after which a measurement has failed."""


@dataclass(frozen=True)
class Burst:
    """`stored` and `evaluated` in seconds from the first byte; `cpu` in seconds by program."""

    readings: int
    stored: float
    evaluated: float
    cpu: dict[str, float]


@dataclass(frozen=True)
class Steady:
    """Latencies in seconds from handing a message to the socket."""

    readings: int
    to_row: list[float]
    to_receipt: list[float]
    to_case: list[float]
    cpu: dict[str, float]


@dataclass
class Watch:
    """Notes when each patient's case can first be seen by another connection."""

    dsn: str
    family: str
    seen: dict[UUID, float] = field(default_factory=dict[UUID, float])
    _stop: bool = False

    def __enter__(self) -> Watch:
        """Begin to listen."""
        self._connection = psycopg.connect(self.dsn, autocommit=True)
        self._connection.execute("listen case_changed")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop = True
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while not self._stop:
            if list(self._connection.notifies(timeout=0.2, stop_after=1)):
                now = time.time()
                query = "select patient_id from alert_case where family = %s and state <> 'closed'"
                for (patient,) in self._connection.execute(query, [self.family]):
                    self.seen.setdefault(patient, now)


def burst(house: House, cohort: Cohort, readings: int, each: int) -> Burst:
    """Publish everything at once. Raises AssertionError if something is missing afterwards."""
    messages = cohort.memory(readings, each)
    readings = len(messages) * each
    with psycopg.connect(house.dsn, autocommit=True) as conn:
        had = _rows(conn)
        used, begun = house.cpu(), time.monotonic()
        for patient, message in messages:
            house.fleet.lines[patient].queue(message)
        receipts: list[bytes] = []
        house.fleet.run(
            lambda: len(receipts) == len(messages), lambda body, _: receipts.append(body), begun + LIMIT
        )
        stored = time.monotonic() - begun
        _wait_evaluated(conn, begun + LIMIT)
        evaluated = time.monotonic() - begun
        assert _rows(conn) - had == readings, "not every reading is stored"
    return Burst(readings, stored, evaluated, _since(used, house.cpu()))


def steady(house: House, cohort: Cohort, rate: int, seconds: float) -> Steady:
    """Publish at a rate, patients in turn; each patient's second reading breaks an urgent limit."""
    fleet, patients = house.fleet, len(house.fleet.lines)
    total = int(rate * seconds)
    sent: dict[str, float] = {}
    receipted: dict[str, float] = {}
    urgent: dict[UUID, float] = {}
    rows: dict[UUID, float] = {}

    def note(body: bytes, now: float) -> None:
        receipt = decode(body, Receipt)
        receipted[receipt.batch] = now
        rows.update(dict.fromkeys(receipt.accepted, sent[receipt.batch]))

    with Watch(house.dsn, "blood_pressure") as watch:
        used, begun = house.cpu(), time.monotonic()
        for number in range(total):
            fleet.run(lambda: False, note, begun + number / rate)
            patient, turn = number % patients, number // patients
            # Spread over the load, so that cases come one by one.
            is_urgent = turn == 1 + patient % max(1, total // patients - 1)
            message = cohort.live(datetime.now(UTC), urgent=is_urgent)
            line = fleet.lines[patient]
            line.queue(message)
            sent[digest(message)] = time.time()
            line.write()
            if is_urgent:
                urgent[person(f"patient {patient}")] = sent[digest(message)]
        deadline = time.monotonic() + 20
        fleet.run(lambda: len(receipted) == total and len(watch.seen) >= len(urgent), note, deadline)
        assert len(receipted) == total, f"{total - len(receipted)} readings without a receipt"
    cpu = _since(used, house.cpu())
    missing = urgent.keys() - watch.seen.keys()
    assert not missing, f"{len(missing)} patients without a case; {_signs_of_life(house.dsn)}"
    return Steady(
        total,
        _to_rows(house.dsn, rows),
        [receipted[name] - sent[name] for name in sent],
        [watch.seen[patient] - moment for patient, moment in urgent.items()],
        cpu,
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not below `share` of all."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _to_rows(dsn: str, sent: dict[UUID, float]) -> list[float]:
    with psycopg.connect(dsn) as conn:
        found = conn.execute(
            "select reading_id, stored_at from reading where reading_id = any(%s)", [list(sent)]
        ).fetchall()
    return [stored_at.timestamp() - sent[reading] for reading, stored_at in found]


def _signs_of_life(dsn: str) -> str:
    """What the services last said of themselves, to see which of them it is."""
    with psycopg.connect(dsn) as conn:
        beats = conn.execute("select service, now() - at, detail::text from service_heartbeat").fetchall()
    return "; ".join(f"{service} {age} ago: {detail}" for service, age, detail in beats)


def _rows(conn: psycopg.Connection[tuple[int]]) -> int:
    row = conn.execute("select count(*) from reading").fetchone()
    assert row is not None
    return row[0]


def _wait_evaluated(conn: psycopg.Connection[tuple[int]], until: float) -> None:
    """Wait for what is due now; a look that is planned for later is not."""
    while conn.execute("select from evaluation_due where created_at <= now() limit 1").fetchone() is not None:
        assert time.monotonic() < until, "not everything was evaluated in time"
        time.sleep(0.01)


def _since(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}
