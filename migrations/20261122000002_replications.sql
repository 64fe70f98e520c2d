-- What a local service has yet to tell the national one.

create table replications (
    replication_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    block_number bigint not null references blocks,
    revoke_number bigint references temporary_revokes,
    kind text collate "C" not null check (kind in
        ('RegisterBlock', 'UnregisterBlock', 'RegisterTemporaryRevoke', 'UnregisterTemporaryRevoke')),
    queued_at timestamptz not null,
    attempts integer not null default 0,
    leased_until timestamptz,
    due_at timestamptz not null default '-infinity',
    failure text
);
comment on table replications is 'Changes of a local service that the national service has not confirmed, stored in the transaction of the change and removed when confirmed. Those of one block go in the order of their numbers: only the first of a block may be sent';
comment on column replications.revoke_number is 'The temporary revoke that the change is about; null when it is about the block itself';
comment on column replications.attempts is 'How often it has been taken up; also tells whether a lease is still the same';
comment on column replications.leased_until is 'Until when the process that took it up may be sending it, by the database''s clock; null while nobody is';
comment on column replications.due_at is 'Not to be sent again of itself before this, by the database''s clock';
comment on column replications.failure is 'Why the last attempt failed: a result code, or what kept the call from an answer. Holds no personal data';
create index replications_block on replications (block_number, replication_number);
create index replications_tenant on replications (tenant_id, replication_number);
