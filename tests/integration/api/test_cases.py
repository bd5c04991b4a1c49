"""The inbox, a case, and what a nurse does about it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from storage import case_actions
from storage.case_actions import NotPossible
from storage.database import connect, open_pool
from tests.integration.api import world
from tests.integration.api.conftest import Site

CONTACT = {
    "how": "telephone",
    "with_whom": "patient",
    "made_at": "2025-11-04T09:10",
    "assessment": "Sannolikt vätska",
    "advice": "Extra furosemid enligt plan",
    "patient_view": "Tungt i trappan",
}


async def events_of(site: Site, case_id: UUID) -> list[tuple[str, UUID | None]]:
    """Return (kind, account) of a case's events in order."""
    conn = await connect(site.dsn, None)
    async with conn:
        cursor = await conn.execute(
            "select kind, account_id from case_event where case_id = %s order by event_id", [case_id]
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def test_the_inbox_is_worst_first_then_by_what_is_due(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    sooner = await world.open_case(
        site.dsn, world.INGRID, "yellow", "Pulsen 104.", "Pulse 104.", family="pulse", minutes=45
    )
    async with site.signed_in("nurse") as client:
        found = (await client.get("/api/cases?show=unit")).json()
        ids = [case["case_id"] for case in found["cases"]]
        assert ids == [
            str(cases["red"]),
            str(sooner),
            *(str(cases[k]) for k in ("yellow", "grey", "technical")),
        ]
        assert (found["mine"], found["unit"]) == (3, 5)
        # Svea alone has measured today and has no case; Ingrid has one, and Lars has not measured.
        assert found["within_plan"] == 1


async def test_an_acknowledged_red_case_stays_above_a_yellow_one(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        await client.post(f"/cases/{cases['red']}/acknowledge")
        text = (await client.get("/inbox?show=unit")).text
        assert text.index(str(cases["red"])) < text.index(str(cases["yellow"]))
        assert "Ta kontakt före" in text
        assert "Kvitterat av Karin Lindgren" in text


async def test_the_list_says_level_reason_age_and_deadline_in_words(site: Site) -> None:
    await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        text = (await client.get("/inbox")).text
        for words in (
            "Röd",
            "Monika Ekström, 78",
            "Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0) och patienten är mer andfådd.",
            "Bekräftat",
            "Obekräftat",
            "Kvittera före 09:33",
            "Ansvarig: du",
            "Ingen kontakt än",
            "Vikt i 14 dagar, från",
        ):
            assert words in text, words
        assert "Greta" not in text


async def test_a_late_case_says_that_it_is_late(site: Site) -> None:
    await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        site.clock.move(timedelta(minutes=40))
        text = (await client.get("/inbox")).text
        assert "Försenat: skulle ha kvitterats före 09:33" in text


async def test_the_case_page_has_what_a_nurse_needs(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        text = (await client.get(f"/cases/{cases['red']}")).text
        for words in (
            "Monika Ekström", "78 år", "hjärtsvikt", "070-123 45 67", "Vikten har ökat 2,4 kg",
            "83,1", "vanligen 80,", "andfåddhet", "klart mer", "Furosemid", "40 mg x 1", "Anna Sundström",
            "viktökning över 2,0 kg på 3 dagar", "systoliskt under 80 eller över 170, med symtom under 90",
            "Kvittera före 09:33", "Dagar som saknas", "räknas inte", "Öppnat av reglerna",
            f"/api/patients/{world.MONIKA}/series",
        ):  # fmt: skip
            assert words in text, words


async def test_the_case_page_in_english(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        text = (await client.get(f"/cases/{cases['red']}?lang=en")).text
        assert "Weight is up 2.4 kg in 3 days" in text
        assert "83.1" in text
        assert "Acknowledge before 09:33" in text
        assert 'lang="en"' in (await client.get("/inbox")).text, "the choice is remembered"


async def test_acknowledge_contact_close(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    case_id = cases["red"]
    nurse = world.account_id("nurse")
    async with site.signed_in("nurse") as client:
        assert (await client.post(f"/cases/{case_id}/acknowledge")).status_code == 303
        assert (await client.post(f"/cases/{case_id}/contact", data=CONTACT)).status_code == 303
        text = (await client.get(f"/cases/{case_id}")).text
        assert "Tungt i trappan" in text
        assert "Kontakt tagen 09:12" in text
        answer = await client.post(
            f"/cases/{case_id}/close", data={"cause": "deterioration", "useful": "true", "note": "Följs upp"}
        )
        assert answer.headers["location"] == "/inbox"
        assert str(case_id) not in (await client.get("/inbox")).text
        assert "Avslutat" in (await client.get(f"/cases/{case_id}")).text
    assert await events_of(site, case_id) == [
        ("opened", None), ("notified", None), ("acknowledged", nurse), ("contacted", nurse),
        ("closed", nurse),
    ]  # fmt: skip


async def test_a_contact_first_acknowledges_too(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        await client.post(f"/cases/{cases['red']}/contact", data=CONTACT)
        case = (await client.get(f"/api/cases/{cases['red']}")).json()
    assert case["state"] == "acknowledged"
    assert case["acknowledged_by"] == "Karin Lindgren"
    assert case["events"][-1]["detail"]["made_at"] == "2025-11-04T09:10:00+01:00"


async def test_an_attempt_is_not_a_contact(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        await client.post(f"/cases/{cases['red']}/contact", data={**CONTACT, "how": "not_reached"})
        case = (await client.get(f"/api/cases/{cases['red']}")).json()
        assert case["last_contact"] is None
        assert case["events"][-1]["detail"]["reached"] is False
        assert "Ta kontakt före" in (await client.get(f"/cases/{cases['red']}")).text


async def test_the_second_person_is_told_who_was_first(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as karin, site.signed_in("deputy") as johan:
        await karin.post(f"/cases/{cases['red']}/acknowledge")
        answer = await johan.post(f"/cases/{cases['red']}/acknowledge")
        assert answer.status_code == 409
        assert "Karin Lindgren kvitterade ärendet 09:12, före dig." in answer.text
        answer = await johan.post(f"/api/cases/{cases['red']}/acknowledge")
        assert answer.status_code == 409
        assert "Karin Lindgren" in answer.json()["detail"]


async def test_of_many_at_once_one_acknowledges(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    logins = ["nurse", "deputy"] * 3
    async with open_pool(site.dsn, "hemkurva_web", size=6) as pool:
        answers = await asyncio.gather(
            *(
                case_actions.acknowledge(pool, world.account_id(login), cases["red"], now=world.NOW)
                for login in logins
            ),
            return_exceptions=True,
        )
    assert sum(answer is None for answer in answers) == 1
    refused = [answer for answer in answers if isinstance(answer, NotPossible)]
    assert len(refused) == 5
    assert {refusal.by for refusal in refused} <= {"Karin Lindgren", "Johan Öberg"}
    kinds = [kind for kind, _ in await events_of(site, cases["red"])]
    assert kinds.count("acknowledged") == 1


@pytest.mark.parametrize(
    ("steps", "last", "status"),
    [
        ([], "close", 409),
        (["acknowledge", "close"], "acknowledge", 409),
        (["acknowledge", "close"], "contact", 409),
        (["acknowledge", "close"], "close", 409),
        (["acknowledge"], "close", 303),
    ],
)
async def test_only_legal_steps(site: Site, steps: list[str], last: str, status: int) -> None:
    cases = await world.usual_cases(site.dsn)
    forms = {"acknowledge": {}, "contact": CONTACT, "close": {"cause": "other", "useful": "false"}}
    async with site.signed_in("nurse") as client:
        for step in steps:
            assert (await client.post(f"/cases/{cases['red']}/{step}", data=forms[step])).status_code == 303
        before = await events_of(site, cases["red"])
        answer = await client.post(f"/cases/{cases['red']}/{last}", data=forms[last])
        assert answer.status_code == status
        assert (await events_of(site, cases["red"]) == before) == (status == 409)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {**CONTACT, "how": "pigeon"},
        {**CONTACT, "made_at": "yesterday"},
        {**CONTACT, "made_at": "1970-01-01T00:00"},
        {**CONTACT, "made_at": "2025-11-05T09:00"},
        {**CONTACT, "advice": "x" * 2001},
        {**CONTACT, "advice": "nul\x00byte"},
    ],
)
async def test_a_bad_contact_is_refused_and_changes_nothing(site: Site, form: dict[str, str]) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        answer = await client.post(f"/cases/{cases['red']}/contact", data=form)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert len(await events_of(site, cases["red"])) == 2


@pytest.mark.parametrize(
    "form", [{}, {"cause": "other"}, {"useful": "true"}, {"cause": "resolved", "useful": "true"}]
)
async def test_closing_needs_cause_and_usefulness(site: Site, form: dict[str, str]) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        await client.post(f"/cases/{cases['red']}/acknowledge")
        assert (await client.post(f"/cases/{cases['red']}/close", data=form)).status_code == 422


async def test_acting_on_a_case_that_does_not_exist(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        assert (await client.post(f"/cases/{uuid4()}/acknowledge")).status_code == 404
        assert (await client.get(f"/cases/{uuid4()}")).status_code == 404


async def test_a_technical_case_is_the_units_to_acknowledge(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("other") as stranger, site.signed_in("deputy") as johan:
        assert (await stranger.post(f"/cases/{cases['technical']}/acknowledge")).status_code == 404
        assert (await johan.post(f"/cases/{cases['technical']}/acknowledge")).status_code == 303


async def test_text_from_people_is_never_markup(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        await client.post(
            f"/cases/{cases['red']}/contact", data={**CONTACT, "advice": "<script>alert(1)</script>"}
        )
        text = (await client.get(f"/cases/{cases['red']}")).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


async def test_the_newest_case_is_what_a_screen_reader_hears(site: Site) -> None:
    await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        text = (await client.get("/inbox/list?show=unit")).text
        announced = text.split('id="announce" hidden>')[1].split("</p>")[0]
        assert announced == (
            "Nyaste ärendet: Röd. Monika Ekström, 78. Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0) och"
            " patienten är mer andfådd."
        )


async def test_the_api_describes_itself(site: Site) -> None:
    async with site.client() as client:
        document = (await client.get("/openapi.json")).json()
    assert {"/api/cases", "/api/cases/{case_id}", "/api/cases/{case_id}/acknowledge"} <= set(
        document["paths"]
    )
    assert "CaseDetail" in document["components"]["schemas"]
    assert not any(path.startswith(("/inbox", "/cases", "/login")) for path in document["paths"])


async def test_a_contact_before_the_worsening_is_not_the_one_that_is_due_now(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    page = f"/cases/{cases['yellow']}"
    async with site.signed_in("nurse") as client:
        await client.post(f"{page}/contact", data=CONTACT)
        assert "Kontakt tagen" in (await client.get(page)).text
        conn = await connect(site.dsn, None)
        async with conn:
            await conn.execute(
                "update alert_case set level = 'red', state = 'open', acknowledged_at = null,"
                " acknowledged_by = null where case_id = %s",
                [cases["yellow"]],
            )
        site.clock.move(timedelta(minutes=5))
        await client.post(f"{page}/acknowledge")
        text = (await client.get(page)).text
        assert "Kontakt tagen" not in text
        assert "Ta kontakt före" in text
        site.clock.move(timedelta(minutes=5))
        await client.post(f"{page}/contact", data=CONTACT)
        assert "Kontakt tagen" in (await client.get(page)).text


async def appoint(site: Site, column: str, staff_id: UUID) -> None:
    """Make somebody of another unit the other unit's patient's contact or deputy, without a care relation."""
    conn = await connect(site.dsn, None)
    async with conn:
        await conn.execute(
            sql.SQL("update named_contact set {} = %s where patient_id = %s").format(sql.Identifier(column)),
            [staff_id, world.FREMLING],
        )


@pytest.mark.parametrize("column", ["staff_id", "deputy_id"])
async def test_a_contact_of_another_unit_finds_the_case_that_was_passed_on_to_her(
    site: Site, column: str
) -> None:
    await appoint(site, column, world.NURSE)
    case_id = await world.open_case(
        site.dsn, world.FREMLING, "red", "Pulsen 122.", "Pulse 122.", family="pulse", unit=world.OTHER_UNIT
    )
    async with site.signed_in("nurse") as client:
        for show in ("mine", "unit"):
            found = (await client.get(f"/api/cases?show={show}")).json()
            assert [case["case_id"] for case in found["cases"]] == [str(case_id)], show
        assert found["mine"] == found["unit"] == 1
        assert "Pulsen 122." in (await client.get(f"/cases/{case_id}")).text
        assert (await client.post(f"/cases/{case_id}/acknowledge")).status_code == 303
        assert (await client.get(f"/patients/{world.FREMLING}")).status_code == 200
    async with site.signed_in("deputy") as client:  # a colleague who was not appointed
        assert (await client.get(f"/cases/{case_id}")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        b"update named_contact set valid_to = now() - interval '1 minute'",
        b"update named_contact set valid_from = now() + interval '1 hour'",
    ],
)
async def test_an_appointment_opens_the_record_only_while_it_lasts(site: Site, change: bytes) -> None:
    await appoint(site, "deputy_id", world.NURSE)
    async with site.signed_in("nurse") as client:
        assert (await client.get(f"/patients/{world.FREMLING}")).status_code == 200
        conn = await connect(site.dsn, None)
        async with conn:
            await conn.execute(change)
        assert (await client.get(f"/patients/{world.FREMLING}")).status_code == 404
        assert "Fremling" not in (await client.get("/patients")).text


async def test_a_unit_sees_the_patient_of_a_case_that_was_passed_on_to_it_until_it_is_closed(
    site: Site,
) -> None:
    case_id = await world.open_case(
        site.dsn, world.FREMLING, "red", "Pulsen 122.", "Pulse 122.", family="pulse", owner=None
    )
    async with site.signed_in("nurse") as client:
        page = f"/cases/{case_id}"
        assert "Greta Fremling" in (await client.get("/inbox?show=unit")).text
        assert (await client.get(f"/patients/{world.FREMLING}")).status_code == 200
        assert (await client.post(f"{page}/acknowledge")).status_code == 303
        assert (await client.post(f"{page}/contact", data=CONTACT)).status_code == 303
        answer = await client.post(f"{page}/close", data={"cause": "expected", "useful": "true"})
        assert answer.status_code == 303
        assert (await client.get(page)).status_code == 404
        assert (await client.get(f"/patients/{world.FREMLING}")).status_code == 404
    async with site.signed_in("other") as client:
        assert "Fremling" in (await client.get(page)).text, "her own unit reads what was done"


async def test_a_case_opens_no_record_to_other_titles_of_the_unit(site: Site) -> None:
    case_id = await world.open_case(
        site.dsn, world.FREMLING, "red", "Pulsen 122.", "Pulse 122.",
        family="pulse", owner=None, unit=world.HEALTH_CENTRE,
    )  # fmt: skip
    async with site.signed_in("physician") as client:
        assert (await client.get(f"/api/cases/{case_id}")).status_code == 404
        assert (await client.get(f"/physician/patients/{world.FREMLING}")).status_code == 404


async def test_who_has_not_been_looked_at_is_not_within_plan(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        before = (await client.get("/api/cases")).json()["within_plan"]
        conn = await connect(site.dsn, None)
        async with conn:
            await conn.execute(
                "insert into evaluation_due (patient_id, since) values (%s, now())", [world.SVEA]
            )
            await conn.execute("delete from plan where patient_id = %s", [world.INGRID])
        assert (await client.get("/api/cases")).json()["within_plan"] == before - 2


@pytest.mark.parametrize(
    ("missing", "words"), [("contact", "ingen hade hört av sig"), ("acknowledge", "ingen hade kvitterat")]
)
async def test_the_history_says_why_a_case_was_passed_on(site: Site, missing: str, words: str) -> None:
    cases = await world.usual_cases(site.dsn)
    conn = await connect(site.dsn, None)
    async with conn:
        await conn.execute(
            "insert into case_event (case_id, at, kind, detail)"
            " values (%s, now(), 'escalated', jsonb_build_object('missing', %s::text))",
            [cases["red"], missing],
        )
    async with site.signed_in("nurse") as client:
        assert words in (await client.get(f"/cases/{cases['red']}")).text
