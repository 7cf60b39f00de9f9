"""What readers have in common: the head of a log, JSON, SQLite, mark-up, speakers, ids, branches."""
