"""Now, not then: facts that change (sets/facts.jsonl), long apart in one log. Does what was said last come first?

    python benchmarks/facts.py --files locomo_dev.json longmemeval_s_dev.jsonl.gz --memories FOLDER [--fit]

Each fact is told in a session of its own, between two messages about something else; half way to its change somebody
asks for it and the assistant repeats what it was; the assistant repeats every fact as it is told. Three logs: `plain`
(the change names its subject), `new` (it need not), `chain` (both, `plain` last). Newest first: the first answer that
tells the last state stands before every answer that tells an older one. Of the facts the even ones chose the weights,
the odd ones did not. Of LoCoMo and LongMemEval it prints how many of the ten best answers are called superseded (no
knowledge-update questions), and of the knowledge-update questions how often the latest evidence session comes first.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
from made import machine, memories_of, memory_of
from recall import Case, Question

from deltamem_cli.encoders import load_encoder
from deltamem_cli.encoders.mean import general_sentences
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.recall.supersede import COMPARED, POOL, Pairs, pairs
from deltamem_cli.records import Message

SETS = Path(__file__).with_name("sets")
LOGS = {"plain": ("old", "plain"), "new": ("old", "new"), "chain": ("old", "new", "plain")}
MEASURES = ("meaning", "words", "crowd", "fits", "holds", "behind", "trails")
DAY = 86_400.0


def facts_case(name: str) -> Case:
    """The log of that name; a message's id is `FORM FACT`, "old" also for the assistant's reply to the question."""
    facts = _rows("facts.jsonl")
    told: list[tuple[float, int, str, str, str]] = []
    for i, fact in enumerate(facts):
        old, new = (datetime.fromisoformat(fact[f"{when}_time"]).timestamp() for when in ("old", "new"))
        forms = zip(LOGS[name], (old, new, new + 20 * DAY), strict=False)
        told += [(time, i, form, fact[form], f"Noted. {fact[form]}") for form, time in forms]
        told.append(((old + new) / 2, i, "asked", fact["question"], f"You told me: {fact['old']}"))
    filler = [text for row in _rows("news.jsonl") for text in (row["known"], row["news"])] + general_sentences()
    np.random.RandomState(0).shuffle(filler)
    messages: list[Message] = []
    for session, (time, i, form, text, reply) in enumerate(sorted(told)):
        around = [filler[(2 * session + side) % len(filler)] for side in (0, 1)]
        said = ((around[0], "user", ""), (text, "user", f"{form} {i}"), (reply, "assistant", f"{form} {i} again"),
                (around[1], "user", ""))  # fmt: skip
        for place, (words, role, identity) in enumerate(said):
            messages.append(
                Message(words, role, len(messages) + 1, session=f"s{session}", time=time + 60 * place,
                        id=identity.replace("asked", "old") if place == 2 else identity or f"{session}/{place}")
            )  # fmt: skip
    return Case(name, messages, [Question(fact["question"], "fact") for fact in facts])


def _rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (SETS / name).read_text("utf-8").splitlines()]


def state_of(message: str, fact: int, name: str) -> int:
    """Which state of the fact a message tells, as a place in LOGS[name]; −1 for none."""
    form, _, rest = message.partition(" ")
    return LOGS[name].index(form) if rest.split(" ")[:1] == [str(fact)] and form in LOGS[name] else -1


def newest_first(searcher: Searcher, case: Case) -> list[bool]:
    """Of each fact whether the last state comes first."""
    last, kept = len(LOGS[case.name]) - 1, []
    for i, question in enumerate(case.questions):
        hits = searcher.ask(question.text, 20, latest=True).hits
        found = [state_of(case.messages[h.line - 1].id, i, case.name) for h in hits]
        told = [state for state in found if state >= 0]
        kept.append(told[:1] == [last])
    return kept


def measured(searcher: Searcher, question: str) -> tuple[Pairs | None, list[int]]:
    """The measures of the pairs of a question's candidates, and the messages' lines of those."""
    found, rows = searcher._scores(question), searcher.memory.rows
    if found is None:
        return None, []
    best, score = searcher._order(question, found, np.arange(len(rows)))
    lines = rows.line[best[:COMPARED]].tolist()
    return pairs(best[:POOL], score, found.dense, found.share, searcher._ranker.idf, searcher.memory), lines


def examples(searcher: Searcher, case: Case) -> Iterator[tuple[list[float], bool, float]]:
    """Pairs among the candidates: measures, whether the one takes the other's place, and how much the pair counts."""
    weight = 0.3 if case.name == "new" else 1.0
    for i, question in enumerate(case.questions):
        if (case.name in LOGS and i % 2) or question.kind == "knowledge-update":
            continue
        found, lines = measured(searcher, question.text)
        for a, b in np.argwhere(found.allowed) if found else ():
            states = [state_of(case.messages[lines[at] - 1].id, i, case.name) if case.name in LOGS else -1
                      for at in (a, b)]  # fmt: skip
            replaces = 0 <= states[0] < states[1]
            if a < 10 and (replaces or min(states) < 0):
                yield [float(getattr(found, name)[a, b]) for name in MEASURES], replaces, weight


