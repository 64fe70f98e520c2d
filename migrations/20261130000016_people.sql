-- People: who has logged in to the pages, what they look up, and what the pages need beside.

create table admin_sessions (
    session_number bigint primary key generated always as identity,
    tenant_id integer references tenants,
    token_hash bytea not null unique,
    form_token bytea not null,
    employee_id text not null,
    employee_name text not null,
    title text,
    method text not null check (method in ('oidc', 'certificate', 'test')),
    level text not null,
    offered text not null,
    assignment_id text,
    assignment_name text,
    purpose text,
    unit_id text,
    unit_name text,
    provider_id text,
    provider_name text,
    roles text[] not null,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    ends_at timestamptz not null,
    check (num_nulls(tenant_id, purpose, unit_id, provider_id) in (0, 4))
);
comment on table admin_sessions is 'Logins to the pages; a token is kept as its hash only';
comment on column admin_sessions.offered is 'The assignments that the person may choose among, as JSON';
comment on column admin_sessions.unit_id is 'The chosen assignment''s, as are those beside it; null until one is chosen';
create index admin_sessions_ends on admin_sessions (ends_at);

create table admin_logins (
    state_hash bytea primary key,
    nonce text not null,
    verifier text not null,
    return_to text not null,
    made_at timestamptz not null
);
comment on table admin_logins is 'Logins under way at a provider of identities: each is taken up once';

create table admin_lookups (
    lookup_id uuid primary key,
    session_number bigint not null references admin_sessions on delete cascade,
    patient_root text not null,
    patient_extension text not null,
    patient_key text not null,
    matter text not null check (matter in ('present', 'request', 'correction', 'other')),
    case_text text not null,
    made_at timestamptz not null,
    named_until timestamptz
);
comment on table admin_lookups is 'Patients that a login has looked up: addresses have the id, never the patient';
comment on column admin_lookups.named_until is 'Until when the look-up shows which other care providers have blocked';
create index admin_lookups_session on admin_lookups (session_number);

create table admin_events (
    event_number bigint primary key generated always as identity,
    tenant_id integer references tenants,
    at timestamptz not null,
    employee_id text not null,
    kind text not null,
    object text not null,
    detail text not null
);
comment on table admin_events is 'What people have done with the service itself: never about a patient';
create index admin_events_at on admin_events (at);

create table admin_views (
    view_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    employee_key text not null,
    at timestamptz not null,
    page text not null,
    matter text not null
);
comment on table admin_views is 'Which pages about patients an employee has been shown; the patient stands in the log only';
create index admin_views_employee on admin_views (tenant_id, employee_key, at);

create table directory_units (
    tenant_id integer not null references tenants,
    unit_key text not null,
    unit_id text not null,
    unit_name text not null,
    provider_id text not null,
    provider_key text not null,
    provider_name text not null,
    county text,
    phone text,
    manager_id text,
    opens time,
    closes time,
    primary key (tenant_id, unit_key)
);
comment on table directory_units is 'Care units as the directory has them';
create index directory_units_provider on directory_units (tenant_id, provider_key);

create table directory_staff (
    tenant_id integer not null references tenants,
    employee_key text not null,
    employee_id text not null,
    employee_name text not null,
    title text,
    manager_id text,
    person_root text,
    person_extension text,
    system_roles text[] not null,
    primary key (tenant_id, employee_key)
);
comment on table directory_staff is 'Employees as the directory has them';

create table directory_assignments (
    tenant_id integer not null references tenants,
    employee_key text not null,
    assignment_id text not null,
    assignment_name text not null,
    purpose text not null,
    unit_key text not null,
    primary key (tenant_id, employee_key, assignment_id),
    foreign key (tenant_id, employee_key) references directory_staff on delete cascade,
    foreign key (tenant_id, unit_key) references directory_units on delete cascade
);
comment on table directory_assignments is 'At which units employees work, and for what';

create table directory_hours (
    tenant_id integer not null references tenants,
    employee_key text not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    primary key (tenant_id, employee_key, from_at),
    check (from_at < to_at),
    foreign key (tenant_id, employee_key) references directory_staff on delete cascade
);
comment on table directory_hours is 'When employees are scheduled to work';

