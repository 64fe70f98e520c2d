insert into grants (consumer, contracts, tenant, logical_addresses, care_providers, via, reason, added_by, added_at)
values ('SE2321000016-A1', '{log.store}', 'default', '{}', '{*}', '{}', 'test', 'migrations', '2026-11-26T00:00:00Z');
