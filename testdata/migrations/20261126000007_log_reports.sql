insert into log_reports (report_id, tenant_id, caller, kind, patient_key, from_at, to_at)
    values ('6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0041', 1, 'SE2321000016-TEST', 'patient', '1.2.752.129.2.1.3.1^191212121212',
        '2026-01-01', '2026-12-31');
insert into jobs (kind, subject) values ('log-report', '6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0041');
