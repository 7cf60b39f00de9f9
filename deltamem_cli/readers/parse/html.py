"""HTML of messages → the words people see. In linear time on any input, which the standard library's parser is not."""

from __future__ import annotations

import html
import re

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Za-z][\w:-]*+)([^<>]*+)>")
_BLOCKS = frozenset(
    ["p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "ul", "ol", "table"]
)
_UNSEEN = frozenset(["script", "style", "head", "title", "attachment", "quote", "legacyquote"])
_QUOTES = re.compile(r"gmail_quote|yahoo_quoted|moz-cite-prefix|schema\.skype\.com/Reply|type\s*=\s*[\"']?cite")


def html_text(source: str) -> str:
    """Return the text of HTML, one block a line; scripts, styles and quoted messages are left out."""
    source = _COMMENT.sub("", source)
    words: list[str] = []
    hidden, depth, place = "", 0, 0  # inside an element that is left out: its name, and how often it is open
    for tag in _TAG.finditer(source):
        if not hidden:
            words.append(_flowing(source[place : tag.start()]))
        place = tag.end()
        closing, name, attributes = tag[1], tag[2].lower(), tag[3]
        if hidden:
            depth += (name == hidden) * (-1 if closing else not attributes.endswith("/"))
            hidden = hidden if depth else ""
        elif not closing and not attributes.endswith("/") and _is_left_out(name, attributes):
            hidden, depth = name, 1
        elif name in _BLOCKS:
            words.append("\n")
    if not hidden:
        words.append(_flowing(source[place:]))
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in html.unescape("".join(words)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _is_left_out(name: str, attributes: str) -> bool:
    return name in _UNSEEN or (name in ("blockquote", "div") and _QUOTES.search(attributes) is not None)


def _flowing(text: str) -> str:
    """Text between tags, its line ends as the spaces that they mean."""
    return re.sub(r"[\r\n]+", " ", text)
