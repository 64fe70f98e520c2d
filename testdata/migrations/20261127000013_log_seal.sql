insert into log_pending (writer_id, writer_step, first_numbers, counts, entries, mac) values ('00000000-0000-0000-0000-000000000001', 0, '{1}', '{1}', '', '');
