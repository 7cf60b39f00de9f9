"""People's chats as JSON: Slack, Discord, Telegram, Teams, plain records. Each sample gives the messages it holds."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from oracle_reading import read_bytes, read_file, resolve

from deltamem_cli.errors import LogError
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.records import Message, ReadReport

SAMPLES = Path(__file__).parent.parent / "samples"


def told(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.speaker, message.text) for message in messages]


def texts(format: str, document: Any) -> list[str]:
    found, messages, _ = read_bytes(json.dumps(document).encode())
    assert found == format
    return [message.text for message in messages]


def test_slack_sample() -> None:
    format, first, report = read_file(SAMPLES / "slack/pottery/2026-02-03.json")
    assert format == "slack"
    assert told(first) == [
        ("Ilse Brandt", "@Omar H. the kiln is booked for Friday. Cone 6 & slow cooling, please."),
        ("Omar H.", "Glaze recipe is here (https://example.org/celadon), ask @Ilse Brandt"),
        ("Pia Sand", "Clay came: 3 bags of stoneware, invoice (https://example.org/clay)"),
        ("kilnbot", "Kiln reached 1222 °C after 9 hours"),
    ]
    assert report.skipped == {"channel_join": 1, "tombstone": 1}
    second = read_file(SAMPLES / "slack/pottery/2026-02-04.json")[1]
    assert [m.session for m in first + second] == [
        "C0POT/1770109320.000200",
        *["C0POT"] * 3,
        *["C0POT/1770109320.000200"] * 2,
    ]
    assert (first[0].time, first[0].title, first[0].pointer) == (1770109320.0002, "pottery", "/1")
    assert second[1].text == "Wrap handles in plastic for two days <3"


def test_slack_names_come_from_the_zip_that_holds_the_day(tmp_path: Path) -> None:
    folder = SAMPLES / "slack"
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for path in folder.rglob("*.json"):
            archive.write(path, path.relative_to(folder))
    _, messages, _ = read_file(tmp_path / "export.zip/pottery/2026-02-04.json")
    assert [m.speaker for m in messages] == ["Omar H.", "Ilse Brandt"]


def test_slack_without_its_export_keeps_ids_and_ids_of_messages() -> None:
    """A day from a pipe: the speaker is the id that the log gives, and a message's id is the same as in the export."""
    path = SAMPLES / "slack/pottery/2026-02-04.json"
    piped, filed = read_bytes(path.read_bytes())[1], read_file(path)[1]
    assert [m.speaker for m in piped] == ["U0OMAR", "U0ILSE"]
    assert [m.id for m in piped] == [m.id for m in filed]


def test_slack_markup() -> None:
    text = "<!here> <#C1|ops> <@U1|ann> <!subteam^S1|@team> <!date^1760000000^{date}|Friday> <mailto:a@b.c|a@b.c>"
    text += " &lt;x&gt; &amp;amp;"
    base = {"type": "message", "user": "U1", "ts": "1760000000.000100"}
    preview = [{"from_url": "https://x.y", "text": "somebody else's words"}]
    messages = [{**base, "text": text}, {**base, "text": "see <https://x.y>", "attachments": preview}]
    messages += [{**base, "subtype": "file_share", "text": "", "files": [{"name": "plan.pdf"}]}, {**base, "text": ""}]
    assert texts("slack", messages) == [
        "@here #ops @ann @team Friday a@b.c <x> &amp;",
        "see https://x.y",
        "plan.pdf",
    ]


def test_discord_sample() -> None:
    format, messages, report = read_file(SAMPLES / "discord/harbour-lights.json")
    assert format == "discord"
    assert told(messages) == [
        ("Morrow (GM)", "The bridge troll wants 30 silver or a riddle."),
        ("fenn", "My bard pays with a song about turnips"),
        ("dice", "Performance\nrolled 19 + 4 = 23"),
    ]
    assert {(m.session, m.title, m.project) for m in messages} == {("7101", "dragon-campaign", "Harbour Lights")}
    assert (messages[0].time, messages[0].id) == (1772384700.0, "7101/902")
    assert report.skipped == {"GuildMemberJoin": 1, "no text": 1}


def test_an_export_that_was_interrupted_gives_what_it_has() -> None:
    whole = (SAMPLES / "discord/harbour-lights.json").read_bytes()
    messages = read_log(*open_log(io.BytesIO(whole[: whole.index(b"905") + 9]), "a.json"), ReadReport())
    assert [next(messages).text[:10] for _ in range(3)] == ["The bridge", "My bard pa", "Performanc"]
    with pytest.raises(LogError, match="breaks off"):
        next(messages)


