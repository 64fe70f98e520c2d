-- What callers may do, beside what the file of settings grants. A grant is ended, never deleted or changed.

create table grants (
    grant_number bigint primary key generated always as identity,
    consumer text not null,
    contracts text[] not null,
    tenant text,
    logical_addresses text[] not null,
    care_providers text[] not null,
    via text[] not null,
    from_at timestamptz check (isfinite(from_at)),
    until_at timestamptz check (isfinite(until_at)),
    reason text not null,
    added_by text not null,
    added_at timestamptz not null,
    ended_by text,
    ended_at timestamptz,
    end_reason text,
    check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (end_reason is null))
);
comment on table grants is 'What systems may do: each from when it was added until it was ended';
comment on column grants.contracts is 'Contracts, groups of contracts, or *';
comment on column grants.via is 'Platforms through which the consumer may call, or *';
create index grants_in_force on grants (grant_number) where ended_at is null;

create function grants_are_only_ended() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.ended_at is null and new.ended_at is not null
        and to_jsonb(new) - array['ended_by', 'ended_at', 'end_reason'] = to_jsonb(old) - array['ended_by', 'ended_at', 'end_reason']
    then
        return new;
    end if;
    raise exception 'a grant is ended, never changed or deleted';
end $$;
create trigger grants_are_only_ended before update or delete on grants
    for each row execute function grants_are_only_ended();
create trigger grants_are_not_truncated before truncate on grants
    for each statement execute function grants_are_only_ended();
