insert into admin_sessions (tenant_id, token_hash, form_token, employee_id, employee_name, method, level, offered, purpose, unit_id,
    provider_id, roles, created_at, seen_at, ends_at)
values (1, '\x01', '\x02', 'SE2321000016-P1', 'Eva Sand', 'test', 'loa3', '[]', 'Administration', 'SE2321000016-U1', 'SE2321000016-V1',
    '{block_admin}', '2026-11-26T00:00:00Z', '2026-11-26T00:00:00Z', '2026-11-26T10:00:00Z');
insert into admin_lookups (lookup_id, session_number, patient_root, patient_extension, patient_key, matter, case_text, made_at)
values ('6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0016', 1, '1.2.752.129.2.1.3.1', '191212121212', '1.2.752.129.2.1.3.1^191212121212', 'present', '',
    '2026-11-26T00:00:00Z');
insert into admin_events (tenant_id, at, employee_id, kind, object, detail)
values (1, '2026-11-26T00:00:00Z', 'SE2321000016-P1', 'login', '', '');
insert into availability_probes values ('2026-11-26T00:00:00Z');
insert into availability (function, state, from_at) values ('log', 'interrupted', '2026-11-26T00:00:00Z');
insert into service_messages (at, by_employee, words) values ('2026-11-26T00:00:00Z', 'SE2321000016-P1', 'test');
