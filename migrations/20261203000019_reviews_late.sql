-- What reaches the log late is judged and reviewed too; reminders are told to each receiver once, refused ones after a while; a patient's
-- request has its reviews though the process that took it died.

create table verdict_cursors (
    tenant_id integer primary key references tenants,
    entry_number bigint not null
);
comment on table verdict_cursors is 'Through which log record it has been looked whether records came after their day was judged';

-- Open again where something came after the last one was concluded.
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
