"""Readings in, cases and notifications out, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import psycopg
import pytest

from alerts.evaluate import Plans, RoundFailed, evaluate_once
from alerts.rules.templates import hypertension
from storage.database import DatabaseUnavailable, connect
from storage.evaluation import session
from storage.registry import sign_plan
from tests.integration.alerts.world import (
    CONTACT,
    NOW,
    UNIT,
    build,
    gain,
    patient,
    pressure,
    symptoms,
    weight,
)

MINUTE = timedelta(minutes=1)


async def test_a_gain_over_the_limit_reaches_the_named_contact(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))
    await world.evaluate()
    [case] = world.cases()
    assert (case["family"], case["level"], case["state"]) == ("weight", "yellow", "open")
    assert (case["owner_kind"], case["owner_staff_id"], case["owner_unit_id"]) == (
        "named_contact",
        CONTACT,
        UNIT,
    )
    assert case["deadline"] == NOW.replace(hour=15)  # 16:00 in Stockholm, the same working day
    [finding] = world.rows("select * from finding")
    assert finding["text_sv"].startswith("Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0).")
    assert finding["measured_at"] == NOW
    assert world.events() == ["opened"]
    assert world.notified() == [("opened", "contact@example.org")]
    assert world.rows("select 1 from evaluation_due") == []


async def test_a_gain_at_the_limit_reaches_nobody(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.0))
    assert await world.evaluate() == 1
    assert world.cases() == []
    assert world.rows("select 1 from evaluation_due") == []


async def test_the_same_again_changes_nothing(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))
    await world.evaluate()
    world.take_in(weight(80.1, NOW + MINUTE))
    await world.evaluate(NOW + MINUTE)
    assert world.events() == ["opened"]
    assert len(world.notified()) == 1


async def test_the_next_days_gain_joins_quietly(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4), weight(80.1, NOW - timedelta(days=2)))
    await world.evaluate()
    world.take_in(weight(82.6, NOW + timedelta(days=1)))
    await world.evaluate(NOW + timedelta(days=1))
    assert len(world.cases()) == 1
    assert world.events() == ["opened", "joined"]
    assert len(world.notified()) == 1


async def test_breathlessness_makes_it_red_and_wants_a_new_acknowledgement(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))
    await world.evaluate()
    world.acknowledge()
    world.take_in(symptoms(NOW + MINUTE, breathlessness=2))
    later = NOW + 2 * MINUTE
    await world.evaluate(later)
    [case] = world.cases()
    assert (case["level"], case["state"], case["acknowledged_by"]) == ("red", "open", None)
    assert case["deadline"] == later + 30 * MINUTE
    assert case["contact_deadline"] == later + 120 * MINUTE
    assert world.events() == ["opened", "acknowledged", "joined"]
    assert world.notified() == [("opened", "contact@example.org"), ("worsened", "contact@example.org")]


async def test_a_red_finding_of_the_next_day_is_a_new_episode(database: str) -> None:
    """What has been acknowledged is yesterday's: today's danger is told anew, and needs a new contact."""
    world = await build(database)
    world.take_in(pressure(185))
    await world.evaluate()
    world.acknowledge()
    later = NOW + timedelta(hours=23)
    world.take_in(pressure(221, later))
    await world.evaluate(later)
    [case] = world.cases()
    assert (case["level"], case["state"], case["acknowledged_by"]) == ("red", "open", None)
    assert (case["deadline"], case["contact_deadline"]) == (later + 30 * MINUTE, later + 120 * MINUTE)
    assert world.events() == ["opened", "acknowledged", "joined"]
    assert world.notified() == [("opened", "contact@example.org"), ("worsened", "contact@example.org")]
    await world.evaluate(later + MINUTE)
    world.acknowledge(later + MINUTE)
    world.take_in(pressure(120, later + 40 * MINUTE))
    await world.evaluate(later + 40 * MINUTE)
    assert [case["state"] for case in world.cases()] == ["acknowledged"]  # told once


@pytest.mark.parametrize(
    ("acknowledged", "measured", "state"),
    [
        ("2025-11-06T09:10Z", "2025-11-06T18:00Z", "acknowledged"),  # the same evening
        ("2025-11-06T20:00Z", "2025-11-06T22:30Z", "acknowledged"),  # until midnight in Stockholm
        ("2025-11-06T20:00Z", "2025-11-06T23:30Z", "open"),
        ("2025-11-06T10:00Z", "2025-11-06T22:00Z", "acknowledged"),
        ("2025-11-06T10:00Z", "2025-11-06T22:01Z", "open"),
    ],
)
async def test_where_a_new_episode_begins(
    database: str, acknowledged: str, measured: str, state: str
) -> None:
    world = await build(database)
    world.take_in(pressure(185))
    await world.evaluate()
    world.acknowledge(datetime.fromisoformat(acknowledged))
    at = datetime.fromisoformat(measured)
    world.take_in(pressure(190, at), now=at)
    await world.evaluate(at)
    assert [case["state"] for case in world.cases()] == [state]


async def test_a_red_reading_from_before_the_acknowledgement_joins_quietly(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(185))
    await world.evaluate()
    world.acknowledge(NOW + 10 * MINUTE)
    world.take_in(pressure(190, NOW - timedelta(days=1)))
    await world.evaluate(NOW + timedelta(days=1))
    assert [case["state"] for case in world.cases()] == ["acknowledged"]
    assert world.events() == ["opened", "acknowledged", "joined"]
    assert len(world.notified()) == 1


async def test_a_normal_repeat_calms_the_case_and_removes_nothing(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    [before] = world.cases()
    assert (before["family"], before["level"]) == ("blood_pressure", "red")
    world.take_in(pressure(132, NOW + 6 * MINUTE))
    await world.evaluate(NOW + 6 * MINUTE)
    [after] = world.cases()
    assert (after["level"], after["state"], after["deadline"]) == ("yellow", "open", before["deadline"])
    [finding] = world.rows("select * from finding")
    assert finding["confirmed"] is False
    assert "Upprepad mätning normal" in finding["text_sv"]
    assert world.events() == ["opened", "joined"]
    assert len(world.notified()) == 1


async def test_a_repeat_that_agrees_confirms(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178))
    await world.evaluate()
    assert [row["confirmed"] for row in world.rows("select confirmed from finding")] == [False]
    world.take_in(pressure(176, NOW + 6 * MINUTE))
    await world.evaluate(NOW + 6 * MINUTE)
    assert [row["confirmed"] for row in world.rows("select confirmed from finding")] == [True]
    assert world.events() == ["opened", "joined"]


async def test_pressure_and_pulse_are_two_families(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(178, pulse=130))
    await world.evaluate()
    assert [case["family"] for case in world.cases()] == ["blood_pressure", "pulse"]


async def test_a_burst_of_history_calls_nobody(database: str) -> None:
    world = await build(database)
    days = [NOW - timedelta(days=number) for number in range(4, 90)]
    world.take_in(*(weight(80 + 3 * (number % 2), day) for number, day in enumerate(days)))
    world.take_in(*(pressure(200, day) for day in days))
    await world.evaluate()
    assert world.cases() == []


async def test_an_evaluator_that_was_away_for_days_passes_over_nothing(database: str) -> None:
    """72 hours count from when a reading came, not from when somebody got round to it."""
    world = await build(database, patients=2)
    world.take_in(pressure(190))
    world.take_in(pressure(190, NOW - timedelta(hours=73)), number=1)
    world.execute("update evaluation_due set created_at = %s", NOW + MINUTE)
    later = NOW + timedelta(hours=100)
    await world.evaluate(later)
    [case] = world.cases()
    assert (case["patient_id"], case["family"], case["opened_at"]) == (patient(0), "blood_pressure", later)


async def test_history_that_comes_with_a_waiting_reading_stays_history(database: str) -> None:
    world = await build(database)
    world.take_in(pressure(120))
    world.execute("update evaluation_due set created_at = %s", NOW)
    later = NOW + timedelta(hours=100)
    world.take_in(*(weight(80 + 3 * (day % 2), NOW - timedelta(days=day)) for day in range(4, 60)), now=later)
    await world.evaluate(later)
    assert world.cases() == []


async def test_a_plan_signed_after_the_readings_is_held_against_them(database: str) -> None:
    world = await build(database)
    [plan] = world.rows("select * from plan")
    world.execute("delete from plan")
    world.take_in(pressure(190), pressure(190, NOW - timedelta(hours=80)))
    await world.evaluate()
    assert world.cases() == []
    signed = NOW + timedelta(hours=1)
    async with await connect(database, None) as conn:
        await sign_plan(conn, patient_id=patient(), document=plan["document"], signed_by=CONTACT, at=signed)
    await world.evaluate(signed + MINUTE)
    assert [case["family"] for case in world.cases()] == ["blood_pressure"]
    assert [row["measured_at"] for row in world.rows("select measured_at from finding")] == [NOW]


async def test_what_a_person_has_closed_stays_closed_until_it_worsens(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))
    await world.evaluate()
    world.acknowledge()
    world.close()
    world.take_in(pressure(120, NOW + MINUTE))
    await world.evaluate(NOW + MINUTE)
    assert [case["state"] for case in world.cases()] == ["closed"]
    world.take_in(symptoms(NOW + 2 * MINUTE, orthopnoea=2))
    await world.evaluate(NOW + 2 * MINUTE)
    assert [(case["level"], case["state"]) for case in world.cases()] == [
        ("yellow", "closed"),
        ("red", "open"),
    ]


async def test_two_workers_at_once_open_one_case_each(database: str) -> None:
    patients = 30
    world = await build(database, patients=patients)
    for number in range(patients):
        world.take_in(*gain(2.4), number=number)
        world.take_in(pressure(178), number=number)  # a second due row

    async def work() -> None:
        async with session(database) as conn:
            while await evaluate_once(conn, Plans(), lambda: NOW, patients=7):
                pass

    for _ in range(3):  # the second and third time, everything is due again
        await asyncio.gather(work(), work(), work())
        while await world.evaluate():
            pass
        world.execute("insert into evaluation_due (patient_id, since) select patient_id, now() from patient")
    cases = world.cases()
    assert len(cases) == 2 * patients
    assert len({(case["patient_id"], case["family"]) for case in cases}) == 2 * patients
    assert world.events() == ["opened"] * 2 * patients
    assert len(world.notified()) == 2 * patients


async def test_a_crash_in_the_middle_of_a_round_loses_nothing(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))

    def die() -> datetime:  # called between claim and findings
        world.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'hemkurva_alerts' and datname = current_database()"
        )
        return NOW

    with pytest.raises(DatabaseUnavailable):
        async with session(database) as conn:
            await evaluate_once(conn, Plans(), die)
    assert world.cases() == []
    assert len(world.rows("select 1 from evaluation_due")) == 1
    await world.evaluate()
    assert len(world.cases()) == 1
    assert len(world.notified()) == 1


async def test_an_unreadable_plan_is_a_case_and_stops_nobody_else(database: str) -> None:
    world = await build(database, patients=2)
    world.execute('update plan set document = \'{"conditions": "?"}\' where patient_id = %s', patient(0))
    for number in (0, 1):
        world.take_in(*gain(2.4), number=number)
    await world.evaluate()
    assert [(case["patient_id"], case["family"]) for case in world.cases()] == [
        (patient(0), "technical"),
        (patient(1), "weight"),
    ]
    await world.evaluate()
    world.take_in(weight(80.0, NOW + MINUTE))
    await world.evaluate(NOW + MINUTE)
    assert len(world.cases()) == 2


async def test_a_patient_without_a_plan_is_not_evaluated_and_not_due_for_ever(database: str) -> None:
    world = await build(database)
    world.execute("delete from plan")
    world.take_in(*gain(9.0))
    await world.evaluate()
    assert world.cases() == []
    assert world.rows("select 1 from evaluation_due") == []


async def test_a_new_version_of_the_plan_counts_at_once(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(1.8))
    async with session(database) as conn:
        plans = Plans()
        await evaluate_once(conn, plans, lambda: NOW)
        assert world.cases() == []
        world.execute(
            "insert into plan (patient_id, version, document, signed_by, signed_at)"
            " select patient_id, 2, jsonb_set(document, '{rules,0,kg}', '1.5'), signed_by, signed_at"
            " from plan"
        )
        world.take_in(weight(81.8, NOW + MINUTE))
        await evaluate_once(conn, plans, lambda: NOW + MINUTE)
    assert [case["family"] for case in world.cases()] == ["weight"]


async def test_nobody_named_then_the_unit_owns_it(database: str) -> None:
    world = await build(database)
    world.execute("update named_contact set valid_to = %s", NOW - timedelta(days=1))
    world.take_in(*gain(2.4))
    await world.evaluate()
    [case] = world.cases()
    assert (case["owner_kind"], case["owner_staff_id"], case["owner_unit_id"]) == ("unit", None, UNIT)
    assert {address for _, address in world.notified()} == {
        "contact@example.org",
        "deputy@example.org",
        "third@example.org",
    }


async def test_without_any_appointment_there_is_an_owner_all_the_same(database: str) -> None:
    world = await build(database)
    world.execute("delete from named_contact")
    world.execute("update care_unit set email = 'unit@example.org'")
    world.take_in(*gain(2.4))
    await world.evaluate()
    assert [case["owner_unit_id"] for case in world.cases()] == [UNIT]
    assert world.notified() == [("opened", "unit@example.org")]


async def test_off_hours_the_deadline_is_in_staffed_time(database: str) -> None:
    world = await build(database)
    friday_evening = datetime.fromisoformat("2025-11-07T19:00:00Z")
    world.take_in(pressure(178, friday_evening))
    await world.evaluate(friday_evening)
    [case] = world.cases()
    assert case["deadline"] == datetime.fromisoformat("2025-11-10T07:30:00Z")
    assert case["contact_deadline"] == datetime.fromisoformat("2025-11-10T09:00:00Z")


async def test_a_high_pressure_that_nobody_repeats_is_looked_at_again(database: str) -> None:
    world = await build(database, plan=hypertension())
    soon = datetime.now(NOW.tzinfo)  # the queue's own clock decides when a row is due
    world.take_in(pressure(185, soon), now=soon)
    await world.evaluate(soon)
    await world.evaluate(soon)
    assert world.cases() == []
    [due] = world.rows("select * from evaluation_due")
    assert due["created_at"] == soon + 30 * MINUTE
    world.execute("update evaluation_due set created_at = now()")
    await world.evaluate(soon + 30 * MINUTE)
    assert [(case["family"], case["level"]) for case in world.cases()] == [("blood_pressure", "yellow")]


async def test_a_round_that_the_database_refuses_is_undone_and_names_its_patients(database: str) -> None:
    world = await build(database, patients=2)
    world.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin"
        " if new.patient_id = '" + str(patient(0)) + "' then raise 'refused'; end if; return new; end $$"
    )
    world.execute("create trigger refuse before insert on alert_case for each row execute function refuse()")
    for number in (0, 1):
        world.take_in(*gain(2.4), number=number)
    async with session(database) as conn:
        with pytest.raises(RoundFailed) as error:
            await evaluate_once(conn, Plans(), lambda: NOW)
        assert set(error.value.patient_ids) == {patient(0), patient(1)}
        assert world.cases() == []
        await evaluate_once(conn, Plans(), lambda: NOW, passing_over=[patient(0)])
    assert [case["patient_id"] for case in world.cases()] == [patient(1)]
    assert len(world.rows("select 1 from evaluation_due")) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "update alert_case set state = 'acknowledged'",
        "update alert_case set state = 'acknowledged', acknowledged_at = now()",
        "update alert_case set state = 'closed', closed_at = now()",
        "update alert_case set state = 'closed', closed_at = now(), cause = 'resolved'",
        "insert into case_event (case_id, at, kind) select case_id, now(), 'acknowledged' from alert_case",
        "insert into case_event (case_id, at, kind) select case_id, now(), 'closed' from alert_case",
    ],
)
async def test_no_acknowledgement_and_no_end_without_a_person(database: str, statement: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))
    await world.evaluate()
    with pytest.raises(psycopg.errors.CheckViolation):
        world.execute(statement, role="hemkurva_alerts")


@pytest.mark.parametrize("cause", [None, "other"])
async def test_silence_does_not_end_without_its_cause(database: str, cause: str | None) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))
    await world.evaluate()
    world.execute("update alert_case set family = 'missing', level = 'grey'")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.execute("update alert_case set state = 'closed', closed_at = now(), cause = %s", cause)
    world.execute("update alert_case set state = 'closed', closed_at = now(), cause = 'resolved'")


async def test_an_earlier_reading_that_comes_late_is_judged_at_its_measured_time(database: str) -> None:
    world = await build(database)
    world.take_in(weight(82.4))
    await world.evaluate()
    assert world.cases() == []
    world.take_in(weight(80.0, NOW - timedelta(days=3)))
    later = NOW + timedelta(hours=5)
    await world.evaluate(later)
    assert [case["opened_at"] for case in world.cases()] == [later]
    assert [row["measured_at"] for row in world.rows("select measured_at from finding")] == [NOW]


async def test_symptoms_a_day_later_still_concern_the_measurement(database: str) -> None:
    world = await build(database)
    world.take_in(*gain(2.4))
    await world.evaluate()
    world.take_in(symptoms(NOW + timedelta(hours=24), breathlessness=1))
    await world.evaluate(NOW + timedelta(hours=24))
    assert [case["level"] for case in world.cases()] == ["red"]
