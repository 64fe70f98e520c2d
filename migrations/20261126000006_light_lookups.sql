-- What decides about access is found without what was removed, cancelled, or stands at other care providers.
create index blocks_patient_active on blocks (tenant_id, patient_key) where removed_at is null;
create index temporary_revokes_active on temporary_revokes (block_number) where cancelled_at is null;
create index assertions_patient_active on assertions (tenant_id, patient_key, provider_key) where removed_at is null;
