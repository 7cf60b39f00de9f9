"""Words that stand before a colon: which are roles, which name nobody, and which may be a person's name."""

from __future__ import annotations

import re

from deltamem_cli.records import Role

ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "you", "me", "q", "question", "prompt"), "user"),
    **dict.fromkeys(("assistant", "ai", "a", "answer", "response", "bot", "model", "ai assistant"), "assistant"),
    **dict.fromkeys(("chatgpt", "claude", "gpt", "gpt-4", "gemini", "copilot", "llm"), "assistant"),
    "system": "system",
}
NAMELESS = {name for name in ROLES if name not in ("chatgpt", "claude", "gpt", "gpt-4", "gemini", "copilot")}
CAPITALISED = ("question", "prompt", "response", "answer", "a", "me", "model")  # else an ordinary word of a text
NO_NAMES = frozenset(  # words that stand before a colon and name nobody
    re.findall(
        r"\S+",
        """
        attribution classifier image license-file package pin pin-priority project-url provides-extra requires-dist
        what why
        abstract action actions added address age agenda args arguments attendees author authors background
        body bug case caused caution cc changed changes class code comment config content copyright critical
        danger date debug def default default_value deprecated description details different do done else
        email end error errors example examples except exception expected fail fatal file files finally fix
        fixed following for format from function goal hint host id import important improvement info input
        install issue key language let license line link links location match message method mode name names
        next nit note notes options or output owner param parameters params pass path phone price priority
        private project protected ps public question raises reason ref reference references rem removed
        reply-to reproduce required requirements result results return returns run sample see sent setup
        severity size solution source start stat status step steps struct subject success summary switch table
        tags test tests time tip title to todo total trace traceback try type types update updated url usage
        use value values var verbose version via warn warning warnings when where while with yields
        pros cons advantages disadvantages option ingredients kernel systemd cron sshd port server features highlights
        start-date end-date commandline upgrade commits
        participants present topic decision decisions minutes duration when betreff von an cc objet
        """,
    )
)


def role_key(name: str) -> str:
    """A name as the table of roles has it: small letters, no signs before it."""
    return re.sub(r"^\W+", "", name).casefold()


def is_name(name: str) -> bool:
    """Whether it may be a person's name: not many words, none of those that name nobody, not written as a word is."""
    key = name.casefold()
    words = key.split()
    if not words or key in NO_NAMES or words[0] in NO_NAMES or len(words) > 5:
        return False
    if words[0] in ("step", "figure", "table", "chapter", "section", "http", "https"):
        return False
    if re.search(r"[,;!?/\\@%$&=]|\.\.|\.$|\d{5}|[a-z]{4}\. ", name):
        return False
    if re.match(r"\d{1,3}[.)] ", name):
        return False  # an item of a list
    letters = re.sub(r"^\W+", "", name)
    return bool(letters) and not (letters[0].islower() and (len(words) > 1 or letters.islower()))
