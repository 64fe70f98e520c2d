-- What the server's own role may not do to the seal, beside what it has no privilege for (`sigill database roles`). The
-- tables' owner is not bound by it.

alter table log_runs enable row level security;
create policy runs_are_read on log_runs for select using (true);
create policy runs_are_added on log_runs for insert with check (true);
create policy runs_ahead_of_the_tree_go on log_runs for delete using (first_leaf >= (select size from log_tree));

alter table log_checkpoints enable row level security;
create policy checkpoints_are_read on log_checkpoints for select using (true);
create policy checkpoints_are_added on log_checkpoints for insert with check (true);
create policy checkpoints_are_signed on log_checkpoints for update using (true);
create policy unsigned_checkpoints_go on log_checkpoints for delete using (note is null);

alter table log_tiles enable row level security;
create policy tiles_are_read on log_tiles for select using (true);
create policy tiles_are_added on log_tiles for insert with check (true);
-- One that the tree does not have yet was put there by somebody else.
create policy tiles_ahead_of_the_tree_change on log_tiles for update
    using ((tile + 1)::numeric * 256::numeric ^ (level + 1) > (select size from log_tree));

-- The policies look at the tree's size, which only grows. Names are written out: a table of the session's own would come first.
create function is_owner_of(relation oid) returns boolean language sql stable
    set search_path = pg_catalog, pg_temp
    return pg_has_role(current_user, (select relowner from pg_catalog.pg_class where oid = relation), 'member');

create function tree_only_grows() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.size >= old.size or public.is_owner_of(tg_relid) then
        return coalesce(new, old);
    end if;
    raise exception 'the tree only grows';
end $$;
create trigger tree_only_grows before update or delete on log_tree
    for each row execute function tree_only_grows();

create function signed_checkpoints_stay() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    if old.note is null
        or old.size > (select size from public.log_tree)
        or new.root = old.root and new.integrated_at = old.integrated_at and new.signed_at is not distinct from old.signed_at
            and starts_with(new.note, old.note) and (old.cms is null or new.cms = old.cms)
        or public.is_owner_of(tg_relid)
    then
        return new;
    end if;
    raise exception 'what a checkpoint is signed with is never changed';
end $$;
create trigger signed_checkpoints_stay before update on log_checkpoints
    for each row execute function signed_checkpoints_stay();

-- Callers are compared without regard to letter case.
update log_orders set caller = lower(caller) where caller <> lower(caller);
update log_reports set caller = lower(caller) where caller <> lower(caller);
