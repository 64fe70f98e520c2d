insert into review_cursors (tenant_id, what, looked_at) values (1, 'verdicts', '2026-11-02T03:00:00Z');
insert into review_reminders (review_number, step, due_at, tried_at, webhook_told_at)
values (1, 'due', '2026-11-09T06:00:00Z', '2026-11-09T06:01:00Z', null);
