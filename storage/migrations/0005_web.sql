-- What the pages may see beyond patients and readings: technical cases, bindings, consents, counts.

-- The care unit of the staff member that this transaction acts for; null for everybody else.
create function acting_unit() returns text
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select s.care_unit_id from account a join staff s using (staff_id) where a.account_id = acting_account()
$$;

-- A technical case (a silent gateway) concerns the unit that owns it and the operators.
create function may_see_technical_case(unit text) returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select exists (
        select from account a join staff s using (staff_id)
        where a.account_id = acting_account() and (s.care_unit_id = unit or s.title = 'operator'))
$$;

alter policy web_sees on alert_case using (
    case when patient_id is null then may_see_technical_case(owner_unit_id) else may_see_patient(patient_id) end);
alter policy web_changes on alert_case using (
    acting_as_care_staff()
    and case when patient_id is null then owner_unit_id = acting_unit() else may_see_patient(patient_id) end);
alter policy web_sees on finding using (
    case when patient_id is null then exists (select from alert_case c where c.case_id = finding.case_id)
        else may_see_values(patient_id) end);

-- Which device is whose, whose relative somebody is, where somebody is cared for: known with the patient only.
alter table device_binding enable row level security;
create policy web_sees on device_binding for select to hemkurva_web using (may_see_patient(patient_id));
create policy services_see on device_binding for select to hemkurva_ingest, hemkurva_alerts using (true);

alter table care_relation enable row level security;
create policy web_sees on care_relation for select to hemkurva_web using (may_see_patient(patient_id));

alter table kin_consent enable row level security;
create policy web_sees on kin_consent for select to hemkurva_web using (
    may_see_patient(patient_id)
    or next_of_kin_id = (select a.next_of_kin_id from account a where a.account_id = acting_account()));

-- How many patients of the acting unit have measured since a time, were looked at by the rules of a plan, and
-- have no open case. A number without names: it needs no line in the access log.
create function patients_within_plan(since timestamptz) returns bigint
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select count(*) from patient p
    where acting_as_care_staff()
        and exists (select from care_relation r where r.patient_id = p.patient_id
            and r.care_unit_id = acting_unit() and r.valid_from <= now()
            and (r.valid_to is null or r.valid_to > now()))
        and exists (select from reading m where m.patient_id = p.patient_id and m.measured_at >= since)
        and exists (select from plan l where l.patient_id = p.patient_id)
        and not exists (select from evaluation_due d where d.patient_id = p.patient_id)
        and not exists (select from alert_case c where c.patient_id = p.patient_id and c.state <> 'closed')
$$;
revoke execute on function acting_unit, may_see_technical_case, patients_within_plan from public;
grant execute on function acting_unit, may_see_technical_case, patients_within_plan to hemkurva_web;
