"""Secrets in a message's words → `[redacted: aws-key]`, before anything of it is stored, encoded or indexed.

What is found has a format that says what it is: a prefix that its issuer gave it, a key block, a password inside a URL.
Nothing is guessed from how random a word looks, so commit hashes, UUIDs and base64 stay. Rules take linear time.

A pattern that begins with one rare character costs next to nothing to search for. So a text is first searched for a
hint of each group of rules; one text in a hundred has one and meets the rules of that group.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from deltamem_cli.records import Message

VERSION = 1  # of the rules: logs that were read with others are read again


def _prefix(literal: str) -> str:
    """A word that begins with these characters; that it begins there is checked second, so that `re` can skip fast."""
    return f"{literal}(?<![A-Za-z0-9]{literal})"


_END = r"(?![A-Za-z0-9])"
_AWS_SECRET = r"(?i:secret_?access_?key)\\?[\"']?\s{0,9}[:=]\s{0,9}\\?[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
# (what all the rules need, hint) → name → pattern; its group is the secret where the match has more than that
_RULES: dict[tuple[str, str], dict[str, str]] = {
    (
        "_",
        r"_(?:(?<=gh[pousr]_)|(?<=_pat_)|(?<=[sr]k_)|(?<=whsec_)|(?<=npm_)|(?<=hf_)|(?<=_v1_)|(?<=shp.._)"
        r"|(?i:access_key))",
    ): {
        "aws-secret-key": _AWS_SECRET,
        "github-token": _prefix("gh") + r"[pousr]_[A-Za-z0-9]{36,}",
        "github-pat": _prefix("github_pat_") + r"\w{50,}",
        "stripe-key": r"[sr]k_(?<![A-Za-z0-9][sr]k_)(?:live|test)_[A-Za-z0-9]{16,}",
        "stripe-webhook": _prefix("whsec_") + r"[A-Za-z0-9+/]{16,}",
        "npm-token": _prefix("npm_") + r"[A-Za-z0-9]{36}" + _END,
        "huggingface-token": _prefix("hf_") + r"[A-Za-z0-9]{30,}",
        "digitalocean-token": r"do[opr]_v1_[a-f0-9]{64}",
        "shopify-token": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    },
    (
        "-",
        r"-(?:(?<=sk-)|(?<=gl..-)|(?<=gl...-)|(?<=glsoat-)|(?<=glagent-)|(?<=xox.-)|(?<=xapp-)|(?<=pypi-)|(?<=SPX-)"
        r"|us\d)",
    ): {
        "anthropic-key": _prefix("sk-ant-") + r"[\w-]{20,}",
        "openai-key": _prefix("sk-") + r"(?:proj|svcacct|admin|None)-[\w-]{20,}",
        "secret-key": _prefix("sk-") + r"(?=[\w-]{0,99}\d)(?:[a-z0-9]{2,12}-){0,3}[A-Za-z0-9]{32,}",
        "gitlab-token": _prefix("gl") + r"(?:pat|dt|ft|soat|rt|cbt|ptt|agent|oas|imt)-[\w-]{20,}",
        "slack-token": _prefix("xox") + r"[a-z](?:\.xox[a-z])?-\d[\w-]{10,}",
        "slack-app-token": _prefix("xapp-") + r"\d-[\w-]{20,}",
        "pypi-token": _prefix("pypi-") + r"Ag[\w-]{50,}",
        "google-secret": _prefix("GOCSPX-") + r"[\w-]{28}(?![\w-])",
        "mailchimp-key": r"(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}" + _END,
    },
    ("KEY", r"KEY(?:-| BLOCK)"): {
        "private-key": r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]*+(?:-(?!----(?:BEGIN|END) )[^-]*+)*+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{40,}+)++)",
        "age-key": r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    },
    ("A", r"A(?:[KS]IA|Iza|ccessKey|ccountKey=)"): {
        "aws-key": _prefix("A") + r"[KS]IA[A-Z0-9]{16}" + _END,
        "google-key": _prefix("AIza") + r"[\w-]{35}(?![\w-])",
        "aws-secret-key": _AWS_SECRET,
        "azure-key": r"AccountKey=([A-Za-z0-9+/]{86}==)",
    },
    (".", r"\.(?:eyJ|(?<=SG\.)|(?<=ya29\.)|[\w-]{6}\.[\w-]{27})"): {
        "jwt": _prefix("eyJ") + r"[\w-]{10,}+\.eyJ[\w-]{10,}+(?:\.[\w-]*+)?",
        "sendgrid-key": _prefix("SG") + r"\.[\w-]{22}\.[\w-]{43}",
        "google-token": _prefix("ya29") + r"\.[\w-]{20,}",
        "discord-token": r"(?<!\w)(?:[MNO]\w{3}){5,6}[MNO]?\w{0,3}\.[\w-]{6}\.[\w-]{27,45}",
    },
    (":", r":(?://[^/\s:@]{0,64}:|AA[\w-]{33})"): {
        "password": r"://[^/\s:@\"'<>`]{0,64}:((?!\[redacted|[$<{*]|%[s(])[^/\s@\"'<>`]{1,256})@(?=[\w\[])",
        "telegram-token": r"(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])",
    },
    ("hooks.slack", r"hooks\.slack"): {
        "slack-webhook": r"hooks\.slack\.com/((?:services|workflows|triggers)/[\w/+-]{20,})"
    },
    ("uthorization", "uthorization"): {
        "authorization": r"uthorization\\?[\"']?\s{0,9}[:=]\s{0,9}\\?[\"']?(?i:bearer|basic|token)\s{1,9}"
        r"((?=[\w.~+/-]{0,99}\d)[\w.~+/-]{16,}=*)"
    },
}
_SECRETS = [
    (needed, re.compile(hint), {name: re.compile(pattern) for name, pattern in rules.items()})
    for (needed, hint), rules in _RULES.items()
]
_AT = re.compile(r"@(?<=[\w+%-]@)[A-Za-z0-9-]{1,63}\.")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}+@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_REMEMBERED = 1000


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
        for needed, hint, rules in _SECRETS:
            if needed in text and hint.search(text):
                for name, pattern in rules.items():
                    text = self._without(name, pattern, text)
        if self.emails and _AT.search(text):
            text = self._without("email", _EMAIL, text)
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

    def _without(self, name: str, pattern: re.Pattern[str], text: str) -> str:
        def mark(match: re.Match[str]) -> str:
            first, end = (place - match.start() for place in match.span(pattern.groups))
            return f"{match[0][:first]}[redacted: {name}]{match[0][end:]}"

        clean, count = pattern.subn(mark, text)
        if count:
            self.found[name] += count
            return clean
        return text


def redactor_of(settings: str) -> Redactor | None:
    """The redactor that a source was read with, by its settings; None where nothing was redacted."""
    _, marked, options = settings.partition(f"redact-{VERSION}")
    return Redactor(emails="emails" in options) if marked else None
