"""Mail: an mbox of many messages, or one message (`.eml`). A thread is a session.

The text is what its writer wrote: quoted mails, the lines that announce them and signatures are cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message as Mail
from email.utils import parseaddr, parsedate_to_datetime
from typing import BinaryIO

from deltamem_cli.readers.chats.mail_text import own_words
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.html import html_text
from deltamem_cli.readers.parse.ids import digest
from deltamem_cli.readers.parse.jsonl import lines
from deltamem_cli.readers.parse.plain import decoded
from deltamem_cli.records import Message, ReadReport

TITLE = "mail (mbox or eml)"

_LARGEST = 32 << 20  # bytes of one mail that are parsed; what follows is an attachment
_FROM = re.compile(rb"From \S.{0,200}\s\d{1,2}:\d{2}(?::\d{2})?\s.{0,20}\d{4}(?: [+-]\d{4})?\s*$")
_STUFFED = re.compile(rb"^>(>*From )", re.MULTILINE)
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60}):(?: |$)")
_ID = re.compile(r"<[^<>\s]{1,400}>")
_REPLY = re.compile(
    r"\A\s{0,40}(?:(?:re|fwd?|aw|wg|sv|vs|antw)\s{0,9}(?:\[\d{1,9}\])?\s{0,9}:\s{0,40})+", re.IGNORECASE
)


def detect(head: Head) -> bool:
    """Header fields of a mail stand at the beginning, below a line `From …` in an mbox."""
    text = head.text.lstrip("\r\n")
    first, _, rest = text.partition("\n")
    fields = {found[1].lower() for line in _header(rest if _FROM.match(first.encode()) else text) if (found := line)}
    return not head.is_binary and {"from"} <= fields and bool({"date", "message-id"} & fields)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield a message a mail, in file order, at the line where its words begin. Mails without words are counted."""
    return _messages(log.stream, report)


def _header(text: str) -> Iterator[re.Match[str]]:
    """The header fields before the first blank line; none where another line stands between them."""
    found = []
    for line in text.split("\n"):
        if not line.strip():
            break
        field = _FIELD.match(line)
        if field:
            found.append(field)
        elif not found or not line.startswith((" ", "\t")):
            return
    yield from found


def _messages(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    roots: dict[str, str] = {}  # a mail's id → the id of the mail that began its thread
    for number, data in _mails(stream, report):
        mail = message_from_bytes(_STUFFED.sub(rb"\1", data))
        written = _body(mail)
        text = own_words(written)
        if not text:
            report.skipped["mail without words of its own"] += 1
            continue
        id = next(iter(_ID.findall(_field(mail, "Message-ID"))), "")
        session = _thread(mail, id, roots)
        name, address = parseaddr(_field(mail, "From"))
        yield Message(
            text=text,
            role="user",
            line=number + _place(data, text),
            session=session or digest(name, address, text),
            id=id,
            speaker=name or address,
            time=_time(mail),
            title=_REPLY.sub("", _field(mail, "Subject"), count=1).strip(),
        )


def _mails(stream: BinaryIO, report: ReadReport) -> Iterator[tuple[int, bytes]]:
    """(line where it begins, bytes) of each mail, the `From ` line of an mbox left out."""
    pieces: list[bytes] = []
    begins, size = 1, 0
    for number, line in lines(stream, report, blank=True):
        if _FROM.match(line):
            if any(not piece.isspace() for piece in pieces):
                yield begins, b"".join(pieces)
            pieces, begins, size = [], number + 1, 0
        elif size < _LARGEST:
            pieces.append(line)
            size += len(line)
    if any(not piece.isspace() for piece in pieces):
        yield begins, b"".join(pieces)


def _field(mail: Mail, name: str) -> str:
    """A header field as people read it, on one line."""
    raw = str(mail.get(name, ""))
    with suppress(HeaderParseError, LookupError, ValueError):  # a broken encoding: the field as it stands
        raw = str(make_header(decode_header(raw)))
    return " ".join(raw.encode("utf-8", "replace").decode().split())


def _thread(mail: Mail, id: str, roots: dict[str, str]) -> str:
    """The id of the mail that began the thread, as far as this one and those before it tell."""
    earlier = [*_ID.findall(_field(mail, "References")), *_ID.findall(_field(mail, "In-Reply-To"))[:1]]
    root = next((roots[known] for known in earlier if known in roots), earlier[0] if earlier else id)
    for known in (id, *earlier):
        roots.setdefault(known, root)
    return root


def _time(mail: Mail) -> float | None:
    try:
        moment = parsedate_to_datetime(_field(mail, "Date"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _body(mail: Mail) -> str:
    """The first text/plain part, else the first text/html part as text; attachments do not count."""
    html = ""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html") or part.get_content_disposition() == "attachment":
            continue
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):
            continue
        text = _decode(data, part.get_content_charset() or "").replace("\r\n", "\n")
        if kind == "text/plain" and text.strip():
            return text
        html = html or html_text(text)
    return html


def _decode(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset) if charset else decoded(data)
    except (LookupError, UnicodeDecodeError):
        return decoded(data)


def _place(data: bytes, text: str) -> int:
    """How many lines into the mail its words begin, as far as they stand there readable; else 0."""
    first = text.split("\n", 1)[0].strip()
    opening = re.match(r"[^=\x80-\U0010ffff]{0,60}", first)  # what quoted-printable leaves as it is
    rows = data.split(b"\n")
    body = next((index for index, row in enumerate(rows) if not row.strip()), 0)
    known = opening[0].encode() if opening else b""
    found = (index for index, row in enumerate(rows[body:], body) if row.lstrip(b"> \t").startswith(known))
    return next(found, 0) if len(known) > 1 else 0
