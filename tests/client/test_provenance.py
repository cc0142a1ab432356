"""A manifest carries the receipt, C2PA's own reader finds it valid, and no network is asked."""

import contextlib
import datetime as dt
import io
import json
import socket
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.client import evidence_cases as cases

from grainseal import __version__
from grainseal.client import provenance, provenance_keys
from grainseal.client.errors import ClientError
from grainseal.client.provenance import verify_provenance, with_manifest
from grainseal.client.provenance_keys import Credential, read_credential, vault_credential
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.receipts import parse_receipt
from grainseal.models.photo import read_photo

c2pa = pytest.importorskip("c2pa")
JPEG = "image/jpeg"


@pytest.fixture(scope="module")
def credential(tmp_path_factory: pytest.TempPathFactory) -> Credential:
    return vault_credential(tmp_path_factory.mktemp("vault"))


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return cases.picture(tmp_path / "dunes.jpg", quality=95)


def signed_by(credential: Credential, photo: Path, kind: str = JPEG) -> bytes:
    return with_manifest(photo.read_bytes(), kind, cases.registered(photo), "Dunes", credential)


def manifest_in(photo: bytes) -> dict:
    with c2pa.Reader(JPEG, io.BytesIO(photo)) as reader:
        report = json.loads(reader.json())
    return report["manifests"][report["active_manifest"]]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_the_receipt_comes_back_and_the_pixels_stay(
    credential: Credential, tmp_path: Path, suffix: str
) -> None:
    photo = cases.picture(tmp_path / f"dunes.{suffix}")
    kind = provenance.media_type_of(photo.read_bytes())
    assert kind is not None
    made = signed_by(credential, photo, kind)
    assert provenance.suffix_of(made) == f".{suffix}"
    found = verify_provenance(made, kind)
    assert parse_receipt(found.receipt) == cases.registered(photo)
    assert (read_photo(made).pixels == read_photo(photo).pixels).all()
    assert made != photo.read_bytes()


def test_what_the_manifest_says(credential: Credential, original: Path) -> None:
    said = manifest_in(signed_by(credential, original))
    generator = said["claim_generator_info"][0]
    assert (generator["name"], generator["version"]) == ("grainseal", __version__)
    labels = {each["label"]: each for each in said["assertions"]}
    actions = [each["action"] for each in labels["c2pa.actions.v2"]["data"]["actions"]]
    assert actions == ["c2pa.opened", "c2pa.published"]
    assert labels[provenance.ASSERTION]["data"]["entry"]["registration_id"] == "r1"
    assert [each["relationship"] for each in said["ingredients"]] == ["parentOf"]


def test_an_unknown_signer_is_accepted_and_said(credential: Credential, original: Path) -> None:
    found = verify_provenance(signed_by(credential, original), JPEG)
    assert (found.state, found.trusted) == ("Valid", False)
    assert "does not know its signer (grainseal development signer)" in found.sentence


def test_an_earlier_manifest_stays(credential: Credential, original: Path, tmp_path: Path) -> None:
    once = tmp_path / "once.jpg"
    once.write_bytes(signed_by(credential, original))
    twice = signed_by(credential, once)
    with c2pa.Reader(JPEG, io.BytesIO(twice)) as reader:
        assert len(json.loads(reader.json())["manifests"]) == 2
    entry = parse_receipt(verify_provenance(twice, JPEG).receipt).entry
    assert entry == cases.registered(once).entry


def test_a_manifest_elsewhere_is_not_fetched(
    credential: Credential, original: Path, tmp_path: Path
) -> None:
    """A photo that names an address for its manifest: nobody asks there, to read or to sign it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/dunes.c2pa"
        photo = tmp_path / "elsewhere.jpg"
        photo.write_bytes(foreign(credential, original, url))
        assert url.encode() in photo.read_bytes()
        with pytest.raises(MalformedMessage):
            verify_provenance(photo.read_bytes(), JPEG)
        with contextlib.suppress(ClientError):
            signed_by(credential, photo)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_changed_photo(credential: Credential, original: Path) -> None:
    made = bytearray(signed_by(credential, original))
    made[-20] ^= 1
    with pytest.raises(VerificationFailed, match="changed after it was signed"):
        verify_provenance(bytes(made), JPEG)


def test_a_manifest_moved_to_another_photo(
    credential: Credential, original: Path, tmp_path: Path
) -> None:
    """The segments of the manifest in front of another photo's."""
    own, made = original.read_bytes(), signed_by(credential, original)
    added = len(made) - len(own)
    start = next(n for n in range(len(own)) if own[n] != made[n])
    other = cases.picture(tmp_path / "other.jpg", 5, quality=95).read_bytes()
    moved = other[:start] + made[start : start + added] + other[start:]
    with pytest.raises((VerificationFailed, MalformedMessage)):
        verify_provenance(moved, JPEG)


