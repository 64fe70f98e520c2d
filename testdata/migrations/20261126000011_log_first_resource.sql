insert into log_entries (entry_number, stored_at, activity_at, owner_hash, patient_hash, foreign_hash, tenant_id, resources, log_id,
        system_id, activity_type, purpose, user_id, care_provider_id, care_unit_id, resource_type, holder_id)
    values (901, now(), '2026-11-01', log_hash(1, 'se-vg'), log_hash(1, '1.2.3^1'), null, 1, 2, 'first', 'SE-S', 'Läsa',
        'Administration', 'SE-P', 'SE-VG', 'SE-VE', 'vko', 'SE-VG');
insert into log_further_resources (entry_number, activity_at, foreign_hash, tenant_id, ordinal, resource_type, holder_id)
    values (901, '2026-11-01', log_hash(1, 'se-vg2'), 1, 2, 'und', 'SE-VG2');
