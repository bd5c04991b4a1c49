"""Silence: the task it becomes, its cause, and its end, on a real PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.evaluate import Plans
from alerts.sweep import ALWAYS, Hearing, Patience, sweep
from storage.evaluation import session
from tests.integration.alerts.world import (
    NOW,
    UNIT,
    World,
    build,
    gateway,
    patient,
    pressure,
    reading,
    weight,
)
from wire.reading import Kind

SILENT_AFTER = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
PATIENCE = Patience(gateway_silent_after=SILENT_AFTER)


async def look(
    world: World, now: datetime = NOW, hearing: Hearing = ALWAYS, patience: Patience = PATIENCE
) -> Hearing:
    """One sweep."""
    async with session(world.dsn) as conn:
        return await sweep(conn, Plans(), hearing, now=now, patience=patience)


async def measured(world: World, days_ago: float) -> None:
    """The patient has measured everything, some days ago."""
    at = NOW - timedelta(days=days_ago)
    world.take_in(weight(80.0, at), pressure(120, at))


async def test_three_days_without_a_measurement_are_one_grey_task(database: str) -> None:
    world = await build(database)
    await measured(world, 3.01)
    for hours in (0, 1, 25):
        await look(world, NOW + timedelta(hours=hours))
    [case] = world.cases()
    assert (case["family"], case["level"], case["owner_kind"]) == ("missing", "grey", "named_contact")
    assert case["deadline"] == datetime.fromisoformat("2025-11-10T15:00:00Z")
    findings = world.rows("select rule, text_sv from finding order by rule")
    assert [(row["rule"], row["text_sv"]) for row in findings] == [
        ("missing_blood_pressure", "Inget blodtryck på 4 dagar."),
        ("missing_weight", "Ingen vikt på 4 dagar."),
    ]
    assert world.events() == ["opened", "joined"]  # that it lasts is no news
    assert world.notified() == []


async def test_less_than_three_days_are_not(database: str) -> None:
    world = await build(database)
    await measured(world, 2.99)
    await look(world)
    assert world.cases() == []


async def test_it_ends_when_everything_is_measured_again_and_not_before(database: str) -> None:
    world = await build(database)
    await measured(world, 4)
    await look(world)
    world.take_in(weight(80.0, NOW + MINUTE))
    await look(world, NOW + 2 * MINUTE)
    assert [case["state"] for case in world.cases()] == ["open"]
    world.take_in(pressure(120, NOW + 3 * MINUTE))
    await look(world, NOW + 4 * MINUTE)
    [case] = world.cases()
    assert (case["state"], case["cause"], case["acknowledged_by"]) == ("closed", "resolved", None)
    assert world.events()[-1] == "resolved"
    await look(world, NOW + timedelta(days=5))
    assert [case["state"] for case in world.cases()] == ["closed", "open"]  # a new silence, a new task


async def test_a_task_that_a_person_closed_does_not_come_back_for_the_same_silence(database: str) -> None:
    world = await build(database)
    await measured(world, 4)
    await look(world)
    world.acknowledge()
    world.close()
    await look(world, NOW + timedelta(days=1))
    assert [case["state"] for case in world.cases()] == ["closed"]


async def test_a_silent_gateway_is_the_cause(database: str) -> None:
    world = await build(database)
    await measured(world, 4)
    world.hear(NOW - timedelta(days=4))
    await look(world)
    assert {case["family"] for case in world.cases()} == {"missing", "gateway_silent"}
    texts = [
        row["text_sv"] for row in world.rows("select text_sv from finding where rule = 'missing_weight'")
    ]
    assert texts == ["Ingen vikt på 4 dagar. Porten hörs inte sedan 2 nov 10:00."]
    world.hear(NOW)
    await look(world, NOW + MINUTE)
    texts = [
        row["text_sv"] for row in world.rows("select text_sv from finding where rule = 'missing_weight'")
    ]
    assert texts == ["Ingen vikt på 4 dagar."]


async def test_a_silent_gateway_is_one_technical_task_of_its_unit(database: str) -> None:
    world = await build(database, patients=2)
    for number in (0, 1):
        world.take_in(weight(80.0), pressure(120), number=number)
        world.hear(NOW, number)
    for seconds in (300, 301, 400):
        world.hear(NOW + timedelta(seconds=seconds), 1)
        await look(world, NOW + timedelta(seconds=seconds))
    [case] = world.cases()
    assert (case["family"], case["level"], case["gateway_id"], case["patient_id"]) == (
        "gateway_silent",
        "grey",
        gateway(0),
        None,
    )
    assert (case["owner_kind"], case["owner_unit_id"]) == ("unit", UNIT)
    world.hear(NOW + timedelta(seconds=410))
    await look(world, NOW + timedelta(seconds=411))
    assert [(case["state"], case["cause"]) for case in world.cases()] == [("closed", "resolved")]
    assert world.events() == ["opened", "resolved"]


async def test_a_gateway_that_was_never_heard_is_missed_once_a_device_is_bound_to_it(database: str) -> None:
    world = await build(database, patients=2, heard=None, started=NOW)
    world.execute("delete from device_binding where gateway_id = %s", gateway(1))
    await look(world, NOW + SILENT_AFTER)
    assert world.cases() == []
    for minutes in (6, 7):
        await look(world, NOW + minutes * MINUTE)
    [case] = world.cases()
    assert (case["family"], case["gateway_id"]) == ("gateway_silent", gateway(0))
    assert [row["text_sv"] for row in world.rows("select text_sv from finding")] == [
        "Porten har aldrig hörts."
    ]
    world.hear(NOW + 8 * MINUTE)
    await look(world, NOW + 9 * MINUTE)
    assert [(case["state"], case["cause"]) for case in world.cases()] == [("closed", "resolved")]


async def test_a_service_that_has_just_started_waits_for_gateways_it_never_heard(database: str) -> None:
    world = await build(database, heard=None)
    await measured(world, 0)
    patience = Patience(gateway_silent_after=SILENT_AFTER, started=NOW)
    await look(world, NOW + SILENT_AFTER, patience=patience)
    assert world.cases() == []
    await look(world, NOW + SILENT_AFTER + MINUTE, patience=patience)
    assert [case["family"] for case in world.cases()] == ["gateway_silent"]


async def test_a_strap_that_sends_all_day_does_not_hide_what_is_missing(database: str) -> None:
    world = await build(database)
    await measured(world, 4)
    world.take_in(reading(Kind.HEART_RATE, NOW, heart_rate=70))
    world.execute("update reading set stored_at = measured_at + interval '10 seconds'")
    patience = Patience(gateway_silent_after=SILENT_AFTER, settle=2 * MINUTE)
    await look(world, NOW + MINUTE, patience=patience)
    assert [case["family"] for case in world.cases()] == ["missing"]


async def test_a_revoked_gateway_is_not_missed(database: str) -> None:
    world = await build(database)
    world.take_in(weight(80.0), pressure(120))
    world.hear(NOW - timedelta(hours=1))
    world.execute("update gateway set revoked_at = %s", NOW)
    await look(world)
    assert world.cases() == []


async def test_while_ingest_hears_nothing_no_gateway_is_to_blame(database: str) -> None:
    world = await build(database)
    world.take_in(weight(80.0), pressure(120))
    world.hear(NOW - timedelta(minutes=20))
    await world.ingest_beats(NOW - timedelta(minutes=20))
    hearing = await look(world)
    assert hearing.since is None
    await world.ingest_beats(NOW, broker=False)
    assert (await look(world, NOW, hearing)).since is None
    await world.ingest_beats(NOW)
    hearing = await look(world, NOW, hearing)
    assert hearing.since == NOW
    for minutes in (3, 5):
        await world.ingest_beats(NOW + minutes * MINUTE)
        hearing = await look(world, NOW + minutes * MINUTE, hearing)
        assert world.cases() == []
    await world.ingest_beats(NOW + 6 * MINUTE)
    await look(world, NOW + 6 * MINUTE, hearing)
    assert [case["family"] for case in world.cases()] == ["gateway_silent"]


async def test_a_case_of_silence_stays_while_nobody_listens(database: str) -> None:
    world = await build(database)
    world.take_in(weight(80.0), pressure(120))
    world.hear(NOW - timedelta(minutes=20))
    await look(world)
    await world.ingest_beats(NOW + MINUTE)
    await look(world, NOW + MINUTE, Hearing(NOW))
    assert [case["state"] for case in world.cases()] == ["open"]


async def test_silence_is_noticed_among_many(database: str) -> None:
    world = await build(database, patients=12)
    for number in range(12):
        days = 4 if number == 7 else 0
        world.take_in(
            weight(80.0, NOW - timedelta(days=days)),
            pressure(120, NOW - timedelta(days=days)),
            number=number,
        )
    await look(world)
    assert [case["patient_id"] for case in world.cases()] == [patient(7)]


async def test_just_after_a_start_nothing_counts_as_missing_yet(database: str) -> None:
    """A service that was away lets the backlog come first."""
    world = await build(database)
    await measured(world, 4)
    patience = Patience(gateway_silent_after=SILENT_AFTER, settle=2 * MINUTE, started=NOW)
    await look(world, NOW + MINUTE, patience=patience)
    assert world.cases() == []
    await look(world, NOW + 2 * MINUTE, patience=patience)
    assert [case["family"] for case in world.cases()] == ["missing"]


async def test_readings_that_wait_at_home_are_on_their_way(database: str) -> None:
    world = await build(database)
    await measured(world, 4)
    world.hear(NOW, status={"outbox": 12})
    await look(world, NOW + MINUTE)
    assert world.cases() == []
    world.hear(NOW + MINUTE, status={"outbox": 0})
    await look(world, NOW + 2 * MINUTE)
    assert [case["family"] for case in world.cases()] == ["missing"]


async def test_a_backlog_that_drains_opens_no_case_between_two_readings(database: str) -> None:
    """The newest reading of the moment is old, but it was stored just now: the next ones follow."""
    world = await build(database)
    await measured(world, 10)
    stored = NOW  # not the machine's clock: a year from now these would be too old to look at
    world.execute("update reading set stored_at = %s", stored)
    patience = Patience(gateway_silent_after=SILENT_AFTER, settle=MINUTE)
    await look(world, stored + timedelta(seconds=30), patience=patience)
    assert world.cases() == []
    await look(world, stored + 2 * MINUTE, patience=patience)
    assert [case["family"] for case in world.cases()] == ["missing"]
