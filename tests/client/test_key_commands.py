"""`grainseal key`: a camera's key seals and opens files; nothing else does, and nothing is lost."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from tests.client.program import Program

from grainseal.client import key_file, output_files
from grainseal.client import vault as vaults
from grainseal.client.errors import ClientError, PhotosRefused
from grainseal.client.key_file import generate_key_file, reproduce_key
from grainseal.client.terminal import vault_to_keep
from grainseal.client.vault import Vault
from grainseal.models.identity import pixels_sha256
from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, take_burst

PASSPHRASE = "correct horse"
LETTER = "a letter that only this camera opens\n"
TESTING: dict[str, Any] = {"profile": "FUZZY_TESTING", "allow_testing_profiles": True}
TESTING_OPTIONS = ["--profile", "FUZZY_TESTING", "--allow-testing-profiles"]


@pytest.fixture(autouse=True, scope="module")
def _passphrase() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAINSEAL_PASSPHRASE", PASSPHRASE)
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, alice) -> Path:
    """A folder with a key file of alice's camera, `key`, and its vault, `vault`."""
    folder = tmp_path_factory.mktemp("kept")
    with Vault.create(folder / "vault", PASSPHRASE) as vault:
        generate_key_file(folder / "key", vault, alice.enroll, **TESTING)
    return folder


def where(kept: Path) -> list[object]:
    return [kept / "key", "--vault", kept / "vault"]


def test_from_a_camera_to_a_sealed_letter_and_back(program: Program, alice, tmp_path: Path) -> None:
    key, vault, letter = tmp_path / "k", tmp_path / "v", tmp_path / "letter.txt"
    letter.write_text(LETTER)
    made = ["generate", "--out", key, "--vault", vault, *TESTING_OPTIONS, "--json"]
    assert program("key", *made, *alice.enroll) == 0, program.err
    assert f"made a new vault in {vault}" in program.err
    said = program.json
    assert (said["bits"], said["profile"], said["warnings"]) == (128, "FUZZY_TESTING", [])
    assert key.stat().st_mode & 0o777 == 0o600

    seal = ["reproduce", key, "--vault", vault, "--seal", letter]
    assert program("key", *seal, *alice.probe) == 0, program.err
    sealed = tmp_path / "letter.txt.sealed"
    assert LETTER.encode()[:8] not in sealed.read_bytes()
    assert letter.read_text() == LETTER

    letter.unlink()
    opening = ["reproduce", key, "--vault", vault, "--open", sealed, "--json"]
    assert program("key", *opening, *alice.later) == 0, program.err
    assert program.json["written"] == str(letter)
    assert program.json["key_id"] == said["key_id"]
    assert letter.read_text() == LETTER


