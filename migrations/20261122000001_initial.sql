-- Tenants, change clocks, blocks, assertions and the access log.
-- Text that is compared is COLLATE "C": byte order, and lower() folds ASCII only.

create table tenants (
    tenant_id integer primary key generated always as identity,
    name text collate "C" not null unique
);
comment on table tenants is 'Whose data: everything else belongs to one tenant, and a call sees only the tenant that its logical address names';
insert into tenants (name) values ('default');

create table change_clocks (
    tenant_id integer not null references tenants,
    domain text collate "C" not null,
    latest_at timestamptz not null,
    primary key (tenant_id, domain)
) with (fillfactor = 20);
comment on table change_clocks is 'The latest storage time or cursor given out per tenant and domain. Writers hold the row from the moment they take their storage time until they commit, so no change is ever stored before a cursor that has been given out';

create table blocks (
    block_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    block_key text collate "C" not null,
    block_id text not null,
    block_type text collate "C" not null check (block_type in ('Inner', 'Outer')),
    patient_key text collate "C" not null,
    patient_root text not null,
    patient_extension text not null,
    information_start_at timestamptz,
    information_end_at timestamptz,
    information_care_unit_id text,
    information_care_provider_id text not null,
    provider_key text collate "C" not null,
    exempts_lak boolean not null,
    exempts_upp boolean not null,
    owner_id text,
    extended boolean not null,
    stored_at timestamptz not null,
    changed_at timestamptz not null,
    removed_at timestamptz,
    unique (tenant_id, block_key)
);
comment on table blocks is 'Blocks (spärrar). Never deleted by a contract: a revoked, annulled or unregistered block has removed_at';
comment on column blocks.block_key is 'block_id in the form that equal ids share; so are patient_key and provider_key';
comment on column blocks.exempts_lak is 'Whether excludedInformationTypes names lak; exempts_upp likewise upp';
comment on column blocks.extended is 'Registered here with who asked and who registered (block_actions); false for a copy in the basic format';
comment on column blocks.changed_at is 'When the block or one of its temporary revokes was last stored or changed, by the tenant''s change clock';
comment on column blocks.removed_at is 'When it was last revoked for good, annulled or unregistered; null while active';
create index blocks_patient on blocks (tenant_id, patient_key);
create index blocks_provider on blocks (tenant_id, provider_key, changed_at);
create index blocks_stored on blocks (tenant_id, stored_at, block_key) where removed_at is null;
create index blocks_changed on blocks (tenant_id, changed_at) where removed_at is null;
create index blocks_removed on blocks (tenant_id, removed_at) where removed_at is not null;

create table temporary_revokes (
    revoke_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    revoke_key text collate "C" not null,
    revoke_id text not null,
    block_number bigint not null references blocks,
    end_at timestamptz not null,
    care_unit_id text not null,
    employee_id text,
    reason text collate "C" check (reason in ('PatientsConsent', 'Emergency')),
    reason_text text,
    owner_id text,
    extended boolean not null,
    stored_at timestamptz not null,
    cancelled_at timestamptz,
    unique (tenant_id, revoke_key)
);
comment on table temporary_revokes is 'Temporary revokes (tillfälliga hävningar) of blocks; a cancelled one stays';
create index temporary_revokes_block on temporary_revokes (block_number);

create table block_actions (
    block_number bigint not null references blocks,
    revoke_number bigint not null,
    kind text collate "C" not null check (kind in ('register', 'revoke', 'delete', 'cancel')),
    requested_at timestamptz not null,
    requested_by_employee_id text not null,
    requested_by_assignment_id text,
    requested_by_assignment_name text,
    registered_at timestamptz not null,
    registered_by_employee_id text not null,
    registered_by_assignment_id text,
    registered_by_assignment_name text,
    reason_text text,
    separate_reason_text text,
    primary key (block_number, revoke_number, kind)
);
comment on table block_actions is 'Who asked for and who registered a block, its permanent revoke and its annulment, and its temporary revokes and their cancellations';
comment on column block_actions.revoke_number is 'The temporary revoke that the action is about; 0 when it is about the block itself';
comment on column block_actions.separate_reason_text is 'The reason that the request gives beside the action; wins over reason_text in answers';

