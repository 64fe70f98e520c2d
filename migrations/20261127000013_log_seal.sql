-- The log is sealed: every record becomes a leaf of a tree whose root is signed. Stop programs of older versions first: what
-- they would store has no way to the tree.

alter table log_entries add column salt uuid not null default gen_random_uuid();
-- What never ends cannot be read as a time.
alter table log_entries add constraint log_entries_times check (isfinite(stored_at) and isfinite(activity_at));
alter table log_further_resources add constraint log_further_resources_times check (isfinite(activity_at));
comment on column log_entries.salt is 'Random bytes that hide what the record''s leaf commits to; they go with the record';

create table log_pending (
    batch_number bigint primary key generated always as identity,
    stored_at timestamptz not null default clock_timestamp() check (isfinite(stored_at)),
    writer_id uuid not null,
    writer_step bigint not null,
    first_numbers bigint[] not null,
    counts integer[] not null,
    entries bytea not null,
    mac bytea not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
comment on table log_pending is 'What is stored and has no leaf yet: a row a transaction, gone when it is in the tree';
comment on column log_pending.writer_step is 'Which of the writer''s batches it is, from 0: a batch that is taken away is missed at the next';
comment on column log_pending.first_numbers is 'The running numbers of its records in ranges, in the order of the entries';
comment on column log_pending.mac is 'What only a process with the intake key can make of it';
alter table log_pending alter column entries set storage external;

create table log_refused (
    like log_pending,
    refused_at timestamptz not null default clock_timestamp()
);
comment on table log_refused is 'Batches that no process with the intake key has made, kept as evidence';

create table log_tree (
    only_row boolean primary key default true check (only_row),
    size bigint not null check (size >= 0),
    edge bytea not null,
    root bytea not null,
    mac bytea not null default ''
) with (fillfactor = 50);
comment on column log_tree.mac is 'What only a process with the intake key can make of it: somebody else''s leaves are not signed';
comment on table log_tree is 'The tree of the log: its size, its root, and what is in no full tile. Whoever has its row adds leaves';
alter table log_tree alter column edge set storage external;
insert into log_tree (size, edge, root) values (0, '\x0100', sha256(''));

create table log_tiles (
    level smallint not null,
    tile bigint not null,
    hashes bytea not null,
    primary key (level, tile)
);
comment on table log_tiles is 'Full tiles of the tree, for ever: 256 entries at level 0, 256 roots of tiles of the level below above it';
alter table log_tiles alter column hashes set storage external;

create table log_runs (
    first_leaf bigint primary key,
    first_number bigint not null unique,
    count integer not null check (count between 1 and 10000000)
);
comment on table log_runs is 'Which leaf a record has: the running numbers from first_number on have the leaves from first_leaf on';

create table log_writers (
    writer_id uuid primary key,
    next_step bigint not null,
    seen_at timestamptz not null,
    mac bytea not null
);
comment on table log_writers is 'Which batch of a writer comes next';

create table log_checkpoints (
    size bigint primary key,
    root bytea not null,
    integrated_at timestamptz not null check (isfinite(integrated_at)),
    note text,
    signed_at timestamptz check (isfinite(signed_at)),
    witnessed_at timestamptz,
    cms bytea
);
comment on table log_checkpoints is 'Sizes and roots of the tree: a week''s, and of what is older one an hour';
comment on column log_checkpoints.note is 'The signed checkpoint with all its signatures; null: not signed yet';
comment on column log_checkpoints.cms is 'A detached signature over the checkpoint by the operator''s own key, where one is configured';

create table log_notices (
    entry_number bigint primary key,
    kind smallint not null check (kind between 2 and 6),
    salt uuid,
    body text not null,
    stored_at timestamptz not null check (isfinite(stored_at))
);
comment on table log_notices is 'What the log says about itself: 2 opening, 3 keys, 4 removal, 5 legal hold, 6 acknowledgement; each has a leaf';
comment on column log_notices.salt is 'Only of those that name a person';

create table log_removals (
    entry_number bigint primary key references log_notices,
    leaves bytea not null
);
comment on table log_removals is 'Which leaves a removal took; its notice has the hash over them';

create table log_findings (
    finding_number bigint primary key generated always as identity,
    kind text not null,
    first_leaf bigint,
    last_leaf bigint,
    entry_number bigint,
    observed bytea not null default '',
    detail text not null,
    from_at timestamptz,
    to_at timestamptz,
    found_at timestamptz not null,
    acknowledged_by bigint
);
comment on table log_findings is 'What is not as it was sealed. Reports of the time are refused until somebody acknowledges it';
comment on column log_findings.observed is 'What was found in place of what was sealed: other changes of the same are other findings';
comment on column log_findings.from_at is 'With to_at: of which time records may be concerned; null is without end';
comment on column log_findings.acknowledged_by is 'The notice that says who has seen it, and why it may stand';
create unique index log_findings_same on log_findings (kind, coalesce(first_leaf, -1), coalesce(entry_number, -1), observed);
create index log_findings_open on log_findings (found_at) where acknowledged_by is null;

create table witnessed_logs (
    origin text primary key,
    size bigint not null,
    root bytea not null,
    note text not null,
    seen_at timestamptz not null
);
comment on table witnessed_logs is 'Logs of others whose checkpoints this service witnesses, each with the last one';

create table log_adoption (
    only_row boolean primary key default true check (only_row),
    next_number bigint not null,
    last_number bigint not null,
    adopted bigint not null default 0
);
comment on table log_adoption is 'Records from before sealing get their leaves beside the calls, once: up to last_number, which the log''s first leaf says too; what is here is only how far that has come';
insert into log_adoption (next_number, last_number)
select coalesce(min(entry_number), 0), coalesce(max(entry_number), -1) from log_entries;

alter table log_orders drop constraint if exists log_orders_outcome_check;
alter table log_orders add constraint log_orders_outcome_check check (outcome in ('made', 'failed', 'distrusted'));
