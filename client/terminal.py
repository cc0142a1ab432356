"""What every command shares: results as text or JSON, the passphrase, progress."""

import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from .errors import ClientError, VaultError
from .vault import Vault

if TYPE_CHECKING:
    from .photos import Progress as PhotoProgress

STDOUT: Final = Path("-")
OUTPUT: Final = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
PASSPHRASE_VARIABLE: Final = "GRAINSEAL_PASSPHRASE"  # noqa: S105 - its name only

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def options(*added: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several click options as one decorator, in the order in which help shows them."""

    def decorate(command: Command) -> Command:
        for option in reversed(added):
            command = option(command)
        return command

    return decorate


class FiniteRange(click.FloatRange):
    """A range of numbers; "nan" and "inf", which lie in every open one, are none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; a usage error for what is none of the range."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def write_output(path: Path, write: Callable[[TextIO], object]) -> None:
    """Into a file of type OUTPUT, or onto stdout for -; `ClientError` if it cannot be written."""
    if path == STDOUT:
        write(sys.stdout)
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            write(file)
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error.strerror or error}") from None


def show(as_json: bool, result: object, text: str) -> None:
    """A command's result on stdout: the JSON object, or the text for people."""
    click.echo(json.dumps(result) if as_json else text)


def note(text: str) -> None:
    """Something a person should know, beside the result: on stderr."""
    click.echo(text, err=True)


def warning(text: str) -> None:
    """What speaks against doing what is done all the same: on stderr."""
    note(f"warning: {text}")


@contextmanager
def progress(what: str) -> "Iterator[PhotoProgress]":
    """A bar on stderr for a callback (done, total); silent unless stderr is a terminal."""
    with _bar(Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def progress_of_stages() -> Iterator[Callable[[str, int, int], None]]:
    """Like `progress`, for a callback (what, done, total): a bar for each stage, one by one."""
    console = Console(stderr=True)
    with _bar(console) as bar:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            for stage, task in tasks.items():
                bar.update(task, visible=stage == what)
            bar.update(tasks[what], completed=done, total=total)

        yield report


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def open_vault(folder: Path) -> Vault:
    """The vault in a folder, with the passphrase that it needs."""
    passphrase = _passphrase(confirm=False) if Vault.needs_passphrase(folder) else None
    return Vault.open(folder, passphrase)


@contextmanager
def vault_to_enroll_into(folder: Path, use_keyring: bool) -> Iterator[Vault]:
    """The vault in a folder, or a new one, which goes again if nothing is enrolled into it."""
    if Vault.exists(folder):
        with open_vault(folder) as vault:
            yield vault
        return
    with _new_vault(folder, use_keyring) as vault:
        try:
            yield vault
        finally:
            vault.discard_if_empty()


@contextmanager
def vault_to_keep(folder: Path, use_keyring: bool) -> Iterator[Vault]:
    """The vault in a folder, or a new one, which goes again if what it is for fails."""
    if Vault.exists(folder):
        with open_vault(folder) as vault:
            yield vault
        return
    with _new_vault(folder, use_keyring) as vault:
        try:
            yield vault
        except BaseException:
            vault.discard_if_empty()
            raise


def _new_vault(folder: Path, use_keyring: bool) -> Vault:
    passphrase = None if use_keyring else _passphrase(confirm=True)
    vault = Vault.create(folder, passphrase, use_keyring=use_keyring)
    note(f"made a new vault in {folder.absolute()}")
    return vault


def _passphrase(confirm: bool) -> str:
    """From the environment or a prompt; `VaultError` where there is neither."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise VaultError(f"no terminal to ask for the passphrase: set {PASSPHRASE_VARIABLE}")
    prompt = "Passphrase for the new vault" if confirm else "Passphrase of the vault"
    answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer
