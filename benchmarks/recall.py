"""Evidence recall on LoCoMo-style and LongMemEval-style question sets, side by side with what people use today.

    python benchmarks/recall.py locomo_dev.json longmemeval_s_dev.jsonl.gz

Each conversation (LoCoMo) or haystack (LongMemEval) is a memory of its own, made and asked through the same functions
as `deltamem ingest` and `deltamem query`. Rows:

    flat dense   inner products of the encoder's vectors with the question's (float32, nothing centred)
    BM25         bm25s, English stemmer and stop words
    RRF          reciprocal rank fusion of the two, k = 60
    flat keys    inner products with the keys that the matrix learns from (codes and word sketch, no matrix)
    matrix       the δ-Mem matrix alone, read at the grain of passages
    first reading  what chooses the candidates of `deltamem query`: nothing but the question is encoded
    query        what `deltamem query` ranks by: the candidates read again (late interaction)

Turn level: a passage stands for its message, evidence is a message. Session level: a session scores as its best
passage (BM25: and over whole sessions in the row "BM25 sessions"). recall@k is the share of a question's evidence among
the first k, averaged over questions; MRR that of the first. "bytes" is what the method keeps, over all memories.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory import keys
from deltamem_cli.memory.file import nbytes, open_memory
from deltamem_cli.memory.info import by_part
from deltamem_cli.memory.learning import Learning
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import Message, Source


@dataclass
class Question:
    """A question, and the ids of the messages or sessions that hold its evidence."""

    text: str
    kind: str
    turns: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)


@dataclass
class Case:
    """A memory to be made, and what to ask it."""

    name: str
    messages: list[Message]
    questions: list[Question]


def locomo(path: Path) -> Iterator[Case]:
    """The conversations of a LoCoMo file (snap-research/locomo)."""
    for sample in json.loads(path.read_text()):
        talk = sample["conversation"]
        messages = []
        for number in sorted(int(m[1]) for key in talk if (m := re.fullmatch(r"session_(\d+)", key))):
            start = datetime.strptime(talk[f"session_{number}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
            for turn in talk[f"session_{number}"]:
                text = turn["text"] + (f" [image: {turn['blip_caption']}]" if turn.get("blip_caption") else "")
                messages.append(
                    Message(text, "user", len(messages) + 1, session=f"S{number}", id=turn["dia_id"],
                            speaker=turn["speaker"], time=start.timestamp())
                )  # fmt: skip
        known = {message.id: message.session for message in messages}
        questions = []
        for item in sample["qa"]:
            evidence = [e for text in item["evidence"] for e in re.split(r"[;\s]+", text) if e in known]
            if evidence:
                sessions = list(dict.fromkeys(known[e] for e in evidence))
                questions.append(Question(item["question"], f"category {item['category']}", evidence, sessions))
        yield Case(sample["sample_id"], messages, questions)


def longmemeval(path: Path) -> Iterator[Case]:
    """The questions of a LongMemEval file (xiaowu0162/LongMemEval), each with its haystack."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            item = json.loads(line)
            messages = []
            haystack = zip(item["haystack_session_ids"], item["haystack_dates"], item["haystack_sessions"], strict=True)
            for session, date, turns in haystack:
                start = datetime.strptime(date, "%Y/%m/%d (%a) %H:%M").replace(tzinfo=UTC).timestamp()
                for number, turn in enumerate(turns):
                    messages.append(
                        Message(turn["content"], turn["role"], len(messages) + 1, session=session,
                                id=f"{session}/{number}", time=start)
                    )  # fmt: skip
            known = {message.session for message in messages}
            unanswerable = item["question_id"].endswith("_abs")
            sessions = [] if unanswerable else [s for s in item["answer_session_ids"] if s in known]
            yield Case(item["question_id"], messages, [Question(item["question"], item["question_type"], [], sessions)])


