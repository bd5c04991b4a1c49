"""Escalation: contact, deputy, unit, again and again, until a person acknowledges and somebody is reached."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

import alerts.escalation
from alerts.escalation import escalate
from storage.evaluation import session
from tests.integration.alerts.world import (
    ALWAYS,
    DEPUTY,
    NOW,
    UNIT,
    World,
    build,
    gain,
    patient,
    pressure,
)

HALF_HOUR = timedelta(minutes=30)
UNIT_NURSES = ["contact@example.org", "deputy@example.org", "third@example.org"]


async def pass_on(world: World, now: datetime) -> int:
    """One look at the deadlines."""
    async with session(world.dsn) as conn:
        return await escalate(conn, now=now)


async def test_a_red_case_goes_to_the_deputy_then_to_the_unit_and_stays_there(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    assert await pass_on(world, NOW + HALF_HOUR - timedelta(seconds=1)) == 0
    assert await pass_on(world, NOW + HALF_HOUR) == 1
    [case] = world.cases()
    assert (case["owner_kind"], case["owner_staff_id"]) == ("deputy", DEPUTY)
    assert case["deadline"] == NOW + 2 * HALF_HOUR
    assert case["contact_deadline"] == NOW + 4 * HALF_HOUR  # the promise to the patient is not moved
    assert await pass_on(world, NOW + HALF_HOUR) == 0
    await pass_on(world, NOW + 2 * HALF_HOUR)
    [case] = world.cases()
    assert (case["owner_kind"], case["owner_staff_id"]) == ("unit", None)
    await pass_on(world, NOW + 3 * HALF_HOUR)
    assert world.events() == ["opened", "escalated", "escalated", "escalated"]
    assert world.notified() == [
        ("opened", "contact@example.org"),
        ("escalated", "deputy@example.org"),
        *[("escalated", address) for address in UNIT_NURSES],
        *[("escalated", address) for address in UNIT_NURSES],
    ]
    details = [row["detail"] for row in world.rows("select detail from case_event where kind = 'escalated'")]
    assert [(detail["from"], detail["to"]) for detail in details] == [
        ("named_contact", "deputy"),
        ("deputy", "unit"),
        ("unit", "unit"),
    ]


async def test_a_person_stops_it(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    world.acknowledge(NOW + timedelta(minutes=10))
    world.contact(NOW + timedelta(minutes=20))
    assert await pass_on(world, NOW + timedelta(days=4)) == 0
    assert world.notified() == [("opened", "contact@example.org")]


async def test_an_acknowledgement_is_not_a_contact(database: str) -> None:
    """The second promise of a red case: somebody is reached within two hours of staffed time."""
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    world.acknowledge(NOW + timedelta(minutes=10))
    assert await pass_on(world, NOW + 4 * HALF_HOUR - timedelta(seconds=1)) == 0
    assert await pass_on(world, NOW + 4 * HALF_HOUR) == 1
    [case] = world.cases()
    assert (case["state"], case["owner_kind"], case["owner_staff_id"]) == ("acknowledged", "deputy", DEPUTY)
    assert case["contact_deadline"] == NOW + 8 * HALF_HOUR
    [detail] = [row["detail"] for row in world.rows("select detail from case_event where kind = 'escalated'")]
    assert (detail["missing"], detail["passed"]) == ("contact", (NOW + 4 * HALF_HOUR).isoformat())
    assert await pass_on(world, NOW + 4 * HALF_HOUR) == 0
    assert await pass_on(world, NOW + 8 * HALF_HOUR) == 1
    [case] = world.cases()
    assert (case["owner_kind"], case["contact_deadline"]) == ("unit", NOW + 12 * HALF_HOUR)
    assert world.notified() == [
        ("opened", "contact@example.org"),
        ("escalated", "deputy@example.org"),
        *[("escalated", address) for address in UNIT_NURSES],
    ]
    world.contact(NOW + 9 * HALF_HOUR)
    assert await pass_on(world, NOW + timedelta(days=1)) == 0


async def test_an_attempt_that_reached_nobody_is_no_contact(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    world.acknowledge(NOW + timedelta(minutes=10))
    world.contact(NOW + timedelta(minutes=20), reached=False)
    assert await pass_on(world, NOW + 4 * HALF_HOUR) == 1


async def test_who_acknowledges_late_has_half_an_hour_to_call(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    late = NOW + timedelta(hours=3)
    world.acknowledge(late)
    assert await pass_on(world, late + HALF_HOUR - timedelta(seconds=1)) == 0
    assert await pass_on(world, late + HALF_HOUR) == 1


async def test_contact_is_not_asked_for_when_nobody_is_there(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    world.acknowledge(NOW + timedelta(minutes=10))
    assert await pass_on(world, NOW + timedelta(hours=7)) == 0  # 17:00
    assert await pass_on(world, NOW + timedelta(hours=22)) == 1  # 08:00 the next day


async def test_one_case_that_cannot_be_handed_on_stops_nobody_else(database: str) -> None:
    world = await build(database, patients=5)
    for number in range(5):
        world.take_in(pressure(178), number=number)
    await world.evaluate()
    world.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin"
        " if new.patient_id = '" + str(patient(2)) + "' then raise 'refused'; end if; return new; end $$"
    )
    world.execute("create trigger refuse before update on alert_case for each row execute function refuse()")
    assert await pass_on(world, NOW + HALF_HOUR) == 4
    kept = [case["patient_id"] for case in world.cases() if case["owner_kind"] == "named_contact"]
    assert kept == [patient(2)]
    world.execute("drop trigger refuse on alert_case")
    assert await pass_on(world, NOW + HALF_HOUR) == 1


async def test_closed_units_hold_up_nobody(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many cases wait for their unit to open, the one behind them is handed on."""
    monkeypatch.setattr(alerts.escalation, "CASES_A_TRANSACTION", 2)
    world = await build(database, patients=6)
    for number in range(5):
        world.take_in(pressure(178), number=number)
    await world.evaluate()
    evening = NOW + timedelta(hours=9)
    other = "SE2120002627-NATT"
    world.execute(
        "insert into care_unit (care_unit_id, name, principal, phone, zone)"
        " select %s, name, principal, phone, zone from care_unit where care_unit_id = %s",
        *(other, UNIT),
    )
    for day, opens, closes in ALWAYS:
        world.execute("insert into staffed_hours values (%s, %s, %s, %s)", other, day, opens, closes)
    world.execute("update named_contact set care_unit_id = %s where patient_id = %s", other, patient(5))
    world.take_in(pressure(178, evening), number=5, now=evening)
    await world.evaluate(evening)
    assert await pass_on(world, evening + HALF_HOUR) == 1
    assert [case["patient_id"] for case in world.cases() if case["owner_kind"] == "deputy"] == [patient(5)]


async def test_yellow_waits_for_the_next_morning(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))
    await world.evaluate()
    closing = NOW.replace(hour=15)
    assert await pass_on(world, closing + timedelta(minutes=1)) == 0
    assert await pass_on(world, closing + timedelta(hours=16)) == 1  # 08:00 the next day
    [case] = world.cases()
    assert case["deadline"] == closing + timedelta(days=1)


async def test_the_deputy_who_is_away_is_passed_over(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    world.execute("update named_contact set valid_to = %s", NOW + timedelta(minutes=1))
    await pass_on(world, NOW + HALF_HOUR)
    assert [case["owner_kind"] for case in world.cases()] == ["unit"]


@pytest.mark.parametrize("minutes", [30, 61, 600])
async def test_every_open_case_has_an_owner_at_every_time(database: str, minutes: int) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    world.execute("delete from named_contact")
    await pass_on(world, NOW + timedelta(minutes=minutes))
    assert all(case["owner_unit_id"] for case in world.cases())
