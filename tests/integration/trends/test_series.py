"""The series behind the charts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from storage.database import connect
from tests.integration.trends import household
from tests.integration.trends.conftest import SignIn
from tests.integration.trends.household import GAP, MONIKA, ZONE, Household

URL = f"/api/patients/{MONIKA}/series"


def day_of(row: dict[str, Any]) -> date:
    return datetime.fromisoformat(row["at"]).astimezone(ZONE).date()


async def test_a_physician_gets_ninety_days(sign_in: SignIn, home: Household) -> None:
    await household.contacted_some_time_ago(home, 12)
    client = await sign_in("physician")
    answer = await client.get(URL, params={"days": 90})
    assert answer.status_code == 200, answer.text
    series = answer.json()
    assert len(series["pressure"]) > 150
    assert {p["part"] for p in series["pressure"]} == {"morning", "evening"}
    assert [p for p in series["pressure"] if p["flags"] == ["body_movement"]]
    assert {m["kind"] for m in series["markers"]} == {"contact", "plan", "medication"}
    assert [t["quantity"] for t in series["targets"]] == ["weight", "systolic"]
    assert len(series["limits"]) == 8
    assert series["symptoms"][-1]["breathlessness"] in (0, 1)
    assert series["zone"] == "Europe/Stockholm"


async def test_a_gap_is_null_and_nothing_is_invented(sign_in: SignIn, home: Household) -> None:
    client = await sign_in("physician")
    series = (await client.get(URL, params={"days": 90})).json()
    gone = {home.at(ago, "12:00").astimezone(ZONE).date() for ago in GAP}
    means = {
        datetime.fromisoformat(d["at"]).astimezone(ZONE).date(): d["mean"] for d in series["weight_days"]
    }
    assert [means[day] for day in sorted(gone)] == [None] * len(GAP)
    measured = {day_of(w) for w in series["weight"]}
    assert not measured & gone
    assert len(means) == 91


async def test_the_first_day_of_a_short_window_has_its_usual_level(sign_in: SignIn) -> None:
    client = await sign_in("monika")
    series = (await client.get(URL, params={"days": 14})).json()
    assert series["weight_days"][0]["usual"] == pytest.approx(80.6, abs=0.4)
    assert len(series["weight_days"]) == 15


async def test_zero_days_is_everything(sign_in: SignIn) -> None:
    client = await sign_in("monika")
    assert len((await client.get(URL, params={"days": 0})).json()["weight_days"]) == 91


async def test_a_corrected_reading_is_shown_as_corrected(sign_in: SignIn, home: Household) -> None:
    async with await connect(home.dsn, None) as conn:
        await conn.execute(
            "insert into reading (patient_id, measured_at, reading_id, kind, device_id, weight, origin,"
            " clock, received_at, corrects) select patient_id, measured_at, gen_random_uuid(), kind,"
            " device_id, 77.7, 'manual', clock, received_at, reading_id from reading where kind = 'weight'"
            " order by measured_at desc limit 1"
        )
    client = await sign_in("monika")
    weights = (await client.get(URL, params={"days": 7})).json()["weight"]
    assert weights[-1]["value"] == 77.7
    assert len({w["at"] for w in weights}) == len(weights)


async def test_each_look_is_logged(sign_in: SignIn, home: Household) -> None:
    client = await sign_in("physician")
    await client.get(URL)
    async with await connect(home.dsn, None) as conn:
        rows = await (await conn.execute("select action, patient_ids from access_log")).fetchall()
    assert ("series", [MONIKA]) in rows


async def test_nothing_is_shown_when_the_log_cannot_be_written(sign_in: SignIn, home: Household) -> None:
    client = await sign_in("physician")
    async with await connect(home.dsn, None) as conn:
        await conn.execute("revoke insert on access_log from hemkurva_web")
    answer = await client.get(URL)
    assert answer.status_code == 503
    assert "80" not in answer.text


@pytest.mark.parametrize(("login", "status"), [("stranger", 404), ("kin", 404)])
async def test_without_relation_or_consent_there_is_no_such_patient(
    sign_in: SignIn, login: str, status: int
) -> None:
    client = await sign_in(login)
    assert (await client.get(URL)).status_code == status


async def test_a_next_of_kin_needs_the_scope_values(sign_in: SignIn, home: Household) -> None:
    await household.consent(home, "status")
    client = await sign_in("kin")
    assert (await client.get(URL)).status_code == 403
    await household.consent(home, "values")
    series = (await client.get(URL)).json()
    assert series["weight"]
    assert (series["limits"], series["targets"], series["markers"]) == ([], [], [])


async def test_the_database_keeps_plan_and_finding_from_a_next_of_kin(home: Household) -> None:
    await household.open_case(home)
    await household.consent(home, "status")
    async with await connect(home.dsn, "hemkurva_web") as conn, conn.transaction():
        await conn.execute(
            "select set_config('hemkurva.account_id', %s, true)", [str(household.ACCOUNTS["kin"])]
        )
        counts = [
            await (await conn.execute(query)).fetchone()
            for query in (
                "select count(*) from patient",
                "select count(*) from alert_case",
                "select count(*) from finding",
                "select count(*) from plan",
            )
        ]
    assert counts == [(1,), (1,), (0,), (0,)]


async def test_signed_out_is_401_and_a_bad_window_422(sign_in: SignIn) -> None:
    client = await sign_in("physician")
    assert (await client.get(URL, params={"days": -1})).status_code == 422
    await client.post("/logout")
    assert (await client.get(URL)).status_code == 401


async def test_readings_outside_the_log_are_refused(home: Household) -> None:
    async with await connect(home.dsn, "hemkurva_web") as conn, conn.transaction():
        await conn.execute(
            "select set_config('hemkurva.account_id', %s, true)", [str(household.ACCOUNTS["monika"])]
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="access log"):
            await conn.execute(
                "select * from measured_by(%s, %s, %s)", [MONIKA, home.now - timedelta(days=1), home.now]
            )
