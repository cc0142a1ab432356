"""A real photo, registered and claimed: whose camera it was, and what the service keeps of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.real_photos import ENROLLED, RealPhotos

from grainseal.client import Client, RegistrationInfo, Vault
from grainseal.client.claim_photos import DEFAULT_CLAIM_PROFILE
from grainseal.client.demo_service import LocalService
from grainseal.crypto.certificate import ClaimStatement
from grainseal.crypto.profiles import AUTH_JPEG_V1
from grainseal.models.claim_code import claim_for
from grainseal.models.codes import code_for
from grainseal.models.photo import read_photo
from grainseal.models.wavelet import residual
from grainseal.server import admin

pytestmark = pytest.mark.photos

OWNER, OTHER = "Nikon_D70_1", "Nikon_D70_0"
# A natural photo of OWNER, and what it is called.
PHOTO, TITLE = "Nikon_D70_1_20891.JPG", "Regatta on the second Sunday"
PARTY = "shop"
EXTRACTOR = code_for(AUTH_JPEG_V1.name).extractor


class Nikon:
    """A real camera with a vault of its own, enrolled from six flats."""

    def __init__(
        self, service: LocalService, key: str, photos: RealPhotos, name: str, vault: Vault
    ) -> None:
        self.vault, self.client = vault, Client(service.address, service.ca, vault)
        self.client.enroll(
            "owner",
            service.ticket("owner", key),
            photos.enrolled(name, EXTRACTOR),
            claims=True,
            claim_photos=photos.enrolled(name, claim_for(DEFAULT_CLAIM_PROFILE).extractor),
            profile="AUTH_JPEG_V1",
        )
        self.fresh = photos.fingerprint(photos.flats(name)[ENROLLED : ENROLLED + 1], EXTRACTOR)

    def __enter__(self) -> "Nikon":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()


@dataclass(frozen=True)
class Story:
    """A photo that was registered, two copies of it, and three claims: `full` and `small` by its
    owner, the latter with the original, `foreign` by the other camera."""

    photo: Path
    copies: list[Path]
    registered: RegistrationInfo
    full: ClaimStatement
    small: ClaimStatement
    foreign: ClaimStatement
    service: LocalService


@pytest.fixture(scope="module")
def story(real_photos: RealPhotos, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    [photo] = (each for each in real_photos.scenes(OWNER) if each.name == PHOTO)
    full = copy_of(photo, folder / "full.jpg", 1, 90)
    small = copy_of(photo, folder / "small.jpg", 0.5, 75)
    with (
        LocalService(folder / "service" / "data", "--workers", "1") as service,
        ExitStack() as held,
    ):
        key, cameras = admin.add_relying_party(service.data, PARTY), []
        for name in (OWNER, OTHER):
            vault = held.enter_context(Vault.create(folder / name, "secret words"))
            cameras.append(held.enter_context(Nikon(service, key, real_photos, name, vault)))
        owner, other = cameras
        registered = owner.client.register(photo, title=TITLE, upload=True)
        yield Story(
            photo,
            [full, small],
            registered,
            owner.client.claim(full, owner.fresh).statement,
            owner.client.claim(small, owner.fresh, original=photo).statement,
            other.client.claim(full, other.fresh).statement,
            service,
        )


def copy_of(photo: Path, file: Path, scale: float, quality: int) -> Path:
    """As a web site would show it."""
    with Image.open(photo) as image:
        size = (round(image.width * scale), round(image.height * scale))
        image.resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=quality)
    return file


def test_a_copy_of_full_size_is_proven_without_the_original(story: Story) -> None:
    said = story.full
    assert said.verdict == "proven", said.reasons
    assert (said.findings.copy, said.findings.control) == ("match", "no match")
    assert said.registration is not None
    assert said.registration.registration_id == story.registered.registration_id
    assert said.registration.grade == "camera-verified"
    assert float(said.false_match_probability) <= 1e-4


def test_a_small_copy_is_proven_by_its_original(story: Story) -> None:
    said = story.small
    assert said.verdict == "proven", said.reasons
    assert said.findings.original == "match"
    assert said.placement is not None
    assert said.placement.scale == ("0.5000", "0.5000")


def test_another_camera_of_the_model_is_rejected(story: Story) -> None:
    said = story.foreign
    assert said.verdict == "rejected", said.reasons
    assert (said.findings.copy, said.registration) == ("no match", None)
    assert [each.registration_id for each in said.competing] == [story.registered.registration_id]


def test_nothing_of_the_photos_is_left_with_the_service(story: Story) -> None:
    """Last: the service is stopped, so that all that it has is in its files."""
    story.service.stop()
    data = story.service.data
    files = [each for each in data.parent.rglob("*") if each.is_file()]
    stored = b"\n".join(each.read_bytes() for each in files)
    assert story.registered.registration_id.encode() in stored, "the search looks at its files"
    pixels = read_photo(story.photo)
    sent = [each.read_bytes() for each in (story.photo, *story.copies)]
    made = [pixels.pixels.tobytes(), residual(pixels.plane(1)).tobytes()]
    for secret in (*sent, *made):
        for start in np.linspace(len(secret) // 10, len(secret) - 64, 64).astype(int):
            assert secret[start : start + 64] not in stored


def test_the_log_has_a_commitment_and_no_title(story: Story) -> None:
    with closing(sqlite3.connect(story.service.data / "grainseal.db")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master")]
        log = [f"log_{name}" for name in ("head", "leaves", "nodes", "openings")]
        assert set(log) == {name for name in names if name.startswith("log_")}
        columns = [row[1] for row in database.execute("PRAGMA table_info(log_leaves)")]
        said = [row for name in log for row in database.execute(f"SELECT * FROM {name}")]
        entries = [entry for (entry,) in database.execute("SELECT entry FROM registrations")]
    assert columns == ["leaf_index", "kind", "commitment", "leaf_hash"]
    texts = b" ".join(v if isinstance(v, bytes) else str(v).encode() for row in said for v in row)
    assert b"registration" in texts
    assert TITLE.encode() in b"".join(entries), "beside the log, from where it can be erased"
    assert TITLE.encode() not in texts
