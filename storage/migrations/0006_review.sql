-- That a physician has looked through a patient's trends, and when. Who reads it: the staff with a care
-- relation, and the patient herself; a next of kin does not. Nothing here is changed or taken back.

create table trend_review (
    patient_id uuid not null references patient,
    account_id uuid not null references account,
    at timestamptz not null,
    primary key (patient_id, at, account_id)
);
create trigger trend_review_append_only before update or delete or truncate on trend_review
    for each statement execute function refuse_change();

create function acting_as_physician() returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select exists (
        select from account a join staff s using (staff_id)
        where a.account_id = acting_account() and s.title = 'physician')
$$;
revoke execute on function acting_as_physician from public;
grant execute on function acting_as_physician to hemkurva_web;

alter table trend_review enable row level security;
create policy web_sees on trend_review for select to hemkurva_web
    using (may_see_patient(patient_id) and not acting_as_next_of_kin());
-- The line in the access log stands in the same transaction.
create policy web_adds on trend_review for insert to hemkurva_web
    with check (account_id = acting_account() and acting_as_physician() and may_see_patient(patient_id)
        and access_logged(patient_id));
grant select, insert on trend_review to hemkurva_web;
