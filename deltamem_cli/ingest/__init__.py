"""The verbs that read logs: read, redact, split, leave out what is known, encode, write whole."""
