-- Rows that a database may have after the first migration.
insert into blocks (tenant_id, block_key, block_id, block_type, patient_key, patient_root, patient_extension,
    information_care_unit_id, information_care_provider_id, provider_key, exempts_lak, exempts_upp, owner_id, extended,
    stored_at, changed_at)
values (1, 'b-1', 'B-1', 'Inner', '1.2.752.129.2.1.3.1^191212121212', '1.2.752.129.2.1.3.1', '191212121212',
    'SE1-VE1', 'SE1-VG1', 'se1-vg1', true, false, 'SE1-S1', true, '2026-01-01T10:00:00Z', '2026-01-01T10:00:00Z');
insert into block_actions (block_number, revoke_number, kind, requested_at, requested_by_employee_id, registered_at, registered_by_employee_id)
select block_number, 0, 'register', stored_at, 'SE1-P1', stored_at, 'SE1-P1' from blocks;
insert into temporary_revokes (tenant_id, revoke_key, revoke_id, block_number, end_at, care_unit_id, extended, stored_at)
select 1, 'r-1', 'R-1', block_number, '2027-01-01T10:00:00Z', 'SE1-VE2', false, stored_at from blocks;
insert into change_clocks (tenant_id, domain, latest_at) values (1, 'blocking', '2026-01-01T10:00:00Z');
insert into assertions (tenant_id, assertion_key, assertion_id, assertion_type, patient_key, patient_root,
    patient_extension, care_provider_id, provider_key, care_unit_id, start_at, start_given, stored_at)
values (1, 'a-1', 'A-1', 'Consent', '1.2.752.129.2.1.3.1^191212121212', '1.2.752.129.2.1.3.1', '191212121212', 'SE1-VG1',
    'se1-vg1', 'SE1-VE1', '2026-01-01T10:00:00Z', false, '2026-01-01T10:00:00Z');
insert into assertion_actions (assertion_number, kind, requested_at, requested_by_employee_id, registered_at, registered_by_employee_id)
select assertion_number, 'register', stored_at, 'SE1-P1', stored_at, 'SE1-P1' from assertions;
insert into log_ids (id_hash, entry_number, activity_at) values ('00000000-0000-0000-0000-000000000001', 1, '2026-01-01T10:00:00Z');
insert into log_entries (entry_number, tenant_id, stored_at, activity_at, log_id, system_id, activity_type, purpose, user_id,
    care_provider_id, care_unit_id)
values (1, 1, '2026-01-01T10:00:00Z', '2026-01-01T10:00:00Z', 'L-1', 'S', 'Läsa', 'Statistik', 'SE1-P1', 'SE1-VG1', 'SE1-VE1');
insert into log_resources (entry_number, ordinal, tenant_id, activity_at, resource_type, care_provider_id)
values (1, 1, 1, '2026-01-01T10:00:00Z', 'Vårdkontakt', 'SE1-VG2');
