"""Results → text for a person, JSON Lines for a program; nothing else may write to a terminal."""
