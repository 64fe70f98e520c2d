-- Long answers are read a page at a time, each from where the one before ended.

create index blocks_provider_stored on blocks (tenant_id, provider_key, stored_at, block_key) where removed_at is null;
create index blocks_provider_patient on blocks (tenant_id, provider_key, patient_key, block_number) where removed_at is null;
