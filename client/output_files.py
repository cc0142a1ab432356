"""Files that commands write: never over one that is there, and no surprise after the work."""

import io
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .errors import ClientError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def require_unwritten(files: Iterable[Path], option: str = "--out") -> None:
    """`ClientError` if one of them exists, or cannot be made in its folder.

    `option`: of the command, that names another place.
    """
    for file in files:
        if file.exists() or file.is_symlink():
            raise ClientError(f"{file} exists: move it away, or choose another place with {option}")
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


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Like `write_new`, in pieces: the file is there whole when the block is done, or not at all.

    `ClientError` if it exists by then or cannot be written; what else the block raises, an
    `OSError` of its own too, passes through.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with _writing(path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with io.BufferedWriter(_NewFile(descriptor, path)) as opened:
            yield opened
            opened.flush()
            with _writing(path):
                os.fsync(descriptor)
        with _writing(path):
            _put(temporary, path)
    finally:
        with _writing(path):
            temporary.unlink(missing_ok=True)


class _NewFile(io.FileIO):
    """A file whose failed writes are told apart from what else fails in the block."""

    def __init__(self, descriptor: int, path: Path) -> None:
        super().__init__(descriptor, "wb")
        self._path = path

    def write(self, data: "ReadableBuffer", /) -> int:
        with _writing(self._path):
            return super().write(data)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from None


def _put(temporary: Path, path: Path) -> None:
    """Move it to its name, which must be free."""
    # First the name: then what is replaced is ours.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        temporary.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    flush(path.parent)


def flush(path: Path) -> None:
    """Have a file's content, or the names in a folder, on disk: the power may fail."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ClientError(f"cannot write to {folder}: choose another folder with --out")


def _unwritable(path: Path, error: OSError) -> ClientError:
    return ClientError(f"cannot write {path}: {error.strerror or error}")
