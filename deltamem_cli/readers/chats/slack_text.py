"""The words of a Slack message: mrkdwn with its entities resolved, else its blocks, attachments and files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deltamem_cli.readers.parse.values import mapping, sequence, string

_ENTITY = re.compile(r"<([^<>\n]{1,4000})>")
_ESCAPES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_ESCAPE = re.compile("|".join(_ESCAPES))


def text_of(message: dict[str, Any], names: Mapping[str, str]) -> str:
    """Return what the message says, "" for nothing. A link's preview is not part of it; a bot's attachments are.

    names: user or channel id → name.
    """
    text = mrkdwn(string(message.get("text")), names)
    if not text.strip():
        text = _lines(_blocks(message.get("blocks"), names))
    if not text.strip() or message.get("subtype") == "bot_message":
        text = _lines(part for part in (text, *_attachments(message.get("attachments"), names)))
    return text if text.strip() else _lines(_titles(message.get("files")))


def mrkdwn(text: str, names: Mapping[str, str]) -> str:
    """Slack's markup as people see it: names for ids, a link's label before its address, entities unescaped."""
    text = _ENTITY.sub(lambda found: _entity(found[1], names), text) if "<" in text else text
    return _ESCAPE.sub(lambda found: _ESCAPES[found[0]], text) if "&" in text else text


def _entity(inside: str, names: Mapping[str, str]) -> str:
    target, _, shown = inside.partition("|")
    sign, key = target[:1], target[1:]
    if sign in ("@", "#"):
        return sign + (names.get(key) or shown or key)
    if sign == "!":
        return shown or f"@{key.split('^')[0]}"
    if not shown or shown == target:
        return target
    return shown if shown in target else f"{shown} ({target})"


def _lines(parts: Iterator[str]) -> str:
    return "\n".join(part for part in parts if part.strip())


def _blocks(blocks: object, names: Mapping[str, str]) -> Iterator[str]:
    for block in map(mapping, sequence(blocks)):
        if block.get("type") == "rich_text":
            yield _lines(_rich(element, names) for element in sequence(block.get("elements")))
        else:
            for part in (block, *sequence(block.get("fields")), *sequence(block.get("elements"))):
                words = mapping(part).get("text")
                yield mrkdwn(string(words) or string(mapping(words).get("text")), names)


def _rich(element: object, names: Mapping[str, str]) -> str:
    """The text of a rich-text element and all that is in it."""
    fields = mapping(element)
    kind = string(fields.get("type"))
    if "elements" in fields:
        between = "\n" if kind == "rich_text_list" else ""
        return between.join(_rich(inner, names) for inner in sequence(fields["elements"]))
    key = string(fields.get(f"{kind}_id"))
    if kind in ("user", "channel", "usergroup"):
        return ("#" if kind == "channel" else "@") + (names.get(key) or key)
    if kind == "emoji":
        return f":{string(fields.get('name'))}:"
    if kind == "broadcast":
        return f"@{string(fields.get('range'))}"
    if kind == "link" and fields.get("text") and fields["text"] != fields.get("url"):
        return f"{string(fields['text'])} ({string(fields.get('url'))})"
    return string(fields.get("text")) or string(fields.get("url")) or string(fields.get("fallback"))


def _attachments(attachments: object, names: Mapping[str, str]) -> Iterator[str]:
    for fields in map(mapping, sequence(attachments)):
        if fields.get("from_url") or fields.get("original_url"):
            continue
        keys = ("pretext", "title", "text") if fields.get("text") or fields.get("title") else ("pretext", "fallback")
        yield _lines(mrkdwn(string(fields.get(key)), names) for key in keys)
        yield _lines(
            mrkdwn(_lines(string(mapping(field).get(key)) for key in ("title", "value")), names)
            for field in sequence(fields.get("fields"))
        )


def _titles(files: object) -> Iterator[str]:
    for fields in map(mapping, sequence(files)):
        yield string(fields.get("title")) or string(fields.get("name"))
