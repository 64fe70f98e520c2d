update log_tree set size = size;