create table log_report_orders (
    report_id uuid primary key,
    tenant_id integer not null references tenants,
    provider_key text not null,
    employee_id text not null,
    employee_key text not null,
    name text not null,
    kind text not null check (kind in ('patient', 'user', 'unit', 'information', 'provider')),
    owner_id text not null,
    patient_root text,
    patient_extension text,
    user_id text,
    unit_id text,
    from_at timestamptz not null,
    to_at timestamptz not null,
    matter text not null,
    ordered_at timestamptz not null
);
comment on table log_report_orders is 'Reports over the log that people have asked for through the pages; made as log_reports';
create index log_report_orders_employee on log_report_orders (tenant_id, employee_key, ordered_at);

create table extracts (
    extract_id uuid primary key,
    tenant_id integer not null references tenants,
    provider_id text not null,
    provider_key text not null,
    patient_root text not null,
    patient_extension text not null,
    patient_key text not null,
    from_on date not null,
    to_on date not null,
    requester text not null check (requester in ('patient', 'guardian', 'representative')),
    requester_name text not null,
    identity_check text not null,
    maturity text not null,
    case_text text not null,
    names boolean not null,
    names_reason text not null,
    requested_at timestamptz not null,
    requested_by text not null,
    made_at timestamptz,
    made_by text,
    posts integer,
    embargoed boolean not null default false,
    file_hash bytea,
    checkpoint_size bigint,
    delivered_at timestamptz,
    delivered_by text,
    way text check (way in ('collected', 'letter')),
    letter_number text not null default '',
    supplement_of uuid references extracts,
    check (from_on <= to_on),
    check (num_nulls(made_at, made_by, posts, file_hash) in (0, 4)),
    check (num_nulls(delivered_at, delivered_by, way) in (0, 3))
);
comment on table extracts is 'Extracts of the log that patients have asked for, and their delivery';
comment on column extracts.embargoed is 'Whether posts were left out for an investigation: a supplement is due when that ends';
create index extracts_provider on extracts (tenant_id, provider_key, requested_at);
create index extracts_patient on extracts (tenant_id, patient_key);

create table embargoes (
    embargo_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    provider_key text not null,
    patient_root text not null,
    patient_extension text not null,
    patient_key text not null,
    employee_id text not null,
    employee_key text not null,
    reason text not null,
    told boolean not null,
    asked_by text not null,
    asked_at timestamptz not null,
    approved_by text,
    approved_at timestamptz,
    until_at timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    check (num_nulls(approved_by, approved_at) in (0, 2)),
    check (num_nulls(ended_at, ended_by) in (0, 2))
);
comment on table embargoes is 'Investigations for which an employee''s posts about a patient are left out of extracts for a time';
create index embargoes_patient on embargoes (tenant_id, patient_key);

create table statistics (
    tenant_id integer not null references tenants,
    month date not null check (extract(day from month) = 1),
    provider_id text not null,
    county text not null,
    series text not null,
    value bigint not null,
    fixed_at timestamptz not null,
    primary key (tenant_id, month, provider_id, series)
);
comment on table statistics is 'Figures of months as they were fixed; what is shown of them is hidden where it is small';

create table availability (
    interruption_number bigint primary key generated always as identity,
    function text not null,
    state text not null check (state in ('disturbed', 'interrupted')),
    from_at timestamptz not null,
    to_at timestamptz,
    class text not null default 'unplanned' check (class in ('unplanned', 'planned', 'excluded')),
    reason text not null default '',
    changed_by text,
    changed_at timestamptz,
    check (to_at is null or from_at <= to_at),
    check (class = 'unplanned' or reason <> '')
);
comment on table availability is 'When functions did not answer, by the service''s own probe, or will not, by an operator''s word';
create index availability_from on availability (from_at);

create table availability_probes (
    probed_at timestamptz primary key
);
comment on table availability_probes is 'That the probe ran: one row a minute; times without any are told as not known';

create table service_messages (
    message_number bigint primary key generated always as identity,
    at timestamptz not null,
    by_employee text not null,
    words text not null,
    ends_at timestamptz
);
comment on table service_messages is 'What operators tell everybody on the page of how the service does';
