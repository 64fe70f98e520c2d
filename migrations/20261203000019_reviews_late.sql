-- What reaches the log late is judged and reviewed too; reminders are told to each receiver once, refused ones after a while; a patient's
-- request has its reviews though the process that took it died.

create table review_cursors (
    tenant_id integer not null references tenants,
    what text not null check (what in ('verdicts', 'emergencies')),
    looked_at timestamptz not null,
    primary key (tenant_id, what)
);
comment on table review_cursors is 'Until when it has been looked what came late: records of days that were judged, and emergencies of days before';
-- Records lie nearly in the order in which they were stored.
create index log_entries_stored on log_entries using brin (stored_at);

-- Another one is opened where something came after the last one was concluded.
drop index reviews_emergency;
create unique index reviews_emergency on reviews (tenant_id, provider_key, unit_key, from_at)
    where kind = 'emergency' and state <> 'concluded';
create index reviews_of_period on reviews (tenant_id, unit_key, from_at) where kind in ('emergency', 'watch');

alter table review_reminders add column tried_at timestamptz;
alter table review_reminders add column webhook_told_at timestamptz;
comment on column review_reminders.tried_at is 'When it was last refused: it is told again after an hour, behind those that are new';
comment on column review_reminders.webhook_told_at is 'When the webhook took it, where there is a program beside';

alter table extracts add column reviews_opened_at timestamptz;
update extracts set reviews_opened_at = requested_at;
create index extracts_unreviewed on extracts (tenant_id, requested_at) where reviews_opened_at is null;
comment on column extracts.reviews_opened_at is 'When the reviews that it asks for were opened';

alter table directory_staff add column person_key text;
update directory_staff set person_key = case
        when person_root in ('1.2.752.129.2.1.3.1', '1.2.752.129.2.1.3.3')
            then '1.2.752.129.2.1.3.1^' || upper(regexp_replace(person_extension, '[-\s]', '', 'g'))
        else btrim(person_root) || '^' || btrim(person_extension) end
    where person_root is not null and person_extension is not null;
comment on column directory_staff.person_key is 'The own identity in the form that equal ones share';

-- As they would be, had it been so from the beginning: who reviews a unit now has its reviews, and who is watched stays unnamed.
update reviews r set reviewer_id = p.reviewer_id, deputy_id = p.deputy_id from review_plans p
    where p.ended_at is null and p.tenant_id = r.tenant_id and p.unit_key = r.unit_key and p.provider_key = r.provider_key
        and r.kind <> 'suspicion';
update review_visits v set is_watched = true from reviews r where r.review_number = v.review_number and r.kind = 'watch';
