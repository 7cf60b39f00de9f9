"""Values given to a name that says it is secret: `DB_PASSWORD=…`, `"apiKey": "…"`, `<password>…</password>`.

A name alone proves little: code is full of `password = form.password`. So a value counts only where it is written out:
quoted, or in the way of environment files, or with a digit in it; never where it calls, looks up, interpolates, names a
type or says itself that it holds a place.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64

PASSWORDS = ("password", "passwd", "pwd", "passphrase", "passwort", "contraseña", "motdepasse")
SECRETS = (
    *(
        "secret",
        "secretkey",
        "apikey",
        "apisecret",
        "accesskey",
        "privatekey",
        "authkey",
        "signingkey",
        "encryptionkey",
    ),
    *(
        "masterkey",
        "accountkey",
        "storagekey",
        "servicekey",
        "subscriptionkey",
        "sharedkey",
        "sharedaccesskey",
        "keydata",
    ),
    *("clientkey", "deploykey", "licensekey", "secretaccesskey", "presharedkey", "consumerkey", "hmackey", "jwtkey"),
    *(
        "accesstoken",
        "refreshtoken",
        "authtoken",
        "idtoken",
        "apitoken",
        "sessiontoken",
        "bottoken",
        "token",
        "authorization",
    ),
    *("credential", "credentials", "secretkeybase", "sessionkey", "webhooksecret", "accesspat", "psk"),
)
_NOT_SECRET = re.compile(
    r"(?i)(?:page|next|prev|previous|continuation|sync|cursor|cancel\w*|max|min|num|stop|pad|eos|bos|unk|mask|public|cache"
    r"|sort|design|special|csrf\w*|stream|row|start|end|total|per)[_.-]?(?:token|key)\Z"
)
_ENDS = ("word", "sswd", "rase", "wort", "cret", "oken", "ials", "tial", "auth", "okie", "pass")
_FOUR = "|".join((*_ENDS, *map(str.upper, _ENDS), "Pass", "Auth"))
_THREE = r"[A-Za-z_-](?:key|KEY|Key|pwd|PWD|Pwd|psk|PSK)"
_BETWEEN = r"[\"'`\])} \\]"


def _named(sign: str, between: int) -> str:
    gap = _BETWEEN * between
    return rf"(?<=(?:{_FOUR}){gap}{sign})|(?<={_THREE}{gap}{sign})"


def _sign(sign: str, value: str, more: str = "") -> re.Pattern[str]:
    """Return the pattern of a sign with something like a value behind it and the end of a telling name before it."""
    far = "|".join(_named(sign, between) for between in range(1, 8))
    near = rf"(?<=[dtnyhslekaDTNYHSLEKW]{sign})(?:{_named(sign, 0)}{more})"
    return re.compile(rf"{sign}(?={value})(?:{near}|(?<={_BETWEEN}{sign})(?:{far}))")


# a rare sign first, so that `re` can skip to it
HINTS = (
    ("=", _sign("=", r"[=>\"'` \\@bfru]{0,9}[^\s\"'=<>]", r"|(?<=[Ss]ignature=)|(?<=[?&]sig=)|(?<=_PW=)")),
    (":", _sign(":", r"[=\"'` \\]{0,9}[^\s\"':/]", r"|(?<=uthorization:)|(?<=y-data:)")),
    (">", re.compile(rf">(?=[^\s<>=]{{3}})(?:(?<=(?:{_FOUR})>)|(?<={_THREE}>))")),
    (",", re.compile(rf",(?<=[\"'],)(?=\s?[\"'][^\s\"'])(?:(?<=(?:{_FOUR})[\"'],)|(?<={_THREE}[\"'],))")),
    ("%", re.compile(rf"%(?=3[dDaA])(?:(?<=(?:{_FOUR})%)|(?<={_THREE}%))")),
    ("\\", re.compile(rf"\\(?=(?:u00|x)3[dDaA])(?:(?<=(?:{_FOUR})\\)|(?<={_THREE}\\))")),
)
_ESCAPE = re.compile(r"(?:\\[nrtbfv0]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}|\\[0-7]{3}|\[[0-9;]{0,8}m)\Z")
_NAME = re.compile(r"[A-Za-zñ][\w.\-]{0,79}\Z")
_VALUE = re.compile(r"(?:=>|:=|[:=>,]|%3.|\\u003.|\\x3.)(?P<space>[ \t]{0,8})[bfru@]?(?P<quote>\\{0,7}[\"'`]|)")
_BARE = re.compile(r"[^\s\"'`<>\\]+")
_CUT = re.compile(r"[,;&)\]}#|]")
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey|api-key|bot|aws)[ +]{1,4}")
_HOLDS_PLACE = re.compile(
    r"(?i)(?:\[redacted|[<$%{(\[*&!|]|x{3,}|\.{2,}|…|-{2,}|_{2,}|your|my[-_]|enter|insert|replace|change|example|sample|dummy|fake"
    r"|placeholder|todo|tbd|fixme|test(?:ing)?(?:\W|_|\d{0,3}\Z)|foo|bar\Z|none\b|null\b|nil\b|true\b|false\b|undefined|process\."
    r"|os\.|env\.|config\.|settings\.|self\.|this\.|secrets\.|vault[:.]|ref\+|op://|arn:|https?://|/\w+/|data\.|var\.|local\.)"
)
_IN_IT = re.compile(
    r"(?i)xxxx|\*\*\*|\.\.\.|…|example|placeholder|changeme|change[-_]me|[<>{}]|\$\(|redacted|not[-_]?set"
)
_WORDS = re.compile(
    r"(?i)[\W_]*+(?:(?:pass(?:word|wd|phrase)?|pwd|secret|token|api|key|auth|access|private|client|user|name|id|id_token|admin|root|str(?:ing)?"
    r"|int|bool|any|object|optional|required|number|bytes|text|field|input|value|type|reset|forgot|new|old|confirm|hash|hidden|db|my"
    r"|the|a|is|invalid|missing|wrong|default|unknown|empty|unset|guest|postgres|mysql|demo|login|bearer|basic|credential|s|env|json"
    r"|file|path|url|header|cookie|session|current|show|hide|update|create|delete|get|set|list|csrf|jwt|oauth|refresh|manager|store)"
    r"[\W_\d]{0,3}+)++\Z"
)
WEAK = frozenset(
    [
        "postgres",
        "password",
        "passwd",
        "admin",
        "root",
        "user",
        "guest",
        "test",
        "pass",
        "secret",
        "mysql",
        "example",
        "changeme",
        "redis",
        "rabbitmq",
    ]
)


def ends_an_escape(text: str) -> bool:
    r"""Return whether the last letter or digit here is the end of an escape: \n, \u001b, [32m, %3D."""
    return bool(_ESCAPE.search(text[-12:]))


def holds_a_place(value: str) -> bool:
    """Return whether a value is written to be replaced, or is not written out at all."""
    value = value[:96]
    return bool(_HOLDS_PLACE.match(value) or _IN_IT.search(value) or _WORDS.match(value[:80]) or len(set(value)) < 2)


def secret_value(text: str, sign: int) -> tuple[int, int, str] | None:
    """Return (start, end, rule) of a secret that is given to a name at this sign (`=`, `:` and the like), or None."""
    before = text[max(0, sign - 80) : sign].rstrip(" \t")
    name_at = _NAME.search(before.rstrip("\"'`]) \\")) if len(before) else None
    opened = _VALUE.match(text, sign)
    if not name_at or not opened:
        return None
    name, before = _name(name_at, before)
    if (text[sign] == "," and "define" not in before) or (text[sign] == ">" and not before.endswith(("<", ":"))):
        return None
    rule = _rule(name)
    if not rule:
        return None
    start, quote = opened.end(), opened["quote"]
    end = text.find(quote, start, start + 4096) if quote else -1
    whole = end >= 0 and text.find("\n", start, end) < 0  # up to the closing quote
    if not whole:
        bare = _BARE.match(text, start, start + 128)
        end = bare.end() if bare else start
    if rule in ("cookie", "authorization"):
        return _header(text, start, rule, bool(quote))
    value = text[start:end]
    strict = name.isupper() and text[sign] == "=" and not opened["space"]  # as in environment files
    between = text[max(0, sign - 80) : sign]
    if not quote:
        if not strict:
            cut = _CUT.search(value)
            value = value[: cut.start()] if cut else value
            end = start + len(value)
        strict = strict or (";" in between and text[end : end + 1] in (";", '"'))  # Server=…;Password=…;
    if not _written_out(name, value[:256], rule, bool(quote), strict):
        return None
    if not whole and end == start + 128:  # the rest of a long one
        rest = _BARE.match(text, end)
        end = rest.end() if rest else end
    return start, end, rule


def _name(found: re.Match[str], before: str) -> tuple[str, str]:
    """Return the name, and what stands before it."""
    name, at = found[0], found.start()
    if at and len(name) > 1 and ends_an_escape(before[: at + 1]):
        return name[1:], before[: at + 1]  # \nDB_PASSWORD in escaped text
    return name, before[:at]


def _rule(name: str) -> str:
    plain = name.lower().translate(_PLAIN)
    if plain.endswith(PASSWORDS) or (
        plain.endswith("pass") and (plain == "pass" or name.isupper() or name[-5:-4] in "_-.")
    ):
        return "password"
    if plain.endswith("secretaccesskey"):
        return "aws-secret-key"
    if plain.endswith(("accountkey", "sharedaccesskey")):
        return "azure-key"
    if plain.endswith("authorization"):
        return "authorization"
    if plain.endswith("cookie"):
        return "cookie"
    if plain == "auth" or plain.endswith(("_auth", "xauth")) or name == "_auth":
        return "docker-auth"
    if _NOT_SECRET.search(name):
        return ""
    if plain.endswith(SECRETS) or (name.isupper() and plain.endswith(("key", "auth")) and len(plain) > 5):
        return "secret"
    if plain.endswith("signature") and name[:1] in "xXsS":
        return "signature"
    return ""


_PLAIN = str.maketrans("", "", "_-.")


def _written_out(name: str, value: str, rule: str, quoted: bool, strict: bool) -> bool:
    if not value or " " in value or value.lower() == name.lower() or holds_a_place(value):
        return False
    digit, letter = bool(_DIGIT.search(value[:96])), bool(_LETTER.search(value[:96]))
    if rule == "docker-auth":
        return _is_basic(value)
    if rule == "password":
        if quoted:
            return len(value) >= 3 and "(" not in value and (digit or not _looks_like_a_word(value))
        if strict:
            return len(value) >= 3 and "(" not in value
        return len(value) >= 5 and digit and (letter or len(value) > 7) and not re.search(r"[(\[]|\w\.\w+\.\w", value)
    if rule == "aws-secret-key":
        return len(value) == 40
    if rule == "signature":
        return len(value) >= 32 and digit and letter
    if re.search(r"[(\[\]]|\.\.|::|->", value) or len(value) < 8:
        return False
    if strict and name.endswith(("SECRET", "TOKEN", "API_KEY")):
        return digit or len(value) >= 10
    return digit and letter and (quoted or strict or len(value) >= 12)


def _looks_like_a_word(value: str) -> bool:
    return (value[0].isupper() and value[1:].islower()) or "_" in value or value.isupper()


def _is_basic(value: str) -> bool:
    """Return whether this is base64 of `user:password`."""
    if not re.fullmatch(r"[A-Za-z0-9+/]{8,512}={0,2}", value):
        return False
    try:
        words = b64decode(value + "=" * (-len(value) % 4))
    except NotBase64:
        return False
    return b":" in words[:-1] and words.isascii() and words.decode().isprintable()


def _header(text: str, start: int, rule: str, quoted: bool) -> tuple[int, int, str] | None:
    if rule == "authorization":
        scheme = _SCHEME.match(text, start)
        start = scheme.end() if scheme else start
        bare = re.compile(r"[\w.~+/:=-]{8,4096}").match(text, start)
        if not bare or holds_a_place(bare[0]) or not (scheme or len(bare[0]) >= 16) or not re.search(r"\d", bare[0]):
            return None
        return start, bare.end(), rule
    cookies = re.compile(
        r"[\w.$-]{1,64}=(?=[^\s;\"'\\]{0,99}\d)[^\s;\"'\\]{8,4096}(?:; ?[\w.$-]{1,64}=[^\s;\"'\\]{0,4096})*"
    ).match(text, start)
    return (start, cookies.end(), rule) if cookies and not holds_a_place(cookies[0].partition("=")[2]) else None
