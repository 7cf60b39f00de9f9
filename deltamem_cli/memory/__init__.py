"""A memory as a value: header, ledger, keys, matrix, and the one file they are saved in."""
