-- Review of the log: kept verdicts, plans, draws, visits, judgements, cases, watched patients.

create table verdict_days (
    tenant_id integer not null references tenants,
    day date not null,
    rules_version integer not null,
    posts bigint not null,
    judged_at timestamptz not null,
    primary key (tenant_id, day)
);
comment on table verdict_days is 'Swedish days whose posts have been judged: a post of such a day without a verdict is the own care provider''s, and nothing more is told of it';

create table verdicts (
    tenant_id integer not null references tenants,
    entry_number bigint not null,
    activity_at timestamptz not null,
    class text not null check (class in ('against_block', 'no_ground', 'undecided', 'emergency', 'consent', 'own')),
    remarks text[] not null,
    rules_version integer not null,
    primary key (tenant_id, entry_number)
);
comment on table verdicts is 'What the registers tell of posts: the gravest of their resources, by a version of the rules';
create index verdicts_class on verdicts (tenant_id, class, activity_at);
create index verdicts_time on verdicts (tenant_id, activity_at);

create table user_days (
    tenant_id integer not null references tenants,
    user_key text not null,
    day date not null,
    patients integer not null,
    primary key (tenant_id, user_key, day)
);
comment on table user_days is 'How many patients a user read on a judged day';

create table surnames (
    tenant_id integer not null references tenants,
    surname text not null,
    patients integer not null,
    primary key (tenant_id, surname)
);
comment on table surnames is 'How many patients of the last year''s log have a surname; the blank one is how many there are in all';

create table review_plans (
    plan_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    provider_id text not null,
    provider_key text not null,
    provider_name text not null,
    unit_id text not null,
    unit_key text not null,
    unit_name text not null,
    mode text not null check (mode in ('all', 'sample')),
    share_percent integer not null check (share_percent between 5 and 100),
    reviewer_id text not null,
    deputy_id text,
    active_from date not null check (extract(day from active_from) = 1),
    ended_at timestamptz,
    set_by text not null,
    set_at timestamptz not null
);
comment on table review_plans is 'Who reviews which unit and how; a plan is ended and another made, never changed';
create unique index review_plans_active on review_plans (tenant_id, unit_key) where ended_at is null;

create table reviews (
    review_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    provider_id text not null,
    provider_key text not null,
    provider_name text not null,
    unit_id text not null,
    unit_key text not null,
    unit_name text not null,
    kind text not null check (kind in ('systematic', 'suspicion', 'patient_request', 'watch', 'emergency')),
    state text not null check (state in ('planned', 'announced', 'drawn', 'opened', 'listed', 'under_review', 'concluded')),
    plan_number bigint references review_plans,
    month date not null check (extract(day from month) = 1),
    mode text not null default 'all' check (mode in ('all', 'sample')),
    share_percent integer not null default 100,
    reviewer_id text,
    deputy_id text,
    day date,
    from_at timestamptz,
    to_at timestamptz,
    subject_employee text,
    patient_root text,
    patient_extension text,
    patient_key text,
    reason text not null default '',
    due_on date not null,
    opened_by text,
    opened_at timestamptz not null,
    opening uuid,
    units text[],
    list_failed_at timestamptz,
    notice text,
    notice_salt bytea,
    frame text[],
    notice_log_id uuid unique,
    notice_leaf bigint,
    announced_at timestamptz,
    checkpoint text,
    checkpoint_before text,
    decided_by text check (decided_by in ('checkpoint', 'random')),
    seed bytea,
    drawn_at timestamptz,
    listed_at timestamptz,
    lapsed_at timestamptz,
    result text check (result in ('empty', 'no_remark', 'remark')),
    conclusion text not null default '',
    concluded_by text,
    concluded_at timestamptz,
    conclusion_log_id uuid,
    conclusion_sealed_at timestamptz,
    check (kind <> 'systematic' or plan_number is not null),
    check (num_nulls(patient_root, patient_extension, patient_key) in (0, 3)),
    check ((state = 'concluded') = (concluded_at is not null) and (concluded_at is null) = (result is null))
);
comment on table reviews is 'Reviews of the log, from their plan or opening to their conclusion; none is ever removed before the posts that it judged';
comment on column reviews.month is 'The month in which it is to be done; a systematic one draws a day of the month before';
comment on column reviews.notice is 'What was sealed before the draw: its text, whose hash goes into the seed';
comment on column reviews.frame is 'Keys of the staff who can be drawn; the notice has the hash of them with the salt';
comment on column reviews.checkpoint is 'The checkpoint that decided, with its signatures';
create unique index reviews_of_month on reviews (tenant_id, unit_key, month) where kind = 'systematic';
comment on column reviews.opening is 'The form or request that opened it: asked again, it opens nothing more';
comment on column reviews.units is 'Keys of the units to whose staff a reviewer''s own control is bound; null: all of the care provider''s';
comment on column reviews.list_failed_at is 'When its list could not be made: it is tried again after an hour';
comment on column reviews.conclusion_log_id is 'The log record that seals the conclusion; stored by the next round where it was not';
create unique index reviews_opening on reviews (opening, unit_key) where opening is not null;
create unique index reviews_emergency on reviews (tenant_id, unit_key, from_at) where kind = 'emergency';
create index reviews_unsealed on reviews (review_number) where conclusion_log_id is not null and conclusion_sealed_at is null;
create index reviews_provider on reviews (tenant_id, provider_key, month, review_number);
create index reviews_going_on on reviews (state, review_number) where state <> 'concluded';

