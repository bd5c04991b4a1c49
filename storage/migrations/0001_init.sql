-- The first schema: people, care, devices, readings, plans, cases, access.
-- Plain SQL that PostgreSQL >= 16 and TimescaleDB take alike (docs/architecture.md, "Storage").

-- ---------------------------------------------------------------------------------------------------------
-- Roles. Each service connects and then sets its role; what a role may not do, no bug in its code can do.
-- ---------------------------------------------------------------------------------------------------------
do $$
declare
    wanted text;
begin
    foreach wanted in array array['hemkurva_ingest', 'hemkurva_alerts', 'hemkurva_web'] loop
        begin
            execute format('create role %I nologin', wanted);
        exception when duplicate_object or unique_violation then
            null; -- roles belong to the cluster: another database of it has made them
        end;
    end loop;
end
$$;

-- ---------------------------------------------------------------------------------------------------------
-- Care units and people
-- ---------------------------------------------------------------------------------------------------------
create table care_unit (
    care_unit_id text primary key check (care_unit_id ~ '^SE[0-9]{10}-[A-Z0-9]+$'), -- HSA-id
    name text not null,
    principal text not null check (principal in ('municipality', 'region')),
    phone text not null,
    zone text not null default 'Europe/Stockholm'
        check (timestamptz 'epoch' at time zone zone is not null), -- refuses a zone that does not exist
    email text -- the unit's shared mailbox; without one, each of its nurses is notified
);

create table staffed_hours (
    care_unit_id text not null references care_unit,
    weekday smallint not null check (weekday between 1 and 7), -- ISO: Monday is 1
    opens time not null,
    closes time not null check (closes > opens and closes < '24:00'), -- Python has no hour 24
    primary key (care_unit_id, weekday, opens)
);

create table closed_day (
    care_unit_id text not null references care_unit,
    day date not null,
    reason text not null,
    primary key (care_unit_id, day)
);

create table staff (
    staff_id uuid primary key,
    hsa_id text not null unique check (hsa_id ~ '^SE[0-9]{10}-[A-Z0-9]+$'),
    given_name text not null,
    family_name text not null,
    title text not null check (title in ('nurse', 'physician', 'coordinator', 'operator')),
    care_unit_id text not null references care_unit,
    email text not null,
    phone text not null
);

create table patient (
    patient_id uuid primary key,
    personnummer char(12) not null unique check (personnummer ~ '^[0-9]{12}$'),
    given_name text not null,
    family_name text not null,
    born date not null,
    sex text not null check (sex in ('female', 'male')),
    municipality text not null,
    phone text not null,
    zone text not null default 'Europe/Stockholm'
        check (timestamptz 'epoch' at time zone zone is not null), -- refuses a zone that does not exist
    language text not null default 'sv'
);

-- Whose patient this is: the named contact, the deputy and the unit that answers when neither does.
create table named_contact (
    patient_id uuid not null references patient,
    staff_id uuid not null references staff,
    deputy_id uuid not null references staff check (deputy_id <> staff_id),
    care_unit_id text not null references care_unit,
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to > valid_from),
    primary key (patient_id, valid_from)
);
create unique index named_contact_current on named_contact (patient_id) where valid_to is null;

-- A care relation (vårdrelation, PDL 4 kap. 1 §) lets a unit's staff open a record.
create table care_relation (
    patient_id uuid not null references patient,
    care_unit_id text not null references care_unit,
    basis text not null,
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to > valid_from),
    primary key (patient_id, care_unit_id, valid_from)
);

create table next_of_kin (
    next_of_kin_id uuid primary key,
    given_name text not null,
    family_name text not null,
    phone text not null
);

-- The patient's consent: "status" shows that she measured and that her contact knows, "values" the values too.
create table kin_consent (
    patient_id uuid not null references patient,
    next_of_kin_id uuid not null references next_of_kin,
    scope text not null check (scope in ('status', 'values')),
    given_at timestamptz not null,
    revoked_at timestamptz,
    primary key (patient_id, next_of_kin_id, given_at)
);

