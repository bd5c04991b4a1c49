"""What ingest stores: each reading once, where its binding says, with the evaluation that is due."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from storage.bindings import Binding, BindingRefused, bind, unassigned
from storage.database import DatabaseUnavailable, connect
from storage.ingest import Heard, IngestStore, Intake, IntakeRefused, QuarantineEntry, Stored
from tests.integration.storage import world
from tests.integration.storage.world import CUFF, NOW, SCALE, gateway, patient, weighing
from wire.reading import ClockQuality, Flag, Kind, Origin, Reading, Values


@pytest.fixture
async def dsn(database: str) -> str:
    await world.build(database)
    return database


@pytest.fixture
def store(dsn: str) -> Iterator[IngestStore]:
    opened = IngestStore(dsn)
    yield opened
    opened.close()


async def give(dsn: str, number: int = 0, **changes: object) -> None:
    """Bind the scale's slot 1 at gateway 0 to a patient, with changes."""
    binding = Binding(
        gateway_id=gateway(0),
        device_id=SCALE,
        user_slot=1,
        patient_id=patient(number),
        valid_from=NOW - timedelta(days=30),
    )
    conn = await connect(dsn, None)
    try:
        await bind(conn, replace(binding, **changes))
    finally:
        await conn.close()


def rows(dsn: str, query: str) -> list[dict[str, object]]:
    with psycopg.connect(dsn, row_factory=dict_row) as conn:
        return conn.execute(query).fetchall()


def intake(*readings: Reading, gateway_id: str = gateway(0)) -> Intake:
    return Intake(readings=[(gateway_id, reading) for reading in readings])


async def test_every_field_survives(dsn: str, store: IngestStore) -> None:
    await give(dsn, device_id=CUFF, user_slot=None)
    reading = Reading(
        reading_id=uuid4(),
        device_id=CUFF,
        kind=Kind.BLOOD_PRESSURE,
        values=Values(
            systolic=131.5, diastolic=80, mean_arterial=97, pulse=66, breathlessness=2, dizziness=0
        ),
        received_at=NOW + timedelta(seconds=1.5),
        measured_at=NOW,
        device_time="2026-03-02T09:00:00",
        clock=ClockQuality.OFFSET,
        flags=[Flag.IRREGULAR_PULSE, Flag.BODY_MOVEMENT],
        origin=Origin.DEVICE_MEMORY,
        characteristic="2A35",
        raw="00ff10",
    )
    assert store.write(intake(reading), NOW) == Stored(assigned=1)
    [row] = rows(dsn, "select * from reading")
    row.pop("stored_at")
    assert row == {
        "patient_id": patient(0),
        "measured_at": NOW,
        "reading_id": reading.reading_id,
        "kind": "blood_pressure",
        "gateway_id": gateway(0),
        "device_id": CUFF,
        "user_slot": None,
        "systolic": 131.5,
        "diastolic": 80.0,
        "mean_arterial": 97.0,
        "pulse": 66.0,
        "heart_rate": None,
        "weight": None,
        "bmi": None,
        "height": None,
        "breathlessness": 2,
        "orthopnoea": None,
        "swelling": None,
        "dizziness": 0,
        "flags": ["irregular_pulse", "body_movement"],
        "origin": "device_memory",
        "clock": "offset",
        "device_time": datetime(2026, 3, 2, 9),  # noqa: DTZ001  the device's own clock has no zone
        "received_at": NOW + timedelta(seconds=1.5),
        "characteristic": "2A35",
        "raw": bytes.fromhex("00ff10"),
        "corrects": None,
        "entered_by": None,
    }


async def test_no_flags_is_an_empty_list(dsn: str, store: IngestStore) -> None:
    await give(dsn)
    store.write(intake(weighing()), NOW)
    assert rows(dsn, "select flags from reading") == [{"flags": []}]


async def test_one_row_however_often_sent(dsn: str, store: IngestStore) -> None:
    """Within a batch, in a later one, by another gateway, with another measured time."""
    await give(dsn)
    await give(dsn, 1, gateway_id=gateway(1))
    reading = weighing()
    later = msgspec.structs.replace(reading, measured_at=NOW + timedelta(hours=1), clock=ClockQuality.OFFSET)
    assert store.write(intake(reading, reading, later), NOW) == Stored(assigned=1)
    assert store.write(intake(reading), NOW) == Stored()
    assert store.write(intake(later), NOW) == Stored()
    assert store.write(intake(reading, gateway_id=gateway(1)), NOW) == Stored()
    assert [row["measured_at"] for row in rows(dsn, "select measured_at from reading")] == [NOW]


async def test_one_row_across_a_rebinding(dsn: str, store: IngestStore) -> None:
    """A reading in the tray, given to a patient, and sent once more, is one row."""
    reading = weighing()
    assert store.write(intake(reading), NOW) == Stored(unassigned=1)
    await give(dsn, 1)
    assert store.write(intake(reading), NOW) == Stored()
    assert [row["patient_id"] for row in rows(dsn, "select patient_id from reading")] == [patient(1)]
    assert rows(dsn, "select from unassigned_reading") == []


