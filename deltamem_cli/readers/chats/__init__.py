"""Exports of chats between people, mail and captions, one format a file."""
