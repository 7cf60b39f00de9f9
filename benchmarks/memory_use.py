"""How much memory an ingest of a large log takes.

    python benchmarks/memory_use.py --gigabytes 2

Writes a Claude Code log of that size to a temporary folder (prompts, answers, tool calls and their results, 400 records
a session, texts from a pool of 3,000, every record an id of its own), ingests it with the default encoder on the CPU in
a process of its own, and prints that process's peak resident memory. Texts repeat so that reading, the ledger and the
matrix are what is tested: every text is encoded once, every record is a passage.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from importlib.resources import files
from pathlib import Path
from typing import Any


def write_log(path: Path, size: int) -> int:
    """Write about `size` bytes of log; returns the number of records."""
    text = files("deltamem_cli.encoders").joinpath("general.txt").read_text()
    sentences = [line for line in text.splitlines() if line]
    chance = random.Random(3)
    pool = [" ".join(chance.choices(sentences, k=chance.randint(1, 6))) for _ in range(3000)]
    written = records = 0
    session = ""
    with path.open("w") as log:
        while written < size:
            if records % 400 == 0:
                session = str(uuid.UUID(int=chance.getrandbits(128)))
            moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1.7e9 + records * 3))
            envelope = {"parentUuid": None, "uuid": str(uuid.UUID(int=chance.getrandbits(128))), "sessionId": session,
                        "timestamp": moment, "cwd": "/home/x/p", "version": "2.1.1", "isSidechain": False}  # fmt: skip
            line = json.dumps(envelope | _record(records, chance.choice(pool), pool, sentences)) + "\n"
            written += log.write(line)
            records += 1
    return records


def _record(number: int, said: str, pool: list[str], sentences: list[str]) -> dict[str, Any]:
    """A prompt, an answer, a tool call or its long result, in turn."""
    if number % 4 == 0:
        return {"type": "user", "message": {"role": "user", "content": said}}
    place = number % 3000
    body = "\n".join([pool[place], *(sentences[(place + i) % len(sentences)] for i in range(120))])
    block: dict[str, Any] = [
        {"type": "text", "text": said},
        {"type": "tool_use", "id": f"t{number}", "name": "Read", "input": {"file_path": f"/a/{number % 500}"}},
        {"type": "tool_result", "tool_use_id": f"t{number - 1}", "content": body},
    ][number % 4 - 1]
    if block["type"] == "tool_result":
        copy = {"file": {"content": body}}
        return {"type": "user", "toolUseResult": copy, "message": {"role": "user", "content": [block]}}
    message = {"id": f"m{number}", "role": "assistant", "model": "c", "content": [block]}
    return {"type": "assistant", "message": message}


def main() -> None:
    """Write, ingest, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        log, memory = Path(name) / "log.jsonl", Path(name) / "memory.safetensors"
        records = write_log(log, int(arguments.gigabytes * 1e9))
        print(f"{records:,} records, {log.stat().st_size / 1e9:.2f} GB")
        subprocess.run([sys.executable, "-m", "deltamem_cli", "ingest", str(log), "-o", str(memory)], check=True)
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
        print(f"peak resident memory {peak / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
