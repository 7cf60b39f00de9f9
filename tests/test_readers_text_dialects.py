"""Dialogues in the shapes that people write and paste, and phones of every language."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from oracle_reading import read_bytes

from deltamem_cli.readers.parse.stamps import day, stamp

LINES = [("Ann", "Who has the key?"), ("Bo Lind", "The porter."), ("Ann", "Fetch it, please"), ("Bo Lind", "On my way")]
SHAPES = {
    "bold, date": "**{name}** (2026-03-02 10:14): {text}",
    "bold, outside": "**{name}** : {text}",
    "list": "- **{name}**: {text}",
    "list of plain": "* {name}: {text}",
    "numbers": "1. {name}: {text}",
    "quotes": "> **{name}:** {text}\n",
    "discord": "{name} — Today at 10:14 AM\n{text}",
    "discord, dated": "{name} — 03/22/2026 10:14 AM\n{text}",
    "slack": "{name}\n  10:14 AM\n{text}",
    "teams": "{name}  22/3/2026 10:14 AM\n{text}",
    "telegram": "{name}, [22.03.2026 10:14]\n{text}\n",
    "no brackets": "2026-03-02 10:14 {name}: {text}",
    "iso": "2026-03-02T10:14:09Z {name}: {text}",
    "clock": "10:14 {name}: {text}",
    "clock in brackets": "(10:14:09) {name}: {text}",
    "name in brackets": "[{name}] 10:14:09\n{text}\n",
    "exporter": "[03/22/2026 10:14 AM] {name}\n{text}\n",
    "iphone": "Mar 22, 2026 10:14:09 AM\n{name}\n{text}\n",
    "wechat": "2026-03-02 10:14:09 {name}\n{text}\n",
    "bold line": "**{name}**\n\n{text}\n",
    "heading": "### {name}\n\n{text}\n",
    "full width": "{name}：{text}",
    "french": "{name} : {text}",
    "docx": "{name}   1:02:09\n{text}\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_dialogue_is_read_in_whatever_shape_it_is_written(shape: str) -> None:
    text = "\n".join(SHAPES[shape].format(name=name, text=words) for name, words in LINES)
    format, messages, _ = read_bytes(f"{text}\n".encode())
    assert format == "text"
    assert [(m.speaker, m.text) for m in messages] == LINES


@pytest.mark.parametrize(
    "text",
    [
        "<|im_start|>user\nSoup?<|im_end|>\n<|im_start|>assistant\nLentils.<|im_end|>\n",
        "<user>Soup?</user>\n<assistant>Lentils.</assistant>\n",
        "[USER]: Soup?\n[ASSISTANT]: Lentils.\n",
        "👤 User: Soup?\n🤖 Assistant: Lentils.\n",
        "## User - Sep 7, 2026, 10:42 AM:\n\nSoup?\n\n## Assistant - Sep 7, 2026, 10:43 AM:\n\nLentils.\n",
    ],
)
def test_a_user_and_an_assistant_in_other_marks(text: str) -> None:
    _, messages, _ = read_bytes(text.encode())
    assert [(m.role, m.speaker, m.text) for m in messages] == [("user", "", "Soup?"), ("assistant", "", "Lentils.")]


def test_whatever_the_name_looks_like_a_label_with_a_time_starts_a_message() -> None:
    names = ["Ann", "+49 151 0000 999", "Dr. Bo Lind", "🚲 Dora", "bo_l", "Said Once"]
    text = "".join(f"[2026-03-02 10:1{at}] {name}: words {at}\n" for at, name in enumerate([*names, "Ann"]))
    assert [m.speaker for m in read_bytes(text.encode())[1]] == [*names, "Ann"]


def test_who_speaks_first_after_the_head_of_the_file_is_a_speaker_too() -> None:
    names = ("Ann", "Bo")
    early = "".join(f"{name}: number {at} of the many things that were said\n" for at in range(900) for name in names)
    _, messages, _ = read_bytes(f"{early}Dora: here I am\nwith luggage\nAnn: hello\nDora: tea?\n".encode())
    assert [(m.speaker, m.text) for m in messages[-3:]] == [
        ("Dora", "here I am\nwith luggage"),
        ("Ann", "hello"),
        ("Dora", "tea?"),
    ]


def test_one_who_may_have_spoken_once_is_nobody_rather_than_the_speaker_before() -> None:
    text = "Ann: Who comes?\nto the lake\nBo: I do.\nCleo: so do I\nAnn: Good.\nand bread?\nBo: Yes.\nand jam\n"
    _, messages, report = read_bytes(text.encode())
    assert [(m.speaker, m.text) for m in messages][2] == ("", "Cleo: so do I")
    assert report.skipped == {"line of a speaker who is not sure (kept, under no name)": 1}


def test_days_in_headings_are_the_days_of_the_clocks_below_them() -> None:
    text = "# Shed\n\n## Monday, 2 March 2026\n\nAnn (09:04): Who?\nBo (09:06): I.\n\n"
    text += "## Dienstag, 3. März 2026\n\nAnn (08:00): Go.\n"
    _, messages, _ = read_bytes(text.encode())
    assert [m.time and datetime.fromtimestamp(m.time, UTC).isoformat()[:16] for m in messages] == [
        "2026-03-02T09:04",
        "2026-03-02T09:06",
        "2026-03-03T08:00",
    ]
    assert messages[1].text == "I."


def test_names_in_small_letters_and_japanese_quotes() -> None:
    small = "ann: shall we paint the shed?\nbo: yes, in blue\nann: good, on Friday then\n"
    assert [m.speaker for m in read_bytes(f"{small}bo: done by now\n".encode())[1]] == ["ann", "bo", "ann", "bo"]
    _, quoted, _ = read_bytes("田中「いつ？」\n鈴木「正午です。」\n田中「水は？」\n鈴木「二本。」\n".encode())
    assert [(m.speaker, m.text) for m in quoted][:2] == [("田中", "いつ？"), ("鈴木", "正午です。")]


def test_a_text_that_is_called_one_is_read() -> None:
    _, messages, _ = read_bytes(b"The first thought.\nStill the first.\n\nThe second.\n", "text")
    assert [(m.speaker, m.text, m.line) for m in messages] == [
        ("", "The first thought.\nStill the first.", 1),
        ("", "The second.", 4),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Mar  2 10:14:09 host sshd[12]: one\nMar  2 10:14:10 host cron[3]: two\nMar  2 10:14:11 host sshd[12]: three\n",
        "[2026-03-02 10:14:09] INFO: up\n[2026-03-02 10:14:10] ERROR: down\n[2026-03-02 10:14:11] INFO: up\n",
        "# 2.0\n\n### Added\n\nx\n\n### Fixed\n\ny\n\n# 1.0\n\n### Added\n\nx\n\n### Fixed\n\nz\n",
        "host: a\nport: 1\nhost: b\nport: 2\n",
        "### Notable\n\nx\n\n## 1.1\n\n### Bugs\n\ny\n\n### Notable\n\nx\n\n## 1.0\n\n### Bugs\n\nz\n",
    ],
)
def test_programs_logs_and_chapters_are_no_dialogue(text: str) -> None:
    from deltamem_cli.errors import LogError

    with pytest.raises(LogError):
        read_bytes(text.encode())


MOMENTS = [datetime(2023, 2, 13, 21, 5, 9), datetime(2023, 2, 14, 0, 10, 1), datetime(2023, 11, 30, 8, 15, 20)]
UNUSUAL = {"ak", "dz", "la", "nds", "yo", "ha"}  # clocks without a leading zero, a wrong one in CLDR, words in between


def test_headers_of_every_locale_that_cldr_knows_are_read() -> None:
    dates = pytest.importorskip("babel.dates")
    from babel import Locale, localedata

    failed = []
    for name in localedata.locale_identifiers():
        locale = Locale.parse(name)
        short = locale.date_formats["short"].pattern
        for pattern in (short, re.sub(r"(?<!y)yy?(?!y)", "y", short)):
            for clock in ("short", "medium"):
                glue = locale.datetime_formats["short"]
                for moment in MOMENTS:
                    text = str(getattr(glue, "pattern", glue)).replace("'", "")
                    text = text.replace("{1}", dates.format_date(moment, pattern, locale=locale))
                    text = text.replace("{0}", dates.format_time(moment, clock, locale=locale))
                    seconds = moment.hour * 3600 + moment.minute * 60 + (moment.second if clock == "medium" else 0)
                    found = stamp(text)
                    if found is None or found.clock != seconds or found.fields is None:
                        failed.append(name)
    assert {name.split("_")[0] for name in failed} <= UNUSUAL


def test_the_words_of_dates_are_those_that_cldr_has() -> None:
    pytest.importorskip("babel")
    import orjson
    from locale_words import TARGET, words

    assert orjson.loads(TARGET.read_bytes()) == words()


def test_dates_that_a_person_writes() -> None:
    assert [found and found.fields for found in map(day, ("2. März 2026", "Fri, 3/1/2024", "Agenda", "1.2.3"))] == [
        (2026, 3, 2),
        (3, 1, 2024),
        None,
        None,
    ]
    assert stamp("10:14 Ben") is None


WHATSAPP = """13.02.23, 21:05 - Ines: Streichen wir?
13.02.23, 21:07 - Bo: Diese Nachricht wurde gelöscht.
13.02.23, 21:08 - Bo: Se eliminó este mensaje
13.02.23, 21:09 - Bo: Ja, blau <Diese Nachricht wurde bearbeitet>
13.02.23, 21:10 - Bo: <Medien ausgeschlossen>
13.02.23, 21:12 - Ines: null
13.02.23, 21:13 - Ines: Verpasster Sprachanruf
13.02.23, 21:14 - Bo: <wichtig: die Leiter>
"""


def test_whatsapps_own_words_are_nobodys_in_other_languages_too() -> None:
    _, messages, report = read_bytes(WHATSAPP.encode())
    assert [m.text for m in messages] == ["Streichen wir?", "Ja, blau", "<wichtig: die Leiter>"]
    assert report.skipped == {"deleted": 2, "media": 1, "system line": 2}


def test_an_export_that_follows_another_in_one_file_is_read_as_such() -> None:
    text = "[13/02/2023, 21:06:00] Ines: one\n[13/02/2023, 21:07:00] Bo: two\n14/02/2023, 09:00 - Ines: three\n"
    assert [(m.speaker, m.text) for m in read_bytes(text.encode())[1]] == [
        ("Ines", "one"),
        ("Bo", "two"),
        ("Ines", "three"),
    ]
