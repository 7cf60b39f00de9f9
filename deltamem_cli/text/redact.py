r"""Secrets in a message's words → `[redacted: aws-key]`, before anything of it is stored, encoded or indexed.

What is found says what it is: a prefix that its issuer gave it, a key block, a password inside a URL, a value given to
a name such as DB_PASSWORD. Nothing is guessed from how random a word looks, so commit hashes, UUIDs and base64 stay.

Tool output is mostly text inside JSON, so a token may stand behind `\n`, `\u001b[32m`, `%3D` or `\x3d`: a letter or
digit that ends such an escape is no part of the word. A search that begins with one rare character costs next to
nothing. So a text is first searched for places where a secret could be: a prefix's last sign with a long word after it,
the sign after a telling name. Rules take linear time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from deltamem_cli.records import Message
from deltamem_cli.text.secret_names import HINTS, WEAK, ends_an_escape, holds_a_place, secret_value
from deltamem_cli.text.secret_shapes import BY_ENDING, BY_OPENING, tail

VERSION = 2  # of the rules: logs that were read with others are read again

Span = tuple[int, int, str]
_BEHIND_PREFIX = [
    (sign, re.compile(rf"{sign}(?=[A-Za-z0-9_%-]{{16}})(?![a-z]{{3,19}}[_-][a-z]{{3}})")) for sign in "_-"
]
_BEHIND_PREFIX.append((".", re.compile(r"\.(?=[A-Za-z0-9_-]{6}(?:[A-Za-z0-9_-]{10}|\.[A-Za-z0-9_-]{27}))")))
_CAPITALS = [
    (first, re.compile(rf"{first}(?={'|'.join(re.escape(key[1:]) for key in keys)})"))
    for first in sorted({key[0] for key in BY_OPENING})
    for keys in [[key for key in BY_OPENING if key[0] == first]]
]
_LAST_TWO = {key[-2:] for key in BY_ENDING}
_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_SLASH = r"\\{0,3}/"
_KEY_LINE = r"(?:\s|\\{1,3}[nrt]|[+|>#*\"',:→│-]|\d{1,6}(?=[ \t→│:|\\]))*+"
_KINDS = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
# (what the rule needs, hint) → name → pattern; its group is the secret where the match has more than that
_RULES: dict[tuple[str, str], dict[str, str]] = {
    ("-----BEGIN ", r"KEY(?:-| BLOCK)"): {
        "private-key": rf"-----BEGIN {_KINDS}"
        rf"(?:[^-]*+(?:-(?!----(?:BEGIN|END) )[^-]*+)*+-----END {_KINDS}"
        rf"|(?:{_KEY_LINE}(?:[A-Z][A-Za-z-]{{2,20}}: [^\n\\]{{0,80}}|[A-Za-z0-9+/=]{{40,}}+))++"
        r"(?:\s|\\[nr]){1,4}[A-Za-z0-9+/]{2,75}={1,2}|"
        rf"(?:{_KEY_LINE}[A-Za-z0-9+/=]{{40,}}+)++)",
    },
    ("-", r"-(?=Lines: )(?<=Private-)"): {
        "private-key": rf"Private-Lines: \d{{1,4}}((?:{_KEY_LINE}[A-Za-z0-9+/=]{{40,}}+)++(?:{_KEY_LINE}[A-Za-z0-9+/=]{{4,}}+)?)"  # noqa: E501
    },
    ("~", r"~(?<=\dQ~)"): {"azure-secret": r"([A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})(?![\w~-])"},
    ("dapi", r"dapi[0-9a-f]{32}"): {"databricks-token": r"dapi[0-9a-f]{32}(?:-\d)?"},
    ("-", r"-(?=us\d)(?<=[0-9a-f]-)"): {"mailchimp-key": r"[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])"},
    ("$", r"\$(?:[156y]|2[abxy]|apr1|argon2id?|production|sandbox)\$"): {
        "password-hash": r"(\$(?:[156y]|2[abxy]|apr1|argon2id?)\$[\w./$=,+-]{20,256})",
        "paypal-token": r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[0-9a-f]{32}",
    },
    (":", rf":(?={_SLASH}{_SLASH}(?:[^/\s:@\\\"'<>`]{{0,64}}:[^/\s\"'<>`\\]{{1,256}}@|[A-Za-z0-9_:]{{32,255}}@))"): {
        "password": rf":{_SLASH}{_SLASH}(?:[^/\s:@\\\"'<>`]{{0,64}}):(?!\[redacted)([^/\s\"'<>`\\]{{1,256}})@(?=[\w\[])",  # noqa: E501
        "url-token": rf":{_SLASH}{_SLASH}((?:oauth2:)?[A-Za-z0-9_]{{32,255}})@(?=\w)",
    },
    (":", rf":(?={_SLASH}{_SLASH}[\w.-]{{0,60}}(?:hooks\.|discord|webhook\.office|chat\.googleapis|api\.telegram))"): {
        "discord-webhook": rf"discord(?:app)?\.com{_SLASH}api{_SLASH}(?:v\d{{1,2}}{_SLASH})?webhooks{_SLASH}(\d{{15,22}}{_SLASH}[\w-]{{40,}})",  # noqa: E501
        "teams-webhook": rf"webhook\.office\.com{_SLASH}webhookb2{_SLASH}([\w@/\\-]{{40,}})",
        "zapier-webhook": rf"hooks\.zapier\.com{_SLASH}hooks{_SLASH}catch{_SLASH}([\w/\\]{{8,}})",
        "google-webhook": r"chat\.googleapis\.com[^\s\"'?]{1,200}\?(key=[^\s\"']{20,500})",
        "telegram-bot-url": rf"api\.telegram\.org{_SLASH}bot(\d{{8,10}}:[\w-]{{35}})",
    },
    (":", r":(?:AA[\w-]{32}|(?=[0-9a-f]{32})(?<=[0-9a-f]{12}:)|(?=54\d\d:)|(?=[a-z0-9]{30})(?<=oauth:))"): {
        "telegram-token": r"(?<!\d)(\d{8,10}:AA[\w-]{32,35})(?![\w-])",
        "asana-token": r"(?<![\d/])((?:[12]/)?\d{16}:[0-9a-f]{32})(?![0-9a-z])",
        "fal-key": r"(?<![\w-])([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32})(?![0-9a-z])",
        "pgpass": r"(?m):54\d\d:[\w*-]{1,63}:[\w*-]{1,63}:([^\s:\"'`\\]{3,128})(?=[\s\"'`\\]|$)",
        "twitch-token": r"oauth:([a-z0-9]{30})(?![A-Za-z0-9])",
    },
    ("hooks.slack", r"hooks\.slack"): {
        "slack-webhook": rf"hooks\.slack\.com{_SLASH}((?:services|workflows|triggers){_SLASH}[\w/\\+-]{{20,}})"
    },
    ("-", r"-(?<=[ \t]-)(?=u|p|a |-(?:user|proxy-user|pass|token|api|secret|auth|[a-z]{1,12}-(?:p|t|s|a)))"): {
        "password": r"(?x) \ (?:-u|-u\ |--(?:proxy-)?user[ =])\\{0,3}[\"']?[^\s:\"'@/\\=(]{1,64}:((?![$<{*\[\\\s])[^\s\"'\\]{3,128})",  # noqa: E501
        "password-flag": r"(?:sshpass -p|(?:mysql|mysqldump|mariadb|mongo|mongosh)(?: -[^\sp]\S{0,40}| [^\s-]\S{0,40}){0,6} -p"  # noqa: E501
        r"|redis-cli(?: -[hpnu] \S{1,80}){0,4} -a|docker login(?: -u \S{1,80}| [^\s-]\S{0,80}){0,3} -p"
        r"|--(?:[a-z]{1,12}-){0,2}(?:password|passwd|pass|token|api-key|secret|secret-key|auth-token|passphrase))"
        r"[ =]?[\"']?((?=[^\s\"']{0,60}\d)(?![$<{*\[\\-])[^\s\"'`\\;&|)]{5,128})",
    },
    ("login", r"login\s"): {
        "netrc": r"login\s{1,9}\S{1,80}\s{1,9}password\s{1,9}([^\s\"'`\\]{3,128})",
    },
}
_SECRETS = [
    (needed, re.compile(hint), {name: re.compile(pattern) for name, pattern in rules.items()})
    for (needed, hint), rules in _RULES.items()
]
_GUARDED = frozenset({"password", "password-flag", "netrc", "pgpass", "url-token"})  # not where it holds a place
_AT = re.compile(r"@(?<=[\w+%-]@)[A-Za-z0-9-]{1,63}\.")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}+@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_JWT = re.compile(r"eyJ[\w-]{10,}+\.eyJ[\w-]{10,}+(?:\.[\w-]*+)?", re.ASCII)
_DISCORD = re.compile(r"(?:[MNO]\w{3}){5,6}[MNO]?\w{0,3}\Z")
_REMEMBERED = 1000


def _begins_a_word(text: str, at: int) -> bool:
    """Return whether a word begins here: no letter or digit before it, but for one that ends an escape."""
    before = text[at - 1 : at]
    return not (before.isascii() and before.isalnum()) or ends_an_escape(text[max(0, at - 12) : at])


def _by_prefix(text: str) -> list[Span]:
    """Return tokens with the prefix of their issuer, those with the longest prefix first."""
    found: list[tuple[int, Span]] = []
    for sign, behind in _BEHIND_PREFIX:
        last = (0, 0)
        for place in behind.finditer(text) if sign in text else ():
            end = place.end()
            if sign == "." and (
                text.startswith("eyJ", end) or not (text[end : end + 6].isalpha() and text[end : end + 6].islower())
            ):
                found += ((0, span) for span in _around_dot(text, end - 1))
            if text[end - 2 : end] in _LAST_TWO:
                for row in (*BY_ENDING.get(text[end - 3 : end], ()), *BY_ENDING.get(text[end - 2 : end], ())):
                    last = _token(text, end - len(row[0]), row, last, found)
    for first, hint in _CAPITALS:
        last = (0, 0)
        for place in hint.finditer(text) if first in text else ():
            start = place.start()
            for row in (*BY_OPENING.get(text[start : start + 3], ()), *BY_OPENING.get(text[start : start + 2], ())):
                last = _token(text, start, row, last, found)
    found.sort()
    return [span for _, span in found if not _shows_only_a_form(text[span[0] : span[1]])]


def _token(
    text: str, start: int, row: tuple[str, str, str], last: tuple[int, int], found: list[tuple[int, Span]]
) -> tuple[int, int]:
    """Add the token that begins here; return where the last one begins and ends: what begins inside it is part of it."""  # noqa: E501
    prefix, rule, written = row
    if last[0] < start < last[1] or start < 0 or not text.startswith(prefix, start) or not _begins_a_word(text, start):
        return last
    matched = tail(written).match(text, start + len(prefix))
    if not matched:
        return last
    found.append((-len(prefix), (start, matched.end(), rule)))
    return start, matched.end()


def _shows_only_a_form(word: str) -> bool:
    """Return whether a token is one that a manual prints: xxxx, …EXAMPLE."""
    return word.endswith("EXAMPLE") or "xxxxxxxx" in word.lower()


def _around_dot(text: str, dot: int) -> Iterator[Span]:
    """Yield JSON Web Tokens and others whose first part ends at this dot."""
    before = text[max(0, dot - 4096) : dot]
    word = before[len(before.rstrip(_WORD)) :]
    if text.startswith("eyJ", dot + 1) and "eyJ" in word:
        start = dot - len(word) + word.index("eyJ")
        if matched := _JWT.match(text, start):
            yield start, matched.end(), "jwt"
    elif 20 <= len(word) <= 30 and (found := _DISCORD.search(word)) and _begins_a_word(text, dot - len(found[0])):
        after = re.compile(r"\.[\w-]{6}\.[\w-]{27,45}", re.ASCII).match(text, dot)
        if after:
            yield dot - len(found[0]), after.end(), "discord-token"
    elif word[-17:-14] == "pat" and re.compile(r"\.[0-9a-f]{64}(?![0-9a-z])").match(text, dot):
        yield dot - 17, dot + 65, "airtable-token"


class Redactor:
    """Replaces secrets, and e-mail addresses too if `emails`; `found` counts them by the rule that found them."""

    def __init__(self, emails: bool = False) -> None:
        self.emails = emails
        self.found: Counter[str] = Counter()
        self._clean: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __str__(self) -> str:
        """The settings that it works by, as a memory keeps them."""
        return f"redact-{VERSION}" + "+emails" * self.emails

    def text(self, text: str) -> str:
        """The text without what is secret in it; the same object where nothing is."""
        spans = _by_prefix(text)
        for needed, hint, rules in _SECRETS:
            if needed in text and hint.search(text):
                for name, pattern in rules.items():
                    spans += _by_pattern(text, name, pattern)
        for needed, hint in HINTS:
            if needed in text:
                done = 0
                for sign in hint.finditer(text):
                    if sign.start() >= done and (span := secret_value(text, sign.start())):
                        spans.append(span)
                        done = span[1]
        if spans:
            text = self._without(spans, text)
        if self.emails and _AT.search(text):
            spans = [(*found.span(), "email") for found in _EMAIL.finditer(text)]
            text = self._without(spans, text) if spans else text
        return text

    def message(self, message: Message) -> Message:
        """The message without what is secret in any field that a memory keeps."""
        names = message.session, message.speaker, message.title, message.project, message.pointer
        if names not in self._clean:  # most messages share them with the one before: looked at, and counted, once
            if len(self._clean) > _REMEMBERED:
                self._clean.clear()
            self._clean[names] = tuple(map(self.text, names))
        text, clean = self.text(message.text), self._clean[names]
        if text is message.text and clean == names:
            return message
        session, speaker, title, project, pointer = clean
        return replace(
            message, text=text, session=session, speaker=speaker, title=title, project=project, pointer=pointer
        )

    def _without(self, spans: list[Span], text: str) -> str:
        """Return the text with spans replaced by their rules' names; those that overlap are one, named by the first rule."""  # noqa: E501
        merged: list[Span] = []
        first: list[int] = []  # which rule speaks for a merged span: the one that was asked first
        for order, (start, end, name) in sorted(enumerate(spans), key=lambda each: (each[1][0], each[0])):
            if merged and start < merged[-1][1]:
                before = merged[-1]
                name = name if order < first[-1] else before[2]
                merged[-1], first[-1] = (before[0], max(end, before[1]), name), min(order, first[-1])
            else:
                merged.append((start, end, name))
                first.append(order)
        pieces: list[str] = []
        done = 0
        for start, end, name in merged:
            pieces += text[done:start], f"[redacted: {name}]"
            done = end
            self.found[name] += 1
        return "".join((*pieces, text[done:]))


def _by_pattern(text: str, name: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    for found in pattern.finditer(text):
        start, end = found.span(pattern.groups)
        secret = text[start:end]
        if name in _GUARDED and (holds_a_place(secret) or secret.lower() in WEAK):
            continue
        if name == "password" and secret == found[0].rsplit("/", 1)[-1].partition(":")[0]:
            continue  # postgres:postgres@localhost
        yield start, end, name


def redactor_of(settings: str) -> Redactor | None:
    """The redactor that a source was read with, by its settings; None where nothing was redacted."""
    marked = re.search(r"redact-\d+(\+emails)?", settings)
    return Redactor(emails=bool(marked[1])) if marked else None
