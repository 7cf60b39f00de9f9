"""Imports point down, and neighbours do not know each other (CONTRIBUTING.md draws it)."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "deltamem_cli"
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"
LAYERS = [  # bottom first; parts of one layer do not know each other
    {"errors", "records"},
    {"readers", "encoders", "text", "rules"},
    {"memory"},
    {"recall", "build"},
    {"ingest", "algebra"},
    {"api"},
    {"cli", "__main__"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
HEAVY = {"torch", "sentence_transformers", "transformers", "tokenizers", "huggingface_hub", "tqdm"}


def part_of(path: Path) -> str:
    """The file or folder of the package that a module belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, as `a.b.c`, in whichever spelling; names of a package as its modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def parts_imported_by(path: Path) -> set[str]:
    found = (name.split(".") for name in imports(ast.parse(path.read_text("utf-8"))))
    return {parts[1] for parts in found if parts[0] == "deltamem_cli" and len(parts) > 1}


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def test_every_part_has_a_layer() -> None:
    assert {part_of(path) for path in modules()} == LEVEL.keys()


def drawing() -> str:
    """The layers, top first, each part with the first line of its docstring."""
    lines = []
    for layer in reversed(LAYERS):
        for part in sorted(layer - {"__main__"}):
            path = PACKAGE / part / "__init__.py" if (PACKAGE / part).is_dir() else PACKAGE / f"{part}.py"
            first = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]
            lines.append(f"{part + '/' * (path.name == '__init__.py'):<10} {first}")
        lines.append("")
    return "\n".join(lines[:-1])


def test_contributing_draws_these_layers() -> None:
    """DELTAMEM_UPDATE_DOCS=1 draws them anew."""
    text = CONTRIBUTING.read_text("utf-8")
    if os.environ.get("DELTAMEM_UPDATE_DOCS"):
        text = re.sub(r"(?<=```text\n).*?(?=\n```)", lambda _: drawing(), text, count=1, flags=re.DOTALL)
        CONTRIBUTING.write_text(text, "utf-8")
    assert f"```text\n{drawing()}\n```" in text


def test_imports_point_down() -> None:
    upward = [
        f"{part_of(path)} -> {used}"
        for path in modules()
        for used in parts_imported_by(path) & LEVEL.keys()
        if used != part_of(path) and part_of(path) != "__main__" and LEVEL[used] >= LEVEL.get(part_of(path), 0)
    ]
    assert upward == []


def test_the_test_sees_every_spelling() -> None:
    source = (
        "from deltamem_cli import cli\nimport deltamem_cli.api\ndef f():\n    from deltamem_cli.memory.file import save"
    )
    assert [*imports(ast.parse(source))] == ["deltamem_cli.cli", "deltamem_cli.api", "deltamem_cli.memory.file.save"]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nothing_heavy_is_imported_with_a_module(path: Path) -> None:
    """Only inside the function that needs it; the rules are torch itself, and two forwards are for it alone."""
    if part_of(path) == "rules" or path.name in ("bert_torch.py",):
        return
    tree = ast.parse(path.read_text("utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not {name.partition(".")[0] for node in top for name in imports(node)} & HEAVY