def test_another_camera_gets_nothing(program: Program, kept: Path, mallory, tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_text(LETTER)
    seal = ["reproduce", *where(kept), "--seal", letter]
    assert program("key", *seal, *mallory.probe) == 1
    assert program.out == ""
    assert "take four or more fresh ones" in program.err
    assert program("key", *seal, "--json", *mallory.later) == 1
    assert program.json["reproduced"] is False
    assert list(tmp_path.iterdir()) == [letter]


def test_the_key_is_shown_nowhere(program: Program, kept: Path, alice) -> None:
    with Vault.open(kept / "vault", PASSPHRASE) as vault:
        found = reproduce_key(kept / "key", vault, alice.later)
        device_seed = vault.state.device_seed
    for line in ([], ["--json"]):
        assert program("key", "reproduce", *where(kept), *line, *alice.probe) == 0
        assert found.key.hex() not in program.out + program.err
    stored = (kept / "key").read_bytes() + (kept / "vault" / "vault.bin").read_bytes()
    assert found.key not in stored
    assert device_seed not in stored
    assert found.key.hex() not in repr(found)


def test_nothing_is_overwritten(program: Program, kept: Path, alice, tmp_path: Path) -> None:
    letter, sealed = tmp_path / "letter", tmp_path / "letter.sealed"
    letter.write_text(LETTER)
    sealed.write_text("mine")
    assert program("key", "reproduce", *where(kept), "--seal", letter, *alice.probe) == 2
    assert "exists" in program.err
    assert sealed.read_text() == "mine"
    again = ["generate", "--out", kept / "key", "--vault", kept / "vault"]
    before = (kept / "key").read_bytes()
    assert program("key", *again, *TESTING_OPTIONS, *alice.enroll) == 2
    assert (kept / "key").read_bytes() == before


def test_a_damaged_sealed_file_leaves_nothing(
    program: Program, kept: Path, alice, tmp_path: Path
) -> None:
    letter = tmp_path / "letter"
    letter.write_bytes(bytes(200_000))
    assert program("key", "reproduce", *where(kept), "--seal", letter, *alice.probe) == 0
    sealed = tmp_path / "letter.sealed"
    sealed.write_bytes(sealed.read_bytes()[:-1])
    letter.unlink()
    assert program("key", "reproduce", *where(kept), "--open", sealed, *alice.probe) == 2
    assert "changed since" in program.err
    assert list(tmp_path.iterdir()) == [sealed]


def test_wrong_files_are_named_before_photos_are_read(
    program: Program, kept: Path, tmp_path: Path
) -> None:
    """No photo of this name exists: if it were asked for, the message would be about it."""
    letter, photo = tmp_path / "letter", tmp_path / "photo.jpg"
    letter.write_text(LETTER)
    reproduce = ["reproduce", *where(kept)]
    assert program("key", *reproduce, "--open", letter, photo) == 2
    assert "say where --to" in program.err
    assert program("key", *reproduce, "--open", letter, "--to", tmp_path / "new", photo) == 2
    assert "not a sealed file" in program.err
    assert program("key", *reproduce, "--open", letter, "--seal", letter, photo) == 2
    assert "not both" in program.err
    assert program("key", *reproduce, "--to", tmp_path / "new", photo) == 2
    changed = bytearray((kept / "key").read_bytes())
    changed[-1] ^= 1
    (tmp_path / "key").write_bytes(changed)
    assert program("key", "reproduce", tmp_path / "key", "--vault", kept / "vault", photo) == 2
    assert "was changed, or made with another vault" in program.err
    assert program("key", "reproduce", letter, "--vault", kept / "vault", photo) == 2
    assert "is not a key file" in program.err


def test_another_vault_does_not_open_the_key_file(
    program: Program, kept: Path, alice, tmp_path: Path
) -> None:
    Vault.create(tmp_path / "v", PASSPHRASE).close()
    assert program("key", "reproduce", kept / "key", "--vault", tmp_path / "v", *alice.probe) == 2
    assert "made with another vault" in program.err


def test_a_sealed_file_knows_its_key_file(
    program: Program, kept: Path, alice, tmp_path: Path
) -> None:
    letter = tmp_path / "letter"
    letter.write_text(LETTER)
    assert program("key", "reproduce", *where(kept), "--seal", letter, *alice.probe) == 0
    with Vault.open(kept / "vault", PASSPHRASE) as vault:
        generate_key_file(tmp_path / "other", vault, alice.later, **TESTING)
    line = ["reproduce", tmp_path / "other", "--vault", kept / "vault"]
    new = ["--open", tmp_path / "letter.sealed", "--to", tmp_path / "new"]
    assert program("key", *line, *new, *alice.probe) == 2
    assert "sealed with another key file" in program.err


def test_poor_photos_make_no_key(program: Program, tmp_path: Path) -> None:
    """Scenes are refused as such, noisy flats because the key would not come back."""
    camera = VirtualCamera(103, 512, 512)
    scenes = take_burst(camera, 2, tmp_path / "scenes", flat=False)
    noisy = take_burst(camera, 4, tmp_path / "noisy", iso=3200)
    line = ["generate", "--out", tmp_path / "k", "--vault", tmp_path / "v"]
    line += TESTING_OPTIONS
    for photos, advice in ((scenes, "shows a scene"), (noisy, "lowest ISO"), (noisy[:1], "six")):
        assert program("key", *line, *photos) == 2
        assert advice in program.err
        assert not (tmp_path / "k").exists()
        assert not Vault.exists(tmp_path / "v")
    assert program("key", *line, "--profile", "FUZZY", *noisy) == 2
    assert program.err.strip().endswith("no key profile 'FUZZY': use one of FUZZY_V1, FUZZY_MAX_V1")
    line.remove("--allow-testing-profiles")
    assert program("key", *line, *noisy) == 2
    assert "no key profile 'FUZZY_TESTING': use one of FUZZY_V1, FUZZY_MAX_V1" in program.err


def test_photos_tried_all_the_same_are_warned_of(program: Program, mallory, tmp_path: Path) -> None:
    """Each reason that would have refused them, on stderr and in the JSON."""
    noisy = take_burst(VirtualCamera(103, 512, 512), 4, tmp_path / "noisy", iso=3200)
    line = ["generate", "--vault", tmp_path / "v", *TESTING_OPTIONS, "--any-photos", "--json"]
    assert program("key", *line, "--out", tmp_path / "k", *noisy) == 0
    (warning,) = program.json["warnings"]
    assert "would often not come back" in warning
    assert f"warning: {warning}" in program.err
    mixed = [*mallory.probe, *mallory.later, *take_burst(VirtualCamera(104, 512, 512), 1, tmp_path)]
    assert program("key", *line, "--out", tmp_path / "l", *mixed) == 0
    (warning,) = program.json["warnings"]
    assert "photo_000000.jpg does not match the other photos" in warning


def test_a_sibling_s_photo_among_six_is_named(
    program: Program, alice, mallory, tmp_path: Path
) -> None:
    """Its camera would get the key, too."""
    stray = tmp_path / "stray.jpg"
    shutil.copy(mallory.enroll[0], stray)
    line = ["generate", "--out", tmp_path / "k", "--vault", tmp_path / "v", *TESTING_OPTIONS]
    assert program("key", *line, *alice.enroll[:3], stray, *alice.enroll[3:5]) == 2
    assert "stray.jpg does not match the other photos" in program.err
    assert program.err.count("does not match") == 1
    assert not (tmp_path / "k").exists()


def test_no_photo_makes_two_keys(program: Program, kept: Path, alice, tmp_path: Path) -> None:
    """Under another name, with other tags, among fresh ones, with --any-photos: it is known."""
    again = tmp_path / "again.jpg"
    data, comment = alice.enroll[2].read_bytes(), b"\xff\xfe\x00\x06mine"  # a JPEG's comment
    again.write_bytes(data[:2] + comment + data[2:])
    line = ["generate", "--out", tmp_path / "k", "--vault", kept / "vault", *TESTING_OPTIONS]
    for options in ([], ["--any-photos"]):
        assert program("key", *line, *options, *alice.probe, again) == 2
        assert "a key was made of again.jpg before" in program.err
        assert "take fresh photos for every key" in program.err
        assert not (tmp_path / "k").exists()
    # Another vault's keys have another device secret; nothing is known there of these photos.
    line[line.index("--vault") + 1] = tmp_path / "v"
    assert program("key", *line, *alice.enroll) == 0, program.err


def test_no_photo_makes_two_keys_at_a_time(
    alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads whose photos were fresh when they were read."""
    both_read, new_key = Barrier(2), key_file.new_key

    def after_both(*arguments: Any) -> Any:
        both_read.wait(60)
        return new_key(*arguments)

    monkeypatch.setattr(key_file, "new_key", after_both)
    with Vault.create(tmp_path / "v", PASSPHRASE) as vault, ThreadPoolExecutor(2) as pool:
        wanted = [tmp_path / "a", tmp_path / "b"]
        made = [
            pool.submit(generate_key_file, out, vault, alice.enroll, **TESTING) for out in wanted
        ]
        (refused,) = filter(None, [each.exception() for each in made])
        assert isinstance(refused, PhotosRefused)
        assert "a key was made of one of these photos before" in str(refused)
        assert [each.exists() for each in wanted].count(True) == 1
        assert len(vault.state.key_photos) == len(alice.enroll)  # the refused one forgot nothing


def test_a_key_file_that_exists_marks_no_photo(tmp_path: Path) -> None:
    """No photo of this name exists: if it were read, the message would be about it."""
    (tmp_path / "key").write_bytes(b"mine")
    with Vault.create(tmp_path / "v", PASSPHRASE) as vault:
        with pytest.raises(ClientError, match="key exists"):
            generate_key_file(tmp_path / "key", vault, [tmp_path / "none.jpg"] * 6, **TESTING)
        assert vault.state.key_photos == ()
    assert (tmp_path / "key").read_bytes() == b"mine"


def test_the_vault_keeps_no_photo_s_hash(kept: Path, alice) -> None:
    """Its marks are keyed: nobody without the vault's key can look a photo up in a copy of them."""
    with Vault.open(kept / "vault", PASSPHRASE) as vault:
        marks = vault.state.key_photos
    assert len(set(marks)) == len(marks) >= len(alice.enroll)
    photos = [read_photo(path) for path in alice.enroll]
    hashes = {pixels_sha256(photo) for photo in photos}
    hashes |= {bytes.fromhex(photo.sha256) for photo in photos}
    assert not hashes & set(marks)


def test_a_wrong_vault_is_named_and_none_is_made(
    program: Program, kept: Path, alice, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    assert program("key", "reproduce", kept / "key", "--vault", nowhere, *alice.probe) == 2
    assert f"no vault in {nowhere}: name the folder of yours" in program.err
    assert not nowhere.exists()


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("failing", [full, interrupted], ids=["full", "interrupted"])
@pytest.mark.parametrize("place", ["vault", "before the key file", "after the key file"])
def test_whatever_fails_no_key_is_lost_and_no_photo_forgotten(
    place: str, failing: Any, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either there is a key file and the vault knows its photos, or neither."""
    key = tmp_path / "key"
    where = {
        "vault": (vaults, "_write_atomically"),
        "before the key file": (output_files, "_put"),
        "after the key file": (output_files, "flush"),
    }

    def generate() -> None:
        with vault_to_keep(tmp_path / "v", use_keyring=False) as vault:
            monkeypatch.setattr(*where[place], failing)
            try:
                generate_key_file(key, vault, alice.enroll, **TESTING)
            finally:
                monkeypatch.undo()

    monkeypatch.setenv("GRAINSEAL_PASSPHRASE", PASSPHRASE)
    with pytest.raises((ClientError, KeyboardInterrupt)):
        generate()
    if key.exists():
        with Vault.open(tmp_path / "v", PASSPHRASE) as vault:
            assert len(vault.state.key_photos) == len(alice.enroll)
            reproduce_key(key, vault, alice.probe)
    else:
        assert not Vault.exists(tmp_path / "v")
    assert key.exists() == (place == "after the key file")
    assert not list(tmp_path.glob(".*"))
