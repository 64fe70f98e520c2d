insert into log_orders (order_id, tenant_id, caller, owner_key, unit_keys, patient_keys, user_keys, from_at, to_at,
        records_per_file, begun_at, ended_at, outcome, after_at, after_log_id, after_number)
    values ('0b6f2c10-52f3-4a37-9d6e-0c7b7f0e0042', 1, 'SE2321000016-TEST', 'se2321000016-vg01', '{}',
        '{1.2.752.129.2.1.3.1^191212121212}', '{}', '2026-01-01', '2026-12-31', 10000, now(), now(), 'made',
        '2026-02-01', 'a', 1);
insert into log_order_files (file_id, order_number, ordinal, token, records, bytes, disk_bytes, sent_bytes)
    values ('1b6f2c10-52f3-4a37-9d6e-0c7b7f0e0042', 1, 1, '2b6f2c10-52f3-4a37-9d6e-0c7b7f0e0042', 1, 400, 4096, 400);
insert into jobs (kind, subject) values ('log-order', '0b6f2c10-52f3-4a37-9d6e-0c7b7f0e0042');