create table account (
    account_id uuid primary key,
    login text not null unique,
    password_hash text not null,
    role text not null check (role in ('nurse', 'physician', 'coordinator', 'operator', 'patient', 'next_of_kin')),
    staff_id uuid references staff,
    patient_id uuid references patient,
    next_of_kin_id uuid references next_of_kin,
    demo boolean not null default false,
    check (num_nonnulls(staff_id, patient_id, next_of_kin_id) = 1)
);

create table web_session (
    token_hash bytea primary key, -- SHA-256 of the cookie; the cookie itself is nowhere
    account_id uuid not null references account,
    created_at timestamptz not null,
    expires_at timestamptz not null -- moves on with use (idle limit), never beyond the absolute limit
);

-- Failed sign-ins of the last minutes, per login as it was typed (hashed: people type passwords there).
create table login_failure (
    login_hash bytea not null,
    at timestamptz not null
);
create index login_failure_recent on login_failure (login_hash, at);

-- ---------------------------------------------------------------------------------------------------------
-- Gateways, devices, bindings
-- ---------------------------------------------------------------------------------------------------------
create table gateway (
    gateway_id text primary key check (gateway_id ~ '^[a-z0-9][a-z0-9-]{2,62}$'),
    care_unit_id text not null references care_unit,
    label text not null,
    enrolled_at timestamptz not null,
    revoked_at timestamptz
);

create table gateway_status (
    gateway_id text primary key references gateway,
    received_at timestamptz not null,
    online boolean not null,
    status jsonb not null
);

-- Who a device's user slot belongs to, for a range of time. The slot must match exactly (no slot = no slot):
-- a guest on the scale must never reach the patient's series.
create table device_binding (
    binding_id uuid primary key,
    gateway_id text not null references gateway,
    device_id text not null,
    user_slot smallint,
    patient_id uuid not null references patient,
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to > valid_from)
);
create index device_binding_lookup on device_binding (gateway_id, device_id, valid_from);

create function device_binding_overlap() returns trigger language plpgsql as $$
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
create trigger device_binding_overlap before insert or update on device_binding
    for each row execute function device_binding_overlap();

-- ---------------------------------------------------------------------------------------------------------
-- Readings
-- ---------------------------------------------------------------------------------------------------------
-- One row per measurement. Every unique key holds the time column and nothing refers into the table, so that
-- it can be a hypertable. Units: mm[Hg], /min, kg, kg/m2, cm; symptoms 0-3 (wire/reading.py).
create table reading (
    patient_id uuid not null,
    measured_at timestamptz not null,
    reading_id uuid not null,
    kind text not null,
    gateway_id text,
    device_id text not null,
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
    flags text[] not null default '{}',
    origin text not null,
    clock text not null,
    device_time timestamp,
    received_at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    characteristic text,
    raw bytea,
    corrects uuid, -- the reading that this row corrects; the other row stays as it is
    entered_by uuid, -- account, for origin "manual"
    primary key (patient_id, measured_at, reading_id)
);

-- Every reading the server has taken charge of, wherever it went. It keeps one reading one row even when it
-- comes again after its binding or its clock's offset has changed (docs/decisions/0002).
create table reading_identity (
    reading_id uuid primary key
);

-- Readings of devices that were bound to nobody at the measured time.
create table unassigned_reading (
    reading_id uuid primary key,
    gateway_id text not null,
    device_id text not null,
    user_slot smallint,
    measured_at timestamptz not null,
    received_at timestamptz not null,
    kind text not null,
    reading jsonb not null
);
create index unassigned_reading_device on unassigned_reading (gateway_id, device_id, measured_at);

