-- Which log records an extract was made of: what reaches the log later, with an earlier time, is not in it.
alter table extracts add column entry_numbers bigint[];
