"""New files: whole or not there, and never in place of another."""

import resource
import signal
from pathlib import Path

import pytest

from grainseal.client.errors import ClientError
from grainseal.client.output_files import new_file


def test_a_finished_file_is_there_alone_and_private(tmp_path: Path) -> None:
    with new_file(tmp_path / "new") as opened:
        opened.write(b"content")
        assert not (tmp_path / "new").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new").read_bytes() == b"content"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def half() -> None:
        with new_file(tmp_path / "new") as opened:
            opened.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert list(tmp_path.iterdir()) == []


def test_what_else_goes_wrong_is_not_called_a_failed_write(tmp_path: Path) -> None:
    """Reading a file that is gone, say, while the new one is written."""

    def copied() -> None:
        with new_file(tmp_path / "new") as opened:
            opened.write(b"half")
            opened.write((tmp_path / "gone").read_bytes())

    with pytest.raises(FileNotFoundError, match="gone"):
        copied()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_names_the_file(tmp_path: Path) -> None:
    """More than a limit of the process allows, as on a full disk: while writing, and at the end."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def written(size: int) -> None:
        with new_file(tmp_path / "new") as opened:
            opened.write(bytes(size))

    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        for size in (5000, 500_000):  # kept back until the end; written through
            with pytest.raises(ClientError, match=r"cannot write .*new: File too large"):
                written(size)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    def late() -> None:
        with new_file(tmp_path / "new") as opened:
            opened.write(b"mine")
            (tmp_path / "new").write_bytes(b"theirs")

    with pytest.raises(ClientError, match="cannot write"):
        late()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"theirs"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="cannot write"), new_file(tmp_path / "no" / "new"):
        pass
