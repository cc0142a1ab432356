"""Claim proofs of real photos: which are proven, by whom; what a kept claim code gives away."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.claims import CAMERAS, ENROLLED, Paths, _flats, _photos, _scenes
from bench.table import Row
from grainseal.client.claim_coding import new_claim_template, stored_positions
from grainseal.client.claim_photos import DEFAULT_CLAIM_PROFILE
from grainseal.client.errors import NotProvable, PhotosRefused
from grainseal.client.photos import developed_file
from grainseal.client.proving import Asked, best_match
from grainseal.client.vault_state import StoredClaims
from grainseal.crypto.claim_proof import MARGIN_SHARE
from grainseal.crypto.profiles import claim_profile_named
from grainseal.crypto.proof.commitment import Commitment, CommittedCode, commit, usual_block
from grainseal.crypto.proof.score_proof import prove_score, verify_score
from grainseal.models.alignment import Placement, copy_features
from grainseal.models.claim_code import claim_for
from grainseal.models.claims import claim_probe
from grainseal.models.codes import code_for, features, keyed_mask, select_positions
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Fingerprint, estimate
from grainseal.models.photo import read_photo

SECTION = f"claim proofs of real photos, {DEFAULT_CLAIM_PROFILE}, 6 flats enrolled"
NEEDED = 6  # of the seven scenes
ACCEPTED = 5.5  # AUTH_JPEG_V1
WHOLE = Placement((1.0, 1.0))


@dataclass(frozen=True)
class Enrolled:
    """What a vault keeps of a camera's claim template, and its public commitment."""

    claims: StoredClaims
    secret: CommittedCode
    commitment: Commitment


def rows() -> list[Row]:
    """None of them without real photos."""
    folder = _photos()
    if folder is None:
        return [Row(SECTION, "real photos", "none: set GRAINSEAL_PHOTOS")]
    nikon = folder / "nikon"
    enrolled = {camera: enrol(_flats(nikon, camera)[:ENROLLED]) for camera in CAMERAS}
    table, proven, others = [], 0, 0
    for camera in CAMERAS:
        for path in _scenes(nikon, camera):
            row = _own_row(path, enrolled[camera])
            proven += row.ok is True
            strangers = [each for name, each in enrolled.items() if name != camera]
            others += sum(_matches(path, each) for each in strangers)
            table.append(Row(SECTION, row.name, row.value))
    count = len(table)
    return [
        *table,
        Row(SECTION, "proven by their own camera", f"{proven} of {count}", "6", proven >= NEEDED),
        Row(SECTION, "provable by another camera", f"{others} of {2 * count}", "0", others == 0),
        _rounding_row(_scenes(nikon, CAMERAS[1])[0], enrolled[CAMERAS[1]]),
        *(_kept_row(camera, _flats(nikon, camera), enrolled[camera]) for camera in CAMERAS),
    ]


def enrol(paths: Paths) -> Enrolled:
    """A camera's claim template and the commitment to it, as a device makes them."""
    profile = claim_profile_named(DEFAULT_CLAIM_PROFILE)
    extractor = get_extractor(claim_for(profile.name).extractor)
    made = new_claim_template(estimate(map(read_photo, paths), extractor), profile)
    claims = StoredClaims(made.profile, made.frame, 0, made.seed, made.positions, b"")
    secret = CommittedCode(made.code, bytes(32), usual_block(made.code.size))
    return Enrolled(claims, secret, commit(secret))


def _own_row(path: Path, own: Enrolled) -> Row:
    """Proof and its verification; `ok` is whether there is one."""
    try:
        match = best_match(Asked(developed_file(path, "")), own.claims, own.secret)
    except NotProvable as error:
        return Row(SECTION, path.stem, f"not provable: {error}", ok=False)
    probe, window, said = match.probe, match.window, hashlib.sha256(path.read_bytes()).digest()
    score = int(own.secret.code.astype(np.int64) @ probe.astype(np.int64))
    root = float(np.sqrt(np.square(probe, dtype=np.int64).sum()))
    start = time.process_time()
    proof = prove_score(own.secret, own.commitment, probe, window, said)
    made = time.process_time()
    verify_score(own.commitment, probe, window, said, proof)
    checked = time.process_time()
    value = (
        f"z = {score / root:.1f}, proven z >= {window.low / root:.2f}; "
        f"{made - start:.1f} s, verified in {checked - made:.2f} s, {len(proof):,} bytes"
    )
    return Row(SECTION, path.stem, value, ok=True)


def _matches(path: Path, other: Enrolled) -> bool:
    try:
        best_match(Asked(developed_file(path, "")), other.claims, other.secret)
    except (NotProvable, PhotosRefused):  # the latter: a photo of another size
        return False
    return True


def _rounding_row(path: Path, own: Enrolled) -> Row:
    """What another processor's arithmetic changes: numpy without its newer instructions."""
    spec, frame, photo = claim_for(own.claims.profile), own.claims.frame, read_photo(path)
    positions, seed = stored_positions(own.claims), own.claims.seed
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "features.npy"
        known = np._core._multiarray_umath.__cpu_dispatch__
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(known)}
        line = [sys.executable, "-W", "ignore", "-m", "bench.proof_photos", str(path), str(other)]
        subprocess.run(line, check=True, env=environment)
        theirs = claim_probe(np.load(other), positions, spec, seed)
    ours = claim_probe(copy_features(photo, WHOLE, frame, spec), positions, spec, seed)
    distance = int(np.abs(ours.astype(np.int64) - theirs).sum())
    allowed = spec.length // MARGIN_SHARE
    name = f"{path.stem}: steps to a probe by numpy's plainest loops"
    return Row(
        SECTION, name, f"{distance} in {spec.length:,}", f"<= {allowed}", distance <= allowed
    )


def _kept_row(camera: str, flats: Paths, own: Enrolled) -> Row:
    """How far the claim code that a vault keeps for proofs would pass for the camera itself."""
    spec, claims = code_for("AUTH_JPEG_V1"), own.claims
    claim_spec = claim_for(claims.profile)
    enrolled = features(estimate(map(read_photo, flats[:6]), get_extractor(spec.extractor)), spec)
    grid = np.zeros([side // claim_spec.step for side in claims.frame], np.float32)
    signs = own.secret.code * keyed_mask(claim_spec, claims.seed)
    grid.ravel()[stored_positions(claims)] = signs
    plane = np.zeros(claims.frame, np.float32)
    whole = np.kron(grid, np.ones((claim_spec.step,) * 2, np.float32))
    plane[: whole.shape[0], : whole.shape[1]] = whole
    chosen = select_positions(enrolled, spec)
    guessed = features(Fingerprint(plane, "developed", 6), spec)[chosen]
    score = float(np.sign(enrolled[chosen]) @ np.sign(guessed)) / spec.length**0.5
    value = f"{score:.1f} where {ACCEPTED} is asked"
    return Row(SECTION, f"{camera}: the kept code as an authentication", value)


def _keep_features(photo: str, file: str) -> None:
    """What `_rounding_row` runs in a process of its own."""
    read, spec = read_photo(Path(photo)), claim_for(DEFAULT_CLAIM_PROFILE)
    np.save(file, copy_features(read, WHOLE, read.shape, spec))


if __name__ == "__main__":
    _keep_features(*sys.argv[1:])
