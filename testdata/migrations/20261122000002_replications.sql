-- Rows that a database may have after the second migration.
insert into replications (tenant_id, block_number, kind, queued_at)
select tenant_id, block_number, 'RegisterBlock', stored_at from blocks;
insert into replications (tenant_id, block_number, revoke_number, kind, queued_at, attempts, failure)
select tenant_id, block_number, revoke_number, 'RegisterTemporaryRevoke', stored_at, 2, 'NOTFOUND' from temporary_revokes;
