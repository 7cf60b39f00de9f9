"""deltamem: conversation logs in, one memory file, answers with file and line."""

__version__ = "0.1.0"
