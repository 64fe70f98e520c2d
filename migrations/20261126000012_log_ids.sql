-- Ids of log records, so that what grows for ever is small: new ids go into one open table with a unique index, which is closed
-- when it has some millions; what is closed is packed into runs of sorted pages, which are merged as they become many.
-- 100 bytes an id become 21, and a random index is never larger than one table.

create temporary table old_ids on commit drop as select id_hash, entry_number from log_ids;
drop table log_ids;
create table log_ids_1 (
    id_hash uuid primary key,
    entry_number bigint not null
);
comment on table log_ids_1 is 'Log ids of the whole service by the first 16 bytes of SHA-256 over the form that equal ids share';
insert into log_ids_1 select id_hash, entry_number from old_ids;

create table log_id_tables (
    table_number integer primary key,
    opened_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    first_number bigint,
    packed boolean not null default false,
    check (not packed or closed_at is not null)
);
comment on table log_id_tables is 'The tables log_ids_<number>: one is open, and every new id is in it. A closed one has a constraint that nothing passes';
comment on column log_id_tables.first_number is 'The lowest running number of its records, once it is packed and gone';
create unique index log_id_tables_open on log_id_tables ((true)) where closed_at is null;
insert into log_id_tables (table_number) values (1);

create table log_id_runs (
    run_number bigint primary key generated always as identity,
    made boolean not null default false,
    page_bits smallint not null check (page_bits between 0 and 30),
    part_bits smallint not null check (part_bits between 0 and page_bits),
    ids bigint not null default 0,
    first_number bigint,
    last_number bigint,
    forgotten_with integer not null default 0
);
comment on table log_id_runs is 'Packed ids, each run sorted by hash: in 2^page_bits pages by their first bits, and as many filters as 2^part_bits. A run that is made never changes';
comment on column log_id_runs.made is 'Others are being made, or stand for nothing any more: their pages are removed';
comment on column log_id_runs.forgotten_with is 'Ids of removed records that were in this table or an earlier one have been left out';
create table log_id_pages (
    run_number bigint not null references log_id_runs on delete cascade,
    page integer not null,
    ids bytea not null,
    primary key (run_number, page)
);
comment on table log_id_pages is 'The ids of runs: a page is read when a filter says that an id may be in it';
comment on column log_id_pages.ids is 'For each id 12 bytes of its hash and 6 of its record''s running number, sorted';
alter table log_id_pages alter column ids set storage external;
create table log_id_filters (
    run_number bigint not null references log_id_runs on delete cascade,
    part integer not null,
    filter bytea not null,
    primary key (run_number, part)
);
comment on table log_id_filters is 'What server processes keep in memory: a binary fuse filter for each part of a run. Empty: it has no ids';
alter table log_id_filters alter column filter set storage external;
