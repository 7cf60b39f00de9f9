"""Secrets leave before anything is kept; what only looks random stays."""

from __future__ import annotations

import json
import time
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
import redaction
from conftest import WordEncoder
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.encoders import Encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest, new_header
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.ingest.summary import Summary
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.source_text import read_sources
from deltamem_cli.records import Message
from deltamem_cli.text.redact import Redactor, redactor_of

A, N, H = "Zx9" * 60, "0123456789", "0a" * 40  # put together here, so that no scanner takes this file for a leak
SECRETS = {
    "aws-key": "AK" + "IA" + "QWERTYUIOP234567",
    "github-token": "gh" + "p_" + A[:36],
    "github-pat": "github" + "_pat_" + A[:22] + "_" + A[:59],
    "gitlab-token": "gl" + "pat-" + A[:20],
    "openai-key": "sk" + "-proj-" + A[:40],
    "anthropic-key": "sk" + "-ant-api03-" + A[:50],
    "secret-key": "sk" + "-or-v1-" + H[:64],
    "stripe-key": "sk" + "_live_" + A[:24],
    "stripe-webhook": "whsec" + "_" + A[:32],
    "slack-token": "xox" + "b-" + N + "-" + A[:24],
    "slack-app-token": "xapp" + "-1-A012-" + N + "-" + H[:40],
    "google-key": "AI" + "za" + A[:35],
    "google-token": "ya" + "29." + A[:60],
    "google-secret": "GOC" + "SPX-" + A[:28],
    "huggingface-token": "hf" + "_" + "aB" * 17,
    "npm-token": "npm" + "_" + A[:36],
    "pypi-token": "pypi" + "-Ag" + A[:80],
    "digitalocean-token": "dop" + "_v1_" + H[:64],
    "shopify-token": "shp" + "at_" + H[:32],
    "sendgrid-key": "SG" + "." + A[:22] + "." + A[:43],
    "mailchimp-key": H[:32] + "-us" + "12",
    "telegram-token": "123456789" + ":AA" + A[:33],
    "discord-token": "MTA4" * 6 + "." + A[:6] + "." + A[:38],
    "jwt": "ey" + "J" + A[:20] + ".ey" + "J" + A[:40] + "." + A[:43],
    "age-key": "AGE-SECRET" + "-KEY-1" + "Q" * 58,
}
KEY_BLOCK = "-----BEGIN {0}-----\n" + "\n".join([A[:64]] * 3) + "\n-----END {0}-----"
AROUND = {  # text with {} for the secret → rule
    "postgres://ann:{}@db.example.org:5432/x": ("password", "hunter2"),
    'AWS_SECRET_ACCESS_KEY="{}"': ("aws-secret-key", "wJalr/XUtnFEMI7K" + "Zx9" * 8),
    '{{"SecretAccessKey": "{}"}}': ("aws-secret-key", "wJalr/XUtnFEMI7K" + "Zx9" * 8),
    "curl -H 'Authorization: Bearer {}'": ("authorization", A[:40]),
    "https://hooks.slack.com/{}": ("slack-webhook", "services/T012/B012/" + A[:24]),
    "DefaultEndpointsProtocol=https;AccountKey={};": ("azure-key", "Zx9/" * 21 + "Zx=="),
}
HARMLESS = [
    sha256(b"x").hexdigest(),
    sha256(b"y").hexdigest()[:40],
    str(UUID(int=7**45 % 2**128)),
    "toolu_01" + A[:22],
    "data:image/png;base64," + A,
    "task-force-alpha-with-a-rather-long-kebab-case-name-2024",
    "sk-toggleable__label-arrow sk-estimator-doc-link sk-learn-contrib-package-name",
    "git@github.com:ann/repo.git https://example.org:8080/a@b ssh://git@example.org:22/x",
    "postgres://user:$PASSWORD@localhost postgres://user:<password>@localhost http://{user}:{password}@host",
    "Authorization: Bearer $TOKEN, then Authorization: Basic <base64>",
    'if line == "-----BEGIN PRIVATE KEY-----": raise ValueError',
    "NamedParameterJdbcTemplate.update.withAVeryLongMethodNameIndeed()",
]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("text", ["{}", "export KEY={} # ours", '{{"key": "{}"}}', "é {}\nnext", "x={};y"])
def test_a_secret_of_each_kind_is_replaced_and_named(name: str, text: str) -> None:
    redactor = Redactor()
    assert redactor.text(text.format(SECRETS[name])) == text.format(f"[redacted: {name}]")
    assert redactor.found == {name: 1}


@pytest.mark.parametrize("text", AROUND)
def test_only_the_secret_part_goes(text: str) -> None:
    name, secret = AROUND[text]
    assert Redactor().text(text.format(secret)) == text.format(f"[redacted: {name}]")


def test_shapes_of_all_issuers_in_every_kind_of_field() -> None:
    made = redaction.Made(7)
    shapes = {name: ("{}", token) for name, token in redaction.tokens(made).items()} | redaction.assignments(made)
    caught, left = redaction.misses(shapes)
    assert len(shapes) >= 150
    assert min(caught.values()) >= 0.97 * len(shapes), left


