"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.real_photos import RealPhotos

ROOT = Path(__file__).resolve().parent.parent
# Files that take longest, the longest first: started last, one of these would keep one worker busy
# while the others have nothing left to do.
LONG = (
    "models/test_accuracy.py",
    "models/test_claims.py",
    "client/test_demo.py",
    "client/test_real_proofs.py",
    "test_copyright_end_to_end.py",
    "test_readme.py",
    "models/training/systems/test_systems.py",
    "models/training/test_training.py",
    "models/test_fingerprint.py",
    "server/test_claim.py",
    "server/test_claim_attacks.py",
    "server/test_kill.py",
    "client/test_log.py",
    "client/test_claiming.py",
    "client/test_copyright_cli.py",
    "client/test_claim_enrolment.py",
    "client/test_proof_commands.py",
    "client/test_evaluate.py",
    "client/test_fuzzy_enrolment.py",
    "models/test_alignment.py",
    "project/test_package.py",
    "server/test_uploads.py",
    "models/test_quality.py",
    "client/test_cli.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first, all others in their order."""
    items.sort(key=lambda item: rank(item.nodeid))


def rank(nodeid: str) -> int:
    """Place of the first of LONG that the test belongs to."""
    named = nodeid.removeprefix("tests/")
    return next((at for at, name in enumerate(LONG) if named.startswith(name)), len(LONG))


def photos_folder() -> Path | None:
    """Folder of real photos, or None: GRAINSEAL_PHOTOS, else ../shared/data beside the clone."""
    named = os.environ.get("GRAINSEAL_PHOTOS")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session", autouse=True)
def _quick_passphrases() -> Iterator[None]:
    """A vault's passphrase takes .4 s to stretch, and tests open hundreds of vaults."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grainseal.client.sealing._SCRYPT_N", 2**10)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that all its workers see: what one has computed spares another."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def photos_root() -> Path:
    """Folder of real photos; the test is skipped without it."""
    folder = photos_folder()
    if folder is None:
        pytest.skip("no real photos: set GRAINSEAL_PHOTOS to a folder with nikon/ and canon/")
    return folder


@pytest.fixture(scope="session")
def real_photos(photos_root: Path, shared_folder: Path) -> RealPhotos:
    return RealPhotos(photos_root, shared_folder)