@pytest.mark.parametrize(
    ("gateway_number", "device", "slot", "at"),
    [
        (1, SCALE, 1, NOW),
        (0, CUFF, 1, NOW),
        (0, SCALE, 2, NOW),
        (0, SCALE, None, NOW),
        (0, SCALE, 1, NOW - timedelta(days=30, microseconds=1)),
        (0, SCALE, 1, NOW + timedelta(days=1)),
    ],
    ids=["gateway", "device", "slot", "no slot", "before the cut-off", "after the end"],
)
async def test_what_no_binding_names_goes_to_the_tray(
    dsn: str, store: IngestStore, gateway_number: int, device: str, slot: int | None, at: datetime
) -> None:
    await give(dsn, valid_to=NOW + timedelta(days=1))
    reading = weighing(device=device, slot=slot, at=at)
    assert store.write(intake(reading, gateway_id=gateway(gateway_number)), NOW) == Stored(unassigned=1)
    assert rows(dsn, "select from evaluation_due") == []


async def test_resolved_at_measured_time(dsn: str, store: IngestStore) -> None:
    """The first instant belongs to the new binding, the last but one to the old."""
    await give(dsn, 0, valid_to=NOW)
    await give(dsn, 1, valid_from=NOW)
    before, after = weighing(80, at=NOW - timedelta(microseconds=1)), weighing(81, at=NOW)
    assert store.write(intake(before, after), NOW) == Stored(assigned=2)
    found = rows(dsn, "select weight, patient_id from reading order by weight")
    assert [row["patient_id"] for row in found] == [patient(0), patient(1)]


async def test_one_evaluation_per_patient_from_the_earliest_new_reading(dsn: str, store: IngestStore) -> None:
    await give(dsn)
    await give(dsn, 1, user_slot=2)
    known = weighing(70, at=NOW - timedelta(days=9))
    store.write(intake(known), NOW)
    with psycopg.connect(dsn) as conn:
        conn.execute("delete from evaluation_due")
    days = [weighing(80 + n, at=NOW - timedelta(days=n)) for n in range(3)]
    store.write(intake(known, *days, weighing(60, slot=2)), NOW)
    found = rows(dsn, "select patient_id, since from evaluation_due")
    assert {(row["patient_id"], row["since"]) for row in found} == {
        (patient(0), NOW - timedelta(days=2)),
        (patient(1), NOW),
    }
    store.write(intake(*days), NOW)
    assert len(rows(dsn, "select from evaluation_due")) == 2


