"""Escalation: contact, deputy, unit, again and again, until a person acknowledges."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alerts.escalation import escalate
from storage.evaluation import session
from tests.integration.alerts.world import DEPUTY, NOW, World, build, gain, pressure

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
    assert await pass_on(world, NOW + timedelta(days=3)) == 0
    assert world.notified() == [("opened", "contact@example.org")]


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
