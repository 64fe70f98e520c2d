-- States with time; ends at once; copies that are stored anew; identities that fail closed; jobs.

-- When something was first taken away. Two removals used to share one column: where both happened, the
-- first one's time is lost.
alter table blocks add column first_removed_at timestamptz;
alter table blocks add column history_uncertain boolean not null default false;
alter table blocks add column removal_told_at timestamptz;
comment on column blocks.first_removed_at is 'When it was first revoked for good, annulled or unregistered; set once';
comment on column blocks.history_uncertain is 'It was revoked and annulled before first_removed_at was kept: when it was first removed is not known';
comment on column blocks.removal_told_at is 'The second that latestCancellation tells for the latest removal; no two removals of a tenant share one';
update blocks b set history_uncertain = true
    where removed_at is not null
      and exists (select 1 from block_actions a where a.block_number = b.block_number and a.revoke_number = 0 and a.kind = 'revoke')
      and exists (select 1 from block_actions a where a.block_number = b.block_number and a.revoke_number = 0 and a.kind = 'delete');
update blocks set first_removed_at = removed_at where removed_at is not null and not history_uncertain;
update blocks set removal_told_at = date_trunc('second', removed_at) where removed_at is not null;
create index blocks_removal_told on blocks (tenant_id, (coalesce(removal_told_at, removed_at))) where removed_at is not null;

alter table change_clocks add column latest_removal_told_at timestamptz;
comment on column change_clocks.latest_removal_told_at is 'The latest removal_told_at given out';
update change_clocks c set latest_removal_told_at =
    (select max(removal_told_at) from blocks b where b.tenant_id = c.tenant_id)
    where domain = 'blocking';

alter table assertions add column first_removed_at timestamptz;
alter table assertions add column history_uncertain boolean not null default false;
alter table assertions add column requested_start_at timestamptz;
alter table assertions add column ended_at_once boolean not null default false;
alter table patient_ends add column at_once boolean not null default false;
comment on column assertions.first_removed_at is 'When staff first ended or annulled it; set once';
comment on column assertions.history_uncertain is 'It was ended and annulled before first_removed_at was kept: when it was first removed is not known';
comment on column assertions.requested_start_at is 'The start as given, also where it counts as at once; null when none was given';
comment on column assertions.start_given is 'Whether it starts at start_at; otherwise it starts at once, and start_at is the time of storing';
comment on column assertions.ended_at_once is 'The patient ended it there and then: it has ended, whatever clock end_at is compared with';
comment on column patient_ends.at_once is 'The end was to come there and then; end_at is the time of storing';
update assertions s set history_uncertain = true
    where removed_at is not null
      and exists (select 1 from assertion_actions a where a.assertion_number = s.assertion_number and a.kind = 'cancel')
      and exists (select 1 from assertion_actions a where a.assertion_number = s.assertion_number and a.kind = 'delete');
update assertions set first_removed_at = removed_at where removed_at is not null and not history_uncertain;
-- Messages tell whole seconds, and so are kept: starts as the next one, ends as their own.
update assertions set start_at = date_trunc('second', start_at) + interval '1 second'
    where start_given and start_at <> date_trunc('second', start_at);
update assertions set end_at = date_trunc('second', end_at)
    where patient_ended_at is null and end_at <> date_trunc('second', end_at);
update assertions set original_end_at = date_trunc('second', original_end_at)
    where original_end_at <> date_trunc('second', original_end_at);
update assertions set requested_start_at = start_at where start_given and start_at >= '0001-01-01 00:00:00Z';
update patient_ends set at_once = true where requested_end_at is null;
update assertions a set ended_at_once = true
    where patient_ended_at is not null
      and (select at_once from patient_ends p where p.assertion_number = a.assertion_number
           order by patient_end_number desc limit 1);

-- A copy that was unregistered may be registered again: it is stored anew, and the old row stays.
alter table blocks drop constraint blocks_tenant_id_block_key_key;
create unique index blocks_key on blocks (tenant_id, block_key) where extended or removed_at is null;
create index blocks_key_history on blocks (tenant_id, block_key, block_number);
alter table temporary_revokes drop constraint temporary_revokes_tenant_id_revoke_key_key;
update temporary_revokes r set cancelled_at = b.removed_at from blocks b
    where b.block_number = r.block_number and not b.extended and b.removed_at is not null and r.cancelled_at is null;
create unique index temporary_revokes_key on temporary_revokes (tenant_id, revoke_key) where extended or cancelled_at is null;
create index temporary_revokes_key_history on temporary_revokes (tenant_id, revoke_key, revoke_number);

-- What .NET sends for "always" and "for ever" is no bound.
update blocks set information_end_at = null where information_end_at >= '9999-12-31 22:59:59Z';
update blocks set information_start_at = null where information_start_at < '0001-01-01 00:00:00Z';
update assertions set end_at = null where patient_ended_at is null and end_at >= '9999-12-31 22:59:59Z';
update assertions set original_end_at = null where original_end_at >= '9999-12-31 22:59:59Z';

