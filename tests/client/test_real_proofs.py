"""Claim proofs of real photos of scenes, by cameras enrolled from flat ones.

Skipped without GRAINSEAL_PHOTOS. `python -m bench proofs` proves all seven and tries more
strangers; here every one is shown to be provable, and one of each D70 is proven.
"""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from tests.real_photos import CAMERAS, RealPhotos

if sys.version_info < (3, 11):
    pytest.skip("claim proofs need Python 3.11", allow_module_level=True)

from grainseal.client.claim_coding import new_claim_template
from grainseal.client.claim_photos import DEFAULT_CLAIM_PROFILE
from grainseal.client.errors import NotProvable
from grainseal.client.photos import developed_file
from grainseal.client.proving import Asked, Match, best_match
from grainseal.client.vault_state import StoredClaims
from grainseal.crypto.claim_proof import MARGIN_SHARE
from grainseal.crypto.profiles import claim_profile_named
from grainseal.crypto.proof.commitment import Commitment, CommittedCode, commit, usual_block
from grainseal.crypto.proof.errors import ProofError
from grainseal.crypto.proof.score_proof import prove_score, verify_score
from grainseal.crypto.proof.window import window_of
from grainseal.models.claim_code import claim_for
from grainseal.models.claim_placement import high_quarters, low_quarters
from grainseal.models.claims import probe_size
from grainseal.models.fingerprint import Fingerprint

pytestmark = pytest.mark.photos
NEEDED = 6  # of the seven scenes


@dataclass(frozen=True)
class Enrolled:
    claims: StoredClaims
    secret: CommittedCode

    @cached_property
    def commitment(self) -> Commitment:
        return commit(self.secret)


def enrol(flats: Fingerprint) -> Enrolled:
    made = new_claim_template(flats, claim_profile_named(DEFAULT_CLAIM_PROFILE))
    claims = StoredClaims(made.profile, made.frame, 0, made.seed, made.positions, b"")
    return Enrolled(claims, CommittedCode(made.code, bytes(32), usual_block(made.code.size)))


@pytest.fixture(scope="module")
def enrolled(real_photos: RealPhotos) -> dict[str, Enrolled]:
    extractor = claim_for(DEFAULT_CLAIM_PROFILE).extractor
    return {camera: enrol(real_photos.enrolled(camera, extractor)) for camera in CAMERAS}


@pytest.fixture(scope="module")
def matches(photos_root: Path, enrolled: dict[str, Enrolled]) -> dict[Path, tuple[str, Match]]:
    """The scenes that their own camera can prove."""
    found = {}
    for camera in CAMERAS:
        for path in sorted((photos_root / "nikon" / "natural" / camera).iterdir()):
            own = enrolled[camera]
            try:
                found[path] = camera, best_match(asked(path), own.claims, own.secret)
            except NotProvable:
                continue
    return found


def asked(path: Path) -> Asked:
    return Asked(developed_file(path, "for a test"))


@pytest.mark.timeout(1200)
def test_scenes_are_provable_by_their_own_camera(matches: dict[Path, tuple[str, Match]]) -> None:
    """Within the window of a proof, narrowed for rounding: whole, upright, one placement."""
    assert len(matches) >= NEEDED
    spec = claim_for(DEFAULT_CLAIM_PROFILE)
    for _, match in matches.values():
        squares = probe_size(match.probe).squares
        accepted = window_of(low_quarters(spec, 1), high_quarters(spec), squares)
        assert match.window == accepted.narrowed(spec.length // MARGIN_SHARE)


@pytest.mark.timeout(1200)
def test_proofs_of_scenes_hold_for_their_photo_only(
    matches: dict[Path, tuple[str, Match]], enrolled: dict[str, Enrolled]
) -> None:
    chosen = {camera: path for path, (camera, _) in matches.items() if "D70" in camera}
    assert set(chosen) == set(CAMERAS[1:])
    proofs = {}
    for camera, path in chosen.items():
        own, match = enrolled[camera], matches[path][1]
        proofs[camera] = prove_score(own.secret, own.commitment, match.probe, match.window, b"s")
    for camera, path in chosen.items():
        match = matches[path][1]
        for maker, proof in proofs.items():
            shown = enrolled[camera].commitment, match.probe, match.window, b"s", proof
            if maker == camera:
                verify_score(*shown)
            else:
                with pytest.raises(ProofError):
                    verify_score(*shown)


@pytest.mark.timeout(1200)
def test_no_scene_is_provable_by_the_other_camera_of_the_model(
    photos_root: Path, enrolled: dict[str, Enrolled]
) -> None:
    other = enrolled["Nikon_D70_1"]
    for path in sorted((photos_root / "nikon" / "natural" / "Nikon_D70_0").iterdir()):
        with pytest.raises(NotProvable):
            best_match(asked(path), other.claims, other.secret)
