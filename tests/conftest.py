"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def photos_folder() -> Path | None:
    """Folder of real photos, or None: GRAINSEAL_PHOTOS, else ../shared/data beside the clone."""
    named = os.environ.get("GRAINSEAL_PHOTOS")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def photos_root() -> Path:
    """Folder of real photos; the test is skipped without it."""
    folder = photos_folder()
    if folder is None:
        pytest.skip("no real photos: set GRAINSEAL_PHOTOS to a folder with nikon/ and canon/")
    return folder
