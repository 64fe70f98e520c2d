insert into verdict_days values (1, '2026-11-20', 1, 3, '2026-11-21T00:00:00Z');
insert into verdicts values (1, 7, '2026-11-20T10:00:00Z', 'no_ground', '{}', 1);
insert into review_plans (tenant_id, provider_id, provider_key, provider_name, unit_id, unit_key, unit_name, mode, share_percent, reviewer_id,
    active_from, set_by, set_at)
values (1, 'SE1', 'se1', 'Region', 'SE1-U1', 'se1-u1', 'Akuten', 'all', 100, 'SE1-P1', '2026-11-01', 'SE1-P2', '2026-11-01T00:00:00Z');
insert into reviews (tenant_id, provider_id, provider_key, provider_name, unit_id, unit_key, unit_name, kind, state, plan_number, month, due_on,
    opened_at)
values (1, 'SE1', 'se1', 'Region', 'SE1-U1', 'se1-u1', 'Akuten', 'systematic', 'planned', 1, '2026-11-01', '2026-11-09', '2026-11-01T06:00:00Z');
