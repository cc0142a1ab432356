"""The device vault: a folder with one encrypted file, one process at a time.

Keys are encrypted at rest (`sealing`) and hold no template (`vault_state`). The file is replaced
atomically: after a crash it is the old one or the new one. What encryption cannot notice is an
older copy of the whole file put back by someone with access to the disk.
"""

import fcntl
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

from grainseal.crypto.signing import SigningKey

from .errors import VaultError
from .output_files import flush
from .sealing import Box, box_from_keyring, box_from_passphrase, box_of, needs_passphrase
from .vault_state import VaultState

FILE: Final = "vault.bin"
LOCK: Final = "lock"
_TEMPORARY: Final = f".{FILE}."


class Vault:
    """The keys of one device under one enrolment; a context manager that releases its lock."""

    def __init__(self, folder: Path, box: Box, lock: int, state: VaultState) -> None:
        """Use `Vault.create` or `Vault.open`."""
        self._folder, self._box, self._lock, self._state = folder, box, lock, state
        self._updating = threading.Lock()

    @classmethod
    def create(
        cls, folder: str | Path, passphrase: str | None = None, *, use_keyring: bool = False
    ) -> "Vault":
        """A new vault with a new device key, in a folder that is missing or empty.

        `VaultError` if the folder holds anything, or the passphrase is missing or empty.
        """
        folder = Path(folder)
        box = box_from_keyring() if use_keyring else box_from_passphrase(passphrase or "")
        _make_private(folder)  # before the lock, which would leave its file in a wrong folder
        lock = _locked(folder)
        try:
            _require_new(folder)  # again: another process may have made one before we had the lock
            vault = cls(folder, box, lock, VaultState(SigningKey().seed))
            vault.save(vault.state)
        except BaseException:
            os.close(lock)
            raise
        return vault

    @classmethod
    def open(cls, folder: str | Path, passphrase: str | None = None) -> "Vault":
        """The vault in `folder`; the passphrase is not needed for one that the keyring opens.

        `VaultError` if there is none, another process uses it, or it does not open.
        """
        folder = Path(folder)
        sealed = _read(folder)  # before the lock, which would leave its file in a wrong folder
        lock = _locked(folder)
        try:
            sealed = _read(folder)
            box = box_of(sealed, passphrase)
            return cls(folder, box, lock, VaultState.from_bytes(box.unseal(sealed)))
        except BaseException:
            os.close(lock)
            raise

    @staticmethod
    def exists(folder: str | Path) -> bool:
        """Whether there is a vault in `folder`."""
        return (Path(folder) / FILE).is_file()

    @staticmethod
    def needs_passphrase(folder: str | Path) -> bool:
        """Whether opening the vault in `folder` takes a passphrase; `VaultError` without vault."""
        return needs_passphrase(_read(Path(folder)))

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder

    @property
    def state(self) -> VaultState:
        """What it holds."""
        return self._state

    def save(self, state: VaultState) -> None:
        """Replace the content, on the disk before this returns; `VaultError` if that fails."""
        if self._lock < 0:
            raise VaultError("the vault is closed")
        try:
            _write_atomically(self._folder / FILE, self._box.seal(state.to_bytes()))
        except OSError as error:
            raise VaultError(f"cannot write the vault in {self._folder}: {error}") from None
        self._state = state

    def update(self, change: Callable[[VaultState], VaultState]) -> None:
        """Save what `change` makes of the content, one thread at a time: no change is lost."""
        with self._updating:
            self.save(change(self._state))

    def discard_if_empty(self) -> None:
        """Delete the file of a vault that nothing depends on; it can be made anew."""
        if self._state.empty:
            (self._folder / FILE).unlink(missing_ok=True)

    def close(self) -> None:
        """Let other processes use it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> "Vault":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_new(folder)
        if any(each.name != LOCK and not _is_temporary(each) for each in folder.iterdir()):
            raise VaultError(f"{folder} holds other files: name a new or empty folder")
        folder.chmod(0o700)
    except OSError as error:
        raise VaultError(f"cannot make a vault in {folder}: {error}") from None


def _require_new(folder: Path) -> None:
    if Vault.exists(folder):
        raise VaultError(f"there is a vault in {folder} already")


def _is_temporary(path: Path) -> bool:
    """Whether a crash left it behind."""
    return path.name.startswith(_TEMPORARY)


def _read(folder: Path) -> bytes:
    try:
        return (folder / FILE).read_bytes()
    except FileNotFoundError:
        raise VaultError(
            f"no vault in {folder.absolute()}: name the folder of yours, or enrol first"
        ) from None
    except OSError as error:
        raise VaultError(f"cannot read the vault in {folder}: {error}") from None


def _locked(folder: Path) -> int:
    """Descriptor of the lock file; the lock ends with the process, however that ends."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise VaultError(f"cannot lock the vault in {folder}: {error}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise VaultError(f"another process is using the vault in {folder}") from None
    return descriptor


def _write_atomically(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{_TEMPORARY}{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush(path.parent)
