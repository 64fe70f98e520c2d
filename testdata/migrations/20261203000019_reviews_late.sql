insert into verdict_cursors (tenant_id, entry_number) values (1, 7);
insert into review_reminders (review_number, step, due_at, tried_at, webhook_told_at)
values (1, 'due', '2026-11-09T06:00:00Z', '2026-11-09T06:01:00Z', null);
