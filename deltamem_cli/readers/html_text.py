"""HTML of messages → the words people see."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "ul", "ol"})
_UNSEEN = frozenset({"script", "style", "head", "title", "attachment"})
_QUOTES = re.compile(r"gmail_quote|yahoo_quoted|moz-cite-prefix|Reply")


def html_text(html: str) -> str:
    """The text of HTML, one block a line; scripts, styles and quoted messages are left out."""
    parser = _Words()
    parser.feed(html)
    parser.close()
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(parser.words).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    """Collects the words; inside an element that is left out it only looks for its end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden:
            self._depth += tag == self._hidden
        elif tag in _UNSEEN or (tag in ("blockquote", "div") and self._is_quote(tag, dict(attrs))):
            self._hidden, self._depth = tag, 1
        elif tag in _BLOCKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._depth -= tag == self._hidden
            if self._depth == 0:
                self._hidden = ""
        elif tag in _BLOCKS and tag != "br":
            self.words.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._hidden and tag in _BLOCKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(re.sub(r"\s*\n\s*", " ", data))

    @staticmethod
    def _is_quote(tag: str, attributes: dict[str, str | None]) -> bool:
        marks = " ".join(filter(None, (attributes.get("class"), attributes.get("itemtype"))))
        return _QUOTES.search(marks) is not None or (tag == "blockquote" and attributes.get("type") == "cite")
