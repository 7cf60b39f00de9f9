"""How large a memory is, part by part, as a conversation grows: where the matrix pays for itself.

    python benchmarks/size.py locomo_dev.json

The conversations of a LoCoMo file, one after the other, as one memory of the first 50, 100, … turns. "text" is the
UTF-8 of what was said, "flat" four bytes a dimension for every passage: what an index of the bare vectors holds.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from recall import Recording, locomo

from deltamem_cli.encoders import load_encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import nbytes, open_memory
from deltamem_cli.memory.info import by_part
from deltamem_cli.records import Message, Source

KIB = 1024


def turns_of(path: Path) -> list[Message]:
    """All turns of the file, the sessions of each conversation apart."""
    return [
        replace(message, session=f"{case.name}/{message.session}", id=f"{case.name}/{message.id}")
        for case in locomo(path)
        for message in case.messages
    ]


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="locomo*.json")
    turns = turns_of(parser.parse_args().file)
    encoder = Recording(load_encoder("default"))
    print("KiB   turns    text    flat |    file =  matrix   codes   index  ledger    text | matrix bytes a passage")
    for count in [n for n in (50, 100, 200, 400, 800, 1600, 3200, 6400) if n < len(turns)] + [len(turns)]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "memory.safetensors"
            draft = Draft(path, new_header(encoder, text=True), encoder.mean)
            ingest_messages(turns[:count], Source("locomo", "benchmark"), draft, encoder)
            memory = open_memory(path)
            parts, passages = by_part(nbytes(memory)), memory.header.passages
            text = sum(len(turn.text.encode()) for turn in turns[:count])
            sizes = [text, 4 * encoder.dimension * passages, path.stat().st_size]
            sizes += [parts[name] for name in ("matrix", "codes", "index", "ledger", "text")]
            row = [f"{size / KIB:8,.0f}" for size in sizes]
            print(f"{count:11,}{''.join(row[:2])} |{row[2]} ={''.join(row[3:])} | {parts['matrix'] / passages:8,.0f}")


if __name__ == "__main__":
    main()
