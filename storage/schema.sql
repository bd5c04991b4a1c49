-- The schema as all migrations together make it, on plain PostgreSQL. Made by
-- `.venv/bin/python -m tests.integration.storage.dump_schema`; a test holds it against the migrations.
CREATE FUNCTION public.access_log_chain() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    last access_log;
begin
    perform pg_advisory_xact_lock(4711); -- one chain, one writer at a time
    select * into last from access_log order by entry_id desc limit 1;
    new.entry_id := coalesce(last.entry_id, 0) + 1;
    new.previous := coalesce(last.hash, '\x'::bytea);
    new.hash := access_log_hash(new);
    return new;
end
$$;

CREATE TABLE public.access_log (
    entry_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    account_id uuid NOT NULL,
    care_unit_id text,
    action text NOT NULL,
    patient_ids uuid[] NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);

CREATE FUNCTION public.access_log_hash(l public.access_log) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$
    select sha256(l.previous || convert_to(concat_ws('|', l.entry_id, extract(epoch from l.at), l.account_id,
        coalesce(l.care_unit_id, ''), l.action, array_to_string(l.patient_ids, ',')), 'UTF8'))
$$;

CREATE FUNCTION public.access_logged(who uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select exists (
        select from access_log l
        where l.at = now() and l.account_id = acting_account() and l.patient_ids @> array[who])
$$;

CREATE FUNCTION public.acting_account() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$
    select nullif(current_setting('hemkurva.account_id', true), '')::uuid
$$;

CREATE FUNCTION public.acting_as_care_staff() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select exists (
        select from account a join staff s using (staff_id)
        where a.account_id = acting_account() and s.title in ('nurse', 'physician', 'coordinator'))
$$;

CREATE FUNCTION public.acting_as_next_of_kin() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select exists (
        select from account a where a.account_id = acting_account() and a.next_of_kin_id is not null)
$$;

CREATE FUNCTION public.acting_as_operations() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select exists (
        select from account a join staff s using (staff_id)
        where a.account_id = acting_account() and s.title in ('operator', 'coordinator'))
$$;

CREATE FUNCTION public.acting_as_physician() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select exists (
        select from account a join staff s using (staff_id)
        where a.account_id = acting_account() and s.title = 'physician')
$$;

CREATE FUNCTION public.acting_unit() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select s.care_unit_id from account a join staff s using (staff_id) where a.account_id = acting_account()
$$;

CREATE FUNCTION public.bind_device(gateway text, device text, slot smallint, patient uuid, from_time timestamp with time zone, to_time timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.bind_device_as_staff(gateway text, device text, slot smallint, patient uuid, from_time timestamp with time zone, to_time timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.device_binding_overlap() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform pg_advisory_xact_lock(hashtextextended(new.gateway_id || '/' || new.device_id, 0));
    if exists (
        select from device_binding b
        where b.gateway_id = new.gateway_id and b.device_id = new.device_id
            and b.user_slot is not distinct from new.user_slot and b.binding_id <> new.binding_id
            and tstzrange(b.valid_from, b.valid_to) && tstzrange(new.valid_from, new.valid_to)
    ) then
        raise exclusion_violation using
            message = 'this device and user slot is bound to a patient in that time already',
            hint = 'end the other binding first';
    end if;
    return new;
end
$$;

CREATE FUNCTION public.end_binding(which uuid, at_time timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.end_binding_as_staff(which uuid, at_time timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.evaluation_pending(who uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
    if not may_see_patient(who) then
        raise insufficient_privilege using message = 'no care relation or consent for this patient';
    end if;
    return exists (select from evaluation_due d where d.patient_id = who);
end
$$;

CREATE FUNCTION public.may_see_patient(who uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.may_see_technical_case(unit text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select exists (
        select from account a join staff s using (staff_id)
        where a.account_id = acting_account() and (s.care_unit_id = unit or s.title = 'operator'))
$$;

CREATE FUNCTION public.may_see_values(who uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select may_see_patient(who) and not exists (
        select from account a where a.account_id = acting_account() and a.next_of_kin_id is not null
            and not exists (
                select from kin_consent k
                where k.patient_id = who and k.next_of_kin_id = a.next_of_kin_id
                    and k.revoked_at is null and k.scope = 'values'))
$$;

CREATE FUNCTION public.measured_by(who uuid, from_time timestamp with time zone, to_time timestamp with time zone) RETURNS TABLE(kind text, readings bigint, last_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.notifications_waiting() RETURNS TABLE(waiting bigint, oldest timestamp with time zone, last_error text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select count(*), min(n.created_at), regexp_replace(
        (array_agg(n.last_error order by n.next_attempt_at desc) filter (where n.last_error is not null))[1],
        '[^[:space:]<>()''",;:]+@[^[:space:]<>()''",;:]+', '(address)', 'g')
    from notification n
    where n.sent_at is null and acting_as_operations()
$$;

CREATE FUNCTION public.patients_within_plan(since timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE TABLE public.reading (
    patient_id uuid NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    reading_id uuid NOT NULL,
    kind text NOT NULL,
    gateway_id text,
    device_id text NOT NULL,
    user_slot smallint,
    systolic double precision,
    diastolic double precision,
    mean_arterial double precision,
    pulse double precision,
    heart_rate double precision,
    weight double precision,
    bmi double precision,
    height double precision,
    breathlessness smallint,
    orthopnoea smallint,
    swelling smallint,
    dizziness smallint,
    flags text[] DEFAULT '{}'::text[] NOT NULL,
    origin text NOT NULL,
    clock text NOT NULL,
    device_time timestamp without time zone,
    received_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    characteristic text,
    raw bytea,
    corrects uuid,
    entered_by uuid
);

CREATE FUNCTION public.readings_of(who uuid, from_time timestamp with time zone, to_time timestamp with time zone) RETURNS SETOF public.reading
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
    if not may_see_values(who) then
        raise insufficient_privilege using message = 'no care relation or consent for these readings';
    end if;
    if not access_logged(who) then
        raise insufficient_privilege using message = 'readings are shown only after the access log is written';
    end if;
    return query
        select * from reading r
        where r.patient_id = who and r.measured_at >= from_time and r.measured_at < to_time
        order by r.measured_at, r.reading_id;
end
$$;

CREATE FUNCTION public.record_manual_reading(who uuid, id uuid, kind text, measured timestamp with time zone, systolic double precision, diastolic double precision, pulse double precision, weight double precision, breathlessness smallint, orthopnoea smallint, swelling smallint, dizziness smallint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise insufficient_privilege using message = format('%s is append-only', tg_table_name);
end
$$;

CREATE FUNCTION public.units_without_recipient() RETURNS TABLE(unit_name text, open_cases bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    select u.name, count(*)
    from care_unit u join alert_case c on c.owner_unit_id = u.care_unit_id and c.state <> 'closed'
    where acting_as_operations() and coalesce(u.email, '') = ''
        and not exists (select from staff s
            where s.care_unit_id = u.care_unit_id and s.title = 'nurse' and s.email <> '')
    group by u.care_unit_id, u.name
    order by u.name
$$;

CREATE FUNCTION public.wake() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform pg_notify(tg_argv[0], '');
    return null;
end
$$;

CREATE TABLE public.account (
    account_id uuid NOT NULL,
    login text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    staff_id uuid,
    patient_id uuid,
    next_of_kin_id uuid,
    demo boolean DEFAULT false NOT NULL,
    CONSTRAINT account_check CHECK ((num_nonnulls(staff_id, patient_id, next_of_kin_id) = 1)),
    CONSTRAINT account_role_check CHECK ((role = ANY (ARRAY['nurse'::text, 'physician'::text, 'coordinator'::text, 'operator'::text, 'patient'::text, 'next_of_kin'::text])))
);

CREATE TABLE public.alert_case (
    case_id uuid NOT NULL,
    patient_id uuid,
    gateway_id text,
    family text NOT NULL,
    level text NOT NULL,
    state text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    owner_kind text NOT NULL,
    owner_staff_id uuid,
    owner_unit_id text NOT NULL,
    deadline timestamp with time zone NOT NULL,
    contact_deadline timestamp with time zone,
    acknowledged_at timestamp with time zone,
    acknowledged_by uuid,
    closed_at timestamp with time zone,
    cause text,
    useful boolean,
    CONSTRAINT alert_case_check CHECK ((num_nonnulls(patient_id, gateway_id) = 1)),
    CONSTRAINT alert_case_check1 CHECK (((owner_kind = 'unit'::text) = (owner_staff_id IS NULL))),
    CONSTRAINT alert_case_check2 CHECK (((state = 'closed'::text) = (closed_at IS NOT NULL))),
    CONSTRAINT alert_case_check3 CHECK (((acknowledged_at IS NULL) = (acknowledged_by IS NULL))),
    CONSTRAINT alert_case_check4 CHECK (((state = 'open'::text) OR (acknowledged_by IS NOT NULL) OR ((state = 'closed'::text) AND (COALESCE(cause, ''::text) = 'resolved'::text) AND (level = 'grey'::text) AND (family = ANY (ARRAY['missing'::text, 'gateway_silent'::text]))))),
    CONSTRAINT alert_case_level_check CHECK ((level = ANY (ARRAY['red'::text, 'yellow'::text, 'grey'::text]))),
    CONSTRAINT alert_case_owner_kind_check CHECK ((owner_kind = ANY (ARRAY['named_contact'::text, 'deputy'::text, 'unit'::text]))),
    CONSTRAINT alert_case_state_check CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'closed'::text])))
);

CREATE TABLE public.care_relation (
    patient_id uuid NOT NULL,
    care_unit_id text NOT NULL,
    basis text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    CONSTRAINT care_relation_check CHECK ((valid_to > valid_from))
);

CREATE TABLE public.care_unit (
    care_unit_id text NOT NULL,
    name text NOT NULL,
    principal text NOT NULL,
    phone text NOT NULL,
    zone text DEFAULT 'Europe/Stockholm'::text NOT NULL,
    email text,
    CONSTRAINT care_unit_care_unit_id_check CHECK ((care_unit_id ~ '^SE[0-9]{10}-[A-Z0-9]+$'::text)),
    CONSTRAINT care_unit_principal_check CHECK ((principal = ANY (ARRAY['municipality'::text, 'region'::text]))),
    CONSTRAINT care_unit_zone_check CHECK ((('1970-01-01 00:00:00+00'::timestamp with time zone AT TIME ZONE zone) IS NOT NULL))
);

CREATE TABLE public.case_event (
    event_id bigint NOT NULL,
    case_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    account_id uuid,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT case_event_check CHECK (((kind <> ALL (ARRAY['acknowledged'::text, 'contacted'::text, 'consulted'::text, 'snoozed'::text, 'closed'::text])) OR (account_id IS NOT NULL))),
    CONSTRAINT case_event_kind_check CHECK ((kind = ANY (ARRAY['opened'::text, 'joined'::text, 'notified'::text, 'escalated'::text, 'acknowledged'::text, 'contacted'::text, 'consulted'::text, 'snoozed'::text, 'closed'::text, 'resolved'::text])))
);

ALTER TABLE public.case_event ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.case_event_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.closed_day (
    care_unit_id text NOT NULL,
    day date NOT NULL,
    reason text NOT NULL
);

CREATE TABLE public.device_binding (
    binding_id uuid NOT NULL,
    gateway_id text NOT NULL,
    device_id text NOT NULL,
    user_slot smallint,
    patient_id uuid NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    CONSTRAINT device_binding_check CHECK ((valid_to > valid_from))
);

CREATE TABLE public.evaluation_due (
    due_id bigint NOT NULL,
    patient_id uuid NOT NULL,
    since timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE public.evaluation_due ALTER COLUMN due_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.evaluation_due_due_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.finding (
    finding_id uuid NOT NULL,
    case_id uuid NOT NULL,
    patient_id uuid,
    gateway_id text,
    rule text NOT NULL,
    level text NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    evaluated_at timestamp with time zone NOT NULL,
    numbers jsonb NOT NULL,
    text_sv text NOT NULL,
    text_en text NOT NULL,
    confirmed boolean,
    reading_ids uuid[] NOT NULL,
    CONSTRAINT finding_level_check CHECK ((level = ANY (ARRAY['red'::text, 'yellow'::text, 'grey'::text])))
);

CREATE TABLE public.gateway (
    gateway_id text NOT NULL,
    care_unit_id text NOT NULL,
    label text NOT NULL,
    enrolled_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT gateway_gateway_id_check CHECK ((gateway_id ~ '^[a-z0-9][a-z0-9-]{2,62}$'::text))
);

CREATE TABLE public.gateway_status (
    gateway_id text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    online boolean NOT NULL,
    status jsonb NOT NULL
);

CREATE TABLE public.kin_consent (
    patient_id uuid NOT NULL,
    next_of_kin_id uuid NOT NULL,
    scope text NOT NULL,
    given_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT kin_consent_scope_check CHECK ((scope = ANY (ARRAY['status'::text, 'values'::text])))
);

CREATE TABLE public.login_failure (
    login_hash bytea NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.named_contact (
    patient_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    deputy_id uuid NOT NULL,
    care_unit_id text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    CONSTRAINT named_contact_check CHECK ((deputy_id <> staff_id)),
    CONSTRAINT named_contact_check1 CHECK ((valid_to > valid_from))
);

CREATE TABLE public.next_of_kin (
    next_of_kin_id uuid NOT NULL,
    given_name text NOT NULL,
    family_name text NOT NULL,
    phone text NOT NULL
);

CREATE TABLE public.notification (
    notification_id uuid NOT NULL,
    case_id uuid NOT NULL,
    channel text NOT NULL,
    reason text NOT NULL,
    staff_id uuid,
    address text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    sent_at timestamp with time zone,
    last_error text,
    CONSTRAINT notification_channel_check CHECK ((channel = 'email'::text)),
    CONSTRAINT notification_reason_check CHECK ((reason = ANY (ARRAY['opened'::text, 'worsened'::text, 'escalated'::text])))
);

CREATE TABLE public.patient (
    patient_id uuid NOT NULL,
    personnummer character(12) NOT NULL,
    given_name text NOT NULL,
    family_name text NOT NULL,
    born date NOT NULL,
    sex text NOT NULL,
    municipality text NOT NULL,
    phone text NOT NULL,
    zone text DEFAULT 'Europe/Stockholm'::text NOT NULL,
    language text DEFAULT 'sv'::text NOT NULL,
    CONSTRAINT patient_personnummer_check CHECK ((personnummer ~ '^[0-9]{12}$'::text)),
    CONSTRAINT patient_sex_check CHECK ((sex = ANY (ARRAY['female'::text, 'male'::text]))),
    CONSTRAINT patient_zone_check CHECK ((('1970-01-01 00:00:00+00'::timestamp with time zone AT TIME ZONE zone) IS NOT NULL))
);

CREATE TABLE public.plan (
    patient_id uuid NOT NULL,
    version integer NOT NULL,
    document jsonb NOT NULL,
    signed_by uuid NOT NULL,
    signed_at timestamp with time zone NOT NULL,
    CONSTRAINT plan_version_check CHECK ((version > 0))
);

CREATE TABLE public.quarantine (
    quarantine_id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    topic text NOT NULL,
    gateway_id text,
    reading_id uuid,
    reason text NOT NULL,
    detail text NOT NULL,
    digest bytea NOT NULL,
    raw bytea NOT NULL,
    seen integer DEFAULT 1 NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    CONSTRAINT quarantine_state_check CHECK ((state = ANY (ARRAY['open'::text, 'redriven'::text, 'discarded'::text])))
);

ALTER TABLE public.quarantine ALTER COLUMN quarantine_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.quarantine_quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.reading_identity (
    reading_id uuid NOT NULL
);

CREATE TABLE public.schema_migration (
    number integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.service_heartbeat (
    service text NOT NULL,
    instance text NOT NULL,
    at timestamp with time zone NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.staff (
    staff_id uuid NOT NULL,
    hsa_id text NOT NULL,
    given_name text NOT NULL,
    family_name text NOT NULL,
    title text NOT NULL,
    care_unit_id text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    CONSTRAINT staff_hsa_id_check CHECK ((hsa_id ~ '^SE[0-9]{10}-[A-Z0-9]+$'::text)),
    CONSTRAINT staff_title_check CHECK ((title = ANY (ARRAY['nurse'::text, 'physician'::text, 'coordinator'::text, 'operator'::text])))
);

CREATE TABLE public.staffed_hours (
    care_unit_id text NOT NULL,
    weekday smallint NOT NULL,
    opens time without time zone NOT NULL,
    closes time without time zone NOT NULL,
    CONSTRAINT staffed_hours_check CHECK (((closes > opens) AND (closes < '24:00:00'::time without time zone))),
    CONSTRAINT staffed_hours_weekday_check CHECK (((weekday >= 1) AND (weekday <= 7)))
);

CREATE TABLE public.trend_review (
    patient_id uuid NOT NULL,
    account_id uuid NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.unassigned_reading (
    reading_id uuid NOT NULL,
    gateway_id text NOT NULL,
    device_id text NOT NULL,
    user_slot smallint,
    measured_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    reading jsonb NOT NULL
);

CREATE TABLE public.web_session (
    token_hash bytea NOT NULL,
    account_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.access_log
    ADD CONSTRAINT access_log_pkey PRIMARY KEY (entry_id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_login_key UNIQUE (login);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.alert_case
    ADD CONSTRAINT alert_case_pkey PRIMARY KEY (case_id);

ALTER TABLE ONLY public.care_relation
    ADD CONSTRAINT care_relation_pkey PRIMARY KEY (patient_id, care_unit_id, valid_from);

ALTER TABLE ONLY public.care_unit
    ADD CONSTRAINT care_unit_pkey PRIMARY KEY (care_unit_id);

ALTER TABLE ONLY public.case_event
    ADD CONSTRAINT case_event_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.closed_day
    ADD CONSTRAINT closed_day_pkey PRIMARY KEY (care_unit_id, day);

ALTER TABLE ONLY public.device_binding
    ADD CONSTRAINT device_binding_pkey PRIMARY KEY (binding_id);

ALTER TABLE ONLY public.evaluation_due
    ADD CONSTRAINT evaluation_due_pkey PRIMARY KEY (due_id);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_pkey PRIMARY KEY (finding_id);

ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_pkey PRIMARY KEY (gateway_id);

ALTER TABLE ONLY public.gateway_status
    ADD CONSTRAINT gateway_status_pkey PRIMARY KEY (gateway_id);

ALTER TABLE ONLY public.kin_consent
    ADD CONSTRAINT kin_consent_pkey PRIMARY KEY (patient_id, next_of_kin_id, given_at);

ALTER TABLE ONLY public.named_contact
    ADD CONSTRAINT named_contact_pkey PRIMARY KEY (patient_id, valid_from);

ALTER TABLE ONLY public.next_of_kin
    ADD CONSTRAINT next_of_kin_pkey PRIMARY KEY (next_of_kin_id);

ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_pkey PRIMARY KEY (notification_id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_personnummer_key UNIQUE (personnummer);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_pkey PRIMARY KEY (patient_id);

ALTER TABLE ONLY public.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (patient_id, version);

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_id);

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_topic_digest_key UNIQUE (topic, digest);

ALTER TABLE ONLY public.reading_identity
    ADD CONSTRAINT reading_identity_pkey PRIMARY KEY (reading_id);

ALTER TABLE ONLY public.reading
    ADD CONSTRAINT reading_pkey PRIMARY KEY (patient_id, measured_at, reading_id);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.service_heartbeat
    ADD CONSTRAINT service_heartbeat_pkey PRIMARY KEY (service, instance);

ALTER TABLE ONLY public.staff
    ADD CONSTRAINT staff_hsa_id_key UNIQUE (hsa_id);

ALTER TABLE ONLY public.staff
    ADD CONSTRAINT staff_pkey PRIMARY KEY (staff_id);

ALTER TABLE ONLY public.staffed_hours
    ADD CONSTRAINT staffed_hours_pkey PRIMARY KEY (care_unit_id, weekday, opens);

ALTER TABLE ONLY public.trend_review
    ADD CONSTRAINT trend_review_pkey PRIMARY KEY (patient_id, at, account_id);

ALTER TABLE ONLY public.unassigned_reading
    ADD CONSTRAINT unassigned_reading_pkey PRIMARY KEY (reading_id);

ALTER TABLE ONLY public.web_session
    ADD CONSTRAINT web_session_pkey PRIMARY KEY (token_hash);

CREATE INDEX access_log_patients ON public.access_log USING gin (patient_ids);

CREATE INDEX alert_case_deadline ON public.alert_case USING btree (deadline) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX alert_case_one_open_gateway ON public.alert_case USING btree (gateway_id, family) WHERE (state <> 'closed'::text);

CREATE UNIQUE INDEX alert_case_one_open_patient ON public.alert_case USING btree (patient_id, family) WHERE (state <> 'closed'::text);

CREATE INDEX case_event_case ON public.case_event USING btree (case_id, event_id);

CREATE INDEX device_binding_lookup ON public.device_binding USING btree (gateway_id, device_id, valid_from);

CREATE INDEX finding_case ON public.finding USING btree (case_id, measured_at);

CREATE UNIQUE INDEX finding_once_gateway ON public.finding USING btree (gateway_id, rule, measured_at);

CREATE UNIQUE INDEX finding_once_patient ON public.finding USING btree (patient_id, rule, measured_at);

CREATE INDEX login_failure_recent ON public.login_failure USING btree (login_hash, at);

CREATE UNIQUE INDEX named_contact_current ON public.named_contact USING btree (patient_id) WHERE (valid_to IS NULL);

CREATE INDEX notification_waiting ON public.notification USING btree (next_attempt_at) WHERE (sent_at IS NULL);

CREATE INDEX quarantine_open ON public.quarantine USING btree (received_at) WHERE (state = 'open'::text);

CREATE INDEX unassigned_reading_device ON public.unassigned_reading USING btree (gateway_id, device_id, measured_at);

CREATE TRIGGER access_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.access_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER access_log_chain BEFORE INSERT ON public.access_log FOR EACH ROW EXECUTE FUNCTION public.access_log_chain();

CREATE TRIGGER alert_case_wake AFTER INSERT OR UPDATE ON public.alert_case FOR EACH STATEMENT EXECUTE FUNCTION public.wake('case_changed');

CREATE TRIGGER case_event_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.case_event FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER device_binding_overlap BEFORE INSERT OR UPDATE ON public.device_binding FOR EACH ROW EXECUTE FUNCTION public.device_binding_overlap();

CREATE TRIGGER evaluation_due_wake AFTER INSERT ON public.evaluation_due FOR EACH STATEMENT EXECUTE FUNCTION public.wake('evaluation_due');

CREATE TRIGGER finding_wake AFTER INSERT OR UPDATE ON public.finding FOR EACH STATEMENT EXECUTE FUNCTION public.wake('case_changed');

CREATE TRIGGER notification_wake AFTER INSERT ON public.notification FOR EACH STATEMENT EXECUTE FUNCTION public.wake('notification');

CREATE TRIGGER trend_review_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.trend_review FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE ONLY public.access_log
    ADD CONSTRAINT access_log_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(account_id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_next_of_kin_id_fkey FOREIGN KEY (next_of_kin_id) REFERENCES public.next_of_kin(next_of_kin_id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_staff_id_fkey FOREIGN KEY (staff_id) REFERENCES public.staff(staff_id);

ALTER TABLE ONLY public.alert_case
    ADD CONSTRAINT alert_case_acknowledged_by_fkey FOREIGN KEY (acknowledged_by) REFERENCES public.account(account_id);

ALTER TABLE ONLY public.alert_case
    ADD CONSTRAINT alert_case_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(gateway_id);

ALTER TABLE ONLY public.alert_case
    ADD CONSTRAINT alert_case_owner_staff_id_fkey FOREIGN KEY (owner_staff_id) REFERENCES public.staff(staff_id);

ALTER TABLE ONLY public.alert_case
    ADD CONSTRAINT alert_case_owner_unit_id_fkey FOREIGN KEY (owner_unit_id) REFERENCES public.care_unit(care_unit_id);

ALTER TABLE ONLY public.alert_case
    ADD CONSTRAINT alert_case_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.care_relation
    ADD CONSTRAINT care_relation_care_unit_id_fkey FOREIGN KEY (care_unit_id) REFERENCES public.care_unit(care_unit_id);

ALTER TABLE ONLY public.care_relation
    ADD CONSTRAINT care_relation_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.case_event
    ADD CONSTRAINT case_event_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(account_id);

ALTER TABLE ONLY public.case_event
    ADD CONSTRAINT case_event_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.alert_case(case_id);

ALTER TABLE ONLY public.closed_day
    ADD CONSTRAINT closed_day_care_unit_id_fkey FOREIGN KEY (care_unit_id) REFERENCES public.care_unit(care_unit_id);

ALTER TABLE ONLY public.device_binding
    ADD CONSTRAINT device_binding_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(gateway_id);

ALTER TABLE ONLY public.device_binding
    ADD CONSTRAINT device_binding_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.alert_case(case_id);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(gateway_id);

ALTER TABLE ONLY public.finding
    ADD CONSTRAINT finding_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_care_unit_id_fkey FOREIGN KEY (care_unit_id) REFERENCES public.care_unit(care_unit_id);

ALTER TABLE ONLY public.gateway_status
    ADD CONSTRAINT gateway_status_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES public.gateway(gateway_id);

ALTER TABLE ONLY public.kin_consent
    ADD CONSTRAINT kin_consent_next_of_kin_id_fkey FOREIGN KEY (next_of_kin_id) REFERENCES public.next_of_kin(next_of_kin_id);

ALTER TABLE ONLY public.kin_consent
    ADD CONSTRAINT kin_consent_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.named_contact
    ADD CONSTRAINT named_contact_care_unit_id_fkey FOREIGN KEY (care_unit_id) REFERENCES public.care_unit(care_unit_id);

ALTER TABLE ONLY public.named_contact
    ADD CONSTRAINT named_contact_deputy_id_fkey FOREIGN KEY (deputy_id) REFERENCES public.staff(staff_id);

ALTER TABLE ONLY public.named_contact
    ADD CONSTRAINT named_contact_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.named_contact
    ADD CONSTRAINT named_contact_staff_id_fkey FOREIGN KEY (staff_id) REFERENCES public.staff(staff_id);

ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.alert_case(case_id);

ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_staff_id_fkey FOREIGN KEY (staff_id) REFERENCES public.staff(staff_id);

ALTER TABLE ONLY public.plan
    ADD CONSTRAINT plan_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.plan
    ADD CONSTRAINT plan_signed_by_fkey FOREIGN KEY (signed_by) REFERENCES public.staff(staff_id);

ALTER TABLE ONLY public.staff
    ADD CONSTRAINT staff_care_unit_id_fkey FOREIGN KEY (care_unit_id) REFERENCES public.care_unit(care_unit_id);

ALTER TABLE ONLY public.staffed_hours
    ADD CONSTRAINT staffed_hours_care_unit_id_fkey FOREIGN KEY (care_unit_id) REFERENCES public.care_unit(care_unit_id);

ALTER TABLE ONLY public.trend_review
    ADD CONSTRAINT trend_review_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(account_id);

ALTER TABLE ONLY public.trend_review
    ADD CONSTRAINT trend_review_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patient(patient_id);

ALTER TABLE ONLY public.web_session
    ADD CONSTRAINT web_session_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(account_id);

ALTER TABLE public.alert_case ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.care_relation ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.case_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.device_binding ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.finding ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kin_consent ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.named_contact ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plan ENABLE ROW LEVEL SECURITY;

CREATE POLICY services_all ON public.alert_case TO hemkurva_alerts USING (true) WITH CHECK (true);

CREATE POLICY services_all ON public.case_event TO hemkurva_alerts USING (true) WITH CHECK (true);

CREATE POLICY services_all ON public.finding TO hemkurva_alerts USING (true) WITH CHECK (true);

CREATE POLICY services_see ON public.device_binding FOR SELECT TO hemkurva_ingest, hemkurva_alerts USING (true);

CREATE POLICY services_see ON public.named_contact FOR SELECT TO hemkurva_alerts USING (true);

CREATE POLICY services_see ON public.patient FOR SELECT TO hemkurva_ingest, hemkurva_alerts USING (true);

CREATE POLICY services_see ON public.plan FOR SELECT TO hemkurva_alerts USING (true);

ALTER TABLE public.trend_review ENABLE ROW LEVEL SECURITY;

CREATE POLICY web_adds ON public.case_event FOR INSERT TO hemkurva_web WITH CHECK (((account_id = public.acting_account()) AND public.acting_as_care_staff() AND (EXISTS ( SELECT
   FROM public.alert_case c
  WHERE (c.case_id = case_event.case_id)))));

CREATE POLICY web_adds ON public.trend_review FOR INSERT TO hemkurva_web WITH CHECK (((account_id = public.acting_account()) AND public.acting_as_physician() AND public.may_see_patient(patient_id) AND public.access_logged(patient_id)));

CREATE POLICY web_changes ON public.alert_case FOR UPDATE TO hemkurva_web USING ((public.acting_as_care_staff() AND
CASE
    WHEN (patient_id IS NULL) THEN (owner_unit_id = public.acting_unit())
    ELSE public.may_see_patient(patient_id)
END));

CREATE POLICY web_sees ON public.alert_case FOR SELECT TO hemkurva_web USING (
CASE
    WHEN (patient_id IS NULL) THEN public.may_see_technical_case(owner_unit_id)
    ELSE public.may_see_patient(patient_id)
END);

CREATE POLICY web_sees ON public.care_relation FOR SELECT TO hemkurva_web USING (public.may_see_patient(patient_id));

CREATE POLICY web_sees ON public.case_event FOR SELECT TO hemkurva_web USING ((EXISTS ( SELECT
   FROM public.alert_case c
  WHERE ((c.case_id = case_event.case_id) AND ((c.patient_id IS NULL) OR (case_event.kind = 'contacted'::text) OR public.may_see_values(c.patient_id))))));

CREATE POLICY web_sees ON public.device_binding FOR SELECT TO hemkurva_web USING (public.may_see_patient(patient_id));

CREATE POLICY web_sees ON public.finding FOR SELECT TO hemkurva_web USING (
CASE
    WHEN (patient_id IS NULL) THEN (EXISTS ( SELECT
       FROM public.alert_case c
      WHERE (c.case_id = finding.case_id)))
    ELSE public.may_see_values(patient_id)
END);

CREATE POLICY web_sees ON public.kin_consent FOR SELECT TO hemkurva_web USING ((public.may_see_patient(patient_id) OR (next_of_kin_id = ( SELECT a.next_of_kin_id
   FROM public.account a
  WHERE (a.account_id = public.acting_account())))));

CREATE POLICY web_sees ON public.named_contact FOR SELECT TO hemkurva_web USING (public.may_see_patient(patient_id));

CREATE POLICY web_sees ON public.patient FOR SELECT TO hemkurva_web USING (public.may_see_patient(patient_id));

CREATE POLICY web_sees ON public.plan FOR SELECT TO hemkurva_web USING ((public.may_see_patient(patient_id) AND (NOT public.acting_as_next_of_kin())));

CREATE POLICY web_sees ON public.trend_review FOR SELECT TO hemkurva_web USING ((public.may_see_patient(patient_id) AND (NOT public.acting_as_next_of_kin())));

CREATE POLICY web_writes ON public.plan FOR INSERT TO hemkurva_web WITH CHECK ((public.acting_as_care_staff() AND public.may_see_patient(patient_id)));

GRANT USAGE ON SCHEMA public TO hemkurva_ingest;
GRANT USAGE ON SCHEMA public TO hemkurva_alerts;
GRANT USAGE ON SCHEMA public TO hemkurva_web;

GRANT SELECT,INSERT ON TABLE public.access_log TO hemkurva_web;

REVOKE ALL ON FUNCTION public.acting_as_operations() FROM PUBLIC;
GRANT ALL ON FUNCTION public.acting_as_operations() TO hemkurva_web;

REVOKE ALL ON FUNCTION public.acting_as_physician() FROM PUBLIC;
GRANT ALL ON FUNCTION public.acting_as_physician() TO hemkurva_web;

REVOKE ALL ON FUNCTION public.acting_unit() FROM PUBLIC;
GRANT ALL ON FUNCTION public.acting_unit() TO hemkurva_web;

REVOKE ALL ON FUNCTION public.bind_device(gateway text, device text, slot smallint, patient uuid, from_time timestamp with time zone, to_time timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.bind_device_as_staff(gateway text, device text, slot smallint, patient uuid, from_time timestamp with time zone, to_time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.bind_device_as_staff(gateway text, device text, slot smallint, patient uuid, from_time timestamp with time zone, to_time timestamp with time zone) TO hemkurva_web;

REVOKE ALL ON FUNCTION public.end_binding(which uuid, at_time timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.end_binding_as_staff(which uuid, at_time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.end_binding_as_staff(which uuid, at_time timestamp with time zone) TO hemkurva_web;

REVOKE ALL ON FUNCTION public.evaluation_pending(who uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.evaluation_pending(who uuid) TO hemkurva_web;

REVOKE ALL ON FUNCTION public.may_see_technical_case(unit text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.may_see_technical_case(unit text) TO hemkurva_web;

REVOKE ALL ON FUNCTION public.measured_by(who uuid, from_time timestamp with time zone, to_time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.measured_by(who uuid, from_time timestamp with time zone, to_time timestamp with time zone) TO hemkurva_web;

REVOKE ALL ON FUNCTION public.notifications_waiting() FROM PUBLIC;
GRANT ALL ON FUNCTION public.notifications_waiting() TO hemkurva_web;

REVOKE ALL ON FUNCTION public.patients_within_plan(since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.patients_within_plan(since timestamp with time zone) TO hemkurva_web;

GRANT SELECT,INSERT ON TABLE public.reading TO hemkurva_ingest;
GRANT SELECT ON TABLE public.reading TO hemkurva_alerts;

REVOKE ALL ON FUNCTION public.record_manual_reading(who uuid, id uuid, kind text, measured timestamp with time zone, systolic double precision, diastolic double precision, pulse double precision, weight double precision, breathlessness smallint, orthopnoea smallint, swelling smallint, dizziness smallint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_manual_reading(who uuid, id uuid, kind text, measured timestamp with time zone, systolic double precision, diastolic double precision, pulse double precision, weight double precision, breathlessness smallint, orthopnoea smallint, swelling smallint, dizziness smallint) TO hemkurva_web;

REVOKE ALL ON FUNCTION public.units_without_recipient() FROM PUBLIC;
GRANT ALL ON FUNCTION public.units_without_recipient() TO hemkurva_web;

GRANT SELECT ON TABLE public.account TO hemkurva_web;

GRANT SELECT,INSERT,UPDATE ON TABLE public.alert_case TO hemkurva_alerts;
GRANT SELECT ON TABLE public.alert_case TO hemkurva_web;

GRANT UPDATE(state) ON TABLE public.alert_case TO hemkurva_web;

GRANT UPDATE(acknowledged_at) ON TABLE public.alert_case TO hemkurva_web;

GRANT UPDATE(acknowledged_by) ON TABLE public.alert_case TO hemkurva_web;

GRANT UPDATE(closed_at) ON TABLE public.alert_case TO hemkurva_web;

GRANT UPDATE(cause) ON TABLE public.alert_case TO hemkurva_web;

GRANT UPDATE(useful) ON TABLE public.alert_case TO hemkurva_web;

GRANT SELECT ON TABLE public.care_relation TO hemkurva_alerts;
GRANT SELECT ON TABLE public.care_relation TO hemkurva_web;

GRANT SELECT ON TABLE public.care_unit TO hemkurva_alerts;
GRANT SELECT ON TABLE public.care_unit TO hemkurva_web;

GRANT SELECT,INSERT ON TABLE public.case_event TO hemkurva_alerts;
GRANT SELECT,INSERT ON TABLE public.case_event TO hemkurva_web;

GRANT SELECT ON TABLE public.closed_day TO hemkurva_alerts;
GRANT SELECT ON TABLE public.closed_day TO hemkurva_web;

GRANT SELECT ON TABLE public.device_binding TO hemkurva_ingest;
GRANT SELECT ON TABLE public.device_binding TO hemkurva_alerts;
GRANT SELECT ON TABLE public.device_binding TO hemkurva_web;

GRANT INSERT ON TABLE public.evaluation_due TO hemkurva_ingest;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.evaluation_due TO hemkurva_alerts;

GRANT SELECT,INSERT,UPDATE ON TABLE public.finding TO hemkurva_alerts;
GRANT SELECT ON TABLE public.finding TO hemkurva_web;

GRANT SELECT ON TABLE public.gateway TO hemkurva_ingest;
GRANT SELECT ON TABLE public.gateway TO hemkurva_alerts;
GRANT SELECT ON TABLE public.gateway TO hemkurva_web;

GRANT SELECT,INSERT,UPDATE ON TABLE public.gateway_status TO hemkurva_ingest;
GRANT SELECT ON TABLE public.gateway_status TO hemkurva_alerts;
GRANT SELECT ON TABLE public.gateway_status TO hemkurva_web;

GRANT SELECT ON TABLE public.kin_consent TO hemkurva_web;

GRANT SELECT,INSERT,DELETE ON TABLE public.login_failure TO hemkurva_web;

GRANT SELECT ON TABLE public.named_contact TO hemkurva_alerts;
GRANT SELECT ON TABLE public.named_contact TO hemkurva_web;

GRANT SELECT ON TABLE public.next_of_kin TO hemkurva_web;

GRANT SELECT,INSERT,UPDATE ON TABLE public.notification TO hemkurva_alerts;

GRANT SELECT ON TABLE public.patient TO hemkurva_alerts;
GRANT SELECT ON TABLE public.patient TO hemkurva_web;

GRANT SELECT ON TABLE public.plan TO hemkurva_alerts;
GRANT SELECT,INSERT ON TABLE public.plan TO hemkurva_web;

GRANT SELECT,INSERT,UPDATE ON TABLE public.quarantine TO hemkurva_ingest;
GRANT SELECT ON TABLE public.quarantine TO hemkurva_web;

GRANT UPDATE(state) ON TABLE public.quarantine TO hemkurva_web;

GRANT SELECT,INSERT ON TABLE public.reading_identity TO hemkurva_ingest;

GRANT SELECT,INSERT,UPDATE ON TABLE public.service_heartbeat TO hemkurva_ingest;
GRANT SELECT,INSERT,UPDATE ON TABLE public.service_heartbeat TO hemkurva_alerts;
GRANT SELECT,INSERT,UPDATE ON TABLE public.service_heartbeat TO hemkurva_web;

GRANT SELECT ON TABLE public.staff TO hemkurva_alerts;
GRANT SELECT ON TABLE public.staff TO hemkurva_web;

GRANT SELECT ON TABLE public.staffed_hours TO hemkurva_alerts;
GRANT SELECT ON TABLE public.staffed_hours TO hemkurva_web;

GRANT SELECT,INSERT ON TABLE public.trend_review TO hemkurva_web;

GRANT SELECT,INSERT ON TABLE public.unassigned_reading TO hemkurva_ingest;
GRANT SELECT ON TABLE public.unassigned_reading TO hemkurva_web;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.web_session TO hemkurva_web;