class Recording:
    """An encoder that remembers the vectors it gave, for the rows that need them unquantised."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.vectors: dict[str, np.ndarray] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, texts: list[str]) -> np.ndarray:
        """As the encoder, each text once."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if fresh:
            self.vectors.update(zip(fresh, self._encoder.encode(fresh), strict=True))
        return np.stack([self.vectors[text] for text in texts])


class Tally:
    """Recall@1/5/10 and MRR of the methods, at one level."""

    def __init__(self) -> None:
        self.sums: dict[str, list[float]] = defaultdict(lambda: [0.0] * 5)

    def add(self, method: str, ranks: list[int]) -> None:
        """The places (from 0) of one question's evidence."""
        sums = self.sums[method]
        for i, k in enumerate((1, 5, 10)):
            sums[i] += sum(rank < k for rank in ranks) / len(ranks)
        sums[3] += 1 / (1 + min(ranks))
        sums[4] += 1

    def row(self, method: str) -> str:
        """R@1 R@5 R@10 MRR."""
        *sums, n = self.sums.get(method, [0.0] * 5)
        return " ".join(f"{value / n:6.3f}" for value in sums) if n else " ".join(["     -"] * 4)


METHODS = ("flat dense", "BM25", "BM25 sessions", "RRF", "flat keys", "matrix", "first reading", "query")


def evaluate(
    cases: Iterator[Case], encoder: Recording, bm25s: Any, learning: Learning
) -> tuple[Tally, Tally, dict[str, int], str]:
    """All methods on all cases: turns, sessions, bytes kept, and a line about the size of it."""
    turns, sessions, kept = Tally(), Tally(), dict.fromkeys(METHODS, 0)
    counted = dict.fromkeys(("memories", "passages", "questions"), 0)
    seconds = 0.0
    asking = load_encoder(encoder.name, query_only=True)
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "case.safetensors"
            draft = Draft(path, new_header(encoder, text=True, learning=learning), encoder.mean)
            ingest_messages(case.messages, Source(case.name, "benchmark"), draft, encoder)
            memory = open_memory(path)
            parts = by_part(nbytes(memory))
            ranker, searcher, rows = Ranker(memory), Searcher(memory, asking), memory.rows
            texts = list(memory.text or [])
        spoken = [f"{memory.speakers[s]}: {t}" if memory.speakers[s] and r == 0 else t
                  for s, t, r in zip(rows.speaker, texts, rows.role, strict=True)]  # fmt: skip
        vectors = encoder.encode(spoken)
        passages = Bm25s(bm25s, spoken)
        of_session: dict[int, list[str]] = defaultdict(list)
        for session, text in zip(rows.session, spoken, strict=True):
            of_session[int(session)].append(text)
        whole = Bm25s(bm25s, [" ".join(of_session[i]) for i in range(len(of_session))])
        kept["flat dense"] += vectors.nbytes
        kept["BM25"] += passages.nbytes
        kept["BM25 sessions"] += whole.nbytes
        kept["RRF"] += vectors.nbytes + passages.nbytes
        kept["flat keys"] += parts["codes"] + parts["index"]
        kept["matrix"] += parts["matrix"] + parts["codes"] + parts["index"]
        kept["first reading"] += sum(parts.values()) - parts["text"]
        kept["query"] += sum(parts.values())
        message_of, ids = rows.line.astype(int) - 1, [message.id for message in case.messages]
        known = ranker._dense, keys.words(rows.sizes.astype(np.int64), rows.terms, memory.vocabulary)
        flat = keys.join(*known)
        for question in case.questions:
            if not question.sessions:
                continue
            vector = encoder.encode_query(question.text)
            started = time.perf_counter()
            scores = ranker.scores(question.text, vector)
            seconds += time.perf_counter() - started
            dense, lexical = vectors @ vector, passages.scores(question.text)
            found = {
                "flat dense": dense,
                "BM25": lexical,
                "RRF": 1 / (60 + places(dense)) + 1 / (60 + places(lexical)),
                "flat keys": flat @ ranker.key(vector, question.text),
                "matrix": scores.parts["matrix"],
                "first reading": scores.fused,
                "query": searcher.scores(question.text),
                "BM25 sessions": whole.scores(question.text)[rows.session],
            }
            names = [session.id for session in memory.sessions]
            for method, score in found.items():
                if question.turns and method != "BM25 sessions":
                    turns.add(method, evidence_places(score, message_of, ids, question.turns))
                sessions.add(method, evidence_places(score, rows.session, names, question.sessions))
            counted["questions"] += 1
        counted["memories"] += 1
        counted["passages"] += len(rows)
        encoder.vectors.clear()
    speed = f"{seconds / max(counted['questions'], 1) * 1000:.1f} ms a question to rank"
    return turns, sessions, kept, ", ".join(f"{n:,} {what}" for what, n in counted.items()) + f"; {speed}"


