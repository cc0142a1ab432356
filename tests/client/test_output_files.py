"""New files: whole or not there, and never in place of another."""

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