def fit(found: list[tuple[list[float], bool, float]]) -> np.ndarray:
    """Logistic regression of the measures and 1, by Newton's method with a slight ridge."""
    x = np.c_[np.array([row for row, _, _ in found]), np.ones(len(found))]
    y, weight = np.array([good for _, good, _ in found], float), np.array([w for _, _, w in found])
    ridge, b = 0.1 * np.diag([1.0] * (x.shape[1] - 1) + [0.0]), np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ b))
        b -= np.linalg.solve((x.T * (weight * p * (1 - p))) @ x + ridge, x.T @ (weight * (p - y)) + ridge @ b)
    return b


def alarms(searcher: Searcher, case: Case, show: list[str]) -> list[int]:
    """Of each question how many of its ten best answers are called superseded; `show` takes them."""
    counts = []
    for question in case.questions:
        hits = [h for h in searcher.ask(question.text, 10, latest=True).hits if h.superseded_by is not None]
        counts.append(len(hits))
        show += [f"? {question.text}\n    - {h.text}\n    + {h.superseded_by.text}" for h in hits if h.superseded_by]
    return counts


def latest_first(searcher: Searcher, case: Case) -> bool:
    """Whether the latest evidence session of a case's question comes before its other ones."""
    (question,) = case.questions
    time = {message.session: message.time or 0 for message in case.messages}
    hits = searcher.ask(question.text, 20, latest=True).hits
    found = [hit.session for hit in hits if hit.session in question.sessions]
    return found[:1] == [max(question.sessions, key=lambda session: time[session])]


def main() -> None:
    """Print the figures; with --fit the weights too."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", nargs="*", type=Path, default=[], help="locomo*.json, longmemeval*.jsonl[.gz]")
    parser.add_argument("--memories", type=Path, help="folder that keeps the files' memories")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth question of the files")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N answers that are called superseded")
    parser.add_argument("--fit", action="store_true", help="fit the weights")
    options = parser.parse_args()
    making, asking = load_encoder(), load_encoder(query_only=True)
    found: list[tuple[list[float], bool, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        print(f"newest first, {len(_rows('facts.jsonl'))} facts; {machine()}")
        for name in LOGS:
            case = facts_case(name)
            searcher = Searcher(memory_of(case, Path(folder) / f"{name}.safetensors", making), asking)
            kept = newest_first(searcher, case)
            print(f"{name:8} even {np.mean(kept[::2]):.3f}  odd {np.mean(kept[1::2]):.3f}")
            found += examples(searcher, case) if options.fit else []
        for path in options.files:
            counts: list[int] = []
            shown: list[str] = []
            updates: list[bool] = []
            case: Case
            memory: StoredMemory
            for case, memory in memories_of(path, options.memories or Path(folder), making):
                searcher = Searcher(memory, asking)
                case.questions = case.questions[:: options.every]
                if case.questions[0].kind == "knowledge-update":
                    updates += [latest_first(searcher, case)] if case.questions[0].sessions else []
                    continue
                counts += alarms(searcher, case, shown)
                found += examples(searcher, case) if options.fit else []
            print(f"{path.name}: {sum(counts)} answers of {len(counts)} questions called superseded"
                  f" ({np.mean(counts) / 10:.4f} of the ten best)"
                  + f"; latest session first in {sum(updates)} of {len(updates)} updates" * bool(updates))  # fmt: skip
            for at in np.random.RandomState(0).permutation(len(shown))[: options.show]:
                print(shown[at])
    if options.fit:
        print("fitted:", *(f"{name} {value:.2f}" for name, value in zip((*MEASURES, "1"), fit(found), strict=True)))


if __name__ == "__main__":
    main()