-- What could not be used, with its reason and its bytes, for the operator.
create table quarantine (
    quarantine_id bigint generated always as identity primary key,
    received_at timestamptz not null,
    topic text not null,
    gateway_id text,
    reading_id uuid,
    reason text not null,
    detail text not null,
    digest bytea not null, -- SHA-256 of raw: the same bytes from the same topic are one entry
    raw bytea not null,
    seen integer not null default 1,
    state text not null default 'open' check (state in ('open', 'redriven', 'discarded')),
    unique (topic, digest)
);
create index quarantine_open on quarantine (received_at) where state = 'open';

-- ---------------------------------------------------------------------------------------------------------
-- Plans, findings, cases
-- ---------------------------------------------------------------------------------------------------------
create table plan (
    patient_id uuid not null references patient,
    version integer not null check (version > 0),
    document jsonb not null, -- alerts.rules.plan.Plan
    signed_by uuid not null references staff,
    signed_at timestamptz not null,
    primary key (patient_id, version)
);

-- Work for the evaluator: written with the readings, deleted with the findings.
create table evaluation_due (
    due_id bigint generated always as identity primary key,
    patient_id uuid not null,
    since timestamptz not null,
    created_at timestamptz not null default clock_timestamp() -- in the future: not to be looked at before
);

create table alert_case (
    case_id uuid primary key,
    patient_id uuid references patient,
    gateway_id text references gateway,
    family text not null, -- rule family: one open case per patient (or gateway) and family
    level text not null check (level in ('red', 'yellow', 'grey')),
    state text not null check (state in ('open', 'acknowledged', 'closed')),
    opened_at timestamptz not null,
    owner_kind text not null check (owner_kind in ('named_contact', 'deputy', 'unit')),
    owner_staff_id uuid references staff,
    owner_unit_id text not null references care_unit, -- never ownerless
    deadline timestamptz not null, -- to acknowledge, in staffed time
    contact_deadline timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by uuid references account,
    closed_at timestamptz,
    cause text,
    useful boolean,
    check (num_nonnulls(patient_id, gateway_id) = 1),
    check ((owner_kind = 'unit') = (owner_staff_id is null)),
    check ((state = 'closed') = (closed_at is not null)),
    check ((acknowledged_at is null) = (acknowledged_by is null)), -- no acknowledgement without a person
    -- Only silence ends by itself: the reading came, the gateway was heard again (event "resolved").
    check (state = 'open' or acknowledged_by is not null or (state = 'closed' and coalesce(cause, '') = 'resolved'
        and level = 'grey' and family in ('missing', 'gateway_silent')))
);
create unique index alert_case_one_open_patient on alert_case (patient_id, family) where state <> 'closed';
create unique index alert_case_one_open_gateway on alert_case (gateway_id, family) where state <> 'closed';
create index alert_case_deadline on alert_case (deadline) where state = 'open';

create table finding (
    finding_id uuid primary key,
    case_id uuid not null references alert_case,
    patient_id uuid references patient,
    gateway_id text references gateway,
    rule text not null,
    level text not null check (level in ('red', 'yellow', 'grey')),
    measured_at timestamptz not null,
    evaluated_at timestamptz not null,
    numbers jsonb not null,
    text_sv text not null,
    text_en text not null,
    confirmed boolean,
    reading_ids uuid[] not null
);
create unique index finding_once_patient on finding (patient_id, rule, measured_at);
create unique index finding_once_gateway on finding (gateway_id, rule, measured_at);
create index finding_case on finding (case_id, measured_at);

