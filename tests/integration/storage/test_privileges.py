"""What the services' roles may not do, whatever their code asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors

from tests.integration.storage.world import NOW, OTHER_UNIT, UNIT, build, patient, person


@pytest.fixture
async def dsn(database: str) -> str:
    await build(database)
    return database


@pytest.fixture
def case(dsn: str) -> Any:
    """An open case of the first patient, with one event of each kind that a machine writes."""
    case_id = uuid4()
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "insert into alert_case (case_id, patient_id, family, level, state, opened_at, owner_kind,"
            " owner_unit_id, deadline) values (%s, %s, 'weight', 'red', 'open', %s, 'unit', %s, %s)",
            [case_id, patient(0), NOW, UNIT, NOW],
        )
        conn.execute(
            "insert into case_event (case_id, at, kind, detail)"
            """ values (%s, %s, 'opened', '{"text_sv": "Vikten 83,0 kg"}')""",
            [case_id, NOW],
        )
        conn.execute(
            "insert into case_event (case_id, at, kind, account_id) values (%s, %s, 'contacted', %s)",
            [case_id, NOW, person("account nurse")],
        )
    return case_id


@pytest.fixture
def web(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection of the pages' role, of which `act_as` makes somebody's."""
    with psycopg.connect(dsn) as conn:
        conn.execute("set role hemkurva_web")
        yield conn


def act_as(conn: psycopg.Connection, login: str) -> None:
    conn.execute("select set_config('hemkurva.account_id', %s, true)", [str(person(f"account {login}"))])


def test_every_definers_function_looks_for_temporary_tables_last(dsn: str) -> None:
    """Else a temporary table named `account` decides who sees whom (PostgreSQL's manual, CREATE FUNCTION)."""
    with psycopg.connect(dsn) as conn:
        loose = conn.execute(
            "select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
            " where n.nspname = 'public' and p.prosecdef"
            " and not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, public, pg_temp']"
        ).fetchall()
    assert loose == []


def test_a_temporary_table_does_not_open_a_record(web: psycopg.Connection) -> None:
    act_as(web, "operator")
    web.execute("create temporary table care_relation as select * from public.care_relation with no data")
    web.execute(
        "create temporary table staff as select staff_id, 'nurse' as title, care_unit_id from public.staff"
    )
    web.execute(
        "insert into care_relation (patient_id, care_unit_id, basis, valid_from) values (%s, %s, '-', %s)",
        [patient(0), UNIT, NOW],
    )
    web.execute("grant select on care_relation, staff to public")
    assert web.execute("select may_see_patient(%s)", [patient(0)]).fetchone() == (False,)


@pytest.mark.parametrize(
    "change",
    [
        "patient_id = %(other)s",
        "owner_unit_id = %(unit)s",
        "level = 'grey'",
        "deadline = deadline + interval '1 year'",
    ],
)
def test_the_pages_change_a_cases_state_and_nothing_else(
    web: psycopg.Connection, case: object, change: str
) -> None:
    act_as(web, "nurse")
    with pytest.raises(errors.InsufficientPrivilege):
        web.execute(
            f"update alert_case set {change} where case_id = %(case)s".encode(),  # noqa: S608  the list above
            {"case": case, "other": patient(1), "unit": OTHER_UNIT},
        )


def test_the_pages_cannot_change_what_is_in_quarantine(web: psycopg.Connection) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        web.execute("update quarantine set raw = ''")


@pytest.mark.parametrize(("scope", "kinds"), [("status", ["contacted"]), ("values", ["contacted", "opened"])])
def test_a_next_of_kin_reads_findings_in_a_cases_history_only_with_consent_to_values(
    dsn: str, web: psycopg.Connection, case: object, scope: str, kinds: list[str]
) -> None:
    kin, account = uuid4(), person("account kin")
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "insert into next_of_kin (next_of_kin_id, given_name, family_name, phone)"
            " values (%s, 'A', 'B', '0')",
            [kin],
        )
        conn.execute(
            "insert into account (account_id, login, password_hash, role, next_of_kin_id)"
            " values (%s, 'kin', '-', 'next_of_kin', %s)",
            [account, kin],
        )
        conn.execute(
            "insert into kin_consent (patient_id, next_of_kin_id, scope, given_at) values (%s, %s, %s, %s)",
            [patient(0), kin, scope, NOW],
        )
    act_as(web, "kin")
    seen = web.execute("select kind from case_event where case_id = %s order by kind", [case]).fetchall()
    assert [row[0] for row in seen] == kinds


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("update care_unit set zone = 'Europe/Stokholm'", errors.InvalidParameterValue),
        ("update patient set zone = ''", errors.InvalidParameterValue),
        (
            "insert into staffed_hours select care_unit_id, 1, '08:00', '24:00' from care_unit",
            errors.CheckViolation,
        ),
    ],
)
def test_a_calendar_that_the_alerts_service_cannot_read_is_refused(
    dsn: str, statement: str, error: type[psycopg.Error]
) -> None:
    with psycopg.connect(dsn) as conn, pytest.raises(error):
        conn.execute(statement.encode())
