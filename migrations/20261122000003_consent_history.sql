-- Assertions that the patient ends, copies from local systems, retention.

alter table assertions add column original_end_at timestamptz;
alter table assertions add column patient_ended_at timestamptz;
alter table assertions add column source text;
comment on column assertions.end_at is 'Last instant of validity: as registered or, where patient_ended_at is set, as the patient wished';
comment on column assertions.original_end_at is 'The end as registered, where the patient has set another; see patient_ended_at';
comment on column assertions.patient_ended_at is 'When the patient''s latest wish to end it was stored; null if there is none';
comment on column assertions.removed_at is 'When it was last ended by staff or annulled, by the tenant''s change clock';
comment on column assertions.source is 'The system that this is a copy from; null when it was registered here';
drop index assertions_provider;
create index assertions_listed on assertions (tenant_id, provider_key, (coalesce(patient_ended_at, stored_at)), assertion_key)
    where removed_at is null;
create index assertions_ended on assertions (tenant_id, provider_key, (coalesce(removed_at, patient_ended_at)), assertion_key)
    where removed_at is not null or patient_ended_at is not null;
create index assertions_end on assertions (end_at) where end_at is not null;
create index assertions_removed on assertions (removed_at) where removed_at is not null;

create table patient_ends (
    patient_end_number bigint primary key generated always as identity,
    assertion_number bigint not null references assertions,
    requested_end_at timestamptz,
    end_at timestamptz not null,
    previous_end_at timestamptz,
    represented_by_root text,
    represented_by_extension text,
    caller_id text,
    stored_at timestamptz not null
);
comment on table patient_ends is 'Every time a patient has ended an assertion (EndConsentByPatient): no answer has room for it, so it is kept for audit';
comment on column patient_ends.requested_end_at is 'The end as asked for; null for at once';
create index patient_ends_assertion on patient_ends (assertion_number);

create table import_cursors (
    tenant_id integer not null references tenants,
    source text not null,
    provider_key text collate "C" not null,
    cursor_text text not null,
    primary key (tenant_id, source, provider_key)
);
comment on table import_cursors is 'Where the next reading of another producer''s assertions begins, as that producer worded it';

create table legal_holds (
    hold_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    patient_key text collate "C",
    provider_key text collate "C",
    reason text not null,
    placed_at timestamptz not null,
    lifted_at timestamptz,
    check (patient_key is not null or provider_key is not null)
);
comment on table legal_holds is 'What must not be removed, however old: a patient''s data, a care provider''s, or one patient''s at one care provider; in force while lifted_at is null';

create table retention_removals (
    removal_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    kind text collate "C" not null,
    object_id text not null,
    care_provider_id text not null,
    invalid_since timestamptz not null,
    removed_at timestamptz not null
);
comment on table retention_removals is 'What retention has removed, and when; says nothing of patients';
create index retention_removals_at on retention_removals (removed_at);
