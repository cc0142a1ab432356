"""Files that commands write: never over one that is there, and no surprise after the work."""

import os
from collections.abc import Iterable
from pathlib import Path

from .errors import ClientError


def require_unwritten(files: Iterable[Path]) -> None:
    """`ClientError` if one of them exists, or cannot be made in its folder."""
    for file in files:
        if file.exists() or file.is_symlink():
            raise ClientError(f"{file} exists: move it away, or choose another folder with --out")
        _require_writable(file.parent)


def require_new_folder(folder: Path) -> None:
    """`ClientError` unless the folder is missing or empty, and can be written to."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise ClientError(f"{folder} is not empty: choose a new folder with --out")
    except OSError as error:
        raise _unwritable(folder, error) from None
    _require_writable(folder)
    # It is made beside its place and moved there.
    _require_writable(folder.resolve().parent)
    if folder.is_mount():
        raise ClientError(f"{folder} is a mount point: name a new folder in it with --out")


def write_new(file: Path, content: bytes) -> None:
    """A new file that only its owner reads; `ClientError` if it exists or cannot be written."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
    except OSError as error:
        raise _unwritable(file, error) from None


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ClientError(f"cannot write to {folder}: choose another folder with --out")


def _unwritable(path: Path, error: OSError) -> ClientError:
    return ClientError(f"cannot write {path}: {error.strerror or error}")
