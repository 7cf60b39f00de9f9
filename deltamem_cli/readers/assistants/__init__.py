"""Exports of assistants, one format a file."""
