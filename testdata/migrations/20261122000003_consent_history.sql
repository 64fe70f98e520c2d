-- Rows that a database may have after the third migration.
update assertions set patient_ended_at = '2026-02-01T10:00:00Z', end_at = '2026-02-01T10:00:00Z', source = 'SE1-L1';
insert into patient_ends (assertion_number, end_at, represented_by_root, represented_by_extension, stored_at)
select assertion_number, patient_ended_at, '1.2.752.129.2.1.3.1', '191212121212', patient_ended_at from assertions;
insert into import_cursors (tenant_id, source, provider_key, cursor_text) values (1, 'SE1-L1', 'se1-vg1', '2026-02-01T11:00:00');
insert into legal_holds (tenant_id, provider_key, reason, placed_at) values (1, 'se1-vg1', 'IVO 1/2026', '2026-02-01T10:00:00Z');
insert into retention_removals (tenant_id, kind, object_id, care_provider_id, invalid_since, removed_at)
values (1, 'assertion', 'A-0', 'SE1-VG1', '2016-01-01T10:00:00Z', '2026-02-01T10:00:00Z');