@pytest.mark.parametrize(
    "before", ["\\n", "\\\\t", "\\u001b[32m", "\x1b[1;31m", "%3D", "\\x3d", "(", "'", "=", "\\u0026"]
)
def test_a_letter_that_ends_an_escape_is_no_part_of_the_word(before: str) -> None:
    for name in ("github-token", "aws-key", "anthropic-key", "jwt", "slack-token"):
        assert Redactor().text(f"a{before}{SECRETS[name]}") == f"a{before}[redacted: {name}]"


@pytest.mark.parametrize("text", redaction.PLACEHOLDERS)
def test_what_holds_a_place_stays(text: str) -> None:
    assert Redactor().text(text) is text


def test_ordinary_lines_stay() -> None:
    root = Path(__file__).parent.parent
    lines = redaction.ordinary([root / name for name in ("deltamem_cli", "docs", "samples")])
    changed = [line for line in lines if Redactor().text(line) != line]
    assert len(changed) <= len(lines) / 1000, changed


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
@pytest.mark.parametrize("escaped", [False, True])
def test_key_blocks_whole_escaped_and_cut_off(kind: str, escaped: bool) -> None:
    block = KEY_BLOCK.format(kind)
    if escaped:
        block = block.replace("\n", "\\n")
    assert Redactor().text(f"before {block} after") == "before [redacted: private-key] after"
    cut = block[: block.index("-----END")]
    assert A[:64] not in Redactor().text(f"before {cut}")
    two = f"{block} and {block}"
    assert Redactor().text(two) == "[redacted: private-key] and [redacted: private-key]"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert Redactor(emails=False).text(text) is text


def test_emails_go_on_request_only() -> None:
    text = "write to ann.lee+x@mail.example.org, or @ann, or a@b"
    assert Redactor().text(text) is text
    assert Redactor(emails=True).text(text) == "write to [redacted: email], or @ann, or a@b"


@given(
    st.lists(
        st.sampled_from([*SECRETS.values(), "words", " ", "\n", "-----BEGIN RSA PRIVATE KEY-----", ":"]), max_size=8
    )
)
def test_twice_is_once(pieces: list[str]) -> None:
    once = Redactor().text(" ".join(pieces))
    assert Redactor().text(once) == once


@pytest.mark.parametrize(
    "piece",
    [
        *("-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN", "A" * 40 + "\n", "sk-", "sk-a1-", "eyJ", "eyJhhhhhhhhhhhh."),
        *("://a:", "a@", "a.b.", "AKIA", "MNOa", "Authorization: Bearer ", "xoxb-1", "AccountKey=", "0a" * 16, ":AA"),
        "_pat_github_pat_",
        "password=",
        'password": ',
        "--password ",
        "define('pwd', ",
        "Cookie: a=1;",
        "xoxb-1xoxb-1",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    started = time.process_time()
    Redactor(emails=True).text(text)
    assert time.process_time() - started < 2


@pytest.fixture
def words() -> Encoder:
    return WordEncoder()


def _ingested(folder: Path, words: Encoder, text: bool = True) -> tuple[StoredMemory, Summary]:
    secret = SECRETS["github-token"]
    shared: dict[str, object] = {"sessionId": f"s {secret}", "parentUuid": None, "cwd": f"/home/{secret}"}
    turns: list[dict[str, object]] = [
        {"type": "user", "uuid": "1", "message": {"role": "user", "content": f"my token is {secret}, keep it"}},
        {"type": "assistant", "uuid": "2", "message": {"model": secret, "content": f"noted {secret}"}},
        {"type": "custom-title", "customTitle": f"About {secret}"},
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(shared | turn) + "\n" for turn in turns))
    path = folder / f"{'text' if text else 'places'}.safetensors"
    draft = Draft(path, new_header(words, text), words.mean)
    summary = ingest([str(folder / "log.jsonl")], draft, words, DEFAULTS)
    return open_memory(path), summary


def test_nothing_redacted_is_left_in_a_memory(tmp_path: Path, words: WordEncoder) -> None:
    secret = SECRETS["github-token"]
    memory, summary = _ingested(tmp_path, words)
    assert summary.redacted["github-token"] >= 3
    assert memory.text is not None
    everything = [*memory.text, *memory.pointers, *memory.speakers, *(str(s) for s in memory.sessions)]
    assert not any(secret in text for text in everything + [text for asked in words.asked for text in asked])
    assert any("[redacted: github-token]" in text for text in memory.text)


def test_text_that_was_not_kept_is_redacted_when_it_is_read_again(tmp_path: Path, words: Encoder) -> None:
    memory, _ = _ingested(tmp_path, words, text=False)
    texts = read_sources(memory, list(range(len(memory.rows))), words)
    assert len(texts) == len(memory.rows)
    assert not any(SECRETS["github-token"] in text for text in texts.values())


def test_settings_name_the_redaction() -> None:
    assert redactor_of("text,tool_call") is None
    for emails in (False, True):
        found = redactor_of(f"text,tool_call;{Redactor(emails)}")
        assert found is not None
        assert found.emails == emails


def test_a_message_without_secrets_is_the_same_object() -> None:
    message = Message("hello", "user", 1, session="s", project="/home/ann")
    assert Redactor().message(message) is message
