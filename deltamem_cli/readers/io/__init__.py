"""Paths → byte streams: files, folders, archives, compressed streams, standard input."""
