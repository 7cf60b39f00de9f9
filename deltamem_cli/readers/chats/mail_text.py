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
_FROM = re.compile(  # the first field of the header that Outlook puts above a quoted mail
    r"\*?(?:From|Von|De|Da|Di|Fra|Från|Van|Od|Lähettäjä|Saatja|От|Від|Відправник|Отправитель|Kimden|Gönderen|Από|Feladó"
    r"|Nadawca|Odesílatel|Odosielateľ|Šalje|Expeditor|De la|Expéditeur|Mittente|Remitente|Remetente|Afzender|Avsändare"
    r"|Afsender|Avsender|Dari|Daripada|Từ|จาก|差出人|送信者|发件人|寄件者|寄件人"
    r"|보낸 사람|보낸사람|من|מאת)\*?\s?[:：]\*?\s?\S.*"
)
_FIELD = re.compile(r"\*?[^\W\d_][^:：\n]{0,24}[:：]\*?\s?\S.*")
_CLOCK = re.compile(r"\d[:.h]\d\d|\d{4}")
_SENT_FROM = re.compile(
    r"(?:Sent from (?:my|Outlook|Mail|Yahoo)|Get Outlook for|Von meinem|Gesendet (?:von|mit)|Envoyé (?:de|depuis|à)"
    r"|Enviado (?:desde|do|a partir|de)|Inviato da|Verzonden vanaf|Verstuurd vanaf|Skickat från|Sendt fra|Lähetetty"
    r"|Wysłane z|Odesláno z|Отправлено (?:с|из)|Надіслано з|发自我的|從我的|发送自"
    r"|나의 iPhone|iPhoneから送信|iPadから送信).{0,50}"
)
_LONGEST_LINE = 400  # the lines that announce a quotation are short


def own_words(text: str) -> str:
    """The text without quoted lines, what announces them, what follows `-----Original Message-----`, and signature."""
    kept: list[str] = []
    every = text.split("\n")
    for number, line in enumerate(every):
        if _is_header(every, number):
            break
        if len(line) < 90 and _SENT_FROM.fullmatch(line.strip()):
            continue
        if line.rstrip("\r") in ("-- ", "--") or (len(line) < _LONGEST_LINE and _REST.fullmatch(line.strip())):
            break
        if line.lstrip(" ").startswith(">"):
            _drop_introduction(kept, quoted=True)
        else:
            kept.append(line.rstrip())
    else:
        if kept:
            _drop_introduction(kept)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n").rstrip()


def _is_header(lines: list[str], number: int) -> bool:
    """Whether the header of a quoted mail begins there: From, and two more fields, one of which tells when."""
    if len(lines[number]) > _LONGEST_LINE or not _FROM.fullmatch(lines[number].strip()):
        return False
    below = [line.strip() for line in lines[number + 1 : number + 8] if line.strip()][:3]
    fields = [line for line in below if len(line) < _LONGEST_LINE and _FIELD.fullmatch(line)]
    return len(fields) >= 2 and any(map(_CLOCK.search, fields))


def _announces(line: str) -> bool:
    """Whether a line above a quotation says whose it is and when it was written, in any language."""
    dated = re.search(r"\d[:.h]\d\d", line) and re.search(r"\d{4}", line)
    return line.endswith((":", "：")) and bool(re.search(r"@\w", line) or dated)


def _drop_introduction(kept: list[str], quoted: bool = False) -> None:
    """Take "On … wrote:" from the end, which mail programs may break over two lines."""
    end = len(kept)
    while end and not kept[end - 1].strip():
        end -= 1
    for count in (1, 2):
        said = " ".join(line.strip() for line in kept[max(end - count, 0) : end])
        if len(said) < _LONGEST_LINE and (_INTRODUCTION.fullmatch(said) or (quoted and _announces(said))):
            del kept[max(end - count, 0) :]
            return