-- Keys of patients, as src/domain/identity.rs makes them.
create function pg_temp.visible(text) returns text immutable language sql as $$
    select regexp_replace($1, '[\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]', '', 'g')
$$;
create function pg_temp.trimmed(text) returns text immutable language sql as $$
    select regexp_replace($1,
        '^[\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$',
        '', 'g')
$$;
create function pg_temp.folded(text) returns text immutable language sql as $$
    select lower(pg_temp.trimmed(pg_temp.visible($1)) collate "C")
$$;
create function pg_temp.patient_key(root text, extension text) returns text immutable language sql as $$
    select case
        when pg_temp.trimmed(root) in ('1.2.752.129.2.1.3.1', '1.2.752.129.2.1.3.3', '1.2.752.74.9.1') then
            replace(pg_temp.trimmed(root), '1.2.752.129.2.1.3.3', '1.2.752.129.2.1.3.1') || '^' ||
            upper(regexp_replace(pg_temp.visible(extension),
                '[-\s\u0085\u00a0\u058a\u05be\u1680\u1806\u2000-\u200a\u2010-\u2015\u2028\u2029\u202f\u2043\u205f\u2212\u3000\ufe58\ufe63\uff0d]',
                '', 'g') collate "C")
        else pg_temp.trimmed(root) || '^' || pg_temp.trimmed(pg_temp.visible(extension))
    end
$$;
update blocks set patient_key = pg_temp.patient_key(patient_root, patient_extension)
    where patient_key <> pg_temp.patient_key(patient_root, patient_extension);
update assertions set patient_key = pg_temp.patient_key(patient_root, patient_extension)
    where patient_key <> pg_temp.patient_key(patient_root, patient_extension);
update legal_holds set patient_key = pg_temp.patient_key(split_part(patient_key, '^', 1), substr(patient_key, strpos(patient_key, '^') + 1))
    where patient_key is not null;
update blocks set provider_key = pg_temp.folded(provider_key)
    where provider_key <> pg_temp.folded(provider_key);
update assertions set provider_key = pg_temp.folded(provider_key)
    where provider_key <> pg_temp.folded(provider_key);
update legal_holds set provider_key = pg_temp.folded(provider_key)
    where provider_key <> pg_temp.folded(provider_key);
-- Of ids that are the same now the earliest is the one that is found.
update blocks b set block_key = pg_temp.folded(block_key)
    where block_key <> pg_temp.folded(block_key)
      and not exists (select 1 from blocks o where o.tenant_id = b.tenant_id and o.block_key = pg_temp.folded(b.block_key))
      and not exists (select 1 from blocks o where o.tenant_id = b.tenant_id and o.block_number < b.block_number
          and pg_temp.folded(o.block_key) = pg_temp.folded(b.block_key));
update temporary_revokes b set revoke_key = pg_temp.folded(revoke_key)
    where revoke_key <> pg_temp.folded(revoke_key)
      and not exists (select 1 from temporary_revokes o where o.tenant_id = b.tenant_id and o.revoke_key = pg_temp.folded(b.revoke_key))
      and not exists (select 1 from temporary_revokes o where o.tenant_id = b.tenant_id and o.revoke_number < b.revoke_number
          and pg_temp.folded(o.revoke_key) = pg_temp.folded(b.revoke_key));
update assertions b set assertion_key = pg_temp.folded(assertion_key)
    where assertion_key <> pg_temp.folded(assertion_key)
      and not exists (select 1 from assertions o where o.tenant_id = b.tenant_id and o.assertion_key = pg_temp.folded(b.assertion_key))
      and not exists (select 1 from assertions o where o.tenant_id = b.tenant_id and o.assertion_number < b.assertion_number
          and pg_temp.folded(o.assertion_key) = pg_temp.folded(b.assertion_key));

-- Sources are compared like every HSA-id. Of several cursors of one source the earliest loses nothing.
create temporary table cursors on commit drop as
    select tenant_id, pg_temp.folded(source) as source, pg_temp.folded(provider_key) as provider_key, min(cursor_text) as cursor_text
    from import_cursors group by 1, 2, 3;
delete from import_cursors;
insert into import_cursors (tenant_id, source, provider_key, cursor_text)
    select tenant_id, source, provider_key, cursor_text from cursors;
comment on column import_cursors.source is 'The producer, in the form that equal HSA-ids share';

create table jobs (
    job_number bigint primary key generated always as identity,
    kind text collate "C" not null,
    subject text not null,
    attempts integer not null default 0,
    leased_until timestamptz,
    due_at timestamptz not null default now(),
    failure text,
    unique (kind, subject)
);
comment on table jobs is 'Work that any process may take up, and that outlives the one that has';
comment on column jobs.subject is 'What it is about, within its kind; holds no personal data';
comment on column jobs.attempts is 'How often it has been taken up; also tells whether a lease is still the same';
comment on column jobs.leased_until is 'Until when the process that took it up may be doing it, by the database''s clock; null while nobody is';
comment on column jobs.due_at is 'Not to be taken up before this, by the database''s clock';
comment on column jobs.failure is 'Why it failed the last time; holds no personal data';
create index jobs_due on jobs (kind, due_at);