-- Append-only: opened, joined, notified, escalated, acknowledged, contacted, consulted, snoozed, closed, resolved.
create table case_event (
    event_id bigint generated always as identity primary key,
    case_id uuid not null references alert_case,
    at timestamptz not null,
    kind text not null check (kind in ('opened', 'joined', 'notified', 'escalated', 'acknowledged', 'contacted',
        'consulted', 'snoozed', 'closed', 'resolved')),
    account_id uuid references account,
    detail jsonb not null default '{}',
    check (kind not in ('acknowledged', 'contacted', 'consulted', 'snoozed', 'closed') or account_id is not null)
);
create index case_event_case on case_event (case_id, event_id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise insufficient_privilege using message = format('%s is append-only', tg_table_name);
end
$$;
create trigger case_event_append_only before update or delete or truncate on case_event
    for each statement execute function refuse_change();

create table notification (
    notification_id uuid primary key,
    case_id uuid not null references alert_case,
    channel text not null check (channel in ('email')),
    reason text not null check (reason in ('opened', 'worsened', 'escalated')),
    staff_id uuid references staff, -- null: the unit's shared address
    address text not null,
    created_at timestamptz not null,
    next_attempt_at timestamptz not null,
    attempts integer not null default 0,
    sent_at timestamptz,
    last_error text
);
create index notification_waiting on notification (next_attempt_at) where sent_at is null;

-- ---------------------------------------------------------------------------------------------------------
-- Liveness
-- ---------------------------------------------------------------------------------------------------------
create table service_heartbeat (
    service text not null,
    instance text not null,
    at timestamptz not null,
    detail jsonb not null default '{}',
    primary key (service, instance)
);

-- ---------------------------------------------------------------------------------------------------------
-- Access: who looked at whom. Insert-only and chained by hashes, so that a removed line shows.
-- ---------------------------------------------------------------------------------------------------------
create table access_log (
    entry_id bigint primary key,
    at timestamptz not null,
    account_id uuid not null references account,
    care_unit_id text,
    action text not null,
    patient_ids uuid[] not null,
    previous bytea not null,
    hash bytea not null
);
create index access_log_patients on access_log using gin (patient_ids);

create function access_log_hash(l access_log) returns bytea language sql immutable as $$
    select sha256(l.previous || convert_to(concat_ws('|', l.entry_id, extract(epoch from l.at), l.account_id,
        coalesce(l.care_unit_id, ''), l.action, array_to_string(l.patient_ids, ',')), 'UTF8'))
$$;

create function access_log_chain() returns trigger language plpgsql as $$
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
create trigger access_log_chain before insert on access_log
    for each row execute function access_log_chain();
create trigger access_log_append_only before update or delete or truncate on access_log
    for each statement execute function refuse_change();

-- The account that this transaction acts for; storage.access sets it.
create function acting_account() returns uuid language sql stable as $$
    select nullif(current_setting('hemkurva.account_id', true), '')::uuid
$$;

-- The one place that decides who may see a patient at all. Staff by care relation, the patient herself, a next
-- of kin by consent. An operator sees no patient.
create function may_see_patient(who uuid) returns boolean
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
            or exists (
                select from kin_consent k
                where k.patient_id = who and k.next_of_kin_id = a.next_of_kin_id and k.revoked_at is null)))
$$;

