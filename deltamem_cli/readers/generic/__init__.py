"""Conversations in no format of their own: JSON of roles or people, Markdown and text with speakers."""
