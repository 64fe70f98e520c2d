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

create function signed_checkpoints_stay() returns trigger language plpgsql as $$
begin
    if old.note is null
        or old.size > (select size from log_tree)
        or new.root = old.root and new.integrated_at = old.integrated_at and starts_with(new.note, old.note)
        or pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid), 'member')
    then
        return new;
    end if;
    raise exception 'what a checkpoint is signed with is never changed';
end $$;
create trigger signed_checkpoints_stay before update on log_checkpoints
    for each row execute function signed_checkpoints_stay();