create table review_staff (
    review_number bigint not null references reviews,
    drawn_order integer not null,
    employee_key text not null,
    is_reviewed boolean,
    primary key (review_number, drawn_order)
);
comment on table review_staff is 'Staff of a sample in the order in which they were drawn, those behind the last one needed among them; is_reviewed is false where there was no visit that day, and null behind the last one needed';

create table review_visits (
    visit_number bigint primary key generated always as identity,
    review_number bigint not null references reviews,
    employee_id text not null,
    employee_key text not null,
    employee_name text not null,
    title text not null,
    patient_root text not null,
    patient_extension text not null,
    patient_key text not null,
    patient_name text,
    first_at timestamptz not null,
    last_at timestamptz not null,
    posts integer not null,
    class text not null,
    remarks text[] not null,
    flags text[] not null,
    unanswered smallint[] not null,
    rules_version integer not null,
    given_to text not null check (given_to in ('reviewer', 'deputy', 'log_admin')),
    is_watched boolean not null,
    is_late boolean not null default false,
    listed_at timestamptz not null,
    judgement text check (judgement in ('no_remark', 'remark'))
);
comment on table review_visits is 'Visits of a review, as they were when it was listed';
comment on column review_visits.judgement is 'The last one; all of them stand in review_judgements';
create index review_visits_review on review_visits (review_number, employee_name, first_at);

create table review_visit_posts (
    visit_number bigint not null references review_visits,
    entry_number bigint not null,
    activity_at timestamptz not null,
    primary key (visit_number, entry_number)
);
create index review_visit_posts_entry on review_visit_posts (entry_number);
comment on table review_visit_posts is 'Which log records a visit is';

create table cases (
    case_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    provider_id text not null,
    provider_key text not null,
    unit_id text not null,
    unit_key text not null,
    unit_name text not null,
    subject_employee text,
    title text not null,
    state text not null check (state in ('open', 'inquiry', 'no_suspicion', 'deviation', 'confirmed', 'closed')),
    opened_by text not null,
    opened_at timestamptz not null,
    confirmed_at timestamptz,
    closed_at timestamptz
);
comment on table cases is 'Cases (ärenden): what remarks lead to; what happened in them stands in case_events';
create index cases_provider on cases (tenant_id, provider_key, case_number);

create table case_events (
    event_number bigint primary key generated always as identity,
    case_number bigint not null references cases,
    at timestamptz not null,
    by_employee text not null,
    by_name text not null,
    kind text not null check (kind in ('remark', 'note', 'state')),
    state text,
    text text not null,
    answers jsonb not null default '{}',
    visit_number bigint references review_visits
);
comment on table case_events is 'A case as a story; append only';
create index case_events_case on case_events (case_number, event_number);

create table case_holds (
    case_number bigint not null references cases,
    patient_key text not null,
    hold_number bigint references legal_holds,
    primary key (case_number, patient_key)
);
comment on table case_holds is 'Patients whose posts a case is about: as long as it is open a legal hold keeps them, and none when it is closed';

create table review_judgements (
    judgement_number bigint primary key generated always as identity,
    visit_number bigint not null references review_visits,
    judgement text not null check (judgement in ('no_remark', 'remark')),
    text text not null,
    yes smallint[] not null,
    declined text not null,
    control bigint references reviews,
    case_number bigint references cases,
    by_employee text not null,
    by_name text not null,
    at timestamptz not null
);
comment on table review_judgements is 'Judgements of visits, every one of them; append only';
create index review_judgements_visit on review_judgements (visit_number, judgement_number);

create table review_disclosures (
    disclosure_number bigint primary key generated always as identity,
    visit_number bigint not null references review_visits,
    reason text not null,
    text text not null,
    by_employee text not null,
    at timestamptz not null
);
comment on table review_disclosures is 'Why somebody has opened the full log of a visit; append only';
create index review_disclosures_visit on review_disclosures (visit_number, by_employee);

create table review_reminders (
    review_number bigint not null references reviews,
    step text not null check (step in ('listed', 'soon', 'due', 'late')),
    due_at timestamptz not null,
    told_at timestamptz,
    primary key (review_number, step)
);
comment on table review_reminders is 'Reminders of reviews, and when they were told outside the pages';

create table watch_entries (
    watch_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    provider_id text not null,
    provider_key text not null,
    provider_name text not null,
    patient_root text not null,
    patient_extension text not null,
    patient_key text not null,
    kind text not null check (kind in ('protected', 'public', 'event')),
    reason text not null,
    added_by text not null,
    added_at timestamptz not null,
    approved_by text,
    approved_at timestamptz,
    expires_on date not null,
    ended_at timestamptz,
    ended_by text,
    reviewed_until date,
    check (num_nulls(approved_by, approved_at) in (0, 2)),
    check (num_nulls(ended_at, ended_by) in (0, 2))
);
comment on table watch_entries is 'Watched patients; two persons stand behind each';
create index watch_entries_provider on watch_entries (tenant_id, provider_key) where ended_at is null;

create table log_searches (
    search_id uuid primary key,
    session_number bigint not null references admin_sessions on delete cascade,
    criteria text not null,
    made_at timestamptz not null
);
comment on table log_searches is 'What a login searches the log for: addresses have the id, never the patient or the user';
create index log_searches_session on log_searches (session_number);

-- Notices of draws are looked for by themselves; nothing else has this activity.
create index log_entries_reviews on log_entries (tenant_id, activity_at) where activity_type = 'Granskning';
create index log_entries_emergencies on log_entries (tenant_id, activity_at) where activity_type = 'Nödöppning';
-- A day of a month is read by itself: records lie nearly in the order of their activities.
create index log_entries_time on log_entries using brin (activity_at);
