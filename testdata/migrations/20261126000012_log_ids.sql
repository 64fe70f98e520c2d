insert into log_ids_1 (id_hash, entry_number) values ('00000000-0000-0000-0000-000000000002', 901);
insert into log_id_tables (table_number, closed_at) values (0, now());
insert into log_id_runs (made, page_bits, part_bits, ids, first_number, last_number) values (true, 0, 0, 0, 1, 1);
insert into log_id_pages (run_number, page, ids) select run_number, 0, '' from log_id_runs;
insert into log_id_filters (run_number, part, filter) select run_number, 0, '' from log_id_runs;
