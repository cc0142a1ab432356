"""The vault: opens with its passphrase only, notices every change, survives every crash."""

import json
import os
import stat
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import pytest

from grainseal.client import vault as vaults
from grainseal.client.errors import VaultError
from grainseal.client.sealing import MAGIC
from grainseal.client.vault import FILE, Vault
from grainseal.client.vault_state import (
    PendingEnrollment,
    StoredClaims,
    StoredEnrollment,
    VaultState,
)

PASSPHRASE = "correct horse"
ENROLLMENT = StoredEnrollment(
    enrollment_id="e1",
    subject="alice",
    profile="TESTING",
    frame=(512, 768),
    openings=3,
    service_key=bytes(range(32)),
    positions=b"\x01\x00\x00\x00",
    code_key=b"k" * 32,
    homomorphic_secret=b"secret" * 10,
)


def test_what_is_saved_is_what_is_opened(tmp_path: Path) -> None:
    pending = PendingEnrollment(replace(ENROLLMENT, enrollment_id="e2"), b"\x00request\xff")
    with Vault.create(tmp_path / "v", PASSPHRASE) as vault:
        state = replace(vault.state, enrollment=ENROLLMENT, pending=pending)
        vault.save(state)
    with Vault.open(tmp_path / "v", PASSPHRASE) as vault:
        assert vault.state == state
        assert len(vault.state.device_seed) == 32


def test_a_claim_template_s_keys_are_kept(tmp_path: Path) -> None:
    claims = StoredClaims("CLAIM_V1", (4000, 6000), 7, b"s" * 32, b"\xf0\x0f", b"secret")
    with_claims = replace(ENROLLMENT, claims=claims)
    pending = PendingEnrollment(with_claims, b"request")
    with Vault.create(tmp_path / "v", PASSPHRASE) as vault:
        state = replace(vault.state, enrollment=with_claims, pending=pending)
        vault.save(state)
    with Vault.open(tmp_path / "v", PASSPHRASE) as vault:
        assert vault.state == state
    assert "f00f" not in repr(state)
    assert "secret" not in repr(claims)


def test_a_vault_from_before_claims_opens() -> None:
    """Its enrolment has no such member."""
    pending = PendingEnrollment(ENROLLMENT, b"request")
    content = json.loads(VaultState(b"d" * 32, ENROLLMENT, pending).to_bytes())
    del content["enrollment"]["claims"], content["pending"]["enrollment"]["claims"]
    opened = VaultState.from_bytes(json.dumps(content).encode())
    assert opened == VaultState(b"d" * 32, ENROLLMENT, pending)
    assert opened.enrollment is not None
    assert opened.enrollment.claims is None


def test_a_vault_from_before_photos_were_kept_opens() -> None:
    content = json.loads(VaultState(b"d" * 32, key_photos=(b"m" * 32, b"n" * 32)).to_bytes())
    assert VaultState.from_bytes(json.dumps(content).encode()).key_photos == (b"m" * 32, b"n" * 32)
    del content["key_photos"], content["proof_photos"]
    assert VaultState.from_bytes(json.dumps(content).encode()) == VaultState(b"d" * 32)


def test_a_vault_from_before_camera_keys_were_kept_opens() -> None:
    by_key = replace(ENROLLMENT, helper_sha256=b"h" * 32, camera_key=b"c" * 32)
    state = VaultState(b"d" * 32, by_key, PendingEnrollment(by_key, b"request"))
    assert VaultState.from_bytes(state.to_bytes()) == state
    content = json.loads(state.to_bytes())
    del content["enrollment"]["camera_key"], content["pending"]["enrollment"]["camera_key"]
    opened = VaultState.from_bytes(json.dumps(content).encode())
    assert opened.enrollment == replace(by_key, camera_key=b"")


def test_wrong_passphrase(tmp_path: Path) -> None:
    Vault.create(tmp_path / "v", PASSPHRASE).close()
    with pytest.raises(VaultError, match="passphrase is wrong"):
        Vault.open(tmp_path / "v", "correct house")
    Vault.open(tmp_path / "v", PASSPHRASE).close()  # the failure released the lock


