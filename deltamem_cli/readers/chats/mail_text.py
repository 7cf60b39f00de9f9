"""The words of a mail that its writer wrote."""

from __future__ import annotations

import re

_INTRODUCTION = re.compile(
    r"(?:On|Am|Le|El|Op|Il|Den|W dniu|Em)\b.{4,200}"
    r"(?:wrote|schrieb|écrit|escribió|schreef|ha scritto|skrev|napisał\(a\)|escreveu).{0,80}:\s*"
)
_REST = re.compile(
    r"-{2,80}\s{0,40}(?:Original Message|Forwarded message|Ursprüngliche Nachricht|Message d'origine)"
    r"\s{0,40}-{2,80}\s*+|_{20,400}\s*+",
    re.IGNORECASE,
)
_LONGEST_LINE = 400  # the lines that announce a quotation are short


def own_words(text: str) -> str:
    """The text without quoted lines, what announces them, what follows `-----Original Message-----`, and signature."""
    kept: list[str] = []
    for line in text.split("\n"):
        if line.rstrip("\r") in ("-- ", "--") or (len(line) < _LONGEST_LINE and _REST.fullmatch(line.strip())):
            break
        if line.lstrip(" ").startswith(">"):
            _drop_introduction(kept)
        else:
            kept.append(line.rstrip())
    else:
        if kept:
            _drop_introduction(kept)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n").rstrip()


def _drop_introduction(kept: list[str]) -> None:
    """Take "On … wrote:" from the end, which mail programs may break over two lines."""
    end = len(kept)
    while end and not kept[end - 1].strip():
        end -= 1
    for count in (1, 2):
        said = " ".join(line.strip() for line in kept[max(end - count, 0) : end])
        if len(said) < _LONGEST_LINE and _INTRODUCTION.fullmatch(said):
            del kept[max(end - count, 0) :]
            return