class Bm25s:
    """The library bm25s with its usual settings: English stop words, Snowball stemmer."""

    def __init__(self, bm25s: Any, texts: list[str]) -> None:
        import Stemmer

        self._bm25s, self._stemmer = bm25s, Stemmer.Stemmer("english")
        self._index = bm25s.BM25()
        self._index.index(self._tokens(texts), show_progress=False)
        scores = self._index.scores
        self.nbytes = sum(scores[name].nbytes for name in ("data", "indices", "indptr"))
        self.nbytes += sum(len(word) + 8 for word in self._index.vocab_dict)

    def _tokens(self, texts: list[str]) -> Any:
        return self._bm25s.tokenize(texts, stopwords="en", stemmer=self._stemmer, show_progress=False)

    def scores(self, question: str) -> np.ndarray:
        """One score a text."""
        words = self._bm25s.tokenize(
            [question], stopwords="en", stemmer=self._stemmer, show_progress=False, return_ids=False
        )[0]
        return self._index.get_scores([word for word in words if word in self._index.vocab_dict])


def places(scores: np.ndarray) -> np.ndarray:
    """The place (from 0) of each item when they are sorted by score, best first."""
    order = np.argsort(-scores, kind="stable")
    ranks = np.empty(len(order), int)
    ranks[order] = np.arange(len(order))
    return ranks


def evidence_places(scores: np.ndarray, group: np.ndarray, names: list[str], evidence: list[str]) -> list[int]:
    """The places of the groups named in `evidence`, each group scored as its best member."""
    best = np.full(len(names), -np.inf)
    np.maximum.at(best, group, scores)
    ranks = places(best)
    return [int(ranks[names.index(name)]) for name in evidence]


def main() -> None:
    """Read the files, print a table for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="locomo*.json, longmemeval*.jsonl[.gz]")
    parser.add_argument("--model", default="default", help="the encoder")
    parser.add_argument("--rule", default="rls", help="the matrix's rule, half-life and states, as deltamem ingest has")
    parser.add_argument("--half-life", default="")
    parser.add_argument("--states", type=int, default=1)
    arguments = parser.parse_args()
    learning = Learning(arguments.rule, arguments.half_life, arguments.states)
    import bm25s

    encoder = Recording(load_encoder(arguments.model))
    machine = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"
    print(f"encoder {encoder.name}; {learning}; {machine}")
    for path in arguments.files:
        cases = longmemeval(path) if "jsonl" in path.name else locomo(path)
        turns, sessions, kept, about = evaluate(cases, encoder, bm25s, learning)
        print(f"\n{path.name}: {about}")
        print(f"{'':14}{'turn  R@1    R@5   R@10    MRR':>32}{'session  R@1    R@5   R@10    MRR':>36}{'KiB kept':>12}")
        for method in METHODS:
            print(f"{method:14}    {turns.row(method)}        {sessions.row(method)}{kept[method] / 1024:12,.0f}")


if __name__ == "__main__":
    main()