create table assertions (
    assertion_number bigint primary key generated always as identity,
    tenant_id integer not null references tenants,
    assertion_key text collate "C" not null,
    assertion_id text not null,
    assertion_type text collate "C" not null check (assertion_type in ('Consent', 'Emergency')),
    patient_key text collate "C" not null,
    patient_root text not null,
    patient_extension text not null,
    care_provider_id text not null,
    provider_key text collate "C" not null,
    care_unit_id text not null,
    employee_id text,
    start_at timestamptz not null,
    start_given boolean not null,
    end_at timestamptz,
    represented_by_root text,
    represented_by_extension text,
    owner_id text,
    stored_at timestamptz not null,
    removed_at timestamptz,
    unique (tenant_id, assertion_key)
);
comment on table assertions is 'Consents and emergency assertions (samtyckesintyg). Never deleted by a contract: an ended or annulled one has removed_at';
comment on column assertions.start_given is 'Whether start_at came with the registration; otherwise it is the time of storing';
create index assertions_patient on assertions (tenant_id, patient_key);
create index assertions_provider on assertions (tenant_id, provider_key, stored_at);

create table assertion_actions (
    assertion_number bigint not null references assertions,
    kind text collate "C" not null check (kind in ('register', 'cancel', 'delete')),
    requested_at timestamptz not null,
    requested_by_employee_id text not null,
    requested_by_assignment_id text,
    requested_by_assignment_name text,
    registered_at timestamptz not null,
    registered_by_employee_id text not null,
    registered_by_assignment_id text,
    registered_by_assignment_name text,
    reason_text text,
    primary key (assertion_number, kind)
);
comment on table assertion_actions is 'Who asked for and who registered an assertion, its ending and its annulment';

create sequence log_entry_numbers increment by 1000;
comment on sequence log_entry_numbers is 'The running numbers of log records: a value stands for itself and the 999 after it. Numbers that are not used are skipped';

create table log_ids (
    id_hash uuid primary key,
    entry_number bigint not null,
    activity_at timestamptz not null
) partition by hash (id_hash);
comment on table log_ids is 'Every log id of the whole service once: the first 16 bytes of SHA-256 over the id in the form that equal ids share. One index look-up tells whether an id is used, and in which month''s partition its record is';
do $$
begin
    for remainder in 0..15 loop
        execute format('create table log_ids_%s partition of log_ids for values with (modulus 16, remainder %s)', remainder, remainder);
    end loop;
end $$;

create table log_entries (
    entry_number bigint not null,
    tenant_id integer not null,
    stored_at timestamptz not null,
    activity_at timestamptz not null,
    log_id text not null,
    system_id text not null,
    system_name text,
    activity_type text not null,
    activity_level text,
    activity_args text,
    purpose text not null,
    user_id text not null,
    user_name text,
    person_root text,
    person_extension text,
    assignment text,
    title text,
    care_provider_id text collate "C" not null,
    care_provider_name text,
    care_unit_id text not null,
    care_unit_name text,
    primary key (entry_number, activity_at)
) partition by range (activity_at);
comment on table log_entries is 'Log records (loggposter), a partition a month of the activity''s time. Append only';
comment on column log_entries.care_provider_id is 'The owner of the record: the provider whose employee had access';
create index log_entries_owner on log_entries (tenant_id, lower(btrim(care_provider_id)), activity_at);

create table log_resources (
    entry_number bigint not null,
    ordinal integer not null,
    tenant_id integer not null,
    activity_at timestamptz not null,
    resource_type text not null,
    patient_key text collate "C",
    patient_root text,
    patient_extension text,
    patient_name text,
    care_provider_id text collate "C" not null,
    care_provider_name text,
    care_unit_id text,
    care_unit_name text,
    primary key (entry_number, ordinal, activity_at)
) partition by range (activity_at);
comment on table log_resources is 'What a log record says was accessed, in the record''s order; partitioned like log_entries';
comment on column log_resources.care_provider_id is 'The information owner: the provider that holds the information';
create index log_resources_patient on log_resources (tenant_id, patient_key, activity_at) where patient_key is not null;
create index log_resources_information_owner on log_resources (tenant_id, lower(btrim(care_provider_id)), activity_at);

create table log_entries_other partition of log_entries default;
create table log_resources_other partition of log_resources default;
comment on table log_entries_other is 'Records whose activity lies outside the years that get partitions of their own';