async def test_two_workers_race_on_the_same_readings(dsn: str) -> None:
    """Both say that they are stored, in opposite order, again and again: no deadlock, one row each."""
    await give(dsn)
    batches = [
        [weighing(60 + n / 10, at=NOW - timedelta(minutes=m, seconds=n)) for n in range(50)]
        for m in range(20)
    ]
    failures: list[BaseException] = []

    def work(backwards: bool) -> None:
        store = IngestStore(dsn)
        try:
            for batch in batches:
                store.write(intake(*(reversed(batch) if backwards else batch)), NOW)
        except BaseException as error:
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=work, args=(way,)) for way in (False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert rows(dsn, "select count(*) as n, count(distinct reading_id) as d from reading") == [
        {"n": 1000, "d": 1000}
    ]


async def test_binding_waits_for_an_open_intake(dsn: str) -> None:
    """A reading that is being stored while its device is bound ends at the patient, not in the tray."""
    open_intake = psycopg.connect(dsn)
    store = IngestStore(dsn)
    store._connection = open_intake
    from storage import columns

    columns.register(open_intake)
    store.write(intake(weighing()), NOW)
    assert open_intake.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    done = threading.Event()

    def bind_now() -> None:
        with psycopg.connect(dsn) as conn:
            conn.execute(
                "select bind_device(%s, %s, 1::smallint, %s, %s, null)",
                [gateway(0), SCALE, patient(0), NOW - timedelta(days=1)],
            )
        done.set()

    thread = threading.Thread(target=bind_now)
    thread.start()
    assert not done.wait(0.2)
    open_intake.commit()
    thread.join(10)
    store.close()
    assert rows(dsn, "select patient_id from reading") == [{"patient_id": patient(0)}]
    assert rows(dsn, "select from unassigned_reading") == []


async def test_intake_waits_for_an_open_binding(dsn: str, store: IngestStore) -> None:
    store.write(
        intake(weighing(79)), NOW
    )  # the statement is prepared now: its plan is older than the binding
    binder = psycopg.connect(dsn)
    binder.execute(
        "select bind_device(%s, %s, 1::smallint, %s, %s, null)",
        [gateway(0), SCALE, patient(0), NOW - timedelta(days=1)],
    )
    outcome: list[Stored] = []
    thread = threading.Thread(target=lambda: outcome.append(store.write(intake(weighing(80)), NOW)))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    binder.commit()
    thread.join(10)
    binder.close()
    assert outcome == [Stored(assigned=1)]
    assert rows(dsn, "select from unassigned_reading") == []


async def test_binding_takes_its_waiting_readings_along(dsn: str, store: IngestStore) -> None:
    early, inside = weighing(70, at=NOW - timedelta(days=40)), weighing(71, at=NOW - timedelta(days=2))
    guest = weighing(90, slot=2)
    store.write(intake(early, inside, weighing(72), guest), NOW)
    await give(dsn)
    assert [row["weight"] for row in rows(dsn, "select weight from reading order by weight")] == [71.0, 72.0]
    assert rows(dsn, "select patient_id, since from evaluation_due") == [
        {"patient_id": patient(0), "since": NOW - timedelta(days=2)}
    ]
    conn = await connect(dsn, "hemkurva_web")
    waiting = await unassigned(conn)
    await conn.close()
    assert {(w.user_slot, w.count, w.first_measured) for w in waiting} == {
        (1, 1, NOW - timedelta(days=40)),
        (2, 1, NOW),
    }


async def test_a_reading_from_the_tray_is_the_same_row(dsn: str, store: IngestStore) -> None:
    """Nothing of a reading is lost on the way through the tray."""
    reading = msgspec.structs.replace(weighing(), flags=[Flag.NO_SENSOR_CONTACT])
    store.write(intake(reading), NOW)
    await give(dsn)
    await give(dsn, 1, user_slot=2)
    twin = msgspec.structs.replace(reading, reading_id=uuid4(), user_slot=2)
    store.write(intake(twin), NOW)
    first, second = rows(dsn, "select * from reading order by user_slot")
    for row in (first, second):
        assert row.pop("stored_at") is not None
        for own in ("patient_id", "reading_id", "user_slot"):
            row.pop(own)
    assert first == second


async def test_a_binding_cannot_overlap(dsn: str) -> None:
    await give(dsn)
    with pytest.raises(BindingRefused, match="end that binding first"):
        await give(dsn, 1)


async def test_a_binding_needs_an_enrolled_gateway(dsn: str) -> None:
    with pytest.raises(BindingRefused, match="enrol the gateway"):
        await give(dsn, gateway_id="gw-9999")


async def test_quarantine_counts_repeats(dsn: str, store: IngestStore) -> None:
    entry = QuarantineEntry("t/1", "not_json", "detail", b"\0\xff")
    other = QuarantineEntry("t/2", "not_json", "detail", b"\0\xff")
    store.write(Intake(quarantine=[entry, other, entry]), NOW)
    store.write(Intake(quarantine=[entry]), NOW)
    found = rows(dsn, "select topic, seen, raw from quarantine order by topic")
    assert found == [
        {"topic": "t/1", "seen": 3, "raw": b"\0\xff"},
        {"topic": "t/2", "seen": 1, "raw": b"\0\xff"},
    ]


async def test_a_will_leaves_what_was_known_of_the_devices(dsn: str, store: IngestStore) -> None:
    store.write(Intake(heard=[Heard(gateway(0), True, '{"online": true, "devices": [1]}')]), NOW)
    later = NOW + timedelta(minutes=1)
    store.write(Intake(heard=[Heard(gateway(0), False, '{"online": false}')]), later)
    found = rows(dsn, "select received_at, online, status from gateway_status")
    assert found == [{"received_at": later, "online": False, "status": {"online": False, "devices": [1]}}]


async def test_refused_content_leaves_nothing_behind(dsn: str, store: IngestStore) -> None:
    await give(dsn)
    bad = Heard(gateway(0), True, '{"version": "\\u0000"}')
    with pytest.raises(IntakeRefused):
        store.write(Intake(readings=[(gateway(0), weighing())], heard=[bad]), NOW)
    assert rows(dsn, "select from reading") == []
    assert store.write(intake(weighing()), NOW) == Stored(assigned=1)


async def test_unreachable_database_is_not_refused_content(tmp_path: object) -> None:
    store = IngestStore(f"host={tmp_path} dbname=none")
    with pytest.raises(DatabaseUnavailable):
        store.gateways(["gw-0000"])


async def test_a_missing_table_is_not_refused_content(empty_database: str) -> None:
    """Ingest that starts before `migrate` waits; it must not throw everything into quarantine."""
    store = IngestStore(empty_database)
    with pytest.raises(DatabaseUnavailable):
        store.write(intake(weighing()), NOW)
    store.close()


async def test_far_away_times_are_stored(dsn: str, store: IngestStore) -> None:
    """received_at is the gateway's word: whatever a datetime can hold is kept."""
    await give(dsn)
    odd = msgspec.structs.replace(weighing(), received_at=datetime(1, 1, 1, tzinfo=UTC))
    assert store.write(intake(odd), NOW) == Stored(assigned=1)
    found = rows(dsn, "select extract(year from received_at)::int as year from reading")
    assert found == [{"year": 1}]
