-- Giving a device's user slot to a patient, and with it the readings that have waited for that.

-- `lock table` makes it wait for ingest's open transactions and makes new ones wait for it. Without it, a
-- reading that is stored at the same moment would see no binding, and this function would not see the reading.
create function bind_device(
    gateway text, device text, slot smallint, patient uuid, from_time timestamptz, to_time timestamptz
) returns uuid
    language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
    binding uuid := gen_random_uuid();
begin
    lock table unassigned_reading in share row exclusive mode;
    insert into device_binding (binding_id, gateway_id, device_id, user_slot, patient_id, valid_from, valid_to)
    values (binding, gateway, device, slot, patient, from_time, to_time);
    with taken as (
        delete from unassigned_reading u
        where u.gateway_id = gateway and u.device_id = device and u.user_slot is not distinct from slot
            and u.measured_at >= from_time and (to_time is null or u.measured_at < to_time)
        returning u.reading
    ), stored as (
        insert into reading
        select r.*
        from taken t
        cross join lateral jsonb_populate_record(null::reading,
            t.reading || jsonb_build_object('patient_id', patient, 'stored_at', clock_timestamp())) r
        returning measured_at
    )
    insert into evaluation_due (patient_id, since)
    select patient, min(measured_at) from stored having count(*) > 0;
    return binding;
end
$$;
revoke execute on function bind_device from public;

-- What staff may do of it: a nurse or coordinator, for a patient they may see, with a gateway of their own
-- unit (else anybody's waiting readings could be drawn into a record). It leaves a line in the access log.
create function bind_device_as_staff(
    gateway text, device text, slot smallint, patient uuid, from_time timestamptz, to_time timestamptz
) returns uuid
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    acting staff;
begin
    select s.* into acting from account a join staff s using (staff_id)
    where a.account_id = acting_account() and s.title in ('nurse', 'coordinator');
    if not found then
        raise insufficient_privilege using message = 'only a nurse or a coordinator may bind a device';
    end if;
    if not may_see_patient(patient) then
        raise insufficient_privilege using message = 'no care relation to this patient';
    end if;
    if not exists (select from gateway g where g.gateway_id = gateway and g.care_unit_id = acting.care_unit_id) then
        raise insufficient_privilege using message = 'this gateway belongs to another care unit';
    end if;
    insert into access_log (at, account_id, care_unit_id, action, patient_ids)
    values (now(), acting_account(), acting.care_unit_id, 'bind_device', array[patient]);
    return bind_device(gateway, device, slot, patient, from_time, to_time);
end
$$;
revoke execute on function bind_device_as_staff from public;
grant execute on function bind_device_as_staff to hemkurva_web;
