"""The patient's, the next of kin's and the physician's pages, through the real application."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import psycopg
import pytest

from storage import case_actions
from storage.database import Pool, connect
from tests.integration.trends import household
from tests.integration.trends.conftest import SignIn
from tests.integration.trends.household import ACCOUNTS, MONIKA, Household

NOT_ACUTE = "Hemkurva är inte till för akuta besvär – ring 112"


def text_of(answer: httpx.Response) -> str:
    """Return what a reader sees: tags away, white space as one space."""
    assert answer.status_code < 500, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)).replace("&#39;", "'")


async def stored(home: Household, query: str) -> list[tuple[object, ...]]:
    async with await connect(home.dsn, None) as conn:
        return await (await conn.execute(query)).fetchall()


async def test_a_calm_morning(sign_in: SignIn) -> None:
    client = await sign_in("monika")
    text = text_of(await client.get("/me"))
    assert "God morgon, Monika" in text
    assert "✓ klart 07:12" in text
    assert "✓ 2 av 2 klart 07:17" in text
    assert "Dina värden ser ut som vanligt." in text
    assert "Karin Lindgren , din vårdkontakt, Hemsjukvården Nordmaling. Ersättare: Johan Öberg." in text
    assert "Måndag–söndag 08:00–16:00." in text
    assert "Just nu finns någon på plats som läser." in text
    assert "Fiska med barnbarnen i sommar" in text
    assert text.rstrip().endswith(NOT_ACUTE)


async def test_in_english(sign_in: SignIn) -> None:
    client = await sign_in("monika")
    text = text_of(await client.get("/me", params={"lang": "en"}))
    assert "Good morning, Monika" in text
    assert "Your values look as usual." in text
    assert "Hemkurva is not for emergencies – call 112" in text


@pytest.mark.parametrize("path", ["/me", "/me/weight", "/me/pressure", "/me/symptoms", "/me/emergency"])
async def test_every_page_says_that_it_is_not_for_emergencies(sign_in: SignIn, path: str) -> None:
    client = await sign_in("monika")
    assert NOT_ACUTE in text_of(await client.get(path))


async def test_a_reading_that_nobody_has_looked_at_is_not_as_usual(sign_in: SignIn, home: Household) -> None:
    client = await sign_in("monika")
    household.store(home, [household.weight(home.at(0, "09:00"), 83.1)])
    text = text_of(await client.get("/me/today"))
    assert "Ditt värde har kommit fram. Det kontrolleras." in text
    assert "som vanligt" not in text


async def test_measuring_more_than_asked_is_done_not_four_of_two(sign_in: SignIn, home: Household) -> None:
    again = [household.pressure(home.at(0, clock), 128, 76, 66, []) for clock in ("08:01", "08:02")]
    household.store(home, again)
    text = text_of(await (await sign_in("monika")).get("/me/today"))
    assert "✓ 2 av 2 klart 08:02" in text


async def test_from_unread_to_acknowledged_to_contacted(
    sign_in: SignIn, home: Household, pool: Pool, moved: list[timedelta]
) -> None:
    client = await sign_in("monika")
    case_id = await household.open_case(home, level="red")
    text = text_of(await client.get("/me/today"))
    assert "Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0)." in text
    assert "Karin Lindgren har fått veta det. Det läses senast i dag 14:30." in text
    assert "Vänta inte: ring 112." in text

    await case_actions.acknowledge(pool, ACCOUNTS["nurse"], case_id, now=home.now + timedelta(minutes=12))
    moved[0] = timedelta(minutes=13)
    text = text_of(await client.get("/me/today"))
    assert "Karin Lindgren har sett det (i dag 09:42). Du blir uppringd senast i dag 12:00." in text

    detail = {"how": "telephone", "reached": False}
    await case_actions.contact(pool, ACCOUNTS["nurse"], case_id, detail, now=home.now + timedelta(minutes=20))
    assert "hörde av sig" not in text_of(await client.get("/me/today"))

    detail = {"how": "telephone", "reached": True}
    await case_actions.contact(pool, ACCOUNTS["nurse"], case_id, detail, now=home.now + timedelta(minutes=25))
    moved[0] = timedelta(minutes=26)
    text = text_of(await client.get("/me/today"))
    assert "Karin Lindgren hörde av sig om detta i dag 09:55." in text


async def test_a_contact_before_the_worsening_is_no_answer_to_it(
    sign_in: SignIn, home: Household, pool: Pool, moved: list[timedelta]
) -> None:
    case_id = await household.open_case(home)
    detail = {"how": "telephone", "reached": True}
    await case_actions.contact(pool, ACCOUNTS["nurse"], case_id, detail, now=home.now + timedelta(minutes=5))
    await household.worsen(home, case_id)
    moved[0] = timedelta(minutes=30)
    client = await sign_in("monika")
    text = text_of(await client.get("/me/today"))
    assert "hörde av sig" not in text
    assert "Karin Lindgren har fått veta det." in text

    await case_actions.acknowledge(pool, ACCOUNTS["nurse"], case_id, now=home.now + timedelta(minutes=31))
    moved[0] = timedelta(minutes=32)
    text = text_of(await client.get("/me/today"))
    assert "hörde av sig" not in text
    assert "Karin Lindgren har sett det" in text


async def test_a_value_that_waits_for_its_repeat_is_not_as_usual(sign_in: SignIn, home: Household) -> None:
    client = await sign_in("monika")
    async with await connect(home.dsn, None) as conn:
        await conn.execute(
            "insert into evaluation_due (patient_id, since, created_at)"
            " values (%s, now(), clock_timestamp() + interval '25 minutes')",
            [MONIKA],
        )
    assert "som vanligt" not in text_of(await client.get("/me/today"))


async def test_a_measurement_that_failed_is_not_as_usual(sign_in: SignIn, home: Household) -> None:
    async with await connect(home.dsn, None) as conn:
        await conn.execute(
            "update reading set flags = '{cuff_too_loose}' where measured_at >= %s", [home.at(0, "00:00")]
        )
    client = await sign_in("monika")
    text = text_of(await client.get("/me/today"))
    assert "Dina värden ser ut som vanligt." not in text


async def test_off_hours_are_honest(sign_in: SignIn, home: Household, moved: list[timedelta]) -> None:
    moved[0] = timedelta(hours=9, minutes=30)  # 19:00
    client = await sign_in("monika")
    await household.open_case(home, deadline=timedelta(hours=24))
    text = text_of(await client.get("/me"))
    assert "God kväll, Monika" in text
    assert "Ingen läser det förrän i morgon 08:00. Då läser Karin Lindgren det." in text
    assert "Blir du sämre innan dess: ring 1177, eller 112 om det är akut." in text
    assert "Ingen läser värden förrän i morgon 08:00." in text


async def test_a_unit_without_hours_is_said_plainly(sign_in: SignIn, home: Household) -> None:
    async with await connect(home.dsn, None) as conn:
        await conn.execute("delete from staffed_hours")
    client = await sign_in("monika")
    assert "Det finns ingen bestämd tid då någon läser." in text_of(await client.get("/me"))


async def token(client: httpx.AsyncClient, path: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', (await client.get(path)).text)
    assert found
    return found.group(1)


async def test_a_weight_by_hand_is_stored_once_and_queued_for_the_rules(
    sign_in: SignIn, home: Household
) -> None:
    client = await sign_in("monika")
    form = {"token": await token(client, "/me/weight"), "weight": "81,2"}
    for _ in range(2):
        answer = await client.post("/me/weight", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/me?saved=weight")
    rows = await stored(
        home,
        "select patient_id, weight, device_id, clock, entered_by, measured_at = received_at"
        " from reading where origin = 'manual'",
    )
    assert [row[:5] for row in rows] == [(MONIKA, 81.2, "manual", "gateway", ACCOUNTS["monika"])]
    assert await stored(home, "select patient_id from evaluation_due") == [(MONIKA,)]
    assert ("enter_value",) in await stored(home, "select action from access_log")
    assert "Din vikt är sparad." in text_of(await client.get("/me?saved=weight"))


async def test_the_same_form_with_another_value_is_another_reading(sign_in: SignIn, home: Household) -> None:
    client = await sign_in("monika")
    form = {"token": await token(client, "/me/weight"), "weight": "81,2"}
    await client.post("/me/weight", data=form)
    await client.post("/me/weight", data=form | {"weight": "81.3"})
    assert len(await stored(home, "select 1 from reading where origin = 'manual'")) == 2


@pytest.mark.parametrize(
    ("path", "form", "says"),
    [
        ("weight", {"weight": ""}, "Skriv värdet som apparaten visade."),
        ("weight", {"weight": "åttio"}, "Skriv värdet med siffror, till exempel 83,1."),
        ("weight", {"weight": "1e3"}, "Skriv värdet med siffror"),
        ("weight", {"weight": "0,5"}, "Värdet ska vara mellan 1 och 500."),
        ("weight", {"weight": "38"}, "kg från din förra vikt"),
        ("weight", {"weight": "81", "day": "2020-01-01", "clock": "08:00"}, "mer än 31 dagar"),
        ("weight", {"weight": "81", "day": "2999-01-01", "clock": "08:00"}, "Tiden har inte varit än."),
        ("weight", {"weight": "81", "day": "i går"}, "Skriv både dag och klockslag"),
        ("pressure", {"systolic": "80", "diastolic": "120"}, "Övertrycket ska vara högre"),
        ("pressure", {"systolic": "2047", "diastolic": "80"}, "Värdet ska vara mellan 30 och 300."),
        ("pressure", {"systolic": "130", "diastolic": "80", "pulse": "5"}, "mellan 15 och 300"),
        ("symptoms", {}, "Svara på minst en av frågorna."),
        ("symptoms", {"breathlessness": "9"}, "Svara på minst en av frågorna."),
    ],
)
async def test_a_slip_gets_a_sentence_and_is_not_stored(
    sign_in: SignIn, home: Household, path: str, form: dict[str, str], says: str
) -> None:
    client = await sign_in("monika")
    answer = await client.post(f"/me/{path}", data=form)
    assert answer.status_code == 422
    assert says in text_of(answer)
    assert await stored(home, "select 1 from reading where origin = 'manual'") == []


async def test_an_unlikely_weight_is_stored_when_the_patient_insists(
    sign_in: SignIn, home: Household
) -> None:
    client = await sign_in("monika")
    answer = await client.post("/me/weight", data={"weight": "91", "confirmed": "yes"})
    assert answer.status_code == 303
    assert await stored(home, "select weight from reading where origin = 'manual'") == [(91.0,)]


async def test_a_pressure_of_yesterday_evening(sign_in: SignIn, home: Household) -> None:
    client = await sign_in("monika")
    at = home.at(1, "21:15").astimezone(household.ZONE)
    form = {"systolic": "128", "diastolic": "76", "pulse": "64", "day": f"{at:%Y-%m-%d}", "clock": "21:15"}
    assert (await client.post("/me/pressure", data=form)).status_code == 303
    rows = await stored(
        home, "select systolic, diastolic, pulse, measured_at from reading where origin = 'manual'"
    )
    assert rows == [(128.0, 76.0, 64.0, home.at(1, "21:15"))]


async def test_answers_are_stored_as_a_symptoms_reading(sign_in: SignIn, home: Household) -> None:
    client = await sign_in("monika")
    form = {"red_flag": "no", "breathlessness": "2", "orthopnoea": "0", "swelling": "1", "dizziness": "0"}
    answer = await client.post("/me/symptoms", data=form)
    assert answer.headers["location"] == "/me?saved=symptoms"
    rows = await stored(
        home,
        "select kind, breathlessness, orthopnoea, swelling, dizziness from reading where origin = 'manual'",
    )
    assert rows == [("symptoms", 2, 0, 1, 0)]


@pytest.mark.parametrize(("answers", "count"), [({}, 0), ({"breathlessness": "3"}, 1)])
async def test_a_red_flag_leads_to_112_whatever_else_is_answered(
    sign_in: SignIn, home: Household, answers: dict[str, str], count: int
) -> None:
    client = await sign_in("monika")
    answer = await client.post("/me/symptoms", data={"red_flag": "yes", **answers})
    assert answer.headers["location"] == "/me/emergency"
    assert "Ring 112 nu" in text_of(await client.get("/me/emergency"))
    assert len(await stored(home, "select 1 from reading where origin = 'manual'")) == count


async def test_a_next_of_kin_cannot_enter_values(sign_in: SignIn, home: Household) -> None:
    await household.consent(home, "values")
    client = await sign_in("kin")
    assert (await client.post("/me/weight", data={"weight": "81"})).status_code == 403
    async with await connect(home.dsn, "hemkurva_web") as conn, conn.transaction():
        await conn.execute("select set_config('hemkurva.account_id', %s, true)", [str(ACCOUNTS["kin"])])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="patient herself or staff"):
            await conn.execute(
                "select record_manual_reading(%s, gen_random_uuid(), 'weight', now(), null, null, null, 81,"
                " null, null, null, null)",
                [MONIKA],
            )


async def test_a_next_of_kin_with_status_sees_that_and_no_value(sign_in: SignIn, home: Household) -> None:
    await household.consent(home, "status")
    await household.open_case(home)
    client = await sign_in("kin")
    answer = await client.get("/kin")
    text = text_of(answer)
    assert "Monika Ekström" in text
    assert "Vikt ✓ 07:12" in text
    assert "Något avviker från planen. Karin Lindgren har fått veta det." in text
    assert "2,4" not in text
    assert "hk-chart" not in answer.text
    assert "inte värdena" in text
    assert NOT_ACUTE in text


async def test_a_next_of_kin_with_values_sees_the_curve(sign_in: SignIn, home: Household) -> None:
    await household.consent(home, "values")
    await household.open_case(home)
    client = await sign_in("kin")
    answer = await client.get("/kin")
    assert "Vikten har ökat 2,4 kg på 3 dagar" in text_of(answer)
    assert f"/api/patients/{MONIKA}/series" in answer.text


async def test_withdrawn_consent_is_a_clear_no(sign_in: SignIn, home: Household) -> None:
    await household.consent(home, "values")
    client = await sign_in("kin")
    await household.consent(home, "values", revoked=True)
    text = text_of(await client.get("/kin"))
    assert "Samtycket som lät dig se den här sidan är återkallat." in text
    assert "Monika" not in text


async def test_without_any_consent(sign_in: SignIn) -> None:
    client = await sign_in("kin")
    assert "Ingen har gett samtycke" in text_of(await client.get("/kin"))


async def test_a_physicians_list_and_trend_page(sign_in: SignIn, home: Household) -> None:
    await household.contacted_some_time_ago(home, 12)
    await household.open_case(home)
    client = await sign_in("physician")
    text = text_of(await client.get("/physician"))
    assert "Monika Ekström" in text
    assert "Vikten har ökat 2,4 kg" in text
    answer = await client.get(f"/physician/patients/{MONIKA}")
    text = text_of(answer)
    assert "Hemblodtryck enligt protokoll" in text
    assert re.search(r"n = 22, 6 dagar, SD \d+,\d/\d+,\d", text), text
    assert "dag 1, räknas inte" in text
    assert "Furosemid 40 mg x 1" in text
    assert "mår bra, mindre salt" in text
    assert "Plan 2, signerad av Anna Sundström" in text
    assert ("trend",) in await stored(home, "select action from access_log")


async def test_a_stranger_sees_nobody(sign_in: SignIn) -> None:
    client = await sign_in("stranger")
    assert "Ingen patient har en vårdrelation till din enhet." in text_of(await client.get("/physician"))
    assert (await client.get(f"/physician/patients/{MONIKA}")).status_code == 404


async def test_other_roles_do_not_open_these_pages(sign_in: SignIn) -> None:
    nurse, patient = await sign_in("nurse"), await sign_in("monika")
    assert (await nurse.get("/me")).status_code == 403
    assert (await patient.get("/physician")).status_code == 403
    assert (await patient.get("/kin")).status_code == 403
