insert into log_entries (entry_number, tenant_id, stored_at, activity_at, log_id, system_id, activity_type, purpose, user_id,
        care_provider_id, care_unit_id, owner_hash)
    values (900, 1, now(), '2026-11-01', 'layout', 'SE-S', 'Läsa', 'Administration', 'SE-P', 'SE-VG', 'SE-VE', log_hash(1, 'se-vg'));
insert into log_resources (entry_number, ordinal, tenant_id, activity_at, resource_type, care_provider_id, patient_hash, foreign_hash)
    values (900, 1, 1, '2026-11-01', 'vko', 'SE-VG2', log_hash(1, '1.2.3^1'), log_hash(1, 'se-vg2'));
