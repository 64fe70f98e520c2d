-- Retention of log records: a whole month of a care provider's is one removal.

alter table retention_removals add column records bigint not null default 1 check (records > 0);
comment on column retention_removals.records is 'How many records it was: more than one where a month of the log was dropped, which object_id names';
