"""What the name of a file in a chat says: that of a document is kept, that of a picture or a sound is not."""

from __future__ import annotations

_SHOWN = (".webp", ".tgs", ".webm", ".mp4", ".mov", ".ogg", ".oga", ".mp3", ".m4a", ".wav", ".opus", ".avif", ".heic")
_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".svg", ".bmp")


def document_name(name: str) -> str:
    """The name of a document; "" for a picture, a film or a sound."""
    return "" if name.lower().endswith(_SHOWN + _PICTURES) else name
