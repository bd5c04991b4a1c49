-- The end of a binding; who may see a patient through an appointment or a case; what the operator must know of
-- notifications.

-- From `at_time` on, what the device measures is nobody's: it goes to the tray. What is stored already stays
-- where it is. It waits for ingest's open transactions as bind_device does, so that none of them still sees the
-- binding open after this has committed.
create function end_binding(which uuid, at_time timestamptz) returns void
    language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
    lock table unassigned_reading in share row exclusive mode;
    update device_binding set valid_to = at_time
    where binding_id = which and (valid_to is null or valid_to > at_time);
    if found then
        return;
    end if;
    if exists (select from device_binding where binding_id = which) then
        raise object_not_in_prerequisite_state using message = 'this binding has ended before that time already';
    end if;
    raise no_data_found using message = 'there is no such binding';
end
$$;
revoke execute on function end_binding from public;

-- What a nurse may do of it: for a patient whom she may see, with a gateway of her own unit. A binding that she
-- may not see is refused like one that does not exist. It leaves a line in the access log.
create function end_binding_as_staff(which uuid, at_time timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    acting staff;
    bound device_binding;
begin
    select s.* into acting from account a join staff s using (staff_id)
    where a.account_id = acting_account() and s.title = 'nurse';
    if not found then
        raise insufficient_privilege using message = 'only a nurse may take a device back';
    end if;
    select b.* into bound from device_binding b where b.binding_id = which;
    if not found or not may_see_patient(bound.patient_id) then
        raise insufficient_privilege using message = 'no such binding, or no care relation to its patient';
    end if;
    if not exists (select from gateway g
        where g.gateway_id = bound.gateway_id and g.care_unit_id = acting.care_unit_id) then
        raise insufficient_privilege using message = 'this gateway belongs to another care unit';
    end if;
    insert into access_log (at, account_id, care_unit_id, action, patient_ids)
    values (now(), acting_account(), acting.care_unit_id, 'end_binding', array[bound.patient_id]);
    perform end_binding(which, at_time);
end
$$;
revoke execute on function end_binding_as_staff from public;
grant execute on function end_binding_as_staff to hemkurva_web;

-- Who is told of a case must be able to see it. Besides a unit's care relation, an appointment as named contact
-- or deputy is a care relation while it lasts; and a unit that a case was passed on to sees its patient until
-- the case is closed.
create or replace function may_see_patient(who uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select exists (
        select from account a
        left join staff s using (staff_id)
        where a.account_id = acting_account() and (
            a.patient_id = who
            or (s.title in ('nurse', 'physician') and exists (
                select from care_relation r
                where r.patient_id = who and r.care_unit_id = s.care_unit_id
                    and r.valid_from <= now() and (r.valid_to is null or r.valid_to > now())))
            or (s.title in ('nurse', 'physician') and exists (
                select from named_contact n
                where n.patient_id = who and s.staff_id in (n.staff_id, n.deputy_id)
                    and n.valid_from <= now() and (n.valid_to is null or n.valid_to > now())))
            or (s.title = 'nurse' and exists (
                select from alert_case c
                where c.patient_id = who and c.owner_unit_id = s.care_unit_id and c.state <> 'closed'))
            or exists (
                select from kin_consent k
                where k.patient_id = who and k.next_of_kin_id = a.next_of_kin_id and k.revoked_at is null)))
$$;

-- Operators and coordinators look after the service and see no patient.
create function acting_as_operations() returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select exists (
        select from account a join staff s using (staff_id)
        where a.account_id = acting_account() and s.title in ('operator', 'coordinator'))
$$;

-- How many notifications wait, since when, and why the last one failed. Whom they are for and what they are
-- about stays in the table; a mail server repeats addresses in its refusals, so they are taken out.
create function notifications_waiting() returns table (waiting bigint, oldest timestamptz, last_error text)
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select count(*), min(n.created_at), regexp_replace(
        (array_agg(n.last_error order by n.next_attempt_at desc) filter (where n.last_error is not null))[1],
        '[^[:space:]<>()''",;:]+@[^[:space:]<>()''",;:]+', '(address)', 'g')
    from notification n
    where n.sent_at is null and acting_as_operations()
$$;

-- Units that answer for open cases and have neither a shared mailbox nor a nurse with an address.
create function units_without_recipient() returns table (unit_name text, open_cases bigint)
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select u.name, count(*)
    from care_unit u join alert_case c on c.owner_unit_id = u.care_unit_id and c.state <> 'closed'
    where acting_as_operations() and coalesce(u.email, '') = ''
        and not exists (select from staff s
            where s.care_unit_id = u.care_unit_id and s.title = 'nurse' and s.email <> '')
    group by u.care_unit_id, u.name
    order by u.name
$$;
revoke execute on function acting_as_operations, notifications_waiting, units_without_recipient from public;
grant execute on function acting_as_operations, notifications_waiting, units_without_recipient to hemkurva_web;
