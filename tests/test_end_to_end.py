"""Photos in, a verified decision out, and nothing of the fingerprint on the server's side."""

import json
import os

import numpy as np
import pytest

from grainseal.client import Client, Vault
from grainseal.client.coding import probe_code
from grainseal.client.demo_service import LocalService
from grainseal.client.photos import fingerprint_of
from grainseal.crypto.masking import LoadedKeys, load_code, mask_comparison, unmask_score
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import AUTH_JPEG_V1, TESTING
from grainseal.crypto.tokens import keys_of_jwks, verify_decision
from grainseal.models.codes import CODES, encode, features, select_positions
from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, take_burst
from grainseal.models.wavelet import residual
from grainseal.server import admin


@pytest.fixture(scope="module")
def bursts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    return {
        name: take_burst(VirtualCamera(seed, 512, 512), 10, folder / name, seed=seed)
        for name, seed in (("mine", 1), ("theirs", 2))
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("service") / "data"


@pytest.fixture(scope="module")
def service(data):
    with LocalService(data, "--allow-testing-profiles", "--workers", "1") as service:
        yield service


def every_byte_of(folder):
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def forms_of(code):
    """What a code could look like in a file."""
    bits = (code < 0).astype(np.uint8)
    yield code.tobytes()
    yield bits.tobytes()
    yield code.astype("<i4").tobytes()
    yield code.astype("<i8").tobytes()
    for order in ("big", "little"):
        for flip in (0, 1):
            yield np.packbits(bits ^ flip, bitorder=order).tobytes()
    yield json.dumps(code.tolist()).encode()


def test_the_search_would_find_a_code(tmp_path):
    code = np.random.default_rng(1).choice(np.array([-1, 1], np.int8), 512)
    for i, form in enumerate(forms_of(code)):
        (tmp_path / "leak").write_bytes(b"before" + form + b"after")
        assert any(f[40:104] in every_byte_of(tmp_path) for f in forms_of(code)), i


def test_nothing_of_the_fingerprint_is_on_the_server(service, data, bursts, tmp_path):
    party = "shop"
    ticket = service.ticket("ann", admin.add_relying_party(data, party))
    mine, theirs = bursts["mine"], bursts["theirs"]
    with Vault.create(tmp_path / "vault", "secret words") as vault:
        with Client(service.address, service.ca, vault) as client:
            client.enroll("ann", ticket, mine[:6], profile="TESTING")
            enrolled = vault.state.enrollment
            accepted = client.authenticate(party, mine[6:])
            assert accepted.accepted
            assert not client.authenticate(party, theirs[6:]).accepted
        keys = keys_of_jwks((data / "jwks.json").read_text())
        assert verify_decision(accepted.token, keys, party).subject == "ann"

        # data.log beside the folder: everything that the server wrote to its terminal
        found = every_byte_of(data.parent)
        assert enrolled.enrollment_id.encode() in found, "the search looks at the right files"
        codes = [
            probe_code(fingerprint_of(burst, TESTING), enrolled) for burst in (mine[:6], mine[6:])
        ]
        for code in codes:
            for form in forms_of(code):
                # any run of the code, not only the whole of it
                for start in range(0, len(form) - 64, len(form) // 16):
                    assert form[start : start + 64] not in found
        photo = read_photo(mine[0])
        noise = residual(photo.plane(1))
        strengths = features(fingerprint_of(mine[:6], TESTING), CODES["TESTING"])
        for secret in (noise, noise.astype("<f8"), strengths, photo.pixels):
            raw = np.ascontiguousarray(secret).tobytes()
            for start in range(0, len(raw) - 64, len(raw) // 64):
                assert raw[start : start + 64] not in found
        assert enrolled.code_key not in found
        assert enrolled.homomorphic_secret[1000:1064] not in found


def test_the_vault_at_rest_tells_nothing(tmp_path):
    with Vault.create(tmp_path / "vault", "secret words") as vault:
        seed = vault.state.device_seed
    stored = every_byte_of(tmp_path / "vault")
    assert stored
    assert seed not in stored
    assert oct(os.stat(tmp_path / "vault").st_mode & 0o777) == "0o700"  # noqa: PTH116


def encrypted_score(profile, template, probe):
    key = HomomorphicKey(profile)
    keys = LoadedKeys.from_wire(profile, key.public_keys())
    loaded = [load_code(profile, key.encrypt(code)) for code in (template, probe)]
    sums, masks = mask_comparison(profile, keys, *loaded)
    return unmask_score(profile, masks, key.open(sums))


@pytest.mark.photos
def test_encrypted_scores_of_real_photos_are_the_plain_ones(real_photos):
    """Genuine and impostor, two cameras of one model, the production profile."""
    spec = CODES["AUTH_JPEG_V1"]
    one, again, other = (
        real_photos.fingerprint([real_photos.flats(camera)[number]], spec.extractor)
        for camera, number in (("Nikon_D70_0", 6), ("Nikon_D70_0", 7), ("Nikon_D70_1", 6))
    )
    enrolled = features(one, spec)
    positions = select_positions(enrolled, spec)
    template = encode(enrolled, positions, spec, bytes(32))
    for each in (again, other):
        probe = encode(features(each, spec), positions, spec, bytes(32))
        plain = int(template.astype(int) @ probe.astype(int))
        assert encrypted_score(AUTH_JPEG_V1, template, probe) == plain
