"""The verbs on whole memories: merge, diff, forget, compact, re-encode; exact, byte for byte."""
