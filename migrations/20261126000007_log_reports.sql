-- Reports over the log that take longer than a call.

create table log_reports (
    report_number bigint primary key generated always as identity,
    report_id uuid not null unique,
    tenant_id integer not null references tenants,
    caller text not null,
    kind text collate "C" not null check (kind in ('staff', 'patient', 'information')),
    owner_key text collate "C",
    patient_key text collate "C",
    user_key text collate "C",
    unit_key text collate "C",
    from_at timestamptz not null,
    to_at timestamptz not null,
    ordered_at timestamptz not null default clock_timestamp(),
    begun_at timestamptz,
    ended_at timestamptz,
    outcome text collate "C" check (outcome in ('made', 'too-many', 'failed')),
    numbers bigint[],
    times timestamptz[],
    check ((outcome is null) = (ended_at is null))
);
comment on table log_reports is 'Reports over the log that were queued, each for the caller that ordered it; removed a day after they were made';
comment on column log_reports.numbers is 'The records that it is about, in its order; with times they are found in their partitions';
create index log_reports_waiting on log_reports (tenant_id, caller) where outcome is null;
create index log_reports_ended on log_reports (ended_at) where ended_at is not null;