-- Measured values need more than knowing that somebody is a patient: a next of kin needs the scope "values".
create function may_see_values(who uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select may_see_patient(who) and not exists (
        select from account a where a.account_id = acting_account() and a.next_of_kin_id is not null
            and not exists (
                select from kin_consent k
                where k.patient_id = who and k.next_of_kin_id = a.next_of_kin_id
                    and k.revoked_at is null and k.scope = 'values'))
$$;

-- Only staff change cases and plans: a patient and a next of kin see them.
create function acting_as_care_staff() returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select exists (
        select from account a join staff s using (staff_id)
        where a.account_id = acting_account() and s.title in ('nurse', 'physician', 'coordinator'))
$$;

create function access_logged(who uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select exists (
        select from access_log l
        where l.at = now() and l.account_id = acting_account() and l.patient_ids @> array[who])
$$;

-- Row-level security and columnstore exclude each other, so readings are reached through this function alone.
-- It answers only when this same transaction has written the access log.
create function readings_of(who uuid, from_time timestamptz, to_time timestamptz) returns setof reading
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
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

alter table patient enable row level security;
create policy web_sees on patient for select to hemkurva_web using (may_see_patient(patient_id));
create policy services_see on patient for select to hemkurva_ingest, hemkurva_alerts using (true);

alter table plan enable row level security;
create policy web_sees on plan for select to hemkurva_web using (may_see_patient(patient_id));
create policy web_writes on plan for insert to hemkurva_web
    with check (acting_as_care_staff() and may_see_patient(patient_id));
create policy services_see on plan for select to hemkurva_alerts using (true);

alter table alert_case enable row level security;
create policy web_sees on alert_case for select to hemkurva_web
    using (patient_id is null or may_see_patient(patient_id));
create policy web_changes on alert_case for update to hemkurva_web
    using (acting_as_care_staff() and (patient_id is null or may_see_patient(patient_id)));
create policy services_all on alert_case to hemkurva_alerts using (true) with check (true);

alter table finding enable row level security;
create policy web_sees on finding for select to hemkurva_web
    using (patient_id is null or may_see_patient(patient_id));
create policy services_all on finding to hemkurva_alerts using (true) with check (true);

alter table case_event enable row level security;
create policy web_sees on case_event for select to hemkurva_web
    using (exists (select from alert_case c where c.case_id = case_event.case_id));
create policy web_adds on case_event for insert to hemkurva_web
    with check (account_id = acting_account() and acting_as_care_staff()
        and exists (select from alert_case c where c.case_id = case_event.case_id));
create policy services_all on case_event to hemkurva_alerts using (true) with check (true);

alter table named_contact enable row level security;
create policy web_sees on named_contact for select to hemkurva_web using (may_see_patient(patient_id));
create policy services_see on named_contact for select to hemkurva_alerts using (true);

-- ---------------------------------------------------------------------------------------------------------
-- Grants
-- ---------------------------------------------------------------------------------------------------------
revoke all on all tables in schema public from public;
grant usage on schema public to hemkurva_ingest, hemkurva_alerts, hemkurva_web;

grant select on gateway, device_binding to hemkurva_ingest;
grant select, insert on reading, reading_identity, unassigned_reading to hemkurva_ingest;
grant insert on evaluation_due to hemkurva_ingest;
grant select, insert, update on quarantine, gateway_status, service_heartbeat to hemkurva_ingest;

grant select on care_unit, staffed_hours, closed_day, staff, patient, named_contact, care_relation, gateway,
    gateway_status, device_binding, reading, plan to hemkurva_alerts;
grant select, insert, update, delete on evaluation_due to hemkurva_alerts;
grant select, insert, update on alert_case, finding, notification, service_heartbeat to hemkurva_alerts;
grant select, insert on case_event to hemkurva_alerts;

grant select on care_unit, staffed_hours, closed_day, staff, patient, named_contact, care_relation, next_of_kin,
    kin_consent, account, gateway, gateway_status, device_binding, plan, alert_case, finding, case_event,
    quarantine, unassigned_reading, access_log, service_heartbeat to hemkurva_web;
grant select, insert, update, delete on web_session to hemkurva_web;
grant select, insert, delete on login_failure to hemkurva_web;
grant insert on access_log, case_event, plan to hemkurva_web;
grant update (state, acknowledged_at, acknowledged_by, closed_at, cause, useful) on alert_case to hemkurva_web;
grant update (state) on quarantine to hemkurva_web;
grant insert, update on service_heartbeat to hemkurva_web;

-- ---------------------------------------------------------------------------------------------------------
-- Wake-ups. They only wake: what is to be done stands in the tables.
-- ---------------------------------------------------------------------------------------------------------
create function wake() returns trigger language plpgsql as $$
begin
    perform pg_notify(tg_argv[0], '');
    return null;
end
$$;
create trigger evaluation_due_wake after insert on evaluation_due
    for each statement execute function wake('evaluation_due');
create trigger notification_wake after insert on notification
    for each statement execute function wake('notification');
create trigger alert_case_wake after insert or update on alert_case
    for each statement execute function wake('case_changed');
-- A finding that joins an open case changes the sentence that people look at, not the case itself.
create trigger finding_wake after insert or update on finding
    for each statement execute function wake('case_changed');
