"""What is said of a photo when it is registered: texts as they must be, licences that exist."""

from pathlib import Path

import pytest
from PIL import Image

from grainseal.client.errors import ClientError
from grainseal.client.statements import checked_licence, described
from grainseal.crypto.texts import check_text
from grainseal.models.photo import Photo, read_photo


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Photo:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker\0", "  Model\x07 1 " + "x" * 300
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    file: Path = tmp_path_factory.mktemp("statements") / "photo.jpg"
    Image.new("RGB", (64, 48), (90, 120, 150)).save(file, exif=exif)
    return read_photo(file)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", ""),
        ("  ", ""),
        ("CC-BY-4.0", "CC-BY-4.0"),
        (" cc-by-4.0 ", "CC-BY-4.0"),
        ("MIT or Apache-2.0", "MIT OR Apache-2.0"),
        ("LicenseRef-All-Rights-Reserved", "LicenseRef-All-Rights-Reserved"),
        ("CC0-1.0 OR LicenseRef-mine", "CC0-1.0 OR LicenseRef-mine"),
        ("DocumentRef-a:LicenseRef-b", "DocumentRef-a:LicenseRef-b"),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "GPL-2.0-only WITH Classpath-exception-2.0",
        ),
    ],
)
def test_licences(said: str, kept: str) -> None:
    assert checked_licence(said) == kept


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("CC-BY-4", "SPDX knows no licence 'CC-BY-4'"),
        ("all rights reserved", "LicenseRef-NAME"),
        ("LicenseRef-", "SPDX knows no licence"),
        ("MIT AND", "no licence expression"),
        ("(", "no licence expression"),
        ("Classpath-exception-2.0", "no licence expression"),
        ("\ud800", "no licence expression"),
        (" OR ".join(["LicenseRef-a" + "b" * 60] * 5), "at most 256 characters"),
    ],
)
def test_licences_that_are_none(said: str, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        checked_licence(said)


def test_texts_are_in_one_spelling(photo: Photo) -> None:
    said = described(photo, title=" \ufb01sh \u00e9 ", creator="e\u0301")
    assert (said.title, said.creator) == ("fish \u00e9", "\u00e9")
    assert (said.licence, said.captured_at, said.camera) == ("", "", "")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"title": "x" * 257}, "the title has at most 256 characters"),
        ({"creator": "a\nb"}, "the creator has control or invisible"),
        ({"title": "a\u200bb"}, "invisible"),
        ({"title": "\udce9"}, "invisible"),
        ({"licence": "mine"}, "SPDX"),
    ],
)
def test_texts_that_do_not_fit(photo: Photo, texts: dict[str, str], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        described(photo, **texts)


def test_metadata_are_made_to_fit(photo: Photo) -> None:
    said = described(photo, metadata=True)
    assert said.captured_at == "2024-05-06T07:08:09"
    assert said.camera.startswith("Maker Model 1 xxx")
    assert len(said.camera) == 256
    check_text(said.camera, "camera")