def test_a_changed_receipt(credential: Credential, original: Path) -> None:
    made = signed_by(credential, original)
    assert made.count(b"CC-BY-4.0") == 1
    with pytest.raises(VerificationFailed, match="Invalid"):
        verify_provenance(made.replace(b"CC-BY-4.0", b"CC-BY-9.9"), JPEG)


def test_no_manifest_and_no_photo(original: Path) -> None:
    with pytest.raises(MalformedMessage, match="has no C2PA manifest"):
        verify_provenance(original.read_bytes(), JPEG)
    with pytest.raises(MalformedMessage):
        verify_provenance(b"\xff\xd8\xff nothing", JPEG)


def test_a_manifest_without_a_registration(credential: Credential, original: Path) -> None:
    with pytest.raises(MalformedMessage, match="names 0 registrations"):
        verify_provenance(foreign(credential, original), JPEG)


def test_a_file_that_is_not_what_it_is_said_to_be(credential: Credential, original: Path) -> None:
    with pytest.raises(ClientError, match="cannot put a C2PA manifest"):
        with_manifest(b"nothing", JPEG, cases.registered(original), "Dunes", credential)


def test_the_vault_s_certificate_is_made_once_and_private(tmp_path: Path) -> None:
    first, second = vault_credential(tmp_path), vault_credential(tmp_path)
    assert first.chain == second.chain
    assert [each.name for each in tmp_path.iterdir()] == ["c2pa"]
    files = sorted((tmp_path / "c2pa").iterdir())
    assert [each.name for each in files] == ["chain.pem", "key.pem"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_a_configured_certificate_signs(tmp_path: Path, original: Path) -> None:
    """Of another curve, put where the vault's would be."""
    folder = tmp_path / "c2pa"
    folder.mkdir()
    credential = issued(ec.generate_private_key(ec.SECP384R1()), folder)
    assert vault_credential(tmp_path).algorithm == credential.algorithm == "ES384"
    assert verify_provenance(signed_by(credential, original), JPEG).signer == "Ann's studio"


def test_an_ed25519_certificate_signs(tmp_path: Path, original: Path) -> None:
    credential = issued(ed25519.Ed25519PrivateKey.generate(), tmp_path)
    assert credential.algorithm == "ED25519"
    assert verify_provenance(signed_by(credential, original), JPEG).state == "Valid"


def test_credentials_that_do_not_serve(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    with pytest.raises(ClientError, match="cannot read"):
        read_credential(chain, key)
    issued(ec.generate_private_key(ec.SECP256R1()), tmp_path)
    good = key.read_bytes()
    key.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(ClientError, match="is not the key of"):
        read_credential(chain, key)
    key.write_text("nonsense")
    with pytest.raises(ClientError, match="are not PEM files"):
        read_credential(chain, key)
    key.write_bytes(good)
    chain.write_text("")
    with pytest.raises(ClientError, match="are not PEM files"):
        read_credential(chain, key)
    with pytest.raises(ClientError, match=r"no key of P-256"):
        issued(rsa.generate_private_key(65537, 2048), tmp_path)


def foreign(credential: Credential, photo: Path, url: str = "") -> bytes:
    """The photo with somebody else's manifest, or with the address of one."""
    made, chain = io.BytesIO(), credential.chain.decode()
    with c2pa.Builder({"claim_generator_info": [{"name": "other"}], "assertions": []}) as builder:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
        if url:
            builder.set_no_embed()
            builder.set_remote_url(url)
        with c2pa.Signer.from_callback(credential.sign, c2pa.C2paSigningAlg.ES256, chain) as it:
            builder.sign(it, JPEG, io.BytesIO(photo.read_bytes()), made)
    return made.getvalue()


def pem(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def issued(key, folder: Path) -> Credential:
    """`key`'s certificate by an authority of its own, in two files."""
    now = dt.datetime.now(dt.timezone.utc)
    root = ec.generate_private_key(ec.SECP256R1())
    above, own = (
        x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "studio"),
                   x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        for name in ("studio CA", "Ann's studio")
    )  # fmt: skip
    mail = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    authority = provenance_keys._signed(
        provenance_keys._builder(above, above, root, now),
        root,
        x509.BasicConstraints(ca=True, path_length=0),
        [],
    )
    leaf = provenance_keys._signed(
        provenance_keys._builder(own, above, key, now),
        root,
        x509.BasicConstraints(ca=False, path_length=None),
        [mail, identifier],
    )
    chain, file = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in (leaf, authority)))
    file.write_bytes(pem(key))
    return read_credential(chain, file)
