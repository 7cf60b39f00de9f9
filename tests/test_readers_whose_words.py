"""Whose words they are: quotations, captions of several speakers, accounts without a name, and their order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oracle_reading import read_bytes, read_file

from deltamem_cli.readers.parse.oldest_first import oldest_first
from deltamem_cli.records import Message

SAMPLES = Path(__file__).parents[1] / "samples"
MAIL = "From: Bo <bo@example.org>\nDate: Fri, 1 Mar 2024 10:30:00 +0100\nMessage-ID: <1@example.org>\n\n"
QUOTED = {
    "Outlook": "From: Ann <ann@example.org>\nSent: 1 March 2024 9:10 AM\nTo: Bo\nSubject: Oars\n\nTheir words.",
    "German": "Von: Ann <ann@example.org>\nGesendet: 1. März 2024 09:10\nAn: Bo\nBetreff: Ruder\n\nTheir words.",
    "French": "De : Ann <ann@example.org>\nEnvoyé : vendredi 1 mars 2024 09:10\nÀ : Bo\nObjet : Rames\n\nTheir words.",
    "Danish": "Fra: Ann <ann@example.org>\nSendt: 1. marts 2024 09:10\nTil: Bo\nEmne: Årer\n\nTheir words.",
    "Japanese": "差出人: Ann <ann@example.org>\n送信日時: 2024年3月1日 9:10\n宛先: Bo\n\nTheir words.",
    "Russian": "пт, 1 мар. 2024 г. в 09:10, Ann <ann@example.org>:\n\n> Their words.",
    "Chinese": "Ann <ann@example.org> 于2024年3月1日周五 09:10写道：\n\n> Their words.",
    "telephone": "Sent from my iPhone\n\n> On 1 Mar 2024, at 09:10, Ann <ann@example.org> wrote:\n> Their words.",
}


@pytest.mark.parametrize("language", QUOTED)
def test_a_quoted_mail_is_not_the_repliers(language: str) -> None:
    _, messages, _ = read_bytes(f"{MAIL}I bring the oars.\n\n{QUOTED[language]}\n".encode())
    assert [(m.speaker, m.text) for m in messages] == [("Bo", "I bring the oars.")]


def test_what_only_looks_like_a_header_stays() -> None:
    words = "From: the old boathouse, not the new one.\nPlease come early.\nTo: be sure of a seat."
    assert [m.text for m in read_bytes(f"{MAIL}{words}\n".encode())[1]] == [words]


def test_each_voice_of_a_caption_speaks_for_itself() -> None:
    text = "WEBVTT\n\nNOTE\n00:00:00.000 --> 00:00:01.000\nnever said\n\n00:00:01.000 --> 00:00:02.000\n"
    text += "<v Ann>Oars?</v> <v Bo>Two.</v>\n\n00:00:03.000 --> 00:00:04.000\n<v ->Somebody coughs.</v>\n"
    _, messages, _ = read_bytes(text.encode())
    assert [(m.speaker, m.text) for m in messages] == [("Ann", "Oars?"), ("Bo", "Two."), ("", "Somebody coughs.")]


def test_captions_name_doctors_and_speakers_in_other_marks() -> None:
    cues = ["Ann: Oars?", "Dr. Bo Lind: Two.", "[Ann] And rope?", ">> CLEO: I have it.", ">> Who was that?"]
    timed = (f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{cue}\n" for n, cue in enumerate(cues, 1))
    _, messages, _ = read_bytes("\n".join(timed).encode())
    assert [m.speaker for m in messages] == ["Ann", "Dr. Bo Lind", "Ann", "CLEO", ""]


def test_skype_quotations_are_left_out_and_the_newest_message_comes_last() -> None:
    quote = '<quote author="ann"><legacyquote>[1] Ann: </legacyquote>Oars?<legacyquote>&lt;</legacyquote></quote>Two.'
    listed: list[dict[str, str]] = [
        {"id": "2", "originalarrivaltime": "2024-03-01T09:11:00Z", "content": quote, "from": "8:live:bo"},
        {"id": "1", "originalarrivaltime": "2024-03-01T09:10:00Z", "content": "Oars?", "displayName": "Ann"},
    ]
    chat = {"id": "8:ann", "MessageList": [{"messagetype": "RichText", **record} for record in listed]}
    _, messages, _ = read_bytes(json.dumps({"userId": "8:live:bo", "conversations": [chat]}).encode())
    assert [(m.speaker, m.text) for m in messages] == [("Ann", "Oars?"), ("live:bo", "Two.")]


def test_only_runs_of_a_session_that_go_backwards_are_turned_round() -> None:
    times = [(3, "a"), (2, "a"), (1, "a"), (1, "b"), (2, "b"), (None, "c"), (None, "c")]
    said = [Message(str(n), "user", n, session=session, time=time) for n, (time, session) in enumerate(times)]
    assert [m.text for m in oldest_first(said)] == ["2", "1", "0", "3", "4", "5", "6"]


def test_telegram_keeps_links_files_and_people_apart_whose_account_is_gone() -> None:
    link = ["see ", {"type": "text_link", "text": "the plan", "href": "https://example.org/plan"}]
    records: list[dict[str, object]] = [
        {"from": None, "from_id": "user2", "text": "The boat is out"},
        {"from": "Bo", "from_id": "user3", "text": link},
        {"from": "Bo", "from_id": "user3", "text": "", "file_name": "oars.pdf"},
    ]
    listed = [{"id": n, "type": "message", "date_unixtime": "1709284200", **record} for n, record in enumerate(records)]
    _, messages, _ = read_bytes(json.dumps({"name": "Boat", "id": 1, "messages": listed}).encode())
    assert [(m.speaker, m.text) for m in messages] == [
        ("Deleted Account (user2)", "The boat is out"),
        ("Bo", "see the plan (https://example.org/plan)"),
        ("Bo", "oars.pdf"),
    ]


def test_discord_keeps_the_fields_of_an_embed() -> None:
    embed = {"title": "Tide", "fields": [{"name": "Low", "value": "20:40"}]}
    record = {"id": "1", "type": "Default", "content": "", "author": {"name": "bot"}, "embeds": [embed]}
    text = json.dumps({"guild": {"id": "0"}, "channel": {"id": "5"}, "messages": [record]})
    assert [m.text for m in read_bytes(text.encode())[1]] == ["Tide\nLow 20:40"]


def test_messenger_is_mended_and_put_in_order() -> None:
    _, messages, report = read_file(SAMPLES / "messenger/message_1.json")
    assert [(m.speaker, m.text) for m in messages] == [
        ("Zoë Müller", "Ivo, are you coming along tonight?"),
        ("Zoë Müller", "The concert starts at half past six, in the Brückenhaus"),
        ("Ivo Hrabal", "Dobře, I take the late tram and meet you at the fountain"),
    ]
    assert report.skipped == {"reaction": 1}
    record = {"senderName": "Zoë", "text": "Träge", "timestamp": 1709284000000, "isUnsent": False}
    text = json.dumps({"participants": ["Zoë"], "threadName": "Zoë_4", "messages": [record]}, ensure_ascii=False)
    assert [(m.speaker, m.text, m.time) for m in read_bytes(text.encode())[1]] == [("Zoë", "Träge", 1709284000.0)]
