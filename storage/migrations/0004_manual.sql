-- Values entered by hand, and what a next of kin may know without seeing values.

create function acting_as_next_of_kin() returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select exists (
        select from account a where a.account_id = acting_account() and a.next_of_kin_id is not null)
$$;

-- Equal access: who has no gateway in reach writes the value in. The patient herself may, and a nurse or
-- physician with a care relation; a next of kin may not. The line in the access log stands in the same
-- transaction. Answers false for a reading that was stored before (the same form sent twice).
-- Ranges are those of wire/reading.py, which has checked them; kinds and times are checked here too, because
-- what a person types must not become a reading of 1970 or of next year whoever calls.
create function record_manual_reading(
    who uuid, id uuid, kind text, measured timestamptz,
    systolic double precision, diastolic double precision, pulse double precision, weight double precision,
    breathlessness smallint, orthopnoea smallint, swelling smallint, dizziness smallint
) returns boolean
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if not may_see_patient(who) or acting_as_next_of_kin() then
        raise insufficient_privilege using
            message = 'only the patient herself or staff with a care relation may enter a value';
    end if;
    if not access_logged(who) then
        raise insufficient_privilege using message = 'a value is entered only after the access log is written';
    end if;
    if kind not in ('weight', 'blood_pressure', 'symptoms') then
        raise check_violation using message = format('a %s is not entered by hand', kind);
    end if;
    if measured > now() + interval '5 minutes' or measured < now() - interval '31 days' then
        raise check_violation using message = 'a value entered by hand is from the last 31 days';
    end if;
    insert into reading_identity (reading_id) values (id) on conflict do nothing;
    if not found then
        return false;
    end if;
    insert into reading (patient_id, measured_at, reading_id, kind, device_id, systolic, diastolic, pulse, weight,
        breathlessness, orthopnoea, swelling, dizziness, origin, clock, received_at, entered_by)
    values (who, measured, id, kind, 'manual', systolic, diastolic, pulse, weight,
        breathlessness, orthopnoea, swelling, dizziness, 'manual', 'gateway', now(), acting_account());
    insert into evaluation_due (patient_id, since) values (who, measured);
    return true;
end
$$;
revoke execute on function record_manual_reading from public;
grant execute on function record_manual_reading to hemkurva_web;

-- That something was measured, and when, but no value: what the consent "status" allows.
create function measured_by(who uuid, from_time timestamptz, to_time timestamptz)
    returns table (kind text, readings bigint, last_at timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if not may_see_patient(who) then
        raise insufficient_privilege using message = 'no care relation or consent for this patient';
    end if;
    if not access_logged(who) then
        raise insufficient_privilege using message = 'shown only after the access log is written';
    end if;
    return query
        select r.kind, count(*), max(r.measured_at) from reading r
        where r.patient_id = who and r.measured_at >= from_time and r.measured_at < to_time
        group by r.kind;
end
$$;
revoke execute on function measured_by from public;
grant execute on function measured_by to hemkurva_web;

-- Whether readings wait for the rules, or for being repeated (a row of the future): what has not been looked at
-- must not be called as usual.
create function evaluation_pending(who uuid) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if not may_see_patient(who) then
        raise insufficient_privilege using message = 'no care relation or consent for this patient';
    end if;
    return exists (select from evaluation_due d where d.patient_id = who);
end
$$;
revoke execute on function evaluation_pending from public;
grant execute on function evaluation_pending to hemkurva_web;

-- A finding states values, a plan states diagnosis, limits and medication. A next of kin with the consent
-- "status" knows that there is a case and whose it is; one with "values" sees findings too; the plan is the
-- patient's and the staff's.
alter policy web_sees on finding using (patient_id is null or may_see_values(patient_id));

alter policy web_sees on plan using (may_see_patient(patient_id) and not acting_as_next_of_kin());

-- A case's history tells findings in words, and what was said and done about them. All that a next of kin with
-- the consent "status" needs of it is that somebody has been in touch.
alter policy web_sees on case_event using (
    exists (
        select from alert_case c
        where c.case_id = case_event.case_id
            and (c.patient_id is null or case_event.kind = 'contacted' or may_see_values(c.patient_id))));
