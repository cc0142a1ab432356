"""A time stamp is believed for one note, by an authority of the given root."""

import random
import subprocess
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest
from tests.crypto.authority import Authority

from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.timestamps import MAX_STAMP_BYTES, read_stamp, stamp_request, verify_stamp

NOTE = b"a signed note\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.fixture(scope="module")
def stamp(authority):
    return authority.answer(stamp_request(NOTE))


def test_a_true_stamp(authority, stamp):
    when = verify_stamp(stamp, NOTE, authority.root)
    assert when == read_stamp(stamp, NOTE)
    assert abs(datetime.now(timezone.utc) - when) < timedelta(minutes=5)


def test_openssl_agrees(authority, stamp, tmp_path):
    (tmp_path / "note").write_bytes(NOTE)
    (tmp_path / "stamp").write_bytes(stamp)
    line = ["openssl", "ts", "-verify", "-data", "note", "-in", "stamp", "-CAfile"]
    done = subprocess.run([*line, authority.root_file], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_request_tells_a_hash_and_is_the_same_each_time():
    assert stamp_request(NOTE) == stamp_request(NOTE)
    assert NOTE not in stamp_request(NOTE)
    with pytest.raises(MisuseError, match="no note"):
        stamp_request(b"")


def test_a_stamp_of_another_note(authority, stamp):
    for read in (read_stamp, partial(verify_stamp, root_pem=authority.root)):
        with pytest.raises(VerificationFailed, match="over something else than this checkpoint"):
            read(stamp, NOTE + b"\n")


def test_a_stamp_over_another_kind_of_hash(tmp_path):
    """SHA-384 is a good hash; the protocol says SHA-256, so that all verifiers read one thing."""
    other = Authority(tmp_path / "other", digests="sha256, sha384")
    request = ["openssl", "ts", "-query", "-sha384", "-cert", "-data", "/dev/stdin"]
    asked = subprocess.run(request, input=NOTE, check=True, capture_output=True).stdout
    with pytest.raises(VerificationFailed, match="something else"):
        read_stamp(other.answer(asked), NOTE)


def test_an_authority_of_another_root(stamp, tmp_path):
    other = Authority(tmp_path / "other")
    with pytest.raises(VerificationFailed, match="not by an authority of this root"):
        verify_stamp(stamp, NOTE, other.root)


@pytest.mark.parametrize("usage", ["critical,serverAuth", "timeStamping"])
def test_a_certificate_under_the_root_that_is_not_for_stamps(authority, usage):
    """Neither one for servers, nor one where the purpose may be passed over (RFC 3161, 2.3)."""
    true = authority.answer_for("critical,timeStamping", stamp_request(NOTE))
    verify_stamp(true, NOTE, authority.root)
    stamp = authority.answer_for(usage, stamp_request(NOTE))
    with pytest.raises(
        VerificationFailed, match="not by an authority of this root: unsuitable certificate"
    ):
        verify_stamp(stamp, NOTE, authority.root)


def test_a_refusal_is_told(tmp_path):
    refusing = Authority(tmp_path / "refusing", digests="sha512")
    with pytest.raises(VerificationFailed, match=r"did not stamp it \(status 2\): .*digest"):
        read_stamp(refusing.answer(stamp_request(NOTE)), NOTE)


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"<html>not found</html>", b"\x30\x80" * 50])
def test_what_is_no_stamp(data):
    with pytest.raises(MalformedMessage, match="not a time stamp response"):
        read_stamp(data, NOTE)


def test_bounds_and_misuse(authority, stamp):
    with pytest.raises(MalformedMessage, match="at most"):
        read_stamp(bytes(MAX_STAMP_BYTES + 1), NOTE)
    for root in (b"", b"nonsense", stamp):
        with pytest.raises(MisuseError, match="root certificate"):
            verify_stamp(stamp, NOTE, root)


def test_no_changed_byte_says_another_time(authority, stamp):
    """A changed stamp fails in one of our two ways, or says exactly what the true one says."""
    true, root, choose = read_stamp(stamp, NOTE), authority.root, random.Random(7)
    failed = 0
    for _ in range(300):
        changed = bytearray(stamp)
        changed[choose.randrange(len(changed))] ^= 1 << choose.randrange(8)
        try:
            assert verify_stamp(bytes(changed), NOTE, root) == true
        except (MalformedMessage, VerificationFailed):
            failed += 1
    assert failed > 250
