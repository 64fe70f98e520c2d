-- Extracts of the log to order: made beside the calls, fetched as files.

create table log_orders (
    order_number bigint primary key generated always as identity,
    order_id uuid not null unique,
    tenant_id integer not null references tenants,
    caller text not null,
    owner_key text collate "C" not null,
    unit_keys text[] not null,
    patient_keys text[] not null,
    user_keys text[] not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    records_per_file integer not null check (records_per_file between 1 and 10000),
    ordered_at timestamptz not null default clock_timestamp(),
    begun_at timestamptz,
    ended_at timestamptz,
    outcome text collate "C" check (outcome in ('made', 'failed')),
    failures integer not null default 0,
    after_at timestamptz,
    after_log_id text,
    after_number bigint,
    kept_bytes bigint not null default 0,
    check ((outcome is null) = (ended_at is null)),
    check (num_nulls(after_at, after_log_id, after_number) in (0, 3))
);
comment on table log_orders is 'Extracts of the log that were ordered, each for the caller that ordered it';
comment on column log_orders.unit_keys is 'The users'' units that it is limited to; none is no limit. The same for patients and users';
comment on column log_orders.after_at is 'With the two beside it the last record in a file: the making goes on behind it';
create index log_orders_waiting on log_orders (order_number) where outcome is null;
create index log_orders_ended on log_orders (ended_at) where ended_at is not null;

create table log_order_files (
    file_id uuid primary key,
    order_number bigint not null references log_orders on delete cascade,
    ordinal integer not null,
    token uuid not null unique,
    records integer not null,
    bytes bigint not null,
    disk_bytes bigint not null,
    sent_bytes bigint not null default 0 check (sent_bytes between 0 and bytes),
    made_at timestamptz not null default clock_timestamp(),
    removed_at timestamptz,
    unique (order_number, ordinal)
);
comment on column log_orders.kept_bytes is 'What its files take of the disk';
comment on table log_order_files is 'The files of orders; rows stay for a while after the files, so that a file that is gone can be told from one that never was';
comment on column log_order_files.token is 'What its address ends with: whoever knows it and is the caller may fetch the file';
comment on column log_order_files.sent_bytes is 'How many bytes from its beginning have been sent; all of them, once, and the file is removed';
create index log_order_files_kept on log_order_files (order_number) where removed_at is null;

create table installation (
    only_row boolean primary key default true check (only_row),
    installation_id uuid not null default gen_random_uuid()
);
comment on table installation is 'Which installation this is: its files are told apart from another''s in the same folder';
insert into installation default values;
