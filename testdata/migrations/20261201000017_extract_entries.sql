-- An extract that knows its records.
update extracts set entry_numbers = array[1, 2];
