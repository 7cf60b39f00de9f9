"""Data sets of conversations, one format a file."""
