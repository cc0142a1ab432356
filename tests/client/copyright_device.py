"""A device with a claim template at a real service, for tests of registrations and claims."""

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import zoom

from grainseal.client import Client, Vault
from grainseal.client.photos import extract_for, fingerprint_of
from grainseal.client.vault_state import StoredClaims
from grainseal.crypto.profiles import TESTING
from grainseal.models.claim_code import claim_for
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.simulator import VirtualCamera
from grainseal.models.simulator.develop import develop
from grainseal.models.simulator.scene import flat_scene
from grainseal.models.simulator.writers import write_jpeg

PASSPHRASE = "correct horse"

WITH_CLAIMS: dict[str, Any] = {
    "profile": "TESTING",
    "claims": True,
    "claim_profile": "CLAIM_TESTING",
}


@cache
def auth_print(photos: tuple[Path, ...]) -> Fingerprint:
    """The photos' fingerprint for TESTING."""
    return fingerprint_of(photos, TESTING)


@cache
def claim_print(photos: tuple[Path, ...]) -> Fingerprint:
    """The photos' fingerprint for CLAIM_TESTING."""
    return extract_for(photos, claim_for("CLAIM_TESTING"))


class ClaimDevice:
    """A vault of its own and a client for it; a context manager."""

    def __init__(self, service, folder: Path, **options: Any) -> None:
        self.vault = Vault.create(folder, PASSPHRASE)
        self.client = Client(service.local.address, service.local.ca, self.vault, **options)
        self._service = service

    def enroll(self, photos: list[Path], **options: Any):
        """With a claim template, from files that are read anew."""
        ticket = self._service.ticket("alice")
        return self.client.enroll("alice", ticket, photos, **WITH_CLAIMS, **options)

    def enroll_quickly(
        self, photos: list[Path], subject: str = "alice", claims: bool = True, **options: Any
    ):
        """The same, from files that may have been read for another test."""
        ticket, chosen = self._service.ticket(subject), {"profile": "TESTING"}
        if claims:
            chosen = {**WITH_CLAIMS, "claim_photos": claim_print(tuple(photos))}
        return self.client.enroll(subject, ticket, auth_print(tuple(photos)), **chosen, **options)

    @property
    def claims(self) -> StoredClaims:
        enrolled = self.vault.state.enrollment
        assert enrolled is not None
        assert enrolled.claims is not None
        return enrolled.claims

    def __enter__(self) -> "ClaimDevice":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.vault.close()


def jpeg(photo: Path, file: Path, quality: int = 90) -> Path:
    """The photo saved again, as a web site would."""
    data = io.BytesIO()
    with Image.open(photo) as image:
        image.save(data, "JPEG", quality=quality)
    file.write_bytes(data.getvalue())
    return file


def taken(folder: Path, seed: int, camera: int = 101) -> Path:
    """One more photo of a camera: clouds, others for each seed.

    Even enough for a small code, and with a perceptual hash that a copy has too.
    """
    virtual, rng = VirtualCamera(camera, 512, 512), np.random.default_rng(seed)
    clouds = zoom(rng.uniform(-1, 1, (16, 16)), 32, order=3).astype(np.float32)
    scene = flat_scene(512, 512, seed) * (1 + np.float32(0.3) * clouds[:, :, None])
    frame = virtual.photograph(np.clip(scene, 0, 1), 100, seed)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"clouds_{camera}_{seed}.jpg"
    return write_jpeg(file, develop(frame), virtual.make, virtual.model, 100)
