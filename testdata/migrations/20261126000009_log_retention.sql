insert into retention_removals (tenant_id, kind, object_id, care_provider_id, invalid_since, removed_at, records)
    values (1, 'log record', '2020-01', 'SE2321000016-VG01', '2020-01-31', now(), 1234);
