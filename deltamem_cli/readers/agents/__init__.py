"""Logs of coding agents, one format a file."""
