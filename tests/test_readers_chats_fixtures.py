"""Chats of other projects and research sets, which are not part of this one (skipped where they are missing)."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections import Counter
from pathlib import Path

import oracle_chats
import pytest
from oracle_reading import SHARED, read_bytes, read_file

FIXTURES = SHARED / "fixtures"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the shared fixtures (DELTAMEM_SHARED)")

ARCHIVE = FIXTURES / "slack/slack-export-viewer/tests/testarchive.zip"
ROLLING = "youtube_dl.vtt"
BROKEN = {
    "missing_timeframe.srt",
    "invalid_timeframe.vtt",
    "invalid_timeframe_in_cue_text.vtt",
    "invalid_timeframe.srt",
    "invalid_timeframe.sbv",
}
CAPTIONS = [
    path
    for path in sorted(FIXTURES.glob("vtt-srt/**/*.*"))
    if oracle_chats.format_of(path.relative_to(FIXTURES).as_posix()) and path.name not in {ROLLING, *BROKEN}
]


def test_a_slack_export_folder_and_its_zip_give_the_same(tmp_path: Path) -> None:
    """Every day file, unpacked and in the archive: count, and names for ids in both."""
    archive = zipfile.ZipFile(ARCHIVE)
    archive.extractall(tmp_path)
    days = [name for name in archive.namelist() if "/" in name and name.endswith(".json")]
    users = {
        user["id"]: user["profile"]["real_name"] or user["name"] for user in json.loads(archive.read("users.json"))
    }
    total = 0
    for day in days:
        records = json.loads(archive.read(day))
        _, unpacked, report = read_file(tmp_path / day)
        assert read_file(ARCHIVE / day)[1] == unpacked
        assert len(unpacked) == oracle_chats.slack(records)
        assert len(unpacked) + sum(report.skipped.values()) == len(records)
        for message in unpacked:
            record = records[int(message.pointer[1:])]
            assert message.speaker == users.get(record.get("user"), message.speaker)
            assert "<@" not in message.text
        total += len(unpacked)
    assert total == 147


@pytest.mark.parametrize("name", ["channels.json", "users.json", "integration_logs.json"])
def test_the_lists_of_a_slack_export_are_no_logs(name: str) -> None:
    data = zipfile.ZipFile(ARCHIVE).read(name)
    with pytest.raises(Exception, match="no log format"):
        read_bytes(data)


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.name)
def test_captions_say_what_webvtt_py_reads(path: Path) -> None:
    _, messages, report = read_bytes(path.read_bytes())
    assert [word for message in messages for word in message.text.split()] == oracle_chats.captions(path)
    assert not report.broken


def test_rolling_captions_are_said_once() -> None:
    path = next(FIXTURES.glob(f"vtt-srt/**/{ROLLING}"))
    assert " ".join(read_bytes(path.read_bytes())[1][0].text.split()) == "yeah what this will happen is I'm telling"


def test_whatsapp_dates_of_every_region() -> None:
    """The same chat in five orders of day and month gives the same times, those that another tool found."""
    folder = FIXTURES / "whatsapp/chat-miner/test/whatsapp"
    known = json.loads((folder / "target.json").read_text("utf-8"))
    expected = sorted(read_bytes(json.dumps(known).encode())[1], key=lambda message: message.time or 0)
    files = sorted(folder.glob("*.txt"))
    assert len(files) == 5
    for path in files:
        _, messages, _ = read_bytes(path.read_bytes())
        told = [(m.time, m.speaker, " ".join(m.text.split())) for m in messages]
        assert told == [(m.time, m.speaker, m.text) for m in expected]


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="needs the shared data")
def test_research_sets() -> None:
    """Every turn of LoCoMo under its evidence id; every session of LongMemEval once."""
    path = SHARED / "data/locomo_dev.json"
    format, messages, _ = read_file(path)
    assert format == "locomo"
    assert Counter(message.speaker for message in messages) == oracle_chats.locomo(path)
    ids = {message.id for message in messages}
    assert len(ids) == len(messages) == 2080
    evidence = {
        f"{record['sample_id']}/{id}"
        for record in json.loads(path.read_text("utf-8"))
        for question in record["qa"]
        for id in question["evidence"]
    }
    assert len(evidence - ids) <= 6  # the set's own slips
    packed = SHARED / "data/longmemeval_s_dev.jsonl.gz"
    format, messages, _ = read_file(packed)
    assert format == "longmemeval"
    data = gzip.decompress(packed.read_bytes())
    assert Counter(message.role for message in messages) == oracle_chats.longmemeval(data.splitlines())
    assert all(message.time for message in messages)