def test_telegram_sample() -> None:
    format, messages, report = read_file(SAMPLES / "telegram/result.json")
    assert format == "telegram"
    assert told(messages) == [
        ("Rosa", "The hedgehogs are awake, see https://example.org/hogs"),
        ("Deleted Account (user12)", "Leave them the compost corner until May"),
        ("Rosa", "Who mows on Saturday?\nRosa\nNobody"),
        ("Uncle Jan", "The rain barrel leaks at the tap, tape will not hold"),
    ]
    assert [(m.session, m.title) for m in messages[2:]] == [("4401", "Allotment 14"), ("4402", "Uncle Jan")]
    assert [m.time for m in messages[2:]] == [1775110140.0, 1775246400.0]
    assert report.skipped == {"service": 1, "no text": 1}


def test_telegram_chats_without_ids_are_sessions_of_their_own() -> None:
    def chat(words: str) -> dict[str, Any]:
        return {"name": words, "messages": [{"type": "message", "date_unixtime": "1700000000", "text": words}] * 2}

    _, messages, _ = read_bytes(json.dumps({"chats": {"list": [chat("a"), chat("b")]}}).encode())
    assert len({m.session for m in messages}) == 2
    assert [m.title for m in messages] == ["a", "a", "b", "b"]


def test_teams_sample() -> None:
    format, messages, report = read_file(SAMPLES / "teams/messages.json")
    assert format == "teams"
    assert told(messages) == [
        ("Nora Vik", "The atlases go to room 2.14\n\nThey weigh < 900 kg"),
        ("Emil", "Nora the floor there bears only half of that"),
    ]
    assert messages[1].time == 1778839260.0
    assert report.skipped == {"Event/Call": 1}


def graph(id: str, content: str, **more: Any) -> dict[str, Any]:
    body = {"contentType": "html", "content": content}
    sender = {"user": {"id": "u", "displayName": "Nora"}}
    time = "2026-05-15T10:00:00Z"
    place = {"channelIdentity": {"teamId": "t", "channelId": "19:c"}}
    return {"id": id, "messageType": "message", "createdDateTime": time, "from": sender, "body": body, **place, **more}


def test_teams_threads_of_the_graph_api() -> None:
    records = [
        graph("2", "<p>It is.<br>Now</p><attachment id='x'></attachment>", replyToId="1"),
        graph("1", "Is it <i>you</i>?"),
        graph("3", "<systemEventMessage/>", messageType="systemEventMessage"),
        graph("4", "gone", deletedDateTime="2026-05-16T10:00:00Z"),
    ]
    format, messages, report = read_bytes(json.dumps({"value": records}).encode())
    assert format == "teams"
    assert [(m.text, m.session, m.pointer) for m in messages] == [
        ("It is.\nNow", "19:c/1", "/value/0"),
        ("Is it you?", "19:c/1", "/value/1"),
    ]
    assert report.skipped == {"systemEventMessage": 1, "deleted": 1}


def test_records_of_who_said_what_when() -> None:
    format, messages, report = read_file(SAMPLES / "people/data.jsonl")
    assert format == "people"
    assert told(messages) == [
        ("Wim", "The fiddle needs a new sound post"),
        ("Carla", "The luthier in Cremona Street has spruce older than us"),
    ]
    assert (messages[0].time, messages[1].line, report.skipped) == (1785593100.0, 2, {"no text": 1})


def test_records_name_their_session_and_words_for_roles_are_no_persons() -> None:
    said = {"sender": "Ann", "text": "hi", "timestamp": "2026-01-01T10:00:00Z", "session_id": "s1"}
    format, messages, _ = read_bytes(json.dumps([said, {**said, "session_id": "s2"}]).encode())
    assert (format, [m.session for m in messages]) == ("people", ["s1", "s2"])
    format, messages, _ = read_bytes(json.dumps([said, {**said, "sender": "Assistant"}, said]).encode())
    assert (format, [m.role for m in messages]) == ("turns", ["user", "assistant", "user"])


@pytest.mark.parametrize(
    "record",
    [
        {"author": "Ann", "message": "Fix the build", "hash": "c0ffee"},
        {"type": "note", "author": "Ann", "text": "A post", "date": "2026-01-01"},
    ],
)
def test_other_records_are_no_chat(record: dict[str, str]) -> None:
    with pytest.raises(LogError, match="no log format"):
        read_bytes(json.dumps([record, record]).encode())


JSON_SAMPLES = sorted(
    path
    for folder in ("slack/pottery", "discord", "telegram", "teams", "locomo", "longmemeval")
    for path in (SAMPLES / folder).iterdir()
)


@pytest.mark.parametrize("path", JSON_SAMPLES, ids=lambda path: path.parent.name)
def test_a_pointer_leads_to_the_record_with_the_words(path: Path) -> None:
    document = json.loads(path.read_bytes())
    _, messages, _ = read_file(path)
    for message in messages:
        record = json.dumps(resolve(document, message.pointer), ensure_ascii=False) + "Ilse Brandt"  # an id's name
        words = [word for word in message.text.split() if word.isalnum() and word.isascii()]
        assert words
        assert all(word in record for word in words)
