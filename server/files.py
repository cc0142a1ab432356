"""Files that hold secrets: whole or absent, and readable by their owner only."""

import os
import secrets
from pathlib import Path


def private_folder(path: Path) -> Path:
    """The folder, made with mode 0700 if it is missing."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file in one step, so that a killed process leaves the old one or the new one."""
    draft = _draft(path, content, mode)
    draft.replace(path)
    _sync_folder(path.parent)


def write_once(path: Path, content: bytes, mode: int = 0o600) -> bytes:
    """Make a file unless it exists; its content, which is another's if they were first."""
    draft = _draft(path, content, mode)
    try:
        path.hardlink_to(draft)
        _sync_folder(path.parent)
    except FileExistsError:
        return path.read_bytes()
    finally:
        draft.unlink()
    return content


def _draft(path: Path, content: bytes, mode: int) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
