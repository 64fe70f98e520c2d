-- A copy that was unregistered and stored anew; an assertion that starts and ends at once.
insert into blocks (tenant_id, block_key, block_id, block_type, patient_key, patient_root, patient_extension,
    information_care_provider_id, provider_key, exempts_lak, exempts_upp, extended, stored_at, changed_at,
    removed_at, first_removed_at, removal_told_at)
    values
    (1, 'again', 'again', 'Outer', '1.2.752.129.2.1.3.1^191212121212', '1.2.752.129.2.1.3.1', '19121212-1212', 'SE1', 'se1',
        false, false, false, '2026-11-01', '2026-11-02', '2026-11-02', '2026-11-02', '2026-11-02'),
    (1, 'again', 'again', 'Outer', '1.2.752.129.2.1.3.1^191212121212', '1.2.752.129.2.1.3.1', '19121212-1212', 'SE1', 'se1',
        false, false, false, '2026-11-03', '2026-11-03', null, null, null);
insert into assertions (tenant_id, assertion_key, assertion_id, assertion_type, patient_key, patient_root,
    patient_extension, care_provider_id, provider_key, care_unit_id, start_at, start_given, requested_start_at,
    end_at, original_end_at, patient_ended_at, ended_at_once, stored_at)
    values (1, 'once', 'once', 'Consent', '1.2.752.129.2.1.3.1^191212121212', '1.2.752.129.2.1.3.1', '191212121212', 'SE1', 'se1',
        'SE1-1', '2026-11-01', false, '2026-11-01 00:00:30', '2026-11-02', null, '2026-11-02', true, '2026-11-01');
insert into jobs (kind, subject, attempts, leased_until) values ('retention', '', 1, '2026-11-01');