@pytest.mark.parametrize("passphrase", ["", None])
def test_no_passphrase(tmp_path: Path, passphrase: str | None) -> None:
    with pytest.raises(VaultError, match="needs a passphrase"):
        Vault.create(tmp_path / "v", passphrase)
    assert not (tmp_path / "v").exists()


@pytest.mark.parametrize("place", [len(MAGIC) + 1, len(MAGIC) + 20, 60, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    Vault.create(tmp_path / "v", PASSPHRASE).close()
    file = tmp_path / "v" / FILE
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(VaultError, match="file was changed"):
        Vault.open(tmp_path / "v", PASSPHRASE)


@pytest.mark.parametrize("content", [b"", b"grainseal", MAGIC, MAGIC + b"P" + bytes(20), b"x" * 99])
def test_a_file_that_is_no_vault(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(VaultError):
        Vault.open(tmp_path, PASSPHRASE)


def test_nothing_readable_and_nobody_else_may_read(tmp_path: Path) -> None:
    with Vault.create(tmp_path / "v", PASSPHRASE) as vault:
        vault.save(replace(vault.state, enrollment=ENROLLMENT))
        sealed = (tmp_path / "v" / FILE).read_bytes()
        assert vault.state.device_seed not in sealed
    assert b"alice" not in sealed
    assert stat.S_IMODE((tmp_path / "v").stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "v").iterdir()} == {0o600}


def test_every_save_has_a_fresh_nonce(tmp_path: Path) -> None:
    with Vault.create(tmp_path / "v", PASSPHRASE) as vault:
        first = (tmp_path / "v" / FILE).read_bytes()
        vault.save(vault.state)
    assert (tmp_path / "v" / FILE).read_bytes() != first


def test_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one stretches the passphrase as everybody but these tests does."""
    monkeypatch.setattr("grainseal.client.sealing._SCRYPT_N", 2**17)
    program = "import sys; from grainseal.client import Vault; Vault.open(*sys.argv[1:])"
    command = [sys.executable, "-c", program, str(tmp_path / "v"), PASSPHRASE]
    with Vault.create(tmp_path / "v", PASSPHRASE):
        other = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert "VaultError: another process is using the vault" in other.stderr
    assert subprocess.run(command, timeout=60).returncode == 0


def test_a_crash_while_saving_leaves_the_old_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Vault.create(tmp_path / "v", PASSPHRASE) as vault:
        before = vault.state

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(VaultError, match="No space left"):
            vault.save(replace(before, enrollment=ENROLLMENT))
        assert vault.state == before
    monkeypatch.undo()
    assert [each.name for each in (tmp_path / "v").glob(".*")] == []
    with Vault.open(tmp_path / "v", PASSPHRASE) as vault:
        assert vault.state == before


def test_where_a_vault_can_be_made(tmp_path: Path) -> None:
    Vault.create(tmp_path / "v", PASSPHRASE).close()
    with pytest.raises(VaultError, match="already"):
        Vault.create(tmp_path / "v", PASSPHRASE)
    with pytest.raises(VaultError, match="other files"):
        Vault.create(tmp_path, PASSPHRASE)
    with pytest.raises(VaultError, match="cannot make"):
        Vault.create(tmp_path / "v" / FILE / "below", PASSPHRASE)
    with pytest.raises(VaultError, match="enrol first"):
        Vault.open(tmp_path / "nowhere", PASSPHRASE)
    assert not (tmp_path / "nowhere").exists()


def test_two_processes_do_not_make_the_same_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = vaults._locked

    def late(folder: Path) -> int:
        """The lock, after another process has made its vault and gone."""
        monkeypatch.undo()
        Vault.create(folder, PASSPHRASE).close()
        return real(folder)

    monkeypatch.setattr(vaults, "_locked", late)
    with pytest.raises(VaultError, match="already"):
        Vault.create(tmp_path / "v", "another passphrase")
    Vault.open(tmp_path / "v", PASSPHRASE).close()  # the first one stands, and is not locked


def test_threads_lose_no_change(tmp_path: Path) -> None:
    def count(_: int) -> None:
        def change(state: VaultState) -> VaultState:
            assert state.enrollment is not None
            more = state.enrollment.openings + 1
            return replace(state, enrollment=replace(state.enrollment, openings=more))

        vault.update(change)

    with Vault.create(tmp_path / "v", PASSPHRASE) as vault:
        vault.save(replace(vault.state, enrollment=replace(ENROLLMENT, openings=0)))
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(count, range(20)))
    with Vault.open(tmp_path / "v", PASSPHRASE) as vault:
        assert vault.state.enrollment is not None
        assert vault.state.enrollment.openings == 20


def test_an_enrolment_on_its_way_is_not_written_over() -> None:
    first = PendingEnrollment(ENROLLMENT, b"one")
    sent = VaultState(b"s" * 32).begun(first)
    assert sent.pending == first
    assert sent.begun(first) == sent  # the same again, after a crash
    with pytest.raises(VaultError, match="has just been sent"):
        sent.begun(PendingEnrollment(replace(ENROLLMENT, enrollment_id="e2"), b"two"))
    assert sent.completed(first).begun(PendingEnrollment(ENROLLMENT, b"two")).pending is not None


def test_the_end_of_an_enrolment_touches_no_other() -> None:
    used = replace(ENROLLMENT, openings=9)
    other = replace(ENROLLMENT, enrollment_id="e2")
    done = PendingEnrollment(ENROLLMENT, b"request")
    pending = VaultState(b"s" * 32, None, done)
    assert pending.completed(done) == VaultState(b"s" * 32, ENROLLMENT)
    assert pending.without_pending(done) == VaultState(b"s" * 32)
    for state in (
        VaultState(b"s" * 32, used),
        VaultState(b"s" * 32, used, replace(done, enrollment=other)),
    ):
        assert state.completed(done) == state  # else the openings would be counted anew
        assert state.without_pending(done) == state
    assert VaultState(b"s" * 32, used).without(ENROLLMENT) == VaultState(b"s" * 32)
    assert VaultState(b"s" * 32, other).without(ENROLLMENT) == VaultState(b"s" * 32, other)


@pytest.mark.parametrize(("made", "typed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_passphrase_from_another_keyboard(tmp_path: Path, made: str, typed: str) -> None:
    passphrase = "Grüße aus Malmö"
    Vault.create(tmp_path / "v", unicodedata.normalize(made, passphrase)).close()
    Vault.open(tmp_path / "v", unicodedata.normalize(typed, passphrase)).close()


def test_a_closed_vault_is_not_written(tmp_path: Path) -> None:
    vault = Vault.create(tmp_path / "v", PASSPHRASE)
    vault.close()
    with pytest.raises(VaultError, match="closed"):
        vault.save(vault.state)


def test_secrets_do_not_show_in_print(tmp_path: Path) -> None:
    state = VaultState(b"s" * 32, ENROLLMENT)
    shown = repr(state)
    assert "ssss" not in shown
    assert "kkkk" not in shown
    assert "secretsecret" not in shown


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that lives as long as the test."""

    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_a_key_in_the_keyring(tmp_path: Path) -> None:
    before = keyring.get_keyring()
    kept = MemoryKeyring()
    keyring.set_keyring(kept)
    try:
        Vault.create(tmp_path / "v", use_keyring=True).close()
        assert not Vault.needs_passphrase(tmp_path / "v")
        Vault.open(tmp_path / "v").close()
        kept.kept.clear()
        with pytest.raises(VaultError, match="keyring has no key"):
            Vault.open(tmp_path / "v")
        keyring.set_keyring(keyring.backends.fail.Keyring())
        with pytest.raises(VaultError, match="use a passphrase"):
            Vault.create(tmp_path / "w", use_keyring=True)
        keyring.set_keyring(keyring.backends.null.Keyring())
        with pytest.raises(VaultError, match="did not keep the key"):
            Vault.create(tmp_path / "w", use_keyring=True)
        assert not (tmp_path / "w").exists()
    finally:
        keyring.set_keyring(before)


def test_a_vault_into_which_nothing_was_enrolled_goes_again(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    with Vault.create(folder, "first words") as vault:
        vault.discard_if_empty()
    assert not Vault.exists(folder)
    with Vault.create(folder, "other words") as vault:
        assert vault.state.enrollment is None
