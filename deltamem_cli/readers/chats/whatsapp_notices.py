"""What WhatsApp writes itself into people's messages, in the languages of its phones: notices that are no words."""

from __future__ import annotations

import re

from deltamem_cli.readers.parse.plain import MARKS

_DELETED = """
this message was deleted | you deleted this message | message deleted | this message was deleted by admin
diese nachricht wurde gelöscht | du hast diese nachricht gelöscht | nachricht gelöscht
se eliminó este mensaje | eliminaste este mensaje | este mensaje fue eliminado | mensaje eliminado
ce message a été supprimé | vous avez supprimé ce message | tu as supprimé ce message | message supprimé
questo messaggio è stato eliminato | hai eliminato questo messaggio | messaggio eliminato
essa mensagem foi apagada | esta mensagem foi apagada | você apagou essa mensagem | você apagou esta mensagem
mensagem apagada | apagou esta mensagem | esta mensagem foi eliminada | eliminou esta mensagem
eliminaste esta mensagem
dit bericht is verwijderd | u hebt dit bericht verwijderd | je hebt dit bericht verwijderd | bericht verwijderd
данное сообщение удалено | вы удалили данное сообщение | это сообщение удалено | сообщение удалено
вы удалили это сообщение | це повідомлення було видалено | ви видалили це повідомлення | повідомлення видалено
ta wiadomość została usunięta | usunięto tę wiadomość | wiadomość została usunięta | usunąłeś tę wiadomość
bu mesaj silindi | bu mesajı sildiniz | bu mesajı sildin
detta meddelande raderades | du raderade detta meddelande | det här meddelandet togs bort
du tog bort det här meddelandet | denne besked blev slettet | du slettede denne besked
denne meldingen ble slettet | du slettet denne meldingen | tämä viesti poistettiin | poistit tämän viestin
tato zpráva byla odstraněna | tuto zprávu jste odstranili | tato zpráva byla smazána | tuto zprávu jste smazali
táto správa bola odstránená | túto správu ste odstránili | acest mesaj a fost șters | ai șters acest mesaj
ezt az üzenetet törölték | törölted ezt az üzenetet | az üzenet törölve | αυτό το μήνυμα διαγράφηκε
διαγράψατε αυτό το μήνυμα | това съобщение бе изтрито | това съобщение беше изтрито | изтрихте това съобщение
ova je poruka izbrisana | izbrisali ste ovu poruku | ova poruka je izbrisana | to sporočilo je bilo izbrisano
הודעה זו נמחקה | מחקת הודעה זו | تم حذف هذه الرسالة | لقد حذفت هذه الرسالة | حذفت هذه الرسالة | تم مسح هذه الرسالة
यह संदेश हटा दिया गया था | यह मैसेज हटा दिया गया था | आपने यह संदेश हटाया | आपने यह मैसेज हटाया
pesan ini telah dihapus | anda telah menghapus pesan ini | pesan ini dihapus | anda menghapus pesan ini
mesej ini telah dipadam | anda telah memadam mesej ini | mesej ini telah dipadamkan
tin nhắn này đã bị xóa | bạn đã xóa tin nhắn này | ข้อความนี้ถูกลบแล้ว | คุณลบข้อความนี้แล้ว
このメッセージは削除されました | このメッセージを削除しました | メッセージを削除しました
삭제된 메시지입니다 | 이 메시지는 삭제되었습니다 | 이 메시지를 삭제했습니다 | 메시지를 삭제했습니다
此消息已删除 | 你删除了此消息 | 您已删除这条消息 | 您删除了这条消息 | 此消息已被删除
這則訊息已刪除 | 您已刪除這則訊息 | 此訊息已刪除 | 你已刪除此訊息 | 此訊息已被刪除
"""
_CALLS = """
missed voice call | missed video call | missed group call | verpasster sprachanruf | verpasster videoanruf
llamada perdida | llamada de voz perdida | videollamada perdida | appel vocal manqué | appel vidéo manqué
appel manqué | chiamata vocale persa | videochiamata persa | chamada de voz perdida | chamada de vídeo perdida
chamada perdida | gemiste spraakoproep | gemiste video-oproep | gemiste oproep | пропущенный аудиозвонок
пропущенный звонок | пропущенный видеозвонок | пропущений голосовий виклик | пропущений відеовиклик
nieodebrane połączenie | cevapsız sesli arama | cevapsız görüntülü arama | missat röstsamtal | missat videosamtal
mistet opkald | mistet taleopkald | mistet videoopkald | tapt taleanrop | tapt videoanrop | ubesvart
vastaamaton äänipuhelu | vastaamaton videopuhelu | zmeškaný hlasový hovor | zmeškaný videohovor
apel vocal pierdut | apel video pierdut | nem fogadott | αναπάντητη | пропуснато гласово | пропуснато видео
שיחה קולית שלא נענתה | שיחת וידאו שלא נענתה | مكالمة صوتية فائتة | مكالمة فيديو فائتة | مكالمة صوتية لم يرد
panggilan suara tak terjawab | panggilan video tak terjawab | panggilan suara terlepas
cuộc gọi thoại nhỡ | cuộc gọi video nhỡ | 不在着信 | 부재중 음성 통화 | 부재중 영상 통화 | 未接语音通话 | 未接视频通话
未接語音通話 | 未接視訊通話 | 未接来电
"""
_MEDIA_WORDS = (
    r"m[eéi]d[iy]|mídia|multim|медиа|медіа|вложени|وسائط|מדיה|メディア|미디어|媒体|媒體|मीडिया|μέσ|สื่อ|ficheiro|arquivo"
    r"|attached|angehängt|adjunt|joint|allegat|anexad|bijge|прикреп|załąc|ekl|bifoga|vedhæft|vedlag|liitet"
)
_MEDIA = re.compile(
    rf"<[^<>\n]{{0,60}}?(?:{_MEDIA_WORDS})[^<>\n]{{0,120}}>"  # <Media omitted>, <Medien ausgeschlossen>
    r"|<[^<>:\n]{2,30}:\s?[^<>\n]{1,120}\.\w{2,5}>"  # <attached: 0001-PHOTO.jpg>
    r"|[^\n/]{1,120}\.\w{2,5} \([^()\n]{3,40}\)"  # IMG-1.jpg (file attached)
    r"|(?:image|video|audio|sticker|GIF|document|Contact card|video note) omitted",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(r"[^\n/]{1,120}\.\w{2,5} • \u200e")  # plan.pdf • 2 pages document omitted (iPhone)
_EDIT_WORDS = (
    r"edited|edit[ae]|edit[óo]|bearbeitet|modifi|bewerkt|измен|отредак|редаг|edytow|düzenlen|redig|muokat|uprav"
    r"|szerkeszt|επεξεργ|נערכ|تعديل|संपाद|disunting|chỉnh sửa|編集|수정|편집|编辑|編輯|แก้ไข|редакт|uređen|urejen"
)
_EDITED = re.compile(
    rf"\s?\u200e?<(?=[^<>\n]{{4,80}}>$)[^<>\n]{{0,60}}?(?:{_EDIT_WORDS})[^<>\n]{{0,60}}>$", re.IGNORECASE
)
_END = ".!。 "


def _phrases(table: str) -> frozenset[str]:
    return frozenset(phrase.strip() for line in table.split("\n") for phrase in line.split("|") if phrase.strip())


_ALL_DELETED, _ALL_CALLS = _phrases(_DELETED), tuple(sorted(_phrases(_CALLS)))


def is_media(line: str) -> bool:
    """Whether a line only says that a picture or file was there."""
    return _MEDIA.fullmatch(MARKS.sub("", line).strip()) is not None or _DOCUMENT.match(line) is not None


def is_deleted(text: str) -> bool:
    """Whether a text only says that the message was deleted."""
    return len(text) < 100 and MARKS.sub("", text).strip().rstrip(_END).casefold() in _ALL_DELETED


def is_call(text: str) -> bool:
    """Whether a text only says that a call was missed, or is a message that the phone could not write out."""
    short = MARKS.sub("", text[:100]).strip().casefold()
    return len(text) < 80 and (short.startswith(_ALL_CALLS) or short == "null")


def without_edit_mark(text: str) -> str:
    """The text without the mark at its end that says it was edited."""
    return _EDITED.sub("", text)
