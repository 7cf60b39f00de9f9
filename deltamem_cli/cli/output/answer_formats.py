"""How `query` prints an answer: one row a format. (A new one: its row here, its lines in `docs/query.md`, its test.)"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from deltamem_cli.cli.output import answers, excerpts
from deltamem_cli.cli.output.answer_text import BRIEF, Detail, answer_text
from deltamem_cli.cli.output.terminal import Style
from deltamem_cli.errors import UsageError, meant
from deltamem_cli.records import Answer


@dataclass(frozen=True, slots=True)
class Page:
    """What an answer is printed on, besides the answer itself.

    many: it is one of many questions; first: nothing was printed before it. max_tokens: how long a prompt may be, and
    count_tokens the tokens of each text; detail: how much a person is told.
    """

    style: Style
    many: bool
    first: bool
    max_tokens: int
    count_tokens: Callable[[Sequence[str]], list[int]]
    detail: Detail = BRIEF


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """A way to print answers, line by line.

    passages: how many without `-k`; segments: whether it can print those; says_fits: whether what it prints says that
    nothing fits well.
    """

    render: Callable[[Answer, Page], Iterator[str]]
    passages: int = 5
    segments: bool = False
    says_fits: bool = False


ANSWER_FORMATS: dict[str, AnswerFormat] = {
    "text": AnswerFormat(
        lambda answer, page: answer_text(answer, page.style, page.detail, named=page.many),
        segments=True,
        says_fits=True,
    ),
    "json": AnswerFormat(lambda answer, page: answers.answer_json(answer), segments=True, says_fits=True),
    "prompt": AnswerFormat(
        lambda answer, page: excerpts.prompt(answer, page.max_tokens, page.count_tokens), passages=50
    ),
    "md": AnswerFormat(lambda answer, page: excerpts.markdown(answer)),
    "csv": AnswerFormat(lambda answer, page: excerpts.table(answer, heading=page.first)),
}


def answer_format(name: str, *, json: bool = False, segments: bool = False) -> AnswerFormat:
    """Return the format of that name, or JSON where that is asked for. Raises UsageError for what cannot be printed."""
    if name not in ANSWER_FORMATS:
        known = ", ".join(ANSWER_FORMATS)
        raise UsageError(f"there is no --format {name!r}: choose one of {known}{meant(name, ANSWER_FORMATS)}")
    if json and name not in ("text", "json"):
        raise UsageError(f"--json and --format {name} contradict each other; leave one out")
    chosen = ANSWER_FORMATS["json" if json else name]
    if segments and not chosen.segments:
        able = " or ".join(name for name, one in ANSWER_FORMATS.items() if one.segments)
        raise UsageError(f"--where points to sessions, not to passages: print it as {able}")
    return chosen
